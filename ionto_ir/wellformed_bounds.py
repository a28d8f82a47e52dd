"""Exact interval bounds of expressions, and the proof that no charge of a session leaves 64 bits.

The bounds are coarse on purpose: every step is taken at the device's highest current for its longest time.
They show that a counter of a small controller cannot overflow; the tight bounds are the verifier's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

from ionto_ir.expression import Constant, Expression, Operation, Operator, Reference, Sort, Truth, sort_of
from ionto_ir.plan import (
    BooleanDomain,
    ChoiceDomain,
    Demand,
    Domain,
    ForTime,
    Hold,
    IntegerDomain,
    Loop,
    Plan,
    Ramp,
    Step,
    UntilCharge,
    UntilTotal,
    Variable,
    Wait,
)

CHARGE_PC_MAX = 2**63 - 1
"""What a signed 64-bit counter holds: 9 million coulombs, or 30 mA for almost ten years."""

PPM = 1_000_000

Interval = tuple[int, int]


def domain_interval(domain: Domain) -> Interval:
    """Smallest and largest value of a domain; truth values count as 0 and 1."""
    match domain:
        case IntegerDomain(lo, hi):
            return (lo, hi)
        case BooleanDomain():
            return (0, 1)
        case ChoiceDomain(labels):
            return (0, max(0, len(labels) - 1))
        case _:
            assert_never(domain)


def box_of(variables: Sequence[Variable]) -> dict[str, Interval]:
    """The interval of every variable."""
    return {variable.name: domain_interval(variable.domain) for variable in variables}


def interval(expression: Expression, box: Mapping[str, Interval]) -> Interval | None:
    """Bounds of an integer expression over the box, or None where a division has no bound."""
    match expression:
        case Constant(value):
            return (value, value)
        case Truth():
            return (0, 1)
        case Reference(name, _):
            return box.get(name)
        case Operation(operator, operands):
            if sort_of(expression) is Sort.BOOLEAN:
                return (0, 1)
            parts: list[Interval] = []
            for operand in operands[1:] if operator is Operator.IF else operands:
                part = interval(operand, box)
                if part is None:
                    return None
                parts.append(part)
            return _combine(operator, parts)
        case _:
            assert_never(expression)


def _combine(operator: Operator, parts: list[Interval]) -> Interval | None:
    lows, highs = [low for low, _ in parts], [high for _, high in parts]
    match operator:
        case Operator.ADD:
            return (sum(lows), sum(highs))
        case Operator.SUBTRACT:
            return (lows[0] - highs[1], highs[0] - lows[1])
        case Operator.NEGATE:
            return (-highs[0], -lows[0])
        case Operator.ABSOLUTE:
            return (max(0, lows[0], -highs[0]), max(abs(lows[0]), abs(highs[0])))
        case Operator.MINIMUM:
            return (min(lows), min(highs))
        case Operator.MAXIMUM:
            return (max(lows), max(highs))
        case Operator.IF:
            return (min(lows), max(highs))
        case Operator.MULTIPLY:
            product = (1, 1)
            for part in parts:
                corners = [one * other for one in product for other in part]
                product = (min(corners), max(corners))
            return product
        case _:
            return _quotient(parts[0], parts[1])


def _quotient(dividend: Interval, divisor: Interval) -> Interval | None:
    """Outward bounds of any of the three divisions."""
    if divisor[0] <= 0 <= divisor[1]:
        return None
    floors = [one // other for one in dividend for other in divisor]
    return (min(floors), max(-(-one // other) for one in dividend for other in divisor))


def step_ms_max(step: Step, plan: Plan, box: Mapping[str, Interval]) -> int | None:
    """An upper bound of the time that a step takes once, undisturbed; None if there is none."""
    match step:
        case Ramp():
            over, delta = interval(step.slope.over_ms, box), interval(step.slope.delta_na, box)
            if over is None or delta is None:
                return None
            # The whole range of the device at the slowest rate; a ramp that does not move ends at once.
            slowest = max(_least_move_na(step, plan), delta[0])
            return -(-plan.device.current_na_max * max(0, over[1]) // slowest)
        case Hold():
            return _hold_ms_max(step, plan, box)
        case Wait():
            found = interval(step.duration_ms, box)
            return None if found is None else max(0, found[1])
        case Demand():
            found = interval(step.within_ms, box)
            return None if found is None else max(0, found[1])
        case Loop():
            found = (0, 0) if step.period_ms is None else interval(step.period_ms, box)
            return None if found is None else max(0, found[1])
        case _:
            return 0


def _least_move_na(step: Ramp, plan: Plan) -> int:
    """The least change of a ramp that moves: levels are whole steps, and so is their difference."""
    match step.slope.delta_na:
        case Operation(Operator.ABSOLUTE, (Operation(Operator.SUBTRACT, (step.target_na, step.start_na)),)):
            return plan.device.step_na
        case _:
            return 1


def _hold_ms_max(step: Hold, plan: Plan, box: Mapping[str, Interval]) -> int | None:
    match step.until:
        case ForTime(duration_ms):
            found = interval(duration_ms, box)
            return None if found is None else max(0, found[1])
        case UntilCharge(charge_pc) | UntilTotal(charge_pc, _):
            found = interval(charge_pc, box)
            # A charge takes longest at the smallest current that is not zero.
            return None if found is None else -(-max(0, found[1]) // plan.device.step_na)
        case _:
            assert_never(step.until)


def worst_charge_pc(plan: Plan, rounds: Mapping[int, tuple[int, ...]]) -> int | tuple[int, ...]:
    """An upper bound of a session's charge in pC, or the indices of the steps that have no bound.

    `rounds` gives for each step the heads of the loops around it.
    """
    box = box_of(plan.variables)
    unbounded: list[int] = []
    total_ms = 0
    for index, step in enumerate(plan.steps):
        once = step_ms_max(step, plan, box)
        times = 1
        for head in rounds.get(index, ()):
            loop = plan.steps[head]
            assert isinstance(loop, Loop | Demand), "a loop is headed by a loop"
            count = interval(loop.count, box)
            once = None if count is None else once
            if loop is not step or isinstance(loop, Loop):
                times *= 1 if count is None else max(0, count[1])
        if once is None:
            unbounded.append(index)
        else:
            total_ms += once * times
    if unbounded:
        return tuple(unbounded)
    return (total_ms + _interruptions_ms(plan)) * _worst_na(plan)


def _interruptions_ms(plan: Plan) -> int:
    """Every interruption comes down, lasts as long as it may, and rises again."""
    current = plan.device.current_na_max
    down_ms = -(-current * 1000 // plan.stop_slew_na_s)
    up_ms = -(-current * 1000 // plan.resume_slew_na_s)
    each = plan.interruptions.each_ms_max + down_ms + up_ms + plan.device.watchdog_ms
    return (plan.interruptions.count_max + 1) * each


def _worst_na(plan: Plan) -> int:
    device = plan.device
    inaccuracy = -(-device.current_na_max * device.accuracy_ppm // PPM)
    return device.current_na_max + inaccuracy + device.accuracy_offset_na
