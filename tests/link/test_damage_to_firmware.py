"""The firmware's own C code, natively and under sanitizers, against every kind of damage to its frames."""

from __future__ import annotations

import re
import subprocess

import pytest

from ionto_runtime.link.frames import Frame, encode
from tests.conformance.tools import built
from tests.link.frames import COMMANDS


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("count", [50_000, pytest.param(20_000_000, marks=pytest.mark.soak)])
def test_the_firmware_neither_answers_nor_changes_after_any_damaged_frame(count: int) -> None:
    ran = subprocess.run([built("damage"), str(count), "1"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counted = re.fullmatch(r"(\d+) sent, 0 taken\n", ran.stdout)
    assert counted is not None
    bits = [len(encode(Frame(1, 1, 1, command))) * 8 for command in COMMANDS]
    assert int(counted[1]) == count + sum(each + each * (each - 1) // 2 for each in bits)
