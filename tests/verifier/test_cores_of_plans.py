"""What a report says that a proof rests on is enough for it, and nothing of it can be left out."""

from __future__ import annotations

import pytest

from ionto_dsl.driver import compile_file
from ionto_ir.dataclass import replace
from ionto_verifier.decision import BoundUsed, CoreItem, GuardUsed, Proved
from ionto_verifier.driver import Options, verify
from ionto_verifier.obligation import Obligation, Variable
from ionto_verifier.solve import decide

WIDE = 10**18
"""So far beyond every quantity that it bounds nothing."""

TREATMENTS = (
    "treatments.plantar_fasciitis_dexamethasone",
    "treatments.palmar_hyperhidrosis_tap_water_child",
    "regimens.ionsys",
)
"""Totals and pauses; adjustments, a reversal and requirements; doses on demand over days."""


def opened(variable: Variable, core: frozenset[CoreItem]) -> Variable:
    """The variable without the bounds that the core does not name; an answer stays one."""
    if variable.is_answer:
        return variable
    low = variable.lo if BoundUsed(variable.name, False) in core else -WIDE
    high = variable.hi if BoundUsed(variable.name, True) in core else WIDE
    same = (low, high) == (variable.lo, variable.hi)
    return variable if same else replace(variable, lo=low, hi=high, step=None, default=None)


def left_with(obligation: Obligation, core: frozenset[CoreItem]) -> Obligation:
    """The obligation with nothing but what a core names."""
    return replace(
        obligation,
        variables=tuple(opened(variable, core) for variable in obligation.variables),
        guards=tuple(guard for guard in obligation.guards if GuardUsed(guard.name) in core),
    )


@pytest.mark.parametrize("name", TREATMENTS)
def test_a_core_suffices_and_without_any_part_of_it_the_claim_is_not_proved(name: str) -> None:
    report = verify(compile_file(name).plans[0].plan, Options(margins=False, advice=False))
    looked_at: set[tuple[object, ...]] = set()
    for answer in report.answers:
        found, obligation = answer.decision, answer.question.obligation
        key = (obligation.variables, obligation.guards, obligation.conclusion)
        if not isinstance(found, Proved) or found.certificate is None or key in looked_at:
            continue
        looked_at.add(key)
        core = frozenset(found.core)
        assert isinstance(decide(left_with(obligation, core)), Proved), obligation.id
        answers = {variable.name for variable in obligation.variables if variable.is_answer}
        for item in core:
            if isinstance(item, GuardUsed) or item.variable not in answers:
                fewer = left_with(obligation, core - {item})
                assert not isinstance(decide(fewer), Proved), (obligation.id, item)
    assert len(looked_at) >= 10
