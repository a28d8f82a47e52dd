"""Sessions that run now, as other consoles find them: private files, swept up when nobody is behind them."""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
from pathlib import Path

import pytest

from ionto_runtime.running import SESSIONS_MAX, Running, announced, running_sessions


def session(folder: Path, name: str = "5e551011") -> Running:
    """A session whose desk would be in this folder."""
    return Running(name, folder / f"{name}.desk", "the token", 4711, "Heel 1.0.0", "P1", "/dev/ttyUSB0")


class Listening:
    """Somebody behind a socket."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.bind(str(path))
        self.socket.listen(8)

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def test_a_session_is_found_while_it_runs_and_no_longer(tmp_path: Path) -> None:
    running, folder = session(tmp_path), tmp_path / "running"
    with Listening(running.socket), announced(folder, running) as problem:
        assert problem is None
        assert running_sessions(folder) == (running,)
    assert list(folder.iterdir()) == []
    assert running_sessions(folder) == ()


@pytest.mark.requirement("R67")
def test_nobody_else_can_read_the_token(tmp_path: Path) -> None:
    running, folder = session(tmp_path), tmp_path / "running"
    with announced(folder, running):
        (path,) = folder.iterdir()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_what_a_killed_program_left_behind_is_swept_up_and_nothing_else(tmp_path: Path) -> None:
    folder = tmp_path / "running"
    gone, there = session(tmp_path, "gone0000"), session(tmp_path, "there000")
    with Listening(there.socket), announced(folder, there), announced(folder, gone):
        (folder / "broken.session.json").write_text("{", encoding="utf-8")
        (folder / "other.session.json").write_text(json.dumps({"schema": "x"}), encoding="utf-8")
        assert running_sessions(folder) == (there,)
        assert {path.name for path in folder.iterdir()} == {
            "there000.session.json",
            "broken.session.json",
            "other.session.json",
        }


def test_a_process_that_hangs_is_still_there(tmp_path: Path) -> None:
    running, folder = session(tmp_path), tmp_path / "running"
    with Listening(running.socket) as listening, announced(folder, running):
        listening.socket.listen(0)
        held = []
        while True:  # until nobody is let in any more
            waiting = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            waiting.setblocking(False)
            held.append(waiting)
            try:
                waiting.connect(str(running.socket))
            except BlockingIOError:
                break
        assert running_sessions(folder) == (running,)
        for waiting in held:
            waiting.close()


def test_a_folder_that_cannot_be_written_is_said_and_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with announced(tmp_path / "file" / "running", session(tmp_path)) as problem:
        assert problem is not None
    folder = tmp_path / "running"
    with announced(folder, session(tmp_path)):
        with announced(folder, session(tmp_path)) as problem:
            assert problem == os.strerror(errno.EEXIST), "a session is never written over"
        assert len(list(folder.iterdir())) == 1, "and its file is not taken away by somebody else"


def test_there_is_a_bound_to_what_is_looked_at(tmp_path: Path) -> None:
    for index in range(SESSIONS_MAX + 5):
        (tmp_path / f"{index:04}.session.json").write_text("{}", encoding="utf-8")
    assert running_sessions(tmp_path) == ()
    assert running_sessions(tmp_path / "nowhere") == ()
