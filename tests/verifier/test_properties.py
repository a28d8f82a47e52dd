"""Every property has a plan that just keeps it and, one smallest unit further, one that is refuted and
replayed.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ionto_ir import expression as terms
from ionto_ir.bound import worst_na
from ionto_ir.dataclass import replace
from ionto_ir.expression import Operator, compare, less_equal
from ionto_ir.limits import LimitKind, Role
from ionto_ir.plan import Plan, PropertyKind, RuleKind, UserProperty
from ionto_verifier.driver import verify
from ionto_verifier.properties import Property
from ionto_verifier.report import Outcome, verdict_name
from tests.treatments import HERE, Fixed, Keep, Leg, Move, Over, Rest, Tell, limit
from tests.verifier.sessions import (
    CM2,
    CURRENT,
    HOUR,
    MA,
    MA_CM2,
    MA_MIN,
    MINUTE,
    QUICK,
    SECOND,
    aged,
    answered,
    asking,
    current_limit,
    dose_limit,
    excluding,
    finding,
    following,
    limited,
    paused,
    reference,
    refusing,
    requiring,
    session,
    verdict,
    with_areas,
    with_impedance,
)

Twin = Callable[[int], Plan]
"""A plan by how much it is pushed over the edge: 0 is within, 1 is one smallest unit beyond."""


def _current(push: int) -> Plan:
    parameter = replace(CURRENT, hi=2 * MA + push * CURRENT.step)
    return limited(session(level="current", parameters=(parameter,)), current_limit(2 * MA))


def _worst_current(push: int) -> Plan:
    bound = worst_na(2 * MA, 20_000, 10_000) - push
    return limited(session(), current_limit(bound, nominal=False))


def _density(push: int) -> Plan:
    plan = with_areas(session(level="current", parameters=(CURRENT,)), 4 * CM2, 100 * CM2)
    # 2.05 mA over 4 cm2
    bound = worst_na(2 * MA, 20_000, 10_000) * 10**9 // (4 * CM2)
    return limited(plan, limit(LimitKind.DENSITY, bound - push, "mA/cm2", role=Role.CATHODE))


def _ramp(push: int) -> Plan:
    return limited(session(up_ms=4 * SECOND), limit(LimitKind.RAMP, 500_000 - push, "mA/s"))


def _voltage(push: int) -> Plan:
    # 2.05 mA through 10 kOhm is 20.5 V
    return limited(with_impedance(session(), 10_000), limit(LimitKind.VOLTAGE, 20_500 - push, "V"))


def _stop_time(push: int) -> Plan:
    # 50 uA a tick: 2 mA take 40 ticks of 100 ms
    return limited(session(), limit(LimitKind.STOP_TIME, 4 * SECOND - push, "s"))


def _nominal_dose(push: int) -> Plan:
    plan = session(
        Keep("total", MA_MIN), level="current", up_ms=20_000, down_ms=20_000, parameters=(CURRENT,)
    )
    return limited(plan, dose_limit(MA_MIN - push * 10**9, nominal=True))


def _duration(push: int) -> Plan:
    # Undisturbed 30 s; each pause lasts a minute, and the ramp of 10 s begins anew.
    return limited(paused(session(), 2), limit(LimitKind.DURATION, 170 * SECOND - push, "s"))


def _sessions(push: int) -> Plan:
    plan = following(session(), ms=24 * HOUR - push)
    return limited(plan, limit(LimitKind.SESSIONS, 1, "", window_ms=24 * HOUR))


def _dates(push: int) -> Plan:
    plan = following(session(), days=2 - push)
    return limited(plan, limit(LimitKind.SESSIONS, 1, "", window_ms=24 * HOUR))


def _guard(push: int) -> Plan:
    plan = excluding(asking(session(), "pacemaker", "epilepsy"), answered("pacemaker"))
    return refusing(plan, answered("epilepsy" if push else "pacemaker"))


def _guard_by_age(push: int) -> Plan:
    young = compare(Operator.LESS, reference("age"), terms.integer(6))
    return refusing(
        excluding(aged(session()), young),
        compare(Operator.LESS, reference("age"), terms.integer(6 - push)),
    )


def _total(push: int) -> Plan:
    # Up and down over 10 s each, with the rounding of the ticks: 20.1 mA.s at most.
    return limited(session(Keep("total", 20_100_010_000 - push * 2 * 10**8)))


def _charging(push: int) -> Plan:
    parameter = replace(CURRENT, lo=MA * (1 - push))
    return limited(session(Keep("charge", 10**9), level="current", parameters=(parameter,)))


def _range(push: int) -> Plan:
    parameter = replace(CURRENT, hi=4 * MA + push * CURRENT.step)
    return limited(session(level="current", parameters=(parameter,)))


def _grid(push: int) -> Plan:
    parameter = replace(CURRENT, step=10_000 // (1 + push))
    return limited(session(level="current", parameters=(parameter,)))


def _drive(push: int) -> Plan:
    # 2.05 mA and 80 V
    return limited(with_impedance(session(), 39_024 + push))


def _slew(push: int) -> Plan:
    return limited(session(up_ms=2 * SECOND - push))


def _prove(push: int) -> Plan:
    claim = UserProperty(
        PropertyKind.NEVER,
        compare(Operator.GREATER, reference("output.current"), terms.integer(2 * MA - push)),
        None,
        None,
        "never above",
        HERE,
    )
    return replace(limited(session()), properties=(claim,))


def _finished(push: int) -> Plan:
    claim = UserProperty(PropertyKind.FINISHED, None, None, 35 * SECOND - push, "finished within", HERE)
    return replace(limited(session(parts=(Rest(5 * SECOND),))), properties=(claim,))


def _finished_after(push: int) -> Plan:
    """Counted from the end of the rest: the second leg alone."""
    leg = Leg(Move(Fixed(2 * MA), Over(10 * SECOND)), (Keep("time", 10 * SECOND),), Over(10 * SECOND))
    claim = UserProperty(PropertyKind.FINISHED, None, "rest", 30 * SECOND - push, "finished within", HERE)
    return replace(limited(session(parts=(Rest(5 * SECOND), leg))), properties=(claim,))


def _slow_people(push: int) -> Plan:
    """Who is waited for with a bound may take all of it."""
    leg = Leg(Move(Fixed(2 * MA), Over(10 * SECOND)), (Keep("time", 10 * SECOND),), Over(10 * SECOND))
    plan = session(parts=(Tell(60 * SECOND), leg))
    return limited(plan, limit(LimitKind.DURATION, 120 * SECOND - push, "s"))


def _people_apart(push: int) -> Plan:
    """The same without the time of people: nobody is waited for, and the session counts."""
    bound = replace(limit(LimitKind.DURATION, 60 * SECOND - push, "s"), apart=True)
    return limited(_slow_people(0), bound)


def _during(push: int) -> Plan:
    """The lower of two levels, of which alone the line speaks."""
    plan = session(Move(Fixed(3 * MA), Over(5 * SECOND)), Keep("time", 5 * SECOND), level=2 * MA)
    first = replace(plan.steps[0], text="first")
    claim = UserProperty(
        PropertyKind.NEVER,
        compare(Operator.GREATER, reference("output.current"), terms.integer(2 * MA - push)),
        None,
        None,
        "never above",
        HERE,
        during="first",
    )
    return replace(limited(plan), steps=(first, *plan.steps[1:]), properties=(claim,))


def _before(push: int) -> Plan:
    """What flows before the rest, and not the higher current after it."""
    leg = Leg(Move(Fixed(3 * MA), Over(10 * SECOND)), (Keep("time", 10 * SECOND),), Over(10 * SECOND))
    claim = UserProperty(
        PropertyKind.ALWAYS,
        less_equal(reference("output.current"), terms.integer(2 * MA - push)),
        None,
        None,
        "always below",
        HERE,
        before="rest",
    )
    return replace(limited(session(parts=(Rest(5 * SECOND), leg))), properties=(claim,))


TWINS: dict[str, tuple[Property, Twin]] = {
    "a current": (Property.CURRENT, _current),
    "a current with its accuracy": (Property.CURRENT, _worst_current),
    "a density": (Property.DENSITY, _density),
    "a ramp": (Property.RAMP, _ramp),
    "a voltage": (Property.VOLTAGE, _voltage),
    "the time of a stop": (Property.STOP_TIME, _stop_time),
    "a dose as set": (Property.DOSE, _nominal_dose),
    "a duration": (Property.DURATION, _duration),
    "sessions by elapsed time": (Property.SESSIONS, _sessions),
    "sessions by dates": (Property.SESSIONS, _dates),
    "a guard": (Property.GUARD, _guard),
    "a guard by age": (Property.GUARD, _guard_by_age),
    "a total": (Property.TOTAL, _total),
    "a hold until a charge": (Property.CHARGING, _charging),
    "the range of the device": (Property.RANGE, _range),
    "the grid of the device": (Property.GRID, _grid),
    "the voltage of the device": (Property.DRIVE, _drive),
    "the slew of the device": (Property.SLEW, _slew),
    "a `prove never` line": (Property.PROVE, _prove),
    "a `prove finished` line": (Property.PROVE, _finished),
    "a `prove finished` line from a step on": (Property.PROVE, _finished_after),
    "a `prove` line about what happens during a step": (Property.PROVE, _during),
    "a `prove` line about what happens before a step": (Property.PROVE, _before),
    "a duration with people who are waited for": (Property.DURATION, _slow_people),
    "a duration apart from people": (Property.DURATION, _people_apart),
}


@pytest.mark.parametrize("name", TWINS)
def test_what_just_keeps_a_property_is_proved(name: str) -> None:
    kind, twin = TWINS[name]
    assert verdict(twin(0), kind) == "proved"


@pytest.mark.parametrize("name", TWINS)
def test_one_unit_further_the_property_is_refuted_and_the_machine_shows_it(name: str) -> None:
    kind, twin = TWINS[name]
    report = verify(twin(1), QUICK)
    found = finding(report, kind)
    assert verdict_name(found.verdict) == "refuted", found.reason
    assert found.counterexample is not None
    assert report.disagreements == ()
    assert report.outcome is Outcome.REFUTED


def test_thirty_pauses_pass_a_dose_that_one_does_not() -> None:
    plan = limited(session(Keep("time", 60 * SECOND)), dose_limit(3 * MA_MIN))
    assert verdict(paused(plan, 1), Property.DOSE) == "proved"
    assert verdict(paused(plan, 30), Property.DOSE) == "refuted"


def test_a_dose_in_a_window_counts_every_session_that_can_fall_into_it() -> None:
    plan = limited(session(), dose_limit(MA_MIN, window_ms=24 * HOUR))
    assert verdict(following(plan, ms=25 * HOUR), Property.DOSE) == "proved"
    assert verdict(following(plan, ms=8 * HOUR), Property.DOSE) == "refuted"


def test_without_a_course_nothing_keeps_sessions_apart() -> None:
    plan = limited(session(), limit(LimitKind.SESSIONS, 3, "", window_ms=24 * HOUR))
    assert verdict(plan, Property.SESSIONS) == "refuted"
    assert verdict(following(plan, most=3), Property.SESSIONS) == "proved"


def test_a_caution_does_not_exclude() -> None:
    plan = excluding(asking(session(), "pacemaker"), answered("pacemaker"))
    cautioning = refusing(plan, answered("pacemaker"), kind=RuleKind.CAUTION)
    assert verdict(cautioning, Property.GUARD) == "refuted"


def test_refusals_that_leave_nobody_are_vacuous() -> None:
    plan = asking(session(), "sore")
    nobody = refusing(plan, answered("sore"), terms.negation(answered("sore")))
    report = verify(nobody, QUICK)
    assert verdict_name(finding(report, Property.TREATABLE).verdict) == "vacuous"
    assert report.outcome is Outcome.UNSETTLED


def test_requirements_that_contradict_each_other_are_vacuous() -> None:
    plan = session(level="current", parameters=(CURRENT,))
    assert verdict(
        requiring(plan, less_equal(reference("current"), terms.integer(MA))), Property.TREATABLE
    ) == ("proved")
    never = less_equal(reference("current"), terms.integer(MA - 1))
    assert verdict(requiring(plan, never), Property.TREATABLE) == "vacuous"


def test_a_requirement_keeps_a_density_within_its_limit_for_every_area() -> None:
    from tests.verifier.geometry import measured_electrodes

    wide = measured_electrodes(session(level="current", parameters=(CURRENT,)), 4 * CM2, 40 * CM2)
    bound = limit(LimitKind.DENSITY, MA_CM2 // 2, "mA/cm2")
    plan = limited(wide, bound)
    assert verdict(plan, Property.DENSITY) == "refuted"
    # current / area <= 0.45 mA/cm2
    ratio = terms.multiply(reference("current"), terms.integer(10**9))
    most = terms.multiply(reference("active.area"), terms.integer(MA_CM2 * 45 // 100))
    assert verdict(requiring(plan, less_equal(ratio, most)), Property.DENSITY) == "proved"


def test_a_limit_of_a_session_without_current_concerns_nothing() -> None:
    from tests.treatments import Treatment, plan_of

    plan = limited(plan_of(Treatment((Rest(MINUTE),))), current_limit(MA))
    report = verify(plan, QUICK)
    assert report.unused_limits == (0,)
    assert [item.code for item in report.diagnostics] == ["I0704"]
    assert report.outcome is Outcome.PROVED


def test_a_soft_limit_may_be_passed() -> None:
    plan = limited(session(), replace(current_limit(MA), soft=True))
    report = verify(plan, QUICK)
    assert report.outcome is Outcome.PROVED
    assert [item.code for item in report.diagnostics] == ["I0705"]
