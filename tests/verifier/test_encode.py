"""The solver's reading of an expression is the evaluator's: the same value for every input, and nothing
else.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from ionto_ir import expression as terms
from ionto_ir.expression import COMPARISONS, Expression, Operator, Undefined, Value, evaluate
from ionto_ir.plan import Plan
from ionto_verifier.decision import Proved, Refuted
from ionto_verifier.encode import Encoding
from ionto_verifier.environment import Origin
from ionto_verifier.obligation import (
    Guard,
    Obligation,
    equal,
    formula_variables,
    implies,
    negation,
)
from ionto_verifier.solve import decide
from ionto_verifier.term import variable as variable_term
from tests.treatments import Parameter
from tests.verifier.sessions import asking, requiring, session

X, Y = Parameter("x", -6, 6, 1, 2, adjustable=False), Parameter("y", -4, 9, 1, 3, adjustable=False)
NAMES = ("x", "y")


def _plan() -> Plan:
    return asking(session(parameters=(X, Y)), "sore")


def _integers() -> st.SearchStrategy[Expression]:
    leaves = st.one_of(
        st.integers(-5, 5).map(terms.integer), st.sampled_from(NAMES).map(terms.integer_reference)
    )
    binary = (
        Operator.SUBTRACT,
        Operator.DIVIDE_EXACTLY,
        Operator.DIVIDE_FLOOR,
        Operator.DIVIDE_CEILING,
        Operator.ADD,
        Operator.MULTIPLY,
        Operator.MINIMUM,
        Operator.MAXIMUM,
    )

    def grow(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
        pair = st.tuples(st.sampled_from(binary), inner, inner).map(lambda item: terms.operation(*item))
        single = st.tuples(st.sampled_from([Operator.NEGATE, Operator.ABSOLUTE]), inner)
        condition = st.tuples(st.sampled_from(sorted(COMPARISONS, key=lambda item: item.value)), inner, inner)
        chosen = st.tuples(condition, inner, inner).map(
            lambda item: terms.choose(terms.operation(*item[0]), item[1], item[2])
        )
        asked = st.tuples(inner, inner).map(
            lambda item: terms.choose(terms.boolean_reference("sore"), item[0], item[1])
        )
        return st.one_of(pair, single.map(lambda item: terms.operation(*item)), chosen, asked)

    return st.recursive(leaves, grow, max_leaves=5)


def _fixed(values: Mapping[str, Value]) -> tuple[Guard, ...]:
    return tuple(
        Guard(f"fixed:{name}", equal(variable_term(name), int(value)), Origin(name, None))
        for name, value in values.items()
    )


VALUES = st.fixed_dictionaries({"x": st.integers(-6, 6), "y": st.integers(-4, 9), "sore": st.booleans()})


@given(_integers(), VALUES)
def test_an_integer_expression_has_one_value_and_it_is_the_evaluators(
    expression: Expression, values: dict[str, Value]
) -> None:
    expected = evaluate(expression, values)
    if isinstance(expected, Undefined):
        return
    encoding = Encoding(_plan())
    conclusion = equal(encoding.term(expression), int(expected))
    selection = encoding.environment.select({*values, *formula_variables(conclusion)}, _fixed(values))
    same = Obligation("same", "test", selection.variables, selection.guards, conclusion)
    assert isinstance(decide(same), Proved)


@given(_integers(), _integers(), VALUES)
def test_a_condition_holds_exactly_where_the_evaluator_says_so(
    left: Expression, right: Expression, values: dict[str, Value]
) -> None:
    condition = terms.less_equal(left, right)
    expected = evaluate(condition, values)
    if isinstance(expected, Undefined):
        return
    encoding = Encoding(_plan())
    formula = encoding.formula(condition)
    conclusion = formula if expected else negation(formula)
    selection = encoding.environment.select({*values, *formula_variables(conclusion)}, _fixed(values))
    assert isinstance(
        decide(Obligation("holds", "test", selection.variables, selection.guards, conclusion)), Proved
    )


def test_a_requirement_is_known_of_every_obligation_that_speaks_of_its_variables() -> None:
    plan = requiring(_plan(), terms.less_equal(terms.integer_reference("x"), terms.integer_reference("y")))
    encoding = Encoding(plan)
    conclusion = implies(
        encoding.formula(
            terms.less_equal(terms.integer_reference("y"), terms.integer(0)),
        ),
        encoding.formula(terms.less_equal(terms.integer_reference("x"), terms.integer(0))),
    )
    selection = encoding.environment.select(formula_variables(conclusion))
    assert [guard.name for guard in selection.guards] == ["require:0"]
    found = decide(Obligation("follows", "test", selection.variables, selection.guards, conclusion))
    assert isinstance(found, Proved)


def test_an_adjustable_has_a_value_of_its_own_at_each_place_and_meets_the_requirements_at_each() -> None:
    comfort = Parameter("comfort", 0, 9, 1, 3, adjustable=True)
    plan = requiring(
        session(parameters=(X, comfort)),
        terms.less_equal(terms.integer_reference("comfort"), terms.integer_reference("x")),
    )
    encoding = Encoding(plan)
    reference = terms.integer_reference("comfort")
    places = [encoding.moving({}, place, reference) for place in ("one", "two")]
    first, second = (encoding.term(reference, scope) for scope in places)
    assert first != second
    same = equal(first, second)
    selection = encoding.environment.select(formula_variables(same))
    found = decide(Obligation("same", "test", selection.variables, selection.guards, same))
    assert isinstance(found, Refuted)
    assert all(found.witness[name] <= found.witness["x"] for name in encoding.environment.copies)


def test_a_quotient_that_comes_out_exactly_needs_no_variable() -> None:
    encoding = Encoding(_plan())
    before = set(encoding.environment.variables)
    halved = encoding.term(terms.divide_exactly(terms.integer_reference("x"), terms.integer(2)))
    assert set(encoding.environment.variables) == before
    assert encoding.environment.bounds(halved) == (Fraction(-3), Fraction(3))
