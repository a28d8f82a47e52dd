"""Admission: may this session be given on this device to this person, whatever was proved elsewhere?

Binding has judged the plan. Here the runtime judges by what only it knows: its own ceilings, the device that
answered, what the operator confirmed, and the sessions on record. Every reason is given, not only the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ionto_ir.bind import History
from ionto_ir.bind_together import BoundTogether
from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Channel, Plan, Ramp, Reverse
from ionto_ir.trace import Observation, area_um2
from ionto_runtime.accuracy import accuracy_problems
from ionto_runtime.ceilings import (
    DAY_MS,
    MA,
    MINUTE_MS,
    ceiling_problems,
    ceiling_problems_together,
    ceilings_of,
)
from ionto_runtime.drivers.driver import Capabilities, DeadMan
from ionto_runtime.planned import Planned

BENCH = "bench"
"""The device class that is for phantoms, cells and excised skin, and for nobody."""


def for_people(plan: Plan) -> bool:
    """Whether a plan may be meant for people: all are that do not say in every envelope that they are not."""
    classes = [envelope.device_classes for envelope in plan.envelopes]
    return not classes or any(named != (BENCH,) for named in classes)


def plan_problems(bound: BoundPlan, planned: Observation, history: History | None) -> Iterator[Diagnostic]:
    """What ceilings, accuracy and record say against a session (I0850, I0920, I0928). Without a history
    nobody knows what was given.
    """
    yield from ceiling_problems(bound, planned)
    yield from accuracy_problems(bound)
    yield from record_problems(bound.plan, planned.worst_pc, history)


def plan_problems_together(
    bound: BoundTogether, planned: Planned, history: History | None
) -> Iterator[Diagnostic]:
    """The same of several channels: each alone, and all of them in one person."""
    yield from ceiling_problems_together(bound, planned.alone, planned.together)
    for part in bound.channels:
        yield from accuracy_problems(part)
    yield from record_problems(bound.plan, planned.together.worst_pc, history)


def record_problems(plan: Plan, worst_pc: int, history: History | None) -> Iterator[Diagnostic]:
    """What the sessions on record say against one more that may deliver `worst_pc`."""
    if history is None:
        if for_people(plan):
            text = "without a patient token nobody knows what this person has received today"
            yield error(
                "I0928", text, None, help="give a token that stands for the patient: `--patient TOKEN`"
            )
        return
    if any(past.start_ms > history.now_ms for past in history.sessions):
        text = "a session on record began later than now: this computer's calendar has been set back"
        yield error(
            "I0928", text, None, help="set the clock right; what was given today must not be forgotten"
        )
    most = ceilings_of(plan)
    earlier_pc = sum(past.upper_pc for past in history.sessions if past.end_ms > history.now_ms - DAY_MS)
    if earlier_pc and earlier_pc + worst_pc > most.charge_pc_max:
        given, allowed = (round(pc / MA / MINUTE_MS, 1) for pc in (earlier_pc, most.charge_pc_max))
        text = f"with the {given:g} mA·min of the last 24 h this session would pass {allowed:g} mA·min"
        yield error("I0920", text, None, notes=("this ceiling is the runtime's own",), help="wait")


def capability_problems(plan: Plan, has: Capabilities) -> Iterator[Diagnostic]:
    """Everything that the plan needs and the device does not have (I0922, I0961)."""
    if plan.device.driver != has.driver:
        yield error(
            "I0961",
            f"the plan is for `{plan.device.name}`, whose driver is `{plan.device.driver}`",
            plan.device.span,
            "declared here",
            notes=(f"the device at hand is driven by `{has.driver}`: {has.title}",),
            help="compile the protocol for this device: `ionto compile FILE --device NAME`",
        )
    turns = any(
        isinstance(step, Reverse) or (isinstance(step, Ramp) and step.reversed) for step in plan.steps
    )
    if turns and not has.bipolar:
        yield _lacks("the plan turns the polarity, and the device cannot")
    if has.dead_man is DeadMan.NONE:
        yield _lacks(
            "when the computer falls silent nothing ends the output of this device",
            "a watchdog relay on its output-enable line does: `ionto doctor --watchdog PORT --save NAME`"
            if has.takes_relay
            else None,
        )
    missing = sorted(set(plan.device.waveforms) - set(has.waveforms))
    if missing:
        yield _lacks(f"the plan's device makes `{missing[0]}`, and the device at hand does not")
    if not for_people(plan):
        return
    if has.dead_man not in (DeadMan.DEVICE, DeadMan.NONE):
        text = "the plan is for people, and the device does not end its output by itself"
        yield _lacks(f"{text}: {has.dead_man.value} does")
    for given, text in (
        (has.for_people, "the plan is for people, and the device is not made for them"),
        (has.reset_is_off, "after a reset of the device current may flow"),
        (has.measures_voltage, "the device does not say at which voltage it drives"),
    ):
        if not given:
            yield _lacks(text)


def uncertified(plan: Plan) -> Diagnostic:
    """A plan that nobody can check again runs on no device (I0631)."""
    text = "no certificates are sealed with this plan, so its proof cannot be checked before current flows"
    help_ = "`ionto compile` seals a plan with its certificates"
    return error("I0631", text, plan.span, "this protocol", help=help_)


def _lacks(text: str, advice: str | None = None) -> Diagnostic:
    return error("I0922", text, None, help=advice or "`ionto devices` shows what each kind of device can do")


def confirmation_of(
    bound: BoundPlan, plan_sha256: str, patient: str | None, channels: Sequence[Channel] = ()
) -> dict[str, Json]:
    """What an operator must confirm before anything flows (R3): with several channels, also which of them an
    electrode is on.
    """
    plan = bound.plan
    electrodes: list[Json] = []
    for index, electrode in enumerate(plan.electrodes):
        on: list[Json] = [channel.name for channel in channels if index in channel.electrodes]
        told: dict[str, Json] = {
            "place": electrode.place.value,
            "role": electrode.role.value,
            "site": electrode.site,
            "area_um2": area_um2(plan, bound.values, index),
        }
        electrodes.append(told | {"channels": on} if channels else told)
    return {"plan_sha256": plan_sha256, "patient": patient, "electrodes": electrodes}


def confirmation_problem(demanded: Mapping[str, Json], given: Json) -> Diagnostic | None:
    """In what a confirmation differs from what must be confirmed (I0923), or None."""
    if given == demanded:
        return None
    if not isinstance(given, dict):
        said = "nothing was confirmed"
    else:
        wrong = next((name for name in demanded if given.get(name) != demanded[name]), None)
        said = "more was confirmed than was asked" if wrong is None else f"another `{wrong}` was confirmed"
        if wrong == "electrodes":
            said = "other electrodes were confirmed: place, pole, site or area differs"
    return error("I0923", said, None, help="look at the plan and at the patient again; nothing was started")
