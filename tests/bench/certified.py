"""How much of a random corpus is certified without a solver (`python -m tests.bench.certified`).

Plans are generated, and each limit is set ten percent above the worst that the plan can do, as found exactly:
far enough to hold, and close enough that a coarse bound does not show it. Then every question is counted by
what its answer rests on, and every claim by whether the recheck derives it again.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from math import ceil

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from ionto_ir.dataclass import dataclass, field, replace
from ionto_ir.features import features_of
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.plan import Course, Plan
from ionto_ir.recheck.check import Standing
from ionto_verifier.driver import Options, verify
from ionto_verifier.report import VerificationReport
from ionto_verifier.rests import Rest, rest_of
from tests.differential.test_channels_against_executor import channel_plans
from tests.differential.test_verifier_against_executor import split_plans
from tests.differential.test_windows_against_executor import windowed_plans
from tests.ir.sealing import PROVE_ONLY, rechecked_plan
from tests.strategies import plans
from tests.treatments import HERE, limit

AIM = Fraction(85, 100)
SLACK = Fraction(11, 10)
MARGINS = Options(margins=True, advice=False, edits=False)
ANYTHING = 10**14
"""A bound that nothing reaches."""
DAY_MS = 86_400_000
DAILY = Course(1, None, 20 * 3_600_000, (), None, None, HERE)


@dataclass(slots=True)
class Tally:
    """What was counted: questions by property and what they rest on, claims by property and standing."""

    plans: int = 0
    unproved: int = 0
    questions: dict[str, Counter[Rest]] = field(default_factory=dict)
    claims: dict[str, Counter[Standing]] = field(default_factory=dict)

    def share(self, name: str | None = None) -> Fraction:
        """Which part of what needs a proof is certified; what exists needs none."""
        counts = [found for key, found in self.questions.items() if name in (None, key)]
        certified = sum(found[Rest.CERTIFICATE] for found in counts)
        asked = certified + sum(
            found[Rest.VALUES] + found[Rest.SOLVER] + found[Rest.OPEN] for found in counts
        )
        return Fraction(certified, asked) if asked else Fraction(1)


def tally(examples: int, at_random: int) -> Tally:
    """Count over generated plans: the same ones for the same seed."""
    found = Tally()

    def counted(plan: Plan) -> None:
        count(plan, found)

    chosen = settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize=False,
        suppress_health_check=list(HealthCheck),
    )
    corpus = st.one_of(plans(), split_plans(), windowed_plans(), channel_plans())
    seed(at_random)(chosen(given(corpus)(counted)))()
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
    print(f"{found.plans} plans, {float(found.share()):.1%} so far", file=sys.stderr, flush=True)
    found.unproved += not report.proved
    for answer in report.answers:
        name = answer.question.obligation.property
        found.questions.setdefault(name, Counter())[rest_of(answer)] += 1
    for claim in rechecked_plan(tight, report).claims:
        found.claims.setdefault(claim.property, Counter())[claim.standing] += 1


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


def main() -> int:
    """Print the shares; the exit code says whether the aim is reached."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.certified", description=main.__doc__)
    parser.add_argument("--plans", type=int, default=100, help="how many plans are generated")
    parser.add_argument("--seed", type=int, default=1, help="which ones")
    arguments = parser.parse_args()
    found = tally(arguments.plans, arguments.seed)
    _print(found, arguments.seed)
    return 0 if found.share() >= AIM else 1


def _print(found: Tally, at_random: int) -> None:
    print(f"{found.plans} generated plans (seed {at_random}), limits 10 % above the worst of each")
    print(f"{'questions about':<18}{'certified':>10}{'values':>8}{'solver':>8}{'open':>7}{'share':>8}")
    for name, counts in found.questions.items():
        if found.questions[name][Rest.WITNESS] and found.share(name) == 1:
            continue
        numbers = [counts[item] for item in (Rest.CERTIFICATE, Rest.VALUES, Rest.SOLVER, Rest.OPEN)]
        told = "".join(f"{number:>{width}}" for number, width in zip(numbers, (10, 8, 8, 7), strict=True))
        print(f"{name:<18}{told}{float(found.share(name)):>8.1%}")
    print(f"all: {float(found.share()):.1%} certified without a solver; the aim is {float(AIM):.0%}")
    derived = sum(counts[Standing.DERIVED] for counts in found.claims.values())
    whole = sum(sum(counts.values()) for counts in found.claims.values())
    lacking = {name: sum(counts.values()) - counts[Standing.DERIVED] for name, counts in found.claims.items()}
    told = ", ".join(f"{name} {number}" for name, number in lacking.items() if number)
    print(f"{derived} of {whole} claims are derived again by the recheck; not: {told or 'none'}")


if __name__ == "__main__":
    sys.exit(main())
