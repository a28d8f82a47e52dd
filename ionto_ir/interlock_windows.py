"""What the interlock counts of moving windows: the means that are in each of them, tick by tick.

It keeps the runs of equal means of the longest window, and for each window what is in it: a tick that comes
is added, a tick that leaves is taken off. Of the ledgers, of times and of the table it knows nothing.
"""

from __future__ import annotations

from typing import NamedTuple

from ionto_ir.constants import MovingCap

OFF = -1
"""Stands for "the output is open" among magnitudes."""

CHUNK = 64
"""Runs that are copied at most when one is added."""


class Run(NamedTuple):
    """So many ticks in a row, the last of which is number `last`, had this mean of |I|."""

    last: int
    mean_na: int


class Held(NamedTuple):
    """What a window holds: the sum of the means of its ticks, and how many of them had the output on. The
    oldest of them is in run number `oldest`. `earlier_pc` is what it holds of earlier sessions.
    """

    oldest: int = 0
    sum_na: int = 0
    ticks_on: int = 0
    earlier_pc: int = 0


class Extra(NamedTuple):
    """What was added in tick number `tick` beyond what was set, to either ledger, pC."""

    tick: int
    upper_pc: int
    nominal_pc: int


class Record(NamedTuple):
    """`ticks` have passed. Runs in chunks, of which `gone` runs were dropped; the run that goes on is apart.
    `upper_pc` and `nominal_pc` are all extras so far.
    """

    ticks: int = 0
    gone: int = 0
    chunks: tuple[tuple[Run, ...], ...] = ()
    open: tuple[Run, ...] = ()
    mean_na: int = OFF
    extras: tuple[Extra, ...] = ()
    upper_pc: int = 0
    nominal_pc: int = 0
    held: tuple[Held, ...] = ()


def passed(
    record: Record, windows: tuple[MovingCap, ...], mean_na: int, count: int, extra: tuple[int, int, int, int]
) -> Record:
    """The record after `count` more ticks at a mean; `extra` is all that was added beyond what was set, until
    just before the first of them to the upper and the nominal ledger, and until its end.
    """
    ticks, gone, chunks, newest, before_na, extras, upper_pc, nominal_pc, held = record
    if mean_na != before_na and ticks:
        newest = (*newest, Run(ticks, before_na))
        if len(newest) == CHUNK:
            chunks, newest = (*chunks, newest), ()
    if extra != (upper_pc, nominal_pc, upper_pc, nominal_pc):
        between = Extra(ticks, extra[0] - upper_pc, extra[1] - nominal_pc)
        within = Extra(ticks + 1, extra[2] - extra[0], extra[3] - extra[1])
        extras = (*extras, *(one for one in (between, within) if one.upper_pc or one.nominal_pc))
    ticks += count
    grown = Record(ticks, gone, chunks, newest, mean_na, extras, extra[2], extra[3])
    held = held or tuple(Held() for _ in windows)
    held = tuple(_moved(grown, window, one, count) for window, one in zip(windows, held, strict=True))
    longest = max(window.ticks for window in windows)
    while chunks and gone + len(chunks[0]) <= min(one.oldest for one in held):
        gone, chunks = gone + len(chunks[0]), chunks[1:]
    if extras and extras[0].tick <= ticks - longest:
        extras = tuple(one for one in extras if one.tick > ticks - longest)
    return grown._replace(gone=gone, chunks=chunks, extras=extras, held=held)


def _moved(record: Record, window: MovingCap, held: Held, count: int) -> Held:
    """What the window holds after `count` more ticks."""
    oldest, sum_na, ticks_on, _ = held
    if record.mean_na != OFF:
        sum_na, ticks_on = sum_na + count * record.mean_na, ticks_on + count
    left = max(0, record.ticks - window.ticks)
    leaving = max(0, record.ticks - count - window.ticks)
    while leaving < left:
        run = _run(record, oldest)
        until = min(run.last, left)
        if run.mean_na != OFF:
            sum_na, ticks_on = sum_na - (until - leaving) * run.mean_na, ticks_on - (until - leaving)
        leaving = until
        oldest += run.last <= left
    earlier_pc = sum(charge for until, charge in window.earlier if record.ticks <= until)
    return Held(oldest, sum_na, ticks_on, earlier_pc)


def _run(record: Record, number: int) -> Run:
    """A run by its number; the one that goes on ends with the latest tick."""
    chunk, index = divmod(number - record.gone, CHUNK)
    if chunk < len(record.chunks):
        return record.chunks[chunk][index]
    return record.open[index] if index < len(record.open) else Run(record.ticks, record.mean_na)


def counted(record: Record, window: MovingCap, held: Held) -> tuple[int, int]:
    """What a window holds beside what was set in it, pC, and the sum of what was set, nA times ticks."""
    after = record.ticks - window.ticks
    inside = (one for one in record.extras if one.tick > after)
    extra_pc = sum(one.nominal_pc if window.nominal else one.upper_pc for one in inside)
    return held.earlier_pc + extra_pc, held.sum_na
