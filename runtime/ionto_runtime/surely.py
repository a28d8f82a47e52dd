"""What was delivered at least: the lower bound of a charge, as displays show it and journals are counted."""

from __future__ import annotations

from ionto_ir.bound import Constants, worst_na
from ionto_runtime.stimulator import Measurement
from ionto_runtime.supervision import TOUCHING_OHM_MAX
from ionto_runtime.watching import Sight


def surely_na(set_na: int, measured_na: tuple[int, int], ohm: int | None, constants: Constants) -> int:
    """The current, nA, that the skin received at least in an interval: no more than was set, nor than was
    measured at either end of it, less what the device may be wrong by. Electrodes that touch bypass the skin.
    """
    if ohm is not None and ohm < TOUCHING_OHM_MAX:
        return 0
    least_na = min(abs(set_na), *measured_na)
    error_na = worst_na(least_na, constants.accuracy_ppm, constants.offset_na) - least_na
    return max(0, least_na - error_na)


class LeastCharge:
    """The charge that was surely delivered so far: `lower_pc`. A reading that is not believed is none."""

    def __init__(self, constants: Constants) -> None:
        self.lower_pc = 0
        self._constants = constants
        self._before_na = 0

    def take(self, sight: Sight, believed: Measurement | None) -> None:
        """Count the interval that ended."""
        measured_na = 0 if believed is None else abs(believed.current_na)
        if sight.set_na is not None:
            ohm = None if believed is None else believed.impedance_ohm
            least_na = surely_na(sight.set_na, (measured_na, self._before_na), ohm, self._constants)
            self.lower_pc += sight.passed_ms * least_na
        self._before_na = measured_na
