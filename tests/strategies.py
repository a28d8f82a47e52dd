"""Hypothesis strategies: treatments, their plans, their source text, values and timelines of events.

Durations are seconds and charges are those of seconds, so that thousands of ticks can be compared in a test.
"""

from __future__ import annotations

from hypothesis import strategies as st

from ionto_ir.expression import Value
from ionto_ir.plan import Plan
from ionto_ir.scenario import Happening, Occurrence
from tests.treatments import (
    At,
    Choice,
    Chosen,
    Fixed,
    Keep,
    Leg,
    Level,
    Move,
    Over,
    Parameter,
    Part,
    Repeat,
    Rest,
    Speed,
    Treatment,
    Turn,
    plan_of,
)

STEP_NA = 10_000
LEVEL_NA_MIN, LEVEL_NA_MAX = 100_000, 4_000_000

PARAMETERS = (
    Parameter("current", 500_000, 3_000_000, 100_000, 2_000_000, adjustable=False),
    Parameter("comfort", 500_000, 2_500_000, 50_000, 1_000_000, adjustable=True),
)
ANSWERS = ("sore",)


def levels() -> st.SearchStrategy[Level]:
    """A level on the device's step, or a parameter's."""
    fixed = st.integers(LEVEL_NA_MIN // STEP_NA, LEVEL_NA_MAX // STEP_NA).map(lambda n: Fixed(n * STEP_NA))
    chosen = st.sampled_from(PARAMETERS).map(lambda item: Chosen(item.name))
    return st.one_of(fixed, chosen)


def speeds() -> st.SearchStrategy[Speed]:
    """Slow enough for the ramp limit even over the whole range: at least 8 s, or at most 0.5 mA/s."""
    by_time = st.integers(80, 150).map(lambda n: Over(n * 100)) | st.integers(8_000, 12_000).map(Over)
    by_rate = st.integers(50, 500).map(lambda n: At(n * 1000))
    return st.one_of(by_time, by_rate)


def keeps(totals: bool) -> st.SearchStrategy[Keep]:
    """Holds of each kind; a total only where asked for, because it must exceed what went before."""
    by_time = st.integers(0, 60).map(lambda n: Keep("time", n * 100)) | st.integers(1, 4_000).map(
        lambda ms: Keep("time", ms)
    )
    by_charge = st.integers(1, 12_000_000_000).map(lambda pc: Keep("charge", pc))
    kinds = [by_time, by_charge]
    if totals:
        kinds.append(st.integers(1, 40_000_000_000).map(lambda pc: Keep("total", pc)))
    return st.one_of(kinds)


def moves() -> st.SearchStrategy[Move]:
    """A ramp to another level."""
    return st.builds(Move, levels(), speeds())


@st.composite
def legs(draw: st.DrawFn) -> Leg:
    """Up, one to three holds and moves, down."""
    body = draw(st.lists(st.one_of(keeps(totals=True), moves()), min_size=1, max_size=3))
    return Leg(draw(moves()), tuple(body), draw(speeds()), draw(st.booleans()))


def parts(depth: int = 2) -> st.SearchStrategy[Part]:
    """Parts of a session, nested at most `depth` deep."""
    flat = st.one_of(legs(), st.integers(0, 5_000).map(Rest), st.just(Turn()))
    if depth == 0:
        return flat
    inner = st.lists(parts(depth - 1), min_size=1, max_size=2).map(tuple)
    empty: st.SearchStrategy[tuple[Part, ...]] = st.just(())
    periods = st.none() | st.integers(1, 30_000)
    repeats = st.builds(Repeat, st.integers(1, 3), periods, inner)
    choices = st.builds(Choice, st.sampled_from(ANSWERS), inner, st.one_of(inner, empty))
    return st.one_of(flat, flat, repeats, choices)


@st.composite
def treatments(draw: st.DrawFn) -> Treatment:
    """A treatment that begins with a leg, so that something always flows."""
    first: tuple[Part, ...] = (draw(legs()),)
    rest = draw(st.lists(parts(), max_size=2))
    return Treatment(
        (*first, *rest),
        PARAMETERS,
        ANSWERS,
        interruptions=draw(st.integers(0, 4)),
        pause_ms=draw(st.sampled_from([5_000, 20_000, 60_000])),
        resume=draw(st.sampled_from([True, True, True, False])),
        dose_pc=draw(st.none() | st.integers(20_000_000_000, 120_000_000_000)),
        stop_na_s=draw(st.sampled_from([100_000, 333_333, 500_000])),
    )


def plans() -> st.SearchStrategy[Plan]:
    """Well-formed plans."""
    return treatments().map(plan_of)


@st.composite
def values(draw: st.DrawFn) -> dict[str, Value]:
    """Values for the parameters and answers of a generated treatment."""
    found: dict[str, Value] = {}
    for item in PARAMETERS:
        found[item.name] = item.lo + item.step * draw(st.integers(0, (item.hi - item.lo) // item.step))
    for name in ANSWERS:
        found[name] = draw(st.booleans())
    return found


_COMMON = (
    Happening.PAUSE,
    Happening.PAUSE,
    Happening.RESUME,
    Happening.RESUME,
    Happening.RESUME,
    Happening.LEAD_OFF,
)


@st.composite
def timelines(draw: st.DrawFn, span_ms: int = 90_000) -> tuple[Occurrence, ...]:
    """Events in the order of their times; pauses are common, ends are rare."""
    happenings = st.sampled_from((*_COMMON, Happening.ADJUST, Happening.ADJUST, Happening.STOP))
    found = []
    for _ in range(draw(st.integers(0, 8))):
        at_ms = draw(st.integers(1, span_ms))
        happening = draw(happenings)
        variable, value = None, None
        if happening is Happening.ADJUST:
            item = PARAMETERS[1]
            variable = item.name
            value = item.lo + item.step * draw(st.integers(0, (item.hi - item.lo) // item.step))
        found.append(Occurrence(at_ms, happening, variable, value, None))
    return tuple(sorted(found, key=lambda item: item.at_ms))
