"""A failure that was replayed, as data: who, when, how much, and a test to paste."""

from __future__ import annotations

from fractions import Fraction

from ionto_ir.dataclass import dataclass
from ionto_ir.scenario import Scenario


@dataclass(frozen=True, slots=True)
class Counterexample:
    """A failure that was replayed. `scenario` is what was run; `given` the values worth telling, as their
    authors
    write them; `value` and `at_ms` what was seen and when, `step` where.

    `kept_by_interlock`: the limit held only because the machine stopped the session; `refused`: the machine
    does not take the values. `starts_ms` is the schedule of sessions, for a limit over several; all of them
    go like the scenario if they are `alike`, else the first alone does and nothing disturbs the others.
    `test` is a block to paste; it fails until the protocol is mended. It is empty where no test could show
    the failure.
    """

    scenario: Scenario
    given: tuple[tuple[str, str], ...]
    happenings: tuple[str, ...]
    at_ms: int | None
    step: int | None
    value: Fraction | None
    kept_by_interlock: bool
    refused: bool
    starts_ms: tuple[int, ...]
    alike: bool
    test: str
