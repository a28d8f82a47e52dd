"""A session in virtual time to be shown: values from `--set`, the rest as on an ordinary day."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_cli.exits import Exit
from ionto_cli.loading import Chosen
from ionto_cli.terminal import complain
from ionto_ir.bind import Refusal
from ionto_ir.entry import parse_assignments
from ionto_ir.rehearse import Rehearsed, rehearse
from ionto_ir.scenario import Scenario


def rehearsed(chosen: Chosen, assignments: Sequence[str]) -> Rehearsed | Exit:
    """What the protocol says for these values, with nothing to stop it; complaints are written."""
    plan = chosen.protocol.plan
    given = parse_assignments(plan, assignments)
    if isinstance(given, tuple):
        return complain(*given, files=chosen.sources)
    scenario = Scenario("shown", tuple(given.items()), (), (), None)
    outcome = rehearse(plan, scenario, armed=False)
    if isinstance(outcome, Refusal):
        return complain(*outcome.diagnostics, files=chosen.sources)
    return outcome
