"""The lease that keeps a device alive comes from the session alone, and nothing beside it could send one."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest

from tests.architecture.tree import Module, imports, modules

SENDERS = {
    "ionto_runtime.output": "for the session alone, after the checks of the tick and on a fresh reading",
    "ionto_runtime.simulation.driver": "the simulated device, behind its driver's own checks",
}
"""Who calls `set_current`. A driver proves its dead-man with frames of its own, at zero current."""

THREADS = {
    "ionto_runtime.journal_background": "writes and syncs; it knows no device",
    "ionto_runtime.loop": "asks whether it is the main thread, which alone is given signals",
}
"""Who may know of threads in what the safety process loads; consoles are other processes."""

WORKERS = {"threading", "multiprocessing", "concurrent", "asyncio", "_thread", "sched"}


def senders_in(modules: Iterable[Module]) -> set[str]:
    """The modules of the runtime that call `set_current`."""
    return {
        module.name
        for module in modules
        if module.package == "ionto_runtime"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "set_current"
    }


def workers_in(modules: Iterable[Module]) -> set[tuple[str, str]]:
    """The modules of the runtime that know of threads, tasks, processes or timers, and of which."""
    return {
        (module.name, name.partition(".")[0])
        for module in modules
        if module.package == "ionto_runtime" and not module.name.startswith("ionto_runtime.console")
        for name, _ in imports(module)
        if name.partition(".")[0] in WORKERS
    }


@pytest.mark.requirement("R43")
def test_only_the_session_sends_a_setpoint() -> None:
    assert senders_in(modules()) == set(SENDERS)
    users = {module.name for module in modules() if "ionto_runtime.output" in dict(imports(module))}
    assert users == {"ionto_runtime.session"}


@pytest.mark.requirement("R43")
def test_only_a_driver_that_is_given_a_setpoint_feeds_a_watchdog_relay() -> None:
    users = {
        module.name
        for module in modules()
        for name, _ in imports(module)
        if name.startswith("ionto_runtime.drivers.watchdog_relay")
    }
    assert users == {"ionto_runtime.drivers.keithley"}


@pytest.mark.requirement("R43")
def test_no_driver_and_no_link_has_a_thread_or_a_timer() -> None:
    found = workers_in(modules())
    assert {name for name, _ in found} <= set(THREADS), found
