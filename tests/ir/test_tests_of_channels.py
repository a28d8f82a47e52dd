"""Tests of protocols with channels: what happens to one of them, and what is expected of it."""

from __future__ import annotations

import pytest

from ionto_dsl.driver import compile_text
from ionto_ir.codec import scenario_from_json, scenario_to_json
from ionto_ir.expectations import failures
from ionto_ir.rehearse import rehearse

TEXT = """
device bench {{
  title "Two outputs"  driver simulated
  current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA
  compliance 80 V  slew at most 1 mA/s  tick 100 ms  watchdog 500 ms  host gap 250 ms
  waveforms dc  channels 2  return separate
}}
electrode capsule {{ area 5 cm2 }}
electrode pad {{ area 50 cm2 }}
envelope limbs {{
  title "Limbs"
  limit current <= 4 mA
  limit interruptions <= 2
  limit pause <= 5 min
}}
protocol two version "1.0.0" {{
  within limbs
  device bench
  active anode capsule on "arm" channel upper
  active anode capsule on "leg" channel lower
  return cathode pad on "back"  channel upper
  return cathode pad on "thigh" channel lower
  pause when impedance > 50 kOhm for 1 s  "Check contact"
  warn when impedance > 30 kOhm  "Dry"
  session {{ {session} }}
  test "it" {{ {test} }}
}}
"""
BESIDE = """
channel upper { deliver 1 mA.min at 2 mA ramping 2 s }
channel lower { deliver 1 mA.min at 1 mA ramping 2 s }
"""
IN_TURN = BESIDE.replace("channel lower", "then channel lower")


def said(test: str, session: str = BESIDE) -> list[str]:
    """What the test says."""
    [protocol] = compile_text(TEXT.format(session=session, test=test)).plans
    [scenario] = protocol.scenarios
    assert scenario_from_json(scenario_to_json(scenario)) == scenario
    return [item.message for item in failures(protocol.plan, scenario, rehearse(protocol.plan, scenario))]


DRY = "at 5 s channel {channel} impedance 90 kOhm at 20 s channel {channel} impedance normal at 21 s resume"


@pytest.mark.parametrize(
    "test",
    [
        DRY.format(channel="lower") + ' expect channel lower paused "Check contact" expect finished',
        DRY.format(channel="lower") + " expect channel upper paused expect paused",
        "at 5 s channel upper impedance 40 kOhm expect channel upper warned expect finished",
        "at 0 s channel lower impedance 90 kOhm expect channel lower paused expect channel upper paused",
        "at 5 s channel lower lead_off at 9 s resume expect channel lower paused expect finished",
        "expect channel upper delivered = 1 mA.min expect delivered = 2 mA.min",
        "expect channel upper peak <= 2 mA expect channel lower peak <= 1 mA",
        "expect channel upper duration <= 33 s expect channel lower duration >= 60 s expect duration >= 60 s",
        "at 5 s stop expect channel upper stopped expect channel lower stopped",
    ],
)
def test_what_happens_to_one_channel_is_seen_on_it(test: str) -> None:
    assert said(test) == []


@pytest.mark.parametrize(
    ("test", "problem"),
    [
        (
            DRY.format(channel="lower") + ' expect channel upper paused "Check contact"',
            "on channel upper: expected to be paused by `Check contact`, and it was not",
        ),
        (
            "at 5 s channel upper impedance 40 kOhm expect channel lower warned",
            "on channel lower: expected to be warned, and it was not",
        ),
        ("expect channel lower peak <= 0.9 mA", "on channel lower: expected peak <= 0.9 mA, and it is 1 mA"),
        ("expect channel upper delivered >= 2 mA.min", "on channel upper: expected delivered >= 2 mA.min"),
        ("expect channel upper stopped", "on channel upper: expected to be stopped, and it finished"),
        ("at 5 s stop expect channel lower finished", "on channel lower: expected to finish"),
        ("expect paused", "expected to be paused, and nothing paused it"),
    ],
)
def test_what_one_channel_does_not_do_is_told_with_its_name(test: str, problem: str) -> None:
    [message] = said(test)
    assert message.startswith(f"`it`: {problem}")


def test_times_are_those_of_the_session_also_for_a_channel_that_waits_for_its_turn() -> None:
    lower = "channel lower impedance"
    before = f"at 5 s {lower} 90 kOhm at 20 s {lower} normal"
    during = f"at 40 s {lower} 90 kOhm at 50 s {lower} normal at 50 s resume"
    assert said(during + " expect channel lower paused expect finished", IN_TURN) == []
    [message] = said(before + " expect channel lower paused", IN_TURN)
    assert message == "`it`: on channel lower: expected to be paused, and nothing paused it"
