"""Binding a plan with several channels: each as a plan of its own, then all of them under what they share.

A limit on everything that flows, or on an electrode that several channels share, is handed out: each
channel's machine gets a cap of its own, and the caps together are no more than the limit. So whatever the
machines do, and whatever happens to one of them, the sum holds; no machine has to know of another one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from ionto_ir.bind import (
    NO_HISTORY,
    Acknowledgement,
    History,
    Needed,
    Refusal,
    asked_of,
    bind,
    bind_disarmed,
    soft_text,
)
from ionto_ir.bind_constants import past_pc, signs_of
from ionto_ir.bound import BoundPlan
from ionto_ir.channels import care_plan, channel_plans, channels_of, is_together
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.device import WHOLE
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.events import Event, Pause, Resume
from ionto_ir.expression import Value
from ionto_ir.limits import ADDS_UP, Limit, LimitKind, Role
from ionto_ir.machine_table import ENDING_TEXTS, Ending
from ionto_ir.observer import Violation, per_area
from ionto_ir.observer_together import violations_together
from ionto_ir.parts import among
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
    usual = [*_rehearsals(plan, alone)]
    problems = [item for done in usual for item in _problems(plan, values, done)]
    settled = {item.subject for item in acknowledgements}
    asked = tuple(item for item in _soft(plan, values, usual[0]) if item.subject not in settled)
    if problems or asked:
        return Refusal((*dict.fromkeys(problems), *map(asked_of, asked)), asked)
    channels, problems = _handed_out(plan, values, alone, (usual, _raised(plan, values, alone)), history)
    if problems:
        return Refusal(tuple(problems))
    return BoundTogether(plan, dict(values), care, tuple(channels))


def bind_together_disarmed(plan: Plan, values: Mapping[str, Value]) -> BoundTogether:
    """The same with nothing to stop it: shows what a protocol itself says; not to be run on people."""
    care = bind_disarmed(care_plan(plan), values)
    return BoundTogether(
        plan, dict(values), care, tuple(bind_disarmed(part, values) for part in channel_plans(plan))
    )


def _rehearsals(plan: Plan, bounds: Sequence[BoundPlan]) -> Iterator[TogetherRun]:
    """Undisturbed, and interrupted as often as is allowed."""
    yield run_together(bounds)
    if plan.interruptions.resume and plan.interruptions.count_max:
        yield run_together(bounds, interrupting(plan))


def _raised(plan: Plan, values: Mapping[str, Value], alone: Sequence[BoundPlan]) -> list[TogetherRun]:
    """The same with everything adjustable turned up: what the channels may come to need."""
    highest = {
        item.name: item.domain.hi
        for item in plan.variables
        if item.adjustable and isinstance(item.domain, IntegerDomain)
    }
    if not highest:
        return []
    return [*_rehearsals(plan, [replace(bound, values={**values, **highest}) for bound in alone])]


def _soft(plan: Plan, values: Mapping[str, Value], calm: TogetherRun) -> Iterator[Needed]:
    """Soft limits that the channels pass together, each of which somebody must answer for."""
    for item in violations_together(plan, values, calm.traces, soft=True):
        subject = f"limits[{plan.limits.index(item.limit)}]"
        yield Needed(subject, soft_text(item), item.limit.span, item.limit.needs)


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
    ended = {"it does not end" if item is None else item.reason for item in done.endings}
    if not done.finished and not ended_by_a_pause(ended):
        reasons = ", ".join(sorted(ended))
        yield error("I0943", f"the channels together would not finish: {reasons}", plan.span)
    for item in violations_together(plan, values, done.traces):
        yield violation_of_all(plan, item)


def ended_by_a_pause(ended: set[str]) -> bool:
    """Where a channel takes longer to come down than a pause may last, a pause ends the session: no harm, if
    all that comes of it is that the others are stopped or have finished.
    """
    harmless = {ENDING_TEXTS[item] for item in (Ending.PAUSE_TOO_LONG, Ending.STOPPED, Ending.FINISHED)}
    return ENDING_TEXTS[Ending.PAUSE_TOO_LONG] in ended and ended <= harmless


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


@dataclass(frozen=True, slots=True)
class _Needs:
    """The most that each channel came to: charge with its reserve pC, and current nA, as set and at worst."""

    charges_pc: tuple[int, ...]
    set_na: tuple[int, ...]
    worst_na: tuple[int, ...]


def _needs(alone: Sequence[BoundPlan], runs: Sequence[TogetherRun]) -> _Needs:
    channels = range(len(alone))
    peaks = tuple(max(_peak_na(done, channel) for done in runs) for channel in channels)
    return _Needs(
        tuple(max(done.needs_pc[channel] for done in runs) for channel in channels),
        peaks,
        tuple(bound.interlock.worst_na(peak) for bound, peak in zip(alone, peaks, strict=True)),
    )


def _wanted(plan: Plan, shared: _Shared, needs: _Needs) -> tuple[tuple[int, ...], dict[int, int]]:
    """What each channel needs of a limit, and its part of what the limit leaves beside what is needed.

    Charges add up over the session. Currents do so only where channels flow in the same part of it: a channel
    takes no more than its part of what is left in each part in which it flows.
    """
    nominal = needs.set_na if shared.limit.nominal else needs.worst_na
    adds_up = shared.limit.kind in ADDS_UP
    wanted = needs.charges_pc if adds_up else nominal
    spare: dict[int, int] = {}
    for group in (shared.channels,) if adds_up else among(plan, shared.channels):
        left = shared.bound - sum(wanted[channel] for channel in group)
        for channel in group:
            spare[channel] = min(spare.get(channel, left), left // len(group))
    return wanted, spare


def _handed_out(
    plan: Plan,
    values: Mapping[str, Value],
    alone: Sequence[BoundPlan],
    runs: tuple[Sequence[TogetherRun], Sequence[TogetherRun]],
    history: History,
) -> tuple[list[BoundPlan], list[Diagnostic]]:
    """The channels with caps that hold every shared limit: what each needs, and its part of the rest."""
    found, problems = list(alone), []
    usual, raised = _needs(alone, runs[0]), _needs(alone, (*runs[0], *runs[1]))
    for shared in _shared_limits(plan, values, history):
        adds_up, nominal = shared.limit.kind in ADDS_UP, shared.limit.nominal
        wanted, spare = _wanted(plan, shared, raised)
        if min(spare.values()) < 0:  # not all that may be asked for: then what is asked for now
            wanted, spare = _wanted(plan, shared, usual)
        if min(spare.values()) < 0:
            text = f"`{limit_text(shared.limit)}` is less than the channels that share it need"
            label = Label(shared.limit.span, "cannot be handed out")
            problems.append(error("I0940", text, plan.span, labels=(label,)))
            continue
        for channel, left in spare.items():
            cap = wanted[channel] + left
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
