"""Refutation by cases: follow disjunctions, then answers, then halves of the box, each leaf closed by a
stage.

Every case becomes a rule of the certificate. Fuel bounds the number of cases, so that giving up is
deterministic.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from fractions import Fraction
from typing import TypeAlias, assert_never

from ionto_ir.dataclass import dataclass
from ionto_verifier.certificate import GOAL, Cut, Factor, Known, Proof, Split, learn
from ionto_verifier.interval import is_impossible
from ionto_verifier.obligation import And, Atom, Formula, Or, at_most, negation
from ionto_verifier.ranges import Ranges
from ionto_verifier.term import monomial_degree, variable, variables_of

DEPTH_MAX = 60
"""Cases inside cases; a proof that needs more is not readable and not found by halving either."""


@dataclass(frozen=True, slots=True)
class Undivided:
    """A contradiction was found, but only together with these disjunctions and whole-valued answers.

    `products` are the other rows of the contradiction, as the factors of each.
    """

    choices: tuple[str, ...]
    answers: tuple[str, ...]
    products: tuple[tuple[Factor, ...], ...]


Close: TypeAlias = Callable[[Known, tuple[str, ...]], Proof | Undivided | None]
"""Tries to close one case: given what is known and the facts worth attacking."""


@dataclass(slots=True)
class Fuel:
    """How many case distinctions may still be made; shared by all branches of one search."""

    left: int


@dataclass(frozen=True, slots=True)
class Search:
    """How to look for a refutation: what closes a case, how much fuel, whether the box may be halved."""

    close: Close
    fuel: Fuel
    halves: bool

    def refute(self, known: Known, targets: tuple[str, ...], depth: int = 0) -> Proof | None:
        """A certificate that what is known cannot all hold, or None when fuel or ideas run out."""
        found = self.close(known, targets)
        if found is not None and not isinstance(found, Undivided):
            return found
        if self.fuel.left <= 0 or depth >= DEPTH_MAX:
            return None
        self.fuel.left -= 1
        choice = _narrowest(known, known.choices if found is None else found.choices)
        if choice is not None:
            return self._split(known, targets, choice, depth)
        for name in _open_answers(known, targets) if found is None else found.answers:
            return self._cut(known, targets, (name, Fraction(0)), depth)
        widest = _widest(known, targets) if self.halves else None
        return self._cut(known, targets, widest, depth) if widest is not None else None

    def _split(self, known: Known, targets: tuple[str, ...], choice: str, depth: int) -> Proof | None:
        branches: list[Proof] = []
        for index, part in enumerate(known.choices[choice].parts):
            case = learn(known, f"{choice}/{index}", part)
            del case.choices[choice]
            news = tuple(name for name in case.facts if name not in known.facts)
            proof = self.refute(case, (*targets, *news), depth + 1)
            if proof is None:
                return None
            branches.append(proof)
        return Split(choice, tuple(branches))

    def _cut(
        self, known: Known, targets: tuple[str, ...], at: tuple[str, Fraction], depth: int
    ) -> Proof | None:
        title = f"case {depth}"
        lemma = at_most(variable(at[0]), at[1])
        without = self.refute(learn(known, title, negation(lemma)), targets, depth + 1)
        if without is None:
            return None
        having = self.refute(learn(known, title, lemma), targets, depth + 1)
        return None if having is None else Cut(title, lemma, without, having)


def parts_of(known: Known, names: frozenset[str]) -> list[Known] | None:
    """The cases of one distinction: of a disjunction, else of the widest of these variables; None if all
    done.
    """
    choice = _narrowest(known, known.choices)
    if choice is not None:
        parts = []
        for index, part in enumerate(known.choices[choice].parts):
            parts.append(learn(known, f"{choice}/{index}", part))
            del parts[-1].choices[choice]
        return parts
    at = _widest_of(known, names) or _widest_of(known, frozenset(known.box))
    if at is None:
        return None
    lemma = at_most(variable(at[0]), at[1])
    return [learn(known, f"case {at}", formula) for formula in (negation(lemma), lemma)]


def is_never(formula: Formula, ranges: Ranges) -> bool:
    """Whether the formula fails everywhere in the box, as far as intervals can tell."""
    match formula:
        case Atom():
            return is_impossible(formula, ranges)
        case And(parts):
            return any(is_never(part, ranges) for part in parts)
        case Or(parts):
            return all(is_never(part, ranges) for part in parts)
    assert_never(formula)


def _narrowest(known: Known, names: Iterable[str]) -> str | None:
    """An impossible disjunction, else one of the negated conclusion, else the one with fewest possible parts.

    What the conclusion denies is tried early, because the guards then close each part at once; following
    everything that the guards force first makes deep proofs of things that nobody asked about.
    """
    ranges = Ranges(known.box)
    best: tuple[int, int, str] | None = None
    for index, name in enumerate(names):
        possible = sum(not is_never(part, ranges) for part in known.choices[name].parts)
        if possible == 0:
            return name
        rank = (0 if name.startswith(GOAL) else possible, index, name)
        if best is None or rank < best:
            best = rank
    return None if best is None else best[2]


def _open_answers(known: Known, targets: tuple[str, ...]) -> list[str]:
    """The yes/no variables without a value that occur in the facts worth attacking."""
    names = sorted({name for target in targets for name in variables_of(known.facts[target].term)})
    return [
        name for name in names if known.variables[name].is_answer and known.box[name][0] < known.box[name][1]
    ]


def _widest(known: Known, targets: tuple[str, ...]) -> tuple[str, Fraction] | None:
    names = _in_products(known, targets) or _in_products(known, tuple(known.facts))
    return _widest_of(known, names)


def _widest_of(known: Known, names: Iterable[str]) -> tuple[str, Fraction] | None:
    """The variable that keeps most of its declared width among these, and where to halve it."""
    best: tuple[Fraction, str] | None = None
    for name in sorted(names):
        low, high = known.box[name]
        declared = known.variables[name]
        width = Fraction(high - low) / (declared.hi - declared.lo) if low < high else Fraction(0)
        if width > 0 and (best is None or width > best[0]):
            best = width, name
    if best is None:
        return None
    name = best[1]
    low, high = known.box[name]
    step = known.variables[name].grid_step
    if step is None:
        return name, Fraction(low + high) / 2
    return name, Fraction(low + step * ((high - low) // (2 * step)))


def _in_products(known: Known, targets: tuple[str, ...]) -> list[str]:
    terms = (known.facts[target].term.terms for target in targets)
    products = (monomial for term in terms for monomial, _ in term if monomial_degree(monomial) > 1)
    return sorted({name for monomial in products for name, _ in monomial})
