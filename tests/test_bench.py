"""What the bench measures is a real protocol: it compiles without a word and is proved."""

from __future__ import annotations

from pathlib import Path

import pytest

from ionto_dsl.driver import compile_text
from ionto_ir.plan import VariableKind
from ionto_verifier.driver import Options, verify
from tests.bench.protocols import PARAMETERS, protocol, twenty_minutes
from tests.bench.running import Loop, bare, ours, shares, virtual
from tests.conformance.processes import DeviceProcess
from tests.runtime.short_sessions import SHORT


@pytest.mark.parametrize("steps", [20, 100, 1000])
def test_a_measured_protocol_has_its_length_and_nothing_is_said_of_it(steps: int) -> None:
    compilation = compile_text(protocol(steps))
    assert compilation.diagnostics == ()
    (compiled,) = compilation.plans
    assert len(compiled.plan.steps) == steps + 1
    parameters = [item for item in compiled.plan.variables if item.kind is VariableKind.PARAMETER]
    assert len(parameters) == PARAMETERS


@pytest.mark.parametrize("text", [protocol(20), twenty_minutes()], ids=["20 steps", "20 minutes"])
def test_a_measured_protocol_is_proved(text: str) -> None:
    assert verify(compile_text(text).plans[0].plan, Options(advice=False)).proved


def test_half_99_percent_and_the_worst_are_told() -> None:
    assert shares([float(at) for at in range(101)]).split() == ["50.00", "99.00", "100.00"]


def test_a_session_in_virtual_time_is_a_whole_one() -> None:
    ticks, seconds = virtual(SHORT)
    assert ticks >= 180 and seconds > 0


@pytest.mark.realtime
def test_both_loops_speak_to_the_device(tmp_path: Path) -> None:
    plain, whole = Loop(), Loop()
    with DeviceProcess("twin", tmp_path / "line") as device:
        bare(device.link, 0.5, plain)
        ours(device.link, tmp_path, 0.5, whole)
    assert len(plain.trips) == len(plain.late) >= 2
    assert len(whole.trips) > 2 and len(whole.late) > 2
