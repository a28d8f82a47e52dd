"""The plan as JSON and back: exact, strict, and the same every time.

`plan_to_json` and `plan_from_json` are inverses. The reader refuses what it does not fully understand:
another schema version, a feature it does not know, an unknown or missing field, a value of the wrong type;
and it never hands out a plan that is not well formed.
"""

from __future__ import annotations

from ionto_ir.canonical import Json
from ionto_ir.codec_read import Problem, Reader
from ionto_ir.codec_shape import record_shape
from ionto_ir.codec_write import write
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.expression import Sort
from ionto_ir.features import KNOWN_FEATURES
from ionto_ir.monitor import MEASURED
from ionto_ir.plan import SCHEMA, Plan
from ionto_ir.scenario import Scenario
from ionto_ir.source import Span
from ionto_ir.wellformed import OBSERVABLES, check


def plan_to_json(plan: Plan) -> dict[str, Json]:
    """The JSON object of a plan. It can be written canonically whenever `wellformed.check` finds nothing."""
    return _object(write(record_shape(Plan), plan))


def plan_from_json(found: Json, file: str | None = None) -> Plan | tuple[Diagnostic, ...]:
    """The well-formed plan that `found` says, or every reason to refuse it (I0820 to I0827).

    `file` is the name of the file that the JSON came from, for the messages.
    """
    span = None if file is None else Span(file, 1, 1, 1, 1)
    if not isinstance(found, dict):
        return (error("I0820", "a plan is a JSON object", span),)
    strangers = _strangers(found, span)
    if strangers:
        return strangers
    reader = Reader(_sorts(found.get("variables")))
    plan = reader.read(record_shape(Plan), found, "")
    if not isinstance(plan, Plan):
        return tuple(_diagnostic(problem, span) for problem in reader.problems)
    problems = check(plan)
    return problems if problems else plan


def scenario_to_json(scenario: Scenario) -> dict[str, Json]:
    """The JSON object of a scenario: how reports and tools are given counterexamples."""
    return _object(write(record_shape(Scenario), scenario))


def scenario_from_json(found: Json, file: str | None = None) -> Scenario | tuple[Diagnostic, ...]:
    """The scenario that `found` says, or every reason to refuse it (I0820)."""
    span = None if file is None else Span(file, 1, 1, 1, 1)
    reader = Reader({})
    scenario = reader.read(record_shape(Scenario), found, "")
    if isinstance(scenario, Scenario):
        return scenario
    return tuple(_diagnostic(problem, span) for problem in reader.problems)


def _object(value: Json) -> dict[str, Json]:
    assert isinstance(value, dict), "a record is written as an object"
    return value


def _strangers(found: dict[str, Json], span: Span | None) -> tuple[Diagnostic, ...]:
    """Refuse another schema version, or a plan that needs more than this reader has, before reading on."""
    schema = found.get("schema")
    if schema != SCHEMA:
        shown = f"`{schema[:40]}`" if isinstance(schema, str) and schema.isprintable() else "none"
        text = f"the plan's schema is {shown}, and this version of ionto reads `{SCHEMA}`"
        return (error("I0821", text, span, help="compile the protocol again with this version"),)
    requires = found.get("requires")
    named = requires if isinstance(requires, list) else []
    return tuple(
        error(
            "I0822",
            f"the plan requires `{feature[:40]}`, which this version of ionto does not know",
            span,
            notes=("a plan is refused rather than half understood",),
        )
        for feature in named
        if isinstance(feature, str) and feature.isprintable() and feature not in KNOWN_FEATURES
    )


def _sorts(variables: Json) -> dict[str, Sort]:
    """What each name stands for, as far as the table can be read; the full reading refuses what cannot."""
    sorts = dict.fromkeys((*OBSERVABLES, *MEASURED), Sort.INTEGER)
    for item in variables if isinstance(variables, list) else []:
        if not isinstance(item, dict):
            continue
        name, domain = item.get("name"), item.get("domain")
        if isinstance(name, str) and isinstance(domain, dict):
            sorts[name] = Sort.BOOLEAN if domain.get("kind") == "yes/no" else Sort.INTEGER
    return sorts


def _diagnostic(problem: Problem, span: Span | None) -> Diagnostic:
    place = f"at `{problem.place}`: " if problem.place else ""
    return error("I0820", place + problem.text, span)
