"""The list of steps as it grows, with the state at its end: what the passes over blocks write into."""

from __future__ import annotations

from collections.abc import Mapping

from ionto_dsl.bounds import Extents, decide
from ionto_dsl.currents import Grid
from ionto_dsl.flow import START, UNKNOWN, State
from ionto_dsl.polarity import Reversals
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import Diagnostic, Label, error, warning
from ionto_ir.expression import Expression
from ionto_ir.plan import Section, Step
from ionto_ir.source import Span


@dataclass(frozen=True, slots=True)
class Early:
    """A way out of a step that is still to be built: `way` is the successor that takes it."""

    step: int
    way: str
    reason: str
    state: State
    section: Section
    span: Span


@dataclass(frozen=True, slots=True)
class Total:
    """A `hold until total` whose descent is known only when the next step is."""

    index: int
    charge_pc_min: int
    span: Span


class Assembler:
    """The list of steps as it grows. `open_ends` are successors that the next step will be."""

    __slots__ = (
        "buttons",
        "counters",
        "demand",
        "early",
        "extents",
        "found",
        "grid",
        "open_ends",
        "records",
        "reversals",
        "rounds",
        "section",
        "state",
        "steps",
        "totals",
    )

    def __init__(
        self,
        grid: Grid,
        extents: Extents,
        records: Mapping[str, Span],
        reversals: Reversals,
        found: list[Diagnostic],
    ) -> None:
        self.grid = grid
        self.extents = extents
        self.records = records
        self.reversals = reversals
        self.found = found
        self.steps: list[Step] = []
        self.open_ends: list[tuple[int, str]] = []
        self.early: list[Early] = []
        self.totals: list[Total] = []
        self.state = START
        self.section = Section.BEFORE
        self.counters = 0
        self.rounds: Span | None = None  # the innermost repetition around what comes next
        self.demand: Span | None = None  # the block on demand around what comes next
        self.buttons: set[str] = set()

    def emit(self, step: Step) -> int:
        """Append a step; everything that was waiting for a successor leads to it."""
        index = len(self.steps)
        self.lead_to(index)
        self.steps.append(step)
        return index

    def lead_to(self, index: int) -> None:
        """Let all open ends lead to a step."""
        for step, attribute in self.open_ends:
            self.steps[step] = replace(self.steps[step], **{attribute: index})  # type: ignore[arg-type]
        self.open_ends = []

    def follow(self, step: Step) -> int:
        """Append a step that has one successor."""
        index = self.emit(step)
        self.open_ends.append((index, "next"))
        return index

    def refuse(
        self, code: str, message: str, span: Span, text: str, *labels: Label, advice: str | None = None
    ) -> None:
        """Report an error."""
        self.found.append(error(code, message, span, text, labels=labels, help=advice))

    def needs_zero(self, why: str, span: Span) -> None:
        """Refuse a step that needs the output off while current flows."""
        current = self.state.current
        if current.may_flow:
            self.refuse(
                "I0434",
                f"{why}, and current flows",
                span,
                "needs the output off",
                advice="write `ramp to 0 mA over 30 s` before it",
            )
            self.state = replace(self.state, current=UNKNOWN)  # said once, for the first step that needs it

    def recorded(self, names: frozenset[str], span: Span) -> None:
        """Refuse the use of a record on a way on which it was not recorded."""
        for name in sorted(names & self.records.keys() - self.state.recorded):
            self.refuse(
                "I0410",
                f"`{name}` is used before it is recorded",
                span,
                "not known on every way that leads here",
                Label(self.records[name], "recorded here"),
                advice=f"`record {name}` on every way before this step",
            )

    def decided(self, condition: Expression, span: Span) -> None:
        """Point at a choice that is none."""
        outcome = decide(condition, self.extents)
        if outcome is not None:
            text = "always holds" if outcome else "never holds"
            self.found.append(warning("I0509", f"this condition {text}", span, "there is nothing to choose"))
