"""The outcome of a verification as people read it: verdicts, margins and where they are met."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction

from ionto_cli.picture import Bar
from ionto_cli.quantities import clock
from ionto_ir.channels import step_at
from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Plan
from ionto_ir.wording import limit_text, measured_text
from ionto_verifier.margins import Margin
from ionto_verifier.report import Finding, VerificationReport, share_of, verdict_name

STAGES = {
    "interval": "exact intervals",
    "relaxation": "linear relaxation",
    "solver": "solver",
    "split": "case split",
}
BAR_WIDTH = 20


@dataclass(frozen=True, slots=True)
class MarginRow:
    """One limit with its worst case: `share` is the worst case as a part of the limit."""

    limit: str
    worst: str
    share: Fraction
    place: str
    verdict: str
    soft: bool


def counted_verdicts(report: VerificationReport) -> dict[str, int]:
    """How many hard claims came to each verdict, worst first."""
    counts = Counter(verdict_name(item.verdict) for item in report.findings if not item.claim.soft)
    return {name: counts[name] for name in ("refuted", "undecided", "vacuous", "proved") if counts[name]}


def overall(report: VerificationReport) -> str:
    """The whole in one word."""
    if report.disagreements:
        return "in disagreement"
    return next(iter(counted_verdicts(report)), "undecided")


def stage_counts(report: VerificationReport) -> dict[str, int]:
    """How many questions each method settled, in words."""
    totals: Counter[str] = Counter()
    for finding in report.findings:
        for stage, count in finding.stages:
            totals[STAGES.get(stage, stage)] += count
    return dict(totals)


def margin_rows(report: VerificationReport) -> list[MarginRow]:
    """Every limit that has a worst case, the closest first."""
    rows = [row for finding in report.findings if (row := _row(report.plan, finding)) is not None]
    return sorted(rows, key=lambda row: (-row.share, row.limit))


def _row(plan: Plan, finding: Finding) -> MarginRow | None:
    limit, margin, share = finding.claim.limit, finding.margin, share_of(finding)
    if limit is None or margin is None or share is None:
        return None
    words = limit_text(limit)
    if finding.claim.electrode is not None:
        words += f", on {plan.electrodes[finding.claim.electrode].site}"
    elif (channel := _channel_of(plan, finding.claim.id)) is not None:
        words += f", channel {channel}"
    worst = measured_text(limit, margin.worst)
    return MarginRow(
        words, worst, share, _place(plan, margin), verdict_name(finding.verdict), finding.claim.soft
    )


def _channel_of(plan: Plan, claim_id: str) -> str | None:
    """The channel that a claim is about, by the id that it has in the report of all."""
    for number, channel in enumerate(plan.channels):
        if claim_id.startswith(f"channels[{number}]."):
            return channel.name
    return None


def _place(plan: Plan, margin: Margin) -> str:
    parts = []
    if margin.at_ms is not None:
        parts.append(f"at {clock(margin.at_ms)}")
    if margin.step is not None:
        parts.append(f"line {step_at(plan, margin.step).span.line}")
    return ", ".join(parts)


def percent(share: Fraction) -> str:
    """A share in whole percent; never rounded to 100 when it is not."""
    whole = round(share * 100)
    if share != 1 and whole == 100:
        return "> 100 %" if share > 1 else "< 100 %"
    return f"{whole} %"


def bar(share: Fraction) -> str:
    """A share as a strip of blocks; what passes the limit is drawn past the end."""
    filled = min(round(share * BAR_WIDTH), BAR_WIDTH)
    return "█" * filled + "·" * (BAR_WIDTH - filled) + ("▶" if share > 1 else "▏")


def margin_lines(rows: list[MarginRow]) -> list[str]:
    """A table of margins for the terminal."""
    width = max((len(row.limit) for row in rows), default=0)
    worst = max((len(row.worst) for row in rows), default=0)
    lines = [
        f"  {percent(row.share):>7} {bar(row.share)} {row.limit:<{width}}  {row.worst:<{worst}}  {row.place}"
        for row in rows
    ]
    return [line.rstrip() for line in lines]


def bars_of(report: VerificationReport) -> list[Bar]:
    """The margins as bars of a picture, the closest first."""
    return [
        Bar(
            row.limit,
            float(row.share),
            ", ".join(part for part in (row.worst, percent(row.share), row.place) if part),
            row.verdict == "proved",
        )
        for row in margin_rows(report)
        if not row.soft
    ]
