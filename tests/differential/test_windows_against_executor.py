"""What is proved of doses on demand, moving windows and waveforms is never violated, whoever presses when."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random

from hypothesis import Phase as HypothesisPhase
from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.bind import bind_disarmed
from ionto_ir.bind_constants import NO_HISTORY, constants_of
from ionto_ir.bound import UNLIMITED, BoundPlan, polarity_at_start
from ionto_ir.dataclass import replace
from ionto_ir.dry_run import answer_to, asking, obliging, run
from ionto_ir.events import Adjust, Event, Pause, Press, Prompt, Resume
from ionto_ir.expression import Value
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind
from ionto_ir.observer import violations
from ionto_ir.plan import Course, Plan
from ionto_ir.state import Mode, State
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import verdict_name
from tests.differential.adversary import corners
from tests.strategies import ANSWERS, BUTTON, PARAMETERS, doses, legs
from tests.treatments import HERE, Repeat, Rest, Treatment, limit, plan_of

PROVE_ONLY = Options(margins=False, advice=False)
FEW = settings(
    max_examples=max(5, settings().max_examples // 20),
    phases=[HypothesisPhase.explicit, HypothesisPhase.generate],
)
SEEDS = 2
DAYS_2 = Course(2, None, 2 * 86_400_000, (), None, None, HERE)
"""Sessions so far apart that no window holds two of them."""


@st.composite
def windowed_plans(draw: st.DrawFn) -> Plan:
    """Doses on demand, legs and rounds of them, with limits in windows shorter than the session."""
    rounds = st.builds(
        Repeat, st.integers(1, 4), st.none(), st.tuples(legs(), st.integers(1, 20_000).map(Rest))
    )
    block = (draw(doses()),) if draw(st.integers(0, 3)) else ()
    parts = (*draw(st.lists(legs() | rounds, max_size=2)), *block) or (draw(legs()),)
    treatment = Treatment(
        parts,
        PARAMETERS,
        ANSWERS,
        interruptions=draw(st.sampled_from([0, 0, 1, 3])),
        pause_ms=draw(st.sampled_from([5_000, 20_000])),
        resume=draw(st.booleans()),
        ramp_na_s=1_000_000,
        stop_na_s=draw(st.sampled_from([444_444, 1_000_000])),
    )
    plan = plan_of(treatment)
    bounds = []
    for window_ms in draw(st.lists(st.integers(1, 120).map(lambda n: n * 500), min_size=2, max_size=4)):
        mean_na = draw(st.integers(2, 45)) * 100_000
        nominal = draw(st.booleans())
        bounds.append(
            limit(LimitKind.DOSE, mean_na * window_ms, "mA.min", window_ms=window_ms, nominal=nominal)
        )
    bounds.append(limit(LimitKind.DOSE, draw(st.integers(30, 900)) * 10**9, "mA.min"))
    bounds.append(limit(LimitKind.DURATION, draw(st.integers(30, 900)) * 1_000, "s"))
    bounds.append(limit(LimitKind.MEAN_DENSITY, draw(st.integers(1, 18)) * 100_000, "mA/cm2"))
    bounds.append(limit(LimitKind.PULSE_CHARGE, draw(st.integers(1, 60)) * 10**5, "uC"))
    plan = replace(plan, limits=(*plan.limits, *bounds), course=DAYS_2)
    return replace(plan, requires=features_of(plan))


FIXED = tuple(replace(item, adjustable=False) for item in PARAMETERS)
"""What is chosen before the session stays: rounds can only then all go alike."""


@st.composite
def plans_of_rounds(draw: st.DrawFn) -> Plan:
    """Rounds with a period, whose charge windows of about that length hold once or twice."""
    period_ms = draw(st.integers(150, 700)) * 100
    rests = st.integers(1, 20_000).map(Rest)
    body = draw(st.sampled_from([(legs(),), (rests, legs()), (legs(), rests), (legs(), legs())]))
    rounds = Repeat(draw(st.integers(2, 4)), draw(st.just(period_ms) | st.none()), draw(st.tuples(*body)))
    treatment = Treatment(
        (rounds,),
        FIXED,
        interruptions=draw(st.sampled_from([0, 1, 2])),
        pause_ms=draw(st.sampled_from([5_000, 20_000])),
        ramp_na_s=1_000_000,
        stop_na_s=draw(st.sampled_from([444_444, 1_000_000])),
    )
    plan = plan_of(treatment)
    bounds = []
    for share in draw(st.lists(st.integers(3, 9), min_size=3, max_size=5)):
        window_ms = period_ms * share // 4
        bound = draw(st.integers(2, 60)) * 1_000_000 * (period_ms // 20)
        nominal = draw(st.booleans())
        bounds.append(limit(LimitKind.DOSE, bound, "mA.min", window_ms=window_ms, nominal=nominal))
    plan = replace(plan, limits=(*plan.limits, *bounds), course=DAYS_2)
    return replace(plan, requires=features_of(plan))


class Pressing:
    """Somebody who presses, pauses, resumes and adjusts at random, mostly where it may hurt."""

    def __init__(self, plan: Plan, seed: int) -> None:
        self._plan = plan
        self._draw = Random(seed)
        self._eager = self._draw.random()

    def script(self, state: State, prompt: Prompt | None) -> Event | None:
        """What happens before the next tick."""
        draw, rules = self._draw, self._plan.interruptions
        if state.mode is Mode.PAUSED:
            last = state.machine.pause_ms + self._plan.device.tick_ms > rules.each_ms_max
            return Resume() if last or draw.random() < 0.05 else None
        if state.place.doses is not None and not state.place.doses.running and draw.random() < self._eager:
            return Press(BUTTON) if draw.random() < 0.7 else None
        if state.mode is Mode.ON and draw.random() < (0.01 if self._eager < 0.5 else 0.2):
            if draw.random() < 0.5:
                return Adjust("comfort", draw.choice((500_000, 1_000_000, 2_500_000)))
            if rules.resume and state.machine.interruptions < rules.count_max:
                return Pause()
        return answer_to(prompt, {})


def broken(plan: Plan) -> list[str]:
    """What is proved of a plan and violated all the same, and sessions that its machine ends all the same."""
    proved = {}
    for finding in verify(plan, PROVE_ONLY).findings:
        bound = finding.claim.limit
        if bound is not None:
            proved.setdefault(bound, set()).add(verdict_name(finding.verdict))
    kept = {bound for bound, words in proved.items() if words == {"proved"}}
    found = []
    for values in corners(plan):
        bound_plan = bind_disarmed(plan, values)
        asks, silence = asking(bound_plan, obliging({}))
        traces = [run(bound_plan, asks, silence=silence).trace]
        traces += [run(bound_plan, Pressing(plan, seed).script).trace for seed in range(SEEDS)]
        for trace in traces:
            found += [
                f"{item} with {values}" for item in violations(plan, values, trace) if item.limit in kept
            ]
        found += _ended_early(replace(plan, limits=tuple(kept)), values)
    return found


def _ended_early(plan: Plan, values: Mapping[str, Value]) -> Iterator[str]:
    """Sessions that the machine ends under limits that are all proved, where only people disturb it."""
    constants = constants_of(plan, values, NO_HISTORY, UNLIMITED, screened=True)
    armed = BoundPlan(plan, values, constants, polarity_at_start(plan, values))
    asks, silence = asking(armed, obliging({}))
    runs = [run(armed, asks, silence=silence)]
    runs += [run(armed, Pressing(plan, seed).script) for seed in range(SEEDS)]
    for done in runs:
        for alarm in done.alarms:
            if alarm.code in ("F04", "F05"):
                yield f"{alarm.code} with {values} at {done.trace.end_ms} ms, though all is proved"


@FEW
@given(windowed_plans())
def test_nobody_who_presses_and_pauses_violates_a_limit_that_is_proved(plan: Plan) -> None:
    assert broken(plan) == []


@FEW
@given(plans_of_rounds())
def test_rounds_that_pauses_push_together_violate_no_window_that_is_proved(plan: Plan) -> None:
    assert broken(plan) == []
