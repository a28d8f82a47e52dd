"""How often and how long a session may be interrupted: what the protocol says, within what its envelopes
allow.
"""

from __future__ import annotations

from collections.abc import Sequence

from ionto_dsl import surface
from ionto_dsl.limits_of import InterruptionRules, Said
from ionto_dsl.wording import base_in_unit
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.plan import Interruptions
from ionto_ir.units import DIMENSIONLESS, TIME, Dimension


def combined(
    own: InterruptionRules,
    envelopes: Sequence[tuple[str, InterruptionRules]],
    owner: surface.Protocol,
    found: list[Diagnostic],
) -> Interruptions | None:
    """What holds for the protocol; None, and a diagnostic, when nobody says it. There is no default.

    A protocol that says nothing has what its envelopes allow (the least of them); one that says more than
    they allow is refused. With `no resume` a pause is a stop, so there is nothing else to say.
    """
    ends = [rules.no_resume for _, rules in envelopes] + [own.no_resume]
    end = next((span for span in reversed(ends) if span is not None), None)
    counts = [(name, rules.count_max) for name, rules in envelopes]
    pauses = [(name, rules.each_ms_max) for name, rules in envelopes]
    count = _least(own.count_max, counts, "interruptions", DIMENSIONLESS, found)
    each = _least(own.each_ms_max, pauses, "long an interruption", TIME, found)
    if end is not None:
        return Interruptions(0, 0, False, end)
    if count is not None and count.value == 0:
        return Interruptions(0, 0, True, count.span)
    if count is None or each is None:
        _missing(count, each, owner, found)
        return None
    return Interruptions(count.value, each.value, True, count.span)


def _least(
    own: Said | None,
    others: Sequence[tuple[str, Said | None]],
    what: str,
    dimension: Dimension,
    found: list[Diagnostic],
) -> Said | None:
    allowed = [(name, said) for name, said in others if said is not None]
    if own is None:
        return min((said for _, said in allowed), key=lambda said: said.value, default=None)
    for name, said in allowed:
        if own.value > said.value:
            unit = "min" if dimension == TIME else ""
            limit = base_in_unit(said.value, dimension, unit)
            found.append(
                error(
                    "I0408",
                    f"the envelope `{name}` does not allow so {'many ' if dimension != TIME else ''}{what}",
                    own.span,
                    f"more than {limit}",
                    labels=(Label(said.span, f"at most {limit}"),),
                    help="a protocol can be stricter than its envelope, never laxer",
                )
            )
    return own


def _missing(count: Said | None, each: Said | None, owner: surface.Protocol, found: list[Diagnostic]) -> None:
    what = "how long an interruption may be" if count is not None else "how often it may be interrupted"
    if count is None and each is None:
        what = "how often and how long it may be interrupted"
    span = owner.name.span if count is None else count.span
    found.append(
        error(
            "I0407",
            f"the protocol `{owner.name.text}` does not say {what}, and neither does its envelope",
            span,
            "this decides what the skin can receive, so there is no default",
            help="write `interruptions at most 3, each at most 5 min`, or `no resume`",
        )
    )
