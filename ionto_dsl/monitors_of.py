"""Monitors: what is watched while the session runs, and what is done about it."""

from __future__ import annotations

from ionto_dsl import surface
from ionto_dsl.observed import WATCHED, observing, unambiguous
from ionto_dsl.operands import at_least, constant
from ionto_dsl.scope import Scope
from ionto_dsl.settings import remark_text
from ionto_dsl.wording import written
from ionto_ir.diagnostic import error
from ionto_ir.expression import Expression, references
from ionto_ir.monitor import Monitor, MonitorAction
from ionto_ir.units import TIME

ADVICE = "what is decided before the session belongs into `require` or `refuse when`"


def monitor_of(item: surface.Monitor, changing: frozenset[str], scope: Scope) -> Monitor | None:
    """The monitor; None after an error. `changing`: what is recorded or adjusted during the session."""
    conditions = (item.condition, *(() if item.until is None else (item.until,)))
    if not unambiguous(conditions, scope, WATCHED, ADVICE):
        return None
    holds = observing(item.condition, scope, WATCHED)
    until = None if item.until is None else observing(item.until, scope, WATCHED)
    persistence = _persistence(item, scope)
    if holds is None or persistence is None or (item.until is not None and until is None):
        return None
    if not _changes(item, holds, changing, scope) or not _lets_go(item, scope):
        return None
    text = remark_text(item.remarks) or f"{item.action} when {written(item.condition)}"
    return Monitor(MonitorAction(item.action), holds, persistence, until, text, item.span)


def _persistence(item: surface.Monitor, scope: Scope) -> int | None:
    if item.persistence is None:
        return 0
    place = "`for` takes a time"
    value = constant(item.persistence, TIME, scope, place)
    return at_least(value, 0, item.persistence, scope, place)


def _changes(item: surface.Monitor, holds: Expression, changing: frozenset[str], scope: Scope) -> bool:
    """A monitor watches something that can change while the session runs."""
    if references(holds) & {*changing, *WATCHED}:
        return True
    scope.found.append(
        error(
            "I0490",
            "this monitor watches nothing that changes during a session",
            item.condition.span,
            "known before anything flows",
            help="write `refuse when ...` or `require ...`, which are looked at before the session",
        )
    )
    return False


def _lets_go(item: surface.Monitor, scope: Scope) -> bool:
    if item.action != "stop" or item.until is None:
        return True
    scope.found.append(
        error(
            "I0491",
            "a session that was stopped is not resumed",
            item.until.span,
            "nothing to wait for",
            help="write `pause when ... until ...`, or leave out `until ...`",
        )
    )
    return False
