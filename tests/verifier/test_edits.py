"""The nearest safe edit: what is offered is proved of the edited source, and a step nearer is not."""

from __future__ import annotations

import pytest

from ionto_dsl.driver import compile_text
from ionto_verifier.driver import verify
from ionto_verifier.report import VerificationReport, verdict_name

EXTENDED = """import treatments.plantar_fasciitis_dexamethasone

protocol example version "1.0.0" extends plantar_fasciitis_dexamethasone {{
{body}
}}
"""


def report_of(body: str) -> VerificationReport:
    """The verification of a treatment with something changed."""
    [protocol] = compile_text(EXTENDED.format(body=body)).plans
    return verify(protocol.plan)


def refuted(report: VerificationReport) -> set[str]:
    """The properties that do not hold."""
    return {
        item.claim.property.value
        for item in report.findings
        if verdict_name(item.verdict) == "refuted" and not item.claim.soft
    }


def advice(report: VerificationReport) -> str:
    """All that is offered."""
    return "\n".join(item.help for item in report.diagnostics if item.help is not None)


SESSION = "session {{ ramp to {level} {slope} hold for {time} ramp to 0 mA over 30 s }}"
USUAL = {"level": "current", "slope": "over 30 s", "time": "10 min"}


def session(**changed: str) -> str:
    """A session with something in it changed."""
    return SESSION.format(**{**USUAL, **changed})


CASES = {
    "ramp time": (
        session(slope="over 5 s"),
        "let line 4 ramp over 8 s",
        session(slope="over 8 s"),
        session(slope="over 7 s"),
    ),
    "ramp rate": (
        session(slope="at 0.8 mA/s"),
        "let line 4 ramp at 0.5 mA/s",
        session(slope="at 0.5 mA/s"),
        session(slope="at 0.51 mA/s"),
    ),
    "literal current": (
        session(level="170 mA", time="1 min"),
        "let line 4 go to 4 mA",
        session(level="4 mA", time="1 min"),
        session(level="4.01 mA", time="1 min"),
    ),
    "hold time": (
        session(level="4 mA", time="40 min"),
        "let line 4 hold for 18 min",
        session(level="4 mA", time="18 min"),
        session(level="4 mA", time="19 min"),
    ),
    "how long interruptions are": (
        "interruptions at most 5, each at most 10 min",
        "let each interruption last at most 3 min",
        "interruptions at most 5, each at most 3 min",
        "interruptions at most 5, each at most 4 min",
    ),
    "how many interruptions": (
        "interruptions at most 5, each at most 10 min",
        "allow at most 1 interruption",
        "interruptions at most 1, each at most 10 min",
        "interruptions at most 2, each at most 10 min",
    ),
    "how fast a stop is": (
        "stop at 0.1 mA/s",
        "write `stop at 0.4 mA/s`",
        "stop at 0.4 mA/s",
        "stop at 0.39 mA/s",
    ),
    "how far apart sessions are": (
        "course { every 1 day at most 6 sessions within 15 days }",
        "write `at least 25 h between sessions` in the course",
        "course { every 1 day at least 25 h between sessions at most 6 sessions within 15 days }",
        "course { every 1 day at least 24 h between sessions at most 6 sessions within 15 days }",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_nearest_safe_edit_is_offered_and_is_the_nearest(case: str) -> None:
    body, words, edited, nearer = CASES[case]
    wrong = report_of(body)
    assert words in advice(wrong)
    assert refuted(report_of(edited)) < refuted(wrong)
    assert refuted(report_of(nearer)) > refuted(report_of(edited))


def test_nothing_is_offered_that_was_not_proved() -> None:
    # A shorter hold cannot mend the dose of ramps that are too high by themselves.
    assert "hold for" not in advice(report_of(session(level="170 mA", time="10 min")))
