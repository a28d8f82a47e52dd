"""The firmware's own C code, natively and under sanitizers, against every kind of damage to its frames."""

from __future__ import annotations

import re
import subprocess

import pytest

from tests.conformance.tools import built


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("count", [50_000, pytest.param(20_000_000, marks=pytest.mark.soak)])
def test_the_firmware_neither_answers_nor_changes_after_any_damaged_frame(count: int) -> None:
    ran = subprocess.run([built("damage"), str(count), "1"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counted = re.fullmatch(r"(\d+) sent, 0 taken\n", ran.stdout)
    assert counted is not None
    # All ways to turn over one or two bits of seven commands are 131 100; the rest was drawn.
    assert int(counted[1]) == count + 131_100
