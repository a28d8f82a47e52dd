"""`ionto run`: from a sealed plan to a session with a journal, on a device or on the simulated one."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TextIO

from ionto_cli.asking import Asker, ask_acknowledgements, ask_records, ask_values, given_too_early
from ionto_cli.bedside import Bound, Settings, at_terminal, standard_input
from ionto_cli.embedded import run_embedded
from ionto_cli.exits import Exit
from ionto_cli.files import system_words
from ionto_cli.lines import line_of, ports_of
from ionto_cli.live import run_on_device
from ionto_cli.sealed import open_plan
from ionto_cli.standings import on_a_word
from ionto_cli.terminal import complain
from ionto_ir.bind import Acknowledgement, History, Refusal, bind
from ionto_ir.bind_together import BoundTogether, bind_together
from ionto_ir.bound import BoundPlan
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.entry import parse_assignments
from ionto_ir.expression import Value
from ionto_ir.plan import Plan, VariableKind
from ionto_runtime.clock import RealClock
from ionto_runtime.console.lines import Lines
from ionto_runtime.history import first_session, read_history
from ionto_runtime.sealed import Sealed

PORT_MAX = 65_535
SHOWN_MAX = 40
TOKEN = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def run(arguments: argparse.Namespace) -> Exit:
    """Ask, confirm, run, sum up."""
    problem = _usage_problem(arguments)
    if problem is not None:
        return complain(problem)
    sealed = open_plan(Path(arguments.plan), Path(arguments.trust) if arguments.trust else None)
    if isinstance(sealed, tuple):
        return complain(*sealed)
    line = line_of(arguments, sealed.plan)
    if isinstance(line, tuple):
        return complain(*line)
    out = sys.stderr if arguments.json else sys.stdout
    asker = Asker(Lines(standard_input()), out, at_terminal(), arguments.yes)
    place = "SIMULATED device" if line is None else f"on {ports_of(line)}, for"
    asker.say(f"{sealed.plan.title}: {place} `{sealed.plan.device.name}`")
    if sealed.rechecked is None:
        asker.say("no certificates are sealed with this plan: its proof rests on the word of who sealed it")
    elif word := on_a_word(sealed.rechecked):
        asker.say(word)
    settings = _settings(arguments, out, asker)
    if isinstance(settings, Diagnostic):
        return complain(settings)
    nobody_sees = arguments.yes and not (line is not None and line.commanded_elsewhere)
    bound = _bound(sealed, arguments.values, settings, asker, nobody_sees=nobody_sees)
    if isinstance(bound, tuple):
        return complain(*bound)
    if line is not None:
        return run_on_device(bound, line, settings, asker)
    return run_embedded(bound, settings, asker)


def _usage_problem(arguments: argparse.Namespace) -> Diagnostic | None:
    if arguments.accelerate < 1:
        text = f"`--accelerate {arguments.accelerate}` would slow time down"
        return error("I0901", text, None, help="give a whole number from 1 on")
    if arguments.console and (arguments.json or arguments.plain):
        text = "`--console` takes the whole terminal: there is no room for `--json` or `--plain`"
        return error(
            "I0901", text, None, help="leave one of them out; `ionto console` comes from another one"
        )
    if arguments.console:
        from ionto_cli.commands.console import screen_problem

        problem = screen_problem()
        if problem is not None:
            return problem
    if arguments.web is not None and not 0 <= arguments.web <= PORT_MAX:
        text = f"`--web {arguments.web}` is no port of this computer"
        return error(
            "I0901", text, None, help=f"give a number up to {PORT_MAX}, or `--web` alone for a free one"
        )
    if any(not port.partition("=")[2] if "=" in port else not port for port in arguments.port):
        return error(
            "I0901", "`--port` names no line", None, help="give its path; `ionto devices` lists lines"
        )
    return _person_problem(arguments.patient, arguments.operator)


def _person_problem(patient: str | None, operator: str | None) -> Diagnostic | None:
    if patient is not None and not TOKEN.match(patient):
        text = f"`{shown(patient)}` is no patient token: that is 1 to 64 of A-Z, a-z, 0-9, `.`, `-` and `_`"
        return error("I0901", text, None, help="a token stands for a patient; it is never a name")
    if operator is not None and not (operator.strip() and operator.isprintable()):
        text = f"`{shown(operator)}` is no name of an operator: that is one line of letters"
        return error("I0901", text, None, help="write who runs the session: `--operator 'M. Weber'`")
    return None


def shown(given: str) -> str:
    """What somebody wrote, as it can stand in one line of a message."""
    plain = "".join(letter if letter.isprintable() else "?" for letter in given)
    return plain if len(plain) <= SHOWN_MAX else plain[:SHOWN_MAX] + "..."


def _settings(arguments: argparse.Namespace, out: TextIO, asker: Asker) -> Settings | Diagnostic:
    patient = arguments.patient
    if patient is None and asker.terminal and not asker.obliging:
        while True:
            typed = asker.line("patient token, never a name (Enter for none)")
            patient = (typed or "").strip() or None
            if patient is None or TOKEN.match(patient):
                break
            asker.say("  1 to 64 letters, digits, points, hyphens and underscores")
    if patient is None:
        asker.say(
            "no patient token: earlier sessions are not counted, and later ones will not count this one"
        )
    records = Path(arguments.records)
    try:
        records.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        text = f"cannot make the folder `{records}`: {system_words(problem)}"
        return error("I0904", text, None, help="name one that can be written: `--records FOLDER`")
    return Settings(
        records=records,
        patient=patient,
        operator=arguments.operator,
        speed=arguments.accelerate,
        seed=arguments.seed,
        obliging=arguments.yes,
        plain=arguments.plain,
        json=arguments.json,
        out=out,
        clock=RealClock(),
    )


def _bound(
    sealed: Sealed, assignments: list[str], settings: Settings, asker: Asker, *, nobody_sees: bool
) -> Bound | tuple[Diagnostic, ...]:
    """The plan bound to the values of this day, or everything that stands in the way."""
    plan = sealed.plan
    given = parse_assignments(plan, assignments)
    if isinstance(given, tuple):
        return given
    kinds = {item.name: item.kind for item in plan.variables}
    prepared = {name: value for name, value in given.items() if kinds[name] is VariableKind.RECORD}
    if prepared and not nobody_sees:
        return given_too_early(plan, prepared)
    now_ms = settings.clock.wall_ms()
    history: History | tuple[Diagnostic, ...] = first_session(now_ms)
    if settings.patient is not None:
        history = read_history(settings.records, settings.patient, plan.name, now_ms)
    if isinstance(history, tuple):
        return history
    unrecorded = ask_records(plan, prepared) if nobody_sees and not asker.terminal else ()
    values = ask_values(plan, {name: value for name, value in given.items() if name not in prepared}, asker)
    if isinstance(values, tuple) or unrecorded:
        return (*(values if isinstance(values, tuple) else ()), *unrecorded)
    bound = _binding(plan, values, (), history)
    given_for: tuple[Acknowledgement, ...] = ()
    while isinstance(bound, Refusal):
        if not bound.only_needs_acknowledgement:
            return bound.diagnostics
        more = ask_acknowledgements(bound.needed, asker, settings.operator)
        if isinstance(more, Diagnostic):
            return (more,)
        given_for = (*given_for, *more)
        bound = _binding(plan, values, given_for, history)
    if isinstance(bound, BoundTogether):
        return Bound(sealed, bound.care, prepared, given_for, history, bound)
    return Bound(sealed, bound, prepared, given_for, history)


def _binding(
    plan: Plan, values: Mapping[str, Value], given: Sequence[Acknowledgement], history: History
) -> BoundPlan | BoundTogether | Refusal:
    binding = bind_together if plan.channels else bind
    return binding(plan, values, given, history)
