"""The table of the machine: total, exclusive, and the same when it is compiled as when it is read."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.compile_machine import CONSTANT_NAMES, VARIABLE_NAMES, rules_for, source_of
from ionto_ir.constants import Constants
from ionto_ir.events import ALARMS
from ionto_ir.expression import TRUE, Expression, Undefined, Value, evaluate
from ionto_ir.machine import ENERGISED, TABLE
from ionto_ir.machine_table import ENDING_TEXTS, Ending, Output, guard_of
from ionto_ir.machine_terms import DEFINITIONS, INPUTS, EventKind
from ionto_ir.state import Machine, Mode

CURRENTS = st.integers(0, 60)
TIMES = st.integers(0, 40)
SHARES = st.sampled_from([1_000_000, 500_000, 333_333, 0])
CHARGES = st.one_of(st.integers(0, 2_000), st.integers(0, 200_000))


@st.composite
def _constants(draw: st.DrawFn) -> Constants:
    small = st.integers(1, 12)
    return Constants(
        tick_ms=draw(small),
        step_na=draw(small),
        rise_na=draw(small),
        fall_na=draw(small),
        current_cap_na=draw(CURRENTS),
        current_cap_reversed_na=draw(CURRENTS),
        accuracy_ppm=draw(st.sampled_from([0, 20_000, 333_333])),
        offset_na=draw(st.integers(0, 3)),
        watchdog_ms=draw(TIMES),
        journal_lag_ticks=draw(st.integers(0, 3)),
        cap_pc=draw(CHARGES),
        cap_nominal_pc=draw(CHARGES),
        duration_cap_ms=draw(st.integers(0, 400)),
        interruptions_max=draw(st.integers(0, 3)),
        pause_ms_max=draw(TIMES),
        may_resume=draw(st.booleans()),
        screened=draw(st.booleans()),
    )


@st.composite
def _machines(draw: st.DrawFn) -> dict[str, int]:
    values = {name: draw(CURRENTS) for name in ("level_na", "paid_na", "exposure_na")}
    values |= {name: draw(CHARGES) for name in ("upper_pc", "nominal_pc")}
    values |= {name: draw(TIMES) for name in ("elapsed_ms", "duration_ms", "pause_ms")}
    return {
        **values,
        "sign": draw(st.sampled_from([1, -1])),
        "share_ppm": draw(SHARES),
        "interruptions": draw(st.integers(0, 3)),
        "overcurrent": draw(st.integers(0, 2)),
        "reason": draw(st.sampled_from(Ending)).value,
    }


@st.composite
def _inputs(draw: st.DrawFn) -> dict[str, Value]:
    return {
        "wish": draw(st.integers(0, 2)),
        "aim_na": draw(st.integers(-3, 60)),
        "aim_sign": draw(st.sampled_from([1, -1, 2])),
        "aim_share_ppm": draw(SHARES | st.just(-1) | st.just(1_000_001)),
        "window_cap_pc": draw(CHARGES),
        "window_cap_nominal_pc": draw(CHARGES),
        "deadline_ms": draw(st.integers(0, 400)),
        "acknowledged": draw(st.booleans()),
        "measured_na": draw(CURRENTS),
        "ahead": draw(st.booleans()),
        "newest": draw(st.booleans()),
        "outage_ms": draw(TIMES),
        "journalled_upper_pc": draw(CHARGES),
        "journalled_nominal_pc": draw(CHARGES),
    }


def _value(term: Expression, environment: dict[str, Value]) -> Value:
    found = evaluate(term, environment)
    assert not isinstance(found, Undefined)
    return found


def _with_definitions(environment: dict[str, Value]) -> dict[str, Value]:
    """The slow, obvious reading: definitions are worked out one after the other."""
    known = dict(environment)
    for name, meaning in DEFINITIONS.items():
        known[name] = _value(meaning, known)
    return known


@given(_constants(), _machines(), _inputs())
def test_compiled_rows_do_what_is_written_and_exactly_one_case_applies(
    constants: Constants, machine: dict[str, int], inputs: dict[str, Value]
) -> None:
    rules = rules_for(constants)
    named: dict[str, Value] = {name: getattr(constants, name) for name in CONSTANT_NAMES}
    environment = _with_definitions(named | machine | inputs)
    for row in TABLE:
        given_inputs = [inputs[name] for name in INPUTS.get(row.event, ())]
        applying = [
            index for index in range(len(row.cases)) if _value(guard_of(row, index), environment) is True
        ]
        assert len(applying) == 1
        case = row.cases[applying[0]]
        for mode in row.modes:
            before = Machine(mode, *(machine[name] for name in VARIABLE_NAMES))
            after, applied = rules.of[mode][row.event](before, *given_inputs)
            assert applied is case
            assert after.mode is (mode if case.target is None else case.target)
            for name in VARIABLE_NAMES:
                expected = _value(case.updates[name], environment) if name in case.updates else machine[name]
                assert getattr(after, name) == expected, (case.name, name)


def test_every_event_has_exactly_one_row_in_every_mode() -> None:
    cells = [(mode, row.event) for row in TABLE for mode in row.modes]
    assert sorted(cells) == sorted((mode, event) for mode in Mode for event in EventKind)
    assert all(row.cases[-1].condition == TRUE for row in TABLE)


def test_only_a_tick_sets_a_current_and_only_energised_modes_have_one() -> None:
    for row in TABLE:
        for case in row.cases:
            if case.output is Output.SET:
                assert row.event is EventKind.TICK
                assert case.target in ENERGISED or (case.target is None and set(row.modes) <= set(ENERGISED))


def test_leaving_an_energised_mode_opens_the_output() -> None:
    for row in TABLE:
        for case in row.cases:
            if set(row.modes) & set(ENERGISED) and case.target is not None and case.target not in ENERGISED:
                assert case.output is Output.OFF, case.name


def test_an_end_is_reached_only_with_its_reason_and_the_output_open() -> None:
    for row in TABLE:
        for case in row.cases:
            ends = case.target is Mode.ENDED
            assert ends == (case.ending is not None), case.name
            assert not ends or case.output is Output.OFF
            if case.ending not in (None, Ending.AS_DECIDED):
                assert case.ending in ENDING_TEXTS


def test_every_stop_remembers_why() -> None:
    for row in TABLE:
        for case in row.cases:
            assert case.target is not Mode.STOPPING or "reason" in case.updates


def test_every_alarm_of_the_table_is_declared() -> None:
    used = {case.alarm for row in TABLE for case in row.cases if case.alarm is not None}
    assert used <= set(ALARMS)


def test_names_of_cases_are_unique_within_a_row_and_begin_with_their_event() -> None:
    for row in TABLE:
        names = [case.name for case in row.cases]
        assert len(set(names)) == len(names)
        assert all(name.startswith(row.event.name.lower()) for name in names)


def test_the_generated_text_is_the_same_every_time_and_names_nothing_but_the_table() -> None:
    text = source_of(TABLE)
    assert text == source_of(TABLE)
    assert "__" not in text and "import" not in text
