"""Counterexamples for a page: what was found, what happened when it was replayed, and a test to paste."""

from __future__ import annotations

from fractions import Fraction

from ionto_cli.drawing import NA_PER_MA, PC_PER_MA_MIN, curve_of, picture_of, picture_of_outcome
from ionto_cli.failure_drawn import alone_in
from ionto_cli.page import Example
from ionto_cli.picture import Curve, Level, Mark, Picture
from ionto_cli.words import Sources
from ionto_ir.bind import Refusal
from ionto_ir.channels import step_at
from ionto_ir.dataclass import replace
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.observer import reading_of
from ionto_ir.plan import Plan
from ionto_ir.rehearse import rehearse
from ionto_ir.rehearsed import Rehearsed
from ionto_ir.trace import setpoint_at, stretches
from ionto_ir.wording import limit_text, measured_text
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.report import VerificationReport

MS_PER_S = 1e3


def examples_of(report: VerificationReport, sources: Sources) -> list[Example]:
    """One for each refuted claim, with the replay drawn where there is something to draw."""
    messages = {item.primary.span: item.message for item in report.diagnostics if item.primary is not None}
    examples = []
    for finding in report.findings:
        found = finding.counterexample
        if found is None or finding.claim.soft:
            continue
        told = [f"{name} = {value}" for name, value in found.given]
        lines = [
            *([f"with {', '.join(told)}"] if told else []),
            *(f"and {text}" for text in found.happenings),
            "",
            found.test,
        ]
        step = None if found.step is None else step_at(report.plan, found.step).span
        title = messages.get(step, finding.claim.statement) if step is not None else finding.claim.statement
        alone = alone_in(report.plan, finding)
        plan, claim = (report.plan, finding.claim) if alone is None else (alone.plan, alone.finding.claim)
        if found.starts_ms:
            picture = _schedule(plan, found, claim.limit, claim.electrode)
        else:
            picture = _replayed(plan, found, sources)
        if picture is not None and alone is not None:
            picture = replace(picture, subtitle=f"{alone.title}; {picture.subtitle}")
        examples.append(Example(title, "\n".join(lines).strip(), picture))
    return examples


def _replayed(plan: Plan, found: Counterexample, sources: Sources) -> Picture | None:
    outcome = rehearse(plan, found.scenario, armed=False)
    if isinstance(outcome, Refusal) or found.at_ms is None:
        return None
    if plan.channels:
        emitted_na = sum(abs(setpoint_at(trace, found.at_ms)) for trace in outcome.traces)
        mark = Mark(found.at_ms / MS_PER_S, emitted_na / NA_PER_MA, "the limit is passed")
        return picture_of_outcome(plan, outcome, sources, marks=[mark])
    trace = outcome.run.trace
    current_ma = setpoint_at(trace, found.at_ms) / NA_PER_MA
    mark = Mark(found.at_ms / MS_PER_S, current_ma, "the limit is passed")
    return picture_of(plan, outcome.values, trace, sources, marks=[mark])


def _schedule(
    plan: Plan, found: Counterexample, limit: Limit | None, electrode: int | None
) -> Picture | None:
    """Sessions that follow each other too closely: what is set, and its charge since the first began; of a
    limit at an electrode the charge that flows there while the limit speaks of it.
    """
    late = rehearse(plan, found.scenario, armed=False)
    prompt = late if found.alike else rehearse(plan, replace(found.scenario, timeline=()), armed=False)
    if isinstance(late, Refusal) or isinstance(prompt, Refusal) or plan.channels:
        return None
    dose = limit if limit is not None and limit.kind is LimitKind.DOSE else None
    curve = Curve("setpoint", [], [], [])
    marks = []
    for number, start_ms in enumerate(found.starts_ms):
        start_s, before = start_ms / MS_PER_S, curve.charge_ma_min[-1] if number else 0.0
        one = _one(plan, prompt if number else late, dose, electrode)
        curve.time_s.extend(start_s + at_s for at_s in one.time_s)
        curve.current_ma.extend(one.current_ma)
        curve.charge_ma_min.extend(before + charge for charge in one.charge_ma_min)
        marks.append(Mark(start_s, 0.0, f"session {number + 1}"))
    levels = []
    if dose is not None:
        levels = [Level(dose.bound / PC_PER_MA_MIN, limit_text(dose))]
    title = plan.title or plan.name
    subtitle = f"{plan.device.name}, {len(found.starts_ms)} sessions; charge as set"
    if electrode is not None:
        subtitle += f", on {plan.electrodes[electrode].site}"
    if dose is not None and found.value is not None:
        subtitle += f"; the skin may receive {measured_text(dose, found.value)}"
    simulated = plan.device.driver == "simulated"
    return Picture(title, subtitle, [curve], charge_levels=levels, marks=marks, simulated=simulated)


def _one(plan: Plan, outcome: Rehearsed, dose: Limit | None, electrode: int | None) -> Curve:
    """The curve of one session, with the charge as set that a limit at an electrode counts there."""
    trace = outcome.run.trace
    curve = curve_of("setpoint", trace)
    if dose is None or electrode is None:
        return curve
    reading = reading_of(plan, outcome.values, replace(dose, nominal=True), electrode)
    charges, total = [0.0], Fraction(0)
    for part in stretches(trace):
        charges.append(float(total / 60_000_000_000))
        total += reading(part) * (part.to_ms - part.from_ms) if part.on else 0
    return replace(curve, charge_ma_min=[*charges, float(total / 60_000_000_000)])
