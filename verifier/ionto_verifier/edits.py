"""The nearest safe edit: one number of the source moved until the claim is proved, and all that held holds.

A candidate is a number that stands in one place of the source: a ramp's time or rate, a hold's time or
charge, a current, how often and how long people may interrupt, how fast a stop is, how far apart sessions
are. It is moved in steps that a person would write, twice as far each time until the claim is proved of the
edited plan, then back by halving. Only what was proved is offered, whatever the search assumed on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from ionto_ir.course import Course
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import Constant, Expression
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind
from ionto_ir.plan import ForTime, Hold, HoldUntil, Plan, Ramp, Slope, UntilTotal
from ionto_ir.rewriting import NumberChange
from ionto_ir.scenario import Happening
from ionto_ir.source import Span
from ionto_ir.units import CHARGE, CURRENT, DIMENSIONLESS, SLEW, TIME, Dimension, format_quantity
from ionto_ir.wellformed import check
from ionto_ir.wording import charge_text, current_text, duration_text
from ionto_verifier.claims import all_claims
from ionto_verifier.decision import Proved
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.margin import MARGIN_BUDGET
from ionto_verifier.properties import Asked, Property
from ionto_verifier.report import Finding
from ionto_verifier.solve import decide_all
from ionto_verifier.term import TermTooLargeError

TRIES_MAX = 40
"""Edited plans that are put before the prover for one number: twenty doublings and as many halvings."""

SECOND_MS, MINUTE_MS, HOUR_MS = 1000, 60_000, 3_600_000
RATE_STEP_NA_S = 10_000
CHARGE_STEP_PC = 60_000_000_000
"""1 mA.min."""

CURRENTS = frozenset(
    {
        Property.CURRENT,
        Property.DENSITY,
        Property.MEAN_DENSITY,
        Property.PULSE_CHARGE,
        Property.RANGE,
        Property.DRIVE,
    }
)
SUMS = frozenset({Property.DOSE, Property.DURATION})


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number `now` that may move by `step` (down when negative) as far as `last`; `words` say what to
    write. Where it stands in the source `span` and `dimension` say where, and of which part of a protocol.
    """

    now: int
    step: int
    last: int
    edited: Callable[[int], Plan]
    words: Callable[[int], str]
    span: Span | None = None
    dimension: Dimension | None = None
    part: str = "session"


@dataclass(frozen=True, slots=True)
class Mended:
    """What to write instead, in words, and which number that changes where one stands in the source."""

    words: str
    change: NumberChange | None = None


def nearest_edits(plan: Plan, finding: Finding, held: frozenset[str]) -> Iterator[Mended]:
    """What to write instead, each proved; `held` are the ids of the claims that hold already."""
    yield from edits_among(plan, candidates(plan, finding), finding.claim.id, held, proved_claims)


Prove = Callable[[Plan, frozenset[str]], frozenset[str]]
"""Which of some claims of a plan are proved."""


def edits_among(
    plan: Plan, tried: Iterable[Candidate], claim: str, held: frozenset[str], prove: Prove
) -> Iterator[Mended]:
    """The candidates that can be moved until the claim is proved, and all that was held with it."""
    for candidate in tried:
        value = _nearest(candidate, frozenset({claim}), prove)
        if value is not None and held <= prove(candidate.edited(value), held):
            yield _mended(plan, candidate, value)


def _mended(plan: Plan, candidate: Candidate, value: int) -> Mended:
    """The words, and the change; what stands in another file can only be said anew in one's own."""
    words = candidate.words(value)
    span, dimension = candidate.span, candidate.dimension
    if span is None or dimension is None:
        return Mended(words)
    if span.file != plan.span.file:
        return Mended(f"{words} of `{span.file}`, in a `{candidate.part}` of your own")
    return Mended(words, NumberChange(span, dimension, candidate.now, value))


def _nearest(candidate: Candidate, wanted: frozenset[str], prove: Prove) -> int | None:
    """The value closest to the present one at which everything wanted is proved, as far as it was tried."""
    most = (candidate.last - candidate.now) // candidate.step
    unsafe, steps, tries = 0, 1, 0
    while not _proved(candidate, min(steps, most), wanted, prove):
        tries += 1
        if steps >= most or tries > TRIES_MAX // 2:
            return None
        unsafe, steps = steps, steps * 2
    safe = min(steps, most)
    while safe - unsafe > 1 and tries < TRIES_MAX:
        middle = (safe + unsafe) // 2
        tries += 1
        if _proved(candidate, middle, wanted, prove):
            safe = middle
        else:
            unsafe = middle
    return candidate.now + safe * candidate.step


def _proved(candidate: Candidate, steps: int, wanted: frozenset[str], prove: Prove) -> bool:
    if steps < 1:
        return False
    plan = candidate.edited(candidate.now + steps * candidate.step)
    return not check(plan) and wanted <= prove(plan, wanted)


def proved_claims(plan: Plan, wanted: frozenset[str]) -> frozenset[str]:
    """Which of these claims of a plan are proved, every question of theirs."""
    try:
        asked = [item for item in all_claims(Inquiry(plan)) if item.claim.id in wanted]
    except TermTooLargeError:
        return frozenset()
    return proved_among(asked)


def proved_among(asked: Sequence[Asked]) -> frozenset[str]:
    """The claims of which every question is proved."""
    questions = [question for item in asked for question in item.questions if question.decided is None]
    decisions = decide_all([question.obligation for question in questions], MARGIN_BUDGET)
    return frozenset(
        item.claim.id
        for item in asked
        if all(
            isinstance(question.decided or decisions[question.obligation.id], Proved)
            for question in item.questions
        )
    )


# --- candidates -----------------------------------------------------------------------------------


def candidates(plan: Plan, finding: Finding) -> Iterator[Candidate]:
    """The numbers that may be at fault, the likeliest first."""
    kind, shown = finding.claim.property, finding.counterexample
    span = _blamed(plan, finding)
    limit = finding.claim.limit
    per_site = limit is not None and limit.per_site
    if shown is not None and shown.starts_ms:
        yield from _gaps(plan, per_site=per_site)
    elif shown is None and _is_over_sessions(plan, finding):
        yield from (*_gaps(plan, per_site=per_site), *_holds(plan))
    elif kind in (Property.RAMP, Property.SLEW):
        yield from _returns(plan, plan.device.slew_na_s if limit is None else limit.bound)
        yield from () if span is None else _slopes(plan, span)
    elif kind in CURRENTS:
        yield from () if span is None else levels_of(plan, span)
    elif kind is Property.STOP_TIME:
        yield _stop(plan)
    elif kind in SUMS and limit is not None:
        paused = shown is not None and any(
            item.happening is Happening.PAUSE for item in shown.scenario.timeline
        )
        yield from _interruptions(plan, limit.kind) if paused else ()
        yield from _holds(plan)


def _is_over_sessions(plan: Plan, finding: Finding) -> bool:
    """Whether a window, of which nothing is shown, may hold more than one session."""
    limit, course = finding.claim.limit, plan.course
    return limit is not None and limit.window_ms is not None and course is not None


def _blamed(plan: Plan, finding: Finding) -> Span | None:
    """The line at fault; it may stand in another file, from which the protocol has its session."""
    shown, margin = finding.counterexample, finding.margin
    step = margin.step if margin is not None else None
    if shown is not None and shown.step is not None:
        step = shown.step
    return None if step is None else plan.steps[step].span


def _slopes(plan: Plan, span: Span) -> Iterator[Candidate]:
    """The time or the rate of the ramps that one line writes."""
    for step in plan.steps:
        if not isinstance(step, Ramp) or step.span != span or not isinstance(step.slope.over_ms, Constant):
            continue
        delta, over = step.slope.delta_na, step.slope.over_ms.value
        if isinstance(delta, Constant) and not _whole_way(step):
            rate = delta.value * 1000 // over
            if rate * over != delta.value * 1000 or rate <= RATE_STEP_NA_S:
                return
            yield Candidate(
                rate,
                -RATE_STEP_NA_S,
                RATE_STEP_NA_S,
                lambda value: _with_slope(plan, span, Slope(Constant(value), Constant(1000))),
                lambda value: f"let line {span.line} ramp at {format_quantity(value, SLEW, 'mA/s')}",
                span,
                SLEW,
            )
            return
        yield Candidate(
            over,
            SECOND_MS if over % SECOND_MS == 0 else plan.device.tick_ms,
            over + (1 << 12) * SECOND_MS,
            lambda value: _with_time(plan, span, value),
            lambda value: f"let line {span.line} ramp over {duration_text(value)}",
            span,
            TIME,
        )
        return


def _whole_way(step: Ramp) -> bool:
    """Whether a slope is that from the start to the target: written as a time and not as a rate."""
    target, start, delta = step.target_na, step.start_na, step.slope.delta_na
    if not (isinstance(target, Constant) and isinstance(start, Constant) and isinstance(delta, Constant)):
        return False
    return abs(target.value - start.value) == delta.value


def _with_time(plan: Plan, span: Span, over_ms: int) -> Plan:
    return _with_slopes(plan, span, lambda slope: Slope(slope.delta_na, Constant(over_ms)))


def _with_slope(plan: Plan, span: Span, slope: Slope) -> Plan:
    return _with_slopes(plan, span, lambda _: slope)


def _with_slopes(plan: Plan, span: Span, change: Callable[[Slope], Slope]) -> Plan:
    """All ramps that one line writes, and what holds before them know of them."""
    steps = list(plan.steps)
    for index, step in enumerate(plan.steps):
        if isinstance(step, Ramp) and step.span == span:
            steps[index] = replace(step, slope=change(step.slope))
        elif isinstance(step, Hold) and isinstance(step.until, UntilTotal) and step.until.descent is not None:
            after = plan.steps[step.next]
            if isinstance(after, Ramp) and after.span == span:
                until = replace(step.until, descent=change(step.until.descent))
                steps[index] = replace(step, until=until)
    return replace(plan, steps=tuple(steps))


def levels_of(plan: Plan, span: Span) -> Iterator[Candidate]:
    """The current that one line writes as a number."""
    targets = (step.target_na for step in plan.steps if isinstance(step, Ramp) and step.span == span)
    first = next(targets, None)
    if isinstance(first, Constant) and first.value > plan.device.step_na:
        now = first.value
        yield Candidate(
            now,
            -plan.device.step_na,
            plan.device.step_na,
            lambda value: _with_level(plan, span, now, value),
            lambda value: f"let line {span.line} go to {current_text(plan, value)}",
            span,
            CURRENT,
        )


def _with_level(plan: Plan, span: Span, now: int, value: int) -> Plan:
    """The ramps of a line go to another current, and what follows them begins there."""
    steps = list(plan.steps)
    for index, step in enumerate(plan.steps):
        if not isinstance(step, Ramp) or step.span != span or step.target_na != Constant(now):
            continue
        delta: Expression = (
            Constant(value) if _whole_way(step) and step.start_na == Constant(0) else (step.slope.delta_na)
        )
        steps[index] = replace(step, target_na=Constant(value), slope=replace(step.slope, delta_na=delta))
        after = step.next
        for _ in plan.steps:
            follower = steps[after]
            if isinstance(follower, Hold):
                steps[after] = replace(follower, level_na=Constant(value))
                after = follower.next
                continue
            if isinstance(follower, Ramp) and follower.start_na == Constant(now):
                down = _whole_way(follower) and follower.target_na == Constant(0)
                slope = replace(follower.slope, delta_na=Constant(value)) if down else follower.slope
                steps[after] = replace(follower, start_na=Constant(value), slope=slope)
            break
    return replace(plan, steps=tuple(steps))


def _stop(plan: Plan) -> Candidate:
    return Candidate(
        plan.stop_slew_na_s,
        RATE_STEP_NA_S,
        plan.device.slew_na_s,
        lambda value: replace(plan, stop_slew_na_s=value),
        lambda value: f"write `stop at {format_quantity(value, SLEW, 'mA/s')}`",
    )


def _returns(plan: Plan, most_na_s: int) -> Iterator[Candidate]:
    """How fast a session comes back from a pause, and how fast a stop falls, where that is too fast."""
    slews: tuple[tuple[str, int, Callable[[int], Plan]], ...] = (
        ("resume", plan.resume_slew_na_s, lambda value: replace(plan, resume_slew_na_s=value)),
        ("stop", plan.stop_slew_na_s, lambda value: replace(plan, stop_slew_na_s=value)),
    )
    for word, now, edited in slews:
        if now > max(most_na_s, RATE_STEP_NA_S):
            yield Candidate(now, -RATE_STEP_NA_S, RATE_STEP_NA_S, edited, partial(_slew_words, word))


def _slew_words(word: str, value_na_s: int) -> str:
    return f"write `{word} at {format_quantity(value_na_s, SLEW, 'mA/s')}`"


def _interruptions(plan: Plan, kind: LimitKind) -> Iterator[Candidate]:
    """How often, and for a duration also how long, people may interrupt."""
    rules = plan.interruptions
    # Interruptions may be said anew in a protocol that extends another one.
    own = rules.span if rules.span.file == plan.span.file else None
    if rules.count_max > 1:
        yield Candidate(
            rules.count_max,
            -1,
            1,
            lambda value: replace(plan, interruptions=replace(rules, count_max=value)),
            lambda value: f"allow at most {value} interruption{'s' if value > 1 else ''}",
            own,
            DIMENSIONLESS,
        )
    step = MINUTE_MS if rules.each_ms_max % MINUTE_MS == 0 else SECOND_MS
    if kind is LimitKind.DURATION and rules.each_ms_max > step:
        yield Candidate(
            rules.each_ms_max,
            -step,
            step,
            lambda value: replace(plan, interruptions=replace(rules, each_ms_max=value)),
            lambda value: f"let each interruption last at most {duration_text(value)}",
            own,
            TIME,
        )


def _holds(plan: Plan) -> Iterator[Candidate]:
    """The time or the charge of the longest hold that is written as a number."""
    found = [
        (amount, step)
        for step in plan.steps
        if isinstance(step, Hold)
        if (amount := _amount(step.until)) is not None
    ]
    if not found:
        return
    amount, step = max(found, key=lambda pair: pair[0])
    yield from _hold(plan, step, amount)


def at_line(plan: Plan, span: Span) -> Iterator[Candidate]:
    """Every number of one line that may be moved."""
    yield from _slopes(plan, span)
    yield from levels_of(plan, span)
    for step in plan.steps:
        if isinstance(step, Hold) and step.span == span and (amount := _amount(step.until)) is not None:
            yield from _hold(plan, step, amount)


def _hold(plan: Plan, step: Hold, amount: int) -> Iterator[Candidate]:
    grain = _grain(step.until, amount)
    if amount > grain:
        yield Candidate(
            amount,
            -grain,
            grain,
            lambda value: _with_amount(plan, step.span, value),
            lambda value: _hold_words(step, value),
            step.span,
            TIME if isinstance(step.until, ForTime) else CHARGE,
        )


def _grain(until: HoldUntil, amount: int) -> int:
    """The step in which a person would write this time or charge."""
    fine, coarse = (SECOND_MS, MINUTE_MS)
    if not isinstance(until, ForTime):
        fine, coarse = (CHARGE_STEP_PC // 10, CHARGE_STEP_PC)
    return coarse if amount % coarse == 0 and amount > coarse else fine


def _hold_words(step: Hold, value: int) -> str:
    timed = isinstance(step.until, ForTime)
    amount = duration_text(value) if timed else charge_text(value)
    return f"let line {step.span.line} hold {'for' if timed else 'until'} {amount}"


def _amount(until: HoldUntil) -> int | None:
    term = until.duration_ms if isinstance(until, ForTime) else until.charge_pc
    return term.value if isinstance(term, Constant) else None


def _with_amount(plan: Plan, span: Span, value: int) -> Plan:
    steps = list(plan.steps)
    for index, step in enumerate(plan.steps):
        if isinstance(step, Hold) and step.span == span and _amount(step.until) is not None:
            until: HoldUntil = (
                ForTime(Constant(value))
                if isinstance(step.until, ForTime)
                else replace(step.until, charge_pc=Constant(value))
            )
            steps[index] = replace(step, until=until)
    return replace(plan, steps=tuple(steps))


def _gaps(plan: Plan, *, per_site: bool) -> Iterator[Candidate]:
    """The hours between the starts of two sessions, or of those on one site where the course lets sites
    rest.
    """
    course = plan.course or Course(0, None, 0, (), None, None, plan.span)
    if per_site and course.rest_site_ms:
        rest_ms = course.rest_site_ms
        yield _apart(plan, course, rest_ms, "rest site {}", lambda ms: replace(course, rest_site_ms=ms))
        return
    words = "at least {} between sessions"
    yield _apart(plan, course, course.gap_ms_min, words, lambda ms: replace(course, gap_ms_min=ms))


def _apart(
    plan: Plan, course: Course, now_ms: int, words: str, changed: Callable[[int], Course]
) -> Candidate:
    hours_ms = now_ms // HOUR_MS * HOUR_MS
    windows = [limit.window_ms or 0 for limit in plan.limits]
    return Candidate(
        hours_ms,
        HOUR_MS,
        hours_ms + 2 * max(windows) + 24 * HOUR_MS,
        lambda value: _with_course(plan, changed(value)),
        lambda value: f"write `{words.format(duration_text(value))}` in the course",
        course.span if plan.course is not None and hours_ms == now_ms else None,
        TIME,
        "course",
    )


def _with_course(plan: Plan, course: Course) -> Plan:
    changed = replace(plan, course=course)
    return replace(changed, requires=features_of(changed))
