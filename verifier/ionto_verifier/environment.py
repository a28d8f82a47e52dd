"""The solver's variables of one plan and all that is known of them; it grows while the plan is walked.

A fact is either shared (a requirement, a refusal that did not apply) or defines one fresh variable. An
obligation is given just the facts that it speaks of, directly or through others, so that equal obligations
stay equal and a long plan does not make a short question long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from math import ceil, floor, gcd

from ionto_ir.dataclass import dataclass
from ionto_ir.plan import BooleanDomain, ChoiceDomain, Domain, IntegerDomain
from ionto_ir.source import Span
from ionto_verifier.obligation import (
    And,
    Atom,
    Formula,
    Guard,
    Variable,
    answer,
    at_least,
    at_most,
    conjunction,
    disjunction,
    equal,
    formula_variables,
    negation,
)
from ionto_verifier.term import ZERO, Monomial, Polynomial, polynomial, substitute, total, variables_of
from ionto_verifier.term import variable as variable_term

Bounds = tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a guard comes from, for the report of what a proof rests on."""

    text: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Selection:
    """The variables and guards of an obligation, in the order in which they were declared."""

    variables: tuple[Variable, ...]
    guards: tuple[Guard, ...]


class Environment:
    """Variables by name, the facts that define fresh ones, and the facts that are shared."""

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.copies: dict[str, str] = {}
        self.place = ""  # of several channels that share this, the one that is being looked at
        self._speaks_of: dict[int, tuple[Guard, frozenset[str]]] = {}
        self._place: dict[str, int] = {}
        self._order: dict[str, int] = {}
        self._defining: dict[str, tuple[Guard, ...]] = {}
        self._shared: dict[str, list[Guard]] = {}
        self._all_shared: list[Guard] = []
        self._fresh: dict[object, str] = {}
        self._ranges: dict[Monomial, tuple[int, int]] = {}
        self._grains: dict[Polynomial, Fraction | None] = {}
        self._selections: dict[tuple[frozenset[str], tuple[Guard, ...]], Selection] = {}

    def declare(self, variable: Variable) -> None:
        """Add a variable of the plan; names are unique."""
        assert variable.name not in self.variables, f"`{variable.name}` is declared twice"
        self._place[variable.name] = len(self.variables)
        self.variables[variable.name] = variable

    def share(self, guard: Guard) -> None:
        """Add a fact that belongs to every obligation that speaks of one of its variables."""
        self._selections.clear()
        self._order[guard.name] = len(self._order)
        self._all_shared.append(guard)
        for name in formula_variables(guard.formula):
            self._shared.setdefault(name, []).append(guard)

    def shared(self) -> tuple[Guard, ...]:
        """Every fact that no single variable is defined by, in the order in which they were added."""
        return tuple(self._all_shared)

    def fresh(
        self,
        key: object,
        name: str,
        bounds: Bounds,
        define: Callable[[Polynomial], Iterable[Formula]],
        *,
        integer: bool = False,
        step: int | None = None,
        origin: Origin | None = None,
    ) -> Polynomial:
        """The variable that `key` stands for; the first time it is declared, with the facts that define it.

        Bounds are opened outwards to whole numbers, which is sound for a real and exact for an integer.
        """
        key = (self.place, key)
        known = self._fresh.get(key)
        if known is not None:
            return variable_term(known)
        name = self._free(name)
        lo, hi = floor(bounds[0]), ceil(bounds[1])
        self.declare(
            answer(name) if (integer and lo == 0 and hi == 1) else Variable(name, lo, hi, step, integer)
        )
        self._fresh[key] = name
        term = variable_term(name)
        facts = enumerate(define(term))
        self._define(name, [Guard(f"define:{name}:{index}", fact, origin) for index, fact in facts])
        return term

    def copy(self, name: str, suffix: str, facts: Callable[[], Iterable[tuple[str, Formula, Origin]]]) -> str:
        """Another variable with the domain of `name`, e.g. the value that an adjustable has during one
        step.
        """
        suffix = self.place + suffix
        found = self._fresh.get(("copy", name, suffix))
        if found is not None:
            return found
        copied = self._free(f"{name}@{suffix}")
        old = self.variables[name]
        self.declare(Variable(copied, old.lo, old.hi, old.step, old.integer, old.default))
        self._fresh["copy", name, suffix] = copied
        self.copies[copied] = name
        self._define(copied, [Guard(f"{guard}@{suffix}", fact, origin) for guard, fact, origin in facts()])
        return copied

    def _define(self, name: str, guards: Iterable[Guard]) -> None:
        """Hang facts on the variable that they define; a fact of several copies keeps its first place."""
        self._defining[name] = tuple(guards)
        for guard in self._defining[name]:
            self._order.setdefault(guard.name, len(self._order))

    def _free(self, name: str) -> str:
        """A name that is not taken yet; quotes and bars would not survive the way to the solver."""
        cleaned = name.replace("|", "/").replace("\\", "/")
        number, found = 1, cleaned
        while found in self.variables:
            number += 1
            found = f"{cleaned}#{number}"
        return found

    def unnumbered(self, term: Polynomial) -> Polynomial:
        """The term with the plan's own names for the values at a step: equal ones range alike."""
        if not self.copies:
            return term
        names = {name: variable_term(self.copies[name]) for name in variables_of(term) if name in self.copies}
        return substitute(term, names) if names else term

    # --- what is known ----------------------------------------------------------------------------

    def bounds(self, term: Polynomial) -> Bounds:
        """Lowest and highest value by interval arithmetic over the declared ranges."""
        lowest, highest = self._scaled_bounds(term)
        return Fraction(lowest, term.denominator), Fraction(highest, term.denominator)

    def _scaled_bounds(self, term: Polynomial) -> tuple[int, int]:
        """The bounds times the term's denominator, which is positive."""
        lowest = highest = 0
        for monomial, number in term.terms:
            low, high = self._range_of(monomial)
            if number < 0:
                low, high = high, low
            lowest += number * low
            highest += number * high
        return lowest, highest

    def _range_of(self, monomial: Monomial) -> tuple[int, int]:
        """Between which values a product of variables lies; a variable is declared once, so it stays so."""
        found = self._ranges.get(monomial)
        if found is not None:
            return found
        low = high = 1
        for name, power in monomial:
            held = self.variables[name]
            least, most = held.lo, held.highest
            for _ in range(power):
                corners = (low * least, low * most, high * least, high * most)
                low, high = min(corners), max(corners)
        self._ranges[monomial] = low, high
        return low, high

    def never_negative(self, term: Polynomial) -> bool:
        """Whether interval arithmetic alone shows that the term is >= 0."""
        return self._scaled_bounds(term)[0] >= 0

    def never_below(self, one: Polynomial, other: Polynomial) -> bool:
        """Whether interval arithmetic alone shows that one >= other, without making their difference."""
        if one.terms == other.terms and one.denominator == other.denominator:
            return True
        rest = {monomial: number * other.denominator for monomial, number in one.terms}
        for monomial, number in other.terms:
            rest[monomial] = rest.get(monomial, 0) - number * one.denominator
        lowest = 0
        for monomial, number in rest.items():
            if number:
                low, high = self._range_of(monomial)
                lowest += number * (low if number > 0 else high)
        return lowest >= 0

    def is_multiple(self, term: Polynomial, of: int) -> bool:
        """Whether the term is a multiple of `of` for all values on the grids; False may only mean `not
        seen`.
        """
        grain = self.grain(term)
        return grain is not None and grain % of == 0

    def grain(self, term: Polynomial) -> Fraction | None:
        """The largest number seen of which the term is a multiple for all values on the grids; 0 if it is
        zero.
        """
        if term not in self._grains:  # the same levels and times are asked about at every step
            self._grains[term] = self._grain(term)
        return self._grains[term]

    def _grain(self, term: Polynomial) -> Fraction | None:
        grown: list[Polynomial] = []
        for monomial, number in term.terms:
            part = Polynomial((((), number),))
            for name, power in monomial:
                held = self.variables[name]
                if held.grid_step is None:
                    return None
                part = part * (variable_term(name) * held.grid_step + held.lo) ** power
            grown.append(part)
        return Fraction(gcd(*(number for _, number in total(grown).terms)), term.denominator)

    # --- what is not a polynomial -----------------------------------------------------------------

    def largest(self, terms: Sequence[Polynomial], name: str) -> Polynomial:
        """The largest of the terms: one of them when intervals decide, else a fresh variable."""
        return self._largest(terms, name, exactly=True)

    def upper(self, terms: Sequence[Polynomial], name: str) -> Polynomial:
        """At most the largest of the terms: all that an upper bound needs, and half the work for a solver."""
        return self._largest(terms, name, exactly=False)

    def _largest(self, terms: Sequence[Polynomial], name: str, *, exactly: bool) -> Polynomial:
        kept = self.undominated(terms)
        if len(kept) == 1:
            return kept[0]
        ranges = [self.bounds(term) for term in kept]
        bounds = max(low for low, _ in ranges), max(high for _, high in ranges)

        def define(value: Polynomial) -> list[Formula]:
            if not exactly:
                return [disjunction(at_most(value, term) for term in kept)]
            above = [at_least(value, term) for term in kept]
            return [*above, disjunction(equal(value, term) for term in kept)]

        return self.fresh(("largest" if exactly else "upper", frozenset(kept)), name, bounds, define)

    def smallest(self, terms: Sequence[Polynomial], name: str) -> Polynomial:
        """The smallest of the terms."""
        return -self.largest([-term for term in terms], name)

    def undominated(self, terms: Iterable[Polynomial]) -> tuple[Polynomial, ...]:
        """The terms without those that interval arithmetic shows to be never above another one."""
        kept: list[Polynomial] = []
        for term in dict.fromkeys(terms):
            if any(self.never_below(other, term) for other in kept):
                continue
            kept = [other for other in kept if not self.never_below(term, other)]
            kept.append(term)
        assert kept, "there is at least one term"
        return tuple(kept)

    def magnitude(self, term: Polynomial) -> Polynomial:
        """|term|, on the grid of the term."""
        low, high = self.bounds(term)
        if low >= 0:
            return term
        if high <= 0:
            return -term
        grain = self.grain(term)
        step = int(grain) if grain is not None and grain.denominator == 1 and grain > 0 else None
        either = frozenset((term, -term))

        def define(value: Polynomial) -> list[Formula]:
            above = [at_least(value, side) for side in (term, -term)]
            return [*above, disjunction(equal(value, side) for side in (term, -term))]

        bounds = Fraction(0), max(-low, high)
        return self.fresh(("magnitude", either), "magnitude", bounds, define, step=step)

    def indicator(self, formula: Formula, name: str) -> Polynomial:
        """1 where the formula holds and 0 elsewhere: an answer itself, or a fresh 0/1 variable."""
        if isinstance(formula, And) and not formula.parts:
            return ZERO + 1
        literal = self._literal(formula)
        if literal is not None:
            return literal

        def define(value: Polynomial) -> list[Formula]:
            holds = conjunction((at_least(value, 1), formula))
            return [disjunction((holds, conjunction((at_least(-value, 0), negation(formula)))))]

        return self.fresh(("indicator", formula), name, (Fraction(0), Fraction(1)), define, integer=True)

    def once(self, term: Polynomial) -> Polynomial:
        """The same polynomial at all points, with b * b written b for every 0/1 variable b."""
        if all(power == 1 for monomial, _ in term.terms for _, power in monomial):
            return term
        coefficients: dict[Monomial, int] = {}
        for monomial, number in term.terms:
            flat = tuple((name, 1 if self.variables[name].is_answer else power) for name, power in monomial)
            coefficients[flat] = coefficients.get(flat, 0) + number
        return polynomial(coefficients, term.denominator)

    def _literal(self, formula: Formula) -> Polynomial | None:
        if not isinstance(formula, Atom) or formula.strict:
            return None
        names = variables_of(formula.term)
        if len(names) != 1:
            return None
        (name,) = names
        if not self.variables[name].is_answer:
            return None
        value = variable_term(name)
        if formula.term == ZERO + 1 - value:
            return value
        return ZERO + 1 - value if formula.term == value else None

    # --- what an obligation is given --------------------------------------------------------------

    def select(self, names: Iterable[str], path: tuple[Guard, ...] = ()) -> Selection:
        """Everything that bears on these variables and this path, in a fixed order; equal input, same
        object.
        """
        wanted = frozenset(names)
        found = self._selections.get((wanted, path))
        if found is None:
            found = self._selections[wanted, path] = self._selected(wanted, path)
        return found

    def _selected(self, wanted: frozenset[str], path: tuple[Guard, ...]) -> Selection:
        guards: dict[str, Guard] = {guard.name: guard for guard in path}
        pending = [*wanted]
        for guard in path:
            pending.extend(self._names_in(guard))
        seen: set[str] = set()
        while pending:
            name = pending.pop()
            if name in seen:
                continue
            seen.add(name)
            for guard in (*self._defining.get(name, ()), *self._shared.get(name, ())):
                if guard.name not in guards:
                    guards[guard.name] = guard
                    pending.extend(self._names_in(guard))
        named = sorted((guard for guard in guards.values() if guard not in path), key=self._rank)
        variables = [self.variables[name] for name in sorted(seen, key=self._place.__getitem__)]
        return Selection(tuple(variables), (*path, *named))

    def _names_in(self, guard: Guard) -> frozenset[str]:
        """The variables of a guard, remembered by object: comparing formulas costs more than reading."""
        found = self._speaks_of.get(id(guard))
        if found is None:
            found = self._speaks_of[id(guard)] = (guard, formula_variables(guard.formula))
        return found[1]

    def _rank(self, guard: Guard) -> int:
        return self._order[guard.name]


def solver_variable(name: str, domain: Domain) -> Variable:
    """The solver's variable for a plan variable; a choice counts by its label's index."""
    match domain:
        case IntegerDomain(lo, hi, step, default):
            return Variable(name, lo, hi, step, True, default)
        case BooleanDomain():
            return answer(name)
        case ChoiceDomain(labels):
            return Variable(name, 0, len(labels) - 1, integer=True)
