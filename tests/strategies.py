"""Hypothesis strategies: treatments, their plans, their source text, values and timelines of events.

Durations are seconds and charges are those of seconds, so that thousands of ticks can be compared in a test.
"""

from __future__ import annotations

from hypothesis import strategies as st

from ionto_ir.expression import Value
from ionto_ir.monitor import MonitorAction
from ionto_ir.plan import Plan
from ionto_ir.scenario import READINGS, Happening, Occurrence
from ionto_ir.waveform import Curve, Form, Waveform
from tests.treatments import (
    At,
    Choice,
    Chosen,
    Doses,
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
    Tell,
    Treatment,
    Turn,
    Watch,
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
    """Within the ramp limit of 1 mA/s even over the whole range, on whole ticks and between them."""
    by_time = st.integers(40, 70).map(lambda n: Over(n * 100)) | st.integers(4_000, 7_000).map(Over)
    by_rate = st.integers(200, 1_000).map(lambda n: At(n * 1000))
    return st.one_of(by_time, by_rate)


def keeps() -> st.SearchStrategy[Keep]:
    """Holds of each kind, mostly long enough to be disturbed. Some totals are reached by the ramps alone."""
    by_time = st.integers(20, 200).map(lambda n: Keep("time", n * 100)) | st.integers(1, 20_000).map(
        lambda ms: Keep("time", ms)
    )
    by_charge = st.integers(5_000_000_000, 60_000_000_000) | st.integers(1, 2_000_000_000)
    total = st.integers(20_000_000_000, 120_000_000_000) | st.integers(1, 20_000_000_000)
    return st.one_of(
        by_time, by_charge.map(lambda pc: Keep("charge", pc)), total.map(lambda pc: Keep("total", pc))
    )


def moves() -> st.SearchStrategy[Move]:
    """A ramp to another level."""
    return st.builds(Move, levels(), speeds())


@st.composite
def legs(draw: st.DrawFn) -> Leg:
    """Up, one to three holds and moves, down. A move to where the current is already would be no move."""
    up = draw(moves())
    level = up.level
    body: list[Keep | Move] = []
    for part in draw(st.lists(st.one_of(keeps(), moves()), min_size=1, max_size=3)):
        if isinstance(part, Move):
            if part.level == level:
                continue
            level = part.level
        body.append(part)
    return Leg(
        up, tuple(body), draw(speeds()), draw(st.booleans()), draw(st.none() | st.none() | waveforms())
    )


def waveforms() -> st.SearchStrategy[Waveform]:
    """Pulses and alternating currents of which a tick of 100 ms holds whole periods."""
    frequencies = st.sampled_from((20_000, 60_000, 4_300_000, 10_000_000))
    duties = st.integers(1, 99).map(lambda percent: percent * 10_000)
    offsets = st.sampled_from((0, 100_000, 500_000, 700_000))
    curves = st.sampled_from(Curve)
    pulsed = st.builds(Waveform, st.just(Form.PULSED), frequencies, duties)
    return st.one_of(
        pulsed,
        st.builds(
            lambda frequency, offset, curve: Waveform(Form.AC, frequency, offset_ppm=offset, curve=curve),
            frequencies,
            offsets,
            curves,
        ),
    )


BUTTON = "Dose"


@st.composite
def doses(draw: st.DrawFn) -> Doses:
    """A block of doses of some seconds, with and without a basal current, with rules that bite."""
    basal = draw(
        st.none() | st.integers(10, 60).map(lambda n: Fixed(n * STEP_NA)) | st.just(Chosen("comfort"))
    )
    up = draw(moves().filter(lambda move: move.level != basal))
    rules = draw(st.lists(st.tuples(st.integers(1, 3), st.integers(5_000, 60_000)), max_size=2))
    keep = draw(keeps().filter(lambda keep: keep.kind != "total"))
    return Doses(
        BUTTON,
        basal,
        draw(st.sampled_from((0, 5_000, 12_345))),
        draw(st.booleans()),
        tuple(rules),
        draw(st.integers(1, 5)),
        draw(st.integers(1, 90_000)),
        up,
        keep,
        draw(speeds()),
        draw(speeds()),
    )


def tells() -> st.SearchStrategy[Tell]:
    """People who are waited for with a bound, on whole ticks and between them."""
    return st.builds(Tell, st.integers(1, 80).map(lambda n: n * 100) | st.integers(1, 8_000))


def watches() -> st.SearchStrategy[Watch]:
    """Monitors of every action, around what is read and delivered; hysteresis for those that may have it."""
    readings = st.one_of(
        st.tuples(st.just("impedance"), st.integers(1_000, 60_000)),
        st.tuples(st.just("voltage"), st.integers(1_000, 90_000)),
        st.tuples(st.just("current"), st.integers(10_000, 4_000_000)),
        st.tuples(st.just("charge"), st.integers(1_000_000_000, 200_000_000_000)),
        st.tuples(st.just("elapsed"), st.integers(1_000, 200_000)),
    )

    def watch(
        action: MonitorAction, what: tuple[str, int], above: bool, wait_ms: int, gap: int | None
    ) -> Watch:
        reading, bound = what
        until = None if gap is None or action is MonitorAction.STOP else bound - gap if above else bound + gap
        return Watch(action, reading, above, bound, wait_ms, None if until is None or until < 0 else until)

    above = st.sampled_from([True, True, True, False])
    waits = st.sampled_from([0, 0, 100, 250, 1_000, 3_000])
    gaps = st.none() | st.integers(0, 20_000)
    actions = st.sampled_from(
        [MonitorAction.PAUSE, MonitorAction.PAUSE, MonitorAction.STOP, MonitorAction.WARN]
    )
    return st.builds(watch, actions, readings, above, waits, gaps)


def parts(depth: int = 2) -> st.SearchStrategy[Part]:
    """Parts of a session, nested at most `depth` deep."""
    flat = st.one_of(legs(), st.integers(1, 5_000).map(Rest), st.sampled_from((Turn(), Tell())), tells())
    if depth == 0:
        return flat
    inner = st.lists(parts(depth - 1), min_size=1, max_size=2).map(tuple)
    empty: st.SearchStrategy[tuple[Part, ...]] = st.just(())
    periods = st.none() | st.integers(1, 30_000)
    counted = st.builds(Repeat, st.integers(1, 3), periods, inner)
    timed = st.builds(Repeat, st.just(1), st.integers(4_000, 30_000), inner, st.integers(1_000, 60_000))
    repeats = counted | timed
    choices = st.builds(Choice, st.sampled_from(ANSWERS), inner, st.one_of(inner, empty))
    return st.one_of(flat, flat, repeats, choices)


@st.composite
def treatments(draw: st.DrawFn) -> Treatment:
    """A treatment that begins with a leg, so that something always flows."""
    first: tuple[Part, ...] = (draw(legs()),)
    if draw(st.integers(0, 3)) == 0:
        first = (*first, draw(doses()))
    rest = draw(st.lists(parts(), max_size=2))
    return Treatment(
        (*first, *rest),
        PARAMETERS,
        ANSWERS,
        interruptions=draw(st.sampled_from([0, 2, 3, 5])),
        pause_ms=draw(st.sampled_from([10_000, 60_000, 60_000])),
        resume=draw(st.sampled_from([True] * 7 + [False])),
        dose_pc=draw(st.none() | st.integers(40_000_000_000, 250_000_000_000)),
        ramp_na_s=1_000_000,
        stop_na_s=draw(st.sampled_from([444_444, 700_000, 1_000_000])),
        watches=tuple(draw(st.sampled_from([[], [], []]) | st.lists(watches(), max_size=3))),
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


_STRAY = (Happening.PAUSE, Happening.RESUME, Happening.LEAD_OFF)


@st.composite
def readings_at(draw: st.DrawFn, at_ms: int) -> list[Occurrence]:
    """A load that changes, or a reading that is wrong or missing, for good or for a while."""
    how = draw(st.sampled_from(READINGS))
    change = draw(st.sampled_from(("value", "value", "missing")))
    # More current than is set ends a session, monitors or not: the reference knows nothing of that.
    highest = {Happening.IMPEDANCE: 80_000, Happening.VOLTAGE: 90_000, Happening.CURRENT: 10_000}[how]
    value = draw(st.integers(1, highest)) if change == "value" else None
    found = [Occurrence(at_ms, how, None if change == "value" else change, value, None)]
    if draw(st.booleans()):
        found.append(Occurrence(at_ms + draw(st.integers(100, 4_000)), how, "normal", None, None))
    return found


@st.composite
def timelines(draw: st.DrawFn, gap_ms_max: int = 18_000) -> tuple[Occurrence, ...]:
    """Disturbances one after the other: mostly interruptions that are resumed, and adjustments; seldom an
    end.
    """
    found: list[Occurrence] = []
    at_ms = 0
    for _ in range(draw(st.integers(1, 5))):
        at_ms += draw(st.integers(3_000, gap_ms_max))
        kind = draw(
            st.sampled_from(
                (
                    "interrupt",
                    "interrupt",
                    "press",
                    "press",
                    "adjust",
                    "adjust",
                    "stray",
                    "stop",
                    "read",
                    "read",
                    "away",
                )
            )
        )
        match kind:
            case "interrupt":
                how = draw(st.sampled_from((Happening.PAUSE, Happening.PAUSE, Happening.LEAD_OFF)))
                found.append(Occurrence(at_ms, how, None, None, None))
                # The first press may come while the current still falls, and is refused then.
                for gap_ms in (draw(st.integers(1, 12_000)), 15_000):
                    at_ms += gap_ms
                    found.append(Occurrence(at_ms, Happening.RESUME, None, None, None))
            case "press":
                for gap_ms in draw(st.lists(st.integers(100, 15_000), min_size=1, max_size=6)):
                    found.append(Occurrence(at_ms, Happening.PRESS, BUTTON, None, None))
                    at_ms += gap_ms
            case "adjust":
                item = PARAMETERS[1]
                value = item.lo + item.step * draw(st.integers(0, (item.hi - item.lo) // item.step))
                found.append(Occurrence(at_ms, Happening.ADJUST, item.name, value, None))
            case "read":
                found += draw(readings_at(at_ms))
                at_ms += 2_000
            case "away":
                found.append(Occurrence(at_ms, Happening.AWAY, None, None, None))
                at_ms += draw(st.integers(1, 12_000))
                found.append(Occurrence(at_ms, Happening.BACK, None, None, None))
            case "stray":
                found.append(Occurrence(at_ms, draw(st.sampled_from(_STRAY)), None, None, None))
            case _:
                found.append(Occurrence(at_ms, Happening.STOP, None, None, None))
    return tuple(sorted(found, key=lambda item: item.at_ms))
