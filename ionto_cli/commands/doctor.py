"""`ionto doctor`: looks at a device at zero current, and writes down which unit it is."""

from __future__ import annotations

import argparse
from pathlib import Path

from ionto_cli.exits import Exit
from ionto_cli.files import system_words, write_whole
from ionto_cli.terminal import complain, paint, say, write_json
from ionto_ir.canonical import Json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_runtime.clock import RealClock
from ionto_runtime.device_file import SUFFIX, device_file_text
from ionto_runtime.doctor import examine
from ionto_runtime.drivers.driver import Identity
from ionto_runtime.drivers.registry import open_driver, to_plug_in
from ionto_runtime.preparation import Check

SCHEMA = "ionto.doctor/1"


def run(arguments: argparse.Namespace) -> Exit:
    """Examine, report, and keep the identity when everything was found well."""
    clock = RealClock()
    plug = to_plug_in(arguments.driver, arguments.port)
    if plug is not None and not arguments.json:
        say(plug)
    driver = open_driver(arguments.driver, arguments.port, None, clock, arguments.watchdog)
    if isinstance(driver, Diagnostic):
        return complain(driver)
    checks: list[Check] = []
    identity: Identity | None = None
    try:
        for found in examine(driver, clock):
            if isinstance(found, Identity):
                identity = found
                continue
            checks.append(found)
            if not arguments.json:
                _show(found)
    finally:
        driver.close()
    problems = [check.problem for check in checks if check.problem is not None]
    if arguments.json:
        write_json(_report(arguments, identity, checks))
    else:
        say()
        say("nothing was found wrong; nothing flowed" if not problems else f"{len(problems)} found wrong")
    if problems:
        return complain(*problems) and Exit.REFUTED
    return _saved(arguments, identity)


def _show(check: Check) -> None:
    mark = paint("ok ", "green") if check.problem is None else paint("NO ", "red")
    say(f"  {mark} {check.name:<12} {check.detail}")


def _saved(arguments: argparse.Namespace, identity: Identity | None) -> Exit:
    if arguments.save is None or identity is None:
        return Exit.PROVED
    path = Path(arguments.save)
    if not path.name.endswith(SUFFIX):
        path = path.with_name(path.name + SUFFIX)
    if path.exists():
        text = f"`{path}` is there already"
        return complain(error("I0904", text, None, help="take another name, or remove it"))
    try:
        text = device_file_text(arguments.driver, arguments.port, identity, arguments.watchdog)
        write_whole(path, text.encode("utf-8"))
    except OSError as problem:
        return complain(error("I0904", f"cannot write `{path}`: {system_words(problem)}", None))
    say(f"{path} says that it is this unit with this firmware: `ionto run PLAN --device-file {path}`")
    return Exit.PROVED


def _report(arguments: argparse.Namespace, identity: Identity | None, checks: list[Check]) -> dict[str, Json]:
    return {
        "schema": SCHEMA,
        "port": arguments.port,
        "driver": arguments.driver,
        "identity": None
        if identity is None
        else {
            "model": identity.model,
            "serial": identity.serial,
            "firmware": identity.firmware,
            "calibration_due": identity.calibration_due,
            "simulated": identity.simulated,
        },
        "checks": [
            {"name": check.name, "detail": check.detail, "passed": check.problem is None} for check in checks
        ],
    }
