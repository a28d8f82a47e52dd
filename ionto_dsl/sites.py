"""Sites that are chosen on the day: `active cathode patch on side`, `param side: left_heel | right_heel`."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_dsl.placements import Placed
from ionto_dsl.scope import Scope
from ionto_ir.dataclass import replace
from ionto_ir.device import Electrode
from ionto_ir.diagnostic import Label, error
from ionto_ir.plan import ChoiceDomain, Variable, VariableKind


def on_their_sites(
    placed: Sequence[Placed], variables: Sequence[Variable], scope: Scope
) -> tuple[Electrode, ...]:
    """The electrodes; where a choice names the site, its labels say what it may be."""
    table = {item.name: item for item in variables}
    return tuple(_sited(place.electrode, table, scope) for place in placed)


def _sited(electrode: Electrode, table: dict[str, Variable], scope: Scope) -> Electrode:
    name = electrode.site_variable
    if name is None:
        return electrode
    item = table.get(name)
    if item is None and name not in scope.entries:
        scope.look_up(name, electrode.span)  # says what there is instead
    elif item is None or not _chosen_before(item):
        labels = () if item is None else (Label(item.span, "declared here"),)
        message = f"`{name}` is no choice of a site that is made before the session"
        advice = "let it be chosen, for example `param side: left_heel | right_heel`"
        found = error("I0483", message, electrode.span, "placed on it", labels=labels, help=advice)
        scope.found.append(found)
    else:
        scope.used.add(name)
        assert isinstance(item.domain, ChoiceDomain), "it is a choice"
        return replace(electrode, site=" or ".join(label.replace("_", " ") for label in item.domain.labels))
    return replace(electrode, site_variable=None)


def _chosen_before(item: Variable) -> bool:
    known = item.kind in (VariableKind.PARAMETER, VariableKind.ANSWER)
    return known and isinstance(item.domain, ChoiceDomain)
