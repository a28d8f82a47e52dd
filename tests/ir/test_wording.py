"""Values, limits and times are told in the words of their authors, exactly or marked as rounded."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.expression import Value
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.plan import ChoiceDomain, IntegerDomain
from ionto_ir.wording import (
    charge_text,
    clock_text,
    current_text,
    duration_text,
    limit_text,
    measured_text,
    value_text,
    waiting_text,
)
from tests.treatments import answer, current_parameter, finish, limit, plan_with

MA_MIN = 60_000_000_000


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (limit(LimitKind.CURRENT, 4_000_000, "mA", nominal=True), "current <= 4 mA nominal"),
        (
            limit(LimitKind.DENSITY, 5_000_000, "mA/cm2", role=Role.CATHODE),
            "density at cathode <= 0.5 mA/cm2",
        ),
        (limit(LimitKind.RAMP, 500_000, "mA/s"), "ramp <= 0.5 mA/s"),
        (limit(LimitKind.VOLTAGE, 80_000, "V"), "voltage <= 80 V"),
        (limit(LimitKind.DOSE, 80 * MA_MIN, "mA.min"), "dose <= 80 mA.min per session"),
        (limit(LimitKind.DOSE, 80 * MA_MIN, "mA.min", window_ms=86_400_000), "dose <= 80 mA.min in any 24 h"),
        (limit(LimitKind.SESSIONS, 1, "", window_ms=172_800_000), "sessions <= 1 in any 2 d"),
        (limit(LimitKind.DURATION, 3_600_000, "min"), "duration <= 60 min per session"),
        (limit(LimitKind.STOP_TIME, 10_000, "s"), "stop time <= 10 s"),
    ],
)
def test_a_limit_is_told_as_one_writes_it(made: Limit, said: str) -> None:
    assert limit_text(made) == said


def test_a_measured_value_is_told_in_the_unit_of_its_limit() -> None:
    density = limit(LimitKind.DENSITY, 5_000_000, "mA/cm2")
    assert measured_text(density, Fraction(3_960_000)) == "0.396 mA/cm2"
    assert measured_text(density, Fraction(10_000_000, 3)) == "≈ 0.3333 mA/cm2"


@pytest.mark.parametrize(
    ("domain", "value", "said"),
    [
        (IntegerDomain(0, 4_000_000, None, None, "current", "mA"), 1_250_000, "1.25 mA"),
        (IntegerDomain(0, 10, None, None, "plain number", ""), 7, "7"),
        (ChoiceDomain(("none", "erythema")), 1, "erythema"),
        (ChoiceDomain(("none", "erythema")), 2, "2"),
    ],
)
def test_a_value_is_told_as_its_variable_is_written(
    domain: IntegerDomain | ChoiceDomain, value: Value, said: str
) -> None:
    assert value_text(replace(answer("x"), domain=domain), value) == said


def test_an_answer_is_told_as_yes_or_no() -> None:
    assert [value_text(answer("x"), value) for value in (True, False)] == ["yes", "no"]


@pytest.mark.parametrize(
    ("time_ms", "said"),
    [
        (86_400_000, "24 h"),
        (172_800_000, "2 d"),
        (3_600_000, "1 h"),
        (90_000, "90 s"),
        (5_400_000, "90 min"),
        (1_500, "1.5 s"),
        (1, "1 ms"),
        (0, "0 ms"),
    ],
)
def test_a_time_is_told_in_the_largest_unit_that_fits(time_ms: int, said: str) -> None:
    assert duration_text(time_ms) == said


@pytest.mark.parametrize(
    ("time_ms", "said"), [(0, "0:00"), (30_000, "0:30"), (61_200, "1:01.2"), (3_600_050, "1:00:00.05")]
)
def test_a_time_of_the_session_is_told_as_on_a_clock(time_ms: int, said: str) -> None:
    assert clock_text(time_ms) == said


def test_currents_are_told_in_the_unit_in_which_the_protocol_speaks_of_them() -> None:
    micro = current_parameter("current", 0, 1_000_000, None, 1)
    assert isinstance(micro.domain, IntegerDomain)
    micro = replace(micro, domain=replace(micro.domain, unit="uA"))
    plan = plan_with((finish(),))
    assert current_text(replace(plan, variables=(micro,)), 250_000) == "250 uA"
    assert current_text(replace(plan, limits=(limit(LimitKind.CURRENT, 1, "uA"),)), 250_000) == "250 uA"
    assert current_text(replace(plan, limits=()), 250_000) == "0.25 mA"


def test_charges_are_told_as_doses() -> None:
    assert charge_text(40 * MA_MIN) == "40 mA.min"


@pytest.mark.parametrize(
    ("time_ms", "text"),
    [
        (1, "1 ms"),
        (90_000, "90 s"),
        (120_001, "3 min"),
        (3_600_000, "1 h"),
        (86_380_794, "24 h"),
        (89_980_794, "25 h"),
        (88_000_000, "24 h 27 min"),
        (172_800_000, "2 d"),
    ],
)
def test_a_wait_is_told_in_hours_and_minutes_and_never_too_short(time_ms: int, text: str) -> None:
    assert waiting_text(time_ms) == text
