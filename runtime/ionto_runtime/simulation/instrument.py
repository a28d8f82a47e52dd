"""`python -m ionto_runtime.simulation.instrument NAME`: a simulated bench instrument on a pseudo-terminal.

The first line that it writes is the path of its serial line; it ends with its input.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from ionto_runtime.clock import RealClock
from ionto_runtime.simulation.keithley import QUEUE_BYTES, Keithley2400
from ionto_runtime.simulation.load import Load
from ionto_runtime.simulation.pty_server import PtyServer
from ionto_runtime.simulation.skin import UM2_PER_CM2, body_of
from ionto_runtime.simulation.stimjim import StimJim
from ionto_runtime.simulation.uart import Uart

AREAS_UM2 = (12 * UM2_PER_CM2, 24 * UM2_PER_CM2)
INPUT_BYTES_MAX = 4_096


def main(words: list[str] | None = None) -> int:
    """Serve until the input ends; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ionto_runtime.simulation.instrument",
        description="A simulated bench instrument on a pseudo-terminal; its skin is software.",
    )
    parser.add_argument("name", choices=("keithley_2400", "stimjim"), help="which instrument")
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="whose skin")
    parser.add_argument("--link", type=Path, metavar="PATH", help="a name that leads to the line")
    wanted = parser.parse_args(words)
    load = Load(body_of(AREAS_UM2, wanted.seed))
    uart = Uart(StimJim(load), 115_200, 1_000)
    if wanted.name == "keithley_2400":
        uart = Uart(Keithley2400(load), 57_600, QUEUE_BYTES)
    server = PtyServer(uart, RealClock(), wanted.link)
    sys.stdout.write(f"{server.path}\n")
    sys.stdout.flush()
    while True:
        for descriptor in server.step((sys.stdin.fileno(),)):
            if not os.read(descriptor, INPUT_BYTES_MAX):
                server.unplug()
                return 0


if __name__ == "__main__":
    sys.exit(main())
