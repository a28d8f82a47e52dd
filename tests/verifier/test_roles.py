"""Limits on one pole: alternating current, and the offset at zero, flow through both."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest

from ionto_ir import expression as terms
from ionto_ir.bind import bind_disarmed
from ionto_ir.bind_together import bind_together_disarmed
from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.dry_run import obliging, run
from ionto_ir.expression import integer, integer_reference, less_equal
from ionto_ir.features import features_of
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.observer import violations
from ionto_ir.observer_together import violations_together
from ionto_ir.plan import Channel, Confirm, ForTime, Hold, Plan, Ramp, Requirement, Section, Slope
from ionto_ir.together import run_together
from ionto_ir.waveform import Form, Waveform
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import Outcome, verdict_name
from tests.ir.sealing import rechecked_plan
from tests.treatments import (
    BENCH,
    HERE,
    At,
    Chosen,
    Fixed,
    Keep,
    Leg,
    Move,
    Parameter,
    Repeat,
    Treatment,
    Turn,
    electrode,
    finish,
    limit,
    plan_of,
    plan_with,
)

PROVE_ONLY = Options(margins=False, advice=False)
SLOW = At(500_000)
AC = Waveform(Form.AC, 20_000)
OFFSET = replace(BENCH, tick_ms=500, watchdog_ms=1_500, accuracy_offset_na=30_000)
ANODE_CHARGE = limit(LimitKind.CHARGE_DENSITY, 0, "mC/cm2", role=Role.ANODE)


def leg(na: int, *, negative: bool = False, waveform: Waveform | None = None) -> Leg:
    """Up, ten seconds, and down."""
    return Leg(Move(Fixed(na), SLOW), (Keep("time", 10_000),), SLOW, negative, waveform)


def calm(*parts: Leg, parameters: tuple[Parameter, ...] = ()) -> Treatment:
    """A session that nobody interrupts."""
    return Treatment(parts, parameters, interruptions=0, resume=False, ramp_na_s=1_000_000)


def reached(plan: Plan, bound: Limit, electrode: int | None) -> Fraction:
    """The most that an undisturbed session reaches of a limit at an electrode."""
    alone = replace(plan, limits=(replace(bound, bound=0),))
    done = run(bind_disarmed(alone, {}), obliging({}))
    found = [item.value for item in violations(alone, {}, done.trace) if item.electrode == electrode]
    return max(found, default=Fraction(0))


def words(plan: Plan, bound: Limit, electrode: int | None = None) -> set[str]:
    """What is said of the limit, at one electrode or at all."""
    limited = replace(plan, limits=(*plan.limits, bound))
    report = verify(replace(limited, requires=features_of(limited)), PROVE_ONLY)
    return {
        verdict_name(item.verdict)
        for item in report.findings
        if item.claim.limit == bound and electrode in (None, item.claim.electrode)
    }


def test_alternating_current_is_charge_at_both_poles_however_it_is_directed() -> None:
    plan = plan_of(calm(leg(1_000_000, waveform=AC)), OFFSET)
    for number in range(2):
        most = reached(plan, ANODE_CHARGE, number)
        assert most > 0
        assert words(plan, replace(ANODE_CHARGE, bound=ceil(most) - 1), number) == {"refuted"}
        assert words(plan, replace(ANODE_CHARGE, bound=2 * ceil(most)), number) == {"proved"}


def test_alternating_current_beside_direct_current_the_other_way_counts_at_its_pole_too() -> None:
    plan = plan_of(calm(leg(1_000_000, waveform=AC), leg(500_000, negative=True)), OFFSET)
    for number in range(2):
        most = reached(plan, ANODE_CHARGE, number)
        assert words(plan, replace(ANODE_CHARGE, bound=ceil(most) - 1), number) == {"refuted"}


def test_what_the_offset_adds_at_zero_counts_at_the_declared_pole_of_a_negative_current() -> None:
    plan = plan_of(calm(leg(500_000, negative=True)), OFFSET)
    most = reached(plan, ANODE_CHARGE, 1)
    assert most > 0
    said = words(plan, replace(ANODE_CHARGE, bound=ceil(most) - 1), 1)
    assert said and said != {"proved"}


def test_the_offset_at_zero_flows_through_the_declared_pole_of_a_negative_current() -> None:
    plan = plan_of(calm(leg(500_000, negative=True)), OFFSET)
    for kind in (LimitKind.DENSITY, LimitKind.MEAN_DENSITY, LimitKind.CURRENT):
        bound = limit(kind, 0, "mA/cm2", role=Role.ANODE)
        most = reached(plan, bound, 1)
        assert most > 0
        assert words(plan, replace(bound, bound=ceil(most) - 1), 1) == {"refuted"}
        assert words(plan, replace(bound, bound=ceil(most)), 1) == {"proved"}


def test_a_reversal_at_the_end_of_the_only_round_turns_nothing_in_it() -> None:
    once = Repeat(1, None, (leg(1_000_000), Turn()))
    plan = plan_of(Treatment((once,), interruptions=0, resume=False, ramp_na_s=1_000_000))
    density = limit(LimitKind.DENSITY, 1_000, "mA/cm2", role=Role.ANODE)
    assert words(plan, density, 0) == set()
    assert words(plan, density, 1) == {"refuted"}
    report = verify(replace(plan, limits=(replace(density, bound=10**9),)), PROVE_ONLY)
    assert rechecked_plan(replace(plan, limits=(replace(density, bound=10**9),)), report).faults == ()


def test_a_refuted_limit_on_alternating_current_at_one_pole_is_shown() -> None:
    plan = plan_of(calm(leg(1_000_000, waveform=AC)), OFFSET)
    for kind in (LimitKind.DENSITY, LimitKind.MEAN_DENSITY, LimitKind.CURRENT):
        assert words(plan, limit(kind, 1_000, "mA/cm2", role=Role.ANODE)) == {"refuted"}


def changing(before: Waveform | None, after: Waveform | None) -> Plan:
    """Down from 4 mA to 1 mA in another waveform than that in which it came there."""
    place, high, low = (Section.SESSION, HERE), terms.integer(4_000_000), terms.integer(1_000_000)
    minute = terms.integer(60_000)
    steps = (
        Ramp(high, terms.ZERO, Slope(high, minute), False, 1, *place, before),
        Hold(high, ForTime(minute), 2, *place, before),
        Ramp(low, high, Slope(terms.integer(3_000_000), minute), False, 3, *place, after),
        Ramp(terms.ZERO, low, Slope(low, minute), False, 4, *place, after),
        finish(),
    )
    return plan_with(steps, device=replace(OFFSET, waveforms=("dc", "ac")))


@pytest.mark.parametrize(
    ("before", "after", "kind", "role", "number"),
    [
        (None, AC, LimitKind.PULSE_CHARGE, None, None),
        (None, AC, LimitKind.DENSITY, Role.ANODE, 0),
        (AC, None, LimitKind.MEAN_DENSITY, None, 0),
    ],
)
def test_a_ramp_that_changes_the_waveform_has_the_new_one_from_where_it_begins(
    before: Waveform | None, after: Waveform | None, kind: LimitKind, role: Role | None, number: int | None
) -> None:
    plan, free = changing(before, after), limit(kind, 0, "", role=role)
    most = reached(plan, free, number)
    # Half a second later than where it begins, at 3.975 mA.
    assert words(plan, replace(free, bound=ceil(most) - 1), number) == {"refuted"}
    assert words(plan, replace(free, bound=ceil(most * 102 / 100)), number) == {"proved"}
    assert words(plan, replace(free, bound=ceil(most)), number) == {"undecided"}


def test_a_channel_at_zero_may_add_its_offset_to_a_shared_return() -> None:
    parts = [plan_of(calm(leg(na, negative=na < 2_000_000)), OFFSET) for na in (500_000, 3_000_000)]
    channels = tuple(
        Channel(name, (number, 2), part.steps, 0, HERE)
        for number, (name, part) in enumerate(zip(("left", "right"), parts, strict=True))
    )
    gather = Confirm("all channels have come to their end", 1, Section.SESSION, HERE)
    active = electrode(Place.ACTIVE, Role.CATHODE)
    plan = replace(
        parts[0],
        device=replace(OFFSET, channels=2),
        steps=(gather, finish()),
        counters=0,
        electrodes=(active, active, electrode(Place.RETURN, Role.ANODE)),
        channels=channels,
    )
    at_return = limit(LimitKind.CURRENT, 0, "mA", role=Role.ANODE)
    probe = replace(plan, limits=(at_return,))
    traces = run_together(bind_together_disarmed(probe, {}).channels).traces
    most = max(item.value for item in violations_together(probe, {}, traces))
    assert most == 3_000_000 + 60_000 + 30_000 + 30_000
    assert words(plan, replace(at_return, bound=int(most))) == {"proved"}
    assert "refuted" in words(plan, replace(at_return, bound=int(most) - 1))


def test_where_nobody_can_be_treated_a_failing_number_is_no_contradiction_of_ours() -> None:
    chosen = Parameter("current", 1_000_000, 2_000_000, 100_000, 1_000_000, adjustable=False)
    part = Leg(Move(Chosen("current"), SLOW), (Keep("time", 1_000),), SLOW)
    plan = plan_of(calm(part, leg(3_000_000), parameters=(chosen,)), OFFSET)
    never = Requirement(less_equal(integer_reference("current"), integer(500_000)), "nobody", HERE)
    plan = replace(plan, requirements=(never,))
    plan = replace(plan, limits=(*plan.limits, limit(LimitKind.CURRENT, 2_500_000, "mA")))
    report = verify(plan, PROVE_ONLY)
    assert report.disagreements == ()
    assert report.outcome is Outcome.UNSETTLED
