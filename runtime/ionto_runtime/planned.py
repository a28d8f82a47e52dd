"""What flows in the undisturbed session of several channels: what people are told, and what is judged."""

from __future__ import annotations

from ionto_ir.bind_together import BoundTogether
from ionto_ir.dataclass import dataclass
from ionto_ir.rehearse_together import observed_together
from ionto_ir.together import run_together
from ionto_ir.trace import Observation, observe


@dataclass(frozen=True, slots=True)
class Planned:
    """What flows in the undisturbed session: in each channel, and in all of them together."""

    alone: tuple[Observation, ...]
    together: Observation
    duration_ms: int


def planned_together(bound: BoundTogether) -> Planned:
    """Run all channels undisturbed."""
    done = run_together(bound.channels)
    alone = tuple(observe(part.plan, trace) for part, trace in zip(bound.channels, done.traces, strict=True))
    return Planned(alone, observed_together(bound.plan, done), done.traces[0].end_ms)
