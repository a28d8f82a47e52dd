"""Every golden plan is still opened, read, written back to the byte, bound, and run to the same charge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ionto_ir.canonical import canonical, digest
from ionto_ir.codec import plan_from_json, plan_to_json
from ionto_ir.codec_shape import KINDS
from ionto_ir.features import KNOWN_FEATURES
from ionto_ir.plan import SCHEMA, Plan
from ionto_ir.seal import Opened, open_sealed
from ionto_ir.wellformed import check
from ionto_runtime.signing import TrustStore, read_public_key, verifier_of
from tests.golden.everything import everything, side_by_side
from tests.golden.make import session_of
from tests.turns import in_parts

FOLDER = Path(__file__).resolve().parent
SETS = sorted(path for path in FOLDER.iterdir() if path.name.startswith("schema_"))
CASES = [
    (folder, name) for folder in SETS for name in json.loads((folder / "record.json").read_text("utf-8"))
]


def opened(folder: Path, name: str) -> Opened:
    """The sealed plan, which its own set's key must vouch for."""
    key = read_public_key(folder / "golden.public.pem")
    store = TrustStore((key,))  # type: ignore[arg-type]
    found = open_sealed((folder / f"{name}.plan.json").read_bytes(), verifier_of(store), name)
    assert isinstance(found, Opened), found
    return found


def recorded(folder: Path, name: str) -> dict[str, Any]:
    """What was written down about the plan when it was made."""
    found: dict[str, Any] = json.loads((folder / "record.json").read_text("utf-8"))[name]
    return found


def read(folder: Path, name: str) -> Plan:
    """The plan."""
    plan = plan_from_json(opened(folder, name).plan, name)
    assert isinstance(plan, Plan), plan
    return plan


def test_there_is_a_set_for_every_schema_version_up_to_the_present_one() -> None:
    present = int(SCHEMA.rpartition("/")[2])
    assert [folder.name for folder in SETS] == [f"schema_{number}" for number in range(1, present + 1)]


def test_nothing_lies_in_a_set_that_is_not_on_its_record() -> None:
    for folder in SETS:
        on_record = json.loads((folder / "record.json").read_text("utf-8"))
        expected = {f"{name}.plan.json" for name in on_record} | {"golden.public.pem", "record.json"}
        assert {path.name for path in folder.iterdir()} == expected


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_a_golden_plan_is_opened_and_is_what_it_was(folder: Path, name: str) -> None:
    found = opened(folder, name)
    assert digest(found.plan) == recorded(folder, name)["sha256"]
    plan = read(folder, name)
    assert canonical(plan_to_json(plan)) == canonical(found.plan)
    assert len(plan.steps) == recorded(folder, name)["steps"]


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_a_golden_plan_still_binds_and_runs_to_the_same_charge(folder: Path, name: str) -> None:
    session = recorded(folder, name)["session"]
    assert session_of(read(folder, name), session["values"]) == session


@pytest.mark.parametrize(("folder", "name"), CASES)
def test_a_golden_plan_with_one_byte_changed_is_refused(folder: Path, name: str) -> None:
    data = (folder / f"{name}.plan.json").read_bytes()
    key = read_public_key(folder / "golden.public.pem")
    store = TrustStore((key,))  # type: ignore[arg-type]
    for place in range(0, len(data), max(1, len(data) // 40)):
        spoiled = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
        assert isinstance(open_sealed(spoiled, verifier_of(store), name), tuple), place


def test_one_golden_plan_uses_every_kind_and_every_feature() -> None:
    plan, channels = everything(), side_by_side()
    turned = in_parts(channels, (0, 1))
    assert check(plan) == check(channels) == check(turned) == ()
    assert set(plan.requires) | set(turned.requires) == KNOWN_FEATURES  # channels have parts of their own
    written = json.dumps(plan_to_json(plan))
    missing = [kind for kind in KINDS.values() if f'"kind": "{kind}"' not in written]
    assert missing == ["yes/no"]
