"""What the proofs of a plan rest on, counted: certificates that anybody can check, or somebody's word."""

from __future__ import annotations

from collections import Counter
from enum import Enum
from typing import assert_never

from ionto_verifier.decision import Proved, Refuted, Stage, Unknown
from ionto_verifier.properties import REACHED
from ionto_verifier.report import Answered, VerificationReport

EXISTENCE = frozenset(item.value for item in REACHED)
"""Properties that are proved by somebody or something that exists."""


class Rest(Enum):
    """What the answer to a question rests on."""

    CERTIFICATE = "certificate"
    VALUES = "values"  # seen from the steps of values, or every value was tried
    SOLVER = "solver"  # a solver's word alone
    WITNESS = "witness"  # somebody, or something, that exists
    OPEN = "open"  # refuted, or undecided


def rest_of(item: Answered) -> Rest:
    """What the answer to one question rests on."""
    match item.decision:
        case Proved(stage, None):
            tried = item.question.decided is not None and stage is not Stage.SOLVER
            return Rest.VALUES if tried else Rest.SOLVER
        case Proved():
            return Rest.CERTIFICATE
        case Refuted():
            return Rest.WITNESS if item.question.obligation.property in EXISTENCE else Rest.OPEN
        case Unknown():
            return Rest.OPEN
    assert_never(item.decision)


def rests_of(report: VerificationReport) -> dict[Rest, int]:
    """How many questions rest on what; each word is there, also with nothing."""
    counts = Counter(rest_of(item) for item in report.answers)
    return {rest: counts[rest] for rest in Rest}


def rests_text(report: VerificationReport) -> str:
    """The same in words; a solver's word is named even where nothing rests on it."""
    found = rests_of(report)
    proved = found[Rest.CERTIFICATE] + found[Rest.VALUES] + found[Rest.SOLVER]
    said = f"{found[Rest.CERTIFICATE]} of {proved} proofs are certificates"
    if found[Rest.VALUES]:
        said += f", {found[Rest.VALUES]} seen from the steps of values"
    return f"{said}, {found[Rest.SOLVER]} on a solver's word alone"
