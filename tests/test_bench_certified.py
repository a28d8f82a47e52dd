"""A corpus can be counted in parts: its plans are always the same, and what was counted is kept until a
source changes.
"""

from __future__ import annotations

import json
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from tests.bench import certified
from tests.bench.certified import Tally, counted, drawn, section, tally


def test_a_plan_of_a_corpus_is_always_the_same_one() -> None:
    assert drawn(1, 5) == drawn(1, 5) != drawn(1, 6)
    assert drawn(2, 5) != drawn(1, 5)


def test_a_plan_that_takes_too_long_is_given_up_and_told() -> None:
    found = counted(1, 5, 0.001)
    assert (found.plans, found.given_up) == (0, [5])
    assert "not counted: plan 5" in section(found, 1, 5)


def _kept(path: Path, digest: str) -> Path:
    counts = {"questions": {"dose": {"certificate": 3, "solver": 1}}, "claims": {}}
    reasons = {"dose": {"proved by the solver, without a certificate": 1}}
    found = {"plans": 1, "unproved": 0, **counts, "reasons": reasons, "given_up": []}
    path.write_text(json.dumps({"made": [1, 7, digest], "found": found}), encoding="utf-8")
    return path


def test_what_was_counted_is_taken_again(tmp_path: Path) -> None:
    found = tally([7], 1, 1, 60, _kept(tmp_path / "kept", certified.sources()))
    assert found.share() == Fraction(3, 4)
    assert "| dose | 3 | 0 | 1 | 0 | 75.0% |" in section(found, 1, 7)
    assert "- dose: 1 proved by the solver, without a certificate" in section(found, 1, 7)


def test_nothing_is_taken_that_was_counted_with_other_sources(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = _kept(tmp_path / "kept", "of other sources")
    assert certified._kept(kept, 1) == {}
    monkeypatch.setattr(certified, "sources", lambda: "of other sources")
    assert certified._kept(kept, 1) == {
        7: Tally(
            1,
            0,
            {"dose": Counter(certificate=3, solver=1)},
            {},
            {"dose": Counter({"proved by the solver, without a certificate": 1})},
        )
    }
