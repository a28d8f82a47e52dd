"""From a resolved protocol to a typed one: every problem is reported, and what can be typed still is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ionto_dsl import surface, typed
from ionto_dsl.channels_of import blocks_of, is_on, typed_channels
from ionto_dsl.claims import labelled_steps, property_of
from ionto_dsl.course_of import course_of
from ionto_dsl.equipment import device_of
from ionto_dsl.limits_of import InterruptionRules, TypedEnvelope, envelope_of, interruption_rules
from ionto_dsl.memory_of import Remembered, beginning_of, on_course, remember, spoken_of
from ionto_dsl.monitors_of import monitor_of
from ionto_dsl.needs import known_later
from ionto_dsl.operands import positive
from ionto_dsl.pauses import combined
from ionto_dsl.placements import place_electrodes
from ionto_dsl.poles import pole_variable
from ionto_dsl.resolve import Inherited, Program, find
from ionto_dsl.scenarios_of import Tables, scenario_of
from ionto_dsl.scope import Scope
from ionto_dsl.screenings import adopt, exclusions_of, requirement_of, rule_of, screening_of
from ionto_dsl.settings import missing, only, sources_of, title_of
from ionto_dsl.sites import on_their_sites
from ionto_dsl.steps_of import Around, classified, declare_records, recorded, type_steps
from ionto_dsl.variables_of import codes_of, declare_let, declare_values
from ionto_ir.dataclass import dataclass, replace
from ionto_ir.device import Device
from ionto_ir.diagnostic import Diagnostic, Label, error
from ionto_ir.limits import Exclusion
from ionto_ir.plan import Code, Course, Requirement, Rule, UserProperty, Variable, VariableKind
from ionto_ir.scenario import Scenario
from ionto_ir.source import Span
from ionto_ir.units import SLEW

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked:
    """A typed protocol with the names that it uses, for the lints."""

    protocol: typed.Protocol
    scope: Scope


@dataclass(frozen=True, slots=True)
class _Blocks:
    before: tuple[typed.Step, ...]
    session: tuple[typed.Step, ...]
    after: tuple[typed.Step, ...]
    records: tuple[Variable, ...]
    memories: tuple[Remembered, ...]


def typecheck(program: Program, inherited: Inherited, found: list[Diagnostic]) -> Checked:
    """Type one protocol with everything that it inherits."""
    names = program.modules[inherited.module].names
    scope = Scope(found, {name: symbol.bound_at for name, symbol in names.items()})
    owner = inherited.declaration
    items = tuple(item.item for item in inherited.items)
    _check_once(items, found)
    if inherited.whole:
        _check_complete(owner, items, found)
    envelopes = list(_envelopes(program, inherited, found))
    screened, rules = _screenings(program, inherited, scope)
    later = known_later(items, {step.name.text for step in recorded(_steps(items))})
    placements = [
        (item.item, item.module) for item in inherited.items if isinstance(item.item, surface.Placement)
    ]
    placed = place_electrodes(program, placements, scope)
    declared = declare_values([item for item in items if item not in later], scope)
    active_areas = len([1 for item, _ in placements if item.place == "active"])
    blocks = _blocks(items, (*screened, *declared), later, scope, active_areas)
    geometry = [place.geometry for place in placed if place.geometry is not None]
    pole = pole_variable([item for item, _ in placements])
    chosen = () if pole is None else (pole,)
    rules += _present(rule_of(item, scope) for item in items if isinstance(item, surface.Rule))
    stop, resume = (_slew(items, movement, scope) for movement in ("stop", "resume"))
    asked = (*screened, *declared, *chosen, *geometry, *blocks.records)
    changing = frozenset(
        variable.name for variable in asked if variable.adjustable or variable.kind is VariableKind.RECORD
    )
    monitors = _present(
        monitor_of(item, changing, scope) for item in items if isinstance(item, surface.Monitor)
    )
    channels = typed_channels(items, {item.name: item for item in blocks.records}, scope)
    requirements = _requirements(items, scope)
    exclusions = _exclusions(envelopes, scope)
    properties = _properties(items, scope)
    course, memories = _course(items, blocks.memories, scope)
    session, channels = _turned(blocks.session, channels, memories)
    protocol = typed.Protocol(
        name=owner.name.text,
        version="" if owner.version is None else owner.version.value,
        title=title_of(items, owner.name.text),
        indication=next((item.text.value for item in items if isinstance(item, surface.Indication)), None),
        codes=_codes(items),
        source=sources_of(items),
        devices=tuple(_devices(program, inherited, found)),
        envelopes=tuple(envelope.envelope for envelope, _ in envelopes),
        electrodes=on_their_sites(placed, asked, scope),
        variables=(*asked, *(one.variable for one in memories)),
        requirements=(*requirements, *(one.requirement for one in memories if one.requirement is not None)),
        rules=tuple(rules),
        exclusions=exclusions,
        limits=tuple(limit for envelope, _ in envelopes for limit in envelope.limits),
        interruptions=combined(
            interruption_rules(items, scope), _pauses_of(envelopes), owner, found if inherited.whole else []
        ),
        stop=stop,
        resume=resume,
        may_saturate=any(isinstance(item, surface.MaySaturate) for item in items),
        before=blocks.before,
        session=session,
        after=blocks.after,
        course=course,
        properties=properties,
        monitors=tuple(monitors),
        scenarios=_scenarios(items, (*asked, *(one.variable for one in memories)), blocks, channels, scope),
        span=owner.name.span,
        pole=None if pole is None else pole.name,
        channels=channels,
    )
    return Checked(protocol, scope)


def _turned(
    session: tuple[typed.Step, ...], channels: tuple[typed.Channel, ...], memories: tuple[Remembered, ...]
) -> tuple[tuple[typed.Step, ...], tuple[typed.Channel, ...]]:
    """Session and channels with the reversal that a carried polarity may begin with, in each that has
    current.
    """
    turn = beginning_of(memories)
    turned = tuple(replace(channel, steps=(*turn, *channel.steps)) for channel in channels)
    return (session if channels else (*turn, *session)), turned


def _present(values: Iterable[T | None]) -> list[T]:
    return [value for value in values if value is not None]


_ONCE: dict[type, str] = {
    surface.Title: "`title`",
    surface.Indication: "`indication`",
    surface.Session: "`session`",
    surface.Course: "`course`",
    surface.MaySaturate: "`may saturate`",
}


def _check_once(items: tuple[surface.ProtocolItem, ...], found: list[Diagnostic]) -> None:
    said = [(_ONCE[type(item)], item.span) for item in items if type(item) in _ONCE]
    said += [(f"`{item.when}`", item.span) for item in items if isinstance(item, surface.Around)]
    said += [(f"`{item.movement} at`", item.span) for item in items if isinstance(item, surface.SlewRule)]
    only(said, found)
    _check_opposite(items, found)


def _check_complete(
    owner: surface.Protocol, items: tuple[surface.ProtocolItem, ...], found: list[Diagnostic]
) -> None:
    name = f"the protocol `{owner.name.text}`"
    if owner.version is None:
        advice = 'write `version "1.0.0"` after its name: what is sealed must say which version it was'
        missing("version", name, owner.name.span, advice, found)
    relations = {item.relation for item in items if isinstance(item, surface.Use)}
    if "within" not in relations:
        advice = "limits live apart from treatments: import an envelope and write `within adult_skin`"
        missing("envelope (`within`)", name, owner.name.span, advice, found)
    if not any(isinstance(item, surface.Session) for item in items):
        advice = "write `session { deliver 40 mA.min at 2 mA ramping 30 s }`, or its steps one by one"
        missing("`session`", name, owner.name.span, advice, found)
    places = {item.place for item in items if isinstance(item, surface.Placement)}
    for place, example in (
        ("active", 'active cathode medium_patch on "heel"'),
        ("return", 'return anode large_patch on "calf"'),
    ):
        if place not in places:
            missing(f"{place} electrode", name, owner.name.span, f"for example `{example}`", found)


def _check_opposite(items: tuple[surface.ProtocolItem, ...], found: list[Diagnostic]) -> None:
    """A current needs both poles: what is active lies under one, what returns under the other."""
    placements = [item for item in items if isinstance(item, surface.Placement)]
    for active in [item for item in placements if item.place == "active"]:
        for other in [item for item in placements if item is not active and _meet(item, active)]:
            same_place = other.place == "active"
            if active.chosen or other.chosen:
                continue  # a return that is chosen is the other one
            if (other.pole == active.pole) is not same_place:
                what = (
                    "two active electrodes lie under different poles"
                    if same_place
                    else (f"the active and the return electrode are both the {active.pole}")
                )
                labels = (Label(active.span, f"the {active.pole}"),)
                advice = "one supply has one anode side and one cathode side"
                found.append(
                    error("I0455", what, other.span, f"the {other.pole}", labels=labels, help=advice)
                )
                return


def _meet(one: surface.Placement, other: surface.Placement) -> bool:
    """Whether there is a channel that both are on."""
    return not one.channel_names or any(is_on(other, name.text) for name in one.channel_names)


def _used(inherited: Inherited, relation: str) -> Iterator[tuple[surface.Name, str]]:
    for item in inherited.items:
        if isinstance(item.item, surface.Use) and item.item.relation == relation:
            for name in item.item.names:
                yield name, item.module


def _envelopes(
    program: Program, inherited: Inherited, found: list[Diagnostic]
) -> Iterator[tuple[TypedEnvelope, Span]]:
    seen: list[surface.Envelope] = []
    for name, module in _used(inherited, "within"):
        symbol = find(program, module, name, "envelope", found)
        if symbol is not None:
            assert isinstance(symbol.declaration, surface.Envelope), "find returns the expected kind"
            if not any(symbol.declaration is earlier for earlier in seen):
                seen.append(symbol.declaration)
                yield envelope_of(symbol.declaration, found), name.span


def _screenings(program: Program, inherited: Inherited, scope: Scope) -> tuple[list[Variable], list[Rule]]:
    variables: list[Variable] = []
    rules: list[Rule] = []
    seen: list[surface.Screening] = []
    for name, module in _used(inherited, "screen"):
        symbol = find(program, module, name, "screening", scope.found)
        if symbol is None:
            continue
        declaration = symbol.declaration
        assert isinstance(declaration, surface.Screening), "find returns the expected kind"
        if not any(declaration is earlier for earlier in seen):
            seen.append(declaration)
            screening = screening_of(declaration, program.modules[symbol.module], scope.found)
            variables += adopt(screening, declaration, scope)
            rules += screening.rules
    return variables, rules


def _devices(program: Program, inherited: Inherited, found: list[Diagnostic]) -> Iterator[Device]:
    for name, module in _used(inherited, "device"):
        symbol = find(program, module, name, "device", found)
        if symbol is not None:
            assert isinstance(symbol.declaration, surface.Device), "find returns the expected kind"
            device = device_of(symbol.declaration, found)
            if device is not None:
                yield device


def _steps(items: tuple[surface.ProtocolItem, ...]) -> tuple[surface.Step, ...]:
    """All steps, in whatever block."""
    return tuple(step for steps in _sections(items).values() for step in steps)


def _sections(items: tuple[surface.ProtocolItem, ...]) -> dict[str, tuple[surface.Step, ...]]:
    """Before, session and after. A `record` or `classify` at the top of the protocol comes last."""
    block = {item.when: item.steps for item in items if isinstance(item, surface.Around)}
    session = next((item.steps for item in items if isinstance(item, surface.Session)), ())
    last = tuple(
        item
        for item in items
        if isinstance(item, surface.Classify)
        or (isinstance(item, surface.Variable) and item.role == "record")
    )
    return {
        "before": block.get("before", ()),
        "session": session,
        "after": (*block.get("after", ()), *last),
    }


def _blocks(
    items: tuple[surface.ProtocolItem, ...],
    declared: Sequence[Variable],
    later: Sequence[surface.Let],
    scope: Scope,
    active_areas: int,
) -> _Blocks:
    """The typed steps of each block.

    What is recorded is known before the first step is looked at, and so is what an earlier session left.
    """
    sections = _sections(items)
    records = {
        variable.name: variable for steps in sections.values() for variable in declare_records(steps, scope)
    }
    course = next((item for item in items if isinstance(item, surface.Course)), None)
    memories = remember(course, {item.name: item for item in declared} | records, scope)
    for item in later:
        declare_let(item, scope)
    made = {
        section: type_steps(steps, scope, Around(section, records, active_areas))
        for section, steps in sections.items()
    }
    return _Blocks(made["before"], made["session"], made["after"], tuple(records.values()), memories)


def _requirements(items: tuple[surface.ProtocolItem, ...], scope: Scope) -> tuple[Requirement, ...]:
    return tuple(_present(requirement_of(item, scope) for item in items if isinstance(item, surface.Require)))


def _exclusions(envelopes: list[tuple[TypedEnvelope, Span]], scope: Scope) -> tuple[Exclusion, ...]:
    return tuple(
        exclusion for envelope, used_at in envelopes for exclusion in exclusions_of(envelope, used_at, scope)
    )


def _pauses_of(envelopes: list[tuple[TypedEnvelope, Span]]) -> list[tuple[str, InterruptionRules]]:
    return [(envelope.envelope.name, envelope.interruptions) for envelope, _ in envelopes]


def _codes(items: tuple[surface.ProtocolItem, ...]) -> tuple[Code, ...]:
    return tuple(
        code for item in items if isinstance(item, surface.Indication) for code in codes_of(item.codes)
    )


def _slew(items: tuple[surface.ProtocolItem, ...], movement: str, scope: Scope) -> typed.Slew | None:
    for item in items:
        if isinstance(item, surface.SlewRule) and item.movement == movement:
            value = positive(item.slew, SLEW, scope, f"`{movement} at` takes a current per time")
            return None if value is None else typed.Slew(value, item.span)
    return None


def _course(
    items: tuple[surface.ProtocolItem, ...], found: tuple[Remembered, ...], scope: Scope
) -> tuple[Course | None, tuple[Remembered, ...]]:
    """The course with what it remembers: last of all, because it keeps only what is spoken of."""
    for item in items:
        if isinstance(item, surface.Course):
            course = course_of(item, scope)
            memories = on_course(spoken_of(found, scope), course)
            return replace(course, memories=tuple(one.memory for one in memories)), memories
    return None, ()


def _properties(items: tuple[surface.ProtocolItem, ...], scope: Scope) -> tuple[UserProperty, ...]:
    session = next((item.steps for item in items if isinstance(item, surface.Session)), ())
    blocks = [block.steps for block in blocks_of(items)]
    labelled = [step for steps in (session, *blocks) for step in labelled_steps(steps)]
    claims = [item for item in items if isinstance(item, surface.Prove)]
    return tuple(_present(property_of(item, labelled, scope) for item in claims))


def _scenarios(
    items: tuple[surface.ProtocolItem, ...],
    variables: Iterable[Variable],
    blocks: _Blocks,
    channels: tuple[typed.Channel, ...],
    scope: Scope,
) -> tuple[Scenario, ...]:
    tests = [item for item in items if isinstance(item, surface.Test)]
    only([(f'the test "{test.name.value}"', test.name.span) for test in tests], scope.found)
    by_name = {variable.name: variable for variable in variables}
    # A table that was refused has meanings that are not known: nothing more is said about its uses.
    tables: Tables = dict.fromkeys((item.subject.text for item in classified(_steps(items))), None)
    tables |= _tables((*blocks.before, *blocks.session, *blocks.after))
    buttons = tuple(_buttons(blocks.session))
    names = tuple(channel.name for channel in channels)
    return tuple(_present(scenario_of(test, by_name, tables, buttons, names, scope) for test in tests))


def _buttons(steps: Iterable[typed.Step]) -> Iterator[str]:
    """The names of the blocks on demand."""
    for step in steps:
        match step:
            case typed.OnDemand(text):
                yield text
            case typed.If(_, then, otherwise):
                yield from _buttons((*then, *otherwise))
            case _:
                pass


def _tables(steps: Iterable[typed.Step]) -> Tables:
    """The meanings that each classified variable can have."""
    tables: Tables = {}
    for step in steps:
        match step:
            case typed.Classify(variable, rows):
                tables[variable] = (tables.get(variable) or ()) + tuple(row.meaning for row in rows)
            case typed.If(_, then, otherwise):
                tables |= _tables((*then, *otherwise))
            case typed.Repeat(body=body):
                tables |= _tables(body)
            case _:
                pass
    return tables
