"""The live panel: what it shows, what keys mean, and a terminal that is put back."""

from __future__ import annotations

import io
import os
import pty
import re
import termios

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.events import (
    Adjust,
    Confirm,
    EmergencyStop,
    Enter,
    Event,
    Pause,
    Resume,
    Stop,
)
from ionto_ir.plan import IntegerDomain, Plan, Variable, VariableKind
from ionto_runtime.console.keys import Keys
from ionto_runtime.console.terminal import TerminalConsole
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.view import View, view_of
from tests.ir.sessions import bound_of
from tests.runtime.bedside import Bedside, facts_for
from tests.runtime.consoles import BOUND, FACTS, PLAN, VALUES, asking, at, recording
from tests.runtime.sealed_plans import MA
from tests.treatments import HERE


# --- terminal -----------------------------------------------------------------------------------------------
class FakeKeys:
    """Keys that were pressed, and whether the terminal was put back."""

    def __init__(self) -> None:
        self.pressed = ""
        self.held = False

    def __enter__(self) -> FakeKeys:
        self.held = True
        return self

    def __exit__(self, *_: object) -> None:
        self.held = False

    def read(self) -> str:
        pressed, self.pressed = self.pressed, ""
        return pressed


class TerminalText(io.StringIO):
    """A text that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kind and size of the terminal, whatever the tests are run on."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "40")


class Screen:
    """A terminal console on a text."""

    def __init__(self) -> None:
        self.out = TerminalText()
        self.keys = FakeKeys()
        self.clock = VirtualClock()
        self.console = TerminalConsole(self.out, self.keys, self.clock)  # type: ignore[arg-type]

    def press(self, view: View, keys: str) -> tuple[Event, ...]:
        self.keys.pressed = keys
        return tuple(self.console.poll(view))

    def shown(self, view: View) -> str:
        """What the panel shows, alone."""
        with self.console:
            self.out.truncate(0)
            self.clock.sleep_until(self.clock.now_ms() + 1_000)
            self.console.show(view)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.out.getvalue())


@pytest.mark.parametrize(
    ("key", "event"),
    [
        ("p", Pause()),
        ("r", Resume()),
        ("s", Stop()),
        ("S", Stop()),
        (" ", Stop()),
        ("e", EmergencyStop()),
        ("+", Adjust("current", 2_100_000)),
        ("-", Adjust("current", 1_900_000)),
    ],
)
def test_a_key_is_an_event(key: str, event: Event) -> None:
    assert Screen().press(at(60), key) == (event,)


def test_keys_that_mean_nothing_do_nothing() -> None:
    assert Screen().press(at(60), "xyqY\r\x07") == ()


def test_y_confirms_what_is_asked_and_does_not_resume() -> None:
    assert Screen().press(asking(), "y") == (Confirm(),)
    bedside = Bedside(BOUND).begin().tick(60)
    bedside.session.feed(Pause())
    bedside.tick(60)
    assert Screen().press(view_of(bedside.session, FACTS), "y") == ()


def test_a_value_is_typed_shown_corrected_and_entered() -> None:
    screen = Screen()
    view = recording()
    assert screen.press(view, "nonr\x7f") == ()
    assert "> non█" in screen.shown(view)
    assert screen.press(view, "e\r") == (Enter("skin", 0),)
    assert screen.press(view, "stuff\x15erythema\n") == (Enter("skin", 1),)


def test_a_value_that_does_not_fit_is_explained_on_the_panel() -> None:
    screen = Screen()
    view = recording()
    assert screen.press(view, "fine\r") == ()
    assert "not one of the choices" in screen.shown(view)
    assert screen.press(view, "none\r") == (Enter("skin", 0),)
    assert "not one of the choices" not in screen.shown(view)


def test_enter_alone_records_nothing() -> None:
    assert Screen().press(recording(), "\r") == ()


def test_letters_of_a_typed_value_are_no_commands() -> None:
    assert Screen().press(recording(), "pse ") == ()


def test_the_end_of_a_range_is_said() -> None:
    screen = Screen()
    view = at(60, Adjust("current", 4 * MA))
    assert screen.press(view, "+") == ()
    assert "current is at its highest: 4 mA" in screen.shown(view)


def test_tab_chooses_among_several_adjustable_parameters() -> None:
    second = Variable(
        "second",
        VariableKind.PARAMETER,
        IntegerDomain(0, MA, 10_000, 0, "current", "mA"),
        "",
        True,
        None,
        HERE,
    )
    plan: Plan = replace(PLAN, variables=(*PLAN.variables, second))
    bound = bound_of(plan, {**VALUES, "second": 0})
    view = view_of(Bedside(bound).begin().tick(60).session, facts_for(bound))
    screen = Screen()
    assert screen.press(view, "\t+") == (Adjust("second", 10_000),)
    assert "second = 0 mA (Tab for the next)" in screen.shown(view)
    assert screen.press(view, "\t+") == (Adjust("current", 2_100_000),)


def test_the_panel_says_what_matters() -> None:
    text = Screen().shown(at(60))
    for part in (
        "SIMULATED",
        "RUNNING",
        "Hold 2 mA for 20 s",
        "2.00 mA set",
        "measured",
        "of 0.80 mA·min",
        "░",
        "elapsed",
        "remaining",
        "contact  good",
        "p pause",
        "s stop",
        "e emergency stop",
        "+ - adjust",
        "Heel 1.0.0 · P1",
    ):
        assert part in text, part


def test_a_lost_reading_is_shown_as_a_dash_and_never_frozen() -> None:
    text = Screen().shown(at(60, fault=Fault.SILENT))
    assert "— measured" in text and "contact  no reading" in text


def test_alarms_stand_on_the_panel_with_symbol_and_word() -> None:
    text = Screen().shown(at(60, fault=Fault.LEAD_OFF))
    assert "!!! high: an electrode came off: the output is open (F01)" in text
    assert "r resumes, s stops" in text


def test_an_ended_session_says_so_until_the_output_was_seen_off() -> None:
    view = at(60, EmergencyStop())
    assert "waiting until the output is seen to be off" in Screen().shown(view)
    assert "the session is over" in Screen().shown(replace(view, closed=True))


def test_the_panel_is_not_drawn_more_often_than_can_be_seen() -> None:
    screen = Screen()
    view = at(60)
    with screen.console:
        screen.console.show(view)
        drawn = len(screen.out.getvalue())
        screen.clock.sleep_until(50)
        screen.console.show(view)
        assert len(screen.out.getvalue()) == drawn
        screen.clock.sleep_until(100)
        screen.console.show(view)
        assert len(screen.out.getvalue()) > drawn


def test_the_terminal_is_put_back_whatever_happens() -> None:
    screen = Screen()
    with screen.console:
        assert screen.keys.held
    assert not screen.keys.held
    with pytest.raises(ZeroDivisionError), screen.console:
        raise ZeroDivisionError
    assert not screen.keys.held


def test_a_terminal_that_is_gone_is_let_go() -> None:
    screen = Screen()
    with screen.console:
        screen.console.show(at(60))

        def gone(_: str) -> int:
            raise OSError(5, "Input/output error")

        screen.out.write = gone  # type: ignore[method-assign]
    assert not screen.keys.held


# --- keys ---------------------------------------------------------------------------------------------------
def test_keys_are_not_echoed_not_waited_for_and_the_terminal_is_as_before_afterwards() -> None:
    master, slave = pty.openpty()
    try:
        before = termios.tcgetattr(slave)
        with Keys(slave) as keys:
            during = termios.tcgetattr(slave)
            assert not during[3] & (termios.ICANON | termios.ECHO)
            assert during[3] & termios.ISIG
            assert keys.read() == ""
            os.write(master, b"p\x1b[A\x1bOP\x1b[3~\x1b[200~s")
            read = ""
            while not read.endswith("s"):
                read += keys.read()
            assert read == "ps"
        assert termios.tcgetattr(slave) == before
        with pytest.raises(ZeroDivisionError), Keys(slave):
            raise ZeroDivisionError
        assert termios.tcgetattr(slave) == before
    finally:
        os.close(master)
        os.close(slave)
