"""From typed blocks to a flat list of steps with explicit successors, following the planned current on the way.

Structure is checked here, because here it is known: zero where the output must be off, no way through zero, the
same current at the beginning and the end of every round, records before they are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from ionto_dsl import typed
from ionto_dsl.bounds import Extents, decide, extent_of
from ionto_dsl.currents import (
    Grid,
    above_zero,
    operand,
    ramp_charge_min,
    slope_of,
    target_of,
)
from ionto_dsl.flow import OFF, START, UNKNOWN, Current, State, meet
from ionto_dsl.polarity import Reversals, after_rounds, turns_of
from ionto_ir.diagnostic import Diagnostic, Label, error, warning
from ionto_ir.expression import TRUE, ZERO, Expression, references
from ionto_ir.plan import (
    Branch,
    Classify,
    Confirm,
    Finish,
    ForTime,
    Hold,
    Instruct,
    Loop,
    Ramp,
    Record,
    Reverse,
    Section,
    Slope,
    Step,
    UntilCharge,
    UntilTotal,
    Wait,
)
from ionto_ir.source import Span
from ionto_ir.units import CHARGE, DIMENSIONLESS, TIME

STEPS_MAX = 20_000
"""Steps of a plan: as many items as a list in a plan may have."""
ROUNDS_MAX = 10_000
"""Rounds of a repetition; a day of one-second pulses by hand would be more, and no treatment is."""
COMPLETED = "completed"
"""The reason of a treatment that came to its end."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """The steps and what else the walk found out: how many counters, and why a drug is under the wrong pole."""

    steps: tuple[Step, ...]
    counters: int
    despite: str | None


@dataclass(frozen=True, slots=True)
class _Early:
    """A gate whose way out is still to be built."""

    branch: int
    reason: str
    state: State
    section: Section
    span: Span


@dataclass(frozen=True, slots=True)
class _Total:
    """A `hold until total` whose descent is known only when the next step is."""

    index: int
    charge_pc_min: int
    span: Span


class Assembler:
    """The list of steps as it grows. `open_ends` are successors that the next step will be."""

    __slots__ = (
        "counters",
        "early",
        "extents",
        "found",
        "grid",
        "open_ends",
        "records",
        "reversals",
        "section",
        "state",
        "steps",
        "totals",
    )

    def __init__(
        self,
        grid: Grid,
        extents: Extents,
        records: Mapping[str, Span],
        reversals: Reversals,
        found: list[Diagnostic],
    ) -> None:
        self.grid = grid
        self.extents = extents
        self.records = records
        self.reversals = reversals
        self.found = found
        self.steps: list[Step] = []
        self.open_ends: list[tuple[int, str]] = []
        self.early: list[_Early] = []
        self.totals: list[_Total] = []
        self.state = START
        self.section = Section.BEFORE
        self.counters = 0

    def emit(self, step: Step) -> int:
        """Append a step; everything that was waiting for a successor leads to it."""
        index = len(self.steps)
        self.lead_to(index)
        self.steps.append(step)
        return index

    def lead_to(self, index: int) -> None:
        """Let all open ends lead to a step."""
        for step, attribute in self.open_ends:
            self.steps[step] = replace(self.steps[step], **{attribute: index})  # type: ignore[arg-type]
        self.open_ends = []

    def follow(self, step: Step) -> int:
        """Append a step that has one successor."""
        index = self.emit(step)
        self.open_ends.append((index, "next"))
        return index

    def refuse(
        self, code: str, message: str, span: Span, text: str, *labels: Label, advice: str | None = None
    ) -> None:
        """Report an error."""
        self.found.append(error(code, message, span, text, labels=labels, help=advice))


def assemble(
    protocol: typed.Protocol,
    grid: Grid,
    extents: Extents,
    records: Mapping[str, Span],
    found: list[Diagnostic],
) -> Assembled:
    """The steps of a protocol on a device's grid; with errors in `found` they are good for nothing but more checks."""
    reversals = Reversals(protocol.electrodes, found)
    a = Assembler(grid, extents, records, reversals, found)
    for section, block in (
        (Section.BEFORE, protocol.before),
        (Section.SESSION, protocol.session),
        (Section.AFTER, protocol.after),
    ):
        a.section = section
        _block(a, block)
        if section is Section.SESSION:
            _end_of_session(a, protocol)
    a.emit(Finish(COMPLETED, True, Section.AFTER, protocol.span))
    for early in a.early:
        _finish_early(a, early, protocol)
    _descents(a)
    if len(a.steps) > STEPS_MAX:
        message = f"this protocol has {len(a.steps)} steps, and a plan has at most {STEPS_MAX}"
        a.refuse("I0461", message, protocol.span, "too large")
    return Assembled(tuple(a.steps), a.counters, reversals.despite)


def _end_of_session(a: Assembler, protocol: typed.Protocol) -> None:
    current = a.state.current
    if current.may_flow and protocol.session:
        last = protocol.session[-1]
        a.refuse(
            "I0432",
            "the session ends while current flows",
            last.span,
            "the last step",
            advice="end it with `ramp to 0 mA over 30 s`",
        )
    a.state = replace(a.state, current=OFF)


def _finish_early(a: Assembler, early: _Early, protocol: typed.Protocol) -> None:
    """What follows when a gate fails: care for the skin if anything flowed, then the end."""
    a.open_ends = [(early.branch, "otherwise")]
    a.state = replace(early.state, current=OFF)
    a.section = early.section
    waiting, a.early = a.early, []
    if early.section is Section.SESSION and early.state.energised:
        a.section = Section.AFTER
        _block(a, protocol.after)
    a.emit(Finish(early.reason, False, a.section, early.span))
    for inner in a.early:
        a.open_ends = [(inner.branch, "otherwise")]
        a.emit(Finish(inner.reason, False, a.section, inner.span))
    a.early = waiting


def _block(a: Assembler, steps: Sequence[typed.Step]) -> None:
    for step in steps:
        if len(a.steps) > STEPS_MAX:
            return
        _one(a, step)


def _one(a: Assembler, step: typed.Step) -> None:
    if a.section is not Section.SESSION and isinstance(
        step, typed.Ramp | typed.HoldFor | typed.HoldUntil | typed.Deliver | typed.Wait | typed.Reverse
    ):
        message = f"this step stands in `{a.section.value}`, and current flows only in `session`"
        a.refuse("I0411", message, step.span, "not here", advice="move it into `session { ... }`")
        return
    match step:
        case typed.Ramp():
            _ramp(a, step)
        case typed.HoldFor():
            _hold_for(a, step)
        case typed.HoldUntil():
            _hold_until(a, step)
        case typed.Deliver():
            _deliver(a, step)
        case typed.Wait():
            _wait(a, step)
        case typed.Reverse():
            _reverse(a, step)
        case typed.Repeat():
            _repeat(a, step)
        case typed.If():
            _if(a, step)
        case typed.Tell(confirm, text, span):
            _needs_zero(a, "a person is spoken to", span)
            kind = Confirm if confirm else Instruct
            a.follow(kind(text, 0, a.section, span))
        case typed.Record(variable, span):
            _needs_zero(a, "a value is recorded", span)
            a.follow(Record(variable, 0, a.section, span))
            a.state = replace(a.state, recorded=a.state.recorded | {variable})
        case typed.Gate():
            _gate(a, step)
        case typed.Classify(variable, rows, span):
            _recorded(a, frozenset({variable}), span)
            a.follow(Classify(variable, rows, 0, a.section, span))
        case _:
            assert_never(step)


# Steps with current


def _ramp(a: Assembler, step: typed.Ramp) -> None:
    start = a.state.current
    target = target_of(step, a.grid, a.extents, a.found)
    if target is not None:
        _recorded(a, references(target.level_na), step.target_span)
    if target is None or start.level_na is None:
        slope_of(step, ZERO, ZERO, a.extents, a.found)  # for its own errors
        a.state = replace(
            a.state, current=UNKNOWN if target is None else Current(target.level_na, target.reversed)
        )
        return
    if target.level_na != ZERO and start.may_flow and target.reversed is not start.reversed:
        a.refuse(
            "I0433",
            "this ramp passes through zero",
            step.target_span,
            "the other direction",
            advice="ramp to 0 mA first, so that the change of direction is a step of its own",
        )
    slope = slope_of(step, start.level_na, target.level_na, a.extents, a.found)
    if slope is not None:
        _recorded(a, references(slope.delta_na) | references(slope.over_ms), step.pace_span)
        _move(a, step, start.level_na, target.level_na, slope, target.reversed)
    flows = target.level_na != ZERO
    if flows:
        a.reversals.check(a.state.parities, target.reversed, step.target_span)
    current = Current(target.level_na, target.reversed) if flows else OFF
    a.state = replace(a.state, current=current, energised=a.state.energised or flows)


def _move(
    a: Assembler, step: typed.Ramp, start: Expression, target: Expression, slope: Slope, reversed_: bool
) -> None:
    if start == target:
        # There is nothing to move, and a slope of zero would never bring the current back after a pause.
        a.found.append(
            warning(
                "I0505",
                "this ramp changes nothing",
                step.span,
                "it starts where it ends",
                help="leave it out, or write `hold for` if the time is meant",
            )
        )
        if step.by_time:
            a.follow(Hold(start, ForTime(slope.over_ms), 0, a.section, step.span))
        return
    sign = reversed_ if target != ZERO else a.state.current.reversed
    a.follow(Ramp(target, start, slope, sign, 0, a.section, step.span))
    charge = a.state.charge_pc_min + ramp_charge_min(start, target, slope, a.extents)
    a.state = replace(a.state, charge_pc_min=charge)


def _held_level(a: Assembler, span: Span) -> Expression | None:
    """The current that a hold keeps; None when it is not known, or depends on the way taken."""
    current = a.state.current
    if not current.joined:
        return current.level_na
    a.refuse(
        "I0437",
        "which current is held depends on the way taken before",
        span,
        "different currents meet here",
        advice="ramp to the current that is to be held first",
    )
    return None


def _hold_for(a: Assembler, step: typed.HoldFor) -> None:
    level = _held_level(a, step.span)
    time = None if step.duration is None else operand(step.duration, TIME, step.span, a.found)
    if not above_zero(time, "the time of a hold", step.span, a.extents, a.found, zero_allowed=True):
        return
    assert time is not None, "it is above zero"
    _recorded(a, references(time), step.span)
    if level is not None:
        a.follow(Hold(level, ForTime(time), 0, a.section, step.span))
        low, long = extent_of(level, a.extents), extent_of(time, a.extents)
        if low is not None and long is not None:
            charge = a.state.charge_pc_min + max(0, low.lo) * max(0, long.lo)
            a.state = replace(a.state, charge_pc_min=charge)


def _hold_until(a: Assembler, step: typed.HoldUntil) -> None:
    level = _held_level(a, step.span)
    charge = None if step.charge is None else operand(step.charge, CHARGE, step.amount_span, a.found)
    if not above_zero(charge, "the charge of a hold", step.amount_span, a.extents, a.found):
        return
    assert charge is not None, "it is above zero"
    _recorded(a, references(charge), step.amount_span)
    if level == ZERO:
        a.refuse(
            "I0438",
            "no current flows here, so this charge is never reached",
            step.span,
            "would never end",
            advice="ramp to a current first",
        )
        return
    if level is None:
        return
    if step.total:
        index = a.follow(Hold(level, UntilTotal(charge, None), 0, a.section, step.span))
        a.totals.append(_Total(index, a.state.charge_pc_min, step.amount_span))
    else:
        a.follow(Hold(level, UntilCharge(charge), 0, a.section, step.span))


def _deliver(a: Assembler, step: typed.Deliver) -> None:
    if a.state.energised:
        a.refuse(
            "I0439",
            "`deliver` counts the charge of the whole session, and some has flowed before",
            step.span,
            "not the first step with current",
            advice="write the steps out: `ramp to`, `hold until` and `ramp to 0 mA`",
        )
    for part in (step.up, step.hold, step.down):
        _one(a, part)


# Steps without current


def _needs_zero(a: Assembler, why: str, span: Span) -> None:
    current = a.state.current
    if current.may_flow:
        a.refuse(
            "I0434",
            f"{why}, and current flows",
            span,
            "needs the output off",
            advice="write `ramp to 0 mA over 30 s` before it",
        )


def _wait(a: Assembler, step: typed.Wait) -> None:
    _needs_zero(a, "`wait` is time without current", step.span)
    time = None if step.duration is None else operand(step.duration, TIME, step.span, a.found)
    if above_zero(time, "the time of a wait", step.span, a.extents, a.found, zero_allowed=True):
        assert time is not None, "it is above zero"
        _recorded(a, references(time), step.span)
        a.follow(Wait(time, step.text, 0, a.section, step.span))


def _reverse(a: Assembler, step: typed.Reverse) -> None:
    if a.state.current.may_flow:
        a.refuse(
            "I0431",
            "the polarity is reversed while current flows",
            step.span,
            "the current is not zero here",
            advice="write `ramp to 0 mA over 30 s` before it and ramp up again after it",
        )
    a.reversals.turned(step)
    a.state = replace(a.state, parities=frozenset(not parity for parity in a.state.parities))
    a.follow(Reverse(0, a.section, step.span))


def _gate(a: Assembler, step: typed.Gate) -> None:
    _needs_zero(a, "the treatment may end here", step.span)
    if step.condition is None:
        return
    _recorded(a, references(step.condition), step.span)
    _decided(a, step.condition, step.span)
    index = a.emit(Branch(step.condition, 0, 0, a.section, step.span))
    a.early.append(_Early(index, step.reason, a.state, a.section, step.span))
    a.open_ends = [(index, "then")]


# Choices and repetitions


def _if(a: Assembler, step: typed.If) -> None:
    condition = TRUE if step.condition is None else step.condition
    _recorded(a, references(condition), step.span)
    if step.condition is not None:
        _decided(a, condition, step.span)
    index = a.emit(Branch(condition, 0, 0, a.section, step.span))
    before = a.state
    a.open_ends = [(index, "then")]
    _block(a, step.then)
    after_then, ends = a.state, a.open_ends
    a.state, a.open_ends = before, [(index, "otherwise")]
    _block(a, step.otherwise)
    a.open_ends = ends + a.open_ends
    meeting = meet(step.condition, after_then, a.state)
    if meeting.opposed:
        a.refuse(
            "I0436",
            "the two ways of this choice end with currents in opposite directions",
            step.span,
            "which one flows afterwards?",
            advice="let both ways end at 0 mA",
        )
    a.state = meeting.state


def _repeat(a: Assembler, step: typed.Repeat) -> None:
    count = _count(a, step)
    period = None if step.period is None else operand(step.period, TIME, step.span, a.found)
    if step.period is not None:
        _needs_zero(a, "with `every` a round may have to wait for its time", step.span)
        if not above_zero(period, "the period of a repetition", step.span, a.extents, a.found):
            period = None
    before = a.state
    rounds = None if count is None else extent_of(count, a.extents)
    turns = turns_of(step.body)
    head = a.emit(Loop(a.counters, count or ZERO, step.until, period, 0, 0, a.section, step.span))
    a.counters += 1
    a.open_ends = [(head, "body")]
    a.state = replace(before, parities=after_rounds(before.parities, turns, None), energised=before.energised)
    _rounds_of_deliver(a, step)
    _block(a, step.body)
    after = a.state
    _returns(a, step, before.current, after.current)
    if step.until is not None:
        _recorded(a, references(step.until), step.span)
    a.lead_to(head)
    a.open_ends = [(head, "exit")]
    certain = rounds is not None and count is not None and not references(count)
    least = 0 if rounds is None else max(0, rounds.lo)
    if step.until is not None:
        least = min(1, least)
    exact = rounds.lo if rounds is not None and rounds.lo == rounds.hi and step.until is None else None
    a.state = State(
        before.current,
        after_rounds(before.parities, turns, exact),
        after.recorded if certain and least >= 1 else before.recorded,
        before.charge_pc_min + least * (after.charge_pc_min - before.charge_pc_min),
        after.energised,
    )


def _count(a: Assembler, step: typed.Repeat) -> Expression | None:
    if step.count is None:
        return None
    count = operand(step.count, DIMENSIONLESS, step.span, a.found)
    extent = None if count is None else extent_of(count, a.extents)
    if count is None or extent is None:
        return None
    _recorded(a, references(count), step.span)
    if extent.hi <= 0 or extent.lo < 0:
        message = "a repetition takes place at least once"
        label = "never" if extent.hi <= 0 else "a negative number of times for some values"
        a.refuse("I0412", message, step.span, label)
        return None
    if extent.hi > ROUNDS_MAX:
        message = f"this repetition may take place {extent.hi} times"
        a.refuse("I0412", message, step.span, f"at most {ROUNDS_MAX} rounds are allowed")
        return None
    return count


def _rounds_of_deliver(a: Assembler, step: typed.Repeat) -> None:
    for inner in step.body:
        if isinstance(inner, typed.Deliver):
            a.refuse(
                "I0439",
                "`deliver` counts the charge of the whole session, so it cannot be repeated",
                inner.span,
                "in a repetition",
                Label(step.span, "the repetition"),
                advice="write the steps out: `ramp to`, `hold until` and `ramp to 0 mA`",
            )


def _returns(a: Assembler, step: typed.Repeat, before: Current, after: Current) -> None:
    """A round must end with the current with which it began, or the next one begins elsewhere."""
    if before.level_na is None or after.level_na is None:
        return
    same_sign = not before.may_flow or before.reversed is after.reversed
    if before.level_na != after.level_na or not same_sign or after.joined:
        last = step.body[-1]
        begin = "0 mA" if before.is_zero else "the current with which it began"
        a.refuse(
            "I0435",
            "a round ends with another current than the one with which it began",
            last.span,
            "the last step of the round",
            Label(step.span, "the repetition"),
            advice=f"let the round end at {begin}",
        )


# Values on the way


def _recorded(a: Assembler, names: frozenset[str], span: Span) -> None:
    """Refuse the use of a record on a way on which it was not recorded."""
    for name in sorted(names & a.records.keys() - a.state.recorded):
        a.refuse(
            "I0410",
            f"`{name}` is used before it is recorded",
            span,
            "not known on every way that leads here",
            Label(a.records[name], "recorded here"),
            advice=f"`record {name}` on every way before this step",
        )


def _decided(a: Assembler, condition: Expression, span: Span) -> None:
    """Point at a choice that is none."""
    outcome = decide(condition, a.extents)
    if outcome is not None:
        text = "always holds" if outcome else "never holds"
        a.found.append(warning("I0509", f"this condition {text}", span, "there is nothing to choose"))


def _descents(a: Assembler) -> None:
    """Let every `until total` look ahead at the ramp to zero that directly follows it, if one does."""
    for total in a.totals:
        hold = a.steps[total.index]
        assert isinstance(hold, Hold) and isinstance(hold.until, UntilTotal), "it was noted as such"
        following = a.steps[hold.next]
        descent = None
        charge_min = total.charge_pc_min
        if isinstance(following, Ramp) and following.target_na == ZERO:
            descent = following.slope
            charge_min += ramp_charge_min(following.start_na, ZERO, descent, a.extents)
        a.steps[total.index] = replace(hold, until=replace(hold.until, descent=descent))
        limit = extent_of(hold.until.charge_pc, a.extents)
        if limit is not None and charge_min > limit.hi:
            a.refuse(
                "I0417",
                "what comes before this hold, and the ramp after it, deliver more than this total",
                total.span,
                "already passed",
                advice="shorten the ramps, lower the current, or raise the total",
            )
