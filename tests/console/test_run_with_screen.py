"""The real terminal console on a pseudo-terminal: it stops when all else is frozen or dead, and is missed."""

from __future__ import annotations

import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from ionto_runtime.journal_format import RecordType
from ionto_runtime.journal_reader import Reading, read_journal
from ionto_runtime.running import Running, announced
from tests.conformance.processes import DeviceProcess
from tests.console.browsers import page_process
from tests.runtime.safety_process import LASTING, WAIT_MS, Spoken, job_at, spoken_to
from tests.runtime.sealed_plans import Workplace, placed
from tests.runtime.terminals import PATIENCE_S, Terminal
from tests.runtime.test_on_a_line import job_on

pytestmark = pytest.mark.realtime

READ_S = 0.7
"""A question is answered once it could be read."""


@contextmanager
def found_by_others(spoken: Spoken, place: Workplace) -> Iterator[None]:
    """The session is on the list of those that run, as `ionto run` puts it there."""
    job = spoken.job
    running = Running(
        job.session_id, job.socket, job.token, spoken.process.pid, "Heel", job.patient, job.port
    )
    with announced(place.folder / "home" / "running", running) as problem:
        assert problem is None
        yield


LATE = "F26"
"""A tick that was late, which stops nothing: on a busy machine there may be one in any session."""


def stops_of(folder: Path) -> list[str]:
    """The alarms that are on record, but for lateness that stopped nothing."""
    (path,) = folder.glob("*.journal")
    reading = read_journal(path)
    assert isinstance(reading, Reading)
    raised = [record.payload.get("code") for record in reading.records if record.kind is RecordType.ALARM]
    return [str(code) for code in raised if code not in (None, LATE)]


def page_joins(link: str) -> None:
    """A tab opens the page and says that it is there, so that the page's server comes to the desk."""
    base, key = link.split("/?key=")
    headers = {"Cookie": f"ionto={key}", "Origin": base, "Content-Type": "application/json"}
    request = urllib.request.Request(f"{base}/beat", b'{"tab": "t", "wants": true}', headers, method="POST")
    with urllib.request.urlopen(request, timeout=WAIT_MS / 1000) as answer:
        assert b"true" in answer.read()


@pytest.mark.requirement("R25")
@pytest.mark.parametrize("how", [signal.SIGSTOP, signal.SIGKILL])
def test_stop_works_in_a_terminal_when_the_page_is_frozen_or_dead(
    tmp_path: Path, how: signal.Signals
) -> None:
    with ExitStack() as stack:
        device = stack.enter_context(DeviceProcess("twin", tmp_path / "line"))
        spoken = stack.enter_context(spoken_to(job_on(tmp_path, attended=False)))
        spoken.begin().until_word("RUNNING")
        link, server = stack.enter_context(page_process(spoken.job.socket, spoken.job.token))
        spoken.remote.close()
        page_joins(link)
        place = Workplace(tmp_path)
        stack.enter_context(found_by_others(spoken, place))
        screen = stack.enter_context(Terminal(place, "console"))
        screen.wait("WATCHING: `page` commands").wait("RUNNING")
        device.wait_for_current(900_000, 1_100_000)
        server.send_signal(how)
        screen.type("\x1b").wait("The session is over").type("q")
        assert screen.end() == 1, "the session did not complete"
        assert screen.is_as_before()
        server.send_signal(signal.SIGCONT)
        assert spoken.ended() == 1
        device.wait_for_current(0, 0)
    assert stops_of(tmp_path / "records") == [], "it was stopped by nothing else"


def test_a_session_is_commanded_from_the_screen_of_the_command_that_started_it(tmp_path: Path) -> None:
    place = placed(tmp_path, LASTING)
    values = ["--set", "current=1 mA", "--set", "pacemaker=no", "--set", "sore=no"]
    options = ["--console", "--patient", "P1", "--operator", "O", "--records", str(place.records), *values]
    with Terminal(place, "run", str(tmp_path / "heel.plan.json"), *options) as screen:
        screen.wait("armed: b begins").type("b").wait("1 of 4: Plan Heel")
        for part in ("2 of 4", "3 of 4", "Start"):
            screen.type("y").wait(part)
        screen.type("y").wait("Confirm: Skin is clean and dry")
        time.sleep(READ_S)
        screen.type("y").wait("RUNNING")
        listed = place.run("console", "--list").stdout
        assert "Heel 1.0.0, patient P1, on simulated" in listed
        stopped = place.run("console", listed[:4], "--stop")
        assert stopped.returncode == 0 and "the session is over" in stopped.stdout, stopped
        screen.wait("The session is over").type("q")
        assert screen.end() == 1
        assert "SIMULATED session NOT COMPLETED" in screen.text
        assert screen.is_as_before()
    assert stops_of(place.records) == []
    assert list((tmp_path / "home" / "running").iterdir()) == []
    assert len(list(place.records.glob("plans/*"))) or len(list(place.records.glob("*plan*"))), (
        "it can be replayed"
    )


@pytest.mark.requirement("R66")
@pytest.mark.requirement("R67")
def test_a_screen_that_watches_may_be_lost_and_one_that_commands_is_missed(tmp_path: Path) -> None:
    job = job_at(tmp_path, lasting=True)
    place = Workplace(tmp_path)
    with spoken_to(job) as spoken, found_by_others(spoken, place):
        spoken.begin().until_word("RUNNING")
        with Terminal(place, "console") as watching:
            _together(spoken, watching, "WATCHING: `test` commands")
            watching.signal(signal.SIGKILL)
        seen = len(spoken.views)
        spoken.until(lambda _: len(spoken.views) > seen + 15)
        assert spoken.views[-1]["word"] == "RUNNING" and set(spoken.codes()) <= {LATE}
        with Terminal(place, "console") as screen:
            _together(spoken, screen, "WATCHING")
            screen.type("c")
            _together(spoken, screen, "Take the command")
            screen.type("y")
            spoken.until(lambda message: message.get("commander") == "terminal")
            # From now on nobody reads what the screen draws: a stalled line, a window that hangs.
            spoken.until(lambda message: message.get("word") in ("STOPPING", "STOPPED"))
        assert set(spoken.codes()) - {LATE} == {"F47"}
        spoken.until_type("bye")
        assert spoken.ended() == 1


def _together(spoken: Spoken, screen: Terminal, pattern: str) -> None:
    """Wait for the screen to show something, and be a console that is alive meanwhile."""
    deadline = time.monotonic() + PATIENCE_S
    while pattern not in screen.text:
        assert time.monotonic() < deadline, screen.text[-3_000:]
        screen.read()
        spoken.until(lambda _: True)


@pytest.mark.requirement("R25")
@pytest.mark.requirement("R65")
def test_a_safety_process_that_hangs_is_said_and_is_stopped_by_a_signal_as_soon_as_it_can_be(
    tmp_path: Path,
) -> None:
    job = job_at(tmp_path, lasting=True, attended=False)
    place = Workplace(tmp_path)
    with spoken_to(job) as spoken, found_by_others(spoken, place):
        spoken.begin().until_word("RUNNING")
        spoken.remote.close()
        with Terminal(place, "console") as screen, Terminal(place, "console") as other:
            screen.wait("RUNNING")
            other.wait("RUNNING").vanish()
            assert other.end() == 129, "a screen without a terminal ends, whether it is told or not"
            spoken.signal(signal.SIGSTOP)
            screen.wait("STALE").wait("SAYS NOTHING")
            screen.type("\x1b").wait("by a signal")
            spoken.signal(signal.SIGCONT)
            screen.wait("The session is over")
            screen.signal(signal.SIGTERM)
            assert screen.end() == 1
            assert screen.is_as_before()
        assert spoken.ended() == 1
