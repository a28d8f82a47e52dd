"""`ionto compile`: a protocol, proved and sealed as a step plan for one device."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import cast

from ionto_cli.exits import Exit
from ionto_cli.files import system_words, write_whole
from ionto_cli.home import keys_folder
from ionto_cli.loading import Chosen, choose_one
from ionto_cli.standings import certificates_line
from ionto_cli.terminal import complain, say
from ionto_cli.verdicts import counted_verdicts, overall
from ionto_ir.canonical import Json, digest
from ionto_ir.codec import plan_to_json
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.recheck.check import Rechecked
from ionto_ir.recheck.sealed import recheck_sealed
from ionto_ir.seal import seal
from ionto_runtime.signing import SECRET_SUFFIX, SecretKey, read_secret_key, signer_of
from ionto_verifier.certify import certificates_of
from ionto_verifier.driver import verify
from ionto_verifier.report import VerificationReport
from ionto_verifier.report_json import predicate


def run(arguments: argparse.Namespace) -> Exit:
    """Compile, verify, seal, write. Nothing is written unless every property is proved."""
    chosen = choose_one(arguments)
    if isinstance(chosen, Exit):
        return chosen
    key = _key(arguments.key)
    if isinstance(key, Diagnostic):
        return complain(key)
    report = verify(chosen.protocol.plan)
    complain(*report.diagnostics, files=chosen.sources)
    if not report.proved:
        complain(_not_proved(report))
        return Exit(report.exit_code)
    return _seal(chosen, report, key, arguments.output)


def _key(path: str | None) -> SecretKey | Diagnostic:
    if path is not None:
        return read_secret_key(Path(path))
    folder = keys_folder()
    found = sorted(folder.glob(f"*{SECRET_SUFFIX}")) if folder.is_dir() else []
    if not found:
        advice = '`ionto keys new --owner "Your name"` makes one'
        return error("I0907", f"there is no secret key in `{folder}`", None, help=advice)
    if len(found) > 1:
        names = ", ".join(item.name for item in found)
        advice = f"choose one of them: `--key {found[0]}`"
        return error("I0907", f"there are several secret keys in `{folder}`: {names}", None, help=advice)
    return read_secret_key(found[0])


def _not_proved(report: VerificationReport) -> Diagnostic:
    claims = ", ".join(f"{count} {name}" for name, count in counted_verdicts(report).items())
    plan = report.plan
    message = f"`{plan.name}` is {overall(report)} on `{plan.device.name}` ({claims}), so no plan is written"
    return error("I0909", message, None, help="`ionto verify` shows what to mend")


def _uncertified(checked: Rechecked | str) -> Diagnostic:
    """The recheck refuses what the prover has just proved: one of the two is wrong, and it is ours."""
    text = checked if isinstance(checked, str) else checked.faults[0].text
    message = f"the recheck refuses our own certificates: {text}"
    return error("I0009", message, None, help="no plan is written; report it with the protocol")


def _seal(chosen: Chosen, report: VerificationReport, key: SecretKey, output: str | None) -> Exit:
    plan = chosen.protocol.plan
    # `seal` refuses, in words, what canonical JSON cannot hold; here it is only named as such.
    stated = cast("dict[str, Json]", predicate(report))
    written = plan_to_json(plan)
    certificates = cast("dict[str, Json]", certificates_of(report, digest(written)))
    checked = recheck_sealed(plan, digest(written), stated, certificates)
    if isinstance(checked, str) or checked.faults:
        complain(_uncertified(checked))
        return Exit.DISAGREEMENT
    sealed = seal(written, f"{plan.name} {plan.version}", stated, [signer_of(key)], certificates)
    if isinstance(sealed, tuple):
        return complain(*sealed)
    path = Path(output or f"{plan.name}.plan.json")
    try:
        write_whole(path, sealed)
    except OSError as problem:
        return complain(error("I0904", f"cannot write `{path}`: {system_words(problem)}", None))
    proved = counted_verdicts(report)["proved"]
    say(f"sealed {path}: {plan.name} {plan.version} for {plan.device.name}")
    say(f"  {len(plan.steps)} steps, {proved} claims proved, signed by {key.public.owner}")
    say(f"  {certificates_line(checked)}")
    return Exit.PROVED
