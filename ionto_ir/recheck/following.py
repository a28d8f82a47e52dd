"""Whether the rules of a course let sessions follow each other: shown by dates on which they do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from ionto_ir.course import DAY_MS, Course, Rhythm
from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Plan
from ionto_ir.recheck.derived import Derived, Left, Settled

DATES_TRIED_MAX = 4_000
"""Dates after a session on which the next one is looked for."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Everything that bears on the time from one session to the next; of several bounds the strictest."""

    days_min: int
    days_max: int | None
    ms_min: int
    ms_max: int | None
    weekdays: tuple[int, ...]
    listed: tuple[int, ...]
    only: bool


def course(plan: Plan) -> Iterator[Derived]:
    """In the whole course and in each of its phases a session can follow a session."""
    if plan.course is None:
        return
    whole = _rhythm(plan.course)
    places = [(whole,), *((whole, phase.rhythm) for phase in plan.course.phases)]
    if all(_may_follow(_rules(rhythms)) for rhythms in places) and _evaluated(plan.course):
        yield Settled("course", True)
    else:
        yield Left("course", "no two dates were found on which sessions may follow each other")


def _rhythm(said: Course) -> Rhythm:
    return Rhythm(
        said.gap_days_min,
        said.gap_days_max,
        said.gap_ms_min,
        said.gap_ms_max,
        said.per_days,
        said.weekdays,
        said.days,
        said.sessions_max,
        said.length_days,
    )


def _rules(rhythms: Sequence[Rhythm]) -> Rules:
    """The rules together. Of shares only those of one session say when the next may be."""
    shares = [days for item in rhythms for count, days in item.per_days if count == 1]
    weekdays = [set(item.weekdays) for item in rhythms if item.weekdays]
    listed = [set(item.days) for item in rhythms if item.days]
    return Rules(
        max([0, *shares, *(item.gap_days_min for item in rhythms)]),
        min((item.gap_days_max for item in rhythms if item.gap_days_max is not None), default=None),
        max(item.gap_ms_min for item in rhythms),
        min((item.gap_ms_max for item in rhythms if item.gap_ms_max is not None), default=None),
        tuple(sorted(set.intersection(*weekdays))) if weekdays else (),
        tuple(sorted(set.intersection(*listed))) if listed else (),
        any(item.sessions_max == 1 for item in rhythms),
    )


def _may_follow(rules: Rules) -> bool:
    """Whether a next session is possible; of listed days each, from the one before it."""
    if rules.only:
        return True
    if rules.listed:
        return all(_fits(rules, later - earlier, due=False) for earlier, later in pairwise(rules.listed))
    first = rules.weekdays or (0,)
    return any(
        _fits(rules, apart, due=True) and (not rules.weekdays or (day + apart) % 7 in rules.weekdays)
        for day in first
        for apart in range(DATES_TRIED_MAX)
    )


def _fits(rules: Rules, apart: int, *, due: bool) -> bool:
    """Whether sessions on dates so far apart keep the gaps: the first at any hour, the other at any other."""
    soonest, latest = max(0, (apart - 1) * DAY_MS + 1), (apart + 1) * DAY_MS - 1
    return (
        apart >= rules.days_min
        and (not due or rules.days_max is None or apart <= rules.days_max)
        and latest >= rules.ms_min
        and (rules.ms_max is None or soonest <= rules.ms_max)
    )


def _evaluated(said: Course) -> bool:
    """Whether every phase reaches its evaluations before its sessions are over."""
    return all(
        phase.rhythm.sessions_max is None or gate.after is None or gate.after <= phase.rhythm.sessions_max
        for phase in said.phases
        for gate in phase.gates
    )
