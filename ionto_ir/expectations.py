"""Which expectations of a scenario do not hold, each told at its own line and in the unit of its author."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ionto_ir.bind import Refusal, violation_diagnostic
from ionto_ir.channels import channel_plans
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.observer import broken_properties
from ionto_ir.plan import Plan, UserProperty
from ionto_ir.rehearse import Outcome, Rehearsed
from ionto_ir.scenario import Expectation, Expected, Scenario
from ionto_ir.together import from_start
from ionto_ir.units import CHARGE, CURRENT, TIME, Dimension, approximate, format_quantity
from ionto_ir.wording import clock_text

_DELIVERED = (Expected.DELIVERED, Expected.DELIVERED_AT_MOST, Expected.DELIVERED_AT_LEAST)
_DURATION = (Expected.DURATION_AT_MOST, Expected.DURATION_AT_LEAST)
_AT_LEAST = (Expected.DELIVERED_AT_LEAST, Expected.DURATION_AT_LEAST)


def failures(plan: Plan, scenario: Scenario, outcome: Outcome) -> tuple[Diagnostic, ...]:
    """What did not come out as expected (I0950), and every limit that the scenario violates (I0940)."""
    if isinstance(outcome, Refusal):
        return tuple(_of_refusal(plan, scenario, outcome))
    found = [
        error("I0950", f"`{scenario.name}`: {problem}", expectation.span or scenario.span, "expected here")
        for expectation in scenario.expectations
        if (problem := _problem(plan, expectation, outcome)) is not None
    ]
    found += [violation_diagnostic(plan, outcome.run.trace, item) for item in outcome.violations]
    return tuple(found)


def _of_refusal(plan: Plan, scenario: Scenario, refusal: Refusal) -> Iterator[Diagnostic]:
    """A refused session meets the expectation of a refusal, and no other; one that cannot be meets none.

    It is safe when the protocol itself refuses it, and not when only an envelope or the device does.
    """
    reasons = tuple(
        Label(problem.primary.span, problem.message)
        for problem in refusal.diagnostics
        if problem.primary is not None
    )
    first = refusal.diagnostics[0].message
    for expectation in scenario.expectations:
        if expectation.kind is Expected.SAFE:
            if not any(_by_protocol(plan, problem) for problem in refusal.diagnostics):
                text = f"`{scenario.name}`: only the machine refuses this session: {first}"
                yield error("I0950", text, expectation.span or scenario.span, "expected here", labels=reasons)
        elif expectation.kind is not Expected.REFUSED or refusal.diagnostics[0].code == "I0485":
            text = f"`{scenario.name}`: the session is refused: {first}"
            yield error("I0950", text, expectation.span or scenario.span, "expected here", labels=reasons)


def _by_protocol(plan: Plan, problem: Diagnostic) -> bool:
    """Whether a reason against a session is the protocol's own: a range, a refusal, a rule of its course."""
    if problem.code == "I0941":
        at = None if problem.primary is None else problem.primary.span
        return all(limit.span != at for limit in plan.limits)
    return problem.code in ("I0932", "I0933", "I0935", "I0936")


def _problem(plan: Plan, expectation: Expectation, done: Rehearsed) -> str | None:
    if expectation.channel is None:
        return _unmet(plan, expectation, done)
    number = [channel.name for channel in plan.channels].index(expectation.channel)
    problem = _unmet(plan, expectation, done.alone[number])
    return None if problem is None else f"on channel {expectation.channel}: {problem}"


def _unmet(plan: Plan, expectation: Expectation, done: Rehearsed) -> str | None:
    match expectation.kind:
        case Expected.REFUSED:
            return "expected a refusal, and nothing refuses it"
        case Expected.SAFE:
            return _safety_problem(plan, done)
        case Expected.CAUTIONED:
            return None if done.cautions else "expected a caution, and there is none"
        case Expected.STOPPED:
            return _stop_problem(expectation, done)
        case Expected.PAUSED | Expected.WARNED:
            return _monitor_problem(expectation, done)
        case Expected.FINISHED:
            return _finish_problem(expectation, done)
        case Expected.CLASSIFIED:
            return _table_problem(expectation, done)
        case _:
            return _number_problem(plan, expectation, done)


def _safety_problem(plan: Plan, done: Rehearsed) -> str | None:
    """What the interlock had to prevent, or a `prove` line that was broken; limits are looked at anyway."""
    if any(alarm.code == "F04" for alarm in done.run.alarms):
        return "the interlock had to stop the session, which the protocol itself must not need"
    for broken, at_ms, where in _broken(plan, done):
        return f"what line {broken.span.line} claims does not hold{where} at {clock_text(at_ms)}"
    return None


def _broken(plan: Plan, done: Rehearsed) -> Iterator[tuple[UserProperty, int, str]]:
    """The broken `prove` lines; of several channels each is asked by its own time, as its machine counts."""
    if not plan.channels:
        for broken, at_ms in broken_properties(plan, done.values, done.run.trace):
            yield broken, at_ms, ""
    for channel, part, trace in zip(plan.channels, channel_plans(plan), done.traces, strict=True):
        for broken, at_ms in broken_properties(part, done.values, from_start(trace)):
            yield broken, at_ms, f" on channel {channel.name}"


def _stop_problem(expectation: Expectation, done: Rehearsed) -> str | None:
    if done.finished:
        return "expected to be stopped, and it finished"
    if expectation.text is not None and not done.reason.endswith(expectation.text):
        return f"expected to be stopped by `{expectation.text}`, and the reason is `{done.reason}`"
    return None


def _monitor_problem(expectation: Expectation, done: Rehearsed) -> str | None:
    """A pause counts whoever asked for it, unless the expectation names the monitor."""
    paused = expectation.kind is Expected.PAUSED
    if paused and expectation.text is None:
        paused_ones = [item for item in done.alone or (done,) if item.run.final.machine.interruptions]
        return None if paused_ones else "expected to be paused, and nothing paused it"
    code = "F12" if paused else "F14"
    said = [alarm.text for alarm in done.run.alarms if alarm.code == code]
    if any(expectation.text is None or text.endswith(f": {expectation.text}") for text in said):
        return None
    by = "" if expectation.text is None else f" by `{expectation.text}`"
    others = f"; what was said is `{said[0]}`" if said else ""
    return f"expected to be {expectation.kind.value}{by}, and it was not{others}"


def _finish_problem(expectation: Expectation, done: Rehearsed) -> str | None:
    if not done.finished:
        return f"expected to finish, and it ended otherwise: {done.reason}"
    if expectation.text is not None and expectation.text != done.reason:
        return f"expected to finish with `{expectation.text}`, and it finished with `{done.reason}`"
    return None


def _table_problem(expectation: Expectation, done: Rehearsed) -> str | None:
    said = [meaning for variable, meaning in done.classified if variable == expectation.variable]
    if said and said[-1] == expectation.text:
        return None
    result = f"it is `{said[-1]}`" if said else "it was not classified"
    return f"expected `{expectation.variable}` to be `{expectation.text}`, and {result}"


def _number_problem(plan: Plan, expectation: Expectation, done: Rehearsed) -> str | None:
    bound, unit = expectation.bound, expectation.unit or ""
    assert bound is not None, "a comparison has a bound"
    dimension, value = _measured(expectation.kind, done)
    if _holds(plan, expectation.kind, value, bound, done):
        return None
    expected = f"{expectation.kind.value} {format_quantity(bound, dimension, unit)}"
    return f"expected {expected}, and it is {approximate(Fraction(value), dimension, unit, 6)}"


def _measured(kind: Expected, done: Rehearsed) -> tuple[Dimension, int]:
    if kind in _DELIVERED:
        return CHARGE, done.observed.nominal_pc
    if kind in _DURATION:
        return TIME, done.observed.duration_ms
    return CURRENT, done.observed.peak_na


def _holds(plan: Plan, kind: Expected, value: int, bound: int, done: Rehearsed) -> bool:
    if kind is Expected.DELIVERED:
        # Never more, and less by at most the charge of one tick.
        return bound - done.observed.peak_na * plan.device.tick_ms <= value <= bound
    return value >= bound if kind in _AT_LEAST else value <= bound
