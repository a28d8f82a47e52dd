"""The tables of IonLink as a C header: what the firmware is compiled with (`make docs` writes it)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum, IntFlag

from ionto_runtime.link import schema
from ionto_runtime.link.schema import BOARDS, FACTS, HEADER, LIMITS, PAYLOADS, Board, Field, size_of

_ENUMS: tuple[type[IntEnum] | type[IntFlag], ...] = (
    schema.Kind,
    schema.Answer,
    schema.Reason,
    schema.State,
    schema.Trip,
    schema.Flag,
    schema.Fact,
)

_NUMBERS = (
    "VERSION",
    "FRAME_BYTES_MAX",
    "SEQUENCE_AHEAD_MAX",
    "SEEN_AGE_MS_MAX",
    "EXPIRY_RAMP_MS",
    "CONTROL_MS",
    "SLEW_NA_S_MIN",
    "OVER_CURRENT_PERCENT",
    "OVER_CURRENT_MS",
    "OVER_VOLTAGE_PERCENT",
    "WATCHDOG_MS",
    "GROUND_COUNTS_MAX",
    "NO_PAGE",
    "LIMITS_PAGE",
    "PAGE_BYTES",
)


def c_header() -> str:
    """The whole header; BOARD says for which of the boards, the first one where nobody says it."""
    lines = [
        "/* Written from runtime/ionto_runtime/link/schema.py by `make docs`; not to be edited. */",
        "#ifndef IONLINK_SCHEMA_H",
        "#define IONLINK_SCHEMA_H",
        "",
        f"#define IONLINK_SEED 0x{schema.SEED:08X}UL",
        *(f"#define IONLINK_{name} {getattr(schema, name)}" for name in _NUMBERS),
        f"#define IONLINK_REFERENCE_COUNTS_MIN {schema.REFERENCE_COUNTS[0]}",
        f"#define IONLINK_REFERENCE_COUNTS_MAX {schema.REFERENCE_COUNTS[1]}",
        f"#define IONLINK_STOP_BYTES {{{', '.join(f'0x{byte:02X}' for byte in schema.STOP_BYTES)}}}",
        "",
    ]
    for enum in _ENUMS:
        prefix = enum.__name__.upper()
        lines += [f"#define {prefix}_{member.name} {member.value}" for member in enum] + [""]
    lines += [*_offsets("HEADER", HEADER), *_offsets("LIMITS", LIMITS), *_offsets("FACTS", FACTS)]
    for kind, fields in PAYLOADS.items():
        lines += _offsets(kind.name, fields)
    lines += ["#ifndef BOARD", "#define BOARD 0", "#endif"]
    for number, board in enumerate(BOARDS):
        lines += [f"#{'el' if number else ''}if BOARD == {number}", *_board(board)]
    lines += ["#else", "#error no such board", "#endif", "", "#endif"]
    return "\n".join(lines) + "\n"


def _offsets(name: str, fields: tuple[Field, ...]) -> Iterator[str]:
    """Where each field begins, and how long all are."""
    at = 0
    for field in fields:
        yield f"#define {name}_AT_{field.name.upper()} {at}"
        at += field.size
    yield f"#define {name}_BYTES {size_of(fields)}"
    yield ""


def _board(board: Board) -> Iterator[str]:
    yield f'#define BOARD_MODEL "{board.model}"'
    for name in Board.__slots__:
        if name != "model":
            yield f"#define BOARD_{name.upper()} {getattr(board, name)}UL"
    yield f"#define BOARD_ZERO_NA_MAX {board.zero_na_max}UL"
    yield f"#define BOARD_OVER_CURRENT_NA {board.over_current_na}UL"
