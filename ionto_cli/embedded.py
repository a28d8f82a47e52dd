"""A session on the stimulator that is simulated within this program: no line and no other process."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from ionto_cli.asking import Asker, confirmed
from ionto_cli.bedside import Bound, Settings, console_for, facts_of_bound, say_course, sum_up
from ionto_cli.exits import Exit
from ionto_cli.home import sealing_folder
from ionto_cli.kept_plans import keep_plan
from ionto_cli.run_summary import Ran, before_lines
from ionto_cli.terminal import complain
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.trace import area_um2, observe
from ionto_runtime.beginning import Beginning, begin_journal
from ionto_runtime.ceilings import ceiling_problems, ceiling_problems_together
from ionto_runtime.clock import Clock
from ionto_runtime.ensemble import Ensemble
from ionto_runtime.gathering import Unit, channels_header, ensemble_of
from ionto_runtime.journal import Durability, JournalWriter
from ionto_runtime.loop import run_session
from ionto_runtime.outcome import outcome_of
from ionto_runtime.planned import planned_together
from ionto_runtime.session import Session
from ionto_runtime.simulation.channels import SimulatedChannels
from ionto_runtime.simulation.paced import PacedClock
from ionto_runtime.simulation.skin import body_of
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.view import Facts, undisturbed


def run_embedded(bound: Bound, settings: Settings, asker: Asker) -> Exit:
    """Confirm, run, sum up."""
    facts = _facts(bound, settings)
    for line in before_lines(bound.sealed, facts, bound.plan):
        asker.say(line)
    for problem in _beyond(bound):
        asker.say(f"  a device would refuse this: {problem.message}")
    say_course(bound, asker)
    if not confirmed("Plan, patient, sites, electrodes and polarity are as shown: start?", asker):
        asker.say("nothing was started")
        return Exit.SOURCE
    unkept = keep_plan(settings.records, bound.sealed.plan)
    if unkept is not None:
        return complain(unkept)
    clock: Clock = settings.clock if settings.speed == 1 else PacedClock(settings.clock, settings.speed)
    begun = _begun(bound, facts, settings, clock)
    if isinstance(begun, Diagnostic):
        return complain(begun)
    path, journal = begun
    bed = _bed(bound, facts, settings, journal)
    if isinstance(bed, str):
        journal.seal(f"not begun: {bed}")
        journal.close()
        return complain(
            error("I0962", f"the device `{bound.plan.plan.device.name}` is not ready: {bed}", None)
        )
    with ExitStack() as stack:
        console = console_for(bound, settings, asker.lines, stack)
        run_session(bed.session, console, facts, clock, bed.passing, real_time=settings.speed == 1)
    outcome = outcome_of(bed.session)
    ran = Ran(bound.sealed, facts, outcome, path, settings.seed, bound.acknowledgements)
    sum_up(ran, bound, settings, asker)
    return Exit.PROVED if outcome.completed else Exit.REFUTED


@dataclass(frozen=True, slots=True)
class _Bed:
    """A session that is armed, and how the simulated device is told of time."""

    session: Session | Ensemble
    passing: Callable[[int], None]


def _facts(bound: Bound, settings: Settings) -> Facts:
    device = f"{bound.plan.plan.device.name}, SIMULATED on skin {settings.seed}"
    names = [
        f"SIMULATED on skin {settings.seed + number}" for number in range(len(bound.sealed.plan.channels))
    ]
    return facts_of_bound(bound, settings, device, names, simulated=True, speed=settings.speed)


def _beyond(bound: Bound) -> Iterator[Diagnostic]:
    """What a device would refuse, which a simulation does not."""
    if bound.together is None:
        yield from ceiling_problems(bound.plan, observe(bound.plan.plan, undisturbed(bound.plan)))
    else:
        planned = planned_together(bound.together)
        yield from ceiling_problems_together(bound.together, planned.alone, planned.together)


def _begun(
    bound: Bound, facts: Facts, settings: Settings, clock: Clock
) -> tuple[Path, JournalWriter] | Diagnostic:
    together = bound.together
    return begin_journal(
        Beginning(
            session_id=secrets.token_hex(4),
            sealed=bound.sealed,
            bound=bound.plan,
            facts=facts,
            acknowledgements=bound.acknowledgements,
            seed=settings.seed,
            device_identity=None,
            process={},
            channels=None if together is None else channels_header(together, [None] * len(together.channels)),
        ),
        settings.records,
        sealing_folder(),
        clock,
        settings.clock.wall_ms(),
        # A loss of power cannot hurt a simulated patient, and an accelerated session cannot wait for a disk.
        Durability.SYNCED if settings.speed == 1 else Durability.WRITTEN,
        background=settings.speed == 1,
    )


def _bed(bound: Bound, facts: Facts, settings: Settings, journal: JournalWriter) -> _Bed | str:
    """Skin, device and session, armed; or why the device is not ready."""
    plan = bound.plan.plan
    if bound.together is not None:
        device = SimulatedChannels(bound.together.plan, bound.plan.values, settings.seed)
        outputs = [
            Unit(output, planned_pc=channel.planned_pc)
            for output, channel in zip(device.outputs, facts.channels, strict=True)
        ]
        ensemble = ensemble_of(bound.together, outputs, journal)
        return ensemble if isinstance(ensemble, str) else _Bed(ensemble, device.advance)
    areas = [area_um2(plan, bound.plan.values, index) for index in range(len(plan.electrodes))]
    body = body_of(tuple(area for area in areas if area is not None), settings.seed)
    stimulator = SimulatedStimulator(plan.device, body, settings.seed)
    session = Session(bound.plan, stimulator, journal, planned_pc=facts.planned_pc)
    return session.arm() or _Bed(session, stimulator.advance)
