"""What obligations with the same variables and guards have in common, worked out once."""

from __future__ import annotations

from typing import TypeAlias

from ionto_ir.dataclass import dataclass
from ionto_verifier.certificate import Known, assumed, is_contradictory
from ionto_verifier.core import Sources
from ionto_verifier.obligation import FALSE, Guard, Obligation, Variable, formula_variables
from ionto_verifier.ranges import Ranges


@dataclass(frozen=True, slots=True)
class Ground:
    """Variables and guards, what is known from them alone, and where each bound comes from."""

    number: int
    known: Known
    ranges: Ranges
    sources: Sources
    contradictory: bool


_Parts: TypeAlias = tuple[tuple[Variable, ...], tuple[Guard, ...]]


class Grounds:
    """All grounds that were asked for, found by identity first: comparing long tuples costs more than
    intervals do. What is found so is kept, lest something else gets its identity.
    """

    __slots__ = ("_by_identity", "_by_value")

    def __init__(self) -> None:
        self._by_identity: dict[tuple[int, int], tuple[_Parts, Ground]] = {}
        self._by_value: dict[_Parts, Ground] = {}

    def of(self, obligation: Obligation) -> Ground:
        """The ground of an obligation."""
        identity = (id(obligation.variables), id(obligation.guards))
        found = self._by_identity.get(identity)
        if found is not None:
            return found[1]
        parts = (obligation.variables, obligation.guards)
        ground = self._by_value.get(parts)
        if ground is None:
            ground = self._by_value[parts] = _ground(obligation, len(self._by_value))
        self._by_identity[identity] = parts, ground
        return ground


def _ground(obligation: Obligation, number: int) -> Ground:
    names = {item.name for item in obligation.variables}
    for guard in obligation.guards:
        assert formula_variables(guard.formula) <= names, f"{obligation.id}: {guard.name} names a stranger"
    known = assumed(Obligation("", "", obligation.variables, obligation.guards, FALSE))
    return Ground(number, known, Ranges(known.box), Sources(known), is_contradictory(known))
