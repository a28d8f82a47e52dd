"""The manual holds: what it links to exists, and what it promises of the make targets is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from docs import generate
from tests.architecture.tree import ROOT

PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "protocols/ionto_protocols/README.md"]
)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_decision_is_listed_and_has_its_three_parts() -> None:
    listed = set(LINK.findall((ROOT / "docs/adr/README.md").read_text(encoding="utf-8")))
    decisions = {path.name: path for path in (ROOT / "docs/adr").glob("0*.md")}
    assert listed == set(decisions)
    for name, path in decisions.items():
        text = path.read_text(encoding="utf-8")
        assert re.findall(r"^## (\w+)", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], name


def test_every_make_target_that_is_written_of_exists() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))
    named = {
        name
        for page in PAGES
        for name in re.findall(r"`make ([a-z]+)\b[^`]*`", page.read_text(encoding="utf-8"))
    }
    assert named <= targets


@pytest.mark.parametrize("path", generate.pages(), ids=lambda path: path.name)
def test_a_generated_page_is_what_the_code_says_now(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == generate.pages()[path], "run `make docs`"
