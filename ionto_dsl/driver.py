"""The door of the front end: files in, plans and diagnostics out. Only this module reads files.

An import `drugs.acetate` is looked for beside the file that imports (`drugs/acetate.ionto`, or a declaration
in `drugs.ionto`), then in the shipped library. What is found beside the file wins; the plan names every file
with its digest, so that a reviewer sees which one it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import Protocol

from ionto_dsl import surface
from ionto_dsl.compilation import Compilation, Tooling, compile_program
from ionto_dsl.parse import parse
from ionto_dsl.resolve import Loaded, resolve
from ionto_dsl.suggest import nearest
from ionto_dsl.unreadable import decode
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.source import SourceFile

TOOL = "ionto 0.1.0"
"""What a plan says it was made with; a test holds it to the version of the package."""

BYTES_MAX = 8_000_000
"""A file is looked at before it is read: four bytes for each of the characters that the parser accepts."""
FILES_MAX = 200
"""Files that one file may import, also indirectly; the shipped library has fewer."""
LISTED_MAX = 2_000
"""Names that are looked at for a suggestion; a folder with more holds something else."""
SUFFIX = ".ionto"
LIBRARY = "ionto_protocols"


class Folder(Protocol):
    """Where files come from. Paths are relative, with forward slashes."""

    def read(self, path: str) -> bytes | str | None:
        """The bytes of a file; words that say why it cannot be read; None when there is no such file."""

    def paths(self) -> Iterable[str]:
        """The files that there are, for suggestions."""


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder of the file system; an empty root is the working directory; absolute paths stay so."""

    root: str

    def read(self, path: str) -> bytes | str | None:
        """The bytes of a file, unless it is larger than any source."""
        place = os.path.join(self.root, path)
        try:
            if os.stat(place).st_size > BYTES_MAX:
                return f"it is larger than {BYTES_MAX // 1_000_000} MB"
            with open(place, "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError:
            return "its name is none that a file can have"
        except OSError as problem:
            return (problem.strerror or "the system refuses").lower()

    def paths(self) -> Iterable[str]:
        """The sources in the folder and in the folders directly in it."""
        folders = [name for name in _listed(self.root or ".") if "." not in name]
        found = list(_listed(self.root or "."))
        found += [
            f"{folder}/{name}" for folder in folders for name in _listed(os.path.join(self.root, folder))
        ]
        return [path for path in found if path.endswith(SUFFIX)][:LISTED_MAX]


def _listed(folder: str) -> list[str]:
    """The names in a folder; none when it is no folder or may not be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


@dataclass(frozen=True, slots=True)
class Memory:
    """Files held in memory, by path."""

    files: Mapping[str, str]

    def read(self, path: str) -> bytes | str | None:
        """The text as bytes."""
        text = self.files.get(path)
        return None if text is None else text.encode("utf-8", "surrogatepass")

    def paths(self) -> Iterable[str]:
        """All of them."""
        return self.files.keys()


def shipped() -> Disk:
    """The library that comes with ionto."""
    import ionto_protocols

    assert ionto_protocols.__file__ is not None, "the library is a package with files"
    return Disk(os.path.dirname(ionto_protocols.__file__))


def compile_file(
    name: str,
    device: str | None = None,
    *,
    folder: Folder | None = None,
    library: Folder | None = None,
    protocol: str | None = None,
) -> Compilation:
    """Compile a file for the devices that its protocols name, for `device`, or for every fitting one of the
    library.

    `name` is a path, or the dotted name of a shipped declaration
    (`treatments.plantar_fasciitis_dexamethasone`). `protocol` leaves only one of several protocols. Problems
    are in the result, never raised.
    """
    local = Disk("") if folder is None else folder
    loader = _Loader(local, shipped() if library is None else library)
    root = loader.root(name)
    if isinstance(root, Diagnostic):
        return Compilation((), (root,), (), (), ())
    loader.load(root)
    program, found = resolve(loader.loaded)
    tooling = Tooling(TOOL, loader.order, device, protocol)
    return compile_program(program, root.key, [*loader.found, *found], tooling, loader.devices)


def compile_text(text: str, device: str | None = None, *, name: str = "protocol.ionto") -> Compilation:
    """Compile a text that may import from the shipped library only."""
    return compile_file(name, device, folder=Memory({name: text}))


@dataclass(frozen=True, slots=True)
class _Place:
    """A file: in the library or not, its path there, and the name by which messages call it."""

    library: bool
    path: str

    @property
    def key(self) -> str:
        return ("library:" if self.library else "local:") + self.path

    @property
    def shown(self) -> str:
        return f"{LIBRARY}/{self.path}" if self.library else self.path


class _Loader:
    """Reads a file and everything that it imports, each file once."""

    __slots__ = ("found", "library", "loaded", "local", "order")

    def __init__(self, local: Folder, library: Folder) -> None:
        self.local = local
        self.library = library
        self.loaded: dict[str, Loaded] = {}
        self.order: list[SourceFile] = []
        self.found: list[Diagnostic] = []

    def root(self, name: str) -> _Place | Diagnostic:
        """The place of the file to compile."""
        place = _Place(False, name)
        content = self.local.read(name)
        if content is None and _is_dotted(name):
            shipped_place = _Place(True, name.replace(".", "/") + SUFFIX)
            if self.library.read(shipped_place.path) is not None:
                return shipped_place
        if isinstance(content, bytes):
            return place
        reason = "there is no such file" if content is None else content
        near = nearest(name, self.local.paths()) if content is None else None
        advice = None if near is None else f"did you mean `{near}`?"
        return error("I0211", f"`{name}` cannot be read: {reason}", None, help=advice)

    def load(self, root: _Place) -> None:
        """Read the root and all imports, breadth first; report what is missing and what leads back."""
        pending = [root]
        seen = {root.key}
        while pending:
            place = pending.pop(0)
            tree, targets = self._read(place)
            source = self.order[-1]
            keys = tuple(None if target is None else target.key for target in targets)
            file = surface.File((), (), source.whole()) if tree is None else tree
            self.loaded[place.key] = Loaded(place.key, source, file, tree is not None, keys)
            for target, imported in zip(targets, file.imports, strict=True):
                if target is None or target.key in seen:
                    continue
                if len(seen) >= FILES_MAX:
                    message = f"more than {FILES_MAX} files are imported"
                    self.found.append(error("I0461", message, imported.span, "one too many"))
                    self._forget(place, target)
                    continue
                seen.add(target.key)
                pending.append(target)
        self._report_cycles(root.key)

    def _forget(self, place: _Place, target: _Place) -> None:
        loaded = self.loaded[place.key]
        targets = tuple(None if key == target.key else key for key in loaded.targets)
        self.loaded[place.key] = replace(loaded, targets=targets)

    def _read(self, place: _Place) -> tuple[surface.File | None, list[_Place | None]]:
        content = self._folder(place).read(place.path)
        source = decode(place.shown, content) if isinstance(content, bytes) else None
        if not isinstance(source, SourceFile):
            problem = source
            if problem is None:
                reason = content if isinstance(content, str) else "it has just been removed"
                problem = error("I0211", f"`{place.shown}` cannot be read: {reason}", None)
            self.order.append(SourceFile(place.shown, ""))
            self.found.append(problem)
            return None, []
        self.order.append(source)
        tree, problems = _parsed(source)
        self.found += problems
        imports = () if tree is None else tree.imports
        return tree, [self._find(imported, place) for imported in imports]

    def _folder(self, place: _Place) -> Folder:
        return self.library if place.library else self.local

    def _find(self, imported: surface.Import, place: _Place) -> _Place | None:
        """The file that an import means; None, and a diagnostic, when there is none."""
        for candidate in self._candidates(imported, place):
            if self._folder(candidate).read(candidate.path) is not None:
                return candidate
        names = [part.text for part in imported.path]
        known = {_dotted(path): None for path in (*self.library.paths(), *self.local.paths())}
        wanted = ".".join(names)
        last = [dotted for dotted in known if dotted.rsplit(".", 1)[-1] == names[-1] and dotted != wanted]
        near = last[0] if last else nearest(wanted, known)
        self.found.append(
            error(
                "I0204",
                f"there is nothing to import as `{wanted}`",
                imported.span,
                "not found beside this file, and not in the library",
                notes=(f"looked for `{'/'.join(names)}{SUFFIX}`",),
                help=None if near is None else f"did you mean `import {near}`?",
            )
        )
        return None

    def _candidates(self, imported: surface.Import, place: _Place) -> Iterator[_Place]:
        names = [part.text for part in imported.path]
        paths = ["/".join(names) + SUFFIX]
        if len(names) > 1:
            paths.append("/".join(names[:-1]) + SUFFIX)
        if not place.library:
            folder, slash, _ = place.path.replace(os.sep, "/").rpartition("/")
            for path in paths:
                yield _Place(False, folder + slash + path)
        for path in paths:
            yield _Place(True, path)

    def _report_cycles(self, root: str) -> None:
        """Report each import that leads back to a file which is still being imported (depth first)."""
        open_: list[str] = []
        done: set[str] = set()
        # Each entry is a file and the number of its next import: a stack of our own, because chains may be
        # long.
        stack: list[tuple[str, int]] = [(root, 0)]
        while stack:
            key, number = stack.pop()
            if number == 0:
                open_.append(key)
            targets = self.loaded[key].targets
            if number == len(targets):
                open_.pop()
                done.add(key)
                continue
            stack.append((key, number + 1))
            target = targets[number]
            if target in open_:
                self._cycle(key, number, [*open_[open_.index(target) :], target])
            elif target is not None and target not in done:
                stack.append((target, 0))

    def _cycle(self, key: str, number: int, way: list[str]) -> None:
        loaded = self.loaded[key]
        names = [self.loaded[step].source.name for step in way]
        shown = " imports ".join(f"`{name}`" for name in names)
        self.found.append(
            error(
                "I0205",
                "this import leads back to the file that it stands in"
                if len(way) == 2
                else "imports lead in a circle",
                loaded.tree.imports[number].span,
                shown,
                labels=tuple(
                    Label(imported.span, "on the way")
                    for step, following in pairwise(way[:-1])
                    for imported, target in zip(
                        self.loaded[step].tree.imports, self.loaded[step].targets, strict=True
                    )
                    if target == following
                ),
                help="move what both need into a file of its own",
            )
        )

    def devices(self) -> Iterator[tuple[surface.Device, SourceFile]]:
        """The devices of the library, in the order of their names."""
        for path in sorted(self.library.paths()):
            content = self.library.read(path) if path.startswith("devices/") else None
            if not isinstance(content, bytes):
                continue
            source = decode(f"{LIBRARY}/{path}", content)
            if isinstance(source, SourceFile):
                tree, _ = _parsed(source)
                for declaration in () if tree is None else tree.declarations:
                    if isinstance(declaration, surface.Device):
                        yield declaration, source


def _is_dotted(name: str) -> bool:
    return all(part.isidentifier() for part in name.split("."))


def _dotted(path: str) -> str:
    return path.removesuffix(SUFFIX).replace("/", ".")


_PARSED_MAX = 256
"""Trees kept for a process that compiles many files; the library has about fifty."""
_parsed_before: dict[SourceFile, tuple[surface.File | None, tuple[Diagnostic, ...]]] = {}


def _parsed(source: SourceFile) -> tuple[surface.File | None, tuple[Diagnostic, ...]]:
    """The tree of a source; the same text under the same name is parsed once."""
    if source not in _parsed_before:
        if len(_parsed_before) >= _PARSED_MAX:
            _parsed_before.clear()
        _parsed_before[source] = parse(source)
    return _parsed_before[source]
