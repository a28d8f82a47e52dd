"""`ionto console` without a screen: which session is meant, where a screen fits, a stop that is watched."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ionto_cli.commands import console
from ionto_cli.exits import Exit
from ionto_ir.diagnostic import Diagnostic
from ionto_runtime import stopping
from ionto_runtime.clock import RealClock
from ionto_runtime.remote import Remote
from ionto_runtime.running import Running
from ionto_runtime.stopping import Stopped, stop_session
from tests.console.fake_desk import FakeDesk, view
from tests.runtime.sealed_plans import Workplace, placed


def session(name: str, folder: Path = Path("/nowhere")) -> Running:
    """A session that is said to run."""
    return Running(name, folder / "desk", "token", 4711, "Heel 1.0.0", "P1", "/dev/ttyUSB0")


ONE, TWO = session("5e551011"), session("a0000000")


@pytest.mark.parametrize(
    ("there", "name", "found"),
    [((ONE,), None, ONE), ((ONE, TWO), "5e", ONE), ((ONE, TWO), "a", TWO), ((ONE,), "5e551011", ONE)],
)
def test_the_session_that_is_meant_is_found(
    there: tuple[Running, ...], name: str | None, found: Running
) -> None:
    assert console.chosen(there, name) == found


@pytest.mark.parametrize(
    ("there", "name", "code", "part"),
    [
        ((), None, "I0840", "`ionto run PLAN --port PATH` starts one"),
        ((TWO,), "5e", "I0840", "no session `5e` runs here"),
        ((ONE,), "a", "I0840", "5e551011  Heel 1.0.0, patient P1, on /dev/ttyUSB0"),
        ((ONE, TWO), None, "I0841", "2 sessions run here"),
    ],
)
def test_what_is_not_clear_is_asked_for(
    there: tuple[Running, ...], name: str | None, code: str, part: str
) -> None:
    found = console.chosen(there, name)
    assert isinstance(found, Diagnostic)
    assert found.code == code and part in f"{found.message} {found.help}"


def ionto(place: Workplace, *arguments: str) -> tuple[int, str]:
    """What `ionto` says without a terminal, and its exit code."""
    done = place.run(*arguments)
    return done.returncode, done.stdout + done.stderr


def test_without_a_session_or_a_terminal_it_says_so(tmp_path: Path) -> None:
    place = placed(tmp_path)
    assert ionto(place, "console", "--list") == (0, "no session runs\n")
    code, said = ionto(place, "console", "--stop")
    assert code == Exit.SOURCE and "I0840" in said
    code, said = ionto(place, "run", str(tmp_path / "heel.plan.json"), "--console")
    assert code == Exit.USAGE and "I0842" in said
    code, said = ionto(place, "run", str(tmp_path / "heel.plan.json"), "--console", "--json")
    assert code == Exit.USAGE and "I0901" in said


def test_a_terminal_that_shows_nothing_and_a_missing_library_are_said(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(console, "_is_terminal", lambda stream: True)
    monkeypatch.setenv("TERM", "dumb")
    problem = console.screen_problem()
    assert problem is not None and problem.code == "I0842"
    monkeypatch.setenv("TERM", "xterm")
    assert console.screen_problem() is None
    monkeypatch.setattr(console, "find_spec", lambda name: None)
    problem = console.screen_problem()
    assert problem is not None and problem.code == "I0955"


def test_neither_the_list_nor_a_stop_loads_the_screen() -> None:
    program = (
        "import sys, ionto_cli.commands.console, ionto_runtime.stopping\n"
        "print([name for name in ('textual', 'rich', 'asyncio', 'z3', 'lark') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# --- a stop without a screen -----------------------------------------------------------------------------
def stopped(desk: FakeDesk, folder: Path) -> tuple[Stopped, list[str]]:
    """What is known of a stop, and what was said meanwhile."""
    told: list[str] = []
    return stop_session(session("5e551011", folder), RealClock(), told.append), told


@pytest.mark.requirement("R25")
def test_a_stop_is_watched_until_the_session_is_over(tmp_path: Path) -> None:
    desk = FakeDesk(tmp_path / "desk")

    def answer() -> None:
        desk.until_asked("stop")
        desk.say(view(mode="stopping", word="STOPPING"), view(mode="stopping", word="STOPPING"))
        desk.say(view(mode="ended", word="STOPPED"), {"type": "bye", "outcome": {}})

    answering = threading.Thread(target=answer)
    answering.start()
    known, _ = stopped(desk, tmp_path)
    answering.join()
    assert known is Stopped.OFF
    assert desk.commands() == ["stop"], "it needs no token"
    desk.go()


def test_a_stop_of_which_nothing_is_heard_is_not_called_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(stopping, "TAKEN_MS_MAX", 100)
    monkeypatch.setattr(Remote, "behind", lambda self: None)  # behind this desk is the test itself
    desk = FakeDesk(tmp_path / "desk")
    desk_says = threading.Thread(target=lambda: desk.say(view()))
    desk_says.start()
    assert console._stop(session("5e551011", tmp_path)) is Exit.REFUTED
    assert "I0843" in capsys.readouterr().err
    desk_says.join()
    desk.go()


def test_a_stop_without_a_desk_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "REACH_MS_MAX", 50)
    assert stop_session(session("5e551011", tmp_path), RealClock(), print) is Stopped.UNKNOWN
