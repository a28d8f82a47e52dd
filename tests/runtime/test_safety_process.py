"""The safety process as it really runs: alone, spoken to over its socket, hung, stopped, killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ionto_ir.dataclass import replace
from ionto_runtime.journal_reader import Reading, Sealed, Unsealed, read_journal
from ionto_runtime.messages import Message
from ionto_runtime.replay import rebound, replay
from ionto_runtime.safety.desk import CLIENTS_MAX
from ionto_runtime.series import series_of
from tests.architecture.tree import ROOT
from tests.runtime.bedside import settings_of
from tests.runtime.safety_process import LASTING, QUICK, Spoken, console_at, job_at, spoken_to
from tests.runtime.sealed_plans import Workplace, placed
from tests.runtime.terminals import Terminal

pytestmark = pytest.mark.realtime


def journal_of(spoken: Spoken) -> Reading:
    """The journal of its one session."""
    (path,) = spoken.job.records.glob("*.journal")
    reading = read_journal(path)
    assert isinstance(reading, Reading)
    return reading


def came_down(reading: Reading) -> bool:
    """Whether no setpoint fell by more than the stop's slew, down to near zero."""
    settings = settings_of(reading)
    return settings[-1] <= 100_000 and all(before - after <= 110_000 for before, after in pairwise(settings))


# --- a whole session --------------------------------------------------------------------------------------
@pytest.mark.requirement("R12")
@pytest.mark.requirement("R55")
def test_a_session_runs_in_a_process_of_its_own_from_its_job_to_its_seal(tmp_path: Path) -> None:
    with spoken_to(job_at(tmp_path)) as spoken:
        outcome = spoken.begin().until_type("bye")["outcome"]
        assert isinstance(outcome, dict)
        assert spoken.ended() == 0, outcome
    kinds = [str(message["type"]) for message in spoken.heard]
    assert kinds.index("armed") < kinds.index("begun") < kinds.index("bye")
    reading = journal_of(spoken)
    bound = rebound(QUICK, reading)
    assert isinstance(reading.end, Sealed) and not isinstance(bound, str)
    assert replay(bound, reading).agrees
    header = reading.header
    assert header is not None and header["process"]["collector"] == "frozen and off"  # type: ignore[index, call-overload]
    schema = (ROOT / "docs" / "reference" / "safety.schema.json").read_text(encoding="utf-8")
    published = Draft202012Validator(json.loads(schema))
    for message in (*spoken.heard, spoken.views[0], spoken.views[-1]):
        published.validate(message)
    numbers = [view["sequence"] for view in spoken.views]
    assert numbers == sorted(set(numbers)), "views are numbered"  # type: ignore[type-var]


@pytest.mark.requirement("R55")
def test_no_display_no_export_and_no_database_is_loaded_in_the_safety_process() -> None:
    program = "import sys, ionto_runtime.safety.__main__; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(done.stdout.split())
    for library in ("rich", "textual", "starlette", "uvicorn", "sqlite3", "asyncio", "jinja2", "matplotlib"):
        assert library not in loaded
    assert not [name for name in loaded if name.startswith(("ionto_cli", "ionto_dsl", "ionto_verifier"))]
    assert not [name for name in loaded if name.startswith("ionto_runtime.console")]
    assert not [name for name in loaded if "export" in name and name.startswith("ionto_")]


# --- who may say what -------------------------------------------------------------------------------------
@pytest.mark.requirement("R67")
def test_one_console_commands_and_whoever_has_not_the_token_only_watches_or_stops(tmp_path: Path) -> None:
    with spoken_to(job_at(tmp_path, lasting=True)) as spoken:
        spoken.begin().until_word("RUNNING")
        other, stranger = console_at(spoken.job), console_at(spoken.job)
        other.join(spoken.job.token, "second", commands=True)
        stranger.join("a guess", "stranger", commands=True)
        key = other.command("pause")
        stranger.command("pause")
        due: list[Message] = [
            {"type": "joined", "commands": False, "session": spoken.job.session_id},
            {"type": "reply", "key": key, "taken": False, "reason": "you only watch"},
            {"type": "refused", "reason": "the token is not that of this session"},
        ]
        while due:
            spoken.until_type("view")  # which is where a test that waits in vain ends
            for message in (*other.hear(0), *stranger.hear(0)):
                due = [item for item in due if item != message]
        spoken.until_word("RUNNING")
        stranger.stop()
        spoken.until_word("STOPPING")
        spoken.until_type("bye")
        other.close()
        stranger.close()
    assert came_down(journal_of(spoken))


@pytest.mark.requirement("R67")
def test_who_commands_is_on_record_and_in_what_is_replayed_and_exported(tmp_path: Path) -> None:
    with spoken_to(job_at(tmp_path, lasting=True)) as spoken:
        spoken.begin().until_word("RUNNING")
        other = console_at(spoken.job)
        other.join(spoken.job.token, "terminal", commands=True, takes=True)
        spoken.until(lambda message: message.get("commander") == "terminal")
        spoken.remote.join(spoken.job.token, "test", commands=True, takes=True)
        spoken.until(lambda message: message.get("commander") == "test")
        spoken.until_type("view")
        spoken.remote.stop()
        spoken.until_type("bye")
        other.close()
    reading = journal_of(spoken)
    came = [record.payload for record in reading.records if "commander" in record.payload]
    assert [(item["commander"], item["taken_from"]) for item in came] == [
        ("test", None),
        ("terminal", "test"),
        ("test", "terminal"),
    ]
    bound = rebound(LASTING, reading)
    assert not isinstance(bound, str) and replay(bound, reading).agrees
    series = series_of(reading)
    assert not isinstance(series, str)
    told = [item.text for item in series.happenings if item.name == "command"]
    assert told == [
        "test commands",
        "terminal commands, taken from test",
        "test commands, taken from terminal",
    ]
    place = Workplace(tmp_path)
    (path,) = spoken.job.records.glob("*.journal")
    replayed = place.run("replay", str(path), "--plan", "heel.plan.json").stdout
    assert "command   terminal commands, taken from test" in replayed, replayed


@pytest.mark.requirement("R3")
def test_begin_with_anything_else_than_the_plan_says_begins_nothing(tmp_path: Path) -> None:
    with spoken_to(job_at(tmp_path)) as spoken:
        spoken.remote.join(spoken.job.token, "test", commands=True)
        spoken.until_type("armed")
        assert isinstance(spoken.confirm, dict)
        spoken.remote.command("begin", confirm={**spoken.confirm, "patient": "P2"})
        refused = spoken.until_type("refused_session")
        assert spoken.ended() == 2
    assert "I0923" in json.dumps(refused)
    assert settings_of(journal_of(spoken)) == []


@pytest.mark.requirement("R12")
def test_a_command_that_is_sent_twice_is_done_once(tmp_path: Path) -> None:
    with spoken_to(job_at(tmp_path, lasting=True)) as spoken:
        spoken.begin().until_word("RUNNING")
        pause = {"type": "command", "key": "the same key", "do": "pause"}
        for _ in range(5):
            spoken.remote.say(pause)
        spoken.until_word("PAUSED")
        spoken.remote.command("resume")
        spoken.until_word("RAMP UP")
        spoken.remote.say(pause)
        spoken.until_word("RUNNING")
        spoken.remote.stop()
        spoken.until_type("bye")
    events = [record.payload.get("event") for record in journal_of(spoken).records]
    assert events.count("pause") == 1


@pytest.mark.requirement("R24")
@pytest.mark.requirement("R49")
def test_a_stop_overtakes_whatever_else_is_said(tmp_path: Path) -> None:
    with spoken_to(job_at(tmp_path, lasting=True)) as spoken:
        spoken.begin().until_word("RUNNING")
        loud = console_at(spoken.job)
        loud.say({"type": "command", "do": "x" * 4_000})
        for _ in range(200):
            loud.say({"type": "noise"})
        spoken.remote.command("pause")
        spoken.remote.stop(emergency=True)
        outcome = spoken.until_type("bye")["outcome"]
        loud.close()
    assert isinstance(outcome, dict) and outcome["reason"] == "emergency stop"
    assert "F09" in spoken.codes()


def test_too_many_consoles_are_turned_away_and_the_session_goes_on(tmp_path: Path) -> None:
    with spoken_to(job_at(tmp_path)) as spoken:
        spoken.begin()
        crowd = [console_at(spoken.job) for _ in range(CLIENTS_MAX + 4)]
        outcome = spoken.until_type("bye")["outcome"]
        for console in crowd:
            console.close()
    assert isinstance(outcome, dict) and "F23" not in json.dumps(outcome)


# --- two ways to stop, each with the other dead -----------------------------------------------------------
@pytest.mark.requirement("R25")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_the_session_while_its_console_is_hung(tmp_path: Path, number: signal.Signals) -> None:
    with spoken_to(job_at(tmp_path, lasting=True)) as spoken:
        spoken.begin().until_word("RUNNING")
        spoken.signal(number)  # and the console neither reads nor beats from here on
        assert spoken.ended() == 1
    reading = journal_of(spoken)
    assert isinstance(reading.end, Sealed) and came_down(reading)
    assert number.name in [record.payload.get("cause") for record in reading.records]


@pytest.mark.requirement("R25")
@pytest.mark.requirement("R66")
@pytest.mark.parametrize("hung", [True, False], ids=["hung", "gone"])
def test_a_console_that_hangs_or_dies_is_an_alarm_and_then_a_stop(tmp_path: Path, hung: bool) -> None:
    with spoken_to(job_at(tmp_path, lasting=True)) as spoken:
        spoken.begin().until_word("RUNNING")
        if not hung:
            spoken.remote.close()
        assert spoken.ended() == 1
    reading = journal_of(spoken)
    assert isinstance(reading.end, Sealed) and came_down(reading)
    assert "F47" in [record.payload.get("code") for record in reading.records]


# --- a host that fails ------------------------------------------------------------------------------------
@pytest.mark.requirement("R54")
@pytest.mark.requirement("R19")
@pytest.mark.parametrize("stopped_s", [0.3, 2.0])
def test_a_process_that_was_stopped_for_too_long_ends_its_session(tmp_path: Path, stopped_s: float) -> None:
    with spoken_to(job_at(tmp_path, lasting=True)) as spoken:
        spoken.begin().until_word("RUNNING")
        spoken.signal(signal.SIGSTOP)
        time.sleep(stopped_s + 0.06)
        spoken.signal(signal.SIGCONT)
        outcome = spoken.until_type("bye")["outcome"]
    assert isinstance(outcome, dict) and not outcome["completed"]
    assert {"F22", "F03"} & set(spoken.codes())
    reading = journal_of(spoken)
    settings = settings_of(reading)
    assert all(after - before <= 110_000 for before, after in pairwise(settings)), "nothing is caught up"


@pytest.mark.requirement("R28")
@pytest.mark.requirement("R6")
def test_after_a_kill_nothing_flows_until_a_person_begins_a_new_session(tmp_path: Path) -> None:
    job = job_at(tmp_path, lasting=True)
    with spoken_to(job) as spoken:
        spoken.begin().until_word("RUNNING")
        spoken.signal(signal.SIGKILL)
        spoken.process.wait()
    assert isinstance(journal_of(spoken).end, Unsealed)
    with spoken_to(job) as again:
        refused = again.until_type("refused_session")
    assert "I0928" in json.dumps(refused), "the same instance never runs twice"
    with spoken_to(replace(job, session_id="0ther000", socket=tmp_path / "desk2")) as later:
        later.remote.join(job.token, "test", commands=True)
        later.until_type("armed")
        time.sleep(0.3)
        assert later.views == []
        later.remote.command("leave")
        later.until_type("refused_session")
    paths = [path for path in job.records.glob("*.journal") if "0ther000" in path.name]
    reading = read_journal(paths[0])
    assert isinstance(reading, Reading) and settings_of(reading) == []


BROKEN = {
    "a tick": "import ionto_runtime.session as s; o = s.Session.tick\n"
    "def tick(self, ms):\n"
    "    if self.state.machine.level_na >= 900_000: raise MemoryError('no more')\n"
    "    o(self, ms)\n"
    "s.Session.tick = tick",
    "the desk": "import ionto_runtime.safety.desk as d; o = d.Desk.show\n"
    "def show(self, view):\n"
    "    if view.setpoint_na >= 900_000: raise RuntimeError('no desk')\n"
    "    o(self, view)\n"
    "d.Desk.show = show",
    "a watch": "import ionto_runtime.guard as g; o = g.Guard.look\n"
    "def look(self, sight):\n"
    "    if (sight.set_na or 0) >= 900_000: raise ZeroDivisionError('a bug')\n"
    "    return o(self, sight)\n"
    "g.Guard.look = look",
}


@pytest.mark.requirement("R56")
@pytest.mark.parametrize("part", BROKEN)
def test_an_error_in_any_part_comes_down_goes_on_record_and_leaves_with_a_bad_exit(
    tmp_path: Path, part: str
) -> None:
    with spoken_to(job_at(tmp_path, lasting=True), BROKEN[part]) as spoken:
        spoken.begin().until_type("bye")
        assert spoken.ended() == 1
    codes = {record.payload.get("code") for record in journal_of(spoken).records}
    assert codes & {"F23", "F24"}


@pytest.mark.requirement("R7")
def test_files_that_change_while_a_session_runs_change_nothing(tmp_path: Path) -> None:
    with spoken_to(job_at(tmp_path)) as spoken:
        spoken.begin()
        spoken.job.plan.write_bytes(b"another plan")
        spoken.remote.command("configure", current_na_max=10**9)
        outcome = spoken.until_type("bye")["outcome"]
    assert isinstance(outcome, dict)
    assert "there is no such command" in json.dumps(spoken.heard)
    assert max(settings_of(journal_of(spoken))) == 1_000_000


# --- the command ------------------------------------------------------------------------------------------
@pytest.mark.requirement("R25")
def test_the_command_says_it_when_its_safety_process_is_killed(tmp_path: Path) -> None:
    place = placed(tmp_path, LASTING)
    given = (
        "--set",
        "current=1 mA",
        "--set",
        "pacemaker=no",
        "--set",
        "sore=no",
        "--set",
        "skin=none",
        "--patient",
        "P1",
        "--yes",
    )
    command = subprocess.Popen(
        place.command("run", "heel.plan.json", "--port", "simulated", *given),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=place.environment,
    )
    assert command.stdout is not None and command.stderr is not None
    safety = None
    for line in command.stdout:
        if "safety process" in line:
            safety = int(line.split()[2].rstrip(":"))
        if "RUNNING" in line:
            break
    assert safety is not None
    os.kill(safety, signal.SIGKILL)
    assert command.wait(60) == 1
    assert "error[I0927]" in command.stderr.read()
    command.stdout.close()
    command.stderr.close()


AT_A_TERMINAL = (
    *("run", "heel.plan.json", "--port", "simulated", "--patient", "P1"),
    *("--set", "current=1 mA", "--set", "pacemaker=no", "--set", "sore=no"),
)


def begun_at(terminal: Terminal) -> Terminal:
    """Confirm what is asked, one by one, until current flows."""
    for asked in ("Plan and patient P1", "The active electrode", "The return electrode", r"Start\?"):
        terminal.wait(asked).type("yes\n")
    return terminal.wait("Skin is clean").type("y").wait("RUNNING")


def test_a_session_on_a_device_is_run_from_a_terminal_with_single_keys(tmp_path: Path) -> None:
    with Terminal(placed(tmp_path, LASTING), *AT_A_TERMINAL) as terminal:
        begun_at(terminal)
        terminal.type("p").wait("PAUSED").type("r").wait("RUNNING")
        terminal.type("s").wait("SIMULATED session NOT COMPLETED: stopped")
        assert terminal.end() == 1
        assert terminal.is_as_before()
    assert re.search(r"ok  dead-man: tripped after \d+ ms", terminal.text)


@pytest.mark.requirement("R25")
def test_the_keyboards_signal_stops_a_session_on_a_device_and_a_second_one_at_once(tmp_path: Path) -> None:
    slowly = replace(LASTING, stop_slew_na_s=10_000)
    with Terminal(placed(tmp_path, slowly), *AT_A_TERMINAL) as terminal:
        begun_at(terminal).signal(signal.SIGINT).wait("STOPPING")  # for the next 100 seconds
        terminal.signal(signal.SIGINT).wait("NOT COMPLETED: emergency stop")
        assert terminal.end() == 1
        assert terminal.is_as_before()


def test_who_does_not_confirm_an_electrode_starts_nothing(tmp_path: Path) -> None:
    place = placed(tmp_path, LASTING)
    with Terminal(place, *AT_A_TERMINAL) as terminal:
        terminal.wait("Plan and patient P1").type("yes\n").wait("The active electrode").type("no\n")
        terminal.wait("nothing was started").wait("somebody stopped it before it was begun")
        assert terminal.end() == 2
    (path,) = place.records.glob("*.journal")
    reading = read_journal(path)
    assert isinstance(reading, Reading) and settings_of(reading) == []
