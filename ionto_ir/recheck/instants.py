"""Questions about every instant: current, density, voltage, ramps, stops, and what the device can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction

from ionto_ir.device import Electrode
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.plan import Hold, Plan, Ramp, UntilCharge, UntilTotal
from ionto_ir.recheck.currents import Flow
from ionto_ir.recheck.derived import PPM, Derived, Left, Numbering, Settled, fall_na, ohm_max, worst
from ionto_ir.recheck.polynomial import BeyondError, Polynomial, constant, scaled
from ionto_ir.recheck.sight import Sight
from ionto_ir.recheck.statement import Formula, any_of, at_most

UA_M2_PER_NA_UM2 = 10**9
MV_PER_NA_OHM = Fraction(1, 10**6)

Conclude = Callable[[Sight, Polynomial], Formula]
"""What must hold of a level, nA."""


class Instants:
    """The questions of one plan about levels and rates."""

    def __init__(self, plan: Plan, flows: tuple[Flow, ...], numbering: Numbering) -> None:
        self.plan = plan
        self.flows = flows
        self._numbering = numbering

    def limit(self, limit: Limit, name: str) -> Iterator[Derived]:
        """The questions of a limit that holds at each instant."""
        match limit.kind:
            case LimitKind.CURRENT:
                yield from self._levels(name, self._below(limit, 1))
            case LimitKind.DENSITY:
                yield from self._densities(limit, name)
            case LimitKind.VOLTAGE:
                yield from self._voltage(limit, name)
            case LimitKind.RAMP:
                tick_ms = self.plan.device.tick_ms
                yield Settled(name, fall_na(self.plan) * 1000 <= limit.bound * tick_ms)
                yield Settled(name, self.plan.resume_slew_na_s <= limit.bound)
                yield from self._slopes(name, limit.bound)
            case LimitKind.STOP_TIME:
                highest = limit.bound // self.plan.device.tick_ms * fall_na(self.plan)
                yield from self._levels(name, lambda _, level: at_most(level, constant(highest)))

    def device(self) -> Iterator[Derived]:
        """What the device must be able to do."""
        device, plan = self.plan.device, self.plan
        yield from self._levels("range", lambda _, level: at_most(level, constant(device.current_na_max)))
        if device.current_na_min:
            least = constant(device.current_na_min)
            yield from self._levels(
                "range",
                lambda _, level: any_of((at_most(level, constant(0)), at_most(least, level))),
            )
        yield from self._grid()
        ohm = ohm_max(plan)
        if ohm is not None and not plan.may_saturate:
            most = constant(device.compliance_mv)
            yield from self._levels(
                "drive", lambda _, level: at_most(scaled(worst(plan, level), ohm * MV_PER_NA_OHM), most)
            )
        yield Settled("slew", plan.stop_slew_na_s <= device.slew_na_s)
        yield Settled("slew", plan.resume_slew_na_s <= device.slew_na_s)
        yield from self._slopes("slew", device.slew_na_s)
        yield Settled("device", device.watchdog_ms > device.tick_ms + device.host_gap_ms)
        yield Settled("device", "dc" in device.waveforms)
        yield from self._charging()

    def _charging(self) -> Iterator[Derived]:
        """A hold until a charge has a current by which it is reached."""
        least = constant(self.plan.device.step_na)
        for index, step in enumerate(self.plan.steps):
            if isinstance(step, Hold) and isinstance(step.until, UntilCharge | UntilTotal):
                flow = Flow(index, step.level_na, frozenset())
                claim = f"steps[{index}].charging"
                yield from self._of_level(claim, flow, lambda _, level: at_most(least, level))

    def _levels(self, claim: str, conclude: Conclude) -> Iterator[Derived]:
        for flow in self.flows:
            yield from self._of_level(claim, flow, conclude)

    def _of_level(self, claim: str, flow: Flow, conclude: Conclude) -> Iterator[Derived]:
        sight = Sight(self.plan)
        try:
            level = sight.number(flow.level_na, str(flow.step))
            yield sight.question(self._numbering.next(claim), claim, conclude(sight, level))
        except BeyondError as beyond:
            yield Left(claim, str(beyond))

    def _received(self, limit: Limit, level_na: Polynomial) -> Polynomial:
        return level_na if limit.nominal else worst(self.plan, level_na)

    def _below(self, limit: Limit, factor: Fraction | int) -> Conclude:
        bound = constant(limit.bound)
        return lambda _, level: at_most(scaled(self._received(limit, level), factor), bound)

    def _densities(self, limit: Limit, name: str) -> Iterator[Derived]:
        """Each electrode carries its share of the current, in the role that its direction gives it."""
        for number, electrode in enumerate(self.plan.electrodes):
            conclude = self._over(limit, electrode)
            for flow in self.flows:
                roles = {role_of(electrode.role, turned) for turned in flow.turned}
                if limit.role is None or limit.role in roles:
                    yield from self._of_level(f"{name}.electrodes[{number}]", flow, conclude)

    def _over(self, limit: Limit, electrode: Electrode) -> Conclude:
        share = Fraction(electrode.split.hi_ppm, PPM)

        def conclude(sight: Sight, level: Polynomial) -> Formula:
            flowing = scaled(self._received(limit, level), share * UA_M2_PER_NA_UM2)
            return at_most(flowing, scaled(sight.number(electrode.area_um2), limit.bound))

        return conclude

    def _voltage(self, limit: Limit, name: str) -> Iterator[Derived]:
        ohm = ohm_max(self.plan)
        if self.plan.device.compliance_mv <= limit.bound or ohm is None:
            yield Settled(name, self.plan.device.compliance_mv <= limit.bound)
            return
        yield from self._levels(name, self._below(limit, ohm * MV_PER_NA_OHM))

    def _slopes(self, claim: str, bound_na_s: int) -> Iterator[Derived]:
        """The rate of every ramp, as it is written."""
        seen = []
        for index, step in enumerate(self.plan.steps):
            if not isinstance(step, Ramp) or step.target_na == step.start_na or step.slope in seen:
                continue
            seen.append(step.slope)
            sight = Sight(self.plan)
            try:
                delta = sight.number(step.slope.delta_na, str(index))
                over = sight.number(step.slope.over_ms, str(index))
                goal = at_most(scaled(delta, 1000), scaled(over, bound_na_s))
                yield sight.question(self._numbering.next(claim), claim, goal)
            except BeyondError as beyond:
                yield Left(claim, str(beyond))

    def _grid(self) -> Iterator[Derived]:
        """Every level is a whole number of the device's steps, as far as that shows in its polynomial."""
        for flow in self.flows:
            sight = Sight(self.plan)
            try:
                level = sight.number(flow.level_na, str(flow.step))
                if sight.is_multiple(level, self.plan.device.step_na):
                    yield Settled("grid", True)
                else:
                    yield Left("grid", "a level whose steps are not plain from how it is written")
            except BeyondError as beyond:
                yield Left("grid", str(beyond))


def role_of(declared: Role, turned: bool) -> Role:
    """The role of an electrode in one direction of the current."""
    if not turned:
        return declared
    return Role.ANODE if declared is Role.CATHODE else Role.CATHODE
