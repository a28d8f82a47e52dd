"""A real `ionto` on a pseudo-terminal: keys in, screen out. Waits for what is shown, never for a time."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from types import TracebackType

from tests.runtime.sealed_plans import Workplace

PATIENCE_S = 120
"""Far longer than anything takes; only a test that has failed waits so long."""

SIZE = (40, 120)
"""Rows and columns."""

_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|[\x00\x07\x08]")


class Terminal:
    """One process on one terminal, as a context."""

    def __init__(self, place: Workplace, *arguments: str) -> None:
        self._place = place
        self._arguments = arguments
        self.screen = ""
        self._seen = 0

    def __enter__(self) -> Terminal:
        self.master, self.slave = pty.openpty()
        termios.tcsetwinsize(self.slave, SIZE)
        self.before = termios.tcgetattr(self.slave)
        self.process = subprocess.Popen(
            self._place.command(*self._arguments),
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            cwd=self._place.folder,
            env=self._place.environment,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def read(self) -> bool:
        """Take in what was written since; whether there was something."""
        readable, _, _ = select.select([self.master], [], [], 0.05)
        data = os.read(self.master, 65_536) if readable else b""
        self.screen += data.decode("utf-8", "replace")
        return bool(data)

    @property
    def text(self) -> str:
        """All that was shown, without colours and cursor movements."""
        return _ANSI.sub("", self.screen)

    def wait(self, pattern: str) -> Terminal:
        """Until `pattern` is shown after what was waited for before."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            found = re.compile(pattern).search(self.text, self._seen)
            if found:
                self._seen = found.end()
                return self
            gone = self.process.poll() is not None
            if not self.read() and (gone or time.monotonic() > deadline):
                raise AssertionError(
                    f"`{pattern}` was never shown after:\n{self.text[self._seen :][-3_000:]}"
                )

    def type(self, keys: str) -> Terminal:
        """Press keys."""
        os.write(self.master, keys.encode())
        return self

    def signal(self, number: signal.Signals) -> Terminal:
        """Send the process a signal."""
        self.process.send_signal(number)
        return self

    def hang_up(self) -> None:
        """Take the terminal away, as closing its window does."""
        os.close(self.master)
        self.master = os.open(os.devnull, os.O_RDONLY)
        self.process.send_signal(signal.SIGHUP)

    def vanish(self) -> None:
        """Take the terminal away, and tell nobody by a signal."""
        os.close(self.master)
        self.master = os.open(os.devnull, os.O_RDONLY)

    def end(self) -> int:
        """Wait until the process has ended by itself; its exit code."""
        deadline = time.monotonic() + PATIENCE_S
        while self.process.poll() is None:
            self.read()
            assert time.monotonic() < deadline, f"it does not end:\n{self.text[-3_000:]}"
        while self.read():
            pass
        return self.process.returncode

    def is_as_before(self) -> bool:
        """Whether the terminal's settings are those of the beginning."""
        return termios.tcgetattr(self.slave) == self.before
