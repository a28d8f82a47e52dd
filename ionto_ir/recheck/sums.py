"""A session as it adds up along one way through the plan, and what a stop or a pause in it may cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import ZERO, Expression
from ionto_ir.plan import (
    Classify,
    Confirm,
    ForTime,
    Hold,
    Instruct,
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
from ionto_ir.recheck.waves import flows_back, mean_least, mean_most
from ionto_ir.waveform import Waveform

VARIANTS_MAX = 16
"""Ways in which one route may have added up: at each total, to the total or to more than that."""


@dataclass(frozen=True, slots=True)
class Session:
    """A session so far: what it spent, what one pause may have cost by now, the level at which it is, in its
    waveform and with its sign.

    `waited`: a person was waited for after the first current, and nothing bounds how long people take.
    `completing`: the total was met, and the descent that follows was counted with it. `flipped`: whether
    reversals have turned the polarity; None where that is not known.
    """

    spent: Spent
    level_na: Expression
    started: bool = False
    waited: bool = False
    pauses: tuple[Spent, ...] = ()
    completing: bool = False
    waveform: Waveform | None = None
    reversed: bool = False
    flipped: bool | None = False


@dataclass(frozen=True, slots=True)
class Moment:
    """A step in which a session may be stopped: `session` when it is over, and what a stop in it adds.

    `highest_na` is the highest mean of |I| in it, at which a device may be left alone.
    """

    step: int
    session: Session
    stop: Spent
    highest_na: Polynomial


@dataclass(frozen=True, slots=True)
class Room:
    """What a hold until a total finds: what was emitted by then with the descent that follows, at most."""

    step: int
    before_pc: Polynomial
    total_pc: Polynomial


@dataclass(frozen=True, slots=True)
class View:
    """How a plan is looked at: `place` names it among others, `begun` where time already runs, and with
    `turned` only the charge counts that may flow in this direction.
    """

    place: str = ""
    begun: bool = False
    turned: bool | None = None


Repeated: TypeAlias = Callable[["Account", Again, Session], list[Session]]
"""How rounds are followed."""


class Account:
    """Follows sessions along a route; `moments` and `rooms` grow."""

    def __init__(self, plan: Plan, sight: Sight, view: View, repeated: Repeated) -> None:
        self.plan = plan
        self._repeated = repeated
        self.sight = sight
        self.view = view
        self.emissions = Emissions(plan, sight)
        self.moments: list[Moment] = []
        self.rooms: list[Room] = []
        self.pauses = plan.interruptions.count_max if plan.interruptions.resume else 0
        self._pause_ms = constant(plan.interruptions.each_ms_max)
        self._apart = ""

    def follow(self, route: Route) -> None:
        """Follow a whole session. Raises BeyondError."""
        flipped = False if self.plan.pole is None else None
        self.along(route, [Session(NONE, ZERO, self.view.begun, flipped=flipped)])

    def along(self, route: Route, sessions: list[Session]) -> list[Session]:
        """The sessions after this part of a route. Raises BeyondError."""
        for item in route:
            sessions = [after for session in sessions for after in self._after(item, session)]
            if len(sessions) > VARIANTS_MAX:
                raise BeyondError("more ways of adding up than are followed")
        return sessions

    def _after(self, item: int | Again, session: Session) -> list[Session]:
        if isinstance(item, Again):
            return self._repeated(self, item, session)
        return self._through(item, session)

    @contextmanager
    def apart(self, name: str) -> Iterator[None]:
        """What may differ from moment to moment has values of its own in here."""
        outer, self._apart = self._apart, f"{self._apart} {name}"
        try:
            yield
        finally:
            self._apart = outer

    def at(self, what: str) -> str:
        """The name of a moment."""
        return f"{self.view.place}{what}{self._apart}"

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
            case Reverse():
                flipped = None if session.flipped is None else not session.flipped
                return [replace(session, completing=False, flipped=flipped)]
            case Classify():
                return [replace(session, completing=False)]
            case _:
                raise BeyondError(f"a step of kind `{type(step).__name__}`")

    # --- what counts ------------------------------------------------------------------------------

    def counted(self, spent: Spent, session: Session) -> Spent:
        """What adds up of it at the session's waveform and direction; time passes in any case."""
        if self.counts(session):
            return spent.waved(session.waveform)
        return replace(spent, nominal_pc=NOTHING)

    def counts(self, session: Session) -> bool:
        """Whether what flows now may flow in the direction that is looked at."""
        wanted = self.view.turned
        if wanted is None or session.flipped is None or flows_back(session.waveform):
            return True
        return (session.reversed != session.flipped) == wanted

    def alone(self, highest_na: Polynomial, session: Session, before: Waveform | None) -> Polynomial:
        """The mean at which a device may be left alone: it may still have the waveform of the step before."""
        if not self.counts(session):
            return NOTHING
        if session.waveform is None and before is None:
            return highest_na
        share = max(mean_most(session.waveform), mean_most(before))
        return plus(scaled(highest_na, share), constant(1))

    # --- steps ------------------------------------------------------------------------------------

    def _ramp(self, index: int, step: Ramp, session: Session) -> Session:
        sight, emissions = self.sight, self.emissions
        before = session.waveform
        session = replace(session, started=True, waveform=step.waveform, reversed=step.reversed)
        start = sight.number(session.level_na, self.at(f"{index} start"))
        target = sight.number(step.target_na, self.at(f"{index}"))
        rate = self.rate(step.slope, self.at(f"{index}"))
        highest = sight.largest([start, target])
        whole = emissions.glide(start, target, rate)
        if sight.moves(step.target_na):
            # Somebody may lower the target on the way: then it turns, once, and falls at the same rate.
            whole = whole.and_then(emissions.glide(highest, NOTHING, rate))
        falls = sight.never_below(start, target)
        gentle = falls and emissions.is_gentle(rate) and not sight.moves(step.target_na)
        added = self.counted(whole, session)
        if session.completing:
            added = replace(added, nominal_pc=NOTHING)
        # Of a gentle descent all is counted already, and a stop emits no more than the rest of it.
        fall = emissions.fall(target if gentle else highest)
        again = fall.and_then(emissions.glide(NOTHING, target, rate))
        after = replace(
            session,
            spent=session.spent.and_then(added),
            level_na=step.target_na,
            pauses=self.paused(session, self.counted(again, session)),
            completing=False,
        )
        self.moment(index, after, fall, self.alone(highest, session, before))
        return after

    def _hold(self, index: int, step: Hold, session: Session) -> list[Session]:
        level = self.sight.number(step.level_na, self.at(f"{index}"))
        before = session.waveform
        session = replace(
            session, started=True, completing=False, level_na=step.level_na, waveform=step.waveform
        )
        alone = self.alone(level, session, before)
        match step.until:
            case ForTime(duration):
                return [self._for_time(index, session, level, duration, alone)]
            case UntilCharge(charge):
                return [self._until_charge(index, step, session, level, charge, alone)]
            case UntilTotal():
                return self._until_total(index, step, session, level, step.until, alone)
        raise BeyondError("a hold of a new kind")

    def _for_time(
        self, index: int, session: Session, level: Polynomial, duration: Expression, alone: Polynomial
    ) -> Session:
        time_ms = self.emissions.whole_ticks(self.sight.number(duration, self.at(f"{index} time")))
        held = self.counted(Spent(times(level, time_ms), time_ms, time_ms), session)
        cost = self.emissions.fall(level).and_then(self.emissions.climb(level))
        pauses = self.paused(session, self.counted(cost, session))
        after = replace(session, spent=session.spent.and_then(held), pauses=pauses)
        self.moment(index, after, self.emissions.fall(level), alone)
        return after

    def _until_charge(
        self,
        index: int,
        step: Hold,
        session: Session,
        level: Polynomial,
        charge: Expression,
        alone: Polynomial,
    ) -> Session:
        """All that is emitted counts towards the charge; a pause near the end falls beyond it, once."""
        goal = self.sight.number(charge, self.at(f"{index} charge"))
        time_ms = self._duration(index, step, goal)
        over = self.emissions.fall(level).waved(step.waveform) if self.pauses else NONE
        held_pc = plus(goal, over.nominal_pc) if self.counts(session) else NOTHING
        spent = session.spent.and_then(Spent(held_pc, time_ms, time_ms))
        after = replace(session, spent=spent, pauses=self.paused(session, self._absorbed(level)))
        self.moment(index, after, self.emissions.fall(level), alone)
        return after

    def _until_total(
        self,
        index: int,
        step: Hold,
        session: Session,
        level: Polynomial,
        until: UntilTotal,
        alone: Polynomial,
    ) -> list[Session]:
        """The session's charge is the total, descent and pauses before included; or it was more before.

        A total counts what flows in either direction, so it is a bound for each of them.
        """
        total = self.sight.number(until.charge_pc, self.at(f"{index} charge"))
        time_ms = self._duration(index, step, total)
        passed = Spent(NOTHING, time_ms, time_ms)
        fall = self.emissions.fall(level)
        descent = until.descent
        gentle = descent is not None and self._descends_gently(index, step, descent)
        over = NONE if gentle or not self.pauses else replace(fall, on_ms=NOTHING, elapsed_ms=NOTHING)
        spent = session.spent.and_then(passed)
        met = replace(
            session,
            spent=replace(spent, nominal_pc=plus(total, over.waved(step.waveform).nominal_pc)),
            pauses=tuple(replace(cost, nominal_pc=NOTHING) for cost in session.pauses),
        )
        met = replace(met, pauses=self.paused(met, self._absorbed(level)), completing=descent is not None)
        stop = replace(fall, nominal_pc=NOTHING) if gentle else fall
        self.moment(index, met, stop, alone)
        beyond = replace(session, spent=spent, pauses=self.paused(session, self._absorbed(level)))
        self.moment(index, beyond, fall, alone)
        self._room(index, step, session, level, total, descent)
        return [met, beyond]

    def _room(
        self,
        index: int,
        step: Hold,
        session: Session,
        level: Polynomial,
        total: Polynomial,
        descent: Slope | None,
    ) -> None:
        """What an undisturbed session has emitted when it comes to the hold, with the descent from it."""
        after = NONE
        following = self.plan.steps[step.next]
        if descent is not None and isinstance(following, Ramp):
            rate = self.rate(descent, self.at(f"{index}"))
            after = self.emissions.glide(level, NOTHING, rate).waved(following.waveform)
        self.rooms.append(Room(index, plus(session.spent.nominal_pc, after.nominal_pc), total))

    def _descends_gently(self, index: int, step: Hold, descent: Slope) -> bool:
        following = self.plan.steps[step.next]
        alike = isinstance(following, Ramp) and following.waveform == step.waveform
        moves = self.sight.moves(step.level_na, descent.delta_na, descent.over_ms)
        return alike and not moves and self.emissions.is_gentle(self.rate(descent, self.at(f"{index}")))

    def _wait(self, index: int, step: Wait, session: Session) -> Session:
        return self._off(self.sight.number(step.duration_ms, self.at(f"{index}")), session)

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
        return replace(session, spent=spent, pauses=self.paused(session, NONE))

    # --- pieces -----------------------------------------------------------------------------------

    def rate(self, slope: Slope, moment: str) -> Rate:
        """A slope at a moment."""
        return Rate(self.sight.number(slope.delta_na, moment), self.sight.number(slope.over_ms, moment))

    def _duration(self, index: int, step: Hold, charge: Polynomial) -> Polynomial:
        level = self.sight.number(step.level_na, self.at(f"{index} slow"))
        if self.sight.range_of(level)[0] < self.plan.device.step_na:
            raise BeyondError("a hold until a charge whose level may be nothing")
        least = scaled(level, mean_least(step.waveform))
        return self.emissions.until(least, charge, self.at(f"{index}"))

    def _absorbed(self, level: Polynomial) -> Spent:
        """A pause in a hold until a charge: what it emits counts towards that, the time it takes does not."""
        cost = self.emissions.fall(level).and_then(self.emissions.climb(level))
        return replace(cost, nominal_pc=NOTHING)

    def paused(self, session: Session, cost: Spent) -> tuple[Spent, ...]:
        """With one more way in which a pause may have cost something, and the time of the pause itself."""
        if not self.pauses:
            return ()
        timed = replace(cost, elapsed_ms=plus(cost.elapsed_ms, self._pause_ms))
        return tuple(self.undominated([*session.pauses, timed]))

    def undominated(self, costs: list[Spent]) -> list[Spent]:
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
        return all(self.sight.never_below(more, less) for more, less in pairs)

    def moment(self, step: int, session: Session, stop: Spent, highest_na: Polynomial) -> None:
        """A stop may come in this step."""
        self.moments.append(Moment(step, session, self.counted(stop, session), highest_na))
