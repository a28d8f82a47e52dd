"""Monitors, people and soft limits on the command line: in tests, reports, pictures and runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ionto_cli.exits import Exit
from tests.cli.test_commands import Ionto, ionto

__all__ = ["ionto"]  # a fixture

SHORT = """
import devices.clinic_dc_4ma
import electrodes.large_patch
import electrodes.medium_patch

envelope careful {
  title "Careful"
  limit current <= 4 mA
  limit ramp <= 0.5 mA/s
  limit dose <= 10 mA.min per session
  soft limit dose <= 1 mA.min per session needs prescriber "more than usual"
  interruptions at most 2, each at most 1 min
}

protocol short version "1.0.0" {
  title "Short"
  within careful
  device clinic_dc_4ma
  active cathode medium_patch on "heel"
  return anode large_patch on "calf"
  session {
    ramp to 2 mA over 10 s "Onset"
    hold for 50 s
    ramp to 0 mA over 10 s
    move active to "medial heel" waiting at most 10 s else finish "not moved"
    ramp to 1 mA over 10 s
    hold for 10 s
    ramp to 0 mA over 10 s
  }
  pause when impedance > 50 kOhm for 2 s until impedance < 30 kOhm "Check contact"
  stop when voltage > 70 V for 5 s "Too much voltage"
  warn when charge > 1 mA.min "most of it is given"
  test "loose" {
    at 30 s impedance 60 kOhm
    at 45 s impedance normal
    at 46 s resume
    expect paused "Check contact"
    expect finished
  }
  test "never mended" { at 30 s impedance 60 kOhm  at 45 s resume  expect stopped }
  test "unreadable" { at 30 s impedance missing  expect paused  expect stopped }
  test "high" { at 30 s voltage 75 V  expect stopped "Too much voltage" }
  test "away" { at 30 s away  expect finished "not moved"  expect warned }
  test "asked" { expect cautioned }
}
"""


@pytest.fixture
def short(tmp_path: Path) -> str:
    """The protocol in a file."""
    (tmp_path / "short.ionto").write_text(SHORT, encoding="utf-8")
    return "short.ionto"


def test_what_monitors_do_can_be_tested(ionto: Ionto, short: str) -> None:
    code, out, _ = ionto("test", short)
    assert (code, "6 passed, 0 failed" in out) == (0, True)


def test_a_test_that_expects_another_monitor_fails_with_what_was_said(
    ionto: Ionto, short: str, tmp_path: Path
) -> None:
    wrong = SHORT.replace('expect stopped "Too much voltage"', 'expect stopped "Dry electrode"')
    wrong = wrong.replace('expect finished "not moved"  expect warned', 'expect warned "nearly over"')
    wrong = wrong.replace("expect cautioned", "expect paused")
    (tmp_path / short).write_text(wrong, encoding="utf-8")
    code, out, complaints = ionto("test", short)
    assert (code, "3 passed, 3 failed" in out) == (Exit.REFUTED, True)
    assert "stopped by `Dry electrode`, and the reason is `stopped: Too much voltage`" in complaints
    assert "warned by `nearly over`, and it was not; what was said is `a monitor warns: most of" in complaints
    assert "expected to be paused, and nothing paused it" in complaints


def test_a_short_session_is_drawn_and_its_report_tells_what_watches_it(
    ionto: Ionto, short: str, tmp_path: Path
) -> None:
    assert ionto("plot", short, "--output", "short.svg")[0] == 0
    assert ionto("report", short, "--output", "short.html")[0] == 0
    page = (tmp_path / "short.html").read_text(encoding="utf-8")
    assert "Pause when impedance &gt; 50 kOhm for 2 s until impedance &lt; 30 kOhm: Check contact" in page
    assert "may be passed by a named prescriber who says why" in page
    assert "Move an electrode to “medial heel” (waiting at most 10 s)" in page


def run(folder: Path, typed: str, *words: str) -> subprocess.CompletedProcess[str]:
    """A run of the sealed plan by somebody who types this."""
    return subprocess.run(
        [sys.executable, "-m", "ionto_cli", "run", "short.plan.json", "--accelerate", "1000", *words],
        cwd=folder,
        env=os.environ | {"IONTO_HOME": str(folder / "home")},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_run_asks_for_the_role_that_a_soft_limit_needs_and_records_the_answer(
    ionto: Ionto, short: str, tmp_path: Path
) -> None:
    assert ionto("keys", "new", "author")[0] == 0
    assert ionto("compile", short, "--output", "short.plan.json")[0] == 0
    refused = run(tmp_path, "", "--yes")
    assert refused.returncode == Exit.SOURCE
    assert "somebody must answer for this by name" in refused.stderr
    told = run(tmp_path, "Dr. A\nof a trial\nyes\nyes\nyes\n", "--plain", "--json", "--operator", "nurse")
    assert "the name of the prescriber who answers for this" in told.stderr
    assert "answered  Dr. A (prescriber) for limits[3]: of a trial" in told.stderr
    (given,) = json.loads(told.stdout)["acknowledgements"]
    assert given == {"subject": "limits[3]", "person": "Dr. A", "reason": "of a trial", "role": "prescriber"}


def test_a_simulation_can_be_given_another_contact(ionto: Ionto, short: str, tmp_path: Path) -> None:
    watched = "pause when impedance > 50 kOhm for 2 s until impedance < 30 kOhm"
    close = "pause when impedance > 1.35 kOhm and elapsed > 28 s for 2 s until impedance < 1.3 kOhm"
    (tmp_path / short).write_text(SHORT.replace(watched, close), encoding="utf-8")
    disturbed = ("--at", "30 s impedance 1.8 kOhm", "--at", "45 s impedance normal", "--at", "46 s resume")
    code, out, _ = ionto("simulate", short, *disturbed)
    assert (code, "F12 a monitor pauses the session: Check contact" in out) == (0, True)
    code, _, complaint = ionto("simulate", short, "--at", "30 s impedance 2 mA")
    assert (code, "is no impedance" in complaint) == (Exit.USAGE, True)
    assert ionto("simulate", short, "--at", "30 s voltage 5 V")[0] == Exit.USAGE
