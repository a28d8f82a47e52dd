"""Questions about what adds up: charge per session and in windows, sessions in windows, duration."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from operator import ge

from ionto_ir.course import DAY_MS
from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Expression
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.plan import Plan
from ionto_ir.recheck.calendar import sessions_in
from ionto_ir.recheck.currents import Flow
from ionto_ir.recheck.derived import PPM, Derived, Left, Numbering, Settled, worst_of_any
from ionto_ir.recheck.emission import NONE, Spent
from ionto_ir.recheck.instants import may_carry
from ionto_ir.recheck.polynomial import (
    BeyondError,
    Number,
    Polynomial,
    constant,
    plus,
    scaled,
    with_whole_coefficients,
)
from ionto_ir.recheck.rounds import repeated
from ionto_ir.recheck.routes import Route, routes_of
from ionto_ir.recheck.sight import Sight
from ionto_ir.recheck.statement import Formula, at_most
from ionto_ir.recheck.sums import Account, Moment, Room, View
from ionto_ir.recheck.waves import mean_most

SOME_TIME_MS = 365 * DAY_MS
"""Stands for the length of a session in which people are waited for between two currents."""

ASKED_MAX = 40
"""Questions about one limit along one way through the plan; a way with more moments is left out."""

UC_M2_PER_PC_UM2 = 10**6


@dataclass(frozen=True, slots=True)
class Reckoned:
    """One route: what is seen of the plan on it, and every moment at which a session may be stopped."""

    sight: Sight
    moments: tuple[Moment, ...]
    rooms: tuple[Room, ...]


@dataclass(frozen=True, slots=True)
class Scale:
    """What makes the limited quantity of a charge: a factor, and an area to divide by."""

    factor: Fraction
    area_um2: Expression | None


WHOLE = Scale(Fraction(1), None)


def scale_at(plan: Plan, limit: Limit, electrode: int) -> Scale:
    """The largest share that an electrode may carry, over its area where the limit speaks of that."""
    found = plan.electrodes[electrode]
    share = Fraction(found.split.hi_ppm, PPM)
    if limit.kind is LimitKind.CHARGE_DENSITY:
        return Scale(share * UC_M2_PER_PC_UM2, found.area_um2)
    return Scale(share, None)


def within(sight: Sight, value: Polynomial, scale: Scale, bound: int) -> Formula:
    """That a charge is within a bound."""
    area = constant(1) if scale.area_um2 is None else sight.number(scale.area_um2)
    return at_most(scaled(value, scale.factor), scaled(area, bound))


def turned_for(plan: Plan, limit: Limit, electrode: int) -> bool | None:
    """The direction in which an electrode has the limit's role; None where it may have any."""
    if limit.role is None:
        return None
    return limit.role is not plan.electrodes[electrode].role


def pauses_of(plan: Plan) -> int:
    """How often a session may be paused and go on."""
    return plan.interruptions.count_max if plan.interruptions.resume else 0


def charge(plan: Plan, limit: Limit, moment: Moment, pause: Spent) -> Polynomial:
    """What a session may have delivered that is stopped in this step after all its pauses.

    If the link is lost instead, the level stays until the watchdog ends it.
    """
    whole, pauses = moment.session.spent.and_then(moment.stop), pauses_of(plan)
    nominal = plus(whole.nominal_pc, scaled(pause.nominal_pc, pauses))
    if limit.nominal:
        return nominal
    device = plan.device
    on_ms = plus(whole.on_ms, scaled(pause.on_ms, pauses))
    offset = device.accuracy_offset_na + Fraction(PPM - 1, PPM)
    share = scaled(nominal, 1 + Fraction(device.accuracy_ppm, PPM))
    silent = scaled(worst_of_any(plan, moment.highest_na), device.watchdog_ms)
    return plus(share, scaled(on_ms, offset), silent)


def charges(plan: Plan, limit: Limit, route: Reckoned) -> list[Polynomial]:
    """The same at every moment of a route, for each kind of worst pause."""
    return [
        charge(plan, limit, moment, pause)
        for moment in route.moments
        for pause in moment.session.pauses or (NONE,)
    ]


def times(plan: Plan, route: Reckoned) -> Iterator[Polynomial]:
    """How long a session may have lasted that is stopped in a step, after all its pauses, ms."""
    for moment in route.moments:
        for pause in moment.session.pauses or (NONE,):
            whole = plus(moment.session.spent.elapsed_ms, moment.stop.elapsed_ms)
            yield plus(whole, scaled(pause.elapsed_ms, pauses_of(plan)))


def waits(route: Reckoned) -> bool:
    """Whether people are waited for between two currents, without a bound."""
    return any(moment.session.waited for moment in route.moments)


def undominated(sight: Sight, terms: list[Polynomial]) -> list[Polynomial]:
    """The terms without those that another one is never below. Raises BeyondError where they are many."""
    kept: list[tuple[Polynomial, Polynomial, tuple[Number, ...]]] = []
    for term, whole in zip(reversed(terms), reversed(with_whole_coefficients(terms)), strict=True):
        # Most pairs are told apart by two of their values, so that no difference is reckoned of them.
        seen = sight.values_of(whole)
        if not any(
            all(map(ge, values, seen)) and sight.never_below(other, whole)
            for _, other, values in reversed(kept)
        ):
            kept.append((term, whole, seen))
            if len(kept) > ASKED_MAX:
                raise BeyondError("more moments than are asked about one by one")
    return [term for term, _, _ in kept]


def longest_ms(plan: Plan, routes: tuple[Reckoned, ...]) -> int:
    """How long a session lasts at most: by a limit, which is proved beside it, or by intervals."""
    found = SOME_TIME_MS if any(map(waits, routes)) else 0
    for route in routes:
        for term in times(plan, route):
            found = max(found, int(route.sight.range_of(term)[1]) + 1)
    return min(found, longest_by_limit(plan))


def longest_by_limit(plan: Plan) -> int:
    """How long a session lasts at most by a limit, which is proved beside it."""
    limits = [
        item.bound
        for item in plan.limits
        if item.kind is LimitKind.DURATION and not item.soft and not item.apart
    ]
    return min([SOME_TIME_MS, *limits])


def follow(plan: Plan, sight: Sight, route: Route, view: View) -> Reckoned:
    """One route, reckoned. Raises BeyondError."""
    account = Account(plan, sight, view, repeated)
    account.follow(route)
    return Reckoned(sight, tuple(account.moments), tuple(account.rooms))


class Totals:
    """The questions of one plan about sums."""

    def __init__(self, plan: Plan, flows: tuple[Flow, ...], numbering: Numbering) -> None:
        self.plan = plan
        self.flows = flows
        self._numbering = numbering
        self._routes: dict[bool | None, tuple[Reckoned, ...] | str] = {}

    def limit(self, limit: Limit, name: str) -> Iterator[Derived]:
        """The questions of a limit on what adds up."""
        if limit.kind is LimitKind.SESSIONS:
            yield self._sessions(limit, name)
        elif limit.kind is LimitKind.DURATION:
            yield from self._over(name, None, lambda routes: self._duration(limit, name, routes))
        elif limit.per_electrode:
            yield from self._at_electrodes(limit, name)
        else:
            yield from self._over(name, None, lambda routes: self._dose(limit, name, routes, WHOLE))

    def totals(self) -> Iterator[Derived]:
        """A total is no less than what an undisturbed session emits before it, with the descent after it."""
        routes = self._reckoned(None)
        asked: set[tuple[int, str]] = set()
        for route in () if isinstance(routes, str) else routes:
            for room in route.rooms:
                goal = at_most(room.before_pc, room.total_pc)
                if (room.step, repr(goal)) not in asked:
                    asked.add((room.step, repr(goal)))
                    claim = f"steps[{room.step}].total"
                    yield route.sight.question(self._numbering.next(claim), claim, goal)

    def _sessions(self, limit: Limit, name: str) -> Derived:
        assert limit.window_ms is not None, "a limit of sessions has a window"
        count = sessions_in(self.plan.course, limit.window_ms, per_site=limit.per_site)
        if count is None:
            return Left(name, "sessions that nothing keeps apart")
        if count > limit.bound:
            return Left(name, "a calendar of sessions that rules one by one do not bound")
        return Settled(name, True)

    def _at_electrodes(self, limit: Limit, name: str) -> Iterator[Derived]:
        """What flows through each electrode while it has the limit's role, at its largest share."""
        for number, electrode in enumerate(self.plan.electrodes):
            if not electrode.split.hi_ppm:
                continue
            claim, scale = f"{name}.electrodes[{number}]", scale_at(self.plan, limit, number)
            if not may_carry(limit, electrode, self.flows):
                yield Settled(claim, True)
                continue

            def asked(
                routes: tuple[Reckoned, ...], claim: str = claim, scale: Scale = scale
            ) -> Iterator[Derived]:
                return self._dose(limit, claim, routes, scale)

            yield from self._over(claim, turned_for(self.plan, limit, number), asked)

    # --- every way through the plan ---------------------------------------------------------------

    def _over(
        self, name: str, turned: bool | None, ask: Callable[[tuple[Reckoned, ...]], Iterator[Derived]]
    ) -> Iterator[Derived]:
        """What is asked of all routes; why nothing is, where they are beyond the recheck."""
        routes = self._reckoned(turned)
        if isinstance(routes, str):
            yield Left(name, routes)
            return
        if not any(route.moments for route in routes):
            yield Settled(name, True)
            return
        try:
            yield from ask(routes)
        except BeyondError as beyond:
            yield Left(name, str(beyond))

    def _reckoned(self, turned: bool | None) -> tuple[Reckoned, ...] | str:
        """Every way through the plan, reckoned once; or why none is."""
        if turned not in self._routes:
            try:
                routes = routes_of(self.plan)
                view = View(turned=turned)
                self._routes[turned] = tuple(
                    follow(self.plan, Sight(self.plan), route, view) for route in routes
                )
            except BeyondError as beyond:
                self._routes[turned] = str(beyond)
        return self._routes[turned]

    # --- charge -----------------------------------------------------------------------------------

    def _dose(self, limit: Limit, name: str, routes: tuple[Reckoned, ...], scale: Scale) -> Iterator[Derived]:
        sessions = 1
        if limit.window_ms is not None:
            span_ms = limit.window_ms + longest_ms(self.plan, routes)
            counted = sessions_in(self.plan.course, span_ms, per_site=limit.per_site)
            if counted is None or self._flowing_is_less(limit, routes, counted):
                yield from self._flowing(limit, name, scale)
                return
            sessions = counted
        for route in routes:
            terms = [scaled(term, sessions) for term in charges(self.plan, limit, route)]
            for term in undominated(route.sight, terms):
                goal = within(route.sight, term, scale, limit.bound)
                yield route.sight.question(self._numbering.next(name), name, goal)

    def _flowing_is_less(self, limit: Limit, routes: tuple[Reckoned, ...], sessions: int) -> bool:
        """Whether a window of nothing but the highest current holds less than whole sessions add up to."""
        assert limit.window_ms is not None, "asked of a window"
        sight = Sight(self.plan)
        highest = max(sight.range_of(self._mean(limit, sight, flow))[1] for flow in self.flows)
        most = max(
            route.sight.range_of(term)[1]
            for route in routes
            for term in charges(self.plan, limit, route) or [constant(0)]
        )
        return highest * limit.window_ms < most * sessions

    def _flowing(self, limit: Limit, name: str, scale: Scale) -> Iterator[Derived]:
        """Whatever flows when, and in how many sessions: no window holds more than its highest current."""
        assert limit.window_ms is not None, "asked of a window"
        for flow in self.flows:
            sight = Sight(self.plan)
            value = scaled(self._mean(limit, sight, flow), limit.window_ms)
            goal = within(sight, value, scale, limit.bound)
            yield sight.question(self._numbering.next(name), name, goal)

    def _mean(self, limit: Limit, sight: Sight, flow: Flow) -> Polynomial:
        """What adds up in a ms at a level."""
        level = sight.number(flow.level_na, str(flow.step))
        mean = level
        if flow.waveform is not None:
            mean = plus(scaled(level, mean_most(flow.waveform)), constant(1))
        return mean if limit.nominal else worst_of_any(self.plan, mean)

    # --- time -------------------------------------------------------------------------------------

    def _duration(self, limit: Limit, name: str, routes: tuple[Reckoned, ...]) -> Iterator[Derived]:
        if any(map(waits, routes)):
            yield Left(name, "people who are waited for between two currents")
            return
        for route in routes:
            for term in undominated(route.sight, list(times(self.plan, route))):
                goal = at_most(term, constant(limit.bound))
                yield route.sight.question(self._numbering.next(name), name, goal)
