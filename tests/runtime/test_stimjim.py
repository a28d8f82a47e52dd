"""The driver of StimJim against its byte-level simulator: what it never sends, what silence is."""

from __future__ import annotations

import pytest

from ionto_runtime.drivers.driver import Identity, Problem
from ionto_runtime.simulation.load import LoadFault
from ionto_runtime.simulation.stimjim import Output, StimJim
from ionto_runtime.stimulator import Accepted, Refusal, Refused
from tests.runtime.instrument_bench import InstrumentBench, stimjim

MA = 1_000_000


def device_of(bench: InstrumentBench) -> StimJim:
    """The board itself."""
    assert isinstance(bench.device, StimJim)
    return bench.device


def test_it_is_met_when_its_banner_was_seen() -> None:
    assert isinstance(stimjim().driver.connect(), Identity)


def test_without_its_banner_nobody_knows_where_zero_is() -> None:
    bench = stimjim()
    bench.wait(3_000)
    bench.line.drop()
    found = bench.driver.connect()
    assert isinstance(found, Problem)
    assert "banner" in found.text


@pytest.mark.requirement("R14")
@pytest.mark.parametrize("na", [1, 100, 500_000, 999_999, 1_000_000, 2_999_000, -1_000_000])
def test_what_is_set_is_never_more_than_was_asked(na: int) -> None:
    bench = stimjim().ready()
    assert isinstance(bench.set(na), Accepted)
    steps = device_of(bench).steps - device_of(bench).current_offset
    assert abs(steps) * 1_017 <= abs(na) * 10 < (abs(steps) + 1) * 1_017
    assert steps * na >= 0


@pytest.mark.requirement("R12")
def test_the_output_goes_on_at_zero_and_ends_grounded_at_zero() -> None:
    bench = stimjim().ready()
    bench.set(1 * MA)
    heard = device_of(bench).heard
    assert heard[heard.index("M0,1") - 1] == f"A0,{device_of(bench).current_offset}"
    bench.wait(200)
    reading = bench.driver.measure()
    assert reading is not None
    assert abs(reading.current_na - 1 * MA) < 5_000
    assert isinstance(bench.off(), Accepted)
    assert device_of(bench).output is Output.GROUNDED
    assert device_of(bench).steps == device_of(bench).current_offset


def test_what_would_crash_it_or_drive_a_sweep_is_never_sent() -> None:
    bench = stimjim().ready()
    for na in (1 * MA, 2 * MA, 0):
        bench.set(na)
        bench.driver.measure()
    bench.off()
    bench.driver.close()
    assert {said[:1] for said in device_of(bench).heard} <= {"M", "A", "E", ""}


def test_the_simulated_traps_are_traps() -> None:
    """Or the test above means nothing: each of these makes the board start again."""
    for line in ("D", "T-1", "x" * 1_200):
        device = StimJim(stimjim().device.load)
        device.line(line)
        assert device.boots == 2


def test_an_unknown_command_is_not_answered() -> None:
    bench = stimjim().ready()
    device_of(bench).line("Q7")
    assert device_of(bench).answers() == b""


@pytest.mark.requirement("R38")
def test_a_lost_sentence_is_unknown_and_a_reading_settles_it() -> None:
    bench = stimjim().ready()
    bench.set(1 * MA)
    bench.uart.silent = True
    assert bench.set(2 * MA) is None
    bench.uart.silent = False
    bench.wait(100)
    reading = bench.driver.measure()
    assert reading is not None
    assert (reading.setpoint_na, reading.seq) == (2 * MA, bench.seq)


@pytest.mark.requirement("R48")
def test_a_restart_shows_in_place_of_an_answer() -> None:
    bench = stimjim().ready()
    bench.set(1 * MA)
    device_of(bench).boot()
    for _ in range(60):
        bench.driver.measure()
    assert "F31" in {item.alarm for item in bench.driver.errors()}
    assert bench.set(1 * MA) == Refused(bench.seq, Refusal.NOT_READY)
    assert device_of(bench).output is Output.GROUNDED


def test_a_deaf_board_is_silence_not_success() -> None:
    bench = stimjim().ready()
    bench.set(1 * MA)
    device_of(bench)._busy_ms = 5_000
    assert bench.set(2 * MA) is None
    assert bench.driver.measure() is None


def test_a_lead_that_came_off_is_seen() -> None:
    bench = stimjim().ready()
    bench.set(1 * MA)
    bench.device.load.faults.add(LoadFault.LEAD_OFF)
    bench.wait(50)
    reading = bench.driver.measure()
    assert reading is not None
    assert reading.lead_off


def test_beyond_its_range_it_is_not_configured() -> None:
    from ionto_ir.dataclass import replace
    from tests.runtime.instrument_bench import LIMITS

    bench = stimjim()
    assert isinstance(bench.driver.connect(), Identity)
    assert isinstance(bench.driver.configure(replace(LIMITS, current_na_max=4 * MA)), Problem)
