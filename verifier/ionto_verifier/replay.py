"""From a solver's witness to a session that shows the failure: values for everybody concerned, then attempts.

Nothing is shown as refuted that the machine did not show: the disarmed machine violates the limit, as an
observer that shares nothing with the prover confirms; or the armed machine trips, or refuses the values,
for this very reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from ionto_ir.bind import Refusal
from ionto_ir.bind_walk import way_through
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import Value
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.plan import Plan, VariableKind
from ionto_ir.rehearse import Outcome, Rehearsed, rehearse
from ionto_ir.scenario import Occurrence, Scenario
from ionto_verifier.decision import Refuted
from ionto_verifier.environment import Origin
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.obligation import Guard, Witness, equal, never_happens
from ionto_verifier.properties import Claim, Property, Provocation, Question
from ionto_verifier.provoke import Day, Provoking, all_records, provoked
from ionto_verifier.schedules import Crowded, crowded_doses, crowded_sessions
from ionto_verifier.sightings import UNSEEN, Sighting, refused, seen, step_at, tripped
from ionto_verifier.solve import decide
from ionto_verifier.term import variable as variable_term


@dataclass(frozen=True, slots=True)
class Reproduced:
    """A session in which the claim fails. `kept_by_interlock`: only the machine's interlock kept the limit;
    `refused`: the machine does not take these values.
    """

    scenario: Scenario
    sighting: Sighting
    kept_by_interlock: bool = False
    refused: bool = False


def replay(inquiry: Inquiry, claim: Claim, question: Question, witness: Witness) -> Reproduced | None:
    """The first attempt that shows the failure, or None when none does."""
    for values in _values(inquiry, question, witness):
        day = _day(inquiry, values, witness)
        for doing in _attempts(inquiry, claim, question, witness):
            found = _tried(inquiry.plan, claim, day, doing)
            if found is not None:
                return found
    return None


def replay_crowd(
    inquiry: Inquiry, claim: Claim, limit: Limit, question: Question, witness: Witness
) -> Crowded | None:
    """Sessions so close together that their sum passes a limit over several."""
    for values in _values(inquiry, question, witness):
        day = _day(inquiry, values, witness)
        if not _runs(inquiry.plan, day):
            continue
        look = crowded_sessions if limit.kind is LimitKind.SESSIONS else crowded_doses
        found = look(inquiry.plan, limit, day, claim.statement)
        if found is not None:
            return found
    return None


# --- values ---------------------------------------------------------------------------------------


def _values(inquiry: Inquiry, question: Question, witness: Witness) -> Iterator[dict[str, Fraction]]:
    """Values of the plan's variables that meet every requirement and pass every refusal, near the witness."""
    names = [item.name for item in inquiry.plan.variables if item.kind is not VariableKind.RECORD]
    moving = inquiry.encoding.adjustable
    fixed = {name: witness[name] for name in names if name in witness and name not in moving}
    starts: dict[str, Fraction] = {}
    for copy, name in inquiry.environment.copies.items():
        if copy in witness and name in moving:
            here = copy.startswith(f"{name}@{question.step}")
            if here or name not in starts:
                starts[name] = witness[copy]
    tried: list[dict[str, Fraction]] = []
    for wanted in ({**fixed, **starts}, fixed):
        found = completed(inquiry, wanted)
        if found is not None and found not in tried:
            tried.append(found)
            yield found


def completed(inquiry: Inquiry, wanted: Mapping[str, Fraction]) -> dict[str, Fraction] | None:
    """All variables of somebody who may be treated, with the wanted values; None when there is nobody such."""
    names = [item.name for item in inquiry.plan.variables if item.kind is not VariableKind.RECORD]
    guards = [
        Guard(f"wanted:{name}", equal(variable_term(name), value), Origin("wanted", None))
        for name, value in wanted.items()
    ]
    selection = inquiry.environment.select(names, (*guards, *inquiry.environment.shared()))
    found = decide(never_happens("somebody", "replay", selection.variables, selection.guards))
    return {name: found.witness[name] for name in names} if isinstance(found, Refuted) else None


def _day(inquiry: Inquiry, values: Mapping[str, Fraction], witness: Witness) -> Day:
    typed = {name: as_value(inquiry, name, value) for name, value in values.items()}
    records: dict[str, Value] = {}
    for item in inquiry.plan.variables:
        if item.kind is VariableKind.RECORD:
            names = [name for name, old in inquiry.environment.copies.items() if old == item.name]
            for name in (*names, item.name):
                if name in witness:
                    records[item.name] = as_value(inquiry, item.name, witness[name])
    return Day(typed, all_records(inquiry.plan, records))


def as_value(inquiry: Inquiry, name: str, value: Fraction) -> Value:
    """A solver's number as a value of the plan's variable."""
    assert value.denominator == 1, "the plan's variables are whole numbers"
    return bool(value) if inquiry.encoding.is_boolean(name) else int(value)


# --- attempts -------------------------------------------------------------------------------------


def _attempts(inquiry: Inquiry, claim: Claim, question: Question, witness: Witness) -> Iterator[Provoking]:
    """What to try, the simplest first."""
    long = claim.property in (Property.DURATION, Property.PROVE)
    moves = _adjustments(inquiry, witness)
    for adjustments in ({}, moves) if moves else ({},):
        plain = Provoking(long=long, adjustments=adjustments)
        yield plain
        if question.provocation is Provocation.NOTHING:
            continue
        yield replace(plain, stop_step=question.step)
        if question.provocation is Provocation.PAUSES:
            yield replace(plain, pause_step=question.pause_step)
            yield replace(plain, pause_step=question.pause_step, stop_step=question.step)


def _adjustments(inquiry: Inquiry, witness: Witness) -> dict[int, dict[str, Value]]:
    """What the witness says that adjustables are when a step begins."""
    found: dict[int, dict[str, Value]] = {}
    for copy, name in inquiry.environment.copies.items():
        if copy in witness and name in inquiry.encoding.adjustable:
            place = copy.removeprefix(f"{name}@")
            if place.isdigit():
                found.setdefault(int(place), {})[name] = as_value(inquiry, name, witness[copy])
    return found


def _tried(plan: Plan, claim: Claim, day: Day, doing: Provoking) -> Reproduced | None:
    if not _runs(plan, day):
        scenario = _scenario(claim, day, ())
        outcome = rehearse(plan, scenario)
        return Reproduced(scenario, UNSEEN, refused=True) if refused(claim, outcome) else None
    scenario = _scenario(claim, day, provoked(plan, day, doing))
    if claim.property is Property.GUARD:
        return _admitted(plan, claim, scenario)
    free = rehearse(plan, scenario, armed=False)
    assert isinstance(free, Rehearsed), "the same values ran before"
    sighting = seen(plan, claim, free)
    if sighting is not None:
        return Reproduced(scenario, sighting)
    armed = rehearse(plan, scenario)
    if refused(claim, armed):
        return Reproduced(scenario, UNSEEN, refused=True)
    if tripped(claim, armed):
        return Reproduced(scenario, _trip(armed), kept_by_interlock=True)
    return None


def _runs(plan: Plan, day: Day) -> bool:
    """Whether the disarmed machine can run these values at all: every operand has a value."""
    outcome = way_through(plan, {**day.values, **day.records})
    return not any(problem.code == "I0942" for problem in outcome.problems)


def _admitted(plan: Plan, claim: Claim, scenario: Scenario) -> Reproduced | None:
    """Somebody whom the envelope excludes: but for the exclusions themselves the armed machine treats them."""
    outcome = rehearse(replace(plan, exclusions=()), scenario)
    if isinstance(outcome, Refusal):
        return None
    sighting = seen(plan, claim, outcome)
    return None if sighting is None else Reproduced(scenario, sighting)


def _trip(armed: Outcome) -> Sighting:
    if not isinstance(armed, Rehearsed):
        return UNSEEN
    trace = armed.run.trace
    return Sighting(trace.end_ms, None, step_at(trace, trace.end_ms))


def _scenario(claim: Claim, day: Day, timeline: tuple[Occurrence, ...]) -> Scenario:
    given = (*day.values.items(), *day.records.items())
    return Scenario(claim.statement, given, timeline, (), None)
