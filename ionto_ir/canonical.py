"""Canonical JSON: the one way to write a value, so that equal values have equal bytes and equal digests.

The form is that of RFC 8785, restricted to objects, arrays, strings, integers, booleans and null. Floats
are refused in both directions: no quantity of ours is one, and their printed form is where canonical forms
differ. Integers are bounded by what every JSON reader keeps exactly, so that the digest means the same
everywhere. Reading is as strict as writing: what two readers could understand differently is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeAlias

from ionto_ir.dataclass import dataclass

Json: TypeAlias = "bool | int | str | list[Json] | dict[str, Json] | None"
"""A value as `read_json` gives it."""

JsonLike: TypeAlias = "bool | int | str | Sequence[JsonLike] | Mapping[str, JsonLike] | None"
"""A value that `canonical` writes: tuples are arrays too."""

INTEGER_MAX = 2**53 - 1
"""RFC 8785 numbers are double precision: beyond this two integers would share one printed form."""

DEPTH_MAX = 300
"""Nesting that no honest plan reaches (an expression is a few levels deep) and no reader's stack minds."""

_INTEGER_CHARACTERS_MAX = len(str(-INTEGER_MAX))
_BRACKET_OR_STRING = re.compile(r'[][{}]|"(?:[^"\\]|\\.)*+"?', re.DOTALL)


@dataclass(frozen=True, slots=True)
class JsonProblem:
    """Why bytes are not JSON of the restricted kind; `line` and `column` count from 1 where known."""

    text: str
    line: int = 1
    column: int = 1


class _RefusedError(Exception):
    """Carries a refusal out of the callbacks of the standard reader; never leaves this module."""


def canonical(value: JsonLike) -> bytes:
    """The canonical form as UTF-8 without a final newline.

    The caller guarantees that `unwritable(value)` is None; anything else is a bug and asserts.
    """
    reason = unwritable(value)
    if reason is not None:
        raise AssertionError(f"not a value of canonical JSON: {reason}")
    # Imported here and below: a run that only verifies reads and writes no JSON.
    import json

    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    if not text.isascii():
        # Only beyond ASCII can the order of characters differ from that of UTF-16 code units.
        text = json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8")


def unwritable(value: object) -> str | None:
    """What in `value` canonical JSON cannot say, with its place (`steps[3].level`), or None."""
    fault = _fault(value, 0)
    return None if fault is None else str(fault)


def digest(value: JsonLike) -> str:
    """The SHA-256 of the canonical form, in hexadecimal: the name of a value."""
    # hashlib pulls in the TLS library, which a run that only verifies would pay for and not use.
    from hashlib import sha256

    return sha256(canonical(value)).hexdigest()


def read_json(data: bytes) -> Json | JsonProblem:
    """The value that `data` writes, or why it is refused.

    Refused are: anything but UTF-8 JSON, a byte order mark, a repeated key, a number with a point or an
    exponent, `-0`, an integer beyond INTEGER_MAX, half of a surrogate pair, nesting deeper than DEPTH_MAX.
    The length of `data` is the caller's to bound.
    """
    import json

    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as problem:
        return JsonProblem("it is not text in UTF-8", *_place_of(data[: problem.start].decode("utf-8")))
    if _too_deep(text):
        return JsonProblem(f"it nests deeper than {DEPTH_MAX} levels")
    try:
        value: Json = json.loads(
            text,
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except json.JSONDecodeError as problem:
        return JsonProblem("it is not JSON", problem.lineno, problem.colno)
    except _RefusedError as refusal:
        return JsonProblem(str(refusal))
    reason = unwritable(value)
    return value if reason is None else JsonProblem(reason)


def fields_fault(value: dict[str, Json], what: str, names: tuple[str, ...]) -> str | None:
    """What keeps `value` from having exactly these fields: an unknown one may change what the others mean."""
    for name in names:
        if name not in value:
            return f"{what} has no field `{name}`"
    unknown = sorted(set(value) - set(names))
    return f"{what} has an unknown field `{printable(unknown[0])}`" if unknown else None


def printable(text: str, characters_max: int = 40) -> str:
    """Words of a file that nobody trusts yet, fit for a message: no control characters, and not long."""
    shown = "".join(character if " " <= character <= "~" else "?" for character in text[: characters_max + 1])
    return shown if len(shown) <= characters_max else shown[:characters_max] + "..."


def _ordered(value: JsonLike) -> JsonLike:
    """The same value with the keys of every object in the order of their UTF-16 code units."""
    if isinstance(value, Mapping):
        return {key: _ordered(value[key]) for key in sorted(value, key=_utf16)}
    if isinstance(value, (list, tuple)):
        return [_ordered(item) for item in value]
    return value


def _utf16(key: str) -> bytes:
    """Sort key: big-endian, so that comparing bytes compares code units."""
    return key.encode("utf-16-be")


@dataclass(frozen=True, slots=True)
class _Fault:
    """What canonical JSON cannot say; the place is put together only on the way out of a faulty value."""

    place: str
    text: str

    def within(self, outer: str) -> _Fault:
        return _Fault(
            f"{outer}.{self.place}" if self.place[:1] not in ("", "[") else outer + self.place, self.text
        )

    def __str__(self) -> str:
        return f"at `{printable(self.place)}`: {self.text}" if self.place else self.text


def _fault(value: object, depth: int) -> _Fault | None:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return None if -INTEGER_MAX <= value <= INTEGER_MAX else _Fault("", "an integer is beyond 2^53 - 1")
    if isinstance(value, str):
        return _fault_of_text(value)
    if depth == DEPTH_MAX:
        return _Fault("", f"it nests deeper than {DEPTH_MAX} levels")
    if isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            fault = _fault(item, depth + 1)
            if fault is not None:
                return fault.within(f"[{index}]")
        return None
    if isinstance(value, dict):
        return _fault_of_object(value, depth)
    return _Fault("", f"a {type(value).__name__} has no canonical form")


def _fault_of_object(value: dict[object, object], depth: int) -> _Fault | None:
    for key, item in value.items():
        if not isinstance(key, str):
            return _Fault("", "a key is not a string")
        fault = _fault_of_text(key) or _fault(item, depth + 1)
        if fault is not None:
            return fault.within(key)
    return None


def _fault_of_text(text: str) -> _Fault | None:
    if text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text):
        return None
    return _Fault("", "half of a surrogate pair is no character")


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found: dict[str, Json] = {}
    for key, value in pairs:
        if key in found:
            raise _RefusedError(f"the key `{printable(key)}` stands twice in one object")
        found[key] = value
    return found


def _integer(digits: str) -> int:
    if digits == "-0":
        raise _RefusedError("`-0` is not written in canonical JSON")
    if len(digits) > _INTEGER_CHARACTERS_MAX:
        raise _RefusedError(f"the number `{printable(digits)}` is beyond 2^53 - 1")
    return int(digits)


def _no_float(digits: str) -> Json:
    raise _RefusedError(f"`{printable(digits)}` is not an integer")


def _too_deep(text: str) -> bool:
    """Whether brackets outside strings nest deeper than DEPTH_MAX: asked before the reader recurses."""
    if text.count("[") + text.count("{") <= DEPTH_MAX:
        return False
    depth = 0
    for token in _BRACKET_OR_STRING.finditer(text):
        match text[token.start()]:
            case "[" | "{":
                depth += 1
                if depth > DEPTH_MAX:
                    return True
            case "]" | "}":
                depth -= 1
    return False


def _place_of(before: str) -> tuple[int, int]:
    """Line and column of the character that follows `before`."""
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
