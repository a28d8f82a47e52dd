"""What an ideal device reads at its terminals: for sessions in virtual time, and for tests that change it."""

from __future__ import annotations

from ionto_ir.dataclass import dataclass, field
from ionto_ir.events import Tick
from ionto_ir.plan import Plan
from ionto_ir.waveform import Waveform, mean_na

USUAL_OHM = 2_000
"""The load where no envelope assumes one: wetted skin under two medium patches."""

NV_PER_MV = 1_000_000


@dataclass(slots=True)
class Terminals:
    """A load and a supply that drives it as far as its voltage goes. It tells the impedance at rest too.

    `forced` holds readings that are not what they should be, by name: a value, or None for a missing one.
    """

    impedance_ohm: int
    compliance_mv: int
    usual_ohm: int
    forced: dict[str, int | None] = field(default_factory=dict)

    def tick(self, set_na: int, waveform: Waveform | None = None) -> Tick:
        """The tick that ends an interval with the output at `set_na` (0: off), the peak of a waveform.

        The current that is read is the mean of |I|, the voltage that of the peak.
        """
        magnitude_na = abs(set_na)
        voltage_mv = magnitude_na * self.impedance_ohm // NV_PER_MV
        if voltage_mv > self.compliance_mv:
            voltage_mv = self.compliance_mv
            magnitude_na = voltage_mv * NV_PER_MV // max(1, self.impedance_ohm)
        return Tick(
            self._reading("current", mean_na(waveform, magnitude_na)),
            self._reading("voltage", voltage_mv),
            self._reading("impedance", self.impedance_ohm),
        )

    def _reading(self, name: str, real: int) -> int | None:
        return self.forced.get(name, real)


def terminals_of(plan: Plan) -> Terminals:
    """An ideal device on the middle of the assumed impedance."""
    assumed = [item.impedance for item in plan.envelopes if item.impedance is not None]
    low = max((item.ohm_min for item in assumed), default=USUAL_OHM)
    high = min((item.ohm_max for item in assumed), default=USUAL_OHM)
    usual_ohm = (low + high) // 2
    return Terminals(usual_ohm, plan.device.compliance_mv, usual_ohm)
