"""`ionto run`: from a sealed plan to a session with a journal, on the simulated stimulator."""

from __future__ import annotations

import argparse
import re
import secrets
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

from ionto_cli.asking import Asker, ask_acknowledgements, ask_records, ask_values, confirmed
from ionto_cli.bedside import Bound, Settings, at_terminal, console_for, say_course, standard_input, sum_up
from ionto_cli.exits import Exit
from ionto_cli.files import system_words
from ionto_cli.home import sealing_folder
from ionto_cli.kept_plans import keep_plan
from ionto_cli.live import Line, run_on_device
from ionto_cli.run_summary import Ran, before_lines
from ionto_cli.sealed import open_plan, simulated_problem
from ionto_cli.terminal import complain
from ionto_ir.bind import Acknowledgement, History, Refusal, bind
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.entry import parse_assignments
from ionto_ir.plan import Plan, VariableKind
from ionto_ir.trace import area_um2, observe
from ionto_runtime.beginning import Beginning, begin_journal
from ionto_runtime.ceilings import ceiling_problems
from ionto_runtime.clock import Clock, RealClock
from ionto_runtime.console.lines import Lines
from ionto_runtime.device_file import read_device_file
from ionto_runtime.history import first_session, read_history
from ionto_runtime.journal import Durability
from ionto_runtime.loop import run_session
from ionto_runtime.outcome import outcome_of
from ionto_runtime.sealed import Sealed
from ionto_runtime.session import Session
from ionto_runtime.simulation.driver import PORT as SIMULATED_PORT
from ionto_runtime.simulation.paced import PacedClock
from ionto_runtime.simulation.skin import body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.view import facts_of, undisturbed

TOKEN = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def run(arguments: argparse.Namespace) -> Exit:
    """Ask, confirm, run, sum up."""
    problem = _usage_problem(arguments)
    if problem is not None:
        return complain(problem)
    sealed = open_plan(Path(arguments.plan), Path(arguments.trust) if arguments.trust else None)
    if isinstance(sealed, tuple):
        return complain(*sealed)
    if sealed.plan.channels:
        text = "`ionto run` drives one channel, and this plan has several"
        advice = "`ionto simulate` runs all of its channels on simulated outputs"
        return complain(error("I0464", text, sealed.plan.channels[1].span, "one of them", help=advice))
    line = _line(arguments, sealed.plan)
    if isinstance(line, Diagnostic):
        return complain(line)
    out = sys.stderr if arguments.json else sys.stdout
    asker = Asker(Lines(standard_input()), out, at_terminal(), arguments.yes)
    place = "SIMULATED device" if line is None else f"on {line.port}, for"
    asker.say(f"{sealed.plan.title}: {place} `{sealed.plan.device.name}`")
    if sealed.rechecked is None:
        asker.say("no certificates are sealed with this plan: its proof rests on the word of who sealed it")
    settings = _settings(arguments, out, asker)
    if isinstance(settings, Diagnostic):
        return complain(settings)
    bound = _bound(sealed, arguments.values, settings, asker)
    if isinstance(bound, tuple):
        return complain(*bound)
    if line is not None:
        return run_on_device(bound, line, settings, asker)
    return _confirmed_and_run(bound, settings, asker)


def _line(arguments: argparse.Namespace, plan: Plan) -> Line | Diagnostic | None:
    """Which device the plan runs on: None for the one that is simulated within this program."""
    path = Path(arguments.plan)
    file = None if arguments.device_file is None else read_device_file(Path(arguments.device_file))
    if isinstance(file, Diagnostic):
        return file
    port = arguments.port or (None if file is None else file.port)
    if port is None and arguments.web is not None:
        port = SIMULATED_PORT  # a page is served beside a safety process, also where the device is simulated
    if port is None:
        return simulated_problem(plan, path)
    if arguments.accelerate != 1:
        text = "a device has its own time: `--accelerate` is for the simulated one"
        return error("I0901", text, None, help="leave it out, or leave out `--port`")
    if arguments.yes and port.partition(":")[0] != SIMULATED_PORT:
        text = "`--yes` confirms for nobody: on a device a person confirms"
        return error("I0901", text, None, help="leave it out")
    return Line(
        plan=path,
        trust=Path(arguments.trust) if arguments.trust else None,
        port=port,
        driver=arguments.driver or (plan.device.driver if file is None else file.driver),
        device_file=None if file is None else file.path,
        web=arguments.web,
    )


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
    now_ms = settings.clock.wall_ms()
    history: History | tuple[Diagnostic, ...] = first_session(now_ms)
    if settings.patient is not None:
        history = read_history(settings.records, settings.patient, plan.name, now_ms)
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
    return Bound(sealed, bound, prepared, given_for, history)


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
    for problem in ceiling_problems(bound.plan, observe(plan, undisturbed(bound.plan))):
        asker.say(f"  a device would refuse this: {problem.message}")
    say_course(bound, asker)
    if not confirmed("Plan, patient, sites, electrodes and polarity are as shown: start?", asker):
        asker.say("nothing was started")
        return Exit.SOURCE
    unkept = keep_plan(settings.records, plan)
    if unkept is not None:
        return complain(unkept)
    clock: Clock = settings.clock if settings.speed == 1 else PacedClock(settings.clock, settings.speed)
    begun = begin_journal(
        Beginning(
            session_id=secrets.token_hex(4),
            sealed=bound.sealed,
            bound=bound.plan,
            facts=facts,
            acknowledgements=bound.acknowledgements,
            seed=settings.seed,
            device_identity=None,
            process={},
        ),
        settings.records,
        sealing_folder(),
        clock,
        settings.clock.wall_ms(),
        # A loss of power cannot hurt a simulated patient, and an accelerated session cannot wait for a disk.
        Durability.SYNCED if settings.speed == 1 else Durability.WRITTEN,
        background=settings.speed == 1,
    )
    if isinstance(begun, Diagnostic):
        return complain(begun)
    path, journal = begun
    areas = [area_um2(plan, bound.plan.values, index) for index in range(len(plan.electrodes))]
    body = body_of(tuple(area for area in areas if area is not None), settings.seed)
    stimulator = SimulatedStimulator(plan.device, body, settings.seed)
    session = Session(bound.plan, stimulator, journal, planned_pc=facts.planned_pc)
    fault = session.arm()
    if fault is not None:
        journal.seal(f"not begun: {fault}")
        journal.close()
        return complain(error("I0962", f"the device `{plan.device.name}` is not ready: {fault}", None))
    with ExitStack() as stack:
        console = console_for(bound, settings, asker.lines, stack)
        run_session(session, console, facts, clock, stimulator.advance, real_time=settings.speed == 1)
    ran = Ran(bound.sealed, facts, outcome_of(session), path, settings.seed, bound.acknowledgements)
    sum_up(ran, bound, settings, asker)
    return Exit.PROVED if session.completed else Exit.REFUTED
