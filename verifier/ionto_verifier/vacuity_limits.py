"""Limits that another limit of the same envelope makes needless: the smaller number counts, not the later.

Envelopes beside each other may well limit the same thing, and an envelope may limit a session below a day.
Only a line that no protocol whatever could pass without passing another line of its envelope first is told.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.diagnostic import Diagnostic, Label, warning
from ionto_ir.plan import Plan
from ionto_ir.wording import limit_text
from ionto_verifier.covering import covers

NEEDLESS = "I0726"


def idle_limits(plan: Plan) -> Iterator[Diagnostic]:
    """A warning for each limit that another line of its envelope, in the protocol's own file, implies."""
    for index, limit in enumerate(plan.limits):
        if limit.span.file != plan.span.file:
            continue
        for other_index, other in enumerate(plan.limits):
            if other_index == index or other.envelope != limit.envelope or other.bound > limit.bound:
                continue
            twins = other.bound == limit.bound and covers(limit, other)
            if covers(other, limit) and not (twins and other_index > index):
                yield warning(
                    NEEDLESS,
                    f"`{limit_text(limit)}` adds nothing to `{limit.envelope}`",
                    limit.span,
                    "whatever passes this passes another limit first",
                    labels=(Label(other.span, "this one is at least as strict"),),
                    help="leave it out, or write the number that was meant",
                )
                break
