"""Runs the real session, its loop and its journal in a world, with the adversary at work."""

from __future__ import annotations

from ionto_ir.bound import BoundPlan
from ionto_runtime.journal import Durability, JournalWriter, Written
from ionto_runtime.loop import run_session
from ionto_runtime.session import Session
from ionto_runtime.view import Facts
from tests.runtime.bedside import header_of
from tests.simulation.adversary import BEGIN
from tests.simulation.faults import Kind
from tests.simulation.plans import TICK_MS
from tests.simulation.world import HostLostError, World


def run_world(world: World) -> None:
    """Run the real session in a world, to its end or to the end of its host."""
    world.actions = BEGIN
    journal = JournalWriter(world.disk, world, Durability.SYNCED)
    assert isinstance(journal.begin(header_of(world.bound)), Written)
    session = world.session = Session(world.bound, world.link, journal, locks=world.locks)
    world.watch(session)
    world.before_all()
    if session.arm() is not None:
        if not world.injected[Kind.BAD_START]:
            world.violations.append("arm: a good device is refused")
        journal.seal("not begun")
        return
    world.begun = True
    try:
        run_session(session, world, _facts(world.bound), world, world.passing, real_time=True)
    except HostLostError:
        world.lost = True


def _facts(bound: BoundPlan) -> Facts:
    """What a display would show all the time; nobody looks, so nothing is rehearsed for it."""
    return Facts(
        bound=bound,
        patient=None,
        operator=None,
        device="the world's",
        simulated=True,
        speed=1,
        planned_pc=0,
        planned_ms=0,
        ohm_max=None,
        steps=("",) * len(bound.plan.steps),
    )


def left_alone(world: World, ms: int) -> None:
    """Nobody runs any more: the device goes on by itself."""
    for _ in range(ms // TICK_MS):
        world.passing(TICK_MS)
