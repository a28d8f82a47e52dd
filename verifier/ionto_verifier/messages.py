"""What a report tells people to mend: one diagnostic for each claim that is not proved, at the line that
breaks it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction

from ionto_ir.channels import step_at
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, Edit, Label, Severity
from ionto_ir.limits import ADDS_UP, Limit, LimitKind
from ionto_ir.plan import Hold, IntegerDomain, Plan, Ramp, VariableKind, variable
from ionto_ir.source import Span
from ionto_ir.units import CHARGE, VOLTAGE, approximate
from ionto_ir.wellformed_electrodes import at_site
from ionto_ir.wording import clock_text, current_text, duration_text, limit_text, measured_text
from ionto_verifier.condition_text import condition_text
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.fit import form_of
from ionto_verifier.properties import (
    DISAGREEMENT,
    LIMIT_UNUSED,
    MONITOR_VACUOUS,
    NOBODY,
    REACHABLE_VACUOUS,
    REFUTED,
    SOFT_LIMIT,
    TREATABLE_VACUOUS,
    UNDECIDED,
    Claim,
    Property,
)
from ionto_verifier.report import Finding, Support
from ionto_verifier.verdict import Proved, Refuted, Undecided, Vacuous

MINUTE_MS = 60_000

GIVEN_MAX = 8
"""Values that a note tells; the test block has all of them."""


@dataclass(frozen=True, slots=True)
class Safe:
    """What would be safe instead: in words, and as an edit of the source where it is one number."""

    words: str
    edit: Edit | None = None


def diagnostics_of(
    plan: Plan, findings: tuple[Finding, ...], safe: Mapping[str, Safe]
) -> Iterator[Diagnostic]:
    """What to say about the findings, in their order. `safe` says what would be safe, by claim."""
    nowhere: tuple[Support, ...] | None = None
    uneven = {_span(plan, item) for item in findings if _fails(item, Property.GRID)}
    for finding in findings:
        if _fails(finding, Property.ARITHMETIC) and _span(plan, finding) in uneven:
            continue  # a level that does not come out even falls between two steps: that is told there
        if finding.claim.property is Property.REACHABLE and isinstance(finding.verdict, Vacuous):
            # The steps behind one choice that nobody makes are told once.
            same, nowhere = finding.core[1:] == nowhere, finding.core[1:]
            if same:
                continue
        match finding.verdict:
            case Proved():
                if finding.claim.property is Property.WATCHES and finding.reason is not None:
                    yield _note(finding)
            case Refuted():
                yield _refuted(plan, finding, safe.get(finding.claim.id))
            case Vacuous():
                yield _vacuous(finding)
            case Undecided():
                yield _undecided(finding, safe.get(finding.claim.id))


def _fails(finding: Finding, kind: Property) -> bool:
    return finding.claim.property is kind and isinstance(finding.verdict, Refuted)


def unused(limit: Limit) -> Diagnostic:
    """A limit that nothing in the protocol comes near enough to be asked about."""
    text = f"`{limit_text(limit)}` concerns nothing in this protocol"
    return Diagnostic(LIMIT_UNUSED, Severity.WARNING, text, Label(limit.span, "no proof uses this limit"))


def disagreement(text: str, span: Span) -> Diagnostic:
    """A contradiction between prover and machine."""
    return Diagnostic(DISAGREEMENT, Severity.ERROR, text, Label(span, "please report this protocol"))


def _refuted(plan: Plan, finding: Finding, safe: Safe | None) -> Diagnostic:
    claim = finding.claim
    code, severity = REFUTED.get(claim.property, UNDECIDED), Severity.ERROR
    if claim.soft:
        code, severity = SOFT_LIMIT, Severity.NOTE
    primary = Label(_span(plan, finding), _where(plan, finding))
    labels = () if claim.span in (None, primary.span) else (Label(claim.span, _decided(claim)),)
    notes = tuple(_notes(finding))
    sentence = _sentence(plan, finding)
    if safe is None:
        return Diagnostic(code, severity, sentence, primary, labels, notes, _plain_help(plan, finding))
    return Diagnostic(code, severity, sentence, primary, labels, notes, safe.words, safe.edit)


def _even(plan: Plan, finding: Finding) -> str | None:
    """What to write where values do not come out even."""
    shown, device = finding.counterexample, plan.device
    if finding.claim.property not in (Property.ARITHMETIC, Property.GRID) or shown is None:
        return None
    for name, _ in shown.given:
        item = variable(plan, name)
        domain = item.domain
        if (
            isinstance(domain, IntegerDomain)
            and domain.step is None
            and item.kind in (VariableKind.PARAMETER, VariableKind.GEOMETRY)
        ):
            example = f"step 1 {domain.unit}" if domain.unit else "step 1"
            return f"give `{name}` a step that divides evenly, for example `{example}`"
    steps = current_text(plan, device.step_na)
    return f"write `rounded down` after the level, or choose values that come to whole steps of {steps}"


def _plain_help(plan: Plan, finding: Finding) -> str | None:
    """What to write where no number is to be found: for somebody excluded, the refusal that is missing."""
    if finding.claim.property is Property.GUARD:
        found = next((item for item in plan.exclusions if item.span == finding.claim.span), None)
        words = None if found is None else condition_text(plan, found.condition)
        return None if words is None else f'write `refuse when {words} "..."`, with the reason in the quotes'
    if finding.claim.property is Property.DEVICE:
        return _able(plan)
    return _even(plan, finding)


def _able(plan: Plan) -> str | None:
    """What a device would have to be for this plan."""
    device = plan.device
    steps = (*plan.steps, *(step for channel in plan.channels for step in channel.steps))
    for step in steps:
        form = form_of(step.waveform) if isinstance(step, Ramp | Hold) else device.waveforms[0]
        if form not in device.waveforms:
            line, given = step.span.line, ", ".join((*device.waveforms, form))
            return f"line {line} asks for `{form}`: use a device that has `waveforms {given}`"
    if device.watchdog_ms <= device.tick_ms + device.host_gap_ms:
        bridged = duration_text(device.tick_ms + device.host_gap_ms)
        return f"use a watchdog of more than {bridged}, so that one late tick does not end the output"
    return None


def _span(plan: Plan, finding: Finding) -> Span:
    """The line that breaks the claim, if one does; else the line that makes it."""
    shown = finding.counterexample
    step = finding.margin.step if finding.margin is not None else None
    if shown is not None and shown.step is not None:
        step = shown.step
    if shown is not None and shown.starts_ms:
        return plan.span if plan.course is None else plan.course.span
    if step is not None:
        return step_at(plan, step).span
    return finding.claim.span or plan.span


def _where(plan: Plan, finding: Finding) -> str:
    shown = finding.counterexample
    if shown is None:
        return ""
    if shown.starts_ms:
        return "sessions may follow each other this closely"
    limit = finding.claim.limit
    passed = "passed " if limit is not None and limit.kind in (*ADDS_UP, LimitKind.DURATION) else ""
    return "" if shown.at_ms is None else f"{passed}at {clock_text(shown.at_ms)} of the session"


def _decided(claim: Claim) -> str:
    if claim.limit is None:
        return claim.statement
    hazard = "" if claim.limit.hazard is None else f" ({claim.limit.hazard})"
    return (
        f"`{claim.limit.envelope}` allows {measured_text(claim.limit, Fraction(claim.limit.bound))}{hazard}"
    )


def _sentence(plan: Plan, finding: Finding) -> str:
    claim, shown = finding.claim, finding.counterexample
    limit = claim.limit
    if limit is not None and claim.soft:
        allowed = measured_text(limit, Fraction(limit.bound))
        reached = _reached(finding, limit)
        who = limit.needs or "person"
        return f"{_subject(plan, claim)} can reach {reached}; above {allowed} a {who} must say why"
    if limit is None or shown is None:
        return _plain_sentence(plan, finding)
    allowed = measured_text(limit, Fraction(limit.bound))
    if shown.starts_ms:
        return _crowded(limit, shown, allowed)
    reached = _reached(finding, limit)
    if shown.kept_by_interlock:
        return f"{_subject(plan, claim)} can reach {reached}; only the interlock keeps it to {allowed}"
    adds_up = limit.kind in (*ADDS_UP, LimitKind.DURATION)
    when = "" if shown.at_ms is None or adds_up else f" at {clock_text(shown.at_ms)}"
    return f"{_subject(plan, claim)} reaches {reached}{when}; `{limit.envelope}` allows {allowed}"


def _reached(finding: Finding, limit: Limit) -> str:
    """The value that was seen, or the proved bound where the machine did not let it come to that."""
    shown, margin = finding.counterexample, finding.margin
    # The emitted staircase has no slope of its own: the slope of the line that it follows is told.
    if shown is not None and shown.value is not None and limit.kind is not LimitKind.RAMP:
        return measured_text(limit, shown.value)
    if margin is not None:
        return measured_text(limit, margin.worst if margin.attained is None else margin.attained)
    return f"more than {measured_text(limit, Fraction(limit.bound))}"


def _crowded(limit: Limit, shown: Counterexample, allowed: str) -> str:
    assert limit.window_ms is not None and shown.value is not None, "sessions crowd a window"
    span = duration_text(limit.window_ms)
    count = len(shown.starts_ms)
    if limit.kind is LimitKind.SESSIONS:
        return f"{count} sessions fit into {span}; `{limit.envelope}` allows {limit.bound}"
    dose = measured_text(limit, shown.value)
    if count == 1:
        return f"one session delivers {dose} within {span}; `{limit.envelope}` allows {allowed}"
    return f"{count} sessions within {span} deliver {dose}; `{limit.envelope}` allows {allowed}"


def _subject(plan: Plan, claim: Claim) -> str:
    limit = claim.limit
    assert limit is not None, "asked of a limit"
    match limit.kind:
        case LimitKind.CURRENT:
            return f"the current{_under(plan, claim)}"
        case LimitKind.DENSITY:
            return f"the current density{_under(plan, claim)}"
        case LimitKind.MEAN_DENSITY:
            return f"the mean of the current density{_under(plan, claim)}"
        case LimitKind.CHARGE_DENSITY:
            return f"the charge density{_under(plan, claim)}"
        case LimitKind.PULSE_CHARGE:
            return "the charge of a pulse"
        case LimitKind.RAMP:
            return "the current's rate of change"
        case LimitKind.VOLTAGE:
            return "the voltage"
        case LimitKind.DOSE:
            dose = "the dose as set" if limit.nominal else "the dose that the skin may receive"
            return f"{dose}{_under(plan, claim)}"
        case LimitKind.SESSIONS:
            return "the number of sessions"
        case LimitKind.DURATION:
            return "the session's duration"
        case LimitKind.STOP_TIME:
            return "the time of a stop"


def _under(plan: Plan, claim: Claim) -> str:
    """` at the cathode on `heel``: where a limit on an electrode is met."""
    if claim.electrode is None or claim.limit is None:
        return ""
    electrode = plan.electrodes[claim.electrode]
    role = electrode.role if claim.limit.role is None else claim.limit.role
    return f" at the {role.value} on `{electrode.site}`"


def _plain_sentence(plan: Plan, finding: Finding) -> str:
    claim, shown = finding.claim, finding.counterexample
    statement = claim.statement.rstrip(".")
    if claim.property is Property.GUARD and shown is not None:
        excused = ", ".join(f"{name} = {value}" for name, value in shown.given[:GIVEN_MAX])
        meant = any(item.span == claim.span and item.meant_for is not None for item in plan.exclusions)
        whom = "for whom the envelope is not meant" if meant else "whom the envelope excludes"
        return f"somebody {whom} is treated: {excused}"
    if claim.property is Property.SCOPE:
        return _elsewhere(plan, claim)
    if claim.property is Property.DRIVE and shown is not None and shown.value is not None:
        return f"{approximate(shown.value, VOLTAGE, 'V', 4)} would be needed, more than the device has"
    if claim.property is Property.TOTAL and shown is not None and shown.value is not None:
        dose = approximate(shown.value, CHARGE, "mA.min", 4)
        return f"the ramps alone emit {dose}, more than the total that is prescribed"
    device = f"`{plan.device.name}`"
    words = {
        Property.ARITHMETIC: "some values leave a quotient here without an exact value",
        Property.GRID: f"some values ask for a current between two steps of {device}",
        Property.SLEW: f"{device} cannot follow every ramp, stop and resume",
        Property.CHARGING: "some values leave this hold without a current to reach its charge",
        Property.COURSE: f"the course contradicts itself: {statement}",
    }
    if claim.property is Property.RANGE and finding.margin is not None:
        asked = current_text(plan, int(finding.margin.worst))
        most = current_text(plan, plan.device.current_na_max)
        return f"up to {asked} is asked for, and {device} sets at most {most}"
    return words.get(claim.property, f"this does not hold: {statement}")


def _elsewhere(plan: Plan, claim: Claim) -> str:
    """For what an envelope is meant, and for what it is used."""
    envelope = next(item for item in plan.envelopes if item.span == claim.span)
    device = plan.device
    for electrode in plan.electrodes:
        if not at_site(electrode, envelope.sites):
            meant = " or ".join(f"`{site}`" for site in envelope.sites)
            return (
                f"`{envelope.name}` is meant for {meant}, and an active electrode lies on `{electrode.site}`"
            )
    meant = " or ".join(envelope.device_classes)
    known = (
        f"is for the {device.device_class}" if device.device_class else "does not say where it may be used"
    )
    return f"`{envelope.name}` is meant for {meant} devices, and `{device.name}` {known}"


def _apart(apart_ms: int) -> str:
    """Dates leave a millisecond between two days: nobody starts by that."""
    if apart_ms % MINUTE_MS == 1:
        return f"hardly more than {duration_text(apart_ms - 1)}"
    return clock_text(apart_ms) if apart_ms % MINUTE_MS else duration_text(apart_ms)


def _notes(finding: Finding) -> Iterator[str]:
    shown = finding.counterexample
    if shown is None:
        return
    if shown.given and finding.claim.property is not Property.GUARD:
        told = ", ".join(f"{name} = {value}" for name, value in shown.given[:GIVEN_MAX])
        yield f"for example with {told}"
    if shown.happenings:
        more = len(shown.happenings) - GIVEN_MAX
        lead = "and in each session, " if shown.alike else "and "
        yield f"{lead}{', '.join(shown.happenings[:GIVEN_MAX])}" + (f", and {more} more" if more > 0 else "")
    if len(shown.starts_ms) > 1:
        apart_ms = shown.starts_ms[-1] - shown.starts_ms[0]
        yield f"the first and the last of {len(shown.starts_ms)} sessions may start {_apart(apart_ms)} apart"
    if shown.refused:
        yield "the machine refuses these values at the bedside; they should not be offered"
    if shown.kept_by_interlock:
        yield "a protocol must keep its limits by what it says, not by being stopped"


def _note(finding: Finding) -> Diagnostic:
    """Something about a monitor that its author should know, and may have wanted."""
    claim = finding.claim
    code = MONITOR_VACUOUS[claim.property]
    subject = claim.statement.removesuffix(" can act")
    text = f"{subject} acts only where the impedance leaves what is assumed"
    return Diagnostic(code, Severity.NOTE, text, _label(claim, "within it this never holds"))


def _vacuous(finding: Finding) -> Diagnostic:
    claim = finding.claim
    if claim.property in MONITOR_VACUOUS:
        code = MONITOR_VACUOUS[claim.property]
        text, label = _MONITORS[claim.property]
        notes = (finding.reason,) if finding.reason not in (None, NOBODY) else ()
        subject = f"the monitor “{claim.statement.split('“')[1].split('”')[0]}”"
        return Diagnostic(code, Severity.ERROR, f"{subject} {text}", _label(claim, label), (), notes)
    core = tuple(
        Label(support.span, support.text)
        for support in finding.core
        if support.span not in (None, claim.span)
    )
    if claim.property is Property.TREATABLE:
        text = "nobody can be treated: the refusals and requirements leave no one"
        return Diagnostic(TREATABLE_VACUOUS, Severity.ERROR, text, _label(claim, "this protocol"), core)
    if claim.property is Property.REACHABLE:
        text = f"this never happens: {claim.statement}"
        if claim.statement.startswith("somebody "):
            text = "nobody " + claim.statement.removeprefix("somebody ")
        return Diagnostic(REACHABLE_VACUOUS, Severity.ERROR, text, _label(claim, "nobody gets here"), core)
    text = f"this says nothing: {claim.statement}"
    return Diagnostic(REACHABLE_VACUOUS, Severity.ERROR, text, _label(claim, finding.reason or ""))


_MONITORS: dict[Property, tuple[str, str]] = {
    Property.WATCHES: ("never acts", "no reading that the device can give makes this hold for long enough"),
    Property.IDLES: ("always acts", "no session runs to its end"),
    Property.RELEASES: ("can never be satisfied again", "no reading makes its `until` hold"),
    Property.APART: ("lets go while it would act", "`until` and the condition hold together"),
}


def _undecided(finding: Finding, safe: Safe | None) -> Diagnostic:
    """With what would be proved, where that is known."""
    claim = finding.claim
    notes = () if finding.reason is None else (finding.reason,)
    text = f"neither proved nor refuted: {claim.statement}"
    label = _label(claim, "counts as unsafe")
    if safe is None:
        return Diagnostic(UNDECIDED, Severity.ERROR, text, label, (), notes)
    return Diagnostic(UNDECIDED, Severity.ERROR, text, label, (), notes, safe.words, safe.edit)


def _label(claim: Claim, text: str) -> Label | None:
    return None if claim.span is None else Label(claim.span, text)
