"""What every IonLink device does, rule by rule of docs/reference/ionlink.md."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ionto_runtime.link.messages import (
    AckTrip,
    Arm,
    Config,
    Hello,
    Lease,
    Limits,
    Off,
    Query,
    facts_of,
    limits_hash,
)
from ionto_runtime.link.schema import (
    EXPIRY_RAMP_MS,
    LEASE_TAIL_MS,
    LIMITS_PAGE,
    SEQUENCE_AHEAD_MAX,
    STOP_BYTES,
    Answer,
    Fact,
    Flag,
    Kind,
    Reason,
    State,
    Trip,
)
from ionto_runtime.simulation.plant import PlantFault
from tests.conformance.bench import LIMITS, SLEW_NA_S, Bench, latched

MA = 1_000_000


# --- start and session -----------------------------------------------------------------------------------
@pytest.mark.requirement("R36")
def test_after_power_up_a_device_is_locked_and_gives_nothing(bench: Bench) -> None:
    for command in (Config(LIMITS), Arm(1, 0), Lease(0, SLEW_NA_S, 400, 0, 0), AckTrip(0), Query(255), Off()):
        status = bench.ask(command)
        assert (status.answer, status.reason) == (Answer.DENIED, Reason.SESSION)
        assert (status.state, status.flags, status.applied_na) == (State.LOCKED, Flag(0), 0)
    bench.wait(1_000)
    assert bench.plant.received.total_pc == 0


def test_a_session_begins_with_hello_and_no_session_has_the_number_zero(bench: Bench) -> None:
    assert bench.ask(Hello(), session=0).reason is Reason.VALUE
    assert bench.ask(Hello()).state is State.MET
    assert bench.look().answer is Answer.ACCEPTED


def test_a_device_says_what_it_is_in_pages_that_fit_together(bench: Bench) -> None:
    bench.ask(Hello())
    data = b"".join(bench.ask(Query(page)).detail for page in range(11))
    facts = facts_of(data[:84])
    assert facts is not None
    assert (facts.model, facts.serial) == ("ionlink-4ma", "SIM-0001")
    assert facts.facts == Fact.SIMULATED | Fact.BIPOLAR
    assert (facts.current_na_max, facts.step_na, facts.lease_ms_max) == (4 * MA, 1_000, 2_000)
    assert bench.ask(Query(200)).detail == bytes(8)


def test_frames_of_another_session_change_nothing(bench: Bench) -> None:
    before = bench.run(MA)
    for command in (
        Config(LIMITS),
        Arm(before.boot, limits_hash(LIMITS)),
        Lease(2 * MA, SLEW_NA_S, 900, before.device_ms, 0),
        AckTrip(0),
    ):
        status = bench.ask(command, session=bench.session + 1)
        assert (status.answer, status.reason) == (Answer.DENIED, Reason.SESSION)
        assert (status.setpoint_na, status.state) == (MA, State.RUNNING)


def test_off_opens_the_output_whatever_its_session_and_number(bench: Bench) -> None:
    bench.run(MA)
    assert Flag.OUTPUT_ON not in bench.ask(Off(), session=99, sequence=3).flags
    bench.wait(10)
    assert bench.plant.current_na == 0
    bench.lease(0)
    bench.hold(MA, 200)
    assert bench.ask(Off(), sequence=1).reason is Reason.STALE
    bench.wait(10)
    assert bench.plant.current_na == 0


@pytest.mark.requirement("R46")
def test_another_host_that_says_hello_finds_the_output_open_and_the_first_one_is_told(bench: Bench) -> None:
    bench.run(MA)
    assert bench.ask(Hello(), session=77, sequence=9).state is State.MET
    bench.wait(10)
    assert bench.plant.current_na == 0
    status = bench.lease(MA)
    assert (status.answer, status.reason) == (Answer.DENIED, Reason.SESSION)


# --- limits ----------------------------------------------------------------------------------------------
@pytest.mark.requirement("R7")
def test_limits_are_written_once_and_come_back_as_a_digest(bench: Bench) -> None:
    bench.ask(Hello())
    status = bench.ask(Config(LIMITS))
    assert (status.answer, status.state) == (Answer.ACCEPTED, State.READY)
    assert int.from_bytes(status.detail[:4], "little") == limits_hash(LIMITS)
    again = bench.ask(Config(replace(LIMITS, current_na_max=1)))
    assert (again.answer, again.reason) == (Answer.DENIED, Reason.CONFIGURED)
    assert int.from_bytes(bench.ask(Query(LIMITS_PAGE)).detail[:4], "little") == limits_hash(LIMITS)


@pytest.mark.requirement("R7")
def test_limits_cannot_be_written_while_the_device_runs_or_is_armed(bench: Bench) -> None:
    bench.arm()
    assert bench.ask(Config(LIMITS)).reason is Reason.CONFIGURED
    bench.lease(0)
    assert bench.ask(Config(LIMITS)).reason is Reason.CONFIGURED


@pytest.mark.requirement("R2")
@pytest.mark.parametrize("field", range(6))
def test_no_limit_can_be_raised_above_the_devices_own(bench: Bench, field: int) -> None:
    name = Limits.__slots__[field]
    hardest = {
        "current_na_max": 4_000_000,
        "slew_na_s_max": 10_000_000,
        "compliance_mv": 80_000,
        "charge_uc_max": 14_400_000,
        "on_time_ms_max": 3_600_000,
        "lease_ms_max": 2_000,
    }
    bench.ask(Hello())
    for value, reason in ((hardest[name] + 1, Reason.RAISES), (0, Reason.VALUE)):
        status = bench.ask(Config(replace(LIMITS, **{name: value})))
        assert (status.answer, status.reason, status.detail[0]) == (Answer.DENIED, reason, field)
        assert status.state is State.MET
    assert bench.ask(Config(replace(LIMITS, **{name: hardest[name]}))).answer is Answer.ACCEPTED


# --- arming and leases -----------------------------------------------------------------------------------
@pytest.mark.requirement("R12")
def test_the_output_goes_on_by_a_lease_of_zero_after_arming_and_by_nothing_else(bench: Bench) -> None:
    bench.ask(Hello())
    assert bench.lease(0).reason is Reason.STATE
    bench.ask(Config(LIMITS))
    assert bench.lease(0).reason is Reason.STATE
    armed = bench.ask(Arm(bench.look().boot, limits_hash(LIMITS)))
    assert (armed.state, armed.flags) == (State.ARMED, Flag.CONFIGURED)
    assert bench.lease(MA).reason is Reason.NOT_ZERO
    assert Flag.OUTPUT_ON not in bench.look().flags
    on = bench.lease(0)
    assert (on.state, on.flags) == (State.RUNNING, Flag.CONFIGURED | Flag.OUTPUT_ON)
    assert bench.plant.received.total_pc == 0


def test_arming_names_the_start_and_the_limits_that_the_host_has_seen(bench: Bench) -> None:
    bench.ask(Hello())
    boot = bench.ask(Config(LIMITS)).boot
    assert bench.ask(Arm(boot + 1, limits_hash(LIMITS))).reason is Reason.BOOT
    assert bench.ask(Arm(boot, limits_hash(LIMITS) ^ 1)).reason is Reason.HASH


@pytest.mark.requirement("R8")
def test_a_device_that_measures_current_at_rest_is_not_armed(bench: Bench) -> None:
    bench.ask(Hello())
    boot = bench.ask(Config(LIMITS)).boot
    bench.plant.reading_offset_na = 45_000
    bench.wait(20)
    assert bench.ask(Arm(boot, limits_hash(LIMITS))).reason is Reason.NOT_ZERO


def test_what_a_lease_may_not_say(bench: Bench) -> None:
    bench.run(MA)
    seen = bench.look().device_ms
    for lease, reason in (
        (Lease(2 * MA + 1_000, SLEW_NA_S, 400, seen, 0), Reason.RANGE),
        (Lease(-2 * MA - 1_000, SLEW_NA_S, 400, seen, 0), Reason.RANGE),
        (Lease(-(2**31), SLEW_NA_S, 400, seen, 0), Reason.RANGE),
        (Lease(1_000_001, SLEW_NA_S, 400, seen, 0), Reason.STEP),
        (Lease(MA, SLEW_NA_S, 1_001, seen, 0), Reason.VALIDITY),
        (Lease(MA, SLEW_NA_S, 0, seen, 0), Reason.VALIDITY),
        (Lease(MA, 0, 400, seen, 0), Reason.SLEW),
        (Lease(MA, LIMITS.slew_na_s_max + 1, 400, seen, 0), Reason.SLEW),
        (Lease(-MA, SLEW_NA_S, 400, seen, 0), Reason.POLARITY),
        (Lease(MA, SLEW_NA_S, 400, seen - 1_100 & 0xFFFF_FFFF, 0), Reason.UNSEEN),
        (Lease(MA, SLEW_NA_S, 400, seen + 500, 0), Reason.UNSEEN),
    ):
        status = bench.ask(lease)
        assert (status.answer, status.reason) == (Answer.DENIED, reason), lease
        assert status.setpoint_na == MA
        bench.lease(MA)


def test_the_setpoint_is_approached_at_the_slew_and_the_answer_says_so(bench: Bench) -> None:
    bench.arm()
    bench.lease(0)
    status = bench.lease(MA, 900, slew_na_s=2_000_000)
    assert status.answer is Answer.IN_PROGRESS
    start_ms = status.device_ms
    for _ in range(8):
        bench.wait(30)
        status = bench.look()
        expected_na = (status.device_ms - start_ms) * 2_000
        assert abs(status.applied_na - expected_na) <= 2 * 5 * 2_000
        assert abs(bench.plant.current_na - expected_na) <= 0.02 * MA + 2 * 5 * 2_000
    assert bench.hold(MA, 400).answer is Answer.ACCEPTED


@pytest.mark.requirement("R17")
def test_polarity_turns_only_through_zero(bench: Bench) -> None:
    bench.run(MA)
    assert bench.lease(-MA).reason is Reason.POLARITY
    assert bench.lease(0, slew_na_s=1_000_000).answer is Answer.IN_PROGRESS
    bench.wait(100)
    assert bench.lease(-MA).reason is Reason.POLARITY
    bench.hold(0, 1_200)
    assert bench.hold(-MA, 500).answer is Answer.ACCEPTED
    assert bench.plant.current_na == pytest.approx(-MA, rel=0.02)
    assert bench.look().current_na < 0


def test_the_measured_current_and_voltage_are_those_at_the_skin(bench: Bench) -> None:
    status = bench.run(2 * MA)
    assert status.current_na == pytest.approx(bench.plant.current_na, abs=10_000)
    ohm = bench.plant.body.resistance_ohm
    assert status.voltage_mv == pytest.approx(status.current_na * ohm / 1_000_000, rel=0.1, abs=200)
    assert status.position == 7


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
    bench.plant.faults.add(PlantFault.SWAPPED)
    bench.hold(MA, 300)
    assert bench.look().trip is Trip.OVER_CURRENT


@pytest.mark.requirement("R22")
def test_an_output_that_does_not_open_is_reported_as_current(bench: Bench) -> None:
    bench.run(MA)
    bench.plant.faults.add(PlantFault.STUCK_OUTPUT)
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
    bench.plant.faults.add(PlantFault.STUCK_READING)
    bench.wait(50)
    assert bench.plant.current_na == 0
    assert bench.look().trip is Trip.SENSOR


@pytest.mark.requirement("R29")
def test_an_electrode_that_comes_off_is_said_and_the_voltage_stays_where_it_was_set(bench: Bench) -> None:
    bench.run(MA)
    bench.plant.faults.add(PlantFault.LEAD_OFF)
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
