"""A simulated device with several channels: an output for each, on the patches that lie on it.

Where the device joins its returns the outputs still have loads of their own here: what one channel's current
does to the voltage that another one needs is not simulated.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.channels import channel_plans
from ionto_ir.expression import Value
from ionto_ir.plan import Plan
from ionto_ir.trace import area_um2
from ionto_runtime.simulation.skin import body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator


class SimulatedChannels:
    """The outputs of one device; equal seeds give equal devices on equal skin."""

    def __init__(self, plan: Plan, values: Mapping[str, Value], seed: int) -> None:
        self.outputs = tuple(
            SimulatedStimulator(plan.device, body_of(_areas(part, values), seed + number), seed + number)
            for number, part in enumerate(channel_plans(plan))
        )

    def advance(self, ms: int) -> None:
        """Let time pass on every output."""
        for output in self.outputs:
            output.advance(ms)


def _areas(part: Plan, values: Mapping[str, Value]) -> tuple[int, ...]:
    found = (area_um2(part, values, index) for index in range(len(part.electrodes)))
    return tuple(area for area in found if area is not None)
