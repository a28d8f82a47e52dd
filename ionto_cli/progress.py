"""How far a command is that works on several files: one line on the terminal, written over and over."""

from __future__ import annotations

import sys


class Progress:
    """A line on the terminal that is written over, and gone when there is something else to say."""

    def __init__(self, of: int) -> None:
        self._of = of
        self._shown = of > 1 and sys.stderr.isatty()

    def show(self, done: int) -> None:
        """How many are done."""
        if self._shown:
            sys.stderr.write(f"\r\x1b[K{done} of {self._of} verified")
            sys.stderr.flush()

    def clear(self) -> None:
        """Make room."""
        if self._shown:
            sys.stderr.write("\r\x1b[K")
