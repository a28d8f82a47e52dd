"""What makes one round of a repetition another than the next: people, values that move, and rounds within."""

from __future__ import annotations

from collections.abc import Iterable

from ionto_ir.plan import Confirm, Instruct, Loop, Move, Record, Step
from ionto_verifier.encode import Encoding


def may_differ(encoding: Encoding, body: Iterable[int]) -> bool:
    """Whether rounds of these steps may differ: not because of what is chosen or answered once for all."""
    return bool(encoding.adjustable) or any(_is_open(encoding.plan.steps[index]) for index in body)


def _is_open(step: Step) -> bool:
    """Whether what a step does, or where it leads, is seen only when it is reached."""
    match step:
        case Record():
            return True
        case Confirm() | Instruct() | Move():
            return step.late is not None
        case Loop():
            return step.until is not None or step.within_ms is not None
        case _:
            return False
