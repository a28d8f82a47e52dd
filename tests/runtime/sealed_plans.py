"""Sealed plans on disk and a machine that trusts them: what tests of `ionto run` start from."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ionto_ir import expression as terms
from ionto_ir.codec import plan_to_json
from ionto_ir.dataclass import replace
from ionto_ir.device import Drug, Place
from ionto_ir.features import features_of
from ionto_ir.limits import LimitKind, Role
from ionto_ir.plan import (
    ChoiceDomain,
    Confirm,
    Finish,
    ForTime,
    Hold,
    IntegerDomain,
    Interruptions,
    Plan,
    Ramp,
    Record,
    Rule,
    RuleKind,
    Section,
    Slope,
    Step,
    Variable,
    VariableKind,
)
from ionto_ir.seal import seal
from ionto_runtime.signing import generate_key, signer_of, write_key_pair
from ionto_verifier.driver import verify
from tests.ir.sealing import PROVE_ONLY, sealed_parts
from tests.treatments import BENCH, HERE, answer, electrode, limit, plan_with

MA = 1_000_000
DRUG = Drug("dex", "Dexamethasone phosphate", -2, 472_400, 4_000_000, 12_000, None, HERE)


def heel_plan(hold_ms: int = 60_000, ramp_ms: int = 4_000) -> Plan:
    """Confirm; up to 2 mA in 4 s, hold, down; record. A pacemaker is refused, sore skin needs a reason."""
    current = terms.integer_reference("current")
    slope = Slope(current, terms.integer(ramp_ms))
    steps: tuple[Step, ...] = (
        Confirm("Skin is clean and dry", 1, Section.BEFORE, HERE),
        Ramp(current, terms.ZERO, slope, False, 2, Section.SESSION, HERE),
        Hold(current, ForTime(terms.integer(hold_ms)), 3, Section.SESSION, HERE),
        Ramp(terms.ZERO, current, slope, False, 4, Section.SESSION, HERE),
        Record("skin", 5, Section.AFTER, HERE),
        Finish("finished", True, Section.AFTER, HERE),
    )
    domain = IntegerDomain(MA, 4 * MA, 100_000, 2 * MA, "current", "mA")
    skin = ChoiceDomain(("none", "erythema", "blister"))
    plan = plan_with(
        steps,
        name="heel",
        title="Heel",
        electrodes=(
            replace(electrode(Place.ACTIVE, Role.CATHODE), drugs=(DRUG,)),
            electrode(Place.RETURN, Role.ANODE),
        ),
        variables=(
            Variable("current", VariableKind.PARAMETER, domain, "Set to comfort", True, None, HERE),
            answer("pacemaker"),
            answer("sore"),
            Variable("skin", VariableKind.RECORD, skin, "Skin under the electrodes", False, None, HERE),
        ),
        rules=(
            Rule(RuleKind.REFUSE, terms.boolean_reference("pacemaker"), "not with a pacemaker", HERE),
            Rule(RuleKind.CAUTION, terms.boolean_reference("sore"), "the skin is sore", HERE),
        ),
        limits=(
            limit(LimitKind.CURRENT, 4 * MA, "mA", nominal=True),
            limit(LimitKind.RAMP, MA, "mA/s"),
            limit(LimitKind.DOSE, 10 * MA * 60_000, "mA.min", window_ms=24 * 3_600_000),
        ),
        device=replace(BENCH, waveforms=("dc",)),
        interruptions=Interruptions(2, 30_000, True, HERE),
    )
    return replace(plan, requires=features_of(plan))


@dataclass(frozen=True)
class Workplace:
    """A folder with `heel.plan.json`, and settings under which its author is trusted."""

    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which ionto finds these settings."""
        return {**os.environ, "IONTO_HOME": str(self.folder / "home"), "TERM": "xterm", "COLUMNS": "120"}

    @property
    def records(self) -> Path:
        """Where `ionto run` keeps journals here."""
        return self.folder / "records"

    def command(self, *arguments: str) -> list[str]:
        """`ionto` with these arguments."""
        return [sys.executable, "-m", "ionto_cli", *arguments]

    def run(self, *arguments: str, answers: str = "") -> subprocess.CompletedProcess[str]:
        """Run `ionto`, with these lines on standard input."""
        return subprocess.run(
            self.command(*arguments),
            input=answers,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self.environment,
            timeout=300,
            check=False,
        )


def placed(
    folder: Path, plan: Plan | None = None, outcome: str = "proved", *, certified: bool = False
) -> Workplace:
    """Seal a plan into a folder and trust its author; `certified` as `ionto compile` does, with a proof."""
    key = generate_key("Dr Test")
    trusted = folder / "home" / "trusted"
    trusted.mkdir(parents=True)
    write_key_pair(key, trusted, "test")
    (trusted / "test.secret.pem").rename(folder / "test.secret.pem")
    written, said, certificates = plan_to_json(plan or heel_plan()), {"outcome": outcome}, None
    if certified:
        used = plan or heel_plan()
        written, said, certificates = sealed_parts(used, verify(used, PROVE_ONLY))
    sealed = seal(written, "heel", said, [signer_of(key)], certificates)
    assert isinstance(sealed, bytes)
    (folder / "heel.plan.json").write_bytes(sealed)
    return Workplace(folder)
