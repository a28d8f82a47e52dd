"""`ionto run`: from a sealed plan to a session with a journal, on the simulated stimulator."""

from __future__ import annotations

import argparse
import os
import re
import secrets
import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from ionto_cli.asking import Asker, ask_acknowledgements, ask_records, ask_values, confirmed
from ionto_cli.exits import Exit
from ionto_cli.files import system_words
from ionto_cli.home import sealing_folder
from ionto_cli.kept_plans import keep_plan
from ionto_cli.run_summary import Ran, acknowledgements_data, after_lines, before_lines, run_data
from ionto_cli.sealed import Sealed, open_plan
from ionto_cli.terminal import complain, write_json
from ionto_cli.version import version
from ionto_ir.bind import NO_HISTORY, Acknowledgement, History, Refusal, bind
from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.entry import parse_assignments
from ionto_ir.expression import Value
from ionto_ir.plan import VariableKind
from ionto_ir.trace import area_um2
from ionto_runtime.clock import Clock, RealClock
from ionto_runtime.console.automatic import Automatic
from ionto_runtime.console.lines import Lines
from ionto_runtime.console.plain import PlainConsole
from ionto_runtime.history import SUFFIX, read_history
from ionto_runtime.journal import Durability, JournalFailure, JournalWriter, create_journal
from ionto_runtime.loop import run_session
from ionto_runtime.sealing import begin_epoch
from ionto_runtime.session import Session
from ionto_runtime.session_records import constants_to_json
from ionto_runtime.simulation.paced import PacedClock
from ionto_runtime.simulation.skin import body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.software import software_sha256
from ionto_runtime.view import Console, Facts, facts_of

TOKEN = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


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
    """A plan bound to this day, with what was prepared for records and who answered for what."""

    sealed: Sealed
    plan: BoundPlan
    prepared: Mapping[str, Value]
    acknowledgements: tuple[Acknowledgement, ...]


def run(arguments: argparse.Namespace) -> Exit:
    """Ask, confirm, run, sum up."""
    problem = _usage_problem(arguments)
    if problem is not None:
        return complain(problem)
    sealed = open_plan(Path(arguments.plan), Path(arguments.trust) if arguments.trust else None)
    if isinstance(sealed, tuple):
        return complain(*sealed)
    out = sys.stderr if arguments.json else sys.stdout
    asker = Asker(Lines(_input()), out, _at_terminal(), arguments.yes)
    asker.say(f"{sealed.plan.title}: SIMULATED device `{sealed.plan.device.name}`")
    if sealed.rechecked is None:
        asker.say("no certificates are sealed with this plan: its proof rests on the word of who sealed it")
    settings = _settings(arguments, out, asker)
    if isinstance(settings, Diagnostic):
        return complain(settings)
    bound = _bound(sealed, arguments.values, settings, asker)
    if isinstance(bound, tuple):
        return complain(*bound)
    return _confirmed_and_run(bound, settings, asker)


def _usage_problem(arguments: argparse.Namespace) -> Diagnostic | None:
    if arguments.accelerate < 1:
        text = f"`--accelerate {arguments.accelerate}` would slow time down"
        return error("I0901", text, None, help="give a whole number from 1 on")
    for name in ("patient", "operator"):
        given = getattr(arguments, name)
        if given is not None and not (
            TOKEN.match(given) or (name == "operator" and given.strip().isprintable())
        ):
            text = f"`--{name}` is 1 to 64 letters, digits, points, hyphens and underscores"
            return error("I0901", text, None, help="a token stands for a patient; it is never a name")
    return None


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
        return error("I0904", f"cannot make the folder `{records}`: {system_words(problem)}", None)
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
    sealed: Sealed, assignments: list[str], settings: Settings, asker: Asker
) -> Bound | tuple[Diagnostic, ...]:
    """The plan bound to the values of this day, or everything that stands in the way."""
    plan = sealed.plan
    given = parse_assignments(plan, assignments)
    if isinstance(given, tuple):
        return given
    kinds = {item.name: item.kind for item in plan.variables}
    prepared = {name: value for name, value in given.items() if kinds[name] is VariableKind.RECORD}
    history: History | tuple[Diagnostic, ...] = NO_HISTORY
    if settings.patient is not None:
        history = read_history(settings.records, settings.patient, plan.name, settings.clock.wall_ms())
    if isinstance(history, tuple):
        return history
    unrecorded = ask_records(plan, prepared) if settings.obliging and not asker.terminal else ()
    values = ask_values(plan, {name: value for name, value in given.items() if name not in prepared}, asker)
    if isinstance(values, tuple) or unrecorded:
        return (*(values if isinstance(values, tuple) else ()), *unrecorded)
    bound = bind(plan, values, (), history)
    given_for: tuple[Acknowledgement, ...] = ()
    while isinstance(bound, Refusal):
        if not bound.only_needs_acknowledgement:
            return bound.diagnostics
        more = ask_acknowledgements(bound.needed, asker, settings.operator)
        if isinstance(more, Diagnostic):
            return (more,)
        given_for = (*given_for, *more)
        bound = bind(plan, values, given_for, history)
    return Bound(sealed, bound, prepared, given_for)


def _confirmed_and_run(bound: Bound, settings: Settings, asker: Asker) -> Exit:
    plan = bound.plan.plan
    device = f"{plan.device.name}, SIMULATED on skin {settings.seed}"
    facts = facts_of(
        bound.plan,
        patient=settings.patient,
        operator=settings.operator,
        device=device,
        simulated=True,
        speed=settings.speed,
    )
    for line in before_lines(bound.sealed, facts, bound.plan):
        asker.say(line)
    if not confirmed("Plan, patient, sites, electrodes and polarity are as shown: start?", asker):
        asker.say("nothing was started")
        return Exit.SOURCE
    begun = _journal(bound, facts, settings)
    if isinstance(begun, Diagnostic):
        return complain(begun)
    path, clock, journal = begun
    areas = [area_um2(plan, bound.plan.values, index) for index in range(len(plan.electrodes))]
    body = body_of(tuple(area for area in areas if area is not None), settings.seed)
    stimulator = SimulatedStimulator(plan.device, body, settings.seed)
    session = Session(bound.plan, stimulator, journal)
    fault = session.arm()
    if fault is not None:
        journal.seal(f"not begun: {fault}")
        journal.close()
        return complain(error("I0962", f"the device `{plan.device.name}` is not ready: {fault}", None))
    with ExitStack() as stack:
        console = _console(bound, settings, asker.lines, stack)
        run_session(session, console, facts, clock, stimulator.advance, real_time=settings.speed == 1)
    _sum_up(Ran(bound.sealed, facts, session, path, settings.seed, bound.acknowledgements), settings, asker)
    return Exit.PROVED if session.completed else Exit.REFUTED


def _sum_up(ran: Ran, settings: Settings, asker: Asker) -> None:
    """Say what has happened; when nobody reads any more, the exit code still says it."""
    try:
        for line in after_lines(ran):
            asker.say(line)
        if settings.json:
            write_json(run_data(ran))
            sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def _journal(
    bound: Bound, facts: Facts, settings: Settings
) -> tuple[Path, Clock, JournalWriter] | Diagnostic:
    """The session's journal, begun, in a file that has never been there before."""
    clock: Clock = settings.clock if settings.speed == 1 else PacedClock(settings.clock, settings.speed)
    started = datetime.fromtimestamp(clock.wall_ms() / 1000, UTC)
    session_id = secrets.token_hex(4)
    plan = bound.plan.plan
    path = settings.records / f"{plan.name}-{started:%Y%m%dT%H%M%SZ}-{session_id}{SUFFIX}"
    # A loss of power cannot hurt a simulated patient, and an accelerated session cannot wait for a disk.
    durability = Durability.SYNCED if settings.speed == 1 else Durability.WRITTEN
    unkept = keep_plan(settings.records, plan)
    if unkept is not None:
        return unkept
    key = begin_epoch(settings.records, sealing_folder(), session_id, settings.clock.wall_ms())
    if isinstance(key, str):
        text = f"no key can be made to seal the journal with: {key}"
        return error("I0951", text, None, help="`ionto sessions verify` says what is wrong with the records")
    header = _header(bound, facts, settings, session_id)
    background = settings.speed == 1
    journal = create_journal(path, header, clock, durability, key, background=background)
    if isinstance(journal, JournalFailure):
        text = f"the journal `{path}` cannot be begun: {journal.operation}: {journal.reason}"
        return error("I0904", text, None, help="nothing is started that cannot be written down")
    return path, clock, journal


def _header(bound: Bound, facts: Facts, settings: Settings, session_id: str) -> dict[str, Json]:
    plan = bound.plan.plan
    return {
        "format": 1,
        "session": session_id,
        "plan_sha256": bound.sealed.sha256,
        "device": facts.device,
        "software": f"ionto {version()}",
        "software_sha256": software_sha256(),
        "simulated": True,
        "plan_name": plan.name,
        "plan_version": plan.version,
        "plan_title": plan.title,
        "signers": list(bound.sealed.signers),
        "patient": settings.patient,
        "operator": settings.operator,
        "values": dict(bound.plan.values),
        "acknowledgements": acknowledgements_data(bound.acknowledgements),
        "constants": constants_to_json(bound.plan.constants),
        "polarity": bound.plan.polarity,
        "seed": settings.seed,
        "speed": settings.speed,
        "planned_pc": facts.planned_pc,
        "planned_ms": facts.planned_ms,
    }


def _console(bound: Bound, settings: Settings, lines: Lines, stack: ExitStack) -> Console:
    """The live panel where there is a terminal to show it, plain lines elsewhere."""
    console: Console
    if not settings.plain and _at_terminal() and settings.out.isatty() and _rich_is_there():
        from ionto_runtime.console.keys import Keys
        from ionto_runtime.console.terminal import TerminalConsole

        panel = TerminalConsole(settings.out, Keys(_input()), settings.clock, bound.prepared)
        console = stack.enter_context(panel)
    else:
        write = _writer(settings.out)
        console = PlainConsole(write, lines, bound.prepared, piped=not _at_terminal())
    return Automatic(console, bound.prepared) if settings.obliging else console


def _input() -> int:
    """Standard input; when it is closed, something that has already ended."""
    return os.open(os.devnull, os.O_RDONLY) if sys.stdin is None else sys.stdin.fileno()


def _at_terminal() -> bool:
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
