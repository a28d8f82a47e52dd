"""Whether the device can do what the protocol asks, and whether its polarity drives the drugs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

from ionto_ir.dataclass import replace
from ionto_ir.device import Drug, Electrode, driving_role
from ionto_ir.expression import Operator, occurs
from ionto_ir.plan import Ramp, Reverse
from ionto_ir.values import operands
from ionto_ir.waveform import Waveform, drives, whole_periods
from ionto_ir.wellformed_electrodes import at_site
from ionto_ir.wording import scope_text
from ionto_verifier.decision import Decision, Proved, Refuted
from ionto_verifier.encode import Division
from ionto_verifier.grid import exact_quotient, on_grid
from ionto_verifier.inquiry import NOWHERE, Inquiry, Place
from ionto_verifier.instant import NV_PER_MV, highest_impedance, place_of, role_of, slopes
from ionto_verifier.obligation import TRUE, Guard, at_least, at_most, disjunction, greater, less
from ionto_verifier.properties import Asked, Claim, Property, Question
from ionto_verifier.term import ZERO, constant

DIRECT_CURRENT = "dc"


def fit_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """Everything that the plan asks of its device, its operands and its drugs."""
    yield _arithmetic(inquiry)
    yield _range(inquiry)
    yield _grid(inquiry)
    yield from _drive(inquiry)
    yield _slew(inquiry)
    yield device_claim((inquiry,))
    yield from _meant(inquiry)
    yield from _drugs(inquiry)


def _arithmetic(inquiry: Inquiry) -> Asked:
    claim = Claim("arithmetic", Property.ARITHMETIC, "every operand has a value", inquiry.plan.span)
    questions = []
    for division in tuple(inquiry.encoding.divisions.values()):
        apart = disjunction((less(division.divisor), greater(division.divisor)))
        places = [
            Place(visit.step, visit.path)
            for visit in inquiry.visits
            if any(occurs(division.expression, item) for item in operands(inquiry.plan.steps[visit.step]))
        ]
        # It is asked of all values, also of those that never lead there: terms of other steps rest on it.
        where = Place(places[0].step) if places else NOWHERE
        questions.append(inquiry.question(claim, apart, where))
        if division.expression.operator is Operator.DIVIDE_EXACTLY:
            place, decided = _exact(inquiry, division, places)
            questions.append(inquiry.question(claim, TRUE, place, decided=decided))
    return Asked(claim, tuple(questions))


def _exact(inquiry: Inquiry, division: Division, places: list[Place]) -> tuple[Place, Decision]:
    """Whether a quotient comes out exactly, with values that lead to a place where it is needed if not."""
    anyhow = exact_quotient(inquiry, division, ())
    if not isinstance(anyhow, Proved):
        for place in places:
            decided = exact_quotient(inquiry, division, place.path)
            if isinstance(decided, Refuted):
                return place, decided
    return Place(places[0].step) if places else NOWHERE, anyhow


def _range(inquiry: Inquiry) -> Asked:
    device = inquiry.plan.device
    claim = Claim(
        "range", Property.RANGE, f"`{device.name}` can set every current", device.span, None, None, ("range",)
    )
    questions = []
    for level in inquiry.levels:
        questions.append(inquiry.never_above(claim, level.na, device.current_na_max, place_of(level)))
        if device.current_na_min:
            enough = disjunction((at_most(level.na), at_least(level.na, device.current_na_min)))
            questions.append(inquiry.question(claim, enough, place_of(level)))
    return Asked(claim, tuple(questions))


def _grid(inquiry: Inquiry) -> Asked:
    device = inquiry.plan.device
    statement = f"every current is a whole number of steps of `{device.name}`"
    claim = Claim("grid", Property.GRID, statement, device.span, None, None, ("step",))
    questions = []
    for visit, motion in inquiry.moving():
        step = inquiry.plan.steps[visit.step]
        if isinstance(step, Ramp):
            place = Place(visit.step, visit.path)
            decided = on_grid(inquiry, step.target_na, motion.target_na, visit)
            questions.append(inquiry.question(claim, TRUE, place, decided=decided))
    return Asked(claim, tuple(questions))


def _drive(inquiry: Inquiry) -> Iterator[Asked]:
    """Nothing is claimed when no impedance is assumed, or when the protocol says that it may saturate."""
    ohm_max = highest_impedance(inquiry.plan)
    if ohm_max is None or inquiry.plan.may_saturate:
        return
    device = inquiry.plan.device
    facts = ("compliance", "accuracy", "impedance")
    statement = f"`{device.name}` can drive every current through the assumed impedance"
    span = next(item.impedance.span for item in inquiry.plan.envelopes if item.impedance is not None)
    claim = Claim("drive", Property.DRIVE, statement, span, None, None, facts)
    questions = []
    for level in inquiry.levels:
        voltage = inquiry.arithmetic.worst(level.na) * Fraction(ohm_max, NV_PER_MV)
        questions.append(inquiry.never_above(claim, voltage, device.compliance_mv, place_of(level)))
    yield Asked(claim, tuple(questions))


def _slew(inquiry: Inquiry) -> Asked:
    plan, device = inquiry.plan, inquiry.plan.device
    statement = f"`{device.name}` can follow every ramp, stop and resume"
    claim = Claim("slew", Property.SLEW, statement, device.span, None, None, ("slew",))
    questions = [
        inquiry.never_above(claim, constant(slew), device.slew_na_s, NOWHERE)
        for slew in (plan.stop_slew_na_s, plan.resume_slew_na_s)
    ]
    return Asked(claim, (*questions, *slopes(inquiry, claim, device.slew_na_s)))


def device_claim(inquiries: Sequence[Inquiry]) -> Asked:
    """What the device must be able to do for a plan, or for all of its channels."""
    inquiry, device = inquiries[0], inquiries[0].plan.device
    moving = [(visit, motion) for item in inquiries for visit, motion in item.moving()]
    forms = {form_of(motion.waveform) for _, motion in moving} or {DIRECT_CURRENT}
    given = "direct current" if forms == {DIRECT_CURRENT} else " and ".join(sorted(forms))
    statement = f"`{device.name}` gives {given}, and its watchdog bridges a tick and the host gap"
    claim = Claim("device", Property.DEVICE, statement, device.span, None, None, ("watchdog", "waveforms"))
    bridged = device.watchdog_ms > device.tick_ms + device.host_gap_ms
    questions = [inquiry.known(claim, bridged), inquiry.known(claim, forms <= {*device.waveforms})]
    for visit, motion in moving:
        # Only over whole periods is the charge of a tick exactly that of the mean.
        if motion.waveform is not None and not whole_periods(motion.waveform, device.tick_ms):
            place = Place(visit.step, visit.path) if len(inquiries) == 1 else NOWHERE
            questions.append(inquiry.known(claim, False, place))
    return Asked(claim, tuple(questions))


def form_of(waveform: Waveform | None) -> str:
    """The name of a waveform in the profile of a device."""
    return DIRECT_CURRENT if waveform is None else waveform.form.value


def _meant(inquiry: Inquiry) -> Iterator[Asked]:
    """An envelope that is meant for some sites or devices; for whom it is meant is asked of the guards."""
    for index, envelope in enumerate(inquiry.plan.envelopes):
        if not envelope.sites and not envelope.device_classes:
            continue
        where = scope_text(replace(envelope, people=()))
        statement = f"`{envelope.name}` is used for what it is meant for: {where}"
        claim = Claim(f"envelopes[{index}]", Property.SCOPE, statement, envelope.span)
        fits = not envelope.device_classes or inquiry.plan.device.device_class in envelope.device_classes
        placed = all(at_site(electrode, envelope.sites) for electrode in inquiry.plan.electrodes)
        yield Asked(claim, (inquiry.known(claim, fits), inquiry.known(claim, placed)))


def _drugs(inquiry: Inquiry) -> Iterator[Asked]:
    """A drug under the wrong pole, and opposite ions in one reservoir, need the author's stated reason."""
    for number, electrode in enumerate(inquiry.plan.electrodes):
        name = f"electrodes[{number}]"
        excused = electrode.despite is not None
        facts = (f"despite: {electrode.despite}",) if excused else ("polarity",)
        for place, drug in enumerate(electrode.drugs):
            statement = f"`{drug.name}` is driven into the skin under `{electrode.profile}`"
            claim = Claim(
                f"{name}.drugs[{place}]", Property.DRUG, statement, electrode.span, None, number, facts
            )
            yield Asked(claim, tuple(_poles(inquiry, claim, electrode, drug)))
        signs = {driving_role(drug.ion) for drug in electrode.drugs}
        if len(signs) > 1:
            statement = f"one pole drives all drugs under `{electrode.profile}`"
            claim = Claim(f"{name}.drugs", Property.DRUG, statement, electrode.span, None, number, facts)
            yield Asked(claim, (inquiry.known(claim, excused),))


def _turns(inquiry: Inquiry) -> bool:
    steps = inquiry.plan.steps
    return any(isinstance(step, Reverse) or (isinstance(step, Ramp) and step.reversed) for step in steps)


def _poles(inquiry: Inquiry, claim: Claim, electrode: Electrode, drug: Drug) -> Iterator[Question]:
    """Cations leave the anode, anions the cathode; asked once for each polarity in which current flows.

    An ion whose sign is known on the day is driven by the pole that is chosen with it, and only as long as
    the session does not turn that round.
    """
    driving = driving_role(drug.ion)
    if driving is None:
        right = electrode.despite is not None or (inquiry.plan.pole is not None and not _turns(inquiry))
        yield inquiry.known(claim, right)
        return
    seen: set[tuple[bool, tuple[Guard, ...]]] = set()
    for visit, motion in inquiry.moving():
        for turned in sorted(motion.orientations):
            flows = motion.higher_na != ZERO and drives(motion.waveform)
            if flows and (turned, visit.path) not in seen:
                seen.add((turned, visit.path))
                right = role_of(electrode.role, turned) is driving or electrode.despite is not None
                yield inquiry.known(claim, right, Place(visit.step, visit.path))
