"""The machine theorem holds for the table as it is, and for no table without one of its safeguards."""

from __future__ import annotations

import pytest

from ionto_ir.compile_machine import CONSTANT_NAMES, VARIABLE_NAMES
from ionto_ir.dataclass import replace
from ionto_ir.expression import (
    TRUE,
    Expression,
    Operation,
    add,
    boolean_reference,
    conjunction,
    integer_reference,
    less_equal,
    multiply,
    references,
    subtract,
)
from ionto_ir.machine import TABLE
from ionto_ir.machine_table import Case, Row
from ionto_ir.machine_terms import (
    DEFINITIONS,
    INPUTS,
    MILLION,
    EventKind,
    aim,
    aim_share,
    braking_of,
    cap_now,
    journalled_upper,
    room_of,
    settled,
    share,
    tick,
    upper,
    watchdog,
    wished_worst,
)
from ionto_ir.machine_updates import UNKNOWN_MS
from ionto_ir.state import Mode
from ionto_verifier.machine_lemmas import RECIPES
from ionto_verifier.machine_proof import Finding, MachineTheorem, prove_machine, told


@pytest.fixture(scope="module")
def theorem() -> MachineTheorem:
    return prove_machine()


def test_every_step_of_the_induction_is_proved(theorem: MachineTheorem) -> None:
    assert [query for query in theorem.queries if query.finding is not Finding.PROVED] == []
    assert theorem.finding is Finding.PROVED


def test_every_case_in_every_mode_is_a_step_of_the_induction(theorem: MachineTheorem) -> None:
    shown = {(name.split(",")[0], mode) for query in theorem.queries for name, mode in query.steps}
    changing = {
        (case.name, mode) for row in TABLE for case in row.cases if case.updates for mode in row.modes
    }
    assert changing <= shown


def test_the_theorem_says_what_it_claims_and_what_it_assumes(theorem: MachineTheorem) -> None:
    lines = told(theorem)
    assert lines[0].startswith("the machine is proved")
    assert any("never exceeds a limit" in line for line in lines)
    assert sum(line.startswith("assumed: ") for line in lines) == len(theorem.assumptions) > 5


def test_no_conclusion_rests_on_itself() -> None:
    rests_on = {
        name: {belief.removeprefix("after_") for belief in recipe.beliefs if belief.startswith("after_")}
        for name, recipe in RECIPES.items()
    }
    settled_ones: set[str] = set()
    while rests_on:
        free = {name for name, others in rests_on.items() if others <= settled_ones}
        assert free, f"a circle among {sorted(rests_on)}"
        settled_ones |= free
        rests_on = {name: others for name, others in rests_on.items() if name not in free}


# --- a table without one safeguard ---------------------------------------------------------------------
def _rows(event: EventKind, *modes: Mode) -> tuple[Row, ...]:
    return tuple(row for row in TABLE if row.event is event and set(modes) & set(row.modes))


def _failures(rows: tuple[Row, ...], **definitions: Expression) -> set[tuple[str, str]]:
    """The cases that are no longer proved, each with a conclusion that does not follow."""
    theorem = prove_machine(rows, {**DEFINITIONS, **definitions})
    assert theorem.finding is Finding.REFUTED
    return {
        (name.split(",")[0], query.conclusion)
        for query in theorem.queries
        if query.finding is not Finding.PROVED
        for name, _ in query.steps
    }


def _with_updates(row: Row, name: str, **updates: Expression) -> Row:
    (case,) = (case for case in row.cases if case.name == name)
    return _with(row, replace(case, updates={**case.updates, **updates}))


def _with(row: Row, changed: Case) -> Row:
    cases = tuple(changed if case.name == changed.name else case for case in row.cases)
    assert cases != row.cases
    return replace(row, cases=cases)


TICKS = _rows(EventKind.TICK, Mode.ON)


def test_without_the_braking_reserve_granting_a_tick_is_not_safe() -> None:
    charge = add(
        settled, multiply(tick, wished_worst), multiply(watchdog, integer_reference("wished_exposure_na"))
    )
    assert ("tick.drive", "granted_room") in _failures(TICKS, within_upper=less_equal(charge, cap_now))


def test_without_the_reserve_for_a_lost_link_granting_a_tick_is_not_safe() -> None:
    room = subtract(cap_now, add(settled, multiply(tick, wished_worst)))
    weaker = less_equal(braking_of(aim, aim_share), room_of(room))
    assert ("tick.drive", "granted_room") in _failures(TICKS, within_upper=weaker)


def test_with_a_reserve_for_the_wished_current_only_a_fall_that_is_not_heard_is_not_safe() -> None:
    charge = add(settled, multiply(tick, wished_worst), multiply(watchdog, wished_worst))
    weaker = less_equal(braking_of(aim, aim_share), room_of(subtract(cap_now, charge)))
    assert ("tick.drive", "granted_room") in _failures(TICKS, within_upper=weaker)


def test_without_the_check_of_the_cap_on_resuming_the_first_tick_is_not_safe() -> None:
    (row,) = _rows(EventKind.TICK, Mode.READY)
    allowed = DEFINITIONS["allowed"]
    assert isinstance(allowed, Operation)
    kept = (part for part in allowed.operands if part != boolean_reference("within_upper"))
    (drive,) = (case for case in row.cases if case.name == "tick.drive")
    unchecked = _with(row, replace(drive, condition=conjunction(*kept)))
    assert ("tick.drive", "granted_room") in _failures((unchecked,))


@pytest.mark.parametrize(
    "charged",
    [
        journalled_upper,
        add(journalled_upper, multiply(watchdog, integer_reference("top_worst_na"))),
        add(journalled_upper, multiply(subtract(UNKNOWN_MS, tick), integer_reference("top_worst_na"))),
    ],
    ids=["not at all", "the watchdog only", "one tick too little"],
)
def test_charging_too_little_after_a_crash_is_not_safe(charged: Expression) -> None:
    (row,) = _rows(EventKind.RECOVERED, Mode.ON)
    assert ("recovered.on", "crashed") in _failures((_with_updates(row, "recovered.on", upper_pc=charged),))


def test_charging_nothing_for_a_lost_link_is_not_safe() -> None:
    (row,) = _rows(EventKind.LINK_LOST, Mode.ON)
    assert ("link_lost.on", "ledger") in _failures((_with_updates(row, "link_lost.on", upper_pc=upper),))


def test_believing_a_device_that_did_not_confirm_is_not_safe() -> None:
    trusting = {"exposed_na": integer_reference("paid_na")}
    assert ("tick.drive", "settled") in _failures(TICKS, **trusting)


def test_a_stop_that_does_not_fall_is_noticed() -> None:
    (row,) = _rows(EventKind.TICK, Mode.STOPPING)
    stuck = {name: integer_reference(name) for name in ("level_na", "paid_na")}
    assert ("tick.fall_to_end", "falls") in _failures((_with_updates(row, "tick.fall_to_end", **stuck),))


def test_a_level_that_may_jump_is_noticed() -> None:
    assert ("tick.drive", "slew") in _failures(TICKS, within_slew=TRUE)


def test_a_polarity_that_may_change_above_zero_is_noticed() -> None:
    assert ("tick.drive", "polarity") in _failures(TICKS, same_polarity=TRUE)


def test_a_current_above_its_cap_is_noticed() -> None:
    assert ("tick.drive", "current") in _failures(
        TICKS, within_current=less_equal(integer_reference("cap_pc"), cap_now)
    )


def test_a_nominal_dose_above_its_cap_is_noticed() -> None:
    assert ("tick.drive", "granted_nominal") in _failures(TICKS, within_nominal=TRUE)


def test_with_a_reserve_for_less_than_the_waveform_gives_is_not_safe() -> None:
    charge = add(
        settled, multiply(tick, wished_worst), multiply(watchdog, integer_reference("wished_exposure_na"))
    )
    weaker = less_equal(braking_of(aim, share), room_of(subtract(cap_now, charge)))
    assert ("tick.drive", "granted_room") in _failures(TICKS, within_upper=weaker)


def test_a_fall_under_another_waveform_than_what_flows_is_noticed() -> None:
    (row,) = _rows(EventKind.TICK, Mode.STOPPING)
    other = _with_updates(row, "tick.fall_to_end", share_ppm=MILLION)
    assert ("tick.fall_to_end", "paid") in _failures((other,))


@pytest.mark.parametrize(
    ("name", "session", "conclusion"),
    [
        ("cap_now_pc", "cap_pc", "cap_told"),
        ("cap_nominal_now_pc", "cap_nominal_pc", "cap_nominal_told"),
        ("duration_cap_now_ms", "duration_cap_ms", "time"),
    ],
)
def test_a_cap_that_does_not_move_is_noticed(name: str, session: str, conclusion: str) -> None:
    assert ("tick.drive", conclusion) in _failures(TICKS, **{name: integer_reference(session)})


def test_without_the_deadline_the_session_may_last_too_long() -> None:
    assert ("tick.drive", "time") in _failures(TICKS, within_duration=TRUE)


def test_an_ended_session_that_begins_again_is_noticed() -> None:
    row = Row((Mode.ENDED,), EventKind.RESUME, (Case("resume", TRUE, Mode.READY),))
    assert ("resume", "ended_stays_ended") in _failures((row,))


def test_beginning_without_screening_is_noticed() -> None:
    row = Row((Mode.IDLE,), EventKind.BEGIN, (Case("begin", TRUE, Mode.READY),))
    assert ("begin", "screened") in _failures((row,))


def test_an_event_other_than_a_tick_that_sets_a_current_is_noticed() -> None:
    (row,) = _rows(EventKind.RESUME, Mode.PAUSED)
    eager = replace(row, cases=(replace(row.cases[0], target=Mode.ON),))
    assert ("resume", "energised_by_ticks") in _failures((eager,))


def test_a_mutilated_table_is_told_by_its_case_and_conclusion() -> None:
    lines = told(prove_machine(TICKS, {**DEFINITIONS, "within_nominal": TRUE}))
    assert lines[0].startswith("the machine is refuted")
    assert any("granted_nominal after tick.drive" in line for line in lines)
    assert not any("holds for every plan" in line for line in lines)


def test_the_table_reads_no_name_that_nobody_defines() -> None:
    for row in TABLE:
        known = {*CONSTANT_NAMES, *VARIABLE_NAMES, *DEFINITIONS, *INPUTS.get(row.event, ())}
        for case in row.cases:
            used = references(case.condition).union(*(references(term) for term in case.updates.values()))
            assert used <= known, case.name
