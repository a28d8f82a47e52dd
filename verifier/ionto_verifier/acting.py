"""The part of a plan that machines act on: all of it but what is written for people."""

from __future__ import annotations

from ionto_ir.canonical import Json
from ionto_ir.codec import plan_to_json
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
