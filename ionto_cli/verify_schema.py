"""The JSON Schema of what `ionto verify --json` prints; that of a report in it is the verifier's own."""

from __future__ import annotations

from ionto_cli.exits import Exit

Json = dict[str, object]

RUN_SCHEMA = "ionto.verify.run/1"
REPORT = "urn:ionto:verify:1"


def verify_run_schema() -> Json:
    """The schema; `reports` refer to `docs/reference/verify.schema.json` by its name."""
    exits: Json = {"enum": [int(code) for code in Exit]}
    file = _object(
        {
            "file": {"type": "string", "description": "the name as it was given"},
            "exit": exits,
            "diagnostics": _list({"type": "object"}),
            "reports": _list({"$ref": REPORT}),
            "opinions": _list({"type": "object"}),
            "unchanged": {"type": "boolean", "description": "whether the verdict is from the cache"},
        }
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:{RUN_SCHEMA.replace('.', ':').replace('/', ':')}",
        "title": "A run of `ionto verify`",
        "description": "What `ionto verify --json` prints: each file in the order given, and the machine.",
        **_object(
            {
                "schema": {"const": RUN_SCHEMA},
                "files": _list(file),
                "machine": {"type": ["object", "null"], "description": "the machine theorem, with --machine"},
            }
        ),
    }


def _object(properties: Json) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _list(items: Json) -> Json:
    return {"type": "array", "items": items}
