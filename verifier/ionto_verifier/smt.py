"""The only door to z3: SMT-LIB text in, answers with exact numbers out.

Importing z3's own Python module costs more than verifying an ordinary protocol, so the shared library that
lies in its wheel is called directly; one function that evaluates SMT-LIB text is enough. Where the library
or a symbol is not found, the Python module does the same work. Every question gets a context of its own: that
costs a millisecond (the first of a process about ten), and an answer then depends on nothing that was asked
before. Effort is counted in z3's deterministic work units, not in seconds, for the same reason.

Whatever is not literally `sat` or `unsat` is unknown, and an `unsat` without a core is a fault of ours or of
the solver, and unknown too: nothing was named that the proof could rest on.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.machinery
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction
from functools import cache
from os.path import isfile, join
from typing import Any, TypeAlias

from ionto_ir.dataclass import dataclass

Evaluate: TypeAlias = Callable[[str], str]
"""SMT-LIB commands in, everything they print out; what was declared stays declared."""

Engine: TypeAlias = Callable[[], Evaluate]
"""Opens a fresh context, in which nothing is declared yet."""


_FUNCTIONS = (
    "Z3_mk_config",
    "Z3_mk_context",
    "Z3_del_context",
    "Z3_set_error_handler",
    "Z3_eval_smtlib2_string",
)


@dataclass(frozen=True, slots=True)
class Value:
    """A number of a model; not `exact` when it stands for an irrational number, cut off after some digits."""

    number: Fraction
    exact: bool = True


@dataclass(frozen=True, slots=True)
class Satisfiable:
    """There is a point; `values` holds the numbers asked for, as far as the solver could print them."""

    values: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Unsatisfiable:
    """There is none; `core` names assumptions that contradict each other, in the order they were given."""

    core: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Undetermined:
    """The solver did not say, or said something that cannot be believed."""

    reason: str


Answer: TypeAlias = Satisfiable | Unsatisfiable | Undetermined


@dataclass(frozen=True, slots=True)
class Question:
    """One set of declarations and assertions, asked under assumptions.

    `sorts`: name -> `Real`, `Int` or `Bool`. `assumptions`: label -> formula, each believed only where its
    label is assumed. All names must be plain SMT-LIB symbols. `effort_max` is in z3's work units, for each
    call of `ask`; a `minimal` core is asked for only in linear arithmetic, because there it costs little
    (z3 spends far more than the budget on making nonlinear cores minimal). An empty `logic` leaves the
    choice of method to z3.
    """

    sorts: Mapping[str, str]
    assumptions: Mapping[str, str]
    effort_max: int
    logic: str = ""
    minimal: bool = False


class Dialogue:
    """A question that was read once by z3 and can be asked several times, under different assumptions."""

    def __init__(self, question: Question) -> None:
        self._evaluate = engine()()
        self._complaint = self._evaluate("\n".join([*_settings(question), declarations(question)])).strip()

    def ask(self, labels: tuple[str, ...], wanted: tuple[str, ...] = ()) -> Answer:
        """Assume these labels; on `sat` read the wanted constants, on `unsat` name the labels at fault."""
        if self._complaint:
            return Undetermined(f"the solver did not accept the question: {self._complaint[:200]}")
        status = self._evaluate(assuming(labels)).strip()
        if status == "unsat":
            return _unsatisfiable(self._evaluate("(get-unsat-core)"), labels)
        if status == "sat":
            return Satisfiable(_values(self._evaluate, wanted))
        if status == "unknown":
            return Undetermined(_reason(self._evaluate("(get-info :reason-unknown)")))
        return Undetermined(f"the solver answered {status[:200]!r}")

    def effort(self) -> int:
        """What z3 has spent on this dialogue so far, in its work units."""
        digits = self._evaluate("(get-info :rlimit)").strip().removeprefix("(:rlimit ").removesuffix(")")
        return int(digits) if digits.isdecimal() else 0


def declarations(question: Question) -> str:
    """What a question declares and asserts, in plain SMT-LIB: the text that any solver is given."""
    declared = [f"(declare-const {name} {sort})" for name, sort in question.sorts.items()]
    tracked = [
        f"(declare-const {label} Bool)(assert (=> {label} {formula}))"
        for label, formula in question.assumptions.items()
    ]
    return "\n".join([*declared, *tracked])


def assuming(labels: Iterable[str]) -> str:
    """The command that asks whether everything holds together under these labels."""
    return f"(check-sat-assuming ({' '.join(labels)}))"


def script(question: Question) -> str:
    """The question as a file that any SMT-LIB solver answers, under all its assumptions."""
    sorts = set(question.sorts.values())
    logic = question.logic or ("QF_NIRA" if "Int" in sorts else "QF_NRA")
    return f"(set-logic {logic})\n{declarations(question)}\n{assuming(question.assumptions)}\n"


def ask(question: Question, wanted: tuple[str, ...] = ()) -> Answer:
    """Ask once, under all assumptions of the question."""
    return Dialogue(question).ask(tuple(question.assumptions), wanted)


def is_loaded() -> bool:
    """Whether any question of this process needed the solver so far."""
    return engine.cache_info().currsize > 0


def version() -> str:
    """The solver's name and version, for reports and cache keys."""
    found = list(_tokens(engine()()("(get-info :version)")))
    return f"z3 {found[2].strip(chr(34))}" if len(found) > 3 else "z3"


@cache
def engine() -> Engine:
    """Where this process gets its contexts: the bare library or, failing that, z3's Python module."""
    for path in _library_candidates():
        bare = _bare_engine(path)
        if bare is not None:
            return bare
    return _module_engine()


def library() -> str | None:
    """The file that `engine` loads, for whoever has to notice when it changes; None for z3's own choice."""
    return next((path for path in _library_candidates() if _bare_engine(path) is not None), None)


def _settings(question: Question) -> list[str]:
    return [
        "(set-option :produce-unsat-cores true)",
        f"(set-option :smt.core.minimize {'true' if question.minimal else 'false'})",
        "(set-option :pp.decimal false)",
        f"(set-option :rlimit {question.effort_max})",
        *([f"(set-logic {question.logic})"] if question.logic else []),
    ]


def _unsatisfiable(printed: str, labels: tuple[str, ...]) -> Answer:
    named = set(_tokens(printed)) - {"(", ")"}
    if not named:
        return Undetermined("the solver said unsat but named nothing that it rests on")
    if not named <= set(labels):
        return Undetermined("the solver named a core that was never assumed")
    return Unsatisfiable(tuple(label for label in labels if label in named))


def _reason(printed: str) -> str:
    quoted = printed.split('"')
    return quoted[1] if len(quoted) > 2 else "the solver gave up"


def _values(evaluate: Evaluate, wanted: tuple[str, ...]) -> dict[str, Value]:
    """Numbers as printed; the ones that are roots of polynomials are asked again in decimals."""
    if not wanted:
        return {}
    found = _read_values(evaluate(f"(get-value ({' '.join(wanted)}))"))
    rest = [name for name in wanted if name not in found]
    if rest:
        decimal = evaluate(f"(set-option :pp.decimal true)(get-value ({' '.join(rest)}))")
        evaluate("(set-option :pp.decimal false)")
        found.update(_read_values(decimal))
    return found


def _read_values(printed: str) -> dict[str, Value]:
    tree = _tree(_tokens(printed))
    found: dict[str, Value] = {}
    for pair in tree if isinstance(tree, list) else []:
        if isinstance(pair, list) and len(pair) == 2 and isinstance(pair[0], str):
            value = _number(pair[1])
            if value is not None:
                found[pair[0]] = value
    return found


def _number(tree: object) -> Value | None:
    """A numeral, `(- n)` or `(/ n m)`; a trailing `?` marks a number that was cut off."""
    if isinstance(tree, str):
        try:
            return Value(Fraction(tree.removesuffix("?")), not tree.endswith("?"))
        except ValueError:
            return None
    if not isinstance(tree, list) or len(tree) < 2:
        return None
    parts = [_number(part) for part in tree[1:]]
    if tree[0] == "-" and len(parts) == 1 and parts[0] is not None:
        return Value(-parts[0].number, parts[0].exact)
    if tree[0] == "/" and len(parts) == 2 and parts[0] is not None and parts[1] is not None:
        if parts[1].number == 0:
            return None
        return Value(parts[0].number / parts[1].number, parts[0].exact and parts[1].exact)
    return None


def _tokens(printed: str) -> Iterator[str]:
    return iter(printed.replace("(", " ( ").replace(")", " ) ").split())


def _tree(tokens: Iterator[str]) -> object:
    """Nested lists of strings; None when the text ends early."""
    stack: list[list[object]] = []
    for token in tokens:
        if token == "(":
            stack.append([])
            continue
        done: object = token
        if token == ")":
            if not stack:
                return None
            done = stack.pop()
        if not stack:
            return done
        stack[-1].append(done)
    return None


def _library_candidates() -> Iterator[str]:
    """Places of libz3: inside the wheel, found without running its code; then the system's."""
    name = {"darwin": "libz3.dylib", "win32": "libz3.dll"}.get(sys.platform, "libz3.so")
    spec = importlib.machinery.PathFinder.find_spec("z3")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        for inside in ("lib", "bin", "."):
            if isfile(join(folder, inside, name)):
                yield join(folder, inside, name)
    yield from ("libz3.so.4", name)
    # Loaded this late because it drags in half of the standard library.
    from ctypes.util import find_library

    found = find_library("z3")
    if found:
        yield found


def _bare_engine(path: str) -> Engine | None:
    """The library at `path`, or None when it does not load or lacks a symbol."""
    try:
        library = ctypes.CDLL(path)
        functions = [getattr(library, name) for name in _FUNCTIONS]
    except (OSError, AttributeError):
        return None
    make_configuration, make_context, delete_context, set_error_handler, evaluate = functions
    handler_type = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int)
    # Without a handler of ours, libz3 ends the process at its first complaint.
    handler = handler_type(lambda _context, _code: None)
    pointer, text = ctypes.c_void_p, ctypes.c_char_p
    make_configuration.restype, make_configuration.argtypes = pointer, []
    make_context.restype, make_context.argtypes = pointer, [pointer]
    delete_context.restype, delete_context.argtypes = None, [pointer]
    set_error_handler.restype, set_error_handler.argtypes = None, [pointer, handler_type]
    evaluate.restype, evaluate.argtypes = text, [pointer, text]
    configuration = make_configuration()

    def fresh() -> Evaluate:
        context = make_context(configuration)
        set_error_handler(context, handler)

        def run(commands: str) -> str:
            printed: bytes | None = evaluate(context, commands.encode())
            return "(error)" if printed is None else printed.decode(errors="replace")

        weakref.finalize(run, delete_context, context).atexit = False
        return run

    return fresh


def _module_engine() -> Engine:
    """The same through z3's Python module, for layouts in which the bare library is not found."""
    z3: Any = importlib.import_module("z3")

    def fresh() -> Evaluate:
        context = z3.Context()

        def run(commands: str) -> str:
            try:
                return str(z3.Z3_eval_smtlib2_string(context.ref(), commands))
            except z3.Z3Exception as problem:
                return f"(error {problem.value!r})"

        return run

    return fresh
