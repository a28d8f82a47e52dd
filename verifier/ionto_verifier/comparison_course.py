"""How sessions may follow each other under two courses: does the new one ever admit one that the old one does
not?

Each rule of the old course is looked for among those of the new one. It is kept where the new rules imply
it, by the same bounds that windows are proved with. Where that does not show, schedules that the new course
admits are put before binding's own check of the old one: the first session that it objects to is the witness.
What is neither implied nor shown stays undecided.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.course import DAY_MS, WEEK, Course, Phase, Rhythm, rhythm_of
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.plan import Plan
from ionto_ir.wording import duration_text
from ionto_verifier.aspects import Aspect, Change
from ionto_verifier.comparison_ends import end_aspects, same_condition
from ionto_verifier.comparison_schedule import Schedules
from ionto_verifier.windows import sessions_within

WINDOWS_MS = (DAY_MS, 7 * DAY_MS, 30 * DAY_MS, 365 * DAY_MS)
"""Windows in which the sessions of two courses are counted, besides those that a limit names."""

NOTHING = "nothing"

FOR_EVER_MS = 100 * 365 * DAY_MS
"""A window that holds every course."""

NOT_SHOWN = "the new rules do not imply the old one, and no schedule was found that shows a difference"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One rule of an old rhythm: what it is called, how both say it, and whether the new one keeps it."""

    subject: str
    told: tuple[str, str]
    same: bool
    kept: bool


def course_aspects(old: Plan, new: Plan) -> Iterator[Aspect]:
    """Counts in windows, every rule of the calendar, phases, and what ends the course."""
    named = {limit.window_ms for limit in (*old.limits, *new.limits) if limit.window_ms is not None}
    for window_ms in sorted({*named, *WINDOWS_MS}):
        before, after = sessions_within(old.course, window_ms), sessions_within(new.course, window_ms)
        told = ["without bound" if count is None else f"at most {count}" for count in (before, after)]
        yield Aspect(f"sessions in any {duration_text(window_ms)}", _fewer(after, before), told[0], told[1])
    if old.course is None:
        if new.course is not None:
            yield Aspect("course", Change.STRICTER, NOTHING, "a course")
        return
    if new.course is None:
        free = Course(0, None, 0, (), None, None, new.span)
        yield Aspect("course", Change.LOOSER, "a course", NOTHING, "sessions follow each other as one likes")
        schedules = Schedules(old.course, free)
        yield from _rules(old.course, free, schedules)
        return
    schedules = Schedules(old.course, new.course)
    yield from _rules(old.course, new.course, schedules)
    yield from _phases(old, new, old.course, new.course, schedules)
    yield from end_aspects(old, new, old.course, new.course)
    if old.course.rest_site_ms != new.course.rest_site_ms:
        longer = new.course.rest_site_ms > old.course.rest_site_ms
        told = [
            duration_text(item.rest_site_ms) if item.rest_site_ms else NOTHING
            for item in (old.course, new.course)
        ]
        yield Aspect("rest of a site", Change.STRICTER if longer else Change.LOOSER, told[0], told[1])


def _fewer(new: int | None, old: int | None) -> Change:
    if new == old:
        return Change.SAME
    if new is None:
        return Change.LOOSER
    return Change.STRICTER if old is None or new < old else Change.LOOSER


# --- the rules of a rhythm --------------------------------------------------------------------------------


def _rules(old: Course, new: Course, schedules: Schedules) -> Iterator[Aspect]:
    rules = [*_of_rhythm(rhythm_of(old), rhythm_of(new), new, "")]
    yield from (_aspect(rule, schedules) for rule in rules)


def _aspect(rule: _Rule, schedules: Schedules) -> Aspect:
    if rule.kept:
        change = Change.SAME if rule.same else Change.STRICTER
        return Aspect(rule.subject, change, rule.told[0], rule.told[1])
    witness = schedules.witness()
    if witness is None and schedules.none_more():
        return Aspect(rule.subject, Change.STRICTER, rule.told[0], rule.told[1])
    if witness is None:
        return Aspect(rule.subject, Change.UNDECIDED, rule.told[0], rule.told[1], NOT_SHOWN)
    return Aspect(rule.subject, Change.LOOSER, rule.told[0], rule.told[1], None, witness)


def _of_rhythm(old: Rhythm, new: Rhythm, course: Course, where: str) -> Iterator[_Rule]:
    """The rules of an old rhythm; `course` is all of the new one, which may keep them by other rules.

    A phase counts its own sessions only, but its gaps reach back to the last session of the one before.
    """
    whole = not where
    if old.gap_ms_min:
        kept = new.gap_ms_min >= old.gap_ms_min or (whole and _at_most(course, old.gap_ms_min, 1))
        told = [duration_text(item.gap_ms_min) if item.gap_ms_min else NOTHING for item in (old, new)]
        yield _Rule(
            f"time between sessions{where}", (told[0], told[1]), old.gap_ms_min == new.gap_ms_min, kept
        )
    if old.gap_days_min:
        kept = max(new.gap_days_min, new.gap_ms_min // DAY_MS) >= old.gap_days_min
        kept = kept or (whole and _at_most(course, old.gap_days_min * DAY_MS, 1))
        kept = kept or (
            whole and any(count == 1 and days >= old.gap_days_min for count, days in new.per_days)
        )
        told = [f"{item.gap_days_min} d" if item.gap_days_min else NOTHING for item in (old, new)]
        yield _Rule(
            f"dates between sessions{where}", (told[0], told[1]), old.gap_days_min == new.gap_days_min, kept
        )
    if old.gap_ms_max is not None:
        kept = new.gap_ms_max is not None and new.gap_ms_max <= old.gap_ms_max
        told = [NOTHING if gap is None else duration_text(gap) for gap in (old.gap_ms_max, new.gap_ms_max)]
        yield _Rule(f"longest break{where}", (told[0], told[1]), old.gap_ms_max == new.gap_ms_max, kept)
    for count, days in old.per_days:
        shares = [share for share, other in new.per_days if other >= days]
        kept = any(share <= count for share in shares) or _at_most(course, days * DAY_MS, count)
        same = (count, days) in new.per_days
        now = f"{count}" if same else f"{min(shares)}" if shares else NOTHING
        yield _Rule(f"sessions on {days} consecutive dates{where}", (f"{count}", now), same, kept)
    if old.weekdays:
        kept = bool(new.weekdays) and {*new.weekdays} <= {*old.weekdays}
        told = [", ".join(WEEK[day] for day in item.weekdays) or "any" for item in (old, new)]
        yield _Rule(f"weekdays{where}", (told[0], told[1]), old.weekdays == new.weekdays, kept)
    if old.days:
        kept = bool(new.days) and {*new.days} <= {*old.days}
        told = [", ".join(str(day) for day in item.days) or "any" for item in (old, new)]
        yield _Rule(f"days{where}", (told[0], told[1]), old.days == new.days, kept)
    yield from _ends_of_rhythm(old, new, course, where)


def _ends_of_rhythm(old: Rhythm, new: Rhythm, course: Course, where: str) -> Iterator[_Rule]:
    if old.sessions_max is not None:
        kept = new.sessions_max is not None and new.sessions_max <= old.sessions_max
        kept = kept or _at_most(course, FOR_EVER_MS, old.sessions_max)
        told = [
            "any number" if item is None else f"at most {item}"
            for item in (old.sessions_max, new.sessions_max)
        ]
        yield _Rule(
            f"number of sessions{where}", (told[0], told[1]), old.sessions_max == new.sessions_max, kept
        )
    if old.length_days is not None:
        kept = new.length_days is not None and new.length_days <= old.length_days
        kept = kept or (bool(new.days) and new.days[-1] <= old.length_days)
        told = ["any" if item is None else f"{item} d" for item in (old.length_days, new.length_days)]
        yield _Rule(
            f"length{where or ' of the course'}", (told[0], told[1]), old.length_days == new.length_days, kept
        )


def _at_most(course: Course, span_ms: int, count: int) -> bool:
    """Whether at most so many sessions start less than `span_ms` apart."""
    found = sessions_within(course, span_ms)
    return found is not None and found <= count


# --- phases -----------------------------------------------------------------------------------------------


def _phases(old: Plan, new: Plan, before: Course, after: Course, schedules: Schedules) -> Iterator[Aspect]:
    """Phases one by one, where both courses move from one to the next on the same day; else by schedules."""
    if not before.phases:
        if after.phases:
            yield Aspect("phases of the course", Change.STRICTER, NOTHING, f"{len(after.phases)}")
        return
    if len(before.phases) != len(after.phases) or not all(
        _moves_alike(old, new, *pair) for pair in zip(before.phases, after.phases, strict=True)
    ):
        told = [str(len(item.phases)) if item.phases else NOTHING for item in (before, after)]
        if schedules.none_more():
            reason = "phases differ, and no schedule of the new course is refused by the old one"
            yield Aspect("phases of the course", Change.STRICTER, told[0], told[1], reason)
            return
        witness = schedules.witness()
        reason = "the courses move on at different times, and no schedule was found that shows a difference"
        if witness is None:
            yield Aspect("phases of the course", Change.UNDECIDED, told[0], told[1], reason)
        else:
            yield Aspect("phases of the course", Change.LOOSER, told[0], told[1], None, witness)
        return
    for one, other in zip(before.phases, after.phases, strict=True):
        alone = _alone(after, other.rhythm)
        for rule in _of_rhythm(one.rhythm, rhythm_of(alone), alone, f" in `{one.name}`"):
            yield _aspect(rule, schedules)


def _moves_alike(old: Plan, new: Plan, one: Phase, other: Phase) -> bool:
    """Whether two phases end alike: after the same sessions, after the same time, on the same condition."""
    ends = (one.rhythm.sessions_max, one.rhythm.length_days, one.rhythm.days[-1:])
    same = ends == (other.rhythm.sessions_max, other.rhythm.length_days, other.rhythm.days[-1:])
    return same and same_condition(old, new, one.next_when, other.next_when)


def _alone(course: Course, rhythm: Rhythm) -> Course:
    """A course that is nothing but one phase, with those rules of the whole that hold in it too."""
    return replace(
        course,
        phases=(),
        gates=(),
        stop_when=None,
        gap_days_min=max(course.gap_days_min, rhythm.gap_days_min),
        gap_ms_min=max(course.gap_ms_min, rhythm.gap_ms_min),
        gap_ms_max=min(
            (gap for gap in (course.gap_ms_max, rhythm.gap_ms_max) if gap is not None), default=None
        ),
        per_days=(*course.per_days, *rhythm.per_days),
        weekdays=rhythm.weekdays or course.weekdays,
        days=rhythm.days,
        sessions_max=rhythm.sessions_max,
        length_days=rhythm.length_days,
    )
