"""A watchdog relay: what ends the output of an instrument that has no dead-man of its own (R45).

It is a timer on the transmit line of a serial adapter: any byte closes its contact, and so long after the
last one the contact opens. There is no protocol, so nothing can be misunderstood, and nothing but bytes that
go on coming keeps it closed. The contact holds the line that enables the instrument's output. Only a driver
feeds it, with the setpoint: no thread of its own, which would feed it for a session that hangs (R43).
"""

from __future__ import annotations

from ionto_runtime.drivers.driver import Problem
from ionto_runtime.drivers.serial_port import open_port
from ionto_runtime.drivers.transport import LineSettings, Transport

SETTINGS = LineSettings(9_600)
FEED = b"U"
"""Bits in turn, so that a timer that is triggered by edges sees some."""

WRITE_MS = 20


def open_relay(port: str) -> WatchdogRelay | Problem:
    """The relay on a serial line."""
    line = open_port(port, SETTINGS)
    return line if isinstance(line, Problem) else WatchdogRelay(line)


class WatchdogRelay:
    """One relay. It says nothing: whether its contact is closed is seen at the instrument."""

    def __init__(self, line: Transport) -> None:
        self._line = line

    @property
    def failure(self) -> str | None:
        """Why it can no longer be fed."""
        return self._line.failure

    def feed(self) -> bool:
        """Close it, or keep it closed; whether the byte went out."""
        return self._line.write(FEED, WRITE_MS)

    def close(self) -> None:
        """Give its line back; it opens by itself."""
        self._line.close()
