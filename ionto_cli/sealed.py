"""Opening sealed plans for a command: with the keys that this person trusts."""

from __future__ import annotations

from pathlib import Path

from ionto_cli.home import trusted_folder
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_ir.source import Span
from ionto_runtime.sealed import Sealed
from ionto_runtime.sealed import open_plan as opened
from ionto_runtime.signing import TrustStore, read_trust_store

SIMULATED_DRIVER = "simulated"


def open_plan(path: Path, trust: Path | None = None) -> Sealed | tuple[Diagnostic, ...]:
    """The plan in a sealed file, or every reason not to run it (I0801 to I0834, I0904, I0964).

    Each of its certificates is checked. `trust` is a folder of public keys; without it, the one in this
    person's settings. For which device it is, is looked at where it runs.
    """
    return opened(path, _store(trust))


def simulated_problem(plan: Plan, path: Path) -> Diagnostic | None:
    """Why a plan cannot run without a device, if it cannot (I0961)."""
    driver = plan.device.driver
    if driver == SIMULATED_DRIVER:
        return None
    return error(
        "I0961",
        f"the plan is for `{plan.device.name}`, whose driver is `{driver}`",
        Span(str(path), 1, 1, 1, 1),
        "in this plan",
        notes=("without `--port` a plan runs on the simulated device",),
        help="name the device's line with `--port PATH`, or compile for a simulated device: "
        "`ionto compile FILE --device NAME`",
    )


def _store(trust: Path | None) -> TrustStore:
    """Nobody is trusted where there is no folder; a folder that was named must be there."""
    folder = trusted_folder() if trust is None else trust
    return TrustStore(()) if trust is None and not folder.is_dir() else read_trust_store(folder)
