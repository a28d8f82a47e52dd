"""Whether some conditions imply another one, and which of them it takes.

An answer `None` means that it does not follow, or that the prover cannot say: nothing is built on it.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Label
from ionto_ir.plan import Plan
from ionto_ir.source import Span
from ionto_verifier.budget import Budget
from ionto_verifier.decision import CoreItem, GuardUsed, Proved
from ionto_verifier.environment import Environment
from ionto_verifier.facts import support_of
from ionto_verifier.obligation import Formula, Guard, Obligation, formula_variables
from ionto_verifier.solve import decide

IMPLIED_BUDGET = Budget()
"""As much as any other question: most of these are settled by intervals."""


@dataclass(frozen=True, slots=True)
class Why:
    """What a condition follows from: guards, by name, and labels for the lines that say so."""

    guards: frozenset[str]
    labels: tuple[Label, ...]


def implied(
    plan: Plan, environment: Environment, given: Sequence[Guard], conclusion: Formula, place: Span
) -> Why | None:
    """Why `conclusion` holds wherever all of `given` do; `place` is the line itself, which needs no label."""
    found = _proof(environment, given, conclusion)
    if found is None:
        return None
    kept = [guard for guard in given if GuardUsed(guard.name) in found.core]
    for guard in tuple(kept):
        fewer = [other for other in kept if other is not guard]
        without = _proof(environment, fewer, conclusion)
        if without is not None:
            kept, found = fewer, without
    return Why(frozenset(guard.name for guard in kept), _labels(plan, environment, found, place))


def follows(environment: Environment, given: Sequence[Guard], conclusion: Formula) -> bool:
    """Whether `conclusion` is proved from `given`."""
    return _proof(environment, given, conclusion) is not None


@dataclass(frozen=True, slots=True)
class _Proof:
    """The bounds and guards that a proof used, and all guards that it could have used."""

    core: tuple[CoreItem, ...]
    guards: tuple[Guard, ...]


def _proof(environment: Environment, given: Sequence[Guard], conclusion: Formula) -> _Proof | None:
    names = formula_variables(conclusion).union(*(formula_variables(guard.formula) for guard in given))
    selection = environment.select(names, tuple(given))
    obligation = Obligation("implied", "implied", selection.variables, selection.guards, conclusion)
    found = decide(obligation, IMPLIED_BUDGET)
    if not isinstance(found, Proved) or found.unsafe_between is not None:
        return None
    return _Proof(found.core, selection.guards)


def _labels(plan: Plan, environment: Environment, found: _Proof, place: Span) -> tuple[Label, ...]:
    origins = {guard.name: guard.label for guard in found.guards}
    labels: dict[Label, None] = {}
    for item in found.core:
        support = support_of(plan, environment, item, origins)
        if support is not None and support.span not in (None, place):
            labels[Label(support.span, support.text)] = None
    return tuple(labels)
