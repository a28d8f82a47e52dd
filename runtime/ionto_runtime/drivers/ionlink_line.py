"""Questions and answers over an IonLink line: numbers, deadlines, and what an answer says of the line itself.

An answer belongs to the question whose session and number it repeats, and to no other: one that comes too
late is thrown away (R40). A question that stays without answer is not asked again by itself; only commands
that the device recognises as the same one (same number, same bytes) are sent up to ATTEMPTS times.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable

from ionto_runtime.clock import Clock
from ionto_runtime.drivers.driver import Complaint
from ionto_runtime.drivers.transport import Transport
from ionto_runtime.link.clock_watch import ClockWatch
from ionto_runtime.link.frames import Frame, FrameReader, encode
from ionto_runtime.link.messages import Command, Status
from ionto_runtime.link.schema import STOP_BYTES, Kind, Reason, Trip

ANSWER_MS = 80
"""An answer takes 10 ms at 115200 baud; two questions that stay unanswered take less than two ticks."""

WRITE_MS = 50
ATTEMPTS = 3
LINK_LOSS_MS = 500
"""Silence after which nobody can say any more what the output does (R41)."""

DAMAGED_MAX = 20
DAMAGED_WINDOW_MS = 10_000
"""More damaged frames in this time than any line in order has: the bound of R51."""

CLOCK_WRAP_MS = 1 << 32


def random_session() -> int:
    """A session that no earlier one is mistaken for; never 0."""
    return secrets.randbelow((1 << 32) - 1) + 1


class IonLinkLine:
    """One session on a line. `status` is the newest answer, `fallen` why this session is over for good."""

    def __init__(self, line: Transport, clock: Clock, draw: Callable[[], int] = random_session) -> None:
        self._line = line
        self._clock = clock
        self.session = draw()
        self.status: Status | None = None
        self.ack = 0
        self.fallen: str | None = None
        self._reader = FrameReader()
        self._sequence = 0
        self._boot: int | None = None
        self._watch = ClockWatch(CLOCK_WRAP_MS)
        self._heard_ms: int | None = None
        self._window_ms, self._window_damaged = clock.now_ms(), 0
        self._latches = 0
        self._complaints: list[Complaint] = []
        self._told: set[str] = set()

    # --- asking -----------------------------------------------------------------------------------------
    def ask(self, command: Command, attempts: int = 1) -> tuple[int, Status | None]:
        """The number under which the command was sent, and the answer, if one came."""
        self._sequence = self._sequence + 1 & 0xFFFF
        seen = self.ack
        wire = encode(Frame(self.session, self._sequence, seen, command))
        asked_ms = self._clock.now_ms()
        for _ in range(attempts):
            status = self._exchange(wire, self._sequence, asked_ms)
            if status is not None or self._line.failure is not None:
                return self._sequence, status
        return self._sequence, None

    def stop(self) -> Status | None:
        """The bytes that open the output whatever stands before them; the device's answer, if it came."""
        if not self._line.write(STOP_BYTES, WRITE_MS):
            return None
        return self._await(self._clock.now_ms(), _answers_stop)

    def drop(self) -> None:
        """Forget what has come in before there was a question."""
        self._line.drop()
        self._reader = FrameReader()
        self._window_damaged = 0

    def close(self) -> None:
        """Give the line back."""
        self._line.close()

    # --- what was noticed -------------------------------------------------------------------------------
    def complaints(self) -> tuple[Complaint, ...]:
        """What was noticed since the last call; the same thing is said once."""
        now_ms = self._clock.now_ms()
        if self._line.failure is not None:
            self._complain("F30", self._line.failure)
        elif self._heard_ms is not None and now_ms - self._heard_ms > LINK_LOSS_MS:
            self._complain("F30", f"no answer for {now_ms - self._heard_ms} ms")
        told, self._complaints = tuple(self._complaints), []
        return told

    def forget_latches(self) -> None:
        """Trips that were acknowledged may be told again when they come again."""
        self._latches = 0
        self._told.discard("F33")

    def _complain(self, alarm: str, text: str) -> None:
        if alarm not in self._told:
            self._told.add(alarm)
            self._complaints.append(Complaint(alarm, text))

    def _fall(self, alarm: str, text: str) -> None:
        self.fallen = self.fallen or text
        self._complain(alarm, text)

    # --- answers ----------------------------------------------------------------------------------------
    def _exchange(self, wire: bytes, sequence: int, asked_ms: int) -> Status | None:
        # The time of the first attempt counts: the answer may be to that one.
        if not self._line.write(wire, WRITE_MS):
            return None

        def belongs(frame: Frame) -> bool:
            return frame.session == self.session and frame.sequence == sequence

        return self._await(asked_ms, belongs)

    def _await(self, asked_ms: int, belongs: Callable[[Frame], bool]) -> Status | None:
        until_ms = self._clock.now_ms() + ANSWER_MS
        while (left_ms := until_ms - self._clock.now_ms()) > 0 and self._line.failure is None:
            for frame in self._reader.feed(self._line.read(left_ms)):
                if isinstance(frame.message, Status) and belongs(frame):
                    self._count_damage()
                    self._take(frame, frame.message, asked_ms)
                    return frame.message
        self._count_damage()
        return None

    def _take(self, frame: Frame, status: Status, asked_ms: int) -> None:
        """Believe an answer, and look at what it says beside what was asked."""
        self._heard_ms = now_ms = self._clock.now_ms()
        self._told.discard("F30")
        self.status, self.ack = status, frame.ack
        if self._boot is None:
            self._boot = status.boot
        if status.boot != self._boot:
            self._fall("F31", f"the device has restarted: start {status.boot} after {self._boot}")
            return
        if status.to is not Kind.STOP and status.reason is Reason.SESSION and status.to is not Kind.OFF:
            self._fall("F34", "the device has begun a session with another host")
        if (said := self._watch.see(asked_ms, now_ms, status.device_ms)) is not None:
            self._complain("F32", said)
        fresh = status.latches & ~self._latches & ~bit_of(Trip.EXPIRED)
        self._latches = status.latches
        if fresh:
            self._complain("F33", f"the device has tripped: {trips_in_words(fresh)}")

    def _count_damage(self) -> None:
        now_ms = self._clock.now_ms()
        if now_ms - self._window_ms >= DAMAGED_WINDOW_MS:
            self._window_ms, self._window_damaged = now_ms, 0
        self._window_damaged += self._reader.damaged
        self._reader.damaged = 0
        if self._window_damaged > DAMAGED_MAX:
            self._complain("F35", f"more than {DAMAGED_MAX} damaged frames in {DAMAGED_WINDOW_MS // 1000} s")


def _answers_stop(frame: Frame) -> bool:
    return isinstance(frame.message, Status) and frame.message.to is Kind.STOP


def bit_of(trip: Trip) -> int:
    """The latch of a cause."""
    return 1 << trip - 1


def trips_of(latches: int) -> tuple[Trip, ...]:
    """The causes that are latched."""
    return tuple(trip for trip in Trip if trip is not Trip.NONE and latches & bit_of(trip))


def trips_in_words(latches: int) -> str:
    """The same for a person."""
    known = ", ".join(TRIP_WORDS[trip] for trip in trips_of(latches))
    return known or f"for a reason this version does not know ({latches})"


TRIP_WORDS: dict[Trip, str] = {
    Trip.NONE: "nothing",
    Trip.OVER_CURRENT: "more current than was set",
    Trip.OVER_CHARGE: "the charge of the session is used up",
    Trip.EXPIRED: "the host fell silent",
    Trip.WATCHDOG: "its own program stood still",
    Trip.BROWN_OUT: "its supply dipped",
    Trip.SELF_TEST: "its self test failed",
    Trip.ON_TIME: "the time of the session is used up",
    Trip.STOPPED: "it was stopped",
    Trip.SENSOR: "its own readings cannot be believed",
    Trip.OVER_VOLTAGE: "more voltage than was set",
}
