"""The constants that the machine enforces for this day: caps from limits, slews from the plan.

Only hard limits become caps. A limit in a moving window becomes a cap on this session, less what earlier
sessions have left in the window; where the window is shorter than the session, a cap that moves with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from math import floor

from ionto_ir.bound import (
    JOURNAL_LAG_TICKS,
    UNLIMITED,
    Constants,
    fall_per_tick_na,
    polarity_at_start,
    rise_per_tick_na,
    worst_na,
)
from ionto_ir.constants import MovingCap
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.device import WHOLE
from ionto_ir.expression import Value
from ionto_ir.limits import ADDS_UP, Limit, LimitKind
from ionto_ir.observer import per_area
from ionto_ir.plan import IntegerDomain, Plan, VariableKind, turns
from ionto_ir.site_memory import share_site, sites_of
from ionto_ir.trace import area_um2, role_at


@dataclass(frozen=True, slots=True)
class PastSession:
    """An earlier session of this patient: times in ms since any fixed instant, charges in pC.

    `day` is the ordinal number of its calendar date (1 is a Monday). `protocol` is the plan's name; `values`
    are those at its end, `records` what was recorded in it, `sites` where its active electrodes lay.
    """

    start_ms: int
    end_ms: int
    day: int
    nominal_pc: int
    upper_pc: int
    protocol: str
    values: tuple[tuple[str, Value], ...] = ()
    records: tuple[tuple[str, Value], ...] = ()
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class History:
    """The earlier sessions of any protocol, in any order, and the time and date at which this one begins."""

    now_ms: int
    today: int
    sessions: tuple[PastSession, ...]


NO_HISTORY = History(0, 1, ())
"""A first session, on some Monday."""


def constants_of(
    plan: Plan, values: Mapping[str, Value], history: History, span_ms: int, *, screened: bool
) -> Constants:
    """The machine's constants. `span_ms` is how long a session may last at most, pauses included."""
    device = plan.device
    return Constants(
        tick_ms=device.tick_ms,
        step_na=device.step_na,
        rise_na=rise_per_tick_na(ramp_limit_na_s(plan), device.tick_ms),
        fall_na=fall_per_tick_na(plan.stop_slew_na_s, device.tick_ms),
        current_cap_na=current_cap_na(plan, values, 1),
        current_cap_reversed_na=current_cap_na(plan, values, -1),
        accuracy_ppm=device.accuracy_ppm,
        offset_na=device.accuracy_offset_na,
        watchdog_ms=device.watchdog_ms,
        journal_lag_ticks=JOURNAL_LAG_TICKS,
        cap_pc=dose_cap_pc(plan, values, history, span_ms, nominal=False),
        cap_nominal_pc=dose_cap_pc(plan, values, history, span_ms, nominal=True),
        duration_cap_ms=duration_cap_ms(plan, apart=False),
        interruptions_max=plan.interruptions.count_max,
        pause_ms_max=plan.interruptions.each_ms_max,
        may_resume=plan.interruptions.resume,
        screened=screened,
        duration_apart_cap_ms=duration_cap_ms(plan, apart=True),
        windows=moving_caps(plan, values, history, span_ms),
    )


def disarmed(constants: Constants) -> Constants:
    """The same machine with nothing to stop it: shows what the protocol itself says."""
    return replace(
        constants,
        rise_na=UNLIMITED,
        current_cap_na=UNLIMITED,
        current_cap_reversed_na=UNLIMITED,
        cap_pc=UNLIMITED**2,  # far beyond any session, so that no reserve is ever missing
        cap_nominal_pc=UNLIMITED**2,
        duration_cap_ms=UNLIMITED,
        duration_apart_cap_ms=UNLIMITED,
        windows=(),
    )


def _hard(plan: Plan, kind: LimitKind) -> Iterator[Limit]:
    return (limit for limit in plan.limits if limit.kind is kind and not limit.soft)


def ramp_limit_na_s(plan: Plan) -> int:
    """The smallest of the ramp limits and what the device can do."""
    return min([plan.device.slew_na_s, *(limit.bound for limit in _hard(plan, LimitKind.RAMP))])


def duration_cap_ms(plan: Plan, *, apart: bool) -> int:
    """The smallest duration limit that counts all of the time; or, `apart`, of those that leave out the time
    in which people are waited for.
    """
    limits = (limit for limit in _hard(plan, LimitKind.DURATION) if limit.apart is apart)
    return min([UNLIMITED, *(limit.bound for limit in limits)])


def current_cap_na(plan: Plan, values: Mapping[str, Value], sign: int) -> int:
    """The largest set magnitude under every current and density limit, while the current has this sign."""
    caps = [plan.device.current_na_max]
    for kind in (LimitKind.CURRENT, LimitKind.DENSITY):
        for limit in _hard(plan, kind):
            bounds = [limit.bound]
            if limit.per_electrode:
                bounds = list(_bounds_at_electrodes(plan, values, limit, (sign,)))
            caps += [_set_na(plan, limit, bound) for bound in bounds]
    return max(0, min(caps))


def _bounds_at_electrodes(
    plan: Plan, values: Mapping[str, Value], limit: Limit, signs: tuple[int, ...], past_pc: int = 0
) -> Iterator[int]:
    return (bound for _, bound in _bounds_at(plan, values, limit, signs, past_pc))


def _bounds_at(
    plan: Plan, values: Mapping[str, Value], limit: Limit, signs: tuple[int, ...], past_pc: int
) -> Iterator[tuple[int, int]]:
    """What a limit on electrodes leaves to the whole current, or charge, for each electrode that always has
    its role, with its number.

    Earlier charge is taken to have passed through an electrode of the smallest area that it may have.
    """
    for index, electrode in enumerate(plan.electrodes):
        roles = {role_at(plan, index, sign) for sign in signs}
        if electrode.split.hi_ppm and (limit.role is None or roles == {limit.role}):
            share = Fraction(electrode.split.hi_ppm, WHOLE)
            scale = per_area(limit.kind, _area_um2(plan, values, index)) * share
            earlier = past_pc * per_area(limit.kind, _least_area_um2(plan, values, index)) * share
            yield index, floor((limit.bound - earlier) / scale)


def _area_um2(plan: Plan, values: Mapping[str, Value], electrode: int) -> int:
    area = area_um2(plan, values, electrode)
    assert area is not None, "the values of the day are known"
    return area


def _least_area_um2(plan: Plan, values: Mapping[str, Value], electrode: int) -> int:
    """The smallest area that the electrode may have had on another day."""
    smallest = {
        item.name: item.domain.lo
        for item in plan.variables
        if item.kind is VariableKind.GEOMETRY and isinstance(item.domain, IntegerDomain)
    }
    return _area_um2(plan, {**values, **smallest}, electrode)


def _set_na(plan: Plan, limit: Limit, bound_na: int) -> int:
    """The largest set magnitude whose worst case is within `bound_na`; for a nominal limit the bound."""
    if limit.nominal:
        return bound_na
    device = plan.device
    # worst_na rises strictly, so the largest value is found by halving.
    low, high = -1, max(0, bound_na)
    while low < high:
        middle = (low + high + 1) // 2
        if worst_na(middle, device.accuracy_ppm, device.accuracy_offset_na) <= bound_na:
            low = middle
        else:
            high = middle - 1
    return low


def dose_cap_pc(
    plan: Plan, values: Mapping[str, Value], history: History, span_ms: int, *, nominal: bool
) -> int:
    """The charge that this session may add to the ledger: the least that any dose limit leaves; may be
    negative.

    The ledger knows no electrodes: a limit on those in one role becomes a cap where a session never turns
    them round, and is left to the dry run where it does.
    """
    caps = [UNLIMITED]
    for limit in (limit for kind in ADDS_UP for limit in _hard(plan, kind)):
        if limit.nominal is not nominal or (limit.window_ms is not None and limit.window_ms < span_ms):
            continue
        past = 0
        if limit.window_ms is not None:
            counted = counted_by(limit, plan, values, history)
            past = past_pc(counted, limit.window_ms, nominal=nominal)
        if limit.per_electrode:
            caps += _bounds_at_electrodes(plan, values, limit, signs_of(plan, values), past)
        else:
            caps.append(limit.bound - past)
    return min(caps)


def moving_caps(
    plan: Plan, values: Mapping[str, Value], history: History, span_ms: int
) -> tuple[MovingCap, ...]:
    """The caps of windows that are shorter than the session, each once; of equal windows the strictest."""
    found: dict[tuple[int, bool, tuple[tuple[int, int], ...]], int] = {}
    for limit in (limit for kind in ADDS_UP for limit in _hard(plan, kind)):
        if limit.window_ms is None or limit.window_ms >= span_ms:
            continue
        counted = counted_by(limit, plan, values, history)
        for cap in _moving(plan, values, limit, limit.window_ms, counted):
            key = (cap.ticks, cap.nominal, cap.earlier)
            found[key] = min(cap.cap_pc, found.get(key, cap.cap_pc))
    return tuple(MovingCap(ticks, cap, nominal, before) for (ticks, nominal, before), cap in found.items())


def _moving(
    plan: Plan, values: Mapping[str, Value], limit: Limit, window_ms: int, history: History
) -> Iterator[MovingCap]:
    """A window takes in every tick that it meets. An earlier session counts, with all of its charge, as long
    as its end is in the window.
    """
    ticks = -(-window_ms // plan.device.tick_ms)
    earlier = []
    for past in history.sessions:
        ago_ticks = max(0, history.now_ms - past.end_ms) // plan.device.tick_ms
        if ticks - 1 - ago_ticks > 0:
            charge = past.nominal_pc if limit.nominal else past.upper_pc
            earlier.append((ticks - 1 - ago_ticks, charge))
    if not limit.per_electrode:
        yield MovingCap(ticks, limit.bound, limit.nominal, tuple(earlier))
        return
    for index, cap_pc in _bounds_at(plan, values, limit, signs_of(plan, values), 0):
        # Earlier charge passed through the smallest area that the electrode may have had.
        today, least = _area_um2(plan, values, index), _least_area_um2(plan, values, index)
        density = limit.kind is LimitKind.CHARGE_DENSITY
        as_today = tuple(
            (until, -(-charge * today // least) if density else charge) for until, charge in earlier
        )
        yield MovingCap(ticks, cap_pc, limit.nominal, as_today)


def counted_by(limit: Limit, plan: Plan, values: Mapping[str, Value], history: History) -> History:
    """The earlier sessions that a limit counts: all, or those that may have been on the sites of this one."""
    if not limit.per_site:
        return history
    sites = sites_of(plan, values)
    shared = tuple(past for past in history.sessions if share_site(sites, past.sites))
    return replace(history, sessions=shared)


def signs_of(plan: Plan, values: Mapping[str, Value]) -> tuple[int, ...]:
    """The signs that the current of a session may have: both, if anything in the plan may turn it."""
    return (1, -1) if turns(plan) else (polarity_at_start(plan, values),)


def past_pc(history: History, window_ms: int, *, nominal: bool) -> int:
    """The charge of the earlier sessions that a window reaching into this one may contain.

    A session that ended within the window counts with all of its charge.
    """
    return sum(
        past.nominal_pc if nominal else past.upper_pc
        for past in history.sessions
        if past.end_ms > history.now_ms - window_ms
    )
