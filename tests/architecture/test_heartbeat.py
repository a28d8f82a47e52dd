"""Nothing but the session feeds a dead-man: what speaks to devices has no thread, timer or process (R43)."""

from __future__ import annotations

import pytest

from tests.architecture.tree import imports, modules

SPEAKING = ("ionto_runtime.drivers.", "ionto_runtime.link.")
BY_THEMSELVES = {
    "threading",
    "_thread",
    "asyncio",
    "multiprocessing",
    "concurrent",
    "signal",
    "sched",
    "subprocess",
}


@pytest.mark.requirement("R43")
def test_drivers_do_nothing_by_themselves() -> None:
    speaking = [module for module in modules() if module.name.startswith(SPEAKING)]
    assert len(speaking) > 5
    found = {
        (module.name, name)
        for module in speaking
        for name, _ in imports(module)
        if name.partition(".")[0] in BY_THEMSELVES
    }
    assert found == set()
