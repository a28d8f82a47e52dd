"""What channels reach under two plans: each beside its namesake, and all of them added up.

The worst cases of the channels of the new plan, added up, are never too little for their sum, wherever they
lie in time. What the old plan's sum is at least is seen in sessions that are run. So a sum is called the same
or smaller only where even the added worst cases of the new plan stay below a session of the old one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction

from ionto_ir.bind import Refusal
from ionto_ir.channels import channel_plans
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.expression import Value
from ionto_ir.ordinary import ordinary_values
from ionto_ir.parts import flowing_together
from ionto_ir.plan import BooleanDomain, Plan, VariableKind
from ionto_ir.rehearse import Outcome, rehearse
from ionto_ir.scenario import Scenario
from ionto_ir.trace import Observation
from ionto_ir.wording import charge_text, current_text, duration_text, value_text
from ionto_verifier.acting import acting
from ionto_verifier.aspects import Aspect, Change, Witness
from ionto_verifier.comparison_output import ASKED, DECIDING, output_aspects, worst_cases
from ionto_verifier.margins import Margin

APART = "no session was found that shows a difference, and added worst cases need not come together"

SUMS = ("highest current", "charge of a session")
"""Of what is asked of each channel, what adds up over all of them."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """A session that was run, and the values that were given for it."""

    given: tuple[tuple[str, Value], ...]
    observed: Observation


def together_aspects(old: Plan, new: Plan, *, nobody_more: bool) -> Iterator[Aspect]:
    """Each channel, then the sum of all."""
    names = [[item.name for item in plan.channels] for plan in (old, new)]
    if names[0] != names[1]:
        told = [", ".join(item) or "a single one" for item in names]
        reason = "channels of other names or another number are not set beside each other"
        yield Aspect("channels", Change.UNDECIDED, told[0], told[1], reason)
        return
    parts = list(zip(channel_plans(old), channel_plans(new), strict=True))
    for name, (before, after) in zip(names[0], parts, strict=True):
        for item in output_aspects(before, after, nobody_more=nobody_more):
            yield replace(item, subject=f"channel {name}: {item.subject}")
    in_step = flowing_together(old) == flowing_together(new)
    if nobody_more and in_step and all(_alike(before, after) for before, after in parts):
        yield Aspect("all channels together", Change.SAME, "the same steps", "the same steps")
        return
    former, latter = ([worst_cases(pair[side]) for pair in parts] for side in (0, 1))
    for subject in SUMS:
        yield _sum(old, new, subject, former, latter)


def _alike(before: Plan, after: Plan) -> bool:
    one, other = acting(before), acting(after)
    return all(one[name] == other[name] for name in DECIDING)


def _sum(
    old: Plan,
    new: Plan,
    subject: str,
    before: Sequence[Mapping[int, Margin | None]],
    after: Sequence[Mapping[int, Margin | None]],
) -> Aspect:
    number = next(index for index, item in enumerate(ASKED) if item[0] == subject)
    name = f"{subject}, all channels together"
    most = [_added(plan, subject, parts, number) for plan, parts in ((old, before), (new, after))]
    seen = [_sessions(plan, parts, number) for plan, parts in ((old, before), (new, after))]
    reached = [max((_of(subject, item.observed) for item in found), default=-1) for found in seen]
    told = ["without bound" if item is None else _text(old, subject, int(item)) for item in most]
    if most[1] is not None and most[1] <= reached[0]:
        change = Change.SAME if reached[1] == reached[0] else Change.STRICTER
        return Aspect(name, change, told[0], told[1])
    if most[0] is not None and reached[1] > most[0]:
        shown = max(seen[1], key=lambda item: _of(subject, item.observed))
        return Aspect(name, Change.LOOSER, told[0], told[1], None, _witness(old, new, subject, shown))
    return Aspect(name, Change.UNDECIDED, told[0], told[1], APART)


def _added(
    plan: Plan, subject: str, parts: Sequence[Mapping[int, Margin | None]], number: int
) -> Fraction | None:
    """The worst cases added up: of channels that flow in the same part, or over the whole session."""
    worst = [None if (item := found.get(number)) is None else item.worst for found in parts]
    known = [Fraction(0) if item is None else item for item in worst]
    if None in worst:
        return None
    groups = flowing_together(plan) if subject == SUMS[0] else (range(len(known)),)
    return max(sum((known[channel] for channel in group), Fraction(0)) for group in groups)


def _of(subject: str, observed: Observation) -> int:
    return observed.peak_na if subject == SUMS[0] else observed.worst_pc


def _text(plan: Plan, subject: str, value: int) -> str:
    return current_text(plan, value) if subject == SUMS[0] else charge_text(value)


def _sessions(plan: Plan, parts: Sequence[Mapping[int, Margin | None]], number: int) -> list[_Seen]:
    """Sessions at the values at which each channel reaches most, and at the highest of them."""
    tried = [_given(plan, item) for part in parts if (item := part.get(number)) is not None]
    highest: dict[str, Value] = {}
    for name, value in (pair for given in tried for pair in given):
        highest[name] = max(value, highest.get(name, value))
    tried.append(tuple(sorted(highest.items())))
    found = []
    for given in dict.fromkeys(tried):
        outcome = _run(plan, dict(given))
        if not isinstance(outcome, Refusal):
            found.append(_Seen(given, outcome.observed))
    return found


def _run(plan: Plan, given: Mapping[str, Value]) -> Outcome:
    here = {item.name for item in plan.variables if item.kind is not VariableKind.RECORD}
    values = ordinary_values(plan, {name: value for name, value in given.items() if name in here})
    return rehearse(plan, Scenario("", tuple(values.items()), (), (), None))


def _given(plan: Plan, margin: Margin) -> tuple[tuple[str, Value], ...]:
    kinds = {item.name: item for item in plan.variables if item.kind is not VariableKind.RECORD}
    return tuple(
        (name, bool(value) if isinstance(kinds[name].domain, BooleanDomain) else int(value))
        for name, value in sorted(margin.witness.items())
        if name in kinds
    )


def _witness(old: Plan, new: Plan, subject: str, shown: _Seen) -> Witness:
    kinds = {item.name: item for item in new.variables}
    told = tuple((name, value_text(kinds[name], value)) for name, value in shown.given)
    before = _run(old, dict(shown.given))
    said = (
        f"refuses: {before.diagnostics[0].message}"
        if isinstance(before, Refusal)
        else _session(old, before.observed)
    )
    return Witness(shown.given, told, said, _session(new, shown.observed))


def _session(plan: Plan, seen: Observation) -> str:
    peak, charge = current_text(plan, seen.peak_na), charge_text(seen.nominal_pc)
    return f"all channels: peak {peak}, {charge}, {duration_text(seen.duration_ms)}"
