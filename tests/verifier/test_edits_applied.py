"""An edit that is offered is one number of the source, and with it in its place the claim is proved."""

from __future__ import annotations

import pytest

from ionto_dsl.driver import compile_text
from ionto_ir.diagnostic import Diagnostic, Edit
from ionto_ir.rewriting import NumberChange, edit_of
from ionto_ir.source import SourceFile, Span
from ionto_ir.units import CHARGE, CURRENT, DIMENSIONLESS, TIME, Dimension
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import VerificationReport

HEAD = """import treatments.plantar_fasciitis_dexamethasone

protocol example version "1.0.0" extends plantar_fasciitis_dexamethasone {
"""
RAMP = "  session {\n    ramp to 2 mA over 2 s\n    hold for 5 min\n    ramp to 0 mA over 30 s\n  }\n"
SLOW = RAMP.replace("2 s", "20 s").replace("5 min", "20 min")
TOO_LONG = RAMP.replace("2 s", "20 s").replace("5 min", "50 min")


def judged(text: str) -> VerificationReport:
    """The verification of a text, with the text at hand."""
    compilation = compile_text(text)
    assert compilation.ok, compilation.diagnostics
    sources = {file.name: file for file in compilation.files}
    return verify(compilation.plans[0].plan, Options(margins=False, sources=sources))


def applied(text: str, edit: Edit) -> str:
    """The text with the edit made."""
    lines = text.split("\n")
    assert edit.span.line == edit.span.end_line
    line = lines[edit.span.line - 1]
    lines[edit.span.line - 1] = (
        line[: edit.span.column - 1] + edit.replacement + line[edit.span.end_column - 1 :]
    )
    return "\n".join(lines)


def refuted(report: VerificationReport, code: str) -> list[Diagnostic]:
    """What is refuted with this code."""
    return [item for item in report.diagnostics if item.code == code]


@pytest.mark.parametrize(
    ("body", "code", "replacement"),
    [
        (RAMP, "I0603", "4 s"),
        (RAMP.replace("over 2 s", "at 1 mA/s"), "I0603", "0.5 mA/s"),
        (TOO_LONG, "I0605", None),
        (SLOW + "  interruptions at most 9, each at most 5 min\n", "I0607", None),
        (RAMP.replace("2 mA over 2 s", "current over 2 s"), "I0603", None),
    ],
)
def test_with_the_edit_made_what_was_refuted_is_proved(body: str, code: str, replacement: str | None) -> None:
    text = HEAD + '  param current: 0.5 mA .. 3 mA = 0.8 mA step 0.1 mA "x"\n' + body + "}\n"
    found = refuted(judged(text), code)
    assert found
    edit = found[0].edit
    assert edit is not None, found[0].help
    assert replacement in (None, edit.replacement)
    assert len(refuted(judged(applied(text, edit)), code)) < len(found)


ANOTHERS = """import regimens.lido_adult_40

envelope ward {
  title "Ward"
  limit dose <= 35 mA.min per session hazard H-BURN source "Ward"
}

protocol example version "1.0.0" extends lido_adult_40 {
  within ward
}
"""


def test_a_line_of_another_file_is_named_and_not_edited() -> None:
    found = next(item for item in refuted(judged(ANOTHERS), "I0605") if item.help is not None)
    assert found.help is not None
    assert "lido_adult_40.ionto`, in a `session` of your own" in found.help, found.help
    assert found.edit is None


def test_two_parameters_of_which_neither_suffices_are_shortened_together() -> None:
    text = (
        HEAD
        + '  param current: 2 mA .. 4 mA = 2 mA step 0.1 mA "x"\n'
        + '  param time: 30 min .. 59 min = 30 min step 1 min "y"\n'
    )
    text += (
        RAMP.replace("2 mA over 2 s", "current over 30 s").replace("5 min", "time")
        + "  interruptions at most 1, each at most 1 min\n}\n"
    )
    found = next(item for item in refuted(judged(text), "I0605") if item.help is not None)
    assert found.help is not None
    assert "together with" in found.help, found.help
    first, second = (
        part.split(" up to ")[1].split()[:2]
        for part in found.help.split(" is safe")[0].split(" together with ")
    )
    mended = text.replace("2 mA .. 4 mA", f"2 mA .. {' '.join(first)}").replace(
        "30 min .. 59 min", f"30 min .. {' '.join(second)}"
    )
    assert refuted(judged(mended), "I0605") == []


@pytest.mark.parametrize(
    ("line", "dimension", "old", "new", "written"),
    [
        ("ramp to 2 mA over 0.5 min", TIME, 30_000, 45_000, "0.75 min"),
        ("hold until 1.5 mA·min", CHARGE, 90_000_000_000, 60_000_000_000, "1 mA·min"),
        ("ramp to 1500 µA over 3 s", CURRENT, 1_500_000, 1_200_000, "1200 µA"),
        ("interruptions at most 3, each at most 3 min", DIMENSIONLESS, 3, 2, "2"),
        ('wait 3 s "not before 3 s"  # after 3 s', TIME, 3_000, 4_000, "4 s"),
    ],
)
def test_the_number_is_found_in_the_units_of_its_author(
    line: str, dimension: Dimension, old: int, new: int, written: str
) -> None:
    source = SourceFile("p.ionto", f"first\n    {line}\n")
    span = Span("p.ionto", 2, 5, 2, 5 + len(line))
    edit = edit_of(NumberChange(span, dimension, old, new), {"p.ionto": source})
    assert edit is not None
    assert edit.replacement == written
    assert applied(source.text, edit) != source.text


def test_where_two_numbers_could_be_meant_there_is_no_edit() -> None:
    line = "hold for 3 min ramp to 0 mA over 3 min"
    source = SourceFile("p.ionto", line)
    change = NumberChange(Span("p.ionto", 1, 1, 1, len(line) + 1), TIME, 180_000, 60_000)
    assert edit_of(change, {"p.ionto": source}) is None


def test_a_resume_that_is_too_quick_is_shown_in_a_hold_and_a_slower_one_is_offered() -> None:
    (found,) = refuted(judged(HEAD + "  resume at 0.8 mA/s\n}\n"), "I0603")
    assert found.help == "write `resume at 0.5 mA/s`"
    assert found.primary is not None
    assert found.primary.text.startswith("at 0:34")
    assert refuted(judged(HEAD + "  resume at 0.5 mA/s\n}\n"), "I0603") == []


def test_a_missing_refusal_is_named() -> None:
    text = 'envelope ward {\n  title "Ward"\n  exclude thin hazard H-BURN source "Ward"\n}\n'
    text = (
        HEAD.replace("\n\n", f"\n{text}", 1)
        + '  within ward\n  ask thin: yes/no "Thin skin?"\n  caution when thin "Look"\n}\n'
    )
    (found,) = refuted(judged(text), "I0609")
    assert found.help is not None
    assert '`refuse when thin "..."`' in found.help
