"""What is shipped: the exact contents of both distributions, and that they work where nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.architecture.tree import PACKAGES, ROOT

DATA = {
    ".tcss",
    ".lark",
    ".tables",
    ".ionto",
    ".md",
    ".j2",
    ".html",
    ".css",
    ".json",
    ".svg",
    ".typed",
    ".js",
    ".LICENSE",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution `ionto`, unpacked."""
    return _build(ROOT, tmp_path_factory.mktemp("ionto"))


@pytest.fixture(scope="module")
def device_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The distribution `ionto-device`, unpacked."""
    return _build(ROOT / "runtime", tmp_path_factory.mktemp("device"))


def test_the_wheel_has_exactly_our_packages_at_its_top(wheel: Path) -> None:
    assert _top_level(wheel) == set(PACKAGES)


def test_the_wheel_carries_every_file_of_every_package(wheel: Path) -> None:
    for name, folder in PACKAGES.items():
        assert _files(wheel / name) == _files(folder), name


def test_the_wheel_carries_the_grammar_the_library_and_the_pages(wheel: Path) -> None:
    for pattern in ("ionto_grammars/*.lark", "ionto_protocols/**/*.ionto", "ionto_ir/pages/I*.md"):
        assert list(wheel.glob(pattern)), pattern
    for name in PACKAGES:
        assert (wheel / name / "py.typed").is_file(), name


def test_the_wheel_carries_no_data_of_an_unknown_kind(wheel: Path) -> None:
    kinds = {path.suffix for name in PACKAGES for path in (wheel / name).rglob("*") if path.is_file()}
    assert kinds <= DATA | {".py"}


def test_the_wheel_verifies_a_treatment_where_the_repository_is_out_of_sight(wheel: Path) -> None:
    treatment = next(wheel.glob("ionto_protocols/**/plantar_fasciitis*.ionto"))
    code = (
        "import sys; from ionto_cli.__main__ import main; import ionto_verifier;"
        f"assert ionto_verifier.__file__.startswith({str(wheel)!r});"
        f"sys.exit(main(['verify', {str(treatment)!r}]))"
    )
    ran = _isolated(code, [wheel, Path(sysconfig.get_path("platlib"))])
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_device_wheel_has_neither_parser_nor_solver(device_wheel: Path) -> None:
    assert _top_level(device_wheel) == {"ionto_ir", "ionto_runtime"}
    for name in ("ionto_ir", "ionto_runtime"):
        assert _files(device_wheel / name) == _files(PACKAGES[name]), name


def test_the_device_wheel_needs_no_library_to_step_the_machine(device_wheel: Path) -> None:
    names = sorted(
        ".".join(path.relative_to(device_wheel).with_suffix("").parts).removesuffix(".__init__")
        for path in (device_wheel / "ionto_ir").rglob("*.py")
    )
    code = "import importlib, json, sys\n" + "\n".join(f"importlib.import_module({name!r})" for name in names)
    ran = _isolated(code + "\nprint(json.dumps(sorted(sys.modules)))", [device_wheel])
    assert ran.returncode == 0, ran.stderr
    assert "ionto_ir.machine" in json.loads(ran.stdout)


def test_both_distributions_have_one_version(wheel: Path, device_wheel: Path) -> None:
    assert _version(wheel, "ionto") == _version(device_wheel, "ionto_device")


def test_the_lock_files_name_no_place_to_download_from() -> None:
    for lock in sorted((ROOT / "requirements").iterdir()):
        text = lock.read_text(encoding="utf-8")
        assert "://" not in text, lock.name
        assert text.count("--hash=sha256:") >= text.count("=="), lock.name


def _build(project: Path, target: Path) -> Path:
    subprocess.run(
        [
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "--target",
            "wheel",
            "--directory",
            str(target / "dist"),
        ],
        cwd=project,
        check=True,
        capture_output=True,
    )
    (built,) = (target / "dist").glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(target / "unpacked")
    return target / "unpacked"


def _isolated(code: str, path: list[Path]) -> subprocess.CompletedProcess[str]:
    # -S leaves site out, and with it the editable installation; -I leaves out the folder we are in.
    places = [str(place) for place in path]
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path[:0] = {places!r}\n{code}"],
        check=False,
        capture_output=True,
        text=True,
        cwd=path[0],
    )


def _top_level(wheel: Path) -> set[str]:
    return {path.name for path in wheel.iterdir() if not path.name.endswith(".dist-info")}


def _files(folder: Path) -> set[str]:
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".mypy_cache"} & {*path.parts}
    }


def _version(wheel: Path, name: str) -> str:
    (info,) = wheel.glob(f"{name}-*.dist-info")
    return info.name.removeprefix(f"{name}-").removesuffix(".dist-info")
