"""The file under a journal: appended to, made durable, and held by one process at a time."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

APPENDING = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
"""Every write goes to the end, whatever else was done to the file, and no system may rewrite line ends."""


class JournalFile(Protocol):
    """What a journal needs of a file; OSError says that something failed.

    `durable` counts the writes that would survive a loss of power.
    """

    @property
    def durable(self) -> int:
        """How many writes would survive a loss of power."""
        ...

    def write(self, data: bytes) -> int:
        """Append `data`; the number of bytes that the system took."""
        ...

    def sync(self) -> None:
        """Make all that was written survive a loss of power; `durable` says whether it does on return."""
        ...

    def sync_soon(self) -> None:
        """The same, but a file that can do it beside other work returns at once."""
        ...

    def close(self) -> None:
        """Let go of the file."""
        ...


class DiskFile:
    """A journal's file on disk, held by this process alone as long as it is open."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._written = self._durable = 0

    @property
    def durable(self) -> int:
        return self._durable

    def write(self, data: bytes) -> int:
        taken = os.write(self._descriptor, data)
        self._written += 1
        return taken

    def sync(self) -> None:
        sync_data(self._descriptor)
        self._durable = self._written

    def sync_soon(self) -> None:
        self.sync()

    def close(self) -> None:
        os.close(self._descriptor)


def lock(descriptor: int) -> None:
    """Hold the file until it is closed, also by a crash. OSError when somebody holds it."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover - only where the system has no such locks
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def sync_data(descriptor: int) -> None:
    """Make the file's content durable, by the strongest means that the system has."""
    try:
        import fcntl
    except ImportError:  # pragma: no cover - only where the system has no such call
        os.fsync(descriptor)
        return
    if hasattr(fcntl, "F_FULLFSYNC"):  # pragma: no cover - macOS: its fsync stops at the drive's own cache
        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
    else:
        os.fdatasync(descriptor)


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where a folder can be asked for that."""
    if os.name == "nt":  # pragma: no cover - there a folder cannot be opened
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
