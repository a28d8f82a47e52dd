"""`python -m ionto_runtime.simulation.twin`: a simulated reference device on a pseudo-terminal.

The first line that it writes is the path of its serial line. Afterwards it reads the lines of its fault port
(`help` lists them) and answers each. It ends with its input when told `--until-eof`, else by a signal.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from pathlib import Path

from ionto_runtime.clock import RealClock
from ionto_runtime.link.schema import BOARDS
from ionto_runtime.simulation.emulated import Emulated
from ionto_runtime.simulation.fault_port import FaultPort
from ionto_runtime.simulation.ionlink_device import IonLinkDevice
from ionto_runtime.simulation.line_faults import FaultyLine
from ionto_runtime.simulation.plant import Plant, ReferenceDevice
from ionto_runtime.simulation.pty_server import PtyServer
from ionto_runtime.simulation.skin import UM2_PER_CM2, body_of

AREAS_UM2 = (12 * UM2_PER_CM2, 24 * UM2_PER_CM2)
"""Two electrodes as adhesive ones are sold."""

COMMAND_BYTES_MAX = 4_096


def main(words: list[str] | None = None) -> int:
    """Serve until the end; the exit code."""
    wanted = _arguments().parse_args(words)
    stopped: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: stopped.append(number))
    device = _device(wanted)
    line = FaultyLine(device, wanted.seed)
    server = PtyServer(line, RealClock(), wanted.link)
    port = FaultPort(device, line, server)
    _say(server.path)
    try:
        _serve(server, port, stopped, until_eof=wanted.until_eof)
    finally:
        server.unplug()
        device.close()
    return 0


def _serve(server: PtyServer, port: FaultPort, stopped: list[int], *, until_eof: bool) -> None:
    """Pass time and lines on until a signal or, when told so, the end of the input."""
    commands: tuple[int, ...] = (sys.stdin.fileno(),)
    pending = b""
    while not stopped:
        for descriptor in server.step(commands):
            data = os.read(descriptor, COMMAND_BYTES_MAX)
            if not data:
                if until_eof:
                    return
                commands = ()
            *ended, pending = (pending + data).split(b"\n")
            pending = pending[:COMMAND_BYTES_MAX]
            for command in ended:
                _say(port.do(command.decode("utf-8", "replace")))


def _device(wanted: argparse.Namespace) -> ReferenceDevice:
    board = next(board for board in BOARDS if board.model == wanted.board)
    plant = Plant(body_of(AREAS_UM2, wanted.seed), wanted.seed, board)
    if wanted.firmware is None:
        return IonLinkDevice(plant, wanted.serial)
    return Emulated(wanted.firmware / "bridge", wanted.firmware / f"{board.model}.elf", plant, wanted.serial)


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ionto_runtime.simulation.twin",
        description="A simulated IonLink device on a pseudo-terminal; no current flows through anybody.",
    )
    parser.add_argument("--seed", type=int, default=1, metavar="N", help="which person and which device")
    parser.add_argument("--serial", default="SIM-0001", metavar="TEXT", help="its serial number")
    models = [board.model for board in BOARDS]
    parser.add_argument("--board", choices=models, default=models[0], help="which reference device")
    parser.add_argument("--link", type=Path, metavar="PATH", help="a name that leads to the line")
    parser.add_argument(
        "--firmware",
        type=Path,
        metavar="FOLDER",
        help="run the reference firmware, built there by `make firmware`, instead of the twin",
    )
    parser.add_argument("--until-eof", action="store_true", help="end when the input ends")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
