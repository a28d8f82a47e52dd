"""Plans of the treatments of `tests.treatment_parts`: a plain lowering that shares nothing with the compiler.

`tests.treatment_source` writes the same treatment as `.ionto` text.
"""

from __future__ import annotations

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.device import Device, Electrode, Place
from ionto_ir.expression import Expression
from ionto_ir.features import features_of
from ionto_ir.limits import Envelope, Limit, LimitKind, Role
from ionto_ir.monitor import Monitor
from ionto_ir.plan import (
    SCHEMA,
    BooleanDomain,
    Branch,
    Demand,
    DoseRule,
    Finish,
    ForTime,
    Hold,
    HoldUntil,
    Instruct,
    IntegerDomain,
    Interruptions,
    Loop,
    Plan,
    Ramp,
    Record,
    Reverse,
    Section,
    Slope,
    Step,
    UntilCharge,
    UntilTotal,
    Variable,
    VariableKind,
    Wait,
)
from ionto_ir.waveform import Waveform
from tests.bench_device import BENCH as BENCH
from tests.bench_device import HERE as HERE
from tests.treatment_parts import (
    At as At,
)
from tests.treatment_parts import (
    Choice as Choice,
)
from tests.treatment_parts import (
    Chosen as Chosen,
)
from tests.treatment_parts import (
    Doses as Doses,
)
from tests.treatment_parts import (
    Fixed as Fixed,
)
from tests.treatment_parts import (
    Found as Found,
)
from tests.treatment_parts import (
    Keep as Keep,
)
from tests.treatment_parts import (
    Late as Late,
)
from tests.treatment_parts import (
    Leg as Leg,
)
from tests.treatment_parts import (
    Level as Level,
)
from tests.treatment_parts import (
    Move as Move,
)
from tests.treatment_parts import (
    Over as Over,
)
from tests.treatment_parts import (
    Parameter as Parameter,
)
from tests.treatment_parts import (
    Part as Part,
)
from tests.treatment_parts import (
    Repeat as Repeat,
)
from tests.treatment_parts import (
    Rest as Rest,
)
from tests.treatment_parts import (
    Rounds as Rounds,
)
from tests.treatment_parts import (
    Speed as Speed,
)
from tests.treatment_parts import (
    Tell as Tell,
)
from tests.treatment_parts import (
    Treatment as Treatment,
)
from tests.treatment_parts import (
    Turn as Turn,
)
from tests.treatment_parts import (
    Watch as Watch,
)


def electrode(place: Place, role: Role, area_um2: Expression | int = 2_500_000_000) -> Electrode:
    """A patch of 25 cm2 unless said otherwise."""
    area = terms.integer(area_um2) if isinstance(area_um2, int) else area_um2
    return Electrode(place, role, "patch", "arm", area, None, None, (), None, None, HERE)


def limit(
    kind: LimitKind,
    bound: int,
    unit: str,
    *,
    role: Role | None = None,
    window_ms: int | None = None,
    nominal: bool = False,
    soft: bool = False,
) -> Limit:
    """A limit of the envelope `bench`."""
    return Limit(kind, bound, unit, role, window_ms, nominal, soft, "H-BURN", None, None, "bench", HERE)


def current_parameter(
    name: str, lo: int, hi: int, step: int | None, default: int | None, adjustable: bool = False
) -> Variable:
    """A parameter of current."""
    domain = IntegerDomain(lo, hi, step, default, "current", "mA")
    return Variable(name, VariableKind.PARAMETER, domain, "", adjustable, None, HERE)


def answer(name: str) -> Variable:
    """A question with yes or no."""
    return Variable(name, VariableKind.ANSWER, BooleanDomain(), "", False, None, HERE)


def plan_with(steps: tuple[Step, ...], **changes: object) -> Plan:
    """A plan of these steps on the bench device; `requires` and `counters` are worked out."""
    plan = Plan(
        schema=SCHEMA,
        requires=(),
        tool="tests",
        name="generated",
        version="1.0.0",
        title="Generated",
        indication=None,
        codes=(),
        source=(),
        device=BENCH,
        envelopes=(Envelope("bench", "Bench", None, HERE),),
        electrodes=(electrode(Place.ACTIVE, Role.CATHODE), electrode(Place.RETURN, Role.ANODE)),
        variables=(),
        requirements=(),
        rules=(),
        exclusions=(),
        limits=(
            limit(LimitKind.CURRENT, 4_000_000, "mA", nominal=True),
            limit(LimitKind.RAMP, 500_000, "mA/s"),
        ),
        interruptions=Interruptions(3, 60_000, True, HERE),
        stop_slew_na_s=500_000,
        resume_slew_na_s=500_000,
        may_saturate=False,
        steps=steps,
        entry=0,
        counters=sum(isinstance(step, Loop) for step in steps),
        course=None,
        properties=(),
        files=(),
        span=HERE,
    )
    plan = replace(plan, **changes)  # type: ignore[arg-type]
    return replace(plan, requires=features_of(plan))


def finish(section: Section = Section.AFTER) -> Finish:
    """The end as planned."""
    return Finish("finished", True, section, HERE)


class _Builder:
    """Appends steps; the target of a step that is not known yet is filled in when it is."""

    def __init__(self, return_na_s: int, answers: tuple[str, ...] = ()) -> None:
        self.return_na_s = return_na_s
        self.steps: list[Step] = []
        self.late: list[int] = []  # steps whose way out is not built yet
        self.recorded: list[Variable] = []
        self.counters = 0
        self.answers = answers
        self.waveform: Waveform | None = None

    def add(self, step: Step) -> int:
        self.steps.append(step)
        return len(self.steps) - 1

    @property
    def here(self) -> int:
        return len(self.steps)

    def parts(self, parts: tuple[Part, ...]) -> None:
        for part in parts:
            self.part(part)

    def part(self, part: Part) -> None:
        match part:
            case Leg():
                self.leg(part)
            case Rest(ms):
                self.add(Wait(terms.integer(ms), "rest", self.here + 1, Section.SESSION, HERE))
            case Tell(None):
                self.add(Instruct("look", self.here + 1, Section.SESSION, HERE))
            case Tell(within_ms):
                self.late.append(self.here)
                self.add(Instruct("look", self.here + 1, Section.SESSION, HERE, within_ms, -1))
            case Turn():
                self.add(Reverse(self.here + 1, Section.SESSION, HERE))
            case Repeat():
                self.repeat(part)
            case Choice():
                self.choice(part)
            case Doses():
                self.doses(part)
            case Found():
                self.found(part)
            case Late():
                self.waited(part)

    def repeat(self, part: Repeat) -> None:
        period = None if part.period_ms is None else terms.integer(part.period_ms)
        count, until, within = terms.integer(part.count), None, None
        if part.within_ms is not None:
            assert part.period_ms is not None, "it says how many rounds there can be"
            count = terms.integer(-(-part.within_ms // part.period_ms))
            until, within = terms.boolean_reference(self.answers[0]), terms.integer(part.within_ms)
        loop = Loop(self.counters, count, until, period, self.here + 1, -1, Section.SESSION, HERE, within)
        self.counters += 1
        head = self.add(loop)
        self.parts(part.body)
        last = self.here - 1
        # Whatever led past the end of the body leads back to the head.
        for index in range(head + 1, self.here):
            self.steps[index] = _redirect(self.steps[index], last + 1, head)
        self.steps[head] = replace(loop, exit=self.here)

    def choice(self, part: Choice) -> None:
        condition = terms.boolean_reference(part.answer)
        fork = self.add(Branch(condition, self.here + 1, -1, Section.SESSION, HERE))
        self.parts(part.yes)
        end_of_yes = self.here
        if not part.no:
            self.steps[fork] = Branch(condition, fork + 1, end_of_yes, Section.SESSION, HERE)
            return
        self.parts(part.no)
        for index in range(fork + 1, end_of_yes):
            self.steps[index] = _redirect(self.steps[index], end_of_yes, self.here)
        self.steps[fork] = Branch(condition, fork + 1, end_of_yes, Section.SESSION, HERE)

    def found(self, part: Found) -> None:
        late = None if part.within_ms is None else -1
        if late is not None:
            self.late.append(self.here)
        self.recorded.append(part.variable)
        self.add(Record(part.variable.name, self.here + 1, Section.SESSION, HERE, part.within_ms, late))
        self.parts(part.body)

    def waited(self, part: Late) -> None:
        fork = self.add(Instruct("look", self.here + 1, Section.SESSION, HERE, part.within_ms, -1))
        self.parts(part.in_time)
        end_in_time = self.here
        self.parts(part.late)
        for index in range(fork, end_in_time):
            self.steps[index] = _redirect(self.steps[index], end_in_time, self.here)
        late = replace(self.steps[fork], late=end_in_time)  # type: ignore[call-arg]
        self.steps[fork] = late

    def leg(self, leg: Leg) -> None:
        level: Expression = terms.ZERO
        self.waveform = leg.waveform
        level = self.move(level, leg.up, leg.negative)
        for position, part in enumerate(leg.body):
            match part:
                case Move():
                    level = self.move(level, part, leg.negative)
                case Rounds():
                    self.rounds(level, part, leg.negative)
                case Keep():
                    last = position == len(leg.body) - 1
                    self.keep(level, part, slope_of(level, terms.ZERO, leg.down) if last else None)
        self.ramp(level, terms.ZERO, leg.down, leg.negative)
        self.waveform = None

    def rounds(self, level: Expression, part: Rounds, negative: bool) -> None:
        count = terms.integer(part.count)
        loop = Loop(self.counters, count, None, None, self.here + 1, -1, Section.SESSION, HERE)
        self.counters += 1
        head = self.add(loop)
        for item in part.body:
            if isinstance(item, Move):
                level = self.move(level, item, negative)
            else:
                self.keep(level, item, None)
        self.steps[-1] = _redirect(self.steps[-1], self.here, head)
        self.steps[head] = replace(loop, exit=self.here)

    def doses(self, part: Doses) -> None:
        basal = terms.ZERO if part.basal is None else level_expression(part.basal)
        if part.basal is not None:
            self.ramp(terms.ZERO, basal, At(self.return_na_s), False)
        rules = tuple(DoseRule(terms.integer(count), terms.integer(ms)) for count, ms in part.rules)
        times = (terms.integer(part.lockout_ms), part.from_end, rules)
        numbers = (terms.integer(part.count), terms.integer(part.within_ms))
        head = Demand(part.button, basal, *times, *numbers, self.here + 1, -1, Section.SESSION, HERE)
        index = self.add(head)
        level = self.move(basal, part.up, False)
        self.keep(level, part.keep, None)
        self.ramp(level, basal, part.back, False)
        self.steps[-1] = _redirect(self.steps[-1], self.here, index)
        self.steps[index] = replace(head, exit=self.here)
        if part.basal is not None:
            self.ramp(basal, terms.ZERO, part.down, False)

    def move(self, level: Expression, move: Move, negative: bool) -> Expression:
        target = level_expression(move.level)
        if move.turns:
            self.waveform = move.waveform
        self.ramp(level, target, move.speed, negative)
        return target

    def ramp(self, start: Expression, target: Expression, speed: Speed, negative: bool) -> None:
        slope = slope_of(start, target, speed)
        place = (self.here + 1, Section.SESSION, HERE)
        self.add(Ramp(target, start, slope, negative, *place, self.waveform))

    def keep(self, level: Expression, keep: Keep, descent: Slope | None) -> None:
        amount = terms.integer(keep.amount)
        until: HoldUntil
        match keep.kind:
            case "time":
                until = ForTime(amount)
            case "charge":
                until = UntilCharge(amount)
            case _:
                until = UntilTotal(amount, descent)
        self.add(Hold(level, until, self.here + 1, Section.SESSION, HERE, self.waveform))


def level_expression(level: Level) -> Expression:
    """The level as an operand."""
    return terms.integer(level.na) if isinstance(level, Fixed) else terms.integer_reference(level.name)


def slope_of(start: Expression, target: Expression, speed: Speed) -> Slope:
    """A ramp by time keeps the rate at which it would go all the way; a ramp by rate has it stated."""
    if isinstance(speed, At):
        return Slope(terms.integer(speed.na_s), terms.integer(1000))
    return Slope(terms.absolute(terms.subtract(target, start)), terms.integer(speed.ms))


def _redirect(step: Step, old: int, new: int) -> Step:
    match step:
        case Branch(_, then, otherwise):
            return replace(
                step, then=new if then == old else then, otherwise=new if otherwise == old else otherwise
            )
        case Loop() | Demand():
            return replace(step, exit=new if step.exit == old else step.exit)
        case Finish():
            return step
        case Instruct() if step.late == old:
            return replace(step, next=new if step.next == old else step.next, late=new)
        case _:
            return replace(step, next=new if step.next == old else step.next)


READINGS = {
    "impedance": "measured.impedance",
    "voltage": "measured.voltage",
    "current": "measured.current",
    "charge": "output.charge",
    "elapsed": "output.elapsed",
}


def monitor_of(watch: Watch) -> Monitor:
    """The monitor; `until` lies on the other side of its bound."""
    reading = terms.integer_reference(READINGS[watch.reading])
    first, other = terms.Operator.GREATER, terms.Operator.LESS
    if not watch.above:
        first, other = other, first
    condition = terms.compare(first, reading, terms.integer(watch.bound))
    until = None if watch.until is None else terms.compare(other, reading, terms.integer(watch.until))
    return Monitor(watch.action, condition, watch.persistence_ms, until, f"{watch.reading} watched", HERE)


def plan_of(treatment: Treatment, device: Device = BENCH) -> Plan:
    """The plan of a treatment."""
    stop_na_s = min(treatment.stop_na_s, device.slew_na_s)
    builder = _Builder(min(stop_na_s, treatment.ramp_na_s, device.slew_na_s), treatment.answers)
    builder.parts(treatment.parts)
    builder.add(finish())
    for index in builder.late:
        end = builder.add(Finish("nobody", False, Section.SESSION, HERE))
        builder.steps[index] = replace(builder.steps[index], late=end)  # type: ignore[call-arg]
    limits = [
        limit(LimitKind.CURRENT, 4_000_000, "mA", nominal=True),
        limit(LimitKind.RAMP, treatment.ramp_na_s, "mA/s"),
    ]
    if treatment.dose_pc is not None:
        limits.append(limit(LimitKind.DOSE, treatment.dose_pc, "mA.min"))
    variables = [
        current_parameter(item.name, item.lo, item.hi, item.step, item.default, item.adjustable)
        for item in treatment.parameters
    ]
    return plan_with(
        tuple(builder.steps),
        device=device,
        variables=(*variables, *(answer(name) for name in treatment.answers), *builder.recorded),
        limits=tuple(limits),
        interruptions=Interruptions(treatment.interruptions, treatment.pause_ms, treatment.resume, HERE),
        stop_slew_na_s=min(treatment.stop_na_s, device.slew_na_s),
        resume_slew_na_s=min(treatment.ramp_na_s, device.slew_na_s),
        monitors=tuple(monitor_of(watch) for watch in treatment.watches),
    )
