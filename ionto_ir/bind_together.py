"""Binding a plan with several channels: each as a plan of its own, then all of them under what they share.

A limit on everything that flows, or on an electrode that several channels share, is handed out: each
channel's machine gets a cap of its own, and the caps together are no more than the limit. So whatever the
machines do, and whatever happens to one of them, the sum holds; no machine has to know of another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from ionto_ir.bind import NO_HISTORY, Acknowledgement, History, Needed, Refusal, bind, bind_disarmed
from ionto_ir.bind_constants import past_pc, signs_of
from ionto_ir.bound import BoundPlan
from ionto_ir.channels import care_plan, channel_plans, channels_of, is_together
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.device import WHOLE
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.events import Event, Pause, Resume
from ionto_ir.expression import Value
from ionto_ir.limits import ADDS_UP, Limit, LimitKind, Role
from ionto_ir.observer import Violation, per_area
from ionto_ir.observer_together import violations_together
from ionto_ir.plan import IntegerDomain, Plan
from ionto_ir.state import Mode, State
from ionto_ir.together import Happens, TogetherRun, may_resume, run_together
from ionto_ir.trace import area_um2
from ionto_ir.wording import clock_text, limit_text, measured_text


@dataclass(frozen=True, slots=True)
class BoundTogether:
    """A plan with several channels, ready to run: what people do around it, and each channel."""

    plan: Plan
    values: Mapping[str, Value]
    care: BoundPlan
    channels: tuple[BoundPlan, ...]


def bind_together(
    plan: Plan,
    values: Mapping[str, Value],
    acknowledgements: Sequence[Acknowledgement] = (),
    history: History = NO_HISTORY,
    *,
    rehearsing: bool = False,
) -> BoundTogether | Refusal:
    """All channels ready to run, or every reason why they must not. The plan is well formed."""
    assert plan.channels, "a plan without channels is bound as it is"
    parts: list[Plan] = [care_plan(plan)]
    outcomes = [bind(parts[0], values, acknowledgements, history, rehearsing=rehearsing)]
    if isinstance(outcomes[0], BoundPlan):
        parts = list(channel_plans(plan))
        outcomes += [bind(part, values, acknowledgements, history, rehearsing=rehearsing) for part in parts]
    refusals = [item for item in outcomes if isinstance(item, Refusal)]
    if refusals:
        needed: tuple[Needed, ...] = tuple(dict.fromkeys(item for found in refusals for item in found.needed))
        said = tuple(dict.fromkeys(item for found in refusals for item in found.diagnostics))
        return Refusal(said, needed)
    care, *alone = [item for item in outcomes if isinstance(item, BoundPlan)]
    needs = [*_rehearsals(plan, values, alone)]
    problems = [item for done in needs for item in _problems(plan, values, done)]
    if problems:
        return Refusal(tuple(dict.fromkeys(problems)))
    channels, problems = _handed_out(plan, values, alone, needs, history)
    if problems:
        return Refusal(tuple(problems))
    return BoundTogether(plan, dict(values), care, tuple(channels))


def bind_together_disarmed(plan: Plan, values: Mapping[str, Value]) -> BoundTogether:
    """The same with nothing to stop it: shows what a protocol itself says; not to be run on people."""
    care = bind_disarmed(care_plan(plan), values)
    return BoundTogether(
        plan, dict(values), care, tuple(bind_disarmed(part, values) for part in channel_plans(plan))
    )


def _rehearsals(plan: Plan, values: Mapping[str, Value], alone: Sequence[BoundPlan]) -> Iterator[TogetherRun]:
    """Undisturbed, interrupted as often as is allowed, and the same with everything adjustable turned up."""
    highest = {
        item.name: item.domain.hi
        for item in plan.variables
        if item.adjustable and isinstance(item.domain, IntegerDomain)
    }
    sets: list[Sequence[BoundPlan]] = [alone]
    if highest:
        raised = {**values, **highest}
        sets.append([replace(bound, values=raised) for bound in alone])
    for bounds in sets:
        yield run_together(bounds)
        if plan.interruptions.resume and plan.interruptions.count_max:
            yield run_together(bounds, interrupting(plan))


def interrupting(plan: Plan) -> Happens:
    """Pause as soon as every channel that flows holds its level, and resume as soon as all are at zero."""
    left = plan.interruptions.count_max
    calm_ms = 0

    def happens(clock_ms: int, states: Sequence[State]) -> Event | None:
        nonlocal left, calm_ms
        if any(state.mode in (Mode.PAUSED, Mode.LOST) for state in states):
            return Resume() if may_resume(states) else None
        flowing = [state for state in states if state.mode is Mode.ON]
        holds = [state for state in flowing if state.place.goal is not None or state.place.left_ms > 0]
        if left and flowing and len(holds) == len(flowing) and clock_ms > calm_ms:
            left -= 1
            calm_ms = clock_ms
            return Pause()
        return None

    return happens


def _problems(plan: Plan, values: Mapping[str, Value], done: TogetherRun) -> Iterator[Diagnostic]:
    if not done.finished:
        reasons = sorted({"it does not end" if item is None else item.reason for item in done.endings})
        yield error("I0943", f"the channels together would not finish: {', '.join(reasons)}", plan.span)
    for item in violations_together(plan, values, done.traces):
        yield violation_of_all(plan, item)


def violation_of_all(plan: Plan, item: Violation) -> Diagnostic:
    """What limit the channels violate together, by how much and when (I0940)."""
    where = "" if item.electrode is None else f" on `{plan.electrodes[item.electrode].site}`"
    reached = f"{item.limit.kind.value}{where} reaches {measured_text(item.limit, item.value)}"
    text = (
        f"`{limit_text(item.limit)}` would be violated at {clock_text(item.at_ms)} by the channels together"
    )
    labels = (Label(item.limit.span, f"`{item.limit.envelope}` allows no more"),)
    return error("I0940", text, plan.span, reached, labels=labels)


# --- caps that add up to no more than a limit ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shared:
    """A limit that some channels keep together: `bound` as current (nA) or charge (pC) of all of them."""

    limit: Limit
    channels: tuple[int, ...]
    bound: int


def _shared_limits(plan: Plan, values: Mapping[str, Value], history: History) -> Iterator[_Shared]:
    parts = channel_plans(plan)
    for limit in plan.limits:
        if limit.soft or limit.kind not in (LimitKind.CURRENT, LimitKind.DENSITY, *ADDS_UP):
            continue
        past = 0 if limit.window_ms is None else past_pc(history, limit.window_ms, nominal=limit.nominal)
        if is_together(limit):
            yield _Shared(limit, tuple(range(len(plan.channels))), limit.bound - past)
        elif limit.per_electrode:
            for index, electrode in enumerate(plan.electrodes):
                channels = channels_of(plan, index)
                held = any(
                    _may_have(parts[number], values, electrode.role, limit.role) for number in channels
                )
                if len(channels) > 1 and electrode.split.hi_ppm and held:
                    area = area_um2(plan, values, index)
                    assert area is not None, "the values of the day are known"
                    scale = per_area(limit.kind, area) * Fraction(electrode.split.hi_ppm, WHOLE)
                    yield _Shared(limit, channels, int(limit.bound / scale) - past)


def _may_have(part: Plan, values: Mapping[str, Value], declared: Role, wanted: Role | None) -> bool:
    """Whether an electrode of a channel may have a role while current flows."""
    return wanted is None or any((declared is wanted) is (sign > 0) for sign in signs_of(part, values))


def _handed_out(
    plan: Plan,
    values: Mapping[str, Value],
    alone: Sequence[BoundPlan],
    runs: Sequence[TogetherRun],
    history: History,
) -> tuple[list[BoundPlan], list[Diagnostic]]:
    """The channels with caps that hold every shared limit: what each needs, and its part of the rest."""
    count = len(alone)
    charges = [max(done.needs_pc[channel] for done in runs) for channel in range(count)]
    peaks = [max(_peak_na(done, channel) for done in runs) for channel in range(count)]
    worst = [bound.interlock.worst_na(peak) for bound, peak in zip(alone, peaks, strict=True)]
    found, problems = list(alone), []
    for shared in _shared_limits(plan, values, history):
        adds_up, nominal = shared.limit.kind in ADDS_UP, shared.limit.nominal
        needs = charges if adds_up else peaks if nominal else worst
        spare = shared.bound - sum(needs[channel] for channel in shared.channels)
        if spare < 0:
            text = f"`{limit_text(shared.limit)}` is less than the channels that share it need"
            label = Label(shared.limit.span, "cannot be handed out")
            problems.append(error("I0940", text, plan.span, labels=(label,)))
            continue
        for channel in shared.channels:
            cap = needs[channel] + spare // len(shared.channels)
            found[channel] = _capped(found[channel], cap, adds_up=adds_up, nominal=nominal)
    return found, problems


def _peak_na(done: TogetherRun, channel: int) -> int:
    return max((abs(point.setpoint_na) for point in done.traces[channel].points if point.on), default=0)


def _capped(bound: BoundPlan, cap: int, *, adds_up: bool, nominal: bool) -> BoundPlan:
    """The channel with a cap that may only be lower than the one it has."""
    rules = bound.constants
    if adds_up:
        name = "cap_nominal_pc" if nominal else "cap_pc"
        return replace(bound, constants=replace(rules, **{name: min(getattr(rules, name), cap)}))
    set_na = cap
    if not nominal:
        # Rounded down: the worst case of this setpoint is within the cap, that of the next one is not.
        set_na = max(0, (cap - rules.offset_na) * 1_000_000 // (1_000_000 + rules.accuracy_ppm))
        while set_na and bound.interlock.worst_na(set_na) > cap:
            set_na -= 1
    return replace(
        bound,
        constants=replace(
            rules,
            current_cap_na=min(rules.current_cap_na, set_na),
            current_cap_reversed_na=min(rules.current_cap_reversed_na, set_na),
        ),
    )
