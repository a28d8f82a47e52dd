"""Whether monitors mean anything: each can act, none acts always, and what was paused can be resumed.

That the limits hold while monitors act needs no claim of its own: a monitor's pause is one of the
interruptions and its stop is a stop, and every proof allows both at any moment.

What a device may read is wider here than what it will: any current up to the worst case of the highest level,
any impedance, any voltage that both explain. So what is found never to happen does not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction

from ionto_ir.expression import Expression
from ionto_ir.monitor import Monitor, MonitorAction
from ionto_ir.plan import Plan
from ionto_verifier.guards import everything
from ionto_verifier.inquiry import Inquiry, Place
from ionto_verifier.obligation import Formula, at_most, conjunction, negation
from ionto_verifier.properties import Asked, Claim, Property, Question
from ionto_verifier.sums import elapsed_at, nominal_at
from ionto_verifier.term import Polynomial

OHM_MAX = 10**9
"""No reading of a device goes beyond: skin with nothing on it."""

NV_PER_MV = 10**6

Scope = dict[str, str]


def monitor_claims(inquiry: Inquiry) -> Iterator[Asked]:
    """What is asked of each monitor."""
    if not inquiry.plan.monitors or not any(True for _ in inquiry.moving()):
        return
    world = World(inquiry)
    for number, monitor in enumerate(inquiry.plan.monitors):
        yield from _of_monitor(inquiry, world, number, monitor)


def _no_facts(value: Polynomial) -> tuple[Formula, ...]:
    return ()


class World:
    """What may be read and have been delivered at any moment of a session: `assumed` within the assumed
    impedance, `anything` beyond it too.
    """

    def __init__(self, inquiry: Inquiry) -> None:
        self.inquiry = inquiry
        # Monitors look as long as current is to come: what may be when the last of it flows is the most.
        self.longest_ms = _most(inquiry, [elapsed_at(inquiry, visit) for visit, _ in inquiry.moving()])
        self.charge_pc = _most(inquiry, [nominal_at(inquiry, visit) for visit, _ in inquiry.moving()])
        higher = [inquiry.arithmetic.worst(motion.higher_na) for _, motion in inquiry.moving()]
        self.current_na = _most(inquiry, higher)
        ranges = [item.impedance for item in inquiry.plan.envelopes if item.impedance is not None]
        low, high = (
            min((item.ohm_min for item in ranges), default=1),
            max((item.ohm_max for item in ranges), default=OHM_MAX),
        )
        self.anything = self._scope("anything", (1, OHM_MAX))
        self.assumed = self._scope("assumed", (max(1, low), high)) if ranges else self.anything

    def _scope(self, name: str, ohms: tuple[int, int]) -> Scope:
        current = self._read(f"current {name}", (0, self.current_na))
        impedance = self._read(f"impedance {name}", ohms)
        explained = current[1] * impedance[1] * Fraction(1, NV_PER_MV) + 1

        def explain(voltage: Polynomial) -> tuple[Formula, ...]:
            return (at_most(voltage, explained),)

        voltage = self._read(f"voltage {name}", (0, self.inquiry.plan.device.compliance_mv), explain)
        return {
            "measured.current": current[0],
            "measured.impedance": impedance[0],
            "measured.voltage": voltage[0],
            "output.charge": self._read("charge", (0, self.charge_pc))[0],
            "output.elapsed": self._read("elapsed", (0, self.longest_ms))[0],
        }

    def _read(
        self, name: str, bounds: tuple[int, int], facts: Callable[[Polynomial], Iterable[Formula]] = _no_facts
    ) -> tuple[str, Polynomial]:
        """A variable for a whole number that is read."""
        low, high = Fraction(bounds[0]), Fraction(max(bounds))
        term = self.inquiry.environment.fresh(
            ("read", name), f"reading: {name}", (low, high), facts, integer=True
        )
        ((((found, _),), _),) = term.terms
        return found, term


def _most(inquiry: Inquiry, terms: list[Polynomial]) -> int:
    return max((int(inquiry.environment.bounds(term)[1]) + 1 for term in terms), default=0)


def _of_monitor(inquiry: Inquiry, world: World, number: int, monitor: Monitor) -> Iterator[Asked]:
    name = f"monitors[{number}]"
    yield _acts(inquiry, world, name, monitor)
    yield _idles(inquiry, world, name, monitor)
    if monitor.until is not None:
        yield from _releases(inquiry, world, name, monitor, monitor.until)


def condition_formula(inquiry: Inquiry, condition: Expression, scope: Scope, name: str) -> Formula:
    """The condition over what may be read; what somebody may adjust has any value of its range."""
    moving = inquiry.encoding.moving(scope, f"in {name}", condition)
    return inquiry.encoding.formula(condition, moving)


def _never(inquiry: Inquiry, claim: Claim, formula: Formula) -> Question:
    """The question whether this never holds, for anybody who is treated; a witness is good news."""
    return inquiry.question(claim, negation(formula), Place(None, everything(inquiry)))


def _acts(inquiry: Inquiry, world: World, name: str, monitor: Monitor) -> Asked:
    """Something that the device can read makes it act; the second question asks within what is assumed."""
    statement = f"the monitor “{monitor.text}” can act"
    claim = Claim(name, Property.WATCHES, statement, monitor.span, None, None, ("compliance",))
    if monitor.persistence_ms > world.longest_ms:
        return Asked(claim, (inquiry.known(claim, holds=True),))
    scopes = [world.anything] if world.assumed is world.anything else [world.anything, world.assumed]
    formulas = [condition_formula(inquiry, monitor.condition, scope, name) for scope in scopes]
    return Asked(claim, tuple(_never(inquiry, claim, formula) for formula in formulas))


def _idles(inquiry: Inquiry, world: World, name: str, monitor: Monitor) -> Asked:
    """Within what is assumed something can be read that does not make it act."""
    statement = f"the monitor “{monitor.text}” does not act always"
    facts = ("compliance", "impedance") if world.assumed is not world.anything else ("compliance",)
    claim = Claim(f"{name}.idles", Property.IDLES, statement, monitor.span, None, None, facts)
    always = negation(condition_formula(inquiry, monitor.condition, world.assumed, name))
    return Asked(claim, (_never(inquiry, claim, always),))


def _releases(
    inquiry: Inquiry, world: World, name: str, monitor: Monitor, until: Expression
) -> Iterator[Asked]:
    """`until` can come to hold, and never while the condition holds."""
    statement = f"what the monitor “{monitor.text}” did can end"
    claim = Claim(f"{name}.until", Property.RELEASES, statement, monitor.span)
    ends = condition_formula(inquiry, until, world.assumed, name)
    yield Asked(claim, (_never(inquiry, claim, ends),))
    statement = f"the monitor “{monitor.text}” does not let go while it would act"
    apart = Claim(f"{name}.apart", Property.APART, statement, monitor.span)
    both = conjunction(
        (
            condition_formula(inquiry, monitor.condition, world.anything, name),
            condition_formula(inquiry, until, world.anything, name),
        )
    )
    yield Asked(apart, (_never(inquiry, apart, both),))


def always_acting(plan: Plan) -> dict[int, str]:
    """The monitors that end or pause every session that is tried, undisturbed and on an ideal device, at the
    least, a middle and the highest assumed impedance; with words about where.
    """
    from ionto_ir.bind import bind_disarmed
    from ionto_ir.bind_walk import way_through
    from ionto_ir.dry_run import obliging, run
    from ionto_ir.ordinary import ordinary_values
    from ionto_ir.terminals import terminals_of
    from ionto_verifier.provoke import all_records

    watched = {
        number for number, monitor in enumerate(plan.monitors) if monitor.action is not MonitorAction.WARN
    }
    values, records = ordinary_values(plan, {}), all_records(plan, {})
    if not watched or way_through(plan, {**values, **records}).problems:
        return {}
    tried = []
    for ohm in _ohms(plan):
        terminals = terminals_of(plan)
        terminals.impedance_ohm = ohm
        done = run(bind_disarmed(plan, values, watched=True), obliging(records), terminals=terminals)
        watched &= {number for number in watched if done.final.vigil.cause == number}
        tried.append(f"{ohm} Ohm")
        if not watched:
            return {}
    words = "it acts in every session that was tried, undisturbed, at " + ", ".join(tried)
    return dict.fromkeys(sorted(watched), words)


def _ohms(plan: Plan) -> list[int]:
    from ionto_ir.terminals import terminals_of

    ranges = [item.impedance for item in plan.envelopes if item.impedance is not None]
    middle = terminals_of(plan).impedance_ohm
    ends = [end for item in ranges for end in (item.ohm_min, item.ohm_max)]
    return sorted({middle, *ends})
