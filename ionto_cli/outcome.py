"""What verifying one file came to, as plain data: to be shown here, brought from another process, or kept.

Nothing in it points into a compiler or a prover, so that it can be shown without loading either.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_cli.exits import Exit
from ionto_ir.dataclass import dataclass

Said = tuple[bool, str]
"""A piece of text as it was written, and whether to standard error."""


@dataclass(frozen=True, slots=True)
class Case:
    """One claim: `message` is None where nothing is to be said about it."""

    name: str
    verdict: str
    message: str | None


@dataclass(frozen=True, slots=True)
class Suite:
    """The claims of one protocol on one device."""

    name: str
    cases: tuple[Case, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A file with all that is to be shown of it.

    `said` is the text for people, in order. `data` is the object of `--json` and `findings` are the results
    of `--sarif`, both as JSON text, which keeps their order through any store; empty where nobody asked.
    """

    file: str
    exit: Exit
    said: tuple[Said, ...]
    data: str
    findings: str
    suites: tuple[Suite, ...]


@dataclass(frozen=True, slots=True)
class Request:
    """A file to verify, and everything besides sources and tool that decides what is shown of it.

    `paints` says whether standard output and standard error are coloured.
    """

    file: str
    device: str | None
    protocol: str | None
    margins: bool
    counterexamples: bool
    json: bool
    sarif: bool
    junit: bool
    paints: tuple[bool, bool]


@dataclass(frozen=True, slots=True)
class Judged:
    """An outcome with what it was made of.

    `local` and `library`: each path that was looked for, with the state in which it was found
    (`ionto_cli.states`). `settled` says that it may be kept: every claim is proved or refuted, and it depends
    on these paths and on nothing else.
    """

    outcome: Outcome
    local: Mapping[str, str]
    library: Mapping[str, str]
    settled: bool
