"""A refuted claim in the terminal: values, a chart with the limit's line, both doses, and a test to paste."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from ionto_cli.__main__ import main
from ionto_cli.examples import examples_of
from ionto_cli.exits import Exit
from ionto_cli.failure_drawn import drawn_failures
from ionto_cli.failure_words import failure_lines, refuted_findings
from ionto_cli.tall_strip import Piece, Strip, tall_strip
from ionto_dsl.driver import compile_text
from ionto_verifier.driver import verify
from ionto_verifier.properties import Property
from ionto_verifier.report import VerificationReport
from tests.verifier.sessions import QUICK
from tests.verifier.test_advice_together import BESIDE, source

EXTENDED = """import treatments.plantar_fasciitis_dexamethasone

protocol example version "1.0.0" extends plantar_fasciitis_dexamethasone {{
{body}
}}
"""

DOSE = 'param prescribed: 20 mA.min .. 80 mA.min = 40 mA.min "Prescribed dose"'
CROWDED = "course {\n    every 1 day\n    at most 6 sessions within 15 days\n  }"


def _report(body: str) -> VerificationReport:
    return verify(compile_text(EXTENDED.format(body=body)).plans[0].plan, QUICK)


def _ramp(last: int, level: int | None, passed_ms: int | None = None) -> Strip:
    piece = Piece(0, 60_000, Fraction(0), Fraction(last))
    return Strip(
        (piece,), 0, 60_000, str(last), None if level is None else Fraction(level), "most", passed_ms
    )


def test_what_passes_a_level_by_however_little_is_drawn_above_its_line() -> None:
    lines = [*tall_strip(_ramp(1001, 1000, 59_000))]
    line = next(index for index, text in enumerate(lines) if text.endswith("most"))
    assert line == 1
    assert lines[0].strip().startswith("▁")
    assert "█ most" in lines[line]
    assert lines[-2].strip() == "▲"
    assert lines[-1].split() == ["0:00", "1:00"]


def test_what_stays_below_a_level_is_drawn_below_its_line() -> None:
    lines = [*tall_strip(_ramp(500, 1000))]
    assert lines[0].endswith("┄ most")
    assert "█" not in lines[0]
    assert [text for text in lines if "500" in text] == [lines[4]]


def test_a_level_far_below_says_that_the_chart_is_cut() -> None:
    lines = [*tall_strip(_ramp(42_000, 1000))]
    assert lines[0].endswith("42000, more than fits here")


def test_a_chart_of_nothing_is_empty() -> None:
    assert [*tall_strip(_ramp(0, 1000))] == []


def test_both_doses_are_told_where_they_differ() -> None:
    text = "\n".join(failure_lines(_report(DOSE)))
    assert "with current = 2 mA, prescribed = 80 mA.min" in text
    assert (
        "the skin may receive ≈ 82.01 mA.min; by what is set it is 80 mA.min, which is within the limit"
        in text
    )
    assert "┄ dose <= 80 mA.min in any 24 h" not in text.splitlines()[0]
    assert 'test "dose <= 80 mA.min per session" {' in text


def test_sessions_of_a_schedule_are_numbered_under_the_chart_of_their_window() -> None:
    report = _report(CROWDED)
    text = "\n".join(failure_lines(report))
    dose, sessions = refuted_findings(report)
    assert dose.counterexample is not None and sessions.counterexample is not None
    assert text.count("1, 2 … where sessions begin") == 2
    marks = [line.split() for line in text.splitlines() if line.split()[:1] == ["1"]]
    assert marks == [["1", "2", "▲"], ["1", "▲"]]


@pytest.mark.parametrize("body", [DOSE, CROWDED], ids=["dose", "schedule"])
def test_what_a_chart_says_is_what_the_verifier_saw(body: str) -> None:
    report = _report(body)
    found = [item for item in refuted_findings(report) if item.claim.property is not Property.DURATION]
    assert found
    for finding in found:
        assert finding.counterexample is not None and finding.claim.limit is not None
        [drawn] = drawn_failures(report.plan, finding)
        assert drawn.highest == finding.counterexample.value
        assert drawn.highest > finding.claim.limit.bound


def test_the_command_draws_when_it_is_asked_and_else_says_how_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("IONTO_HOME", str(tmp_path))
    assert main(["verify", "unsafe.ramp_too_steep"]) == Exit.REFUTED
    plain = capfd.readouterr().out
    assert plain.endswith("  `--show` draws each counterexample and gives a test to paste\n")
    assert main(["verify", "--show", "unsafe.ramp_too_steep"]) == Exit.REFUTED
    shown = capfd.readouterr().out
    assert "▲ the limit is passed at 0:00" in shown
    assert shown.count("--show") == 0


def test_the_page_draws_every_session_of_a_schedule() -> None:
    dose, sessions = examples_of(_report(CROWDED), {})
    assert dose.picture is not None and sessions.picture is not None
    assert [mark.text for mark in dose.picture.marks] == ["session 1", "session 2"]
    assert [level.value for level in dose.picture.charge_levels] == [80.0]
    [curve] = dose.picture.curves
    assert curve.charge_ma_min == sorted(curve.charge_ma_min)
    assert curve.time_s == sorted(curve.time_s)
    assert sessions.picture.charge_levels == []


@pytest.mark.parametrize(
    ("limit", "together"),
    [
        ("limit current <= 3.1 mA", True),
        ("limit density at cathode <= 0.062 mA/cm2", True),
        ("limit dose <= 2.6 mA.min per session", True),
        ("limit density at anode <= 0.42 mA/cm2", False),
    ],
    ids=["a sum", "a sum in a return", "a charge of all", "one channel"],
)
def test_of_several_channels_what_passes_the_limit_is_drawn_under_it(limit: str, together: bool) -> None:
    report = verify(compile_text(source(limit, BESIDE)).plans[0].plan, QUICK)
    [finding] = refuted_findings(report)
    assert finding.counterexample is not None
    first, *others = drawn_failures(report.plan, finding)
    assert first.highest == finding.counterexample.value and first.strip.level is not None
    titles = [drawn.title for drawn in (first, *others)]
    if together:
        assert titles == ["all channels together", "channel upper, as set", "channel lower, as set"]
    else:
        assert titles == ["channel upper, in the time of its own session"]
    [example] = examples_of(report, {})
    assert example.picture is not None and len(example.picture.curves) == (3 if together else 1)
    assert all(title in "\n".join(failure_lines(report)) for title in titles if title)


WARD = """envelope ward {
  title "Ward"
  limit dose at anode <= 50 mA.min in any 24 h
}
"""


def test_the_window_of_an_electrode_is_drawn_with_its_line() -> None:
    head, line, body = EXTENDED.format(body=f"  within ward\n  {CROWDED}").partition("protocol example")
    report = verify(compile_text(head + WARD + line + body).plans[0].plan, QUICK)
    [finding] = [item for item in refuted_findings(report) if item.claim.electrode is not None]
    examples = [item.picture for item in examples_of(report, {}) if item.picture is not None]
    [drawn] = [item for item in examples if [level.value for level in item.charge_levels] == [50.0]]
    assert "on calf" in drawn.subtitle and finding.counterexample is not None
    assert drawn.curves[0].charge_ma_min[-1] > 50
