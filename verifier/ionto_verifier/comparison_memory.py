"""What sessions keep from each other under two plans.

What a `carry` line asks of today's value is a requirement, and requirements are compared for every
remembered value whatever. That leaves what else a memory says: its first value, when a polarity is swapped,
and whether it is there at all. A difference is shown by a course that is followed session by session, at the
values that go furthest.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.course import Memory, MemoryKind
from ionto_ir.dataclass import replace
from ionto_ir.plan import ChoiceDomain, Plan
from ionto_verifier.aspects import Aspect, Change
from ionto_verifier.carried import in_first_session
from ionto_verifier.comparison_people import people_aspects

NOTHING = "nothing"


def memory_aspects(old: Plan, new: Plan) -> Iterator[Aspect]:
    """What is carried by one of two plans and not, or otherwise, by the other."""
    former, latter = _memories(old), _memories(new)
    for name in dict.fromkeys((*former, *latter)):
        before, after = former.get(name), latter.get(name)
        subject = f"carried: {name.removeprefix('previous.').removeprefix('course.')}"
        if before is None or after is None:
            held = [NOTHING if item is None else "carried" for item in (before, after)]
            asks = _asks(old, before) if before is not None else _asks(new, after)
            # A requirement that is gone is found where requirements are compared.
            change = Change.OTHER if not asks else Change.SAME if after is None else Change.STRICTER
            yield Aspect(subject, change, held[0], held[1])
        elif before.kind is MemoryKind.PHASE:
            yield from _phases(old, new, subject)
        elif before.kind is MemoryKind.POLARITY and before.swap_when != after.swap_when:
            reason = "the poles are swapped after other sessions"
            yield Aspect(subject, Change.OTHER, "carried", "carried", reason)
        elif before.first != after.first:
            yield from _first_sessions(old, new, subject)


def _memories(plan: Plan) -> dict[str, Memory]:
    memories = () if plan.course is None else plan.course.memories
    return {item.variable: item for item in memories if item.kind is not MemoryKind.SESSION}


def _asks(plan: Plan, memory: Memory | None) -> bool:
    """Whether what is carried is required of today's value."""
    return memory is not None and any(item.span == memory.span for item in plan.requirements)


def _phases(old: Plan, new: Plan, subject: str) -> Iterator[Aspect]:
    """A phase is known by its number, so conditions on it compare only where phases have the same names."""
    labels = [
        item.domain.labels if isinstance(item.domain, ChoiceDomain) else ()
        for plan in (old, new)
        for item in plan.variables
        if item.name == "course.phase"
    ]
    if len(labels) == 2 and labels[0] != labels[1]:
        reason = "conditions speak of the phase, and the phases of the two courses are not the same"
        told = [", ".join(item) for item in labels]
        yield Aspect(subject, Change.UNDECIDED, told[0], told[1], reason, about_values=True)


def _first_sessions(old: Plan, new: Plan, subject: str) -> Iterator[Aspect]:
    """With other first values: whom does a first session admit?"""
    found = [*people_aspects(in_first_session(old), in_first_session(new))]
    grave = max(found, key=lambda item: list(Change).index(item.change), default=None)
    if grave is None or grave.change not in (Change.LOOSER, Change.UNDECIDED):
        yield Aspect(subject, Change.STRICTER, "carried", "carried, from another first value")
    else:
        yield replace(grave, subject=f"{subject}, {grave.subject}")
