"""What the claims of a plan rest on, in words: derived again, certified as stated, or on a solver's word."""

from __future__ import annotations

from collections import Counter

from ionto_ir.recheck.check import Rechecked, Standing


def certificates_line(checked: Rechecked) -> str:
    """The whole in a line."""
    derived, again = checked.count(Standing.DERIVED), len(checked.claims)
    word = checked.count(Standing.SOLVER)
    return (
        f"{checked.certificates} certificates; {derived} of {again} claims derived again from the plan, "
        f"{word} on a solver's word alone"
    )


def on_a_word(checked: Rechecked) -> str | None:
    """What is said before a session where a proof is not all certificates; None where there is nothing to
    say.
    """
    word = checked.count(Standing.SOLVER)
    if not word:
        return None
    claims = "a claim of this plan rests" if word == 1 else f"{word} claims of this plan rest"
    return f"{claims} on a solver's word alone: `ionto recheck` says which"


def standing_lines(checked: Rechecked) -> list[str]:
    """Each standing with its claims, by property; and why claims were not derived."""
    lines = []
    for standing in Standing:
        found = Counter(item.property for item in checked.claims if item.standing is standing)
        if found or standing is Standing.SOLVER:
            kinds = ", ".join(f"{name} {count}" for name, count in found.items())
            lines.append(
                f"  {sum(found.values()):>4} claims {standing.value}" + (f": {kinds}" if kinds else "")
            )
    reasons = Counter(
        (item.property, item.why_not_derived) for item in checked.claims if item.why_not_derived is not None
    )
    lines += [f"       not derived: {kind} {count}, {reason}" for (kind, reason), count in reasons.items()]
    return lines


def standing_data(checked: Rechecked) -> dict[str, object]:
    """The same for machines."""
    return {
        "certificates": checked.certificates,
        "derived": {"questions": checked.derived[1], "certified": checked.derived[0]},
        "arithmetic": checked.arithmetic,
        "shown": checked.shown,
        "stated": {"questions": checked.stated[1], "certified": checked.stated[0]},
        "not_understood": checked.not_understood,
        "standings": {item.name.lower(): checked.count(item) for item in Standing},
        "claims": [
            {
                "id": item.claim,
                "property": item.property,
                "statement": item.statement,
                "standing": item.standing.name.lower(),
                "derived": item.derived,
                "stated": item.stated,
                "why_not_derived": item.why_not_derived,
            }
            for item in checked.claims
        ],
    }
