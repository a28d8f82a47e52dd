"""What must hold of a plan, derived from the plan alone: by another path than the prover's, on purpose.

Nothing here looks at what was proved. What the recheck does not understand, a feature that a plan requires
or an operand of a new kind, is left out with its reason and counted, never taken for settled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.plan import Plan
from ionto_ir.recheck.beside import Together, asked_of_channel, meeting
from ionto_ir.recheck.currents import UNDERSTOOD, entered, flows
from ionto_ir.recheck.derived import Derived, Left, Numbering, Settled
from ionto_ir.recheck.following import course
from ionto_ir.recheck.instants import Instants
from ionto_ir.recheck.persons import drugs, exclusions, scopes, tables, zeros
from ionto_ir.recheck.polynomial import BeyondError
from ionto_ir.recheck.promises import promised
from ionto_ir.recheck.statement import Question
from ionto_ir.recheck.totals import Totals

FEATURES = frozenset(
    {
        "adjust",
        "branch",
        "calendar",
        "channels",
        "chosen pole",
        "classify",
        "course",
        "demand",
        "early finish",
        "electrode sums",
        "loop",
        "memory",
        "monitor",
        "move",
        "phases",
        "record",
        "reverse",
        "site",
        "split",
        "timed loop",
        "turns",
        "waiting",
        "waveform",
    }
)
"""What a plan may require for the recheck to understand it. A list of its own: a feature that is new to the
machine is new to the recheck until somebody taught it. A monitor pauses and stops where people may, so it
changes nothing; a repetition in a time has no more rounds than the plan says."""

INSTANT = frozenset(
    {
        LimitKind.CURRENT,
        LimitKind.DENSITY,
        LimitKind.MEAN_DENSITY,
        LimitKind.PULSE_CHARGE,
        LimitKind.RAMP,
        LimitKind.VOLTAGE,
        LimitKind.STOP_TIME,
    }
)
SUM = frozenset({LimitKind.DOSE, LimitKind.CHARGE_DENSITY, LimitKind.SESSIONS, LimitKind.DURATION})


@dataclass(frozen=True, slots=True)
class Derivation:
    """Everything derived of a plan. `not_understood` says why nothing was, where that is so."""

    questions: tuple[Question, ...]
    settled: tuple[Settled, ...]
    left: tuple[Left, ...]
    not_understood: str | None


def derive(plan: Plan) -> Derivation:
    """Derive what must hold of a well-formed plan. Total: what is beyond it is left out."""
    reason = _beyond(plan)
    if reason is not None:
        return Derivation((), (), (), reason)
    try:
        found = tuple(_found(plan))
    except BeyondError as beyond:
        return Derivation((), (), (), str(beyond))
    return Derivation(
        tuple(item for item in found if isinstance(item, Question)),
        tuple(item for item in found if isinstance(item, Settled)),
        tuple(item for item in found if isinstance(item, Left)),
        None,
    )


def _beyond(plan: Plan) -> str | None:
    """Why nothing of this plan is derived."""
    unknown = sorted(set(plan.requires) - FEATURES)
    if unknown:
        return f"the plan uses `{unknown[0]}`, of which the recheck knows nothing"
    steps = (*plan.steps, *(step for channel in plan.channels for step in channel.steps))
    foreign = [kind.__name__ for kind in dict.fromkeys(map(type, steps)) if kind not in UNDERSTOOD]
    return (
        f"the plan has a step of kind `{foreign[0]}`, of which the recheck knows nothing" if foreign else None
    )


def _found(plan: Plan) -> Iterator[Derived]:
    if not plan.channels:
        yield from _around(plan)
        yield from _running(plan, lambda _, __: True, tuple(promised(plan)))
        return
    together = Together(plan, Numbering())
    yield from _around(plan)
    yield from tables(plan)
    yield from together.limits()
    yield from together.device()
    for number, part in enumerate(together.parts):
        yield from _of_channel(plan, number, part)


def _of_channel(plan: Plan, number: int, part: Plan) -> Iterator[Derived]:
    """What is asked of one channel alone, under its own name."""
    place = f"channels[{number}]."
    for item in _running(part, partial(asked_of_channel, plan, number)):
        if item.claim == "device" or (item.claim == "drive" and number in meeting(plan)):
            continue
        named = replace(item, claim=place + item.claim)
        yield replace(named, id=place + named.id) if isinstance(named, Question) else named


def _around(plan: Plan) -> Iterator[Derived]:
    """What is asked of the whole: who is treated, where, how often."""
    numbering = Numbering()
    yield from exclusions(plan, numbering)
    yield from scopes(plan)
    yield from course(plan)
    totals = Totals(plan, (), numbering)
    for index, limit in enumerate(plan.limits):
        if limit.kind is LimitKind.SESSIONS:
            yield from totals.limit(limit, f"limits[{index}]")


Speaks = Callable[[Limit, int | None], bool]
"""Whether a limit is asked of this part of a plan, at one of its electrodes or at all."""


def _running(plan: Plan, speaks: Speaks, promises: tuple[tuple[str, Limit], ...] = ()) -> Iterator[Derived]:
    """What is asked of steps that follow each other, also by the author's own lines."""
    numbering = Numbering()
    ways = entered(plan)
    currents = flows(plan)
    instants = Instants(plan, currents, numbering)
    totals = Totals(plan, currents, numbering)
    for index, limit in enumerate(plan.limits):
        name = f"limits[{index}]"
        electrodes = range(len(plan.electrodes)) if limit.per_electrode else (None,)
        claims = {_named(name, electrode): speaks(limit, electrode) for electrode in electrodes}
        if limit.kind is LimitKind.SESSIONS or not any(claims.values()):
            continue
        if limit.kind in INSTANT:
            found = instants.limit(limit, name)
        elif limit.kind in SUM:
            found = totals.limit(limit, name)
        else:
            found = iter((Left(name, "a limit of a new kind"),))
        yield from (item for item in found if claims.get(item.claim, True))
    for name, limit in promises:
        yield from (instants if limit.kind in INSTANT else totals).limit(limit, name)
    yield from zeros(plan, ways, numbering)
    yield from instants.device()
    yield from totals.totals()
    yield from drugs(plan, currents)
    yield from tables(plan)


def _named(name: str, electrode: int | None) -> str:
    return name if electrode is None else f"{name}.electrodes[{electrode}]"
