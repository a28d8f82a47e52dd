"""The command `ionto`."""

from __future__ import annotations

import gc
import os
import sys
from importlib import import_module
from typing import NoReturn

from ionto_cli import arguments
from ionto_cli.exits import Exit

NEW_OBJECTS_MAX = 200_000
"""Objects, of some tens of bytes each, after which a verification looks for circles among them."""


def enter() -> NoReturn:
    """What the installed command runs: `main`, and after it out of the process.

    A verification leaves a hundred thousand objects behind. The system takes them back at once; Python would
    first visit each, which takes a tenth of the whole time of `ionto verify`. On the way it would visit them
    again and again to look for circles, of which there are next to none.
    """
    verifies = sys.argv[1:2] == ["verify"]
    if verifies:
        gc.set_threshold(NEW_OBJECTS_MAX)
    code = main()
    if verifies:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code; nothing reaches the user as a traceback."""
    parser = arguments.build()
    parsed = parser.parse_args(argv)
    if parsed.version:
        from ionto_cli.version import version

        print(f"ionto {version()}")
        return Exit.PROVED
    if parsed.command is None:
        parser.print_help()
        return Exit.USAGE
    try:
        command = import_module(f"ionto_cli.commands.{parsed.command}")
        code = int(command.run(parsed))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped by the keyboard\n")
        return 130
    except BrokenPipeError:
        # The reader went away (`ionto ... | head`): nothing is wrong, and nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.PROVED
    except Exception as bug:
        return _our_bug(bug)


def _our_bug(bug: Exception) -> int:
    """An exception that got this far is a bug of ours; say so, keep the details, show no traceback."""
    if os.environ.get("IONTO_DEBUG"):
        raise bug
    where = ""
    trace = bug.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is not None:
        where = f" at {os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}"
    sys.stderr.write(
        f"error[I0001]: ionto itself went wrong{where}: {type(bug).__name__}: {bug}\n"
        "   = note: this is a bug of ionto, not of your protocol; nothing was run and no plan was written\n"
        "   = help: run it again with IONTO_DEBUG=1 and send what is printed\n"
    )
    return Exit.DISAGREEMENT


if __name__ == "__main__":
    enter()
