"""Which devices a plan runs on, and on which lines, as the command line and device files say it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from ionto_cli.sealed import simulated_problem
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_runtime.device_file import DeviceFile, read_device_file
from ionto_runtime.safety.admitted import line_problems
from ionto_runtime.safety.job import ChannelLine
from ionto_runtime.simulation.driver import PORT as SIMULATED_PORT


@dataclass(frozen=True, slots=True)
class Line:
    """Which device, on which line; with several channels `channels` has a line for each."""

    plan: Path
    trust: Path | None
    port: str
    driver: str
    device_file: Path | None
    web: int | None = None
    channels: tuple[ChannelLine, ...] = ()
    console: bool = False

    @property
    def commanded_elsewhere(self) -> bool:
        """Whether a page or a screen commands, and not the command that started the session."""
        return self.console or self.web is not None


def ports_of(line: Line) -> str:
    """The line, or that of each channel, for people."""
    if not line.channels:
        return line.port
    return ", ".join(f"{channel.port} ({channel.channel})" for channel in line.channels)


def line_of(arguments: argparse.Namespace, plan: Plan) -> Line | tuple[Diagnostic, ...] | None:
    """Which device the plan runs on: None for the one that is simulated within this program."""
    files = _named(arguments.device_file, plan)
    ports = _named(arguments.port, plan)
    read = {name: read_device_file(Path(path)) for name, path in files}
    unread = tuple(item for item in read.values() if isinstance(item, Diagnostic))
    if unread:
        return unread
    known = {name: item for name, item in read.items() if isinstance(item, DeviceFile)}
    for name, file in known.items():
        if file.port is not None and name not in dict(ports):
            ports.append((name, file.port))
    if not ports and (arguments.web is not None or arguments.console):
        ports = [
            ("", SIMULATED_PORT)
        ]  # pages and screens come to a safety process, also of a simulated device
    if not ports:
        problem = simulated_problem(plan, Path(arguments.plan))
        return None if problem is None else (problem,)
    lines = _spread(ports, plan)
    problems = _problems(arguments, plan, lines)
    if problems:
        return problems
    drivers = {arguments.driver} - {None} or {file.driver for file in known.values()} or {plan.device.driver}
    if len(drivers) > 1:
        shown = ", ".join(f"`{name}`" for name in sorted(drivers))
        return (error("I0870", f"the device files name several drivers: {shown}", None),)
    paths = {name: file.path for name, file in known.items()}
    channels = (
        tuple(ChannelLine(name, port, paths.get(name)) for name, port in lines) if plan.channels else ()
    )
    return Line(
        plan=Path(arguments.plan),
        trust=Path(arguments.trust) if arguments.trust else None,
        port=lines[0][1],
        driver=drivers.pop(),
        device_file=None if plan.channels else paths.get(""),
        web=arguments.web,
        channels=channels,
        console=arguments.console,
    )


Named = list[tuple[str, str]]
"""Channels (empty: none was named) and what was named for each."""


def _named(texts: Sequence[str], plan: Plan) -> Named:
    """What is given as CHANNEL=PATH for a plan with channels; a path may have such a sign itself."""
    found: Named = []
    for text in texts:
        name, sign, path = text.partition("=")
        is_channel = bool(sign) and bool(plan.channels) and "/" not in name
        found.append((name, path) if is_channel else ("", text))
    return found


def _spread(ports: Named, plan: Plan) -> Named:
    """A simulated line is one for each channel, on persons' skins that lie beside each other."""
    if not plan.channels:
        return ports
    name, _, seed = ports[0][1].partition(":")
    if len(ports) == 1 and not ports[0][0] and name == SIMULATED_PORT and (seed or "1").isdecimal():
        first = int(seed or "1")
        return [
            (channel.name, f"{SIMULATED_PORT}:{number}")
            for number, channel in enumerate(plan.channels, start=first)
        ]
    return [
        (name, f"{SIMULATED_PORT}:{number}" if port == SIMULATED_PORT else port)
        for number, (name, port) in enumerate(ports, start=1)
    ]


def _problems(arguments: argparse.Namespace, plan: Plan, lines: Named) -> tuple[Diagnostic, ...]:
    if plan.channels:
        unfit = tuple(line_problems(plan, [ChannelLine(name, port, None) for name, port in lines]))
        if unfit:
            return unfit
    elif len(lines) > 1:
        return (error("I0870", f"the plan has one channel, and {len(lines)} lines are named", None),)
    if arguments.accelerate != 1:
        text = "a device has its own time: `--accelerate` is for the simulated one"
        return (error("I0901", text, None, help="leave it out, or leave out `--port`"),)
    real = [port for _, port in lines if port.partition(":")[0] != SIMULATED_PORT]
    if arguments.yes and real:
        text = "`--yes` confirms for nobody: on a device a person confirms"
        return (error("I0901", text, None, help="leave it out"),)
    return ()
