"""`ionto sessions`, `replay` and `export` as a user meets them."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

import pytest

from ionto_cli.__main__ import main
from tests.runtime.sealed_plans import Workplace, placed

RUN = ("run", "heel.plan.json", "--accelerate", "5000", "--yes", "--plain", "--patient")
VALUES = ("--set", "current=2 mA", "--set", "pacemaker=no", "--set", "sore=no", "--set", "skin=none")


@dataclass(frozen=True)
class Ran:
    """What came of a command."""

    returncode: int
    stdout: str
    stderr: str


@dataclass(frozen=True)
class Here:
    """A workplace whose commands run in this process, which saves starting one for each."""

    inner: Workplace

    @property
    def records(self) -> Path:
        return self.inner.records

    def run(self, *words: str) -> Ran:
        out, err = StringIO(), StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(list(words))
        return Ran(code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Here]:
    """Two sessions on record."""
    found = placed(tmp_path_factory.mktemp("sessions"))
    for patient in ("P1", "P2"):
        assert found.run(*RUN, patient, *VALUES).returncode == 0
    with pytest.MonkeyPatch.context() as patched:
        patched.chdir(found.folder)
        patched.setattr(os, "environ", found.environment | {"NO_COLOR": "1"})
        yield Here(found)


def journals(place: Here) -> list[Path]:
    return sorted(place.records.glob("*.journal"))


def listed(place: Here, *filters: str) -> list[dict[str, object]]:
    ran = place.run("sessions", "list", "--json", *filters)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)["sessions"]
    assert isinstance(found, list)
    return found


def test_sessions_are_listed_and_found_by_patient_protocol_and_day(place: Here) -> None:
    everything = listed(place)
    assert [entry["patient"] for entry in everything] == ["P1", "P2"]
    assert [entry["patient"] for entry in listed(place, "--patient", "P2")] == ["P2"]
    assert len(listed(place, "--protocol", "heel")) == 2
    assert listed(place, "--protocol", "hand") == []
    assert len(listed(place, "--since", "2020-01-01", "--until", "2100-01-01")) == 2
    assert listed(place, "--until", "2020-01-01") == []
    shown = place.run("sessions").stdout
    assert "P1" in shown and "finished, SIMULATED" in shown


def test_a_date_that_is_none_is_refused(place: Here) -> None:
    ran = place.run("sessions", "--since", "yesterday")
    assert ran.returncode == 4 and "error[I0901]" in ran.stderr


def test_one_session_is_shown_with_its_curve(place: Here) -> None:
    session = str(listed(place)[0]["session"])
    ran = place.run("sessions", "show", session[:5])
    assert ran.returncode == 0
    assert f"session    {session}, finished, SIMULATED" in ran.stdout
    assert "█" in ran.stdout
    missing = place.run("sessions", "show", "zz")
    assert missing.returncode == 2 and "error[I0953]" in missing.stderr


def test_seals_are_verified_and_a_forged_or_missing_journal_is_said(place: Here, tmp_path: Path) -> None:
    ran = place.run("sessions", "verify")
    assert ran.returncode == 0
    assert "2 of 2 journals are whole and sealed by their own sessions" in ran.stdout
    first, second = journals(place)
    (tmp_path / "epochs").write_bytes((place.records / "epochs").read_bytes())
    damaged = bytearray(first.read_bytes())
    damaged[len(damaged) // 2] ^= 1
    (tmp_path / first.name).write_bytes(bytes(damaged))
    ran = place.run("sessions", "verify", "--records", str(tmp_path))
    assert ran.returncode == 1
    assert f"WRONG       {first.name}" in ran.stdout
    assert "has no journal here" in ran.stdout
    assert second.name not in ran.stdout


def test_the_index_is_rebuilt_from_the_journals(place: Here) -> None:
    before = listed(place)
    path = place.records / "index.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("UPDATE sessions SET patient = 'nobody'")
    database.close()
    assert listed(place)[0]["patient"] == "nobody"
    ran = place.run("sessions", "rebuild")
    assert ran.returncode == 0 and "read 2 journals" in ran.stdout
    assert listed(place) == before


def test_a_journal_replays_with_the_plan_that_was_kept_beside_it(place: Here) -> None:
    path = journals(place)[0]
    ran = place.run("replay", str(path))
    assert ran.returncode == 0, ran.stderr
    assert "the machine gives the same commands" in ran.stdout and "SIMULATED session" in ran.stdout
    named = place.run("replay", str(path), "--plan", "heel.plan.json", "--json")
    assert json.loads(named.stdout)["agrees"] is True


def test_a_plan_that_is_not_the_journal_s_is_refused(place: Here, tmp_path: Path) -> None:
    path = journals(place)[0]
    alone = tmp_path / path.name
    alone.write_bytes(path.read_bytes())
    ran = place.run("replay", str(alone))
    assert ran.returncode == 2 and "error[I0904]" in ran.stderr and "--plan" in ran.stderr
    (kept,) = (place.records / "plans").iterdir()
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / kept.name).write_bytes(kept.read_bytes().replace(b"Heel", b"Hand"))
    ran = place.run("replay", str(alone))
    assert ran.returncode == 2 and "error[I0910]" in ran.stderr


@pytest.mark.requirement("R62")
@pytest.mark.parametrize(("form", "ending"), [("csv", "csv"), ("edf", "edf"), ("fhir", "fhir.json")])
def test_a_session_is_exported_whole(place: Here, tmp_path: Path, form: str, ending: str) -> None:
    output = tmp_path / f"session.{ending}"
    ran = place.run("export", str(journals(place)[0]), "--format", form, "--output", str(output))
    assert ran.returncode == 0, ran.stderr
    assert "SIMULATED: no record of a treatment" in ran.stdout
    assert output.stat().st_size > 10_000


@pytest.mark.requirement("R70")
@pytest.mark.parametrize("form", ["csv", "edf", "fhir"])
def test_a_simulated_session_cannot_be_exported_as_a_treatment(place: Here, form: str) -> None:
    path = journals(place)[0]
    ran = place.run("export", str(path), "--format", form, "--as-treatment")
    assert ran.returncode == 2
    assert "error[I0954]" in ran.stderr and "simulated" in ran.stderr
    assert not list(place.records.glob(f"{path.stem}.{form}*"))


def test_without_the_library_edf_is_refused_and_the_rest_goes_on(
    place: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "edfio", None)
    output = tmp_path / "session.edf"
    ran = place.run("export", str(journals(place)[0]), "--format", "edf", "--output", str(output))
    assert ran.returncode == 2 and "error[I0955]" in ran.stderr
    assert not output.exists()


def test_a_file_that_is_no_journal_is_refused(place: Here) -> None:
    for command in (("replay", "heel.plan.json"), ("export", "heel.plan.json", "--format", "csv")):
        ran = place.run(*command)
        assert ran.returncode == 2 and "error[I0904]" in ran.stderr


def test_without_a_folder_there_is_nothing_to_list(place: Here) -> None:
    ran = place.run("sessions", "--records", "nowhere")
    assert ran.returncode == 2 and "error[I0904]" in ran.stderr
