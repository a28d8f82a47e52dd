"""`ionto simulate` for a protocol with several channels: all of them in lockstep, in virtual time."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ionto_cli import quantities
from ionto_cli.exits import Exit
from ionto_cli.loading import Chosen
from ionto_cli.terminal import complain, say, write_json
from ionto_ir.bind import Acknowledgement, Refusal
from ionto_ir.bind_together import BoundTogether, bind_together
from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json, digest
from ionto_ir.codec import plan_to_json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.dry_run import TICKS_MAX, obliging, run
from ionto_ir.expression import Value
from ionto_ir.plan import VariableKind
from ionto_ir.rehearse_together import UNSAYABLE
from ionto_ir.rehearsed import event_of
from ionto_ir.scenario import Happening, Occurrence
from ionto_ir.standing import beginning
from ionto_runtime.ensemble import Ensemble
from ionto_runtime.journal import Durability, JournalFailure, create_journal
from ionto_runtime.journal_reader import Unread, read_journal
from ionto_runtime.replay import replay
from ionto_runtime.session import Session
from ionto_runtime.session_records import constants_to_json
from ionto_runtime.simulation.channels import SimulatedChannels
from ionto_runtime.simulation.clock import VirtualClock


def simulate_together(
    chosen: Chosen,
    values: Mapping[str, Value],
    records: Mapping[str, Value],
    timeline: tuple[Occurrence, ...],
    arguments: argparse.Namespace,
) -> Exit:
    """Bind, run, replay every journal, sum up."""
    plan = chosen.protocol.plan
    unsayable = next((item for item in timeline if item.happening in UNSAYABLE), None)
    if unsayable is not None or arguments.plot:
        what = "`--plot`" if unsayable is None else f"`{unsayable.happening.value}`"
        advice = "`ionto plot` draws all channels" if unsayable is None else None
        return complain(error("I0464", f"{what} is for a plan with one channel", None, help=advice))
    asked = {item.name: values[item.name] for item in plan.variables if item.kind is not VariableKind.RECORD}
    bound = _bound(chosen, asked)
    if isinstance(bound, Refusal):
        return complain(*bound.diagnostics, files=chosen.sources)
    device = SimulatedChannels(plan, bound.values, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        ensemble = _ensemble(bound, device, Path(folder), arguments.seed)
        if isinstance(ensemble, Diagnostic):
            return complain(ensemble)
        entered = dict(records)
        entered |= {
            item.variable: item.value
            for item in timeline
            if item.happening is Happening.RECORD and item.variable is not None and item.value is not None
        }
        around = run(bound.care, obliging(entered))
        _run(ensemble, device, timeline)
        paths = [Path(folder) / _name(bound, number) for number in range(len(bound.channels))]
        replayed = [_replayed(part, path) for part, path in zip(bound.channels, paths, strict=True)]
    if arguments.json:
        write_json(_data(bound, ensemble, device, arguments.seed, replayed))
    else:
        for line in _summary(bound, ensemble, device, arguments.seed, replayed):
            say(line)
        for record in around.records:
            say(f"  recorded    {record.variable}" + (f": {record.meaning}" if record.meaning else ""))
    return Exit.PROVED if ensemble.completed and all(replayed) else Exit.REFUTED


def _bound(chosen: Chosen, values: Mapping[str, Value]) -> BoundTogether | Refusal:
    plan = chosen.protocol.plan
    bound = bind_together(plan, values, (), beginning(plan), rehearsing=True)
    if isinstance(bound, Refusal) and bound.only_needs_acknowledgement:
        for item in bound.needed:
            say(f"acknowledged by the simulation: {item.subject}")
        given = [Acknowledgement(item.subject, "simulation", "simulated", item.role) for item in bound.needed]
        bound = bind_together(plan, values, given, beginning(plan), rehearsing=True)
    return bound


def _name(bound: BoundTogether, number: int) -> str:
    return f"{number}-{bound.plan.channels[number].name}.journal"


def _ensemble(
    bound: BoundTogether, device: SimulatedChannels, folder: Path, seed: int
) -> Ensemble | Diagnostic:
    sessions = []
    clock = VirtualClock()
    for number, (part, output) in enumerate(zip(bound.channels, device.outputs, strict=True)):
        header = _header(bound, part, number, seed)
        journal = create_journal(folder / _name(bound, number), header, clock, Durability.WRITTEN)
        if isinstance(journal, JournalFailure):
            return error("I0904", f"cannot write the journal: {journal.reason}", None)
        session = Session(part, output, journal)
        fault = session.arm()
        if fault is not None:
            return error("I0962", f"the device `{bound.plan.device.name}` is not ready: {fault}", None)
        sessions.append(session)
    return Ensemble(sessions)


def _header(bound: BoundTogether, part: BoundPlan, number: int, seed: int) -> dict[str, Json]:
    """The header of one channel's journal: it is the journal of the channel's own plan."""
    return {
        "format": 1,
        "session": f"simulation-{seed}",
        "plan_sha256": digest(plan_to_json(part.plan)),
        "device": f"{bound.plan.device.name}, SIMULATED, channel {bound.plan.channels[number].name}",
        "software": bound.plan.tool,
        "simulated": True,
        "patient": None,
        "values": dict(part.values),
        "constants": constants_to_json(part.constants),
        "polarity": part.polarity,
    }


def _run(ensemble: Ensemble, device: SimulatedChannels, timeline: tuple[Occurrence, ...]) -> None:
    """In virtual time, until every output was seen off after the end."""
    tick_ms = ensemble.sessions[0].bound.constants.tick_ms
    pending = sorted(
        (item for item in timeline if item.happening is not Happening.RECORD), key=lambda item: item.at_ms
    )
    ensemble.begin()
    for _ in range(TICKS_MAX):
        if ensemble.closed:
            break
        while pending and ensemble.elapsed_ms and pending[0].at_ms <= ensemble.elapsed_ms:
            ensemble.feed(event_of(pending.pop(0)))
        device.advance(tick_ms)
        ensemble.tick(tick_ms)
    ensemble.finish()


def _replayed(part: BoundPlan, path: Path) -> bool:
    reading = read_journal(path)
    return not isinstance(reading, Unread) and replay(part, reading).agrees


def _reason(ensemble: Ensemble) -> str:
    endings = [session.end for session in ensemble.sessions]
    early = next((end for end in endings if end is not None and not end.completed), None)
    return "finished" if early is None else early.reason


def _summary(
    bound: BoundTogether, ensemble: Ensemble, device: SimulatedChannels, seed: int, replayed: list[bool]
) -> Iterator[str]:
    word = "completed" if ensemble.completed else "NOT COMPLETED"
    yield f"SIMULATED session {word}: {_reason(ensemble)}"
    yield f"  device      {bound.plan.device.name}, SIMULATED on skin {seed} and on"
    sessions = ensemble.sessions
    for channel, session, output in zip(bound.plan.channels, sessions, device.outputs, strict=True):
        machine = session.state.machine
        yield f"  channel {channel.name}"
        peak = quantities.current(session.peak_na)
        yield f"    set       {quantities.charge(session.nominal_pc)}, peak {peak}"
        yield f"    counted   at most {quantities.charge(session.upper_pc)}"
        yield f"    true      {quantities.charge(output.received.total_pc)} through the simulated skin"
        yield f"    duration  {quantities.clock(machine.duration_ms)}, interruptions {machine.interruptions}"
        for alarm in session.alarms:
            yield f"    alarm     {alarm.code} {alarm.text}"
    yield f"  together    {quantities.charge(sum(session.nominal_pc for session in sessions))} as set"
    counted = sum(session.upper_pc for session in sessions)
    yield f"  counted     at most {quantities.charge(counted)}"
    yield f"  journals    {len(replayed)}, {sum(replayed)} of them replayed to the same commands"


def _data(
    bound: BoundTogether, ensemble: Ensemble, device: SimulatedChannels, seed: int, replayed: list[bool]
) -> dict[str, object]:
    sessions = ensemble.sessions
    return {
        "schema": "ionto.simulation.channels/1",
        "simulated": True,
        "seed": seed,
        "completed": ensemble.completed,
        "reason": _reason(ensemble),
        "channels": [
            {
                "name": channel.name,
                "set_pc": session.nominal_pc,
                "upper_pc": session.upper_pc,
                "true_pc": output.received.total_pc,
                "peak_na": session.peak_na,
                "duration_ms": session.state.machine.duration_ms,
                "interruptions": session.state.machine.interruptions,
                "alarms": [alarm.code for alarm in session.alarms],
                "replayed": agrees,
            }
            for channel, session, output, agrees in zip(
                bound.plan.channels, sessions, device.outputs, replayed, strict=True
            )
        ],
    }
