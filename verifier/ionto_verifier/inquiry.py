"""What the properties look at: a plan, its symbolic run, and the making of questions about it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Hold, Plan, UntilTotal
from ionto_ir.scenario import Occurrence
from ionto_verifier.charge import Arithmetic
from ionto_verifier.decision import BoundUsed, Decision, Supremum
from ionto_verifier.encode import Encoding
from ionto_verifier.environment import Environment
from ionto_verifier.ground import Grounds
from ionto_verifier.motion import Motion
from ionto_verifier.obligation import (
    FALSE,
    TRUE,
    Formula,
    Guard,
    Obligation,
    at_most,
    formula_variables,
)
from ionto_verifier.paths import Visit, follow
from ionto_verifier.properties import Claim, Measure, Provocation, Question
from ionto_verifier.term import ONE, Polynomial, coefficient, variables_of


@dataclass(frozen=True, slots=True)
class Level:
    """A current, nA, that a step reaches under what was decided on the way; the same elsewhere is not
    repeated.

    A ramp that takes over a current of another waveform reaches also that one; `taken_over`, less what it
    falls in its first tick.
    """

    na: Polynomial
    path: tuple[Guard, ...]
    orientations: frozenset[bool]
    visit: Visit
    taken_over: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question stands: the step, what was decided on the way there, and how its worst case is
    provoked. `generous`: what is said of it may be a little more than can be.
    """

    step: int | None = None
    path: tuple[Guard, ...] = ()
    provocation: Provocation = Provocation.NOTHING
    pause_step: int | None = None
    elapsed_ms: Polynomial | None = None
    pauses: tuple[tuple[Polynomial, int], ...] = ()
    generous: bool = False


NOWHERE = Place()


class Inquiry:
    """A plan under inquiry. Raises TermTooLargeError when a polynomial of the plan grows out of bounds."""

    def __init__(
        self, plan: Plan, environment: Environment | None = None, *, place: str = "", begun: bool = False
    ) -> None:
        """One channel of several has a `place` of its own in an environment that they share; with `begun`
        time counts from the beginning of the session instead of from its first current.
        """
        assert not plan.channels, "channels are looked at one by one"
        self.plan = plan
        self.place = place
        self.encoding = Encoding(plan, environment)
        self.environment = self.encoding.environment
        self.arithmetic = Arithmetic(plan, self.environment)
        with self.here():
            self.visits = follow(self.encoding, begun=begun)
        self.levels = _distinct_levels(self.visits)
        self._asked: dict[str, int] = {}
        self._charging: dict[bool, tuple[Visit, ...]] = {}
        # Several limits of one quantity ask for the same greatest value.
        self.timelines: dict[object, tuple[Occurrence, ...]] = {}
        self.rehearsals: dict[
            object, Any
        ] = {}  # outcomes of `ionto_ir.rehearse`, which is loaded only for them
        self.calm: dict[object, Any] = {}  # what `provoked` ran first
        self.runs: dict[object, bool] = {}  # whether the machine can run these values
        self.moments: dict[tuple[bool, int], tuple[tuple[Visit, ...], Any]] = {}  # what sums found worst
        self.supports: dict[BoundUsed, Any] = {}  # how a report words them
        self.grounds = Grounds()
        self.suprema: dict[tuple[Polynomial, tuple[Guard, ...]], Supremum] = {}

    @contextmanager
    def here(self) -> Iterator[None]:
        """Whatever is made new in the environment meanwhile belongs to this channel."""
        before, self.environment.place = self.environment.place, self.place
        yield
        self.environment.place = before

    def after(self, named: frozenset[int], within: set[int]) -> Inquiry:
        """The same inquiry, with time counted from the end of the steps `named`, into the steps `within`."""
        later = Inquiry.__new__(Inquiry)
        later.__dict__.update(self.__dict__)
        visits = follow(self.encoding, named)
        later.visits = tuple(visit for visit in visits if visit.step in within)
        return later

    def undisturbed(self) -> Iterator[tuple[Visit, Motion]]:
        """The visits at which the output is on, of sessions that nobody pauses. Raises TermTooLargeError."""
        for visit in follow(self.encoding, paused=False):
            if visit.motion is not None:
                yield visit, visit.motion

    def moving(self) -> Iterable[tuple[Visit, Motion]]:
        """The visits at which the output is on."""
        return ((visit, visit.motion) for visit in self.visits if visit.motion is not None)

    def charging(self, turned: bool | None) -> tuple[Visit, ...]:
        """The visits with what has flowed against the declared polarity (True), along it, or either way.

        Where a plan has totals everything is counted, which is never too little. Raises TermTooLargeError.
        """
        ways = {way for _, motion in self.moving() for way in (False, True) if motion.flows(way)}
        totals = any(
            isinstance(step, Hold) and isinstance(step.until, UntilTotal) for step in self.plan.steps
        )
        if turned is None or ways == {turned} or (turned in ways and totals):
            return self.visits
        if not ways or (turned and turned not in ways):
            return ()  # at a setpoint of zero an electrode has its declared role, wherever a ramp came from
        if turned not in self._charging:
            self._charging[turned] = follow(self.encoding, counted=turned)
        return self._charging[turned]

    def never_above(
        self, claim: Claim, value: Polynomial, bound: int, place: Place, *, over: Polynomial | None = None
    ) -> Question:
        """The question whether `value`, divided by `over` (which is positive), is at most `bound`."""
        if over is not None and not variables_of(over):
            value, over = value * (1 / coefficient(over, ONE)), None
        formula = at_most(value, bound if over is None else over * bound)
        return self.question(claim, formula, place, measure=Measure(value, over, bound))

    def question(
        self,
        claim: Claim,
        conclusion: Formula,
        place: Place = NOWHERE,
        *,
        measure: Measure | None = None,
        decided: Decision | None = None,
    ) -> Question:
        """The question whether the conclusion holds at a place, for all values that lead there."""
        selection = self.environment.select(formula_variables(conclusion), place.path)
        number = self._asked[claim.id] = self._asked.get(claim.id, 0) + 1
        obligation = Obligation(
            f"{claim.id}/{number}",
            claim.property.value,
            selection.variables,
            selection.guards,
            conclusion,
            (),
            claim.statement,
        )
        return Question(
            claim.id,
            obligation,
            place.step,
            measure,
            place.provocation,
            place.pause_step,
            place.elapsed_ms,
            place.path,
            pauses=place.pauses,
            decided=decided,
            generous=place.generous,
        )

    def known(self, claim: Claim, holds: bool, place: Place = NOWHERE) -> Question:
        """A question whose answer is plain from the plan."""
        return self.question(claim, TRUE if holds else FALSE, place)


def _distinct_levels(visits: tuple[Visit, ...]) -> tuple[Level, ...]:
    found: dict[object, Level] = {}
    for visit in visits:
        motion = visit.motion
        if motion is None:
            continue
        ends = ((motion.target_na, False), *(((motion.start_na, True),) if motion.changes else ()))
        for level_na, taken_over in ends:
            reached = (level_na, visit.path, motion.orientations)
            found.setdefault((*reached, motion.waveform), Level(*reached, visit, taken_over))
    return tuple(found.values())
