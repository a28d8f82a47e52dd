"""The terminal console on a screen of its own: every state, every size, and a stop that is always there."""

from __future__ import annotations

import pytest
from textual.widgets import Static

from ionto_runtime.console.screen.app import TAKEN_MS
from ionto_runtime.messages import Message
from tests.console.fake_desk import alarm, reading
from tests.console.screens import ARMED, BYE, CONFIRM, FACTS, RECORD, FakeLine, Shown, on_screen, view

ALARMS = [
    alarm("F25", "the device is at its highest voltage: less current flows than is set", "low"),
    alarm("F12", "a monitor pauses the session", "medium"),
    alarm("F01", "an electrode came off: the output is open", "high"),
]
OPEN = reading(current_na=0, impedance_ohm=None, lead_off=True)
STATES: dict[str, tuple[Message, ...]] = {
    "armed": ({"type": "check", "name": "clock", "detail": "runs", "passed": True}, ARMED),
    "running": (view(),),
    "paused": (view(mode="paused", word="PAUSED", reading=OPEN, alarms=ALARMS),),
    "asking": (view(prompt=CONFIRM),),
    "recording": (view(mode="ready", word="WAITING", prompt=RECORD),),
    "stopping": (view(mode="stopping", word="STOPPING", alarms=ALARMS),),
}
SIZES = [(120, 40), (80, 24), (44, 12), (16, 4)]


def test_a_quiet_session_shows_all_that_it_is() -> None:
    async def test(shown: Shown) -> None:
        text = shown.everything()
        for part in (
            "Plantar fasciitis: dexamethasone phosphate 1.0.0",
            "patient P-117 · dead-man: the device, when a lease ends",
            "IonLink reference SIM-0001, firmware 1 on /dev/ttyUSB0, SIMULATED",
            "RUNNING",
            "0.0 s old",
            "■ STOP",
            "SIMULATED HARDWARE: no current flows through anybody",
            "Measured, mA",
            "set 2.00 mA",
            "of 40.00 mA·min planned",
            "Received  9.80 to 10.30 mA·min",
            "elapsed 5:00",
            "25 % of the dose",
            "6 V of 80 V",
            "0.197 mA/cm²",
            "● good (3 kΩ, 6 V of 80 V)",
            "− plantar heel   + calf",
            "▶ Hold 2 mA  (step 2 of 4)",
            "then: Ramp to 0 mA over 30 s · next question: Record skin",
            "operator R. Meier",
            "journal …f1913ca2",
            "Esc stop   e open the output at once   p pause",
        ):
            assert part in text, part
        assert (shown.digits("measured"), shown.digits("delivered"), shown.digits("remaining")) == (
            "1.99",
            "10.00",
            "15:00",
        )

    on_screen(test, view())


@pytest.mark.requirement("R68")
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_stop_is_in_sight_in_every_state_and_size_and_one_key_does_it(size: tuple[int, int]) -> None:
    async def test(shown: Shown) -> None:
        for count, (name, said) in enumerate(STATES.items(), 1):
            await shown.hear(*said)
            text = shown.everything()
            assert "STOP" in text and "Esc" in text, (name, text)
            await shown.press("escape")
            assert shown.line.done() == ["stop"] * count, name

    on_screen(test, size=size)


@pytest.mark.requirement("R68")
def test_the_stop_never_moves_and_can_be_clicked() -> None:
    async def test(shown: Shown) -> None:
        stop = shown.app.sheet.query_one("#stop", Static)
        place = stop.region
        for said in STATES.values():
            await shown.hear(*said)
            assert stop.region == place
        await shown.pilot.click("#stop")
        assert shown.line.done() == ["stop"]

    on_screen(test)


def test_a_terminal_that_is_too_small_says_so() -> None:
    async def test(shown: Shown) -> None:
        text = shown.everything()
        assert "too small: 40×10, needs 44×12" in text
        assert "1.99 mA, set 2.00 mA" in text
        assert "!!! HIGH F01" in text
        await shown.pilot.resize_terminal(110, 40)
        await shown.drawn()
        assert "too small" not in shown.everything()
        assert "Measured, mA" in shown.everything()

    on_screen(test, view(alarms=ALARMS), size=(40, 10))


@pytest.mark.requirement("R63")
def test_alarms_stand_in_order_with_mark_word_and_class_and_flash_by_urgency() -> None:
    async def test(shown: Shown) -> None:
        assert shown.text("alarm0").startswith("!!! HIGH F01: an electrode came off: the output is open.")
        assert shown.text("alarm1").startswith("!!  MEDIUM F12")
        assert shown.text("alarm2").startswith("!   LOW F25")
        dark: dict[str, set[bool]] = {"high": set(), "medium": set(), "low": set()}
        for _ in range(20):
            for index, name in enumerate(dark):
                part = shown.app.sheet.query_one(f"#alarm{index}")
                assert part.has_class(name)
                dark[name].add(part.has_class("dark"))
            await shown.later(170)
        assert dark == {"high": {True, False}, "medium": {True, False}, "low": {False}}

    on_screen(test, view(alarms=ALARMS))


def test_more_alarms_than_fit_are_counted() -> None:
    async def test(shown: Shown) -> None:
        assert shown.text("more") == "… and 3 more"
        assert "HIGH F01" in shown.text("alarm0")

    on_screen(test, view(alarms=[*ALARMS, *(alarm(f"F6{i}", "x", "low") for i in range(4))]))


@pytest.mark.requirement("R65")
def test_old_values_say_stale_and_lost_ones_are_dashes() -> None:
    async def test(shown: Shown) -> None:
        await shown.later(1_500)
        assert "STALE, 1.5 s old" in shown.text("how")
        assert shown.everything().count("STALE") >= 4
        assert shown.app.sheet.has_class("old")
        await shown.later(4_000)
        assert "NO LINK" in shown.text("how")
        assert "SAYS NOTHING" in shown.text("lost")
        assert shown.digits("measured") == "--.--"
        await shown.hear(view(sent_ms=6_000))
        assert shown.text("lost") == "" and shown.digits("measured") == "1.99"

    on_screen(test, view())


@pytest.mark.requirement("R25")
def test_a_stop_without_a_line_goes_by_signal_at_once() -> None:
    async def test(shown: Shown) -> None:
        shown.line.connected = shown.line.takes = False
        await shown.drawn()
        assert "NO LINK TO THE SAFETY PROCESS" in shown.text("lost")
        await shown.press("escape")
        assert shown.line.signals == 1
        assert "by a signal" in shown.text("note")
        await shown.press("escape")
        assert shown.line.signals == 1, "a second one would open the output"
        await shown.press("e")
        assert shown.line.signals == 2

    on_screen(test, view())


@pytest.mark.requirement("R25")
def test_a_stop_of_which_nothing_is_seen_is_sent_by_signal_too() -> None:
    async def test(shown: Shown) -> None:
        await shown.press("s")
        await shown.later(TAKEN_MS)
        shown.app._look()
        assert shown.line.signals == 0
        await shown.later(1)
        shown.app._look()
        assert shown.line.signals == 1

    on_screen(test, view())


def test_a_stop_that_is_seen_to_be_taken_needs_no_signal() -> None:
    async def test(shown: Shown) -> None:
        await shown.press("s")
        await shown.hear(view(mode="stopping", word="STOPPING"))
        await shown.later(10 * TAKEN_MS)
        shown.app._look()
        await shown.drawn()
        assert shown.line.signals == 0
        assert shown.text("note") == ""

    on_screen(test, view())


def test_a_stop_that_cannot_be_sent_at_all_is_said_in_capitals() -> None:
    async def test(shown: Shown) -> None:
        await shown.press("escape")
        assert "STOP CANNOT BE SENT: stop at the device" in shown.text("note")

    on_screen(test, view(), line=FakeLine(connected=False, takes=False, number=None))


@pytest.mark.requirement("R67")
def test_who_watches_says_who_commands_and_takes_the_command_when_asked_to() -> None:
    async def test(shown: Shown) -> None:
        assert "WATCHING: `page` commands" in shown.text("watching")
        await shown.press("p")
        assert shown.line.done() == []
        assert "c takes the command" in shown.text("note")
        await shown.press("c", "y")
        assert shown.line.joined == [True]
        await shown.hear({"type": "joined", "commands": True, "session": "s"})
        assert shown.line.commands
        await shown.press("p")
        assert shown.line.done() == ["pause"]
        await shown.hear({"type": "joined", "commands": False, "session": "s"})
        assert not shown.line.commands, "whoever lost the command does not beat any more"

    on_screen(test, view(commander="page"), line=FakeLine(commands=False))


@pytest.mark.requirement("R9")
def test_the_trial_alarm_is_answered_by_whoever_commands() -> None:
    async def test(shown: Shown) -> None:
        await shown.hear({"type": "trial_alarm"})
        assert shown.line.done() == (["seen"] if shown.line.commands else [])

    on_screen(test)
    on_screen(test, line=FakeLine(commands=False))


def test_a_session_is_begun_answered_and_read_to_its_end() -> None:
    async def test(shown: Shown) -> None:
        assert "1 checks passed, armed: b begins" in shown.text("steps")
        assert "✓ clock: runs" in shown.text("checks")
        await shown.press("b")
        assert "1 of 4: Plan" in shown.text("ask")
        await shown.press("y", "y", "y", "y")
        assert shown.line.said[-1]["do"] == "begin"
        assert shown.line.said[-1]["confirm"] == FACTS["confirm"]
        await shown.hear({"type": "begun"}, view(prompt=CONFIRM, sent_ms=1))
        assert shown.text("checks") == ""
        assert "Confirm: The skin is dry" in shown.text("ask")
        await shown.later(600)
        await shown.press("y")
        assert shown.line.said[-1]["do"] == "confirm"
        key = shown.line.said[-1]["key"]
        await shown.hear({"type": "reply", "key": key, "taken": True, "reason": None}, view())
        assert shown.text("ask") == ""
        await shown.later(600)
        await shown.hear(view(prompt=RECORD))
        await shown.later(600)
        await shown.press(*"none")
        assert "> none█" in shown.text("ask")
        await shown.press("enter")
        assert shown.line.said[-1]["text"] == "none"
        await shown.hear(BYE)
        assert "The session is over: the plan is finished." in shown.text("steps")
        assert "DONE" in shown.text("how") and "it has ended" in shown.text("stop")
        await shown.press("escape")
        assert shown.line.done()[-1] == "enter", "there is nothing to stop any more"

    on_screen(test, *STATES["armed"])


def test_what_was_refused_is_said() -> None:
    async def test(shown: Shown) -> None:
        await shown.hear({"type": "reply", "key": "k", "taken": False, "reason": "4 mA is the most"})
        assert shown.text("note") == "nothing was changed: 4 mA is the most"
        await shown.hear(
            {"type": "reply", "key": "k", "taken": True, "reason": None}, view(refusal="too fast")
        )
        assert shown.text("note") == "nothing was changed: too fast"

    on_screen(test, view())


def test_the_chart_is_drawn_and_shows_the_whole_session_on_a_key() -> None:
    async def test(shown: Shown) -> None:
        for at_ms in range(0, 600_000, 1_000):
            shown.app.story.hear(view(sent_ms=at_ms), 0)
        await shown.drawn()
        text = shown.everything()
        assert "2.50 mA┤" in text and "−5:00" in text and "now" in text
        await shown.press("t")
        assert "−9:59" in shown.everything()

    on_screen(test, view())


def test_colour_is_never_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")

    async def test(shown: Shown) -> None:
        text = shown.everything()
        for part in ("■ STOP", "PAUSED", "!!! HIGH", "!!  MEDIUM", "!   LOW", "SIMULATED", "○ OPEN"):
            assert part in text
        for line in shown.app.screen._compositor.render_strips():
            for segment in line:
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    if colour is not None and colour.triplet is not None:
                        assert len(set(colour.triplet)) == 1, "only greys"

    on_screen(test, *STATES["paused"])


def test_what_cannot_be_understood_or_drawn_takes_no_key_away(monkeypatch: pytest.MonkeyPatch) -> None:
    async def test(shown: Shown) -> None:
        await shown.hear({"type": "view", "mode": 5})
        assert "of another version" in shown.text("note")
        monkeypatch.setattr("ionto_runtime.console.screen.drawing.numbers", None)
        await shown.drawn()
        assert "the screen cannot be drawn" in shown.everything()
        await shown.press("escape")
        assert shown.line.done() == ["stop"]

    on_screen(test, view())


def test_the_toolkits_own_keys_do_nothing() -> None:
    async def test(shown: Shown) -> None:
        await shown.press("ctrl+q", "ctrl+p", "ctrl+z", "tab", "shift+tab", "f1", "enter", "up", "pagedown")
        assert shown.app.is_running
        assert shown.line.done() == []
        await shown.press("q", "y")
        assert not shown.app.is_running or shown.app._exit

    on_screen(test, view())
