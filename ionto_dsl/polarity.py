"""Reversals: which polarities are possible where, and whether one brings an ion under the wrong pole."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ionto_dsl import typed
from ionto_dsl.poles import ion_word, opposite, wrong_pole
from ionto_ir.device import Drug, Electrode
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.source import Span

SAME = frozenset({False})
BOTH = frozenset({False, True})


class Reversals:
    """The reversals of a session. `despite` is the author's reason for one that needs it, if there is one."""

    __slots__ = ("despite", "electrodes", "found", "reasons", "reported", "turns")

    def __init__(
        self, electrodes: Sequence[Electrode], steps: Sequence[typed.Step], found: list[Diagnostic]
    ) -> None:
        self.electrodes = electrodes
        self.found = found
        self.turns = list(reversals_in(steps))
        self.reasons = [turn.despite for turn in self.turns if turn.despite is not None]
        self.reported: set[int] = set()
        self.despite: str | None = None

    def check(self, parities: frozenset[bool], reversed_: bool, span: Span) -> None:
        """A current begins to flow; with one of these parities it may run against the declared polarity."""
        if not any(parity is not reversed_ for parity in parities):
            return
        for number, electrode in enumerate(self.electrodes):
            if number in self.reported or electrode.despite is not None:
                continue
            wrong = [
                drug
                for drug in electrode.drugs
                if drug.ion is None or wrong_pole(drug, opposite(electrode.role))
            ]
            if not wrong:
                continue
            if self.reasons:
                self.despite = "; ".join(dict.fromkeys(self.reasons))
                continue
            self.reported.add(number)
            drug = wrong[0]
            pole = opposite(electrode.role).value
            labels = [Label(electrode.span, f"declared as the {electrode.role.value}")]
            labels += [Label(turn.span, "reversed here") for turn in self.turns[:1]]
            self.found.append(
                error(
                    "I0451",
                    f"`{drug.name}` comes under {_held_back(drug, pole)}",
                    span,
                    "this current runs against the declared polarity",
                    labels=tuple(labels),
                    help='leave the reversal out, or say why with `reverse polarity despite "..."`',
                )
            )


def _held_back(drug: Drug, pole: str) -> str:
    if drug.ion is None:
        return "the pole that was not chosen for it"
    if drug.ion == 0:
        return f"the {pole}, from which water carries it away"
    return f"the {pole}, which holds {ion_word(drug)}s back"


def turns_of(steps: Sequence[typed.Step]) -> frozenset[bool]:
    """Whether these steps may leave the polarity swapped (True), unswapped (False), or either."""
    turns = SAME
    for step in steps:
        match step:
            case typed.Reverse():
                turns = combined(turns, frozenset({True}))
            case typed.If(_, then, otherwise):
                turns = combined(turns, turns_of(then) | turns_of(otherwise))
            case typed.Repeat(body=body):
                if turns_of(body) != SAME:
                    turns = BOTH
            case _:
                pass
    return turns


def reversals_in(steps: Sequence[typed.Step]) -> Iterator[typed.Reverse]:
    """All `reverse polarity` steps, also the nested ones."""
    for step in steps:
        match step:
            case typed.Reverse():
                yield step
            case typed.If(_, then, otherwise):
                yield from reversals_in((*then, *otherwise))
            case typed.Repeat(body=body) | typed.OnDemand(body=body):
                yield from reversals_in(body)
            case _:
                pass


def energises(steps: Sequence[typed.Step]) -> bool:
    """Whether current may flow in these steps."""
    for step in steps:
        match step:
            case typed.Ramp() | typed.HoldFor() | typed.HoldUntil() | typed.Deliver():
                return True
            case typed.If(_, then, otherwise) if energises(then) or energises(otherwise):
                return True
            case typed.Repeat(body=body) if energises(body):
                return True
            case typed.OnDemand(basal=basal, body=body) if basal is not None or energises(body):
                return True
            case _:
                pass
    return False


def combined(first: frozenset[bool], second: frozenset[bool]) -> frozenset[bool]:
    """One change of polarity after another."""
    return frozenset(one is not other for one in first for other in second)


def after_rounds(parities: frozenset[bool], turns: frozenset[bool], rounds: int | None) -> frozenset[bool]:
    """The polarities that are possible after so many rounds; None: after any number of them, also none."""
    if turns == SAME:
        return parities
    if rounds is not None and len(turns) == 1:
        return parities if rounds % 2 == 0 else combined(parities, turns)
    return BOTH
