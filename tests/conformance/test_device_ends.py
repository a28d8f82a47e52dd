"""How every IonLink device ends what it does: dead-man, trips, stops, restarts, noise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ionto_runtime.link.messages import (
    AckTrip,
    Arm,
    Config,
    Hello,
    Lease,
    Off,
    Query,
    limits_hash,
)
from ionto_runtime.link.schema import (
    EXPIRY_RAMP_MS,
    LEASE_TAIL_MS,
    SEQUENCE_AHEAD_MAX,
    STOP_BYTES,
    Answer,
    Flag,
    Kind,
    Reason,
    State,
    Trip,
)
from ionto_runtime.simulation.load import LoadFault
from ionto_runtime.simulation.plant import SensorFault
from tests.conformance.bench import LIMITS, SLEW_NA_S, Bench, latched

MA = 1_000_000


# --- the dead-man ----------------------------------------------------------------------------------------
@pytest.mark.requirement("R42")
@pytest.mark.parametrize("na", [2 * MA, -MA, 100_000])
def test_when_the_host_falls_silent_the_device_ramps_to_zero_in_time_and_latches(
    bench: Bench, na: int
) -> None:
    bench.run(na)
    valid_ms = bench.lease(na, 300).lease_ms
    assert 280 <= valid_ms <= 300
    flowed = bench.silence(600)
    before = [current for ms, current in flowed if ms <= valid_ms - 15]
    after = [current for ms, current in flowed if ms >= 300 + LEASE_TAIL_MS]
    falling = [abs(current) for ms, current in flowed if 300 < ms < 300 + EXPIRY_RAMP_MS]
    assert all(current == pytest.approx(na, rel=0.02, abs=5_000) for current in before)
    assert set(after) == {0}
    assert falling == sorted(falling, reverse=True)
    assert len(set(falling)) > 3, "a ramp, not a step"
    status = bench.look()
    assert (status.state, status.trip, status.latches) == (State.TRIPPED, Trip.EXPIRED, latched(Trip.EXPIRED))
    assert Flag.OUTPUT_ON not in status.flags


@pytest.mark.requirement("R42")
def test_questions_do_not_renew_a_lease(bench: Bench) -> None:
    bench.run(MA)
    bench.lease(MA, 300)
    until_ms = bench.clock.now_ms() + 300 + LEASE_TAIL_MS
    while bench.clock.now_ms() < until_ms:
        bench.wait(10)
        bench.look()
    assert bench.look().state is State.TRIPPED


@pytest.mark.requirement("R10")
def test_the_lease_runs_out_at_zero_current_too(bench: Bench) -> None:
    bench.arm()
    bench.lease(0, 200)
    bench.wait(190)
    assert bench.look().state is State.RUNNING
    bench.wait(40)
    status = bench.look()
    assert (status.state, status.trip) == (State.TRIPPED, Trip.EXPIRED)


@pytest.mark.requirement("R44")
def test_a_stuck_buffer_that_repeats_a_heartbeat_renews_nothing(bench: Bench) -> None:
    bench.run(MA)
    assert bench.last is not None
    wire = bench.wire(Lease(MA, SLEW_NA_S, 300, bench.last.device_ms, 7))
    first = bench.send(wire)
    assert first is not None and first.lease_ms > 280
    left = []
    for _ in range(15):
        bench.wait(20)
        again = bench.send(wire)
        assert again is not None
        if again.state is not State.RUNNING:
            break
        assert (again.answer, again.reason) == (Answer.ACCEPTED, Reason.REPEATED)
        left.append(again.lease_ms)
    assert left == sorted(left, reverse=True) and len(left) > 3
    bench.wait(LEASE_TAIL_MS)
    assert bench.look().trip is Trip.EXPIRED


@pytest.mark.requirement("R44")
def test_a_session_that_was_recorded_and_is_played_again_drives_nothing(bench: Bench) -> None:
    bench.ask(Hello())
    boot = bench.look().boot
    wires = [
        bench.wire(command)
        for command in (
            Hello(),
            Config(LIMITS),
            Arm(boot, limits_hash(LIMITS)),
            Lease(0, SLEW_NA_S, 400, bench.look().device_ms, 1),
            Lease(MA, SLEW_NA_S, 400, bench.look().device_ms, 1),
        )
    ]
    bench.wait(1_200)
    answers = [bench.send(wire) for wire in wires]
    assert [answer.reason for answer in answers if answer is not None][-2:] == [Reason.UNSEEN, Reason.UNSEEN]
    bench.device.restart()
    bench.wait(50)
    for wire in wires:
        bench.send(wire)
    assert bench.plant.received.total_pc == 0


@pytest.mark.requirement("R44")
def test_old_frames_are_stale_for_as_long_as_numbers_can_tell(bench: Bench) -> None:
    bench.run(MA)
    number = bench.sequence
    seen = bench.look().device_ms
    for sequence in (number, number - 1, number - 1_000, number + SEQUENCE_AHEAD_MAX + 1):
        status = bench.ask(Lease(2 * MA, SLEW_NA_S, 400, seen, 0), sequence=sequence & 0xFFFF)
        assert (status.answer, status.reason) == (Answer.DENIED, Reason.STALE)
        assert status.setpoint_na == MA


def test_numbers_go_on_past_their_end(bench: Bench) -> None:
    bench.sequence = 0xFFFB
    bench.run(MA)
    assert bench.sequence < 100
    assert bench.hold(MA, 200).answer is Answer.ACCEPTED


# --- trips -----------------------------------------------------------------------------------------------
def test_a_latch_is_cleared_by_who_has_seen_it_and_arming_follows(bench: Bench) -> None:
    bench.run(MA)
    bench.wait(700)
    assert bench.lease(0).answer is Answer.FAULT
    assert bench.ask(AckTrip(0)).reason is Reason.UNSEEN
    assert bench.acknowledge().state is State.READY
    assert bench.lease(0).reason is Reason.STATE
    assert bench.ask(Arm(bench.look().boot, limits_hash(LIMITS))).state is State.ARMED
    assert bench.lease(0).state is State.RUNNING


def test_a_latch_outlives_the_next_session(bench: Bench) -> None:
    bench.run(MA)
    bench.wait(700)
    status = bench.ask(Hello())
    assert (status.state, status.trip) == (State.TRIPPED, Trip.EXPIRED)
    assert bench.ask(Config(LIMITS)).answer is Answer.FAULT
    assert bench.acknowledge().state is State.MET


@pytest.mark.requirement("R15")
@pytest.mark.parametrize(("gain_ppm", "trips"), [(40_000, False), (80_000, True), (200_000, True)])
def test_more_current_than_was_set_opens_the_output(bench: Bench, gain_ppm: int, trips: bool) -> None:
    bench.run(2 * MA)
    bench.plant.gain_ppm = gain_ppm
    bench.hold(2 * MA, 400)
    status = bench.look()
    assert (status.trip is Trip.OVER_CURRENT) == trips
    assert (Flag.OUTPUT_ON in status.flags) != trips


@pytest.mark.requirement("R15")
def test_current_above_the_ceiling_opens_the_output_at_once(bench: Bench) -> None:
    bench.run(2 * MA)
    bench.plant.gain_ppm = 9_000_000
    bench.wait(20)
    assert bench.plant.current_na == 0
    assert bench.look().trip is Trip.OVER_CURRENT


@pytest.mark.requirement("R35")
def test_current_against_the_sign_opens_the_output(bench: Bench) -> None:
    bench.run(MA)
    bench.plant.load.faults.add(LoadFault.SWAPPED)
    bench.hold(MA, 300)
    assert bench.look().trip is Trip.OVER_CURRENT


@pytest.mark.requirement("R22")
def test_an_output_that_does_not_open_is_reported_as_current(bench: Bench) -> None:
    bench.run(MA)
    bench.plant.load.faults.add(LoadFault.STUCK_OUTPUT)
    bench.wait(10)
    off = bench.ask(Off())
    assert Flag.OUTPUT_ON not in off.flags
    bench.wait(300)
    status = bench.look()
    assert status.current_na > 900_000
    assert status.trip is Trip.OVER_CURRENT


@pytest.mark.requirement("R34")
def test_a_converter_that_cannot_be_believed_opens_the_output(bench: Bench) -> None:
    bench.run(MA)
    bench.plant.faults.add(SensorFault.STUCK_READING)
    bench.wait(50)
    assert bench.plant.current_na == 0
    assert bench.look().trip is Trip.SENSOR


@pytest.mark.requirement("R29")
def test_an_electrode_that_comes_off_is_said_and_the_voltage_stays_where_it_was_set(bench: Bench) -> None:
    bench.run(MA)
    bench.plant.load.faults.add(LoadFault.LEAD_OFF)
    status = bench.hold(MA, 100)
    assert Flag.LEAD_OFF | Flag.AT_COMPLIANCE in status.flags
    assert abs(status.voltage_mv) <= LIMITS.compliance_mv * 1.01
    assert status.current_na == 0


@pytest.mark.requirement("R20")
def test_charge_is_counted_and_its_limit_ends_the_output(bench: Bench) -> None:
    bench.run(2 * MA, replace(LIMITS, charge_uc_max=2_000))
    bench.hold(2 * MA, 1_500)
    status = bench.look()
    assert status.trip is Trip.OVER_CHARGE
    real_uc = bench.plant.received.total_pc / 1_000_000
    assert real_uc <= 2_000 * 1.01
    assert real_uc * 0.98 <= status.charge_uc <= 2_000


@pytest.mark.requirement("R19")
def test_time_with_the_output_on_is_counted_and_its_limit_ends_the_output(bench: Bench) -> None:
    bench.run(MA, replace(LIMITS, on_time_ms_max=1_000))
    bench.hold(MA, 1_000)
    assert bench.look().trip is Trip.ON_TIME
    assert bench.plant.on_ms <= 1_000 + 5


# --- stops and restarts ----------------------------------------------------------------------------------
@pytest.mark.requirement("R24")
@pytest.mark.parametrize("before", ["nothing", "half a frame", "a flood", "delimiters"])
def test_the_stop_bytes_open_the_output_whatever_stands_before_them(bench: Bench, before: str) -> None:
    bench.run(2 * MA)
    junk = {
        "nothing": b"",
        "half a frame": bench.wire(Query(255))[:9],
        "a flood": b"\xf0\x0f" * 100,
        "delimiters": bytes(5),
    }[before]
    status = bench.send(junk + STOP_BYTES)
    assert status is not None
    assert (status.to, status.state, status.trip) == (Kind.STOP, State.TRIPPED, Trip.STOPPED)
    bench.wait(5)
    assert bench.plant.current_na == 0


def test_the_stop_bytes_need_no_session_and_are_not_seen_in_pieces(bench: Bench) -> None:
    status = bench.send(STOP_BYTES)
    assert status is not None and status.latches == latched(Trip.STOPPED)
    bench.ask(Hello())
    bench.acknowledge()
    assert bench.send(STOP_BYTES[:-1] + b"\x01" + STOP_BYTES[1:]) is None
    assert bench.look().latches == 0


@pytest.mark.requirement("R25")
def test_the_stop_line_opens_the_output_and_holds_it_open(bench: Bench) -> None:
    bench.run(2 * MA)
    bench.device.stop_line = True
    bench.wait(12)
    assert bench.plant.current_na == 0
    assert bench.look().trip is Trip.STOPPED
    bench.acknowledge()
    bench.wait(20)
    assert bench.look().state is State.TRIPPED
    bench.device.stop_line = False
    bench.wait(20)
    assert bench.acknowledge().state is State.READY


@pytest.mark.requirement("R36")
@pytest.mark.parametrize("cause", [Trip.NONE, Trip.WATCHDOG, Trip.BROWN_OUT])
def test_a_restart_is_off_locked_counted_and_says_why(bench: Bench, cause: Trip) -> None:
    before = bench.run(2 * MA)
    bench.device.restart(cause)
    bench.wait(15)
    assert bench.plant.current_na == 0
    bench.wait(60)
    status = bench.look()
    assert (status.state, status.boot, status.trip) == (State.LOCKED, before.boot + 1, cause)
    assert status.device_ms < before.device_ms
    assert bench.lease(MA).reason is Reason.SESSION


# --- the line --------------------------------------------------------------------------------------------
@pytest.mark.requirement("R49")
def test_noise_and_endless_lines_change_nothing_and_are_forgotten_at_the_next_delimiter(bench: Bench) -> None:
    bench.run(MA)
    for noise in (b"\xff" * 1_000, bytes(range(1, 256)) * 4, b"\x01\x00" * 300):
        bench.device.receive(noise)
        bench.wait(110)
        status = bench.lease(MA)
        assert (status.answer, status.setpoint_na) == (Answer.ACCEPTED, MA)


@pytest.mark.requirement("R37")
def test_a_damaged_lease_is_neither_answered_nor_carried_out(bench: Bench) -> None:
    bench.run(MA)
    assert bench.last is not None
    wire = bench.wire(Lease(2 * MA, SLEW_NA_S, 900, bench.last.device_ms, 9))
    for bit in range(8, len(wire) * 8 - 8, 7):
        damaged = bytearray(wire)
        damaged[bit // 8] ^= 1 << bit % 8
        bench.device.receive(bytes(damaged) + b"\0")
    bench.device.receive(wire[:20] + b"\0" + wire[20:])
    bench.wait(150)
    status = bench.look()
    assert (status.setpoint_na, status.position) == (MA, 7)


def test_frames_that_come_together_are_answered_no_more_than_once_each(bench: Bench) -> None:
    bench.ask(Hello())
    assert bench.send(bench.wire(Query(255)) + bench.wire(Query(0))) is not None
    bench.wait(40)
    assert bench.look().answer is Answer.ACCEPTED
