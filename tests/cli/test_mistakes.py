"""Mistakes that people make at the bedside and with records: each is answered in one message that helps.

What was found, what was expected, what to write; a code that stays, the exit code of its kind, and never a
traceback. What a line that vanishes does to a session that runs is in `test_on_a_line` and its neighbours.
"""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ionto_cli.__main__ import main
from ionto_runtime.drivers.driver import Problem
from ionto_runtime.drivers.serial_port import open_port
from ionto_runtime.drivers.transport import LineSettings
from tests.runtime.sealed_plans import heel_plan, placed
from tests.runtime.test_on_a_line import on_the_reference_device

USAGE, REFUSED = 4, 2
GIVEN = ("--set", "current=2 mA", "--set", "pacemaker=no", "--set", "sore=no", "--set", "skin=none")
SESSION = (*GIVEN, "--yes", "--plain", "--accelerate", "1000")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Two sealed plans, for the simulated device and for a real one, and a session on record."""
    folder = tmp_path_factory.mktemp("bedside")
    placed(folder, heel_plan(1_000))
    (folder / "real").mkdir()
    placed(folder / "real", on_the_reference_device(heel_plan(1_000)))
    (folder / "real" / "heel.plan.json").rename(folder / "real.plan.json")
    for key in (folder / "real" / "home" / "trusted").iterdir():
        shutil.copy(key, folder / "home" / "trusted" / f"real-{key.name}")
    with pytest.MonkeyPatch.context() as patch, Path(os.devnull).open(encoding="utf-8") as nothing:
        patch.chdir(folder)
        patch.setenv("IONTO_HOME", str(folder / "home"))
        patch.setattr("sys.stdin", nothing)
        _fill(folder)
        yield folder


def _fill(folder: Path) -> None:
    """What the mistakes are made with."""
    (folder / "cell.ionto").write_text('protocol cell\n  title "Cell"\n', encoding="utf-8")
    assert main(["run", "heel.plan.json", *SESSION, "--patient", "P1"]) == 0
    journal = next((folder / "records").glob("*.journal"))
    data = journal.read_bytes()
    changed = bytearray(data)
    changed[len(data) // 2] ^= 1
    for name, content in (("torn", data[:-100]), ("changed", bytes(changed)), ("empty", b"")):
        (folder / "records" / f"{name}.journal").write_bytes(content)
    plan = (folder / "heel.plan.json").read_bytes()
    at = len(plan) // 3
    flipped = plan[:at] + bytes([plan[at] ^ 1]) + plan[at + 1 :]
    (folder / "tampered.plan.json").write_bytes(flipped)
    (folder / "cut.plan.json").write_bytes(plan[:200])
    (folder / "hers.csv").write_text("somebody else's", encoding="utf-8")
    (folder / "junk.device.toml").write_text("port: x\n", encoding="utf-8")


def journal_of(place: Path) -> str:
    """The session on record that is whole."""
    return str(next((place / "records").glob("heel-*.journal")))


def outcome(words: list[str]) -> int:
    """The exit code, also where the command line alone is wrong."""
    try:
        return main(words)
    except SystemExit as ended:
        return int(str(ended.code))


Words = list[str] | Callable[[Path], list[str]]
RUN = ["run", "heel.plan.json"]
REAL = ["run", "real.plan.json", *GIVEN[:6], "--patient", "P1", "--plain"]

MISTAKES: dict[str, tuple[Words, int, str, tuple[str, ...]]] = {
    # what is written, exit code, code, what the message says
    "no such plan": (["run", "nope.plan.json"], REFUSED, "I0904", ("`nope.plan.json`", "no such file")),
    "folder as plan": (["run", "home"], REFUSED, "I0904", ("`home`", "is a directory")),
    "protocol as plan": (["run", "cell.ionto"], REFUSED, "I0801", ("not JSON", "ionto compile")),
    "cut plan": (["run", "cut.plan.json"], REFUSED, "I0801", ("cannot be read", "ionto compile")),
    "tampered plan": (["run", "tampered.plan.json"], REFUSED, "I08", ("tampered.plan.json",)),
    "untrusted": (
        [*RUN, "--trust", "records"],
        REFUSED,
        "I0809",
        ("whom this machine trusts", "ionto keys trust"),
    ),
    "plan for a real device": (["run", "real.plan.json"], REFUSED, "I0961", ("`ionlink`", "--port PATH")),
    "other driver": ([*RUN, *GIVEN, "--port", "/dev/null", "--yes"], USAGE, "I0901", ("a person confirms",)),
    "empty port": ([*REAL, "--port", ""], USAGE, "I0901", ("names no line", "ionto devices")),
    "channel without line": ([*REAL, "--port", "a="], USAGE, "I0901", ("names no line",)),
    "two ports": ([*REAL, "--port", "x", "--port", "y"], REFUSED, "I0870", ("one channel", "2 lines")),
    "accelerated device": ([*REAL, "--port", "x", "--accelerate", "9"], USAGE, "I0901", ("its own time",)),
    "slowed": ([*RUN, "--accelerate", "0"], USAGE, "I0901", ("`--accelerate 0`", "from 1 on")),
    "web port": ([*RUN, "--web", "99999"], USAGE, "I0901", ("`--web 99999`", "65535")),
    "web word": ([*RUN, "--web", "x"], USAGE, "I0901", ("`--web x`", "a whole number")),
    "patient's name": (
        [*RUN, "--patient", "Müller, Hans"],
        USAGE,
        "I0901",
        ("`Müller, Hans`", "never a name"),
    ),
    "patient's path": ([*RUN, "--patient", "../x"], USAGE, "I0901", ("`../x`", "never a name")),
    "patient's line": ([*RUN, "--patient", "a\nb"], USAGE, "I0901", ("`a?b`",)),
    "no patient": ([*RUN, "--patient", ""], USAGE, "I0901", ("never a name",)),
    "long patient": ([*RUN, "--patient", "x" * 65], USAGE, "I0901", ("xxx...",)),
    "operator's lines": ([*RUN, "--operator", "a\nb"], USAGE, "I0901", ("`a?b`", "operator")),
    "unknown value": (
        [*RUN, "--set", "curent=2 mA"],
        REFUSED,
        "I0906",
        ("`curent`", "did you mean `current`?"),
    ),
    "no unit": ([*RUN, "--set", "current=2"], REFUSED, "I0906", ("no unit", "`2 mA`")),
    "no value": ([*RUN, "--set", "current"], REFUSED, "I0906", ("NAME=VALUE",)),
    "out of range": ([*RUN, "--set", "current=9 mA"], REFUSED, "I0906", ("`9 mA`", "1 mA to 4 mA")),
    "records is a file": (
        [*RUN, "--records", "heel.plan.json"],
        REFUSED,
        "I0904",
        ("heel.plan.json", "--records"),
    ),
    "device file missing": ([*REAL, "--device-file", "no.toml"], REFUSED, "I0904", ("no.toml",)),
    "device file is none": (
        [*REAL, "--device-file", "junk.device.toml"],
        REFUSED,
        "I0926",
        ("ionto doctor",),
    ),
    "doctor without port": (["doctor"], USAGE, "I0901", ("--port",)),
    "doctor: no such line": (
        ["doctor", "--port", "/dev/ttyNO"],
        REFUSED,
        "I0911",
        ("nothing of this name", "ionto devices"),
    ),
    "doctor: folder": (["doctor", "--port", "home"], REFUSED, "I0911", ("a folder, not a line",)),
    "doctor: file": (["doctor", "--port", "heel.plan.json"], REFUSED, "I0911", ("a file, not a line",)),
    "doctor: typo": (["doctor", "--port", "simulatd"], REFUSED, "I0911", ("did you mean `simulated`?",)),
    "doctor: no line": (["doctor", "--port", "/dev/null"], REFUSED, "I0911", ("no serial line",)),
    "doctor: driver": (
        ["doctor", "--port", "x", "--driver", "ionlnk"],
        REFUSED,
        "I0929",
        ("did you mean `ionlink`?",),
    ),
    "sessions: no folder": (
        ["sessions", "--records", "nowhere"],
        REFUSED,
        "I0904",
        ("`nowhere`", "--records"),
    ),
    "sessions: unknown": (["sessions", "show", "zzz"], REFUSED, "I0953", ("zzz",)),
    "replay: unknown": (["replay", "nope"], REFUSED, "I0904", ("`nope`", "ionto sessions")),
    "replay: plan": (["replay", "heel.plan.json"], REFUSED, "I0904", ("no journal", "ionto sessions")),
    "replay: empty": (["replay", "records/empty.journal"], REFUSED, "I0904", ("no journal",)),
    "export: unknown": (
        ["export", "nope", "--format", "csv"],
        REFUSED,
        "I0904",
        ("`nope`", "ionto sessions"),
    ),
    "export: format": (["export", "x", "--format", "pdf"], USAGE, "I0901", ("`pdf`", "csv, edf, fhir")),
    "export: changed": (
        ["export", "records/changed.journal", "--format", "csv"],
        REFUSED,
        "I0954",
        ("record", "ionto replay"),
    ),
    "export: over a file": (
        lambda place: ["export", journal_of(place), "--format", "csv", "-o", "hers.csv"],
        REFUSED,
        "I0967",
        ("`hers.csv`", "name another file"),
    ),
    "export: no folder": (
        lambda place: ["export", journal_of(place), "--format", "csv", "-o", "nowhere/x.csv"],
        REFUSED,
        "I0904",
        ("`nowhere/x.csv`", "--output"),
    ),
    "export: simulated": (
        lambda place: ["export", journal_of(place), "--format", "csv", "--as-treatment"],
        REFUSED,
        "I0954",
        ("imulated", "--as-treatment"),
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_answered_by_what_was_found_and_what_to_write(
    name: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words, exit_code, code, said = MISTAKES[name]
    capsys.readouterr()
    assert outcome(words(place) if callable(words) else words) == exit_code
    err = capsys.readouterr().err
    assert f"error[{code}" in err and "Traceback" not in err
    for part in said:
        assert part in err, err
    assert (place / "hers.csv").read_text(encoding="utf-8") == "somebody else's"


def test_an_export_may_be_written_again_and_a_torn_journal_says_what_it_is(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", journal_of(place), "--format", "csv", "-o", "mine.csv"]
    assert main(words) == 0 == main(words)
    torn = ["export", "records/torn.journal", "--format", "csv", "-o", "torn.csv"]
    assert main(torn) == 0 and "Traceback" not in capsys.readouterr().err
    assert "# reason: the journal was not closed" in (place / "torn.csv").read_text(encoding="utf-8")


LINE = LineSettings(115_200)


@pytest.mark.requirement("R46")
def test_a_busy_line_says_that_another_program_has_it(tmp_path: Path) -> None:
    device, host = os.openpty()
    name = os.ttyname(host)
    try:
        fcntl.flock(host, fcntl.LOCK_EX)  # what a terminal program asks for
        found = open_port(name, LINE)
        assert isinstance(found, Problem) and found.code == "I0911"
        assert "another program has it open" in found.text and "fuser" in (found.help or "")
    finally:
        os.close(device)
        os.close(host)


def test_a_line_that_one_may_not_open_names_the_group(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr("serial.Serial.open", refused)
    found = open_port("/dev/null", LINE)
    assert isinstance(found, Problem)
    assert "permission denied" in found.text and "dialout" in (found.help or "")


@pytest.mark.requirement("R60")
def test_a_session_whose_records_may_grow_no_further_stops_and_says_so(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk, as far as a process can be given one: the limit of its file sizes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, before[1]))
    try:
        code = main([*RUN, *SESSION, "--patient", "P9"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    told = capsys.readouterr()
    assert code == 1 and "F21" in told.out and "not sealed" in told.out and "Traceback" not in told.err
