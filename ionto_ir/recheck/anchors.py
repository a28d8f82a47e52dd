"""Whether the prover's own statements speak of this plan: domains, requirements, and the bound of a limit.

The recheck does not derive these statements; it can still see that the numbers in them are the plan's. What a
statement says of the treatment's course, and of the variables that the prover made up, is taken from it.
"""

from __future__ import annotations

from ionto_ir.expression import Expression
from ionto_ir.limits import LimitKind
from ionto_ir.plan import Plan, RuleKind
from ionto_ir.recheck.polynomial import BeyondError, Polynomial, constant, minus, primitive, scaled
from ionto_ir.recheck.record import Ground, Stated
from ionto_ir.recheck.sight import Sight, domain_of
from ionto_ir.recheck.statement import FALSE, Atom, Fact, Formula, names_in, opposite


class Anchors:
    """What statements about one plan are held against."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._variables = {item.name: item for item in plan.variables}
        self._known: dict[str, Formula | None] = {}

    def loose(self, stated: Stated, ground: Ground) -> str | None:
        """What in a statement is not this plan's, in words; None when nothing is."""
        for domain in ground.domains:
            item = self._variables.get(domain.name) or self._variables.get(domain.name.rpartition("@")[0])
            if item is None:
                continue
            own = domain_of(domain.name, item)
            if (own.lo, own.hi) != (domain.lo, domain.hi):
                return f"the range of `{domain.name}` is not the plan's"
        for fact in ground.facts:
            if self._is_altered(fact):
                return f"`{fact.name}` is not what the plan says"
        return self._of_limit(stated)

    def _is_altered(self, fact: Fact) -> bool:
        """Whether a requirement or refusal is not the plan's, where that can be seen."""
        if fact.name not in self._known:
            self._known[fact.name] = self._own(fact.name)
        own = self._known[fact.name]
        return own is not None and own != fact.formula

    def _own(self, name: str) -> Formula | None:
        """The plan's own formula of that name; None for other names, and where it needs made-up variables."""
        kind, _, number = name.partition(":")
        if kind not in ("require", "admitted") or not number.isdecimal():
            return None
        condition = self._condition(kind, int(number))
        if condition is None:
            return FALSE  # the plan says nothing of the kind
        sight = Sight(self.plan)
        try:
            held = sight.formula(condition)
        except BeyondError:
            return None
        own = held if kind == "require" else opposite(held)
        return own if names_in(own) <= self._variables.keys() else None

    def _condition(self, kind: str, number: int) -> Expression | None:
        """The condition of a requirement, or of a rule that refuses."""
        if kind == "require":
            found = self.plan.requirements[number : number + 1]
            return found[0].condition if found else None
        rules = self.plan.rules[number : number + 1]
        return rules[0].condition if rules and rules[0].kind is RuleKind.REFUSE else None

    def _of_limit(self, stated: Stated) -> str | None:
        """The goal of a statement about a limit is its measure against that very limit."""
        head, _, rest = stated.claim.partition(".")
        measured = stated.measured
        if not head.startswith("limits[") or measured is None:
            return None
        number = head.removeprefix("limits[").removesuffix("]")
        if not number.isdecimal() or int(number) >= len(self.plan.limits):
            return "the plan has no such limit"
        limit = self.plan.limits[int(number)]
        if measured.bound != limit.bound:
            return f"its bound is {measured.bound}, and the plan's is {limit.bound}"
        over = constant(1) if measured.over is None else measured.over
        excess = minus(measured.value, scaled(over, measured.bound))
        if stated.method == "open" or limit.kind is LimitKind.STOP_TIME:
            return None  # a stop takes whole ticks, so its goal is a bound of the level
        if isinstance(stated.goal, Atom) and primitive(excess) != stated.goal.term:
            return "its goal is not its measure against the limit"
        return self._of_area(rest, measured.over)

    def _of_area(self, rest: str, over: Polynomial | None) -> str | None:
        """A density is over the area of the plan's electrode, where that is a variable."""
        if not rest.startswith("electrodes[") or over is None:
            return None
        number = int(rest.removeprefix("electrodes[").removesuffix("]"))
        sight = Sight(self.plan)
        try:
            area = sight.number(self.plan.electrodes[number].area_um2)
        except BeyondError:
            return None
        return None if area == over else "the area in it is not the electrode's"
