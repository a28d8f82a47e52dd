"""The algebra behind the types: exact comparisons, bounds for every value, and no traceback ever."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_dsl.bounds import Extent, decide, extent_of
from ionto_dsl.driver import Memory, compile_file, shipped
from ionto_dsl.quantities import Ratio, on_grid, product
from ionto_ir.expression import (
    Constant,
    Expression,
    Operator,
    Undefined,
    absolute,
    add,
    choose,
    compare,
    divide_ceiling,
    divide_floor,
    evaluate,
    integer_reference,
    maximum,
    minimum,
    multiply,
    subtract,
)
from tests.dsl.bench_protocol import codes, compiled_protocol, plan_of

RUN = "session { deliver 10 mA.min at 2 mA ramping 30 s }"

# Expressions as text, with their meaning in milliampere worked out apart, in fractions

Values = Mapping[str, Fraction]
Meaning = Callable[[Values], Fraction]

PARAMETERS = (
    'param x: 1 mA .. 3 mA = 1 mA step 0.1 mA param y: -2 mA .. 2 mA = 0 mA step 0.5 mA "signed" '
    "param k: 1 .. 5 = 1 step 1 param q: 1 mA.min .. 40 mA.min = 1 mA.min step 1 mA.min "
)


def _choice(draw: st.DrawFn, depth: int, leaves: int, all_: int) -> int:
    return draw(st.integers(0, (all_ if depth else leaves) - 1))


@st.composite
def _numbers(draw: st.DrawFn, depth: int) -> tuple[str, Meaning]:
    """A positive plain number."""
    match _choice(draw, depth, 2, 4):
        case 0:
            return "k", lambda v: v["k"]
        case 1:
            text = draw(st.sampled_from(["2", "0.5", "3", "12.5", "150 %"]))
            value = Fraction(3, 2) if text.endswith("%") else Fraction(text)
            return text, lambda v: value
        case 2:
            (one, first), (other, second) = draw(_numbers(depth - 1)), draw(_numbers(depth - 1))
            return f"({one} + {other})", lambda v: first(v) + second(v)
        case _:
            (one, first), (other, second) = draw(_numbers(depth - 1)), draw(_numbers(depth - 1))
            return f"({one} / {other})", lambda v: first(v) / second(v)


@st.composite
def _currents(draw: st.DrawFn, depth: int) -> tuple[str, Meaning]:
    """A current."""
    match _choice(draw, depth, 5, 11):
        case 0:
            return "x", lambda v: v["x"]
        case 1:
            return "y", lambda v: v["y"]
        case 2:
            return "0.15 mA/cm2 * active.area", lambda v: Fraction(3, 20) * 10
        case 3:
            return "q / 10 min", lambda v: v["q"] / 10
        case 4:
            value = draw(st.integers(-9999, 9999))
            return f"({value} uA)", lambda v: Fraction(value, 1000)
        case 5 | 6 | 7 | 8 as kind:
            (one, first), (other, second) = draw(_currents(depth - 1)), draw(_currents(depth - 1))
            form = ["({} + {})", "({} - {})", "min({}, {})", "max({}, {})"][kind - 5]
            meant = [operator.add, operator.sub, min, max][kind - 5]
            return form.format(one, other), lambda v: meant(first(v), second(v))
        case kind:
            (one, first), (number, second) = draw(_currents(depth - 1)), draw(_numbers(depth - 1))
            divides = kind == 9
            meant = operator.truediv if divides else operator.mul
            return f"({one} {'/' if divides else '*'} {number})", lambda v: meant(first(v), second(v))


COMPARISONS: dict[str, Callable[[Fraction, Fraction], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


@given(
    left=_currents(3),
    right=_currents(3),
    sign=st.sampled_from(sorted(COMPARISONS)),
    x=st.integers(10, 30),
    y=st.integers(-4, 4),
    k=st.integers(1, 5),
    q=st.integers(1, 40),
)
def test_a_comparison_of_currents_is_exact(
    left: tuple[str, Meaning], right: tuple[str, Meaning], sign: str, x: int, y: int, k: int, q: int
) -> None:
    plan = plan_of(f'{PARAMETERS} require {left[0]} {sign} {right[0]} "Compared" {RUN}')
    values = {"x": Fraction(x, 10), "y": Fraction(y, 2), "k": Fraction(k), "q": Fraction(q)}
    environment = {"x": x * 100_000, "y": y * 500_000, "k": k, "q": q * 60_000_000_000}
    expected = COMPARISONS[sign](left[1](values), right[1](values))
    assert evaluate(plan.requirements[0].condition, environment) is expected


# Bounds

EXTENTS = {"a": Extent(2, 9, 1), "b": Extent(-6, 6, 3)}
LEAVES = st.one_of(
    st.integers(-5, 5).map(Constant), st.sampled_from([integer_reference("a"), integer_reference("b")])
)


def _grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    pair = st.tuples(inner, inner)
    return st.one_of(
        pair.map(lambda p: add(*p)),
        pair.map(lambda p: subtract(*p)),
        pair.map(lambda p: multiply(*p)),
        pair.map(lambda p: minimum(*p)),
        pair.map(lambda p: maximum(*p)),
        inner.map(absolute),
        pair.map(lambda p: divide_floor(p[0], integer_reference("a"))),
        pair.map(lambda p: divide_ceiling(*p)),
        st.tuples(inner, inner, inner).map(lambda t: choose(compare(Operator.LESS, t[0], t[1]), t[1], t[2])),
    )


EXPRESSIONS = st.recursive(LEAVES, _grown, max_leaves=8)
VALUES = st.fixed_dictionaries({"a": st.integers(2, 9), "b": st.sampled_from([-6, -3, 0, 3, 6])})


@given(EXPRESSIONS, VALUES)
def test_bounds_hold_for_every_value(expression: Expression, values: dict[str, int]) -> None:
    extent = extent_of(expression, EXTENTS)
    value = evaluate(expression, values)
    if extent is None:
        return
    assert not isinstance(value, Undefined), "an expression with bounds has a value everywhere"
    assert extent.lo <= value <= extent.hi
    assert value % extent.grid == 0 if extent.grid else value == 0


@given(EXPRESSIONS, EXPRESSIONS, st.sampled_from(sorted(Operator, key=str)), VALUES)
def test_what_is_decided_is_so_for_every_value(
    left: Expression, right: Expression, sign: Operator, values: dict[str, int]
) -> None:
    if sign not in (Operator.LESS, Operator.LESS_EQUAL, Operator.EQUAL, Operator.NOT_EQUAL, Operator.GREATER):
        return
    condition = compare(sign, left, right)
    decided = decide(condition, EXTENTS)
    if decided is not None:
        assert evaluate(condition, values) is decided


@given(st.integers(1, 10_000), st.integers(1, 50), st.integers(1, 30), st.booleans())
def test_a_value_on_the_grid_is_a_multiple_of_it_and_never_more_than_the_value(
    numerator: int, denominator: int, grid: int, rounded_down: bool
) -> None:
    ratio = Ratio(product(Constant(1), integer_reference("n")), Constant(denominator))
    value = evaluate(on_grid(ratio, grid, rounded_down, {}), {"n": numerator})
    exact = Fraction(numerator, denominator)
    if isinstance(value, Undefined):
        assert not rounded_down and (exact / grid).denominator != 1
        return
    assert value % grid == 0
    assert value <= exact < value + grid
    assert rounded_down or value == exact


# Values


def test_a_range_is_exact_in_base_units_whatever_its_unit() -> None:
    plan = plan_of('ask age: 0 yr .. 120 yr "Age" refuse when age < 18 yr "Adults" ' + RUN)
    rule = plan.rules[0]
    year_ms = 31_557_600_000
    assert evaluate(rule.condition, {"age": 18 * year_ms}) is False
    assert evaluate(rule.condition, {"age": 18 * year_ms - 1}) is True


def test_tests_in_the_file_become_scenarios_in_base_units() -> None:
    compiled = compiled_protocol(
        'adjustable param current: 1 mA .. 3 mA = 2 mA step 0.1 mA ask fever: yes/no "Fever?" '
        'refuse when fever "Fever" session { deliver 10 mA.min at current ramping 30 s } '
        'after { record skin: none_ | red "Skin" } '
        'test "all" { given current = 1.5 mA given fever = no given skin = red '
        "at 2 min resume at 1 min pause at 3 min adjust current = 2 mA "
        "expect delivered = 10 mA.min expect peak <= 2 mA expect duration >= 1 min expect finished }"
    )
    (scenario,) = compiled.scenarios
    assert scenario.given == (("current", 1_500_000), ("fever", False), ("skin", 1))
    assert [(event.at_ms, event.happening.value) for event in scenario.timeline] == [
        (60_000, "pause"),
        (120_000, "resume"),
        (180_000, "adjust"),
    ]
    assert scenario.timeline[2].value == 2_000_000
    assert [(line.kind.value, line.bound) for line in scenario.expectations] == [
        ("delivered =", 600_000_000_000),
        ("peak <=", 2_000_000),
        ("duration >=", 60_000),
        ("finished", None),
    ]


def test_a_prove_line_speaks_of_what_flows() -> None:
    plan = plan_of(
        'session { deliver 10 mA.min at 2 mA ramping 30 s wait 1 min "Rest" } '
        'prove never output.current > 0 mA after "Rest" prove finished within 20 min '
        "prove always output.charge <= 10 mA.min"
    )
    never, finished, always = plan.properties
    assert never.after == "Rest" and never.condition is not None
    assert evaluate(never.condition, {"output.current": 1}) is True
    assert finished.within_ms == 1_200_000
    assert always.condition is not None
    assert evaluate(always.condition, {"output.charge": 600_000_000_000}) is True
    assert evaluate(always.condition, {"output.charge": 600_000_000_001}) is False


# Bad input


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("hold for " + "9" * 400 + " min", "I0106"),
        ("hold for 0." + "0" * 60 + "1 s", "I0106"),
        ("hold for 99999999999999999 min", "I0311"),
        ("hold for 0.00000001 s", "I0302"),
        ("hold for 1 min * 99999999999 * 99999999999", "I0311"),
        ("ramp to 99999999999999 A over 1 s", "I0311"),
        ("ramp to 99999999999999 A / 3 over 1 s", "I0311"),
        ("ramp to 0.00000000001 mA over 1 s", "I0421"),
        ("ramp to 1 mA over 99999999999 years", "I0311"),
        ("ramp to 1 mA at 99999999999999 A/s", "I0311"),
        ("hold until 99999999999999 A.min", "I0311"),
        ("repeat 99999999999999999999 times { wait 1 s }", "I0311"),
        ("repeat 99999 times { wait 1 s }", "I0412"),
    ],
)
def test_numbers_beyond_all_bounds_are_refused_in_words(text: str, code: str) -> None:
    said = codes(f"session {{ ramp to 1 mA over 30 s {text} ramp to 0 mA over 30 s }}")
    assert code in said


def test_a_long_chain_of_choices_is_refused_and_does_not_exhaust_the_stack() -> None:
    chain = " else ".join(f"if x < {number} mA {{ wait 1 s }}" for number in range(1, 3000))
    said = codes(
        f'param x: 1 mA .. 3 mA = 1 mA step 0.1 mA session {{ {chain} }} prove never 1 > 2 after "Rest"'
    )
    assert "I0461" in said or "I0110" in said


def test_values_that_double_line_by_line_are_refused_in_time() -> None:
    lets = " ".join(f"let x{number + 1} = x{number} * x{number}" for number in range(60))
    assert "I0311" in codes(f"param x0: 1 .. 2 = 1 step 1 {lets} {RUN}")


LIBRARY = shipped()


@pytest.mark.parametrize("path", sorted(path for path in LIBRARY.paths() if path.startswith("treatments/")))
def test_a_treatment_without_any_one_of_its_lines_is_answered_and_never_a_traceback(path: str) -> None:
    content = LIBRARY.read(path)
    assert isinstance(content, bytes)
    lines = content.decode("utf-8").splitlines()
    for number in range(len(lines)):
        text = "\n".join(lines[:number] + lines[number + 1 :])
        compilation = compile_file("changed.ionto", folder=Memory({"changed.ionto": text}))
        assert compilation.ok == bool(compilation.plans) or not compilation.protocols


@given(
    st.lists(
        st.sampled_from(
            [
                "ramp to x over 30 s",
                "ramp to -x over 30 s",
                "ramp to 0 mA over 30 s",
                "ramp to 2 mA at 0.1 mA/s",
                "ramp to x / 3 rounded down over 5 s",
                "hold for 1 min",
                "hold until 3 mA.min",
                "hold until total 20 mA.min",
                "deliver 10 mA.min at x ramping 30 s",
                "wait 1 min",
                "reverse polarity",
                'confirm "Well"',
                'record red: 0 .. 4 step 1 "Redness"',
                'require red <= 2 else finish "too red"',
                "if x > 2 mA {",
                "} else {",
                "repeat 3 times {",
                "repeat until red <= 2 at most 3 times every 1 min {",
                "}",
            ]
        ),
        max_size=12,
    )
)
def test_any_order_of_steps_gives_a_well_formed_plan_or_a_reason(steps: list[str]) -> None:
    said = codes(f"param x: 1 mA .. 3 mA = 2 mA step 0.1 mA session {{ {' '.join(steps)} }}")
    # What the front end lets pass must be well formed; only the bound on the charge may still refuse it.
    assert not [code for code in said if code in ("I0821", "I0822", "I0823", "I0824", "I0825", "I0826")]
