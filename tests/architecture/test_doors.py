"""Each library with a will of its own has one door: exactly one module imports it, so one module knows it."""

from __future__ import annotations

import sys

import pytest

from tests.architecture.tree import imports, modules

DOORS = {
    "lark": "ionto_dsl.parse",
    "z3": "ionto_verifier.smt",
    "cvc5": "ionto_verifier.cvc5_process",
    "ctypes": "ionto_verifier.smt",
    "cryptography": "ionto_runtime.signing",
    "serial": "ionto_runtime.drivers.serial_port",
    "edfio": "ionto_cli.export_edf",
    "distributed": "ionto_cli.population",
}

# Where one module would be too small: the screen is drawn by a few, in a room of their own.
ROOMS = {"textual": "ionto_runtime.console.screen", "asyncio": "ionto_runtime.console"}

# What a package may take beyond the standard library; which neighbours it may see is said by the layers.
OUTSIDE = {
    "ionto_ir": set(),
    "ionto_dsl": {"lark"},
    "ionto_grammars": set(),
    "ionto_protocols": set(),
    "ionto_verifier": {"z3", "cvc5"},
    "ionto_runtime": {"serial", "cryptography", "rich", "starlette", "uvicorn", "textual"},
    "ionto_cli": {"rich", "jinja2", "matplotlib", "numpy", "edfio", "distributed"},
}

# Pure code sees no clock, no file, no socket and no second thread: the same input gives the same output.
WORLD = {
    "time",
    "os",
    "pathlib",
    "socket",
    "threading",
    "asyncio",
    "subprocess",
    "random",
    "shutil",
    "tempfile",
}

# The modules of the pure packages that may see the world, each with its reason.
WORLDLY = {
    "ionto_dsl.driver": "reads the files that are imported",
    "ionto_verifier.smt": "finds the solver's library",
    "ionto_verifier.second_solver": "keeps the second solver in a process that can be killed",
}
PURE = {"ionto_ir", "ionto_dsl", "ionto_verifier"}


@pytest.mark.parametrize("library", DOORS)
def test_a_library_is_imported_by_its_door_alone(library: str) -> None:
    assert _importers(library) == {DOORS[library]}


@pytest.mark.parametrize("library", ROOMS)
def test_a_library_with_a_room_stays_in_it(library: str) -> None:
    importers = _importers(library)
    assert importers
    assert {name for name in importers if not name.startswith(f"{ROOMS[library]}.")} == set()


def test_packages_take_from_outside_only_what_is_agreed() -> None:
    ours = set(OUTSIDE)
    taken = {
        (module.package, _root(name))
        for module in modules()
        for name, _ in imports(module)
        if _root(name) not in sys.stdlib_module_names and _root(name) not in ours
    }
    assert taken <= {(package, library) for package, libraries in OUTSIDE.items() for library in libraries}


def test_pure_code_does_not_see_the_world() -> None:
    seen = {
        (module.name, _root(name))
        for module in modules()
        if module.package in PURE and module.name not in WORLDLY
        for name, _ in imports(module)
        if _root(name) in WORLD
    }
    assert seen == set()


def test_every_exemption_from_purity_is_used() -> None:
    using = {module.name for module in modules() for name, _ in imports(module) if _root(name) in WORLD}
    assert set(WORLDLY) <= using


def _importers(library: str) -> set[str]:
    return {module.name for module in modules() for name, _ in imports(module) if _root(name) == library}


def _root(name: str) -> str:
    return name.partition(".")[0]
