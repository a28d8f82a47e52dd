"""The driver of StimJim against its byte-level simulator: what it never sends, what silence is."""

from __future__ import annotations

import pytest

from ionto_ir.dataclass import replace
from ionto_runtime.drivers.driver import Identity, Problem
from ionto_runtime.simulation.load import LoadFault
from ionto_runtime.simulation.stimjim import Output, StimJim
from ionto_runtime.stimulator import Accepted, Refusal, Refused
from tests.runtime.instrument_bench import LEASE_MS, LIMITS, InstrumentBench, stimjim

MA = 1_000_000
LIMITS_OF_A_LEASE = replace(LIMITS, lease_ms_max=LEASE_MS)


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
    heard = device_of(bench).heard
    assert {said[:1] for said in heard} <= {"M", "A", "E", "S", "T", ""}
    assert {said for said in heard if said[:1] == "T"} == {"T1", "T-1"}
    assert [said[:3] for said in heard if said[:1] == "S"] == ["S1,"]
    assert heard.index("T1") < heard.index("T-1"), "a train that never ran is not stopped"


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
    bench = stimjim()
    assert isinstance(bench.driver.connect(), Identity)
    assert isinstance(bench.driver.configure(replace(LIMITS, current_na_max=4 * MA)), Problem)


# --- the program that ends the output (R42, R45) ------------------------------------------------------------
def driving(na: int = 2 * MA, *, ticks: int = 10) -> InstrumentBench:
    """A board that was set to this current, tick after tick."""
    bench = stimjim().ready()
    for _ in range(ticks):
        assert isinstance(bench.set(na), Accepted)
        bench.wait(80)
        assert bench.driver.measure() is not None
    return bench


@pytest.mark.requirement("R42")
@pytest.mark.requirement("R45")
@pytest.mark.parametrize("ticks", [1, 2, 3, 5])
def test_when_the_computer_falls_silent_the_board_ends_its_output_within_the_lease(ticks: int) -> None:
    bench = driving(ticks=ticks)
    flowed_pc, load = bench.device.load.received.total_pc, bench.device.load
    lived_ms = 0
    while device_of(bench).output is Output.CURRENT:
        bench.wait(1)
        lived_ms += 1
        assert lived_ms <= LEASE_MS, "the output outlives its lease"
    assert load.received.total_pc - flowed_pc <= 2 * MA * LEASE_MS, "no more than the lease counts"
    flowed_pc = load.received.total_pc
    bench.wait(2_000)
    assert load.received.total_pc == flowed_pc, "and it never comes back"


def test_while_the_computer_speaks_the_output_lasts_but_for_notches() -> None:
    bench = driving(ticks=3)
    flowed_pc, began_ms = bench.device.load.received.total_pc, bench.clock.now_ms()
    for _ in range(30):
        assert isinstance(bench.set(2 * MA), Accepted)
        bench.wait(90)
    share = (bench.device.load.received.total_pc - flowed_pc) / (2 * MA * (bench.clock.now_ms() - began_ms))
    assert 0.98 <= share <= 1


@pytest.mark.requirement("R10")
def test_the_program_is_proven_at_zero_current() -> None:
    bench = stimjim().ready()
    took_ms = bench.driver.prove_dead_man()
    assert isinstance(took_ms, int) and LEASE_MS <= took_ms <= LEASE_MS + 40
    assert bench.device.load.received.total_pc == 0
    assert bench.driver.arm() is None
    assert isinstance(bench.set(1 * MA), Accepted)


@pytest.mark.requirement("R10")
@pytest.mark.parametrize(("timer_ppm", "text"), [(0, "nothing"), (500_000, "nothing"), (1_300_000, "fast")])
def test_a_board_whose_timer_stands_or_runs_wrong_is_found_out(timer_ppm: int, text: str) -> None:
    bench = stimjim().ready()
    device_of(bench).timer_ppm = timer_ppm
    found = bench.driver.prove_dead_man()
    assert isinstance(found, Problem) and found.code == "I0917" and text in found.text
    assert device_of(bench).output is Output.GROUNDED


@pytest.mark.requirement("R11")
def test_a_train_that_is_not_read_back_as_it_was_sent_is_not_used() -> None:
    bench = stimjim()
    assert isinstance(bench.driver.connect(), Identity)
    board = device_of(bench)
    define = board._define
    board._define = lambda text: define(text.replace("500000", "900000"))  # type: ignore[method-assign]
    found = bench.driver.configure(LIMITS_OF_A_LEASE)
    assert isinstance(found, Problem) and found.code == "I0916"
    assert isinstance(bench.driver.arm(), Problem)


@pytest.mark.requirement("R54")
def test_a_computer_that_comes_too_late_finds_the_output_ended_and_does_not_take_it_up() -> None:
    bench = driving()
    bench.wait(LEASE_MS + 20)
    assert device_of(bench).output is Output.GROUNDED
    reading = bench.driver.measure()
    assert reading is not None
    assert reading.expired and not reading.output_on
    bench.wait(3 * LEASE_MS)
    assert bench.driver.measure() is not None, "the words of a train that is over disturb no answer"


def test_a_renewal_of_which_only_a_part_arrives_is_unknown_and_never_outlives_the_lease() -> None:
    for kept in (1, 3, 5, 8, 13, 17):
        bench = driving(ticks=4)
        whole = bench.line.write
        cut = lambda data, ms, kept=kept, whole=whole: whole(data[:kept], ms)  # noqa: E731
        bench.line.write = cut  # type: ignore[method-assign]
        bench.wait(100)
        bench.set(2 * MA)
        bench.uart.deaf = True
        bench.wait(2 * LEASE_MS)
        assert device_of(bench).output is Output.GROUNDED, kept


def test_the_simulated_train_ends_at_zero_and_grounded_whatever_was_set_by_hand() -> None:
    board = StimJim(stimjim().device.load)
    board.advance(2_001)
    board.line("S3,1,3,100000,150000; 0,0,20")
    board.line("A0,5000")
    board.line("M0,1")
    board.line("T3")
    assert board.output is Output.GROUNDED and board.steps == board.current_offset
    board.line("M0,1")
    board.line("A0,5000")
    board.answers()
    board.advance(99)
    assert board.output is Output.CURRENT
    board.advance(1)
    assert board.output is Output.GROUNDED and board.answers() == b""
    board.advance(100)
    assert board.answers().startswith(b"Train complete. Delivered 2 pulses.")
    board.line("T-1")
    assert b"Forcing T train to stop" in board.answers()


def test_a_simulated_train_with_long_stages_drives_and_is_deaf_meanwhile() -> None:
    board = StimJim(stimjim().device.load)
    board.advance(2_001)
    board.line("S4,1,3,50000,120000; 1000,0,10000; -1000,0,10000")
    board.line("T4")
    board.advance(8)
    assert board.busy and board.load.current_na == pytest.approx(MA, rel=0.01)
    board.advance(10)
    assert board.load.current_na == pytest.approx(-MA, rel=0.01)
    board.advance(4)
    assert not board.busy and board.output is Output.GROUNDED
    board.advance(200)
    assert b"Delivered 3 pulses" in board.answers()


# --- a restart in the middle of a session (R48) -----------------------------------------------------------
@pytest.mark.requirement("R48")
@pytest.mark.requirement("R28")
@pytest.mark.parametrize("at_ms", range(0, 24, 3))
def test_a_board_that_starts_again_around_a_renewal_gives_nothing_any_more(at_ms: int) -> None:
    """Whatever of the renewal was on its way: after the start the output stays grounded, although the
    computer goes on as it does, and no train runs that is not the driver's.
    """
    bench = driving(ticks=4)
    board, load = device_of(bench), bench.device.load
    whole = bench.line.write

    def writing(data: bytes, timeout_ms: int) -> bool:
        done = whole(data, timeout_ms)
        if data.startswith(b"T1") and board.boots == 1:
            bench.wait(at_ms)
            board.boot()
            load.received.forward_pc = 0
        return done

    bench.line.write = writing  # type: ignore[method-assign]
    while board.boots == 1:
        bench.wait(80)
        bench.set(2 * MA)
    answers = []
    for _ in range(60):
        bench.wait(80)
        bench.driver.measure()
        answers.append(bench.set(2 * MA))
    assert "F31" in {item.alarm for item in bench.driver.errors()}
    assert not [answer for answer in answers if isinstance(answer, Accepted)]
    assert answers[-1] == Refused(bench.seq, Refusal.NOT_READY)
    reading = bench.driver.measure()
    assert reading is not None and reading.boot_count == 2 and not reading.output_on
    assert board.output is Output.GROUNDED and load.received.total_pc == 0
    assert isinstance(bench.off(), Accepted)
    bench.driver.close()
    assert board.boots == 2, "what is said at the end does not make it start once more"


@pytest.mark.requirement("R48")
def test_a_board_that_starts_again_between_renewals_is_not_set_anew() -> None:
    bench = driving(ticks=4)
    board = device_of(bench)
    bench.set(2 * MA)  # in the midst of a lease: the level alone is sent
    board.boot()
    flowed_pc = board.load.received.total_pc
    for _ in range(40):
        bench.wait(80)
        assert bench.driver.measure() is None or board.boots == 2
        assert not isinstance(bench.set(1 * MA), Accepted)
    assert board.load.received.total_pc == flowed_pc
    assert isinstance(bench.driver.arm(), Problem), "its train is gone: it is met anew first"
    assert board.output is Output.GROUNDED


@pytest.mark.requirement("R48")
def test_a_banner_that_is_cleared_away_after_a_silence_is_a_restart_all_the_same() -> None:
    """The computer was away while the board started: what waits on the line is not thrown away unread."""
    bench = driving(ticks=4)
    board = device_of(bench)
    bench.uart.silent = True
    assert bench.set(2 * MA) is None
    bench.uart.silent = False
    board.boot()
    bench.wait(3_000)
    bench.line.write(b"E0,1\n", 10)  # an answer behind it, so that no question is met by the banner itself
    bench.wait(50)
    bench.driver.measure()
    assert "F31" in {item.alarm for item in bench.driver.errors()}
    assert bench.set(2 * MA) == Refused(bench.seq, Refusal.NOT_READY)
    assert board.output is Output.GROUNDED
