"""Limits that hold at every instant: current, density, ramp, voltage, and the time of a stop."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ionto_ir.dataclass import replace
from ionto_ir.device import WHOLE
from ionto_ir.limits import PER_ELECTRODE, Limit, LimitKind, Role
from ionto_ir.plan import Hold, Plan
from ionto_ir.waveform import PPM, Form, Waveform, alternates
from ionto_ir.wording import limit_text
from ionto_verifier.charge import Incline
from ionto_verifier.inquiry import NOWHERE, Inquiry, Level, Place
from ionto_verifier.obligation import Guard, at_most
from ionto_verifier.properties import Asked, Claim, Measure, Property, Provocation, Question
from ionto_verifier.term import ZERO, Polynomial, constant

DENSITY_PER_NA_UM2 = 10**9
"""1 nA over 1 um2 is 1e9 uA/m2."""

CHARGE_DENSITY_PER_PC_UM2 = 10**6
"""1 pC over 1 um2 is 1e6 uC/m2."""

NV_PER_MV = 10**6
"""1 nA through 1 ohm is 1 nV."""


def instant_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """The claims of every limit that holds at each instant."""
    for index, limit in enumerate(inquiry.plan.limits):
        name = f"limits[{index}]"
        match limit.kind:
            case LimitKind.CURRENT if limit.role is None:
                yield _current(inquiry, limit, name)
            case LimitKind.CURRENT | LimitKind.DENSITY | LimitKind.MEAN_DENSITY:
                yield from _at_electrodes(inquiry, limit, name)
            case LimitKind.PULSE_CHARGE:
                yield _pulses(inquiry, limit, name)
            case LimitKind.RAMP:
                yield _ramp(inquiry, limit, name)
            case LimitKind.VOLTAGE:
                yield _voltage(inquiry, limit, name)
            case LimitKind.STOP_TIME:
                yield _stop_time(inquiry, limit, name)
            case _:
                pass


def limit_claim(
    limit: Limit, name: str, kind: Property, rests_on: tuple[str, ...], electrode: int | None = None
) -> Claim:
    """The claim that a limit is kept."""
    return Claim(name, kind, limit_text(limit), limit.span, limit, electrode, rests_on, limit.soft)


def accuracy(inquiry: Inquiry, limit: Limit) -> tuple[str, ...]:
    """The device's accuracy, where the limit speaks of what the skin may receive."""
    return () if limit.nominal else ("accuracy",)


def received(inquiry: Inquiry, limit: Limit, level_na: Polynomial) -> Polynomial:
    """What a limit speaks of: the set value when it says nominal, otherwise the worst case."""
    return level_na if limit.nominal else inquiry.arithmetic.worst(level_na)


def place_of(level: Level) -> Place:
    """Where a level is reached: at the end of a ramp, during a hold; taken over, at the ramp's beginning."""
    motion = level.visit.motion
    ends = motion is not None and motion.incline is not None and not level.taken_over
    ledger = level.visit.after if ends else level.visit.before
    # In its first tick a ramp is already lower than where it begins.
    return Place(level.visit.step, level.path, elapsed_ms=ledger.elapsed_ms, generous=level.taken_over)


def _current(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    claim = limit_claim(limit, name, Property.CURRENT, accuracy(inquiry, limit))
    return Asked(
        claim,
        tuple(
            inquiry.never_above(claim, received(inquiry, limit, level.na), limit.bound, place_of(level))
            for level in inquiry.levels
        ),
    )


KINDS_AT_ELECTRODES = {
    LimitKind.CURRENT: Property.CURRENT,
    LimitKind.DENSITY: Property.DENSITY,
    LimitKind.MEAN_DENSITY: Property.MEAN_DENSITY,
}
"""What is claimed where a limit speaks of each electrode."""


def _at_electrodes(inquiry: Inquiry, limit: Limit, name: str) -> Iterator[Asked]:
    """Each electrode carries the largest share that it may have, in the role that the polarity gives it."""
    for number, electrode in enumerate(inquiry.plan.electrodes):
        if not electrode.split.hi_ppm:
            continue
        kind = KINDS_AT_ELECTRODES[limit.kind]
        facts = (*accuracy(inquiry, limit), f"electrode {number}")
        claim = limit_claim(limit, f"{name}.electrodes[{number}]", kind, facts, number)
        scale, area = at_electrode(inquiry, limit, number)
        questions = []
        for level in inquiry.levels:
            roles = {role_of(electrode.role, turned) for turned in level.orientations}
            waveform = waveform_of(level)
            if limit.role is None or limit.role in roles or alternates(waveform):
                mean = limit.kind is LimitKind.MEAN_DENSITY
                flow = (_mean(inquiry, limit, level) if mean else received(inquiry, limit, level.na)) * scale
                place = place_of(level)
                if limit.role is not None and len(roles) > 1:
                    place = replace(place, generous=True)  # where ways meet, either polarity is possible
                questions.append(inquiry.never_above(claim, flow, limit.bound, place, over=area))
        if not questions and limit.role is electrode.role:
            # At a setpoint of zero the output is on, its offset may flow, and this is the electrode's role.
            flow = received(inquiry, limit, ZERO) * scale
            questions += [
                inquiry.never_above(claim, flow, limit.bound, place_of(level), over=area)
                for level in inquiry.levels[:1]
            ]
        yield Asked(claim, tuple(questions))


def at_electrode(inquiry: Inquiry, limit: Limit, number: int) -> tuple[Fraction, Polynomial | None]:
    """What makes the limited quantity at an electrode of a current or charge: a factor, and what to divide
    by.
    """
    electrode = inquiry.plan.electrodes[number]
    share = Fraction(electrode.split.hi_ppm, WHOLE)
    if limit.kind not in PER_ELECTRODE:
        return share, None
    unit = CHARGE_DENSITY_PER_PC_UM2 if limit.kind is LimitKind.CHARGE_DENSITY else DENSITY_PER_NA_UM2
    return share * unit, inquiry.encoding.term(electrode.area_um2)


def waveform_of(level: Level) -> Waveform | None:
    """The waveform in which a level is reached."""
    return None if level.visit.motion is None else level.visit.motion.waveform


def _set_mean(inquiry: Inquiry, level: Level) -> Polynomial:
    """The mean of |I|, nA, as it is set at a level: its charge in one ms."""
    return inquiry.arithmetic.mean_charge(level.na, constant(1), waveform_of(level))


def _mean(inquiry: Inquiry, limit: Limit, level: Level) -> Polynomial:
    """The same as a limit reads it."""
    mean = _set_mean(inquiry, level)
    return mean if limit.nominal else inquiry.arithmetic.worst_mean(mean)


def _pulses(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    """The charge of a pulse, or of the larger half-wave: its part of peak times period.

    Of pulses the skin may receive the worst case of the peak while they flow. Of an alternating current the
    larger half-wave is half of what flows and of the direct part; the accuracy is added to both.
    """
    claim = limit_claim(limit, name, Property.PULSE_CHARGE, accuracy(inquiry, limit))
    questions = []
    for level in inquiry.levels:
        waveform = waveform_of(level)
        if waveform is None:
            continue
        period_ms = Fraction(PPM, waveform.frequency_mhz)
        if waveform.form is Form.PULSED:
            flow = received(inquiry, limit, level.na) * Fraction(waveform.duty_ppm, PPM)
        else:
            direct = level.na * Fraction(waveform.offset_ppm, PPM)
            larger = (_set_mean(inquiry, level) + direct) * Fraction(1, 2)
            flow = larger if limit.nominal else inquiry.arithmetic.worst(larger)
        questions.append(inquiry.never_above(claim, flow * period_ms, limit.bound, place_of(level)))
    # Where nothing pulses there is no pulse to be too large.
    return Asked(claim, tuple(questions) or (inquiry.known(claim, holds=True),))


def role_of(declared: Role, turned: bool) -> Role:
    """The role of an electrode while the current flows as declared, or turned."""
    if not turned:
        return declared
    return Role.CATHODE if declared is Role.ANODE else Role.ANODE


def _ramp(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    """Ramps at the slope that the author wrote; stops, resumes and adjustments at the plan's slews."""
    claim = limit_claim(limit, name, Property.RAMP, ("stop and resume slew", "tick"))
    plan, tick_ms = inquiry.plan, inquiry.arithmetic.tick_ms
    stop = constant(inquiry.arithmetic.fall_na * 1000)
    somewhere = inquiry.levels[0].visit.step if inquiry.levels else None
    stopped = Place(somewhere, provocation=Provocation.STOP)
    # Within a ramp a session goes on at the ramp's own slope; only in a hold it comes back at the resume's.
    held = next((visit.step for visit, _ in inquiry.moving() if _is_hold(plan, visit.step)), somewhere)
    paused = Place(held, provocation=Provocation.PAUSES, pause_step=held)
    questions = [
        inquiry.never_above(claim, stop, limit.bound, stopped, over=constant(tick_ms)),
        inquiry.never_above(claim, constant(plan.resume_slew_na_s), limit.bound, paused),
    ]
    return Asked(claim, (*questions, *slopes(inquiry, claim, limit.bound)))


def _is_hold(plan: Plan, index: int) -> bool:
    return isinstance(plan.steps[index], Hold)


def slopes(inquiry: Inquiry, claim: Claim, bound_na_s: int) -> Iterator[Question]:
    """Whether each distinct slope of a ramp is at most a bound, nA/s."""
    seen: dict[tuple[Incline, tuple[Guard, ...]], None] = {}
    for visit, motion in inquiry.moving():
        incline = motion.incline
        if incline is None or motion.start_na == motion.target_na or (incline, visit.path) in seen:
            continue
        seen[incline, visit.path] = None
        place = Place(visit.step, visit.path, elapsed_ms=visit.before.elapsed_ms)
        yield inquiry.never_above(claim, incline.delta_na * 1000, bound_na_s, place, over=incline.over_ms)


def _voltage(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    """The device's compliance bounds the voltage, and so does the current through the highest assumed
    impedance.
    """
    compliance_mv = inquiry.plan.device.compliance_mv
    ohm_max = highest_impedance(inquiry.plan)
    if compliance_mv <= limit.bound:
        claim = limit_claim(limit, name, Property.VOLTAGE, ("compliance",))
        return Asked(claim, (inquiry.never_above(claim, constant(compliance_mv), limit.bound, NOWHERE),))
    if ohm_max is None:
        claim = limit_claim(limit, name, Property.VOLTAGE, ("compliance", "no impedance is assumed"))
        return Asked(claim, (inquiry.never_above(claim, constant(compliance_mv), limit.bound, NOWHERE),))
    claim = limit_claim(limit, name, Property.VOLTAGE, (*accuracy(inquiry, limit), "impedance"))
    return Asked(
        claim,
        tuple(
            inquiry.never_above(
                claim,
                received(inquiry, limit, level.na) * Fraction(ohm_max, NV_PER_MV),
                limit.bound,
                place_of(level),
            )
            for level in inquiry.levels
        ),
    )


def highest_impedance(plan: Plan) -> int | None:
    """The highest impedance, ohm, that an envelope of the plan assumes; None when none assumes any."""
    return max(
        (item.impedance.ohm_max for item in plan.envelopes if item.impedance is not None), default=None
    )


def _stop_time(inquiry: Inquiry, limit: Limit, name: str) -> Asked:
    """A stop falls by the same step each tick, so its time is a whole number of ticks."""
    claim = limit_claim(limit, name, Property.STOP_TIME, ("stop slew", "tick"))
    tick_ms, fall_na = inquiry.arithmetic.tick_ms, inquiry.arithmetic.fall_na
    highest_na = limit.bound // tick_ms * fall_na
    questions = []
    for level in inquiry.levels:
        at = replace(place_of(level), provocation=Provocation.STOP)
        formula = at_most(level.na, highest_na)
        measure = Measure(level.na * Fraction(tick_ms, fall_na), None, limit.bound)
        questions.append(inquiry.question(claim, formula, at, measure=measure))
    return Asked(claim, tuple(questions))
