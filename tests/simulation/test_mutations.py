"""The suite would notice: a runtime with one rule taken out violates an invariant in some world.

Each is what has been done in the field by somebody who meant well: a ramp down that is an empty loop, a
dead-man that a helper feeds, a ledger of what was commanded, setpoints upon readings that are gone.
"""

from __future__ import annotations

import ast

import pytest

from ionto_ir.events import SetCurrent
from ionto_ir.state import State
from ionto_runtime import session as session_module
from ionto_runtime.freshness import Freshness
from ionto_runtime.output import Output
from ionto_runtime.session import Session
from ionto_runtime.session_records import position_to_json
from ionto_runtime.simulation.stimulator import Fault, SimulatedStimulator
from ionto_runtime.stimulator import Accepted, Reply
from ionto_runtime.supervision import Held
from tests.architecture.test_heartbeat import senders_in, workers_in
from tests.architecture.tree import Module
from tests.simulation.faults import Kind
from tests.simulation.test_worlds import found_out


@pytest.mark.requirement("R18")
def test_an_empty_ramp_down_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing lower is ever sent, and it is said to be done: the device opens from the full current."""
    setting = Output._set

    def empty(output: Output, command: SetCurrent, fresh: bool) -> Reply | None:
        held = output.held
        if held.na is None or abs(command.current_na) >= abs(held.na):
            return setting(output, command, fresh)
        output.held = Held(held.na, held.sequence, True, held.waveform)
        return Accepted(held.sequence)

    monkeypatch.setattr(Output, "_set", empty)
    assert found_out(Kind.STOP, count=10) == {"calm"}


@pytest.mark.requirement("R43")
def test_a_helper_that_feeds_the_dead_man_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process of its own that renews the lease, and goes on when the program is gone."""
    advance = SimulatedStimulator.advance

    def fed(device: SimulatedStimulator, ms: int) -> None:
        if device._output_on and Fault.STUCK_OUTPUT not in device.faults:
            device._lease_left_ms = max(device._lease_left_ms, ms + 1)
        advance(device, ms)

    monkeypatch.setattr(SimulatedStimulator, "advance", fed)
    assert "alone" in found_out(Kind.KILLED, count=10)


@pytest.mark.requirement("R43")
@pytest.mark.parametrize(
    "source",
    [
        "import threading\nthreading.Timer(0.5, lambda: device.set_current(na, 500, 1)).start()\n",
        "from threading import Thread\n\ndef beat(line):\n    Thread(target=line.renew).start()\n",
        "import asyncio\n\nasync def beat(device):\n    device.set_current(0, 500, 1)\n",
        "import multiprocessing\nmultiprocessing.Process(target=print).start()\n",
    ],
    ids=["timer", "thread", "task", "process"],
)
def test_a_heartbeat_from_a_helper_thread_is_found_out(source: str) -> None:
    from tests.architecture.tree import ROOT

    path = ROOT / "runtime" / "ionto_runtime" / "drivers" / "helpful.py"
    helpful = Module("ionto_runtime.drivers.helpful", path, ast.parse(source))
    assert workers_in((helpful,)) or senders_in((helpful,))
    assert {name for name, _ in workers_in((helpful,))} == {helpful.name}


@pytest.mark.requirement("R20")
def test_a_ledger_that_counts_what_was_commanded_alone_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "upper_pc", property(lambda session: session.nominal_pc))
    assert "upper" in found_out(Kind.PAUSE, count=10)


@pytest.mark.requirement("R20")
@pytest.mark.requirement("R58")
def test_a_journal_that_counts_what_was_commanded_alone_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def commanded(state: State) -> dict[str, object]:
        return {**position_to_json(state), "upper_pc": state.machine.nominal_pc}

    monkeypatch.setattr(session_module, "position_to_json", commanded)
    assert "account" in found_out(Kind.STOP, count=10)


@pytest.mark.requirement("R48")
def test_setpoints_without_a_fresh_reading_are_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Freshness, "look", lambda self, reading, held, ms, spoken: True)
    assert "slew" in found_out(Kind.LOST_SAMPLES, Kind.RESET, lasts=6, count=60)
