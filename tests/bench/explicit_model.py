"""A small instance of the machine and its world, as a program that an explicit model checker can run through.

It is made from the same table, the same world and the same invariant as the theorem, with numbers for every
constant. What makes it finite: few levels, a small cap, a bounded number of ticks and of crashes, direct
current of one polarity, an exact device, a journal that lacks nothing, and one window, the session. Variables
on which nothing that is asked depends are left out. With an exact device and direct current every part per
million is none or all of them, and each comparison has the same millions on both sides: they are left out
too, because the checkers reckon with few bits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from ionto_ir.dataclass import dataclass, field, replace
from ionto_ir.expression import (
    Constant,
    Expression,
    Operation,
    Operator,
    Reference,
    Truth,
    add,
    conjunction,
    disjunction,
    divide_ceiling,
    divide_floor,
    equal,
    integer_reference,
    less_equal,
    multiply,
    negation,
    operation,
    references,
    substitute,
)
from ionto_ir.machine import TABLE
from ionto_ir.machine_invariant import INVARIANT, WORLD
from ionto_ir.machine_table import Case, Row
from ionto_ir.machine_terms import DEFINITIONS, MILLION, NONE, ONE, EventKind, Wish
from ionto_ir.state import Machine, Mode
from ionto_verifier.machine_world import device_moves, inputs_assumed, journal_moves, true_next

ASKED = ("dose", "nominal_dose", "current")
"""Conjuncts of the invariant that say what the machine is for; the others are how the theorem gets there."""

UNIT_NA = 10
"""One level: enough that the single nanoampere that a reserve keeps for rounding is little beside it."""

MODE, TICKS, CRASHES = "mode", "ticks", "crashes"
WAY, AIM, READING = "way", "aim", "reading"

Terms = Mapping[str, Expression]


@dataclass(frozen=True, slots=True)
class Instance:
    """How small: levels 0 to `levels`, one a tick up or down; charges in tenths of
    what one level gives in a tick; times in ticks.
    """

    levels: int
    cap: int
    cap_nominal: int
    watchdog: int
    ticks: int
    crashes: int
    pauses: int = 1
    pause_max: int = 1

    def told(self) -> str:
        """In words."""
        return (
            f"levels 0 to {self.levels}, caps {self.cap} and {self.cap_nominal} (nominal), watchdog"
            f" {self.watchdog}, at most {self.ticks} ticks, {self.pauses} pause, {self.crashes} crash"
        )


@dataclass(frozen=True, slots=True)
class Design:
    """What is asked about: the machine, or a mutant of it."""

    name: str = "the machine"
    table: tuple[Row, ...] = TABLE
    definitions: Terms = field(default_factory=lambda: DEFINITIONS)


MACHINE = Design()


@dataclass(frozen=True, slots=True)
class Way:
    """One way in which the world may move with a case, and what is then of the variables."""

    name: str
    believed: Expression
    updates: Terms


@dataclass(frozen=True, slots=True)
class Branch:
    """A case of a row: the first whose condition holds applies; one of its ways is chosen."""

    name: str
    condition: Expression
    ways: tuple[Way, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A row of the table: what is chosen freely, what is believed, and what is worked out, in order."""

    name: str
    modes: tuple[Mode, ...]
    choices: Mapping[str, tuple[int, int] | None]
    believed: Expression
    definitions: Terms
    branches: tuple[Branch, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """Variables, all zero at first; rules; what must always hold."""

    variables: tuple[str, ...]
    rules: tuple[Rule, ...]
    invariant: Expression


def model_of(instance: Instance, design: Design = MACHINE) -> Model:
    """The instance as a program."""
    known = constants_of(instance)
    definitions: dict[str, Expression] = {}
    for name, term in design.definitions.items():
        worked = _folded(term, known)
        # What is a number or another name needs no name of its own.
        place = definitions if isinstance(worked, Operation) else known
        place[name] = worked
    asked = _folded(claims(), known)
    rows = (row for row in design.table if row.event in kinds(instance))
    rules = [rule for rule in (_rule(instance, row, known, definitions) for row in rows) if _does(rule)]
    needed = _needed(rules, definitions, asked)
    return Model(tuple(sorted(needed)), tuple(_without_others(rule, needed) for rule in rules), asked)


def kinds(instance: Instance) -> tuple[EventKind, ...]:
    """The events that can happen."""
    return tuple(kind for kind in EventKind if instance.crashes or kind is not EventKind.RECOVERED)


def claims() -> Expression:
    """What is asked of every state: each conjunct in its modes."""
    parts = []
    for item in INVARIANT:
        if item.name in ASKED:
            elsewhere = (equal(integer_reference(MODE), Constant(mode)) for mode in Mode)
            others = [term for mode, term in zip(Mode, elsewhere, strict=True) if mode not in item.modes]
            parts.append(disjunction(*others, item.holds))
    return conjunction(*parts)


def constants_of(instance: Instance) -> dict[str, Expression]:
    """Numbers for all constants, and for the inputs that the instance does not vary."""
    late = instance.ticks + instance.levels + 1
    numbers = {
        **dict.fromkeys(("tick_ms", "aim_sign"), 1),
        **dict.fromkeys(("step_na", "rise_na", "fall_na"), UNIT_NA),
        **dict.fromkeys(("accuracy_ppm", "offset_na", "current_cap_reversed_na"), 0),
        "current_cap_na": instance.levels * UNIT_NA,
        "watchdog_ms": instance.watchdog,
        "interruptions_max": instance.pauses,
        "pause_ms_max": instance.pause_max,
        **dict.fromkeys(("journal_lag_ticks", "unrecorded_ticks"), 0),
        # Time does not end the session: the number of ticks is bounded.
        **dict.fromkeys(("duration_cap_ms", "deadline_ms"), late),
        # One window, the session, which begins with nothing received.
        **dict.fromkeys(("before_pc", "before_nominal_pc"), 0),
        **dict.fromkeys(("journal_before_pc", "journal_before_nominal_pc"), 0),
        **dict.fromkeys(("cap_pc", "window_cap_pc", "limit_pc"), instance.cap),
        **dict.fromkeys(
            ("cap_nominal_pc", "window_cap_nominal_pc", "limit_nominal_pc"), instance.cap_nominal
        ),
    }
    terms: dict[str, Expression] = {name: Constant(number) for name, number in numbers.items()}
    return terms | {
        "may_resume": Truth(True),
        "screened": Truth(True),
        "aim_share_ppm": ONE,
        # What is read is nothing, or more than any level.
        "measured_na": multiply(Constant((instance.levels + 1) * UNIT_NA), integer_reference(READING)),
        "aim_na": multiply(Constant(UNIT_NA), integer_reference(AIM)),
        "journalled_upper_pc": integer_reference("journal_upper_pc"),
        "journalled_nominal_pc": integer_reference("journal_nominal_pc"),
    }


def choices_of(instance: Instance) -> dict[str, tuple[int, int] | None]:
    """What people, the sequencer and the world choose; None for yes or no."""
    return {
        **dict.fromkeys(("acknowledged", "ahead", "newest"), None),
        "wish": (min(Wish).value, max(Wish).value),
        AIM: (0, instance.levels),
        READING: (0, 1),
        "outage_ms": (0, 1),
    }


def believed_of(instance: Instance, kind: EventKind) -> Expression:
    """What is believed of an event: what the theorem assumes, and that it is one of the bounded number."""
    assumed = inputs_assumed(kind)
    match kind:
        case EventKind.TICK:
            drives = equal(integer_reference("wish"), Constant(Wish.DRIVE.value))
            aims = disjunction(drives, equal(integer_reference(AIM), NONE))
            return conjunction(_one_more(TICKS, instance.ticks), aims, assumed)
        case EventKind.RECOVERED:
            return conjunction(_one_more(CRASHES, instance.crashes), assumed)
        case _:
            return assumed


def counted(kind: EventKind) -> dict[str, Expression]:
    """What is counted of an event."""
    counters = {EventKind.TICK: TICKS, EventKind.RECOVERED: CRASHES}
    name = counters.get(kind)
    return {} if name is None else {name: add(integer_reference(name), ONE)}


def ways_of(kind: EventKind, case: Case, after: Terms) -> Iterator[Way]:
    """How the world may move with a case; `after` are the machine's new variables. The skin receives as much
    as it may: nothing looks at what it received but what is asked, and more is worse.
    """
    world = {name: integer_reference(name) for name in WORLD}
    for device in device_moves(kind, case, dict(after)):
        most = _most(device.believed)
        moved = {**world, **after, **device.after}
        for journal in journal_moves(kind, moved):
            believed = conjunction(device.believed, journal.believed)
            updates = {**device.after, **journal.after}
            yield Way(
                f"{device.name}, {journal.name}",
                substitute(believed, most),
                {name: substitute(term, most) for name, term in updates.items()},
            )


def _most(believed: Expression) -> dict[str, Expression]:
    """The most that the skin may receive, as it is believed: the bound on `true_charge_next_pc`."""
    match believed:
        case Operation(Operator.LESS_EQUAL, (Reference(true_next.name, _), bound)):
            return {true_next.name: bound}
        case Operation(Operator.AND, operands):
            return {name: bound for part in operands for name, bound in _most(part).items()}
        case _:
            return {}


def names_in(terms: Iterable[Expression]) -> set[str]:
    """Everything that the terms speak of."""
    return set().union(*(references(term) for term in terms))


def _one_more(counter: str, most: int) -> Expression:
    return less_equal(add(integer_reference(counter), ONE), Constant(most))


def _rule(instance: Instance, row: Row, known: Terms, definitions: Terms) -> Rule:
    branches = tuple(_branch(row, case, known) for case in row.cases)
    believed = _folded(believed_of(instance, row.event), known)
    terms = (believed, *_terms_of(branches))
    used = {name: definitions[name] for name in _defined(terms, definitions)}
    names = names_in((*terms, *used.values()))
    choices = {name: bounds for name, bounds in choices_of(instance).items() if name in names}
    most = max(len(branch.ways) for branch in branches)
    if most > 1:
        choices[WAY] = (0, most - 1)
    return Rule(row.event.name.lower(), row.modes, choices, believed, used, branches)


def _branch(row: Row, case: Case, known: Terms) -> Branch:
    after = {name: case.updates.get(name, integer_reference(name)) for name in Machine._fields[1:]}
    moved = dict(case.updates)
    if case.target is not None:
        moved[MODE] = Constant(case.target.value)
    moved |= counted(row.event)
    ways = []
    for way in ways_of(row.event, case, after):
        believed = _folded(way.believed, known)
        if believed != Truth(False):
            updates = {name: _folded(term, known) for name, term in {**moved, **way.updates}.items()}
            ways.append(Way(way.name, believed, updates))
    return Branch(case.name, _folded(case.condition, known), tuple(ways))


def _terms_of(branches: tuple[Branch, ...]) -> Iterator[Expression]:
    for branch in branches:
        yield branch.condition
        for way in branch.ways:
            yield from (way.believed, *way.updates.values())


def _defined(terms: Iterable[Expression], definitions: Terms) -> list[str]:
    """The definitions that are needed, in an order in which each needs only the ones before it."""
    needed: set[str] = set()
    pending = list(terms)
    while pending:
        for name in references(pending.pop()):
            if name in definitions and name not in needed:
                needed.add(name)
                pending.append(definitions[name])
    return [name for name in definitions if name in needed]


def _needed(rules: list[Rule], definitions: Terms, asked: Expression) -> set[str]:
    """The variables on which a condition or what is asked depends, by whatever way."""
    branches = [branch for rule in rules for branch in rule.branches]
    ways = [way for branch in branches for way in branch.ways]
    needed = {MODE, *names_in((asked, *(rule.believed for rule in rules)))}
    needed |= names_in(branch.condition for branch in branches)
    needed |= names_in(way.believed for way in ways)
    while True:
        more = names_in(definitions[name] for name in needed & definitions.keys())
        more |= names_in(term for way in ways for name, term in way.updates.items() if name in needed)
        if more <= needed:
            return needed & {*Machine._fields, *WORLD, TICKS, CRASHES}
        needed |= more


def _without_others(rule: Rule, needed: set[str]) -> Rule:
    """The rule without updates of variables on which nothing depends, and what only they need."""
    branches = tuple(
        replace(
            branch,
            ways=tuple(
                replace(way, updates={key: term for key, term in way.updates.items() if key in needed})
                for way in branch.ways
            ),
        )
        for branch in rule.branches
    )
    used = _defined((rule.believed, *_terms_of(branches)), rule.definitions)
    return replace(rule, branches=branches, definitions={name: rule.definitions[name] for name in used})


def _does(rule: Rule) -> bool:
    """Whether it changes anything at all."""
    return any(
        not (isinstance(term, Reference) and term.name == name)
        for branch in rule.branches
        for way in branch.ways
        for name, term in way.updates.items()
    )


def _folded(term: Expression, known: Terms) -> Expression:
    """With numbers for the constants, without the millions, and with everything worked out that can be."""
    if term == MILLION:
        return ONE
    if not isinstance(term, Operation):
        return substitute(term, known)
    parts = [_folded(operand, known) for operand in term.operands]
    match term.operator, parts:
        case Operator.AND, _:
            return conjunction(*parts)
        case Operator.OR, _:
            return disjunction(*parts)
        case Operator.NOT, [Truth(value)]:
            return Truth(not value)
        case Operator.NOT, [part]:
            return negation(part)
        case Operator.ADD, _:
            return add(*parts)
        case Operator.MULTIPLY, _:
            return multiply(*parts)
        case Operator.SUBTRACT, [left, right] if left == right:
            return NONE
        case Operator.SUBTRACT, [left, right] if right == NONE:
            return left
        case Operator.DIVIDE_FLOOR, [left, right]:
            return divide_floor(left, right)
        case Operator.DIVIDE_CEILING, [left, right]:
            return divide_ceiling(left, right)
        case Operator.IF, [Truth(value), yes, no]:
            return yes if value else no
        case Operator.IF, [_, yes, no] if yes == no:
            return yes
        case _:
            return operation(term.operator, *parts)
