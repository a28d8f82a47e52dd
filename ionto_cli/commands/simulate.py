"""`ionto simulate`: a protocol on the simulated stimulator and skin, in virtual time, with nobody asked."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ionto_cli import quantities
from ionto_cli.course_words import course_sentences
from ionto_cli.exits import Exit
from ionto_cli.loading import Chosen, choose_one
from ionto_cli.recorded import draw_recorded
from ionto_cli.scripting import Scripted, occurrences
from ionto_cli.simulate_together import simulate_together
from ionto_cli.terminal import complain, say, write_json
from ionto_ir.bind import Acknowledgement, Refusal, bind
from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json, digest
from ionto_ir.codec import plan_to_json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.dry_run import usual_value
from ionto_ir.entry import parse_assignments
from ionto_ir.expression import Value
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import Plan, VariableKind
from ionto_ir.standing import beginning
from ionto_ir.trace import area_um2
from ionto_runtime.journal import Durability, JournalFailure, create_journal
from ionto_runtime.loop import run_session
from ionto_runtime.session import Session
from ionto_runtime.session_records import constants_to_json
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.skin import body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.view import facts_of


def run(arguments: argparse.Namespace) -> Exit:
    """Bind, run, sum up. Cautions are noted and answered for by the simulation itself."""
    chosen = choose_one(arguments)
    if isinstance(chosen, Exit):
        return chosen
    plan = chosen.protocol.plan
    given = parse_assignments(plan, arguments.values)
    if isinstance(given, tuple):
        return complain(*given, files=chosen.sources)
    if arguments.cluster is not None and arguments.population is None:
        return complain(error("I0901", "`--cluster` goes with `--population`", None))
    if arguments.population is not None and arguments.at:
        return complain(error("I0901", "`--at` is for one session, not for a population", None))
    timeline = occurrences(plan, arguments.at)
    if isinstance(timeline, Diagnostic):
        return complain(timeline)
    records = {
        item.name: given.get(item.name, usual_value(item))
        for item in plan.variables
        if item.kind is VariableKind.RECORD
    }
    if plan.channels:
        return simulate_together(chosen, ordinary_values(plan, given), records, timeline, arguments)
    bound = _bound(plan, given)
    if isinstance(bound, Refusal):
        return complain(*bound.diagnostics, files=chosen.sources)
    if arguments.population is not None:
        from ionto_cli.population_run import simulate_population

        return simulate_population(bound, records, arguments)
    with tempfile.TemporaryDirectory() as folder:
        return _simulated(
            chosen, bound, Scripted(timeline, records), arguments, Path(folder) / "session.journal"
        )


def _bound(plan: Plan, given: dict[str, Value]) -> BoundPlan | Refusal:
    kinds = {item.name: item.kind for item in plan.variables}
    asked = {name: value for name, value in given.items() if kinds[name] is not VariableKind.RECORD}
    values = ordinary_values(plan, asked)
    day = beginning(plan)
    bound = bind(plan, values, (), day, rehearsing=True)
    if isinstance(bound, Refusal) and bound.only_needs_acknowledgement:
        for item in bound.needed:
            say(f"acknowledged by the simulation: {item.subject}")
        given_for = [
            Acknowledgement(item.subject, "simulation", "simulated", item.role) for item in bound.needed
        ]
        bound = bind(plan, values, given_for, day, rehearsing=True)
    return bound


def _simulated(
    chosen: Chosen, bound: BoundPlan, script: Scripted, arguments: argparse.Namespace, path: Path
) -> Exit:
    plan = bound.plan
    areas = [area_um2(plan, bound.values, index) for index in range(len(plan.electrodes))]
    body = body_of(tuple(area for area in areas if area is not None), arguments.seed)
    stimulator = SimulatedStimulator(plan.device, body, arguments.seed)
    clock = VirtualClock()
    device = f"{plan.device.name}, SIMULATED on skin {arguments.seed}"
    facts = facts_of(bound, patient=None, operator=None, device=device, simulated=True, speed=1)
    journal = create_journal(path, _header(bound, device, arguments.seed), clock, Durability.WRITTEN)
    if isinstance(journal, JournalFailure):
        return complain(error("I0904", f"cannot write the journal: {journal.reason}", None))
    session = Session(bound, stimulator, journal)
    fault = session.arm()
    if fault is not None:
        return complain(error("I0962", f"the device `{plan.device.name}` is not ready: {fault}", None))
    script.attach(session, body)
    run_session(session, script, facts, clock, stimulator.advance, real_time=False)
    if arguments.json:
        write_json(_data(session, stimulator, arguments.seed))
    else:
        for line in _summary(session, stimulator, device):
            say(line)
    outcome = Exit.PROVED if session.completed else Exit.REFUTED
    return draw_recorded(path, plan, arguments.plot) or outcome if arguments.plot else outcome


def _header(bound: BoundPlan, device: str, seed: int) -> dict[str, Json]:
    return {
        "format": 1,
        "session": f"simulation-{seed}",
        "plan_sha256": digest(plan_to_json(bound.plan)),
        "device": device,
        "software": bound.plan.tool,
        "simulated": True,
        "patient": None,
        "values": dict(bound.values),
        "constants": constants_to_json(bound.constants),
        "polarity": bound.polarity,
    }


def _summary(session: Session, stimulator: SimulatedStimulator, device: str) -> Sequence[str]:
    assert session.end is not None, "the session has ended"
    word = "completed" if session.completed else "NOT COMPLETED"
    machine = session.state.machine
    lines = [
        f"SIMULATED session {word}: {session.end.reason}",
        f"  device      {device}",
        f"  set         {quantities.charge(session.nominal_pc)}, peak {quantities.current(session.peak_na)}",
        f"  counted     at most {quantities.charge(session.upper_pc)}",
        f"  true        {quantities.charge(stimulator.received.total_pc)} through the simulated skin",
        f"  duration    {quantities.clock(machine.duration_ms)}, interruptions {machine.interruptions}",
    ]
    lines += [f"  alarm       {alarm.code} {alarm.text}" for alarm in session.alarms]
    return lines + [f"  course      {line}" for line in course_sentences(session.bound.plan)]


def _data(session: Session, stimulator: SimulatedStimulator, seed: int) -> dict[str, object]:
    assert session.end is not None, "the session has ended"
    machine = session.state.machine
    return {
        "schema": "ionto.simulation/1",
        "simulated": True,
        "seed": seed,
        "completed": session.completed,
        "reason": session.end.reason,
        "set_pc": session.nominal_pc,
        "upper_pc": session.upper_pc,
        "true_pc": stimulator.received.total_pc,
        "peak_na": session.peak_na,
        "duration_ms": machine.duration_ms,
        "interruptions": machine.interruptions,
        "alarms": [alarm.code for alarm in session.alarms],
        "records": {record.variable: record.value for record in session.records},
    }
