"""A host that drives 1 mA for ever: the process that the tests kill, freeze and unplug.

Usage: host.py PATH. Writes a line when the current has been taken for the first time.
"""

from __future__ import annotations

import sys

from ionto_runtime.clock import RealClock
from ionto_runtime.drivers.serial_port import SerialPort, open_port
from ionto_runtime.drivers.transport import LineSettings
from ionto_runtime.stimulator import Accepted
from tests.conformance.sessions import LEASE_MS, MA, prepared

PERIOD_MS = 50


def main() -> None:
    """Until somebody ends it."""
    clock = RealClock()
    line = open_port(sys.argv[1], LineSettings(baud=115_200))
    assert isinstance(line, SerialPort), line
    driver = prepared(line, clock)
    seq = 0
    said = False
    while True:
        seq += 1
        driver.measure()
        if isinstance(driver.set_current(MA, LEASE_MS, seq), Accepted) and not said:
            said = True
            print("driving", flush=True)
        clock.sleep_until(clock.now_ms() + PERIOD_MS)


if __name__ == "__main__":
    main()
