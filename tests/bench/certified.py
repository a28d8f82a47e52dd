"""How much of a random corpus is certified without a solver (`python -m tests.bench.certified`).

Plans are generated, and each limit is set ten percent above the worst that the plan can do, as found exactly:
far enough to hold, and close enough that a coarse bound does not show it. Then every question is counted by
what its answer rests on, and every claim by whether the recheck derives it again.

Each plan is drawn from its own seed, so that any part of a corpus can be counted alone, in any process. With
`--keep FILE` what was counted is kept, and a later run counts only what is missing, if no source has changed.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cache
from hashlib import sha256
from math import ceil
from multiprocessing import get_context
from pathlib import Path
from types import FrameType
from typing import TypeAlias, assert_never

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ionto_ir.dataclass import replace
from ionto_ir.features import features_of
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.plan import Course, Plan
from ionto_ir.recheck.check import Standing
from ionto_verifier.decision import Decision, Proved, Refuted, Unknown
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import VerificationReport
from ionto_verifier.rests import Rest, rest_of
from tests.differential.test_channels_against_executor import channel_plans
from tests.differential.test_verifier_against_executor import split_plans
from tests.differential.test_windows_against_executor import windowed_plans
from tests.ir.sealing import PROVE_ONLY, rechecked_plan
from tests.strategies import plans
from tests.treatments import HERE, limit

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/reference/certificates.md"
HEADING = "## How much is certified"
SOURCES = ("ionto_ir", "verifier", "tests/differential", "tests/ir")
SINGLE = ("tests/bench/certified.py", "tests/strategies.py", "tests/treatments.py")

ENDING = """\
Questions whether somebody or something exists need no proof and are left out. In the shipped regimens
([table](regimens.md)) no claim rests on a solver's word alone.

A second opinion needs no certificate: `ionto verify --cross-check` asks another solver (cvc5) every question.
"""

PLANS_MAX = 1_000_000
"""Of one corpus, so that no two have a plan in common."""

AGAIN_S = 0.05
"""After so long a plan that takes too long is told so again, in case that it could not hear."""

AIM = Fraction(85, 100)
SLACK = Fraction(11, 10)
MARGINS = Options(margins=True, advice=False, edits=False)
ANYTHING = 10**14
"""A bound that nothing reaches."""
DAY_MS = 86_400_000
DAILY = Course(1, None, 20 * 3_600_000, (), None, None, HERE)


Counts: TypeAlias = dict[str, Counter[str]]


@dataclass(slots=True)
class Tally:
    """What was counted: questions by property and what they rest on, claims by property and standing, and by
    property the reasons of what is not proved. `given_up`: the numbers of the plans that took too long.
    """

    plans: int = 0
    unproved: int = 0
    questions: Counts = field(default_factory=dict)
    claims: Counts = field(default_factory=dict)
    reasons: Counts = field(default_factory=dict)
    given_up: list[int] = field(default_factory=list)

    def share(self, name: str | None = None) -> Fraction:
        """Which part of what needs a proof is certified; what exists needs none."""
        counts = [found for key, found in self.questions.items() if name in (None, key)]
        certified = sum(found[Rest.CERTIFICATE.value] for found in counts)
        others = (Rest.VALUES, Rest.SOLVER, Rest.OPEN)
        asked = certified + sum(found[rest.value] for found in counts for rest in others)
        return Fraction(certified, asked) if asked else Fraction(1)

    def add(self, other: Tally) -> None:
        """Add what was counted of other plans."""
        self.plans += other.plans
        self.unproved += other.unproved
        self.given_up += other.given_up
        pairs = (
            (self.questions, other.questions),
            (self.claims, other.claims),
            (self.reasons, other.reasons),
        )
        for mine, theirs in pairs:
            for name, counts in theirs.items():
                mine.setdefault(name, Counter()).update(counts)


def drawn(at_random: int, number: int) -> Plan:
    """Plan `number` of a corpus: always the same one."""
    found: list[Plan] = []

    def take(plan: Plan) -> None:
        found.append(plan)

    chosen = settings(
        max_examples=2,  # the first is the simplest that there is, whatever the seed
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    corpus = st.one_of(plans(), split_plans(), windowed_plans(), channel_plans())
    seed(at_random * PLANS_MAX + number)(chosen(given(corpus)(take)))()
    return found[-1]


def counted(at_random: int, number: int, seconds_max: float) -> Tally:
    """Count one plan, for at most so many seconds of the processor."""

    def late(_: int, frame: FrameType | None) -> None:
        # What is raised within a callback of the collector is lost; there the next signal is waited for.
        if frame is None or frame.f_code.co_name != "gc_callback":
            signal.setitimer(signal.ITIMER_PROF, 0)
            raise TimeoutError

    plan = drawn(at_random, number)
    found = Tally()
    before = signal.signal(signal.SIGPROF, late)
    signal.setitimer(signal.ITIMER_PROF, seconds_max, AGAIN_S)
    try:
        count(plan, found)
    except TimeoutError:
        return Tally(given_up=[number])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    return found


def limits_of_all_kinds() -> Iterator[Limit]:
    """A limit of every kind that is measured, with a bound that nothing reaches."""
    for kind in (LimitKind.CURRENT, LimitKind.MEAN_DENSITY, LimitKind.PULSE_CHARGE, LimitKind.RAMP):
        yield limit(kind, ANYTHING, "")
    for kind in (LimitKind.DENSITY, LimitKind.DOSE, LimitKind.CHARGE_DENSITY):
        yield limit(kind, ANYTHING, "", role=Role.CATHODE)
    yield limit(LimitKind.DOSE, ANYTHING, "")
    yield limit(LimitKind.DOSE, ANYTHING, "", window_ms=DAY_MS)
    yield limit(LimitKind.DURATION, ANYTHING, "")
    yield limit(LimitKind.STOP_TIME, ANYTHING, "")


def count(plan: Plan, found: Tally) -> None:
    """Add a plan, under limits ten percent above its worst."""
    wide = replace(plan, limits=tuple(limits_of_all_kinds()), properties=(), course=DAILY)
    wide = replace(wide, requires=features_of(wide))
    measured = verify(wide, MARGINS)
    if measured.ill_formed:
        return
    tight = replace(wide, limits=tuple(_tightened(wide, measured)))
    report = verify(tight, PROVE_ONLY)
    found.plans += 1
    found.unproved += not report.proved
    for answer in report.answers:
        name, rest = answer.question.obligation.property, rest_of(answer)
        found.questions.setdefault(name, Counter())[rest.value] += 1
        if rest in (Rest.SOLVER, Rest.OPEN):
            found.reasons.setdefault(name, Counter())[_reason(answer.decision)] += 1
    for claim in rechecked_plan(tight, report).claims:
        found.claims.setdefault(claim.property, Counter())[claim.standing.value] += 1


def _reason(decision: Decision) -> str:
    match decision:
        case Refuted():
            return "refuted"
        case Unknown(reason):
            return f"undecided: {reason}"
        case Proved():
            return "proved by the solver, without a certificate"
    assert_never(decision)


def _tightened(plan: Plan, report: VerificationReport) -> Iterator[Limit]:
    """The limits of which something was measured, each ten percent above the worst that is attained."""
    for item in plan.limits:
        margins = [
            finding.margin
            for finding in report.findings
            if finding.claim.limit == item and finding.margin is not None
        ]
        worst = [margin.worst if margin.attained is None else margin.attained for margin in margins]
        if worst:
            yield replace(item, bound=max(1, ceil(max(worst) * SLACK)))


# --- many plans -------------------------------------------------------------------------------------------
def tally(
    numbers: Iterable[int], at_random: int, processes: int, seconds_max: int, keep: Path | None
) -> Tally:
    """Count the plans of these numbers, in processes of their own, and keep what was counted."""
    kept = _kept(keep, at_random)
    found = Tally()
    wanted = list(numbers)
    for number in wanted:
        if number in kept:
            found.add(kept[number])
    missing = [number for number in wanted if number not in kept]
    with get_context("spawn").Pool(processes) as pool:
        jobs = ((at_random, number, seconds_max) for number in missing)
        for number, one in pool.imap_unordered(_job, jobs):
            found.add(one)
            if keep is not None:
                told = {item.name: getattr(one, item.name) for item in fields(one)}
                entry = {"made": [at_random, number, sources()], "found": told}
                with keep.open("a", encoding="utf-8") as file:
                    file.write(f"{json.dumps(entry)}\n")
            done = found.plans + len(found.given_up)
            print(f"{done} of {len(wanted)} plans, {float(found.share()):.1%}", file=sys.stderr, flush=True)
    return found


def _job(job: tuple[int, int, int]) -> tuple[int, Tally]:
    at_random, number, seconds_max = job
    return number, counted(at_random, number, seconds_max)


def _kept(keep: Path | None, at_random: int) -> dict[int, Tally]:
    """What was counted before, of plans of this seed and with these very sources."""
    if keep is None or not keep.exists():
        return {}
    found = {}
    for line in keep.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        made_from, number, digest = entry["made"]
        if (made_from, digest) == (at_random, sources()):
            one = entry["found"]
            for name in ("questions", "claims", "reasons"):
                one[name] = {key: Counter(counts) for key, counts in one[name].items()}
            found[number] = Tally(**one)
    return found


@cache
def sources() -> str:
    """A digest of every file on which a count depends."""
    files = [path for folder in SOURCES for path in sorted((ROOT / folder).rglob("*.py"))]
    files += [ROOT / name for name in SINGLE]
    return sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


# --- in words ---------------------------------------------------------------------------------------------
def section(found: Tally, at_random: int, first: int) -> str:
    """The section of the page on certificates."""
    rests = (Rest.CERTIFICATE, Rest.VALUES, Rest.SOLVER, Rest.OPEN)
    last = first + found.plans + len(found.given_up) - 1
    lines = [
        HEADING,
        "",
        f"Plans {first} to {last} of seed {at_random} were generated, each limit was set ten percent above",
        "the worst that the plan can do, and it was counted what every answer rests on (`python -m",
        f"tests.bench.certified --record`). **{float(found.share()):.1%}** of the questions that need a",
        f"proof carry a certificate; the aim is {float(AIM):.0%}.",
        "",
        "| questions about | certificate | values | solver | open | share |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name, counts in sorted(found.questions.items()):
        numbers = [counts[rest.value] for rest in rests]
        if any(numbers):
            told = " | ".join(f"{number:,}" for number in numbers)
            lines.append(f"| {name} | {told} | {float(found.share(name)):.1%} |")
    return "\n".join([*lines, "", *_why(found), "", ENDING])


def _why(found: Tally) -> Iterator[str]:
    """What is not certified, and why; which claims are not derived again; which plans took too long."""
    for name, reasons in sorted(found.reasons.items()):
        told = "; ".join(f"{number} {reason}" for reason, number in reasons.most_common())
        yield f"- {name}: {told}"
    derived = sum(counts[Standing.DERIVED.value] for counts in found.claims.values())
    whole = sum(sum(counts.values()) for counts in found.claims.values())
    lacking = {name: counts.total() - counts[Standing.DERIVED.value] for name, counts in found.claims.items()}
    told = ", ".join(f"{name} {number}" for name, number in sorted(lacking.items()) if number)
    yield f"- {derived:,} of {whole:,} claims are derived again by the recheck; not: {told or 'none'}"
    if found.given_up:
        numbers = ", ".join(map(str, sorted(found.given_up)))
        yield f"- given up after too long a time, and not counted: plan {numbers}"


def main() -> int:
    """Generate plans, verify each ten percent below its limits, and print what the proofs rest on. The exit
    code says whether the aim is reached by all that was counted, and nothing was given up.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.bench.certified", description=main.__doc__)
    parser.add_argument("--plans", type=int, default=100, help="how many plans are generated (100)")
    parser.add_argument("--first", type=int, default=0, help="the number of the first one (0)")
    parser.add_argument("--seed", type=int, default=1, help="which corpus they are of (1)")
    parser.add_argument("--processes", type=int, default=1, help="how many are counted at a time (1)")
    parser.add_argument("--seconds", type=int, default=300, help="the most processor time for a plan (300)")
    parser.add_argument("--keep", type=Path, help="a file that keeps what was counted, to go on from")
    parser.add_argument("--record", action="store_true", help=f"write the section of {PAGE.name}")
    arguments = parser.parse_args()
    if min(arguments.plans, arguments.processes, arguments.seconds) < 1 or arguments.first < 0:
        parser.error("there is nothing to count")
    if arguments.first + arguments.plans > PLANS_MAX:
        parser.error(f"a corpus has {PLANS_MAX} plans")
    numbers = range(arguments.first, arguments.first + arguments.plans)
    found = tally(numbers, arguments.seed, arguments.processes, arguments.seconds, arguments.keep)
    told = section(found, arguments.seed, arguments.first)
    print(told, end="")
    if arguments.record:
        page = PAGE.read_text(encoding="utf-8").partition(HEADING)[0]
        PAGE.write_text(page + told, encoding="utf-8")
        print(f"\nwrote {PAGE}")
    return 0 if found.share() >= AIM and not found.given_up else 1


if __name__ == "__main__":
    sys.exit(main())
