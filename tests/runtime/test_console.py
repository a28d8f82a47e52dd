"""Consoles: what they show, what keys and lines mean, and a terminal that is put back."""

from __future__ import annotations

import io
import os
import pty
import re
import termios
from collections.abc import Mapping

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.events import (
    Adjust,
    Confirm,
    EmergencyStop,
    Enter,
    Event,
    Pause,
    Prompt,
    PromptKind,
    Resume,
    Stop,
)
from ionto_ir.expression import Value
from ionto_ir.plan import Code, IntegerDomain, Plan, Variable, VariableKind
from ionto_runtime.alarms import ALARMS, FAILURES, SYMBOLS
from ionto_runtime.console.automatic import Automatic
from ionto_runtime.console.keys import Keys
from ionto_runtime.console.lines import LINE_BYTES_MAX, Lines
from ionto_runtime.console.plain import PlainConsole
from ionto_runtime.console.terminal import TerminalConsole
from ionto_runtime.console.view import View, view_of
from ionto_runtime.console.words import contact_words, state_word, step_words
from ionto_runtime.prompts import answer, how_to_answer, moved, prompt_text, question
from ionto_runtime.simulation.clock import VirtualClock
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.stimulator import Measurement
from tests.ir.sessions import SECOND, bound_of
from tests.runtime.bedside import Bedside, Script, facts_for
from tests.runtime.sealed_plans import MA, heel_plan
from tests.treatments import HERE

PLAN = heel_plan(20 * SECOND)
VALUES: dict[str, Value] = {"current": 2 * MA, "pacemaker": False, "sore": False}
BOUND = bound_of(PLAN, VALUES)
FACTS = facts_for(BOUND)


def at(ticks: int, *events: Event, fault: Fault | None = None) -> View:
    """What is seen after some ticks and events; the confirmation at the beginning is answered."""
    bedside = Bedside(BOUND).begin().tick(ticks)
    for event in events:
        bedside.session.feed(event)
    if fault is not None:
        bedside.device.inject(fault)
        bedside.tick()
    return view_of(bedside.session, FACTS)


def asking() -> View:
    """The confirmation at the beginning is open."""
    return view_of(Bedside(BOUND).begin().session, FACTS)


def recording() -> View:
    """The session is over but for the record at its end."""
    bedside = Bedside(BOUND).begin()
    while bedside.session.prompt is None or bedside.session.prompt.kind is not PromptKind.RECORD:
        bedside.tick()
    return view_of(bedside.session, FACTS)


# --- words --------------------------------------------------------------------------------------------------
def test_steps_are_told_with_the_numbers_of_the_session() -> None:
    assert FACTS.steps == (
        "Skin is clean and dry",
        "Ramp to 2 mA over 4 s",
        "Hold 2 mA for 20 s",
        "Ramp to 0 mA over 4 s",
        "Record skin",
        "The treatment is complete",
    )
    assert step_words(BOUND, 1, {**VALUES, "current": 3 * MA}) == "Ramp to 3 mA over 4 s"


def test_an_adjusted_step_is_told_with_its_new_numbers() -> None:
    assert at(60, Adjust("current", 2_500_000)).step == "Hold 2.5 mA for 20 s"


@pytest.mark.parametrize(
    ("ticks", "event", "then", "word"),
    [
        (0, None, 0, "READY"),
        (20, None, 0, "RAMP UP"),
        (60, None, 0, "RUNNING"),
        (250, None, 0, "RAMP DOWN"),
        (60, Pause(), 1, "PAUSING"),
        (60, Pause(), 60, "PAUSED"),
        (60, Stop(), 1, "STOPPING"),
        (60, Stop(), 60, "STOPPED"),
        (60, Adjust("current", 3 * MA), 1, "RAMP UP"),
        (60, Adjust("current", MA), 1, "RAMP DOWN"),
    ],
)
def test_the_state_is_told_in_a_word(ticks: int, event: Event | None, then: int, word: str) -> None:
    bedside = Bedside(BOUND).begin().tick(ticks)
    if event is not None:
        bedside.session.feed(event)
    bedside.tick(then)
    assert state_word(bedside.session.state, completed=False) == word


def test_ends_that_nobody_wanted_are_faults() -> None:
    bedside = Bedside(BOUND).begin().tick(60)
    bedside.device.reset()
    bedside.tick()
    assert state_word(bedside.session.state, completed=False) == "FAULT"
    bedside = Bedside(BOUND).begin().tick(60)
    bedside.device.inject(Fault.SILENT)
    bedside.tick(3)
    assert state_word(bedside.session.state, completed=False) == "NO LINK"


def reading(**changes: object) -> Measurement:
    usual = Measurement(2 * MA, 4_000, 2_000, False, True, False, False, 2 * MA, 1, 1, 0)
    return replace(usual, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("measured", "words"),
    [
        (None, "no reading"),
        (reading(impedance_ohm=None), "too little current to tell"),
        (reading(), "good (2 kΩ, 4 V of 80 V)"),
        (reading(impedance_ohm=9_000), "fair (9 kΩ, 4 V of 80 V)"),
        (reading(voltage_mv=41_000), "fair (2 kΩ, 41 V of 80 V)"),
        (reading(impedance_ohm=16_000), "poor (16 kΩ, 4 V of 80 V)"),
        (reading(at_compliance=True), "poor (2 kΩ, 4 V of 80 V)"),
        (reading(impedance_ohm=20), "poor: do the electrodes touch? (20 Ω, 4 V of 80 V)"),
    ],
)
def test_the_contact_is_told_in_a_word_and_in_numbers(measured: Measurement | None, words: str) -> None:
    assert contact_words(measured, 15_000, 80_000) == words


def test_every_alarm_of_the_runtime_has_a_code_a_sentence_and_a_symbol() -> None:
    from ionto_ir.events import ALARMS as MACHINE_ALARMS

    assert not set(ALARMS) & set(MACHINE_ALARMS)
    assert set(ALARMS) >= FAILURES
    for code, alarm in ALARMS.items():
        assert code == alarm.code and re.fullmatch(r"F[2-9]\d", code)
        assert alarm.text == alarm.text.strip() and not alarm.text.endswith(".")
        assert SYMBOLS[alarm.priority] in ("!", "!!", "!!!")


# --- prompts ------------------------------------------------------------------------------------------------
CONFIRM = Prompt(PromptKind.CONFIRM, "Skin is clean", None)
RESUME = Prompt(PromptKind.RESUME, "Resume or stop", None)
RECORD = Prompt(PromptKind.RECORD, "Skin under the electrodes", "skin")


@pytest.mark.parametrize(
    ("prompt", "text", "meant"),
    [
        (CONFIRM, "y", Confirm()),
        (CONFIRM, " YES ", Confirm()),
        (CONFIRM, "", None),
        (CONFIRM, "no", None),
        (CONFIRM, "stop", Stop()),
        (RESUME, "r", Resume()),
        (RESUME, "resume", Resume()),
        (RESUME, "y", None),
        (RESUME, "e", EmergencyStop()),
        (RECORD, "blister", Enter("skin", 2)),
        (RECORD, "stop", Stop()),
    ],
)
def test_a_line_answers_the_prompt_or_is_a_command(prompt: Prompt, text: str, meant: Event | None) -> None:
    assert answer(PLAN, prompt, text, {}) == meant


def test_a_value_that_does_not_fit_is_explained() -> None:
    found = answer(PLAN, RECORD, "fine", {})
    assert isinstance(found, Diagnostic) and "none, erythema or blister" in str(found.help)
    assert isinstance(answer(PLAN, RECORD, "", {}), Diagnostic)


def test_enter_alone_takes_a_prepared_value_and_nothing_else() -> None:
    assert answer(PLAN, RECORD, "", {"skin": 1}) == Enter("skin", 1)
    assert answer(PLAN, RECORD, "none", {"skin": 1}) == Enter("skin", 0)
    assert answer(PLAN, CONFIRM, "", {"skin": 1}) is None


def test_a_question_shows_its_text_its_code_what_fits_and_what_enter_means() -> None:
    coded = replace(PLAN.variables[0], code=Code("icd10cm", "Z95.0"))
    assert question(coded, 2 * MA) == "Set to comfort (icd10cm Z95.0): 1 mA to 4 mA in steps of 0.1 mA [2 mA]"
    assert question(PLAN.variables[1]) == "pacemaker: yes or no"
    assert prompt_text(PLAN, RECORD, {"skin": 1}).endswith("none, erythema or blister [erythema]")
    assert prompt_text(PLAN, CONFIRM, {}) == "Confirm: Skin is clean"
    instruct = Prompt(PromptKind.INSTRUCT, "Rest", None)
    assert prompt_text(PLAN, instruct, {}) == "Rest"
    assert {how_to_answer(prompt) for prompt in (CONFIRM, instruct, RECORD, RESUME)} == {
        "y confirms",
        "y when done",
        "type it, then Enter",
        "r resumes, s stops",
    }


def test_one_step_up_or_down_and_no_further_than_the_range() -> None:
    current = PLAN.variables[0]
    assert moved(PLAN, current, {"current": 2 * MA}, 1) == Adjust("current", 2_100_000)
    assert moved(PLAN, current, {"current": 2 * MA}, -1) == Adjust("current", 1_900_000)
    assert moved(PLAN, current, {"current": 4 * MA}, 1) == "current is at its highest: 4 mA"
    assert moved(PLAN, current, {"current": MA}, -1) == "current is at its lowest: 1 mA"
    stepless = IntegerDomain(0, MA, None, None, "current", "mA")
    assert moved(PLAN, replace(current, domain=stepless), {"current": 0}, 1) == Adjust("current", 10_000)
    time = IntegerDomain(0, 60_000, None, None, "time", "s")
    assert moved(PLAN, replace(current, domain=time), {"current": 0}, 1) == Adjust("current", 600)


# --- lines --------------------------------------------------------------------------------------------------
class Pipe:
    """Lines from a pipe."""

    def __init__(self, text: str = "", *, closed: bool = False) -> None:
        self.reading, self.writing = os.pipe()
        self.lines = Lines(self.reading)
        self.send(text)
        if closed:
            os.close(self.writing)

    def send(self, text: str) -> None:
        os.write(self.writing, text.encode())


def test_lines_are_taken_one_at_a_time_and_kept_until_they_are() -> None:
    pipe = Pipe("one\ntwo\r\nthr")
    assert pipe.lines.ready() == "one"
    assert pipe.lines.ready() == "one"
    pipe.lines.drop()
    assert pipe.lines.wait() == "two"
    assert pipe.lines.ready() is None
    pipe.send("ee\n")
    assert pipe.lines.wait() == "three"
    os.close(pipe.writing)
    assert pipe.lines.wait() is None
    assert pipe.lines.ended


def test_the_last_line_needs_no_end() -> None:
    pipe = Pipe("yes", closed=True)
    assert pipe.lines.ready() is None or pipe.lines.ready() == "yes"
    assert pipe.lines.wait() == "yes"
    assert pipe.lines.wait() is None


def test_an_endless_line_costs_no_memory() -> None:
    pipe = Pipe()
    for _ in range(8):
        pipe.send("x" * 4_000)
        assert pipe.lines.ready() is None
    pipe.send("\nnext\n")
    assert len(pipe.lines.wait() or "") <= LINE_BYTES_MAX


# --- plain --------------------------------------------------------------------------------------------------
class Plain:
    """A plain console and what it wrote."""

    def __init__(
        self, text: str = "", *, closed: bool = False, piped: bool = True, **prepared: Value
    ) -> None:
        self.written: list[str] = []
        self.pipe = Pipe(text, closed=closed)
        self.console = PlainConsole(self.written.append, self.pipe.lines, prepared, piped=piped)

    @property
    def text(self) -> str:
        return "\n".join(self.written)


def test_a_question_is_written_before_its_answer_is_taken() -> None:
    plain = Plain("y\n")
    assert plain.console.poll(asking()) == (Confirm(),)
    assert plain.written == ["Confirm: Skin is clean and dry  (y confirms)"]


def test_an_answer_that_was_piped_early_waits_for_its_question() -> None:
    plain = Plain("erythema\n")
    assert plain.console.poll(at(60)) == ()
    assert plain.console.poll(recording()) == (Enter("skin", 1),)


def test_a_command_that_was_piped_is_taken_at_once() -> None:
    assert Plain("pause\n").console.poll(at(60)) == (Pause(),)


def test_what_is_typed_and_not_understood_is_said() -> None:
    plain = Plain("hello\n", piped=False)
    assert plain.console.poll(at(60)) == ()
    assert plain.written == ["not understood: pause, resume, stop or emergency"]
    assert plain.pipe.lines.ready() is None


def test_an_answer_that_does_not_fit_is_explained_and_asked_for_again() -> None:
    plain = Plain("fine\nnone\n")
    view = recording()
    assert plain.console.poll(view) == ()
    assert "not one of the choices" in plain.text
    assert plain.console.poll(view) == (Enter("skin", 0),)
    plain = Plain("perhaps\n")
    assert plain.console.poll(asking()) == ()
    assert "that does not answer it; y confirms" in plain.text


def test_a_question_that_nobody_can_answer_stops_the_session() -> None:
    plain = Plain(closed=True)
    assert plain.console.poll(at(60)) == ()
    while (events := plain.console.poll(asking())) == ():
        continue
    assert events == (Stop(),)
    assert "nobody is there to answer" in plain.text
    assert PlainConsole(plain.written.append, None, {}, piped=True).poll(asking()) == (Stop(),)


def test_progress_is_a_line_for_each_twentieth() -> None:
    plain = Plain()
    bedside = Bedside(BOUND).begin()
    while bedside.session.end is None:
        bedside.tick()
        plain.console.show(view_of(bedside.session, FACTS))
        if bedside.session.prompt is not None and bedside.session.prompt.kind is PromptKind.RECORD:
            bedside.session.feed(Enter("skin", 0))
    progress = [line for line in plain.written if " set, " in line]
    assert 20 <= len(progress) <= 26
    assert all(line.endswith("SIMULATED") for line in progress)
    assert "2.00 mA set" in plain.text and "(100 %)" in plain.text
    assert re.search(r"contact good \(\d", plain.text)


def test_without_progress_a_line_comes_every_half_minute() -> None:
    plain = Plain()
    bedside = Bedside(bound_of(PLAN, VALUES, pause_ms_max=600_000)).begin().tick(60)
    bedside.session.feed(Pause())
    for _ in range(1_200):
        bedside.tick()
        plain.console.show(view_of(bedside.session, FACTS))
    paused = [line for line in plain.written if "PAUSED" in line]
    assert 3 <= len(paused) <= 5


def test_alarms_and_refusals_are_written_once_with_their_symbol() -> None:
    plain = Plain()
    for _ in range(3):
        plain.console.show(at(60, fault=Fault.LEAD_OFF))
    alarms = [line for line in plain.written if "alarm" in line]
    assert alarms == ["!!! high alarm F01: an electrode came off: the output is open"]
    view = at(60, Resume())
    for _ in range(2):
        plain.console.show(view)
    assert plain.text.count("nothing was changed: ") == 1


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

    def __init__(self, **prepared: Value) -> None:
        self.out = TerminalText()
        self.keys = FakeKeys()
        self.clock = VirtualClock()
        self.console = TerminalConsole(self.out, self.keys, self.clock, prepared)  # type: ignore[arg-type]

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


def test_a_prepared_value_is_taken_by_enter_alone() -> None:
    assert Screen(skin=2).press(recording(), "\r") == (Enter("skin", 2),)


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


# --- automatic ----------------------------------------------------------------------------------------------
def test_the_automatic_console_confirms_and_enters_only_what_was_prepared() -> None:
    prepared: Mapping[str, Value] = {"skin": 2}
    inner = Script({1: [Stop()], 2: [Stop()]})
    assert Automatic(inner, prepared).poll(asking()) == (Confirm(),)
    assert Automatic(inner, prepared).poll(recording()) == (Enter("skin", 2),)
    assert inner.looks == 0
    assert list(Automatic(inner, {}).poll(recording())) == [Stop()]
    assert list(Automatic(inner, prepared).poll(at(60))) == [Stop()]
    view = asking()
    Automatic(inner, prepared).show(view)
    assert inner.views == [view]


def test_a_pause_is_not_ended_automatically() -> None:
    bedside = Bedside(BOUND).begin().tick(60)
    bedside.session.feed(Pause())
    bedside.tick(60)
    assert Automatic(Script(), {"skin": 0}).poll(view_of(bedside.session, FACTS)) == ()
