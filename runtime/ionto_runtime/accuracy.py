"""What a device is stated to be wrong by, against the checks that a session makes of it.

A check of readings is only worth something where a sound device passes it and a broken one does not. A device
whose stated accuracy is wider than that is refused before anything flows (I0850), whatever was proved of it:
the proofs bear any accuracy, these checks do not.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.bound import BoundPlan, worst_na
from ionto_ir.device import Device
from ionto_ir.diagnostic import Diagnostic, error
from ionto_runtime.ceilings import ceilings_of
from ionto_runtime.supervision import ZERO_NA_MAX

OVER_PPM = 50_000
OVER_NA_MIN = 50_000
"""What a reading may exceed the setpoint by: 5 %, but at least 50 uA (R15); a small device to less."""

PROBE_NA = 100_000
"""What may flow before a closed circuit was seen (R13): below what is felt."""


def over_na(set_na: int) -> int:
    """The highest reading that is no over-current at a set magnitude, whatever the device (R15)."""
    return set_na + max(set_na * OVER_PPM // 1_000_000, OVER_NA_MIN)


def floor_na(device: Device) -> int:
    """What a reading of a device may exceed a small setpoint by: 5 % of its range, and never more than 50 uA.

    50 uA are 5 % of 1 mA. A device of less range would otherwise give a multiple of what is set, or all that
    it has with its output open, and be within the rule. It must bear what a sound device reads: its offset,
    and a step, which is more than the share is rounded by.
    """
    share_na = device.current_na_max * OVER_PPM // 1_000_000
    return min(OVER_NA_MIN, max(share_na, device.accuracy_offset_na + device.step_na))


def tolerated_na(device: Device, set_na: int) -> int:
    """The same for a device: a sound one is no over-current where it states more than that, up to the sum of
    share and floor. (5 % of 1 mA and an offset of 50 uA are each allowed, and may come together.)
    """
    share_na, least_na = set_na * OVER_PPM // 1_000_000, floor_na(device)
    stated_na = worst_na(set_na, device.accuracy_ppm, device.accuracy_offset_na)
    return max(set_na + max(share_na, least_na), min(stated_na, set_na + share_na + least_na))


def probe_na(device: Device) -> int:
    """The probe that a device can set, nA."""
    return max(device.step_na, PROBE_NA // device.step_na * device.step_na)


def telling_na(device: Device) -> int:
    """The least setpoint at which a reading tells a closed circuit from an open one.

    Open, the device reads its error, which R8 has seen to be no zero that is too high; closed, half of the
    setpoint less its error. Below this the two overlap.
    """
    offset_na = device.accuracy_offset_na
    return max(2 * ZERO_NA_MAX, offset_na + 2 * min(ZERO_NA_MAX, offset_na) + 1)


def accuracy_problems(bound: BoundPlan) -> Iterator[Diagnostic]:
    """Every check of a session that means nothing on this device (I0850)."""
    device, constants = bound.plan.device, bound.constants
    ppm, offset_na = device.accuracy_ppm, device.accuracy_offset_na
    if ppm > OVER_PPM:
        yield _refused(
            device, f"a share of {ppm / 10_000:g} %, and a reading that is 5 % too high is a fault"
        )
    if offset_na > OVER_NA_MIN:
        yield _refused(device, f"an offset of {_ua(offset_na)}, and at zero 50 µA are too much")
    probed_na = min(PROBE_NA, probe_na(device))
    if device.current_na_max > probe_na(device) and telling_na(device) > probed_na:
        yield _refused(
            device, f"an offset of {_ua(offset_na)}, and a probe of {_ua(probed_na)} shows no closed circuit"
        )
    set_na = max(constants.current_cap_na, constants.current_cap_reversed_na)
    ceiling_na = ceilings_of(bound.plan).current_na_max
    if set_na <= ceiling_na and worst_na(set_na, ppm, offset_na) > over_na(ceiling_na):
        yield _refused(
            device, f"more than the hard ceiling of {ceiling_na / 1e6:g} mA bears at {_ua(set_na)}"
        )


def _ua(current_na: int) -> str:
    return f"{current_na / 1000:g} µA"


def _refused(device: Device, why: str) -> Diagnostic:
    return error(
        "I0850",
        f"`{device.name}` is too inaccurate to be watched: it states {why}",
        device.span,
        "declared here",
        notes=("a sound device would be stopped, or a broken one would not be seen",),
        help="use a device that is accurate to 5 % and 50 µA at most, or state what its data sheet says",
    )
