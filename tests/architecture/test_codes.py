"""Codes of diagnostics are declared once, explained on a page each, and provoked by a test each."""

from __future__ import annotations

import ast
import re

from ionto_ir import codes
from tests.architecture.tree import ROOT, modules

CODE = re.compile(r"\bI0[0-9]\d\d\b")
PAGES = ROOT / "ionto_ir" / "pages"
DECLARED = set(codes.CODES)


def test_every_code_belongs_to_a_family() -> None:
    assert [code for code in DECLARED if not re.fullmatch(r"I0[0-9]\d\d", code)] == []


def test_every_code_that_is_used_is_declared_and_every_declared_one_is_used() -> None:
    used = {
        code
        for module in modules()
        if module.name != "ionto_ir.codes"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        for code in CODE.findall(node.value)
    }
    assert used == DECLARED


def test_every_code_is_declared_once() -> None:
    text = (ROOT / "ionto_ir" / "codes.py").read_text(encoding="utf-8")
    declared = re.findall(r'^\s*"(I0\d{3})":', text, re.MULTILINE)
    assert sorted(declared) == sorted(set(declared))
    assert set(declared) == DECLARED


def test_every_code_has_a_page_and_every_page_a_code() -> None:
    assert {path.stem for path in PAGES.glob("I*.md")} == DECLARED


def test_every_page_says_what_it_means_shows_wrong_and_right_and_why_it_matters() -> None:
    short = []
    for path in sorted(PAGES.glob("I*.md")):
        text = path.read_text(encoding="utf-8")
        if not text.startswith(f"# {path.stem}") or len(re.findall(r"^## ", text, re.MULTILINE)) < 2:
            short.append(path.name)
    assert short == []


def test_every_code_is_provoked_by_a_test() -> None:
    provoked = {
        code
        for path in (ROOT / "tests").rglob("*")
        if path.suffix in {".md", ".py", ".ionto"} and "architecture" not in path.parts
        for code in CODE.findall(path.read_text(encoding="utf-8"))
    }
    assert DECLARED - provoked == set()
