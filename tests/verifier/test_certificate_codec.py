"""Certificates survive JSON, and no JSON value whatever makes the reader fail."""

from __future__ import annotations

import json

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ionto_verifier.certificate import DEPTH_MAX, check
from ionto_verifier.certificate_codec import DIGITS_MAX, decode, encode
from ionto_verifier.decision import Proved
from ionto_verifier.obligation import Obligation
from ionto_verifier.solve import decide
from tests.verifier.solving_strategies import obligations

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=4)
    | st.sampled_from(
        ["closed", "farkas", "split", "cut", "corner", "fact", "hi", "lo", "le", "and", "1", "-2"]
    ),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=20,
)


@given(obligations())
def test_a_certificate_read_back_is_the_same_and_still_proves(obligation: Obligation) -> None:
    decision = decide(obligation)
    assume(isinstance(decision, Proved) and decision.certificate is not None)
    assert isinstance(decision, Proved) and decision.certificate is not None
    read = decode(json.loads(json.dumps(encode(decision.certificate))))
    assert read == decision.certificate
    assert check(read, obligation)


@given(anything)
def test_reading_any_value_gives_a_proof_or_nothing(value: object) -> None:
    read = decode(value)
    assert read is None or encode(read) == value


@pytest.mark.parametrize(
    "value",
    [
        [],
        ["closed", 1],
        ["farkas", [["1.5", []]]],
        ["farkas", [[1, []]]],
        ["farkas", [["9" * (DIGITS_MAX + 1), []]]],
        ["farkas", [["1", [["hi", [["x", 0]]]]]]],
        ["farkas", [["1", [["hi", [["x", True]]]]]]],
        ["farkas", [["1", [["hi", [["y", 1], ["x", 1]]]]]]],
        ["cut", "l", ["le", [["1", [["x", 1]]]], "0"], ["closed"], ["closed"]],
        ["cut", "l", ["le", [["1", [["x", 99]]]], "1", 2], ["closed"], ["closed"]],
        ["corner", "goal", [["x", "up"]], "m", ["closed"]],
    ],
)
def test_values_that_are_nearly_certificates_are_refused(value: object) -> None:
    assert decode(value) is None


def test_endless_nesting_is_refused_before_the_stack_ends() -> None:
    value: object = ["closed"]
    for _ in range(DEPTH_MAX + 10):
        value = ["corner", "goal", [], "m", value]
    assert decode(value) is None
