"""The parts of the terminal console that draw nothing: the story, the texts, the chart's dots, the bell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_ir.canonical import Json
from ionto_runtime.console.screen.plot import (
    LABEL_CHARACTERS,
    MEASURED,
    SET,
    chart,
    nice,
    scale_of,
    time_axis,
)
from ionto_runtime.console.screen.sheet import (
    DASH,
    NO_PROCESS,
    NOTHING,
    Standing,
    alarm_lines,
    banners,
    channel_lines,
    numbers,
    standing,
    state_word,
    steps_ahead,
    value_now,
)
from ionto_runtime.console.screen.sound import PAUSE_MS, Sound
from ionto_runtime.console.screen.story import LOST_MS, POINTS_MAX, RECENT_MS, STALE_MS, Course, Point, Story
from ionto_runtime.messages import Message
from ionto_runtime.words import current
from tests.console.fake_desk import MA, alarm, reading
from tests.console.screens import ARMED, BYE, FACTS, story_of, view

FRESH = Standing(True, False, "")
GONE = Standing(False, True, "")


# --- age ------------------------------------------------------------------------------------------------
@pytest.mark.requirement("R65")
@pytest.mark.parametrize(
    ("age_ms", "connected", "ended", "fresh", "gone"),
    [
        (STALE_MS, True, False, True, False),
        (STALE_MS + 1, True, False, False, False),
        (LOST_MS + 1, True, False, False, True),
        (0, False, False, False, True),
        (0, True, True, False, True),
    ],
)
def test_what_is_old_is_old_and_what_is_lost_is_gone(
    age_ms: int, connected: bool, ended: bool, fresh: bool, gone: bool
) -> None:
    found = standing(story_of(view()), age_ms, connected=connected, ended=ended)
    assert (found.fresh, found.gone) == (fresh, gone)


@pytest.mark.requirement("R65")
def test_without_a_link_there_are_dashes_but_for_what_the_patient_has_had() -> None:
    values = numbers(story_of(view()), GONE)
    assert (values.measured, values.remaining) == (NOTHING, NOTHING)
    assert (values.setpoint, values.voltage, values.density) == (DASH, DASH, DASH)
    assert values.contact == "no reading"
    assert (values.delivered, values.bounds) == ("10.00", "9.80 to 10.30 mA·min")


def test_numbers_have_their_units() -> None:
    values = numbers(story_of(view(setpoint_na=-2 * MA, about=True, behind_pc=6_000_000_000)), FRESH)
    assert (values.measured, values.setpoint, values.voltage) == ("1.99", "2.00 mA", "6 V")
    assert (values.contact, values.density) == ("● good (3 kΩ, 6 V of 80 V)", "0.197 mA/cm²")
    assert (values.remaining, values.elapsed, values.behind) == ("≈15:00", "5:00", "0.10 mA·min")
    assert values.poles == "+ plantar heel   − calf", "against the declared polarity"
    assert values.permille == 250


def test_a_reading_that_stayed_away_is_a_dash_and_an_open_circuit_is_said() -> None:
    assert numbers(story_of(view(reading=None)), FRESH).measured == NOTHING
    off = numbers(story_of(view(reading=reading(lead_off=True))), FRESH)
    assert off.contact == "○ OPEN: an electrode is off"


# --- states ---------------------------------------------------------------------------------------------
REFUSED: Message = {"type": "refused_session", "diagnostics": [{"code": "I0913", "message": "no dead-man"}]}
STOPPED: Message = {"type": "bye", "outcome": {"completed": False, "reason": "stopped"}}


@pytest.mark.parametrize(
    ("said", "believed", "word"),
    [
        ((), FRESH, "PREPARING"),
        ((ARMED,), FRESH, "ARMED"),
        ((view(word="RAMP UP"),), FRESH, "RAMP UP"),
        ((view(),), GONE, "NO LINK"),
        ((view(), BYE), GONE, "DONE"),
        ((view(), STOPPED), FRESH, "STOPPED"),
        ((view(word="FAULT"), STOPPED), FRESH, "FAULT"),
        ((REFUSED,), FRESH, "REFUSED"),
        (({"type": "failed", "reason": "x"},), FRESH, "FAULT"),
    ],
)
def test_the_state_is_a_word(said: tuple[Message, ...], believed: Standing, word: str) -> None:
    assert state_word(story_of(*said), believed) == word


def test_the_step_says_what_comes_next_and_what_will_be_asked() -> None:
    assert steps_ahead(story_of(view())) == (
        "Hold 2 mA  (step 2 of 4)",
        "then: Ramp to 0 mA over 30 s · next question: Record skin",
    )
    assert steps_ahead(story_of(view(index=3, step="Record skin"))) == ("Record skin  (step 4 of 4)", "")
    assert steps_ahead(story_of(ARMED)) == ("not begun", "first: Ramp to 2 mA over 30 s")


def test_each_of_several_channels_has_its_line() -> None:
    channel: Message = {
        "name": "left",
        "mode": "on",
        "word": "RUNNING",
        "step": "Hold 2 mA",
        "setpoint_na": 2 * MA,
        "reading": reading(),
        "nominal_pc": 0,
        "upper_pc": 0,
    }
    lost: Message = {**channel, "name": "right", "word": "NO LINK", "reading": None}
    assert channel_lines(story_of(view(channels=[channel, lost], index=None))) == [
        "left: RUNNING  1.99 mA measured, 2.00 mA set  Hold 2 mA",
        "right: NO LINK  – measured, 2.00 mA set  Hold 2 mA",
    ]
    assert channel_lines(story_of(view())) == []


@pytest.mark.requirement("R63")
def test_alarms_are_sorted_by_urgency_with_mark_word_code_and_action() -> None:
    alarms = [
        alarm("F25", "at the limit", "low"),
        alarm("F01", "off", "high"),
        alarm("F12", "waits", "medium"),
    ]
    lines = alarm_lines(story_of(view(alarms=alarms, acknowledged=["F01"])))
    assert [(line.priority, line.seen) for line in lines] == [
        ("medium", False),
        ("low", False),
        ("high", True),
    ]
    assert lines[0].text == "!!  MEDIUM F12: waits. See to it; the session waits or ends by itself."
    assert lines[2].text == "!!! HIGH F01: off. (acknowledged)"


@pytest.mark.requirement("R70")
def test_banners_say_what_must_be_said_all_the_time() -> None:
    story = story_of(view(commander="page"), commands=False)
    story.hear({**FACTS, "banner": "NOT FOR PEOPLE: nothing ends the output"}, 0)
    said = dict(banners(story, FRESH, 1, connected=True))
    assert list(said) == ["simulated", "unsafe", "watching"]
    assert "SIMULATED" in said["simulated"]
    assert "`page` commands" in said["watching"]
    real = story_of(view())
    real.hear({**FACTS, "simulated": False}, 0)
    assert dict(banners(real, FRESH, 1, connected=True)) == {}


@pytest.mark.parametrize(
    ("text", "number", "connected", "dead_man", "part"),
    [
        ("", 1, False, "device", "NO LINK TO THE SAFETY PROCESS: look at the patient. STOP still reaches"),
        ("", None, False, "device", "stop at the device"),
        ("", 1, True, "device", "SAYS NOTHING"),
        (NO_PROCESS, 1, False, "device", "what ends its output: the device, when a lease ends"),
        (NO_PROCESS, 1, False, "none", "DISCONNECT THE PATIENT"),
    ],
)
def test_a_lost_link_is_said_loudly_with_what_is_left_to_do(
    text: str, number: int | None, connected: bool, dead_man: str, part: str
) -> None:
    story = story_of(view())
    story.hear({**FACTS, "dead_man": dead_man}, 0)
    said = dict(banners(story, Standing(False, True, text), number, connected=connected))
    assert said["lost"].startswith("!!! ") and part in said["lost"]


def test_a_value_is_that_of_the_view_else_that_of_the_beginning() -> None:
    item = story_of().adjustable()[0]
    assert value_now(story_of(), item) == "2 mA"
    assert value_now(story_of(view(values={"current": 1_700_000})), item) == "1.7 mA"


def test_who_connects_again_is_not_told_the_checks_twice() -> None:
    check: Message = {"type": "check", "name": "clock", "detail": "runs", "passed": True}
    assert story_of(check, check).checks == [check]


# --- course ---------------------------------------------------------------------------------------------
def test_the_course_of_a_day_is_bounded_and_keeps_its_peaks() -> None:
    course = Course()
    day = range(0, 8 * 3_600_000, 500)
    for at_ms in day:
        peak = at_ms == 4 * 3_600_000
        course.add(Point(at_ms, MA, 9 * MA if peak else MA, 5))
    assert len(course.whole) <= POINTS_MAX
    assert len(course.recent) <= POINTS_MAX
    assert course.recent[0].at_ms == day[-1] - RECENT_MS
    assert max(point.measured_na or 0 for point in course.whole) == 9 * MA
    assert course.whole[0].at_ms == 0
    assert [point.at_ms for point in course.whole] == sorted(point.at_ms for point in course.whole)


POINTS = st.lists(
    st.builds(
        Point,
        st.integers(0, 10**7),
        st.integers(-4 * MA, 4 * MA),
        st.none() | st.integers(-5 * MA, 5 * MA),
        st.none() | st.integers(-90_000, 90_000),
        st.lists(st.none() | st.integers(0, 5 * MA), max_size=6).map(tuple),
    ),
    min_size=1,
    max_size=40,
).map(lambda points: sorted(points, key=lambda point: point.at_ms))


@given(POINTS, st.integers(1, 120), st.integers(1, 30), st.sampled_from(["current", "voltage"]))
def test_a_chart_fills_its_room_exactly_whatever_is_drawn(
    points: list[Point], width: int, height: int, kind: str
) -> None:
    scale = scale_of(points, points[0].at_ms, 1_000, str, kind)
    rows = chart(points, scale, width, height, kind)
    assert len(rows) in (0, height)
    labels = max(LABEL_CHARACTERS, len(str(scale.high)), len(str(scale.low)))
    for row in rows:
        assert width <= sum(len(letters) for letters, _ in row) <= width - LABEL_CHARACTERS + labels
    axis = time_axis(scale, [(points[0].at_ms, "!!!"), (points[-1].at_ms, "!")], width, "now")
    assert not axis or sum(len(letters) for letters, _ in axis) == width


@given(st.integers(1, 10**12))
def test_an_axis_ends_at_a_number_that_is_good_to_read(value: int) -> None:
    top = nice(value)
    assert value <= top <= 2 * max(10, value)
    assert len(str(top).rstrip("0")) <= 2


def test_a_ramp_rises_a_gap_is_a_gap_and_what_was_set_is_dotted() -> None:
    points = [Point(i * 1_000, i * 20_000, None if 40 < i < 60 else i * 20_000, 0) for i in range(101)]
    rows = chart(points, scale_of(points, 0, MA, current, "current"), 60, 12, "current")
    assert rows[0][0] == ("  2.50 mA", "axis")
    assert rows[-1][0] == ("  0.00 mA", "axis")
    kinds = {kind for row in rows for _, kind in row}
    assert {MEASURED, SET} <= kinds
    assert next(kind for _, kind in rows[-1][2:]) == MEASURED, "it begins at the bottom left"
    assert rows[2][-1][1] == MEASURED, "and ends near the top right"
    lit = [column for row in rows for column in _columns(row, MEASURED)]
    assert not set(range(22, 28)) & set(lit), "nothing is drawn where nothing was read"


def test_each_of_several_channels_has_a_line_of_its_own_beside_their_sum() -> None:
    points = [Point(i * 1_000, 3 * MA, 3 * MA, 0, (MA, 2 * MA, 0)) for i in range(101)]
    rows = chart(points, scale_of(points, 0, MA, current, "current"), 60, 12, "current")
    at = {kind: number for number, row in enumerate(rows) for _, kind in row if kind.startswith("channel")}
    summed = next(number for number, row in enumerate(rows) if any(kind == MEASURED for _, kind in row))
    assert summed < at["channel 2"] < at["channel 1"]
    assert "channel 3" not in at, "nothing flows in it"
    voltage = chart(points, scale_of(points, 0, MA, current, "voltage"), 60, 12, "voltage")
    assert not any(kind.startswith("channel") for row in voltage for _, kind in row)


def _columns(row: list[tuple[str, str]], wanted: str) -> list[int]:
    """Where letters of a kind stand."""
    found, column = [], 0
    for letters, kind in row[2:]:
        found += [column + index for index, letter in enumerate(letters) if kind == wanted and letter != " "]
        column += len(letters)
    return found


# --- bell -----------------------------------------------------------------------------------------------
HIGH, MEDIUM, LOW = (
    {"code": f"F{index}", "priority": name} for index, name in ((1, "high"), (2, "medium"), (3, "low"))
)


def rung(sound: Sound, unseen: list[Message], until_ms: int, from_ms: int = 0) -> int:
    """How often it rings."""
    return sum(sound.rings(unseen, at_ms) for at_ms in range(from_ms, until_ms, 500))


def test_the_more_urgent_an_alarm_the_more_often_it_rings() -> None:
    assert rung(Sound(), [HIGH], 16_000) == 8
    assert rung(Sound(), [MEDIUM], 16_000) == 2
    assert rung(Sound(), [LOW], 16_000) == 1
    assert rung(Sound(), [], 16_000) == 0


@pytest.mark.requirement("R64")
def test_a_pause_of_the_sound_is_short_and_a_new_alarm_ends_it() -> None:
    sound = Sound()
    sound.rings([MEDIUM], 0)
    sound.pause(0)
    assert sound.paused_for_ms(1_000) == PAUSE_MS - 1_000
    assert rung(sound, [MEDIUM], PAUSE_MS, 500) == 0
    assert rung(sound, [MEDIUM], PAUSE_MS + 8_000, PAUSE_MS) > 0
    sound.pause(200_000)
    assert sound.rings([HIGH, MEDIUM], 201_000)
    assert sound.paused_for_ms(201_000) == 0


def test_a_story_without_a_view_has_no_alarms() -> None:
    assert Story().unseen() == [] and Story().alarms() == []


def test_each_of_several_channels_has_a_line_a_pole_and_a_density_of_its_own() -> None:
    electrodes: list[Json] = [
        {"place": "active", "role": "anode", "site": "forearm", "area_um2": 500_000_000},
        {"place": "active", "role": "anode", "site": "leg", "area_um2": 1_000_000_000},
        {"place": "return", "role": "cathode", "site": "back", "area_um2": 5_000_000_000},
    ]
    known: list[Json] = [{"name": name, "electrodes": [number, 2]} for number, name in enumerate("ab")]
    channels: list[Json] = [
        {"name": name, "word": "RUNNING", "setpoint_na": sign * MA, "reading": reading(current_na=sign * MA)}
        for name, sign in (("a", 1), ("b", -1))
    ]
    story = story_of({**FACTS, "electrodes": electrodes, "channels": known}, view(channels=channels))
    values = numbers(story, FRESH)
    first, second = values.contact.split("\n")
    assert first == "a: RUNNING, 1.00 mA set, 1.00 mA measured, ● good (3 kΩ, 6 V of 80 V)"
    assert second.strip().startswith("b: RUNNING, 1.00 mA set")
    assert values.density == "0.200 mA/cm²"
    assert values.poles == "+ forearm   − leg   ± back"
