"""Numbers of a plan that cannot be are refused: devices, limits, tables, charges that no counter holds."""

from __future__ import annotations

import pytest

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.expression import Constant
from ionto_ir.limits import LimitKind, Role
from ionto_ir.plan import (
    Classify,
    ClassRow,
    Course,
    IntegerDomain,
    Interruptions,
    PropertyKind,
    UserProperty,
    Variable,
    VariableKind,
    Wait,
)
from ionto_ir.wellformed import check
from tests.ir.steps import (
    MA,
    SESSION,
    UP_AND_DOWN,
    complaint,
    hold,
    ramp,
    record,
    recorded,
    wait,
)
from tests.treatments import BENCH, HERE, answer, electrode, finish, limit, plan_with


@pytest.mark.parametrize(
    "change",
    [
        {"current_na_min": 5_000_000},
        {"step_na": 0},
        {"step_na": 30_000},
        {"accuracy_ppm": -1},
        {"tick_ms": 0},
        {"slew_na_s": 0},
        {"watchdog_ms": 350},
    ],
)
def test_a_device_that_cannot_exist_is_refused(change: dict[str, int]) -> None:
    broken = replace(BENCH, **change)  # type: ignore[arg-type]
    codes = [problem.code for problem in check(plan_with(UP_AND_DOWN, device=broken))]
    assert set(codes) == {"I0827"}


def test_slews_are_positive_and_within_the_device() -> None:
    assert "stop slew" in complaint(plan_with(UP_AND_DOWN, stop_slew_na_s=0), "I0827")
    assert "resume slew" in complaint(plan_with(UP_AND_DOWN, resume_slew_na_s=1_000_001), "I0827")


def test_both_electrodes_are_needed() -> None:
    lone = (electrode(Place.ACTIVE, Role.CATHODE),)
    assert "active and a return" in complaint(plan_with(UP_AND_DOWN, electrodes=lone), "I0827")
    flat = (electrode(Place.ACTIVE, Role.CATHODE, 0), electrode(Place.RETURN, Role.ANODE))
    assert "no area" in complaint(plan_with(UP_AND_DOWN, electrodes=flat), "I0827")


def test_a_limit_makes_sense() -> None:
    cases = {
        "negative": limit(LimitKind.DOSE, -1, "mA.min"),
        "anode or cathode": limit(LimitKind.VOLTAGE, 1, "V", role=Role.ANODE),
        "have a window": limit(LimitKind.CURRENT, 1, "mA", window_ms=1_000),
        "needs a window": limit(LimitKind.SESSIONS, 1, ""),
    }
    for said, broken in cases.items():
        assert said in complaint(plan_with(UP_AND_DOWN, limits=(broken,)), "I0827")


def test_interruptions_are_not_negative() -> None:
    broken = Interruptions(-1, 0, True, HERE)
    assert "interruptions" in complaint(plan_with(UP_AND_DOWN, interruptions=broken), "I0827")


def test_a_property_says_what_its_kind_needs() -> None:
    empty = UserProperty(PropertyKind.NEVER, None, None, None, "", HERE)
    endless = UserProperty(PropertyKind.FINISHED, None, None, None, "", HERE)
    for broken in (empty, endless):
        assert "property" in complaint(plan_with(UP_AND_DOWN, properties=(broken,)), "I0827")


@pytest.mark.parametrize(
    "course",
    [
        Course(-1, None, 0, (), None, None, HERE),
        Course(3, 2, 0, (), None, None, HERE),
        Course(0, None, 0, ((0, 7),), None, None, HERE),
        Course(0, None, 0, (), 0, None, HERE),
    ],
)
def test_a_course_is_possible(course: Course) -> None:
    assert complaint(plan_with(UP_AND_DOWN, course=course), "I0827")


def row(lo: int | None, hi: int | None, *, lo_in: bool = True, hi_in: bool = False) -> ClassRow:
    """A row that includes its lower end and not its upper, unless said otherwise."""
    return ClassRow(lo, lo_in, hi, hi_in, "meaning", HERE)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ((), "no rows"),
        ((row(None, 4), row(5, None)), "gap or an overlap"),
        ((row(None, 4, hi_in=True), row(4, None)), "gap or an overlap"),
        ((row(None, 4), row(4, None, lo_in=False)), "gap or an overlap"),
        ((row(1, 4), row(4, None)), "leaves out the lowest"),
        ((row(None, 4), row(4, 10)), "leaves out the highest"),
    ],
)
def test_a_table_covers_the_whole_range_once(rows: tuple[ClassRow, ...], said: str) -> None:
    steps = (record("pain", 1), Classify("pain", rows, 2, SESSION, HERE), finish())
    assert said in complaint(plan_with(steps, variables=(recorded("pain"),)), "I0827")


def test_a_table_without_gap_and_overlap_is_well_formed() -> None:
    rows = (row(None, 4), row(4, 10, hi_in=True))
    steps = (record("pain", 1), Classify("pain", rows, 2, SESSION, HERE), finish())
    assert check(plan_with(steps, variables=(recorded("pain"),))) == ()


def test_a_session_whose_charge_does_not_fit_64_bits_is_refused() -> None:
    long = 2**52
    steps = (ramp(0, MA, 1), hold(MA, 2, long), ramp(MA, 0, 3), finish())
    assert "64 bits" in complaint(plan_with(steps), "I0827")


def test_a_day_at_thirty_milliamperes_fits_64_bits() -> None:
    strong = replace(BENCH, current_na_max=30 * MA)
    steps = (ramp(0, 30 * MA, 1), hold(30 * MA, 2, 24 * 3_600_000), ramp(30 * MA, 0, 3), finish())
    assert check(plan_with(steps, device=strong)) == ()


def test_a_time_without_a_bound_is_refused() -> None:
    share = terms.divide_exactly(Constant(1_000), terms.integer_reference("n"))
    number = Variable(
        "n", VariableKind.PARAMETER, IntegerDomain(0, 3, 1, 1, "plain number", ""), "", False, None, HERE
    )
    steps = (Wait(share, "", 1, SESSION, HERE), finish())
    assert "no bound on its time" in complaint(plan_with(steps, variables=(number,)), "I0827")


def test_every_problem_is_told_at_once() -> None:
    plan = plan_with((wait(7), finish()), variables=(answer("x"), answer("x")), stop_slew_na_s=0)
    assert {problem.code for problem in check(plan)} == {"I0823", "I0824", "I0827"}
