"""Writes the parser's tables anew after a change of the grammar: python grammars/write_tables.py."""

from __future__ import annotations

from pathlib import Path

from ionto_dsl.parse import tables_from_grammar
from ionto_grammars import TABLES, grammar_text


def main() -> None:
    """Put the tables beside the grammar, where a test will find them in step."""
    place = Path(__file__).parent / "ionto_grammars" / TABLES
    place.write_text(tables_from_grammar(grammar_text()), encoding="utf-8", newline="\n")
    print(f"wrote {place.name}")


if __name__ == "__main__":
    main()
