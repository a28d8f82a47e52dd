"""The tools that build and run the firmware: found, or said aloud to be missing.

Where `IONTO_NO_SKIP` is set, as in continuous integration, a missing tool is a failure.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT

FIRMWARE = ROOT / "firmware"
BUILD = FIRMWARE / "build"

PACKAGES = {
    "make": shutil.which("make"),
    "gcc": shutil.which("gcc"),
    "gcc-avr": shutil.which("avr-gcc"),
    "avr-libc": next(iter(Path("/usr/lib/avr/include/avr").glob("io.h")), None),
    "libsimavr-dev": next(iter(Path("/usr/include/simavr").glob("sim_avr.h")), None),
}


def built(name: str) -> Path:
    """A file of firmware/build, brought up to date; without the tools the test is skipped, or fails."""
    missing = [package for package, found in PACKAGES.items() if found is None]
    if missing:
        text = f"the firmware cannot be built here: please install {', '.join(missing)}"
        if os.environ.get("IONTO_NO_SKIP"):
            pytest.fail(text)
        pytest.skip(text)
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:  # several test processes begin at the same time
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = subprocess.run(
            ["make", "-s", "-C", str(FIRMWARE), f"build/{name}"], capture_output=True, text=True, check=False
        )
    assert ran.returncode == 0, ran.stderr
    return BUILD / name
