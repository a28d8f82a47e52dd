"""The bedside of a command: its settings, its plan of the day, its console, and the words at the end."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from ionto_cli.asking import Asker
from ionto_cli.course_words import after_session, before_session
from ionto_cli.run_summary import Ran, after_lines, run_data
from ionto_cli.terminal import write_json
from ionto_ir.bind import Acknowledgement, History, PastSession
from ionto_ir.bind_together import BoundTogether
from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Value
from ionto_runtime.clock import Clock
from ionto_runtime.console.automatic import Automatic
from ionto_runtime.console.lines import Lines
from ionto_runtime.console.plain import PlainConsole
from ionto_runtime.drivers.driver import DeadMan
from ionto_runtime.planned import planned_together
from ionto_runtime.sealed import Sealed
from ionto_runtime.view import Console, Facts, facts_of
from ionto_runtime.view_together import facts_together


@dataclass(frozen=True, slots=True)
class Settings:
    """The command line, looked at. `out` is where people read."""

    records: Path
    patient: str | None
    operator: str | None
    speed: int
    seed: int
    obliging: bool
    plain: bool
    json: bool
    out: TextIO
    clock: Clock


@dataclass(frozen=True, slots=True)
class Bound:
    """A plan bound to this day, with what was prepared for records and who answered for what. Of several
    channels `plan` is what people do around them, and `together` is all of it.
    """

    sealed: Sealed
    plan: BoundPlan
    prepared: Mapping[str, Value]
    acknowledgements: tuple[Acknowledgement, ...]
    history: History
    together: BoundTogether | None = None


def facts_of_bound(
    bound: Bound,
    settings: Settings,
    device: str,
    units: Sequence[str],
    *,
    simulated: bool,
    speed: int,
    dead_man: DeadMan = DeadMan.DEVICE,
) -> Facts:
    """The facts of a session; `units` are what drives each of several channels."""
    patient, operator = settings.patient, settings.operator
    if bound.together is None:
        return facts_of(
            bound.plan,
            patient=patient,
            operator=operator,
            device=device,
            simulated=simulated,
            speed=speed,
            dead_man=dead_man,
        )
    return facts_together(
        bound.together,
        planned_together(bound.together),
        units,
        patient=patient,
        operator=operator,
        device=device,
        simulated=simulated,
        speed=speed,
        dead_man=dead_man,
    )


def say_course(bound: Bound, asker: Asker) -> None:
    """Which session of its course this one is."""
    for line in before_session(bound.plan.plan, bound.history):
        asker.say(f"  course    {line}")


def _course_after(bound: Bound, ran: Ran) -> Iterator[str]:
    """When the next session of the course may be, if anything flowed in this one."""
    if not ran.outcome.nominal_pc:
        return
    plan, history = bound.plan.plan, bound.history
    done = PastSession(
        history.now_ms,
        history.now_ms,
        history.today,
        ran.outcome.nominal_pc,
        ran.outcome.upper_pc,
        plan.name,
        tuple(bound.plan.values.items()),
        tuple((item.variable, item.value) for item in ran.outcome.records),
    )
    for line in after_session(plan, history, done):
        yield f"  course    {line}"


def sum_up(ran: Ran, bound: Bound, settings: Settings, asker: Asker) -> None:
    """Say what has happened; when nobody reads any more, the exit code still says it."""
    try:
        for line in (*after_lines(ran), *_course_after(bound, ran)):
            asker.say(line)
        if settings.json:
            write_json(run_data(ran))
            sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def console_for(bound: Bound, settings: Settings, lines: Lines, stack: ExitStack) -> Console:
    """The live panel where there is a terminal to show it, plain lines elsewhere."""
    console: Console
    if not settings.plain and at_terminal() and settings.out.isatty() and _rich_is_there():
        from ionto_runtime.console.keys import Keys
        from ionto_runtime.console.terminal import TerminalConsole

        panel = TerminalConsole(settings.out, Keys(standard_input()), settings.clock)
        console = stack.enter_context(panel)
    else:
        write = _writer(settings.out)
        console = PlainConsole(write, lines, piped=not at_terminal())
    return Automatic(console, bound.prepared) if settings.obliging else console


def standard_input() -> int:
    """Standard input; when it is closed, something that has already ended."""
    return os.open(os.devnull, os.O_RDONLY) if sys.stdin is None else sys.stdin.fileno()


def at_terminal() -> bool:
    """Whether a person types what comes in."""
    return sys.stdin is not None and sys.stdin.isatty()


def _writer(out: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        out.write(text + "\n")
        out.flush()

    return write


def _rich_is_there() -> bool:
    """The bedside distribution comes without it; plain lines say the same."""
    from importlib.util import find_spec

    return find_spec("rich") is not None
