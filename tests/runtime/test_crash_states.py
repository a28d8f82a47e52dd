"""After any crash, on any disk: lower bound <= what the skin received <= upper bound (R58, R59)."""

from __future__ import annotations

import json
import subprocess
import sys
from random import Random

import pytest

from ionto_ir.bound import BoundPlan
from ionto_ir.events import Pause, Resume, Stop
from ionto_ir.plan import Interruptions
from ionto_runtime.accounting import account_of
from ionto_runtime.journal_reader import Corrupt, Sealed, scan
from ionto_runtime.recovery import descent_pc
from ionto_runtime.simulation.stimulator import Fault
from tests.ir.sessions import MA, SECOND, SPAN, bound_of, timed_plan
from tests.runtime.bedside import Bedside, Happenings
from tests.runtime.crash_states import BLOCKS, Moment, TracedFile, disks, garbled, traced
from tests.runtime.test_session_journal import full_disk

SHORT = bound_of(
    timed_plan(hold_ms=SECOND, ramp_ms=2 * SECOND, interruptions=Interruptions(3, 4_000, True, SPAN))
)


def interrupted() -> Happenings:
    """A pause, a lost link, a stop: what makes records of every kind."""
    return {
        12: lambda bed: bed.session.feed(Pause()),
        24: lambda bed: bed.session.feed(Resume()),
        40: lambda bed: bed.device.inject(Fault.DEAF_HOST),
        42: lambda bed: bed.device.clear(Fault.DEAF_HOST),
        55: lambda bed: bed.session.feed(Stop()),
    }


def violations(file: TracedFile, moments: list[Moment], chance: Random, some: int) -> tuple[list[str], int]:
    """What does not hold of any disk at these moments, and how many disks were looked at."""
    found, looked = [], 0
    for moment in moments:
        for block in BLOCKS:
            for image in disks(moment, block, chance, some):
                looked += 1
                found += judged(image, moment)
    return found, looked


def judged(image: bytes, moment: Moment, *, honest: bool = True) -> list[str]:
    """What is wrong with how a disk is understood; `honest` says that it kept what it promised."""
    reading = scan(image)
    if isinstance(reading.end, Corrupt):
        return [f"taken for corruption: {reading.end.reason}"] if honest else []
    if honest and len(reading.records) < moment.durable_records:
        return [f"{moment.durable_records} records were durable, {len(reading.records)} are proved"]
    account = account_of(reading)
    if isinstance(account, str):
        before_all = reading.header is None
        return [] if before_all and moment.later_pc == 0 else [account]
    if isinstance(reading.end, Sealed) and moment.true_pc != moment.later_pc:
        return ["sealed while current flowed"]
    inside = account.charge.lower_pc <= moment.true_pc and moment.later_pc <= account.charge.upper_pc
    bounds = f"{account.charge.lower_pc}..{account.charge.upper_pc}"
    return [] if inside else [f"{moment.true_pc}..{moment.later_pc} is not within {bounds}"]


@pytest.mark.requirement("R58")
@pytest.mark.requirement("R59")
@pytest.mark.parametrize("happenings", [{}, interrupted()], ids=["undisturbed", "interrupted"])
def test_every_disk_that_a_loss_of_power_may_leave_is_understood(happenings: Happenings) -> None:
    file = traced(SHORT, happenings)
    moments = [*file.moments[:12], *file.moments[12::9]]
    found, looked = violations(file, moments, Random(1), 4)
    assert found == []
    assert looked > 300


@pytest.mark.soak
@pytest.mark.requirement("R59")
@pytest.mark.parametrize("happenings", [{}, interrupted()], ids=["undisturbed", "interrupted"])
def test_every_disk_at_every_moment(happenings: Happenings) -> None:
    file = traced(SHORT, happenings)
    found, looked = violations(file, file.moments, Random(2), 30)
    assert found == []
    assert looked > 4_000


@pytest.mark.requirement("R59")
def test_a_disk_that_forgets_syncs_is_found_out_by_this_test() -> None:
    """What proves that the tests above would notice a sync that is missing."""
    file = traced(SHORT, lies=True)
    found, _ = violations(file, file.moments[12::50], Random(1), 4)
    assert found != []


@pytest.mark.requirement("R59")
def test_an_end_that_was_zeroed_or_garbled_is_counted_at_its_worst() -> None:
    file = traced(SHORT, interrupted())
    chance = Random(3)
    # Where the header itself is gone nothing can be known; a disk that loses it a second later is beyond us.
    for moment in [moment for moment in file.moments if len(moment.data) > 2 * max(BLOCKS)][::17]:
        for image in garbled(moment, chance):
            assert judged(image, moment, honest=False) == []


def slow(fall_na_s: int) -> BoundPlan:
    """A session that needs long to come down."""
    return bound_of(timed_plan(4 * MA, hold_ms=4 * SECOND, ramp_ms=4 * SECOND, stop_slew_na_s=fall_na_s))


@pytest.mark.requirement("R60")
@pytest.mark.parametrize("fall_na_s", [MA // 5, MA // 2, MA])
@pytest.mark.parametrize("refuses", ["write", "sync"])
def test_a_session_whose_disk_died_is_counted_with_the_descent_that_nobody_wrote_down(
    fall_na_s: int, refuses: str
) -> None:
    for room in (3, 20, 60, 110, 150, 190):
        file = full_disk(room, refuses)
        bedside = Bedside(slow(fall_na_s), file).begin().until_closed()
        assert "F21" in bedside.codes()
        if refuses == "sync":
            file.writes = file.writes[: file.synced]
        account = account_of(bedside.reading)
        assert not isinstance(account, str)
        assert account.charge.lower_pc <= bedside.device.received.total_pc <= account.charge.upper_pc


@pytest.mark.requirement("R60")
def test_a_session_that_can_neither_write_nor_keep_time_opens_its_output() -> None:
    file = full_disk(150)
    bedside = Bedside(slow(MA // 5), file).begin()
    while bedside.journal.failure is None:
        bedside.tick()
    while not bedside.session.state.ended:
        bedside.tick(ms=190)
    assert "F09" in bedside.codes()
    bedside.until_closed()
    account = account_of(bedside.reading)
    assert not isinstance(account, str)
    assert bedside.device.received.total_pc <= account.charge.upper_pc


@pytest.mark.parametrize(("worst_na", "fall_na"), [(0, 1), (1, 5), (10, 3), (4_090_000, 20_000), (7, 7)])
def test_a_descent_is_the_sum_of_its_ticks(worst_na: int, fall_na: int) -> None:
    ticks = [max(0, worst_na - number * fall_na) for number in range(worst_na // fall_na + 2)]
    assert descent_pc(worst_na, fall_na, 100) == 100 * sum(ticks)


def killed(*arguments: str) -> dict[str, object]:
    """Kill sessions as `tests.runtime.killing` is told, and take its word for what was left."""
    command = [sys.executable, "-m", "tests.runtime.killing", *arguments]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, timeout=3_000)
    told = json.loads(ran.stdout)
    assert isinstance(told, dict)
    return told


@pytest.mark.requirement("R58")
def test_a_session_killed_at_any_step_is_counted_between_its_bounds() -> None:
    told = killed("--every", "23")
    assert told["violations"] == []
    assert told["killed"] == told["tried"] > 10  # type: ignore[operator]


@pytest.mark.requirement("R58")
def test_a_session_with_every_kind_of_step_killed_at_any_step_is_counted_between_its_bounds() -> None:
    told = killed("--whole", "--every", "17")
    assert told["violations"] == []
    assert told["killed"] == told["tried"] > 30  # type: ignore[operator]


@pytest.mark.soak
@pytest.mark.requirement("R58")
@pytest.mark.parametrize("which", [(), ("--whole",)], ids=["short", "whole"])
def test_a_session_killed_at_each_step_is_counted_between_its_bounds(which: tuple[str, ...]) -> None:
    told = killed(*which, "--every", "1")
    assert told["violations"] == []
    assert told["killed"] == told["tried"] > 200  # type: ignore[operator]


def processes_killed(*arguments: str) -> dict[str, object]:
    """Kill real safety processes as `tests.runtime.killing_processes` is told, and take its word."""
    command = [sys.executable, "-m", "tests.runtime.killing_processes", *arguments]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=20_000)
    told = json.loads(ran.stdout)
    assert isinstance(told, dict)
    return told


@pytest.mark.realtime
@pytest.mark.requirement("R28")
@pytest.mark.requirement("R58")
def test_a_real_process_killed_on_its_way_leaves_a_record_that_holds_what_flowed() -> None:
    # In the first rise, in the pause, and at the end of some 1,000 steps, when all had flowed.
    told = processes_killed("--at", "420", "641", "850", "--beside", "3")
    assert told["violations"] == []
    assert told["killed"] == told["while or after current flowed"] == told["wanted"] == 3, told


@pytest.mark.soak
@pytest.mark.requirement("R58")
def test_a_real_process_killed_at_every_step_of_a_whole_session() -> None:
    told = processes_killed("--every", "1")
    assert told["violations"] == []
    steps, killed, never = told["steps of a whole session"], told["killed"], told["never reached"]
    assert isinstance(steps, int) and isinstance(killed, int) and isinstance(never, list)
    assert steps > 800 and killed + len(never) == steps
    assert all(step > 0.95 * steps for step in never), "no two sessions have just as many steps"
