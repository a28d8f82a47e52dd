"""A limit that channels pass together, shown on their machines: undisturbed, interrupted, stopped late."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ionto_ir.bind_together import bind_together_disarmed, interrupting
from ionto_ir.bind_walk import way_through
from ionto_ir.dataclass import replace
from ionto_ir.events import Event, Pause, Resume, Stop
from ionto_ir.expectations import failures
from ionto_ir.expression import Value
from ionto_ir.limits import LimitKind
from ionto_ir.observer import MV_PER_NA_OHM, Violation
from ionto_ir.observer_together import joints, violations_together
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import Plan, VariableKind
from ionto_ir.rehearse import rehearse
from ionto_ir.rehearse_together import observed_together
from ionto_ir.scenario import Expectation, Expected, Happening, Occurrence, Scenario
from ionto_ir.state import State
from ionto_ir.together import Happens, TogetherRun, ToOne, run_together, silent
from ionto_ir.trace import at_worst_na
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.exhibit import counterexample_of, written_test
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.instant import highest_impedance
from ionto_verifier.obligation import Witness
from ionto_verifier.properties import Claim, Property, Question
from ionto_verifier.replay import Reproduced, as_value, completed
from ionto_verifier.sightings import Sighting


def exhibit_together(
    plan: Plan, inquiries: Sequence[Inquiry], claim: Claim, question: Question, witness: Witness
) -> Counterexample | None:
    """A session of the disarmed machines in which the claim fails; None when none of those tried does."""
    inquiry = inquiries[0]
    concerned = frozenset(item.name for item in question.obligation.variables)
    for values in _values(inquiry, witness):
        if any(way_through(item.plan, values).problems for item in inquiries):
            continue
        bound = bind_together_disarmed(plan, values)
        for happens in _disturbances(plan):
            timeline: list[Occurrence] = []
            done = run_together(bound.channels, _written_down(happens, timeline))
            sighting = _seen(plan, values, claim, done)
            if sighting is not None:
                scenario = Scenario(claim.statement, tuple(values.items()), tuple(timeline), (), None)
                return counterexample_of(plan, claim, Reproduced(scenario, sighting), concerned)
    return None


def test_of_channel(plan: Plan, number: int, claim: Claim, shown: Counterexample) -> str:
    """The test block of what one channel was seen to do alone, for a test of all channels; empty where none
    fails.

    People act on all channels. One that waits for its turn begins later than it does alone: what happens is
    told in the time of its own session, and in that of the whole.
    """
    if not shown.test or shown.starts_ms:
        return ""  # earlier sessions of several channels cannot be made up for a test
    absent = (Happening.AWAY, Happening.BACK)  # nobody is asked within a channel
    told = tuple(item for item in shown.scenario.timeline if item.happening not in absent)
    expected = (Expectation(Expected.SAFE, None, None, None, None, None),)
    for late_ms in dict.fromkeys((0, _begins_ms(plan, number, shown.scenario))):
        timeline = tuple(replace(item, at_ms=item.at_ms + late_ms) for item in told)
        scenario = replace(shown.scenario, timeline=timeline, expectations=expected)
        if failures(plan, scenario, rehearse(plan, scenario)):
            given = tuple(f"{variable} = {text}" for variable, text in shown.given)
            return written_test(plan, claim, given, timeline)
    return ""


def _begins_ms(plan: Plan, number: int, scenario: Scenario) -> int:
    """When a channel first flows, undisturbed, in the time of the whole session."""
    values = ordinary_values(plan, dict(scenario.given))
    trace = run_together(bind_together_disarmed(plan, values).channels).traces[number]
    return next((point.at_ms for point in trace.points if point.on), 0)


def _values(inquiry: Inquiry, witness: Witness) -> Iterator[dict[str, Value]]:
    """Somebody who may be treated with the witness's values; adjustables as the witness moves them, highest
    for currents and lowest for times.
    """
    names = [item.name for item in inquiry.plan.variables if item.kind is not VariableKind.RECORD]
    fixed = {name: witness[name] for name in names if name in witness}
    highest: dict[str, Fraction] = {}
    lowest: dict[str, Fraction] = {}
    for copy, name in inquiry.environment.copies.items():
        if copy in witness and name in inquiry.encoding.adjustable:
            highest[name] = max(highest.get(name, witness[copy]), witness[copy])
            lowest[name] = min(lowest.get(name, witness[copy]), witness[copy])
    tried: list[dict[str, Fraction]] = []
    for wanted in ({**fixed, **highest}, {**fixed, **lowest}, fixed):
        if wanted in tried:
            continue
        tried.append(wanted)
        found = completed(inquiry, wanted)
        if found is not None:
            yield {name: as_value(inquiry, name, value) for name, value in found.items()}


def _disturbances(plan: Plan) -> Iterator[Happens]:
    yield silent
    if plan.interruptions.resume and plan.interruptions.count_max:
        yield interrupting(plan)
    yield _stopping_late()


_HAPPENINGS: dict[Event | ToOne, Happening] = {
    Pause(): Happening.PAUSE,
    Resume(): Happening.RESUME,
    Stop(): Happening.STOP,
}


def _written_down(happens: Happens, timeline: list[Occurrence]) -> Happens:
    """The same disturbances, each noted with its time, so that they can be repeated."""

    def noted(clock_ms: int, states: Sequence[State]) -> Event | ToOne | None:
        event = happens(clock_ms, states)
        if event is not None:
            timeline.append(Occurrence(clock_ms, _HAPPENINGS[event], None, None, None))
        return event

    return noted


def _stopping_late() -> Happens:
    """Stop when the first channel has come to its end and another one still flows."""
    done = False

    def happens(_: int, states: Sequence[State]) -> Event | None:
        nonlocal done
        if not done and any(state.ended for state in states) and not all(state.ended for state in states):
            done = True
            return Stop()
        return None

    return happens


def _seen(plan: Plan, values: dict[str, Value], claim: Claim, done: TogetherRun) -> Sighting | None:
    if claim.property is Property.DRIVE:
        return _undriven(plan, done)
    if claim.property is Property.PROVE:
        return _unfinished(plan, claim, done)
    limit = claim.limit
    assert limit is not None, "all other claims about several channels are limits"
    for item in violations_together(plan, values, done.traces):
        if item.limit == limit and item.electrode == claim.electrode:
            return Sighting(_told_at(item), item.value, None)
    return None


def _told_at(item: Violation) -> int | None:
    return None if item.limit.kind is LimitKind.DURATION else item.at_ms


def _unfinished(plan: Plan, claim: Claim, done: TogetherRun) -> Sighting | None:
    """A session whose currents alone take longer than the author's own bound."""
    within = [item.within_ms for item in plan.properties if item.span == claim.span]
    duration_ms = observed_together(plan, done).duration_ms
    late = any(bound is not None and duration_ms > bound for bound in within)
    return Sighting(None, Fraction(duration_ms), None) if late else None


def _undriven(plan: Plan, done: TogetherRun) -> Sighting | None:
    ohm_max = highest_impedance(plan)
    assert ohm_max is not None, "asked only where an impedance is assumed"
    for joint in joints(done.traces):
        worst_na = sum(at_worst_na(plan, part) for part in joint.parts if part is not None)
        needed = Fraction(worst_na) * ohm_max * MV_PER_NA_OHM
        if needed > plan.device.compliance_mv:
            return Sighting(joint.from_ms, needed, None)
    return None
