"""The loop that runs a session: absolute deadlines, people and signals between them, and no way out but down.

A deadline that was missed is gone: ticks are never caught up, because catching up would be a jump. In real
time lateness is watched, and too much of it stops the session. The device is told of time by the same clock,
so a simulated one does in a slow program what a real one would.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from ionto_ir.dataclass import dataclass
from ionto_ir.events import EmergencyStop
from ionto_runtime.clock import Clock
from ionto_runtime.ensemble import Ensemble
from ionto_runtime.session import Session
from ionto_runtime.view import Commanding, Console, Facts, View, view_of
from ionto_runtime.view_together import view_of_all

LATE_MS_MAX = 250
"""A tick that is later than this stops the session (R54): Python on a busy machine is seldom half as late."""

SLICE_MS = 50
"""In real time people are listened to this often, so that a stop is never slower than R23 allows."""

EVENTS_PER_LOOK_MAX = 100
"""What people can say between two looks: more is no person."""

Passing = Callable[[int], None]
"""Told how many milliseconds have gone by."""


class Signals:
    """SIGINT, SIGTERM and SIGHUP as they come in: the second stop path beside the console (R25)."""

    def __init__(self) -> None:
        self._names: list[str] = []

    def note(self, number: int, _frame: FrameType | None) -> None:
        """The handler: nothing is done where the program happened to be."""
        self._names.append(signal.Signals(number).name)

    def take(self) -> list[str]:
        """What has come in since the last time."""
        names, self._names = self._names, []
        return names


@contextmanager
def signals_noted() -> Iterator[Signals]:
    """Signals stop the session instead of the program, until the block is left."""
    signals = Signals()
    if threading.current_thread() is not threading.main_thread():
        yield signals  # only the main thread is given signals
        return
    wanted = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, signals.note) for number in wanted}
    try:
        yield signals
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def run_session(
    session: Session | Ensemble,
    console: Console,
    facts: Facts,
    clock: Clock,
    passing: Passing,
    *,
    real_time: bool,
    unattended: Callable[[], str | None] = lambda: None,
    acknowledged: Callable[[], tuple[str, ...]] = tuple,
    commanding: Callable[[], tuple[Commanding, ...]] = tuple,
) -> None:
    """Run an armed session, of one channel or of several, to its end and seal its journal; returns when the
    output was seen off, or with an alarm that says it was not.

    `unattended` says why nobody looks after the session any more, None while somebody does (R66);
    `acknowledged` gives the codes of alarms that people have seen since it was asked last, and `commanding`
    who has come to command since then.
    """
    with signals_noted() as signals:
        people = _People(console, unattended, acknowledged, commanding)
        loop = _Loop(session, people, facts, clock, passing, signals, real_time=real_time)
        try:
            loop.run()
        except Exception as bug:
            session.trip(f"{type(bug).__name__}: {bug}", loop.since_tick_ms)
        loop.show()
    session.finish()


@dataclass(frozen=True, slots=True)
class _People:
    """How the session hears of people."""

    console: Console
    unattended: Callable[[], str | None]
    acknowledged: Callable[[], tuple[str, ...]]
    commanding: Callable[[], tuple[Commanding, ...]]


class _Loop:
    """The state of the loop: when the last tick was, and whether the console still works."""

    def __init__(
        self,
        session: Session | Ensemble,
        people: _People,
        facts: Facts,
        clock: Clock,
        passing: Passing,
        signals: Signals,
        *,
        real_time: bool,
    ) -> None:
        self._session = session
        self._people = people
        self._console: Console | None = people.console
        self._facts = facts
        self._clock = clock
        self._passing = passing
        self._signals = signals
        self._real_time = real_time
        self._signalled = False
        self._told_ms = self._tick_ms = clock.now_ms()

    @property
    def since_tick_ms(self) -> int:
        """How long ago the last tick was."""
        return self._clock.now_ms() - self._tick_ms

    def run(self) -> None:
        """From the first step of the plan until the output was seen off."""
        session, clock = self._session, self._clock
        tick_ms = session.bound.constants.tick_ms
        deadline_ms = clock.now_ms()
        session.begin()
        while not session.closed:
            deadline_ms += tick_ms
            self._wait(deadline_ms)
            self._tell()
            now_ms = self._told_ms
            late_ms = now_ms - deadline_ms
            if self._real_time:
                self._judge(late_ms)
            session.tick(now_ms - self._tick_ms)
            self._tick_ms = now_ms
            self.show()
            deadline_ms += late_ms // tick_ms * tick_ms

    def _wait(self, deadline_ms: int) -> None:
        """Let time pass until the deadline; listen on the way, and at least once."""
        while True:
            now_ms = self._clock.now_ms()
            if now_ms < deadline_ms:
                until_ms = min(deadline_ms, now_ms + SLICE_MS) if self._real_time else deadline_ms
                self._clock.sleep_until(until_ms)
            self._tell()
            self._listen()
            if self._clock.now_ms() >= deadline_ms:
                return

    def _tell(self) -> None:
        now_ms = self._clock.now_ms()
        self._passing(now_ms - self._told_ms)
        self._told_ms = now_ms

    def _judge(self, late_ms: int) -> None:
        """Stop when this tick, or all of them together, are later than the device is meant to bridge."""
        session = self._session
        gap_ms = session.bound.plan.device.host_gap_ms
        if late_ms > LATE_MS_MAX or session.behind_ms > gap_ms:
            session.raise_alarm("F22", f"{late_ms} ms late, {session.behind_ms} ms behind")
            session.stop("the computer was too slow")
        elif late_ms >= session.bound.constants.tick_ms:
            session.raise_alarm("F26", f"{late_ms} ms late")

    def _listen(self) -> None:
        """Do what signals and people ask for."""
        for name in self._signals.take():
            if self._signalled and not self._session.ended:
                self._session.feed(EmergencyStop(), name)
            self._session.stop(name)
            self._signalled = True
        if self._console is None:
            return
        try:
            wanted = self._console.poll(self._seen())
        except Exception as problem:
            self._without_console(problem)
            return
        for change in self._people.commanding():
            self._session.commanded(change.name, change.taken_from)
        for event in wanted[:EVENTS_PER_LOOK_MAX]:
            if not self._session.ended:
                self._session.hear(event)
        for code in self._people.acknowledged():
            self._session.acknowledge(code)
        alone = self._people.unattended()
        if alone is not None and not self._session.ended:
            self._session.raise_alarm("F47", alone)
            self._session.stop(alone)

    def _seen(self) -> View:
        session = self._session
        return (
            view_of_all(session, self._facts)
            if isinstance(session, Ensemble)
            else view_of(session, self._facts)
        )

    def show(self) -> None:
        """Show what is; a console that cannot stops the session."""
        if self._console is None:
            return
        try:
            self._console.show(self._seen())
        except Exception as problem:
            self._without_console(problem)

    def _without_console(self, problem: Exception) -> None:
        """Nobody sees the session any more: it comes down, and goes on record (R56, R66)."""
        self._console = None
        self._session.raise_alarm("F23", f"{type(problem).__name__}: {problem}")
        self._session.stop("the display failed")
