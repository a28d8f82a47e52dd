"""From typed blocks to a flat list of steps with explicit successors, following the planned current on the
way.

Structure is checked here, because here it is known: zero where the output must be off, no way through zero,
the same current at the beginning and the end of every round, records before they are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from ionto_dsl import typed
from ionto_dsl.assembler import Assembler, Early
from ionto_dsl.bounds import Extents, extent_of
from ionto_dsl.currents import (
    Grid,
    above_zero,
    operand,
    ramp_charge_min,
)
from ionto_dsl.doses import add_on_demand
from ionto_dsl.flow import OFF, UNKNOWN, Current, State, meet
from ionto_dsl.moving import add_hold_for, add_hold_until, add_ramp
from ionto_dsl.persons import add_move, add_record, add_tell, add_turn
from ionto_dsl.polarity import Reversals, after_rounds, energises, turns_of
from ionto_dsl.rounds import count_of, within_of
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import Diagnostic, Label
from ionto_ir.expression import TRUE, ZERO, Constant, references
from ionto_ir.plan import (
    Branch,
    Classify,
    Finish,
    Hold,
    Loop,
    Ramp,
    Reverse,
    Section,
    Step,
    UntilTotal,
    Wait,
)
from ionto_ir.source import Span
from ionto_ir.units import TIME

STEPS_MAX = 20_000
"""Steps of a plan: as many items as a list in a plan may have."""
COMPLETED = "completed"
"""The reason of a treatment that came to its end."""


@dataclass(frozen=True, slots=True)
class Assembled:
    """The steps, how many counters they need, and why a drug is under the wrong pole, if one is."""

    steps: tuple[Step, ...]
    counters: int
    despite: str | None


def assemble(
    protocol: typed.Protocol,
    grid: Grid,
    extents: Extents,
    records: Mapping[str, Span],
    found: list[Diagnostic],
) -> Assembled:
    """The steps of a protocol on a device's grid; with errors in `found` they are good for nothing but more
    checks.
    """
    reversals = Reversals(protocol.electrodes, protocol.session, found)
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


def _finish_early(a: Assembler, early: Early, protocol: typed.Protocol) -> None:
    """What follows when a gate fails: care for the skin if anything flowed, then the end."""
    a.open_ends = [(early.step, early.way)]
    a.state = replace(early.state, current=OFF)
    a.section = early.section
    waiting, a.early = a.early, []
    if early.section is Section.SESSION and early.state.energised:
        a.section = Section.AFTER
        _block(a, protocol.after)
    a.emit(Finish(early.reason, False, a.section, early.span))
    for inner in a.early:
        a.open_ends = [(inner.step, inner.way)]
        a.emit(Finish(inner.reason, False, a.section, inner.span))
    a.early = waiting


def _block(a: Assembler, steps: Sequence[typed.Step]) -> None:
    for step in steps:
        if len(a.steps) > STEPS_MAX:
            return
        _one(a, step)


def _one(a: Assembler, step: typed.Step) -> None:
    if a.section is not Section.SESSION and isinstance(
        step,
        typed.Ramp
        | typed.HoldFor
        | typed.HoldUntil
        | typed.Deliver
        | typed.Wait
        | typed.Reverse
        | typed.OnDemand,
    ):
        message = f"this step stands in `{a.section.value}`, and current flows only in `session`"
        a.refuse("I0411", message, step.span, "not here", advice="move it into `session { ... }`")
        return
    match step:
        case typed.Ramp():
            add_ramp(a, step)
        case typed.HoldFor():
            add_hold_for(a, step)
        case typed.HoldUntil():
            add_hold_until(a, step)
        case typed.Deliver():
            _deliver(a, step)
        case typed.Wait():
            _wait(a, step)
        case typed.Reverse():
            _reverse(a, step)
        case typed.Repeat():
            _repeat(a, step)
        case typed.OnDemand():
            add_on_demand(a, step, _block)
        case typed.If():
            _if(a, step)
        case typed.Tell():
            add_tell(a, step)
        case typed.Turn():
            add_turn(a, step)
        case typed.Record():
            add_record(a, step)
        case typed.Move():
            add_move(a, step)
        case typed.Gate():
            _gate(a, step)
        case typed.Classify(variable, rows, span):
            a.recorded(frozenset({variable}), span)
            a.follow(Classify(variable, rows, 0, a.section, span))
        case _:
            assert_never(step)


def _deliver(a: Assembler, step: typed.Deliver) -> None:
    advice = "write the steps out: `ramp to`, `hold until` and `ramp to 0 mA`"
    message = "`deliver` counts the charge of the whole session, and "
    if a.rounds is not None:
        label = Label(a.rounds, "the repetition")
        a.refuse("I0439", message + "it is repeated here", step.span, "in a repetition", label, advice=advice)
    elif a.state.energised:
        text = "not the first step with current"
        a.refuse("I0439", message + "some has flowed before", step.span, text, advice=advice)
    for part in (step.up, step.hold, step.down):
        _one(a, part)


# Steps without current


def _wait(a: Assembler, step: typed.Wait) -> None:
    a.needs_zero("`wait` is time without current", step.span)
    time = None if step.duration is None else operand(step.duration, TIME, step.amount_span, a.found)
    if above_zero(time, "the time of a wait", step.amount_span, a.extents, a.found, zero_allowed=True):
        assert time is not None, "it is above zero"
        a.recorded(references(time), step.amount_span)
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
        a.state = replace(a.state, current=UNKNOWN)  # said once, for the first step that needs it
    a.state = replace(a.state, parities=frozenset(not parity for parity in a.state.parities))
    a.follow(Reverse(0, a.section, step.span))


def _gate(a: Assembler, step: typed.Gate) -> None:
    a.needs_zero("the treatment may end here", step.span)
    if step.condition is None:
        return
    a.recorded(references(step.condition), step.condition_span)
    a.decided(step.condition, step.condition_span)
    index = a.emit(Branch(step.condition, 0, 0, a.section, step.span))
    a.early.append(Early(index, "otherwise", step.reason, a.state, a.section, step.span))
    a.open_ends = [(index, "then")]


# Choices and repetitions


def _if(a: Assembler, step: typed.If) -> None:
    condition = TRUE if step.condition is None else step.condition
    a.recorded(references(condition), step.condition_span)
    if step.condition is not None:
        a.decided(condition, step.condition_span)
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
    within = within_of(a, step)
    count = count_of(a, step, within)
    period = None if step.period is None else operand(step.period, TIME, step.period_span, a.found)
    if step.period is not None:
        a.needs_zero("with `every` a round may have to wait for its time", step.span)
        if not above_zero(period, "the period of a repetition", step.period_span, a.extents, a.found):
            period = None
    before = a.state
    rounds = None if count is None else extent_of(count, a.extents)
    turns = turns_of(step.body)
    head = a.emit(Loop(a.counters, count or ZERO, step.until, period, 0, 0, a.section, step.span, within))
    a.counters += 1
    a.open_ends = [(head, "body")]
    a.state = replace(
        before,
        parities=after_rounds(before.parities, turns, None),
        energised=before.energised or energises(step.body),
    )
    outer, a.rounds = a.rounds, step.span
    _block(a, step.body)
    a.rounds, after = outer, a.state
    current = before.current if _returns(a, step, before.current, after.current) else UNKNOWN
    if step.until is not None:
        a.recorded(references(step.until), step.until_span)
    a.lead_to(head)
    a.open_ends = [(head, "exit")]
    certain = isinstance(count, Constant)
    least = 0 if rounds is None else max(0, rounds.lo)
    early = step.until is not None or within is not None
    if early:
        least = min(1, least)
    exact = rounds.lo if rounds is not None and rounds.lo == rounds.hi and not early else None
    a.state = State(
        current,
        after_rounds(before.parities, turns, exact),
        after.recorded if certain and least >= 1 else before.recorded,
        before.charge_pc_min + least * (after.charge_pc_min - before.charge_pc_min),
        after.energised,
    )


def _returns(a: Assembler, step: typed.Repeat, before: Current, after: Current) -> bool:
    """A round must end with the current with which it began, or the next one begins elsewhere."""
    if before.level_na is None or after.level_na is None:
        return True
    same_sign = not before.may_flow or before.reversed is after.reversed
    same_form = not before.may_flow or before.waveform == after.waveform
    if before.level_na != after.level_na or not same_sign or not same_form or after.joined:
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
        return False
    return True


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
