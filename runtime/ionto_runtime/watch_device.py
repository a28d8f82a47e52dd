"""The watch on what the device says of itself: its complaints (R52), its limits (R7, R11)."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_runtime.drivers.driver import Driver
from ionto_runtime.watching import Act, Finding, Sight

VERIFY_EVERY_MS = 10_000
"""How often the device is asked for its limits again (R11): one without has restarted, or worse."""


class DeviceWatch:
    """Reads the device's list of errors after each tick's commands, and its limits every ten seconds."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._since_ms = 0

    def look(self, sight: Sight) -> Iterator[Finding]:
        """Any complaint is a stop; limits that are gone open the output."""
        for complaint in self._driver.errors():
            yield Finding(Act.STOP, complaint.text, complaint.alarm)
        self._since_ms += sight.passed_ms
        if self._since_ms >= VERIFY_EVERY_MS and sight.reading is not None:
            self._since_ms = 0
            problem = self._driver.verify_limits()
            if problem is not None:
                yield Finding(Act.OPEN, problem.text, "F46")
