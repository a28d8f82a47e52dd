"""Every test of this folder runs on the twin and on the firmware."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.bench import Bench


@pytest.fixture(params=["twin", "firmware"])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench with one of the two."""
    made = Bench(request.param)
    yield made
    made.device.close()
