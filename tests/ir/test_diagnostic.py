"""Diagnostics: their order, and how they are shown to people and to machines."""

from __future__ import annotations

import json

from ionto_ir.diagnostic import Edit, Label, Severity, error, has_errors, in_reading_order, warning
from ionto_ir.render import SPAN_LINES_MAX, diagnostic_data, render_all, render_text
from ionto_ir.source import SourceFile, Span

HEEL = SourceFile(
    "heel.ionto",
    "\n" * 8 + "  let total = 40 mA.min\n" + "\n" * 4 + "  hold total for 20 min\n",
)
TOTAL = error(
    "I0304",
    "a hold keeps a current, and `total` is a charge",
    Span("heel.ionto", 14, 8, 14, 13),
    "expected a current",
    labels=(Label(Span("heel.ionto", 9, 15, 9, 24), "a charge, 2.4 C"),),
    notes=("mA.min is a current multiplied by a time",),
    help="to give this charge in 20 min, write `ramp to 2 mA over 30 s` and `hold until 40 mA.min`",
)


EXAMPLE = """\
error[I0304]: a hold keeps a current, and `total` is a charge
   --> heel.ionto:14:8
    |
 9  |   let total = 40 mA.min
    |               --------- a charge, 2.4 C
14  |   hold total for 20 min
    |        ^^^^^ expected a current
    = note: mA.min is a current multiplied by a time
    = help: to give this charge in 20 min, write `ramp to 2 mA over 30 s` and `hold until 40 mA.min`\
"""


def test_the_example_of_the_language_design_is_shown_as_there() -> None:
    assert render_text(TOTAL, {"heel.ionto": HEEL}) == EXAMPLE


def _shown(text: str, *spans: Span) -> list[str]:
    labels = tuple(Label(span, f"label {index}") for index, span in enumerate(spans[1:], 1))
    shown = render_text(error("I0001", "x", spans[0], "here", labels=labels), {"a": SourceFile("a", text)})
    return shown.split("\n")[3:]


def test_tabs_and_wide_letters_do_not_shift_the_underline() -> None:
    assert _shown("\tab", Span("a", 1, 3, 1, 4)) == [" 1  |     ab", "    |      ^ here"]
    assert _shown("漢字 ab", Span("a", 1, 4, 1, 5)) == [" 1  | 漢字 ab", "    |      ^ here"]
    assert _shown("e\u0301x", Span("a", 1, 3, 1, 4))[1] == "    |  ^ here"


def test_an_empty_span_still_shows_where() -> None:
    assert _shown("ab", Span("a", 1, 3, 1, 3)) == [" 1  | ab", "    |   ^ here"]


def test_a_place_after_the_last_line_is_shown() -> None:
    assert _shown("ab", Span("a", 2, 1, 2, 1)) == [" 2  |", "    | ^ here"]


def test_two_labels_of_one_line_are_both_shown_the_right_one_first() -> None:
    assert _shown("1 mA .. 2 s", Span("a", 1, 9, 1, 12), Span("a", 1, 1, 1, 5)) == [
        " 1  | 1 mA .. 2 s",
        "    |         ^^^ here",
        "    | ---- label 1",
    ]


def test_a_label_of_several_lines_shows_where_it_begins_and_ends() -> None:
    assert _shown("session {\n  hold\n}", Span("a", 1, 9, 3, 2)) == [
        " 1  | session {",
        "    |         ^ from here",
        " 2  |   hold",
        " 3  | }",
        "    | ^ here",
    ]


def test_of_a_very_long_label_only_the_ends_are_shown() -> None:
    lines = ["{", *["x"] * SPAN_LINES_MAX, "}"]
    shown = _shown("\n".join(lines), Span("a", 1, 1, len(lines), 2))
    assert shown[0] == " 1  | {"
    assert ".." in shown
    assert not any("x" in line for line in shown)


def test_of_a_very_long_line_the_part_around_the_label_is_shown() -> None:
    shown = _shown("a" * 1000 + "B" + "c" * 1000, Span("a", 1, 1001, 1, 1002))
    assert len(shown[0]) < 200
    assert shown[0].index("B") == shown[1].index("^")


def test_a_label_in_another_file_has_its_own_excerpt() -> None:
    limit = Label(Span("envelope.ionto", 1, 1, 1, 6), "decided here")
    found = error("I0001", "x", Span("heel.ionto", 9, 3, 9, 6), "too much", labels=(limit,))
    files = {"heel.ionto": HEEL, "envelope.ionto": SourceFile("envelope.ionto", "limit current")}
    shown = render_text(found, files)
    assert "   --> heel.ionto:9:3" in shown
    assert "   ::: envelope.ionto:1:1\n    |\n 1  | limit current\n    | ----- decided here" in shown


def test_a_file_that_cannot_be_shown_costs_only_the_excerpt() -> None:
    shown = render_text(TOTAL, {})
    assert "heel.ionto:14:8" in shown
    assert "expected a current" in shown


def test_without_a_place_there_is_only_the_message() -> None:
    assert render_text(error("I0901", "no such device", None), {}) == "error[I0901]: no such device"


def test_colour_adds_nothing_but_colour() -> None:
    coloured = render_text(TOTAL, {"heel.ionto": HEEL}, colour=True)
    plain = coloured
    for code in ("\x1b[1;31m", "\x1b[34m", "\x1b[1m", "\x1b[0m"):
        assert code in coloured
        plain = plain.replace(code, "")
    assert plain == render_text(TOTAL, {"heel.ionto": HEEL})


def test_several_are_shown_with_a_blank_line_between() -> None:
    assert render_all([], {}) == ""
    both = render_all([error("I0001", "a", None), warning("I0002", "b", None)], {})
    assert both == "error[I0001]: a\n\nwarning[I0002]: b"


def test_machines_get_the_same_as_plain_data() -> None:
    span = Span("a", 1, 2, 3, 4)
    found = warning("I0501", "x", span, "here", notes=("n",), help="h", edit=Edit(span, "y"))
    data = json.loads(json.dumps(diagnostic_data(found)))
    where = {"file": "a", "line": 1, "column": 2, "end_line": 3, "end_column": 4}
    assert data == {
        "code": "I0501",
        "severity": "warning",
        "message": "x",
        "primary": {"span": where, "text": "here"},
        "labels": [],
        "notes": ["n"],
        "help": "h",
        "edit": {"span": where, "replacement": "y"},
    }
    assert diagnostic_data(error("I0001", "x", None))["primary"] is None


def test_diagnostics_are_put_in_reading_order_and_said_once() -> None:
    late, early = error("I0002", "b", Span("a", 9, 1, 9, 2)), error("I0001", "a", Span("a", 1, 5, 1, 6))
    nowhere = error("I0003", "c", None)
    assert in_reading_order([nowhere, late, early, late]) == (early, late, nowhere)


def test_only_errors_forbid_to_go_on() -> None:
    assert has_errors([warning("I0501", "a", None), error("I0001", "b", None)])
    assert not has_errors([warning("I0501", "a", None)])
    assert warning("I0501", "a", None).severity is Severity.WARNING
