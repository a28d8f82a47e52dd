"""The watches: every fault of the load, the readings and the device is injected, and ends as it must."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise

import pytest

from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.events import Resume
from ionto_ir.state import Mode
from ionto_runtime.accuracy import PROBE_NA
from ionto_runtime.drivers.driver import Complaint, DeadMan, Problem
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.stimulator import Measurement
from ionto_runtime.watch_contact import ContactWatch
from ionto_runtime.watching import Sight
from tests.ir.sessions import MA, SECOND, bound_of, plan_of, ramp, timed_plan
from tests.runtime.bedside import Bedside
from tests.runtime.broken import LONG, Bend, Broken, broken_bedside, falls, is_off


def bent(bend: Bend, after: int = 80, **more: object) -> tuple[Bedside, Broken]:
    """A session in its hold whose readings are bent from then on."""
    bedside, broken = broken_bedside(**more)  # type: ignore[arg-type]
    bedside.begin().tick(after)
    broken.bend = bend
    return bedside, broken


def scaled(percent: int) -> Bend:
    """The output and its reading are this much of what was set."""
    return lambda found: replace(found, current_na=found.setpoint_na * percent // 100)


def causes(bedside: Bedside) -> list[str]:
    """What went on record as the cause of something."""
    return [str(record.payload["cause"]) for record in bedside.reading.records if "cause" in record.payload]


# --- too much ---------------------------------------------------------------------------------------------
POOR = timed_plan(hold_ms=60 * SECOND, ramp_ms=4 * SECOND)
INACCURATE = bound_of(replace(POOR, device=replace(POOR.device, accuracy_ppm=200_000)))
"""A device that may be wrong by a fifth: the machine's own rule bears what R15 does not."""


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("percent", [110, 120])
def test_more_current_than_is_set_stops_after_two_readings(percent: int) -> None:
    bedside, broken = bent(scaled(percent), bound=INACCURATE)
    bedside.tick(1)
    assert bedside.session.state.mode is Mode.ON
    bedside.tick(1)
    assert bedside.codes() == ["F37"] and bedside.session.state.mode is Mode.STOPPING
    bedside.until_closed()
    assert falls(broken.sent) and is_off(bedside)


@pytest.mark.requirement("R15")
@pytest.mark.parametrize("percent", [106, 120, 1_000])
def test_no_gain_error_beyond_the_accuracy_lasts_for_more_than_two_readings(percent: int) -> None:
    bedside, _ = bent(scaled(percent))
    bedside.tick(2)
    assert bedside.session.state.mode in (Mode.STOPPING, Mode.ENDED)
    bedside.until_closed()
    assert not bedside.session.completed and is_off(bedside)


@pytest.mark.requirement("R15")
@pytest.mark.requirement("R33")
def test_a_current_above_every_ceiling_opens_the_output_at_once_and_for_good() -> None:
    bedside, _ = bent(lambda found: replace(found, current_na=5 * MA * 7))
    bedside.tick(1)
    assert is_off(bedside) and bedside.session.state.mode is Mode.ENDED
    assert "F49" in bedside.codes()


def test_one_wrong_reading_is_not_believed() -> None:
    bedside, broken = bent(scaled(120))
    bedside.tick(1)
    broken.bend = lambda found: found
    bedside.until_closed()
    assert bedside.session.completed


@pytest.mark.requirement("R20")
def test_charge_beyond_what_the_plan_accounts_for_ends_the_session() -> None:
    """Every other reading is too high: never twice in a row, and yet it adds up."""
    seen = [0]

    def flicker(found: Measurement) -> Measurement:
        seen[0] += 1
        return scaled(125)(found) if seen[0] % 2 else found

    bedside, broken = bent(flicker)
    bedside.until_closed()
    assert bedside.codes()[-1] == "F43" and not bedside.session.completed
    excess_pc = bedside.session.guard.current.excess_pc
    ramp_pc = 2 * MA * 4 * SECOND // 2
    assert excess_pc <= 2 * MA * 64 * SECOND // 100 + 2 * MA * 100 + ramp_pc // 4
    assert falls(broken.sent)


@pytest.mark.requirement("R20")
@pytest.mark.parametrize("run", [1, 2])
def test_a_sample_that_is_lost_or_comes_twice_neither_loses_nor_doubles_charge(run: int) -> None:
    bedside, broken = broken_bedside()
    kept: list[Measurement] = []

    def lossy(found: Measurement) -> Measurement | None:
        kept.append(found)
        if len(kept) % 10 < run:
            return None
        return kept[-2] if len(kept) > 10 and len(kept) % 10 == run else found

    bedside.begin()
    broken.bend = lossy
    bedside.tick(300)
    whole = Bedside(LONG).begin().tick(300)
    assert bedside.session.upper_pc >= bedside.device.received.total_pc
    assert bedside.session.upper_pc <= whole.session.upper_pc * 102 // 100


def steep(ramp_ms: int) -> BoundPlan:
    """2 mA in a time, on a device that could do it in less."""
    plan = timed_plan(hold_ms=5 * SECOND, ramp_ms=ramp_ms)
    return bound_of(replace(plan, device=replace(plan.device, slew_na_s=20 * MA)))


# --- the contact ------------------------------------------------------------------------------------------
@pytest.mark.requirement("R13")
@pytest.mark.parametrize("ramp_ms", [4 * SECOND, 1 * SECOND, 400])
def test_nothing_above_a_probe_flows_before_a_closed_circuit_was_seen(ramp_ms: int) -> None:
    bedside, broken = broken_bedside(steep(ramp_ms))
    bedside.device.inject(Fault.LEAD_OFF)
    bedside.begin().tick(3)
    bedside.device.clear(Fault.LEAD_OFF)
    bedside.tick(60)
    assert max(abs(na or 0) for na in broken.sent) <= PROBE_NA
    assert bedside.device.received.peak_na <= PROBE_NA * 102 // 100 + 10_000
    assert bedside.session.state.mode is Mode.PAUSED


@pytest.mark.requirement("R13")
@pytest.mark.parametrize("ramp_ms", [1 * SECOND, 400])
def test_a_steep_ramp_begins_with_a_probe_and_never_jumps(ramp_ms: int) -> None:
    bedside, broken = broken_bedside(steep(ramp_ms))
    bedside.begin().until_closed()
    assert bedside.session.completed
    levels = [abs(na) for na in broken.sent if na is not None]
    assert levels[0] <= PROBE_NA
    most = 2 * MA * 100 // ramp_ms
    assert all(after - before <= most + 20_000 for before, after in pairwise(levels))


@pytest.mark.requirement("R29")
@pytest.mark.parametrize("open_ticks", [5, 20])
def test_a_contact_that_opens_comes_back_to_no_more_than_a_probe(open_ticks: int) -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(80)
    bedside.device.inject(Fault.LEAD_OFF)
    bedside.tick(open_ticks)
    assert bedside.codes() == ["F01"]
    bedside.device.clear(Fault.LEAD_OFF)
    sent, bedside.device.received.peak_na = len(broken.sent), 0
    bedside.tick(20)
    assert bedside.device.received.peak_na <= PROBE_NA
    assert all(na in (None, 0) for na in broken.sent[sent:])


@pytest.mark.requirement("R29")
def test_a_contact_that_opens_for_a_moment_never_lets_more_flow_than_is_set() -> None:
    bedside, _ = broken_bedside()
    bedside.begin().tick(80)
    bedside.device.inject(Fault.LEAD_OFF)
    bedside.pass_ms(90)
    bedside.device.clear(Fault.LEAD_OFF)
    bedside.device.received.peak_na = 0
    bedside.pass_ms(10)
    bedside.session.tick(100)
    bedside.tick(20)
    assert bedside.device.received.peak_na <= 2 * MA * 102 // 100 + 10_000


@pytest.mark.requirement("R29")
def test_half_a_contact_is_believed_after_three_readings_whatever_the_device_says() -> None:
    bedside, _ = bent(lambda found: replace(found, current_na=found.current_na * 40 // 100, lead_off=False))
    bedside.tick(2)
    assert bedside.session.state.mode is Mode.ON
    bedside.tick(1)
    assert bedside.session.state.mode is Mode.PAUSED and is_off(bedside)


@pytest.mark.requirement("R27")
def test_a_resumed_session_probes_the_contact_again_and_ramps_from_zero() -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(80)
    bedside.device.inject(Fault.LEAD_OFF)
    bedside.tick(10)
    sent = len(broken.sent)
    bedside.session.feed(Resume())
    bedside.tick(30)
    assert bedside.session.state.mode is Mode.PAUSED, "it is open still"
    bedside.device.clear(Fault.LEAD_OFF)
    bedside.session.feed(Resume())
    bedside.tick(30)
    again = [abs(na) for na in broken.sent[sent:] if na is not None]
    assert again[0] <= PROBE_NA and bedside.session.state.mode is Mode.ON
    assert all(after - before <= 60_000 for before, after in pairwise(again))


@pytest.mark.requirement("R30")
def test_electrodes_that_touch_stop_the_session() -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(80)
    bedside.device.inject(Fault.SHORT)
    bedside.until_closed()
    assert bedside.codes()[0] == "F40" and not bedside.session.completed
    assert falls(broken.sent) and is_off(bedside)


@pytest.mark.requirement("R31")
def test_at_the_highest_voltage_nothing_rises_and_it_is_said_louder_in_time() -> None:
    bedside, broken = broken_bedside(bound_of(timed_plan(hold_ms=60 * SECOND, ramp_ms=20 * SECOND)))
    bedside.begin().tick(100)
    broken.bend = lambda found: replace(found, current_na=found.current_na * 9 // 10, at_compliance=True)
    bedside.tick(20)
    assert bedside.codes() == ["F25"]
    level = broken.sent[-1]
    bedside.tick(30)
    assert broken.sent[-1] == level, "it waits for the contact to improve"
    bedside.tick(80)
    assert bedside.codes() == ["F25", "F42"]
    assert bedside.session.guard.contact.shortfall_pc > 0
    while bedside.session.state.mode is Mode.ON and bedside.ticks < 1_200:
        bedside.tick(1)
    assert bedside.session.state.mode in (Mode.PAUSING, Mode.PAUSED) or bedside.session.state.ended


@pytest.mark.requirement("R32")
@pytest.mark.parametrize("factor", [300, 30])
def test_a_contact_that_changes_suddenly_pauses_the_session(factor: int) -> None:
    def changed(found: Measurement) -> Measurement:
        ohm = found.impedance_ohm
        return replace(found, impedance_ohm=None if ohm is None else ohm * factor // 100)

    bedside, broken = bent(changed)
    bedside.tick(3)
    assert bedside.codes() == ["F41"] and bedside.session.state.mode is Mode.PAUSING
    bedside.tick(60)
    assert bedside.session.state.mode is Mode.PAUSED and falls(broken.sent)


WORN_IN = (
    (95, 100), (150, 100), (200, 100), (245, 200), (300, 300), (345, 400), (395, 400), (445, 400), (500, 500)
)  # fmt: skip
"""uA and mV of a ramp on skin that had been treated before, as a device told them whose step is 100 mV."""


def contact_findings(readings: Iterable[tuple[int, int]], voltage_step_mv: int) -> list[str]:
    """The alarms of the watch on the contact, a reading (uA, mV) each 100 ms."""
    bedside, _ = broken_bedside()
    reading = bedside.begin().tick(30).session.reading
    assert reading is not None
    watch = ContactWatch(LONG.plan.device, may_saturate=False, voltage_step_mv=voltage_step_mv)
    found = []
    for current_ua, voltage_mv in readings:
        na = current_ua * 1_000
        ohm = voltage_mv * 1_000_000 // na
        seen = replace(reading, current_na=na, voltage_mv=voltage_mv, impedance_ohm=ohm, setpoint_na=na)
        found += [item.alarm for item in watch.look(Sight(seen, na, na, 100)) if item.alarm is not None]
    return found


@pytest.mark.requirement("R32")
def test_the_step_of_a_voltage_reading_is_no_change_of_the_contact() -> None:
    assert contact_findings(WORN_IN, voltage_step_mv=1) == ["F41"], "the readings alone look like one"
    assert contact_findings(WORN_IN, voltage_step_mv=100) == []
    worn = [(100, 0)] * 4
    assert contact_findings(worn, voltage_step_mv=1) != [], "as if the electrodes touched"
    assert contact_findings(worn, voltage_step_mv=100) == []
    assert "F40" in contact_findings([(100, 0)] * 30, voltage_step_mv=100), "for three seconds it is none"
    held = [(1_000, 900)] * 8
    assert contact_findings([*held, *[(1_000, 2_600)] * 2], voltage_step_mv=100) == ["F41"]
    assert contact_findings([*held, *[(1_000, 300)] * 2], voltage_step_mv=100) == ["F41"]
    assert "F40" in contact_findings([*held, *[(2_500, 0)] * 2], voltage_step_mv=100)


@pytest.mark.parametrize("seed", range(6))
def test_skin_that_adapts_as_skin_does_disturbs_nobody(seed: int) -> None:
    bedside, _ = broken_bedside(seed=seed)
    bedside.begin().until_closed()
    assert bedside.session.completed and bedside.codes() == []


# --- readings that cannot be true -------------------------------------------------------------------------
IMPOSSIBLE: dict[str, Bend] = {
    "overflow": lambda found: replace(found, current_na=991 * 10**35, voltage_mv=991 * 10**35),
    "too much voltage": lambda found: replace(found, voltage_mv=200_000),
}


@pytest.mark.requirement("R34")
@pytest.mark.parametrize("bend", IMPOSSIBLE.values(), ids=IMPOSSIBLE)
def test_a_reading_that_cannot_be_true_opens_the_output(bend: Bend) -> None:
    bedside, _ = bent(bend)
    bedside.tick(1)
    assert "F38" in bedside.codes() and is_off(bedside)
    bedside.until_closed()
    assert not bedside.session.completed


@pytest.mark.requirement("R34")
def test_a_reading_that_stands_still_for_three_seconds_opens_the_output() -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(80)
    frozen = broken.measure()
    broken.bend = lambda found: replace(frozen, seq=found.seq)  # type: ignore[type-var]
    bedside.tick(25)
    assert not bedside.session.state.ended
    bedside.tick(10)
    assert "F38" in bedside.codes() and is_off(bedside)


@pytest.mark.requirement("R34")
def test_a_converter_that_reports_nothing_is_taken_for_an_open_circuit_and_the_output_opens() -> None:
    bedside, _ = bent(lambda found: replace(found, current_na=0, voltage_mv=0, impedance_ohm=None))
    bedside.tick(3)
    assert is_off(bedside)


@pytest.mark.requirement("R34")
def test_readings_that_stand_still_while_the_current_ramps_open_the_output() -> None:
    bedside, _ = broken_bedside(bound_of(timed_plan(hold_ms=SECOND, ramp_ms=40 * SECOND)))
    broken = bedside.session.output.stimulator
    assert isinstance(broken, Broken)
    bedside.begin().tick(200)
    kept = broken.measure()
    assert kept is not None
    broken.bend = lambda found: replace(found, current_na=kept.current_na, voltage_mv=kept.voltage_mv)
    bedside.tick(40)
    assert "F38" in bedside.codes() and is_off(bedside)


@pytest.mark.requirement("R35")
def test_a_current_that_flows_the_wrong_way_opens_the_output() -> None:
    bedside, _ = bent(lambda found: replace(found, current_na=-found.current_na))
    bedside.tick(1)
    assert "F39" in bedside.codes() and is_off(bedside)


CORRUPT: dict[str, Bend] = {
    "setpoint register": lambda found: replace(found, setpoint_na=found.setpoint_na + 100_000),
    "somebody pressed output off": lambda found: replace(found, output_on=False),
    "sign of the setpoint": lambda found: replace(found, setpoint_na=-found.setpoint_na),
}


@pytest.mark.requirement("R35")
@pytest.mark.parametrize("bend", CORRUPT.values(), ids=CORRUPT)
def test_a_device_that_is_not_as_it_was_set_opens_the_output(bend: Bend) -> None:
    bedside, _ = bent(bend)
    bedside.tick(1)
    assert "F06" in bedside.codes() and is_off(bedside) and bedside.session.state.ended


@pytest.mark.requirement("R35")
def test_an_output_that_is_on_although_it_was_opened_is_an_alarm() -> None:
    bedside, _ = broken_bedside()
    bedside.begin().tick(80)
    bedside.device.inject(Fault.STUCK_OUTPUT)
    bedside.session.stop("test")
    bedside.until_closed()
    assert "F20" in bedside.codes() and not bedside.session.completed


@pytest.mark.requirement("R17")
def test_the_polarity_turns_only_after_zero_was_seen_for_two_seconds() -> None:
    there, back = ramp(MA, 2 * SECOND, 0, MA, 1), ramp(0, 2 * SECOND, MA, MA, 2)
    away, home = ramp(MA, 2 * SECOND, 0, MA, 3, True), ramp(0, 2 * SECOND, MA, MA, 4, True)
    from tests.ir.sessions import finish

    bedside, broken = broken_bedside(bound_of(plan_of((there, back, away, home, finish()))))
    bedside.begin().until_closed()
    assert bedside.session.completed
    last = max(index for index, na in enumerate(broken.sent) if na is not None and na > 0)
    first = min(index for index, na in enumerate(broken.sent) if na is not None and na < 0)
    assert first - last > 20, "twenty ticks of zero lie between"
    assert min(na for na in broken.sent if na is not None) <= -MA


@pytest.mark.requirement("R17")
def test_the_polarity_does_not_turn_while_current_still_flows() -> None:
    there, back = ramp(MA, 2 * SECOND, 0, MA, 1), ramp(0, 2 * SECOND, MA, MA, 2)
    away, home = ramp(MA, 2 * SECOND, 0, MA, 3, True), ramp(0, 2 * SECOND, MA, MA, 4, True)
    from tests.ir.sessions import finish

    bedside, broken = broken_bedside(bound_of(plan_of((there, back, away, home, finish()))))
    bedside.begin().tick(20)
    broken.bend = lambda found: replace(found, current_na=30_000) if found.setpoint_na == 0 else found
    bedside.tick(180)
    assert all(na is None or na >= 0 for na in broken.sent)


# --- the device -------------------------------------------------------------------------------------------
@pytest.mark.requirement("R52")
@pytest.mark.parametrize("text", ['-222,"parameter data out of range"', "+802", '+803,"not permitted"'])
def test_whatever_the_device_complains_of_stops_the_session(text: str) -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(80)
    broken.complaints.append(Complaint("F45", text))
    bedside.until_closed()
    assert bedside.codes() == ["F45"] and text in causes(bedside)
    assert falls(broken.sent) and not bedside.session.completed


@pytest.mark.requirement("R7")
@pytest.mark.requirement("R11")
def test_a_device_that_has_lost_its_limits_is_found_out_within_ten_seconds() -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(80)
    broken.refuses["verify_limits"] = Problem("I0925", "the compliance is back at its default")
    bedside.tick(101)
    assert "F46" in bedside.codes() and is_off(bedside)


@pytest.mark.requirement("R53")
@pytest.mark.parametrize("percent", [90, 110])
def test_a_device_whose_clock_runs_wrong_is_found_out(percent: int) -> None:
    bedside, _ = bent(lambda found: replace(found, device_ms=found.device_ms * percent // 100), after=0)
    bedside.tick(60)
    assert "F44" in bedside.codes() and is_off(bedside)


JUMPS: dict[str, Callable[[int], int]] = {
    "back": lambda ms: ms - 5_000,
    "ahead": lambda ms: ms + 600_000,
    "wrapped": lambda ms: ms % 8_000,
}


@pytest.mark.requirement("R53")
@pytest.mark.parametrize("jump", JUMPS.values(), ids=JUMPS)
def test_a_clock_that_jumps_is_found_out_at_once(jump: Callable[[int], int]) -> None:
    bedside, broken = broken_bedside()
    bedside.begin().tick(78)
    broken.bend = lambda found: replace(found, device_ms=jump(found.device_ms))
    bedside.tick(4)
    assert "F44" in bedside.codes() and is_off(bedside)


def test_a_clock_within_one_percent_is_borne() -> None:
    bedside, _ = bent(lambda found: replace(found, device_ms=found.device_ms * 1_009 // 1_000), after=0)
    bedside.until_closed()
    assert bedside.session.completed


@pytest.mark.requirement("R48")
def test_a_device_that_restarts_ends_the_session() -> None:
    bedside, _ = broken_bedside()
    bedside.begin().tick(60)
    bedside.device.reset()
    bedside.tick(2)
    assert bedside.session.state.ended and is_off(bedside)
    assert "the device has restarted" in causes(bedside)


@pytest.mark.requirement("R41")
def test_where_nothing_ends_the_output_a_lost_link_says_so() -> None:
    bedside, broken = broken_bedside()
    broken.capabilities = replace(broken.capabilities, dead_man=DeadMan.NONE)
    from ionto_runtime.session import Session

    bedside.session = Session(LONG, broken, bedside.journal, driver=broken)
    bedside.begin().tick(60)
    bedside.device.inject(Fault.SILENT)
    bedside.tick(4)
    assert bedside.codes() == ["F48", "F03"]
