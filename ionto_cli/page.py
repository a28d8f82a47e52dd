"""The report as one self-contained HTML page: no script, no link, nothing loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import resources

from ionto_cli.course_words import course_sentences, weeks_of
from ionto_cli.picture import Picture, svg_text
from ionto_cli.quantities import duration
from ionto_cli.verdicts import counted_verdicts, percent
from ionto_cli.words import Sources, authors_words, electrodes_in_words, monitor_in_words, step_in_words
from ionto_ir.course import WEEK
from ionto_ir.dataclass import dataclass
from ionto_ir.entry import expected
from ionto_ir.expression import Reference
from ionto_ir.plan import Code, Course, Finish, Plan, Rule, Section, Variable, VariableKind
from ionto_ir.units import CURRENT, format_quantity
from ionto_ir.wording import envelope_text, limit_text, measured_text, value_text
from ionto_verifier.properties import SENTENCES, Property
from ionto_verifier.report import Finding, VerificationReport, share_of, verdict_name
from ionto_verifier.rests import rests_text

CLOSE = 95
"""Percent of a limit from which a bar is shown as close."""


@dataclass(frozen=True, slots=True)
class RunSection:
    """What a page shows of a run: facts, events with their times, and a picture."""

    facts: Sequence[tuple[str, str]]
    events: Sequence[tuple[str, str]]
    picture: Picture | None
    simulated: bool


@dataclass(frozen=True, slots=True)
class Example:
    """A counterexample as it is shown: heading, text, and a picture of what was replayed."""

    title: str
    text: str
    picture: Picture | None


def page(
    report: VerificationReport,
    sources: Sources,
    picture: Picture,
    examples: Sequence[Example] = (),
    run: RunSection | None = None,
) -> str:
    """The page as text."""
    from jinja2 import Environment, StrictUndefined

    template = (resources.files("ionto_cli") / "templates" / "report.html").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    plan = report.plan
    return environment.from_string(template).render(
        title=plan.title or plan.name,
        name=plan.name,
        version=plan.version,
        tool=plan.tool.removeprefix("ionto "),
        device=plan.device.name,
        simulated=plan.device.driver == "simulated",
        indication=plan.indication,
        codes=[_code(code) for code in plan.codes],
        verdicts=list(counted_verdicts(report).items()),
        figure=svg_text(picture),
        drawn_for=picture.subtitle,
        counterexamples=[_example(example) for example in examples],
        **_protocol(plan, sources),
        properties=_properties(report),
        rests_on=rests_text(report),
        assumptions=report.assumptions,
        envelopes=[envelope_text(envelope).replace("`", "") for envelope in plan.envelopes],
        limits=[_limit(plan, index) for index in range(len(plan.limits))],
        facts=_facts(plan),
        run=None if run is None else _run(run),
        source_files=[(name, source.text) for name, source in sources.items()],
        digests=[f"{item.file}: sha256 {item.sha256}" for item in plan.files],
    )


def _code(code: Code | None) -> str:
    return "" if code is None else f"{code.system} {code.value}"


def _example(example: Example) -> Mapping[str, object]:
    figure = None if example.picture is None else svg_text(example.picture)
    return {"title": example.title, "text": example.text, "figure": figure}


def _run(run: RunSection) -> Mapping[str, object]:
    figure = None if run.picture is None else svg_text(run.picture)
    return {"facts": run.facts, "events": run.events, "figure": figure, "simulated": run.simulated}


def _protocol(plan: Plan, sources: Sources) -> Mapping[str, object]:
    """The protocol in words."""
    rules = plan.interruptions
    each = duration(rules.each_ms_max)
    interruptions = f"At most {rules.count_max} interruptions, each at most {each}"
    if not rules.resume:
        interruptions = "A pause ends the session: it is not resumed"
    sections = []
    for section in Section:
        lines = [step_in_words(step, sources) for step in plan.steps if step.section is section]
        if lines:
            sections.append((section.value, lines))
    for channel in plan.channels:
        lines = [step_in_words(step, sources) for step in channel.steps if not isinstance(step, Finish)]
        sections.append((f"channel {channel.name}", lines))
    return {
        "electrodes": electrodes_in_words(plan),
        "variables": [_variable(item) for item in plan.variables if item.kind is not VariableKind.RECORD],
        "rules": [
            {"kind": rule.kind.value, "condition": _condition(rule, sources), "text": rule.text}
            for rule in plan.rules
        ],
        "sections": sections,
        "interruptions": interruptions + ".",
        "monitors": [monitor_in_words(monitor, sources) for monitor in plan.monitors],
        "course": course_sentences(plan),
        "course_source": None if plan.course is None else _course(plan.course, sources),
        "weeks": weeks_of(plan),
        "weekdays": [day[:3] for day in WEEK],
    }


def _variable(item: Variable) -> Mapping[str, str]:
    default = getattr(item.domain, "default", None)
    return {
        "name": item.name,
        "text": item.text,
        "code": _code(item.code),
        "range": expected(item.domain),
        "default": "" if default is None else value_text(item, default),
    }


def _condition(rule: Rule, sources: Sources) -> str:
    """The condition of a rule as its author wrote it, without keyword and reason."""
    words = authors_words(rule.span, sources).removeprefix(f"{rule.kind.value} when ")
    return words.partition(' "')[0]


def _course(course: Course, sources: Sources) -> str:
    """The rules of a course, one after the other, as their author wrote them."""
    source = sources.get(course.span.file)
    if source is None:
        return authors_words(course.span, sources)
    lines = [line.partition("#")[0].strip() for line in source.text_at(course.span).splitlines()]
    return "; ".join(line for line in lines if line and line not in ("course {", "}"))


def _properties(report: VerificationReport) -> list[Mapping[str, object]]:
    """One row a claim; that every step is reached is one row as long as nothing is wrong with it."""
    rows, reached = [], 0
    for finding in report.findings:
        if finding.claim.property is Property.REACHABLE and verdict_name(finding.verdict) == "proved":
            reached += 1
        else:
            rows.append(_property(finding))
    if reached:
        name = f"{SENTENCES[Property.REACHABLE].removesuffix('.')} ({reached} claims)"
        blank = {
            "hazard": None,
            "worst": "",
            "percent": None,
            "width": 0,
            "shade": "",
            "core": "",
            "reason": "",
        }
        rows.append({"name": name, "verdict": "proved", **blank})
    return rows


def _property(finding: Finding) -> Mapping[str, object]:
    share, margin, limit = share_of(finding), finding.margin, finding.claim.limit
    worst = "" if margin is None or limit is None else measured_text(limit, margin.worst)
    whole = None if share is None else round(share * 100)
    core = [support.text for support in finding.core if support.text != finding.claim.statement]
    shade = "" if whole is None or whole < CLOSE else "close" if whole <= 100 else "over"
    return {
        "name": finding.claim.statement,
        "hazard": None if limit is None else limit.hazard,
        "verdict": verdict_name(finding.verdict),
        "worst": worst,
        "percent": None if share is None else percent(share).removesuffix(" %"),
        "width": 0 if whole is None else min(whole, 100),
        "shade": shade,
        "core": "; ".join(core),
        "reason": finding.reason or "",
    }


def _limit(plan: Plan, index: int) -> Mapping[str, str]:
    limit = plan.limits[index]
    words = ("soft limit: " if limit.soft else "") + limit_text(limit)
    if limit.soft:
        words += f" – may be passed by a named {limit.needs or 'person'} who says why"
    if index and limit.text:
        words += f" – {limit.text}"
    return {
        "limit": words,
        "hazard": limit.hazard or "",
        "source": limit.source or "none given",
        "envelope": limit.envelope,
    }


def _facts(plan: Plan) -> list[Mapping[str, str]]:
    """Everything else with a source: protocol, device, electrodes, drugs, exclusions."""
    device = plan.device
    rows = [("protocol", text) for text in plan.source]
    reach = format_quantity(device.current_na_max, CURRENT, "mA")
    rows.append((f"device {device.name}: {device.title}, up to {reach}", device.source or "none given"))
    for electrode in plan.electrodes:
        area = "" if not isinstance(electrode.area_um2, Reference) else " (area asked on the day)"
        rows.append((f"electrode {electrode.profile}{area}", electrode.source or "none given"))
        for drug in electrode.drugs:
            rows.append((f"drug {drug.name}: {drug.title}", drug.source or "none given"))
    return [{"fact": fact, "source": source} for fact, source in dict.fromkeys(rows)]
