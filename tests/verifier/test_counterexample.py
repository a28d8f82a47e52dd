"""A counterexample tells who and when, and its test block fails in the very protocol that it was found in."""

from __future__ import annotations

import pytest

from ionto_dsl.driver import compile_text
from ionto_ir.expectations import failures
from ionto_ir.rehearse import rehearse
from ionto_ir.scenario import Happening
from ionto_verifier.driver import verify
from ionto_verifier.properties import Property
from tests.verifier.sessions import QUICK, finding

EXTENDED = """import treatments.plantar_fasciitis_dexamethasone

protocol example version "1.0.0" extends plantar_fasciitis_dexamethasone {{
{body}
}}
"""

UNSAFE = {
    Property.CURRENT: 'param current: 1 mA .. 4.01 mA = 2 mA step 0.01 mA "Set to comfort"',
    Property.DOSE: 'param prescribed: 20 mA.min .. 80 mA.min = 40 mA.min "Prescribed dose"',
    Property.DURATION: "interruptions at most 5, each at most 10 min",
    Property.GUARD: 'ask smoker: yes/no "Smoker?"',
}


def _source(body: str) -> str:
    return EXTENDED.format(body=body)


@pytest.mark.parametrize("kind", [Property.CURRENT, Property.DOSE, Property.DURATION])
def test_the_test_block_fails_in_the_protocol_that_it_was_found_in(kind: Property) -> None:
    plan = compile_text(_source(UNSAFE[kind])).plans[0].plan
    shown = finding(verify(plan, QUICK), kind).counterexample
    assert shown is not None
    pasted = compile_text(_source(UNSAFE[kind] + "\n" + shown.test)).plans[0]
    scenario = next(item for item in pasted.scenarios if item.name == shown.test.split('"')[1])
    outcome = rehearse(pasted.plan, scenario)
    assert failures(pasted.plan, scenario, outcome)


def test_a_counterexample_tells_the_values_in_the_units_of_their_authors() -> None:
    plan = compile_text(_source(UNSAFE[Property.CURRENT])).plans[0].plan
    shown = finding(verify(plan, QUICK), Property.CURRENT).counterexample
    assert shown is not None
    assert dict(shown.given)["current"] == "4.01 mA"
    assert shown.value == 4_010_000


def test_pauses_of_a_counterexample_are_told_in_the_order_in_which_they_happen() -> None:
    plan = compile_text(_source(UNSAFE[Property.DURATION])).plans[0].plan
    shown = finding(verify(plan, QUICK), Property.DURATION).counterexample
    assert shown is not None
    assert [text.split()[-1] for text in shown.happenings] == ["pause", "resume"] * 5
    times = [item.at_ms for item in shown.scenario.timeline]
    assert times == sorted(times)


def test_sessions_that_follow_each_other_too_closely_are_a_schedule() -> None:
    body = "course {\n    every 1 day\n    at most 6 sessions within 15 days\n  }"
    plan = compile_text(_source(body)).plans[0].plan
    shown = finding(verify(plan, QUICK), Property.SESSIONS).counterexample
    assert shown is not None
    assert len(shown.starts_ms) == 2
    assert 0 < shown.starts_ms[1] < 86_400_000


ALL_DAY = """
import electrodes.large_patch
import devices.clinic_dc_4ma

envelope day {{
  title "For this test"
  limit current  <= 4 mA
  limit ramp     <= 0.5 mA/s
  limit sessions <= {sessions} in any 24 h
  limit dose     <= {dose} mA.min in any 24 h
  assume impedance 1 kOhm .. 15 kOhm
}}

protocol once version "1" {{
  within day
  device clinic_dc_4ma
  active anode large_patch on "calf"
  return cathode large_patch on "thigh"
  session {{
    ramp to 1 mA over 10 s
    hold for 10 min
    ramp to 0 mA over 10 s
    wait 12 h "Look at the skin"
    ramp to 0.1 mA over 10 s
    hold for 1 min
    ramp to 0 mA over 10 s
  }}
  interruptions at most 0
}}
"""


@pytest.mark.parametrize(
    ("sessions", "dose", "kind"), [(2, 10_000, Property.SESSIONS), (10_000, 50, Property.DOSE)]
)
def test_a_session_that_is_stopped_early_makes_room_for_the_next_one(
    sessions: int, dose: int, kind: Property
) -> None:
    plan = compile_text(ALL_DAY.format(sessions=sessions, dose=dose)).plans[0].plan
    shown = finding(verify(plan, QUICK), kind).counterexample
    assert shown is not None
    assert shown.alike
    assert [item.happening for item in shown.scenario.timeline] == [Happening.STOP]
    assert shown.starts_ms[-1] < 12 * 3_600_000, "whole sessions would take longer"
    assert shown.value is not None
    assert shown.value > (sessions if kind is Property.SESSIONS else dose * 60_000_000_000)
