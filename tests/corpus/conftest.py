"""Makes a test of every heading in the corpus that has an `ionto` block."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.corpus_format import Case, read_cases, write_expected
from tests.corpus_runner import run_case

CORPUS = Path(__file__).parent


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Take the Markdown of this folder, but not a page that only explains it."""
    if file_path.suffix == ".md" and file_path.name != "README.md":
        return CorpusFile.from_parent(parent, path=file_path)
    return None


class CorpusFile(pytest.File):
    """One page of the corpus."""

    def collect(self) -> Iterator[pytest.Item]:
        """One item for each test of the page."""
        for case in read_cases(self.path.read_text(encoding="utf-8")):
            yield CorpusItem.from_parent(self, name=case.name, case=case)


class UnexpectedError(Exception):
    """What was said is not what the page expects."""


class CorpusItem(pytest.Item):
    """One test of a page."""

    def __init__(self, *, case: Case, **others: Any) -> None:
        super().__init__(**others)
        self.case = case

    def runtest(self) -> None:
        """Compare what is said with the page, or write it there when asked to accept."""
        judged = "verdicts" in self.path.relative_to(CORPUS).parts
        seen = run_case(self.case.files, judged=judged).rstrip("\n")
        if self.config.getoption("--accept"):
            page = self.path.read_text(encoding="utf-8")
            self.path.write_text(write_expected(page, {self.name: seen}), encoding="utf-8")
            return
        if self.case.expected is None:
            raise UnexpectedError("the page expects nothing yet; run `make accept` and read what it writes")
        if seen != self.case.expected.text:
            raise UnexpectedError(
                "\n".join(
                    difflib.unified_diff(
                        self.case.expected.text.split("\n"), seen.split("\n"), "expected", "seen", lineterm=""
                    )
                )
            )

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The difference alone, without a traceback through this file."""
        if isinstance(excinfo.value, UnexpectedError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int, str]:
        """Where the test stands."""
        return self.path, self.case.line - 1, self.name
