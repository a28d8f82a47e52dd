"""Expressions as polynomials and formulas: every operand, guard and condition of a plan in the solver's
terms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import assert_never

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import (
    DIVISIONS,
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
from ionto_ir.plan import BooleanDomain, Plan, RuleKind
from ionto_verifier.environment import Bounds, Environment, Origin, solver_variable
from ionto_verifier.obligation import (
    FALSE,
    TRUE,
    Formula,
    Guard,
    at_least,
    at_most,
    conjunction,
    disjunction,
    equal,
    greater,
    implies,
    less,
    negation,
    yes,
)
from ionto_verifier.term import ZERO, Polynomial, coefficient, constant, total, variables_of
from ionto_verifier.term import variable as variable_term

Scope = Mapping[str, str]
"""Which solver variable stands for a plan variable at a place; its own name when it is not listed."""

EVERYWHERE: Scope = {}

_Local = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Division:
    """A division of the plan: it is never by zero, and one that must come out exactly does."""

    expression: Operation
    quotient: Polynomial
    divisor: Polynomial


class Encoding:
    """The terms and formulas of one plan's expressions, each made once."""

    def __init__(self, plan: Plan, environment: Environment | None = None) -> None:
        """Declare the plan's variables; know its requirements, and that no refusal applied.

        Channels of one plan share an environment, in which the first of them declared all that.
        """
        self.plan = plan
        self.environment = Environment() if environment is None else environment
        self.divisions: dict[Operation, Division] = {}
        self._booleans = {item.name for item in plan.variables if isinstance(item.domain, BooleanDomain)}
        self.adjustable = frozenset(item.name for item in plan.variables if item.adjustable)
        self._terms: dict[tuple[Expression, _Local], Polynomial] = {}
        self._formulas: dict[tuple[Expression, _Local], Formula] = {}
        self._references: dict[Expression, frozenset[str]] = {}
        for item in plan.variables if environment is None else ():
            self.environment.declare(solver_variable(item.name, item.domain))
        for name, formula, origin in self._known(plan) if environment is None else ():
            self.environment.share(Guard(name, formula, origin))

    def _known(self, plan: Plan) -> Iterable[tuple[str, Formula, Origin]]:
        for index, requirement in enumerate(plan.requirements):
            formula = self.formula(requirement.condition)
            yield f"require:{index}", formula, Origin(requirement.text, requirement.span)
        for index, rule in enumerate(plan.rules):
            if rule.kind is RuleKind.REFUSE:
                origin = Origin(f"not refused: {rule.text}", rule.span)
                yield f"admitted:{index}", negation(self.formula(rule.condition)), origin

    # --- scopes -----------------------------------------------------------------------------------

    def is_boolean(self, name: str) -> bool:
        """Whether a plan variable is answered by yes or no."""
        return name in self._booleans

    def references(self, expression: Expression) -> frozenset[str]:
        """Names of the plan's variables in an expression."""
        found = self._references.get(expression)
        if found is None:
            found = self._references[expression] = references(expression)
        return found

    def moving(self, scope: Scope, suffix: str, *expressions: Expression) -> Scope:
        """The scope in which every adjustable that the expressions name has a value of its own, called
        `suffix`.

        An adjustable may move at any moment; at each moment all of them together meet the requirements.
        """
        if not any(self.adjustable & self.references(expression) for expression in expressions):
            return scope
        copies = {name: self._copied(name, suffix) for name in sorted(self.adjustable)}
        return {**scope, **copies}

    def _copied(self, name: str, suffix: str) -> str:
        def facts() -> Iterable[tuple[str, Formula, Origin]]:
            copies = {other: self._copied(other, suffix) for other in sorted(self.adjustable)}
            for index, requirement in enumerate(self.plan.requirements):
                if name in self.references(requirement.condition):
                    formula = self.formula(requirement.condition, copies)
                    yield f"require:{index}", formula, Origin(requirement.text, requirement.span)

        return self.environment.copy(name, suffix, facts)

    def _local(self, expression: Expression, scope: Scope) -> _Local:
        """The part of a scope that an expression can see."""
        if not scope:
            return ()
        return tuple((name, scope[name]) for name in sorted(self.references(expression)) if name in scope)

    # --- integers ---------------------------------------------------------------------------------

    def term(self, expression: Expression, scope: Scope = EVERYWHERE) -> Polynomial:
        """The polynomial of an integer expression. Raises TermTooLargeError."""
        if isinstance(expression, Constant):
            return constant(expression.value)
        key = (expression, self._local(expression, scope))
        found = self._terms.get(key)
        if found is None:
            found = self._terms[key] = self._term(expression, scope)
        return found

    def _term(self, expression: Expression, scope: Scope) -> Polynomial:
        match expression:
            case Constant(value):
                return constant(value)
            case Reference(name, _):
                return variable_term(scope.get(name, name))
            case Operation(Operator.IF, (condition, when_true, when_false)):
                return self.choose(
                    self.formula(condition, scope), self.term(when_true, scope), self.term(when_false, scope)
                )
            case Operation(operator, operands) if operator in DIVISIONS:
                return self._quotient(
                    expression, self.term(operands[0], scope), self.term(operands[1], scope)
                )
            case Operation(operator, operands):
                return self._combined(operator, [self.term(operand, scope) for operand in operands])
            case Truth():
                raise AssertionError("a truth value is no number")
        assert_never(expression)

    def _combined(self, operator: Operator, parts: list[Polynomial]) -> Polynomial:
        match operator:
            case Operator.ADD:
                return total(parts)
            case Operator.SUBTRACT:
                return parts[0] - parts[1]
            case Operator.MULTIPLY:
                product = constant(1)
                for part in parts:
                    product = product * part
                return product
            case Operator.NEGATE:
                return -parts[0]
            case Operator.ABSOLUTE:
                return self.environment.magnitude(parts[0])
            case Operator.MINIMUM:
                return self.environment.smallest(parts, "smallest")
            case Operator.MAXIMUM:
                return self.environment.largest(parts, "largest")
            case _:
                raise AssertionError(f"{operator} is no arithmetic")

    def choose(self, condition: Formula, when_true: Polynomial, when_false: Polynomial) -> Polynomial:
        """b * when_true + (1 - b) * when_false, where b says whether the condition holds."""
        if condition == TRUE or when_true == when_false:
            return when_true
        if condition == FALSE:
            return when_false
        chosen = self.environment.indicator(condition, "chosen")
        return self.environment.once(chosen * (when_true - when_false) + when_false)

    def _quotient(self, expression: Operation, numerator: Polynomial, divisor: Polynomial) -> Polynomial:
        known = coefficient(divisor, ()) if not variables_of(divisor) else None
        if known == 0:
            quotient = ZERO  # the obligation that no divisor is zero reports it
        elif expression.operator is Operator.DIVIDE_EXACTLY:
            quotient = numerator * (1 / known) if known is not None else self._exact(numerator, divisor)
        elif expression.operator is Operator.DIVIDE_CEILING:
            quotient = -self._floor(-numerator, divisor)
        else:
            quotient = self._floor(numerator, divisor)
        self.divisions.setdefault(expression, Division(expression, quotient, divisor))
        return quotient

    def _exact(self, numerator: Polynomial, divisor: Polynomial) -> Polynomial:
        bounds = quotient_bounds(self.environment.bounds(numerator), self.environment.bounds(divisor))
        key = ("exact", numerator, divisor)
        return self.environment.fresh(
            key, "quotient", bounds, lambda value: [equal(value * divisor, numerator)]
        )

    def _floor(self, numerator: Polynomial, divisor: Polynomial) -> Polynomial:
        """The whole number v with v * divisor <= numerator < (v + 1) * divisor, for a divisor of either
        sign.
        """
        low, high = self.environment.bounds(divisor)
        if high < 0:
            return self._floor(-numerator, -divisor)
        if numerator == ZERO:
            return ZERO
        bounds = quotient_bounds(self.environment.bounds(numerator), (low, high))

        def below(value: Polynomial, sign: int) -> Formula:
            upper, whole = divisor * sign, numerator * sign
            return conjunction((at_most(value * upper, whole), less(whole, value * upper + upper)))

        def define(value: Polynomial) -> list[Formula]:
            if low > 0:
                return [below(value, 1)]
            return [implies(greater(divisor), below(value, 1)), implies(less(divisor), below(value, -1))]

        key = ("floor", numerator, divisor)
        opened = (bounds[0] - 1, bounds[1])
        return self.environment.fresh(key, "whole quotient", opened, define, integer=True)

    # --- conditions -------------------------------------------------------------------------------

    def formula(self, expression: Expression, scope: Scope = EVERYWHERE) -> Formula:
        """The formula of a boolean expression. Raises TermTooLargeError."""
        key = (expression, self._local(expression, scope))
        found = self._formulas.get(key)
        if found is None:
            found = self._formulas[key] = self._formula(expression, scope)
        return found

    def _formula(self, expression: Expression, scope: Scope) -> Formula:
        match expression:
            case Truth(value):
                return TRUE if value else FALSE
            case Reference(name, _):
                return yes(scope.get(name, name))
            case Operation(Operator.AND, operands):
                return conjunction(self.formula(operand, scope) for operand in operands)
            case Operation(Operator.OR, operands):
                return disjunction(self.formula(operand, scope) for operand in operands)
            case Operation(Operator.NOT, operands):
                return negation(self.formula(operands[0], scope))
            case Operation(Operator.IF, (condition, when_true, when_false)):
                held = self.formula(condition, scope)
                return conjunction(
                    (
                        implies(held, self.formula(when_true, scope)),
                        implies(negation(held), self.formula(when_false, scope)),
                    )
                )
            case Operation(operator, (left, right)) if sort_of(left) is Sort.BOOLEAN:
                same = _alike(self.formula(left, scope), self.formula(right, scope))
                return same if operator is Operator.EQUAL else negation(same)
            case Operation(operator, (left, right)):
                return _compared(operator, self.term(left, scope), self.term(right, scope))
            case _:
                raise AssertionError(f"{expression!r} is no condition")


def _alike(left: Formula, right: Formula) -> Formula:
    both = conjunction((left, right))
    return disjunction((both, conjunction((negation(left), negation(right)))))


def _compared(operator: Operator, left: Polynomial, right: Polynomial) -> Formula:
    match operator:
        case Operator.EQUAL:
            return equal(left, right)
        case Operator.NOT_EQUAL:
            return disjunction((less(left, right), greater(left, right)))
        case Operator.LESS:
            return less(left, right)
        case Operator.LESS_EQUAL:
            return at_most(left, right)
        case Operator.GREATER:
            return greater(left, right)
        case Operator.GREATER_EQUAL:
            return at_least(left, right)
        case _:
            raise AssertionError(f"{operator} compares nothing")


def quotient_bounds(numerator: Bounds, divisor: Bounds) -> Bounds:
    """Bounds of a quotient of whole numbers whose divisor is not zero."""
    if divisor[0] <= 0 <= divisor[1]:
        most = max(abs(numerator[0]), abs(numerator[1]), Fraction(1))
        return -most, most  # a whole divisor that is not zero is at least 1 in magnitude
    corners = [over / under for over in numerator for under in divisor]
    return min(corners), max(corners)
