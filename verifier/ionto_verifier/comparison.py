"""Two plans beside each other: are they the same treatment, and does the new one ever admit more?

Three things are compared. Rules that stand in both plans are compared line by line: limits, ranges of
parameters, interruptions, course, equipment. Who may be treated is asked of the prover: is there anybody whom
the new plan treats and the old one refuses? And what a session may reach at worst, over everything that each
plan admits, is bounded for both by the same method. A difference is shown by a session wherever there is one.
"""

from __future__ import annotations

from ionto_ir.dataclass import dataclass
from ionto_ir.plan import Plan
from ionto_verifier.acting import acting, alike_but_for_names
from ionto_verifier.aspects import Aspect, Change
from ionto_verifier.comparison_memory import memory_aspects
from ionto_verifier.comparison_output import output_aspects
from ionto_verifier.comparison_people import people_aspects
from ionto_verifier.comparison_rules import rule_aspects
from ionto_verifier.comparison_together import together_aspects
from ionto_verifier.term import TermTooLargeError


@dataclass(frozen=True, slots=True)
class Comparison:
    """All aspects in which two plans were compared. `identical`: no machine can tell them apart."""

    old: Plan
    new: Plan
    identical: bool
    aspects: tuple[Aspect, ...]

    @property
    def change(self) -> Change:
        """The gravest change of all."""
        order = list(Change)
        return max((item.change for item in self.aspects), key=order.index, default=Change.SAME)

    @property
    def exit_code(self) -> int:
        """0: the new plan never admits more; 1: it does; 3: that could not be decided."""
        match self.change:
            case Change.LOOSER:
                return 1
            case Change.UNDECIDED:
                return 3
            case _:
                return 0


def compare(old: Plan, new: Plan) -> Comparison:
    """Compare two well-formed plans."""
    if acting(old) == acting(new) or alike_but_for_names(old, new):
        return Comparison(old, new, identical=True, aspects=())
    aspects = [*rule_aspects(old, new)]
    try:
        aspects += memory_aspects(old, new)
        aspects += people_aspects(old, new)
        grave = (Change.LOOSER, Change.UNDECIDED, Change.OTHER)
        nobody_more = not any(item.change in grave and item.about_values for item in aspects)
        several = old.channels or new.channels
        reached = together_aspects if several else output_aspects
        aspects += reached(old, new, nobody_more=nobody_more)
    except TermTooLargeError as too_large:
        reason = f"a plan is too intricate to be compared: it leads to {too_large}"
        aspects.append(Aspect("what a session may reach", Change.UNDECIDED, "", "", reason))
    return Comparison(old, new, identical=False, aspects=tuple(aspects))
