"""Questions about several channels: each as a plan of its own, and all of them on the sum of their worst.

What each channel may do at its worst is added up whether or not it falls into one moment, so nothing has to
be known of how channels are kept in step. Each has a machine of its own that bounds its pauses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import islice, product
from typing import TypeVar

from ionto_ir.dataclass import dataclass, replace
from ionto_ir.device import Place
from ionto_ir.expression import ZERO
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.plan import Plan
from ionto_ir.recheck.calendar import sessions_in
from ionto_ir.recheck.currents import Flow, flows
from ionto_ir.recheck.derived import PPM, Derived, Left, Numbering, Settled, ohm_max, worst, worst_of_any
from ionto_ir.recheck.instants import MV_PER_NA_OHM, UA_M2_PER_NA_UM2, forms, may_carry, speaks_of
from ionto_ir.recheck.polynomial import BeyondError, Polynomial, constant, plus, scaled
from ionto_ir.recheck.routes import routes_of
from ionto_ir.recheck.sight import Sight
from ionto_ir.recheck.statement import Formula, at_most
from ionto_ir.recheck.sums import View
from ionto_ir.recheck.taking_turns import meetings, takes_turns
from ionto_ir.recheck.totals import (
    WHOLE,
    Reckoned,
    charges,
    follow,
    longest_by_limit,
    longest_ms,
    pauses_of,
    scale_at,
    times,
    turned_for,
    undominated,
    within,
)
from ionto_ir.recheck.waves import mean_most

Item = TypeVar("Item")

COMBINED_MAX = 64
"""Ways through the channels, or worst moments in them, that are put together one by one."""

SUMMED = (LimitKind.CURRENT, LimitKind.DOSE)
"""Limits on all that flows in a person, where they name no pole."""


def of_all(limit: Limit) -> bool:
    """Whether a limit is about everything that flows, in whichever channel."""
    return limit.role is None and limit.kind in SUMMED


def part_of(plan: Plan, number: int) -> Plan:
    """A channel as a plan of its own, under the limits of the whole."""
    channel = plan.channels[number]
    return replace(
        plan,
        channels=(),
        electrodes=tuple(plan.electrodes[index] for index in channel.electrodes),
        steps=channel.steps,
        entry=0,
        counters=channel.counters,
    )


def carriers(plan: Plan, electrode: int) -> tuple[int, ...]:
    """The channels whose current an electrode carries."""
    return tuple(number for number, item in enumerate(plan.channels) if electrode in item.electrodes)


def meeting(plan: Plan) -> tuple[int, ...]:
    """The channels that share a return, whose voltage any of them may have to overcome."""
    for index, electrode in enumerate(plan.electrodes):
        if electrode.place is Place.RETURN and len(carriers(plan, index)) > 1:
            return carriers(plan, index)
    return ()


def asked_of_channel(plan: Plan, number: int, limit: Limit, electrode: int | None) -> bool:
    """Whether a limit is asked of one channel, perhaps at an electrode that it does not share."""
    if of_all(limit) or limit.kind in (LimitKind.DURATION, LimitKind.SESSIONS):
        return False
    if limit.kind is LimitKind.VOLTAGE:
        return number not in meeting(plan)
    if electrode is None:
        return True
    return len(carriers(plan, plan.channels[number].electrodes[electrode])) < 2


@dataclass(frozen=True, slots=True)
class Joined:
    """One way through every channel, in one sight of the plan."""

    sight: Sight
    parts: tuple[Reckoned, ...]


class Together:
    """The questions about all channels of a plan."""

    def __init__(self, plan: Plan, numbering: Numbering) -> None:
        self.plan = plan
        self.parts = tuple(part_of(plan, number) for number in range(len(plan.channels)))
        self.flows = tuple(flows(part) for part in self.parts)
        self._numbering = numbering
        self._joined: dict[tuple[bool | None, ...], tuple[Joined, ...] | str] = {}

    def limits(self) -> Iterator[Derived]:
        """What every limit asks of the sum."""
        everywhere = tuple(range(len(self.parts)))
        for index, limit in enumerate(self.plan.limits):
            name = f"limits[{index}]"
            if of_all(limit):
                yield from self._summed(limit, f"{name}.together", everywhere, None)
            elif limit.per_electrode:
                for electrode in range(len(self.plan.electrodes)):
                    channels = carriers(self.plan, electrode)
                    if len(channels) > 1 and self.plan.electrodes[electrode].split.hi_ppm:
                        yield from self._summed(limit, f"{name}.electrodes[{electrode}]", channels, electrode)
            elif limit.kind is LimitKind.DURATION:
                yield from self._duration(limit, f"{name}.together")
            elif limit.kind is LimitKind.VOLTAGE and meeting(self.plan):
                yield from self._voltage(limit, f"{name}.together")

    def device(self) -> Iterator[Derived]:
        """What the device must be able to do for all of them."""
        device, plan = self.plan.device, self.plan
        yield Settled("device", device.watchdog_ms > device.tick_ms + device.host_gap_ms)
        yield Settled("device", len(plan.channels) <= device.channels)
        yield from forms(plan, [flow for part in self.flows for flow in part])
        ohm, channels = ohm_max(plan), meeting(plan)
        if channels and ohm is not None and not plan.may_saturate:
            most = constant(device.compliance_mv)

            def driven(_: Sight, total_na: Polynomial) -> Formula:
                return at_most(scaled(total_na, ohm * MV_PER_NA_OHM), most)

            yield from self._levels("drive.together", channels, self._worst, driven)

    # --- levels -----------------------------------------------------------------------------------

    def _worst(self, _: int, flow: Flow, level_na: Polynomial) -> Polynomial:
        return worst(self.plan, level_na)

    def _levels(
        self,
        claim: str,
        channels: Sequence[int],
        value: Callable[[int, Flow, Polynomial], Polynomial],
        conclude: Callable[[Sight, Polynomial], Formula],
        speaking: Callable[[int, Flow], bool] = lambda _, __: True,
    ) -> Iterator[Derived]:
        """One question for each way in which one level of every channel of a part may be added up."""
        try:
            for met in meetings(self.parts, channels):
                yield from self._levels_of(claim, met, value, conclude, speaking)
        except BeyondError as beyond:
            yield Left(claim, str(beyond))

    def _levels_of(
        self,
        claim: str,
        channels: Sequence[int],
        value: Callable[[int, Flow, Polynomial], Polynomial],
        conclude: Callable[[Sight, Polynomial], Formula],
        speaking: Callable[[int, Flow], bool],
    ) -> Iterator[Derived]:
        sight = Sight(self.plan)
        kept: list[list[Polynomial]] = []
        for channel in channels:
            found = [
                value(channel, flow, sight.number(flow.level_na, self._moment(channel, flow)))
                for flow in self.flows[channel]
                if speaking(channel, flow)
            ]
            at_zero = value(channel, Flow(0, ZERO, frozenset()), constant(0))
            kept.append(undominated(sight, found) or [at_zero])
        for chosen in _ways(kept):
            goal = conclude(sight, plus(*chosen))
            yield sight.question(self._numbering.next(claim), claim, goal)

    def _moment(self, channel: int, flow: Flow) -> str:
        return f"{self.plan.channels[channel].name} {flow.step}"

    def _summed(
        self, limit: Limit, claim: str, channels: tuple[int, ...], electrode: int | None
    ) -> Iterator[Derived]:
        """A limit on the sum of channels, at an electrode that they share or of all that flows."""

        def value(_: int, flow: Flow, level_na: Polynomial) -> Polynomial:
            if limit.kind is LimitKind.MEAN_DENSITY and flow.waveform is not None:
                mean = plus(scaled(level_na, mean_most(flow.waveform)), constant(1))
                return mean if limit.nominal else worst_of_any(self.plan, mean)
            return level_na if limit.nominal else worst(self.plan, level_na)

        def speaking(_: int, flow: Flow) -> bool:
            return electrode is None or speaks_of(limit, self.plan.electrodes[electrode], flow)

        def conclude(sight: Sight, total: Polynomial) -> Formula:
            if electrode is None or limit.kind is LimitKind.CURRENT:
                return at_most(scaled(total, self._share(electrode)), constant(limit.bound))
            area = sight.number(self.plan.electrodes[electrode].area_um2)
            flowing = scaled(total, self._share(electrode) * UA_M2_PER_NA_UM2)
            return at_most(flowing, scaled(area, limit.bound))

        if limit.kind not in (LimitKind.DOSE, LimitKind.CHARGE_DENSITY):
            yield from self._levels(claim, channels, value, conclude, speaking)
        elif electrode is None or self._may_carry(limit, electrode, channels):
            yield from self._dose(limit, claim, channels, electrode)

    def _may_carry(self, limit: Limit, electrode: int, channels: Sequence[int]) -> bool:
        found = self.plan.electrodes[electrode]
        return any(may_carry(limit, found, self.flows[channel]) for channel in channels)

    def _share(self, electrode: int | None) -> Fraction:
        if electrode is None:
            return Fraction(1)
        return Fraction(self.plan.electrodes[electrode].split.hi_ppm, PPM)

    def _voltage(self, limit: Limit, claim: str) -> Iterator[Derived]:
        """Nobody knows how much of the impedance lies in the shared return: all of it may."""
        ohm = ohm_max(self.plan)
        if self.plan.device.compliance_mv <= limit.bound or ohm is None:
            yield Settled(claim, self.plan.device.compliance_mv <= limit.bound)
            return

        def value(_: int, __: Flow, level_na: Polynomial) -> Polynomial:
            return level_na if limit.nominal else worst(self.plan, level_na)

        def within_it(_: Sight, total_na: Polynomial) -> Formula:
            return at_most(scaled(total_na, ohm * MV_PER_NA_OHM), constant(limit.bound))

        yield from self._levels(claim, meeting(self.plan), value, within_it)

    # --- sums -------------------------------------------------------------------------------------

    def _reckoned(self, turned: tuple[bool | None, ...]) -> tuple[Joined, ...]:
        """Every combination of ways through the channels, each seen at once. Raises BeyondError."""
        if turned not in self._joined:
            try:
                self._joined[turned] = tuple(self._followed(turned))
            except BeyondError as beyond:
                self._joined[turned] = str(beyond)
        found = self._joined[turned]
        if isinstance(found, str):
            raise BeyondError(found)
        return found

    def _followed(self, turned: tuple[bool | None, ...]) -> Iterator[Joined]:
        for ways in _ways([routes_of(part) for part in self.parts]):
            sight = Sight(self.plan)
            views = [
                View(f"{channel.name} ", begun=True, turned=way)
                for channel, way in zip(self.plan.channels, turned, strict=True)
            ]
            parts = zip(self.parts, ways, views, strict=True)
            yield Joined(sight, tuple(follow(part, sight, route, view) for part, route, view in parts))

    def _dose(
        self, limit: Limit, claim: str, channels: tuple[int, ...], electrode: int | None
    ) -> Iterator[Derived]:
        turned: tuple[bool | None, ...] = (None,) * len(self.parts)
        scale = WHOLE
        if electrode is not None:
            turned = (turned_for(self.plan, limit, electrode),) * len(self.parts)
            scale = scale_at(self.plan, limit, electrode)
        try:
            joined = self._reckoned(turned)
            sessions = self._sessions(limit)
            if sessions is None:
                yield Left(claim, "sessions that nothing keeps apart")
                return
            for way in joined:
                kept = [
                    undominated(way.sight, charges(self.plan, limit, way.parts[channel])) or [constant(0)]
                    for channel in channels
                ]
                for chosen in _ways(kept):
                    goal = within(way.sight, scaled(plus(*chosen), sessions), scale, limit.bound)
                    yield way.sight.question(self._numbering.next(claim), claim, goal)
        except BeyondError as beyond:
            yield Left(claim, str(beyond))

    def _sessions(self, limit: Limit) -> int | None:
        """How many sessions a window may meet: they last as long as the longest of their channels."""
        if limit.window_ms is None:
            return 1
        if takes_turns(self.parts):  # how long is not reckoned, but a limit of it is proved beside this
            longest = longest_by_limit(self.plan)
            return sessions_in(self.plan.course, limit.window_ms + longest, per_site=limit.per_site)
        whole = self._reckoned((None,) * len(self.parts))
        parts = tuple(part for way in whole for part in way.parts)
        longest = longest_ms(self.plan, parts) + self._lag_ms()
        return sessions_in(self.plan.course, limit.window_ms + longest, per_site=limit.per_site)

    def _duration(self, limit: Limit, claim: str) -> Iterator[Derived]:
        """From the beginning of the session, which all channels share, to the end of the last of them."""
        if takes_turns(self.parts):
            yield Left(claim, "how long channels take that take turns")
            return
        try:
            for way in self._reckoned((None,) * len(self.parts)):
                lag = constant(self._lag_ms())
                terms = [plus(term, lag) for part in way.parts for term in times(self.plan, part)]
                for term in undominated(way.sight, terms):
                    goal = at_most(term, constant(limit.bound))
                    yield way.sight.question(self._numbering.next(claim), claim, goal)
        except BeyondError as beyond:
            yield Left(claim, str(beyond))

    def _lag_ms(self) -> int:
        """What pauses or goes on in one channel does so in all of them within a tick."""
        return (pauses_of(self.plan) + 1) * self.plan.device.tick_ms


def _ways(kept: Sequence[Sequence[Item]]) -> tuple[tuple[Item, ...], ...]:
    """One of each, in every combination. Raises BeyondError where these are many."""
    found = tuple(islice(product(*kept), COMBINED_MAX + 1))
    if len(found) > COMBINED_MAX:
        raise BeyondError("more ways of the channels than are put together one by one")
    return found
