"""The small instance as text: Promela for spin, Murphi for rumur."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Constant, Expression, Operation, Operator, Reference, Sort, Truth, sort_of
from tests.bench.explicit_model import WAY, Branch, Model, Rule, Way

VALUE_MAX = 1023
"""Of any variable: rumur says so where one would pass it; spin is given types that hold much more."""

NUMBER_MAX = 1_000_000
"""Of any number that is worked out on the way."""

NEXT = "next_"


@dataclass(frozen=True, slots=True)
class _Language:
    """What the two write differently."""

    equal: str
    both: str
    either: str
    choice: str
    truth: tuple[str, str]


_PROMELA = _Language("==", "&&", "||", "({} -> {} : {})", ("0", "1"))
_MURPHI = _Language("=", "&", "|", "({} ? {} : {})", ("false", "true"))


def promela(model: Model) -> str:
    """One process: it takes a rule, chooses freely what comes with it, and does what then applies, for ever.
    The assertion is looked at after each of them. What is only worked out is no part of a state.
    """
    choices = sorted({name for rule in model.rules for name in rule.choices})
    worked = sorted({name for rule in model.rules for name in rule.definitions})
    lines = [
        *(f"short {name} = 0;" for name in model.variables),
        *(f"hidden int {name} = 0;" for name in (*choices, *worked)),
        *(f"hidden int {NEXT}{name} = 0;" for name in model.variables),
        f"#define HOLDS {_text(model.invariant, _PROMELA)}",
        "active proctype machine() {",
        "  do",
        *(line for rule in model.rules for line in _promela_rule(rule)),
        "  od",
        "}",
    ]
    return "\n".join(lines) + "\n"


def _promela_rule(rule: Rule) -> Iterator[str]:
    yield f"  :: atomic {{ {_modes(rule, _PROMELA)} -> /* {_title(rule)} */"
    for name, bounds in rule.choices.items():
        low, high = bounds or (0, 1)
        yield f"     if {' '.join(f':: {name} = {value}' for value in range(low, high + 1))} fi;"
    yield f"     d_step {{ if :: {_text(rule.believed, _PROMELA)} ->"
    for name, term in rule.definitions.items():
        yield f"       {name} = {_text(term, _PROMELA)};"
    yield from _promela_cases(rule.branches)
    yield "       :: else -> skip fi;"
    yield "       assert(HOLDS) } }"


def _promela_cases(branches: tuple[Branch, ...]) -> Iterator[str]:
    """The cases in their order: each under `else` of the one before it."""
    for branch in branches:
        yield f"          if :: {_text(branch.condition, _PROMELA)} -> /* {branch.name} */"
        yield from _promela_ways(branch.ways)
        yield "          :: else ->"
    yield f"          skip {'fi ' * len(branches)}"


def _promela_ways(ways: tuple[Way, ...]) -> Iterator[str]:
    yield "            if"
    for number, way in enumerate(ways):
        chosen = f"({WAY} == {number}) && " if len(ways) > 1 else ""
        yield f"            :: {chosen}{_text(way.believed, _PROMELA)} -> /* {way.name} */"
        changed = _changed(way)
        yield from (
            f"               {NEXT}{name} = {_text(term, _PROMELA)};" for name, term in changed.items()
        )
        yield from (f"               {name} = {NEXT}{name};" for name in changed)
        yield "               skip"
    yield "            :: else -> skip fi"


def murphi(model: Model) -> str:
    """Each row a rule, for all that can be chosen with it."""
    lines = [
        f"type value: 0..{VALUE_MAX}; number: -{NUMBER_MAX}..{NUMBER_MAX};",
        *(f"var {name}: value;" for name in model.variables),
        'startstate "nothing yet" begin',
        *(f"  {name} := 0;" for name in model.variables),
        "end;",
        *(line for rule in model.rules for line in _murphi_rule(rule)),
        f'invariant "as asked" {_text(model.invariant, _MURPHI)};',
    ]
    return "\n".join(lines) + "\n"


def _murphi_rule(rule: Rule) -> Iterator[str]:
    domains = [
        f"{name}: {'boolean' if bounds is None else f'{bounds[0]}..{bounds[1]}'}"
        for name, bounds in rule.choices.items()
    ]
    if domains:
        yield f"ruleset {'; '.join(domains)} do"
    yield f'rule "{_title(rule)}" {_modes(rule, _MURPHI)} & {_text(rule.believed, _MURPHI)} ==>'
    for name, term in rule.definitions.items():
        yield f"  var {name}: {'number' if sort_of(term) is Sort.INTEGER else 'boolean'};"
    changed = {name for branch in rule.branches for way in branch.ways for name in _changed(way)}
    yield from (f"  var {NEXT}{name}: number;" for name in sorted(changed))
    yield "begin"
    yield from (f"  {name} := {_text(term, _MURPHI)};" for name, term in rule.definitions.items())
    yield from _murphi_cases(rule.branches)
    yield "end;"
    if domains:
        yield "endruleset;"


def _murphi_cases(branches: tuple[Branch, ...]) -> Iterator[str]:
    for number, branch in enumerate(branches):
        word = "elsif" if number else "if"
        yield f"    {word} {_text(branch.condition, _MURPHI)} then -- {branch.name}"
        yield from _murphi_ways(branch.ways)
    yield "    endif;"


def _murphi_ways(ways: tuple[Way, ...]) -> Iterator[str]:
    for number, way in enumerate(ways):
        word = "elsif" if number else "if"
        chosen = f"({WAY} = {number}) & " if len(ways) > 1 else ""
        yield f"      {word} {chosen}{_text(way.believed, _MURPHI)} then -- {way.name}"
        changed = _changed(way)
        yield from (f"        {NEXT}{name} := {_text(term, _MURPHI)};" for name, term in changed.items())
        yield from (f"        {name} := {NEXT}{name};" for name in changed)
    if ways:
        yield "      endif;"


def _modes(rule: Rule, language: _Language) -> str:
    modes = (f"(mode {language.equal} {mode.value})" for mode in rule.modes)
    return f"({f' {language.either} '.join(modes)})"


def _title(rule: Rule) -> str:
    return f"{rule.name} in {', '.join(mode.name for mode in rule.modes)}"


def _changed(way: Way) -> Mapping[str, Expression]:
    return {
        name: term
        for name, term in way.updates.items()
        if not (isinstance(term, Reference) and term.name == name)
    }


def _text(term: Expression, language: _Language) -> str:
    match term:
        case Constant(value):
            return str(value) if value >= 0 else f"(0 - {-value})"
        case Truth(value):
            return language.truth[value]
        case Reference(name, _):
            return name
        case Operation(operator, operands):
            return _operation(operator, [_text(operand, language) for operand in operands], language)


def _operation(operator: Operator, parts: list[str], language: _Language) -> str:
    match operator, parts:
        case Operator.IF, [condition, yes, no]:
            return language.choice.format(condition, yes, no)
        case Operator.NOT, [part]:
            return f"(!{part})"
        case Operator.ABSOLUTE, [part]:
            return language.choice.format(f"({part} >= 0)", part, f"(0 - {part})")
        case ((Operator.MINIMUM | Operator.MAXIMUM), [left, right]):
            sign = "<=" if operator is Operator.MINIMUM else ">="
            return language.choice.format(f"({left} {sign} {right})", left, right)
    infix = {
        Operator.ADD: "+",
        Operator.SUBTRACT: "-",
        Operator.MULTIPLY: "*",
        Operator.EQUAL: language.equal,
        Operator.NOT_EQUAL: "!=",
        Operator.LESS: "<",
        Operator.LESS_EQUAL: "<=",
        Operator.GREATER: ">",
        Operator.GREATER_EQUAL: ">=",
        Operator.AND: language.both,
        Operator.OR: language.either,
    }
    if operator in (Operator.DIVIDE_FLOOR, Operator.DIVIDE_CEILING):
        return _quotient(operator, parts)
    return f"({f' {infix[operator]} '.join(parts)})"


def _quotient(operator: Operator, parts: list[str]) -> str:
    """Both languages round towards zero; nothing that is negative is divided where it matters."""
    dividend, divisor = parts
    if operator is Operator.DIVIDE_FLOOR:
        return f"({dividend} / {divisor})"
    return f"(({dividend} + ({divisor} - 1)) / {divisor})"
