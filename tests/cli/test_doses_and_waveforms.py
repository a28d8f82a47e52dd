"""Pulses and doses on demand through the whole session on the simulated stimulator."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ionto_cli.__main__ import main

DEVICE = """
envelope bench {
  title "Bench"
  limit current <= 4 mA
  limit ramp    <= 0.5 mA/s
  interruptions at most 1, each at most 1 min
}

device pulser {
  driver     simulated
  current    0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA
  compliance 80 V
  slew       at most 1 mA/s
  tick       100 ms
  watchdog   500 ms
  host gap   250 ms
  waveforms  dc, pulsed, ac
}

electrode patch { area 25 cm2 }

protocol example version "1.0.0" {
  title "Example"
  within bench
  device pulser
  active anode   patch on "arm"
  return cathode patch on "leg"
  session {
    SESSION
  }
}
"""
PULSES = "ramp to 2 mA over 5 s as pulsed 10 kHz duty 25 %  hold for 10 s  ramp to 0 mA over 5 s"
DOSES = (
    'on demand "Dose" lockout 10 s from start at most 2 times within 1 min '
    "{ ramp to 1 mA over 2 s  hold for 4 s  ramp to 0 mA over 2 s }"
)


def simulated(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], session: str, *words: str
) -> dict[str, object]:
    """What `ionto simulate --json` says of a session."""
    path = tmp_path / "example.ionto"
    path.write_text(DEVICE.replace("SESSION", session), encoding="utf-8")
    main(["simulate", str(path), "--json", *words])
    found: dict[str, object] = json.loads(capfd.readouterr().out)
    return found


def test_pulses_pass_the_probe_of_the_contact_and_add_up_to_their_mean(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    said = simulated(tmp_path, capfd, PULSES)
    assert (said["completed"], said["peak_na"], said["alarms"]) == (True, 2_000_000, [])
    assert isinstance(said["set_pc"], int) and isinstance(said["true_pc"], int)
    # 0.5 mA for 10 s and on the way up; the way down is direct current.
    assert abs(said["set_pc"] - (5 + 1.25 + 5) * 10**9) < 2 * 10**8
    assert abs(said["true_pc"] - said["set_pc"]) < 5 * 10**8


def test_a_press_gives_a_dose_and_one_in_the_lockout_gives_none(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    none = simulated(tmp_path, capfd, DOSES)
    one = simulated(tmp_path, capfd, DOSES, "--at", "0 s press Dose", "--at", "9 s press Dose")
    two = simulated(tmp_path, capfd, DOSES, "--at", "0 s press Dose", "--at", "10 s press Dose")
    assert none["set_pc"] == 0 and none["completed"]
    assert isinstance(one["set_pc"], int) and one["set_pc"] > 0
    assert two["set_pc"] == 2 * one["set_pc"]
