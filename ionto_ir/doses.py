"""Doses on demand: what the sequencer does while somebody may ask for one, and whether one may begin.

A dose begins with the tick after the press and ends with the tick after its last step; lockout, rules and the
end of the block are reckoned on the session's clock, which runs on through pauses and crashes.
"""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import ZERO, Environment
from ionto_ir.gliding import BrokenError, Now, Proposal, at_rest, glided, integer_of, to_hold_level
from ionto_ir.machine_terms import Wish
from ionto_ir.plan import Demand
from ionto_ir.route import Route
from ionto_ir.state import Doses, Mode, Phase, Place, State
from ionto_ir.wording import duration_text

NOT_OFFERED = "no dose is on offer now"
UNDER_WAY = "a dose is under way"
OVER = "the time for doses is over"
NEVER_MS = 2**62
"""Later than any session."""
NOT_AT_BASAL = "the current is still on its way"


@dataclass(frozen=True, slots=True)
class NoDose:
    """Why a press changes nothing; before `again_ms` on the session's clock none will."""

    reason: str
    again_ms: int = 0


def enter_block(route: Route, values: Environment, place: Place, index: int, step: Demand, now: Now) -> Place:
    """Arrive at the head of a block: it opens, or the dose that was given is over. Raises BrokenError."""
    doses = place.doses
    if doses is None or doses.head != index:
        doses = Doses(index, now.clock_ms, 0, (), None, False)
    else:
        doses = doses._replace(ended_ms=now.clock_ms, running=False)
    glide = to_hold_level(route, now.level_na, integer_of(step.basal_na, values))
    return place._replace(
        step=index,
        phase=Phase.STANDBY,
        glide=glide,
        climbing=False,
        goal=None,
        waveform=None,
        doses=doses,
    )


def standby(route: Route, values: Environment, place: Place, now: Now, acknowledged: bool) -> Proposal | None:
    """The wish while nobody asks; None when the block is over. Raises BrokenError."""
    step, doses = _block(route, place)
    if step is None or doses is None or now.clock_ms >= doses.opened_ms + integer_of(step.within_ms, values):
        return None
    if step.basal_na == ZERO:
        return at_rest(place) if doses.given < integer_of(step.count, values) else None
    level_na = now.level_na
    if level_na == place.glide.target_na:
        return Proposal(Wish.DRIVE, level_na, place.sign, place._replace(climbing=False), ())
    aim_na, glide = glided(place.glide, level_na, route.tick_ms, acknowledged)
    return Proposal(Wish.DRIVE, aim_na, place.sign, place._replace(glide=glide), ())


def begun(route: Route, values: Environment, place: Place, button: str, now: Now) -> Place | NoDose:
    """The place with one more dose counted, whose steps are still to be entered. Raises BrokenError.

    `now.clock_ms` is when it would begin, with the next tick.
    """
    step, doses = _block(route, place)
    if step is None or doses is None or step.text != button:
        return NoDose(NOT_OFFERED)
    if doses.running:
        return NoDose(UNDER_WAY)
    if now.clock_ms >= doses.opened_ms + integer_of(step.within_ms, values):
        return NoDose(OVER)
    most = integer_of(step.count, values)
    if doses.given >= most:
        return NoDose(f"all {most} doses have been given", NEVER_MS)
    if now.level_na != place.glide.target_na:
        return NoDose(NOT_AT_BASAL)
    early = _too_early(step, values, doses, now.clock_ms)
    if early is not None:
        return early
    starts = (*doses.starts_ms, now.clock_ms)
    longest_ms = max((integer_of(rule.window_ms, values) for rule in step.rules), default=0)
    kept = tuple(start for start in starts if now.clock_ms - start < longest_ms) or starts[-1:]
    counted = doses._replace(given=doses.given + 1, starts_ms=kept, running=True)
    return place._replace(doses=counted)


class Asker:
    """Somebody who knows which button would begin a dose now. Asked at every tick, it remembers for how long
    none will.
    """

    def __init__(self, route: Route) -> None:
        self._route = route
        self._again_ms = 0

    def offered(self, state: State) -> str | None:
        """The button whose press would begin a dose now, if there is one."""
        place, clock_ms = state.place, state.clock_ms + self._route.tick_ms
        if place.phase is not Phase.STANDBY or clock_ms < self._again_ms:
            return None
        step, doses = _block(self._route, place)
        if step is None or doses is None or state.machine.mode not in (Mode.READY, Mode.ON):
            return None
        now = Now(state.machine.level_na, state.machine.nominal_pc, clock_ms)
        try:
            found = begun(self._route, state.values, place, step.text, now)
        except BrokenError:
            return None
        if isinstance(found, NoDose):
            self._again_ms = found.again_ms
            return None
        return step.text

    def silence_ms(self, state: State) -> int:
        """For how long no dose can be asked for, as far as is known."""
        if state.place.phase is not Phase.STANDBY:
            return NEVER_MS
        return max(0, self._again_ms - state.clock_ms - self._route.tick_ms)


def ms_to_last_chance(route: Route, state: State) -> int:
    """How long there still is, ms, until a dose must begin with the next two ticks, or never will."""
    step, doses = _block(route, state.place)
    if step is None or doses is None:
        return NEVER_MS
    try:
        closes_ms = doses.opened_ms + integer_of(step.within_ms, state.values)
    except BrokenError:
        return NEVER_MS
    return max(0, closes_ms - 2 * route.tick_ms - state.clock_ms)


def session_time(state: State) -> int | None:
    """The session's time, ms: since current first flowed, or while it does not yet, since it could be asked
    for; None before that.
    """
    elapsed_ms, doses = state.machine.elapsed_ms, state.place.doses
    if elapsed_ms > 0:
        return elapsed_ms
    return None if doses is None else max(0, state.clock_ms - doses.opened_ms)


def _block(route: Route, place: Place) -> tuple[Demand | None, Doses | None]:
    """The head of the block that was entered, if one was."""
    doses = place.doses
    step = None if doses is None else route.steps[doses.head]
    return (step if isinstance(step, Demand) else None), doses


def _too_early(step: Demand, values: Environment, doses: Doses, clock_ms: int) -> NoDose | None:
    """Why a dose may not begin yet: the lockout, or a rule; with how long it will take."""
    since = doses.ended_ms if step.from_end else (doses.starts_ms[-1] if doses.starts_ms else None)
    lockout_ms = integer_of(step.lockout_ms, values)
    if since is not None and clock_ms - since < lockout_ms:
        again_ms = since + lockout_ms
        return NoDose(f"locked out for another {_time(again_ms - clock_ms)}", again_ms)
    for rule in step.rules:
        most, window_ms = integer_of(rule.count, values), integer_of(rule.window_ms, values)
        recent = [start for start in doses.starts_ms if clock_ms - start < window_ms]
        if len(recent) >= most:
            again_ms = recent[len(recent) - most] + window_ms if most > 0 else clock_ms + window_ms
            reason = f"at most {most} in any {_time(window_ms)}: the next one in {_time(again_ms - clock_ms)}"
            return NoDose(reason, again_ms)
    return None


def _time(time_ms: int) -> str:
    """A time in words: minutes and seconds once it is longer than a minute and no whole number of them."""
    if time_ms <= 60_000 or time_ms % 60_000 == 0:
        return duration_text(time_ms)
    minutes, seconds = divmod(-(-time_ms // 1000), 60)
    return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
