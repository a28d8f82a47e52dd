"""What people type: read exactly, or refused with words that say what would fit."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.diagnostic import Diagnostic
from ionto_ir.entry import expected, parse_assignments, parse_entry
from ionto_ir.plan import BooleanDomain, ChoiceDomain, Domain, IntegerDomain, Variable, VariableKind
from ionto_ir.wording import value_text
from tests.treatments import HERE, plan_with

MA = 1_000_000
CURRENT = IntegerDomain(MA, 4 * MA, MA // 10, 2 * MA, "current", "mA")
DOSE = IntegerDomain(0, 80 * 60 * 10**9, None, None, "charge", "mA.min")
COUNT = IntegerDomain(1, 10, 1, None, "plain number", "")
SHARE = IntegerDomain(0, 1_000_000, None, None, "fraction", "%")
SKIN = ChoiceDomain(("none", "erythema", "blister"))


def variable(domain: Domain, name: str = "current") -> Variable:
    return Variable(name, VariableKind.PARAMETER, domain, "Set to comfort", False, None, HERE)


def refusal(domain: Domain, text: str) -> Diagnostic:
    """The diagnostic for a text that must be refused."""
    found = parse_entry(variable(domain), text)
    assert isinstance(found, Diagnostic)
    assert found.code == "I0906"
    assert found.primary is not None and found.primary.span == HERE
    return found


@pytest.mark.parametrize(
    ("domain", "text", "value"),
    [
        (CURRENT, "2 mA", 2 * MA),
        (CURRENT, "2mA", 2 * MA),
        (CURRENT, "  2.5 mA ", 2_500_000),
        (CURRENT, "2500 µA", 2_500_000),
        (CURRENT, "0.004 A", 4 * MA),
        (CURRENT, "1.00 mA", MA),
        (DOSE, "40 mA.min", 40 * 60 * 10**9),
        (DOSE, "2.4 C", 40 * 60 * 10**9),
        (COUNT, "3", 3),
        (SHARE, "2 %", 20_000),
        (SHARE, "0.5 %", 5_000),
        (BooleanDomain(), "y", True),
        (BooleanDomain(), "Yes", True),
        (BooleanDomain(), "no", False),
        (BooleanDomain(), "N", False),
        (SKIN, "erythema", 1),
        (SKIN, "None", 0),
    ],
)
def test_what_is_written_plainly_is_read_exactly(domain: Domain, text: str, value: int | bool) -> None:
    found = parse_entry(variable(domain), text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "message", "help_"),
    [
        ("", "nothing was entered", "1 mA to 4 mA in steps of 0.1 mA"),
        ("   ", "nothing was entered", "1 mA to 4 mA in steps of 0.1 mA"),
        ("2,5 mA", "has a comma", "`2.5 mA`"),
        ("1,000 uA", "has a comma", "`1.000 uA`"),
        ("2", "has no unit", "`2 mA`"),
        ("2 V", "is a voltage, and `current` is a current", "1 mA to 4 mA"),
        ("2 mA.min", "is a charge", "1 mA to 4 mA"),
        ("2 ma", "there is no unit `ma`", "`mA`"),
        ("2 parsec", "there is no unit `parsec`", None),
        ("NaN", "is not a quantity", "1 mA to 4 mA"),
        ("inf mA", "is not a quantity", "1 mA to 4 mA"),
        ("1e0 mA", "has an exponent", "plain decimals"),
        (".5 mA", "has a point with a side missing", "`0.5`"),
        ("2. mA", "has a point with a side missing", "`5`"),
        ("1.2.3 mA", "more than one point", "1 mA to 4 mA"),
        ("two mA", "does not begin with a number", "1 mA to 4 mA"),
        ("mA", "does not begin with a number", "1 mA to 4 mA"),
        ("0x2 mA", "there is no unit `x2 mA`", None),
        ("5 mA", "outside of the range", "the nearest value is 4 mA"),
        ("0.9 mA", "outside of the range", "the nearest value is 1 mA"),
        ("-2 mA", "outside of the range", "the nearest value is 1 mA"),
        ("170 mA", "outside of the range", "the nearest value is 4 mA"),
        ("2.05 mA", "between two steps", "the nearest values are 2 mA and 2.1 mA"),
        ("2.0000000001 mA", "between two steps", "the nearest values are 2 mA and 2.1 mA"),
        ("9" * 30 + " mA", "more than 24 digits", "1 mA to 4 mA"),
        ("٢ mA", "does not begin with a number", "1 mA to 4 mA"),
    ],
)
def test_what_does_not_fit_is_refused_and_the_message_says_what_would(
    text: str, message: str, help_: str | None
) -> None:
    found = refusal(CURRENT, text)
    assert message in found.message
    if help_ is None:
        assert found.help is None
    else:
        assert found.help is not None and help_ in found.help


def test_a_value_finer_than_the_base_unit_lies_between_two_values() -> None:
    found = refusal(IntegerDomain(0, MA, None, None, "current", "mA"), "0.0000015 mA")
    assert found.help == "the nearest values are 0.000001 mA and 0.000002 mA"


def test_the_nearest_value_lies_on_a_step_even_where_the_range_ends_between_two() -> None:
    odd = IntegerDomain(0, 1_050_000, 100_000, None, "current", "mA")
    assert refusal(odd, "2 mA").help == "the nearest value is 1 mA"
    assert refusal(odd, "1.05 mA").help == "the nearest value is 1 mA"


def test_a_label_is_found_whatever_its_case_unless_two_differ_only_in_it() -> None:
    twins = ChoiceDomain(("Left", "left", "right"))
    assert parse_entry(variable(twins), "left") == 1
    assert parse_entry(variable(twins), "Left") == 0
    assert parse_entry(variable(twins), "RIGHT") == 2
    assert "choices are Left, left or right" in (refusal(twins, "LEFT").help or "")


def test_an_unclear_answer_is_not_an_answer() -> None:
    for text in ("maybe", "1", "true", "ye", "yes!"):
        assert refusal(BooleanDomain(), text).help == "answer yes or no"


def test_what_is_shown_in_a_message_is_short_and_printable() -> None:
    found = refusal(CURRENT, "\x1b[2J" + "x" * 5_000)
    assert "\x1b" not in found.message
    assert len(found.message) < 200


@given(st.text(max_size=60))
def test_any_text_is_either_a_value_of_the_variable_or_refused(text: str) -> None:
    for domain in (CURRENT, DOSE, COUNT, SHARE, SKIN, BooleanDomain()):
        found = parse_entry(variable(domain), text)
        if isinstance(found, Diagnostic):
            assert found.code == "I0906"
            assert "\n" not in found.message
            continue
        match domain:
            case IntegerDomain(lo, hi, step):
                assert not isinstance(found, bool) and lo <= found <= hi
                assert step is None or (found - lo) % step == 0
            case ChoiceDomain(labels):
                assert 0 <= found < len(labels)
            case BooleanDomain():
                assert isinstance(found, bool)


@given(st.integers(0, 30).map(lambda steps: MA + steps * MA // 10))
def test_what_is_shown_can_be_entered_again(value: int) -> None:
    shown = value_text(variable(CURRENT), value)
    assert parse_entry(variable(CURRENT), shown) == value


@given(st.fractions(0, 5, max_denominator=10_000))
def test_no_value_is_rounded(value: Fraction) -> None:
    scaled = value * 10**4
    if scaled.denominator != 1:
        return
    text = f"{scaled.numerator // 10**4}.{scaled.numerator % 10**4:04d} mA"
    found = parse_entry(variable(CURRENT), text)
    on_step = (value * 10).denominator == 1 and 1 <= value <= 4
    assert found == value * MA if on_step else isinstance(found, Diagnostic)


def test_assignments_give_each_variable_its_value() -> None:
    plan = plan_with((), variables=(variable(CURRENT), variable(BooleanDomain(), "pacemaker")))
    assert parse_assignments(plan, ["current=2 mA", " pacemaker = no"]) == {
        "current": 2 * MA,
        "pacemaker": False,
    }


def test_every_wrong_assignment_is_reported() -> None:
    plan = plan_with((), variables=(variable(CURRENT), variable(BooleanDomain(), "pacemaker")))
    found = parse_assignments(
        plan, ["current", "curent=2 mA", "current=9 mA", "pacemaker=no", "pacemaker=yes"]
    )
    assert isinstance(found, tuple)
    assert [problem.code for problem in found] == ["I0906"] * 4
    assert found[0].help == "write `NAME=VALUE`, as in `current=2 mA`"
    assert found[1].help == "did you mean `current`?"
    assert "outside of the range" in found[2].message
    assert "twice" in found[3].message


def test_what_can_be_entered_is_told_in_words() -> None:
    assert expected(BooleanDomain()) == "yes or no"
    assert expected(SKIN) == "none, erythema or blister"
    assert expected(ChoiceDomain(("left",))) == "left"
    assert expected(CURRENT) == "1 mA to 4 mA in steps of 0.1 mA"
    assert expected(DOSE) == "0 mA.min to 80 mA.min"
