"""A real headless Chromium and a real page server, each a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
MISSING = "Chromium is not installed (Debian: apt install chromium): the bedside page is NOT tested"


def need_chromium() -> str:
    """The browser; where it is missing the test says so aloud, and in CI it fails."""
    if CHROMIUM is None:
        if os.environ.get("IONTO_NO_SKIP"):
            pytest.fail(MISSING)
        pytest.skip(MISSING)
    return CHROMIUM


@contextmanager
def page_process(desk: Path, token: str = "t") -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The page's server at a desk: the link to the page, and the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ionto_runtime.console.web"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"socket": str(desk), "token": token, "port": 0}) + "\n")
        process.stdin.flush()
        yield process.stdout.readline().strip(), process
    finally:
        process.terminate()
        process.wait(20)
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


@contextmanager
def page_server(desk: Path, token: str = "t") -> Iterator[str]:
    """The page's server at a desk; the link to the page."""
    with page_process(desk, token) as (link, _):
        yield link
