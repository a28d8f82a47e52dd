"""The report for machines: its JSON form, the schema of that form, and what a seal says about a plan.

Keys are never renamed and never leave; new ones may come. Numbers that are not whole are fractions written
as text (`41/2`), because a report contains no rounded number that a machine could mistake for an exact one.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from ionto_ir.channels import step_at
from ionto_ir.codec import scenario_to_json
from ionto_ir.plan import Plan
from ionto_ir.render import diagnostic_data, span_data
from ionto_ir.source import Span
from ionto_ir.wording import limit_text, measured_text
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.margins import Margin
from ionto_verifier.properties import SENTENCES, Claim
from ionto_verifier.report import (
    SCHEMA,
    Finding,
    Support,
    VerificationReport,
    verdict_name,
)
from ionto_verifier.rests import Rest, rests_of

Json = dict[str, object]


def report_to_json(report: VerificationReport) -> Json:
    """The whole report, as `verify_schema()` describes it."""
    plan = report.plan
    return {
        "schema": SCHEMA,
        "protocol": {"name": plan.name, "version": plan.version, "title": plan.title},
        "device": plan.device.name,
        "envelopes": _envelopes(plan),
        "tool": plan.tool,
        "outcome": report.outcome.name.lower().replace("_", " "),
        "exit_code": report.exit_code,
        "findings": [_finding(plan, finding) for finding in report.findings],
        "rests_on": _rests(report),
        "assumptions": list(report.assumptions),
        "unused_limits": list(report.unused_limits),
        "diagnostics": [diagnostic_data(item) for item in report.diagnostics],
        "disagreements": list(report.disagreements),
    }


def predicate(report: VerificationReport) -> Json:
    """What a seal says of a plan: what was verified, how, under which limits and assumptions, with which
    verdict.
    """
    plan = report.plan
    return {
        "schema": SCHEMA,
        "tool": plan.tool,
        "outcome": report.outcome.name.lower().replace("_", " "),
        "device": plan.device.name,
        "envelopes": _envelopes(plan),
        "claims": [_sealed_claim(finding) for finding in report.findings],
        "rests_on": _rests(report),
        "limits": [limit_text(limit) for limit in plan.limits],
        "assumptions": list(report.assumptions),
        "sources": {item.file: item.sha256 for item in plan.files},
    }


def _envelopes(plan: Plan) -> list[Json]:
    """The envelopes by which there are limits, and what each of them is meant for (nothing: for all)."""
    return [
        {
            "name": item.name,
            "title": item.title,
            "people": list(item.people),
            "sites": list(item.sites),
            "device_classes": list(item.device_classes),
        }
        for item in plan.envelopes
    ]


def _rests(report: VerificationReport) -> Json:
    """How many questions rest on a certificate, on the steps of values, on a solver's word, on a witness."""
    return {rest.value: count for rest, count in rests_of(report).items()}


def _sealed_claim(finding: Finding) -> Json:
    claim = finding.claim
    return {
        "id": claim.id,
        "property": claim.property.value,
        "statement": claim.statement,
        "soft": claim.soft,
        "verdict": verdict_name(finding.verdict),
        "questions": sum(count for _, count in finding.stages),
        "certified": finding.certified,
    }


def _finding(plan: Plan, finding: Finding) -> Json:
    claim = finding.claim
    return {
        "id": claim.id,
        "property": claim.property.value,
        "sentence": SENTENCES[claim.property],
        "statement": claim.statement,
        "span": _span(claim.span),
        "limit": None if claim.limit is None else plan.limits.index(claim.limit),
        "electrode": claim.electrode,
        "soft": claim.soft,
        "verdict": verdict_name(finding.verdict),
        "reason": finding.reason,
        "stages": dict(finding.stages),
        "certified": finding.certified,
        "facts": list(claim.rests_on),
        "core": [_support(item) for item in finding.core],
        "margin": None if finding.margin is None else _margin(plan, claim, finding.margin),
        "counterexample": None if finding.counterexample is None else _shown(finding.counterexample),
    }


def _support(support: Support) -> Json:
    return {"text": support.text, "span": _span(support.span)}


def _margin(plan: Plan, claim: Claim, margin: Margin) -> Json:
    names = {item.name for item in plan.variables}
    values = {name: value for name, value in margin.witness.items() if name in names}
    return {
        "bound": margin.bound,
        "worst": str(margin.worst),
        "attained": None if margin.attained is None else str(margin.attained),
        "text": _text(claim, margin.worst),
        "step": margin.step,
        "line": None if margin.step is None else step_at(plan, margin.step).span.line,
        "at_ms": margin.at_ms,
        "values": {name: str(values[name]) for name in sorted(values)},
    }


def _text(claim: Claim, value: Fraction) -> str:
    return str(value) if claim.limit is None else measured_text(claim.limit, value)


def _shown(shown: Counterexample) -> Json:
    return {
        "scenario": scenario_to_json(shown.scenario),
        "given": dict(shown.given),
        "happenings": list(shown.happenings),
        "at_ms": shown.at_ms,
        "step": shown.step,
        "value": None if shown.value is None else str(shown.value),
        "kept_by_interlock": shown.kept_by_interlock,
        "refused_at_binding": shown.refused,
        "starts_ms": list(shown.starts_ms),
        "alike": shown.alike,
        "test": shown.test,
    }


def _span(span: Span | None) -> object:
    return None if span is None else span_data(span)


# --- the schema -----------------------------------------------------------------------------------


def verify_schema() -> Json:
    """The JSON Schema of `report_to_json`."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{SCHEMA.replace('.', ':').replace('/', ':')}",
        "title": "A verification report",
        "description": "What `ionto verify --json` says of one protocol on one device.",
        **_object(
            {
                "schema": {"const": SCHEMA},
                "protocol": _object({"name": _TEXT, "version": _TEXT, "title": _TEXT}),
                "device": _TEXT,
                "envelopes": _list({"$ref": "#/$defs/envelope"}),
                "tool": _TEXT,
                "outcome": {"enum": _OUTCOMES},
                "exit_code": {"enum": [0, 1, 2, 3, 5]},
                "findings": _list({"$ref": "#/$defs/finding"}),
                "rests_on": _object({rest.value: _COUNT for rest in Rest}),
                "assumptions": _list(_TEXT),
                "unused_limits": _list(_COUNT),
                "diagnostics": _list({"type": "object"}),
                "disagreements": _list(_TEXT),
            }
        ),
        "$defs": _definitions(),
    }


_TEXT: Json = {"type": "string"}
_COUNT: Json = {"type": "integer", "minimum": 0}
_EXACT: Json = {
    "type": "string",
    "pattern": "^-?[0-9]+(/[0-9]+)?$",
    "description": "a whole number or a fraction",
}
_YES_NO: Json = {"type": "boolean"}
_OUTCOMES = ["proved", "refuted", "source errors", "unsettled", "disagreement"]
_VERDICTS = ["proved", "refuted", "vacuous", "undecided"]


def _object(properties: Mapping[str, Json]) -> Json:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}


def _or_null(schema: Json) -> Json:
    return {"anyOf": [schema, {"type": "null"}]}


def _map(values: Json) -> Json:
    return {"type": "object", "additionalProperties": values}


def _definitions() -> Json:
    span: Json = {"$ref": "#/$defs/span"}
    margin: Json = {"$ref": "#/$defs/margin"}
    shown: Json = {"$ref": "#/$defs/counterexample"}
    return {
        "span": _object(
            {"file": _TEXT, "line": _COUNT, "column": _COUNT, "end_line": _COUNT, "end_column": _COUNT}
        ),
        "envelope": _object(
            {
                "name": _TEXT,
                "title": _TEXT,
                "people": _list(_TEXT),
                "sites": _list(_TEXT),
                "device_classes": _list(_TEXT),
            }
        ),
        "finding": _object(
            {
                "id": _TEXT,
                "property": {"enum": [kind.value for kind in SENTENCES]},
                "sentence": _TEXT,
                "statement": _TEXT,
                "span": _or_null(span),
                "limit": _or_null(_COUNT),
                "electrode": _or_null(_COUNT),
                "soft": _YES_NO,
                "verdict": {"enum": _VERDICTS},
                "reason": _or_null(_TEXT),
                "stages": _map(_COUNT),
                "certified": _COUNT,
                "facts": _list(_TEXT),
                "core": _list(_object({"text": _TEXT, "span": _or_null(span)})),
                "margin": _or_null(margin),
                "counterexample": _or_null(shown),
            }
        ),
        "margin": _object(
            {
                "bound": {"type": "integer", "description": "in the base unit of the limit"},
                "worst": _EXACT,
                "attained": _or_null(_EXACT),
                "text": _TEXT,
                "step": _or_null(_COUNT),
                "line": _or_null(_COUNT),
                "at_ms": _or_null(_COUNT),
                "values": _map(_EXACT),
            }
        ),
        "counterexample": _object(
            {
                "scenario": {"type": "object", "description": "see scenario.schema.json"},
                "given": _map(_TEXT),
                "happenings": _list(_TEXT),
                "at_ms": _or_null(_COUNT),
                "step": _or_null(_COUNT),
                "value": _or_null(_EXACT),
                "kept_by_interlock": _YES_NO,
                "refused_at_binding": _YES_NO,
                "starts_ms": _list(_COUNT),
                "alike": _YES_NO,
                "test": _TEXT,
            }
        ),
    }
