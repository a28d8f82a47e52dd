"""`ionto devices` and `ionto doctor`: what people read before they trust a device."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ionto_cli.__main__ import main
from ionto_ir.dataclass import replace
from ionto_runtime.device_file import DeviceFile, read_device_file
from ionto_runtime.doctor import examine
from ionto_runtime.drivers.driver import Complaint, DeadMan, Identity, Problem
from ionto_runtime.preparation import Check
from ionto_runtime.simulation.clock import VirtualClock
from tests.conformance.processes import InstrumentProcess
from tests.runtime.broken import Broken, broken_bedside


def test_devices_says_of_each_kind_what_ends_its_output(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices"]) == 0
    said = capsys.readouterr().out
    assert "the output STAYS ON" in said and "is ended by the device, when a lease ends" in said
    assert "NO: bench only" in said
    assert main(["devices", "--json"]) == 0
    rows = {row["driver"]: row for row in json.loads(capsys.readouterr().out)["drivers"]}
    assert rows["ionlink"]["dead_man"] == "device" and rows["ionlink"]["for_people"] is True
    assert rows["keithley_2400"]["dead_man"] == "none" and rows["keithley_2400"]["takes_relay"] is True
    assert rows["stimjim"]["dead_man"] == "bounded_program" and rows["stimjim"]["takes_relay"] is False
    assert rows["keithley_2400"]["for_people"] is rows["stimjim"]["for_people"] is False


def test_doctor_reports_and_writes_the_file_of_this_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["doctor", "--port", "simulated", "--driver", "simulated", "--save", "room"]
    assert main(words) == 0
    said = capsys.readouterr().out
    for part in ("ok  identity", "ok  dead-man", "proven", "nothing flowed", "room.device.toml"):
        assert part in said
    found = read_device_file(tmp_path / "room.device.toml")
    assert isinstance(found, DeviceFile) and found.serial == "S1"
    assert main(["doctor", "--port", "nowhere", "--driver", "simulated"]) == 2
    assert "error[I0911]" in capsys.readouterr().err
    assert main(["doctor", "--port", "nowhere", "--driver", "bench_supply"]) == 2
    assert "error[I0929]" in capsys.readouterr().err
    assert main(["doctor", "--port", "simulated", "--driver", "simulated", "--watchdog", "relay"]) == 2
    assert "error[I0860]" in capsys.readouterr().err


@pytest.mark.realtime
@pytest.mark.requirement("R10")
def test_doctor_proves_a_watchdog_relay_and_writes_down_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["doctor", "--port", str(tmp_path / "line"), "--driver", "keithley_2400"]
    with InstrumentProcess("keithley_2400", tmp_path / "line", tmp_path / "relay") as instrument:
        code = main([*words, "--watchdog", str(tmp_path / "relay"), "--save", "bench"])
        said = capsys.readouterr()
        # Round trips and clocks are judged too, which a busy machine may spoil; the relay is ours to prove.
        assert "ended by a watchdog relay" in said.out, said
        assert main(words) in (0, 1)
        assert "the output stays on; no plan runs" in capsys.readouterr().out
        assert instrument.wait_until_nothing_flows() == 0
    if code == 0:
        found = read_device_file(tmp_path / "bench.device.toml")
        assert isinstance(found, DeviceFile) and found.watchdog_port == str(tmp_path / "relay")


def examined(breaking: Callable[[Broken], None] = lambda broken: None) -> dict[str, Check]:
    """What the doctor finds of a device, in virtual time."""
    bedside, broken = broken_bedside()
    breaking(broken)
    found = list(examine(broken, VirtualClock(bedside.device.advance)))
    return {item.name: item for item in found if isinstance(item, Check)}


def failures(checks: dict[str, Check]) -> list[str]:
    """Which checks failed."""
    return [name for name, check in checks.items() if check.problem is not None]


def test_a_sound_device_passes_every_check() -> None:
    checks = examined()
    assert failures(checks) == []
    assert list(checks) == ["identity", "output", "errors", "round trips", "clock", "limits", "dead-man"]


def refuse(call: str) -> Callable[[Broken], None]:
    """The device refuses this call."""
    return lambda broken: broken.refuses.update({call: Problem("I0925", "no")})


def overdue(broken: Broken) -> None:
    broken.identity = Identity("Bench", "B1", "1.0", "2020-01-01", True)


def leaking(broken: Broken) -> None:
    broken.bend = lambda found: replace(found, current_na=50_000)


def silent(broken: Broken) -> None:
    broken.bend = lambda found: None


def fast(broken: Broken) -> None:
    broken.bend = lambda found: replace(found, device_ms=found.device_ms * 102 // 100)


def complaining(broken: Broken) -> None:
    broken.complaints.append(Complaint("F45", "-222"))


SICK: dict[str, tuple[Callable[[Broken], None], list[str]]] = {
    "not reached": (refuse("connect"), ["identity"]),
    "out of calibration": (overdue, ["identity"]),
    "leaks": (leaking, ["output"]),
    "silent": (silent, ["output", "round trips"]),
    "clock": (fast, ["clock"]),
    "clips": (refuse("configure"), ["limits"]),
    "forgets": (refuse("verify_limits"), ["limits"]),
    "dead-man": (refuse("prove_dead_man"), ["dead-man"]),
}


@pytest.mark.parametrize("name", SICK)
def test_whatever_is_wrong_with_a_device_is_found(name: str) -> None:
    breaking, expected = SICK[name]
    assert failures(examined(breaking)) == expected


def test_what_the_device_complains_of_is_reported() -> None:
    bedside, broken = broken_bedside()
    complaining(broken)
    found = [
        item for item in examine(broken, VirtualClock(bedside.device.advance)) if isinstance(item, Check)
    ]
    assert [item.detail for item in found if item.name == "errors" and item.problem] == ["-222"]


def test_a_device_without_a_dead_man_is_said_to_have_none() -> None:
    def without(broken: Broken) -> None:
        broken.capabilities = replace(broken.capabilities, dead_man=DeadMan.NONE)

    checks = examined(without)
    assert checks["dead-man"].problem is None and checks["dead-man"].detail.startswith("NONE")
