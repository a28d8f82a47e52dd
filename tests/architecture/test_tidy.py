"""The tree is kept tidy: sizes that one can read, nothing left lying about, nothing of one machine only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.tree import ROOT, functions, modules, scripts

LINES_MAX = 500
FUNCTION_LINES_MAX = 70

TEXT = {
    ".py",
    ".md",
    ".toml",
    ".ionto",
    ".lark",
    ".html",
    ".j2",
    ".css",
    ".json",
    ".svg",
    ".yaml",
    ".cfg",
    "",
}
MADE = {"demo", "dist", "build", "__pycache__", "requirements"}
LEFT_OVER = re.compile(rf"\b({'|'.join(('TO' + 'DO', 'FIX' + 'ME', 'HA' + 'CK'))})\b")
ONE_MACHINE = re.compile(r"(?<![\w.])/(home|root|Users|work|tmp|mnt)/\w")


def test_files_are_short_enough_to_read() -> None:
    found = {
        module.place: lines
        for module in (*modules(), *scripts())
        if (lines := len(module.path.read_text(encoding="utf-8").splitlines())) > LINES_MAX
    }
    assert found == {}


def test_functions_are_short_enough_to_see_at_once() -> None:
    found = {
        f"{module.place}:{function.lineno} {function.name}": length
        for module in (*modules(), *scripts())
        for function in functions(module.tree)
        if (length := (function.end_lineno or 0) - function.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert found == {}


def test_every_module_says_in_one_sentence_what_it_is() -> None:
    found = []
    for module in (*modules(), *scripts()):
        said = (ast.get_docstring(module.tree) or "").split("\n\n")[0]
        if not said.endswith((".", "?", "!", ":")):
            found.append(module.place)
    assert found == []


def test_public_classes_and_functions_say_what_they_are_for() -> None:
    found = [
        f"{module.place}:{node.lineno} {node.name}"
        for module in modules()
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert found == []


def test_no_tab_and_no_trailing_space() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in _texts()
        if path.name != "Makefile"
        for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1)
        if "\t" in line or line != line.rstrip()
    ]
    assert found == []


def test_nothing_is_left_for_later() -> None:
    found = [f"{path.relative_to(ROOT)}:{line}" for path in _texts() for line in _matches(LEFT_OVER, path)]
    assert found == []


def test_no_path_of_one_machine_is_written_down() -> None:
    found = [f"{path.relative_to(ROOT)}:{line}" for path in _texts() for line in _matches(ONE_MACHINE, path)]
    assert found == []


def _matches(pattern: re.Pattern[str], path: Path) -> Iterator[int]:
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if pattern.search(line):
            yield number


def _texts() -> list[Path]:
    folders = [
        path for path in sorted(ROOT.iterdir()) if not path.name.startswith(".") and path.name not in MADE
    ]
    files = [path for path in folders if path.is_file()]
    for folder in folders:
        if folder.is_dir():
            files += [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return [
        path for path in files if path.suffix in TEXT and path.name != "LICENSE" and not MADE & {*path.parts}
    ]
