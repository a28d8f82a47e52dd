"""Terms of the machine's table as SMT-LIB text over the reals, with every division defined by inequalities.

Integers are taken as reals, which only admits more states, and a quotient as a fresh number. What makes it a
rounded quotient of integers is stated for each: d * q <= x < d * q + d, the sign of x, and zero for x < d;
and for each pair with one divisor: rounding is monotone, and adding the divisor adds one.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from ionto_ir.dataclass import dataclass, field
from ionto_ir.expression import (
    Constant,
    Expression,
    Operation,
    Operator,
    Reference,
    Sort,
    Truth,
)

_SPELLING = {
    Operator.ADD: "+",
    Operator.SUBTRACT: "-",
    Operator.MULTIPLY: "*",
    Operator.NEGATE: "-",
    Operator.EQUAL: "=",
    Operator.LESS: "<",
    Operator.LESS_EQUAL: "<=",
    Operator.GREATER: ">",
    Operator.GREATER_EQUAL: ">=",
    Operator.AND: "and",
    Operator.OR: "or",
    Operator.NOT: "not",
    Operator.IF: "ite",
}


@dataclass(frozen=True, slots=True)
class Quotient:
    """A division that was met: its text, and the fresh constant that stands for it."""

    operator: Operator
    dividend: str
    divisor: str
    name: str


@dataclass(slots=True)
class Writer:
    """Writes terms and collects what must be declared and believed for them to mean what they should."""

    definitions: Mapping[str, Expression]
    sorts: dict[str, str] = field(default_factory=dict)
    beliefs: list[str] = field(default_factory=list)
    quotients: dict[tuple[Operator, str, str], Quotient] = field(default_factory=dict)

    def text(self, term: Expression) -> str:
        """The term's text; declares its names on the way."""
        match term:
            case Constant(value):
                return str(value) if value >= 0 else f"(- {-value})"
            case Truth(value):
                return "true" if value else "false"
            case Reference(name, Sort.BOOLEAN) if name in self.definitions:
                return self.text(self.definitions[name])
            case Reference(name, sort):
                if name not in self.sorts:
                    self.sorts[name] = "Bool" if sort is Sort.BOOLEAN else "Real"
                    if name in self.definitions:
                        self.beliefs.append(f"(= {name} {self.text(self.definitions[name])})")
                return name
            case Operation(Operator.DIVIDE_FLOOR | Operator.DIVIDE_CEILING as operator, (left, right)):
                return self._quotient(operator, self.text(left), self.text(right)).name
            case Operation(Operator.ABSOLUTE, (operand,)):
                inner = self.text(operand)
                return f"(ite (>= {inner} 0) {inner} (- {inner}))"
            case Operation(Operator.MINIMUM | Operator.MAXIMUM as operator, (left, right)):
                one, other = self.text(left), self.text(right)
                order = "<=" if operator is Operator.MINIMUM else ">="
                return f"(ite ({order} {one} {other}) {one} {other})"
            case Operation(operator, operands):
                return f"({_SPELLING[operator]} {' '.join(self.text(operand) for operand in operands)})"

    def _quotient(self, operator: Operator, dividend: str, divisor: str) -> Quotient:
        key = (operator, dividend, divisor)
        if key not in self.quotients:
            made = Quotient(operator, dividend, divisor, f"quotient_{len(self.quotients)}")
            self.quotients[key] = made
            self.sorts[made.name] = "Real"
            product = f"(* {divisor} {made.name})"
            if operator is Operator.DIVIDE_FLOOR:
                self.beliefs += [f"(<= {product} {dividend})", f"(< {dividend} (+ {product} {divisor}))"]
                self.beliefs.append(f"(=> (>= {dividend} 0) (>= {made.name} 0))")
                self.beliefs.append(f"(ite (>= {dividend} {divisor}) (>= {made.name} 1) (<= {made.name} 0))")
            else:
                self.beliefs += [f"(>= {product} {dividend})", f"(< {product} (+ {dividend} {divisor}))"]
                self.beliefs.append(f"(=> (<= {dividend} 0) (<= {made.name} 0))")
        return self.quotients[key]

    def rounding(self) -> list[str]:
        """What holds between quotients of integers by one divisor, which real numbers do not know."""
        found = []
        for one, other in combinations(self.quotients.values(), 2):
            if (one.operator, one.divisor) == (other.operator, other.divisor):
                for low, high in ((one, other), (other, one)):
                    more, divisor = f"(+ {low.name} 1)", low.divisor
                    beyond = f"(+ {low.dividend} {divisor})"
                    found.append(f"(=> (<= {low.dividend} {high.dividend}) (<= {low.name} {high.name}))")
                    found.append(f"(=> (<= {beyond} {high.dividend}) (<= {more} {high.name}))")
                    found.append(f"(=> (<= {high.dividend} {beyond}) (<= {high.name} {more}))")
        return found
