"""A course in all its parts, as binding keeps it: phases, calendars, evaluations, sites, and memory."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ionto_ir import expression as terms
from ionto_ir.bind import History, PastSession, Refusal, bind
from ionto_ir.bind_course import Objection, course_objections, late_days, next_date
from ionto_ir.bound import BoundPlan
from ionto_ir.course import DAY_MS, Course, Gate, Memory, MemoryKind, Phase, Rhythm
from ionto_ir.dataclass import replace
from ionto_ir.expression import Constant, Value
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind
from ionto_ir.plan import (
    BooleanDomain,
    ChoiceDomain,
    IntegerDomain,
    Plan,
    Requirement,
    Variable,
    VariableKind,
)
from ionto_ir.standing import beginning, remembered, standing
from tests.ir.binding import MA_S, VALUES, session
from tests.treatments import HERE, limit

HOUR = 3_600_000
NOON = 12 * HOUR
MA = 1_000_000
PAIN = terms.integer_reference("pain")
DRY = terms.boolean_reference("dry")


def planned(**changes: object) -> Plan:
    """The bench session with something else about it."""
    plan = replace(session(), **changes)  # type: ignore[arg-type]
    return replace(plan, requires=features_of(plan))


def rhythm(**said: object) -> Rhythm:
    return replace(Rhythm(0, None, 0, None, (), (), (), None, None), **said)  # type: ignore[arg-type]


def course(**said: object) -> Course:
    return replace(Course(0, None, 0, (), None, None, HERE), **said)  # type: ignore[arg-type]


def past(day: int, at_ms: int = NOON, sites: tuple[str, ...] = (), **records: Value) -> PastSession:
    """A session of ten minutes on a date; 1 is a Monday."""
    start_ms = day * DAY_MS + at_ms
    charge = 500 * MA_S
    told = tuple(records.items())
    return PastSession(start_ms, start_ms + 600_000, day, charge, charge, "generated", (), told, sites)


def said(followed: Course, day: int, *given: PastSession, at_ms: int = NOON, **values: Value) -> list[str]:
    """What the course has against a session on a date."""
    history = History(day * DAY_MS + at_ms, day, given)
    return [item.text for item in course_objections(followed, given, values, history)]


def test_a_session_is_on_the_weekdays_of_its_course() -> None:
    followed = course(weekdays=(0, 2, 4))
    assert said(followed, 1) == said(followed, 3) == said(followed, 5) == []
    assert said(followed, 2) == ["the course has sessions on Monday, Wednesday, Friday, and today is Tuesday"]
    assert beginning(planned(course=course(weekdays=(3,)))).today == 4


def test_listed_days_are_counted_from_the_first_session() -> None:
    followed = course(days=(1, 2, 4))
    assert said(followed, 11, past(10)) == said(followed, 13, past(10)) == []
    history = History(12 * DAY_MS, 12, (past(10),))
    (objection,) = course_objections(followed, history.sessions, {}, history)
    assert objection == Objection(
        "the course has no session on its day 3", HERE, "the next one is due in 1 d, on day 4"
    )
    assert said(followed, 14, past(10)) == ["the course has no session on its day 5"]


def test_a_course_ends_with_its_last_day() -> None:
    followed = course(length_days=28)
    assert said(followed, 28, past(1)) == []
    assert said(followed, 29, past(1)) == ["the course ends with its day 28, and today is day 29"]


def test_a_gap_has_a_most_in_elapsed_time() -> None:
    followed = course(gap_ms_max=216 * HOUR)
    assert said(followed, 10, past(1)) == []
    assert said(followed, 10, past(1), at_ms=NOON + 1)[0].startswith("the last session was 216 h 1 min ago")


TAPER = course(
    phases=(
        Phase("often", rhythm(per_days=((2, 7),), sessions_max=4, length_days=14), None, (), HERE),
        Phase("rarely", rhythm(per_days=((1, 7),), sessions_max=2, length_days=14), None, (), HERE),
    )
)


def test_a_taper_moves_on_with_the_count_and_with_the_time() -> None:
    four = tuple(past(day) for day in (1, 4, 8, 11))
    assert standing(TAPER, four, 15, {}).phase == 1
    # A phase begins its own count: one in seven dates does not look back at two.
    assert said(TAPER, 12, *four) == []
    assert said(TAPER, 18, *four, past(15)) == ["the phase `rarely` allows 1 sessions on 7 consecutive dates"]
    assert said(TAPER, 22, *four, past(15)) == []
    assert said(TAPER, 29, *four, past(15), past(22)) == ["the course is over: its last phase has ended"]
    # Two sessions were missed: after fourteen dates the next one is of the next phase all the same.
    two = (past(1), past(4))
    assert standing(TAPER, two, 14, {}).phase == 0
    assert standing(TAPER, two, 15, {}).phase == 1
    assert standing(TAPER, (*two, past(15)), 22, {}) == standing(TAPER, (*two, past(15)), 23, {})


def test_what_is_recorded_moves_a_course_on() -> None:
    better = terms.less_equal(PAIN, Constant(3))
    followed = course(
        phases=(
            Phase("often", rhythm(gap_days_min=1), better, (), HERE),
            Phase("rarely", rhythm(gap_days_min=7, gap_days_max=7), None, (), HERE),
        )
    )
    assert said(followed, 2, past(1, pain=5)) == []
    assert said(followed, 2, past(1, pain=3)) == ["the next session of the course is due in 6 d, not today"]
    # It stays there, even when it gets worse again.
    worse = (past(1, pain=3), past(8, pain=9))
    assert standing(followed, worse, 9, {}).phase == 1
    assert next_date(followed, worse) == 15
    assert late_days(followed, worse, 17) == 2
    assert late_days(followed, worse, 15) == late_days(followed, (), 15) == 0


def gated(**said_: object) -> Course:
    gate = Gate(terms.less_equal(PAIN, Constant(6)), "no response", None, HERE)
    first = Phase("often", rhythm(gap_days_min=1, sessions_max=2), None, (gate,), HERE)
    return course(phases=(first, Phase("rarely", rhythm(gap_days_min=1), None, (), HERE)), **said_)


def test_an_evaluation_stands_between_two_phases() -> None:
    assert said(gated(), 2, past(1, pain=9)) == []
    assert said(gated(), 3, past(1, pain=9), past(2, pain=6)) == []
    assert said(gated(), 3, past(1, pain=9), past(2, pain=7)) == ["the course is over: no response"]
    # What was not recorded again is as it was; what nobody recorded cannot be evaluated.
    assert said(gated(), 3, past(1, pain=6), past(2)) == []
    assert "cannot be made: `pain` has no value" in said(gated(), 3, past(1), past(2))[0]
    # Once passed, it is behind.
    assert said(gated(), 4, past(1, pain=9), past(2, pain=6), past(3, pain=9)) == []


def test_an_evaluation_asks_for_answers_of_the_day() -> None:
    gate = Gate(terms.boolean_reference("response"), "no response", 2, HERE)
    followed = course(gates=(gate,))
    assert said(followed, 2, past(1), response=False) == []
    assert said(followed, 3, past(1), past(2), response=False) == ["the course is over: no response"]
    assert said(followed, 3, past(1), past(2), response=True) == []


# --- memory -------------------------------------------------------------------------------------------------


def memory_variable(name: str, domain: IntegerDomain | BooleanDomain | ChoiceDomain) -> Variable:
    return Variable(name, VariableKind.MEMORY, domain, "", False, None, HERE)


CURRENTS = IntegerDomain(1 * MA, 3 * MA, None, None, "current", "mA")
NUMBERS = IntegerDomain(1, 10_000, None, None, "plain number", "")


def titrated() -> Plan:
    """The bench session, whose current may rise by half a milliampere from session to session."""
    plan = session()
    first = terms.equal(terms.integer_reference("course.session"), Constant(1))
    most = terms.add(terms.integer_reference("previous.current"), Constant(500_000))
    below = terms.less_equal(terms.integer_reference("current"), most)
    current = next(item for item in plan.variables if item.name == "current")
    assert isinstance(current.domain, IntegerDomain)
    domain = replace(current.domain, step=None, default=None)
    return session(
        course=course(
            memories=(
                Memory("course.session", MemoryKind.SESSION, None, 1, None, HERE),
                Memory("previous.current", MemoryKind.VALUE, "current", domain.lo, None, HERE),
            )
        ),
        requires=("course", "memory"),
        variables=(
            *plan.variables,
            memory_variable("course.session", NUMBERS),
            memory_variable("previous.current", domain),
        ),
        requirements=(Requirement(terms.disjunction(first, below), "too large a step", HERE),),
    )


def with_values(day: int, **values: Value) -> PastSession:
    return replace(past(day), values=tuple(values.items()))


def bound(plan: Plan, history: History, values: Mapping[str, Value] = VALUES) -> BoundPlan | Refusal:
    return bind(plan, values, (), history)


def test_a_step_from_the_previous_session_is_kept() -> None:
    plan, now = titrated(), History(3 * DAY_MS, 3, ())
    first = bound(plan, now)
    assert isinstance(first, BoundPlan)
    assert first.values["course.session"] == 1
    second = bound(plan, replace(now, sessions=(with_values(1, current=2 * MA),)))
    assert isinstance(second, BoundPlan)
    assert (second.values["course.session"], second.values["previous.current"]) == (2, 2 * MA)
    refused = bound(plan, replace(now, sessions=(with_values(1, current=1_499_999),)))
    assert isinstance(refused, Refusal)
    assert [item.code for item in refused.diagnostics] == ["I0935"]
    assert refused.diagnostics[0].notes == ("course.session is 2", "previous.current is 1.499999 mA")
    # Only sessions of this protocol are remembered.
    other = replace(with_values(1, current=1 * MA), protocol="hand")
    assert isinstance(bound(plan, replace(now, sessions=(other,))), BoundPlan)


def test_a_memory_cannot_be_made_up() -> None:
    plan = titrated()
    history = History(3 * DAY_MS, 3, (with_values(1, current=1 * MA),))
    made_up = {**VALUES, "previous.current": 2 * MA}
    refused = bound(plan, history, made_up)
    assert isinstance(refused, Refusal)
    assert "known from earlier sessions" in refused.diagnostics[0].message
    assert isinstance(bind(plan, made_up, (), history, rehearsing=True), BoundPlan | Refusal)
    assert isinstance(bound(plan, History(0, 1, ()), {**VALUES, "course.session": 1}), BoundPlan)


def polarised(swap: terms.Expression | None) -> Plan:
    memory = Memory("course.polarity", MemoryKind.POLARITY, None, 0, swap, HERE)
    return planned(course=course(memories=(memory,)))


@pytest.mark.parametrize(
    ("swap", "given", "expected"),
    [
        (None, [], 0),
        (None, [(1, False)], 1),
        (terms.TRUE, [(0, False)], 1),
        (terms.TRUE, [(1, False)], 0),
        (DRY, [(0, False)], 0),
        (DRY, [(0, True)], 1),
        (DRY, [(0, True), (1, False)], 1),
        (DRY, [(0, True), (1, None)], 1),
        (DRY, [(0, True), (1, True)], 0),
    ],
)
def test_a_polarity_stays_until_what_swaps_it_is_seen(
    swap: terms.Expression | None, given: list[tuple[int, bool | None]], expected: int
) -> None:
    sessions = []
    for day, (polarity, dry) in enumerate(given, 1):
        records = () if dry is None else (("dry", dry),)
        made = replace(past(day), values=(("course.polarity", polarity),), records=records)
        sessions.append(made)
    found = remembered(polarised(swap), History(9 * DAY_MS, 9, tuple(sessions)), {})
    assert found == {"course.polarity": expected}


# --- sites --------------------------------------------------------------------------------------------------


def test_a_site_rests_whatever_was_given_on_it() -> None:
    plan = planned(course=course(rest_site_ms=72 * HOUR))
    site = plan.electrodes[0].site
    history = History(4 * DAY_MS + NOON, 4, (past(1, sites=(site,)),))
    assert isinstance(bound(plan, history), BoundPlan)
    early = replace(history, now_ms=history.now_ms - 1)
    for given in (past(1, sites=(site.upper(),)), past(1), replace(past(1, sites=(site,)), protocol="hand")):
        refused = bound(plan, replace(early, sessions=(given,)))
        assert isinstance(refused, Refusal)
        assert refused.diagnostics[0].help == "it may be treated again in 1 ms"
    for given in (past(1, sites=("somewhere else",)), replace(past(1), protocol="hand")):
        assert isinstance(bound(plan, replace(early, sessions=(given,))), BoundPlan)


def test_a_limit_per_site_counts_what_was_given_there() -> None:
    dose = replace(limit(LimitKind.DOSE, 900 * MA_S, "mA.min", window_ms=7 * DAY_MS), per_site=True)
    plan = planned(limits=(*session().limits, dose))
    site = plan.electrodes[0].site
    there = bound(plan, History(2 * DAY_MS, 2, (past(1, sites=(site,)),)))
    assert isinstance(there, BoundPlan) and there.constants.cap_pc == 400 * MA_S
    elsewhere = bound(plan, History(2 * DAY_MS, 2, (past(1, sites=("elsewhere",)),)))
    assert isinstance(elsewhere, BoundPlan) and elsewhere.constants.cap_pc == 900 * MA_S
    unknown = bound(plan, History(2 * DAY_MS, 2, (past(1),)))
    assert isinstance(unknown, BoundPlan) and unknown.constants.cap_pc == 400 * MA_S
