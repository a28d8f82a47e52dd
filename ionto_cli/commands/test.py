"""`ionto test`: the test blocks of a protocol, run in virtual time."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from ionto_cli.exits import Exit, gravest
from ionto_cli.loading import announce_devices, compile_all
from ionto_cli.terminal import complain, paint, say, write_json
from ionto_dsl.compilation import CompiledProtocol
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.expectations import failures
from ionto_ir.rehearse import rehearse
from ionto_ir.render import diagnostic_data
from ionto_ir.source import SourceFile

Result = dict[str, object]


def run(arguments: argparse.Namespace) -> Exit:
    """Run every test of every file; exit 1 when one fails."""
    exits: list[Exit] = []
    results: list[Result] = []
    for name in arguments.files:
        compilation, sources = compile_all(name, arguments)
        complain(*compilation.diagnostics, files=sources)
        if not compilation.ok:
            exits.append(Exit.SOURCE)
            continue
        announce_devices(compilation)
        for compiled in compilation.plans:
            exits.append(_run_protocol(compiled, sources, results, quiet=arguments.json))
    passed = sum(not result["failures"] for result in results)
    if arguments.json:
        write_json(
            {"schema": "ionto.tests/1", "passed": passed, "failed": len(results) - passed, "tests": results}
        )
    else:
        say(f"{passed} passed, {len(results) - passed} failed")
    return gravest(exits)


def _run_protocol(
    compiled: CompiledProtocol, sources: Mapping[str, SourceFile], results: list[Result], *, quiet: bool
) -> Exit:
    outcome = Exit.PROVED
    if not quiet:
        say(f"{compiled.name} on {compiled.plan.device.name}")
    for scenario in compiled.scenarios:
        found: tuple[Diagnostic, ...] = failures(compiled.plan, scenario, rehearse(compiled.plan, scenario))
        results.append(
            {
                "protocol": compiled.name,
                "device": compiled.plan.device.name,
                "test": scenario.name,
                "failures": [diagnostic_data(item) for item in found],
            }
        )
        if not quiet:
            say(f"  {paint('FAIL', 'red') if found else paint('ok', 'green')}  {scenario.name}")
        if found:
            complain(*found, files=sources)
            outcome = Exit.REFUTED
    if not compiled.scenarios and not quiet:
        say("  no tests")
    return outcome
