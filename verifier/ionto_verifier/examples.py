"""People who show that somebody exists: those whom the answers name, completed to a value for every variable.

An answer names only what its question speaks of. The others are taken from somebody who can be treated, or
from the plan; whether that is a person who shows the claim is judged by the recheck alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from ionto_ir.plan import IntegerDomain, Plan
from ionto_ir.recheck.existence import shown
from ionto_verifier.decision import Refuted
from ionto_verifier.properties import Property
from ionto_verifier.report import Answered, VerificationReport
from ionto_verifier.rests import EXISTENCE

Person = dict[str, int]


def people_of(report: VerificationReport) -> tuple[list[Person], list[tuple[str, int]]]:
    """Some people, and for each claim that somebody exists which of them shows it, where one does."""
    plan = report.plan
    found = [item for item in report.answers if _exists(item)]
    treatable = [item for item in found if item.question.obligation.property == Property.TREATABLE.value]
    usual = _usual(plan)
    for item in treatable:
        usual |= _named(plan, item)
    people: list[Person] = []
    by_claim: dict[str, int] = {}
    for item in found:
        claim = item.question.claim
        if claim in by_claim:
            continue
        for person in (*people, *_completed(plan, item, (usual, _usual(plan), *people))):
            if shown(plan, claim, person):
                if person not in people:
                    people.append(person)
                by_claim[claim] = people.index(person)
                break
    return people, list(by_claim.items())


def _exists(item: Answered) -> bool:
    return isinstance(item.decision, Refuted) and item.question.obligation.property in EXISTENCE


def _completed(plan: Plan, item: Answered, others: Iterable[Person]) -> Iterator[Person]:
    """The person of an answer, otherwise like somebody else."""
    named = _named(plan, item)
    for person in tuple(others):
        yield person | named


def _usual(plan: Plan) -> Person:
    """What nobody would be surprised by: defaults, no to every question."""
    found: Person = {}
    for item in plan.variables:
        match item.domain:
            case IntegerDomain(lo, _, _, default):
                found[item.name] = lo if default is None else default
            case _:
                found[item.name] = 0
    return found


def _named(plan: Plan, item: Answered) -> Person:
    """The plan's own variables in a witness; a value that differs from moment to moment by its last one."""
    assert isinstance(item.decision, Refuted), "somebody was found"
    witness: Mapping[str, Fraction | int] = item.decision.witness
    names = {variable.name for variable in plan.variables}
    found: Person = {}
    for name, value in witness.items():
        own = name if name in names else name.partition("@")[0]
        if own in names and Fraction(value).denominator == 1 and (own == name or own not in witness):
            found[own] = int(value)
    return found
