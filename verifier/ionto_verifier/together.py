"""Several channels: each proved as a plan of its own, and together on the sum of their worst cases.

The worst moments of different channels are added up whether or not they coincide. So a proof holds for every
way in which the channels may lie beside each other in time, and nothing has to be known of how they are kept
in step; a limit that only holds because channels take turns stays undecided.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction

from ionto_ir.channels import care_plan, channel_plans, channels_of, is_together
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import Diagnostic, Label, error, in_reading_order
from ionto_ir.limits import ADDS_UP, Limit, LimitKind
from ionto_ir.observer_together import shared_return
from ionto_ir.parts import among, parts_count
from ionto_ir.plan import Plan, PropertyKind
from ionto_verifier import decision
from ionto_verifier.alone import AROUND, counts, heard, name_in_whole, of_channel, renamed
from ionto_verifier.assumptions import assumptions_of
from ionto_verifier.budget import Budget
from ionto_verifier.decision import Decision
from ionto_verifier.fit import device_claim
from ionto_verifier.inquiry import NOWHERE, Inquiry
from ionto_verifier.instant import (
    NV_PER_MV,
    accuracy,
    at_electrode,
    highest_impedance,
    limit_claim,
    received,
)
from ionto_verifier.judging import answers_finding
from ionto_verifier.messages import Safe, diagnostics_of, unused
from ionto_verifier.properties import LIMIT_UNUSED, Asked, Claim, Property, Question
from ionto_verifier.report import Answered, Finding, VerificationReport
from ionto_verifier.solve import decide_all
from ionto_verifier.sums import SUMMED, charges_of, lasting, sessions_of, times_at
from ionto_verifier.term import ZERO, Polynomial
from ionto_verifier.turns import TURN_TICKS, end_in_turns, longest_in_turns, times_in_turns
from ionto_verifier.verdict import Refuted, Undecided
from ionto_verifier.windows import sessions_within

APART = "the worst moments of the channels are added up, and no session was found in which they coincide"
"""Why a limit on a sum is undecided."""

UNSAID = (LIMIT_UNUSED, "I0619")
"""What is said once of the whole, and not by each channel of itself."""

Verify = Callable[[Plan], VerificationReport]


Helping = Callable[
    [Inquiry, Callable[[Plan], Sequence[Asked]], Sequence[Asked], Sequence[Finding]], Mapping[str, Safe]
]
"""What would be safe, by claim: of an inquiry, what is asked together of any plan and of this one, and the
findings.
"""


def verify_together(
    plan: Plan, budget: Budget, verify: Verify, helping: Helping, *, margins: bool
) -> VerificationReport:
    """The report of a well-formed plan with channels; `verify` is for plans without. Raises
    TermTooLargeError.
    """
    care = verify(care_plan(plan))
    inquiries = _inquiries(plan)
    alone = [heard(plan, number, verify(part), inquiries) for number, part in enumerate(channel_plans(plan))]
    asked = tuple(_claims(plan, inquiries))
    questions = [question for item in asked for question in item.questions if question.decided is None]
    decisions = decide_all([question.obligation for question in questions], budget)
    together = [_judged(plan, inquiries, item, decisions, margins=margins) for item in asked]
    findings = [finding for finding in care.findings if finding.claim.property in AROUND]
    for number, report in enumerate(alone):
        findings += [of_channel(plan, number, item) for item in report.findings if counts(plan, number, item)]
    findings += together
    order = {kind: place for place, kind in enumerate(Property)}
    findings.sort(key=lambda finding: order[finding.claim.property])
    spoken_of = {finding.claim.limit for finding in findings}
    idle = tuple(index for index, limit in enumerate(plan.limits) if limit not in spoken_of)
    said = [item for report in (care, *alone) for item in report.diagnostics if item.code not in UNSAID]
    settled = tuple(item for item in together if not isinstance(item.verdict, Undecided))
    safe = helping(inquiries[0], asked_together, asked, findings)
    for number, report in enumerate(alone):
        told = [(item, name_in_whole(number, item.claim.id)) for item in report.findings]
        said = [_with_help(report.plan, said_of, told, safe) for said_of in said]
    said += diagnostics_of(plan, settled, safe)
    said += [
        _undecided(plan, item, safe.get(item.claim.id))
        for item in together
        if isinstance(item.verdict, Undecided)
    ]
    said += [unused(plan.limits[index]) for index in idle]
    answers = list(care.answers)
    for number, report in enumerate(alone):
        answers += [renamed(answer, f"channels[{number}].") for answer in report.answers]
    parts = [item for part in asked for item in part.questions]
    answers += [Answered(item, item.decided or decisions[item.obligation.id]) for item in parts]
    named = {finding.claim.id for finding in findings}
    return VerificationReport(
        plan,
        tuple(findings),
        (*assumptions_of(plan), *_assumed(plan)),
        idle,
        in_reading_order(said),
        tuple(text for report in (care, *alone) for text in report.disagreements),
        ill_formed=care.ill_formed or any(report.ill_formed for report in alone),
        answers=tuple(answer for answer in answers if answer.question.claim in named),
    )


def _assumed(plan: Plan) -> tuple[str, ...]:
    names = ", ".join(channel.name for channel in plan.channels)
    return (
        f"the channels {names} have a machine each; the sum of their caps is no more than what they share",
        "what pauses, stops or opens one channel does so to all of them within a tick",
        *_how_added(plan),
    )


def _how_added(plan: Plan) -> tuple[str, ...]:
    if parts_count(plan) == 1:
        return ("the worst moments of the channels are added up, whether they coincide or not",)
    added = (
        "the worst moments of channels that flow in the same part of the session are added up, whether they "
        "coincide or not; the next part begins when every output was seen off"
    )
    return (
        added,
        f"between two parts {TURN_TICKS} ticks pass, in which devices say that their outputs are off",
    )


# --- all together -------------------------------------------------------------------------------------------


def _inquiries(plan: Plan) -> tuple[Inquiry, ...]:
    """The channels in one world: the same values for all, and names of their own for everything else."""
    found: list[Inquiry] = []
    for number, part in enumerate(channel_plans(plan)):
        shared = found[0].environment if found else None
        found.append(Inquiry(part, shared, place=f"{plan.channels[number].name} ", begun=True))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Sum:
    """What is added up: a limit, perhaps at an electrode (by its index in the plan), over some channels."""

    limit: Limit
    name: str
    channels: tuple[int, ...]
    electrode: int | None = None


def _claims(plan: Plan, inquiries: Sequence[Inquiry]) -> Iterator[Asked]:
    everywhere = tuple(range(len(plan.channels)))
    yield device_claim(inquiries)
    for index, limit in enumerate(plan.limits):
        name = f"limits[{index}]"
        if is_together(limit):
            yield from _summed(plan, inquiries, _Sum(limit, f"{name}.together", everywhere))
        elif limit.per_electrode:
            for electrode in range(len(plan.electrodes)):
                channels = channels_of(plan, electrode)
                if len(channels) > 1 and plan.electrodes[electrode].split.hi_ppm:
                    shared = _Sum(limit, f"{name}.electrodes[{electrode}]", channels, electrode)
                    yield from _summed(plan, inquiries, shared)
        elif limit.kind is LimitKind.DURATION:
            yield _duration(plan, inquiries, limit, name)
        elif limit.kind is LimitKind.VOLTAGE and shared_return(plan):
            yield _voltage(plan, inquiries, limit, name)
    if shared_return(plan) and not plan.may_saturate:
        yield from _drive(plan, inquiries)
    if parts_count(plan) > 1:
        yield from _finished(plan, inquiries)


def _summed(plan: Plan, inquiries: Sequence[Inquiry], item: _Sum) -> Iterator[Asked]:
    limit = item.limit
    adds_up = limit.kind in ADDS_UP
    level = Property.DENSITY if limit.kind is LimitKind.DENSITY else Property.CURRENT
    kind = Property.DOSE if adds_up else level
    facts = (*accuracy(inquiries[0], limit), *(SUMMED if adds_up else ()))
    claim = limit_claim(limit, item.name, kind, facts, item.electrode)
    statement = f"{claim.statement}, all channels together"
    if item.electrode is not None:
        statement = f"{claim.statement}, for the sum in `{plan.electrodes[item.electrode].site}`"
    claim = replace(claim, statement=statement)
    worst: dict[int, Polynomial] = {}
    for channel in item.channels:
        inquiry = inquiries[channel]
        own = None
        if item.electrode is not None:
            own = plan.channels[channel].electrodes.index(item.electrode)
        with inquiry.here():
            values = _charges(inquiry, limit, own) if adds_up else _currents(inquiry, limit, own)
            if values:
                worst[channel] = inquiry.environment.upper(values, "worst of a channel")
    if not worst:
        return
    first = inquiries[item.channels[0]]
    factor, over = Fraction(1), None
    if item.electrode is not None:
        number = plan.channels[item.channels[0]].electrodes.index(item.electrode)
        factor, over = at_electrode(first, limit, number)
    sessions = _sessions(plan, inquiries, item) if adds_up else 1
    if sessions is None:
        unknown = decision.Unknown("nothing says how far apart sessions are")
        yield Asked(claim, (replace(first.known(claim, True), decided=unknown),))
        return
    # What adds up does so over the whole session; currents meet only where channels flow in the same part.
    groups = (tuple(worst),) if adds_up else among(plan, tuple(worst))
    sums = dict.fromkeys(sum((worst[channel] for channel in group), ZERO) for group in groups)
    values = [value * (factor * sessions) for value in sums]
    yield Asked(
        claim, tuple(first.never_above(claim, value, limit.bound, NOWHERE, over=over) for value in values)
    )


def _sessions(plan: Plan, inquiries: Sequence[Inquiry], item: _Sum) -> int | None:
    """How many sessions a window may meet: they last as long as the longest of these channels."""
    if item.limit.window_ms is not None and parts_count(plan) > 1:
        longest_ms = longest_in_turns(plan, inquiries)
        return sessions_within(plan.course, item.limit.window_ms + longest_ms)
    counts: list[int] = []
    for channel in item.channels:
        with inquiries[channel].here():
            count = sessions_of(inquiries[channel], item.limit)
        if count is None:
            return None
        counts.append(count)
    return max(counts)


def _currents(inquiry: Inquiry, limit: Limit, electrode: int | None) -> list[Polynomial]:
    """Every level of a channel at which the limit speaks of its current."""
    found = []
    for level in inquiry.levels:
        motion = level.visit.motion
        if electrode is not None and limit.role is not None and motion is not None:
            turned = limit.role is not inquiry.plan.electrodes[electrode].role
            if not motion.flows(turned):
                # On its way from and to zero the output is on at zero, and its offset may flow either way.
                found.append(received(inquiry, limit, ZERO))
                continue
        found.append(received(inquiry, limit, level.na))
    return found


def _charges(inquiry: Inquiry, limit: Limit, electrode: int | None) -> list[Polynomial]:
    """What a session of a channel may have delivered at each of its worst moments."""
    turned = None
    if electrode is not None and limit.role is not None:
        turned = limit.role is not inquiry.plan.electrodes[electrode].role
    return list(charges_of(inquiry, limit, inquiry.charging(turned)))


def _duration(plan: Plan, inquiries: Sequence[Inquiry], limit: Limit, name: str) -> Asked:
    """From the beginning of the session, which is no later than the first current, to the last current."""
    claim = limit_claim(limit, f"{name}.together", Property.DURATION, ("stop slew", "tick"))
    claim = replace(claim, statement=f"{claim.statement}, all channels together")
    if parts_count(plan) > 1:
        times = times_in_turns(plan, inquiries)
        asked = (inquiries[0].never_above(claim, value, limit.bound, NOWHERE) for value in times)
        return Asked(claim, tuple(asked))
    questions: list[Question] = []
    for inquiry in inquiries:
        with inquiry.here():
            for visit, motion in inquiry.moving():
                for value, _ in times_at(inquiry, visit, lasting(visit, motion)):
                    questions.append(inquiries[0].never_above(claim, value, limit.bound, NOWHERE))
    return Asked(claim, tuple({question.obligation.conclusion: question for question in questions}.values()))


def _finished(plan: Plan, inquiries: Sequence[Inquiry]) -> Iterator[Asked]:
    """The author's own bounds on the time of a session in which channels take turns."""
    for index, item in enumerate(plan.properties):
        if item.kind is not PropertyKind.FINISHED or item.within_ms is None:
            continue
        claim = Claim(f"properties[{index}].together", Property.PROVE, item.text, item.span, None, None, ())
        if item.after is None:
            values = (*times_in_turns(plan, inquiries), end_in_turns(plan, inquiries))
            asked = (inquiries[0].never_above(claim, value, item.within_ms, NOWHERE) for value in values)
            yield Asked(claim, tuple(asked))
        else:
            unknown = decision.Unknown("the time after a step is not reckoned where channels take turns")
            yield Asked(claim, (replace(inquiries[0].known(claim, True), decided=unknown),))


def _sums_of_peaks(plan: Plan, inquiries: Sequence[Inquiry], limit: Limit) -> list[Polynomial]:
    """The most that may flow at once through what the channels share, in each part of the session."""
    found = []
    for group in among(plan, shared_return(plan)):
        total = ZERO
        for channel in group:
            with inquiries[channel].here():
                levels = _currents(inquiries[channel], limit, None)
                if levels:
                    total = total + inquiries[channel].environment.upper(levels, "worst of a channel")
        found.append(total)
    return found or [ZERO]


def _voltage(plan: Plan, inquiries: Sequence[Inquiry], limit: Limit, name: str) -> Asked:
    """Nobody knows how much of the impedance lies in the shared return: the sum may need all of it."""
    ohm_max = highest_impedance(plan)
    facts = ("compliance",) if ohm_max is None else ("compliance", "impedance")
    claim = limit_claim(limit, f"{name}.together", Property.VOLTAGE, facts)
    claim = replace(claim, statement=f"{claim.statement}, with the return shared")
    values = [ZERO + plan.device.compliance_mv]
    if plan.device.compliance_mv > limit.bound and ohm_max is not None:
        sums = _sums_of_peaks(plan, inquiries, limit)
        values = [value * Fraction(ohm_max, NV_PER_MV) for value in sums]
    asked = (inquiries[0].never_above(claim, value, limit.bound, NOWHERE) for value in values)
    return Asked(claim, tuple(asked))


def _drive(plan: Plan, inquiries: Sequence[Inquiry]) -> Iterator[Asked]:
    ohm_max = highest_impedance(plan)
    if ohm_max is None:
        return
    device = plan.device
    statement = f"`{device.name}` can drive all channels through the assumed impedance of their shared return"
    facts = ("compliance", "accuracy", "impedance")
    claim = Claim("drive.together", Property.DRIVE, statement, device.span, None, None, facts)
    worst = Limit(LimitKind.CURRENT, 0, "mA", None, None, False, False, None, None, None, "", device.span)
    sums = _sums_of_peaks(plan, inquiries, worst)
    values = [value * Fraction(ohm_max, NV_PER_MV) for value in sums]
    asked = (inquiries[0].never_above(claim, value, device.compliance_mv, NOWHERE) for value in values)
    yield Asked(claim, tuple(asked))


# --- verdicts -----------------------------------------------------------------------------------------------


def _judged(
    plan: Plan,
    inquiries: Sequence[Inquiry],
    asked: Asked,
    decisions: Mapping[str, Decision],
    *,
    margins: bool,
) -> Finding:
    answers = [(item, item.decided or decisions[item.obligation.id]) for item in asked.questions]
    finding = answers_finding(inquiries[0], asked, answers, margins=margins)
    if (
        not isinstance(finding.verdict, Refuted)
        or asked.claim.soft
        or asked.claim.property is Property.DEVICE
    ):
        return finding
    from ionto_verifier.exhibit_together import exhibit_together  # the machines are loaded only for this

    for question, found in answers:
        if isinstance(found, decision.Refuted):
            shown = exhibit_together(plan, inquiries, asked.claim, question, found.witness)
            if shown is not None:
                return replace(finding, counterexample=shown)
    return replace(finding, verdict=Undecided(decision.Unknown(APART)), reason=APART)


def _with_help(
    part: Plan, said: Diagnostic, told: Sequence[tuple[Finding, str]], safe: Mapping[str, Safe]
) -> Diagnostic:
    """What a channel said of itself, with what would be safe in all of them."""
    for finding, name in told:
        item = safe.get(name)
        if item is None:
            continue
        for plain in diagnostics_of(part, (finding,), {}):
            if (plain.code, plain.message, plain.primary) == (said.code, said.message, said.primary):
                if said.help is not None and item.words in said.help:
                    return said  # the same is said of another channel with the same words
                words = item.words if said.help is None else f"{said.help}; or {item.words}"
                return replace(said, help=words, edit=said.edit or item.edit)
    return said


def asked_together(plan: Plan) -> tuple[Asked, ...]:
    """What is asked of all channels together. Raises TermTooLargeError."""
    return tuple(_claims(plan, _inquiries(plan)))


def _undecided(plan: Plan, finding: Finding, safe: Safe | None) -> Diagnostic:
    claim, reason = finding.claim, finding.reason or APART
    code = "I0716" if reason == APART else "I0703"
    label = "" if claim.limit is None else f"`{claim.limit.envelope}` allows no more"
    labels: tuple[Label, ...] = ()
    message = f"neither proved nor refuted: {claim.statement}"
    advice = None
    if reason == APART and claim.property in (Property.CURRENT, Property.DENSITY, Property.VOLTAGE):
        advice = _in_turns(plan)
    if safe is not None:
        advice = safe.words if advice is None else f"{advice}; or {safe.words}"
    return error(code, message, claim.span, label, labels=labels, notes=(reason,), help=advice)


def _in_turns(plan: Plan) -> str:
    """What to write where a sum is too much and its parts are not."""
    if parts_count(plan) == 1:
        one, other, *_ = [channel.name for channel in plan.channels]
        blocks = f"`channel {one} {{ ... }} then channel {other} {{ ... }}`"
        return (
            "a clock does not keep channels apart, because a device may stand still; `then` does, since what "
            f"follows it begins when all outputs are seen off: {blocks}"
        )
    return (
        "a channel has one cap for the whole session, so it counts with its highest current in every part in "
        "which it flows: lower that, or let the others flow in a part without it"
    )
