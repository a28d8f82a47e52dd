"""Advice for protocols with channels: ranges and numbers that are proved of the whole, and no more can be."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic
from tests.verifier.test_edits_applied import applied, judged

TEXT = """
device bench {
  title "Two outputs"  driver simulated
  current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA
  compliance 80 V  slew at most 1 mA/s  tick 100 ms  watchdog 500 ms  host gap 250 ms
  waveforms dc  channels 2  return shared
}
electrode capsule { area 5 cm2 }
electrode pad { area 50 cm2 }
envelope limbs {
  title "Limbs"
  LIMIT
  limit ramp <= 0.5 mA/s
  limit interruptions <= 1
  limit pause <= 1 min
}
protocol two version "1.0.0" {
  within limbs
  device bench
  active anode capsule on "arm" channel upper
  active anode capsule on "leg" channel lower
  return cathode pad on "back"
  param level: 0.5 mA .. TOP mA = 0.5 mA step 0.1 mA "Comfort"
  session {
    SESSION
  }
}
"""
BESIDE = """channel upper { ramp to level over 10 s hold for 30 s ramp to 0 mA over 10 s }
    channel lower {
      ramp to 1 mA over 5 s
      hold for 20 s
      ramp to 0 mA over 5 s
    }"""
ALIKE = """channel upper, lower {
      ramp to 1 mA over 5 s
      hold for 20 s
      ramp to 0 mA over 5 s
    }
    then
    channel upper { ramp to level over 2 s hold for 1 s ramp to 0 mA over 2 s }"""


def source(limit: str, session: str, top: str = "3") -> str:
    """The protocol."""
    return TEXT.replace("LIMIT", limit).replace("TOP", top).replace("SESSION", session)


def said(text: str, *codes: str) -> list[Diagnostic]:
    """What the verifier says with these codes."""
    return [item for item in judged(text).diagnostics if item.code in codes]


UNSURE = ("I0703", "I0716")


@pytest.mark.parametrize(
    ("limit", "code"),
    [
        ("limit current <= 3.1 mA", "I0601"),
        ("limit density at cathode <= 0.062 mA/cm2", "I0602"),
        ("limit density at anode <= 0.42 mA/cm2", "I0602"),
        ("limit dose <= 2.6 mA.min per session", "I0605"),
    ],
    ids=["the sum", "the sum in a return", "one channel", "the charge of all"],
)
def test_the_safe_range_of_a_parameter_is_proved_and_one_step_more_is_not(limit: str, code: str) -> None:
    [found] = said(source(limit, BESIDE), code)
    told = re.search(r"`level` up to ([0-9.]+) mA is safe", found.help or "")
    assert told is not None, found.help
    most = Fraction(told[1])
    for top, holds in ((most, True), (most + Fraction(1, 10), False)):
        assert (said(source(limit, BESIDE, f"{float(top):g}"), code, *UNSURE) == []) is holds
    assert found.edit is not None and said(applied(source(limit, BESIDE), found.edit), code, *UNSURE) == []


@pytest.mark.parametrize(
    ("limit", "code", "words", "step"),
    [
        ("limit current <= 1.5 mA", "I0601", r"let line 26 go to ([0-9.]+) mA", "0.01 mA"),
        ("limit density at anode <= 0.2 mA/cm2", "I0602", r"let line 26 go to ([0-9.]+) mA", "0.01 mA"),
        ("limit dose <= 0.9 mA.min per session", "I0605", r"let line 27 hold for ([0-9.]+) s", "1 s"),
    ],
    ids=["the sum", "each channel", "the charge of all"],
)
def test_a_line_of_several_channels_is_moved_in_all_of_them(
    limit: str, code: str, words: str, step: str
) -> None:
    text = source(limit, ALIKE, "0.6")
    found = said(text, code)
    assert found
    for item in found:
        told = re.search(words, item.help or "")
        assert told is not None and item.edit is not None, item.help
        mended = applied(text, item.edit)
        assert said(mended, code, *UNSURE) == []
        amount, unit = step.split()
        more = f"{float(Fraction(told[1]) + Fraction(amount)):g} {unit}"
        assert said(applied(text, replace(item.edit, replacement=more)), code, *UNSURE) != []


def test_a_sum_that_is_undecided_is_told_what_would_be_proved() -> None:
    later = BESIDE.replace("ramp to 1 mA", 'wait 90 s "The arm first" ramp to 1 mA')
    [found] = said(source("limit current <= 3.1 mA", later), "I0716")
    assert found.help is not None
    assert "`then` does" in found.help and "`level` up to 2 mA is safe" in found.help
