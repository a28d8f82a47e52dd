"""The watch on how much flows: more than was set, more than is ever allowed, more than is accounted for."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.bound import BoundPlan, worst_na
from ionto_ir.trace import area_um2
from ionto_ir.waveform import PPM
from ionto_runtime.accuracy import dense_na, over_na, tolerated_na
from ionto_runtime.ceilings import DENSITY_NA_CM2_MAX, UM2_PER_CM2, ceilings_of
from ionto_runtime.watching import Act, Finding, Sight

OVER_MS = 200
"""For how long it may exceed that: one reading may be wrong, two are believed (R15)."""

EXCESS_PERCENT = 1
"""Charge beyond what the plan accounts for, in percent of the plan's charge, that ends a session (R20)."""


class CurrentWatch:
    """Compares what is measured with what was set, with the plan's caps and with the hard ceilings.

    `excess_pc` is what was measured above the accuracy that the ledger already counts. `planned_pc` is the
    charge of the undisturbed session, None where nobody has worked it out.
    """

    def __init__(self, bound: BoundPlan, planned_pc: int | None) -> None:
        constants, plan = bound.constants, bound.plan
        self._device = plan.device
        self.excess_pc = 0
        self._excess_pc_max = None if planned_pc is None else planned_pc * EXCESS_PERCENT // 100
        self._accuracy_ppm, self._offset_na = constants.accuracy_ppm, constants.offset_na
        caps = (constants.current_cap_na, constants.current_cap_reversed_na)
        self._cap_na = self._worst_na(max(caps))
        self._ceiling_na = over_na(ceilings_of(plan).current_na_max)
        areas = [area_um2(plan, bound.values, index) for index in range(len(plan.electrodes))]
        known = [area for area in areas if area is not None]
        densest_na = min(known) * DENSITY_NA_CM2_MAX // UM2_PER_CM2 if known else None
        self._dense_na = None if densest_na is None else dense_na(plan.device, densest_na)
        self._over_ms = self._cap_ms = 0

    def _worst_na(self, current_na: int) -> int:
        return worst_na(current_na, self._accuracy_ppm, self._offset_na)

    def look(self, sight: Sight) -> Iterator[Finding]:
        """Over-current (R15), the ceilings (R2, R33), and the charge beyond the account (R20)."""
        if sight.reading is None:
            return
        measured_na = abs(sight.reading.current_na)
        yield from self._beyond_everything(measured_na * PPM // sight.share_ppm)
        most_na = sight.most_na
        self._over_ms = (
            self._over_ms + sight.passed_ms if measured_na > tolerated_na(self._device, most_na) else 0
        )
        if self._over_ms >= OVER_MS:
            said = f"{measured_na} nA flow where at most {most_na} nA are set"
            if sight.set_na is None:
                yield Finding(Act.OPEN, said, "F20")
            else:
                yield Finding(Act.STOP, said, "F37")
        self._cap_ms = self._cap_ms + sight.passed_ms if measured_na > max(self._cap_na, most_na) else 0
        if self._cap_ms >= OVER_MS:
            yield Finding(Act.STOP, f"{measured_na} nA flow, above every limit of the plan", "F37")
        self.excess_pc += sight.passed_ms * max(0, measured_na - self._worst_na(most_na))
        if self._excess_pc_max is not None and self.excess_pc > self._excess_pc_max:
            yield Finding(Act.STOP, f"{self.excess_pc} pC more than the plan accounts for", "F43")

    def _beyond_everything(self, measured_na: int) -> Iterator[Finding]:
        """The ceilings bound the peak."""
        if measured_na > self._ceiling_na:
            yield Finding(Act.OPEN, f"{measured_na} nA flow, above the hard ceiling", "F49")
        elif self._dense_na is not None and measured_na > self._dense_na:
            yield Finding(Act.OPEN, f"{measured_na} nA flow, denser than is ever allowed", "F49")
