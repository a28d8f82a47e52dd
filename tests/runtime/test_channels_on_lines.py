"""Two channels on two real lines: a device each, one safety process, and what happens to one of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.plan import Plan
from ionto_runtime.accounting import account_of
from ionto_runtime.journal_channels import parts_of
from ionto_runtime.journal_reader import Reading, Sealed
from ionto_runtime.messages import Message
from ionto_runtime.replay_channels import rebound_parts, replay_parts
from ionto_runtime.safety.job import ChannelLine, Job
from tests.conformance.processes import DeviceProcess
from tests.runtime.channel_plans import NAMES, two_sites
from tests.runtime.safety_process import job_at, spoken_to
from tests.runtime.sealed_plans import placed
from tests.runtime.test_on_a_line import journal_of, on_the_reference_device, received_pc

pytestmark = pytest.mark.realtime

Devices = dict[str, DeviceProcess]
LASTING = (120_000, 120_000)


@contextmanager
def devices_in(folder: Path) -> Iterator[Devices]:
    """A simulated reference device for each channel, on a line of its own."""
    upper = DeviceProcess("twin", folder / "upper", "--serial", "SIM-0001", "--seed", "1")
    lower = DeviceProcess("twin", folder / "lower", "--serial", "SIM-0002", "--seed", "2")
    with upper, lower:
        yield {"upper": upper, "lower": lower}


@pytest.fixture
def devices(tmp_path: Path) -> Iterator[Devices]:
    with devices_in(tmp_path) as found:
        yield found


def job_on(folder: Path, holds_ms: tuple[int, int] = (1_000, 1_000)) -> Job:
    """A job of two channels on the two lines."""
    lines = tuple(ChannelLine(name, str(folder / name), None) for name in NAMES)
    job = job_at(folder, driver="ionlink", values={}, lines=lines)
    for name in (folder / "home" / "trusted").iterdir():
        name.unlink()
    (folder / "home" / "trusted").rmdir()
    placed(folder, plan_on_devices(holds_ms))
    return job


def plan_on_devices(holds_ms: tuple[int, int]) -> Plan:
    """The plan, compiled for the reference device."""
    plan = on_the_reference_device(two_sites(holds_ms))
    return replace(plan, device=replace(plan.device, channels=2))


def bounded(reading: Reading, devices: Devices) -> bool:
    """Whether each channel's two bounds hold what has really flowed through its device."""
    for part in parts_of(reading)[1:]:
        account = account_of(part.reading)
        assert not isinstance(account, str), account
        assert part.name is not None
        if not account.charge.lower_pc <= received_pc(devices[part.name]) <= account.charge.upper_pc:
            return False
    return True


def test_two_devices_give_a_treatment_together_and_the_journal_bounds_each(
    tmp_path: Path, devices: Devices
) -> None:
    with spoken_to(job_on(tmp_path)) as spoken:
        outcome = spoken.begin().until_type("bye")["outcome"]
        assert isinstance(outcome, dict)
        assert spoken.ended() == (0 if outcome["completed"] else 1)
    reading = journal_of(spoken)
    assert isinstance(reading.end, Sealed) and bounded(reading, devices)
    assert all(received_pc(device) > 0 and device.current_na == 0 for device in devices.values())
    parts = rebound_parts(plan_on_devices((1_000, 1_000)), reading)
    assert not isinstance(parts, str) and replay_parts(parts, reading).agrees
    assert reading.header is not None
    assert "SIM-0001" in str(reading.header["device_identity"])
    checks = [str(item["name"]) for item in spoken.heard if item["type"] == "check"]
    assert checks[-4:] == ["upper: output", "upper: armed", "lower: output", "lower: armed"]
    shown = [view["channels"] for view in spoken.views]
    assert all(isinstance(item, list) and [one["name"] for one in item] == list(NAMES) for item in shown)


@pytest.mark.requirement("R19")
def test_a_line_that_is_pulled_out_of_one_channel_takes_the_other_one_down_too(
    tmp_path: Path, devices: Devices
) -> None:
    with spoken_to(job_on(tmp_path, LASTING)) as spoken:
        spoken.begin()
        spoken.until(lambda message: _flowing(message, 2))
        devices["lower"].do("unplug")
        spoken.until_type("bye")
        assert {"F20", "F30"} <= set(spoken.codes()) and spoken.ended() == 1
        assert devices["upper"].current_na == 0
        devices["lower"].wait_for_current(0, 0)
    reading = journal_of(spoken)
    # The lower output was not seen off: all of the journal stays open, and counts at its worst.
    assert not isinstance(reading.end, Sealed) and bounded(reading, devices)


@pytest.mark.requirement("R42")
def test_when_the_safety_process_is_killed_both_devices_end_their_outputs(
    tmp_path: Path, devices: Devices
) -> None:
    with spoken_to(job_on(tmp_path, LASTING)) as spoken:
        spoken.begin()
        spoken.until(lambda message: _flowing(message, 2))
        spoken.signal(signal.SIGKILL)
        spoken.process.wait()
        for device in devices.values():
            device.wait_for_current(0, 0)
    reading = journal_of(spoken)
    assert not isinstance(reading.end, Sealed) and bounded(reading, devices)


def test_one_device_behind_two_lines_is_refused(tmp_path: Path) -> None:
    upper = DeviceProcess("twin", tmp_path / "upper", "--serial", "SIM-0001")
    lower = DeviceProcess("twin", tmp_path / "lower", "--serial", "SIM-0001")
    with upper, lower, spoken_to(job_on(tmp_path)) as spoken:
        assert "I0871" in spoken.refusal()


def _modes(message: Message) -> list[str]:
    channels = message.get("channels")
    return [str(item["mode"]) for item in channels] if isinstance(channels, list) else []


def _flowing(message: Message, count: int) -> bool:
    return message["type"] == "view" and _modes(message).count("on") == count
