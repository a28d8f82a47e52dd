"""Who may do what at the bedside page, without a browser: key, origin, one commanding tab."""

from __future__ import annotations

import pytest

from ionto_runtime.console.web.gate import TAB_MS_MAX, Asked, Gate

GATE = Gate(8123, "the key")
HERE, ORIGIN = "127.0.0.1:8123", "http://127.0.0.1:8123"


@pytest.mark.requirement("R67")
@pytest.mark.parametrize(
    "asked",
    [
        Asked(None, HERE, ORIGIN),
        Asked("another key", HERE, ORIGIN),
        Asked("the key", "evil.example:8123", ORIGIN),
        Asked("the key", HERE, None),
        Asked("the key", HERE, "http://evil.example"),
        Asked("the key", HERE, "null"),
        Asked("the key", None, ORIGIN),
    ],
)
def test_a_request_without_key_or_from_elsewhere_changes_nothing(asked: Asked) -> None:
    assert GATE.objection(asked) is not None


def test_the_page_itself_may_ask() -> None:
    assert GATE.objection(Asked("the key", HERE, ORIGIN)) is None
    assert GATE.objection(Asked("the key", "localhost:8123", "http://localhost:8123")) is None


@pytest.mark.requirement("R67")
def test_the_first_tab_commands_and_a_second_one_watches() -> None:
    gate = Gate(1)
    assert gate.beat("a", 0, wants=True)
    assert not gate.beat("b", 100, wants=True)
    assert gate.commands("a", 100)
    assert not gate.commands("b", 100)


@pytest.mark.requirement("R66")
def test_a_tab_that_is_gone_is_missed_and_another_may_take_over() -> None:
    gate = Gate(1)
    gate.beat("a", 0, wants=True)
    assert not gate.attended(TAB_MS_MAX + 1)
    assert gate.beat("b", TAB_MS_MAX + 1, wants=True)
    assert not gate.beat("a", TAB_MS_MAX + 2, wants=True)


def test_a_tab_that_only_watches_takes_nothing() -> None:
    gate = Gate(1)
    assert not gate.beat("a", 0, wants=False)
    assert not gate.attended(0)
    assert not gate.beat("x" * 1000, 0, wants=True)
