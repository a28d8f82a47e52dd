"""What a counterexample did, as strips: the quantity that its limit speaks of, in one session or several."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from ionto_cli.tall_strip import MARKS, Piece, Strip
from ionto_ir.bind import Refusal
from ionto_ir.channels import channel_plans
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.limits import ADDS_UP, Limit, LimitKind
from ionto_ir.observer import reading_of
from ionto_ir.observer_together import Joint, joints, reading_together
from ionto_ir.plan import Plan
from ionto_ir.rehearse import rehearse
from ionto_ir.rehearsed import Rehearsed
from ionto_ir.trace import Stretch, Trace, stretches
from ionto_ir.wording import current_text, limit_text, measured_text
from ionto_verifier.counterexample import Counterexample
from ionto_verifier.report import Finding

UNDRAWN = frozenset({LimitKind.RAMP, LimitKind.DURATION, LimitKind.SESSIONS})
"""What is not read off the current of a moment: the current itself is drawn, or the sessions."""

Flow = tuple[int, int, Fraction]
"""From, to (ms), and how much in each ms."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The strip of a failure; `counted` is the highest value by what was set, where that is another. With
    several channels `title` says of which it is.
    """

    strip: Strip
    highest: Fraction
    counted: Fraction | None = None
    title: str | None = None


def drawn_failures(plan: Plan, finding: Finding) -> Iterator[Drawn]:
    """The strips that show how a claim fails; none where nothing flows."""
    shown = finding.counterexample
    if shown is None:
        return
    alone = alone_in(plan, finding)
    if alone is not None:
        for drawn in _of_one(alone.plan, alone.finding, shown):
            yield replace(drawn, title=alone.title)
    elif plan.channels:
        yield from _of_all(plan, finding, shown)
    else:
        yield from _of_one(plan, finding, shown)


@dataclass(frozen=True, slots=True)
class Alone:
    """A channel that fails alone: its own plan, in whose time the failure is told, and the finding of it."""

    title: str
    plan: Plan
    finding: Finding


def alone_in(plan: Plan, finding: Finding) -> Alone | None:
    """The one of several channels that a finding is about, if it is about one."""
    for number, channel in enumerate(plan.channels):
        if finding.claim.id.startswith(f"channels[{number}]."):
            electrode = finding.claim.electrode
            own = None if electrode is None else channel.electrodes.index(electrode)
            told = replace(finding, claim=replace(finding.claim, electrode=own))
            title = f"channel {channel.name}, in the time of its own session"
            return Alone(title, channel_plans(plan)[number], told)
    return None


def _of_all(plan: Plan, finding: Finding, shown: Counterexample) -> Iterator[Drawn]:
    """What the channels add up to under the limit that they pass together, then what was set in each."""
    outcome = rehearse(plan, shown.scenario, armed=False)
    if isinstance(outcome, Refusal):
        return
    claim = finding.claim
    limit = claim.limit
    reading = None if limit is None else reading_together(plan, outcome.values, limit, claim.electrode)
    if limit is not None and reading is not None:
        parts = [part for part in joints(outcome.traces) if part.on]

        def course(value: Callable[[Joint], Fraction]) -> list[Piece]:
            flows = [(part.from_ms, part.to_ms, value(part)) for part in parts]
            return _sums(flows, limit.window_ms) if limit.kind in ADDS_UP else _levels(flows)

        pieces = course(reading)
        as_set = reading_together(plan, outcome.values, replace(limit, nominal=True), claim.electrode)
        highest, counted = _highest(pieces), _highest(course(as_set or reading))
        strip = _strip(pieces, limit, highest, shown.at_ms, _marks(shown))
        yield Drawn(strip, highest, None if counted == highest else counted, "all channels together")
    for channel, part, trace in zip(plan.channels, channel_plans(plan), outcome.traces, strict=True):
        for drawn in _current(part, trace, shown, None):
            yield replace(drawn, title=f"channel {channel.name}, as set")


def _of_one(plan: Plan, finding: Finding, shown: Counterexample) -> Iterator[Drawn]:
    outcome = rehearse(plan, shown.scenario, armed=False)
    if isinstance(outcome, Refusal):
        return
    limit = finding.claim.limit
    if shown.starts_ms and limit is not None:
        yield from _schedule(plan, finding, limit, outcome)
    elif limit is None or limit.kind in UNDRAWN:
        yield from _current(plan, outcome.run.trace, shown, limit)
    else:
        yield from _session(plan, finding, limit, outcome)


def _session(plan: Plan, finding: Finding, limit: Limit, outcome: Rehearsed) -> Iterator[Drawn]:
    """The limited quantity through a session, as the skin may receive it; and by what was set."""
    trace, shown = outcome.run.trace, finding.counterexample
    assert shown is not None, "asked of a counterexample"
    electrode = finding.claim.electrode
    electrode = 0 if electrode is None and limit.per_electrode else electrode

    def course(asked: Limit) -> list[Piece]:
        reading = reading_of(plan, outcome.values, asked, electrode)
        flows = [(part.from_ms, part.to_ms, reading(part)) for part in stretches(trace) if part.on]
        return _sums(flows, asked.window_ms) if asked.kind in ADDS_UP else _levels(flows)

    pieces = course(limit)
    highest = _highest(pieces)
    counted = highest if limit.nominal else _highest(course(replace(limit, nominal=True)))
    strip = _strip(pieces, limit, highest, shown.at_ms, _marks(shown))
    if highest > 0:
        yield Drawn(strip, highest, None if counted == highest else counted)


def _schedule(plan: Plan, finding: Finding, limit: Limit, late: Rehearsed) -> Iterator[Drawn]:
    """What a moving window holds while sessions follow each other: all alike, or the first was held up."""
    shown = finding.counterexample
    assert shown is not None and limit.window_ms is not None, "sessions crowd a window"
    prompt = late if shown.alike else rehearse(plan, replace(shown.scenario, timeline=()), armed=False)
    if isinstance(prompt, Refusal):
        return
    runs = [late, *[prompt] * (len(shown.starts_ms) - 1)]
    if limit.kind is LimitKind.SESSIONS:
        flows = [(start, start + 1, Fraction(1)) for start in shown.starts_ms]
        end_ms = shown.starts_ms[-1] + prompt.run.trace.end_ms
        pieces = [
            piece if piece.to_ms < end_ms else replace(piece, to_ms=end_ms)
            for piece in _sums(flows, limit.window_ms)
        ]
        pieces.append(Piece(pieces[-1].to_ms, end_ms, pieces[-1].last, pieces[-1].last))
        strip = _strip(pieces, limit, _highest(pieces), shown.starts_ms[limit.bound], _begun(shown))
        yield Drawn(strip, _highest(pieces))
        return

    def course(asked: Limit) -> list[Piece]:
        flows = [
            (start + part.from_ms, start + part.to_ms, reading_of(plan, run.values, asked, electrode)(part))
            for start, run in zip(shown.starts_ms, runs, strict=True)
            for part in stretches(run.run.trace)
            if part.on
        ]
        return _sums(flows, asked.window_ms)

    electrode = finding.claim.electrode
    pieces = course(limit)
    highest = _highest(pieces)
    counted = highest if limit.nominal else _highest(course(replace(limit, nominal=True)))
    passed = next((piece.to_ms for piece in pieces if piece.last > limit.bound), None)
    strip = _strip(pieces, limit, highest, passed, _begun(shown))
    yield Drawn(strip, highest, None if counted == highest else counted)


def _current(plan: Plan, trace: Trace, shown: Counterexample, limit: Limit | None) -> Iterator[Drawn]:
    """The current as set, where what fails is not a level of it; close to the place where it is a slope."""
    parts = [part for part in stretches(trace) if part.on]
    pieces = _levels([(part.from_ms, part.to_ms, Fraction(part.magnitude_na)) for part in parts])
    highest = _highest(pieces)
    if highest <= 0:
        return
    from_ms, to_ms = parts[0].from_ms, parts[-1].to_ms
    if limit is not None and limit.kind is LimitKind.RAMP and shown.at_ms is not None:
        from_ms, to_ms = _around(parts, shown.at_ms, highest * 1000 / limit.bound)
    marks = _marks(shown)
    strip = Strip(
        pieces, from_ms, to_ms, current_text(plan, int(highest)), passed_ms=shown.at_ms, marks=marks
    )
    yield Drawn(strip, highest)


def _around(parts: Sequence[Stretch], at_ms: int, takes_ms: Fraction) -> tuple[int, int]:
    """The surroundings of a slope, wide enough for one that the limit allows."""
    from_ms = max(parts[0].from_ms, at_ms - int(takes_ms / 4))
    return from_ms, min(parts[-1].to_ms, at_ms + int(takes_ms * 5 / 4))


def _strip(
    pieces: Sequence[Piece],
    limit: Limit,
    highest: Fraction,
    passed_ms: int | None,
    marks: Sequence[tuple[int, str]],
) -> Strip:
    from_ms, to_ms = (pieces[0].from_ms, pieces[-1].to_ms) if pieces else (0, 0)
    text = measured_text(limit, highest)
    bound = Fraction(limit.bound)
    return Strip(pieces, from_ms, to_ms, text, bound, limit_text(limit), passed_ms, marks)


def _levels(flows: Sequence[Flow]) -> list[Piece]:
    return [Piece(from_ms, to_ms, value, value) for from_ms, to_ms, value in flows]


def _sums(flows: Sequence[Flow], window_ms: int | None) -> list[Piece]:
    """What has added up, in all or in the window that ends at each moment."""
    if not flows:
        return []
    times, totals = [flows[0][0]], [Fraction(0)]
    for from_ms, to_ms, rate in flows:
        if from_ms > times[-1]:
            times.append(from_ms)
            totals.append(totals[-1])
        times.append(to_ms)
        totals.append(totals[-1] + rate * (to_ms - from_ms))

    def until(at_ms: int) -> Fraction:
        index = bisect_right(times, at_ms) - 1
        if index < 0:
            return Fraction(0)
        if index + 1 == len(times):
            return totals[-1]
        part = Fraction(at_ms - times[index], times[index + 1] - times[index])
        return totals[index] + (totals[index + 1] - totals[index]) * part

    leaving = [] if window_ms is None else [at_ms + window_ms for at_ms in times]
    corners = sorted({*times, *(at_ms for at_ms in leaving if at_ms < times[-1])})
    held = [
        until(at_ms) - (Fraction(0) if window_ms is None else until(at_ms - window_ms)) for at_ms in corners
    ]
    return [
        Piece(corners[index], corners[index + 1], held[index], held[index + 1])
        for index in range(len(corners) - 1)
    ]


def _highest(pieces: Sequence[Piece]) -> Fraction:
    return max((max(piece.first, piece.last) for piece in pieces), default=Fraction(0))


def _marks(shown: Counterexample) -> list[tuple[int, str]]:
    return [
        (item.at_ms, MARKS[item.happening.value])
        for item in shown.scenario.timeline
        if item.happening.value in MARKS
    ]


def _begun(shown: Counterexample) -> list[tuple[int, str]]:
    """Where each session begins, by its number; of many only the first, for numbers run together."""
    starts = shown.starts_ms if len(shown.starts_ms) < 10 else shown.starts_ms[:1]
    return [(start, str(index)) for index, start in enumerate(starts, start=1)]
