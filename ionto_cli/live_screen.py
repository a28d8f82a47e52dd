"""The full screen beside `ionto run --console`: a process of its own on the same terminal.

While it has the terminal, what `ionto run` has to say is kept, and written when the screen is left. A screen
that fails takes nothing else with it: the session then has no commanding console, and stops.
"""

from __future__ import annotations

import io
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from ionto_cli.asking import Asker
from ionto_ir.dataclass import replace

LOOK_EVERY_S = 0.05
KEPT_CHARACTERS_MAX = 64 * 1024
LEAVES_S_MAX = 2.0
"""How long a screen may take to put the terminal back when it is told to."""


class BesideScreen:
    """The screen's process, and what there is to say once it is gone. `asker` says it to whoever has the
    terminal.
    """

    def __init__(self, process: subprocess.Popen[bytes], asker: Asker) -> None:
        self._process = process
        self._out = asker.out
        self._kept = io.StringIO()
        self._there = True
        self.asker = replace(asker, out=self)  # type: ignore[arg-type]

    # --- what an asker writes to ------------------------------------------------------------------------
    def write(self, text: str) -> int:
        """Keep it while the screen is there, write it afterwards."""
        if not self._there:
            return self._out.write(text)
        if self._kept.tell() < KEPT_CHARACTERS_MAX:
            self._kept.write(text)
        return len(text)

    def flush(self) -> None:
        """Let it be seen."""
        if not self._there:
            self._out.flush()

    # --- the screen -------------------------------------------------------------------------------------
    def look(self) -> None:
        """Notice that the screen has been left."""
        if self._there and self._process.poll() is not None:
            self._release()
            self.asker.say("the screen is left: without a commanding console the session stops")
            self.asker.say("`ionto console --command` commands it again; Ctrl-C stops at once")

    def wait(self, interrupted: Callable[[], bool]) -> None:
        """The session is over: let the person read the screen until it is left, or something interrupts."""
        while self._there and self._process.poll() is None and not interrupted():
            time.sleep(LOOK_EVERY_S)
        self.close()

    def close(self) -> None:
        """Take the screen away."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(LEAVES_S_MAX)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._release()

    def _release(self) -> None:
        if self._there:
            self._there = False
            self._out.write(self._kept.getvalue())
            self._out.flush()


@contextmanager
def screen_beside(session_id: str, asker: Asker) -> Iterator[BesideScreen]:
    """Show the session on this terminal, commanding it, until the block is left."""
    command = [sys.executable, "-m", "ionto_cli", "console", session_id, "--command"]
    screen = BesideScreen(subprocess.Popen(command), asker)
    try:
        yield screen
    finally:
        screen.close()
