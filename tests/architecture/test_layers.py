"""The picture of the layers is complete, and nobody reaches past the front of a package."""

from __future__ import annotations

import ast
import re
import tomllib

import pytest

from tests.architecture.tree import PACKAGES, ROOT, imports, modules

CONFIGURATION = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_package_has_its_place_in_the_layers() -> None:
    contract = CONFIGURATION["tool"]["importlinter"]["contracts"][0]
    named = [name for layer in contract["layers"] for name in re.split(r"\s*\|\s*", layer)]
    assert sorted(named) == sorted(PACKAGES)
    assert sorted(CONFIGURATION["tool"]["importlinter"]["root_packages"]) == sorted(PACKAGES)


def test_every_folder_with_code_is_a_package_that_is_shipped() -> None:
    shipped = CONFIGURATION["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(shipped) == sorted(folder.relative_to(ROOT).as_posix() for folder in PACKAGES.values())
    with_code = {path.parent for path in ROOT.glob("*/__init__.py")} | {
        path.parent for path in ROOT.glob("*/*/__init__.py")
    }
    top = {folder for folder in with_code if folder.parent == ROOT or folder.parent not in with_code}
    assert {folder for folder in top if "tests" not in folder.parts and "docs" not in folder.parts} == set(
        PACKAGES.values()
    )


def test_every_package_is_typed_for_its_users() -> None:
    assert [name for name, folder in PACKAGES.items() if not (folder / "py.typed").is_file()] == []


def test_no_module_uses_what_another_keeps_to_itself() -> None:
    found = [
        f"{module.place}:{node.lineno} {name}"
        for module in modules()
        for name, node in imports(module)
        if isinstance(node, ast.Import | ast.ImportFrom)
        and name.startswith("ionto_")
        and any(re.match(r"_[a-z]", part, re.IGNORECASE) for part in name.split("."))
    ]
    assert found == []


def test_the_fronts_of_packages_hold_no_code() -> None:
    # The data packages are nothing but their front: it is what reads the data.
    data = {"ionto_grammars", "ionto_protocols"}
    found = [
        module.place
        for module in modules()
        if module.name in PACKAGES.keys() - data
        and module.path.name == "__init__.py"
        and len(module.tree.body) > 1
    ]
    assert found == []


# The public face of each package that hides its inside. The runtime is a set of parts that a site composes,
# and the shared ground has no inside.
PUBLIC = {
    "ionto_dsl": {"compilation", "driver", "formatter", "suggest", "unreadable"},
    "ionto_verifier": {
        "aspects",
        "comparison",
        "counterexample",
        "driver",
        "machine_proof",
        "certify",
        "cross_check",
        "second_solver",
        "margins",
        "properties",
        "report",
        "report_json",
        "rests",
        "smt",
    },
}


@pytest.mark.parametrize("package", PUBLIC)
def test_only_the_public_modules_of_a_package_are_used_from_outside(package: str) -> None:
    names = {module.name for module in modules()}
    used = {
        name.partition(".")[2]
        for module in modules()
        if module.package != package
        for name, _ in imports(module)
        if name in names and name.startswith(f"{package}.")
    }
    assert used == PUBLIC[package]
