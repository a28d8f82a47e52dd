"""What every part of the sequencer shares: proposals, levels on their way, operands with their values."""

from __future__ import annotations

from typing import NamedTuple

from ionto_ir.events import Command
from ionto_ir.expression import Constant, Environment, Expression, Undefined, Value, evaluate
from ionto_ir.machine_terms import Wish
from ionto_ir.route import Route
from ionto_ir.state import Glide, Place

_tuple = tuple.__new__
"""Makes a named tuple at every tick, in half the time that its constructor takes."""


class BrokenError(Exception):
    """The plan cannot be followed: an operand has no value, or no step takes time. Never passed outside."""


class Proposal(NamedTuple):
    """What the sequencer wishes of the next interval, where it would then be, and what it would say."""

    wish: Wish
    aim_na: int
    sign: int
    place: Place
    commands: tuple[Command, ...]


class Now(NamedTuple):
    """What a step needs to know when it is entered."""

    level_na: int
    nominal_pc: int
    clock_ms: int


def at_rest(place: Place) -> Proposal:
    """Output off for the next interval."""
    return Proposal(Wish.REST, 0, place.sign, place, ())


def glided(glide: Glide, level_na: int, tick_ms: int, acknowledged: bool) -> tuple[int, Glide]:
    """The level one tick on. Without an acknowledgement nothing rises: the glide waits."""
    start_na, target_na, delta_na, over_ms, elapsed_ms = glide
    if target_na > level_na and not acknowledged:
        return level_na, glide
    elapsed_ms += tick_ms
    moved_na = elapsed_ms * delta_na // over_ms
    if target_na >= start_na:
        aim_na = min(target_na, start_na + moved_na)
    else:
        aim_na = max(target_na, start_na - moved_na)
    return aim_na, _tuple(Glide, (start_na, target_na, delta_na, over_ms, elapsed_ms))


def to_hold_level(route: Route, level_na: int, target_na: int) -> Glide:
    """The way back to a level that is held, at the resume slew."""
    return Glide(level_na, target_na, route.plan.resume_slew_na_s, 1000, 0)


def value_of(expression: Expression, values: Environment) -> Value:
    """What an operand is now. Raises BrokenError."""
    found = evaluate(expression, values)
    if isinstance(found, Undefined):
        raise BrokenError
    return found


def integer_of(expression: Expression, values: Environment) -> int:
    """The same, of an operand that is a number; most of them are fixed, and asked for at every tick."""
    if type(expression) is Constant:
        return expression.value
    return int(value_of(expression, values))
