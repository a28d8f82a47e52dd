"""Verdicts as JUnit XML, which CI servers count: one suite a protocol and device, one case a claim."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from ionto_cli.outcome import Suite


def junit(suites: Sequence[Suite]) -> bytes:
    """The document. Refuted is a failure; vacuous, undecided and errors in the source are errors."""
    root = Element("testsuites", name="ionto verify")
    for suite in suites:
        failed = sum(case.verdict == "refuted" for case in suite.cases)
        errors = sum(case.message is not None and case.verdict != "refuted" for case in suite.cases)
        counts = {"tests": str(len(suite.cases)), "failures": str(failed), "errors": str(errors)}
        element = SubElement(root, "testsuite", {"name": suite.name, **counts})
        for case in suite.cases:
            shown = SubElement(element, "testcase", classname=suite.name, name=case.name)
            if case.message is not None:
                kind = "failure" if case.verdict == "refuted" else "error"
                SubElement(
                    shown, kind, type=case.verdict, message=case.message.splitlines()[0]
                ).text = case.message
    indent(root)
    document: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"
