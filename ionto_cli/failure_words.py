"""A counterexample for the terminal: who and what, a strip chart with the limit's line, a test to paste."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_cli.failure_drawn import Drawn, drawn_failures
from ionto_cli.tall_strip import MARKS, tall_strip
from ionto_ir.plan import Plan
from ionto_ir.wording import clock_text, measured_text
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.report import Finding, VerificationReport

HAPPENINGS_SHOWN = 6
"""Events that are told one by one; the chart marks all of them, and the test block has all of them."""

NAMES = {mark: name.replace("_", " ") for name, mark in MARKS.items()}


def refuted_findings(report: VerificationReport) -> list[Finding]:
    """The hard claims that fail, as far as their failure was shown on the machine."""
    return [item for item in report.findings if item.counterexample is not None and not item.claim.soft]


def failure_lines(report: VerificationReport) -> Iterator[str]:
    """Every counterexample of a report."""
    for finding in refuted_findings(report):
        yield ""
        yield from _one(report.plan, finding)


def _one(plan: Plan, finding: Finding) -> Iterator[str]:
    shown = finding.counterexample
    assert shown is not None, "asked of what was shown"
    yield f"  {_title(plan, finding)}"
    if shown.given:
        yield "    with " + ", ".join(f"{name} = {value}" for name, value in shown.given)
    yield from _happenings(shown)
    for drawn in drawn_failures(plan, finding):
        yield ""
        if drawn.title is not None:
            yield f"    {drawn.title}"
        yield from tall_strip(drawn.strip)
        yield from _beneath(finding, drawn)
    if not shown.test:
        return
    yield ""
    yield "    this test fails until the protocol is mended:"
    yield from (f"      {line}" for line in shown.test.splitlines())


def _title(plan: Plan, finding: Finding) -> str:
    claim = finding.claim
    words = claim.statement.rstrip(".")
    if claim.electrode is not None and claim.limit is not None:
        words += f", on {plan.electrodes[claim.electrode].site}"
    if claim.limit is not None and f"`{claim.limit.envelope}`" not in words:
        words += f" (`{claim.limit.envelope}`)"
    return words


def _happenings(shown: Counterexample) -> Iterator[str]:
    told = shown.happenings[:HAPPENINGS_SHOWN]
    if told:
        more = len(shown.happenings) - len(told)
        lead = "and in each session, " if shown.alike else "and "
        yield f"    {lead}" + ", ".join(told) + (f", and {more} more" if more > 0 else "")
    if len(shown.starts_ms) > 1:
        begun = shown.starts_ms[:HAPPENINGS_SHOWN]
        more = len(shown.starts_ms) - len(begun)
        starts = ", ".join(clock_text(start) for start in begun) + (f", and {more} more" if more else "")
        yield f"    with sessions that begin at {starts}"


def _beneath(finding: Finding, drawn: Drawn) -> Iterator[str]:
    """What the marks mean, and what was set beside what the skin may have received."""
    letters = {mark for _, mark in drawn.strip.marks}
    words = (
        [] if drawn.strip.passed_ms is None else [f"▲ {_passed(finding)} {clock_text(drawn.strip.passed_ms)}"]
    )
    words += [f"{mark} {NAMES[mark]}" for mark in sorted(letters & set(NAMES))]
    if letters and not letters & set(NAMES):
        words.append("1, 2 … where sessions begin")
    if words:
        yield "    " + "   ".join(words)
    limit = finding.claim.limit
    if limit is not None and drawn.counted is not None:
        true, counted = measured_text(limit, drawn.highest), measured_text(limit, drawn.counted)
        over = "over" if drawn.counted > limit.bound else "within"
        yield f"    the skin may receive {true}; by what is set it is {counted}, which is {over} the limit"


def _passed(finding: Finding) -> str:
    return "the limit is passed at" if finding.claim.limit is not None else "it fails at"
