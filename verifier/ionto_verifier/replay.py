"""From a solver's witness to a session that shows the failure: values for everybody concerned, then attempts.

Nothing is shown as refuted that the machine did not show: the disarmed machine violates the limit, as an
observer that shares nothing with the prover confirms; or the armed machine trips, or refuses the values,
for this very reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import ceil, floor

from ionto_ir.bind import Refusal, record_corners
from ionto_ir.bind_walk import way_through
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import Value, evaluate, references
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import Branch, Demand, IntegerDomain, Plan, Reverse, RuleKind, Variable, VariableKind
from ionto_ir.rehearse import Outcome, Rehearsed, rehearse
from ionto_ir.scenario import Occurrence, Scenario
from ionto_ir.units import BASE_UNITS, CURRENT, in_base_units
from ionto_ir.wellformed_bounds import domain_interval
from ionto_ir.wording import DIMENSIONS
from ionto_verifier.decision import Refuted
from ionto_verifier.environment import Origin
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.obligation import Guard, Witness, equal, is_witness, never_happens
from ionto_verifier.properties import Claim, Property, Provocation, Question
from ionto_verifier.provoke import Asking, Day, Provoking, all_records, provoked
from ionto_verifier.schedules import Crowded, crowded_doses, crowded_sessions
from ionto_verifier.sightings import (
    MAY_TRIP,
    REFUSED_AT_BINDING,
    UNSEEN,
    Sighting,
    refused,
    seen,
    step_at,
    tripped,
)
from ionto_verifier.solve import decide
from ionto_verifier.term import Polynomial, substitute, variables_of
from ionto_verifier.term import variable as variable_term
from ionto_verifier.witness import readable

ATTEMPTS_MAX = 16
"""Sessions that are tried for one refutation: four ways of provoking it, for four days."""

CORNERS_MAX = 4
"""Combinations of extreme recorded values that a replay tries: two variables of them."""

LOW_ONES = 12
"""Sessions from the first one on that are tried for a counterexample."""

CURRENT_NOUN = BASE_UNITS[CURRENT].noun


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
    witness = _plainer(inquiry, question, witness)
    days = [
        day
        for chosen in _values(inquiry, question, witness)
        for values in (chosen, *_turned(inquiry, claim, chosen))
        for day in _with_records(inquiry.plan, _day(inquiry, values, witness))
    ]
    attempts = [(day, doing) for day in days for doing in _attempts(inquiry, claim, question, witness)]
    for day, doing in attempts[:ATTEMPTS_MAX]:
        found = _tried(inquiry, claim, question.step, day, doing)
        if found is not None:
            return found
    # What the disarmed machine does not show may still be something that the armed one has to prevent.
    for day, doing in attempts[::-1]:
        if claim.property in MAY_TRIP and _runs(inquiry, day):
            return _prevented(inquiry, claim, day, doing)
    return None


def replay_crowd(
    inquiry: Inquiry, claim: Claim, limit: Limit, question: Question, witness: Witness
) -> Crowded | None:
    """Sessions so close together that their sum passes a limit over several."""
    days = [_day(inquiry, values, witness) for values in _values(inquiry, question, witness)]
    for day in (*days, *_brisk(inquiry, witness)):
        if not _runs(inquiry, day):
            continue
        if limit.kind is LimitKind.SESSIONS:
            found = crowded_sessions(inquiry.plan, limit, day, claim.statement)
        else:
            found = crowded_doses(inquiry.plan, limit, day, claim.statement, claim.electrode)
        if found is not None:
            return found
    return None


def _brisk(inquiry: Inquiry, witness: Witness) -> Iterator[Day]:
    """The same with every current at its highest: short sessions fit best into one window."""
    wanted = {}
    for item in inquiry.plan.variables:
        domain = item.domain
        if item.kind is VariableKind.PARAMETER and isinstance(domain, IntegerDomain):
            current = domain.dimension == CURRENT_NOUN
            value = inquiry.environment.variables[item.name].highest if current else witness.get(item.name)
            if value is not None:
                wanted[item.name] = Fraction(value)
    values = completed(inquiry, wanted)
    if values is not None:
        yield _day(inquiry, values, witness)


# --- values ---------------------------------------------------------------------------------------


def _plainer(inquiry: Inquiry, question: Question, witness: Witness) -> Witness:
    """The witness with values that are easier to imagine where they refute as well."""
    point = dict(witness)
    for item in inquiry.plan.variables:
        if item.name in point:
            for value in _plain_values(item, point[item.name]):
                trial = {**point, item.name: value}
                if value == point[item.name] or _refutes(question, trial):
                    point = trial
                    break
    return point


def _plain_values(item: Variable, value: Fraction) -> Iterator[Fraction]:
    """Whole numbers of the author's unit, 66 yr and not 65 yr and 1 ms; one of the first sessions."""
    domain = item.domain
    if not isinstance(domain, IntegerDomain) or domain.step is not None:
        return
    unit = in_base_units(DIMENSIONS[domain.dimension], domain.unit)
    if item.kind is VariableKind.MEMORY and unit == 1:
        yield from (Fraction(low) for low in range(domain.lo, min(domain.lo + LOW_ONES, domain.hi)))
    for whole in (ceil(value / unit) * unit, floor(value / unit) * unit):
        if domain.lo <= whole <= domain.hi and whole.denominator == 1:
            yield whole


def _refutes(question: Question, witness: Witness) -> bool:
    return question.decided is None and is_witness(question.obligation, witness)


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
        for poles in _poles(inquiry.plan):
            found = completed(inquiry, {**wanted, **poles})
            if found is not None and found not in tried:
                tried.append(found)
                yield found


def _poles(plan: Plan) -> tuple[dict[str, Fraction], ...]:
    """Either pole where it is chosen on the day: a witness does not say which one it is about."""
    return ({},) if plan.pole is None else ({plan.pole: Fraction(0)}, {plan.pole: Fraction(1)})


def _turned(inquiry: Inquiry, claim: Claim, values: Mapping[str, Fraction]) -> Iterator[dict[str, Fraction]]:
    """The same with other values of what decides on a reversal.

    Where ways meet, a proof takes either polarity for possible, and so a witness need not say which it is.
    """
    plan = inquiry.plan
    if claim.limit is None or claim.limit.role is None:
        return
    deciding = {
        name
        for step in plan.steps
        if isinstance(step, Branch)
        and any(isinstance(plan.steps[arm], Reverse) for arm in (step.then, step.otherwise))
        for name in references(step.condition)
    }
    for item in plan.variables:
        if item.name in deciding and item.kind is not VariableKind.RECORD:
            for other in _others(item, values[item.name]):
                found = completed(inquiry, {**values, item.name: other})
                if found is not None:
                    yield found


def _others(item: Variable, value: Fraction) -> tuple[Fraction, ...]:
    """The ends of a variable's range that are not its value."""
    low, high = domain_interval(item.domain)
    return tuple(Fraction(end) for end in (low, high) if end != value)


def completed(inquiry: Inquiry, wanted: Mapping[str, Fraction]) -> dict[str, Fraction] | None:
    """All variables of somebody who may be treated, with the wanted values; None when there is nobody such.

    An ordinary person is preferred; only where those values do not go together the solver finds others.
    """
    plan = inquiry.plan
    typed = {name: as_value(inquiry, name, value) for name, value in wanted.items()}
    ordinary = ordinary_values(plan, typed)
    if _may_be_treated(plan, ordinary):
        return {name: Fraction(int(value)) for name, value in ordinary.items()}
    names = [item.name for item in plan.variables if item.kind is not VariableKind.RECORD]
    guards = [
        Guard(f"wanted:{name}", equal(variable_term(name), value), Origin("wanted", None))
        for name, value in wanted.items()
    ]
    selection = inquiry.environment.select(names, (*guards, *inquiry.environment.shared()))
    somebody = never_happens("somebody", "replay", selection.variables, selection.guards)
    found = decide(somebody)
    if not isinstance(found, Refuted):
        return None
    witness = readable(somebody, found.witness)
    return {name: witness[name] for name in names}


def _may_be_treated(plan: Plan, values: Mapping[str, Value]) -> bool:
    refusing = [rule.condition for rule in plan.rules if rule.kind is RuleKind.REFUSE]
    return all(evaluate(item.condition, values) is True for item in plan.requirements) and all(
        evaluate(condition, values) is False for condition in refusing
    )


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


def _with_records(plan: Plan, day: Day) -> Iterator[Day]:
    """The day as it is, and with extremes of what the plan looks at among the recorded values."""
    yield day
    for records in record_corners(plan)[:CORNERS_MAX]:
        if records != day.records:
            yield Day(day.values, records)


def as_value(inquiry: Inquiry, name: str, value: Fraction) -> Value:
    """A solver's number as a value of the plan's variable."""
    assert value.denominator == 1, "the plan's variables are whole numbers"
    return bool(value) if inquiry.encoding.is_boolean(name) else int(value)


# --- attempts -------------------------------------------------------------------------------------


def _attempts(inquiry: Inquiry, claim: Claim, question: Question, witness: Witness) -> Iterator[Provoking]:
    """What to try, the simplest first, but nothing that cannot suffice; on demand, first with every dose."""
    on_demand = any(isinstance(step, Demand) for step in inquiry.plan.steps)
    ways = [*_disturbances(inquiry, claim, question, witness)]
    for asking in (Asking.SOON, Asking.LATE) if on_demand else (Asking.NEVER,):
        for doing in ways:
            yield replace(doing, asking=asking)


def _disturbances(
    inquiry: Inquiry, claim: Claim, question: Question, witness: Witness
) -> Iterator[Provoking]:
    """Pauses, stops and adjustments to try."""
    # In a window a long pause brings late what else would have been over.
    windowed = claim.limit is not None and claim.limit.window_ms is not None
    long = windowed or claim.property in (Property.DURATION, Property.PROVE)
    moves = _adjustments(inquiry, witness)
    step, cost = _dearest(inquiry, question, witness)
    for adjustments in ({}, moves) if moves else ({},):
        plain = Provoking(long=long, adjustments=adjustments)
        calm = [plain]
        if question.provocation is not Provocation.NOTHING:
            calm.append(replace(plain, stop_step=question.step))
        disturbed = [replace(item, pause_step=step) for item in calm]
        if question.provocation is not Provocation.PAUSES:
            yield from calm
        elif _suffices_without(inquiry, question, witness, cost):
            yield from (*calm, *disturbed)
        else:
            yield from disturbed


def _suffices_without(inquiry: Inquiry, question: Question, witness: Witness, cost: Fraction) -> bool:
    """Whether the bound is passed, by the prover's reckoning, even if nobody pauses."""
    measure = question.measure
    if measure is None or measure.over is not None:
        return True
    value = _at(inquiry, measure.value, witness)
    return value - cost * inquiry.plan.interruptions.count_max * question.sessions > measure.bound


def _at(inquiry: Inquiry, term: Polynomial, witness: Witness) -> Fraction:
    """The value at a witness; what the witness leaves open is as high as it may be."""
    known = {name: witness[name] for name in variables_of(term) if name in witness}
    return inquiry.environment.bounds(substitute(term, known))[1]


def _dearest(inquiry: Inquiry, question: Question, witness: Witness) -> tuple[int | None, Fraction]:
    """The step in which a pause costs most at the witness, and what it costs."""
    costs = [(_at(inquiry, cost, witness), step) for cost, step in question.pauses]
    if not costs:
        return question.pause_step, Fraction(0)
    most = max(cost for cost, _ in costs)
    return next(step for cost, step in costs if cost == most), most


def _adjustments(inquiry: Inquiry, witness: Witness) -> dict[int, dict[str, Value]]:
    """What the witness says that adjustables are when a step begins."""
    found: dict[int, dict[str, Value]] = {}
    for copy, name in inquiry.environment.copies.items():
        if copy in witness and name in inquiry.encoding.adjustable:
            place = copy.removeprefix(f"{name}@")
            if place.isdigit():
                found.setdefault(int(place), {})[name] = as_value(inquiry, name, witness[copy])
    return found


def _tried(inquiry: Inquiry, claim: Claim, step: int | None, day: Day, doing: Provoking) -> Reproduced | None:
    plan, unbegun = inquiry.plan, replace(UNSEEN, step=step)
    if not _runs(inquiry, day):
        scenario = _scenario(claim, day, ())
        return (
            Reproduced(scenario, unbegun, refused=True) if refused(claim, _armed(inquiry, scenario)) else None
        )
    scenario = _scenario(claim, day, _timeline(inquiry, day, doing))
    if claim.property is Property.GUARD:
        return _admitted(plan, claim, scenario)
    free = _disarmed(inquiry, scenario)
    assert isinstance(free, Rehearsed), "the same values ran before"
    sighting = seen(plan, claim, step, free)
    if sighting is not None:
        return Reproduced(scenario, sighting)
    if claim.property in REFUSED_AT_BINDING and refused(claim, _armed(inquiry, scenario)):
        return Reproduced(scenario, unbegun, refused=True)
    return None


def _prevented(inquiry: Inquiry, claim: Claim, day: Day, doing: Provoking) -> Reproduced | None:
    """A session that the armed machine has to end, or not to begin, so that the limit is kept."""
    scenario = _scenario(claim, day, _timeline(inquiry, day, doing))
    armed = _armed(inquiry, scenario)
    return Reproduced(scenario, _trip(armed), kept_by_interlock=True) if tripped(claim, armed) else None


def _timeline(inquiry: Inquiry, day: Day, doing: Provoking) -> tuple[Occurrence, ...]:
    """What happens when; many claims ask for the same, which takes a run of the machine to find out."""
    moves = tuple((step, tuple(moved.items())) for step, moved in doing.adjustments.items())
    key = (*day.key, doing.pause_step, doing.long, doing.early, doing.stop_step, doing.asking, moves)
    if key not in inquiry.timelines:
        inquiry.timelines[key] = provoked(inquiry.plan, day, doing, inquiry.calm)
    return inquiry.timelines[key]


def _disarmed(inquiry: Inquiry, scenario: Scenario) -> Outcome:
    return _rehearsed(inquiry, scenario, armed=False)


def _armed(inquiry: Inquiry, scenario: Scenario) -> Outcome:
    return _rehearsed(inquiry, scenario, armed=True)


def _rehearsed(inquiry: Inquiry, scenario: Scenario, *, armed: bool) -> Outcome:
    """The same session is rehearsed once, whatever it is to show."""
    key = (scenario.given, scenario.timeline, armed)
    if key not in inquiry.rehearsals:
        inquiry.rehearsals[key] = rehearse(inquiry.plan, scenario, armed=armed)
    outcome: Outcome = inquiry.rehearsals[key]
    return outcome


def _runs(inquiry: Inquiry, day: Day) -> bool:
    """Whether the disarmed machine can run these values at all: every operand has a value."""
    key = day.key
    if key not in inquiry.runs:
        outcome = way_through(inquiry.plan, {**day.values, **day.records})
        inquiry.runs[key] = not any(problem.code == "I0942" for problem in outcome.problems)
    return inquiry.runs[key]


def _admitted(plan: Plan, claim: Claim, scenario: Scenario) -> Reproduced | None:
    """Somebody whom the envelope excludes: but for the exclusions the armed machine treats them."""
    outcome = rehearse(replace(plan, exclusions=()), scenario)
    if isinstance(outcome, Refusal):
        return None
    sighting = seen(plan, claim, None, outcome)
    return None if sighting is None else Reproduced(scenario, sighting)


def _trip(armed: Outcome) -> Sighting:
    if not isinstance(armed, Rehearsed):
        return UNSEEN
    trace = armed.run.trace
    return Sighting(trace.end_ms, None, step_at(trace, trace.end_ms))


def _scenario(claim: Claim, day: Day, timeline: tuple[Occurrence, ...]) -> Scenario:
    given = (*day.values.items(), *day.records.items())
    return Scenario(claim.statement, given, timeline, (), None)
