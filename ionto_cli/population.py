"""Many simulated patients at once: the skin model of one, as arrays, each column a person. The door to NumPy.

The equations are those of `ionto_runtime.simulation.skin`, which a test holds this against; here all people
of a chunk take each step together. What differs from person to person is drawn from the seed and the chunk's
number alone, so that one machine and a cluster give the same people.

These are distributions of a model, not of patients: the numbers behind it say themselves how little of them
is published.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np

from ionto_ir.dataclass import dataclass, replace
from ionto_runtime.simulation.skin import (
    DEFAULT_SERIES_OHM,
    DEFAULT_SKIN,
    PERSON_SPREAD,
    UM2_PER_CM2,
    SkinParameters,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers = NDArray[np.float64]

CHUNK = 1_000
"""People that take a step together: enough to pay for the call, few enough for the processor's cache."""

POPULATION_MAX = 10_000_000

STEP_MS = 500
"""The fastest change of a resistance takes 10 s: a test holds the result against steps of a tick."""

DRY_OUT_PER_MIN_MAX = 0.05
"""A person's resistance grows by up to this part a minute: treatment dries the skin. No published source."""

SERIES_SPREAD = 1.6
"""Tissue, gel and leads differ by this ratio. Derived from 100 to 500 ohm around 300, which is unsourced."""

SENSITIVE_SHARE = 0.1
"""Part of the people who press stop when the density passes what they bear. No published source."""

BEARABLE_MA_CM2 = (0.03, 0.4)
"""Density that a sensitive person bears, spread evenly as a ratio. No published source."""

BEARS_S = (5.0, 120.0)
"""For how long they bear more, spread evenly as a ratio. No published source."""


@dataclass(frozen=True, slots=True)
class Course:
    """What a session sets, for everybody alike: one entry of `target_ma` (signed) for each `step_ms`.

    `mean_share` of the magnitude adds up to charge (a waveform's peak is more than its mean). `fall_ma_s` is
    how fast a stop comes down; areas in cm2; compliance in V; gain and offset: the device's stated accuracy.
    """

    step_ms: int
    target_ma: tuple[float, ...]
    mean_share: float
    fall_ma_s: float
    areas_cm2: tuple[float, ...]
    compliance_v: float
    gain: float
    offset_ma: float


@dataclass(frozen=True, slots=True)
class Session:
    """What is set in each channel, over the same steps of time; an ordinary session has one.

    `shared` are the electrodes that carry the sum of several channels: their area (cm2), and the channels.
    """

    courses: tuple[Course, ...]
    shared: tuple[tuple[float, tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class Person:
    """What differs from person to person, one number each. `bears_ma_cm2` is infinite for most."""

    factor: Numbers
    series_ohm: Numbers
    dry_out_per_min: Numbers
    bears_ma_cm2: Numbers
    bears_s: Numbers
    gain: Numbers
    offset_ma: Numbers


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of each person: highest voltage (V), last resistance (ohm), charge (mA min) by sign, whether
    they pressed stop, for how long current was set (s) and for how long the voltage was not enough for it.
    """

    peak_v: Numbers
    ohm: Numbers
    forward_ma_min: Numbers
    backward_ma_min: Numbers
    stopped: NDArray[np.bool_]
    lasted_s: Numbers
    limited_s: Numbers

    @property
    def charge_ma_min(self) -> Numbers:
        """Charge in either direction."""
        total: Numbers = self.forward_ma_min + self.backward_ma_min
        return total


def people(seed: int, chunk: int, count: int, course: Course) -> Person:
    """The people of a chunk."""
    chance = np.random.default_rng(np.random.SeedSequence([seed, chunk]))

    def ratio(low: float, high: float) -> Numbers:
        drawn: Numbers = np.exp(chance.uniform(math.log(low), math.log(high), count))
        return drawn

    half = math.sqrt(PERSON_SPREAD)
    sensitive = chance.random(count) < SENSITIVE_SHARE
    return Person(
        factor=ratio(1 / half, half),
        series_ohm=DEFAULT_SERIES_OHM * ratio(1 / SERIES_SPREAD, SERIES_SPREAD),
        dry_out_per_min=chance.uniform(0, DRY_OUT_PER_MIN_MAX, count),
        bears_ma_cm2=np.where(sensitive, ratio(*BEARABLE_MA_CM2), np.inf),
        bears_s=ratio(*BEARS_S),
        gain=chance.uniform(-course.gain, course.gain, count),
        offset_ma=chance.uniform(-course.offset_ma, course.offset_ma, count),
    )


def outputs_of(seed: int, chunk: int, count: int, session: Session) -> tuple[Person, ...]:
    """The people of a chunk at each channel: the same skin and patience, an output with errors of its own."""
    first = people(seed, chunk, count, session.courses[0])
    found = [first]
    for number, course in enumerate(session.courses[1:], 1):
        chance = np.random.default_rng(np.random.SeedSequence([seed, chunk, number]))
        gain = chance.uniform(-course.gain, course.gain, count)
        offset_ma = chance.uniform(-course.offset_ma, course.offset_ma, count)
        found.append(replace(first, gain=gain, offset_ma=offset_ma))
    return tuple(found)


def treated(course: Course, persons: Person, parameters: SkinParameters = DEFAULT_SKIN) -> Outcome:
    """Let a course flow through people, all at once."""
    return treated_together(Session((course,)), (persons,), parameters)[0]


def treated_together(
    session: Session, persons: Sequence[Person], parameters: SkinParameters = DEFAULT_SKIN
) -> tuple[Outcome, ...]:
    """Let all channels flow through people at once; who has borne enough of any of them stops them all."""
    courses = session.courses
    states = [_State(course, person, parameters) for course, person in zip(courses, persons, strict=True)]
    feeling = _Feeling(session, persons[0])
    for targets in zip(*(course.target_ma for course in courses), strict=True):
        flowing = [state.step(target_ma) for state, target_ma in zip(states, targets, strict=True)]
        feeling.feel(states, flowing)
    while any(bool(np.any(state.level_ma > 0)) for state in states):
        feeling.feel(states, [state.step(0.0) for state in states])
    return tuple(state.outcome() for state in states)


class _Feeling:
    """What everybody bears: the highest density under any electrode, for how long."""

    def __init__(self, session: Session, persons: Person) -> None:
        self._session, self._persons = session, persons
        self._above_s = np.zeros(len(persons.factor))

    def feel(self, states: Sequence[_State], flowing: Sequence[Numbers]) -> None:
        """Who has borne more than they can for long enough presses stop, which stops every channel."""
        courses = self._session.courses
        density = np.zeros(len(self._above_s))
        for course, current_ma in zip(courses, flowing, strict=True):
            density = np.maximum(density, current_ma / min(course.areas_cm2))
        for area_cm2, channels in self._session.shared:
            density = np.maximum(density, sum(flowing[channel] for channel in channels) / area_cm2)
        seconds = courses[0].step_ms / 1000
        self._above_s = np.where(density > self._persons.bears_ma_cm2, self._above_s + seconds, 0.0)
        for state in states:
            state.stopping |= self._above_s > self._persons.bears_s


class _State:
    """The skin of everybody: arrays of one number a person, or of one a site and person."""

    def __init__(self, course: Course, persons: Person, parameters: SkinParameters) -> None:
        count = len(persons.factor)
        self._course, self._persons, self._own = course, persons, parameters
        above = np.maximum(0.0, parameters.rest_ohm_cm2 * persons.factor - parameters.floor_ohm_cm2)
        sites = len(course.areas_cm2)
        self._area = np.array(course.areas_cm2)[:, None]
        self._fast_rest = above * parameters.fast_share
        self._slow_rest = above - self._fast_rest
        self._fast = np.tile(self._fast_rest, (sites, 1))
        self._slow = np.tile(self._slow_rest, (sites, 1))
        self._dryness = np.ones((sites, count))
        self._site_v = np.zeros((sites, count))
        self.level_ma = np.zeros(count)
        self._sign = 1.0
        self.stopping = np.zeros(count, dtype=bool)
        self._peak_v, self._ohm = np.zeros(count), np.full(count, np.inf)
        self._forward, self._backward = np.zeros(count), np.zeros(count)
        self._lasted_s, self._limited_s = np.zeros(count), np.zeros(count)
        seconds = course.step_ms / 1000
        self._recovered = math.exp(-seconds / parameters.recovery_s)
        self._follows_kept = math.exp(-seconds / parameters.fast_s)

    def step(self, target_ma: float) -> Numbers:
        """One step of time with this setpoint for all who have not stopped: the magnitude that flowed, mA."""
        seconds = self._course.step_ms / 1000
        self._sign = math.copysign(1.0, target_ma) if target_ma else self._sign
        falling = np.maximum(0.0, self.level_ma - self._course.fall_ma_s * seconds)
        self.level_ma = np.where(self.stopping, np.minimum(falling, self.level_ma), abs(target_ma))
        set_ma = self.level_ma * (1 + self._persons.gain) + self._persons.offset_ma
        wanted = np.where(self.level_ma > 0, np.maximum(0.0, set_ma), 0.0) * self._sign
        current, voltage, limited = self._drive(wanted)
        flowed = np.abs(current) * seconds / 60 * self._course.mean_share
        if self._sign > 0:
            self._forward += flowed
        else:
            self._backward += flowed
        self._peak_v = np.maximum(self._peak_v, np.abs(voltage))
        self._lasted_s += np.where(self.level_ma > 0, seconds, 0.0)
        self._limited_s += np.where(limited, seconds, 0.0)
        magnitude: Numbers = np.abs(current)
        return magnitude

    def _drive(self, wanted: Numbers) -> tuple[Numbers, Numbers, NDArray[np.bool_]]:
        """What `Body.drive` does, for everybody."""
        ms, own = self._course.step_ms, self._own
        site_ohm = (own.floor_ohm_cm2 + self._fast + self._slow) * self._dryness / self._area
        time_constant_ms = site_ohm * own.capacitance_uf_cm2 * self._area / 1000
        share = ms / (time_constant_ms + ms)
        kept_v, felt_ohm = self._site_v * (1 - share), site_ohm * share
        all_kept = kept_v.sum(axis=0)
        ohm = self._persons.series_ohm + felt_ohm.sum(axis=0)
        voltage = all_kept + ohm * wanted / 1000
        compliance = self._course.compliance_v
        limited: NDArray[np.bool_] = (np.abs(voltage) > compliance) & (wanted != 0)
        clamped = np.copysign(compliance, wanted)
        pushed = np.maximum(0.0, (clamped - all_kept) * 1000 / ohm * np.sign(wanted)) * np.sign(wanted)
        current = np.where(limited, pushed, wanted)
        voltage = np.where(limited, clamped, voltage)
        self._ohm = np.where(current != 0, self._persons.series_ohm + site_ohm.sum(axis=0), self._ohm)
        self._site_v = kept_v + felt_ohm * current / 1000
        self._adapt(np.abs(current) / self._area, ms / 1000)
        return current, voltage, limited

    def _adapt(self, density: Numbers, seconds: float) -> None:
        """What `SkinSite.pass_current` does, for everybody."""
        own = self._own
        self._slow = self._slow_rest + (self._slow - self._slow_rest) * self._recovered
        self._slow *= np.exp(-density * (seconds / own.slow_mc_cm2))
        follows = self._fast_rest / (1 + density / own.fast_half_ma_cm2)
        kept = np.where(follows < self._fast, self._follows_kept, self._recovered)
        self._fast = follows + (self._fast - follows) * kept
        self._dryness += np.where(density > 0, self._persons.dry_out_per_min * seconds / 60, 0.0)

    def outcome(self) -> Outcome:
        """What came of everybody."""
        return Outcome(
            peak_v=self._peak_v,
            ohm=self._ohm,
            forward_ma_min=self._forward,
            backward_ma_min=self._backward,
            stopped=self.stopping,
            lasted_s=self._lasted_s,
            limited_s=self._limited_s,
        )


Outcomes = tuple[Outcome, ...]
"""What came of each person in each channel."""


def chunk_of(session: Session, seed: int, chunk: int, count: int) -> Outcomes:
    """One chunk, anywhere: what a worker is given."""
    return treated_together(session, outputs_of(seed, chunk, count, session))


def population(
    course: Course, seed: int, count: int, run: Callable[..., Iterator[Outcomes]] | None = None
) -> Outcome:
    """`count` people of a session with one output."""
    return population_together(Session((course,)), seed, count, run)[0]


def population_together(
    session: Session, seed: int, count: int, run: Callable[..., Iterator[Outcomes]] | None = None
) -> Outcomes:
    """`count` people, in chunks, on the local processors or wherever `run` takes them."""
    assert 1 <= count <= POPULATION_MAX
    numbers = range(-(-count // CHUNK))
    sizes = [min(CHUNK, count - number * CHUNK) for number in numbers]
    done = list((run or _locally)(session, seed, list(numbers), sizes))
    return tuple(
        Outcome(*(np.concatenate([getattr(part, name) for part in parts]) for name in Outcome.__slots__))
        for parts in zip(*done, strict=True)
    )


def _locally(session: Session, seed: int, numbers: Sequence[int], sizes: Sequence[int]) -> Iterator[Outcomes]:
    processes = min(os.cpu_count() or 1, len(numbers))
    if processes == 1:
        yield from (
            chunk_of(session, seed, number, size) for number, size in zip(numbers, sizes, strict=True)
        )
        return
    with ProcessPoolExecutor(processes) as pool:
        count = len(numbers)
        yield from pool.map(chunk_of, [session] * count, [seed] * count, numbers, sizes)


class NoClusterError(Exception):
    """The library is not installed, or nobody answers at the address; the words say which."""


def on_cluster(address: str) -> Callable[..., Iterator[Outcomes]]:
    """Have a dask cluster's workers take the chunks. They need ionto too."""

    def run(session: Session, seed: int, numbers: Sequence[int], sizes: Sequence[int]) -> Iterator[Outcomes]:
        try:
            from distributed import Client
        except ImportError as missing:
            raise NoClusterError("the library `distributed` is not installed") from missing
        try:
            connect: Any = Client
            client = connect(address, timeout="10s", set_as_default=False)
        except (OSError, ValueError) as problem:
            raise NoClusterError(f"nobody answers at `{address}`") from problem
        with client:
            count = len(numbers)
            futures = client.map(chunk_of, [session] * count, [seed] * count, numbers, sizes, pure=False)
            yield from client.gather(futures)

    return run


def area_cm2(area_um2: int) -> float:
    """An area in the model's unit."""
    return area_um2 / UM2_PER_CM2
