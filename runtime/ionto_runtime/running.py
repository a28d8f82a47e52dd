"""Sessions that run on this computer now: a small file each, by which another console finds the desk.

The file holds the session's token, so only its user can read it. It is written once the desk is open and
taken away when the session is over; what a killed program left behind is swept up by whoever looks next.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ionto_ir.canonical import Json, JsonProblem, read_json
from ionto_ir.dataclass import dataclass

SCHEMA = "ionto.running/1"
SUFFIX = ".session.json"
FILE_BYTES_MAX = 16 * 1024
SESSIONS_MAX = 64
"""What is looked at: a computer has fewer lines to devices."""

ANSWER_S_MAX = 1.0
NOBODY = frozenset({errno.ENOENT, errno.ECONNREFUSED, errno.ENOTSOCK, errno.ENOTDIR})
"""What a connection fails with when no process listens there; all else may be a process that is slow."""


@dataclass(frozen=True, slots=True)
class Running:
    """One session: where its desk is, what one says there to command, and by what people know it."""

    session_id: str
    socket: Path
    token: str
    process: int
    title: str
    patient: str | None
    port: str


@contextmanager
def announced(folder: Path, running: Running) -> Iterator[str | None]:
    """Let other consoles find a session until the block is left; gives why they cannot, or None."""
    path = folder / f"{running.session_id}{SUFFIX}"
    problem = _written(path, _to_json(running))
    try:
        yield problem
    finally:
        if problem is None:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _written(path: Path, said: Json) -> str | None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as problem:
        return problem.strerror or "it cannot be written"
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        try:
            json.dump(said, file)
            file.flush()
        except OSError as problem:
            return problem.strerror or "it cannot be written"
    return None


def running_sessions(folder: Path) -> tuple[Running, ...]:
    """The sessions whose safety process is there, by name; files of those that are over are taken away."""
    try:
        paths = sorted(folder.glob(f"*{SUFFIX}"))[:SESSIONS_MAX]
    except OSError:
        return ()
    found = []
    for path in paths:
        running = _read(path)
        if running is None:
            continue  # half written, or not ours
        if _is_there(running.socket):
            found.append(running)
        else:
            with contextlib.suppress(OSError):
                path.unlink()
    return tuple(found)


def _is_there(path: Path) -> bool:
    """Whether a process listens there. One that hangs does: a stop can still be sent to it by signal."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trial:
        trial.settimeout(ANSWER_S_MAX)
        try:
            trial.connect(str(path))
        except OSError as problem:
            return problem.errno not in NOBODY
    return True


def _read(path: Path) -> Running | None:
    try:
        with path.open("rb") as file:
            found = read_json(file.read(FILE_BYTES_MAX))
    except OSError:
        return None
    if isinstance(found, JsonProblem):
        return None
    match found:
        case {
            "schema": "ionto.running/1",
            "session": str() as session,
            "socket": str() as place,
            "token": str() as token,
            "process": int() as process,
            "title": str() as title,
            "patient": str() | None as patient,
            "port": str() as port,
        }:
            return Running(session, Path(place), token, process, title, patient, port)
        case _:
            return None


def _to_json(running: Running) -> Json:
    return {
        "schema": SCHEMA,
        "session": running.session_id,
        "socket": str(running.socket),
        "token": running.token,
        "process": running.process,
        "title": running.title,
        "patient": running.patient,
        "port": running.port,
    }
