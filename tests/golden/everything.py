"""A plan that uses every part of the plan's schema once, so that a golden file holds each of them."""

from __future__ import annotations

from ionto_ir import expression as terms
from ionto_ir.course import Gate, Memory, MemoryKind, Phase, Rhythm
from ionto_ir.dataclass import replace
from ionto_ir.device import ALL, WHOLE, Drug, Electrode, Place, Split
from ionto_ir.expression import Constant, Expression
from ionto_ir.features import features_of
from ionto_ir.limits import Envelope, Exclusion, ImpedanceRange, LimitKind, Role
from ionto_ir.monitor import Monitor, MonitorAction
from ionto_ir.plan import (
    Branch,
    Channel,
    ChoiceDomain,
    Classify,
    ClassRow,
    Code,
    Confirm,
    Course,
    Demand,
    DoseRule,
    Finish,
    ForTime,
    Hold,
    Instruct,
    IntegerDomain,
    Loop,
    Move,
    Plan,
    PropertyKind,
    Ramp,
    Record,
    Requirement,
    Reverse,
    Rule,
    RuleKind,
    Section,
    Slope,
    SourceDigest,
    Step,
    UntilCharge,
    UntilTotal,
    UserProperty,
    Variable,
    VariableKind,
    Wait,
)
from ionto_ir.waveform import Form, Waveform
from tests.treatments import BENCH, HERE, limit, plan_with

GREATER = terms.Operator.GREATER
MA = 1_000_000
MA_S = 1_000_000_000
DAY_MS = 86_400_000
BEFORE, SESSION, AFTER = Section.BEFORE, Section.SESSION, Section.AFTER

CURRENT = terms.integer_reference("current")
SLOPE = Slope(CURRENT, Constant(8_000))
STEADY = Slope(Constant(250_000), Constant(1_000))
SWEATING = terms.less_equal(terms.integer_reference("sweating"), Constant(1))
TRAY = terms.integer_reference("active.area")


def _variable(
    name: str, kind: VariableKind, domain: IntegerDomain | ChoiceDomain, *, adjustable: bool = False
) -> Variable:
    return Variable(name, kind, domain, f"The {name}", adjustable, None, HERE)


def _variables() -> tuple[Variable, ...]:
    number = "plain number"
    answer = _variable("skin", VariableKind.ANSWER, ChoiceDomain(("whole", "broken")))
    return (
        _variable(
            "current",
            VariableKind.PARAMETER,
            IntegerDomain(MA, 2 * MA, 100_000, MA, "current", "mA"),
            adjustable=True,
        ),
        _variable("rounds", VariableKind.PARAMETER, IntegerDomain(1, 3, 1, 2, number, "")),
        _variable(
            "active.area", VariableKind.GEOMETRY, IntegerDomain(10**9, 4 * 10**9, None, None, "area", "cm2")
        ),
        replace(answer, code=Code("icd10cm", "L98.9")),
        _variable("active.pole", VariableKind.PARAMETER, ChoiceDomain(("anode", "cathode"))),
        _variable("sweating", VariableKind.RECORD, IntegerDomain(0, 4, 1, None, number, "")),
        _variable(
            "chloride",
            VariableKind.RECORD,
            IntegerDomain(0, 160_000, None, None, "amount concentration", "mmol/L"),
        ),
        _variable("side", VariableKind.PARAMETER, ChoiceDomain(("left", "right"))),
        _variable("course.session", VariableKind.MEMORY, IntegerDomain(1, 12, None, None, number, "")),
        _variable("course.phase", VariableKind.MEMORY, ChoiceDomain(("often", "listed"))),
        _variable("course.polarity", VariableKind.MEMORY, ChoiceDomain(("declared", "swapped"))),
        _variable("previous.sweating", VariableKind.MEMORY, IntegerDomain(0, 4, None, None, number, "")),
    )


def _ramp(
    target: Expression, start: Expression, slope: Slope, following: int, *, negative: bool = False
) -> Ramp:
    return Ramp(target, start, slope, negative, following, SESSION, HERE)


PULSES = Waveform(Form.PULSED, 10_000_000, 500_000)


def _demand(body: int, following: int) -> Demand:
    rule = DoseRule(Constant(2), Constant(60_000))
    times = (Constant(20_000), False, (rule,), Constant(3), Constant(120_000))
    return Demand("Dose", terms.ZERO, *times, body, following, SESSION, HERE)


def _steps() -> tuple[Step, ...]:
    rows = (
        ClassRow(None, True, 30_000, False, "unlikely", HERE),
        ClassRow(30_000, True, 60_000, False, "intermediate", HERE),
        ClassRow(60_000, True, None, True, "supports", HERE),
    )
    total = terms.multiply(CURRENT, Constant(40_000))
    doubled = terms.add(total, terms.minimum(total, Constant(200 * MA_S)))
    rounds = terms.integer_reference("rounds")
    return (
        Confirm("Skin is clean", 1, BEFORE, HERE),
        _ramp(CURRENT, terms.ZERO, SLOPE, 2),
        Hold(CURRENT, ForTime(Constant(5_000)), 3, SESSION, HERE),
        Hold(CURRENT, UntilTotal(total, SLOPE), 4, SESSION, HERE),
        _ramp(terms.ZERO, CURRENT, SLOPE, 5),
        Reverse(6, SESSION, HERE),
        Loop(0, rounds, SWEATING, Constant(60_000), 7, 11, SESSION, HERE, Constant(1_800_000)),
        _ramp(Constant(MA), terms.ZERO, STEADY, 8, negative=True),
        Hold(Constant(MA), UntilCharge(Constant(3 * MA_S)), 9, SESSION, HERE),
        _ramp(terms.ZERO, Constant(MA), STEADY, 10, negative=True),
        Record("sweating", 6, SESSION, HERE),
        Wait(Constant(30_000), "collect", 12, SESSION, HERE),
        Branch(terms.negation(SWEATING), 13, 14, SESSION, HERE),
        Finish("still sweating", False, SESSION, HERE),
        _ramp(CURRENT, terms.ZERO, SLOPE, 15),
        Hold(CURRENT, UntilTotal(doubled, SLOPE), 16, SESSION, HERE),
        _ramp(terms.ZERO, CURRENT, SLOPE, 17),
        _demand(18, 21),
        replace(_ramp(Constant(MA), terms.ZERO, STEADY, 19), waveform=PULSES),
        Hold(Constant(MA), ForTime(Constant(5_000)), 20, SESSION, HERE, PULSES),
        _ramp(terms.ZERO, Constant(MA), STEADY, 17),
        Instruct("Apply a moisturiser", 22, AFTER, HERE),
        Record("chloride", 23, AFTER, HERE, 600_000, 26),
        Classify("chloride", rows, 24, AFTER, HERE),
        Move(1, "the other calf", 25, AFTER, HERE),
        Finish("completed", True, AFTER, HERE),
        Finish("nobody measured", False, AFTER, HERE),
    )


def _electrodes() -> tuple[Electrode, ...]:
    drug = Drug("lidocaine", "Lidocaine", 1, 234_300, 40_000_000, 100_000, "general knowledge", HERE)
    active = Electrode(
        Place.ACTIVE,
        Role.ANODE,
        "tray",
        "palm",
        TRAY,
        True,
        2_500_000,
        (drug,),
        "reversed for comfort",
        None,
        HERE,
        site_variable="side",
    )
    return (
        active,
        Electrode(
            Place.RETURN,
            Role.CATHODE,
            "patch",
            "calf",
            Constant(10**10),
            False,
            None,
            (),
            None,
            "a leaflet",
            HERE,
            Split(400_000, WHOLE),
        ),
    )


def _monitors() -> tuple[Monitor, ...]:
    impedance = terms.integer_reference("measured.impedance")
    charge = terms.integer_reference("output.charge")
    loose, mended = (terms.compare(GREATER, impedance, Constant(ohm)) for ohm in (50_000, 30_000))
    much = terms.compare(GREATER, charge, Constant(300 * MA_S))
    return (
        Monitor(MonitorAction.PAUSE, loose, 2_000, terms.negation(mended), "Check contact", HERE),
        Monitor(MonitorAction.STOP, much, 0, None, "More than anybody needs", HERE),
    )


def _course() -> Course:
    """A course with every part of one."""
    gate = Gate(SWEATING, "no response", 4, HERE)
    often = Rhythm(2, 3, DAY_MS, None, ((3, 7),), (), (), 6, None)
    listed = Rhythm(0, None, 0, None, (), (0, 2, 4), (1, 8), None, 30)
    memories = (
        Memory("course.session", MemoryKind.SESSION, None, 1, None, HERE),
        Memory("course.phase", MemoryKind.PHASE, None, 0, None, HERE),
        Memory("course.polarity", MemoryKind.POLARITY, None, 0, SWEATING, HERE),
        Memory("previous.sweating", MemoryKind.VALUE, "sweating", 4, None, HERE),
    )
    return Course(
        2,
        7,
        DAY_MS + 3_600_000,
        ((3, 7),),
        12,
        SWEATING,
        HERE,
        gap_ms_max=40 * DAY_MS,
        weekdays=(0, 1, 2, 3, 4),
        length_days=365,
        gates=(gate,),
        phases=(Phase("often", often, SWEATING, (gate,), HERE), Phase("listed", listed, None, (), HERE)),
        rest_site_ms=3 * DAY_MS,
        memories=memories,
    )


def everything() -> Plan:
    """The plan."""
    broken = terms.equal(terms.integer_reference("skin"), Constant(1))
    density = terms.less_equal(
        terms.multiply(CURRENT, Constant(10**9)), terms.multiply(TRAY, Constant(2 * MA))
    )
    flowing = terms.compare(GREATER, terms.integer_reference("output.current"), Constant(3 * MA))
    plan = plan_with(
        _steps(),
        name="everything",
        title="Every part of a plan, once",
        indication="None: this is a test",
        codes=(Code("icd10cm", "M72.2"),),
        source=("tests",),
        device=replace(BENCH, source="the bench", device_class="laboratory"),
        envelopes=(
            Envelope(
                "bench",
                "Bench",
                ImpedanceRange(1_000, 15_000, "a table", HERE),
                HERE,
                sites=("palm",),
                device_classes=("laboratory", "clinic"),
                people=("skin = whole",),
            ),
        ),
        electrodes=_electrodes(),
        variables=_variables(),
        requirements=(Requirement(density, "the tray is too small", HERE),),
        rules=(
            Rule(RuleKind.REFUSE, broken, "broken skin", HERE),
            Rule(RuleKind.CAUTION, broken, "look again", HERE),
        ),
        exclusions=(Exclusion(broken, "H-BURN", "a leaflet", "bench", HERE, "skin = whole"),),
        limits=(
            limit(LimitKind.CURRENT, 4 * MA, "mA", nominal=True),
            limit(LimitKind.DENSITY, 25 * 100_000, "mA/cm2", role=Role.ANODE),
            limit(LimitKind.RAMP, 500_000, "mA/s"),
            limit(LimitKind.VOLTAGE, 60_000, "V"),
            limit(LimitKind.DOSE, 400 * MA_S, "mC"),
            limit(LimitKind.DOSE, 400 * MA_S, "mC", window_ms=DAY_MS),
            limit(LimitKind.DOSE, 100 * MA_S, "mC", nominal=True, soft=True),
            limit(LimitKind.CHARGE_DENSITY, 10**9, "mC/cm2", role=Role.CATHODE),
            limit(LimitKind.SESSIONS, 1, "", window_ms=DAY_MS),
            replace(limit(LimitKind.SESSIONS, 1, "", window_ms=3 * DAY_MS), per_site=True),
            limit(LimitKind.DURATION, 3_600_000, "min"),
            limit(LimitKind.STOP_TIME, 10_000, "s"),
        ),
        may_saturate=True,
        course=_course(),
        properties=(
            UserProperty(PropertyKind.NEVER, flowing, "collect", None, "never more than 3 mA", HERE),
            UserProperty(PropertyKind.FINISHED, None, None, 3_600_000, "finished within 60 min", HERE),
        ),
        pole="active.pole",
        files=(SourceDigest("generated.ionto", "0" * 64),),
        monitors=_monitors(),
    )
    return replace(plan, requires=features_of(plan))


def side_by_side() -> Plan:
    """A plan with two channels, which share their return."""
    whole = everything()
    active, back = (replace(item, drugs=(), area_um2=Constant(10**9)) for item in whole.electrodes)
    steps: tuple[Step, ...] = (
        _ramp(Constant(MA), terms.ZERO, STEADY, 1),
        Hold(Constant(MA), ForTime(Constant(5_000)), 2, SESSION, HERE),
        _ramp(terms.ZERO, Constant(MA), STEADY, 3),
        Finish("completed", True, AFTER, HERE),
    )
    channels = tuple(
        Channel(name, (number, 2), steps, 0, HERE) for number, name in enumerate(("left", "right"))
    )
    plan = replace(
        whole,
        name="side_by_side",
        device=replace(whole.device, channels=2, shared_return=True),
        electrodes=(active, replace(active, site="palm, right"), replace(back, split=ALL)),
        steps=(
            Confirm("All channels have come to their end", 1, SESSION, HERE),
            Finish("completed", True, AFTER, HERE),
        ),
        counters=0,
        variables=tuple(item for item in whole.variables if item.kind is not VariableKind.MEMORY),
        channels=channels,
        properties=(),
        monitors=(),
        course=None,
        pole=None,
    )
    return replace(plan, requires=features_of(plan))
