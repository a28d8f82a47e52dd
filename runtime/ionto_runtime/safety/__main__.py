"""`python -m ionto_runtime.safety`: reads a job from standard input, and is that session's safety process."""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

from ionto_runtime.safety.job import JOB_BYTES_MAX, job_from_json
from ionto_runtime.safety.service import REFUSED, serve


def leave(number: int, _frame: FrameType | None) -> NoReturn:
    """Before a session runs a signal ends the process in good order; during it, it stops the session."""
    raise SystemExit(128 + number)


def main() -> int:
    """The exit code: 0 completed, 1 ended otherwise, 2 nothing was begun, 5 our own bug."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), leave)
    job = job_from_json(sys.stdin.buffer.read(JOB_BYTES_MAX + 1))
    if isinstance(job, str):
        sys.stderr.write(f"{job}\n")
        return REFUSED
    return serve(job)


if __name__ == "__main__":
    sys.exit(main())
