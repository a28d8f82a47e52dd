"""Settings of the whole suite: the switches `--accept` and `--soak`, and how wide Hypothesis searches."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# What is tested is what proves, not what somebody's cache remembers. The tests of the cache turn it on.
os.environ["IONTO_CACHE"] = "off"

# The same examples on every run, so that what is red is red for everybody; no deadline, because a machine
# may be busy with something else.
settings.register_profile(
    "steady",
    derandomize=True,
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow],
)
# New examples on every run, many of them: `make soak`, or IONTO_HYPOTHESIS=wide.
settings.register_profile(
    "wide",
    derandomize=False,
    deadline=None,
    max_examples=5_000,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile(os.environ.get("IONTO_HYPOTHESIS", "steady"))


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the two switches of this suite."""
    parser.addoption(
        "--accept", action="store_true", help="rewrite the expected blocks of the corpus to what is seen now"
    )
    parser.addoption(
        "--record-requirements", metavar="PATH", help="write what came of the tests of requirements to a file"
    )
    parser.addoption("--soak", action="store_true", help="run the long campaigns too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long campaigns out unless they are asked for, and say so in the closing line."""
    if config.getoption("--soak"):
        return
    long_ones = [item for item in items if item.get_closest_marker("soak")]
    if long_ones:
        config.hook.pytest_deselected(items=long_ones)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]


RESULTS: dict[str, str] = {}
"""What came of each test of a requirement: the worst of its examples."""

ORDER = ("passed", "skipped", "failed")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Iterator[None]:
    """Keep what came of the tests of requirements."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]
    if item.get_closest_marker("requirement") is None or (report.when != "call" and report.passed):
        return
    path = item.path.relative_to(item.config.rootpath).as_posix()
    name = f"{path}::{getattr(item, 'originalname', item.name)}"
    RESULTS[name] = max(RESULTS.get(name, "passed"), report.outcome, key=ORDER.index)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write it down, when that was asked for."""
    path = session.config.getoption("--record-requirements")
    if path:
        today = datetime.now(UTC).date().isoformat()
        found = {"date": today, "tests": dict(sorted(RESULTS.items()))}
        Path(path).write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
