"""The steps of the induction: for each case of the table, what is believed before and must hold after it.

A step is a case in a mode under one move of the device and, for what concerns the journal, one of the
journal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ionto_ir.dataclass import dataclass
from ionto_ir.expression import (
    Expression,
    Operation,
    Operator,
    Reference,
    Truth,
    absolute,
    disjunction,
    equal,
    integer_reference,
    less_equal,
    maximum,
    references,
    substitute,
    subtract,
)
from ionto_ir.machine import ENERGISED
from ionto_ir.machine_invariant import BEGINS, WORLD, Invariant
from ionto_ir.machine_table import Case, Output, Row, guard_of
from ionto_ir.machine_terms import NONE, EventKind, fall, journalled_upper, level, rise, sign, upper
from ionto_ir.state import Machine, Mode
from ionto_verifier.machine_lemmas import (
    Terms,
    later,
    lemmas_of,
    products_of,
    recipe_of,
    risk_of,
    spans,
    younger,
)
from ionto_verifier.machine_world import (
    constants_assumed,
    device_moves,
    inputs_assumed,
    journal_moves,
)

SUDDEN = frozenset({"tick.over_current"})
"""Cases of a tick that open the output at once, and so are exempt from the slew rule."""

BEGINNING = "beginning"

WINDOW_BEGINS = "a window begins"

AS_IT_WAS: Terms = {name: integer_reference(name) for name in WORLD}
"""A world that does not move."""


@dataclass(frozen=True, slots=True)
class Step:
    """Beliefs and conclusions by name; a belief `after_x` is the conclusion x, which is shown apart."""

    name: str
    mode: Mode
    beliefs: Mapping[str, Expression]
    conclusions: Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Problem:
    """One conclusion of a step, and the beliefs from which it must follow."""

    step: Step
    name: str
    conclusion: Expression
    beliefs: Mapping[str, Expression]
    opaque: bool


def steps_of(
    table: tuple[Row, ...], definitions: Mapping[str, Expression], invariant: tuple[Invariant, ...]
) -> Iterator[Step]:
    """Every step of the induction, the beginning first."""
    zero: Terms = dict.fromkeys((*Machine._fields[1:], *WORLD), NONE)
    first = {item.name: substitute(item.holds, zero) for item in invariant if Mode.IDLE in item.modes}
    yield Step(BEGINNING, Mode.IDLE, {"constants": constants_assumed()}, first)
    yield from _windows_begin(invariant)
    for row in table:
        for index in range(len(row.cases)):
            for mode in row.modes:
                yield from _steps_of_case(definitions, invariant, row, index, mode)


def _windows_begin(invariant: tuple[Invariant, ...]) -> Iterator[Step]:
    """In any mode the window may begin anew: what was shown of an older one holds of a younger one."""
    for mode in Mode:
        wanted = {item.name: item.holds for item in invariant if mode in item.modes}
        beliefs = {"constants": constants_assumed(), **wanted, "younger": younger}
        concluded = {name: substitute(holds, BEGINS) for name, holds in wanted.items()}
        yield _step(WINDOW_BEGINS, mode, beliefs, concluded)


def _steps_of_case(
    definitions: Mapping[str, Expression],
    invariant: tuple[Invariant, ...],
    row: Row,
    index: int,
    mode: Mode,
) -> Iterator[Step]:
    case = row.cases[index]
    target = mode if case.target is None else case.target
    after = {name: case.updates.get(name, integer_reference(name)) for name in Machine._fields[1:]}
    beliefs = {
        "constants": constants_assumed(),
        "inputs": inputs_assumed(row.event),
        **_guard_parts(guard_of(row, index), definitions),
    }
    crashed = row.event is EventKind.RECOVERED and case.output is not Output.KEEP
    for item in invariant:
        if mode in item.modes and not (crashed and _is_mixed(item)):
            beliefs[item.name] = item.holds
    wanted = {item.name: item.holds for item in invariant if target in item.modes}
    of_journal = {name for name, holds in wanted.items() if references(holds) & JOURNAL}
    laws = {**dict(_laws(row.event, case, mode, target, after)), **lemmas_of(row.event, case, after)}
    for device in device_moves(row.event, case, after):
        moved = {**AS_IT_WAS, **after, **device.after}
        concluded = {
            name: substitute(holds, moved) for name, holds in wanted.items() if name not in of_journal
        }
        believed = {**beliefs, "world": device.believed, "spans": spans(after), "later": later(moved)}
        believed |= products_of(after)
        concluded |= laws
        if case.output is Output.SET:
            for name, term in risk_of(case, mode, after, moved).items():
                place = believed if name.startswith("believe ") else concluded
                place[name.removeprefix("believe ")] = term
        believed = {**{f"after_{name}": term for name, term in concluded.items()}, **believed}
        yield _step(f"{case.name}, {device.name}", mode, believed, concluded)
        for journal in journal_moves(row.event, moved):
            recorded = {name: substitute(wanted[name], {**moved, **journal.after}) for name in of_journal}
            also = {**believed, "lagging": journal.believed}
            yield _step(f"{case.name}, {device.name}, {journal.name}", mode, also, recorded)


def _is_mixed(item: Invariant) -> bool:
    """Whether it ties machine and world together: after a crash the machine is an older one."""
    return not item.of_world and not references(item.holds).isdisjoint(WORLD)


JOURNAL = frozenset(
    {
        "journal_upper_pc",
        "journal_nominal_pc",
        "journal_before_pc",
        "journal_before_nominal_pc",
        "unrecorded_ticks",
    }
)


def _step(name: str, mode: Mode, beliefs: Mapping[str, Expression], conclusions: Terms) -> Step:
    """Without the conclusions that were believed before the step, or are plainly true."""
    known = [term for belief, term in beliefs.items() if not belief.startswith("after_")]
    known.append(Truth(True))
    return Step(name, mode, beliefs, {key: term for key, term in conclusions.items() if term not in known})


def _guard_parts(guard: Expression, definitions: Mapping[str, Expression]) -> dict[str, Expression]:
    """The conjuncts of a guard: definitions by name, that a wish was not granted, and the rest together."""
    named: dict[str, Expression] = {}
    plain: list[Expression] = []
    denied: list[Expression] = []
    pending = [guard]
    while pending:
        part = pending.pop()
        match part:
            case Operation(Operator.AND, operands):
                pending.extend(operands)
            case Reference("allowed", _):
                pending.append(definitions["allowed"])
            case Reference(name, _) if name in definitions:
                named[name] = part
            case Operation(Operator.NOT, _) if "allowed" in references(part):
                denied.append(part)
            case _:
                plain.append(part)
    return {**named, "guard": _all(plain), "denied": _all(denied)}


def _all(terms: list[Expression]) -> Expression:
    return Operation(Operator.AND, tuple(terms)) if terms else Truth(True)


def _laws(
    event: EventKind, case: Case, mode: Mode, target: Mode, after: Mapping[str, Expression]
) -> Iterator[tuple[str, Expression]]:
    """What must hold of a case beyond the invariant."""
    level_next, sign_next = after["level_na"], after["sign"]
    crashed = event is EventKind.RECOVERED and "upper_pc" in case.updates
    before = journalled_upper if crashed else upper
    sets = case.output is Output.SET
    yield "ledger_grows", less_equal(before, after["upper_pc"])
    yield "ended_stays_ended", Truth(mode is not Mode.ENDED or target is Mode.ENDED)
    yield "only_ticks_set", Truth(event is EventKind.TICK or not sets)
    yield "set_is_energised", Truth(event is not EventKind.TICK or sets == (target in ENERGISED))
    yield "energised_by_ticks", Truth(mode in ENERGISED or target not in ENERGISED or event is EventKind.TICK)
    yield "stop_stops", Truth(event is not EventKind.STOP or target in (Mode.STOPPING, Mode.ENDED))
    yield "rest_opens", Truth(mode not in ENERGISED or target in ENERGISED or case.output is Output.OFF)
    if event is not EventKind.TICK:
        yield "only_ticks_raise", less_equal(level_next, level)
        return
    if case.name not in SUDDEN:
        yield "slew", less_equal(absolute(subtract(level_next, level)), maximum(rise, fall))
    if sets:
        yield "polarity", disjunction(equal(sign_next, sign), equal(level, NONE))
    if mode in (Mode.PAUSING, Mode.STOPPING) and case.name not in SUDDEN:
        yield "falls", equal(level_next, subtract(level, fall)) if sets else less_equal(level, fall)


def problems_of(step: Step) -> Iterator[Problem]:
    """Each conclusion of a step with the beliefs of its recipe."""
    for name, term in step.conclusions.items():
        if step.name in (BEGINNING, WINDOW_BEGINS):
            yield Problem(step, name, term, step.beliefs, opaque=False)
            continue
        recipe = recipe_of(name, step.beliefs)
        chosen = {belief: known for belief, known in step.beliefs.items() if belief in recipe.beliefs}
        yield Problem(step, name, term, chosen, recipe.opaque)
