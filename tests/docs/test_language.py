"""The page about the language leaves out no word of it."""

from __future__ import annotations

import re
from pathlib import Path

from ionto_dsl.words import FREE, RESERVED

ROOT = Path(__file__).resolve().parents[2]
UNSAID = frozenset({"nan", "inf", "infinity", "of"})
"""Words that are kept free of names because they mean nothing here."""


def test_every_word_of_the_grammar_stands_on_the_page_of_the_language() -> None:
    page = (ROOT / "docs" / "reference" / "language.md").read_text(encoding="utf-8")
    code = " ".join(re.findall(r"`([^`]+)`", page))
    said = set(re.findall(r"[A-Za-z_][A-Za-z0-9_]*", code))
    assert (RESERVED | FREE) - said <= UNSAID
