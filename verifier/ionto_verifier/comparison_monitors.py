"""Whether each monitor of an old plan has one in the new plan that acts at the latest when it would."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.expression import Expression, Value, evaluate, references
from ionto_ir.monitor import DELIVERED, MEASURED, Monitor, MonitorAction
from ionto_ir.plan import BooleanDomain, Plan
from ionto_ir.units import format_quantity
from ionto_ir.wording import duration_text, value_text
from ionto_verifier.aspects import Aspect, Change, Witness
from ionto_verifier.comparison_ends import merged
from ionto_verifier.condition_text import OBSERVED, condition_text
from ionto_verifier.decision import Decision, Proved, Refuted
from ionto_verifier.encode import Encoding
from ionto_verifier.obligation import Obligation, Variable, formula_variables
from ionto_verifier.readings import reads_alike
from ionto_verifier.solve import decide

NOTHING = "nothing"

READ_MAX = 10**15
"""Beyond everything that a device reads or delivers, in base units."""

_RANK = {MonitorAction.WARN: 0, MonitorAction.PAUSE: 1, MonitorAction.STOP: 2}


def monitor_aspects(old: Plan, new: Plan) -> Iterator[Aspect]:
    """A monitor that is gone, waits longer, or looks for more no longer stops what it stopped."""
    if not (old.monitors or new.monitors):
        return
    world = _World(old, new)
    matched: set[int] = set()
    for monitor in old.monitors:
        subject = f"monitor {monitor.text}"
        fitting = [
            (number, other) for number, other in enumerate(new.monitors) if world.as_strict(monitor, other)
        ]
        matched |= {number for number, _ in fitting}
        if fitting:
            soonest = min((other for _, other in fitting), key=lambda item: item.persistence_ms)
            yield _kept(subject, monitor, soonest)
        else:
            yield world.lost(subject, monitor)
    for number, monitor in enumerate(new.monitors):
        if number not in matched:
            yield Aspect(f"new monitor {monitor.text}", Change.STRICTER, NOTHING, monitor.action.value)


def _kept(subject: str, monitor: Monitor, other: Monitor) -> Aspect:
    before, after = (
        f"{item.action.value}s after {duration_text(item.persistence_ms)}" for item in (monitor, other)
    )
    if other.persistence_ms > monitor.persistence_ms:
        told = (("its condition held for", duration_text(monitor.persistence_ms)),)
        values = (("held, ms", monitor.persistence_ms),)
        witness = Witness(values, told, f"{monitor.action.value}s the session", "goes on")
        return Aspect(subject, Change.LOOSER, before, after, None, witness)
    same = (monitor.action, monitor.condition, monitor.until, monitor.persistence_ms)
    alike = same == (other.action, other.condition, other.until, other.persistence_ms)
    return Aspect(subject, Change.SAME if alike else Change.STRICTER, before, after)


class _World:
    """Everything that monitors of two plans may speak of."""

    def __init__(self, old: Plan, new: Plan) -> None:
        self.plan = replace(merged(old, new), requirements=(), rules=())
        self.new = new
        self.encoding = Encoding(self.plan)
        for name in (*MEASURED, *DELIVERED):
            self.encoding.environment.declare(Variable(name, 0, READ_MAX, integer=True))

    def implies(self, one: Expression, other: Expression) -> Decision:
        """The decision whether `other` holds wherever `one` does."""
        formula = self.encoding.formula(terms.disjunction(terms.negation(one), other))
        selection = self.encoding.environment.select(formula_variables(formula))
        return decide(Obligation("monitor", "monitor", selection.variables, selection.guards, formula))

    def as_strict(self, monitor: Monitor, other: Monitor) -> bool:
        """Whether `other` does as much, for all that the old one looks for; not how soon."""
        if _RANK[other.action] < _RANK[monitor.action] or not self._lets_go_later(monitor, other):
            return False
        if other.condition == monitor.condition:
            return True
        alike = reads_alike(other.condition, monitor.condition)
        return alike and isinstance(self.implies(monitor.condition, other.condition), Proved)

    def _lets_go_later(self, monitor: Monitor, other: Monitor) -> bool:
        """Whether what `other` paused is resumed only when the old monitor would let it."""
        if other.action is not MonitorAction.PAUSE or monitor.until in (None, other.until):
            return True
        assert monitor.until is not None
        return (
            other.until is not None
            and reads_alike(monitor.until, other.until)
            and isinstance(self.implies(other.until, monitor.until), Proved)
        )

    def lost(self, subject: str, monitor: Monitor) -> Aspect:
        """A monitor of which nothing takes the place: what it acts on, and nobody else does."""
        words = condition_text(self.plan, monitor.condition)
        old = monitor.action.value if words is None else f"{monitor.action.value} when {words}"
        rivals = [other for other in self.new.monitors if _RANK[other.action] >= _RANK[monitor.action]]
        near = [other for other in rivals if references(other.condition) == references(monitor.condition)]
        shown = None if not near else condition_text(self.plan, near[0].condition)
        now = NOTHING if not near else f"{near[0].action.value} when {shown or 'otherwise'}"
        if monitor.action is MonitorAction.WARN:
            return Aspect(subject, Change.OTHER, old, now, "the new plan does not warn of all of this")
        everything = terms.disjunction(*(other.condition for other in rivals))
        found = self.implies(monitor.condition, everything)
        if isinstance(found, Refuted):
            values = self._values(found.witness, monitor.condition, everything)
            if evaluate(monitor.condition, values) is True and evaluate(everything, values) is not True:
                told = tuple((name, self._text(name, value)) for name, value in sorted(values.items()))
                witness = Witness(
                    tuple(sorted(values.items())), told, f"{monitor.action.value}s the session", "goes on"
                )
                return Aspect(subject, Change.LOOSER, old, now, None, witness)
        if near and monitor.until is not None:
            reason = "what it pauses may be resumed under other conditions"
            return Aspect(subject, Change.LOOSER, old, now, reason)
        return Aspect(subject, Change.UNDECIDED, old, now, "no monitor of the new plan is seen to replace it")

    def _values(self, witness: Mapping[str, object], *conditions: Expression) -> dict[str, Value]:
        kinds = {item.name: item.domain for item in self.plan.variables}
        found: dict[str, Value] = {}
        for name in {name for item in conditions for name in references(item)}:
            number = int(str(witness.get(name, getattr(kinds.get(name), "lo", 0))))
            found[name] = bool(number) if isinstance(kinds.get(name), BooleanDomain) else number
        return found

    def _text(self, name: str, value: Value) -> str:
        if name in OBSERVED:
            _, dimension, unit = OBSERVED[name]
            return format_quantity(int(value), dimension, unit)
        return value_text(next(item for item in self.plan.variables if item.name == name), value)
