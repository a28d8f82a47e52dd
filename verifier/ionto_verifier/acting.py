"""The part of a plan that machines act on: all of it but what is written for people."""

from __future__ import annotations

from ionto_ir.canonical import Json
from ionto_ir.codec import plan_to_json
from ionto_ir.expression import Operator
from ionto_ir.plan import Plan

NAMING = frozenset({"codes", "files", "indication", "name", "schema", "title", "tool", "version"})
"""Fields of a plan itself that say what it is called and where it comes from."""

WORDS = frozenset({"code", "despite", "envelope", "hazard", "source", "span", "text", "unit"})
"""Fields, anywhere in a plan, that are for people alone."""


def acting(plan: Plan) -> dict[str, Json]:
    """The fields of a plan, without the words in them. Equal fields are the same to every machine."""
    return {key: _without_words(value) for key, value in plan_to_json(plan).items() if key not in NAMING}


def _without_words(value: Json) -> Json:
    if isinstance(value, dict):
        # The text of a block of doses is its button, by which a machine knows it.
        button = value.get("kind") == "demand"
        return {
            key: _without_words(item)
            for key, item in value.items()
            if key not in WORDS or (button and key == "text")
        }
    if isinstance(value, list):
        return [_without_words(item) for item in value]
    return value


EXPRESSIONS = frozenset(
    {
        "area_um2",
        "basal_na",
        "charge_pc",
        "condition",
        "count",
        "delta_na",
        "duration_ms",
        "level_na",
        "lockout_ms",
        "next_when",
        "over_ms",
        "period_ms",
        "start_na",
        "stop_when",
        "swap_when",
        "target_na",
        "until",
        "window_ms",
        "within_ms",
    }
)
"""Fields that hold expressions, in which a text is the name of a value."""

NAMES = frozenset({"variable", "source", "pole"})
"""Fields that hold the name of a value."""


def alike_but_for_names(one: Plan, other: Plan) -> bool:
    """Whether two plans are the same to every machine once the values of one are called as in the other.

    Values are set beside each other in the order in which they were declared.
    """
    names = [tuple(item.name for item in plan.variables) for plan in (one, other)]
    if len(names[0]) != len(names[1]):
        return False
    called = dict(zip(names[1], names[0], strict=True))
    return acting(one) == {key: _called(value, key, called) for key, value in acting(other).items()}


def _called(value: Json, key: str, names: dict[str, str]) -> Json:
    if isinstance(value, dict):
        return {name: _called(item, name, names) for name, item in value.items()}
    if isinstance(value, list):
        if key == "variables":
            return [_declared(item, names) for item in value]
        operation = bool(value) and isinstance(value[0], str) and value[0] in _OPERATORS
        return [
            _called(item, "condition" if operation and place else key, names)
            for place, item in enumerate(value)
        ]
    if isinstance(value, str) and key in EXPRESSIONS | NAMES:
        return names.get(value, value)
    return value


def _declared(item: Json, names: dict[str, str]) -> Json:
    assert isinstance(item, dict), "a variable is an object"
    name = item["name"]
    return {**item, "name": names.get(name, name) if isinstance(name, str) else name}


_OPERATORS = frozenset(operator.value for operator in Operator)
