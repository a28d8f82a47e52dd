"""Single key presses of a terminal; the terminal is put back however the program is left."""

from __future__ import annotations

import atexit
import os
import re
import select
from types import TracebackType

KEYS_BYTES_MAX = 1_024
"""What one look takes: more than anybody types in a tick."""

_SEQUENCE = re.compile(r"\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.|.)?")
"""What arrow and function keys send. They mean nothing here, and their letters must not be taken for keys."""


class Keys:
    """Keys from a terminal, not echoed and not waited for. Ctrl-C stays a signal; Ctrl-Z is switched off,
    because a session that is put to sleep is a session that nobody looks after.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def __enter__(self) -> Keys:
        import termios

        self._before = termios.tcgetattr(self._descriptor)
        changed = termios.tcgetattr(self._descriptor)
        changed[3] &= ~(termios.ICANON | termios.ECHO)
        changed[6][termios.VMIN], changed[6][termios.VTIME] = 0, 0
        changed[6][termios.VSUSP] = b"\0"
        atexit.register(self._put_back)
        termios.tcsetattr(self._descriptor, termios.TCSADRAIN, changed)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._put_back()
        atexit.unregister(self._put_back)

    def read(self) -> str:
        """The characters that were typed since the last time, without those of arrow and function keys."""
        readable, _, _ = select.select([self._descriptor], [], [], 0)
        if not readable:
            return ""
        return _SEQUENCE.sub("", os.read(self._descriptor, KEYS_BYTES_MAX).decode("utf-8", "ignore"))

    def _put_back(self) -> None:
        import termios

        try:
            termios.tcsetattr(self._descriptor, termios.TCSADRAIN, self._before)
        except termios.error:
            return  # the terminal itself is gone
