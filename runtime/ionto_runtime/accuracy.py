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

MOVED_NA_MIN = 50_000
"""A setpoint that has moved by this much must show in the current (R34)."""

LARGE_NA = 1_000_000
"""The requirements name their currents for devices of some mA: of a range of 1 mA 20 uA are 2 %, 50 uA are
5 % and 100 uA are 10 %. A device of less range is held to the same shares of it, or to what it can tell.
"""


def over_na(set_na: int) -> int:
    """The highest reading that is no over-current at a set magnitude, whatever the device (R15)."""
    return set_na + max(set_na * OVER_PPM // 1_000_000, OVER_NA_MIN)


def floor_na(device: Device) -> int:
    """What a reading of a device may exceed a small setpoint by: 5 % of its range, and never more than 50 uA.

    50 uA are 5 % of 1 mA. A device of less range would otherwise give a multiple of what is set, or all that
    it has with its output open, and be within the rule. It must bear what a sound device reads: its offset,
    and a step, which is more than the share is rounded by.
    """
    share_na = _share_na(device, OVER_NA_MIN)
    return min(OVER_NA_MIN, max(share_na, device.accuracy_offset_na + device.step_na))


def dense_na(device: Device, set_na: int) -> int:
    """The highest reading that is no current too dense, where `set_na` is the most that an electrode bears
    (R33).
    """
    return set_na + max(set_na * OVER_PPM // 1_000_000, floor_na(device))


def tolerated_na(device: Device, set_na: int) -> int:
    """The same for a device: a sound one is no over-current where it states more than that, up to the sum of
    share and floor. (5 % of 1 mA and an offset of 50 uA are each allowed, and may come together.)
    """
    share_na, least_na = set_na * OVER_PPM // 1_000_000, floor_na(device)
    stated_na = worst_na(set_na, device.accuracy_ppm, device.accuracy_offset_na)
    return max(set_na + max(share_na, least_na), min(stated_na, set_na + share_na + least_na))


def _share_na(device: Device, whole_na: int) -> int:
    """What a current that is named for a range of 1 mA is for the range of a device."""
    return device.current_na_max * whole_na // LARGE_NA


def zero_na(device: Device) -> int:
    """The highest reading of a device that is zero (R8, R22): it must bear an offset and a step."""
    least_na = device.accuracy_offset_na + device.step_na
    return min(ZERO_NA_MAX, max(_share_na(device, ZERO_NA_MAX), least_na))


def moved_na(device: Device) -> int:
    """By how much a setpoint moves before a sound reading must have moved too (R34): two readings may be
    wrong by the offset, one each way, and by a step.
    """
    least_na = 2 * (device.accuracy_offset_na + device.step_na)
    return min(MOVED_NA_MIN, max(_share_na(device, MOVED_NA_MIN), least_na))


def probe_na(device: Device) -> int:
    """The probe that a device can set, nA (R13): never less than what tells a closed circuit."""
    step_na = device.step_na
    least_na = max(_share_na(device, PROBE_NA), telling_na(device))
    return max(step_na, min(PROBE_NA // step_na, -(-least_na // step_na)) * step_na)


def telling_na(device: Device) -> int:
    """The least setpoint at which a reading tells a closed circuit from an open one (R13, R29).

    Open, the device reads its error, which R8 has seen to be no zero that is too high; closed, half of the
    setpoint less its error. Below this the two overlap.
    """
    offset_na, most_na = device.accuracy_offset_na, zero_na(device)
    return max(2 * most_na, offset_na + 2 * min(most_na, offset_na) + 1)


def comparing_na(device: Device) -> int:
    """From which current on two impedances may be compared (R32): an offset is at most a third of it."""
    return min(PROBE_NA, max(_share_na(device, PROBE_NA), 3 * device.accuracy_offset_na))


def unseen(device: Device, peak_na: int) -> Iterator[str]:
    """What cannot be seen in a session that never sets more than `peak_na`: told before it begins, and kept
    in its record.
    """
    told_na = min(PROBE_NA, telling_na(device))
    if 0 < peak_na < told_na:
        yield (
            f"at most {_ua(peak_na)} are set, and on `{device.name}` an electrode that is off shows from "
            f"{_ua(told_na)} on: nobody will see it"
        )


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
    most_na = device.current_na_max
    probed_na = min(PROBE_NA, probe_na(device))
    if offset_na <= OVER_NA_MIN and _told_na(device) > most_na:
        yield _blind(device)
    elif most_na > probe_na(device) and telling_na(device) > probed_na:
        yield _refused(
            device, f"an offset of {_ua(offset_na)}, and a probe of {_ua(probed_na)} shows no closed circuit"
        )
    set_na = max(constants.current_cap_na, constants.current_cap_reversed_na)
    ceiling_na = ceilings_of(bound.plan).current_na_max
    if set_na <= ceiling_na and worst_na(set_na, ppm, offset_na) > over_na(ceiling_na):
        yield _refused(
            device, f"more than the hard ceiling of {ceiling_na / 1e6:g} mA bears at {_ua(set_na)}"
        )


def _told_na(device: Device) -> int:
    """The least setpoint of a device, in its steps, at which a reading tells what it has to tell."""
    step_na = device.step_na
    return -(-max(telling_na(device), moved_na(device)) // step_na) * step_na


def _blind(device: Device) -> Diagnostic:
    """Within all of its range nobody can tell whether an electrode is on (I0966)."""
    step_na, offset_na = device.step_na, device.accuracy_offset_na
    return error(
        "I0966",
        f"`{device.name}` has a range of {_ua(device.current_na_max)}, and its readings tell something from "
        f"{_ua(_told_na(device))} on",
        device.span,
        "declared here",
        notes=(f"with {_ua(offset_na)} of offset and steps of {_ua(step_na)} open reads as closed",),
        help="state the offset and the step that the data sheet gives, or use a device that is finer",
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
