"""The system itself refuses a write or a sync of a real file: the session stops and says so (R60)."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ionto_runtime.accounting import account_of
from ionto_runtime.journal_reader import Reading, Sealed, read_journal

SOURCE = Path(__file__).with_name("failing_disk.c")

pytestmark = [
    pytest.mark.requirement("R60"),
    pytest.mark.skipif(
        (not sys.platform.startswith("linux") or shutil.which("cc") is None)
        and not os.environ.get("IONTO_NO_SKIP"),  # there, what is missing is a failure
        reason="needs Linux and a C compiler (Debian: gcc)",
    ),
]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The library that refuses."""
    library = tmp_path_factory.mktemp("shim") / "failing_disk.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"], check=True)
    return library


def told(shim: Path, journal: Path, fail: str) -> dict[str, object]:
    """What a session on a disk that fails says."""
    environment = {**os.environ, "LD_PRELOAD": str(shim), "IONTO_FAIL": fail}
    command = [sys.executable, "-m", "tests.runtime.on_disk", str(journal)]
    ran = subprocess.run(command, check=True, capture_output=True, text=True, env=environment, timeout=120)
    found = json.loads(ran.stdout)
    assert isinstance(found, dict)
    return found


def judge(found: dict[str, object], path: Path, words: str) -> None:
    """A stop, an alarm, no seal, and bounds that hold."""
    assert found["reason"] == words
    assert found["codes"] == ["F21"]
    assert found["completed"] is False
    assert found["seen_off"] is True
    reading = read_journal(path)
    assert isinstance(reading, Reading)
    assert not isinstance(reading.end, Sealed)
    account = account_of(reading)
    assert not isinstance(account, str)
    assert account.charge.lower_pc <= found["received_pc"] <= account.charge.upper_pc  # type: ignore[operator]


@pytest.mark.parametrize("number", [5, 60, 110])
def test_a_full_disk_is_a_stop(shim: Path, tmp_path: Path, number: int) -> None:
    path = tmp_path / "session.journal"
    judge(told(shim, path, f"write:{number}:{errno.ENOSPC}"), path, "no space left on device")


@pytest.mark.parametrize("number", [4, 30])
def test_a_sync_that_fails_is_a_stop_and_is_not_tried_again(shim: Path, tmp_path: Path, number: int) -> None:
    """The next sync would succeed, and mean nothing."""
    path = tmp_path / "session.journal"
    judge(told(shim, path, f"fdatasync:{number}:{errno.EIO}"), path, "input/output error")


def test_a_journal_whose_first_sync_fails_is_not_begun(shim: Path, tmp_path: Path) -> None:
    path = tmp_path / "session.journal"
    assert told(shim, path, f"fdatasync:1:{errno.EIO}") == {"begun": False, "reason": "input/output error"}
    assert not path.exists()


def test_the_library_leaves_alone_what_it_is_not_told_to_refuse(shim: Path, tmp_path: Path) -> None:
    path = tmp_path / "session.journal"
    found = told(shim, path, "write:100000:5")
    assert found["completed"] is True and found["codes"] == []


@pytest.mark.soak
@pytest.mark.parametrize("call", [f"write:{{}}:{errno.ENOSPC}", f"fdatasync:{{}}:{errno.EIO}"])
def test_a_disk_that_fails_at_any_call_is_a_stop(shim: Path, tmp_path: Path, call: str) -> None:
    for number in range(2, 60):
        path = tmp_path / f"{number}.journal"
        found = told(shim, path, call.format(number))
        if found["begun"] is True and found["reason"] is not None:
            assert found["codes"] == ["F21"] and found["seen_off"] is True, number
            reading = read_journal(path)
            assert isinstance(reading, Reading)
            account = account_of(reading)
            assert not isinstance(account, str)
            charge, received = account.charge, found["received_pc"]
            assert charge.lower_pc <= received <= charge.upper_pc, number  # type: ignore[operator]
