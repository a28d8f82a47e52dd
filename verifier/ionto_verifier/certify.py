"""The certificates that a sealed plan carries: for what was proved, as stated, and for what the recheck asks.

The recheck derives its own questions from the plan, by a path that shares nothing with ours. Here they are
put before our methods like any others: whatever certificate comes of it is checked by the recheck itself, so
nothing has to be believed. A question of the recheck that is coarser than its limit gets none.
"""

from __future__ import annotations

from fractions import Fraction
from math import lcm
from typing import TypeAlias, assert_never

from ionto_ir.dataclass import dataclass, field
from ionto_ir.plan import Plan
from ionto_ir.recheck import statement as own
from ionto_ir.recheck.derive import derive
from ionto_ir.recheck.polynomial import Polynomial as OwnPolynomial
from ionto_ir.recheck.record import SCHEMA
from ionto_verifier.budget import Budget
from ionto_verifier.certificate_codec import Json, encode, formula_json, polynomial_json
from ionto_verifier.decision import Decision, Proved
from ionto_verifier.examples import Person, people_of
from ionto_verifier.ground import Grounds
from ionto_verifier.obligation import And, Atom, Formula, Guard, Obligation, Or, Variable
from ionto_verifier.properties import Measure
from ionto_verifier.report import Answered, VerificationReport
from ionto_verifier.rests import rest_of
from ionto_verifier.solve import decide_all
from ionto_verifier.term import Monomial, Polynomial, polynomial

EFFORT = Budget(relaxation_effort=500_000, solver_effort=200_000, split_cases=6, relaxed_cases=6)
"""What a question of the recheck may cost: little, because one that is hard is mostly too coarse to hold."""

Certificates: TypeAlias = "dict[str, Json]"


@dataclass(slots=True)
class _Pool:
    """Values that are written once and named by their place."""

    items: list[Json] = field(default_factory=list)
    places: dict[str, int] = field(default_factory=dict)

    def place(self, value: Json) -> int:
        """Where the value stands."""
        key = repr(value)
        if key not in self.places:
            self.places[key] = len(self.items)
            self.items.append(value)
        return self.places[key]


def certificates_of(report: VerificationReport, plan_sha256: str, effort: Budget = EFFORT) -> Certificates:
    """The certificates of a proved plan, as `ionto_ir.recheck.record` reads them."""
    proofs, grounds = _Pool(), _Pool()
    stated: list[Json] = [_stated(item, proofs, grounds) for item in report.answers]
    derived: list[Json] = [[name, place] for name, place in _derived(report.plan, proofs, effort)]
    people, shown = people_of(report)
    return {
        "schema": SCHEMA,
        "plan_sha256": plan_sha256,
        "proofs": proofs.items,
        "derived": derived,
        "grounds": grounds.items,
        "stated": stated,
        "people": [_person(item) for item in people],
        "shown": [[claim, place] for claim, place in shown],
    }


def _person(person: Person) -> Json:
    return [[name, str(value)] for name, value in person.items()]


def method_of(item: Answered) -> str:
    """How a question was settled, in the record's words."""
    if isinstance(item.decision, Proved) and item.decision.certificate is not None:
        return item.decision.stage.value
    return rest_of(item).value


def _stated(item: Answered, proofs: _Pool, grounds: _Pool) -> Json:
    question, obligation = item.question, item.question.obligation
    proof = item.decision.certificate if isinstance(item.decision, Proved) else None
    return [
        question.claim,
        grounds.place(_ground(obligation)),
        formula_json(obligation.conclusion),
        None if question.measure is None else _measured(question.measure),
        method_of(item),
        None if proof is None else proofs.place(encode(proof)),
    ]


def _ground(obligation: Obligation) -> Json:
    domains: list[Json] = [
        [
            item.name,
            str(item.lo),
            str(item.highest),
            None if item.grid_step is None else str(item.grid_step),
        ]
        for item in obligation.variables
    ]
    facts: list[Json] = [[guard.name, formula_json(guard.formula)] for guard in obligation.guards]
    return [domains, facts]


def _measured(measure: Measure) -> Json:
    over = None if measure.over is None else polynomial_json(measure.over)
    return [polynomial_json(measure.value), over, str(measure.bound)]


# --- the questions of the recheck -------------------------------------------------------------------------


def _derived(plan: Plan, proofs: _Pool, effort: Budget) -> list[tuple[str, int | None]]:
    """Each question of the recheck with the place of its certificate, if one was found.

    A claim stands only on all of its questions: once one of them has no certificate, no more is spent on it.
    """
    questions = derive(plan).questions
    grounds, lost = Grounds(), set[str]()
    known: dict[tuple[int, Formula], Json | None] = {}
    found: list[tuple[str, int | None]] = []
    for question in questions:
        proof = None
        if question.claim not in lost:
            obligation = obligation_of(question)
            key = (grounds.of(obligation).number, obligation.conclusion)
            if key not in known:
                known[key] = _certificate(decide_all((obligation,), effort, grounds)[obligation.id])
            proof = known[key]
        if proof is None:
            lost.add(question.claim)
        found.append((question.id, None if proof is None else proofs.place(proof)))
    return found


def _certificate(decision: Decision) -> Json | None:
    if isinstance(decision, Proved) and decision.certificate is not None:
        return encode(decision.certificate)
    return None


def obligation_of(question: own.Question) -> Obligation:
    """A question of the recheck in our own terms, part by part, so that its facts keep their names."""
    return Obligation(
        question.id,
        "recheck",
        tuple(Variable(item.name, item.lo, item.hi, item.step) for item in question.domains),
        tuple(Guard(fact.name, _formula(fact.formula)) for fact in question.facts),
        _formula(question.goal),
    )


def _formula(formula: own.Formula) -> Formula:
    match formula:
        case own.Atom(term, strict):
            return Atom(_term(term), strict)
        case own.All(parts):
            return And(tuple(_formula(part) for part in parts))
        case own.Some(parts):
            return Or(tuple(_formula(part) for part in parts))
    assert_never(formula)


def _term(term: OwnPolynomial) -> Polynomial:
    common = lcm(*(Fraction(number).denominator for number in term.values()))
    coefficients: dict[Monomial, int] = {}
    for names, number in term.items():
        monomial = tuple((name, names.count(name)) for name in sorted(set(names)))
        coefficients[monomial] = int(number * common)
    return polynomial(coefficients, common)
