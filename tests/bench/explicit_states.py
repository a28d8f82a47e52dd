"""Every reachable state of the small instance, found in Python with the functions that run in a session.

The machine's part is `compile_machine`'s, with its parts per million; nothing of the program that is written
for the checkers is used but which variables it keeps. So equal counts say that the program is the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any, TypeAlias

from ionto_ir.compile_machine import code_of, python_of, rules_for
from ionto_ir.constants import Constants
from ionto_ir.dataclass import dataclass, fields
from ionto_ir.expression import (
    Constant,
    Expression,
    Reference,
    Undefined,
    conjunction,
    evaluate,
    integer_reference,
    references,
    substitute,
)
from ionto_ir.machine_invariant import WORLD
from ionto_ir.machine_table import Case, Row
from ionto_ir.machine_terms import DEFINITIONS, INPUTS, MILLION, EventKind
from ionto_ir.state import Machine, Mode
from tests.bench.explicit_model import (
    AIM,
    CRASHES,
    TICKS,
    UNIT_NA,
    Design,
    Instance,
    Terms,
    believed_of,
    choices_of,
    claims,
    constants_of,
    counted,
    kinds,
    ways_of,
)

STATES_MAX = 2_000_000
"""More than that is no small instance."""

_AFTER = "after_"
_WORLD = (*WORLD, TICKS, CRASHES)

World: TypeAlias = tuple[int, ...]
Values: TypeAlias = tuple[int | bool, ...]
_Ways: TypeAlias = Callable[[Machine, Machine, World, Values], list[World]]


@dataclass(frozen=True, slots=True)
class Explored:
    """How many states there are, or how many were seen until one of them broke what is asked."""

    states: int
    holds: bool


def explore(instance: Instance, design: Design, variables: tuple[str, ...]) -> Explored:
    """Breadth first, until nothing is new. States that differ in no kept variable are one."""
    numbers = {name: term.value for name, term in _known(instance).items() if isinstance(term, Constant)}
    names = [item.name for item in fields(Constants) if item.name in numbers]
    given: dict[str, Any] = {name: numbers[name] for name in names}
    constants = Constants(**given, may_resume=True, screened=True)
    rules = rules_for(constants, design.table, code_of(design.table, design.definitions)).of
    events = [(kind, _inputs(instance, kind)) for kind in kinds(instance)]
    ways = _ways_by_case(instance, design)
    holds, seen_as = _asked(instance), _kept(variables)
    first = (Machine(Mode.IDLE, *([0] * (len(Machine._fields) - 1))), (0,) * len(_WORLD))
    seen, frontier = {seen_as(*first)}, [first]
    while frontier:
        following = []
        for machine, world in frontier:
            for moved in _successors(machine, world, rules, events, ways):
                key = seen_as(*moved)
                if key not in seen:
                    seen.add(key)
                    if not holds(*moved):
                        return Explored(len(seen), holds=False)
                    following.append(moved)
        frontier = following
        assert len(seen) <= STATES_MAX, "no small instance"
    return Explored(len(seen), holds=True)


def _successors(
    machine: Machine,
    world: World,
    rules: tuple[tuple[Callable[..., tuple[Machine, Case]], ...], ...],
    events: list[tuple[EventKind, list[tuple[int | bool | str, ...]]]],
    ways: Mapping[tuple[EventKind, int], _Ways],
) -> Iterator[tuple[Machine, World]]:
    named = dict(zip(_WORLD, world, strict=True))
    for kind, inputs in events:
        rule = rules[machine.mode][kind]
        for chosen in inputs:
            values = tuple(named[value] if isinstance(value, str) else value for value in chosen)
            after, case = rule(machine, *values)
            for moved in ways[kind, id(case)](machine, after, world, values):
                yield after, moved


def _known(instance: Instance) -> dict[str, Expression]:
    """The constants, with the millions that the text for the checkers leaves out."""
    return {**constants_of(instance), "aim_share_ppm": MILLION}


def _inputs(instance: Instance, kind: EventKind) -> list[tuple[int | bool | str, ...]]:
    """All that may come with an event; a word is the variable of the world that is read then."""
    known = _known(instance)
    terms = [known.get(name, integer_reference(name)) for name in INPUTS.get(kind, ())]
    bounds = choices_of(instance)
    free = sorted(set().union(*(references(term) for term in terms)) & bounds.keys())
    domains = [
        (False, True) if ends is None else range(ends[0], ends[1] + 1)
        for ends in (bounds[name] for name in free)
    ]
    found = []
    for chosen in product(*domains):
        values = dict(zip(free, chosen, strict=True))
        found.append(tuple(_value(term, values) for term in terms))
    return found


def _value(term: Expression, values: Mapping[str, int | bool]) -> int | bool | str:
    match term:
        case Reference(name, _):
            return values.get(name, name)
        case _:
            found = evaluate(term, values)
            assert not isinstance(found, Undefined), term
            return found


def _ways_by_case(instance: Instance, design: Design) -> dict[tuple[EventKind, int], _Ways]:
    """How the world may move, compiled, for every case of every row."""
    return {
        (row.event, id(case)): _compiled(_ways_text(instance, design, row, case), "ways")
        for row in design.table
        if row.event in kinds(instance)
        for case in row.cases
    }


def _ways_text(instance: Instance, design: Design, row: Row, case: Case) -> list[str]:
    after = {name: integer_reference(f"{_AFTER}{name}") for name in Machine._fields[1:]}
    known = {name: term for name, term in _known(instance).items() if name not in INPUTS.get(row.event, ())}
    folded: dict[str, str] = {}

    def text(term: Expression) -> str:
        return python_of(substitute(_unfolded(term, design.definitions), known), folded)

    lines = [f"{', '.join(INPUTS[row.event])}, = inputs"] if row.event in INPUTS else []
    if row.event is EventKind.TICK:
        lines.append(f"{AIM} = aim_na // {UNIT_NA}")
    believed = believed_of(instance, row.event)
    for way in ways_of(row.event, case, after):
        moved = {**way.updates, **counted(row.event)}
        values = [text(moved.get(name, integer_reference(name))) for name in _WORLD]
        lines.append(f"if {text(conjunction(believed, way.believed))}:")
        lines.append(f"    found.append(({', '.join(values)},))")
    head = [
        "def ways(machine, after, world, inputs):",
        f"    {', '.join(Machine._fields)} = machine",
        f"    {', '.join(_AFTER + name for name in Machine._fields)} = after",
        f"    {', '.join(_WORLD)} = world",
        "    found = []",
        *(f"    {name} = {worked}" for worked, name in folded.items()),
    ]
    return [*head, *(f"    {line}" for line in lines), "    return found"]


def _asked(instance: Instance) -> Callable[[Machine, World], bool]:
    """What must hold of every state."""
    folded: dict[str, str] = {}
    term = substitute(_unfolded(claims(), DEFINITIONS), _known(instance))
    told = python_of(term, folded)
    lines = [*_head("asked"), *(f"    {name} = {text}" for text, name in folded.items())]
    holds: Callable[[Machine, World], bool] = _compiled([*lines, f"    return {told}"], "asked")
    return holds


def _kept(variables: tuple[str, ...]) -> Callable[[Machine, World], tuple[int, ...]]:
    """The part of a state that tells it from others."""
    lines = [*_head("kept"), f"    return ({', '.join(variables)},)"]
    kept: Callable[[Machine, World], tuple[int, ...]] = _compiled(lines, "kept")
    return kept


def _head(name: str) -> list[str]:
    return [
        f"def {name}(machine, world):",
        f"    {', '.join(Machine._fields)} = machine",
        f"    {', '.join(_WORLD)} = world",
    ]


def _compiled(lines: list[str], name: str) -> Any:
    space: dict[str, Any] = {}
    exec(compile("\n".join(lines), f"<{name}>", "exec"), {}, space)
    return space[name]


def _unfolded(term: Expression, definitions: Terms) -> Expression:
    while references(term) & definitions.keys():
        term = substitute(term, definitions)
    return term
