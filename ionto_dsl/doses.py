"""Blocks on demand, appended to a plan: to the basal current, a dose as it is written, and back to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ionto_dsl import typed
from ionto_dsl.assembler import Assembler
from ionto_dsl.bounds import extent_of
from ionto_dsl.currents import above_zero, distance, operand, target_of
from ionto_dsl.flow import OFF, UNKNOWN, Current
from ionto_dsl.moving import add_planned_ramp
from ionto_dsl.polarity import energises
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Label
from ionto_ir.expression import ZERO, Constant, Expression, references
from ionto_ir.plan import Demand, DoseRule, Slope
from ionto_ir.source import Span
from ionto_ir.units import DIMENSIONLESS, TIME
from ionto_ir.waveform import Waveform

DOSES_MAX = 10_000
"""Doses of one block; as many as a repetition has rounds."""

SECOND_MS = 1000


def add_on_demand(
    a: Assembler, step: typed.OnDemand, block: Callable[[Assembler, Sequence[typed.Step]], None]
) -> None:
    """Append a block; `block` appends the steps of a dose."""
    if _misplaced(a, step):
        return
    basal = _basal(a, step)
    numbers = _numbers(a, step)
    if basal is None or numbers is None:
        return
    _go_to(a, basal, step.basal_span)
    before = a.state
    head = a.emit(replace(numbers, basal_na=basal.level_na or ZERO, section=a.section))
    a.open_ends = [(head, "body")]
    a.state = replace(before, current=basal, energised=before.energised or energises(step.body))
    a.demand = step.span
    block(a, step.body)
    a.demand = None
    _go_to(a, basal, step.span, a.state.current.waveform)
    a.lead_to(head)
    a.open_ends = [(head, "exit")]
    a.state = replace(before, current=basal, energised=a.state.energised)


def _misplaced(a: Assembler, step: typed.OnDemand) -> bool:
    """Refuse a block that is repeated or given on demand itself, and steps that cannot be in a dose."""
    around = a.rounds or a.demand
    if around is not None:
        what = "a repetition" if a.rounds is not None else "another block on demand"
        label = Label(around, "the repetition" if a.rounds is not None else "the other block")
        message = f"a block on demand stands in {what}, and its counts would begin anew each time"
        a.refuse("I0472", message, step.span, "not here", label, advice="move it out, and raise its counts")
        return True
    if step.text in a.buttons:
        message = f"there are two buttons called `{step.text}`"
        a.refuse("I0472", message, step.span, "the name is taken", advice="give each its own name")
        return True
    a.buttons.add(step.text)
    if not energises(step.body):
        message = f"a dose of `{step.text}` gives no current"
        a.refuse("I0474", message, step.span, "nothing flows in it", advice="ramp to a current and hold it")
        return True
    for wrong, why, advice in _unfit(step.body, step.basal is not None):
        a.refuse("I0474", why, wrong, "not in a dose", Label(step.span, "the block"), advice=advice)
        return True
    return False


def _unfit(steps: Sequence[typed.Step], basal: bool) -> Iterator[tuple[Span, str, str]]:
    for step in steps:
        match step:
            case typed.Tell() | typed.Turn() | typed.Record() | typed.Gate() | typed.Classify():
                why = "a dose begins whenever somebody asks, and this step waits for a person or ends it all"
                yield step.span, why, "move it before or after the block"
            case typed.Reverse():
                yield step.span, "the polarity is reversed in a dose", "move it before or after the block"
            case typed.Wait() if basal:
                why = "this step needs the output off, and the basal current flows"
                yield step.span, why, "hold the current that is meant"
            case typed.HoldUntil(total=True) | typed.Deliver():
                why = "a total of the session is reached once, and a dose is given many times"
                yield step.span, why, "write `hold until` with the charge of one dose"
            case typed.If(_, then, otherwise):
                yield from _unfit((*then, *otherwise), basal)
            case typed.Repeat(body=body):
                yield from _unfit(body, basal)
            case _:
                pass


def _basal(a: Assembler, step: typed.OnDemand) -> Current | None:
    """The basal current on the device's grid; off where none was written."""
    if step.basal is None:
        return OFF
    ramp = typed.Ramp(step.basal, False, False, None, None, step.basal_span, step.basal_span, step.span)
    target = target_of(ramp, a.grid, a.extents, a.found)
    if target is None:
        return None
    a.recorded(references(target.level_na), step.basal_span)
    if not above_zero(target.level_na, "a basal current", step.basal_span, a.extents, a.found):
        return None
    return Current(target.level_na, target.reversed)


def _numbers(a: Assembler, step: typed.OnDemand) -> Demand | None:
    """The head of the block with its counts and times; None after an error."""
    lockout: Expression | None = ZERO
    if step.lockout is not None:
        lockout = operand(step.lockout, TIME, step.lockout_span, a.found)
        if not above_zero(lockout, "a lockout", step.lockout_span, a.extents, a.found, zero_allowed=True):
            lockout = None
    rules = [_rule(a, rule) for rule in step.rules]
    whole = _rule(a, step.all)
    kept = tuple(rule for rule in rules if rule is not None)
    if lockout is None or whole is None or len(kept) < len(rules):
        return None
    a.recorded(references(lockout), step.lockout_span)
    return Demand(
        step.text,
        ZERO,
        lockout,
        step.from_end,
        kept,
        whole.count,
        whole.window_ms,
        0,
        0,
        a.section,
        step.span,
    )


def _rule(a: Assembler, rule: typed.DoseRule) -> DoseRule | None:
    count = None if rule.count is None else operand(rule.count, DIMENSIONLESS, rule.count_span, a.found)
    window = None if rule.window is None else operand(rule.window, TIME, rule.window_span, a.found)
    fits = above_zero(count, "the number of doses", rule.count_span, a.extents, a.found)
    fits = above_zero(window, "the time for doses", rule.window_span, a.extents, a.found) and fits
    if not fits or count is None or window is None:
        return None
    most = extent_of(count, a.extents)
    if most is not None and most.hi > DOSES_MAX:
        message = f"there may be {most.hi} doses"
        a.refuse("I0470", message, rule.count_span, f"at most {DOSES_MAX} doses are allowed")
        return None
    a.recorded(references(count) | references(window), rule.window_span)
    return DoseRule(count, window)


def _go_to(a: Assembler, basal: Current, span: Span, waveform: Waveform | None = None) -> None:
    """To the basal current from wherever the current is, unless it is there: as a stop or a resume moves."""
    start, target = a.state.current, basal.level_na
    if start.level_na is None or target is None or start.level_na == target:
        return
    if target != ZERO and start.may_flow and start.reversed is not basal.reversed:
        message = "a dose ends with a current opposite to the basal one"
        a.refuse("I0475", message, span, "passes through zero", advice="let the dose end at 0 mA")
        a.state = replace(a.state, current=UNKNOWN)
        return
    slope = Slope(Constant(a.grid.return_na_s), Constant(SECOND_MS))
    if distance(start.level_na, target, a.extents) != ZERO:
        add_planned_ramp(a, start.level_na, target, slope, basal.reversed, span, waveform)
    a.state = replace(a.state, current=basal)
