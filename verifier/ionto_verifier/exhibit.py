"""A refuted claim, shown on the machine and told in its author's units, with a test block to paste."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.expression import Value
from ionto_ir.limits import LimitKind
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import Plan, VariableKind
from ionto_ir.plan import variable as plan_variable
from ionto_ir.scenario import Happening, Occurrence, Scenario
from ionto_ir.units import CHARGE, format_quantity
from ionto_ir.wording import current_text, duration_text, limit_text, value_text
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.obligation import Witness
from ionto_verifier.properties import Claim, Property, Question
from ionto_verifier.replay import Reproduced, replay, replay_crowd
from ionto_verifier.schedules import Crowded


def exhibit(inquiry: Inquiry, claim: Claim, question: Question, witness: Witness) -> Counterexample | None:
    """What the machine does with a witness, if it shows that the claim fails: one session, or several."""
    concerned = frozenset(item.name for item in question.obligation.variables)
    if claim.limit is not None and question.sessions > 1:
        crowd = replay_crowd(inquiry, claim, claim.limit, question, witness)
        if crowd is not None:
            return crowd_of(inquiry.plan, claim, crowd, concerned)
    if claim.property is Property.SESSIONS:
        return None
    found = replay(inquiry, claim, question, witness)
    return None if found is None else counterexample_of(inquiry.plan, claim, found, concerned)


def counterexample_of(
    plan: Plan, claim: Claim, found: Reproduced, concerned: frozenset[str]
) -> Counterexample:
    """What a replay showed. `concerned` names the variables that the obligation speaks of."""
    scenario = found.scenario
    told = tuple(_told(plan, scenario, concerned))
    return Counterexample(
        scenario,
        tuple((name, value_text(plan_variable(plan, name), value)) for name, value in told),
        tuple(_happening_text(plan, item) for item in scenario.timeline),
        found.sighting.at_ms,
        found.sighting.step,
        found.sighting.value,
        found.kept_by_interlock,
        found.refused,
        (),
        test_text(plan, claim, told, scenario.timeline),
    )


def crowd_of(plan: Plan, claim: Claim, found: Crowded, concerned: frozenset[str]) -> Counterexample:
    """What a schedule of sessions showed."""
    told = tuple(_told(plan, found.scenario, concerned))
    return Counterexample(
        found.scenario,
        tuple((name, value_text(plan_variable(plan, name), value)) for name, value in told),
        tuple(_happening_text(plan, item) for item in found.scenario.timeline),
        None,
        None,
        found.value,
        False,
        False,
        found.starts_ms,
        test_text(plan, claim, told, found.scenario.timeline),
    )


def _told(plan: Plan, scenario: Scenario, concerned: frozenset[str]) -> Iterator[tuple[str, Value]]:
    """The values that the failure depends on, and those that are not what they ordinarily would be."""
    ordinary = ordinary_values(plan, {})
    for name, value in scenario.given:
        kind = plan_variable(plan, name).kind
        unusual = kind is not VariableKind.RECORD and ordinary.get(name) != value
        if name in concerned or unusual:
            yield name, value


def _happening_text(plan: Plan, item: Occurrence) -> str:
    """`at 5 min pause`: an event as a test block says it."""
    words = f"at {duration_text(item.at_ms)} {item.happening.value}"
    if item.happening in (Happening.ADJUST, Happening.RECORD) and item.variable is not None:
        assert item.value is not None, "it says which value"
        words += f" {item.variable} = {value_text(plan_variable(plan, item.variable), item.value)}"
    return words


def test_text(
    plan: Plan, claim: Claim, told: tuple[tuple[str, Value], ...], timeline: tuple[Occurrence, ...]
) -> str:
    """A test block that fails as long as the claim does."""
    lines = [f"given {name} = {value_text(plan_variable(plan, name), value)}" for name, value in told]
    lines += [_happening_text(plan, item) for item in timeline]
    lines.append(f"expect {_expected(plan, claim)}")
    body = "\n".join(f"  {line}" for line in lines)
    return f'test "{_title(claim)}" {{\n{body}\n}}'


def _title(claim: Claim) -> str:
    text = claim.statement if claim.limit is None else limit_text(claim.limit)
    return text.replace('"', "'").replace("`", "")


def _expected(plan: Plan, claim: Claim) -> str:
    """What the protocol should do with these values once it is mended."""
    limit = claim.limit
    if claim.property is Property.GUARD:
        return "refused"
    if limit is None:
        return "finished"
    match limit.kind:
        case LimitKind.CURRENT if limit.nominal and claim.electrode is None:
            return f"peak <= {current_text(plan, limit.bound)}"
        case LimitKind.DOSE if claim.electrode is None:
            return f"delivered <= {format_quantity(limit.bound, CHARGE, limit.unit)}"
        case LimitKind.DURATION:
            return f"duration <= {duration_text(limit.bound)}"
        case _:
            return "finished"
