"""A session as it adds up along one way through the plan, and what a stop or a pause in it may cost."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import ZERO, Expression
from ionto_ir.plan import (
    Classify,
    Confirm,
    ForTime,
    Hold,
    Instruct,
    Loop,
    Move,
    Plan,
    Ramp,
    Record,
    Reverse,
    Slope,
    UntilCharge,
    UntilTotal,
    Wait,
)
from ionto_ir.recheck.emission import NONE, NOTHING, Emissions, Rate, Spent
from ionto_ir.recheck.polynomial import BeyondError, Polynomial, constant, plus, scaled, times
from ionto_ir.recheck.routes import Again, Route
from ionto_ir.recheck.sight import Sight

VARIANTS_MAX = 16
"""Ways in which one route may have added up: at each total, to the total or to more than that."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session so far: what it spent, what one pause may have cost by now, the level at which it is.

    `waited`: a person was waited for after the first current, and nothing bounds how long people take.
    `completing`: the total was met, and the descent that follows was counted with it.
    """

    spent: Spent
    level_na: Expression
    started: bool = False
    waited: bool = False
    pauses: tuple[Spent, ...] = ()
    completing: bool = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A step in which a session may be stopped: `session` when it is over, and what a stop in it adds.

    `highest_na` is the highest level in it. `pauses` are what one pause may have cost by then.
    """

    step: int
    session: Session
    stop: Spent
    highest_na: Polynomial


class Account:
    """Follows sessions along a route; `moments` grows."""

    def __init__(self, plan: Plan, sight: Sight) -> None:
        self.plan = plan
        self.sight = sight
        self.emissions = Emissions(plan, sight)
        self.moments: list[Moment] = []
        self._pauses = plan.interruptions.count_max if plan.interruptions.resume else 0
        self._pause_ms = constant(plan.interruptions.each_ms_max)

    def follow(self, route: Route) -> None:
        """Follow a whole session. Raises BeyondError."""
        self._along(route, [Session(NONE, ZERO)])

    def _along(self, route: Route, sessions: list[Session]) -> list[Session]:
        for item in route:
            sessions = [
                after
                for session in sessions
                for after in (
                    self._repeated(item, session) if isinstance(item, Again) else self._through(item, session)
                )
            ]
            if len(sessions) > VARIANTS_MAX:
                raise BeyondError("more ways of adding up than are followed")
        return sessions

    def _through(self, index: int, session: Session) -> list[Session]:
        step = self.plan.steps[index]
        match step:
            case Ramp():
                return [self._ramp(index, step, session)]
            case Hold():
                return self._hold(index, step, session)
            case Wait():
                return [self._wait(index, step, replace(session, completing=False))]
            case Confirm() | Instruct() | Record() | Move():
                return [self._asked(step.within_ms, replace(session, completing=False))]
            case Reverse() | Classify():
                return [replace(session, completing=False)]
            case _:
                raise BeyondError(f"a step of kind `{type(step).__name__}`")

    # --- steps ------------------------------------------------------------------------------------

    def _ramp(self, index: int, step: Ramp, session: Session) -> Session:
        sight, emissions = self.sight, self.emissions
        start = sight.number(session.level_na, f"{index} start")
        target = sight.number(step.target_na, f"{index}")
        rate = self._rate(step.slope, f"{index}")
        highest = sight.largest([start, target])
        whole = emissions.glide(start, target, rate)
        if sight.moves(step.target_na):
            # Somebody may lower the target on the way: then it turns, once, and falls at the same rate.
            whole = whole.and_then(emissions.glide(highest, NOTHING, rate))
        falls = sight.range_of(plus(start, _negative(target)))[0] >= 0
        gentle = falls and emissions.is_gentle(rate) and not sight.moves(step.target_na)
        added = replace(whole, nominal_pc=NOTHING) if session.completing else whole
        # Of a gentle descent all is counted already, and a stop emits no more than the rest of it.
        fall = emissions.fall(target if gentle else highest)
        again = fall.and_then(emissions.glide(NOTHING, target, rate))
        after = replace(
            session,
            spent=session.spent.and_then(added),
            level_na=step.target_na,
            started=True,
            pauses=self._paused(session, again),
            completing=False,
        )
        self._moment(index, after, fall, highest)
        return after

    def _hold(self, index: int, step: Hold, session: Session) -> list[Session]:
        level = self.sight.number(step.level_na, f"{index}")
        session = replace(session, started=True, completing=False, level_na=step.level_na)
        match step.until:
            case ForTime(duration):
                return [self._for_time(index, session, level, duration)]
            case UntilCharge(charge):
                return [self._until_charge(index, step, session, level, charge)]
            case UntilTotal(charge, descent):
                return self._until_total(index, step, session, level, charge, descent)
        raise BeyondError("a hold of a new kind")

    def _for_time(self, index: int, session: Session, level: Polynomial, duration: Expression) -> Session:
        time_ms = self.emissions.whole_ticks(self.sight.number(duration, f"{index} time"))
        spent = session.spent.and_then(Spent(times(level, time_ms), time_ms, time_ms))
        cost = self.emissions.fall(level).and_then(self.emissions.climb(level))
        after = replace(session, spent=spent, pauses=self._paused(session, cost))
        self._moment(index, after, self.emissions.fall(level), level)
        return after

    def _until_charge(
        self, index: int, step: Hold, session: Session, level: Polynomial, charge: Expression
    ) -> Session:
        """All that is emitted counts towards the charge; a pause near the end falls beyond it, once."""
        goal = self.sight.number(charge, f"{index} charge")
        time_ms = self._duration(index, step, goal)
        over = self.emissions.fall(level) if self._pauses else NONE
        spent = session.spent.and_then(Spent(plus(goal, over.nominal_pc), time_ms, time_ms))
        after = replace(session, spent=spent, pauses=self._paused(session, self._absorbed(level)))
        self._moment(index, after, self.emissions.fall(level), level)
        return after

    def _until_total(
        self,
        index: int,
        step: Hold,
        session: Session,
        level: Polynomial,
        charge: Expression,
        descent: Slope | None,
    ) -> list[Session]:
        """The session's charge is the total, descent and pauses before included; or it was more before."""
        total = self.sight.number(charge, f"{index} charge")
        time_ms = self._duration(index, step, total)
        passed = Spent(NOTHING, time_ms, time_ms)
        fall = self.emissions.fall(level)
        gentle = descent is not None and self._descends_gently(index, step, descent)
        over = NONE if gentle or not self._pauses else replace(fall, on_ms=NOTHING, elapsed_ms=NOTHING)
        spent = session.spent.and_then(passed)
        met = replace(
            session,
            spent=replace(spent, nominal_pc=plus(total, over.nominal_pc)),
            pauses=tuple(replace(cost, nominal_pc=NOTHING) for cost in session.pauses),
        )
        met = replace(met, pauses=self._paused(met, self._absorbed(level)), completing=descent is not None)
        stop = replace(fall, nominal_pc=NOTHING) if gentle else fall
        self._moment(index, met, stop, level)
        beyond = replace(session, spent=spent, pauses=self._paused(session, self._absorbed(level)))
        self._moment(index, beyond, fall, level)
        return [met, beyond]

    def _descends_gently(self, index: int, step: Hold, descent: Slope) -> bool:
        moves = self.sight.moves(step.level_na, descent.delta_na, descent.over_ms)
        return not moves and self.emissions.is_gentle(self._rate(descent, f"{index}"))

    def _wait(self, index: int, step: Wait, session: Session) -> Session:
        return self._off(self.sight.number(step.duration_ms, f"{index}"), session)

    def _asked(self, within_ms: int | None, session: Session) -> Session:
        """A person takes as long as the step allows, or nobody knows how long."""
        if within_ms is None:
            return replace(session, waited=session.waited or session.started)
        return self._off(constant(within_ms), session)

    def _off(self, exact_ms: Polynomial, session: Session) -> Session:
        """Time with the output off, in which the session may be paused too."""
        if not session.started:
            return session
        time_ms = self.emissions.whole_ticks(exact_ms)
        spent = session.spent.and_then(Spent(NOTHING, NOTHING, time_ms))
        return replace(session, spent=spent, pauses=self._paused(session, NONE))

    # --- repetitions ------------------------------------------------------------------------------

    def _repeated(self, again: Again, session: Session) -> list[Session]:
        """So many rounds, all alike, in each of which the session may be stopped.

        Rounds whose values may differ are left out: what pauses cost in one and what another adds would have
        to be told apart.
        """
        step = self.plan.steps[again.head]
        assert isinstance(step, Loop), "a repetition has a loop at its head"
        if any(self._differs(item) for item in again.body):
            raise BeyondError("rounds whose values may differ")
        count = self.sight.number(step.count, f"{again.head}")
        if self.sight.range_of(count)[0] < 0:
            raise BeyondError("a number of rounds that may be negative")
        held = len(self.moments)
        inner = Session(NONE, session.level_na, session.started)
        bodies = self._along(again.body, [inner])
        inside, self.moments[held:] = self.moments[held:], []
        found = []
        for body in bodies:
            if body.level_na != session.level_na:
                raise BeyondError("rounds that begin at different levels")
            for elapsed_ms in self._round_times(again.head, step, body):
                spent = session.spent.and_then(replace(body.spent, elapsed_ms=elapsed_ms).repeated(count))
                pauses = tuple(self._undominated([*session.pauses, *body.pauses]))
                waited = session.waited or body.waited
                after = replace(session, spent=spent, started=body.started, waited=waited, pauses=pauses)
                found.append(replace(after, completing=False))
                for moment in inside:
                    self._moment(moment.step, found[-1], moment.stop, moment.highest_na)
        return found

    def _differs(self, item: int | Again) -> bool:
        """Whether what a step does may differ from round to round; a total counts all rounds together."""
        if isinstance(item, Again):
            head = self.plan.steps[item.head]
            assert isinstance(head, Loop), "a repetition has a loop at its head"
            return self.sight.moves(head.count) or any(self._differs(inner) for inner in item.body)
        match self.plan.steps[item]:
            case Ramp(target, start, Slope(delta, over)):
                return self.sight.moves(target, start, delta, over)
            case Hold(level, ForTime(duration)):
                return self.sight.moves(level, duration)
            case Hold(level, UntilCharge(charge)):
                return self.sight.moves(level, charge)
            case Hold():
                return True
            case Wait(duration):
                return self.sight.moves(duration)
            case _:
                return False

    def _round_times(self, head: int, step: Loop, body: Session) -> list[Polynomial]:
        """A round takes what its steps take, or its period if that is longer."""
        if step.period_ms is None:
            return [body.spent.elapsed_ms]
        period = self.emissions.whole_ticks(self.sight.number(step.period_ms, f"{head} period"))
        return [body.spent.elapsed_ms, period]

    # --- pieces -----------------------------------------------------------------------------------

    def _rate(self, slope: Slope, moment: str) -> Rate:
        number = self.sight.number
        return Rate(number(slope.delta_na, moment), number(slope.over_ms, moment))

    def _duration(self, index: int, step: Hold, charge: Polynomial) -> Polynomial:
        level = self.sight.number(step.level_na, f"{index} slow")
        if self.sight.range_of(level)[0] < self.plan.device.step_na:
            raise BeyondError("a hold until a charge whose level may be nothing")
        return self.emissions.until(level, charge, f"{index}")

    def _absorbed(self, level: Polynomial) -> Spent:
        """A pause in a hold until a charge: what it emits counts towards that, the time it takes does not."""
        cost = self.emissions.fall(level).and_then(self.emissions.climb(level))
        return replace(cost, nominal_pc=NOTHING)

    def _paused(self, session: Session, cost: Spent) -> tuple[Spent, ...]:
        """With one more way in which a pause may have cost something, and the time of the pause itself."""
        if not self._pauses:
            return ()
        timed = replace(cost, elapsed_ms=plus(cost.elapsed_ms, self._pause_ms))
        return tuple(self._undominated([*session.pauses, timed]))

    def _undominated(self, costs: list[Spent]) -> list[Spent]:
        """The costs without those that another one is never below."""
        kept: list[Spent] = []
        for cost in costs:
            if not any(self._covers(other, cost) for other in kept):
                kept = [other for other in kept if not self._covers(cost, other)]
                kept.append(cost)
        return kept

    def _covers(self, one: Spent, other: Spent) -> bool:
        pairs = (
            (one.nominal_pc, other.nominal_pc),
            (one.on_ms, other.on_ms),
            (one.elapsed_ms, other.elapsed_ms),
        )
        return all(self.sight.range_of(plus(more, _negative(less)))[0] >= 0 for more, less in pairs)

    def _moment(self, step: int, session: Session, stop: Spent, highest_na: Polynomial) -> None:
        self.moments.append(Moment(step, session, stop, highest_na))


def _negative(term: Polynomial) -> Polynomial:
    return scaled(term, -1)
