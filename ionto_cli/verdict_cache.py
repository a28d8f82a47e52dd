"""Verdicts of unchanged files, kept as a compiler cache keeps objects; what is in doubt is proved anew.

An entry is found by the digest of the tool, the request and the file itself. It lists every path that the
compiler looked for, with what was there, or that nothing was: a file that appears where an import was looked
for in vain changes the meaning of an unchanged source. All of it is looked at again before an entry is
believed. No problem with the cache is ever an error: the verdict is then found by proving.

The cache shows a verdict again. Nothing is sealed from it: `ionto compile` proves always.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping

from ionto_cli.exits import Exit
from ionto_cli.outcome import Case, Judged, Outcome, Request, Suite
from ionto_cli.states import UNREADABLE, state_at
from ionto_cli.tool_state import folder_of, tool_state
from ionto_ir.canonical import Json, canonical, digest, read_json, unwritable
from ionto_ir.dataclass import dataclass

SCHEMA = "ionto.verdict/1"
LIBRARY = "ionto_protocols"
SUFFIX = ".verdict"
PART = ".part"
ENTRIES_MAX = 512
"""A large collection of protocols, in a few variants of options. The oldest are removed first."""
ENTRY_BYTES_MAX = 2_000_000
"""More than twice the entry of a protocol of a thousand steps with all outputs; larger ones are not kept."""
_DIGEST_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Cache:
    """An open cache: its folder, the state of the tool that it speaks for, and where its library lies."""

    folder: str
    tool: str
    library: str


def open_cache() -> Cache | None:
    """The cache of this person; None where it is switched off or cannot be trusted."""
    if os.environ.get("IONTO_CACHE") == "off":
        return None
    folder, tool, library = _folder(), tool_state(), folder_of(LIBRARY)
    if folder is None or tool is None or library is None:
        return None
    return Cache(folder, tool, library)


def _folder() -> str | None:
    """Where entries are kept; None where the folder is open to others, who could put verdicts there."""
    home, caches = os.environ.get("IONTO_HOME"), os.environ.get("XDG_CACHE_HOME")
    if home:
        folder = os.path.join(home, "cache")
    else:
        folder = os.path.join(caches or os.path.join(os.path.expanduser("~"), ".cache"), "ionto", "verdicts")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        found = os.stat(folder)
    except OSError:
        return None
    if hasattr(os, "getuid") and (
        found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    ):
        return None
    return folder


def key_of(cache: Cache, request: Request) -> str | None:
    """The name under which the outcome of a request is kept; None for what can never be."""
    root = state_at(request.file)
    if root == UNREADABLE:
        return None
    told = [request.margins, request.counterexamples]
    wishes = [*told, request.json, request.sarif, request.junit, *request.paints]
    made_of: Json = [
        SCHEMA,
        cache.tool,
        [request.file, request.device, request.protocol, *wishes],
        root,
    ]
    return None if unwritable(made_of) else digest(made_of)


def look_up(cache: Cache, key: str) -> Outcome | None:
    """The outcome kept under this name, when everything that it was made of is as it was."""
    try:
        with open(_place(cache, key), "rb") as file:
            data = file.read(ENTRY_BYTES_MAX + 1)
    except OSError:
        return None
    entry = _opened(data, key)
    if entry is None:
        return None
    paths, outcome = entry
    roots = {"local": "", "library": cache.library}
    if any(state_at(os.path.join(roots[root], path)) != state for root, path, state in paths):
        return None
    return outcome


def keep(cache: Cache, key: str, judged: Judged) -> None:
    """Keep an outcome, if it may be kept and the tool is still the one that the name was made for.

    Modules are loaded one after the other, also while somebody changes them; so the tool is looked at once
    more after the proof.
    """
    if not judged.settled or tool_state() != cache.tool:
        return
    entry = _written(key, judged)
    if entry is None or len(entry) > ENTRY_BYTES_MAX:
        return
    place = _place(cache, key)
    beside = f"{place}.{os.getpid()}{PART}"
    try:
        with open(beside, "xb") as file:
            file.write(entry)
        os.replace(beside, place)
        _remove_oldest(cache.folder)
    except OSError:
        _remove(beside)


def _place(cache: Cache, key: str) -> str:
    return os.path.join(cache.folder, key + SUFFIX)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def _remove_oldest(folder: str) -> None:
    """Leave the youngest entries. A part that was never finished is removed in its turn."""
    with os.scandir(folder) as listed:
        found = [
            (entry.stat().st_mtime_ns, entry.path) for entry in listed if entry.name.endswith((SUFFIX, PART))
        ]
    for _, path in sorted(found)[: max(0, len(found) - ENTRIES_MAX)]:
        _remove(path)


# --- the form of an entry: the digest of the rest in hexadecimal, a line end, canonical JSON ----------------
def _written(key: str, judged: Judged) -> bytes | None:
    outcome = judged.outcome
    value: Json = {
        "schema": SCHEMA,
        "key": key,
        "paths": [
            [root, path, state]
            for root, states in (("local", judged.local), ("library", judged.library))
            for path, state in states.items()
        ],
        "file": outcome.file,
        "exit": int(outcome.exit),
        "said": [[complaint, text] for complaint, text in outcome.said],
        "data": outcome.data,
        "findings": outcome.findings,
        "suites": [
            [suite.name, [[case.name, case.verdict, case.message] for case in suite.cases]]
            for suite in outcome.suites
        ],
    }
    if unwritable(value):
        return None
    body = canonical(value)
    return _digest(body) + b"\n" + body


def _digest(body: bytes) -> bytes:
    from hashlib import sha256

    return sha256(body).hexdigest().encode()


Entry = tuple[list[tuple[str, str, str]], Outcome]


def _opened(data: bytes, key: str) -> Entry | None:
    """What an entry says; None when a byte of it is not as it was written, or it belongs elsewhere."""
    head, body = data[: _DIGEST_LENGTH + 1], data[_DIGEST_LENGTH + 1 :]
    if len(data) > ENTRY_BYTES_MAX or head != _digest(body) + b"\n":
        return None
    value = read_json(body)
    if not isinstance(value, dict) or value.get("schema") != SCHEMA or value.get("key") != key:
        return None
    try:
        return list(_paths(value["paths"])), _outcome(value)
    except (KeyError, TypeError, ValueError):
        return None


def _paths(value: Json) -> Iterator[tuple[str, str, str]]:
    for root, path, state in _list(value):
        if root not in ("local", "library") or state == UNREADABLE:
            raise ValueError
        yield _text(root), _text(path), _text(state)


def _outcome(value: Mapping[str, Json]) -> Outcome:
    exit_ = Exit(_integer(value["exit"]))
    if exit_ not in (Exit.PROVED, Exit.REFUTED):
        raise ValueError
    return Outcome(
        _text(value["file"]),
        exit_,
        tuple((bool(complaint), _text(text)) for complaint, text in _list(value["said"])),
        _text(value["data"]),
        _text(value["findings"]),
        tuple(
            Suite(
                _text(name),
                tuple(
                    Case(_text(case), _text(verdict), None if message is None else _text(message))
                    for case, verdict, message in _list(cases)
                ),
            )
            for name, cases in _list(value["suites"])
        ),
    )


def _list(value: Json) -> list[list[Json]]:
    if not isinstance(value, list) or not all(isinstance(item, list) for item in value):
        raise TypeError
    return [item for item in value if isinstance(item, list)]


def _text(value: Json) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _integer(value: Json) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value
