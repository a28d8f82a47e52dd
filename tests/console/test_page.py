"""The bedside page in a real headless Chromium, at a desk that says what the test wants."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.console.browsers import FLAGS, need_chromium, page_server
from tests.console.fake_desk import FACTS, MA, WAIT_S, FakeDesk, alarm, reading, view

SIZES = [(1280, 900), (1024, 600), (390, 844), (320, 568)]
STATES = [
    "READY",
    "RAMP UP",
    "RUNNING",
    "RAMP DOWN",
    "PAUSING",
    "PAUSED",
    "STOPPING",
    "NO LINK",
    "DONE",
    "FAULT",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser for all tests; each has a page of its own."""
    path = need_chromium()
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@dataclass
class Bench:
    """A desk, the page's server and a browser window."""

    desk: FakeDesk
    link: str
    page: Page
    browser: Browser

    def show(self, **changes: object) -> None:
        """Say a view, and wait until the page has it."""
        self.desk.say(view(**changes))  # type: ignore[arg-type]
        word = str(changes.get("word", "RUNNING"))
        self.until(lambda: self.page.text_content("#state") == word)

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something; a test is never decided by how long it took."""
        end = time.monotonic() + WAIT_S
        while not holds():
            assert time.monotonic() < end, self.page.text_content("body")
            time.sleep(0.02)

    def post(self, path: str, body: object, origin: str | None, cookie: str | None) -> int:
        """A request by hand; its status."""
        base = self.link.split("/?")[0]
        headers = {"Content-Type": "application/json"}
        headers |= {} if origin is None else {"Origin": origin}
        headers |= {} if cookie is None else {"Cookie": f"ionto={cookie}"}
        request = urllib.request.Request(base + path, json.dumps(body).encode(), headers, method="POST")
        try:
            with urllib.request.urlopen(request, timeout=WAIT_S) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            return refused.code


@pytest.fixture
def bench(browser: Browser, tmp_path: Path) -> Iterator[Bench]:
    """A page that runs, in a quiet session."""
    desk = FakeDesk(tmp_path / "desk")
    with page_server(desk.path) as link:
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        problems: list[str] = []
        page.on("pageerror", lambda problem: problems.append(str(problem)))
        page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
        page.goto(link)
        desk.say({"type": "hello"}, FACTS, {"type": "begun"}, view())
        made = Bench(desk, link, page, browser)
        made.until(lambda: page.text_content("#state") == "RUNNING")
        made.until(lambda: page.is_hidden("#watching"))
        yield made
        context.close()
        assert [item for item in problems if "Failed to load resource" not in item] == []
    desk.go()


def test_it_shows_what_a_session_is(bench: Bench) -> None:
    text = bench.page.inner_text("body")
    for expected in ("Plantar fasciitis", "P-117", "SIMULATED", "the device, when a lease ends", "R. Meier"):
        assert expected in text
    shown = {
        name: bench.page.text_content(f"#{name}") for name in ("measured", "setpoint", "charge", "planned")
    }
    assert shown == {"measured": "1.99", "setpoint": "2.00", "charge": "10.00", "planned": "40.00"}
    assert bench.page.text_content("#contact") == "good"
    assert bench.page.text_content("#density") == "0.197"
    assert bench.page.text_content("#remaining") == "15:00"
    assert bench.page.text_content("#head") == "f1913ca2"
    assert bench.page.query_selector("#chart canvas") is not None


def test_the_key_leaves_the_address_bar_and_a_stranger_sees_nothing(bench: Bench) -> None:
    assert "key=" not in bench.page.url
    context = bench.browser.new_context()
    stranger = context.new_page()
    answer = stranger.goto(bench.link.split("?")[0])
    assert answer is not None
    assert answer.status == 403
    assert "P-117" not in stranger.content()
    context.close()


@pytest.mark.requirement("R68")
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_stop_is_in_sight_large_and_on_top_in_every_state(bench: Bench, size: tuple[int, int]) -> None:
    bench.page.set_viewport_size({"width": size[0], "height": size[1]})
    place = None
    for word in STATES:
        bench.show(word=word, alarms=[alarm("F03", "the device does not answer", "high")] * 4)
        bench.page.mouse.wheel(0, 2_000)
        box = bench.page.locator("#stop").bounding_box()
        assert box is not None
        assert box["height"] >= 60
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= size[0]
        assert box["y"] >= 0
        assert box["y"] + box["height"] <= size[1]
        middle = [box["x"] + box["width"] / 2, box["y"] + box["height"] / 2]
        top = bench.page.evaluate("([x, y]) => document.elementFromPoint(x, y).closest('button')?.id", middle)
        assert top == "stop"
        assert place in (None, box)
        place = box


@pytest.mark.requirement("R68")
def test_stop_needs_no_second_press_and_works_by_key(bench: Bench) -> None:
    bench.page.click("#stop")
    bench.desk.until_asked("stop")
    count = bench.desk.commands().count("stop")
    bench.page.keyboard.press("Escape")
    bench.until(lambda: bench.desk.commands().count("stop") == count + 1)


@pytest.mark.requirement("R68")
def test_resume_is_asked_twice(bench: Bench) -> None:
    bench.show(word="PAUSED", mode="paused")
    bench.page.click("#resume")
    bench.until(lambda: "confirm" in (bench.page.text_content("#resume") or ""))
    assert "resume" not in bench.desk.commands()
    # The second press counts for five seconds: a test that comes too late has to press twice again.
    bench.until(lambda: bench.page.click("#resume") or "resume" in bench.desk.commands())


@pytest.mark.requirement("R63")
def test_each_alarm_has_priority_words_symbol_and_what_to_do(bench: Bench) -> None:
    alarms = [
        alarm("F25", "the device is at its highest voltage", "low"),
        alarm("F02", "more current was measured than was set", "high"),
        alarm("F21", "the journal cannot be written", "medium"),
    ]
    bench.show(alarms=alarms)
    bench.until(lambda: bench.page.locator(".alarm").count() == 3)
    lines = bench.page.locator(".alarm").all_inner_texts()
    marks = ["!!!", "!!", "!"]
    for line, mark, word in zip(lines, marks, ["HIGH F02", "MEDIUM F21", "LOW F25"], strict=True):
        assert line.split()[0] == mark
        assert word in line
        assert line.count(".") >= 2
    classes = [item.get_attribute("class") or "" for item in bench.page.locator(".alarm").all()]
    assert ["alarm-high" in classes[0], "alarm-medium" in classes[1], "alarm-low" in classes[2]] == [True] * 3


@pytest.mark.requirement("R64")
def test_a_sound_pause_is_timed_and_masks_no_new_alarm_and_alarms_stay_until_seen(bench: Bench) -> None:
    first = alarm("F25", "the device is at its highest voltage", "low")
    bench.show(alarms=[first])
    bench.page.click("#audio")
    bench.until(lambda: "Sound paused" in (bench.page.text_content("#audio") or ""))
    left = int((bench.page.text_content("#audio") or "").split()[2])
    assert 0 < left <= 120
    bench.show(alarms=[first, alarm("F02", "more current was measured than was set", "high")])
    bench.until(lambda: bench.page.text_content("#audio") == "Pause sound 120 s")
    bench.page.click(".alarm-high button")
    assert bench.desk.until_asked("acknowledge")["code"] == "F02"
    bench.show(alarms=[first, alarm("F02", "x", "high")], acknowledged=["F02"])
    bench.until(lambda: "seen" in (bench.page.get_attribute(".alarm-high", "class") or ""))


@pytest.mark.requirement("R65")
def test_what_is_old_looks_old_and_without_a_link_there_are_dashes(bench: Bench) -> None:
    bench.show()
    bench.desk.fall_silent()
    bench.page.wait_for_selector("body.stale")
    assert "STALE" in (bench.page.text_content("#age") or "")
    bench.show()
    bench.until(lambda: not (bench.page.get_attribute("body", "class") or ""))
    bench.desk.go()
    bench.until(lambda: bench.page.text_content("#state") == "NO LINK")
    assert {bench.page.text_content(f"#{name}") for name in ("measured", "voltage", "impedance")} == {"—"}


@pytest.mark.requirement("R65")
def test_a_reading_that_stayed_away_is_a_dash(bench: Bench) -> None:
    bench.show(reading=None)
    bench.until(lambda: bench.page.text_content("#measured") == "—")


@pytest.mark.requirement("R66")
def test_a_browser_that_is_closed_is_missed_at_the_desk(bench: Bench) -> None:
    def beats() -> int:
        return sum(item["type"] == "beat" for item in bench.desk.heard)

    def no_more() -> bool:
        before = beats()
        time.sleep(2.5)
        return beats() == before

    bench.until(lambda: beats() >= 2)
    bench.page.close()
    end = time.monotonic() + WAIT_S
    while not no_more():
        assert time.monotonic() < end, "the page's server goes on beating for nobody"


def two_tabs(bench: Bench) -> tuple[Page, Page]:
    """The tab that commands and one that watches: on a busy machine the first may have been missed."""
    # In a window of its own: the timers of a tab behind another one are slowed, and it draws nothing.
    second = bench.browser.new_context().new_page()
    second.goto(bench.link)
    tabs = (bench.page, second)
    bench.until(lambda: any(tab.is_visible("#watching") for tab in tabs))
    return tabs if second.is_visible("#watching") else (second, bench.page)


@pytest.mark.requirement("R67")
def test_a_second_tab_watches_and_can_stop(bench: Bench) -> None:
    _, watching = two_tabs(bench)
    watching.click("#pause")
    bench.until(lambda: "another page" in (watching.text_content("#refusal") or ""))
    assert "pause" not in bench.desk.commands()
    watching.keyboard.press("Escape")
    bench.desk.until_asked("stop")


@pytest.mark.requirement("R67")
def test_a_page_whose_command_another_console_takes_says_so_and_can_still_stop(bench: Bench) -> None:
    bench.desk.say({"type": "joined", "commands": False, "session": "s"})
    bench.page.wait_for_selector("#watching:not([hidden])")
    bench.page.click("#stop")
    bench.desk.until_asked("stop")
    bench.desk.say({"type": "joined", "commands": True, "session": "s"})
    bench.page.wait_for_selector("#watching", state="hidden")


@pytest.mark.requirement("R67")
def test_the_command_is_taken_back_from_another_console_by_two_presses(bench: Bench) -> None:
    def takes() -> list[object]:
        return [item["takes"] for item in bench.desk.heard if item["type"] == "join"]

    bench.desk.say({"type": "joined", "commands": False, "session": "s"})
    bench.page.wait_for_selector("#watching:not([hidden])")
    bench.page.click("#take")
    bench.until(lambda: "confirm" in (bench.page.text_content("#take") or ""))
    assert takes() == [False]
    bench.until(lambda: bench.page.click("#take") or True in takes())
    bench.desk.say({"type": "joined", "commands": True, "session": "s"})
    bench.page.wait_for_selector("#watching", state="hidden")
    assert bench.page.text_content("#refusal") == ""


@pytest.mark.requirement("R67")
def test_the_command_is_taken_from_another_tab_which_then_watches(bench: Bench) -> None:
    commanding, watching = two_tabs(bench)
    for _ in range(2):
        watching.click("#take")
    bench.until(lambda: commanding.is_visible("#watching"))
    watching.click("#pause")
    bench.desk.until_asked("pause")
    assert commanding.is_visible("#stop") and watching.is_visible("#stop")


@pytest.mark.requirement("R67")
def test_the_command_is_taken_by_this_page_alone_and_never_unconfirmed(bench: Bench) -> None:
    base = bench.link.split("/?")[0]
    cookie = bench.link.partition("key=")[2]
    taking = {"tab": "x", "confirmed": True}
    assert bench.post("/take", taking, "http://evil.example", cookie) == 403
    assert bench.post("/take", taking, None, cookie) == 403
    assert bench.post("/take", taking, base, "a guess") == 403
    assert bench.post("/take", {"tab": "x"}, base, cookie) == 409
    assert bench.post("/take", {"tab": "", "confirmed": True}, base, cookie) == 400
    assert bench.page.is_hidden("#watching")
    assert [item["takes"] for item in bench.desk.heard if item["type"] == "join"] == [False]


@pytest.mark.requirement("R67")
def test_a_request_from_elsewhere_is_refused_and_a_replay_keeps_its_key(bench: Bench) -> None:
    key = next(item["value"] for item in bench.page.context.cookies() if item["name"] == "ionto")
    origin = bench.link.split("/?")[0]
    body = {"tab": "x", "key": "12345678", "do": "pause"}
    assert bench.post("/command", body, "http://evil.example", key) == 403
    assert bench.post("/command", body, None, key) == 403
    assert bench.post("/command", body, origin, "wrong") == 403
    assert bench.post("/command", body, origin, None) == 403
    assert bench.post("/command", body, origin, key) == 409
    assert bench.post("/command", {"x": "y" * 20_000}, origin, key) == 413
    assert bench.post("/command", [1], origin, key) == 400
    assert "pause" not in bench.desk.commands()
    bench.page.click("#pause")
    said = bench.desk.until_asked("pause")
    assert isinstance(said["key"], str)
    assert len(said["key"]) >= 8


@pytest.mark.requirement("R69")
def test_an_entry_goes_as_it_was_typed_and_what_is_refused_is_said(bench: Bench) -> None:
    bench.page.fill("#adjust-current", "4,0")
    bench.page.click("#adjusting button")
    said = bench.desk.until_asked("adjust")
    assert (said["variable"], said["text"]) == ("current", "4,0")
    bench.desk.say({"type": "reply", "key": said["key"], "taken": False, "reason": "write `4.0 mA`"})
    bench.until(lambda: "4.0 mA" in (bench.page.text_content("#refusal") or ""))


@pytest.mark.requirement("R69")
def test_every_number_has_its_unit(bench: Bench) -> None:
    text = bench.page.inner_text(".numbers")
    for unit in ("mA", "mA·min", "min:s", "V", "kΩ", "mA/cm²"):
        assert unit in text


@pytest.mark.requirement("R70")
def test_simulated_hardware_is_marked(bench: Bench) -> None:
    assert "SIMULATED HARDWARE" in (bench.page.text_content("#banner") or "")


def test_a_question_is_asked_and_answered(bench: Bench) -> None:
    asks = {"kind": "confirm", "text": "Skin is dry", "variable": None}
    bench.show(word="WAITING", prompt=asks, waits="waits without limit, the output is open")
    bench.until(lambda: bench.page.inner_text("#ask-waits") == "waits without limit, the output is open")
    bench.page.click("#ask-yes")
    bench.desk.until_asked("confirm")
    bench.show(word="WAITING", prompt={"kind": "record", "text": "Pain", "variable": "pain"})
    bench.page.fill("#entry", "3")
    bench.page.press("#entry", "Enter")
    said = bench.desk.until_asked("enter")
    assert (said["variable"], said["text"]) == ("pain", "3")


def test_the_numbers_are_there_before_any_script_runs(bench: Bench) -> None:
    context = bench.browser.new_context(java_script_enabled=False)
    plain = context.new_page()
    plain.goto(bench.link)
    assert plain.text_content("#state") == "RUNNING"
    assert plain.text_content("#measured") == "1.99"
    assert plain.text_content("#charge") == "10.00"
    context.close()


def test_negative_current_turns_the_poles(bench: Bench) -> None:
    bench.show(setpoint_na=-2 * MA, reading=reading(current_na=-2 * MA))
    bench.until(lambda: bench.page.inner_text(".anode").strip() == "+ plantar heel")


def test_the_page_takes_nothing_from_elsewhere(bench: Bench) -> None:
    answer = bench.page.goto(bench.link)
    assert answer is not None
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in bench.page.content().replace("http-equiv", "")


def test_each_of_several_channels_is_shown_beside_the_sum(bench: Bench) -> None:
    electrodes = [
        {"place": "active", "role": "anode", "site": "forearm", "area_um2": 500_000_000},
        {"place": "active", "role": "anode", "site": "leg", "area_um2": 1_000_000_000},
        {"place": "return", "role": "cathode", "site": "back", "area_um2": 5_000_000_000},
    ]
    known = [
        {"name": name, "device": name, "electrodes": [number, 2], "planned_pc": 1, "steps": []}
        for number, name in enumerate(("upper", "lower"))
    ]
    channels = [
        {
            "name": name,
            "mode": "on",
            "word": "RAMP UP",
            "step": "Ramp to 1 mA",
            "setpoint_na": sign * MA,
            "reading": reading(current_na=sign * MA, impedance_ohm=ohm),
            "nominal_pc": 60_000_000_000,
            "upper_pc": 61_000_000_000,
        }
        for name, sign, ohm in (("upper", 1, 3_000), ("lower", -1, 9_000))
    ]
    bench.desk.say({**FACTS, "electrodes": electrodes, "channels": known})  # type: ignore[dict-item]
    bench.show(word="RAMP UP", channels=channels, reading=reading(current_na=2 * MA, impedance_ohm=None))
    bench.until(lambda: bench.page.is_visible("#channels"))
    rows = bench.page.inner_text("#channel-rows")
    assert "upper" in rows and "1.00 mA" in rows and "fair" in rows and "Ramp to 1 mA" in rows
    assert bench.page.text_content("#contact") == "fair", "the worst of both"
    assert bench.page.text_content("#density") == "0.200", "of the smaller electrode, by its own current"
    assert bench.page.inner_text("#poles").split("\n") == ["+ forearm", "− leg", "± back"]
    legend = bench.page.inner_text(".u-legend")
    assert all(name in legend for name in ("set in all, mA", "measured in all, mA", "upper, mA", "lower, mA"))
