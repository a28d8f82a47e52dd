"""One case of the campaign, tried: what was proved was not passed, what was refuted shows, the rest agrees.

Bounds are laid around what opponents reached: one below it, right at it, a little and far above. So a claim
that is one unit too strong is proved only by a verifier that is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from math import ceil
from random import Random

from ionto_ir.bind import Acknowledgement, Refusal, bind
from ionto_ir.bind_constants import NO_HISTORY
from ionto_ir.bind_together import BoundTogether, bind_together
from ionto_ir.bound import BoundPlan
from ionto_ir.channels import channel_plans
from ionto_ir.dataclass import dataclass, field, replace
from ionto_ir.dry_run import run
from ionto_ir.expression import evaluate
from ionto_ir.features import features_of
from ionto_ir.limits import ADDS_UP, Limit, LimitKind
from ionto_ir.observer import broken_properties, reading_of, summed, violations
from ionto_ir.plan import Hold, Plan, Ramp
from ionto_ir.recheck.check import Standing
from ionto_ir.rehearse import Rehearsed, rehearse
from ionto_ir.standing import beginning
from ionto_ir.together import run_together
from ionto_ir.trace import stretches
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.cross_check import Agreement, Ask, cross_check
from ionto_verifier.driver import verify
from ionto_verifier.properties import Property
from ionto_verifier.report import Finding, VerificationReport, verdict_name
from tests.differential.cases import Case, Family, drawn
from tests.differential.constructs import constructs
from tests.differential.mutants import OPTIONS, SEALING, decided, with_more, words_of
from tests.differential.opponents import TICKS_MAX, Reached, manners, pursue
from tests.ir.sealing import rechecked_plan

TRIPS = frozenset({"F04", "F05"})
"""Alarms of the interlock."""

RAISED_SHARE = 0.25
"""Of the cases whose current is proved, those in which it is raised by one step of the device."""


@dataclass(slots=True)
class Trial:
    """What came of a case: `counts` by what was counted, `wrong` in words."""

    number: int
    plan: Plan | None = None
    reached: Reached | None = None
    report: VerificationReport | None = None
    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def count(self, what: str, name: str = "", times: int = 1) -> None:
        """Count something."""
        self.counts[what, name] += times


def tried(number: int, ask: Ask | None = None) -> Trial:
    """The case of a number, tried; with `ask` every question is put to the second solver too."""
    trial = Trial(number)
    try:
        _try(trial, drawn(number), ask)
    except Exception as bug:
        trial.wrong.append(f"bug: {type(bug).__name__}: {bug}")
    return trial


def _try(trial: Trial, case: Case, ask: Ask | None) -> None:
    chance = Random(f"bounds {case.number}")
    trial.count("family", case.family.value)
    reached = trial.reached = pursue(case)
    plan = trial.plan = bounded(case.plan, reached, chance)
    for name in constructs(plan):
        trial.count("construct", name)
    trial.count("sessions", "disarmed", reached.sessions)
    trial.count("ticks", "disarmed", reached.ticks)
    report = trial.report = verify(plan, OPTIONS)
    if report.ill_formed:
        trial.wrong.append(f"ill formed: {report.diagnostics[0].message}")
        return
    trial.wrong += [f"disagreement: {text}" for text in report.disagreements]
    _count_verdicts(trial, report)
    _judge_limits(trial, plan, report, reached, "as drawn")
    _judge_rest(trial, plan, report, reached)
    _replay(trial, plan, report)
    _recheck(trial, plan, report, reached)
    _lower(trial, plan, report, reached)
    if chance.random() < RAISED_SHARE:
        _raise(trial, plan, report, reached)
    if report.proved:
        _arm(trial, case, plan, reached)
    if ask is not None:
        _ask_again(trial, report, ask)


# --- bounds -----------------------------------------------------------------------------------------------


def bounded(plan: Plan, reached: Reached, chance: Random) -> Plan:
    """The plan with bounds around what was reached; in some cases none that was passed."""
    kind = chance.random() < 0.6
    limits = tuple(
        item
        if item.bound
        else replace(item, bound=_bound(chance, item, reached.most.get(index, Fraction(0)), kind))
        for index, item in enumerate(plan.limits)
    )
    least = {LimitKind.SESSIONS: 1}
    limits = tuple(replace(item, bound=max(least.get(item.kind, 0), item.bound)) for item in limits)
    unlike: list[Limit] = []
    for item in limits:
        # Of two limits that are alike nothing could be told apart.
        while item in unlike:
            item = replace(item, bound=item.bound + 1)
        unlike.append(item)
    return replace(plan, limits=tuple(unlike))


SUMS = frozenset({*ADDS_UP, LimitKind.DURATION})
"""Limits that are proved by bounds over all moments, which are seldom as tight as what happens."""


def _bound(chance: Random, limit: Limit, value: Fraction, kind: bool) -> int:
    tight = max(1, ceil(value))
    draw = chance.random()
    if kind:
        draw = 0.3 + draw * 0.7
    if draw < 0.2:
        return max(0, tight - 1)
    if draw < 0.3:
        return tight * chance.randint(50, 99) // 100
    if draw < (0.35 if limit.kind in SUMS else 0.6):
        return tight
    if draw < (0.45 if limit.kind in SUMS else 0.75):
        return tight + max(1, tight * chance.randint(1, 50) // 1000)
    return tight * chance.randint(105, 300) // 100


# --- verdicts ---------------------------------------------------------------------------------------------


def _count_verdicts(trial: Trial, report: VerificationReport) -> None:
    for finding in report.findings:
        word = verdict_name(finding.verdict)
        trial.count("verdict", word)
        trial.count(f"property {finding.claim.property.value}", word)
        for stage, number in finding.stages:
            trial.count("stage", stage, number)
        if word == "undecided":
            trial.count("undecided", str(finding.reason).split(":")[0][:100])
    trial.count("plans", report.outcome.name.lower())


def _judge_limits(trial: Trial, plan: Plan, report: VerificationReport, reached: Reached, how: str) -> None:
    """No limit that is proved was passed."""
    for index, words in words_of(report).items():
        limit, most = plan.limits[index], reached.most.get(index, Fraction(0))
        passed = index in reached.steep if limit.kind is LimitKind.RAMP else most > limit.bound
        name = limit.kind.value
        if words == {"proved"}:
            trial.count("proved and not passed" if not passed else "PROVED AND PASSED", name)
            trial.count("as tight as can be", name, int(bool(most) and limit.bound == ceil(most)))
            if passed:
                trial.wrong.append(f"proved, {how}: {_told(limit)}, but {float(most)} was reached")
        elif passed:
            trial.count("passed and", "refuted" if "refuted" in words else "undecided")


def _told(limit: Limit) -> str:
    role = "" if limit.role is None else f" of the {limit.role.value}"
    window = "" if limit.window_ms is None else f" in any {limit.window_ms} ms"
    marks = "".join(f" {word}" for word in ("nominal", "soft", "apart") if getattr(limit, word))
    return f"{limit.kind.value}{role} <= {limit.bound}{window}{marks}"


def _judge_rest(trial: Trial, plan: Plan, report: VerificationReport, reached: Reached) -> None:
    """No `prove` line that is proved was broken, nothing that happened is said to happen to nobody, and of
    every limit something is said.
    """
    spoken_of = {*words_of(report), *report.unused_limits}
    for index in set(range(len(plan.limits))) - spoken_of:
        trial.wrong.append(f"nothing is said of {_told(plan.limits[index])}")
    for finding in report.findings:
        claim, word = finding.claim, verdict_name(finding.verdict)
        if claim.property is Property.PROVE:
            number = _number_of(claim.id)
            if word == "proved" and number in reached.broken:
                trial.wrong.append(f"proved: {claim.statement}, but a session broke it")
        elif claim.property is Property.TREATABLE and word == "vacuous" and reached.people:
            trial.wrong.append("nobody can be treated, it says, but somebody was")
        elif claim.property is Property.REACHABLE and word == "vacuous" and not plan.channels:
            step = claim.id.removeprefix("steps[").removesuffix("]")
            if step.isdigit() and int(step) in reached.steps:
                trial.wrong.append(f"nobody gets to step {step}, it says, but somebody did")


# --- refutations --------------------------------------------------------------------------------------------


def _replay(trial: Trial, plan: Plan, report: VerificationReport) -> None:
    """What is shown of a refutation violates the limit when it is run again."""
    for finding in report.findings:
        limit, shown = finding.claim.limit, finding.counterexample
        if verdict_name(finding.verdict) != "refuted":
            continue
        if finding.claim.property is Property.PROVE:
            _replay_promise(trial, plan, finding)
        if limit is None or limit.soft:
            continue
        if shown is None:
            trial.wrong.append(f"refuted without a witness: {finding.claim.statement}")
            continue
        if shown.kept_by_interlock or shown.refused:
            held = _is_held(plan, finding, shown)
            trial.count("replayed", "kept by the interlock" if shown.kept_by_interlock else "refused")
            if not held:
                trial.wrong.append(f"refuted, but nothing holds its witness back: {finding.claim.statement}")
        elif shown.starts_ms:
            _replay_sessions(trial, plan, finding, shown)
        elif _shows(plan, finding, limit, shown):
            trial.count("replayed", "one session")
        else:
            trial.wrong.append(f"refuted, but its witness violates nothing: {finding.claim.statement}")


def _replay_promise(trial: Trial, plan: Plan, finding: Finding) -> None:
    """What is shown of a `prove` line that is refuted breaks that line, and not another one."""
    shown, item = finding.counterexample, plan.properties[_number_of(finding.claim.id)]
    if shown is None or shown.kept_by_interlock or shown.refused:
        return
    outcome = rehearse(plan, shown.scenario, armed=False)
    assert isinstance(outcome, Rehearsed), "the session was seen to run"
    trial.count("replayed", "prove line")
    if item.within_ms is not None:
        right = outcome.run.trace.end_ms > item.within_ms
    else:
        broken = broken_properties(plan, outcome.values, outcome.run.trace)
        right = any(found == item for found, _ in broken)
    if not right:
        trial.wrong.append(f"refuted, but its witness breaks nothing: {finding.claim.statement}")


def _number_of(claim: str) -> int:
    return int(claim.partition("]")[0].removeprefix("properties["))


def _is_held(plan: Plan, finding: Finding, shown: Counterexample) -> bool:
    """Whether the machine refuses the values, or its interlock stops the session."""
    outcome = rehearse(_plan_of(plan, finding), shown.scenario)
    return isinstance(outcome, Refusal) or bool(TRIPS & {alarm.code for alarm in outcome.run.alarms})


def _plan_of(plan: Plan, finding: Finding) -> Plan:
    """What one channel does alone was shown on that channel alone."""
    place = finding.claim.id.partition(".")[0]
    if plan.channels and place.startswith("channels["):
        return channel_plans(plan)[int(place.removeprefix("channels[").removesuffix("]"))]
    return plan


def _shows(plan: Plan, finding: Finding, limit: Limit, shown: Counterexample) -> bool:
    plan = _plan_of(plan, finding)
    outcome = rehearse(plan, shown.scenario, armed=False)
    if not isinstance(outcome, Rehearsed):
        return False
    if limit in [item.limit for item in outcome.violations]:
        return True
    return limit.kind is LimitKind.RAMP and _steepest(plan, outcome) > limit.bound


def _steepest(plan: Plan, outcome: Rehearsed) -> Fraction:
    """nA/s of the steepest line of a session: a staircase may hide in a step what its line does."""
    values = outcome.run.final.values
    slopes = [Fraction(plan.stop_slew_na_s), Fraction(plan.resume_slew_na_s)]
    for number in {step for _, step in outcome.run.trace.visits}:
        step = plan.steps[number]
        if isinstance(step, Ramp):
            rise, time = (evaluate(part, values) for part in (step.slope.delta_na, step.slope.over_ms))
            if isinstance(rise, int) and isinstance(time, int) and time:
                slopes.append(Fraction(abs(rise) * 1000, time))
    return max(slopes)


def _replay_sessions(trial: Trial, plan: Plan, finding: Finding, shown: Counterexample) -> None:
    """The sessions of a schedule, the first with its timeline and the others undisturbed unless they are
    alike, added up by the observer.
    """
    limit, starts = finding.claim.limit, shown.starts_ms
    assert limit is not None and limit.window_ms is not None, "only windows hold several sessions"
    if limit.kind is LimitKind.SESSIONS:
        held = max(sum(first <= start < first + limit.window_ms for start in starts) for first in starts)
        right = held > limit.bound
    else:
        right = _crowded(plan, limit, finding.claim.electrode, shown)
    gap_ms = 0 if plan.course is None else plan.course.gap_ms_min
    apart = all(later - earlier >= gap_ms for earlier, later in pairwise(starts))
    trial.count("replayed", "several sessions")
    if not (right and apart):
        trial.wrong.append(f"refuted, but its sessions violate nothing: {finding.claim.statement}")


def _crowded(plan: Plan, limit: Limit, electrode: int | None, shown: Counterexample) -> bool:
    flows: list[tuple[int, int, Fraction]] = []
    for number, start_ms in enumerate(shown.starts_ms):
        alike = number == 0 or shown.alike
        scenario = shown.scenario if alike else replace(shown.scenario, timeline=())
        outcome = rehearse(plan, scenario, armed=False)
        if not isinstance(outcome, Rehearsed):
            return False
        rate_of = reading_of(plan, outcome.values, limit, electrode)
        flows += [
            (start_ms + part.from_ms, start_ms + part.to_ms, rate_of(part))
            for part in stretches(outcome.run.trace)
            if part.on
        ]
    return any(True for _ in summed(limit, flows, electrode))


# --- certificates -------------------------------------------------------------------------------------------


def _recheck(trial: Trial, plan: Plan, report: VerificationReport, reached: Reached) -> None:
    """Every certificate holds, and what the recheck certifies was neither passed nor refuted."""
    checked = rechecked_plan(plan, report, SEALING)
    trial.count("certificates", "checked", checked.certificates)
    # A session that only the interlock keeps within a limit does not pass it: there the two may differ. Of a
    # soft limit no session is shown, so that nobody knows.
    verdicts = {
        item.claim.id: verdict_name(item.verdict)
        for item in report.findings
        if item.counterexample is not None and not item.counterexample.kept_by_interlock
    }
    broken = {f"properties[{number}]" for number in reached.broken}
    standing: dict[int, set[Standing]] = {}
    for item in checked.claims:
        trial.count("claims rest on", item.standing.name.lower())
        if item.standing is Standing.DERIVED and verdicts.get(item.claim) == "refuted":
            trial.wrong.append(f"certified, and refuted: {item.statement}")
        if item.standing is Standing.DERIVED and item.claim in broken:
            trial.wrong.append(f"certified: {item.statement}, but a session broke it")
        # A limit is kept where every channel keeps it alone, and all do together.
        alone = item.claim.partition(".")[2] if item.claim.startswith("channels[") else item.claim
        if alone.startswith("limits["):
            number = int(alone.partition("]")[0].removeprefix("limits["))
            standing.setdefault(number, set()).add(item.standing)
    for index, found in standing.items():
        limit = plan.limits[index]
        passed = reached.most.get(index, 0) > limit.bound
        if limit.kind is LimitKind.RAMP:
            passed = index in reached.steep
        if found == {Standing.DERIVED} and passed:
            trial.wrong.append(f"certified: {_told(limit)}, but it was passed")


# --- mutants ------------------------------------------------------------------------------------------------


def _lower(trial: Trial, plan: Plan, report: VerificationReport, reached: Reached) -> None:
    """Every limit that is proved, one unit below what was reached: none may be proved then."""
    lowered = {}
    for index, words in words_of(report).items():
        most = reached.most.get(index, Fraction(0))
        floor = 2 if plan.limits[index].kind is LimitKind.SESSIONS else 1
        if words == {"proved"} and most >= floor:
            lowered[index] = replace(plan.limits[index], bound=ceil(most) - 1)
    if not lowered:
        return
    limits = tuple(lowered.get(index, item) for index, item in enumerate(plan.limits))
    if len(set(limits)) < len(limits):
        trial.count("mutants", "left out, two limits became one")
        return
    mutant = replace(plan, limits=limits)
    for index, word in decided(mutant, frozenset(lowered)).items():
        trial.count("mutants, limit one unit below what is reached", word)
        if word == "proved":
            told = f"{_told(limits[index])}, but {reached.most[index]} was reached"
            trial.wrong.append(f"proved, one unit lower: {told}")


def _raise(trial: Trial, plan: Plan, report: VerificationReport, reached: Reached) -> None:
    """A limit on the current at what is reached, and the highest level one step of the device higher."""
    words = words_of(report)
    index = next(
        (
            number
            for number, item in enumerate(plan.limits)
            if item.kind is LimitKind.CURRENT and item.role is None and number and not item.soft
        ),
        None,
    )
    if index is None or words.get(index) != {"proved"} or not reached.most.get(index) or plan.channels:
        return
    higher = with_more(plan, reached.peak_na)
    if higher is None:
        trial.count("mutants", "left out, no level to raise")
        return
    tight = replace(plan.limits[index], bound=ceil(reached.most[index]))
    limits = tuple(tight if number == index else item for number, item in enumerate(plan.limits))
    if len(set(limits)) < len(limits):
        return
    only = frozenset({index})
    before, after = (decided(replace(item, limits=limits), only)[index] for item in (plan, higher))
    if before != "proved":
        trial.count("mutants, current one step higher", "not proved before")
        return
    trial.count("mutants, current one step higher", after)
    if after == "proved":
        trial.wrong.append(f"proved, one step higher: {_told(tight)}")


# --- the armed machine ------------------------------------------------------------------------------------


def _arm(trial: Trial, case: Case, plan: Plan, reached: Reached) -> None:
    """A plan that is proved binds to everybody, and its interlock never trips, whatever people do."""
    if case.family is Family.COURSE:
        history = beginning(plan)
    else:
        history = NO_HISTORY
    for values in reached.people[:2]:
        if case.family is Family.CHANNELS:
            _arm_together(trial, plan, values)
            continue
        if any(item.startswith("course") for item in values) or "last" in values:
            trial.count("armed", "left out, values carried from session to session")
            continue
        bound = _bound_to(plan, values, history)
        if isinstance(bound, Refusal):
            trial.wrong.append(f"proved, but refused: {bound.diagnostics[0].message}")
            continue
        if any(isinstance(step, Ramp | Hold) and step.waveform is not None for step in plan.steps):
            trial.count("armed", "bound; with a waveform the interlock may stop early, not run")
            continue
        alone = replace(plan, monitors=())
        unwatched = replace(bound, plan=replace(alone, requires=features_of(alone)))
        for script, quiet in _few(manners(unwatched, Random(f"armed {case.number}"))):
            done = run(unwatched, script, TICKS_MAX, silence=quiet)
            trial.count("armed", "sessions")
            if TRIPS & {alarm.code for alarm in done.alarms}:
                trial.wrong.append(f"proved, but the interlock trips with {values}")
            if violations(plan, values, done.trace):
                trial.wrong.append(f"proved, but an armed session violates a limit with {values}")


def _few(found: Iterator[object]) -> Iterator[object]:
    every = list(found)
    yield from (every[0], every[len(every) // 2], every[-1])


def _bound_to(plan: Plan, values: dict, history: object) -> BoundPlan | Refusal:
    found = bind(plan, values, (), history, rehearsing=True)
    if isinstance(found, Refusal) and found.only_needs_acknowledgement:
        given = [Acknowledgement(item.subject, "campaign", "soft limit", item.role) for item in found.needed]
        return bind(plan, values, given, history, rehearsing=True)
    return found


def _arm_together(trial: Trial, plan: Plan, values: dict) -> None:
    found = bind_together(plan, values)
    if isinstance(found, Refusal) and found.only_needs_acknowledgement:
        given = [Acknowledgement(item.subject, "campaign", "soft limit", item.role) for item in found.needed]
        found = bind_together(plan, values, given)
    if not isinstance(found, BoundTogether):
        said = found.diagnostics[0].message
        if "less than the channels that share it need" in said and any(item.role for item in plan.limits):
            trial.count("armed", "refused: caps handed out to channels know no roles")
            return
        trial.wrong.append(f"proved, but refused: {found.diagnostics[0].message}")
        return
    done = run_together(found.channels, ticks_max=TICKS_MAX)
    trial.count("armed", "sessions of several channels")
    if not done.finished or done.alarms:
        trial.wrong.append("proved, but the channels do not finish without an alarm")


# --- the second solver --------------------------------------------------------------------------------------


def _ask_again(trial: Trial, report: VerificationReport, ask: Ask) -> None:
    """Every question to the second solver."""
    found = cross_check(report.answers, ask, lambda done, whole: None)
    trial.count("cases put to the second solver")
    for name, agreement in found:
        trial.count("second solver", agreement.value)
        if agreement is Agreement.CONTRADICTED:
            trial.wrong.append(f"the second solver contradicts {name}")
