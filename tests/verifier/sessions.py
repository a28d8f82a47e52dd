"""Plans for tests of the verifier: the smallest session there is, with whatever a property needs added to
it.
"""

from __future__ import annotations

from ionto_ir import expression as terms
from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.expression import Expression
from ionto_ir.features import features_of
from ionto_ir.limits import Envelope, Exclusion, ImpedanceRange, Limit, LimitKind, Role
from ionto_ir.plan import (
    BooleanDomain,
    Course,
    IntegerDomain,
    Interruptions,
    Plan,
    Requirement,
    Rule,
    RuleKind,
    Variable,
    VariableKind,
)
from ionto_verifier.driver import Options, verify
from ionto_verifier.properties import Property
from ionto_verifier.report import Finding, VerificationReport, verdict_name
from tests.treatments import (
    HERE,
    Chosen,
    Fixed,
    Keep,
    Leg,
    Move,
    Over,
    Parameter,
    Part,
    Treatment,
    electrode,
    limit,
    plan_of,
)

MA = 1_000_000
SECOND = 1_000
MINUTE = 60_000
HOUR = 3_600_000
MA_MIN = MA * MINUTE
CM2 = 100_000_000
MA_CM2 = 10_000_000

CURRENT = Parameter("current", 1 * MA, 2 * MA, MA // 10, 2 * MA, adjustable=False)
QUICK = Options(margins=False, advice=False)


def session(
    *body: Keep | Move,
    level: int | str = 2 * MA,
    up_ms: int = 10 * SECOND,
    down_ms: int = 10 * SECOND,
    parameters: tuple[Parameter, ...] = (),
    parts: tuple[Part, ...] = (),
    interruptions: int = 0,
    pause_ms: int = MINUTE,
) -> Plan:
    """Up, hold for 10 s unless the body says otherwise, and down."""
    target = Chosen(level) if isinstance(level, str) else Fixed(level)
    leg = Leg(Move(target, Over(up_ms)), body or (Keep("time", 10 * SECOND),), Over(down_ms))
    treatment = Treatment((leg, *parts), parameters, (), interruptions, pause_ms)
    return plan_of(treatment)


def limited(plan: Plan, *limits: Limit) -> Plan:
    """The plan under these limits alone."""
    return replace(plan, limits=limits)


def paused(plan: Plan, count: int, each_ms: int = MINUTE) -> Plan:
    """The plan with so many pauses."""
    return replace(plan, interruptions=Interruptions(count, each_ms, True, HERE))


def asking(plan: Plan, *names: str) -> Plan:
    """The plan with questions answered by yes or no."""
    added = tuple(
        Variable(name, VariableKind.ANSWER, BooleanDomain(), "", False, None, HERE) for name in names
    )
    return replace(plan, variables=(*plan.variables, *added))


def aged(plan: Plan, lo: int = 0, hi: int = 120) -> Plan:
    """The plan with a question for the age in years."""
    domain = IntegerDomain(lo, hi, 1, None, "plain number", "")
    added = Variable("age", VariableKind.ANSWER, domain, "", False, None, HERE)
    return replace(plan, variables=(*plan.variables, added))


def refusing(plan: Plan, *conditions: Expression, kind: RuleKind = RuleKind.REFUSE) -> Plan:
    """The plan with refusals (or cautions)."""
    added = tuple(Rule(kind, condition, "no", HERE) for condition in conditions)
    return replace(plan, rules=(*plan.rules, *added))


def excluding(plan: Plan, *conditions: Expression) -> Plan:
    """The plan under an envelope that excludes people."""
    added = tuple(Exclusion(condition, "H-BURN", None, "bench", HERE) for condition in conditions)
    return replace(plan, exclusions=(*plan.exclusions, *added))


def requiring(plan: Plan, *conditions: Expression) -> Plan:
    """The plan with requirements."""
    added = tuple(Requirement(condition, "required", HERE) for condition in conditions)
    return replace(plan, requirements=(*plan.requirements, *added))


def with_impedance(plan: Plan, ohm_max: int) -> Plan:
    """The plan under an envelope that assumes an impedance of up to `ohm_max`."""
    assumed = ImpedanceRange(1_000, ohm_max, None, HERE)
    return replace(plan, envelopes=(Envelope("bench", "Bench", assumed, HERE),))


def with_areas(plan: Plan, active_um2: int, return_um2: int) -> Plan:
    """The plan with electrodes of these sizes: a cathode and an anode."""
    electrodes = (
        electrode(Place.ACTIVE, Role.CATHODE, active_um2),
        electrode(Place.RETURN, Role.ANODE, return_um2),
    )
    return replace(plan, electrodes=electrodes)


def following(
    plan: Plan,
    *,
    days: int = 0,
    ms: int = 0,
    rules: tuple[tuple[int, int], ...] = (),
    most: int | None = None,
) -> Plan:
    """The plan with a course."""
    planned = replace(plan, course=Course(days, None, ms, rules, most, None, HERE))
    return replace(planned, requires=features_of(planned))


def current_limit(bound: int, *, nominal: bool = True) -> Limit:
    """A limit of current, nA."""
    return limit(LimitKind.CURRENT, bound, "mA", nominal=nominal)


def dose_limit(bound: int, *, nominal: bool = False, window_ms: int | None = None) -> Limit:
    """A limit of dose, pC."""
    return limit(LimitKind.DOSE, bound, "mA.min", nominal=nominal, window_ms=window_ms)


def finding(report: VerificationReport, kind: Property) -> Finding:
    """The finding of a property: the first that is not proved, else the first."""
    found = [item for item in report.findings if item.claim.property is kind]
    open_ones = [item for item in found if verdict_name(item.verdict) != "proved"]
    return (open_ones or found)[0]


def verdict(plan: Plan, kind: Property) -> str:
    """The verdict of a property of a plan."""
    return verdict_name(finding(verify(plan, QUICK), kind).verdict)


def reference(name: str) -> Expression:
    """A quantity of the plan."""
    return terms.integer_reference(name)


def answered(name: str) -> Expression:
    """An answer of the plan."""
    return terms.boolean_reference(name)
