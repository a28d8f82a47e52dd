"""From the FILE argument of a command to compiled protocols, with everything said that has to be said."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from ionto_cli.exits import Exit
from ionto_cli.terminal import complain, note
from ionto_dsl.compilation import Compilation, CompiledProtocol
from ionto_dsl.driver import compile_file
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import error
from ionto_ir.source import SourceFile


@dataclass(frozen=True, slots=True)
class Chosen:
    """One compiled protocol and the sources that its messages point into."""

    protocol: CompiledProtocol
    sources: Mapping[str, SourceFile]


def compile_all(name: str, arguments: argparse.Namespace) -> tuple[Compilation, Mapping[str, SourceFile]]:
    """Compile a file for the chosen device and protocol; nothing is written yet."""
    compilation = compile_file(name, arguments.device, protocol=arguments.protocol)
    return compilation, {source.name: source for source in compilation.files}


def announce_devices(compilation: Compilation) -> None:
    """Say aloud for which devices a protocol is judged that names none."""
    chosen: dict[str, list[str]] = {}
    for compiled in compilation.plans:
        if not compiled.device_named:
            chosen.setdefault(compiled.name, []).append(compiled.plan.device.name)
    for name, devices in chosen.items():
        note(f"{name} names no device; taken for each that fits: {', '.join(devices)}")
        for misfit in compilation.misfits:
            if misfit.protocol == name:
                note(f"  not for {misfit.device}: {misfit.reason}")


def choose_one(arguments: argparse.Namespace) -> Chosen | Exit:
    """The one protocol, for one device, that a command works on; complaints are written."""
    compilation, sources = compile_all(arguments.file, arguments)
    said = complain(*compilation.diagnostics, files=sources)
    if not compilation.ok:
        return said
    plans = compilation.plans
    if len(plans) == 1:
        return Chosen(plans[0], sources)
    if not plans:
        return complain(error("I0905", f"`{arguments.file}` holds no protocol", None))
    names = sorted({compiled.name for compiled in plans})
    if len(names) > 1:
        message = f"`{arguments.file}` holds several protocols: {', '.join(names)}"
        advice = f"choose one of them: `--protocol {names[0]}`"
    else:
        devices = [compiled.plan.device.name for compiled in plans]
        message = f"`{names[0]}` names no device, and several fit: {', '.join(devices)}"
        advice = f"choose one of them: `--device {devices[0]}`"
    return complain(error("I0905", message, None, help=advice))
