"""The cache of verdicts: it shows the same again, and whatever is in doubt is proved anew."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from ionto_cli import machine_shown, tool_state, verdict_cache, verify_file
from ionto_cli.__main__ import main
from ionto_cli.exits import Exit
from ionto_cli.verify_schema import REPORT, verify_run_schema
from ionto_verifier import smt
from ionto_verifier.report_json import verify_schema
from tests.architecture.tree import ROOT

REPORTS = Registry().with_resource(REPORT, Resource.from_contents(verify_schema()))
SCHEMA = Draft202012Validator(verify_run_schema(), registry=REPORTS)

Verify = Callable[..., tuple[int, str, str]]

UNCHANGED = "note: unchanged: the verdict is from the cache; --fresh proves it anew\n"

OWN_LIMITS = """\
envelope shin {{
  title "The shin"
  limit current <= {current} hazard H-BURN source "assumed"
}}
"""

PROTOCOL = """\
import drugs.dexamethasone_phosphate
import electrodes.medium_patch
import electrodes.large_patch
import envelopes.adult_skin
import screening.galvanic
import devices.clinic_dc_4ma
import shin

protocol short version "1.0.0" {
  title  "A short protocol"
  source "assumed"

  within adult_skin
  within shin
  screen galvanic
  device clinic_dc_4ma

  active cathode medium_patch on "forearm" with dexamethasone_phosphate 2.5 mL
  return anode   large_patch  on "upper arm"

  session {
    ramp to 1 mA over 4 s
    hold for 60 s
    ramp to 0 mA over 4 s
  }
  interruptions at most 1, each at most 1 min
  course { at least 25 h between sessions }
}
"""


@pytest.fixture
def verify(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Verify:
    """Runs `ionto verify` with a cache of its own beside `short.ionto`, which imports `shin.ionto`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("IONTO_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("IONTO_CACHE")
    (tmp_path / "short.ionto").write_text(PROTOCOL, encoding="utf-8")
    (tmp_path / "shin.ionto").write_text(OWN_LIMITS.format(current="2 mA"), encoding="utf-8")

    def run(*words: str) -> tuple[int, str, str]:
        code = main(["verify", *(words or ("short.ionto",))])
        printed = capfd.readouterr()
        return code, printed.out, printed.err

    return run


def entries(folder: Path) -> list[Path]:
    """The entries of the cache."""
    return sorted((folder / "home" / "cache").glob("*.verdict"))


def is_proved_anew(result: tuple[int, str, str]) -> bool:
    """Whether a verdict was found by proving."""
    return "unchanged" not in result[2]


def test_an_unchanged_file_is_shown_again_byte_for_byte(verify: Verify) -> None:
    first = verify()
    assert (first[0], first[2]) == (Exit.PROVED, "")
    assert verify() == (first[0], first[1], UNCHANGED)


def test_a_refuted_file_is_shown_again_with_all_that_was_said_of_it(verify: Verify, tmp_path: Path) -> None:
    (tmp_path / "shin.ionto").write_text(OWN_LIMITS.format(current="0.5 mA"), encoding="utf-8")
    first = verify()
    assert (first[0], "I0601" in first[2]) == (Exit.REFUTED, True)
    assert verify() == (first[0], first[1], first[2] + UNCHANGED)


def test_what_machines_read_is_the_same_but_for_the_field_that_says_so(
    verify: Verify, tmp_path: Path
) -> None:
    seen = []
    for _ in range(2):
        code, out, complaint = verify("short.ionto", "--json", "--sarif", "a.sarif", "--junit", "a.xml")
        document = json.loads(out)
        SCHEMA.validate(document)
        kept = document["files"][0].pop("unchanged")
        files = [(tmp_path / name).read_bytes() for name in ("a.sarif", "a.xml")]
        seen.append(((code, json.dumps(document), files), kept, complaint))
    assert seen[0][0] == seen[1][0]
    assert [item[1:] for item in seen] == [(False, ""), (True, UNCHANGED)]


def test_other_options_have_verdicts_of_their_own(verify: Verify, tmp_path: Path) -> None:
    assert is_proved_anew(verify())
    assert is_proved_anew(verify("short.ionto", "--margins"))
    assert is_proved_anew(verify("./short.ionto"))
    assert len(entries(tmp_path)) == 3


def test_fresh_proves_anew_and_a_switch_turns_the_cache_off(
    verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    verify()
    assert is_proved_anew(verify("short.ionto", "--fresh"))
    monkeypatch.setenv("IONTO_CACHE", "off")
    assert is_proved_anew(verify())


def test_a_changed_source_or_import_is_proved_anew(verify: Verify, tmp_path: Path) -> None:
    before = verify()
    for name in ("short.ionto", "shin.ionto"):
        path = tmp_path / name
        text = path.read_bytes()
        seen = path.stat()
        path.write_bytes(text.replace(b"assumed", b"ASSUMED"))
        os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
        assert is_proved_anew(verify())
        path.write_bytes(text)
        if name == "short.ionto":  # the file itself is part of the name, so both of its verdicts are kept
            assert verify() == (before[0], before[1], UNCHANGED)
        else:
            assert verify() == before


def test_an_import_that_turns_unsafe_is_refuted_although_the_file_is_unchanged(
    verify: Verify, tmp_path: Path
) -> None:
    assert verify()[0] == Exit.PROVED
    (tmp_path / "shin.ionto").write_text(OWN_LIMITS.format(current="0.5 mA"), encoding="utf-8")
    assert verify()[0] == Exit.REFUTED
    (tmp_path / "shin.ionto").unlink()
    assert verify()[0] == Exit.SOURCE


@pytest.mark.parametrize("place", ["envelopes/adult_skin.ionto", "envelopes.ionto"])
def test_a_file_that_newly_stands_before_a_library_import_is_noticed(
    verify: Verify, tmp_path: Path, place: str
) -> None:
    assert verify()[0] == Exit.PROVED
    (tmp_path / "envelopes").mkdir()
    stricter = OWN_LIMITS.format(current="0.5 mA").replace("envelope shin", "envelope adult_skin")
    (tmp_path / place).write_text(stricter, encoding="utf-8")
    assert verify()[0] == Exit.REFUTED


def test_another_tool_proves_anew(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    verify()
    monkeypatch.setattr(verdict_cache, "tool_state", lambda: "another")
    assert is_proved_anew(verify())
    monkeypatch.setattr(verdict_cache, "tool_state", lambda: None)
    assert is_proved_anew(verify())
    assert is_proved_anew(verify())


def test_nothing_is_kept_when_the_tool_changes_during_the_proof(
    verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = iter(["before", "after"])
    monkeypatch.setattr(verdict_cache, "tool_state", lambda: next(states))
    verify()
    assert entries(tmp_path) == []


def test_every_file_of_the_tool_is_part_of_its_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "apart"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "library.ionto").write_text("one")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(tool_state, "PACKAGES", (*tool_state.PACKAGES, "apart"))
    states = [tool_state.tool_state()]
    (package / "inner" / "library.ionto").write_text("three")
    states.append(tool_state.tool_state())
    (package / "inner" / "new.ionto").write_text("")
    states.append(tool_state.tool_state())
    assert None not in states
    assert len(set(states)) == 3
    monkeypatch.setattr(tool_state, "PACKAGES", ("ionto_nowhere",))
    assert tool_state.tool_state() is None


def test_a_solver_that_is_not_in_its_package_cannot_be_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "z3").mkdir()
    (tmp_path / "z3" / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert tool_state.tool_state() is None


def test_nothing_is_kept_that_another_solver_than_the_one_in_its_package_said(
    verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smt, "is_loaded", lambda: True)
    for path in ("libz3.so.4", None):
        monkeypatch.setattr(smt, "library", lambda path=path: path)
        assert verify()[0] == Exit.PROVED
        assert entries(tmp_path) == []
    monkeypatch.undo()
    smt.engine()
    assert verify_file.tool_is_known()


def test_nothing_is_kept_that_modules_from_elsewhere_said(
    verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.modules["ionto_verifier"], "__file__", str(tmp_path / "__init__.py"))
    assert verify()[0] == Exit.PROVED
    assert entries(tmp_path) == []


def test_an_entry_with_any_byte_flipped_is_not_believed(verify: Verify, tmp_path: Path) -> None:
    verify()
    [path] = entries(tmp_path)
    whole, key = path.read_bytes(), path.stem
    cache = verdict_cache.open_cache()
    assert cache is not None
    assert verdict_cache.look_up(cache, key) is not None
    for place in range(len(whole)):
        flipped = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
        assert verdict_cache._opened(flipped, key) is None, place
    assert verdict_cache._opened(whole, key) is not None
    for cut in (0, 10, 65, len(whole) - 1):
        path.write_bytes(whole[:cut])
        assert verdict_cache.look_up(cache, key) is None
    path.write_bytes(whole + b" ")
    assert is_proved_anew(verify())
    assert path.read_bytes() == whole


def test_an_entry_under_the_name_of_another_is_not_believed(verify: Verify, tmp_path: Path) -> None:
    verify()
    verify("short.ionto", "--margins")
    one, other = entries(tmp_path)
    other.write_bytes(one.read_bytes())
    cache = verdict_cache.open_cache()
    assert cache is not None
    assert verdict_cache.look_up(cache, other.stem) is None


def test_what_is_not_settled_is_not_kept(verify: Verify, tmp_path: Path) -> None:
    assert verify("unsafe.no_ramp_down")[0] == Exit.SOURCE
    (tmp_path / "vacuous.ionto").write_text(
        PROTOCOL.replace("  screen galvanic\n", '  screen galvanic\n  require 1 mA > 2 mA "Never"\n'),
        encoding="utf-8",
    )
    code, _, complaint = verify("vacuous.ionto")
    assert code not in (Exit.PROVED, Exit.REFUTED), complaint
    (tmp_path / "limits.ionto").write_text(OWN_LIMITS.format(current="2 mA"), encoding="utf-8")
    assert verify("limits.ionto")[0] == Exit.PROVED
    assert entries(tmp_path) == []


def test_a_folder_that_cannot_be_used_or_is_open_to_others_is_left_alone(
    verify: Verify, tmp_path: Path
) -> None:
    verify()
    folder = tmp_path / "home" / "cache"
    folder.chmod(0o777)
    assert is_proved_anew(verify())
    folder.chmod(0o500)
    if os.getuid() != 0:
        assert verify("short.ionto", "--margins")[0] == Exit.PROVED
    folder.chmod(0o700)
    assert verify()[2] == UNCHANGED
    for entry in entries(tmp_path):
        entry.unlink()
    folder.rmdir()
    folder.write_text("a file where the folder should be")
    assert (verify()[0], is_proved_anew(verify())) == (Exit.PROVED, True)


def test_only_the_youngest_entries_stay(
    verify: Verify, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict_cache, "ENTRIES_MAX", 2)
    verify()
    [oldest] = entries(tmp_path)
    os.utime(oldest, ns=(0, 0))
    left = tmp_path / "home" / "cache" / "torn.verdict.1.part"
    left.write_text("never finished")
    os.utime(left, ns=(1, 1))
    verify("short.ionto", "--margins")
    verify("./short.ionto")
    assert len(entries(tmp_path)) == 2
    assert not oldest.exists()
    assert not left.exists()


def ionto(folder: Path, *words: str) -> subprocess.Popen[bytes]:
    """A process of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "IONTO_CACHE"}
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "ionto"), "verify", *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_processes_that_write_at_once_leave_a_whole_entry(verify: Verify, tmp_path: Path) -> None:
    running = [ionto(tmp_path, "short.ionto", "--fresh") for _ in range(3)]
    seen = {(process.communicate(), process.returncode) for process in running}
    assert len(seen) == 1
    assert len(list((tmp_path / "home" / "cache").iterdir())) == 1
    assert verify()[2] == UNCHANGED


def test_several_processes_print_what_one_prints(verify: Verify, tmp_path: Path) -> None:
    files = ["short.ionto", "unsafe.ramp_too_steep", "unsafe.no_ramp_down", "nowhere.ionto", "shin.ionto"]
    seen = []
    for jobs in ("1", "2", "0"):
        process = ionto(tmp_path, *files, "--fresh", "--jobs", jobs)
        seen.append((process.communicate(), process.returncode))
    assert seen[0] == seen[1] == seen[2]
    assert seen[0][1] == Exit.SOURCE
    process = ionto(tmp_path, *files, "-j", "2")
    out, complaint = process.communicate()
    assert out == seen[0][0][0]
    assert b"unchanged: 2 of 5 verdicts are from the cache" in complaint


KILLING = """\
import os
from ionto_cli import verify_file
from ionto_cli.__main__ import main

real = verify_file.judge


def judge(request):
    if request.file == "shin.ionto":
        os._exit(9)
    return real(request)


if __name__ == "__main__":
    verify_file.judge = judge
    raise SystemExit(main(["verify", "short.ionto", "shin.ionto", "-j", "2", "--junit", "a.xml"]))
"""


@pytest.mark.usefixtures("verify")
def test_a_file_whose_process_was_ended_is_undecided_and_said_to_be(tmp_path: Path) -> None:
    (tmp_path / "killing.py").write_text(KILLING, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    ran = subprocess.run(
        [sys.executable, "killing.py"],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
        timeout=60,
    )
    assert ran.returncode == Exit.UNDECIDED, ran.stderr
    assert "error[I0965]: `shin.ionto` was not verified" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert 'name="I0965"' in (tmp_path / "a.xml").read_text(encoding="utf-8")


def test_what_works_in_one_process_only_says_so(verify: Verify, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: tuple[dict[str, object], Exit] = {}, Exit.PROVED
    monkeypatch.setattr(machine_shown, "machine_shown", lambda *_, **__: shown)
    code, _, complaint = verify("short.ionto", "--machine", "-j", "2")
    assert code == Exit.PROVED
    assert "note: -j is left aside" in complaint
    assert is_proved_anew(verify("short.ionto", "--machine"))


def test_a_number_of_processes_that_is_none_is_a_usage_error(
    verify: Verify, capfd: pytest.CaptureFixture[str]
) -> None:
    for jobs in ("-1", "two", "65", "٣"):
        with pytest.raises(SystemExit) as left:
            verify("short.ionto", f"--jobs={jobs}")
        assert left.value.code == Exit.USAGE
        assert "I0901" in capfd.readouterr().err


def test_what_is_unchanged_is_shown_without_parser_prover_and_solver(verify: Verify, tmp_path: Path) -> None:
    verify()
    code = (
        "import sys\n"
        "from ionto_cli.__main__ import main\n"
        "code = main(['verify', 'short.ionto'])\n"
        "print()\n"
        "print([code, sorted(sys.modules)])\n"
    )
    environment = {name: value for name, value in os.environ.items() if name != "IONTO_CACHE"}
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    ran = subprocess.run(
        [sys.executable, "-c", code],
        check=False,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environment,
    )
    verdict, loaded = ast.literal_eval(ran.stdout.splitlines()[-1])
    assert (verdict, ran.stderr) == (0, UNCHANGED)
    heavy = (
        "ionto_dsl",
        "ionto_verifier",
        "ionto_protocols",
        "lark",
        "z3",
        "ctypes",
        "pathlib",
        "multiprocessing",
    )
    assert [name for name in loaded if name.split(".")[0] in heavy] == []


def test_compiling_never_looks_at_the_cache() -> None:
    for path in (ROOT / "ionto_cli").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if "import_module" not in text and path.name not in ("verify.py", "verdict_cache.py"):
            assert "verdict_cache" not in text, path
