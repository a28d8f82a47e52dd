"""Polynomials and formulas as SMT-LIB text, with variables renamed to plain symbols."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias, assert_never

from ionto_verifier.obligation import And, Atom, Formula, Or
from ionto_verifier.term import Monomial, Polynomial

Symbol: TypeAlias = Callable[[Monomial], str]
"""How a non-constant monomial is written: as a product of variables, or as one fresh constant."""


def product_of(symbols: Mapping[str, str]) -> Symbol:
    """Monomials as products; `symbols` gives each variable's plain name."""

    def write(monomial: Monomial) -> str:
        factors = [symbols[name] for name, power in monomial for _ in range(power)]
        return factors[0] if len(factors) == 1 else f"(* {' '.join(factors)})"

    return write


def integer_text(value: int) -> str:
    """An integer as SMT-LIB writes it."""
    return str(value) if value >= 0 else f"(- {-value})"


def polynomial_text(term: Polynomial, symbol: Symbol) -> str:
    """The polynomial times its denominator: its sign is all that formulas ask about."""
    parts = []
    for monomial, number in term.terms:
        if not monomial:
            parts.append(integer_text(number))
        elif number == 1:
            parts.append(symbol(monomial))
        else:
            parts.append(f"(* {integer_text(number)} {symbol(monomial)})")
    return parts[0] if len(parts) == 1 else f"(+ {' '.join(parts)})" if parts else "0"


def formula_text(formula: Formula, symbol: Symbol) -> str:
    """The formula over those symbols."""
    match formula:
        case Atom(term, strict):
            return f"({'<' if strict else '<='} {polynomial_text(term, symbol)} 0)"
        case And(parts):
            return f"(and {' '.join(formula_text(part, symbol) for part in parts)})" if parts else "true"
        case Or(parts):
            return f"(or {' '.join(formula_text(part, symbol) for part in parts)})" if parts else "false"
    assert_never(formula)
