"""What is said to change nothing changes nothing, and what changes something is not said to: every person of
a small world is asked, one by one.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import product

import pytest

from ionto_dsl.driver import compile_text
from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.expression import Expression, Operator, Value
from ionto_ir.plan import (
    BooleanDomain,
    ChoiceDomain,
    IntegerDomain,
    Plan,
    Requirement,
    Rule,
    RuleKind,
    Variable,
    VariableKind,
)
from ionto_ir.source import Span
from ionto_verifier.driver import Options, verify
from ionto_verifier.vacuity_guards import idle_guards
from tests.treatments import HERE
from tests.verifier.sessions import limited, session

CODES = frozenset(f"I07{number}" for number in range(17, 27))
PLAIN = Options(margins=False, advice=False)
BASE = limited(session())
PEOPLE = (
    Variable(
        "age", VariableKind.ANSWER, IntegerDomain(0, 4, 1, None, "plain number", ""), "", False, None, HERE
    ),
    Variable(
        "dose", VariableKind.PARAMETER, IntegerDomain(2, 8, 2, 4, "plain number", ""), "", False, None, HERE
    ),
    Variable("ill", VariableKind.ANSWER, BooleanDomain(), "", False, None, HERE),
    Variable("skin", VariableKind.ANSWER, ChoiceDomain(("a", "b", "c")), "", False, None, HERE),
)
WORLD = tuple(
    dict(zip(("age", "dose", "ill", "skin"), values, strict=True))
    for values in product(range(5), (2, 4, 6, 8), (False, True), range(3))
)
COMPARED = (Operator.LESS, Operator.LESS_EQUAL, Operator.GREATER, Operator.GREATER_EQUAL, Operator.EQUAL)


def at(line: int) -> Span:
    """A line of its own in the protocol's file."""
    return Span(HERE.file, line, 1, line, 9)


def atom(dice: random.Random) -> Expression:
    """A comparison or an answer."""
    match dice.randrange(5):
        case 0:
            return terms.boolean_reference("ill")
        case 1:
            return terms.equal(terms.integer_reference("skin"), terms.integer(dice.randrange(3)))
        case 2:
            left = terms.add(terms.integer_reference("age"), terms.integer_reference("dose"))
            return terms.compare(dice.choice(COMPARED), left, terms.integer(dice.randrange(1, 13)))
        case _:
            name, top = dice.choice((("age", 5), ("dose", 9)))
            bound = terms.integer(dice.randrange(-1, top + 1))
            return terms.compare(dice.choice(COMPARED), terms.integer_reference(name), bound)


def condition(dice: random.Random) -> Expression:
    """One to three atoms, joined or denied."""
    found = atom(dice)
    for _ in range(dice.randrange(3)):
        join = dice.choice((terms.conjunction, terms.disjunction))
        found = join(found, atom(dice))
        if dice.random() < 0.2:
            found = terms.negation(found)
    return found


def holds(expression: Expression, person: dict[str, Value]) -> bool:
    """Whether a condition holds for somebody."""
    value = terms.evaluate(expression, person)
    assert isinstance(value, bool)
    return value


def guarded(dice: random.Random) -> Plan:
    """A plan with a few guards, each in a line of its own."""
    rules, requirements = [], []
    for number in range(dice.randrange(1, 5)):
        match dice.randrange(5):
            case 0:
                requirements.append(Requirement(condition(dice), "", at(100 + number)))
            case 1:
                rules.append(Rule(RuleKind.CAUTION, condition(dice), "", at(100 + number)))
            case _:
                rules.append(Rule(RuleKind.REFUSE, condition(dice), "", at(100 + number)))
    return replace(BASE, variables=PEOPLE, rules=tuple(rules), requirements=tuple(requirements))


def admits(plan: Plan) -> dict[Span, Expression]:
    """What each refusal and requirement asks of whoever is treated."""
    asked = {item.span: item.condition for item in plan.requirements}
    refusals = (item for item in plan.rules if item.kind is RuleKind.REFUSE)
    return asked | {item.span: terms.negation(item.condition) for item in refusals}


def treated(lines: dict[Span, Expression]) -> list[dict[str, Value]]:
    """Everybody of the world who passes these lines."""
    return [person for person in WORLD if all(holds(item, person) for item in lines.values())]


def of(diagnostics: list[Diagnostic], *codes: str) -> Iterator[Span]:
    """The places of which some codes speak."""
    for item in diagnostics:
        if item.code in codes:
            assert item.primary is not None
            yield item.primary.span


@pytest.mark.parametrize("seed", range(60))
def test_exactly_the_guards_without_which_the_same_people_are_treated_are_told(seed: int) -> None:
    dice = random.Random(seed)
    plan = guarded(dice)
    lines = admits(plan)
    everybody = treated(lines)
    if not everybody:
        return  # then nobody can be treated, and that is said instead
    told = [*idle_guards(plan)]
    cautions = {item.span: item.condition for item in plan.rules if item.kind is RuleKind.CAUTION}
    idle = set(of(told, "I0717", "I0718", "I0719")) & lines.keys()
    kept = {span: item for span, item in lines.items() if span not in idle}
    assert treated(kept) == everybody
    for span in kept:
        assert treated({other: item for other, item in kept.items() if other != span}) != everybody, span
    for span in of(told, "I0717", "I0719"):
        if span in lines:
            assert all(holds(lines[span], person) for person in WORLD)
    never = {span for span, item in cautions.items() if not any(holds(item, person) for person in everybody)}
    always = {span for span, item in cautions.items() if all(holds(item, person) for person in everybody)}
    assert set(of(told, "I0717")) & cautions.keys() == never
    assert set(of(told, "I0724")) == always


@pytest.mark.parametrize("seed", range(60, 120))
def test_a_part_of_a_condition_is_told_exactly_if_yes_or_no_in_its_place_is_the_same(seed: int) -> None:
    dice = random.Random(seed)
    parts = [atom(dice) for _ in range(3)]
    outer, inner = dice.sample((terms.conjunction, terms.disjunction), 2)
    whole = outer(parts[0], inner(parts[1], parts[2]))
    verdicts = [holds(whole, person) for person in WORLD]
    plan = replace(
        BASE, variables=PEOPLE, requirements=(), rules=(Rule(RuleKind.REFUSE, whole, "", at(100)),)
    )
    if all(verdicts) or not any(verdicts):
        return
    smaller = [
        outer(terms.Truth(value), inner(parts[1], parts[2]))
        if number == 0
        else outer(
            parts[0], inner(*(terms.Truth(value) if place == number else parts[place] for place in (1, 2)))
        )
        for number in range(3)
        for value in (False, True)
    ]
    smaller += [outer(parts[0], terms.Truth(value)) for value in (False, True)]
    idle = any([holds(item, person) for person in WORLD] == verdicts for item in smaller)
    assert bool([*of([*idle_guards(plan)], "I0721")]) is idle


def said(text: str) -> list[tuple[str, int]]:
    """The codes of vacuity, with the lines of which they speak."""
    compiled = compile_text(text)
    assert compiled.ok, compiled.diagnostics
    found = []
    for item in verify(compiled.plans[0].plan, PLAIN).diagnostics:
        if item.code in CODES:
            assert item.primary is not None
            found.append((item.code, item.primary.span.line))
    return found


HEEL = """import treatments.plantar_fasciitis_dexamethasone
protocol example version "1.0.0" extends plantar_fasciitis_dexamethasone {
  session { ramp to current over 20 s hold for 10 s ramp to 0 mA over 20 s }
"""


@pytest.mark.parametrize(
    "line",
    [
        'pause when impedance > {0} kOhm for 2 s until impedance < 20 kOhm "later"',
        'warn when impedance > {0} kOhm for 3 s "later"',
    ],
)
def test_a_monitor_is_told_from_the_threshold_on_at_which_another_stops(line: str) -> None:
    first = HEEL + '  stop when impedance > 100 kOhm for 2 s "first"\n  '
    assert said(first + line.format("100") + "\n}\n") == [("I0723", 5)]
    assert said(first + line.format("99.9") + "\n}\n") == []


def test_a_monitor_that_acts_sooner_or_reads_something_else_is_not_told() -> None:
    first = HEEL + '  stop when impedance > 100 kOhm for 2 s "first"\n  '
    assert said(first + 'stop when impedance > 100 kOhm for 1.9 s "sooner"\n}\n') == [("I0723", 4)]
    assert said(first + 'warn when impedance > 100 kOhm for 2 s "in the same tick"\n}\n') == []
    assert said(first + 'stop when impedance > 200 kOhm and voltage > 1 V for 2 s "both"\n}\n') == [
        ("I0723", 5)
    ]
    assert said(first + 'stop when voltage > 79 V for 2 s "another reading"\n}\n') == []


def test_an_end_of_a_range_is_told_with_the_last_value_that_may_be_chosen() -> None:
    text = (
        HEEL + '  param current: 1 mA .. 4 mA = 2 mA step 0.1 mA "x"\n  require current * 2 <= 6 mA "y"\n}\n'
    )
    compiled = compile_text(text)
    (told,) = (item for item in verify(compiled.plans[0].plan, PLAIN).diagnostics if item.code == "I0722")
    assert told.message == "nobody may choose more than 3 mA for `current`"
    assert said(text.replace("6 mA", "8 mA")) == [("I0719", 5)]
    assert said(text.replace("6 mA", "7.8 mA")) == [("I0722", 4)]


def test_a_choice_is_told_where_everybody_takes_the_same_way_and_not_otherwise() -> None:
    text = (
        HEEL
        + '  require current <= 3 mA "y"\n  before { if current <= 3 mA or age < 60 yr { confirm "z" } }\n'
    )
    text += '  ask age: 0 yr .. 120 yr "Age" step 1 yr\n}\n'
    assert said(text) == [("I0720", 5)]
    assert said(text.replace('current <= 3 mA "y', 'current <= 3.1 mA "y')) == []
