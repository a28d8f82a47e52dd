"""The person at the terminal console: what keys mean, what is asked back, what is never done by accident."""

from __future__ import annotations

import pytest

from ionto_ir.canonical import Json
from ionto_runtime.console.screen.person import SETTLE_MS, SURE_MS, Act, Command, Local, Person, Stop
from ionto_runtime.console.screen.story import Story
from ionto_runtime.messages import Message
from tests.console.fake_desk import alarm
from tests.console.screens import ARMED, BYE, CONFIRM, FACTS, RECORD, story_of, view

LATER_MS = SETTLE_MS
PAUSED = view(mode="paused", word="PAUSED", prompt={"kind": "resume", "text": "Look", "variable": None})
STATES: dict[str, tuple[Message, ...]] = {
    "connecting": (),
    "armed": (ARMED,),
    "running": (view(),),
    "paused": (PAUSED,),
    "asking": (view(prompt=CONFIRM),),
    "recording": (view(prompt=RECORD),),
    "lost": (view(mode="lost", word="NO LINK"),),
    "stopping": (view(mode="stopping", word="STOPPING"),),
}


def press(person: Person, story: Story, *keys: str, at_ms: int = LATER_MS) -> list[Act | None]:
    """What keys mean, one after another."""
    return [person.press(key, " " if key == "space" else key, story, at_ms) for key in keys]


def done(act: Act | None) -> tuple[str, Message]:
    """What is asked of the desk."""
    assert isinstance(act, Command)
    assert len(act.key) == 16
    return act.do, act.more


@pytest.mark.requirement("R68")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("commands", [True, False])
@pytest.mark.parametrize("key", ["escape", "ctrl+c"])
def test_stop_is_one_key_in_every_state_and_for_everybody(state: str, commands: bool, key: str) -> None:
    story = story_of(*STATES[state], commands=commands)
    for before in ((), ("q",), ("c",), ("v",), ("b", "y"), ("r",), ("a",)):
        person = Person()
        press(person, story, *before)
        assert press(person, story, key) == [Stop(emergency=False)]


@pytest.mark.parametrize("state", [state for state in STATES if state != "recording"])
def test_s_space_and_e_stop_too_where_nothing_is_typed(state: str) -> None:
    story = story_of(*STATES[state])
    for key in ("s", "S", "space"):
        assert press(Person(), story, key) == [Stop(emergency=False)]
    assert press(Person(), story, "e") == [Stop(emergency=True)]


def test_the_second_ctrl_c_opens_the_output() -> None:
    assert press(Person(), story_of(view()), "ctrl+c", "ctrl+c") == [Stop(False), Stop(True)]


def test_pause_is_one_key_that_asks_nothing() -> None:
    (act,) = press(Person(), story_of(view()), "p")
    assert done(act) == ("pause", {})


@pytest.mark.requirement("R68")
@pytest.mark.parametrize(
    ("said", "key", "do", "more"),
    [
        ((PAUSED,), "r", "resume", {}),
        ((view(alarms=[alarm("F01", "off", "high")]),), "a", "acknowledge", {"code": "F01"}),
        ((view(button="more"),), "d", "press", {"button": "more"}),
    ],
)
def test_everything_else_is_asked_back(said: tuple[Message, ...], key: str, do: str, more: Message) -> None:
    story, person = story_of(*said), Person()
    assert press(person, story, key) == [None]
    assert press(person, story, "n") == [None]
    assert press(person, story, "y")[0] is None, "what was declined stays declined"
    (_, act) = press(person, story, key, "y")
    assert done(act) == (do, more)


@pytest.mark.requirement("R3")
def test_a_session_is_begun_after_plan_patient_and_every_electrode() -> None:
    story, person = story_of(ARMED), Person()
    press(person, story, "b")
    asked = []
    act: Act | None = None
    while (open_question := person.asked(story, LATER_MS)) is not None:
        asked.append(open_question.text)
        (act,) = press(person, story, "y")
    assert asked == [
        "1 of 4: Plan Plantar fasciitis: dexamethasone phosphate 1.0.0 and patient P-117 are as shown?",
        "2 of 4: The active electrode on plantar heel, 10.1 cm², is the CATHODE?",
        "3 of 4: The return electrode on calf, 40.0 cm², is the ANODE?",
        "4 of 4: Start?",
    ]
    assert done(act) == ("begin", {"confirm": FACTS["confirm"]})
    press(person, story, "b", "y", "y", "n")
    assert person.asked(story, LATER_MS) is None, "one no is enough"


def test_a_question_that_nobody_answers_is_dropped() -> None:
    story, person = story_of(PAUSED), Person()
    press(person, story, "r")
    assert press(person, story, "y", at_ms=LATER_MS + SURE_MS + 1) == [None]


@pytest.mark.requirement("R67")
@pytest.mark.parametrize("key", ["p", "r", "b", "v", "d", "a", "y"])
def test_who_watches_can_ask_for_nothing_but_the_command(key: str) -> None:
    for said in ((ARMED,), (view(),), (PAUSED,), (view(prompt=CONFIRM),), (view(prompt=RECORD),)):
        story, person = story_of(*said, commands=False), Person()
        assert press(person, story, key, "y", "enter") == [None, None, None]
        assert "c takes the command" in person.note or not person.note


@pytest.mark.requirement("R67")
def test_the_command_is_taken_after_a_question_only() -> None:
    story, person = story_of(view(), commands=False), Person()
    assert press(person, story, "c", "y") == [None, Local("take")]
    assert press(Person(), story_of(view()), "c", "y") == [None, None], "who commands need not take it"


def test_a_confirmation_is_one_key_and_given_once_until_something_is_heard_of_it() -> None:
    story, person = story_of(view(prompt=CONFIRM)), Person()
    (act,) = press(person, story, "y")
    assert done(act) == ("confirm", {})
    assert press(person, story, "y") == [None]
    assert isinstance(act, Command)
    story.hear({"type": "reply", "key": act.key, "taken": True, "reason": None}, LATER_MS + 10)
    assert press(person, story, "y", at_ms=LATER_MS + 20) == [None], "the view is older than the answer"
    story.hear(view(prompt=None), LATER_MS + 100)
    story.hear(view(prompt=CONFIRM), LATER_MS + 200)
    (again,) = press(person, story, "y", at_ms=LATER_MS + 200 + SETTLE_MS)
    assert done(again) == ("confirm", {})


def test_a_question_that_has_just_appeared_is_not_answered_by_a_key_that_was_on_its_way() -> None:
    story, person = story_of(view(prompt=CONFIRM)), Person()
    assert press(person, story, "y", at_ms=SETTLE_MS - 1) == [None]
    assert press(person, story, "y", at_ms=SETTLE_MS) != [None]


def test_a_record_is_typed_corrected_and_entered() -> None:
    story, person = story_of(view(prompt=RECORD)), Person()
    assert press(person, story, *"sep", "backspace", *"e") == [None] * 5
    asked = person.asked(story, LATER_MS)
    assert asked is not None
    assert (asked.typed, asked.text) == ("see", "Record: Skin under it: none, erythema or blister")
    press(person, story, "ctrl+u", *"none")
    (act,) = press(person, story, "enter")
    assert done(act) == ("enter", {"variable": "skin", "text": "none"})


def test_a_question_says_for_how_long_it_waits() -> None:
    asked = Person().asked(story_of(view(prompt=RECORD, waits="waits without limit")), LATER_MS)
    assert asked is not None and asked.how.endswith("   waits without limit")


def test_nothing_typed_is_entered_as_nothing() -> None:
    assert press(Person(), story_of(view(prompt=RECORD)), "enter") == [None]


def test_pasted_text_goes_where_something_is_typed_and_nowhere_else() -> None:
    person, story = Person(), story_of(view(prompt=RECORD))
    person.paste("no\x1bne\n", story)
    asked = person.asked(story, LATER_MS)
    assert asked is not None and asked.typed == "none"
    person = Person()
    person.paste("ye", story_of(view()))
    assert person.asked(story_of(view()), LATER_MS) is None


@pytest.mark.requirement("R69")
def test_a_value_is_changed_by_typing_it_and_saying_yes_to_it() -> None:
    story, person = story_of(view(values={"current": 1_500_000})), Person()
    press(person, story, "v")
    asked = person.asked(story, LATER_MS)
    assert asked is not None
    assert asked.text == "Set to comfort: current = 1.5 mA, from 1 mA to 4 mA"
    press(person, story, *"2.5 mA", "enter")
    asked = person.asked(story, LATER_MS)
    assert asked is not None
    assert asked.text == "Set current to 2.5 mA? It is 1.5 mA."
    (act,) = press(person, story, "y")
    assert done(act) == ("adjust", {"variable": "current", "text": "2.5 mA"})
    assert press(person, story, "v", "enter", "y") == [None] * 3
    assert "nothing" in person.note


def test_tab_chooses_among_several_values() -> None:
    first = FACTS["adjustable"][0]  # type: ignore[index, call-overload]
    second: Json = {**first, "name": "second", "text": "The other"}  # type: ignore[dict-item]
    story, person = story_of(view()), Person()
    story.hear({**FACTS, "adjustable": [first, second]}, 0)
    press(person, story, "v", "tab")
    asked = person.asked(story, LATER_MS)
    assert asked is not None and asked.text.startswith("The other: second")


def test_leaving_asks_and_says_what_comes_of_it() -> None:
    story, person = story_of(view()), Person()
    press(person, story, "q")
    asked = person.asked(story, LATER_MS)
    assert asked is not None and "stops after five seconds" in asked.text
    assert press(person, story, "y") == [Local("leave")]
    person = Person()
    press(person, story_of(view(), commands=False), "q")
    asked = person.asked(story_of(view(), commands=False), LATER_MS)
    assert asked is not None and "goes on" in asked.text
    assert press(Person(), story_of(view(), BYE), "q") == [Local("leave")]


def test_after_the_end_nothing_is_asked_of_the_desk() -> None:
    story = story_of(view(prompt=RECORD), BYE)
    for key in ("p", "r", "b", "v", "d", "a", "y", "enter"):
        assert press(Person(), story, key, "y") == [None, None]


def test_the_keys_that_are_shown_are_those_that_mean_something() -> None:
    person = Person()

    def keys(*said: Message, commands: bool = True, reached: bool = True) -> str:
        return " ".join(key for key, _ in person.keys(story_of(*said, commands=commands), reached=reached))

    assert keys(ARMED) == "b m t q"
    assert keys(view()) == "p v m t q"
    assert keys(view(button="more", alarms=[alarm("F01", "off", "high")])) == "p v d a m t q"
    assert keys(PAUSED) == "r v m t q"
    assert keys(view(), commands=False) == "c m t q"
    assert keys(view(), reached=False) == "m t q"
    assert keys(view(), BYE) == "m t q"
