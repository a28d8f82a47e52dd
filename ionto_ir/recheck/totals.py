"""Questions about what adds up: charge per session and in windows, sessions in windows, duration."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from ionto_ir.course import DAY_MS
from ionto_ir.dataclass import dataclass
from ionto_ir.limits import Limit, LimitKind
from ionto_ir.plan import Plan
from ionto_ir.recheck.calendar import sessions_in
from ionto_ir.recheck.derived import PPM, Derived, Left, Numbering, Settled, worst
from ionto_ir.recheck.emission import NONE, Spent
from ionto_ir.recheck.polynomial import BeyondError, Polynomial, constant, minus, plus, scaled
from ionto_ir.recheck.routes import routes_of
from ionto_ir.recheck.sight import Sight
from ionto_ir.recheck.statement import at_most
from ionto_ir.recheck.sums import Account, Moment

SOME_TIME_MS = 365 * DAY_MS
"""Stands for the length of a session in which people are waited for between two currents."""

ASKED_MAX = 40
"""Questions about one limit along one way through the plan; a way with more moments is left out."""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """One route: what is seen of the plan on it, and every moment at which a session may be stopped."""

    sight: Sight
    moments: tuple[Moment, ...]


class Totals:
    """The questions of one plan about sums."""

    def __init__(self, plan: Plan, numbering: Numbering) -> None:
        self.plan = plan
        self._numbering = numbering
        self._pauses = plan.interruptions.count_max if plan.interruptions.resume else 0
        self._routes: tuple[Reckoned, ...] | str | None = None

    def limit(self, limit: Limit, name: str) -> Iterator[Derived]:
        """The questions of a limit on what adds up."""
        if limit.kind is LimitKind.SESSIONS:
            assert limit.window_ms is not None, "a limit of sessions has a window"
            count = sessions_in(self.plan.course, limit.window_ms, per_site=limit.per_site)
            if count is None:
                yield Left(name, "sessions that nothing keeps apart")
            elif count > limit.bound:
                yield Left(name, "a calendar of sessions that rules one by one do not bound")
            else:
                yield Settled(name, True)
            return
        routes = self._reckoned()
        if isinstance(routes, str):
            yield Left(name, routes)
            return
        try:
            yield from (
                self._dose(limit, name, routes)
                if limit.kind is LimitKind.DOSE
                else self._duration(limit, name, routes)
            )
        except BeyondError as beyond:
            yield Left(name, str(beyond))

    def _reckoned(self) -> tuple[Reckoned, ...] | str:
        """Every way through the plan, reckoned once; or why none is."""
        if self._routes is None:
            try:
                self._routes = tuple(self._followed())
            except BeyondError as beyond:
                self._routes = str(beyond)
        return self._routes

    def _followed(self) -> Iterator[Reckoned]:
        for route in routes_of(self.plan):
            sight = Sight(self.plan)
            account = Account(self.plan, sight)
            account.follow(route)
            yield Reckoned(sight, tuple(account.moments))

    # --- charge -----------------------------------------------------------------------------------

    def _dose(self, limit: Limit, name: str, routes: tuple[Reckoned, ...]) -> Iterator[Derived]:
        sessions: int | None = 1
        if limit.window_ms is not None:
            span_ms = limit.window_ms + self._longest_ms(routes)
            sessions = sessions_in(self.plan.course, span_ms, per_site=limit.per_site)
        if sessions is None:
            yield Left(name, "sessions that nothing keeps apart")
            return
        for route in routes:
            terms = [
                scaled(self._charge(limit, moment, pause), sessions)
                for moment in route.moments
                for pause in moment.session.pauses or (NONE,)
            ]
            yield from self._asked(route.sight, name, terms, limit.bound)
        if not any(route.moments for route in routes):
            yield Settled(name, True)

    def _charge(self, limit: Limit, moment: Moment, pause: Spent) -> Polynomial:
        """What a session may have delivered that is stopped in this step after all its pauses.

        If the link is lost instead, the level stays until the watchdog ends it.
        """
        whole = moment.session.spent.and_then(moment.stop)
        nominal = plus(whole.nominal_pc, scaled(pause.nominal_pc, self._pauses))
        if limit.nominal:
            return nominal
        device = self.plan.device
        on_ms = plus(whole.on_ms, scaled(pause.on_ms, self._pauses))
        offset = device.accuracy_offset_na + Fraction(PPM - 1, PPM)
        share = scaled(nominal, 1 + Fraction(device.accuracy_ppm, PPM))
        silent = scaled(worst(self.plan, moment.highest_na), device.watchdog_ms)
        return plus(share, scaled(on_ms, offset), silent)

    # --- time -------------------------------------------------------------------------------------

    def _duration(self, limit: Limit, name: str, routes: tuple[Reckoned, ...]) -> Iterator[Derived]:
        for route in routes:
            if any(moment.session.waited for moment in route.moments):
                yield Left(name, "people who are waited for between two currents")
                return
            yield from self._asked(route.sight, name, list(self._times(route)), limit.bound)
        if not any(route.moments for route in routes):
            yield Settled(name, True)

    def _times(self, route: Reckoned) -> Iterator[Polynomial]:
        for moment in route.moments:
            for pause in moment.session.pauses or (NONE,):
                whole = plus(moment.session.spent.elapsed_ms, moment.stop.elapsed_ms)
                yield plus(whole, scaled(pause.elapsed_ms, self._pauses))

    def _longest_ms(self, routes: tuple[Reckoned, ...]) -> int:
        """How long a session lasts at most: by a limit, which is proved beside it, or by intervals."""
        found = 0
        for route in routes:
            if any(moment.session.waited for moment in route.moments):
                found = SOME_TIME_MS
            for term in self._times(route):
                found = max(found, int(route.sight.range_of(term)[1]) + 1)
        limits = [
            item.bound
            for item in self.plan.limits
            if item.kind is LimitKind.DURATION and not item.soft and not item.apart
        ]
        return min([found, *limits])

    # --- asking -----------------------------------------------------------------------------------

    def _asked(self, sight: Sight, claim: str, terms: list[Polynomial], bound: int) -> Iterator[Derived]:
        """One question for each sum that no other one is never below."""
        kept: list[Polynomial] = []
        for term in reversed(terms):
            if not any(sight.range_of(minus(other, term))[0] >= 0 for other in kept):
                kept.append(term)
        if len(kept) > ASKED_MAX:
            raise BeyondError("more moments than are asked about one by one")
        for term in kept:
            yield sight.question(self._numbering.next(claim), claim, at_most(term, constant(bound)))
