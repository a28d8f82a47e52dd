"""What the tool is made of, found without loading any of it: the part of a cache key that is not the source.

Every file of our own packages, of the parser and of the solver counts with name, size and time of change.
That is stricter than version numbers (who works on the prover has the same version all day) and needs no
reading of megabytes.
"""

from __future__ import annotations

import os
import sys
from importlib.machinery import PathFinder

PACKAGES = (
    "ionto_ir",
    "ionto_dsl",
    "ionto_grammars",
    "ionto_protocols",
    "ionto_verifier",
    "ionto_cli",
    "lark",
    "z3",
)
SOLVER = "z3"
SOLVER_LIBRARY = "libz3"
FILES_MAX = 20_000
"""More than all packages together have: a folder that leads into itself ends here."""


def folder_of(package: str) -> str | None:
    """The one folder that a package would be imported from; None when it is no folder."""
    found = PathFinder.find_spec(package)
    places = [] if found is None else list(found.submodule_search_locations or [])
    return places[0] if len(places) == 1 and os.path.isdir(places[0]) else None


def tool_state() -> str | None:
    """The digest of all that a verdict depends on besides source and options; None where that is unknown."""
    from hashlib import sha256

    found = [f"{sys.version} {sys.platform} {sys.flags.optimize}"]
    for package in PACKAGES:
        folder = folder_of(package)
        if folder is None:
            return None
        try:
            files = sorted(_files(folder))
        except OSError:
            return None
        if len(files) > FILES_MAX or (package == SOLVER and not _has_library(files)):
            return None
        found += [f"{path!r} {size} {changed_ns}" for path, size, changed_ns in files]
    return sha256("\n".join(found).encode("utf-8", "surrogatepass")).hexdigest()


def _has_library(files: list[tuple[str, int, int]]) -> bool:
    """Whether the solver is the one in its package; a system's library would change without being seen."""
    return any(os.path.basename(path).startswith(SOLVER_LIBRARY) for path, _, _ in files)


def _files(folder: str) -> list[tuple[str, int, int]]:
    """Path, size and time of change in ns of every file below; links are followed. Raises OSError."""
    found: list[tuple[str, int, int]] = []
    pending = [folder]
    while pending and len(found) <= FILES_MAX:
        with os.scandir(pending.pop()) as entries:
            for entry in entries:
                if entry.name == "__pycache__":
                    continue
                if entry.is_dir():
                    pending.append(entry.path)
                else:
                    seen = entry.stat()
                    found.append((entry.path, seen.st_size, seen.st_mtime_ns))
    return found
