"""What is done more than once: the rounds of a repetition, and the doses that somebody asks for.

Where somebody adjusts or records, rounds differ. What all of them add is at most so many times what the
costliest one adds; a pause may cost most in another one, and a stop may come in a third: each is followed
with values of its own.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import ZERO, Expression
from ionto_ir.plan import Demand, ForTime, Hold, Loop, Ramp, Reverse, Slope, UntilCharge, UntilTotal, Wait
from ionto_ir.recheck.emission import NONE, NOTHING, Rate, Spent
from ionto_ir.recheck.polynomial import BeyondError, Polynomial, constant, plus, times
from ionto_ir.recheck.routes import Again, Route
from ionto_ir.recheck.sums import Account, Moment, Session

AFTER_THE_PRESS = 1
"""Ticks by which a block may be left after its time is over: a dose begins with the tick after a press."""


@dataclass(frozen=True, slots=True)
class Round:
    """What one round, or one dose, adds; what a pause in one may cost; where a stop may come in one."""

    ends: tuple[Session, ...]
    pauses: tuple[Spent, ...]
    moments: tuple[Moment, ...]


def repeated(account: Account, again: Again, session: Session) -> list[Session]:
    """The sessions after every round or dose. Raises BeyondError."""
    step = account.plan.steps[again.head]
    if any(_reverses(account, way) for way in again.ways):
        # Also a round that turns nothing may come after one that did.
        session = replace(session, flipped=None)
    if isinstance(step, Demand):
        return [_on_demand(account, again, step, session)]
    assert isinstance(step, Loop), "a repetition has a loop at its head"
    return _rounds(account, again, step, session)


def _round(account: Account, again: Again, first: Session) -> Round:
    """One round, from nothing."""
    inside = [item for way in again.ways for item in way]
    if any(_totals(account, item) for item in inside):
        raise BeyondError("rounds until a total of the session")
    if not any(_differs(account, item) for item in inside) and len(again.ways) == 1:
        ends, moments = _followed(account, again.body, first)
        return Round(ends, _pauses(ends), moments)
    with account.apart(f"each {again.head}"):
        ends, _ = _followed(account, again.body, first)
    paused: list[Session] = []
    stopped: list[Moment] = []
    for way in again.ways:
        with account.apart(f"paused {again.head}"):
            paused += _followed(account, way, first)[0]
        with account.apart(f"last {again.head}"):
            stopped += _followed(account, way, first)[1]
    return Round(ends, _pauses(tuple(paused)), tuple(stopped))


def _followed(
    account: Account, body: Route, first: Session
) -> tuple[tuple[Session, ...], tuple[Moment, ...]]:
    held = len(account.moments)
    ends = account.along(body, [first])
    inside, account.moments[held:] = account.moments[held:], []
    return tuple(ends), tuple(inside)


def _pauses(ends: tuple[Session, ...]) -> tuple[Spent, ...]:
    return tuple(cost for end in ends for cost in end.pauses)


def _begun(session: Session, level_na: Expression) -> Session:
    """A session at the beginning of a round: nothing is spent in it yet."""
    return replace(session, spent=NONE, level_na=level_na, pauses=(), completing=False)


# --- repetitions ------------------------------------------------------------------------------------------


def _rounds(account: Account, again: Again, step: Loop, session: Session) -> list[Session]:
    """So many rounds, in each of which the session may be stopped."""
    count = account.sight.number(step.count, account.at(f"{again.head}"))
    if account.sight.range_of(count)[0] < 0:
        raise BeyondError("a number of rounds that may be negative")
    whole = _round(account, again, _begun(session, session.level_na))
    found = []
    for body in whole.ends:
        in_another = body.waveform != session.waveform and body.level_na != ZERO
        if body.level_na != session.level_na or in_another:
            raise BeyondError("rounds that begin at different levels")
        for elapsed_ms in _round_times(account, again.head, step, body):
            rounds = replace(body.spent, elapsed_ms=elapsed_ms).repeated(count)
            after = replace(
                body,
                spent=session.spent.and_then(rounds),
                pauses=tuple(account.undominated([*session.pauses, *whole.pauses])),
                waited=session.waited or body.waited,
                completing=False,
            )
            found.append(after)
            for moment in whole.moments:
                account.moments.append(replace(moment, session=after))
    return found


def _round_times(account: Account, head: int, step: Loop, body: Session) -> list[Polynomial]:
    """A round takes what its steps take, or its period if that is longer."""
    if step.period_ms is None:
        return [body.spent.elapsed_ms]
    period = account.sight.number(step.period_ms, account.at(f"{head} period"))
    return [body.spent.elapsed_ms, account.emissions.whole_ticks(period)]


# --- doses on demand --------------------------------------------------------------------------------------


def _on_demand(account: Account, again: Again, step: Demand, session: Session) -> Session:
    """A block in which as many doses are given as its rules let begin, and a stop may come in the last one.

    The basal current is counted for all of the block's time, also while a dose flows instead.
    """
    sight, emissions = account.sight, account.emissions
    head, basal_on = again.head, step.basal_na != ZERO
    resuming = Rate(constant(emissions.resume_na_s), constant(1000))
    basal = sight.number(step.basal_na, account.at(f"{head}"))
    start = sight.number(session.level_na, account.at(f"{head} start"))
    waiting = replace(session, waveform=None, started=session.started or basal_on, completing=False)
    dose = _round(account, again, _begun(waiting, step.basal_na))
    if len(dose.ends) != 1:
        raise BeyondError("doses that add up in more than one way")
    (end,) = dose.ends
    last = basal
    if end.level_na != step.basal_na:
        last = sight.number(end.level_na, account.at(f"{head} dose"))
        end = replace(end, spent=_gliding(account, end, emissions.glide(last, basal, resuming)))
    within = sight.number(step.within_ms, account.at(f"{head} within"))
    block_ms = plus(emissions.whole_ticks(within), constant(AFTER_THE_PRESS * emissions.tick_ms))
    on_ms = block_ms if basal_on else NOTHING
    standing = account.counted(Spent(times(basal, on_ms), on_ms, block_ms), waiting)
    if session.level_na != step.basal_na:
        standing = _gliding(
            account, replace(waiting, spent=standing), emissions.glide(start, basal, resuming)
        )
    doses = end.spent.repeated(_count(account, again, step))
    spent = session.spent.and_then(standing).and_then(replace(doses, elapsed_ms=end.spent.elapsed_ms))
    cost = account.counted(emissions.fall(basal).and_then(emissions.climb(basal)), waiting)
    paused = account.paused(session, cost)
    after = replace(
        waiting,
        spent=spent,
        level_na=step.basal_na,
        pauses=tuple(account.undominated([*paused, *dose.pauses])),
        started=waiting.started or end.started,
        waited=session.waited or end.waited,
    )
    highest = sight.largest([start, basal, last])
    account.moment(head, after, emissions.fall(highest), account.alone(highest, waiting, session.waveform))
    for moment in dose.moments:
        account.moments.append(replace(moment, session=after))
    return after


def _gliding(account: Account, session: Session, glide: Spent) -> Spent:
    """What was spent, with the way to the basal current; it is part of the block's time."""
    way = account.counted(replace(glide, elapsed_ms=NOTHING), replace(session, waveform=None))
    return session.spent.and_then(way)


def _count(account: Account, again: Again, step: Demand) -> Polynomial:
    """How many doses may begin: the count, or what rules and lockout leave of the block's time."""
    count = account.sight.number(step.count, account.at(f"{again.head}"))
    most = begun_within(account, again, step, int(_ends(account, step.within_ms)[1]))
    return count if account.sight.range_of(count)[1] <= most else constant(most)


def begun_within(account: Account, again: Again, step: Demand, span_ms: int) -> int:
    """The most doses of one block that may begin in any half-open time of this length.

    In each window of a rule no more begin than it says, and the time is so many windows. Of two doses the
    later begins no sooner than the lockout after the earlier, or after its end.
    """
    most = [int(_ends(account, step.count)[1])]
    for rule in step.rules:
        window_ms = _ends(account, rule.window_ms)[0]
        if window_ms > 0:
            most.append(ceil(Fraction(span_ms) / window_ms) * int(_ends(account, rule.count)[1]))
    lasts_ms = min(least_ms(account, way) for way in again.ways)
    locked_ms = _ends(account, step.lockout_ms)[0]
    apart_ms = locked_ms + lasts_ms if step.from_end else max(locked_ms, lasts_ms)
    if apart_ms > 0:
        most.append(ceil(Fraction(span_ms) / apart_ms))
    return max(0, min(most))


def least_ms(account: Account, body: Route) -> Fraction:
    """A time that a round takes at least: that of its holds and waits for a time, outside of inner rounds."""
    found = Fraction(0)
    for item in body:
        match None if isinstance(item, Again) else account.plan.steps[item]:
            case Hold(_, ForTime(duration)) | Wait(duration):
                found += max(Fraction(0), Fraction(_ends(account, duration)[0]))
            case _:
                pass
    return found


def _ends(account: Account, expression: Expression) -> tuple[Fraction, Fraction]:
    """The least and the most that an operand says, whenever it is looked at."""
    low, high = account.sight.range_of(account.sight.number(expression))
    return Fraction(low), Fraction(high)


# --- what differs -----------------------------------------------------------------------------------------


def _reverses(account: Account, body: Route) -> bool:
    """Whether the polarity may be turned on this way."""
    return any(
        any(_reverses(account, way) for way in item.ways)
        if isinstance(item, Again)
        else isinstance(account.plan.steps[item], Reverse)
        for item in body
    )


def _totals(account: Account, item: int | Again) -> bool:
    """Whether something goes on until a total, which counts all rounds together."""
    if isinstance(item, Again):
        return any(_totals(account, inner) for inner in item.body)
    step = account.plan.steps[item]
    return isinstance(step, Hold) and isinstance(step.until, UntilTotal)


def _differs(account: Account, item: int | Again) -> bool:
    """Whether what a step does may differ from round to round."""
    moves = account.sight.moves
    if isinstance(item, Again):
        head = account.plan.steps[item.head]
        assert isinstance(head, Loop), "rounds within rounds are those of a loop"
        period = () if head.period_ms is None else (head.period_ms,)
        return moves(head.count, *period) or any(_differs(account, inner) for inner in item.body)
    match account.plan.steps[item]:
        case Ramp(target, start, Slope(delta, over)):
            return moves(target, start, delta, over)
        case Hold(level, ForTime(duration)):
            return moves(level, duration)
        case Hold(level, UntilCharge(charge)):
            return moves(level, charge)
        case Wait(duration):
            return moves(duration)
        case _:
            return False
