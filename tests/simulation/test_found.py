"""Worlds in which campaigns found something, with their faults written out: none of it comes back."""

from __future__ import annotations

import pytest

from tests.simulation.faults import Kind, Planned
from tests.simulation.judging import judge
from tests.simulation.world import World

FOUND: dict[str, tuple[int, tuple[tuple[int, int, Kind, int], ...]]] = {
    "a restart in the tick whose reading is lost, at the top": (
        9433,
        ((25, 8, Kind.CONSOLE_DIES, 73878), (20, 5, Kind.LOST_SAMPLES, 334851), (21, 3, Kind.RESET, 373638)),
    ),
    "a restart in the tick whose reading is lost, on the way up": (
        21603,
        ((2, 30, Kind.LOST_SAMPLES, 602112), (7, 3, Kind.RESET, 995345)),
    ),
    "a restart that is not counted, while a lower setpoint was withheld": (
        4151,
        (
            (30, 2, Kind.SILENT, 699938),
            (31, 3, Kind.GAIN, 276582),
            (30, 30, Kind.OLD_COMMANDS, 18735),
            (31, 8, Kind.SECRET_RESET, 493327),
        ),
    ),
    "a number that no journal can say, and the lateness before it": (
        4376,
        ((15, 8, Kind.ODD_WORDS, 599109), (16, 8, Kind.ADJUST, 282443), (15, 5, Kind.LATE, 486804)),
    ),
    "the same, and a signal": (
        5870,
        ((6, 5, Kind.LATE, 663745), (6, 8, Kind.ODD_WORDS, 838069), (7, 8, Kind.SIGNAL, 897504)),
    ),
    "a bug in the driver while a bug of ours is dealt with": (
        8603,
        (
            (36, 8, Kind.OUR_BUG, 860836),
            (36, 2, Kind.ODD_WORDS, 651961),
            (35, 30, Kind.OLD_COMMANDS, 207771),
        ),
    ),
    "a restart behind readings that stand still": (
        24956,
        ((30, 2, Kind.RESTARTS, 519795), (26, 30, Kind.FROZEN, 729660)),
    ),
    "a restart behind readings that are a tick old": (
        239168,
        ((19, 8, Kind.SECRET_RESET, 728694), (18, 3, Kind.STALE_SAMPLES, 743567)),
    ),
    "restarts behind readings that are a tick old, and a lost answer": (
        520585,
        (
            (21, 30, Kind.RESTARTS, 210663),
            (20, 1, Kind.LOST_ANSWERS, 254265),
            (21, 30, Kind.STALE_SAMPLES, 186418),
        ),
    ),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_a_campaign_has_found_does_not_come_back(what: str) -> None:
    seed, faults = FOUND[what]
    world = World(seed, [Planned(at, lasts, kind, size) for at, lasts, kind, size in faults])
    judge(world)
    assert world.violations == []
    assert all(world.injected[kind] for _, _, kind, _ in faults[:1])
