"""Plain lines, prompts and words: what a session is told as, and what lines mean."""

from __future__ import annotations

import os
import re
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
from ionto_ir.plan import Code, IntegerDomain
from ionto_runtime.alarms import ALARMS, FAILURES, SYMBOLS
from ionto_runtime.console.automatic import Automatic
from ionto_runtime.console.lines import LINE_BYTES_MAX
from ionto_runtime.console.plain import PlainConsole
from ionto_runtime.prompts import answer, how_to_answer, moved, prompt_text, question
from ionto_runtime.simulation.stimulator import Fault
from ionto_runtime.stimulator import Measurement
from ionto_runtime.view import view_of
from ionto_runtime.words import contact_words, state_word, step_words, waiting_words
from tests.architecture.tree import ROOT
from tests.ir.sessions import bound_of
from tests.runtime.bedside import Bedside, Script
from tests.runtime.consoles import BOUND, FACTS, PLAN, VALUES, Pipe, asking, at, recording
from tests.runtime.sealed_plans import MA


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


def test_the_manual_lists_every_alarm_with_its_priority_and_symbol() -> None:
    from ionto_ir.events import ALARMS as MACHINE_ALARMS

    page = (ROOT / "docs" / "reference" / "run.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| (F\d\d) \| (\w+) (!+) \| (.+) \|$", page, re.MULTILINE)
    known = {**MACHINE_ALARMS, **ALARMS}
    assert listed == [
        (code, alarm.priority.value, SYMBOLS[alarm.priority], alarm.text) for code, alarm in known.items()
    ]


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
    assert answer(PLAN, prompt, text) == meant


def test_a_value_that_does_not_fit_is_explained() -> None:
    found = answer(PLAN, RECORD, "fine")
    assert isinstance(found, Diagnostic) and "none, erythema or blister" in str(found.help)
    assert isinstance(answer(PLAN, RECORD, ""), Diagnostic)


def test_enter_alone_records_nothing_and_confirms_nothing() -> None:
    assert isinstance(answer(PLAN, RECORD, "  "), Diagnostic)
    assert answer(PLAN, CONFIRM, "") is None


def test_a_question_shows_its_text_its_code_what_fits_and_what_enter_means() -> None:
    coded = replace(PLAN.variables[0], code=Code("icd10cm", "Z95.0"))
    assert question(coded, 2 * MA) == "Set to comfort (icd10cm Z95.0): 1 mA to 4 mA in steps of 0.1 mA [2 mA]"
    assert question(PLAN.variables[1]) == "pacemaker: yes or no"
    assert prompt_text(PLAN, RECORD).endswith("none, erythema or blister")
    assert prompt_text(PLAN, CONFIRM) == "Confirm: Skin is clean"
    instruct = Prompt(PromptKind.INSTRUCT, "Rest", None)
    assert prompt_text(PLAN, instruct) == "Rest"
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


def test_every_question_says_for_how_long_it_can_be_answered() -> None:
    """Without limit, or what is left of it; a pause is over after five minutes, whatever the plan allows."""
    assert asking().waits == "waits without limit, the output is open"
    assert at(60).waits is None
    paused = Bedside(BOUND).begin().tick(60)
    paused.session.feed(Pause())
    paused.tick(100)
    words = waiting_words(BOUND, paused.session.state, 300_000)
    assert words.endswith(" left, then the session ends") and words != "5:00 left, then the session ends"


# --- plain --------------------------------------------------------------------------------------------------
class Plain:
    """A plain console and what it wrote."""

    def __init__(self, text: str = "", *, closed: bool = False, piped: bool = True) -> None:
        self.written: list[str] = []
        self.pipe = Pipe(text, closed=closed)
        self.console = PlainConsole(self.written.append, self.pipe.lines, piped=piped)

    @property
    def text(self) -> str:
        return "\n".join(self.written)


def test_a_question_is_written_before_its_answer_is_taken() -> None:
    plain = Plain("y\n")
    assert plain.console.poll(asking()) == (Confirm(),)
    assert plain.written == [
        "Confirm: Skin is clean and dry  (y confirms; waits without limit, the output is open)"
    ]


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
    assert PlainConsole(plain.written.append, None, piped=True).poll(asking()) == (Stop(),)


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
