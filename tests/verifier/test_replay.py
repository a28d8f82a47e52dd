"""Nothing is refuted that the machine does not show, and what it contradicts is reported as our own bug."""

from __future__ import annotations

from fractions import Fraction

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.rehearse import Rehearsed, rehearse
from ionto_ir.scenario import Scenario
from ionto_verifier import exhibit
from ionto_verifier.driver import verify
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.instant import instant_claims
from ionto_verifier.properties import Claim, Property, Provocation
from ionto_verifier.provoke import Day, Provoking, all_records, provoked
from ionto_verifier.replay import completed, replay
from ionto_verifier.report import Outcome, verdict_name
from ionto_verifier.sightings import seen
from tests.treatments import HERE, Fixed, Keep, Leg, Move, Over
from tests.verifier.sessions import (
    CURRENT,
    MA,
    MA_MIN,
    MINUTE,
    QUICK,
    SECOND,
    answered,
    asking,
    current_limit,
    dose_limit,
    finding,
    limited,
    paused,
    refusing,
    session,
)


def test_a_witness_that_breaks_nothing_is_not_reproduced() -> None:
    plan = limited(session(level="current", parameters=(CURRENT,)), current_limit(2 * MA))
    inquiry = Inquiry(plan)
    (asked,) = instant_claims(inquiry)
    witness = {"current": Fraction(2 * MA)}
    assert replay(inquiry, asked.claim, asked.questions[0], witness) is None


def test_an_exact_refutation_that_the_machine_does_not_show_is_a_disagreement(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exhibit, "exhibit", lambda *_: None)
    plan = limited(session(), current_limit(MA))
    report = verify(plan, QUICK)
    assert report.outcome is Outcome.DISAGREEMENT
    assert report.exit_code == 5
    assert "I0006" in {item.code for item in report.diagnostics}


def test_a_generous_refutation_that_the_machine_does_not_show_is_undecided(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(exhibit, "exhibit", lambda *_: None)
    plan = limited(session(), dose_limit(MA_MIN // 100))
    report = verify(plan, QUICK)
    found = finding(report, Property.DOSE)
    assert verdict_name(found.verdict) == "undecided"
    assert found.reason is not None
    assert report.outcome is Outcome.UNSETTLED


TOTAL = Claim("steps[1].total", Property.TOTAL, "the total is at least what the ramps emit", HERE)


@pytest.mark.parametrize("total_pc", [19_900_000_000, 50_000_000_000])
def test_what_comes_after_the_descent_is_nothing_that_a_total_is_about(total_pc: int) -> None:
    again = Leg(Move(Fixed(2 * MA), Over(10 * SECOND)), (Keep("time", MINUTE),), Over(10 * SECOND))
    plan = limited(session(Keep("total", total_pc), parts=(again,)))
    outcome = rehearse(plan, Scenario("calm", (), (), (), None), armed=False)
    assert isinstance(outcome, Rehearsed)
    shown = seen(plan, TOTAL, 1, outcome)
    # The ramps alone emit 20 mA.s.
    assert (shown is not None) == (total_pc < 20_000_000_000)
    assert shown is None or shown.value == 20_000_000_000


def test_pauses_are_nothing_that_a_total_must_have_room_for() -> None:
    body = (Keep("charge", 10 * MA * SECOND), Keep("time", 10 * SECOND), Keep("total", 51 * MA * SECOND))
    plan = limited(paused(session(*body), 3))
    assert verdict_name(finding(verify(plan, QUICK), Property.TOTAL).verdict) == "proved"


def test_values_for_a_replay_are_those_of_somebody_who_may_be_treated() -> None:
    plan = refusing(asking(session(level="current", parameters=(CURRENT,)), "sore"), answered("sore"))
    found = completed(Inquiry(plan), {"current": Fraction(MA)})
    assert found == {"current": MA, "sore": 0}


def test_nobody_is_found_where_the_wanted_values_are_refused() -> None:
    plan = refusing(asking(session(), "sore"), answered("sore"))
    assert completed(Inquiry(plan), {"sore": Fraction(1)}) is None


def test_pauses_are_placed_where_the_current_of_a_step_is_highest() -> None:
    plan = paused(session(Keep("time", MINUTE)), 2)
    day = Day({}, all_records(plan, {}))
    timeline = provoked(plan, day, Provoking(pause_step=0))
    assert [item.happening.value for item in timeline] == ["pause", "resume", "pause", "resume"]
    # Up in 10 s, down in 4 s, and up again.
    assert [item.at_ms for item in timeline] == [10 * SECOND, 14 * SECOND, 24 * SECOND, 28 * SECOND]


def test_long_pauses_last_as_long_as_they_may() -> None:
    plan = paused(session(Keep("time", MINUTE)), 1, each_ms=30 * SECOND)
    timeline = provoked(plan, Day({}, {}), Provoking(pause_step=1, long=True))
    assert timeline[1].at_ms - timeline[0].at_ms == 30 * SECOND


def test_a_stop_is_placed_at_the_end_of_its_step() -> None:
    plan = session(Keep("time", 20 * SECOND))
    timeline = provoked(plan, Day({}, {}), Provoking(stop_step=1))
    assert [(item.at_ms, item.happening.value) for item in timeline] == [(30 * SECOND, "stop")]


def test_a_limit_that_only_the_interlock_keeps_is_refuted() -> None:
    # The session itself stays a little below; what a stop at the end of the hold and a lost link add does
    # not.
    plan = session(Keep("charge", MA_MIN))
    report = verify(limited(plan, dose_limit(MA_MIN * 102 // 100 + 10**10)), QUICK)
    found = finding(report, Property.DOSE)
    assert verdict_name(found.verdict) == "refuted"
    assert found.counterexample is not None


def test_provocations_are_told_apart() -> None:
    plan = limited(paused(session(), 1), dose_limit(MA_MIN))
    inquiry = Inquiry(replace(plan, limits=(dose_limit(MA_MIN),)))
    from ionto_verifier.sums import sum_claims

    (asked,) = sum_claims(inquiry)
    assert {question.provocation for question in asked.questions} == {Provocation.PAUSES}
