"""The sequencer: follows a plan step by step and says what it wishes of the next tick.

It only wishes. Whatever it computes, the machine's table bounds what is set, so nothing here has to be right
for the limits to hold; it has to be right for the therapy. A step that has done its part is left at the next
tick, and every tick belongs to one step.
"""

from __future__ import annotations

from typing import Final, assert_never

from ionto_ir.doses import enter_block, standby
from ionto_ir.events import Command, Prompt, PromptKind, Record
from ionto_ir.expression import Environment, Expression
from ionto_ir.gliding import BrokenError as BrokenError
from ionto_ir.gliding import Now as Now
from ionto_ir.gliding import Proposal as Proposal
from ionto_ir.gliding import at_rest, glided, integer_of, to_hold_level, value_of
from ionto_ir.machine_terms import Wish
from ionto_ir.plan import (
    Branch,
    Classify,
    Confirm,
    Demand,
    Finish,
    ForTime,
    Hold,
    Instruct,
    Loop,
    Move,
    Ramp,
    Reverse,
    Slope,
    UntilCharge,
    UntilTotal,
    Wait,
    variable,
)
from ionto_ir.plan import Record as RecordStep
from ionto_ir.route import Route
from ionto_ir.state import Glide, Goal, Phase, Place
from ionto_ir.waveform import mean_share_ppm

STEPS_WITHOUT_TIME_MAX = 10_000
"""Steps that take no time and may follow each other; more would mean a loop in which nothing happens."""

DRIVE = Wish.DRIVE
RAMP: Final = Phase.RAMP
HOLD: Final = Phase.HOLD
"""Names of their own for what every tick looks at."""

STANDING = Glide(0, 0, 1, 1, 0)


def first_place(route: Route, polarity: int) -> Place:
    """Before the first step."""
    loops = (0,) * route.plan.counters
    return Place(
        route.plan.entry, Phase.PROMPT, STANDING, False, 0, None, polarity, polarity, loops, loops, loops
    )


# --- ticks ----------------------------------------------------------------------------------------------
def propose(route: Route, values: Environment, place: Place, now: Now, acknowledged: bool) -> Proposal:
    """The wish for the interval that begins now. Raises BrokenError."""
    commands: tuple[Command, ...] = ()
    for _ in range(STEPS_WITHOUT_TIME_MAX):
        phase = place.phase
        if phase is HOLD:
            wished = _hold(route, place, now, acknowledged)
        elif phase is RAMP:
            wished = _ramp(route, place, now.level_na, acknowledged)
        elif phase is Phase.WAIT:
            wished = _wait(route, place)
        elif phase is Phase.PERIOD:
            place, said = enter(route, values, place, place.step, now)
            commands += said
            if place.phase is not Phase.PERIOD:
                continue
            wished = at_rest(place)
        elif phase is Phase.STANDBY:
            wished = standby(route, values, place, now, acknowledged)
        elif phase is Phase.PROMPT:
            wished = _asked(route, place)
        elif phase is Phase.FINISH:
            wished = Proposal(Wish.FINISH, 0, place.sign, place, ())
        else:
            assert_never(phase)
        if wished is not None:
            return wished._replace(commands=commands) if commands else wished
        place, said = enter(route, values, _left(place), _next(route, place), now)
        commands += said
    raise BrokenError


def _left(place: Place) -> Place:
    """The place once its step is left: a block of doses is forgotten with it."""
    return place._replace(doses=None) if place.phase is Phase.STANDBY else place


def _next(route: Route, place: Place) -> int:
    step = route.steps[place.step]
    assert not isinstance(step, Branch | Loop | Finish), "only a step that takes time is left"
    if isinstance(step, Confirm | Instruct | RecordStep | Move):
        assert step.late is not None, "who is waited for without bound is not left by a tick"
        return step.late
    return step.exit if isinstance(step, Demand) else step.next


def _asked(route: Route, place: Place) -> Proposal | None:
    """A person is waited for: for ever, or until the time that the step allows is over."""
    step = route.steps[place.step]
    bounded = isinstance(step, Confirm | Instruct | RecordStep | Move) and step.late is not None
    return _wait(route, place) if bounded else at_rest(place)


def _wait(route: Route, place: Place) -> Proposal | None:
    if place.left_ms <= 0:
        return None
    return at_rest(place._replace(left_ms=place.left_ms - route.tick_ms))


def _ramp(route: Route, place: Place, level_na: int, acknowledged: bool) -> Proposal | None:
    if level_na == place.glide.target_na:
        return None
    aim_na, glide = glided(place.glide, level_na, route.tick_ms, acknowledged)
    return Proposal(DRIVE, aim_na, place.sign, place._replace(glide=glide), ())


def _hold(route: Route, place: Place, now: Now, acknowledged: bool) -> Proposal | None:
    level_na = now.level_na
    moving = level_na != place.glide.target_na
    aim_na, glide = level_na, place.glide
    if moving:
        aim_na, glide = glided(glide, level_na, route.tick_ms, acknowledged)
    if place.goal is None:
        if place.left_ms <= 0:
            return None
        counted_ms = 0 if place.climbing and moving else route.tick_ms
        held = place._replace(
            glide=glide, climbing=place.climbing and moving, left_ms=place.left_ms - counted_ms
        )
        return Proposal(DRIVE, aim_na, place.sign, held, ())
    room_pc = place.goal.charge_pc + place.goal.mark_pc - now.nominal_pc
    if moving and not (aim_na == level_na and not acknowledged):
        if _fits(route, place.goal, aim_na, room_pc):
            return Proposal(DRIVE, aim_na, place.sign, place._replace(glide=glide), ())
        if aim_na < level_na:
            # Somebody adjusts it down near its end. Falling to the new level first costs less than the
            # descent from the old one at the rate of the new one.
            alone = room_pc >= route.tick_ms * route.mean_na(aim_na, place.goal.share_ppm)
            fallen = Proposal(DRIVE, aim_na, place.sign, place._replace(glide=glide), ())
            return fallen if alone else None
        aim_na = _highest_that_fits(route, place.goal, level_na, aim_na, room_pc)
        if aim_na != level_na:
            glide = glide._replace(start_na=aim_na, elapsed_ms=0)
            return Proposal(DRIVE, aim_na, place.sign, place._replace(glide=glide), ())
    # Staying where nothing is emitted would never reach the goal, unless a rise only awaits the device.
    awaited = moving and not acknowledged
    if (awaited or route.setpoint_na(level_na) > 0) and _fits(route, place.goal, level_na, room_pc):
        return Proposal(DRIVE, level_na, place.sign, place, ())
    return None


def _fits(route: Route, goal: Goal, level_na: int, room_pc: int) -> bool:
    """Whether a tick at this level and the descent that would follow it stay within the room."""
    left_pc = room_pc - route.tick_ms * route.mean_na(level_na, goal.share_ppm)
    if goal.descent_na is None or left_pc < 0:
        return left_pc >= 0
    descent = (level_na, goal.descent_na, goal.descent_ms, goal.descent_share_ppm)
    return route.descent_pc_at_most(*descent) <= left_pc or route.descent_pc(*descent) <= left_pc


def _highest_that_fits(route: Route, goal: Goal, level_na: int, aim_na: int, room_pc: int) -> int:
    """The highest setpoint above the present one and up to `aim_na` that fits; `level_na` if none does."""
    lowest, highest = level_na // route.step_na, aim_na // route.step_na
    while lowest < highest:
        middle = (lowest + highest + 1) // 2
        if _fits(route, goal, middle * route.step_na, room_pc):
            lowest = middle
        else:
            highest = middle - 1
    return max(level_na, lowest * route.step_na)


# --- entering steps ----------------------------------------------------------------------------------------
def enter(
    route: Route, values: Environment, place: Place, index: int, now: Now
) -> tuple[Place, tuple[Command, ...]]:
    """Enter step `index`, passing through the steps that take no time. Raises BrokenError."""
    said: tuple[Command, ...] = ()
    for _ in range(STEPS_WITHOUT_TIME_MAX):
        step = route.steps[index]
        match step:
            case Ramp():
                return _enter_ramp(route, values, place, index, step, now), said
            case Hold():
                return _enter_hold(route, values, place, index, step, now), said
            case Wait():
                left_ms = integer_of(step.duration_ms, values)
                return place._replace(step=index, phase=Phase.WAIT, left_ms=left_ms), said
            case Demand():
                return enter_block(route, values, place, index, step, now), said
            case Confirm() | Instruct() | RecordStep() | Move():
                place = place._replace(step=index, phase=Phase.PROMPT, left_ms=step.within_ms or 0)
                return place, (*said, *question(route, place))
            case Finish():
                return place._replace(step=index, phase=Phase.FINISH), said
            case Reverse():
                place, index = place._replace(polarity=-place.polarity), step.next
            case Branch():
                index = step.then if _boolean(step.condition, values) else step.otherwise
            case Classify():
                said, index = (*said, *_classified(step, values)), step.next
            case Loop():
                place, after = _enter_loop(values, place, index, step, now)
                if after is None:
                    return place, said
                index = after
            case _:
                assert_never(step)
    raise BrokenError


def _enter_ramp(route: Route, values: Environment, place: Place, index: int, step: Ramp, now: Now) -> Place:
    delta_na, over_ms = _rate(route, step.slope, values)
    glide = Glide(now.level_na, integer_of(step.target_na, values), delta_na, over_ms, 0)
    sign = -place.polarity if step.reversed else place.polarity
    return place._replace(
        step=index,
        phase=Phase.RAMP,
        glide=glide,
        climbing=False,
        goal=None,
        sign=sign,
        waveform=step.waveform,
    )


def _enter_hold(route: Route, values: Environment, place: Place, index: int, step: Hold, now: Now) -> Place:
    glide = to_hold_level(route, now.level_na, integer_of(step.level_na, values))
    left_ms = integer_of(step.until.duration_ms, values) if isinstance(step.until, ForTime) else 0
    goal = _goal(route, values, step, now.nominal_pc)
    return place._replace(
        step=index,
        phase=Phase.HOLD,
        glide=glide,
        climbing=False,
        left_ms=left_ms,
        goal=goal,
        waveform=step.waveform,
    )


def _goal(route: Route, values: Environment, step: Hold, mark_pc: int) -> Goal | None:
    share_ppm = mean_share_ppm(step.waveform)
    match step.until:
        case ForTime():
            return None
        case UntilCharge(charge):
            return Goal(integer_of(charge, values), mark_pc, None, 1, share_ppm)
        case UntilTotal(charge, None):
            return Goal(integer_of(charge, values), 0, None, 1, share_ppm)
        case UntilTotal(charge, Slope() as slope):
            following = route.steps[step.next]
            assert isinstance(following, Ramp), "a descent is a ramp"
            shares = (share_ppm, mean_share_ppm(following.waveform))
            return Goal(integer_of(charge, values), 0, *_rate(route, slope, values), *shares)
        case _:
            raise AssertionError(step.until)


def _rate(route: Route, slope: Slope, values: Environment) -> tuple[int, int]:
    """A ramp's rate. One that was planned without a difference has none of its own: it re-ramps."""
    delta_na, over_ms = integer_of(slope.delta_na, values), integer_of(slope.over_ms, values)
    return (delta_na, over_ms) if delta_na > 0 and over_ms > 0 else (route.plan.resume_slew_na_s, 1000)


def _enter_loop(
    values: Environment, place: Place, index: int, step: Loop, now: Now
) -> tuple[Place, int | None]:
    """Start the next round, leave, or (None) wait for the round's time."""
    done = place.rounds[step.counter]
    enough = done >= 1 and step.until is not None and _boolean(step.until, values)
    due_ms = now.clock_ms
    if step.period_ms is not None and done >= 1:
        due_ms = max(due_ms, place.round_starts_ms[step.counter] + integer_of(step.period_ms, values))
    over = False
    if step.within_ms is not None and done >= 1:
        over = due_ms - place.loop_starts_ms[step.counter] >= integer_of(step.within_ms, values)
    if enough or over or done >= integer_of(step.count, values):
        return place._replace(rounds=_put(place.rounds, step.counter, 0)), step.exit
    if now.clock_ms < due_ms:
        return place._replace(step=index, phase=Phase.PERIOD), None
    place = place._replace(
        rounds=_put(place.rounds, step.counter, done + 1),
        round_starts_ms=_put(place.round_starts_ms, step.counter, now.clock_ms),
    )
    if done == 0:
        starts_ms = _put(place.loop_starts_ms, step.counter, now.clock_ms)
        place = place._replace(loop_starts_ms=starts_ms)
    return place, step.body


def _put(numbers: tuple[int, ...], index: int, value: int) -> tuple[int, ...]:
    return (*numbers[:index], value, *numbers[index + 1 :])


def _classified(step: Classify, values: Environment) -> tuple[Record, ...]:
    value = values.get(step.variable)
    if value is None:
        raise BrokenError
    for row in step.rows:
        above = row.lo is None or value > row.lo or (row.lo_included and value == row.lo)
        below = row.hi is None or value < row.hi or (row.hi_included and value == row.hi)
        if above and below:
            return (Record(step.variable, value, row.meaning),)
    return ()


def question(route: Route, place: Place) -> tuple[Prompt, ...]:
    """The prompt that is open, if the plan waits for a person."""
    if place.phase is not Phase.PROMPT:
        return ()
    match route.steps[place.step]:
        case Confirm(text):
            return (Prompt(PromptKind.CONFIRM, text, None),)
        case Instruct(text):
            return (Prompt(PromptKind.INSTRUCT, text, None),)
        case Move(electrode, site):
            moved = route.plan.electrodes[electrode]
            text = f"Move the {moved.place.value} electrode to {site}"
            return (Prompt(PromptKind.CONFIRM, text, None),)
        case RecordStep(name):
            return (Prompt(PromptKind.RECORD, variable(route.plan, name).text, name),)
        case _:
            return ()


# --- what people and faults change ----------------------------------------------------------------------
def resumed(route: Route, place: Place) -> Place:
    """The same place, to be reached again from zero: a ramp at its own rate, a hold at the resume slew."""
    match place.phase:
        case Phase.RAMP:
            return place._replace(glide=place.glide._replace(start_na=0, elapsed_ms=0))
        case Phase.HOLD | Phase.STANDBY:
            return place._replace(glide=to_hold_level(route, 0, place.glide.target_na), climbing=True)
        case _:
            return place


def adjusted(route: Route, old: Environment, new: Environment, place: Place, level_na: int) -> Place:
    """The same step under new values: it glides to its level, keeps time and charge. Raises BrokenError."""
    step = route.steps[place.step]
    match step:
        case Ramp():
            return place._replace(glide=_lowered(place.glide, integer_of(step.target_na, new), level_na))
        case Hold():
            target_na = integer_of(step.level_na, new)
            glide = place.glide
            climbing = place.climbing
            if target_na != glide.target_na:
                # From now on this is an adjustment, whose time counts: else a hold could last for ever.
                glide, climbing = to_hold_level(route, level_na, target_na), False
            mark_pc = 0 if place.goal is None else place.goal.mark_pc
            left_ms = place.left_ms
            if isinstance(step.until, ForTime):
                left_ms += _difference(step.until.duration_ms, old, new)
            goal = _goal(route, new, step, mark_pc)
            return place._replace(glide=glide, climbing=climbing, left_ms=left_ms, goal=goal)
        case Wait():
            return place._replace(left_ms=place.left_ms + _difference(step.duration_ms, old, new))
        case Demand():
            target_na = integer_of(step.basal_na, new)
            glide = place.glide
            return place._replace(
                glide=glide if target_na == glide.target_na else to_hold_level(route, level_na, target_na)
            )
        case _:
            return place


def _lowered(glide: Glide, target_na: int, level_na: int) -> Glide:
    """A ramp whose target somebody moves: lower holds at once, higher waits for what follows.

    So a ramp turns at most once and ends in bounded time, however often somebody adjusts. It keeps its rate:
    one that fell and has come to its target is over, for its line lies below that already, and to take it up
    again would be to catch up in one tick.
    """
    falls = glide.target_na < glide.start_na
    if target_na >= glide.target_na or (falls and level_na == glide.target_na):
        return glide
    if falls or level_na <= target_na:
        return glide._replace(target_na=target_na)
    return Glide(level_na, target_na, glide.delta_na, glide.over_ms, 0)


def _difference(expression: Expression, old: Environment, new: Environment) -> int:
    return integer_of(expression, new) - integer_of(expression, old)


def _boolean(expression: Expression, values: Environment) -> bool:
    return bool(value_of(expression, values))
