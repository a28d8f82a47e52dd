"""Names of files and declarations: what each import brings, what each use refers to, what an extension
inherits.

A module is one file with the names that reach into it. Nothing is overridden silently: a name that is
declared twice, or declared and imported, is an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import assert_never

from ionto_dsl import surface
from ionto_dsl.suggest import nearest
from ionto_dsl.wording import a, listed
from ionto_ir.dataclass import dataclass, field
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.source import SourceFile, Span

EXTENSIONS_MAX = 8
"""Protocols in a chain of extensions; a reviewer must read all of them to know what the last one says."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file and its tree, which is empty for a file that could not be read (that is reported already).

    `targets` gives for each import the key of the module it means; None when it was not found.
    """

    key: str
    source: SourceFile
    tree: surface.File
    readable: bool
    targets: tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A declaration, the key of the module it stands in, and where its name is bound in the module that
    looks.
    """

    declaration: surface.Declaration
    module: str
    bound_at: Span


@dataclass(frozen=True, slots=True)
class Module:
    """One file with its names; `used` grows as names are looked up, for the lint on imports."""

    loaded: Loaded
    names: Mapping[str, Symbol]
    used: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Program:
    """All modules by their key."""

    modules: Mapping[str, Module]


@dataclass(frozen=True, slots=True)
class Item:
    """An item of a protocol and the module whose names it uses."""

    item: surface.ProtocolItem
    module: str


@dataclass(frozen=True, slots=True)
class Inherited:
    """A protocol with what it inherits, in the order of the protocol at the root of the chain.

    `whole` is False when a protocol that it extends was not found: then nothing can be said to be missing.
    """

    declaration: surface.Protocol
    module: str
    items: tuple[Item, ...]
    whole: bool


def resolve(loaded: Mapping[str, Loaded]) -> tuple[Program, list[Diagnostic]]:
    """Bind the names of every module."""
    found: list[Diagnostic] = []
    modules = {key: Module(file, _names(file, loaded, found)) for key, file in loaded.items()}
    return Program(modules), found


def _names(file: Loaded, loaded: Mapping[str, Loaded], found: list[Diagnostic]) -> dict[str, Symbol]:
    names: dict[str, Symbol] = {}
    for name, symbol in _bindings(file, loaded, found):
        earlier = names.get(name)
        if earlier is None:
            names[name] = symbol
            continue
        same = earlier.declaration is symbol.declaration
        found.append(
            error(
                "I0202",
                f"`{name}` is imported twice" if same else f"`{name}` is declared twice",
                symbol.bound_at,
                "again here",
                labels=(Label(earlier.bound_at, "first here"),),
                help="drop one of the two"
                if same
                else "there is no shadowing: give one of them another name",
            )
        )
    return names


def _bindings(
    file: Loaded, loaded: Mapping[str, Loaded], found: list[Diagnostic]
) -> Iterator[tuple[str, Symbol]]:
    for imported, target in zip(file.tree.imports, file.targets, strict=True):
        if target is None:
            continue  # the driver, which looked for the file, said so
        wanted = imported.path[-1]
        declarations = {found_.name.text: found_ for found_ in loaded[target].tree.declarations}
        if wanted.text in declarations:
            yield wanted.text, Symbol(declarations[wanted.text], target, wanted.span)
        elif loaded[target].readable:
            found.append(_not_in_file(wanted, loaded[target].source.name, list(declarations)))
    for declaration in file.tree.declarations:
        yield declaration.name.text, Symbol(declaration, file.key, declaration.name.span)


def _not_in_file(wanted: surface.Name, file: str, known: list[str]) -> Diagnostic:
    near = nearest(wanted.text, known)
    advice = f"did you mean `{near}`?" if near is not None else None
    if advice is None and known:
        advice = f"it declares {listed(sorted(known)[:8])}"
    return error(
        "I0204",
        f"`{file}` declares no `{wanted.text}`",
        wanted.span,
        "not declared there",
        help=advice or "the file declares nothing",
    )


def kind_word(declaration: surface.Declaration) -> str:
    """The keyword of a declaration."""
    match declaration:
        case surface.Protocol():
            return "protocol"
        case surface.Envelope():
            return "envelope"
        case surface.Device():
            return "device"
        case surface.Drug():
            return "drug"
        case surface.Electrode():
            return "electrode"
        case surface.Screening():
            return "screening"
        case _:
            assert_never(declaration)


_FOLDERS = {
    "envelope": "envelopes",
    "device": "devices",
    "drug": "drugs",
    "electrode": "electrodes",
    "protocol": "treatments",
    "screening": "screening",
}


def find(
    program: Program, module: str, name: surface.Name, expected: str, found: list[Diagnostic]
) -> Symbol | None:
    """What `name` refers to in a module, if it is of the expected kind; else None and a diagnostic."""
    scope = program.modules[module]
    symbol = scope.names.get(name.text)
    if symbol is None:
        if not _import_failed(scope.loaded, name.text):
            found.append(_unknown(name, expected, scope))
        return None
    scope.used.add(name.text)
    actual = kind_word(symbol.declaration)
    if actual == expected:
        return symbol
    found.append(
        error(
            "I0207",
            f"{a(expected)} is expected here, and `{name.text}` is {a(actual)}",
            name.span,
            f"expected {a(expected)}",
            labels=(Label(symbol.bound_at, f"{a(actual)}, named here"),),
        )
    )
    return None


def _import_failed(file: Loaded, name: str) -> bool:
    """Whether the name was to be imported and the import is already reported."""
    return any(imported.path[-1].text == name for imported in file.tree.imports)


def _unknown(name: surface.Name, expected: str, scope: Module) -> Diagnostic:
    known = [known for known, symbol in scope.names.items() if kind_word(symbol.declaration) == expected]
    near = nearest(name.text, known)
    advice = f"did you mean `{near}`?"
    if near is None:
        advice = f"declare it in this file, or write `import {_FOLDERS[expected]}.{name.text}` at its top"
    return error(
        "I0201", f"there is no {expected} named `{name.text}` here", name.span, "not known", help=advice
    )


def inherit(program: Program, module: str, protocol: surface.Protocol, found: list[Diagnostic]) -> Inherited:
    """The protocol with everything it inherits. What a child says replaces or joins what its parent says:

    - title, indication, sources, device, before, session, after, course, interruptions, `stop at` and
      `resume at` replace the parent's;
    - `active` lines replace all `active` lines, `return` lines all `return` lines;
    - a parameter, question, record or `let` replaces the one of the same name;
    - envelopes, screening lists, rules, requirements and `prove` lines join the parent's: an extension can
      become stricter, never laxer;
    - tests are not inherited, because they speak of the parent's values.
    """
    chain, whole = _chain(program, module, protocol, found)
    merged: dict[object, list[Item]] = {}
    for depth, (declaration, home) in enumerate(reversed(chain)):
        last = depth == len(chain) - 1
        own: dict[object, list[Item]] = {}
        for number, item in enumerate(declaration.items):
            if not isinstance(item, surface.Test) or last:
                own.setdefault(_key(item, depth, number), []).append(Item(item, home))
        merged |= own
    items = tuple(item for group in merged.values() for item in group)
    return Inherited(protocol, module, items, whole)


def _chain(
    program: Program, module: str, protocol: surface.Protocol, found: list[Diagnostic]
) -> tuple[list[tuple[surface.Protocol, str]], bool]:
    """The protocol, its parent, and so on, each with its module, and whether that is the whole chain."""
    chain = [(protocol, module)]
    while (parent := chain[-1][0].extends) is not None:
        symbol = find(program, chain[-1][1], parent, "protocol", found)
        if symbol is None:
            return chain, False
        assert isinstance(symbol.declaration, surface.Protocol), "find returns the expected kind"
        if any(symbol.declaration is earlier for earlier, _ in chain):
            child = chain[-1][0].name.text
            message = f"`{child}` extends `{parent.text}`, which extends it, perhaps by way of others"
            message = f"`{child}` extends itself" if child == parent.text else message
            found.append(error("I0208", message, parent.span, "leads back to where it began"))
            return chain, False
        if len(chain) >= EXTENSIONS_MAX:
            message = f"a chain of more than {EXTENSIONS_MAX} extensions is too long to review"
            found.append(error("I0208", message, parent.span, "one too many"))
            return chain, False
        chain.append((symbol.declaration, symbol.module))
    return chain, True


def _key(item: surface.ProtocolItem, depth: int, number: int) -> object:
    """Items with one key form a group; a group of the child replaces the same group of the parent."""
    match item:
        case surface.Use("device"):
            return "device"
        case surface.Placement(place):
            return place
        case surface.Variable() | surface.Let():
            return ("name", item.name.text)
        case surface.Around(when):
            return when
        case surface.Interruptions() | surface.PauseLimit() | surface.NoResume():
            return "interruptions"
        case surface.SlewRule(movement):
            return (movement, "slew")
        case surface.Title() | surface.Indication() | surface.Source() | surface.Session() | surface.Course():
            return type(item)
        case _:
            return (depth, number)
