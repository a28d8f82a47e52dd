"""The certificates of a sealed plan as they are written in it, read back or refused.

    schema        "ionto.certificates/2"
    plan_sha256   digest of the plan that they are about
    proofs        certificates, each once
    derived       [[question, proof or null], ...]: what the recheck derives itself, in its order
    grounds       [[domains, facts], ...]: what the prover assumed, each once
    stated        what the prover proved, as it stated it; see `Stated`
    people        [[variable, value], ...] for each of some people, with every variable of the plan
    shown         [[claim, person], ...]: claims that somebody exists, and who does

A domain is `[name, lo, hi, step or null]`, a fact `[name, formula]`. Proofs and people are named
by their place.
"""

from __future__ import annotations

from typing import TypeAlias

from ionto_ir.canonical import Json, fields_fault
from ionto_ir.dataclass import dataclass
from ionto_ir.recheck.formulas import ForeignError, read_formula, read_integer, read_polynomial
from ionto_ir.recheck.polynomial import Polynomial
from ionto_ir.recheck.statement import Domain, Fact, Formula

SCHEMA = "ionto.certificates/2"

FIELDS = ("schema", "plan_sha256", "proofs", "derived", "grounds", "stated", "people", "shown")

METHODS = frozenset({"interval", "relaxation", "split", "solver", "values", "witness", "open"})
"""How the prover settled a question: the last four bring no certificate (a solver's word, values that were
tried, a person or place that exists, nothing)."""


@dataclass(frozen=True, slots=True)
class Ground:
    """Domains and facts that several questions share."""

    domains: tuple[Domain, ...]
    facts: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Measured:
    """The prover's account of a limit: `value`, over `over` where that is given, is at most `bound`."""

    value: Polynomial
    over: Polynomial | None
    bound: int


@dataclass(frozen=True, slots=True)
class Stated:
    """A question as the prover stated it: of which claim, under which ground, and by which method."""

    claim: str
    ground: int
    goal: Formula
    measured: Measured | None
    method: str
    proof: int | None


@dataclass(frozen=True, slots=True)
class Record:
    """All certificates of a plan."""

    plan_sha256: str
    proofs: tuple[Json, ...]
    derived: tuple[tuple[str, int | None], ...]
    grounds: tuple[Ground, ...]
    stated: tuple[Stated, ...]
    people: tuple[dict[str, int], ...] = ()
    shown: tuple[tuple[str, int], ...] = ()


Fault: TypeAlias = str
"""What is wrong with what is written, in a few words."""


def read_record(value: Json) -> Record | Fault:
    """The certificates, or why they are none."""
    if not isinstance(value, dict):
        return "they are not an object"
    if value.get("schema") != SCHEMA:
        return f"their schema is not `{SCHEMA}`"
    fault = fields_fault(value, "the certificates", FIELDS)
    if fault is not None:
        return fault
    try:
        return _record(value)
    except ForeignError:
        return "a part of them is not written as it must be"


def _record(value: dict[str, Json]) -> Record:
    proofs = tuple(_list(value["proofs"]))
    grounds = tuple(_ground(item) for item in _list(value["grounds"]))
    people = tuple(_person(item) for item in _list(value["people"]))
    return Record(
        _text(value["plan_sha256"]),
        proofs,
        tuple(_entry(item, len(proofs)) for item in _list(value["derived"])),
        grounds,
        tuple(_stated(item, len(grounds), len(proofs)) for item in _list(value["stated"])),
        people,
        tuple(_shown(item, len(people)) for item in _list(value["shown"])),
    )


def _entry(value: Json, proofs: int) -> tuple[str, int | None]:
    match value:
        case [str(question), proof]:
            return question, _place(proof, proofs)
        case _:
            raise ForeignError


def _ground(value: Json) -> Ground:
    match value:
        case [list(domains), list(facts)]:
            return Ground(tuple(map(_domain, domains)), tuple(map(_fact, facts)))
        case _:
            raise ForeignError


def _domain(value: Json) -> Domain:
    match value:
        case [str(name), lo, hi, None]:
            return Domain(name, read_integer(lo), read_integer(hi), None)
        case [str(name), lo, hi, step] if read_integer(step) > 0:
            return Domain(name, read_integer(lo), read_integer(hi), read_integer(step))
        case _:
            raise ForeignError


def _fact(value: Json) -> Fact:
    match value:
        case [str(name), formula]:
            return Fact(name, read_formula(formula))
        case _:
            raise ForeignError


def _stated(value: Json, grounds: int, proofs: int) -> Stated:
    match value:
        case [str(claim), ground, goal, measured, str(method), proof] if method in METHODS:
            place = _place(ground, grounds)
            if place is None:
                raise ForeignError
            read = None if measured is None else _measured(measured)
            return Stated(claim, place, read_formula(goal), read, method, _place(proof, proofs))
        case _:
            raise ForeignError


def _measured(value: Json) -> Measured:
    match value:
        case [measured, over, bound]:
            divisor = None if over is None else read_polynomial(over)
            return Measured(read_polynomial(measured), divisor, read_integer(bound))
        case _:
            raise ForeignError


def _person(value: Json) -> dict[str, int]:
    found: dict[str, int] = {}
    for item in _list(value):
        match item:
            case [str(name), number] if name not in found:
                found[name] = read_integer(number)
            case _:
                raise ForeignError
    return found


def _shown(value: Json, people: int) -> tuple[str, int]:
    match value:
        case [str(claim), person]:
            place = _place(person, people)
            if place is not None:
                return claim, place
    raise ForeignError


def _place(value: Json, count: int) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < count:
        raise ForeignError
    return value


def _list(value: Json) -> list[Json]:
    if not isinstance(value, list):
        raise ForeignError
    return value


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise ForeignError
    return value
