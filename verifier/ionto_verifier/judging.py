"""From decisions to verdicts: what came of a claim's questions, and what was shown to people about it.

A refutation counts only if it was replayed. One that was not is undecided where the prover is known to be
generous (sums, pauses, adjustments, `prove` lines, either polarity, a waveform that takes over), and a bug of
ours where it is exact.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ionto_ir.dataclass import dataclass
from ionto_verifier import decision
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.decision import CoreItem, Decision, GuardUsed
from ionto_verifier.facts import fact_support, support_of
from ionto_verifier.inquiry import Inquiry, Place
from ionto_verifier.instant import waveform_of
from ionto_verifier.margins import Margin, margin_of
from ionto_verifier.obligation import FALSE, Witness
from ionto_verifier.properties import NOBODY, REACHED, Asked, Claim, Property, Question
from ionto_verifier.report import Finding, Support
from ionto_verifier.solve import decide
from ionto_verifier.term import TermTooLargeError
from ionto_verifier.verdict import Proved, Refuted, Undecided, Vacuous, Verdict

PLAIN = frozenset(
    {
        Property.DEVICE,
        Property.SCOPE,
        Property.DRUG,
        Property.TABLE,
        Property.COURSE,
        Property.ZERO,
        Property.REVERSAL,
    }
)
"""Properties whose failure is plain from the plan: there are no values to replay."""

EXACT = frozenset(
    {
        Property.CURRENT,
        Property.DENSITY,
        Property.MEAN_DENSITY,
        Property.PULSE_CHARGE,
        Property.VOLTAGE,
        Property.STOP_TIME,
        Property.GUARD,
        Property.RANGE,
        Property.GRID,
        Property.DRIVE,
    }
)
"""Properties that are encoded exactly: a refutation that the machine does not show is a bug of ours."""

MEANS = frozenset({Property.MEAN_DENSITY, Property.PULSE_CHARGE})
"""About the mean of |I|, which is bounded from above where a waveform's is no whole number of nA."""

ON_GRID = "holds for the values that may be chosen; between two of them it would not"
"""Said of a proof that rests on the steps of parameters, which somebody may later refine."""

REPLAYS_MAX = 3
"""Refuted questions of one claim that are replayed before it is given up."""

CORE_MAX = 24
"""Supports of one claim that a report lists."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A finding, and words about a contradiction between prover and machine if there is one."""

    finding: Finding
    disagreement: str | None = None


def judge(inquiry: Inquiry, asked: Asked, decisions: Mapping[str, Decision], *, margins: bool) -> Judged:
    """The verdict of a claim."""
    answers = [
        (question, question.decided or decisions[question.obligation.id]) for question in asked.questions
    ]
    if asked.claim.property in REACHED:
        return Judged(_reached(inquiry, asked.claim, answers))
    if asked.claim.property is Property.APART:
        return Judged(_apart(inquiry, asked.claim, answers))
    margin = _margin(inquiry, asked) if margins else None
    refuted = [(question, found) for question, found in answers if isinstance(found, decision.Refuted)]
    unknown = [found for _, found in answers if isinstance(found, decision.Unknown)]
    if refuted:
        return _shown(inquiry, asked, refuted, answers, margin)
    if unknown:
        verdict: Verdict = Undecided(unknown[0])
        return Judged(_finding(inquiry, asked.claim, verdict, answers, margin, None, unknown[0].reason))
    if not answers:
        nothing = Vacuous(NO_CASE)
        return Judged(_finding(inquiry, asked.claim, nothing, answers, margin, None, "it speaks of nothing"))
    proofs = [found for _, found in answers if isinstance(found, decision.Proved)]
    on_grid = ON_GRID if any(found.unsafe_between is not None for found in proofs) else None
    return Judged(_finding(inquiry, asked.claim, Proved(proofs[0]), answers, margin, None, on_grid))


def answers_finding(inquiry: Inquiry, asked: Asked, answers: Answers, *, margins: bool) -> Finding:
    """The finding of a claim by its answers alone: a refutation is still to be shown."""
    margin = _margin(inquiry, asked) if margins else None
    refuted = [found for _, found in answers if isinstance(found, decision.Refuted)]
    unknown = [found for _, found in answers if isinstance(found, decision.Unknown)]
    proofs = [found for _, found in answers if isinstance(found, decision.Proved)]
    if refuted:
        return _finding(inquiry, asked.claim, Refuted(refuted[0]), answers, margin, None, None)
    if unknown:
        verdict: Verdict = Undecided(unknown[0])
        return _finding(inquiry, asked.claim, verdict, answers, margin, None, unknown[0].reason)
    on_grid = ON_GRID if any(found.unsafe_between is not None for found in proofs) else None
    return _finding(inquiry, asked.claim, Proved(proofs[0]), answers, margin, None, on_grid)


def _margin(inquiry: Inquiry, asked: Asked) -> Margin | None:
    """The margin, unless the question grows out of bounds on the way to it."""
    try:
        return margin_of(inquiry, asked)
    except TermTooLargeError:
        return None


NO_CASE = decision.Proved(decision.Stage.INTERVAL, None, ())
"""The proof of a claim about nothing."""


Answers = list[tuple[Question, Decision]]


def _reached(inquiry: Inquiry, claim: Claim, answers: Answers) -> Finding:
    """Here a witness is good news: it is somebody who gets there."""
    if any(isinstance(found, decision.Refuted) for _, found in answers):
        return _finding(inquiry, claim, Proved(NO_CASE), [], None, None, _beyond(claim, answers))
    unknown = [found for _, found in answers if isinstance(found, decision.Unknown)]
    if unknown:
        return _finding(inquiry, claim, Undecided(unknown[0]), answers, None, None, unknown[0].reason)
    proofs = [found for _, found in answers if isinstance(found, decision.Proved)]
    verdict = Vacuous(proofs[0] if proofs else NO_CASE)
    return _finding(inquiry, claim, verdict, answers, None, None, NOBODY)


BEYOND = "it acts only where the impedance leaves what is assumed"


def _beyond(claim: Claim, answers: Answers) -> str | None:
    """Said of a monitor that within the assumed impedance never acts: that may be what it is for."""
    beyond = claim.property is Property.WATCHES and isinstance(answers[-1][1], decision.Proved)
    return BEYOND if beyond else None


def _apart(inquiry: Inquiry, claim: Claim, answers: Answers) -> Finding:
    """A monitor that lets go while it would act pauses again at once: its `until` means nothing."""
    ((_, found),) = answers
    match found:
        case decision.Proved():
            return _finding(inquiry, claim, Proved(found), answers, None, None, None)
        case decision.Refuted():
            reason = "both hold for some readings, so it would act again at once"
            return _finding(inquiry, claim, Vacuous(NO_CASE), answers, None, None, reason)
        case _:
            return _finding(inquiry, claim, Undecided(found), answers, None, None, found.reason)


# --- refutations ------------------------------------------------------------------------------------


def _shown(
    inquiry: Inquiry,
    asked: Asked,
    refuted: list[tuple[Question, decision.Refuted]],
    answers: Answers,
    margin: Margin | None,
) -> Judged:
    claim = asked.claim
    verdict = Refuted(refuted[0][1])
    if claim.property in PLAIN or claim.soft:
        # A soft limit is met at the bedside, with a name and a reason: nothing is to be shown.
        return Judged(_finding(inquiry, claim, verdict, answers, margin, None, None))
    from ionto_verifier.exhibit import exhibit  # the machine is loaded only where something is refuted

    for question, witness in _candidates(refuted, margin):
        shown = exhibit(inquiry, claim, question, witness)
        if shown is not None:
            return Judged(_finding(inquiry, claim, verdict, answers, margin, shown, None))
    if _nobody(inquiry, claim):
        unseen = Undecided(decision.Unknown(NO_SESSION))
        return Judged(_finding(inquiry, claim, unseen, answers, margin, None, NO_SESSION))
    reason = _why_unseen(inquiry, claim, [question for question, _ in refuted])
    if reason is None:
        text = f"`{claim.statement}` was refuted, and the machine does not show it"
        return Judged(_finding(inquiry, claim, verdict, answers, margin, None, text), text)
    verdict_open = Undecided(decision.Unknown(reason))
    return Judged(_finding(inquiry, claim, verdict_open, answers, margin, None, reason))


def _why_unseen(inquiry: Inquiry, claim: Claim, questions: Sequence[Question]) -> str | None:
    """Why a refutation may be one that no session shows; None where that is a bug of ours."""
    arithmetic, levels = inquiry.arithmetic, inquiry.levels
    if claim.property not in EXACT or inquiry.encoding.adjustable:
        return BOUND_PASSED
    if all(question.generous for question in questions):
        return EITHER_PASSED
    if not all(inquiry.environment.is_multiple(level.na, arithmetic.step_na) for level in levels):
        return OFF_STEP
    exact = all(arithmetic.mean_is_exact(waveform_of(level)) for level in levels)
    if claim.property in MEANS and (not exact or arithmetic.rounds_means):
        return MEAN_PASSED
    return None


BOUND_PASSED = (
    "a bound over every pause, adjustment and stop is passed, but no session was found that passes it"
)
OFF_STEP = (
    "a current that may fall between two steps of the device passes it, but no session was found that does"
)
MEAN_PASSED = (
    "the mean of the waveform, counted up to the next nA, passes it, but no session was found that does"
)
EITHER_PASSED = (
    "a bound that takes either polarity for possible, or a ramp that changes the waveform for no lower than "
    "where it begins, is passed, but no session was found that passes it"
)

NO_SESSION = "it fails for a number that nobody can be treated with: the requirements exclude everybody"
"""Said of a refutation that touches none of the values over which the requirements contradict each other."""


def _nobody(inquiry: Inquiry, claim: Claim) -> bool:
    """Whether requirements and refusals exclude everybody, also those that the question does not touch."""
    question = inquiry.question(claim, FALSE, Place(None, inquiry.environment.shared()))
    return isinstance(decide(question.obligation), decision.Proved)


def _candidates(
    refuted: list[tuple[Question, decision.Refuted]], margin: Margin | None
) -> Iterator[tuple[Question, Witness]]:
    """What to replay: the worst case where it is known, then what the solver found, the last places first."""
    if margin is not None and margin.witness:
        for question, _ in refuted:
            if question.step == margin.step:
                yield question, margin.witness
                break
    for question, found in refuted[::-1][:REPLAYS_MAX]:
        yield question, found.witness


# --- findings ---------------------------------------------------------------------------------------


def _finding(
    inquiry: Inquiry,
    claim: Claim,
    verdict: Verdict,
    answers: Answers,
    margin: Margin | None,
    shown: Counterexample | None,
    reason: str | None,
) -> Finding:
    stages: dict[str, int] = {}
    certified = 0
    for _, found in answers:
        if isinstance(found, decision.Proved | decision.Refuted):
            stages[found.stage.value] = stages.get(found.stage.value, 0) + 1
        certified += isinstance(found, decision.Proved) and found.certificate is not None
    counted = tuple((stage.value, stages[stage.value]) for stage in decision.Stage if stage.value in stages)
    core = tuple(_core(inquiry, claim, answers))
    return Finding(claim, verdict, counted, certified, core, margin, shown, reason)


def _core(inquiry: Inquiry, claim: Claim, answers: Answers) -> Iterator[Support]:
    """What the proofs of a claim used, each once, and the facts that its numbers contain."""
    supports: dict[Support, None] = {}
    if claim.limit is not None or claim.span is not None:
        supports[Support(claim.statement, claim.span)] = None
    for fact in claim.rests_on:
        supports[fact_support(inquiry.plan, fact)] = None
    for question, found in answers:
        if isinstance(found, decision.Proved):
            origins = {guard.name: guard.label for guard in question.obligation.guards}
            for item in found.core:
                support = _support(inquiry, item, origins)
                if support is not None:
                    supports[support] = None
    yield from list(supports)[:CORE_MAX]


def _support(inquiry: Inquiry, item: CoreItem, origins: Mapping[str, object]) -> Support | None:
    """A bound of a variable is put into words once: nearly every proof rests on some."""
    if isinstance(item, GuardUsed):
        return support_of(inquiry.plan, inquiry.environment, item, origins)
    if item not in inquiry.supports:
        inquiry.supports[item] = support_of(inquiry.plan, inquiry.environment, item, origins)
    found: Support | None = inquiry.supports[item]
    return found
