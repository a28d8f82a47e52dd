"""Findings as SARIF 2.1.0, which code hosts show beside the lines that they are about."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.codes import CODES
from ionto_ir.diagnostic import Diagnostic, Label, Severity
from ionto_ir.source import Span

LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}

Json = dict[str, object]


def sarif(results: Sequence[Json], version: str) -> Json:
    """A SARIF log with one run of these results; every rule that is named has its sentence."""
    codes = sorted({str(result["ruleId"]) for result in results})
    rules = [{"id": code, "shortDescription": {"text": CODES[code]}} for code in codes]
    numbered = [{**result, "ruleIndex": codes.index(str(result["ruleId"]))} for result in results]
    driver = {"name": "ionto", "version": version, "rules": rules}
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": driver},
                "columnKind": "unicodeCodePoints",
                "results": numbered,
            }
        ],
    }


def sarif_result(diagnostic: Diagnostic) -> Json:
    """One finding. Which rule of the log it is, by number, is known when all are together."""
    remarks = [*diagnostic.notes, *(() if diagnostic.help is None else (f"help: {diagnostic.help}",))]
    result: Json = {
        "ruleId": diagnostic.code,
        "level": LEVELS[diagnostic.severity],
        "message": {"text": "\n".join([diagnostic.message, *remarks])},
    }
    if diagnostic.primary is not None:
        result["locations"] = [_location(diagnostic.primary)]
    if diagnostic.labels:
        result["relatedLocations"] = [_location(label) for label in diagnostic.labels]
    if diagnostic.edit is not None:
        result["fixes"] = [_fix(diagnostic)]
    return result


def _fix(diagnostic: Diagnostic) -> Json:
    """The edit as a change of one file, which a code host may offer to make."""
    edit = diagnostic.edit
    assert edit is not None, "asked only where there is one"
    change = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.replacement}}
    return {
        "description": {"text": f"write `{edit.replacement}` here"},
        "artifactChanges": [
            {"artifactLocation": {"uri": edit.span.file}, "replacements": [change]},
        ],
    }


def _location(label: Label) -> Json:
    location: Json = {
        "physicalLocation": {"artifactLocation": {"uri": label.span.file}, "region": _region(label.span)}
    }
    if label.text:
        location["message"] = {"text": label.text}
    return location


def _region(span: Span) -> Json:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
