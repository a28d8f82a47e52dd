"""`ionto simulate` for a protocol with several channels: all of them in lockstep, in virtual time."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from ionto_cli import quantities
from ionto_cli.exits import Exit
from ionto_cli.loading import Chosen
from ionto_cli.recorded import draw_recorded
from ionto_cli.scripting import ContactLoad
from ionto_cli.terminal import complain, say, write_json
from ionto_ir.bind import Acknowledgement, Refusal
from ionto_ir.bind_together import BoundTogether, bind_together
from ionto_ir.canonical import Json, digest
from ionto_ir.codec import plan_to_json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.dry_run import TICKS_MAX, answer_to
from ionto_ir.events import PromptKind
from ionto_ir.expression import Value
from ionto_ir.plan import Plan, VariableKind
from ionto_ir.rehearse_together import TimelineTogether, unsayable
from ionto_ir.scenario import READINGS, Happening, Occurrence
from ionto_ir.standing import beginning
from ionto_ir.together import ToOne
from ionto_runtime.ensemble import Ensemble
from ionto_runtime.gathering import Unit, channels_header, ensemble_of
from ionto_runtime.journal import Durability, JournalFailure, create_journal
from ionto_runtime.journal_reader import Unread, read_journal
from ionto_runtime.replay_channels import rebound_parts, replay_parts
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
    untold = next((item for item in timeline if unsayable(plan, item)), None)
    if untold is not None:
        word, name = untold.happening.value, plan.channels[0].name
        advice = (
            f"say of which: `--at '1 min channel {name} {word} ...'`"
            if untold.happening in READINGS
            else None
        )
        message = f"`{word}` does not say on which of the channels of this plan"
        return complain(error("I0464", message, None, help=advice))
    asked = {item.name: values[item.name] for item in plan.variables if item.kind is not VariableKind.RECORD}
    bound = _bound(chosen, asked)
    if isinstance(bound, Refusal):
        return complain(*bound.diagnostics, files=chosen.sources)
    if arguments.population is not None:
        from ionto_cli.population_run import simulate_population_together

        return simulate_population_together(bound, arguments)
    device = SimulatedChannels(plan, bound.values, arguments.seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "session.journal"
        ensemble = _ensemble(bound, device, path, arguments.seed)
        if isinstance(ensemble, Diagnostic):
            return complain(ensemble)
        entered = dict(records)
        entered |= {
            item.variable: item.value
            for item in timeline
            if item.happening is Happening.RECORD and item.variable is not None and item.value is not None
        }
        _run(ensemble, device, timeline, entered)
        replayed = _replayed(plan, path)
        if arguments.json:
            write_json(_data(bound, ensemble, device, arguments.seed, replayed))
        else:
            for line in _summary(bound, ensemble, device, arguments.seed, replayed):
                say(line)
        drawn = draw_recorded(path, plan, arguments.plot) if arguments.plot else None
    return drawn or (Exit.PROVED if ensemble.completed and all(replayed) else Exit.REFUTED)


def _bound(chosen: Chosen, values: Mapping[str, Value]) -> BoundTogether | Refusal:
    plan = chosen.protocol.plan
    bound = bind_together(plan, values, (), beginning(plan), rehearsing=True)
    if isinstance(bound, Refusal) and bound.only_needs_acknowledgement:
        for item in bound.needed:
            say(f"acknowledged by the simulation: {item.subject}")
        given = [Acknowledgement(item.subject, "simulation", "simulated", item.role) for item in bound.needed]
        bound = bind_together(plan, values, given, beginning(plan), rehearsing=True)
    return bound


def _ensemble(
    bound: BoundTogether, device: SimulatedChannels, path: Path, seed: int
) -> Ensemble | Diagnostic:
    journal = create_journal(path, _header(bound, seed), VirtualClock(), Durability.WRITTEN)
    if isinstance(journal, JournalFailure):
        return error("I0904", f"cannot write the journal: {journal.reason}", None)
    ensemble = ensemble_of(bound, [Unit(output) for output in device.outputs], journal)
    if isinstance(ensemble, str):
        return error("I0962", f"the device `{bound.plan.device.name}` is not ready: {ensemble}", None)
    return ensemble


def _header(bound: BoundTogether, seed: int) -> dict[str, Json]:
    return {
        "session": f"simulation-{seed}",
        "plan_sha256": digest(plan_to_json(bound.plan)),
        "device": f"{bound.plan.device.name}, SIMULATED",
        "software": bound.plan.tool,
        "simulated": True,
        "patient": None,
        "values": dict(bound.values),
        "constants": constants_to_json(bound.care.constants),
        "polarity": bound.care.polarity,
        **channels_header(bound, [None] * len(bound.channels)),
    }


def _run(
    ensemble: Ensemble,
    device: SimulatedChannels,
    timeline: tuple[Occurrence, ...],
    entered: Mapping[str, Value],
) -> None:
    """In virtual time, until every output was seen off after the end."""
    tick_ms = ensemble.bound.constants.tick_ms
    loads = [ContactLoad(output.body) for output in device.outputs]
    happening = TimelineTogether(ensemble.names, timeline, [load.terminals for load in loads])
    ensemble.begin()
    for _ in range(TICKS_MAX):
        if ensemble.closed:
            break
        while (prompt := ensemble.prompt) is not None and prompt.kind is not PromptKind.RESUME:
            answer = answer_to(prompt, entered)
            if answer is None:
                break
            ensemble.feed(answer)
        while (event := happening.happens(ensemble.elapsed_ms, ())) is not None:
            ensemble.feed_to(event.channel, event.event) if isinstance(event, ToOne) else ensemble.feed(event)
        for load in loads:
            load.follow()
        device.advance(tick_ms)
        ensemble.tick(tick_ms)
    ensemble.finish()


def _replayed(plan: Plan, path: Path) -> list[bool]:
    """Of each channel whether its part of the journal replays; of none when they were out of step."""
    reading = read_journal(path)
    assert not isinstance(reading, Unread), "the journal was just written"
    parts = rebound_parts(plan, reading)
    assert not isinstance(parts, str), f"the journal is of this plan: {parts}"
    found = replay_parts(parts, reading)
    in_step = found.parts[0][1].agrees and found.out_of_step is None
    return [report.agrees and in_step for _, report in found.parts[1:]]


def _reason(ensemble: Ensemble) -> str:
    assert ensemble.end is not None, "the session has ended"
    return ensemble.end.reason


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
    for record in ensemble.care.records:
        yield f"  recorded    {record.variable}" + (f": {record.meaning}" if record.meaning else "")
    yield f"  journal     one, {sum(replayed)} of {len(replayed)} channels replayed to the same commands"


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
