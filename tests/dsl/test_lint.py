"""Lints: what is pointed out, and what is left alone."""

from __future__ import annotations

from ionto_ir.diagnostic import Severity
from tests.dsl.bench_protocol import codes, compiled

RUN = "session { deliver 10 mA.min at 2 mA ramping 30 s }"


def test_a_lint_never_keeps_a_protocol_from_being_compiled() -> None:
    compilation = compiled("let dose = 10 mA.min " + RUN)
    assert [diagnostic.severity for diagnostic in compilation.diagnostics] == [Severity.WARNING]
    assert compilation.ok and len(compilation.plans) == 1


def test_with_errors_nothing_is_said_about_unused_names() -> None:
    assert codes("let dose = 10 mA.min session { deliver 10 mA.min at 2 mB ramping 30 s }") == ["I0309"]


def test_a_question_with_a_range_needs_no_rule() -> None:
    assert codes('ask age: 6 yr .. 120 yr "Age" ' + RUN) == []
    assert codes('ask fever: yes/no "Fever?" ' + RUN) == ["I0504"]


def test_a_parameter_used_only_in_a_requirement_is_used() -> None:
    assert codes('param x: 1 mA .. 2 mA = 1 mA require x < 3 mA "Small" ' + RUN) == []


def test_a_value_given_in_a_test_is_not_used_by_that() -> None:
    assert codes('param x: 1 mA .. 2 mA = 1 mA test "x" { given x = 1 mA expect finished } ' + RUN) == [
        "I0502"
    ]


def test_a_current_up_to_ten_times_its_limit_is_the_verifiers_business() -> None:
    assert codes("session { ramp to 39.99 mA over 90 s ramp to 0 mA over 90 s }") == []
    assert codes("session { ramp to 40 mA over 90 s ramp to 0 mA over 90 s }") == ["I0506"]


def test_a_thousandfold_current_is_shown_in_the_unit_that_was_meant() -> None:
    (diagnostic,) = compiled("session { ramp to 170 mA over 90 s ramp to 0 mA over 90 s }").diagnostics
    assert diagnostic.help == "did you mean `170 uA`?"


def test_a_value_far_beyond_a_thousandfold_gets_no_guess() -> None:
    (diagnostic,) = compiled("session { ramp to 9 A over 90 s ramp to 0 mA over 90 s }").diagnostics
    assert diagnostic.help is None


def test_a_choice_on_an_answer_is_a_choice() -> None:
    steps = "session { if fever { wait 1 min } else { wait 2 min } deliver 10 mA.min at 2 mA ramping 30 s }"
    assert codes('ask fever: yes/no "Fever?" ' + steps) == []
