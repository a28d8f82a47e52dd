"""Builds the leaves of the surface tree: numbers, names, expressions, kinds of values, and remarks."""

from __future__ import annotations

from fractions import Fraction
from re import fullmatch

from ionto_dsl import surface
from ionto_dsl.lexer import Token
from ionto_dsl.pieces import Context, Part, Parts, declared, name, nodes, span_of, text, tokens
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.source import Span

DIGITS_MAX = 30
"""Digits of one number. The largest dose in the smallest unit has fifteen; more is a slip or an attack."""
DEPTH_MAX = 100
"""How deep expressions and chains of `else if` may be, so that no later pass can run out of stack."""


def number(context: Context, parts: Parts) -> surface.Number:
    """`2.5 mL`, exactly."""
    digits: Token = parts[0]
    value = context.numbers.get(digits.text)
    if value is None:
        value = context.numbers[digits.text] = _exact(context, digits)
    if len(parts) == 1:
        return surface.Number(digits.text, value, None, digits.span(context.file))
    unit: Token = parts[1]
    problem = exponent(context.file, digits, unit)
    if problem is not None:
        context.problems.append(problem)
    return surface.Number(digits.text, value, name(context, unit), span_of(context, parts))


def exponent(file: str, digits: Token, unit: Token) -> Diagnostic | None:
    """What is said of `1e3`, whose `e3` looks like a unit."""
    if not digits.touches(unit) or not fullmatch(r"[eE](-?[0-9]+)?(-[0-9]+)?", unit.text):
        return None
    return error(
        "I0106",
        f"`{digits.text}{unit.text}` is written with an exponent",
        digits.span(file).to(unit.span(file)),
        "a number in powers of ten",
        help="write the number out, or use a prefix: `2 mA` instead of `2e-3 A`",
    )


def _exact(context: Context, digits: Token) -> Fraction:
    whole, _, decimals = digits.text.partition(".")
    if len(whole) + len(decimals) > DIGITS_MAX:
        context.problems.append(
            error(
                "I0106",
                f"a number of {len(whole) + len(decimals)} digits",
                digits.span(context.file),
                f"at most {DIGITS_MAX} digits",
                help="use a larger or smaller unit",
            )
        )
        return Fraction(1)
    return Fraction(int(whole + decimals), 10 ** len(decimals))


_NO_NUMBER = frozenset({"nan", "inf", "infinity"})


def reference(context: Context, parts: Parts) -> surface.Reference:
    """`current`, `active.area`."""
    problem = no_number(context.file, parts[0])
    if problem is not None:
        context.problems.append(problem)
    names = tuple(name(context, part) for part in parts if part.text != ".")
    return surface.Reference(names, span_of(context, parts))


def no_number(file: str, token: Token) -> Diagnostic | None:
    """What is said of `nan` and `inf`, which look like names."""
    if token.text.lower() not in _NO_NUMBER:
        return None
    return error(
        "I0106",
        f"`{token.text}` is not a quantity that can be delivered",
        token.span(file),
        "expected a number",
        help="write the largest value that is meant, with its unit",
    )


def truth(context: Context, parts: Parts) -> surface.Truth:
    """`yes` or `no`."""
    return surface.Truth(parts[0].text == "yes", parts[0].span(context.file))


def unary(context: Context, parts: Parts) -> surface.Expression:
    """A sign or `not`."""
    operator, operand = parts
    node = surface.Unary(operator.text, operand, span_of(context, parts))
    return _measured(context, node, (operand,), operator.span(context.file))


def binary(context: Context, parts: Parts) -> surface.Expression:
    """Two operands and what stands between them."""
    left, operator, right = parts
    where = operator.span(context.file)
    node = surface.Binary(operator.text, left, right, where, span_of(context, parts))
    return _measured(context, node, (left, right), where)


def call(context: Context, parts: Parts) -> surface.Expression:
    """`min(a, b)`."""
    arguments = tuple(nodes(parts))
    node = surface.Call(name(context, parts[0]), arguments, span_of(context, parts))
    return _measured(context, node, arguments, parts[0].span(context.file))


def group(context: Context, parts: Parts) -> surface.Expression:
    """What stands in brackets; its span takes the brackets in."""
    inner: surface.Expression = parts[1]
    outer = replace(inner, span=span_of(context, parts))
    if id(inner) in context.depths:
        context.depths[id(outer)] = (context.depths[id(inner)][0], outer)
    return outer


def _measured(
    context: Context, node: surface.Expression, children: tuple[object, ...], where: Span
) -> surface.Expression:
    """The node, its depth noted; something flat in its place once it is too deep, so that it is said once."""
    if not deepened(context, node, children, where, "give parts of it names with `let`"):
        return surface.Truth(True, node.span)
    return node


def deepened(context: Context, node: object, children: tuple[object, ...], where: Span, advice: str) -> bool:
    """Note how deep a node is; whether that is still allowed, else a problem is reported."""
    depth = 1 + max((context.depths.get(id(child), (0, None))[0] for child in children), default=0)
    if depth <= DEPTH_MAX:
        context.depths[id(node)] = (depth, node)
        return True
    if not any(problem.code == "I0110" for problem in context.problems):
        message = f"this is nested more than {DEPTH_MAX} deep"
        context.problems.append(error("I0110", message, where, "too deep from here on", help=advice))
    return False


def range_(context: Context, parts: Parts) -> surface.Range:
    """`1 mA .. 4 mA`."""
    return surface.Range(parts[0], parts[2], span_of(context, parts))


def yes_no(context: Context, parts: Parts) -> surface.YesNo:
    """`yes/no`."""
    return surface.YesNo(span_of(context, parts))


def enumeration(context: Context, parts: Parts) -> surface.Enumeration:
    """`none | erythema | blister`."""
    labels = tuple(declared(context, label) for label in tokens(parts, "NAME"))
    return surface.Enumeration(labels, span_of(context, parts))


def source(context: Context, parts: Parts) -> Part:
    """`source "..."`, of an item or of a declaration."""
    return Part("source", text(context, parts[1]), span_of(context, parts))


def code(context: Context, parts: Parts) -> Part:
    """`icd10cm "Z95.0"`."""
    span = span_of(context, parts)
    return Part("code", surface.Code(name(context, parts[0]), text(context, parts[1]), span), span)


def despite(context: Context, parts: Parts) -> Part:
    """`despite "..."`."""
    return Part("despite", text(context, parts[1]), span_of(context, parts))


def hazard(context: Context, parts: Parts) -> Part:
    """`hazard H-BURN`."""
    identifier: Token = parts[1]
    if not fullmatch(r"H(-[A-Z0-9]+)+", identifier.text):
        context.problems.append(
            error(
                "I0118",
                f"`{identifier.text}` is not the name of a hazard",
                identifier.span(context.file),
                "expected `H-` and capital letters",
                help="a hazard is named as in the risk file: `H-BURN`, `H-SHOCK`, `H-PAIN`",
            )
        )
    return Part("hazard", name(context, identifier), span_of(context, parts))
