"""The plan's expressions as polynomials, and the facts that hold when they are evaluated.

An expression is seen at a moment. A parameter that may be adjusted, and a value that is recorded, may differ
from moment to moment, so each moment has its own copies of them; at every moment all of them together meet
the requirements. What is no polynomial becomes a fresh variable with the facts that define it.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor, gcd

from ionto_ir.expression import (
    Constant,
    Expression,
    Operation,
    Operator,
    Reference,
    Sort,
    Truth,
    references,
    sort_of,
)
from ionto_ir.plan import BooleanDomain, ChoiceDomain, IntegerDomain, Plan, RuleKind, Variable, VariableKind
from ionto_ir.recheck.polynomial import (
    ONE,
    BeyondError,
    Interval,
    Monomial,
    Number,
    Polynomial,
    constant,
    minus,
    names_of,
    plus,
    range_of_monomial,
    scaled,
    times,
    value_at,
    variable,
)
from ionto_ir.recheck.statement import (
    FALSE,
    TRUE,
    Domain,
    Fact,
    Formula,
    Question,
    all_of,
    any_of,
    at_most,
    below,
    equal,
    names_in,
    opposite,
)

START = ""
"""The moment at which values are chosen and answers given."""

FACTS_MAX = 200
"""Facts of one question; where more bear on it nothing is rechecked."""


class Sight:
    """What is seen of a plan while one question, or a family of them, is put together."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._variables = {item.name: item for item in plan.variables}
        self.domains: dict[str, Domain] = {}
        self.facts: dict[str, Fact] = {}
        self._moments: list[str] = []
        self._fresh: dict[object, Polynomial] = {}
        self._ranges: dict[Monomial, Interval] = {}

    def question(self, name: str, claim: str, goal: Formula) -> Question:
        """The question with every domain and fact that bears on its goal."""
        self._require()
        wanted = set(names_in(goal))
        kept: dict[str, Fact] = {}
        grown = True
        while grown:
            grown = False
            for fact in self.facts.values():
                if fact.name not in kept and names_in(fact.formula) & wanted:
                    kept[fact.name] = fact
                    wanted |= names_in(fact.formula)
                    grown = True
        if len(kept) > FACTS_MAX:
            raise BeyondError("more facts than are rechecked together")
        facts = tuple(fact for fact in self.facts.values() if fact.name in kept)
        return Question(name, claim, tuple(self.domains[item] for item in sorted(wanted)), facts, goal)

    # --- ranges -----------------------------------------------------------------------------------

    def range_of(self, term: Polynomial) -> Interval:
        """Bounds by interval arithmetic over the domains."""
        lowest: Number = 0
        highest: Number = 0
        for monomial, number in term.items():
            low, high = self._range(monomial)
            lowest += number * (low if number > 0 else high)
            highest += number * (high if number > 0 else low)
        return lowest, highest

    def never_below(self, one: Polynomial, other: Polynomial) -> bool:
        """Whether interval arithmetic alone shows that one >= other."""
        lowest: Number = 0
        for monomial in one.keys() | other.keys():
            number = one.get(monomial, 0) - other.get(monomial, 0)
            if number:
                low, high = self._range(monomial)
                lowest += number * (low if number > 0 else high)
        return lowest >= 0

    def _range(self, monomial: Monomial) -> Interval:
        """Between which values a product lies; a domain is declared once, so it stays so."""
        if monomial not in self._ranges:
            box = {name: (self.domains[name].lo, self.domains[name].hi) for name in monomial}
            self._ranges[monomial] = range_of_monomial(monomial, box)
        return self._ranges[monomial]

    def values_of(self, term: Polynomial) -> tuple[Number, Number]:
        """Two of its values: where everything is at its least, and at its greatest."""
        return (
            value_at(term, {name: item.lo for name, item in self.domains.items()}),
            value_at(term, {name: item.hi for name, item in self.domains.items()}),
        )

    def is_multiple(self, term: Polynomial, of: int) -> bool:
        """Whether every value on the grids is a multiple; False may only mean that it was not seen."""
        grown: list[Polynomial] = []
        for monomial, number in term.items():
            part = constant(number)
            for name in monomial:
                step = self.domains[name].step
                if step is None:
                    return False
                counted = plus(scaled(variable(name), step), constant(self.domains[name].lo))
                part = times(part, counted)
            grown.append(part)
        numbers = [Fraction(number) for number in plus(*grown).values()]
        if any(number.denominator != 1 for number in numbers):
            return False
        return gcd(*(int(number) for number in numbers)) % of == 0

    # --- variables --------------------------------------------------------------------------------

    def moves(self, *expressions: Expression) -> bool:
        """Whether what these say may differ between two moments of a session."""
        return any(self._moves(name) for item in expressions for name in references(item))

    def _moves(self, name: str) -> bool:
        found = self._variable(name)
        return found.adjustable or found.kind is VariableKind.RECORD

    def _variable(self, name: str) -> Variable:
        if name not in self._variables:
            raise BeyondError(f"`{name}` is no variable of the plan")
        return self._variables[name]

    def _named(self, name: str, moment: str) -> str:
        """The name of a variable at a moment; its domain is declared."""
        found = self._variable(name)
        named = f"{name}@{moment}" if moment != START and self._moves(name) else name
        if named not in self.domains:
            self.domains[named] = domain_of(named, found)
        if moment not in self._moments:
            self._moments.append(moment)
        return named

    def _require(self) -> None:
        """Add the requirements, and that nobody was refused, for every moment that was seen."""
        for moment in tuple(self._moments):
            for index, item in enumerate(self.plan.requirements):
                self._assume(f"require:{index}", item.condition, moment)
        for index, rule in enumerate(self.plan.rules):
            if rule.kind is RuleKind.REFUSE:
                steady = not self.moves(rule.condition)
                if steady or START in self._moments:
                    self._assume(f"admitted:{index}", rule.condition, START, denied=True)

    def _assume(self, name: str, condition: Expression, moment: str, *, denied: bool = False) -> None:
        if any(self._variable(item).kind is VariableKind.RECORD for item in references(condition)):
            return
        named = f"{name}@{moment}" if moment != START and self.moves(condition) else name
        if named in self.facts:
            return
        try:
            held = self.formula(condition, moment)
        except BeyondError:
            return  # a fact that is not understood is not used: that only makes a question harder
        self.facts[named] = Fact(named, opposite(held) if denied else held)

    def fresh(self, key: object, name: str, ends: Interval, step: int | None) -> tuple[Polynomial, bool]:
        """The variable that `key` stands for, and whether it is new and must be defined."""
        if key in self._fresh:
            return self._fresh[key], False
        named = f"{name} #{len(self._fresh)}"
        self.domains[named] = Domain(named, floor(ends[0]), ceil(ends[1]), step)
        self._fresh[key] = variable(named)
        return self._fresh[key], True

    def define(self, term: Polynomial, *formulas: Formula) -> None:
        """Facts that say what a fresh variable is."""
        (name,) = names_of(term)
        for number, formula in enumerate(formulas):
            fact = Fact(f"define:{name}:{number}", formula)
            self.facts[fact.name] = fact

    # --- numbers ----------------------------------------------------------------------------------

    def number(self, expression: Expression, moment: str = START) -> Polynomial:
        """The polynomial of an integer expression at a moment. Raises BeyondError."""
        match expression:
            case Constant(value):
                return constant(value)
            case Reference(name, Sort.INTEGER):
                return variable(self._named(name, moment))
            case Operation(Operator.IF, (condition, yes, no)):
                chosen = self._indicator(self.formula(condition, moment))
                first, second = self.number(yes, moment), self.number(no, moment)
                return plus(times(chosen, first), times(minus(constant(1), chosen), second))
            case Operation(operator, operands):
                return self._combined(operator, [self.number(item, moment) for item in operands])
            case _:
                raise BeyondError("a number that is none")

    def _combined(self, operator: Operator, parts: list[Polynomial]) -> Polynomial:
        match operator:
            case Operator.ADD:
                return plus(*parts)
            case Operator.SUBTRACT:
                return minus(parts[0], parts[1])
            case Operator.MULTIPLY:
                product = constant(1)
                for part in parts:
                    product = times(product, part)
                return product
            case Operator.NEGATE:
                return scaled(parts[0], -1)
            case Operator.ABSOLUTE:
                return self.largest([parts[0], scaled(parts[0], -1)])
            case Operator.MAXIMUM:
                return self.largest(parts)
            case Operator.MINIMUM:
                return scaled(self.largest([scaled(part, -1) for part in parts]), -1)
            case Operator.DIVIDE_EXACTLY:
                return self._quotient(parts[0], parts[1])
            case Operator.DIVIDE_FLOOR:
                return self._floor(parts[0], parts[1])
            case Operator.DIVIDE_CEILING:
                return scaled(self._floor(scaled(parts[0], -1), parts[1]), -1)
            case _:
                raise BeyondError(f"an operand with `{operator.value}`")

    def largest(self, parts: Sequence[Polynomial]) -> Polynomial:
        """The largest of the parts: one of them where intervals say which, else a fresh variable."""
        kept: list[Polynomial] = []
        for part in parts:
            if not any(self.never_below(other, part) for other in kept):
                kept = [other for other in kept if not self.never_below(part, other)]
                kept.append(part)
        if len(kept) == 1:
            return kept[0]
        ends = [self.range_of(part) for part in kept]
        low, high = max(end[0] for end in ends), max(end[1] for end in ends)
        key = ("largest", tuple(sorted(tuple(sorted(part.items())) for part in kept)))
        term, new = self.fresh(key, "largest", (low, high), None)
        if new:
            above = [at_most(part, term) for part in kept]
            self.define(term, *above, any_of(equal(term, part) for part in kept))
        return term

    def _indicator(self, condition: Formula) -> Polynomial:
        """1 where the condition holds, 0 elsewhere."""
        if condition in (TRUE, FALSE):
            return constant(int(condition == TRUE))
        key = ("holds", repr(condition))
        term, new = self.fresh(key, "holds", (0, 1), 1)
        if new:
            yes = all_of((at_most(constant(1), term), condition))
            no = all_of((at_most(term, constant(0)), opposite(condition)))
            self.define(term, any_of((yes, no)))
        return term

    def _quotient(self, left: Polynomial, right: Polynomial) -> Polynomial:
        divisor = _plain(right)
        if divisor is None or divisor == 0:
            raise BeyondError("a division by something that varies")
        return scaled(left, Fraction(1, divisor))

    def _floor(self, left: Polynomial, right: Polynomial) -> Polynomial:
        """The whole number q with q * divisor <= left < (q + 1) * divisor."""
        divisor = _plain(right)
        if divisor is None or divisor <= 0:
            raise BeyondError("a division by something that varies")
        low, high = self.range_of(left)
        key = ("floor", divisor, tuple(sorted(left.items())))
        term, new = self.fresh(
            key, "quotient", (floor(Fraction(low, divisor)), floor(Fraction(high, divisor))), 1
        )
        if new:
            product = scaled(term, divisor)
            self.define(term, at_most(product, left), below(left, plus(product, constant(divisor))))
        return term

    # --- conditions -------------------------------------------------------------------------------

    def formula(self, expression: Expression, moment: str = START) -> Formula:
        """The formula of a condition at a moment. Raises BeyondError."""
        match expression:
            case Truth(value):
                return TRUE if value else FALSE
            case Reference(name, Sort.BOOLEAN):
                return at_most(constant(1), variable(self._named(name, moment)))
            case Operation(Operator.AND, operands):
                return all_of(self.formula(item, moment) for item in operands)
            case Operation(Operator.OR, operands):
                return any_of(self.formula(item, moment) for item in operands)
            case Operation(Operator.NOT, (operand,)):
                return opposite(self.formula(operand, moment))
            case Operation(Operator.IF, (condition, yes, no)):
                held = self.formula(condition, moment)
                first = any_of((opposite(held), self.formula(yes, moment)))
                return all_of((first, any_of((held, self.formula(no, moment)))))
            case Operation(operator, (left, right)) if sort_of(left) is Sort.BOOLEAN:
                one, other = self.formula(left, moment), self.formula(right, moment)
                neither = all_of((opposite(one), opposite(other)))
                same = any_of((all_of((one, other)), neither))
                return same if operator is Operator.EQUAL else opposite(same)
            case Operation(operator, (left, right)):
                return _compared(operator, self.number(left, moment), self.number(right, moment))
            case _:
                raise BeyondError("a condition that is none")


def _compared(operator: Operator, left: Polynomial, right: Polynomial) -> Formula:
    match operator:
        case Operator.EQUAL:
            return equal(left, right)
        case Operator.NOT_EQUAL:
            return any_of((below(left, right), below(right, left)))
        case Operator.LESS:
            return below(left, right)
        case Operator.LESS_EQUAL:
            return at_most(left, right)
        case Operator.GREATER:
            return below(right, left)
        case Operator.GREATER_EQUAL:
            return at_most(right, left)
        case _:
            raise BeyondError(f"a comparison with `{operator.value}`")


def _plain(term: Polynomial) -> Number | None:
    """The value of a polynomial that has no variable."""
    return None if names_of(term) else term.get(ONE, 0)


def domain_of(name: str, item: Variable) -> Domain:
    """The values of a plan variable; yes is 1, a choice counts by its label. Raises BeyondError."""
    match item.domain:
        case IntegerDomain(lo, hi, step):
            stride = 1 if step is None else step
            return Domain(name, lo, lo + (hi - lo) // stride * stride, stride)
        case BooleanDomain():
            return Domain(name, 0, 1, 1)
        case ChoiceDomain(labels):
            return Domain(name, 0, len(labels) - 1, 1)
        case _:
            raise BeyondError(f"values of `{name}` of a new kind")
