"""The simulated stimulator: within its stated accuracy, never beyond its lease, and honest about its
faults.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_runtime.simulation.stimulator import Fault, SimulatedStimulator
from ionto_runtime.stimulator import Accepted, Refusal, Refused
from tests.runtime.simulated import clinic_device, reading, stimulator

TICK_MS = 100
LEASE_MS = 500


def worst_na(na: int) -> int:
    """What the profile says the skin may receive at most."""
    return abs(na) + -(-abs(na) * 20_000 // 1_000_000) + 10_000


def running(na: int = 2_000_000, *, seed: int = 1) -> SimulatedStimulator:
    """A stimulator that has driven `na` for a second, under a lease that has most of its time left."""
    machine = stimulator(seed=seed)
    for seq in range(1, 11):
        assert machine.set_current(na, LEASE_MS, seq) == Accepted(seq)
        machine.advance(TICK_MS)
    return machine


def test_a_new_device_gives_nothing() -> None:
    machine = stimulator()
    machine.advance(1_000)
    measured = reading(machine)
    assert (measured.output_on, measured.current_na, measured.voltage_mv) == (False, 0, 0)
    assert measured.impedance_ohm is None
    assert machine.received.total_pc == 0


@given(seed=st.integers(0, 10_000), steps=st.integers(-400, 400))
def test_output_and_readings_stay_within_the_stated_accuracy(seed: int, steps: int) -> None:
    na = steps * 10_000
    machine = stimulator(seed=seed)
    allowed_na = worst_na(na) - abs(na)
    for seq in range(1, 6):
        machine.set_current(na, LEASE_MS, seq)
        machine.advance(TICK_MS)
        measured = reading(machine)
        assert not measured.at_compliance
        assert abs(measured.current_na - na) <= allowed_na
        assert machine.received.peak_na <= worst_na(na)
    assert machine.received.total_pc <= worst_na(na) * 5 * TICK_MS
    assert abs(machine.received.total_pc - abs(na) * 5 * TICK_MS) <= allowed_na * 5 * TICK_MS


def test_devices_err_and_they_err_differently() -> None:
    readings = {reading(running(seed=seed)).current_na for seed in range(20)}
    assert len(readings) == 20
    assert max(readings) > 2_010_000
    assert min(readings) < 1_990_000


def test_equal_seeds_give_equal_histories() -> None:
    assert reading(running(seed=5)) == reading(running(seed=5))
    assert running(seed=5).received == running(seed=5).received


def test_a_device_without_error_gives_exactly_what_is_asked() -> None:
    machine = stimulator(clinic_device(accuracy_ppm=0, accuracy_offset_na=0))
    machine.set_current(1_230_000, LEASE_MS, 1)
    machine.advance(TICK_MS)
    assert reading(machine).current_na == 1_230_000
    assert machine.received.forward_pc == 1_230_000 * TICK_MS


def test_impedance_is_voltage_by_current_and_falls_during_treatment() -> None:
    machine = running()
    early = reading(machine)
    assert early.impedance_ohm == abs(early.voltage_mv) * 1_000_000 // early.current_na
    for seq in range(11, 600):
        machine.set_current(2_000_000, LEASE_MS, seq)
        machine.advance(TICK_MS)
    late = reading(machine)
    assert late.impedance_ohm is not None
    assert early.impedance_ohm is not None
    assert late.impedance_ohm < early.impedance_ohm / 2


def test_negative_current_flows_backwards() -> None:
    machine = running(-1_000_000)
    measured = reading(machine)
    assert measured.current_na < 0
    assert measured.voltage_mv < 0
    assert measured.impedance_ohm is not None and measured.impedance_ohm > 0
    assert machine.received.forward_pc == 0
    assert machine.received.backward_pc > 0


def test_current_falls_at_compliance_and_the_device_says_so() -> None:
    machine = stimulator(clinic_device(compliance_mv=1_000))
    machine.set_current(4_000_000, LEASE_MS, 1)
    machine.advance(TICK_MS)
    measured = reading(machine)
    assert measured.at_compliance
    assert 0 < measured.current_na < 4_000_000
    assert 990 <= measured.voltage_mv <= 1_010
    assert machine.received.peak_na < 4_000_000


@pytest.mark.parametrize(
    ("na", "lease_ms", "seq", "reason"),
    [
        (4_010_000, LEASE_MS, 11, Refusal.OUT_OF_RANGE),
        (-4_010_000, LEASE_MS, 11, Refusal.OUT_OF_RANGE),
        (1_005_000, LEASE_MS, 11, Refusal.NOT_ON_STEP),
        (1_000_000, 0, 11, Refusal.LEASE),
        (1_000_000, 501, 11, Refusal.LEASE),
        (1_000_000, LEASE_MS, 9, Refusal.STALE),
        (1_000_000, LEASE_MS, 10, Refusal.STALE),
        (-1_000_000, LEASE_MS, 11, Refusal.POLARITY),
    ],
)
def test_a_command_that_the_device_cannot_take_changes_nothing(
    na: int, lease_ms: int, seq: int, reason: Refusal
) -> None:
    machine = running()
    before = reading(machine)
    assert machine.set_current(na, lease_ms, seq) == Refused(seq, reason)
    assert reading(machine) == before


def test_polarity_turns_at_zero() -> None:
    machine = running()
    assert machine.set_current(0, LEASE_MS, 11) == Accepted(11)
    assert machine.set_current(-1_000_000, LEASE_MS, 12) == Accepted(12)


def test_without_renewal_the_output_opens_when_the_lease_ends_and_not_a_millisecond_later() -> None:
    machine = running()
    machine.received.forward_pc = 0
    machine.advance(60_000)
    # The last lease of 500 ms began 100 ms before.
    assert 0 < machine.received.forward_pc <= worst_na(2_000_000) * 400
    measured = reading(machine)
    assert (measured.output_on, measured.expired, measured.current_na) == (False, True, 0)


@given(st.lists(st.integers(1, 700), max_size=20))
def test_the_moment_of_expiry_does_not_depend_on_how_time_is_cut(stretches: list[int]) -> None:
    exact = clinic_device(accuracy_ppm=0, accuracy_offset_na=0)
    machine, whole = stimulator(exact), stimulator(exact)
    for each in (machine, whole):
        each.set_current(1_000_000, 333, 1)
    for stretch in stretches:
        machine.advance(stretch)
    whole.advance(sum(stretches))
    assert machine.received == whole.received
    assert reading(machine).output_on == reading(whole).output_on


def test_a_repeated_message_is_answered_but_does_not_feed_the_watchdog() -> None:
    machine = running()
    for _ in range(10):
        assert machine.set_current(2_000_000, LEASE_MS, 10) == Accepted(10)
        machine.advance(TICK_MS)
    assert not reading(machine).output_on


def test_off_is_obeyed_at_once_and_never_refused_as_too_old() -> None:
    machine = running()
    assert machine.output_off(3) == Accepted(3)
    assert (reading(machine).output_on, reading(machine).current_na) == (False, 0)
    assert machine.set_current(1_000_000, LEASE_MS, 10) == Refused(10, Refusal.STALE)


def test_on_at_zero_counts_as_on_and_may_leak_the_offset() -> None:
    machine = running(0)
    assert reading(machine).output_on
    assert machine.received.peak_na <= 10_000


def test_an_electrode_that_comes_off_stops_the_current_and_is_noticed() -> None:
    machine = running()
    received = machine.received.total_pc
    machine.inject(Fault.LEAD_OFF)
    machine.advance(TICK_MS)
    measured = reading(machine)
    assert measured.lead_off
    assert measured.at_compliance
    assert measured.impedance_ohm is None
    assert machine.received.total_pc == received
    machine.clear(Fault.LEAD_OFF)
    machine.advance(TICK_MS)
    assert not reading(machine).lead_off


def test_touching_electrodes_show_almost_no_resistance_and_spare_the_skin() -> None:
    machine = running()
    received = machine.received.total_pc
    machine.inject(Fault.SHORT)
    machine.advance(TICK_MS)
    measured = reading(machine)
    assert measured.impedance_ohm is not None and measured.impedance_ohm < 20
    assert machine.received.total_pc == received


def test_on_a_silent_link_nothing_arrives_nothing_answers_and_the_lease_runs_out() -> None:
    machine = running()
    machine.inject(Fault.SILENT)
    assert machine.set_current(2_000_000, LEASE_MS, 11) is None
    assert machine.output_off(12) is None
    assert machine.measure() is None
    machine.advance(LEASE_MS)
    machine.clear(Fault.SILENT)
    measured = reading(machine)
    assert (measured.output_on, measured.expired, measured.seq) == (False, True, 10)


def test_when_only_the_answers_are_lost_the_command_has_been_done() -> None:
    machine = running()
    machine.inject(Fault.DEAF_HOST)
    assert machine.set_current(1_000_000, LEASE_MS, 11) is None
    assert machine.measure() is None
    machine.clear(Fault.DEAF_HOST)
    assert (reading(machine).seq, reading(machine).setpoint_na) == (11, 1_000_000)


def test_a_reset_opens_the_output_forgets_the_host_and_can_be_seen() -> None:
    machine = running()
    machine.reset()
    measured = reading(machine)
    assert (measured.output_on, measured.current_na, measured.seq, measured.boot_count) == (False, 0, 0, 2)


def test_a_stuck_output_goes_on_and_the_readings_tell() -> None:
    machine = running()
    machine.inject(Fault.STUCK_OUTPUT)
    machine.output_off(11)
    machine.advance(2_000)
    measured = reading(machine)
    assert measured.output_on
    assert measured.current_na > 1_900_000
    machine.clear(Fault.STUCK_OUTPUT)
    assert not reading(machine).output_on


def test_a_stuck_output_does_not_rise_either() -> None:
    machine = running()
    machine.inject(Fault.STUCK_OUTPUT)
    assert machine.set_current(4_000_000, LEASE_MS, 11) == Accepted(11)
    machine.advance(TICK_MS)
    assert reading(machine).current_na <= worst_na(2_000_000)


def test_no_time_passes_when_none_is_given() -> None:
    machine = running()
    before = reading(machine)
    machine.advance(0)
    assert reading(machine) == before
