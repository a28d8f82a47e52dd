"""A refuted claim, shown on the machine and told in its author's units, with a test block to paste."""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.course import DAY_MS
from ionto_ir.expectations import failures
from ionto_ir.expression import Value
from ionto_ir.ordinary import ordinary_values
from ionto_ir.plan import Plan, VariableKind
from ionto_ir.plan import variable as plan_variable
from ionto_ir.rehearse import rehearse
from ionto_ir.scenario import Earlier, Expectation, Expected, Happening, Moment, Occurrence, Scenario
from ionto_ir.wording import duration_text, limit_text, value_text
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
    timeline = tuple(_leading_up(scenario.timeline, found.sighting.at_ms))
    return Counterexample(
        scenario,
        tuple((name, value_text(plan_variable(plan, name), value)) for name, value in told),
        tuple(_happening_text(plan, item) for item in timeline),
        found.sighting.at_ms,
        found.sighting.step,
        found.sighting.value,
        found.kept_by_interlock,
        found.refused,
        (),
        False,
        test_text(plan, claim, told, timeline),
    )


def _leading_up(timeline: tuple[Occurrence, ...], at_ms: int | None) -> Iterator[Occurrence]:
    """What happens, without the doses that are asked for once the claim has failed."""
    for item in timeline:
        if at_ms is None or item.happening is not Happening.PRESS or item.at_ms <= at_ms:
            yield item


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
        found.alike,
        crowd_test(plan, claim, found, told),
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
    of = "" if item.channel is None else f"channel {item.channel} "
    words = f"at {duration_text(item.at_ms)} {of}{item.happening.value}"
    if item.happening is Happening.PRESS:
        words += f' "{item.variable}"'
    if item.happening in (Happening.ADJUST, Happening.RECORD) and item.variable is not None:
        assert item.value is not None, "it says which value"
        words += f" {item.variable} = {value_text(plan_variable(plan, item.variable), item.value)}"
    return words


def test_text(
    plan: Plan, claim: Claim, told: tuple[tuple[str, Value], ...], timeline: tuple[Occurrence, ...]
) -> str:
    """A test block that fails as long as the claim does; mended, the protocol refuses this or is safe."""
    return written_test(plan, claim, tuple(_assignments(plan, told)), timeline)


def written_test(
    plan: Plan, claim: Claim, assignments: tuple[str, ...], timeline: tuple[Occurrence, ...]
) -> str:
    """The test block of values that are already written as in a source."""
    given = [f"given {text}" for text in assignments]
    return _block(claim, [*given, *(_happening_text(plan, item) for item in timeline)])


def crowd_test(plan: Plan, claim: Claim, found: Crowded, told: tuple[tuple[str, Value], ...]) -> str:
    """The same of a schedule of sessions, the last of which is tested; empty where a test cannot show it."""
    moments = [_moment(found.origin_ms + start) for start in found.starts_ms]
    earlier = tuple(Earlier(moment, told) for moment in moments[:-1])
    values = found.scenario.given
    for timeline in ((), found.scenario.timeline):
        expected = (Expectation(Expected.SAFE, None, None, None, None, None),)
        scenario = Scenario(claim.statement, values, timeline, expected, None, earlier, moments[-1])
        if failures(plan, scenario, rehearse(plan, scenario)):
            lines = [_earlier_text(plan, item) for item in earlier]
            lines.append(f"on {_moment_text(moments[-1])}")
            lines += [f"given {text}" for text in _assignments(plan, told)]
            return _block(claim, [*lines, *(_happening_text(plan, item) for item in timeline)])
    return ""


def _block(claim: Claim, lines: list[str]) -> str:
    body = "\n".join(f"  {line}" for line in (*lines, "expect safe"))
    return f'test "{_title(claim)}" {{\n{body}\n}}'


def _assignments(plan: Plan, told: tuple[tuple[str, Value], ...]) -> list[str]:
    return [f"{name} = {value_text(plan_variable(plan, name), value)}" for name, value in told]


def _moment(at_ms: int) -> Moment:
    return Moment(at_ms // DAY_MS + 1, at_ms % DAY_MS)


def _moment_text(moment: Moment) -> str:
    return f"day {moment.day} time {duration_text(moment.at_ms)}"


def _earlier_text(plan: Plan, item: Earlier) -> str:
    words = f"after session on {_moment_text(item.begun)}"
    return words + (f" with {', '.join(_assignments(plan, item.values))}" if item.values else "")


def _title(claim: Claim) -> str:
    text = claim.statement if claim.limit is None else limit_text(claim.limit)
    return text.replace('"', "'").replace("`", "")
