"""`ionto console`: come to a session that runs on this computer, to watch, to stop, or to command it."""

from __future__ import annotations

import argparse
import os
import sys
from importlib.util import find_spec

from ionto_cli.exits import Exit
from ionto_cli.home import running_folder
from ionto_cli.terminal import complain, say
from ionto_ir.diagnostic import Diagnostic, error
from ionto_runtime.clock import RealClock
from ionto_runtime.running import Running, running_sessions
from ionto_runtime.stopping import Stopped, stop_session


def run(arguments: argparse.Namespace) -> Exit:
    """List, stop or show."""
    there = running_sessions(running_folder())
    if arguments.list:
        for running in there:
            say(words(running))
        if not there:
            say("no session runs")
        return Exit.PROVED
    found = chosen(there, arguments.session)
    if isinstance(found, Diagnostic):
        return complain(found)
    if arguments.stop:
        return _stop(found)
    problem = screen_problem()
    if problem is not None:
        return complain(problem)
    return _show(found, commands=arguments.commands)


def chosen(there: tuple[Running, ...], name: str | None) -> Running | Diagnostic:
    """The session that is meant: the one whose name begins so, or the only one."""
    meant = [running for running in there if name is None or running.session_id.startswith(name)]
    match meant:
        case [running]:
            return running
        case []:
            text = "no session runs here" if name is None or not there else f"no session `{name}` runs here"
            known = "; ".join(words(running) for running in there)
            advice = f"there are: {known}" if known else "`ionto run PLAN --port PATH` starts one"
            return error("I0840", text, None, help=advice)
        case _:
            known = "; ".join(words(running) for running in meant)
            text = f"{len(meant)} sessions run here: {known}"
            return error("I0841", text, None, help="name one, by how it begins: `ionto console SESSION`")


def words(running: Running) -> str:
    """A session as people know it."""
    patient = f"patient {running.patient}" if running.patient else "no patient token"
    return f"{running.session_id}  {running.title}, {patient}, on {running.port}"


def screen_problem() -> Diagnostic | None:
    """Why no screen can be shown here, or None."""
    if not (_is_terminal(sys.__stdin__) and _is_terminal(sys.__stderr__)):
        text = "the console needs a terminal, and there is none"
        return error("I0842", text, None, help="start it in a terminal; `ionto console --stop` needs none")
    if os.environ.get("TERM", "dumb") == "dumb":
        text = "this terminal cannot show a screen (TERM is `dumb` or not set)"
        return error("I0842", text, None, help="`ionto console --stop` stops the session without one")
    if find_spec("textual") is None:
        text = "the full screen needs the library textual, which is not here"
        return error("I0955", text, None, help="pip install 'ionto[console]'; `--stop` works without it")
    return None


def _is_terminal(stream: object) -> bool:
    return stream is not None and os.isatty(stream.fileno())  # type: ignore[attr-defined]


def _stop(running: Running) -> Exit:
    say(f"stopping {words(running)}")
    match stop_session(running, RealClock(), lambda text: say(f"  {text}")):
        case Stopped.OFF:
            say("the session is over")
            return Exit.PROVED
        case Stopped.TAKEN:
            say("the session comes down; its end was not seen")
            return Exit.REFUTED
        case Stopped.UNKNOWN:
            text = f"the stop of `{running.session_id}` was sent, and nothing was heard of it"
            complain(error("I0843", text, None, help="stop at the device, disconnect the patient"))
            return Exit.REFUTED


def _show(running: Running, *, commands: bool) -> Exit:
    from ionto_runtime.console.screen.show import show_session

    left = show_session(running, commands=commands)
    if left.words is not None:
        say(left.words)
        return Exit.PROVED if left.completed else Exit.REFUTED
    if left.lost:
        text = "the safety process is gone"
        advice = "look at the patient and the device; the journal says what was delivered at most"
        complain(error("I0927", text, None, help=advice))
        return Exit.REFUTED
    say(f"session {running.session_id} goes on without this console; `ionto console --stop` stops it")
    return Exit.PROVED
