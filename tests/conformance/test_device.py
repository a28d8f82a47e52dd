"""What every IonLink device does, rule by rule of docs/reference/ionlink.md: sessions, limits, leases."""

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
    LIMITS_PAGE,
    Answer,
    Fact,
    Flag,
    Reason,
    State,
)
from tests.conformance.bench import LIMITS, SLEW_NA_S, Bench

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
