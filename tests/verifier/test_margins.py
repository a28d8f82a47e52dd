"""A margin is proved from above and reached from below, and says where and when."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from ionto_ir.bound import worst_na
from ionto_ir.limits import LimitKind, Role
from ionto_ir.plan import Plan
from ionto_verifier.driver import Options, verify
from ionto_verifier.margins import Margin
from ionto_verifier.properties import Property
from tests.treatments import Chosen as ChosenLevel
from tests.treatments import Keep, Move, Over, Parameter, limit
from tests.verifier.geometry import measured_electrodes
from tests.verifier.sessions import (
    CM2,
    CURRENT,
    MA,
    MA_CM2,
    MA_MIN,
    SECOND,
    current_limit,
    dose_limit,
    finding,
    limited,
    paused,
    session,
    with_areas,
)

MEASURED = Options(advice=False)


def _margin(plan: Plan, kind: Property) -> Margin:
    found = finding(verify(plan, MEASURED), kind).margin
    assert found is not None
    return found


def test_the_margin_of_a_current_is_its_highest_level_at_the_end_of_its_ramp() -> None:
    plan = limited(session(level="current", parameters=(CURRENT,)), current_limit(4 * MA))
    found = _margin(plan, Property.CURRENT)
    assert (found.worst, found.attained) == (2 * MA, 2 * MA)
    assert (found.step, found.at_ms) == (0, 10 * SECOND)
    assert found.witness["current"] == 2 * MA


def test_the_margin_of_a_density_has_the_accuracy_on_the_wrong_side() -> None:
    plan = with_areas(session(), 10 * CM2, 100 * CM2)
    plan = limited(plan, limit(LimitKind.DENSITY, MA_CM2, "mA/cm2", role=Role.CATHODE))
    expected = Fraction(worst_na(2 * MA, 20_000, 10_000) * 10**9, 10 * CM2)
    assert _margin(plan, Property.DENSITY).worst == expected


def test_the_margin_of_a_density_over_an_area_of_the_day_is_where_the_area_is_smallest() -> None:
    plan = limited(
        measured_electrodes(session(), 5 * CM2, 20 * CM2), limit(LimitKind.DENSITY, MA_CM2, "mA/cm2")
    )
    found = _margin(plan, Property.DENSITY)
    expected = Fraction(worst_na(2 * MA, 20_000, 10_000) * 10**9, 5 * CM2)
    assert found.attained is not None
    assert found.attained == expected
    assert expected <= found.worst <= expected * Fraction(501, 500)


def test_the_margin_of_the_time_of_a_stop_is_from_the_highest_level() -> None:
    plan = limited(session(), limit(LimitKind.STOP_TIME, 10 * SECOND, "s"))
    assert _margin(plan, Property.STOP_TIME).worst == 4 * SECOND


def test_pauses_count_in_the_margin_of_a_dose() -> None:
    plan = limited(session(), dose_limit(10 * MA_MIN))
    calm, disturbed = _margin(plan, Property.DOSE), _margin(paused(plan, 3), Property.DOSE)
    # Each pause falls from 2 mA in 4 s and rises again in 10 s: at least 14 mA.s.
    assert disturbed.worst - calm.worst >= 3 * 14 * MA * SECOND


@settings(max_examples=25)
@given(
    st.integers(5, 40).map(lambda step: step * 100_000),
    st.integers(5, 40).map(lambda step: step * 100_000),
    st.integers(1, 200).map(lambda tenths: tenths * 100),
)
def test_what_a_margin_attains_is_never_above_what_it_proves(lowest: int, width: int, hold_ms: int) -> None:
    first = Parameter("first", lowest, lowest + width, 100_000, lowest, adjustable=False)
    second = Parameter("second", lowest, lowest + 500_000, 100_000, lowest, adjustable=False)
    plan = session(
        Keep("time", hold_ms),
        Move(ChosenLevel("second"), Over(8 * SECOND)),
        Keep("time", hold_ms),
        level="first",
        parameters=(first, second),
    )
    for kind, bound in (
        (Property.CURRENT, current_limit(10 * MA)),
        (Property.DOSE, dose_limit(100 * MA_MIN)),
        (Property.DURATION, limit(LimitKind.DURATION, 600 * SECOND, "s")),
    ):
        found = _margin(limited(paused(plan, 2), bound), kind)
        assert found.attained is not None
        assert found.attained <= found.worst
