"""The recheck of a sealed plan: every certificate, against questions derived anew and the prover's own.

What a claim rests on afterwards is one of a few standings, and the weakest word that is true of it is used:
`derived` is said only where all of a claim was derived again from the plan and every part was certified, or
where somebody is named who shows it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum

from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Plan
from ionto_ir.recheck.anchors import Anchors
from ionto_ir.recheck.derive import Derivation, derive
from ionto_ir.recheck.existence import shown
from ionto_ir.recheck.proof import proves
from ionto_ir.recheck.record import Record, Stated
from ionto_ir.recheck.statement import Question


class Standing(Enum):
    """What a claim rests on, the strongest first."""

    DERIVED = "derived again from the plan and certified"
    STATED = "certified as the verifier stated it"
    VALUES = "seen from the steps of values, without a certificate"
    WITNESS = "that somebody or something exists, without a certificate"
    SOLVER = "on a solver's word alone"
    OPEN = "not proved: a soft limit, or an open question"


@dataclass(frozen=True, slots=True)
class ClaimStanding:
    """One claim of the verification record, and what it rests on. `why_not_derived` in words, where known."""

    claim: str
    property: str
    statement: str
    standing: Standing
    derived: int
    stated: int
    why_not_derived: str | None


class Wrong(Enum):
    """Kinds of what can be wrong with the certificates of a plan."""

    UNNAMED = "I0629"
    UNPROVED = "I0630"
    OTHER_PLAN = "I0830"
    FALSE = "I0831"
    UNPAIRED = "I0832"
    UNANCHORED = "I0833"
    CONTRADICTED = "I0834"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong, in words."""

    kind: Wrong
    text: str


@dataclass(frozen=True, slots=True)
class Rechecked:
    """What came of a recheck: nothing is wrong where `faults` is empty.

    `certificates` counts those that were checked; `derived`, of how many questions that were derived again,
    `stated`, of how many as the verifier stated them; the others of each carry none. `shown` counts the
    claims that somebody exists for which a person was seen.
    """

    claims: tuple[ClaimStanding, ...]
    faults: tuple[Fault, ...]
    certificates: int
    derived: tuple[int, int]
    arithmetic: int
    stated: tuple[int, int]
    not_understood: str | None
    shown: int = 0

    def count(self, standing: Standing) -> int:
        """How many claims stand so."""
        return sum(item.standing is standing for item in self.claims)


def recheck(plan: Plan, plan_sha256: str, claims: Sequence[Mapping[str, Json]], record: Record) -> Rechecked:
    """Check every certificate of a well-formed plan. `claims` are those of its verification record."""
    derivation = derive(plan)
    faults = list(_of_other_plan(record, plan_sha256))
    certified = set(_derived(derivation, record, faults))
    faults += [
        Fault(Wrong.CONTRADICTED, f"the plan's own numbers contradict `{item.claim}`")
        for item in derivation.settled
        if not item.holds
    ]
    checked = _stated(plan, record, faults)
    seen = set(_shown(plan, record, faults))
    named = {str(claim.get("id")) for claim in claims}
    faults += [
        Fault(
            Wrong.UNPAIRED, f"a certificate is about `{item.claim}`, of which the verification says nothing"
        )
        for item in record.stated
        if item.claim not in named
    ]
    settled = Rests(derivation, certified, seen)
    standings = tuple(_standing(claim, settled, record) for claim in claims)
    faults += _unnamed(settled, named)
    faults += _unproved(claims, standings)
    return Rechecked(
        standings,
        tuple(faults),
        len(certified) + checked,
        (len(certified), len(derivation.questions)),
        len(derivation.settled),
        (checked, len(record.stated)),
        derivation.not_understood,
        len(seen),
    )


@dataclass(frozen=True, slots=True)
class Rests:
    """What was derived again, which of its questions are certified, and which claims somebody shows."""

    derivation: Derivation
    certified: set[str]
    shown: set[str]


def _of_other_plan(record: Record, plan_sha256: str) -> Iterable[Fault]:
    if record.plan_sha256 != plan_sha256:
        yield Fault(Wrong.OTHER_PLAN, "the certificates were made for another plan")


def _unnamed(rests: Rests, named: set[str]) -> Iterable[Fault]:
    """What the plan demands is spoken of, or certified here all the same: else a claim that was left out
    would not be missed.
    """
    derivation = rests.derivation
    demanded = [item.claim for item in derivation.questions if item.id not in rests.certified]
    demanded += [item.claim for item in derivation.left]
    for claim in dict.fromkeys(demanded):
        if claim not in named:
            yield Fault(Wrong.UNNAMED, f"the verification says nothing of `{claim}`, which this plan demands")


def _unproved(claims: Sequence[Mapping[str, Json]], standings: Sequence[ClaimStanding]) -> Iterable[Fault]:
    """Only a soft limit may be open, and what is sealed says itself that the rest is proved."""
    for claim, item in zip(claims, standings, strict=True):
        if claim.get("soft") is True and claim.get("verdict") != "proved":
            continue
        if claim.get("verdict") != "proved" or item.standing is Standing.OPEN:
            yield Fault(Wrong.UNPROVED, f"nothing proves `{item.claim}`: {item.statement}")


def _derived(derivation: Derivation, record: Record, faults: list[Fault]) -> Iterable[str]:
    """The questions, derived anew, whose certificates hold; every one must have its place in the record."""
    entries = dict(record.derived)
    if len(entries) != len(record.derived):
        faults.append(Fault(Wrong.UNPAIRED, "two certificates are about one question"))
    for question in derivation.questions:
        if question.id not in entries:
            faults.append(Fault(Wrong.UNPAIRED, f"question `{question.id}` has no certificate"))
            continue
        place = entries.pop(question.id)
        if place is None:
            continue
        if proves(record.proofs[place], question):
            yield question.id
        else:
            text = f"the certificate of `{question.id}` does not prove it for this plan"
            faults.append(Fault(Wrong.FALSE, text))
    for name in entries:
        faults.append(Fault(Wrong.UNPAIRED, f"a certificate is about `{name}`, which this plan does not ask"))


def _stated(plan: Plan, record: Record, faults: list[Fault]) -> int:
    """How many certificates of the prover's own statements hold."""
    anchors = Anchors(plan)
    proved: dict[tuple[int, int, str], bool] = {}
    count = 0
    for number, item in enumerate(record.stated, 1):
        loose = anchors.loose(item, record.grounds[item.ground])
        if loose is not None:
            faults.append(Fault(Wrong.UNANCHORED, f"statement {number}, about `{item.claim}`: {loose}"))
        if item.method in WITHOUT and item.proof is None:
            continue
        if item.proof is None:
            text = f"statement {number}, about `{item.claim}`, has no certificate"
            faults.append(Fault(Wrong.UNPAIRED, text))
            continue
        key = (item.ground, item.proof, repr(item.goal))
        if key not in proved:
            ground = record.grounds[item.ground]
            question = Question("", item.claim, ground.domains, ground.facts, item.goal)
            proved[key] = proves(record.proofs[item.proof], question)
        if proved[key]:
            count += 1
        else:
            text = f"the certificate of statement {number}, about `{item.claim}`, does not prove it"
            faults.append(Fault(Wrong.FALSE, text))
    return count


def _shown(plan: Plan, record: Record, faults: list[Fault]) -> Iterable[str]:
    """The claims that somebody exists whom the record names: it must be true of that person."""
    for claim, place in record.shown:
        if shown(plan, claim, record.people[place]):
            yield claim
        else:
            faults.append(Fault(Wrong.FALSE, f"the person named for `{claim}` does not show it"))


WITHOUT = {
    "values": Standing.VALUES,
    "witness": Standing.WITNESS,
    "solver": Standing.SOLVER,
    "open": Standing.OPEN,
}
"""Methods that bring no certificate, and what a claim rests on then."""

_WEAKEST_FIRST = (Standing.OPEN, Standing.SOLVER, Standing.WITNESS, Standing.VALUES)


def _standing(claim: Mapping[str, Json], rests: Rests, record: Record) -> ClaimStanding:
    name, derivation, certified = str(claim.get("id")), rests.derivation, rests.certified
    questions = [item.id for item in derivation.questions if item.claim == name]
    settled = [item.holds for item in derivation.settled if item.claim == name]
    reasons = [item.reason for item in derivation.left if item.claim == name]
    stated = [item for item in record.stated if item.claim == name]
    whole = bool(questions or settled) and not reasons
    if name in rests.shown or (whole and all(settled) and certified.issuperset(questions)):
        standing, reason = Standing.DERIVED, None
    else:
        standing = _without_derivation(stated)
        reason = _reason(derivation, questions, reasons, certified)
    return ClaimStanding(
        name,
        str(claim.get("property")),
        str(claim.get("statement")),
        standing,
        len(questions) + len(settled),
        len(stated),
        reason,
    )


def _without_derivation(stated: Sequence[Stated]) -> Standing:
    """The weakest of what the parts of a claim rest on."""
    found = {WITHOUT[item.method] for item in stated if item.proof is None and item.method in WITHOUT}
    for standing in _WEAKEST_FIRST:
        if standing in found:
            return standing
    return Standing.STATED if stated else Standing.OPEN


def _reason(
    derivation: Derivation, questions: list[str], reasons: list[str], certified: set[str]
) -> str | None:
    if derivation.not_understood is not None:
        return derivation.not_understood
    if reasons:
        return reasons[0]
    if not certified.issuperset(questions):
        return "what the recheck reckons is coarser than the limit allows"
    return "the recheck derives no such claim"
