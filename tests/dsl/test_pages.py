"""Every page of the front end shows a protocol that provokes its code, and one that is free of problems."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from ionto_dsl.driver import Memory, compile_file
from ionto_ir.codes import CODES
from ionto_ir.diagnostic import Diagnostic, Severity
from tests.architecture.tree import ROOT
from tests.corpus_format import MAIN_FILE, read_cases

PAGES = ROOT / "ionto_ir" / "pages"
WITHOUT_EXAMPLE = {"I0211", "I0423", "I0464"}
"""About a file or a device on the command line, or a command: other tests provoke them."""

OURS = sorted(
    code for code in CODES if code[:3] in ("I02", "I03", "I04", "I05") and code not in WITHOUT_EXAMPLE
)


def _said(files: Mapping[str, str]) -> tuple[Diagnostic, ...]:
    folder = Memory({f"{name}.ionto": text for name, text in files.items()})
    return compile_file(f"{MAIN_FILE}.ionto", folder=folder).diagnostics


def _examples(code: str) -> dict[str, Mapping[str, str]]:
    page = (PAGES / f"{code}.md").read_text(encoding="utf-8")
    return {case.name: case.files for case in read_cases(page)}


@pytest.mark.parametrize("code", OURS)
def test_the_wrong_example_provokes_its_code(code: str) -> None:
    assert code in {diagnostic.code for diagnostic in _said(_examples(code)["Wrong"])}


@pytest.mark.parametrize("code", OURS)
def test_the_right_example_has_no_problem_at_all(code: str) -> None:
    said = _said(_examples(code)["Right"])
    assert [diagnostic for diagnostic in said if diagnostic.severity is not Severity.NOTE] == []
