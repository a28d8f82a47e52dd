"""Rounds that differ because somebody adjusts: what pauses cost in one may come on top of what others add."""

from __future__ import annotations

from pathlib import Path

from ionto_dsl.driver import compile_file
from ionto_ir.bind import bind_disarmed
from ionto_ir.dry_run import answer_to, run
from ionto_ir.events import Adjust, Event, Pause, Prompt, Resume
from ionto_ir.plan import Plan
from ionto_ir.state import Mode, State
from ionto_verifier.claims import all_claims
from ionto_verifier.decision import Proved
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.properties import Property
from ionto_verifier.solve import decide_all

ROUNDS, PAUSES = 20, 120
SOURCE = """
import electrodes.large_patch
import devices.clinic_dc_4ma

envelope bench {{
  title "For this test"
  limit current <= 4 mA
  limit ramp <= 4 mA/s
  limit dose <= {dose} mA.min nominal per session
}}

protocol rounds version "1.0.0" {{
  title "Rounds that differ"
  within bench
  device clinic_dc_4ma
  active anode   large_patch on "arm"
  return cathode large_patch on "calf"
  adjustable param current: 1 mA .. 3 mA = 2 mA  step 1 mA "Current"
  adjustable param rise:    5 s .. 30 s = 30 s   step 5 s  "Time of the ramp"
  require current * 25 s + rise * 1 mA <= 80 mA.s "A high current rises quickly"
  stop at 0.05 mA/s
  session {{
    repeat {rounds} times {{
      ramp to current over rise
      ramp to 0 mA at 1 mA/s
    }}
  }}
  interruptions at most {pauses}, each at most 2 min
}}
"""


def plan_of(folder: Path, dose: int) -> Plan:
    file = folder / "rounds.ionto"
    file.write_text(SOURCE.format(dose=dose, rounds=ROUNDS, pauses=PAUSES), encoding="utf-8")
    compilation = compile_file(str(file))
    assert compilation.ok, [item.message for item in compilation.diagnostics]
    return compilation.plans[0].plan


class Opponent:
    """Long rounds that add most, then a last one at a high current in which every pause is taken."""

    def __init__(self) -> None:
        self.turns = [Adjust("current", 3_000_000), Adjust("rise", 5_000)]
        self.pauses = PAUSES

    def __call__(self, state: State, prompt: Prompt | None) -> Event | None:
        place, high = state.place, state.machine.level_na >= 2_990_000
        last = bool(place.rounds) and place.rounds[0] == ROUNDS - 1
        if state.mode is Mode.PAUSED:
            return Resume()
        if last and place.step == 2 and self.turns and state.mode is Mode.ON:
            return self.turns.pop()
        if not self.turns and place.step == 1 and high and self.pauses and state.mode is Mode.ON:
            self.pauses -= 1
            return Pause()
        return answer_to(prompt, {})


def is_proved(plan: Plan) -> bool:
    """Whether every question about the dose is."""
    claims = [item for item in all_claims(Inquiry(plan)) if item.claim.property is Property.DOSE]
    decisions = decide_all([question.obligation for item in claims for question in item.questions])
    return all(isinstance(found, Proved) for found in decisions.values())


def test_no_dose_is_proved_that_rounds_which_differ_can_pass(tmp_path: Path) -> None:
    opponent = Opponent()
    values = {"current": 2_000_000, "rise": 30_000}
    delivered = run(bind_disarmed(plan_of(tmp_path, 400), values), opponent).final.machine.nominal_pc
    assert (opponent.turns, opponent.pauses) == ([], 0)
    assert not is_proved(plan_of(tmp_path, delivered // (60 * 10**9)))
    assert is_proved(plan_of(tmp_path, 400))
