"""A journal's file behind a thread of its own, so that only what raises the current ever waits for a disk.

Flash cards stall for seconds. A loop that waited for them could neither lower the current nor hear a stop.
So bytes are handed over and written in their order by a thread that does nothing else; `sync` waits, but not
for long, and `sync_soon` does not wait at all. The first failure is final, as it is for the file itself.

The thread runs with the precedence of whoever made it. It has the interpreter's lock at times, and where
other programs come before it, the loop waits for that lock however high its own precedence is: for half a
second on a busy machine.
"""

from __future__ import annotations

import contextlib
import errno
import os
import threading
from collections import deque

from ionto_runtime.journal_file import JournalFile

SYNC_WAIT_MS = 100
"""How long `sync` waits: with the rest of a tick it stays well below the lateness that stops a session."""

QUEUE_MAX = 1_000
"""Records that may wait for the disk: half a minute of a busy session, and a megabyte at most."""

CLOSE_WAIT_S = 5.0
"""How long `close` gives the disk to take what is left; then the journal ends where it ends."""


class BackgroundFile:
    """Hands everything to a thread that owns `file`."""

    def __init__(self, file: JournalFile, wait_ms: int = SYNC_WAIT_MS) -> None:
        self._file = file
        self._wait_s = wait_ms / 1000
        self._changed = threading.Condition()
        self._queue: deque[bytes] = deque()
        self._taken = self._written = self._durable = 0
        self._wanted = 0
        self._problem: OSError | None = None
        self._closing = False
        self._precedence = _precedence()
        self._thread = threading.Thread(target=self._work, name="journal", daemon=True)
        self._thread.start()

    @property
    def durable(self) -> int:
        """How many writes would survive a loss of power."""
        return self._durable

    def write(self, data: bytes) -> int:
        """Hand `data` over. OSError when an earlier write or sync failed, or when the disk is far behind."""
        with self._changed:
            self._complain()
            if len(self._queue) >= QUEUE_MAX:
                raise OSError(errno.EAGAIN, "The disk does not keep up")
            self._queue.append(data)
            self._taken += 1
            self._changed.notify_all()
        return len(data)

    def sync_soon(self) -> None:
        """Have everything made durable as soon as the disk can."""
        with self._changed:
            self._complain()
            self._wanted = self._taken
            self._changed.notify_all()

    def sync(self) -> None:
        """Return when everything is durable, or when the wait is over; `durable` says which."""
        self.sync_soon()
        with self._changed:
            wanted = self._taken
            self._changed.wait_for(lambda: self._durable >= wanted or self._problem, self._wait_s)
            self._complain()

    def close(self) -> None:
        """Write what is left, if the disk lets us, and let go of the file."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(CLOSE_WAIT_S)

    def _complain(self) -> None:
        if self._problem is not None:
            raise self._problem

    def _work(self) -> None:
        """The thread: all that waits is written, then made durable if anybody wants it."""
        if self._precedence is not None:
            with contextlib.suppress(OSError):
                os.sched_setscheduler(0, *self._precedence)
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._wanted > self._durable or self._closing)
                batch, wanted = list(self._queue), self._wanted
                self._queue.clear()
                finished = self._closing and not batch and wanted <= self._durable
            if finished:
                break
            problem = self._store(batch, wanted)
            with self._changed:
                self._problem = problem
                self._changed.notify_all()
            if problem is not None:
                break
        self._file.close()

    def _store(self, batch: list[bytes], wanted: int) -> OSError | None:
        try:
            for data in batch:
                if self._file.write(data) != len(data):
                    return OSError(errno.ENOSPC, "No space left on device")
                self._written += 1
            if wanted > self._durable and self._written >= wanted:
                written = self._written
                self._file.sync()
                self._durable = written
        except OSError as problem:
            return problem
        return None


def _precedence() -> tuple[int, os.sched_param] | None:
    """How the system schedules the thread that asks; None where it cannot say."""
    if not hasattr(os, "sched_getscheduler"):
        return None
    return os.sched_getscheduler(0), os.sched_getparam(0)
