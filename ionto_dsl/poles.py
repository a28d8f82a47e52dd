"""Poles: which one each electrode is, which one a drug needs, and what is decided on the day."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_dsl import surface
from ionto_dsl.scope import Entry, Origin, Scope
from ionto_dsl.typed import Choice
from ionto_ir.device import Drug, Electrode, driving_role
from ionto_ir.diagnostic import Label, error
from ionto_ir.expression import integer_reference
from ionto_ir.limits import Role
from ionto_ir.plan import ChoiceDomain, Variable, VariableKind

POLE = "active.pole"
"""The parameter by which the pole of the active electrodes is chosen; 0 is the one that is named first."""


def opposite(role: Role) -> Role:
    """The role that a reversal gives."""
    return Role.ANODE if role is Role.CATHODE else Role.CATHODE


def wrong_pole(drug: Drug, role: Role) -> bool:
    """Whether the pole holds the drug back; one whose sign is not known is not held back by any that is
    chosen with it.
    """
    driving = driving_role(drug.ion)
    return driving is not None and driving is not role


def ion_word(drug: Drug) -> str:
    """`cation`, `anion` or `neutral molecule`."""
    if drug.ion is None:
        return "ion"
    return "cation" if drug.ion > 0 else "anion" if drug.ion else "neutral molecule"


def roles_of(items: Sequence[surface.Placement], scope: Scope) -> dict[int, Role]:
    """The role of each placement whose pole is chosen, by identity; declares the choice.

    Either every electrode is chosen or none is: a current leaves by the pole by which it did not enter.
    """
    chosen = [item for item in items if item.chosen]
    fixed = [item for item in items if not item.chosen]
    if not chosen:
        return {}
    if fixed:
        message = "the pole of one electrode is chosen on the day, and that of another is not"
        labels = (Label(chosen[0].span, "chosen on the day"),)
        advice = "write `anode or cathode` for all of them, or for none"
        scope.found.append(
            error("I0457", message, fixed[0].span, f"always the {fixed[0].pole}", labels=labels, help=advice)
        )
    first = next((item for item in chosen if item.place == "active"), chosen[0])
    role = Role(first.pole) if first.place == "active" else opposite(Role(first.pole))
    labels_ = (role.value, opposite(role).value)
    value = Choice(integer_reference(POLE), labels_, POLE)
    scope.entries[POLE] = Entry(Origin.PARAMETER, value, first.span)
    scope.used.add(POLE)
    return {id(item): role if item.place == "active" else opposite(role) for item in chosen}


def pole_variable(items: Sequence[surface.Placement]) -> Variable | None:
    """The parameter by which the pole is chosen, if it is."""
    first = next((item for item in items if item.chosen and item.place == "active"), None)
    if first is None:
        return None
    role = Role(first.pole)
    domain = ChoiceDomain((role.value, opposite(role).value))
    text = "Pole of the active electrode: anode for a positive ion, cathode for a negative one"
    return Variable(POLE, VariableKind.PARAMETER, domain, text, False, None, first.span)


def check_poles(electrode: Electrode, item: surface.Placement, scope: Scope) -> None:
    """Whether one pole drives all that is in the reservoir, and the electrode is it."""
    if electrode.despite is not None or not electrode.drugs:
        return
    spans = {medicine.drug.text: medicine.drug.span for medicine in item.medicines}
    unknown = [drug for drug in electrode.drugs if drug.ion is None]
    if unknown and (not item.chosen or len(unknown) < len(electrode.drugs)):
        _unknown(unknown[0], item, scope)
        return
    needed = {driving_role(drug.ion) for drug in electrode.drugs}
    if len(needed) > 1:
        _opposite_ions(electrode, item, scope)
        return
    wrong = [drug for drug in electrode.drugs if item.chosen or wrong_pole(drug, electrode.role)]
    for drug in wrong:
        if drug.ion is None:
            continue
        driving = driving_role(drug.ion)
        assert driving is not None, "its ion is known"
        pole = opposite(driving).value
        message = f"`{drug.name}` is {_a(ion_word(drug))}, and the {pole} holds {ion_word(drug)}s back"
        if drug.ion == 0:
            message = f"`{drug.name}` is neutral, and water carries it away from the {pole}"
        charge = f"its ion has the charge {drug.ion:+d}" if drug.ion else "it has no charge"
        where = "may come under either pole" if item.chosen else f"under the {item.pole}"
        advice = f'make this electrode the {driving.value}, or say why not with `despite "..."`'
        labels = (Label(drug.span, charge),)
        span = spans.get(drug.name, item.span)
        scope.found.append(error("I0451", message, span, where, labels=labels, help=advice))


def _unknown(drug: Drug, item: surface.Placement, scope: Scope) -> None:
    span = next((part.drug.span for part in item.medicines if part.drug.text == drug.name), item.span)
    message = f"the sign of the ion of `{drug.name}` is known on the day, and what lies here is decided now"
    label = f"always under the {item.pole}"
    placed = f"{item.place} anode or cathode {item.electrode.text}"
    advice = f"write `{placed} ...`: the pole is then chosen with the drug"
    if item.chosen:
        message = f"nobody knows whether `{drug.name}` and what lies in one reservoir with it have one sign"
        label, advice = "may be a cation or an anion", "give it an electrode of its own"
    labels = (Label(drug.span, "`ion unknown`"),)
    scope.found.append(error("I0459", message, span, label, labels=labels, help=advice))


def _opposite_ions(electrode: Electrode, item: surface.Placement, scope: Scope) -> None:
    wrong = [drug for drug in electrode.drugs if wrong_pole(drug, electrode.role)]
    span = next((part.drug.span for part in item.medicines if part.drug.text == wrong[0].name), item.span)
    words = sorted({ion_word(drug) for drug in electrode.drugs})
    named = " and ".join(f"`{drug.name}` is {_a(ion_word(drug))}" for drug in electrode.drugs)
    scope.found.append(
        error(
            "I0452",
            f"{' and '.join(_a(word) for word in reversed(words))} lie in one reservoir: {named}",
            span,
            f"the {item.pole} holds this one back",
            help='give them electrodes of their own, or say why with `despite "..."`',
        )
    )


def _a(word: str) -> str:
    return ("an " if word[0] in "aeiou" else "a ") + word
