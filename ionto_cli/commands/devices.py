"""`ionto devices`: the lines of this computer, and what the devices of each driver can do."""

from __future__ import annotations

import argparse

from ionto_cli.exits import Exit
from ionto_cli.terminal import paint, say, write_json
from ionto_ir.canonical import Json
from ionto_runtime.drivers.driver import Capabilities, DeadMan
from ionto_runtime.drivers.registry import capabilities_of, driver_names
from ionto_runtime.drivers.serial_port import list_ports
from ionto_runtime.drivers.transport import PortIdentity

SCHEMA = "ionto.devices/1"


def run(arguments: argparse.Namespace) -> Exit:
    """List ports, then drivers."""
    ports = list_ports()
    rows = [row for row in map(capabilities_of, driver_names()) if isinstance(row, Capabilities)]
    if arguments.json:
        write_json(
            {"schema": SCHEMA, "ports": [_port(port) for port in ports], "drivers": [_row(r) for r in rows]}
        )
        return Exit.PROVED
    say(paint("lines of this computer", "bold"))
    for port in ports:
        serial = f", serial number {port.serial_number}" if port.serial_number else ""
        say(f"  {port.path}  {port.description}{serial}")
    if not ports:
        say("  none; a device that is plugged in shows up here")
    for row in rows:
        say()
        say(f"{paint(row.driver, 'bold')}: {row.title}")
        for line in _lines(row):
            say(f"  {line}")
    say()
    say("`ionto doctor --port PATH --driver NAME` looks at a device, at zero current")
    return Exit.PROVED


def _lines(row: Capabilities) -> list[str]:
    """The facts in words; what is missing is said as plainly as what is there."""
    silent = "when the computer falls silent, the output"
    ends = f"is ended by {row.dead_man.value}" if row.dead_man is not DeadMan.NONE else "STAYS ON"
    ends += f", unless it is ended by {DeadMan.EXTERNAL_RELAY.value}" if row.takes_relay else ""
    return [
        f"dead-man        {silent} {ends}",
        f"for people      {'yes' if row.for_people else 'NO: bench only'}",
        f"polarity        {'both' if row.bipolar else 'one'}",
        f"waveforms       {', '.join(row.waveforms)}",
        f"says            {_says(row)}",
        f"after a reset   {'no output' if row.reset_is_off else 'OUTPUT POSSIBLE'}",
        f"source          {row.source}",
    ]


def _says(row: Capabilities) -> str:
    said = ["current"]
    said += ["voltage"] if row.measures_voltage else []
    said += ["setpoint"] if row.reads_back_setpoint else []
    said += ["its own time"] if row.clock else []
    return ", ".join(said)


def _port(port: PortIdentity) -> dict[str, Json]:
    return {
        "path": port.path,
        "description": port.description,
        "vendor_id": port.vendor_id,
        "product_id": port.product_id,
        "serial_number": port.serial_number,
    }


def _row(row: Capabilities) -> dict[str, Json]:
    return {
        "driver": row.driver,
        "title": row.title,
        "dead_man": row.dead_man.name.lower(),
        "takes_relay": row.takes_relay,
        "for_people": row.for_people,
        "bipolar": row.bipolar,
        "waveforms": list(row.waveforms),
        "measures_voltage": row.measures_voltage,
        "reads_back_setpoint": row.reads_back_setpoint,
        "clock": row.clock,
        "reset_is_off": row.reset_is_off,
        "source": row.source,
    }
