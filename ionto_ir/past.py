"""What the ledgers held at any tick of a session, as far back as a moving window looks: exact, and small.

Between two changes of the output the ledgers rise evenly, so only the ticks are kept at which that changes:
one for each tick of a ramp, none for a hold. Times are on the session's clock, ms; a tick is known by its
beginning, and what the ledgers held then is what every tick before it was charged.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from ionto_ir.constants import Constants, MovingCap

Knot = tuple[int, int, int]
"""When, and what the upper and the nominal ledger held, pC."""

CHUNK = 64
"""Knots that are kept, and forgotten, together: adding one copies no more than these."""


class Past(NamedTuple):
    """Knots in chunks, the oldest first; the latest tick; by how much the latest tick went on from the one
    before.
    """

    chunks: tuple[tuple[Knot, ...], ...] = ()
    open: tuple[Knot, ...] = ()
    latest: Knot = (0, 0, 0)
    rise: Knot = (0, 0, 0)


def noted(past: Past, constants: Constants, at_ms: int, upper_pc: int, nominal_pc: int) -> Past:
    """The past, with what the ledgers hold when the tick at `at_ms` begins."""
    chunks, newest, latest, rise = past
    now = (at_ms, upper_pc, nominal_pc)
    went = (at_ms - latest[0], upper_pc - latest[1], nominal_pc - latest[2])
    if went == rise and went[0] == constants.tick_ms:
        return Past(chunks, newest, now, rise)
    newest = (*newest, latest)
    if went[0] > constants.tick_ms:
        # After an outage: what was added for it is taken to have come at its end.
        newest = (*newest, (at_ms - constants.tick_ms, latest[1], latest[2]))
    if len(newest) >= CHUNK:
        chunks, newest = (*chunks, newest), ()
        begins_ms = at_ms - constants.window_ticks * constants.tick_ms
        while len(chunks) > 1 and chunks[1][0][0] <= begins_ms:
            chunks = chunks[1:]
    return Past(chunks, newest, now, went)


def held_at(past: Past, at_ms: int, tick_ms: int, nominal: bool) -> int:
    """What a ledger held, pC, at a time: when the last tick began that began no later."""
    chunks, newest, latest, _ = past
    which = 2 if nominal else 1
    if at_ms <= 0:
        return 0
    if at_ms >= latest[0]:
        return latest[which]
    following = latest
    if not newest or newest[0][0] > at_ms:
        if newest:
            following = newest[0]
        index = bisect_right(chunks, at_ms, key=_begins) - 1
        if index < 0:
            return 0
        if index + 1 < len(chunks):
            following = chunks[index + 1][0]
        newest = chunks[index]
    index = bisect_right(newest, at_ms, key=_at) - 1
    if index < 0:
        return 0
    knot = newest[index]
    if index + 1 < len(newest):
        following = newest[index + 1]
    ticks = (following[0] - knot[0]) // tick_ms
    return knot[which] + (following[which] - knot[which]) * ((at_ms - knot[0]) // tick_ms) // ticks


def _at(knot: Knot) -> int:
    return knot[0]


def _begins(chunk: tuple[Knot, ...]) -> int:
    return chunk[0][0]


def caps_now(past: Past, constants: Constants, at_ms: int) -> tuple[int, int]:
    """What the upper and the nominal ledger may come to, so that every window stays under its cap that ends
    with the tick at `at_ms` or during a stop after it.
    """
    upper_pc, nominal_pc = constants.cap_pc, constants.cap_nominal_pc
    tick_ms = constants.tick_ms
    for window in constants.windows:
        begins_ms = at_ms + (1 - window.ticks) * tick_ms
        cap_pc = window.cap_pc - earlier_pc(window, at_ms // tick_ms)
        if begins_ms > 0:
            cap_pc += held_at(past, begins_ms, tick_ms, window.nominal)
        if window.nominal:
            nominal_pc = min(nominal_pc, cap_pc)
        else:
            upper_pc = min(upper_pc, cap_pc)
    return upper_pc, nominal_pc


def earlier_pc(window: MovingCap, tick: int) -> int:
    """The charge of earlier sessions that is in the window still."""
    return sum(charge for until, charge in window.earlier if tick < until)
