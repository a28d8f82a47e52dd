"""Questions about every instant: current, density, voltage, ramps, stops, and what the device can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

from ionto_ir.dataclass import replace
from ionto_ir.device import Electrode
from ionto_ir.expression import ZERO as NOTHING
from ionto_ir.limits import Limit, LimitKind, Role
from ionto_ir.plan import Hold, Plan, Ramp, UntilCharge, UntilTotal
from ionto_ir.recheck.currents import Flow
from ionto_ir.recheck.derived import (
    PPM,
    Derived,
    Left,
    Numbering,
    Settled,
    fall_na,
    ohm_max,
    worst,
    worst_of_any,
)
from ionto_ir.recheck.polynomial import BeyondError, Polynomial, constant, plus, scaled
from ionto_ir.recheck.sight import Sight
from ionto_ir.recheck.statement import Formula, any_of, at_most
from ionto_ir.recheck.waves import flows_back, mean_most, period_ms, pulse_most
from ionto_ir.waveform import Form

UA_M2_PER_NA_UM2 = 10**9
MV_PER_NA_OHM = Fraction(1, 10**6)

Conclude = Callable[[Sight, Polynomial, Flow], Formula]
"""What must hold of a level, nA, that flows."""


class Instants:
    """The questions of one plan about levels and rates."""

    def __init__(self, plan: Plan, flows: tuple[Flow, ...], numbering: Numbering) -> None:
        self.plan = plan
        self.flows = flows
        self._numbering = numbering

    def limit(self, limit: Limit, name: str) -> Iterator[Derived]:
        """The questions of a limit that holds at each instant."""
        match limit.kind:
            case LimitKind.CURRENT | LimitKind.DENSITY | LimitKind.MEAN_DENSITY if limit.per_electrode:
                yield from self._at_electrodes(limit, name)
            case LimitKind.CURRENT:
                yield from self._levels(name, self._below(limit, 1))
            case LimitKind.PULSE_CHARGE:
                yield from self._pulses(limit, name)
            case LimitKind.VOLTAGE:
                yield from self._voltage(limit, name)
            case LimitKind.RAMP:
                tick_ms = self.plan.device.tick_ms
                yield Settled(name, fall_na(self.plan) * 1000 <= limit.bound * tick_ms)
                yield Settled(name, self.plan.resume_slew_na_s <= limit.bound)
                yield from self._slopes(name, limit.bound)
            case LimitKind.STOP_TIME:
                highest = limit.bound // self.plan.device.tick_ms * fall_na(self.plan)
                yield from self._levels(name, lambda _, level, __: at_most(level, constant(highest)))

    def device(self) -> Iterator[Derived]:
        """What the device must be able to do."""
        device, plan = self.plan.device, self.plan
        yield from self._levels("range", lambda _, level, __: at_most(level, constant(device.current_na_max)))
        if device.current_na_min:
            least = constant(device.current_na_min)
            yield from self._levels(
                "range",
                lambda _, level, __: any_of((at_most(level, constant(0)), at_most(least, level))),
            )
        yield from self._grid()
        ohm = ohm_max(plan)
        if ohm is not None and not plan.may_saturate:
            most = constant(device.compliance_mv)
            yield from self._levels(
                "drive",
                lambda _, level, __: at_most(scaled(worst(plan, level), ohm * MV_PER_NA_OHM), most),
            )
        yield Settled("slew", plan.stop_slew_na_s <= device.slew_na_s)
        yield Settled("slew", plan.resume_slew_na_s <= device.slew_na_s)
        yield from self._slopes("slew", device.slew_na_s)
        yield Settled("device", device.watchdog_ms > device.tick_ms + device.host_gap_ms)
        yield from forms(plan, self.flows)
        yield from self._charging()

    def _charging(self) -> Iterator[Derived]:
        """A hold until a charge has a current by which it is reached."""
        least = constant(self.plan.device.step_na)
        for index, step in enumerate(self.plan.steps):
            if isinstance(step, Hold) and isinstance(step.until, UntilCharge | UntilTotal):
                flow = Flow(index, step.level_na, frozenset())
                claim = f"steps[{index}].charging"
                yield from self._of_level(claim, flow, lambda _, level, __: at_most(least, level))

    def _levels(self, claim: str, conclude: Conclude) -> Iterator[Derived]:
        for flow in self.flows:
            yield from self._of_level(claim, flow, conclude)

    def _of_level(self, claim: str, flow: Flow, conclude: Conclude) -> Iterator[Derived]:
        sight = Sight(self.plan)
        try:
            level = sight.number(flow.level_na, str(flow.step))
            yield sight.question(self._numbering.next(claim), claim, conclude(sight, level, flow))
        except BeyondError as beyond:
            yield Left(claim, str(beyond))

    def _received(self, limit: Limit, level_na: Polynomial) -> Polynomial:
        return level_na if limit.nominal else worst(self.plan, level_na)

    def _below(self, limit: Limit, factor: Fraction | int) -> Conclude:
        bound = constant(limit.bound)
        return lambda _, level, __: at_most(scaled(self._received(limit, level), factor), bound)

    def _at_electrodes(self, limit: Limit, name: str) -> Iterator[Derived]:
        """Each electrode carries its share of the current, in the role that its direction gives it."""
        for number, electrode in enumerate(self.plan.electrodes):
            if not electrode.split.hi_ppm:
                continue
            conclude, claim = self._through(limit, electrode), f"{name}.electrodes[{number}]"
            speaking = [flow for flow in self.flows if speaks_of(limit, electrode, flow)]
            if not speaking and limit.role is electrode.role:
                speaking = [replace(flow, level_na=NOTHING) for flow in self.flows[:1]]
            if not speaking:
                yield Settled(claim, True)
            for flow in speaking:
                yield from self._of_level(claim, flow, conclude)

    def _through(self, limit: Limit, electrode: Electrode) -> Conclude:
        share = Fraction(electrode.split.hi_ppm, PPM)

        def conclude(sight: Sight, level: Polynomial, flow: Flow) -> Formula:
            flowing = scaled(self.flowing(limit, level, flow), share)
            if limit.kind is LimitKind.CURRENT:
                return at_most(flowing, constant(limit.bound))
            area = scaled(sight.number(electrode.area_um2), limit.bound)
            return at_most(scaled(flowing, UA_M2_PER_NA_UM2), area)

        return conclude

    def flowing(self, limit: Limit, level_na: Polynomial, flow: Flow) -> Polynomial:
        """What a limit speaks of at a level: the peak, or the mean of |I| rounded up to whole nA."""
        if limit.kind is not LimitKind.MEAN_DENSITY or flow.waveform is None:
            return self._received(limit, level_na)
        mean = plus(scaled(level_na, mean_most(flow.waveform)), constant(1))
        return mean if limit.nominal else worst_of_any(self.plan, mean)

    def _pulses(self, limit: Limit, name: str) -> Iterator[Derived]:
        """A pulse is at the peak, as the device may give it, for its part of a period; a half-wave is half of
        what adds up and of the direct part, with the accuracy of the mean.
        """
        waved = [flow for flow in self.flows if flow.waveform is not None]
        if not waved:
            yield Settled(name, True)
        for flow in waved:
            yield from self._of_level(name, flow, self._pulse(limit))

    def _pulse(self, limit: Limit) -> Conclude:
        def conclude(_: Sight, level: Polynomial, flow: Flow) -> Formula:
            waveform = flow.waveform
            assert waveform is not None, "asked of what has one"
            pulsed = waveform.form is Form.PULSED
            part = scaled(level, pulse_most(waveform))
            if pulsed and not limit.nominal:
                part = scaled(worst(self.plan, level), pulse_most(waveform))
            elif not pulsed:
                part = plus(part, constant(1))  # the mean is counted in whole nA
                part = part if limit.nominal else worst_of_any(self.plan, part)
            return at_most(scaled(part, period_ms(waveform)), constant(limit.bound))

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


def speaks_of(limit: Limit, electrode: Electrode, flow: Flow) -> bool:
    """Whether a limit is about what flows through an electrode here: it may name a role."""
    if limit.role is None or flows_back(flow.waveform):
        return True
    return limit.role in {role_of(electrode.role, turned) for turned in flow.turned}


def may_carry(limit: Limit, electrode: Electrode, flows: Iterable[Flow]) -> bool:
    """Whether a limit is about anything at an electrode: at a setpoint of zero, on the way up and down, the
    output is on, its offset may flow, and an electrode has its declared role.
    """
    return any(limit.role is electrode.role or speaks_of(limit, electrode, flow) for flow in flows)


def forms(plan: Plan, flows: Iterable[Flow]) -> Iterator[Derived]:
    """The device gives each form of output, and a tick holds whole periods, so that its mean is exact."""
    device, asked = plan.device, {flow.waveform: None for flow in flows} or {None: None}
    for waveform in asked:
        yield Settled("device", ("dc" if waveform is None else waveform.form.value) in device.waveforms)
        if waveform is not None:
            periods = device.tick_ms / period_ms(waveform)
            yield Settled("device", periods.denominator == 1)


def role_of(declared: Role, turned: bool) -> Role:
    """The role of an electrode in one direction of the current."""
    if not turned:
        return declared
    return Role.ANODE if declared is Role.CATHODE else Role.CATHODE
