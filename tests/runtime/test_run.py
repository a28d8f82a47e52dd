"""`ionto run` as people use it: real processes, real terminals, real journals."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ionto_cli.__main__ import main
from ionto_ir.bind_constants import History, dose_cap_pc
from ionto_ir.dataclass import replace
from ionto_ir.plan import Interruptions
from ionto_ir.state import Mode
from ionto_runtime.accounting import Account, account_of
from ionto_runtime.history import read_history
from ionto_runtime.journal_reader import Reading, Sealed, Unsealed, read_journal
from ionto_runtime.replay import rebound, replay
from ionto_runtime.sealing import read_chain, seal_fault
from ionto_runtime.simulation.stimulator import SimulatedStimulator
from ionto_runtime.software import software_sha256
from tests.architecture.tree import ROOT
from tests.runtime.sealed_plans import MA, Workplace, heel_plan, placed
from tests.runtime.terminals import Terminal
from tests.treatments import BENCH, HERE

SCHEMA = json.loads((ROOT / "docs" / "reference" / "run.schema.json").read_text(encoding="utf-8"))
QUICK = ("run", "heel.plan.json", "--accelerate", "100000")
GIVEN = ("--set", "pacemaker=no", "--set", "sore=no")
BY_ITSELF = (*QUICK, *GIVEN, "--set", "skin=none", "--yes")

LONG = replace(
    heel_plan(30 * 60_000),
    limits=heel_plan().limits[:2],
    interruptions=Interruptions(5, 3_600_000, True, HERE),
)
"""Half an hour at 2 mA: nobody who presses keys is too late for it."""


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return placed(tmp_path, heel_plan(10_000))


@pytest.fixture
def long_place(tmp_path: Path) -> Workplace:
    return placed(tmp_path, LONG)


def journal_of(place: Workplace) -> Reading:
    """The one journal."""
    (path,) = place.records.glob("heel-*.journal")
    reading = read_journal(path)
    assert isinstance(reading, Reading)
    return reading


# --- without a terminal -------------------------------------------------------------------------------------
def test_answers_are_read_line_by_line_and_the_session_runs_to_its_end(place: Workplace) -> None:
    done = place.run(*QUICK, "--patient", "P1", answers="2.5 mA\nno\nno\nyes\ny\nerythema\n")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "no certificates are sealed with this plan" in done.stdout
    for part in (
        "SIMULATED device `bench_dc`",
        "sealed by Dr Test",
        "cathode patch on arm, 25 cm², with Dexamethasone phosphate",
        "Hold 2.5 mA for 10 s",
        "Confirm: Skin is clean and dry",
        "SIMULATED session completed: finished",
        "delivered 0.58 mA·min as set",
        "Dexamethasone phosphate: the current can have carried 1.0 µg",
        "recorded  skin = erythema",
    ):
        assert part in done.stdout, part
    reading = journal_of(place)
    assert isinstance(reading.end, Sealed)
    assert reading.end.head in done.stdout
    assert reading.header is not None and reading.header["patient"] == "P1"
    assert reading.header["values"] == {"current": 2_500_000, "pacemaker": False, "sore": False}


def test_the_journal_of_a_real_run_replays(place: Workplace) -> None:
    assert place.run(*BY_ITSELF).returncode == 0
    reading = journal_of(place)
    bound = rebound(heel_plan(10_000), reading)
    assert not isinstance(bound, str)
    report = replay(bound, reading)
    assert report.agrees and report.sealed
    assert report.final.mode is Mode.ENDED


def test_a_run_by_itself_says_what_it_took_for_granted(place: Workplace) -> None:
    done = place.run(*BY_ITSELF)
    assert done.returncode == 0
    assert "current = 2 mA (the usual value)" in done.stdout
    assert "pacemaker = no (given)" in done.stdout
    assert "start? yes (by --yes)" in done.stdout
    assert "no patient token" in done.stdout


def test_json_is_all_that_standard_output_holds_and_it_follows_its_schema(place: Workplace) -> None:
    done = place.run(*BY_ITSELF, "--json", "--patient", "P1", "--operator", "Sr. Ruth")
    assert done.returncode == 0
    data = json.loads(done.stdout)
    Draft202012Validator.check_schema(SCHEMA)
    Draft202012Validator(SCHEMA).validate(data)
    assert data["completed"] is True and data["simulated"] is True
    delivered = data["delivered"]
    assert 0 < delivered["measured_at_least_pc"] < delivered["set_pc"] < delivered["at_most_pc"]
    assert delivered["set_pc"] == data["planned"]["charge_pc"] == 28_000_000_000
    assert data["drugs"] == [{"name": "dex", "title": "Dexamethasone phosphate", "mass_ng": 822}]
    assert data["records"] == [{"variable": "skin", "value": 0, "text": "none", "meaning": None}]
    assert (data["patient"], data["operator"]) == ("P1", "Sr. Ruth")
    assert data["journal"]["sealed"] is True
    assert "SIMULATED" in done.stderr


def test_equal_seeds_give_equal_sessions(place: Workplace) -> None:
    first, second, other = (
        json.loads(place.run(*BY_ITSELF, "--json", "--seed", seed).stdout) for seed in ("7", "7", "8")
    )
    assert first["delivered"] == second["delivered"]
    assert first["delivered"] != other["delivered"]


# --- what is refused, before anything is begun ------------------------------------------------------------
def refused(done: object, code: str, exit_code: int = 2) -> str:
    """The message of a run that was refused without a traceback, and that left no journal."""
    assert done.returncode == exit_code, done.stdout + done.stderr  # type: ignore[attr-defined]
    text = str(done.stderr)  # type: ignore[attr-defined]
    assert f"[{code}]" in text, text
    assert "Traceback" not in text
    return text


@pytest.mark.parametrize(
    ("answers", "part"),
    [
        ("2,5 mA\n", "has a comma"),
        ("5 mA\n", "the nearest value is 4 mA"),
        ("2 mA\nmaybe\n", "answer yes or no"),
    ],
)
def test_a_bad_answer_from_a_pipe_is_refused(place: Workplace, answers: str, part: str) -> None:
    assert part in refused(place.run(*QUICK, answers=answers), "I0906")
    assert list(place.records.glob("*")) == []


def test_a_bad_value_on_the_command_line_is_refused(place: Workplace) -> None:
    assert "did you mean `current`?" in refused(place.run(*QUICK, "--set", "curent=2 mA"), "I0906")


def test_an_answer_that_nobody_gives_is_refused(place: Workplace) -> None:
    assert "standard input has ended" in refused(place.run(*QUICK, answers="2 mA\n"), "I0963")
    text = refused(place.run(*QUICK, "--yes"), "I0963")
    assert all(f"nobody gives a value for `{name}`" in text for name in ("pacemaker", "sore", "skin"))
    assert "`current`" not in text
    text = refused(place.run(*QUICK, *GIVEN, "--yes"), "I0963")
    assert "recorded during the session" in text
    assert list(place.records.glob("*")) == []


@pytest.mark.parametrize("more", [(), ("--yes", "--web")], ids=["asked", "page"])
def test_what_somebody_is_there_to_see_is_not_given_before_it_is_seen(
    place: Workplace, more: tuple[str, ...]
) -> None:
    """With `--yes` alone, in every test that uses BY_ITSELF, it is."""
    text = refused(place.run("run", "heel.plan.json", *GIVEN, "--set", "skin=none", *more), "I0906")
    assert "`skin` is seen and recorded during the session" in text and "leave out `--set skin" in text
    assert list(place.records.glob("*")) == []


def test_a_person_who_is_refused_is_not_treated(place: Workplace) -> None:
    text = refused(place.run(*QUICK, answers="\nyes\nno\n"), "I0936")
    assert "not with a pacemaker" in text


def test_a_caution_needs_a_name_and_a_reason_and_both_are_kept(place: Workplace) -> None:
    refused(place.run(*QUICK, answers="\nno\nyes\n"), "I0963")
    refused(place.run(*QUICK, answers="\nno\nyes\nDr A\n\n"), "I0963")
    refused(
        place.run(*QUICK, "--set", "pacemaker=no", "--set", "sore=yes", "--set", "skin=none", "--yes"),
        "I0963",
    )
    done = place.run(*QUICK, answers="\nno\nyes\nDr A\nonly a little\nyes\ny\nnone\n")
    assert done.returncode == 0, done.stdout + done.stderr
    header = journal_of(place).header
    assert header is not None
    assert header["acknowledgements"] == [
        {"subject": "rules[1]", "person": "Dr A", "reason": "only a little", "role": None}
    ]


def test_without_a_yes_nothing_is_started(place: Workplace) -> None:
    for last in ("no\n", "", "maybe\n"):
        done = place.run(*QUICK, *GIVEN, answers=f"\n{last}")
        assert done.returncode == 2
        assert "nothing was started" in done.stdout
    assert list(place.records.glob("*")) == []


def test_a_plan_that_was_changed_by_a_byte_is_refused(place: Workplace) -> None:
    path = place.folder / "heel.plan.json"
    data = path.read_bytes()
    path.write_bytes(data.replace(b"4000000", b"4000001", 1))
    refused(place.run(*BY_ITSELF), "I0807")


def test_a_plan_of_somebody_who_is_not_trusted_is_refused(place: Workplace, tmp_path: Path) -> None:
    (tmp_path / "nobody").mkdir()
    refused(place.run(*BY_ITSELF, "--trust", "nobody"), "I0809")
    for key in (place.folder / "home" / "trusted").iterdir():
        key.unlink()
    refused(place.run(*BY_ITSELF), "I0809")


def test_a_plan_that_is_not_there_or_not_a_plan_is_refused(place: Workplace) -> None:
    refused(place.run("run", "hand.plan.json"), "I0904")
    (place.folder / "x.json").write_bytes(b"\x00\xff")
    refused(place.run("run", "x.json"), "I0801")
    refused(place.run("run", "."), "I0904")


def test_a_plan_for_another_kind_of_device_is_refused(tmp_path: Path) -> None:
    other = placed(tmp_path, replace(heel_plan(), device=replace(BENCH, driver="bench_supply")))
    assert "`bench_supply`" in refused(other.run(*BY_ITSELF), "I0961")


def test_a_plan_that_was_sealed_without_a_proof_is_refused(tmp_path: Path) -> None:
    unproved = placed(tmp_path, outcome="unsettled")
    assert "came to `unsettled`" in refused(unproved.run(*BY_ITSELF), "I0964")


def test_a_command_line_that_means_nothing_is_refused(place: Workplace) -> None:
    refused(place.run(*BY_ITSELF[:2], "--accelerate", "0"), "I0901", 4)
    refused(place.run(*BY_ITSELF, "--patient", "Mr Smith"), "I0901", 4)


def test_a_device_that_is_not_ready_is_refused_and_nothing_is_begun(
    place: Workplace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place.folder)
    monkeypatch.setenv("IONTO_HOME", str(place.folder / "home"))
    monkeypatch.setattr(sys, "stdin", None)
    monkeypatch.setattr(SimulatedStimulator, "measure", lambda _: None)
    assert main(list(BY_ITSELF)) == 2
    said = capsys.readouterr()
    assert "error[I0962]: the device `bench_dc` is not ready: it does not answer" in said.err
    reading = journal_of(place)
    assert reading.records[-1].payload["reason"] == "not begun: it does not answer"
    account = account_of(reading)
    assert isinstance(account, Account) and not account.energised


@pytest.mark.requirement("R61")
def test_a_session_seals_its_journal_with_its_own_key(place: Workplace) -> None:
    for _ in range(2):
        assert place.run(*BY_ITSELF).returncode == 0
    chain = read_chain(place.records)
    assert chain.fault is None and chain.anew == () and len(chain.epochs) == 2
    readings = [read_journal(path) for path in sorted(place.records.glob("*.journal"))]
    assert len(readings) == 2
    for reading in readings:
        assert isinstance(reading, Reading)
        assert isinstance(reading.end, Sealed)
        seal, header = reading.records[-1].payload, reading.records[0].payload
        assert seal_fault(reading, chain) is None
        assert seal["software_sha256"] == header["software_sha256"] == software_sha256()
        assert seal["epoch"] == header["epoch"]


def test_without_a_key_for_the_seal_nothing_is_started(place: Workplace) -> None:
    place.records.mkdir()
    (place.records / "epochs").write_text("something else\n", encoding="utf-8")
    refused(place.run(*BY_ITSELF), "I0951")
    assert list(place.records.glob("*.journal")) == []


def test_records_that_cannot_be_kept_are_no_session(place: Workplace) -> None:
    (place.folder / "file").write_text("", encoding="utf-8")
    refused(place.run(*BY_ITSELF, "--records", "file"), "I0904")


def test_a_damaged_journal_of_the_patient_is_refused(place: Workplace) -> None:
    assert place.run(*BY_ITSELF, "--patient", "P1").returncode == 0
    (path,) = place.records.glob("*.journal")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    refused(place.run(*BY_ITSELF, "--patient", "P1"), "I0960")
    assert place.run(*BY_ITSELF, "--patient", "P2").returncode == 0


def test_earlier_sessions_use_up_the_dose_of_a_day(tmp_path: Path) -> None:
    place = placed(tmp_path, heel_plan(4 * 60_000))
    assert place.run(*BY_ITSELF, "--patient", "P1").returncode == 0
    text = refused(place.run(*BY_ITSELF, "--patient", "P1"), "I0943")
    assert "earlier sessions count in the moving windows" in text
    assert place.run(*BY_ITSELF, "--patient", "P2").returncode == 0


# --- at a terminal ----------------------------------------------------------------------------------------
def started(terminal: Terminal) -> Terminal:
    """Answer everything until the session runs."""
    terminal.wait("patient token").type("P1\n").wait("Set to comfort").type("\n")
    terminal.wait("pacemaker").type("no\n").wait("sore").type("no\n").wait("start").type("yes\n")
    return terminal.wait("Confirm: Skin").type("y").wait("RUNNING")


def test_a_session_is_paused_resumed_adjusted_and_stopped_by_keys(long_place: Workplace) -> None:
    with Terminal(long_place, "run", "heel.plan.json", "--accelerate", "20") as terminal:
        started(terminal)
        terminal.type("p").wait("PAUSED").wait("r resumes, s stops")
        terminal.type("r").wait("RUNNING")
        terminal.type("+").wait(r"2\.10 mA set")
        terminal.type("\x1b[A")
        terminal.type("s").wait("SIMULATED session NOT COMPLETED: stopped")
        assert terminal.end() == 1
        assert terminal.is_as_before()
    reading = journal_of(long_place)
    assert isinstance(reading.end, Sealed)
    events = [record.payload["event"] for record in reading.records if "event" in record.payload]
    assert [event for event in events if event != "tick"] == [
        "begin",
        "confirm",
        "pause",
        "resume",
        "adjust",
        "stop",
    ]
    bound = rebound(LONG, reading)
    assert not isinstance(bound, str) and replay(bound, reading).agrees


def test_at_a_terminal_a_bad_answer_is_explained_and_asked_for_again(place: Workplace) -> None:
    with Terminal(place, *QUICK) as terminal:
        terminal.wait("patient token").type("Mr Smith\n").wait("letters, digits").wait("patient token").type(
            "\n"
        )
        terminal.wait("Set to comfort").type("2,5 mA\n").wait("has a comma").wait("Set to comfort").type(
            "2 mA\n"
        )
        terminal.wait("pacemaker").type("\n").wait("nothing was entered").wait("pacemaker").type("no\n")
        terminal.wait("sore").type("yes\n").wait("who answers").type("\n").wait("who answers").type("Dr A\n")
        terminal.wait("why").type("only a little\n").wait("start").type("yes\n")
        terminal.wait("Confirm: Skin").type("y")
        terminal.wait("Record: Skin under").type("fine\r").wait("not one of the choices").type("none\r")
        terminal.wait("SIMULATED session completed")
        assert terminal.end() == 0
        assert terminal.is_as_before()


def test_an_emergency_stop_by_key(long_place: Workplace) -> None:
    with Terminal(long_place, "run", "heel.plan.json", "--accelerate", "20") as terminal:
        started(terminal).type("e").wait("!!! high: emergency stop: the output is open").wait("NOT COMPLETED")
        assert terminal.end() == 1
        assert terminal.is_as_before()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_session_and_puts_the_terminal_back(
    long_place: Workplace, number: signal.Signals
) -> None:
    with Terminal(long_place, "run", "heel.plan.json", "--accelerate", "20") as terminal:
        started(terminal).signal(number).wait("NOT COMPLETED: stopped")
        assert terminal.end() == 1
        assert terminal.is_as_before()
    assert isinstance(journal_of(long_place).end, Sealed)


def test_a_terminal_that_goes_away_stops_the_session(long_place: Workplace) -> None:
    with Terminal(
        long_place,
        "run",
        "heel.plan.json",
        "--accelerate",
        "200",
        "--plain",
        "--patient",
        "P1",
        "--yes",
        *GIVEN,
        "--set",
        "skin=none",
    ) as terminal:
        terminal.wait("RUNNING")
        terminal.hang_up()
        assert terminal.process.wait(120) == 1
    reading = journal_of(long_place)
    assert isinstance(reading.end, Sealed) and reading.records[-1].payload["reason"] == "stopped"


def test_a_reader_that_goes_away_stops_the_session(long_place: Workplace) -> None:
    process = subprocess.Popen(
        long_place.command(*BY_ITSELF[:2], "--accelerate", "200", *BY_ITSELF[4:], "--plain"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        cwd=long_place.folder,
        env=long_place.environment,
    )
    assert process.stdout is not None and process.stderr is not None
    for line in process.stdout:
        if b"RUNNING" in line:
            break
    process.stdout.close()
    assert process.wait(120) == 1
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()
    codes = [record.payload.get("code") for record in journal_of(long_place).records]
    assert "F23" in codes


def test_a_session_that_is_killed_counts_at_its_worst_the_next_time(tmp_path: Path) -> None:
    plan = replace(heel_plan(4 * 60_000), interruptions=Interruptions(0, 0, False, HERE))
    place = placed(tmp_path, plan)
    with Terminal(place, "run", "heel.plan.json", "--accelerate", "20", "--plain") as terminal:
        terminal.wait("patient token").type("P1\n").wait("Set to comfort").type("\n")
        terminal.wait("pacemaker").type("no\n").wait("sore").type("no\n").wait("start").type("yes\n")
        terminal.wait("Confirm: Skin").type("y\n").wait(r"\([1-9]\d? %\)")
        terminal.process.kill()
        terminal.process.wait()
    reading = journal_of(place)
    assert isinstance(reading.end, Unsealed)
    found = account_of(reading)
    assert isinstance(found, Account) and not found.closed
    assert 0 < found.charge.lower_pc < found.nominal_pc < found.charge.upper_pc
    worst_na = 2 * MA + 50_000
    assert found.charge.upper_pc >= found.charge.lower_pc + worst_na * 1_500
    # Nothing goes on by itself, and what flowed is taken off what the day allows.
    history = read_history(place.records, "P1", plan.name, reading.records[-1].wall_ms)
    assert isinstance(history, History)
    left_pc = dose_cap_pc(plan, {}, history, 1_000_000, nominal=False)
    assert left_pc == 10 * MA * 60_000 - found.charge.upper_pc


def test_in_real_time_a_session_completes_or_says_that_the_computer_was_too_slow(tmp_path: Path) -> None:
    plan = heel_plan(500, 1_000)
    place = placed(tmp_path, plan)
    given = (*GIVEN, "--set", "current=1 mA", "--set", "skin=none")
    done = place.run("run", "heel.plan.json", *given, "--yes", "--patient", "P1")
    reading = journal_of(place)
    if done.returncode == 0:
        assert "session completed" in done.stdout
    else:
        assert re.search(r"F22|F03", done.stdout), done.stdout
    bound = rebound(plan, reading)
    assert not isinstance(bound, str) and replay(bound, reading).agrees


def test_help_shows_an_example(place: Workplace) -> None:
    done = place.run("run", "--help")
    assert done.returncode == 0
    assert "example: ionto run" in done.stdout
