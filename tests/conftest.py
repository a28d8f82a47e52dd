"""Settings of the whole suite: the switches `--accept` and `--soak`, and how wide Hypothesis searches."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

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
    parser.addoption("--soak", action="store_true", help="run the long campaigns too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long campaigns out unless they are asked for, and say so in the closing line."""
    if config.getoption("--soak"):
        return
    long_ones = [item for item in items if item.get_closest_marker("soak")]
    if long_ones:
        config.hook.pytest_deselected(items=long_ones)
        items[:] = [item for item in items if not item.get_closest_marker("soak")]
