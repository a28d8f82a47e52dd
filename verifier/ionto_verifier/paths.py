"""A symbolic run of the plan: where the current is at each step, under which conditions, and what it has
added up to.

The steps are followed in an order in which causes come first. Where two ways meet, what differs is written
b * one + (1 - b) * other with the 0/1 variable b of the branch that parted them, so that nothing is
enumerated and nothing is lost. A loop is followed twice: once from nothing, to see what one round adds, and
once as its last round. Values that a round records or that differ from round to round are fresh in every
round; because each round is bound by the same facts, n times the most that one round adds bounds them all.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from heapq import heappop, heappush
from typing import assert_never

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import ZERO as NO_CURRENT
from ionto_ir.expression import Constant
from ionto_ir.plan import (
    Branch,
    Classify,
    Confirm,
    Demand,
    Finish,
    Hold,
    Human,
    Instruct,
    Loop,
    Move,
    Plan,
    Ramp,
    Record,
    Reverse,
    Wait,
    successors,
)
from ionto_ir.wellformed_graph import loop_regions
from ionto_verifier.demand import block_of, ledger_of, silent, standing_by
from ionto_verifier.encode import Encoding
from ionto_verifier.environment import Origin
from ionto_verifier.joining import branch_guard, either, join, overflowing
from ionto_verifier.ledger import Ledger, PauseCost
from ionto_verifier.motion import Motion, Mover
from ionto_verifier.obligation import (
    FALSE,
    TRUE,
    Formula,
    Guard,
    at_least,
    at_most,
    disjunction,
    negation,
)
from ionto_verifier.rounds import may_differ
from ionto_verifier.state import NONE, Renaming, State
from ionto_verifier.term import ZERO, Polynomial, constant

ROUNDS_FOLLOWED_MAX = 8
"""Ways in which one round may leave the level and the polarity for the next; there are four at most per
level.
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """A step as it is reached in the symbolic run: what was decided before, the ledger around it, the
    current in it.

    `motion` is None where the output is off. Inside a loop the ledgers are those of the last round. The head
    of a repetition or of a block on demand knows what a `round` adds; the head of a block that has a basal
    current, how long it flows at most.
    """

    step: int
    path: tuple[Guard, ...]
    levels: tuple[Polynomial, ...]
    records: Renaming
    before: Ledger
    after: Ledger
    motion: Motion | None
    round: Ledger | None = None
    standby_ms: Polynomial | None = None


def follow(
    encoding: Encoding,
    restart: frozenset[int] = frozenset(),
    counted: bool | None = None,
    *,
    begun: bool = False,
    paused: bool = True,
) -> tuple[Visit, ...]:
    """Every step of a well-formed plan as it is reached, in the order of a run. Raises TermTooLargeError.

    Time is counted anew when the steps of `restart` are left. With `counted` the ledgers hold only what may
    flow against the declared polarity (True), or along it: an electrode has a role in one of the two. That is
    not for plans with totals, which count everything. With `begun` time counts from the first step on. What
    pauses cost is left out where nothing is `paused`.
    """
    walk = Walk(encoding, restart, counted)
    if not paused:
        walk.mover.pauses = 0
    flips = frozenset({False} if encoding.plan.pole is None else {False, True})
    first = State(flips=flips, ledger=Ledger(started=begun))
    walk.region(encoding.plan.entry, first, None, keep=True)
    return tuple(walk.visits)


class Walk:
    """One symbolic run; `visits` grows."""

    def __init__(
        self, encoding: Encoding, restart: frozenset[int] = frozenset(), counted: bool | None = None
    ) -> None:
        self.encoding = encoding
        self.restart = restart
        self.counted = counted
        self.environment = encoding.environment
        self.plan = encoding.plan
        self.mover = Mover(encoding)
        self.visits: list[Visit] = []
        self._rank = _ranks(encoding.plan)
        self._bodies = loop_regions(encoding.plan)
        self._known_rounds: dict[tuple[int, State], tuple[State | None, State]] = {}

    def region(self, start: int, state: State, head: int | None, *, keep: bool) -> State | None:
        """Follow all ways from `start` until they come back to `head` or end; the joined state in which
        they come back.

        With `keep` the steps are remembered as visits.
        """
        waiting: dict[int, list[State]] = {start: [state]}
        order = [(self._rank[start], start)]
        returned: list[State] = []
        while order:
            _, index = heappop(order)
            arrived = join(waiting.pop(index), f"{index}{self.mover.apart}", self.environment)
            for target, after in self._through(index, arrived, keep):
                left = after
                if index in self.restart and target not in self.restart:
                    left = replace(after, ledger=after.ledger.from_now())
                if target == head:
                    returned.append(left)
                    continue
                if target not in waiting:
                    heappush(order, (self._rank[target], target))
                waiting.setdefault(target, []).append(left)
        return join(returned, f"{head}{self.mover.apart}", self.environment) if returned else None

    def _through(self, index: int, state: State, keep: bool) -> Iterator[tuple[int, State]]:
        step = self.plan.steps[index]
        match step:
            case Ramp():
                after, motion = self._counting(state, *self.mover.ramp(index, step, state))
                self._visit(index, state, after, motion, keep)
                yield step.next, after
            case Hold():
                after, motion = self._counting(state, *self.mover.hold(index, step, state))
                self._visit(index, state, after, motion, keep)
                yield step.next, after
            case Branch():
                self._visit(index, state, state, None, keep)
                yield from self._parted(index, step, state)
            case Loop():
                yield from self._repeated(index, step, state, keep)
            case Demand():
                yield from self._on_demand(index, step, state, keep)
            case Finish():
                self._visit(index, state, state, None, keep)
            case Wait() | Reverse() | Classify():
                after = self._at_rest(index, step, state)
                self._visit(index, state, after, None, keep)
                yield step.next, after
            case Confirm() | Instruct() | Record() | Move():
                after = self._asked(index, step, state)
                self._visit(index, state, after, None, keep)
                yield step.next, after
                if step.late is not None:
                    yield step.late, replace(after, records=state.records)
            case _:
                assert_never(step)

    def _counting(self, before: State, after: State, motion: Motion) -> tuple[State, Motion]:
        """The same, without the charge of a motion that can only flow the other way.

        Where it begins and ends the output is on at zero, and its offset may then flow either way.
        """
        if self.counted is None or motion.flows(self.counted):
            return after, motion
        was = before.ledger
        pauses = (
            cost if cost in was.pauses else replace(cost, nominal_pc=ZERO) for cost in after.ledger.pauses
        )
        ledger = replace(
            after.ledger,
            nominal_pc=was.nominal_pc,
            least_pc=was.least_pc,
            on_ms=was.on_ms if motion.incline is None else after.ledger.on_ms,
            pauses=tuple(dict.fromkeys(pauses)),
            absorbed=was.absorbed,
        )
        braking_pc = self.mover.arithmetic.stop_near_zero_pc
        silent = replace(motion, braking_pc=braking_pc, braking_nominal_pc=ZERO)
        return replace(after, ledger=ledger, pending=NONE), silent

    def _visit(
        self,
        index: int,
        before: State,
        after: State,
        motion: Motion | None,
        keep: bool,
        added: Ledger | None = None,
        standby_ms: Polynomial | None = None,
    ) -> None:
        if keep:
            levels = () if motion is not None else self._levels(before, index)
            known = (before.path, levels, before.records, before.ledger, after.ledger, motion)
            self.visits.append(Visit(index, *known, added, standby_ms))

    def _levels(self, state: State, index: int) -> tuple[Polynomial, ...]:
        """The planned current at a step that needs none."""
        return (self.mover.level(state, f"{index} start"),)

    # --- steps at which nothing flows ---------------------------------------------------------------

    def _at_rest(self, index: int, step: Wait | Reverse | Classify, state: State) -> State:
        state = replace(state, ledger=overflowing(state), pending=NONE)
        match step:
            case Wait():
                scope = self.mover.scope(state, f"{index}", step.duration_ms)
                exact = self.encoding.term(step.duration_ms, scope)
                sure_ms = state.ledger.sure_ms + self.mover.surely(step.duration_ms, exact)
                waited = self._waited(index, exact, state)
                return replace(state, ledger=replace(waited, sure_ms=sure_ms))
            case Reverse():
                return replace(state, flips=frozenset(not flip for flip in state.flips))
            case Classify():
                return state
        assert_never(step)

    def _asked(self, index: int, step: Human, state: State) -> State:
        """A person was waited for: without bound, or for as long as the step allows at most."""
        state = replace(state, ledger=overflowing(state), pending=NONE)
        if step.within_ms is None:
            state = replace(state, ledger=_answered(state.ledger, index))
        else:
            waited = self._waited(index, constant(step.within_ms), state)
            asked_ms = state.ledger.asked_ms + (waited.elapsed_ms - state.ledger.elapsed_ms)
            state = replace(state, ledger=replace(waited, asked_ms=asked_ms))
        if not isinstance(step, Record):
            return state
        records = {**dict(state.records), step.variable: self._recorded(index, step.variable)}
        return replace(state, records=tuple(records.items()))

    def _waited(self, index: int, exact_ms: Polynomial, state: State) -> Ledger:
        ledger = state.ledger
        if not ledger.started:
            return ledger
        time_ms = self.mover.arithmetic.whole_ticks(exact_ms)
        ledger = replace(ledger, elapsed_ms=ledger.elapsed_ms + time_ms)
        if not self.mover.pauses:
            return ledger
        cost = PauseCost(ZERO, ZERO, ZERO + self.mover.pause_ms, index)
        return ledger.paused(cost, self.environment)

    def _recorded(self, index: int, variable: str) -> str:
        """The variable for what is entered here: its own name where it is entered once, else one of this
        place.
        """
        places = [step for step in self.plan.steps if isinstance(step, Record) and step.variable == variable]
        once = len(places) == 1 and not any(index in body for body in self._bodies.values())
        if once:
            return variable
        return self.environment.copy(variable, f"{index} entered{self.mover.apart}", lambda: ())

    # --- choices and repetitions --------------------------------------------------------------------

    def _parted(self, index: int, step: Branch, state: State) -> Iterator[tuple[int, State]]:
        scope = self.mover.scope(state, f"{index}", step.condition)
        condition = self.encoding.formula(step.condition, scope)
        origin = Origin("the way taken here", step.span)
        for target, holds, formula in (
            (step.then, True, condition),
            (step.otherwise, False, negation(condition)),
        ):
            if formula == TRUE:
                yield target, state
            elif formula != FALSE:
                guard = branch_guard(index, holds, formula, origin)
                yield target, replace(state, path=(*state.path, guard))

    def _repeated(self, index: int, step: Loop, state: State, keep: bool) -> Iterator[tuple[int, State]]:
        state = replace(state, ledger=overflowing(state), pending=NONE)
        rounds, guards = self._rounds_of(index, step, state)
        inside = replace(state, path=(*state.path, *guards), records=self._unknown(index, state, "round"))
        first = replace(inside, ledger=Ledger(started=state.ledger.started))
        count = step.count.value if isinstance(step.count, Constant) else None
        body, begins = self._one_round(index, step, first, again=count is None or count > 1)
        self._visit(index, state, state, None, keep, Ledger() if body is None else body.ledger)
        if body is None:
            return  # no round comes back: every one ends the treatment
        added = replace(body.ledger, elapsed_ms=self._round_ms(index, step, state, body.ledger))
        if step.period_ms is not None or step.within_ms is not None:
            # Who answers sooner only waits longer for the next round, or sees more rounds.
            added = replace(added, asked_ms=ZERO)
        before, ended = self._after_rounds(index, step, state, added, rounds)
        if keep:
            last = replace(inside, levels=begins.levels, flips=begins.flips, waveforms=begins.waveforms)
            last = replace(last, ledger=before)
            self.region(step.body, last, index, keep=True)
        left = either(state, body) if count is None or count < 1 else body
        yield (
            step.exit,
            replace(
                state,
                levels=left.levels,
                signs=left.signs,
                flips=left.flips,
                waveforms=left.waveforms,
                records=self._unknown(index, state, "done"),
                ledger=ended,
            ),
        )

    def _on_demand(self, index: int, step: Demand, state: State, keep: bool) -> Iterator[tuple[int, State]]:
        state = replace(state, ledger=overflowing(state), pending=NONE)
        started = state.ledger.started or step.basal_na != NO_CURRENT
        if step.basal_na != NO_CURRENT:
            state = replace(state, waveforms=state.waveforms | {None})  # between doses direct current flows
        body, _ = self._one_round(index, step, replace(state, ledger=Ledger(started=started)), again=True)
        dose = Ledger(started=started) if body is None else body.ledger
        block = block_of(self.mover, index, step, state, dose)
        after = ledger_of(self.mover, block, state.ledger, dose, block.doses, over=True)
        motion = standing_by(self.mover, block, state)
        counted = self.counted is None or motion is None or motion.flows(self.counted)
        if not counted:
            block, motion = silent(self.mover, block, motion)
            after = ledger_of(self.mover, block, state.ledger, dose, block.doses, over=True)
        # The head is seen at the end of its time, when all doses are over.
        standby_ms = block.within_ms if block.has_basal else None
        standby_ms = standby_ms if counted else ZERO
        self._visit(index, state, replace(state, ledger=after), motion, keep, dose, standby_ms)
        if keep:
            last = replace(
                state,
                path=(*state.path, *block.given),
                ledger=ledger_of(self.mover, block, state.ledger, dose, block.doses - 1, over=False),
            )
            self.region(step.body, last, index, keep=True)
        signs = state.signs if body is None else state.signs | body.signs
        yield step.exit, replace(state, signs=signs, ledger=after)

    def _after_rounds(
        self, index: int, step: Loop, state: State, added: Ledger, rounds: Polynomial
    ) -> tuple[Ledger, Ledger]:
        """The ledgers before the last round and after it. One that is bounded by a time begins within it."""
        before, after = state.ledger.plus(added, rounds - 1), state.ledger.plus(added, rounds)
        if step.within_ms is None:
            return before, after
        scope = self.mover.scope(state, f"{index} within", step.within_ms)
        within_ms = self.mover.arithmetic.whole_ticks(self.encoding.term(step.within_ms, scope))
        counted_ms = added.elapsed_ms * (rounds - 1)
        begun_ms = self.environment.smallest((counted_ms, within_ms), f"last round of {index}")
        elapsed_ms = state.ledger.elapsed_ms + begun_ms
        return (
            replace(before, elapsed_ms=elapsed_ms),
            replace(after, elapsed_ms=elapsed_ms + added.elapsed_ms),
        )

    def _rounds_of(self, index: int, step: Loop, state: State) -> tuple[Polynomial, tuple[Guard, ...]]:
        """How many rounds there are, and what is known when there is one at all."""
        scope = self.mover.scope(state, f"{index}", step.count)
        count = self.encoding.term(step.count, scope)
        low, high = self.environment.bounds(count)
        rounds = count
        if step.until is not None or step.within_ms is not None or low < 0:
            rounds = self.environment.fresh(
                ("rounds", index, count, self.mover.apart),
                f"rounds of {index}",
                (Fraction(0), max(Fraction(0), high)),
                lambda value: [at_most(value, count)] if low >= 0 else [self._at_most_some(value, count)],
                integer=True,
            )
        formula = at_least(rounds, 1)
        guards = (
            ()
            if formula == TRUE
            else (Guard(f"round:{index}", formula, Origin("a round is done", step.span)),)
        )
        return rounds, guards

    def _at_most_some(self, value: Polynomial, count: Polynomial) -> Formula:
        return disjunction((at_most(value), at_most(value, count)))

    def _one_round(
        self, index: int, step: Loop | Demand, first: State, *, again: bool
    ) -> tuple[State | None, State]:
        """What a round adds, and the levels and polarities at which any round may begin.

        Where there may be no round `again`, the only one begins as the first.
        """
        known = self._known_rounds.get((index, first))
        if known is None:
            known = self._known_rounds[index, first] = self._apart(index, step, first, again)
        return known

    def _apart(
        self, index: int, step: Loop | Demand, first: State, again: bool
    ) -> tuple[State | None, State]:
        """A round of any values, with the pauses of a round of any other values.

        What all of them add is at most so many times what one adds; but where rounds differ pauses may cost
        most in another one, and so may a stop in the last.
        """
        body, begins = self._followed_round(index, step, first, again, f" each {index}")
        differ = len(begins.levels) > 1 or may_differ(self.encoding, self._bodies[index])
        if body is None or not body.ledger.pauses or not differ:
            return body, begins
        dearest, _ = self._followed_round(index, step, first, again, f" paused {index}")
        assert dearest is not None, "the same steps lead back again"
        return replace(body, ledger=replace(body.ledger, pauses=dearest.ledger.pauses)), begins

    def _followed_round(
        self, index: int, step: Loop | Demand, first: State, again: bool, apart: str
    ) -> tuple[State | None, State]:
        """Follow rounds until they begin alike; what may differ has values of its own, called `apart`."""
        outer, self.mover.apart = self.mover.apart, self.mover.apart + apart
        try:
            inside = replace(first, records=self._unknown(index, first, "round"))
            if not again:
                return self.region(step.body, inside, index, keep=False), inside
            return self._until_alike(index, step, inside)
        finally:
            self.mover.apart = outer

    def _until_alike(self, index: int, step: Loop | Demand, first: State) -> tuple[State | None, State]:
        entered = first
        for _ in range(ROUNDS_FOLLOWED_MAX):
            body = self.region(step.body, entered, index, keep=False)
            if body is None:
                return None, entered
            begun = either(entered, body)
            begun = replace(begun, signs=entered.signs)  # no well-formed round leaves another one
            if begun == entered:
                return body, entered
            entered = begun
        raise AssertionError("a round leaves one of the levels that its steps write")

    def _round_ms(self, index: int, step: Loop, state: State, body: Ledger) -> Polynomial:
        """How long a round takes: its steps, or its period if that is longer."""
        if step.period_ms is None or not body.started:
            return body.elapsed_ms
        scope = self.mover.scope(state, f"{index} period", step.period_ms)
        period = self.mover.arithmetic.whole_ticks(self.encoding.term(step.period_ms, scope))
        return self.environment.upper((body.elapsed_ms, period), f"round of {index}")

    def _unknown(self, index: int, state: State, when: str) -> Renaming:
        """What is recorded inside a loop is any value when a round begins, and when the loop is left."""
        records = dict(state.records)
        for inside in sorted(self._bodies[index]):
            step = self.plan.steps[inside]
            if isinstance(step, Record):
                place = f"{index} {when}{self.mover.apart}"
                records[step.variable] = self.environment.copy(step.variable, place, lambda: ())
        return tuple(records.items())


def _answered(ledger: Ledger, index: int) -> Ledger:
    """A person was waited for."""
    return replace(ledger, humans=(*ledger.humans, index)) if ledger.started else ledger


def _ranks(plan: Plan) -> tuple[int, ...]:
    """Places of the steps in an order in which every step comes after those that lead to it, loops entered
    once.

    The body of a loop comes before what follows the loop; the way back to the loop is left out.
    """
    finished: list[int] = []
    state = [0] * len(plan.steps)
    pending = [(plan.entry, False)]
    while pending:
        index, done = pending.pop()
        if done:
            finished.append(index)
        elif not state[index]:
            state[index] = 1
            pending.append((index, True))
            pending.extend((target, False) for target in successors(plan.steps[index]) if not state[target])
    ranks = [0] * len(plan.steps)
    for place, index in enumerate(reversed(finished)):
        ranks[index] = place
    return tuple(ranks)
