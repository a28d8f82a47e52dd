"""The test block that a refuted protocol with channels is given: it fails until the protocol is mended."""

from __future__ import annotations

import pytest

from ionto_dsl.driver import compile_text
from ionto_ir.expectations import failures
from ionto_ir.rehearse import rehearse
from ionto_verifier.driver import verify
from ionto_verifier.verdict import Refuted

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
  limit interruptions <= 2
  limit pause <= 5 min
}
protocol two version "1.0.0" {
  within limbs
  device bench
  active anode capsule on "arm" channel upper
  active anode capsule on "leg" channel lower
  return cathode pad on "back"
  param dose: 0.2 mA.min .. HIGH mA.min = 0.2 mA.min step 0.1 mA.min "Dose"
  session {
    channel upper { deliver 0.2 mA.min at 0.8 mA ramping 2 s }
    THEN
    channel lower { STEPS }
  }
  TEST
}
"""
LASTING = "deliver dose at 1 mA ramping 2 s"


@pytest.mark.parametrize("then", ["", "then"], ids=["beside", "in turn"])
@pytest.mark.parametrize(
    ("limit", "steps", "high", "mended"),
    [
        ("limit dose at anode <= 0.35 mA.min per session", LASTING, "0.5", "0.2"),
        ("limit dose <= 0.6 mA.min per session", LASTING, "0.5", "0.2"),
        ("limit duration <= 655 s per session", LASTING, "1", "0.2"),
    ],
    ids=["a dose of one", "a dose of all", "a time"],
)
def test_the_test_of_a_counterexample_fails_until_the_protocol_is_mended(
    limit: str, steps: str, high: str, mended: str, then: str
) -> None:
    text = TEXT.replace("LIMIT", limit).replace("STEPS", steps).replace("THEN", then)
    [wrong] = compile_text(text.replace("HIGH", high).replace("TEST", "")).plans
    shown = [
        item.counterexample.test
        for item in verify(wrong.plan).findings
        if isinstance(item.verdict, Refuted) and item.counterexample is not None
    ]
    assert shown and all(shown)
    for block in shown:
        for value, fails in ((high, True), (mended, False)):
            [protocol] = compile_text(text.replace("HIGH", value).replace("TEST", block)).plans
            [scenario] = protocol.scenarios
            said = failures(protocol.plan, scenario, rehearse(protocol.plan, scenario))
            assert bool(said) is fails, (block, said)
