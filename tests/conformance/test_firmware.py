"""What only the firmware can show: its own watchdog, its memory of starts, its output converter."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ionto_runtime.link.schema import WATCHDOG_MS, State, Trip
from ionto_runtime.simulation.emulated import Emulated
from tests.conformance.bench import LIMITS, Bench

MA = 1_000_000
ADCSRA_AT = 0x7A
"""The register that switches the processor's converter on."""


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A bench with the firmware alone."""
    made = Bench("firmware")
    yield made
    made.device.close()


def emulated(bench: Bench) -> Emulated:
    """The device as what it is."""
    assert isinstance(bench.device, Emulated)
    return bench.device


@pytest.mark.requirement("R36")
@pytest.mark.requirement("R42")
def test_a_program_that_stands_still_is_restarted_by_the_processors_watchdog(bench: Bench) -> None:
    before = bench.run(MA)
    bench.lease(MA, 1_000)
    emulated(bench).hang()
    flowed = bench.silence(WATCHDOG_MS + 100)
    assert {current for ms, current in flowed if ms > WATCHDOG_MS * 3 // 2} == {0}
    status = bench.look()
    assert (status.state, status.trip, status.boot) == (State.LOCKED, Trip.WATCHDOG, before.boot + 1)


@pytest.mark.requirement("R48")
def test_every_start_has_its_own_number(bench: Bench) -> None:
    seen = []
    for _ in range(5):
        bench.device.restart()
        bench.wait(60)
        seen.append(bench.look().boot)
    assert seen == list(range(seen[0], seen[0] + 5))


def test_the_output_converter_holds_the_current_and_the_voltage_of_the_session(bench: Bench) -> None:
    bench.run(MA)
    drive = emulated(bench).drive
    assert (drive.magnitude_na, drive.compliance_mv, drive.enabled) == (MA, LIMITS.compliance_mv, True)


@pytest.mark.requirement("R34")
def test_a_converter_that_no_longer_answers_opens_the_output(bench: Bench) -> None:
    bench.run(MA)
    bench.lease(MA, 1_000)
    emulated(bench).poke(ADCSRA_AT, 0)
    flowed = bench.silence(60)
    assert {current for ms, current in flowed if ms > 40} == {0}
