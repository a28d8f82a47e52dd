"""Families of obligations as protocols produce them, at any size: one builder for each shape of question."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_verifier.obligation import (
    Guard,
    Obligation,
    Variable,
    answer,
    at_most,
    equal,
    never_above_zero,
)
from ionto_verifier.term import Polynomial, total, variable

MINUTE_S = 60


def charge_of_steps(steps: int, currents: int, slack: int) -> Obligation:
    """Many steps over few currents and times, total charge within `slack` of the greatest."""
    items = [
        item
        for index in range(currents)
        for item in (
            Variable(f"I{index}", 0, 4000 + 100 * index, step=100),
            Variable(f"T{index}", 0, 600, step=10),
        )
    ]
    terms = [
        variable(f"I{step % currents}") * variable(f"T{(7 * step + step // currents) % currents}")
        for step in range(steps)
    ]
    highest = sum((4000 + 100 * (step % currents)) * 600 for step in range(steps))
    return _bounded("charge of steps", items, [], terms, highest + slack)


def density_over_shared_area(groups: int, slack: int = 0) -> Obligation:
    """Each current at most proportional to one shared electrode area."""
    items = [Variable("A", 1000, 2500)]
    guards, terms = [], []
    for index in range(groups):
        current, time = f"I{index}", f"T{index}"
        items += [Variable(current, 0, 4000), Variable(time, MINUTE_S, 20 * MINUTE_S)]
        guards.append(Guard(f"density {index}", at_most(variable(current), variable("A"))))
        terms.append(variable(current) * variable(time))
    return _bounded("density", items, guards, terms, groups * 2500 * 20 * MINUTE_S + slack)


def guarded_loops(loops: int, slack: int = 0) -> Obligation:
    """Whole numbers of repetitions, each loop's charge guarded by itself."""
    items, guards, terms = [], [], []
    for index in range(loops):
        items += [
            Variable(f"n{index}", 1, 20, integer=True),
            Variable(f"I{index}", 0, 4000),
            Variable(f"T{index}", 10, 600),
        ]
        charge = variable(f"n{index}") * variable(f"I{index}") * variable(f"T{index}")
        guards.append(Guard(f"dose {index}", at_most(charge, 1_000_000)))
        terms.append(charge)
    return _bounded("loops", items, guards, terms, loops * 1_000_000 + slack)


def guarded_total(groups: int, slack: int = 0) -> Obligation:
    """One guard over the whole charge."""
    items, terms = [], []
    for index in range(groups):
        items += [Variable(f"I{index}", 0, 4000), Variable(f"T{index}", 10, 600)]
        terms.append(variable(f"I{index}") * variable(f"T{index}"))
    guards = [Guard("total", at_most(total(terms), 5_000_000))]
    return _bounded("total", items, guards, terms, 5_000_000 + slack)


def energy_under_voltage(groups: int, slack: int = 0) -> Obligation:
    """I^2 Z T with a guard on the voltage I Z: a product that only multiplied guards can bound."""
    items, guards, terms = [], [], []
    for index in range(groups):
        items += [
            Variable(f"I{index}", 0, 40),
            Variable(f"Z{index}", 1, 20),
            Variable(f"T{index}", 10, 600),
        ]
        voltage = variable(f"I{index}") * variable(f"Z{index}")
        guards.append(Guard(f"voltage {index}", at_most(voltage, 300)))
        terms.append(voltage * variable(f"I{index}") * variable(f"T{index}"))
    return _bounded("energy", items, guards, terms, groups * 300 * 40 * 600 + slack)


def conditional_steps(steps: int, slack: int = 0) -> Obligation:
    """Steps whose current is doubled or tripled by a yes/no answer each."""
    items, terms = [], []
    for index in range(steps):
        items += [answer(f"b{index}"), Variable(f"I{index}", 0, 4000), Variable(f"T{index}", 10, 600)]
        condition = variable(f"b{index}")
        terms.append((3 * condition + 2 * (1 - condition)) * variable(f"I{index}") * variable(f"T{index}"))
    return _bounded("conditional", items, [], terms, steps * 3 * 4000 * 600 + slack)


def doses_by_time(groups: int, slack: int = 0) -> Obligation:
    """Holds whose time follows from a dose: T * I = D, as two-sided guards."""
    items, guards, terms = [], [], []
    for index in range(groups):
        items += [
            Variable(f"D{index}", 0, 4000),
            Variable(f"I{index}", 100, 4000),
            Variable(f"T{index}", 0, 600),
        ]
        charge = variable(f"I{index}") * variable(f"T{index}")
        guards.append(Guard(f"dose {index}", equal(charge, variable(f"D{index}"))))
        terms.append(charge)
    return _bounded("doses", items, guards, terms, groups * 4000 + slack)


def _bounded(
    name: str, items: Sequence[Variable], guards: Sequence[Guard], terms: Sequence[Polynomial], limit: int
) -> Obligation:
    return never_above_zero(name, "charge", tuple(items), tuple(guards), total(terms) - limit)
