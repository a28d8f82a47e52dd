"""A slice of the differential campaign, and that it notices a verifier that is wrong."""

from __future__ import annotations

from collections import Counter

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.scenario import Scenario
from ionto_verifier import driver
from ionto_verifier.cross_check import Opinion, Said
from ionto_verifier.decision import Proved, Stage
from ionto_verifier.report import VerificationReport
from ionto_verifier.verdict import Proved as ProvedVerdict
from ionto_verifier.verdict import Vacuous
from tests.differential import trial
from tests.differential.__main__ import Tally, lines
from tests.differential.cases import WIDE_FROM, Case, Family, drawn
from tests.differential.constructs import constructs
from tests.differential.trial import tried

FIRST, SLICE = 1, 20
NOTICED_WITHIN = 8
"""Cases within which a verifier that is wrong is noticed."""


WIDE_SLICE = (100_001, 100_003, 100_005, 100_012)
"""Wide cases that take little time; there are some of a minute."""


def test_no_verdict_of_a_slice_is_wrong() -> None:
    tally = Tally()
    for number in (*range(FIRST, FIRST + SLICE), *WIDE_SLICE):
        tally.add(tried(number))
    assert tally.wrong == []
    for what in ("proved and not passed", "replayed", "certificates"):
        assert tally.sum(what) > 0, what
    assert tally.sum("mutants, limit one unit below what is reached", "refuted") > 0
    assert any("wrong verdicts  0" in line for line in lines(tally, FIRST, 1.0))


FOUND = (662, 2007, 8486, 8692)
"""Cases that found something wrong, since mended; those that take little time."""


@pytest.mark.parametrize("number", FOUND)
def test_what_was_found_is_found_no_more(number: int) -> None:
    assert tried(number).wrong == []


def test_the_first_cases_are_made_of_everything() -> None:
    cases = [drawn(number) for number in range(400)]
    assert {case.family for case in cases} == set(Family)
    found: Counter[str] = Counter()
    for case in cases:
        found += constructs(case.plan)
    rare = {name: count for name, count in found.items() if count < 3}
    assert len(found) >= 36 and not rare, (len(found), rare)


def test_wide_cases_have_what_no_other_case_has() -> None:
    narrow: Counter[str] = Counter()
    wide: Counter[str] = Counter()
    for number in range(300):
        narrow += constructs(drawn(number).plan)
        wide += constructs(drawn(WIDE_FROM + number).plan)
    only = {name: count for name, count in wide.items() if name not in narrow}
    assert {
        "level that is entered",
        "rounds while current flows",
        "waveform that changes",
        "another way for who is late",
        "value that is entered",
        "value that is entered in time",
    } <= {name for name, count in only.items() if count >= 3}, only


def test_a_number_repeats_its_case() -> None:
    one, other = tried(7), tried(7)
    assert (one.plan, one.counts) == (other.plan, other.counts)


def noticed(monkeypatch: pytest.MonkeyPatch, mutated: object) -> list[str]:
    """What the campaign says of a verifier whose reports are changed."""
    monkeypatch.setattr(trial, "verify", lambda *given: mutated(driver.verify(*given)))  # type: ignore[operator]
    return [text for number in range(FIRST, FIRST + NOTICED_WITHIN) for text in tried(number).wrong]


def test_a_verifier_that_proves_everything_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    anything = ProvedVerdict(Proved(Stage.INTERVAL, None, ()))

    def credulous(report: VerificationReport) -> VerificationReport:
        return replace(report, findings=tuple(replace(item, verdict=anything) for item in report.findings))

    assert any(text.startswith("proved, as drawn") for text in noticed(monkeypatch, credulous))


def test_a_limit_that_is_proved_one_unit_too_low_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def generous(plan: object, numbers: frozenset[int]) -> dict[int, str]:
        return dict.fromkeys(numbers, "proved")

    monkeypatch.setattr(trial, "decided", generous)
    found = [text for number in range(FIRST, FIRST + NOTICED_WITHIN) for text in tried(number).wrong]
    assert any(text.startswith("proved, one unit lower") for text in found)


def test_a_counterexample_that_shows_nothing_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = Scenario("nothing", (), (), (), None)

    def idle(report: VerificationReport) -> VerificationReport:
        return replace(
            report,
            findings=tuple(
                item
                if item.counterexample is None
                else replace(item, counterexample=replace(item.counterexample, scenario=nothing))
                for item in report.findings
            ),
        )

    # The usual values may violate a limit as well: only where they do not is nothing shown.
    assert any("witness violates nothing" in text for text in noticed(monkeypatch, idle))


def test_somebody_who_is_treated_though_nobody_can_be_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def excluding(report: VerificationReport) -> VerificationReport:
        nobody = Vacuous(Proved(Stage.INTERVAL, None, ()))
        return replace(
            report,
            findings=tuple(
                replace(item, verdict=nobody) if item.claim.id == "treatable" else item
                for item in report.findings
            ),
        )

    assert any("but somebody was" in text for text in noticed(monkeypatch, excluding))


def test_a_second_solver_that_contradicts_is_noticed() -> None:
    every = [tried(number, lambda text: Opinion(Said.SAT)) for number in range(FIRST, FIRST + 2)]
    assert any("second solver contradicts" in text for one in every for text in one.wrong)


def test_a_crash_is_a_wrong_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(case: Case) -> None:
        raise ValueError("nothing")

    monkeypatch.setattr(trial, "pursue", crash)
    assert tried(1).wrong == ["bug: ValueError: nothing"]
