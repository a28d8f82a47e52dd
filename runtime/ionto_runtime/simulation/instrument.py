"""`python -m ionto_runtime.simulation.instrument NAME`: a simulated bench instrument on a pseudo-terminal.

The first line that it writes is the path of its serial line, the second that of its watchdog relay when it
has one; it ends with its input.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from ionto_runtime.clock import RealClock
from ionto_runtime.simulation.keithley import QUEUE_BYTES, Keithley2400
from ionto_runtime.simulation.load import Load
from ionto_runtime.simulation.pty_server import PtyServer, step_all
from ionto_runtime.simulation.skin import UM2_PER_CM2, body_of
from ionto_runtime.simulation.stimjim import StimJim
from ionto_runtime.simulation.uart import Uart
from ionto_runtime.simulation.watchdog_relay import SimulatedRelay

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
    parser.add_argument(
        "--watchdog-link",
        type=Path,
        metavar="PATH",
        help="wire a watchdog relay to the output-enable line of a keithley_2400; a name for its line",
    )
    wanted = parser.parse_args(words)
    if wanted.watchdog_link is not None and wanted.name != "keithley_2400":
        parser.error(f"a {wanted.name} has no line that enables its output")
    load = Load(body_of(AREAS_UM2, wanted.seed))
    servers: list[PtyServer] = []
    if wanted.name == "stimjim":
        servers.append(PtyServer(Uart(StimJim(load), 115_200, 1_000), RealClock(), wanted.link))
    else:
        instrument = Keithley2400(load)
        servers.append(PtyServer(Uart(instrument, 57_600, QUEUE_BYTES), RealClock(), wanted.link))
        if wanted.watchdog_link is not None:
            servers.append(PtyServer(SimulatedRelay(instrument), RealClock(), wanted.watchdog_link))
    for server in servers:
        sys.stdout.write(f"{server.path}\n")
    sys.stdout.flush()
    return _serve(servers, load)


def _serve(servers: list[PtyServer], load: Load) -> int:
    """Until the input ends. Each line of it is a question; the answer: what flows and has flowed."""
    while True:
        for descriptor in step_all(servers, (sys.stdin.fileno(),)):
            data = os.read(descriptor, INPUT_BYTES_MAX)
            if not data:
                for each in servers:
                    each.unplug()
                return 0
            for _ in range(data.count(b"\n")):
                sys.stdout.write(json.dumps(_state(load)) + "\n")
            sys.stdout.flush()


def _state(load: Load) -> dict[str, int]:
    return {
        "current_na": round(load.flow.skin_ma * 1_000_000),
        "forward_pc": load.received.forward_pc,
        "backward_pc": load.received.backward_pc,
    }


if __name__ == "__main__":
    sys.exit(main())
