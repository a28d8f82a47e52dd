"""The report of a verification: what was claimed, what came of it, on what it rests, as data that only grows.

`report_to_json` gives the published form (`docs/reference/verify.schema.json`), `predicate` what a seal
says about a plan, `summary_lines` a few lines for people. Everything is in a fixed order: the same plan
gives the same report.
"""

from __future__ import annotations

from enum import Enum
from fractions import Fraction
from typing import assert_never

from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.plan import Plan
from ionto_ir.source import Span
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.decision import Decision
from ionto_verifier.margins import Margin
from ionto_verifier.properties import Claim, Property, Question
from ionto_verifier.verdict import Proved, Refuted, Undecided, Vacuous, Verdict

SCHEMA = "ionto.verify/1"


@dataclass(frozen=True, slots=True)
class Support:
    """Something that a proof rests on: a requirement, a refusal, a bound of a parameter, a fact of the
    device.
    """

    text: str
    span: Span | None


@dataclass(frozen=True, slots=True)
class Finding:
    """A claim and what came of it. `stages` counts its questions by the method that settled them.

    `core` is what the proofs used. `reason` says why it is undecided or vacuous.
    """

    claim: Claim
    verdict: Verdict
    stages: tuple[tuple[str, int], ...]
    certified: int
    core: tuple[Support, ...]
    margin: Margin | None
    counterexample: Counterexample | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Answered:
    """A question of a claim, and how it was decided."""

    question: Question
    decision: Decision


class Outcome(Enum):
    """What a verification came to, with its exit code."""

    PROVED = 0
    REFUTED = 1
    SOURCE_ERRORS = 2
    UNSETTLED = 3
    DISAGREEMENT = 5


@dataclass(frozen=True, slots=True)
class VerificationReport:
    """All that is known after a verification. `plan` is the plan that it is about.

    `findings` are in the order of the catalogue; `diagnostics` tell people what to mend. `unused_limits`
    are the indices of limits that no question spoke of. `disagreements` are our own bugs: places where
    prover and machine contradict each other. `answers` are the questions behind the findings, in order.
    """

    plan: Plan
    findings: tuple[Finding, ...]
    assumptions: tuple[str, ...]
    unused_limits: tuple[int, ...]
    diagnostics: tuple[Diagnostic, ...]
    disagreements: tuple[str, ...]
    ill_formed: bool
    answers: tuple[Answered, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The whole in one word: bugs of ours first, then errors, then the worst verdict."""
        if self.disagreements:
            return Outcome.DISAGREEMENT
        if self.ill_formed:
            return Outcome.SOURCE_ERRORS
        verdicts = [finding.verdict for finding in self.findings if not finding.claim.soft]
        if any(isinstance(verdict, Refuted) for verdict in verdicts):
            return Outcome.REFUTED
        if any(isinstance(verdict, Vacuous | Undecided) for verdict in verdicts):
            return Outcome.UNSETTLED
        return Outcome.PROVED

    @property
    def exit_code(self) -> int:
        """What the command `ionto verify` ends with."""
        return self.outcome.value

    @property
    def proved(self) -> bool:
        """Whether the plan may be sealed: every hard claim is proved."""
        return self.outcome is Outcome.PROVED


def verdict_name(verdict: Verdict) -> str:
    """The word for a verdict."""
    match verdict:
        case Proved():
            return "proved"
        case Refuted():
            return "refuted"
        case Vacuous():
            return "vacuous"
        case Undecided():
            return "undecided"
    assert_never(verdict)


def summary_lines(report: VerificationReport) -> tuple[str, ...]:
    """What people want first: each property with its verdict, worst margin, and what to look at."""
    if report.ill_formed:
        return ("the plan is not well formed, so nothing was proved",)
    lines = []
    for kind in Property:
        found = [finding for finding in report.findings if finding.claim.property is kind]
        hard = [finding for finding in found if not finding.claim.soft]
        if hard:
            names = [verdict_name(finding.verdict) for finding in hard]
            worst = min(names, key=_WORST_FIRST.index)
            close = _closest(hard)
            lines.append(
                f"{kind.value}: {worst}" + (f" ({len(hard)} claims)" if len(hard) > 1 else "") + close
            )
    lines += [f"our own bug: {text}" for text in report.disagreements]
    return tuple(lines)


_WORST_FIRST = ("refuted", "undecided", "vacuous", "proved")


def _closest(findings: list[Finding]) -> str:
    shares = [share for finding in findings if (share := share_of(finding)) is not None]
    return f", at most {_percent(max(shares))} of the limit" if shares else ""


def share_of(finding: Finding) -> Fraction | None:
    """How much of its limit the worst case of a finding takes; None where there is no margin."""
    margin = finding.margin
    if margin is None or margin.bound <= 0 or finding.claim.limit is None:
        return None
    return margin.worst / margin.bound


def _percent(share: Fraction) -> str:
    return f"{round(share * 100)} %"
