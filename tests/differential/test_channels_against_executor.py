"""Several channels: what is proved of sums is never passed in lockstep, whatever happens to one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from random import Random

from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from ionto_ir.bind_together import BoundTogether, bind_together, bind_together_disarmed, interrupting
from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.events import Adjust, DeviceFault, EmergencyStop, Event, FaultKind, Pause, Resume, Stop
from ionto_ir.features import features_of
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.observer_together import violations_together
from ionto_ir.plan import Channel, Confirm, Finish, IntegerDomain, Plan, Section
from ionto_ir.state import Mode, State
from ionto_ir.together import Happens, run_together, silent
from ionto_ir.wellformed import check
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import VerificationReport, verdict_name
from tests.differential.adversary import corners
from tests.strategies import treatments
from tests.treatments import BENCH, HERE, Tell, Treatment, electrode, finish, limit, plan_of
from tests.turns import in_parts

PROVE_ONLY = Options(margins=False, advice=False)
SLOW = settings(
    max_examples=max(6, settings().max_examples // 100),
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)
CORNERS = 3
SEEDS = 3


def asks(treatment: Treatment) -> bool:
    """Whether people are spoken to somewhere: not within a channel."""
    return "Tell" in repr(treatment) or any(isinstance(part, Tell) for part in treatment.parts)


@st.composite
def channel_plans(draw: st.DrawFn) -> Plan:
    """Two generated treatments side by side or one after the other, with a return in common or one each,
    under limits on the sum.
    """
    one, other = draw(treatments()), draw(treatments())
    assume(not asks(one) and not asks(other))
    parts = [plan_of(one), plan_of(replace(other, interruptions=one.interruptions, resume=one.resume))]
    shared = draw(st.booleans())
    electrodes = [electrode(Place.ACTIVE, Role.CATHODE), electrode(Place.ACTIVE, Role.CATHODE)]
    electrodes += [electrode(Place.RETURN, Role.ANODE)] * (1 if shared else 2)
    channels = tuple(
        Channel(name, (number, 2 if shared else 2 + number), part.steps, part.counters, HERE)
        for number, (name, part) in enumerate(zip(("left", "right"), parts, strict=True))
    )
    gather = Confirm("all channels have come to their end", 1, Section.SESSION, HERE)
    role = draw(st.sampled_from([None, Role.ANODE, Role.CATHODE]))
    bounds = (
        limit(LimitKind.CURRENT, draw(st.integers(30, 80)) * 100_000, "mA", nominal=draw(st.booleans())),
        limit(LimitKind.DOSE, draw(st.integers(60, 800)) * 10**9, "mA.min"),
        limit(LimitKind.DENSITY, draw(st.integers(10, 36)) * 100_000, "mA/cm2", role=role),
        limit(LimitKind.DOSE, draw(st.integers(60, 800)) * 10**9, "mA.min", role=role),
        limit(LimitKind.DURATION, draw(st.integers(60, 900)) * 1_000, "s"),
        limit(LimitKind.RAMP, 1_000_000, "mA/s"),
    )
    plan = replace(
        parts[0],
        device=replace(BENCH, channels=2, shared_return=shared and draw(st.booleans())),
        steps=(gather, finish()),
        entry=0,
        counters=0,
        electrodes=tuple(electrodes),
        channels=channels,
        limits=bounds,
    )
    plan = replace(plan, requires=features_of(plan))
    if all(isinstance(item.steps[-1], Finish) for item in channels):
        plan = in_parts(plan, draw(st.sampled_from([(0, 0), (0, 0), (0, 1), (1, 0)])))
    assert check(plan) == (), check(plan)
    return plan


def chaos(plan: Plan, seed: int) -> Happens:
    """Anything that people and one electrode can do, at any moment, in an order that the seed decides."""
    random = Random(seed)
    adjustable = [item for item in plan.variables if item.adjustable]

    def happens(clock_ms: int, states: Sequence[State]) -> Event | None:
        if any(state.mode is Mode.PAUSED for state in states):
            return Resume() if random.random() < 0.05 else None
        if clock_ms == 0 or random.random() > 0.01:
            return None
        choice = random.random()
        if choice < 0.5:
            return Pause()
        if choice < 0.6:
            return DeviceFault(FaultKind.LEAD_OFF)
        if choice < 0.9 and adjustable:
            item = random.choice(adjustable)
            assert isinstance(item.domain, IntegerDomain) and item.domain.step is not None
            steps = (item.domain.hi - item.domain.lo) // item.domain.step
            return Adjust(item.name, item.domain.lo + item.domain.step * random.randint(0, steps))
        return Stop() if choice < 0.97 else EmergencyStop()

    return happens


def disturbances(plan: Plan) -> Iterator[Happens]:
    """Nothing, every interruption at full level, and chaos."""
    yield silent
    if plan.interruptions.resume:
        yield interrupting(plan)
    for seed in range(SEEDS):
        yield chaos(plan, seed)


def proved_limits(report: VerificationReport) -> set[Limit]:
    """Limits of which everything is proved, for each channel and for all."""
    words: dict[Limit, set[str]] = {}
    for finding in report.findings:
        if finding.claim.limit is not None:
            words.setdefault(finding.claim.limit, set()).add(verdict_name(finding.verdict))
    return {bound for bound, said in words.items() if said == {"proved"}}


@SLOW
@given(channel_plans())
def test_no_disturbance_of_any_channel_passes_a_sum_that_is_proved(plan: Plan) -> None:
    report = verify(plan, PROVE_ONLY)
    assert report.disagreements == () and not report.ill_formed
    proved = proved_limits(report)
    for values in islice(corners(plan), CORNERS):
        free = bind_together_disarmed(plan, values)
        for happens in disturbances(plan):
            done = run_together(free.channels, happens, ticks_max=20_000)
            broken = [item for item in violations_together(plan, values, done.traces) if item.limit in proved]
            assert broken == [], (values, broken)


@SLOW
@given(channel_plans())
def test_the_caps_of_the_channels_hold_every_limit_that_they_share_whatever_is_proved(plan: Plan) -> None:
    for values in islice(corners(plan), CORNERS):
        bound = bind_together(plan, values)
        if not isinstance(bound, BoundTogether):
            continue
        for happens in disturbances(plan):
            done = run_together(bound.channels, happens, ticks_max=20_000)
            shared = [
                item
                for item in violations_together(plan, values, done.traces)
                if item.limit.kind is not LimitKind.DURATION
            ]
            assert shared == [], (values, shared)
            assert not {alarm.code for alarm in done.alarms} & {"F05"}


@SLOW
@given(channel_plans())
def test_channels_that_are_proved_bind_and_never_trip(plan: Plan) -> None:
    if not verify(plan, PROVE_ONLY).proved:
        return
    for values in islice(corners(plan), CORNERS):
        bound = bind_together(plan, values)
        assert isinstance(bound, BoundTogether), bound
        done = run_together(bound.channels)
        assert done.finished and not done.alarms


@SLOW
@given(channel_plans(), st.integers(0, 1000))
def test_what_stops_or_pauses_one_channel_does_so_to_all_of_them(plan: Plan, seed: int) -> None:
    bound = bind_together_disarmed(plan, next(corners(plan)))
    upset = chaos(plan, seed)

    def happens(clock_ms: int, states: Sequence[State]) -> Event | None:
        modes = {state.mode for state in states}
        if Mode.PAUSED in modes or Mode.PAUSING in modes:
            assert Mode.ON not in modes
        if Mode.STOPPING in modes:
            assert not modes & {Mode.ON, Mode.PAUSED, Mode.PAUSING, Mode.READY}
        return upset(clock_ms, states)

    run_together(bound.channels, happens, ticks_max=20_000)
