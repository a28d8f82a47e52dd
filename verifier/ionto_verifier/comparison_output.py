"""What a session may reach at worst under two plans, over everything that each of them admits."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from ionto_ir.bind import Refusal
from ionto_ir.dataclass import replace
from ionto_ir.expression import Value
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import BooleanDomain, Hold, Plan, Ramp, VariableKind
from ionto_ir.rehearse import rehearse
from ionto_ir.scenario import Scenario
from ionto_ir.units import approximate
from ionto_ir.wording import LIMIT_DIMENSIONS, charge_text, current_text, duration_text, value_text
from ionto_verifier.acting import acting
from ionto_verifier.aspects import Aspect, Change, Witness
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.instant import instant_claims
from ionto_verifier.margins import Margin, margin_of
from ionto_verifier.sums import sum_claims

BOUNDLESS = 2**60
"""A bound that no session comes near: the largest value is asked for, not whether it is allowed."""

ASKED: tuple[tuple[str, LimitKind, Role | None, bool, str], ...] = (
    ("highest current", LimitKind.CURRENT, None, True, "mA"),
    ("highest density at the cathode", LimitKind.DENSITY, Role.CATHODE, False, "mA/cm2"),
    ("highest density at the anode", LimitKind.DENSITY, Role.ANODE, False, "mA/cm2"),
    ("highest mean density at the cathode", LimitKind.MEAN_DENSITY, Role.CATHODE, False, "mA/cm2"),
    ("highest mean density at the anode", LimitKind.MEAN_DENSITY, Role.ANODE, False, "mA/cm2"),
    ("charge of a pulse", LimitKind.PULSE_CHARGE, None, False, "uC"),
    ("steepest ramp", LimitKind.RAMP, None, False, "mA/s"),
    ("charge of a session", LimitKind.DOSE, None, False, "mA.min"),
    ("length of a session", LimitKind.DURATION, None, False, "min"),
    ("time of a stop", LimitKind.STOP_TIME, None, False, "s"),
)
"""What is asked of both plans; where it is not nominal, the device's accuracy counts."""


OF_WAVEFORMS = (LimitKind.MEAN_DENSITY, LimitKind.PULSE_CHARGE)
"""What is not told where the current is direct: its mean is its peak."""

DIGITS = (4, 6, 9, 12)

DECIDING = ("device", "electrodes", "interruptions", "stop_slew_na_s", "resume_slew_na_s", "steps", "entry")
"""Fields of a plan that decide, with the values it is given, what a session reaches."""


def output_aspects(old: Plan, new: Plan, *, nobody_more: bool) -> Iterator[Aspect]:
    """The worst case of each quantity, side by side.

    `nobody_more`: no person and no values are admitted by the new plan that the old one does not admit. With
    the same steps it then has a part of the old one's sessions, and there is nothing to measure.
    """
    former, latter = acting(old), acting(new)
    if nobody_more and all(former[name] == latter[name] for name in DECIDING):
        yield Aspect("what a session may reach", Change.SAME, "the same steps", "the same steps")
        return
    before, after = worst_cases(old), worst_cases(new)
    shaped = _shaped(old) or _shaped(new)
    for number, (subject, kind, role, nominal, unit) in enumerate(ASKED):
        if kind in OF_WAVEFORMS and not shaped:
            continue
        limit = _boundless(old, kind, role, nominal, unit)
        yield _aspect(old, new, subject, limit, before.get(number), after.get(number))


def _shaped(plan: Plan) -> bool:
    """Whether a step is pulsed or alternating."""
    return any(isinstance(step, Ramp | Hold) and step.waveform is not None for step in plan.steps)


def _boundless(plan: Plan, kind: LimitKind, role: Role | None, nominal: bool, unit: str) -> Limit:
    return Limit(
        kind=kind,
        bound=BOUNDLESS,
        unit=unit,
        role=role,
        window_ms=None,
        nominal=nominal,
        soft=False,
        hazard=None,
        source=None,
        text=None,
        envelope="comparison",
        span=plan.span,
    )


def worst_cases(plan: Plan) -> dict[int, Margin | None]:
    """The worst case of what is asked, by its number; None where nothing bounds it."""
    asked = tuple(_boundless(plan, *item[1:]) for item in ASKED)
    inquiry = Inquiry(replace(plan, limits=asked))
    found: dict[int, Margin | None] = {}
    for item in (*instant_claims(inquiry), *sum_claims(inquiry)):
        number = int(item.claim.id.removeprefix("limits[").partition("]")[0])
        unbounded = any(question.measure is None for question in item.questions)
        margin = None if unbounded else margin_of(inquiry, item)
        known = found.get(number)
        if unbounded:
            found[number] = None
        elif margin is not None and (
            number not in found or (known is not None and known.worst < margin.worst)
        ):
            found[number] = margin
    return found


def _aspect(
    old: Plan, new: Plan, subject: str, limit: Limit, before: Margin | None, after: Margin | None
) -> Aspect:
    told, now = _told(limit, before, after)
    if after is None:
        return Aspect(subject, Change.SAME if before is None else Change.LOOSER, told, now)
    if before is None:
        return Aspect(subject, Change.STRICTER, told, now)
    change = _change(before, after)
    if change is Change.UNDECIDED:
        reason = "the worst cases of the two are not known closely enough to say which is larger"
        reason += _at_most_more(before, after)
        return Aspect(subject, change, told, now, reason)
    witness = _witness(old, new, after) if change is Change.LOOSER else None
    return Aspect(subject, change, told, now, None, witness)


def _at_most_more(before: Margin, after: Margin) -> str:
    """By how much the new plan may reach more, where that is known."""
    if before.attained is None or before.attained <= 0:
        return ""
    share = (after.worst / before.attained - 1) * 10**6
    return f"; the new one reaches at most {max(1, ceil(share))} ppm more, if at all"


def _told(limit: Limit, before: Margin | None, after: Margin | None) -> tuple[str, str]:
    """Both worst cases, with as many digits as it takes to tell them apart."""
    old, new = (_worst_text(limit, item, DIGITS[0]) for item in (before, after))
    for digits in DIGITS[1:]:
        if old == new:
            old, new = (_worst_text(limit, item, digits) for item in (before, after))
    return old, new


def _worst_text(limit: Limit, margin: Margin | None, digits: int) -> str:
    if margin is None:
        return "without bound"
    return approximate(margin.worst, LIMIT_DIMENSIONS[limit.kind], limit.unit, digits)


def _change(before: Margin, after: Margin) -> Change:
    """`worst` is never passed and `attained` is reached: only what they say together is certain."""
    reached = Fraction(-1) if before.attained is None else before.attained
    if after.attained is not None and after.attained > before.worst:
        return Change.LOOSER
    if after.worst > reached:
        return Change.UNDECIDED
    return Change.SAME if after.attained == reached else Change.STRICTER


def _witness(old: Plan, new: Plan, margin: Margin) -> Witness | None:
    """The session in which the new plan reaches more, and the same values under the old plan."""
    entered = (VariableKind.RECORD, VariableKind.MEMORY)
    names = {item.name: item for item in new.variables if item.kind not in entered}
    given: dict[str, Value] = {}
    for name, value in margin.witness.items():
        if name in names:
            boolean = isinstance(names[name].domain, BooleanDomain)
            given[name] = bool(value) if boolean else int(value)
    told = tuple((name, value_text(names[name], given[name])) for name in sorted(given))
    before, after = _session(old, given), _session(new, given)
    # Undisturbed, both may come to the same: then the values show nothing.
    return None if before == after else Witness(tuple(sorted(given.items())), told, before, after)


def _session(plan: Plan, given: dict[str, Value]) -> str:
    """What the plan makes of a session with these values, undisturbed."""
    here = {item.name for item in plan.variables if item.kind is not VariableKind.RECORD}
    values = ordinary_values(plan, {name: value for name, value in given.items() if name in here})
    outcome = rehearse(plan, Scenario("", tuple(values.items()), (), (), None))
    if isinstance(outcome, Refusal):
        return f"refuses: {outcome.diagnostics[0].message}"
    seen = outcome.observed
    peak, charge = current_text(plan, seen.peak_na), charge_text(seen.nominal_pc)
    return f"peak {peak}, {charge}, {duration_text(seen.duration_ms)}"
