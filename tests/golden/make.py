"""Makes the golden plans of the present schema version: `python -m tests.golden.make`.

A golden plan is made once and stays for ever: what exists is not made again. The key that signs them is
thrown away afterwards, so that nobody can add a plan to an old set; its public half stays beside them.
"""

from __future__ import annotations

import json
from pathlib import Path

from ionto_dsl.driver import compile_file
from ionto_ir.bind import Refusal, bind
from ionto_ir.canonical import digest
from ionto_ir.codec import plan_to_json
from ionto_ir.dry_run import obliging, run, usual_value
from ionto_ir.expression import Value
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import SCHEMA, Plan, VariableKind
from ionto_ir.seal import seal
from ionto_runtime.signing import generate_key, signer_of, write_key_pair
from ionto_verifier.driver import verify
from ionto_verifier.report_json import predicate
from tests.golden.everything import everything, side_by_side

HERE = Path(__file__).resolve().parent
TREATMENTS = ("plantar_fasciitis_dexamethasone", "palmar_hyperhidrosis_tap_water", "sweat_test_pilocarpine")


def session_of(plan: Plan, values: dict[str, Value]) -> dict[str, object]:
    """What comes of a session with these values: what a later version must still make of the same plan."""
    bound = bind(plan, values)
    assert not isinstance(bound, Refusal), bound.diagnostics
    records = {item.name: usual_value(item) for item in plan.variables if item.kind is VariableKind.RECORD}
    done = run(bound, obliging(records))
    assert done.ending is not None
    machine = done.final.machine
    return {
        "values": values,
        "nominal_pc": machine.nominal_pc,
        "upper_pc": machine.upper_pc,
        "duration_ms": machine.duration_ms,
        "ending": done.ending.reason,
    }


def plans() -> dict[str, Plan]:
    """The plans of a golden set by name: treatments of the library, and one with every part of a plan."""
    found = {"everything": everything(), "side_by_side": side_by_side()}
    for name in TREATMENTS:
        compilation = compile_file(f"treatments.{name}")
        assert compilation.ok, [item.message for item in compilation.diagnostics]
        found[name] = compilation.plans[0].plan
    return found


def make(folder: Path) -> None:
    """Write a set: sealed plans, the public key, and what each plan is and does."""
    key = generate_key("golden plans")
    record: dict[str, object] = {}
    for name, plan in plans().items():
        written = plan_to_json(plan)
        sealed = seal(written, f"{plan.name} {plan.version}", predicate(verify(plan)), [signer_of(key)])
        assert isinstance(sealed, bytes), sealed
        (folder / f"{name}.plan.json").write_bytes(sealed)
        record[name] = {
            "sha256": digest(written),
            "steps": len(plan.steps),
            "session": session_of(plan, ordinary_values(plan, {})),
        }
    write_key_pair(key, folder, "golden")
    (folder / "golden.secret.pem").unlink()
    text = json.dumps(record, indent=2, sort_keys=True)
    (folder / "record.json").write_text(text + "\n", encoding="utf-8")


def main() -> None:
    """Make the set of the present schema version, unless there is one."""
    folder = HERE / f"schema_{SCHEMA.rpartition('/')[2]}"
    if (folder / "record.json").exists():
        raise SystemExit(f"{folder.name} exists already; golden plans are never made again")
    folder.mkdir(exist_ok=True)
    make(folder)


if __name__ == "__main__":
    main()
