"""`expect safe`: the protocol itself refuses a session, or keeps every limit without being stopped."""

from __future__ import annotations

import pytest

from ionto_dsl.driver import compile_text
from ionto_ir.expectations import failures
from ionto_ir.rehearse import rehearse

EXTENDED = """import treatments.plantar_fasciitis_dexamethasone

protocol example version "1.0.0" extends plantar_fasciitis_dexamethasone {{
{body}
  test "it" {{ {test} expect safe }}
}}
"""


def said(test: str, body: str = "") -> list[str]:
    """What the test says."""
    [protocol] = compile_text(EXTENDED.format(body=body, test=test)).plans
    scenario = protocol.scenarios[-1]
    return [item.message for item in failures(protocol.plan, scenario, rehearse(protocol.plan, scenario))]


@pytest.mark.parametrize(
    "test",
    [
        "",
        "at 1 min pause at 2 min resume",
        "at 1 min stop",
        "given current = 9 mA",
        "given pacemaker = yes",
        "after session on day 1 on day 1",
    ],
    ids=["undisturbed", "interrupted", "stopped", "out of range", "refused", "too early by the course"],
)
def test_what_a_sound_protocol_does_is_safe(test: str) -> None:
    assert said(test) == []


WIDE = 'param current: 1 mA .. 8 mA = 2 mA step 0.1 mA "Set to comfort"'
OFTEN = "course {\n    every 1 day\n    at most 6 sessions within 15 days\n  }"


def test_what_only_the_device_refuses_is_not_safe() -> None:
    assert said("given current = 8 mA", WIDE) == [
        "`it`: only the machine refuses this session: `clinic_dc_4ma` cannot set 8 mA"
    ]


def test_what_only_a_limit_over_several_sessions_refuses_is_not_safe() -> None:
    [message] = said("after session on day 1 time 23 h on day 2 time 1 h", OFTEN)
    assert message.startswith("`it`: only the machine refuses this session: one more session would pass")


def test_an_earlier_session_that_only_a_limit_refuses_is_not_safe() -> None:
    [message] = said("after session on day 1 time 23 h after session on day 2 time 1 h on day 3", OFTEN)
    assert "only the machine refuses this session: the earlier session on day 2 cannot have been" in message


def test_a_broken_claim_of_the_author_is_not_safe() -> None:
    [message] = said("given current = 3 mA", "prove never output.current > 2.5 mA")
    assert "claims does not hold at 0:" in message


CHANNELS = """electrode capsule {{ area 5 cm2 }}
electrode pad {{ area 50 cm2 }}
envelope limbs {{ title "Limbs" limit current <= 4 mA limit interruptions <= 1 limit pause <= 1 min }}
device bench {{
  title "Bench" driver simulated current 0 mA .. 4 mA step 10 uA accuracy 2 % + 10 uA
  compliance 80 V slew at most 1 mA/s tick 100 ms watchdog 500 ms host gap 250 ms waveforms dc
  channels 2 return shared
}}
protocol both version "1.0.0" {{
  title "Two sites"
  within limbs
  device bench
  active anode capsule on "forearm" channel upper
  active anode capsule on "calf" channel lower
  return cathode pad on "back"
  session {{
    channel upper {{ deliver 0.2 mA.min at 1 mA ramping 2 s }}
    channel lower {{ wait 5 s "First the arm" deliver 0.3 mA.min at 1.5 mA ramping 3 s }}
  }}
  prove {claim}
  test "it" {{ expect safe }}
}}
"""


@pytest.mark.parametrize(
    ("claim", "broken"),
    [
        ("never output.current > 1.5 mA", []),
        ("never output.current > 1.2 mA", ["lower"]),
        ("never output.current > 0.5 mA", ["upper"]),
        ("finished within 1 min", []),
        ("finished within 5 s", ["upper"]),
    ],
)
def test_a_claim_is_asked_of_each_channel(claim: str, broken: list[str]) -> None:
    [protocol] = compile_text(CHANNELS.format(claim=claim)).plans
    scenario = protocol.scenarios[-1]
    found = failures(protocol.plan, scenario, rehearse(protocol.plan, scenario))
    assert [item.message.partition("on channel ")[2].split()[0] for item in found] == broken
