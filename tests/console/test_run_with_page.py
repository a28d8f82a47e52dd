"""A whole session from the page: `ionto run --web`, a real safety process, a real browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.architecture.tree import ROOT
from tests.console.browsers import FLAGS, need_chromium
from tests.runtime.safety_process import LASTING, QUICK
from tests.runtime.sealed_plans import Workplace, placed

pytestmark = pytest.mark.realtime

WAIT_MS = 60_000
VALUES = ["--set", "current=1 mA", "--set", "pacemaker=no", "--set", "sore=no"]


@pytest.fixture
def page() -> Iterator[Page]:
    """A window of a real browser."""
    path = need_chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser.new_page()
        browser.close()


def started(place: Workplace) -> subprocess.Popen[str]:
    """`ionto run --web` on the simulated device."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "ionto_cli", "run", str(place.folder / "heel.plan.json")),
            *("--web", "--patient", "P1", "--operator", "O", "--records", str(place.records), *VALUES),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=ROOT,
        env={**os.environ, "IONTO_HOME": str(place.folder / "home")},
    )


def link_of(process: subprocess.Popen[str]) -> str:
    """The link that it prints."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "page: http" in line:
            return line.partition("page: ")[2].strip()
    raise AssertionError("".join(said))


def confirm_all(page: Page) -> None:
    """Start, pressing twice."""
    page.wait_for_selector("#begin:not([hidden])", timeout=WAIT_MS)
    while page.is_visible("#begin"):  # twice within five seconds, or again
        with suppress(PlaywrightTimeout):
            page.click("#begin", timeout=2_000)


def answer_until(page: Page, *words: str) -> str:
    """Answer what is asked until the session is in one of these states; which, and what is said of it."""
    end = time.monotonic() + WAIT_MS / 1000
    while page.text_content("#state") not in words:
        assert time.monotonic() < end, page.inner_text("body")
        if page.is_visible("#ask-yes"):
            if page.is_visible("#entry"):
                page.fill("#entry", "none")
            page.click("#ask-yes")
        time.sleep(0.2)
    return f"{page.text_content('#state')}: {page.text_content('#step')}"


def test_a_treatment_is_given_from_the_page(tmp_path: Path, page: Page) -> None:
    process = started(placed(tmp_path, QUICK))
    page.goto(link_of(process))
    confirm_all(page)
    ended = answer_until(page, "DONE", "STOPPED")
    # On a machine that is too busy the session stops and says so: then this is what has to be seen.
    assert ended.startswith("DONE") or "too slow" in page.inner_text("body"), ended
    assert process.wait(60) == (0 if ended.startswith("DONE") else 1)
    assert process.stdout is not None
    process.stdout.close()


@pytest.mark.requirement("R25")
def test_a_signal_to_the_command_stops_what_the_page_commands(tmp_path: Path, page: Page) -> None:
    process = started(placed(tmp_path, LASTING))
    page.goto(link_of(process))
    confirm_all(page)
    answer_until(page, "RAMP UP", "RUNNING", "STOPPED")
    process.send_signal(signal.SIGINT)
    assert answer_until(page, "DONE", "STOPPED").startswith("STOPPED")
    assert process.wait(60) == 1
    assert process.stdout is not None
    process.stdout.close()
