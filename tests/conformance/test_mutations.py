"""The suite would notice: firmware with one rule taken out fails it, whichever rule that is.

Each mutant is what a tired engineer writes. A copy of the firmware is changed, built, and compared with its
twin, which has the rule. `make test` tries the first, `make soak` all.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conformance import tools
from tests.conformance.test_twin_against_firmware import Native, live

MUTANTS = {
    "the ramp to zero is an empty loop": ("self->applied_na += distance_na;", ";"),
    "the lease never ends": ("end_output(self, TRIP_EXPIRED);", ";"),
    "a repeated frame renews the lease": ("if (repeated) {", "if (0) {"),
    "old numbers are taken": ("ahead < 1 || ahead > IONLINK_SEQUENCE_AHEAD_MAX", "false"),
    "any session is taken": ("(self->session == 0 || session != self->session)", "false"),
    "a lease may rest on an old answer": ("> IONLINK_SEEN_AGE_MS_MAX", "> 0xFFFFFFF0UL"),
    "limits can be raised": ("if (values[*field] > most[*field]) return REASON_RAISES;", ""),
    "limits can be written again": ("if (self->configured) return REASON_CONFIGURED;", ""),
    "polarity turns under current": ("if (turns || ", "if ("),
    "the output goes on at any setpoint": ("if (self->state == STATE_ARMED && wanted_na != 0)", "if (0)"),
    "only what was set is counted": ("(set_na > measured_na ? set_na : measured_na)", "set_na"),
    "too much current is let through": ("self->over_looks >= OVER_LOOKS", "false"),
    "a current without ceiling": ("measured_na > ceiling_na || ", ""),
    "wrong readings are believed": ("open_output(self, TRIP_SENSOR);", ";"),
    "a latch clears itself at the next session": ("self->latches ? STATE_TRIPPED : STATE_MET", "STATE_MET"),
    "latches are cleared unseen": ("if (get_u16(payload + ACK_TRIP_AT_LATCHES) != self->latches)", "if (0)"),
    "off waits for its session": ("if (kind == KIND_OFF) off(self);", ""),
    "zero means full": (
        "magnitude(self->applied_na) / BOARD_STEP_NA",
        "4000 - magnitude(self->applied_na) / BOARD_STEP_NA",
    ),
    "an arm for another start is taken": ("if (get_u16(payload + ARM_AT_BOOT) != self->boot)", "if (0)"),
    "on-time is not counted": ("self->on_ms += IONLINK_CONTROL_MS;", ""),
}


FIRST, *OTHERS = MUTANTS


@pytest.mark.requirement("R18")
@pytest.mark.parametrize("name", [FIRST, *(pytest.param(name, marks=pytest.mark.soak) for name in OTHERS)])
def test_a_firmware_with_a_rule_taken_out_is_found(name: str, tmp_path: Path) -> None:
    tools.built("ionlink-4ma.native")  # says what is missing, if anything is
    copy = tmp_path / "firmware"
    shutil.copytree(tools.FIRMWARE, copy, ignore=shutil.ignore_patterns("build"))
    source = (copy / "device.c").read_text(encoding="utf-8")
    before, after = MUTANTS[name]
    assert source.count(before) == 1, f"{before} is not there once"
    (copy / "device.c").write_text(source.replace(before, after), encoding="utf-8")
    subprocess.run(
        ["make", "-s", "-C", str(copy), "WARN=-std=gnu11 -w", "build/ionlink-4ma.native"],
        check=True,
        capture_output=True,
    )
    native = Native(copy / "build" / "ionlink-4ma.native")
    with pytest.raises(AssertionError):
        live(native, range(60))
    native.close()
