"""What every proof assumes: said in each report, because a proof is worth no more than this list."""

from __future__ import annotations

from ionto_ir.bound import JOURNAL_LAG_TICKS
from ionto_ir.course import Rhythm, rhythms_of
from ionto_ir.device import ALL, Device, Electrode
from ionto_ir.limits import ADDS_UP, Limit, LimitKind
from ionto_ir.plan import Plan, turns
from ionto_ir.units import CURRENT, SLEW, format_quantity
from ionto_ir.wording import current_text, limit_text


def assumptions_of(plan: Plan) -> tuple[str, ...]:
    """The assumptions of a plan's proofs, most of them facts about its device, in words."""
    device = plan.device
    accuracy = accuracy_text(device)
    step = current_text(plan, device.step_na)
    found = [
        f"`{device.name}` gives at most {accuracy} more than the set current, and nothing while it is off",
        f"the set current changes once a tick of {device.tick_ms} ms and holds through the tick",
        f"a change by one step of {step} counts as continuous under a ramp limit",
        f"the output goes to zero by itself {device.watchdog_ms} ms after the last command",
        f"the host is silent for at most {device.host_gap_ms} ms",
        f"a stop and a pause fall at {_slew(plan.stop_slew_na_s)}",
        f"the way back after a pause rises at {_slew(plan.resume_slew_na_s)}",
        "emergency stops, device faults and loss of power open the output at once, exempt from ramp limits",
        f"the journal is at most {JOURNAL_LAG_TICKS} ticks behind what is in force",
        "a lost link or a crash of the host may end a session early; no limit is passed then, for any plan",
        "a measured current above the stated accuracy ends a session early",
        "the time that people take to answer is counted only under limits on the duration",
        *_held(plan),
        *_impedance(plan),
        *_monitors(plan),
        *_course(plan),
    ]
    found += [f"the share of `{item.profile}` on `{item.site}` is {_share(item)}" for item in _sharing(plan)]
    if any(item.split == ALL for item in plan.electrodes):
        whole = "each electrode carries all of the current"
        found.append(f"{whole}, where no share is stated" if _sharing(plan) else whole)
    if any(drug.ion == 0 for item in plan.electrodes for drug in item.drugs):
        found.append("neutral drugs move with the water, from anode to cathode; how much is not known")
    return tuple(found)


def _held(plan: Plan) -> tuple[str, ...]:
    """What the machine itself keeps while a session runs, and which limits rest on the proof alone."""
    found = []
    if any(limit.window_ms is not None for limit in plan.limits):
        found.append(
            "in a moving window the machine counts whole ticks, and an earlier session with all of its charge"
            " as long as its end is in the window"
        )
    if any(limit.apart for limit in plan.limits):
        found.append(
            "time `apart from people` is the time in which a person is waited for with the output off; the"
            " machine is told when that is"
        )
    alone = dict.fromkeys(limit_text(limit) for limit in plan.limits if _rests_on_proof(plan, limit))
    found += [
        f"`{text}` rests on the proof, and on the rehearsal before a session: the machine does not hold it"
        for text in alone
    ]
    return tuple(found)


def _rests_on_proof(plan: Plan, limit: Limit) -> bool:
    """Whether nothing in the machine would stop a session that passes the limit."""
    if limit.kind in ADDS_UP:
        return limit.role is not None and turns(plan)
    return limit.kind in (LimitKind.MEAN_DENSITY, LimitKind.PULSE_CHARGE, LimitKind.VOLTAGE)


def _sharing(plan: Plan) -> list[Electrode]:
    return [electrode for electrode in plan.electrodes if electrode.split != ALL]


def _share(electrode: Electrode) -> str:
    low, high = (f"{_percent(part)} %" for part in (electrode.split.lo_ppm, electrode.split.hi_ppm))
    return f"{low} to {high} of the current"


def _monitors(plan: Plan) -> tuple[str, ...]:
    if not plan.monitors:
        return ()
    rules = plan.interruptions
    paused = (
        f"as one of the {rules.count_max} interruptions" if rules.resume and rules.count_max else "as a stop"
    )
    return (f"a monitor may pause the session at any moment, {paused}, or stop it; all proofs allow for it",)


def _course(plan: Plan) -> tuple[str, ...]:
    """What is taken for granted between sessions; binding counts what has really been."""
    found: list[str] = []
    if any(limit.window_ms is not None for limit in plan.limits):
        found.append(
            "a window holds sessions of this protocol alone; those of others are counted when one is bound"
        )
    if plan.course is None:
        return tuple(found)
    if any(_by_dates(rhythm) for rhythm in rhythms_of(plan.course)):
        found.append("a date is 24 h long; where clocks change, binding counts the time that has passed")
    if plan.course.memories:
        found.append("what is remembered of earlier sessions may be anything in its range")
    return tuple(found)


def _by_dates(rhythm: Rhythm) -> bool:
    return bool(
        rhythm.gap_days_min or rhythm.per_days or rhythm.weekdays or rhythm.days or rhythm.length_days
    )


def _impedance(plan: Plan) -> tuple[str, ...]:
    ranges = [item.impedance for item in plan.envelopes if item.impedance is not None]
    if not ranges:
        return ("no impedance is assumed, so nothing is proved of whether the device can drive the current",)
    low, high = min(item.ohm_min for item in ranges), max(item.ohm_max for item in ranges)
    said = f"the impedance of skin and electrodes is {low} to {high} Ohm"
    if plan.may_saturate:
        return (f"{said}; the protocol says that the device may saturate",)
    return (said,)


def accuracy_text(device: Device) -> str:
    """`2 % + 10 uA`: a device's accuracy as its profile says it."""
    return f"{_percent(device.accuracy_ppm)} % + {format_quantity(device.accuracy_offset_na, CURRENT, 'uA')}"


def _percent(ppm: int) -> str:
    whole, rest = divmod(ppm, 10_000)
    return f"{whole}.{rest:04d}".rstrip("0").rstrip(".")


def _slew(slew_na_s: int) -> str:
    return format_quantity(slew_na_s, SLEW, "mA/s")
