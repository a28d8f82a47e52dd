"""What is said before a session begins and after it has ended, in words and as data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ionto_cli import quantities
from ionto_ir.bind import Acknowledgement
from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.device import WHOLE, Drug, Electrode
from ionto_ir.expression import Value
from ionto_ir.plan import Plan, VariableKind, variable
from ionto_ir.trace import area_um2, role_at
from ionto_ir.wording import value_text
from ionto_runtime.accounting import account_of
from ionto_runtime.alarms import SYMBOLS
from ionto_runtime.beginning import acknowledgements_data
from ionto_runtime.journal_reader import Reading, Unread, read_journal
from ionto_runtime.outcome import Outcome
from ionto_runtime.sealed import Sealed
from ionto_runtime.simulation.delivery import delivered_ug, drives
from ionto_runtime.view import Facts
from ionto_runtime.words import charge, clock, current

SCHEMA = "ionto.run/1"


@dataclass(frozen=True, slots=True)
class Ran:
    """A session that has ended, and all that its summary speaks of."""

    sealed: Sealed
    facts: Facts
    outcome: Outcome
    journal: Path
    seed: int | None
    acknowledgements: tuple[Acknowledgement, ...]


def before_lines(sealed: Sealed, facts: Facts, bound: BoundPlan) -> Iterator[str]:
    """What will happen, for a person to confirm: plan, patient, electrodes, values, dose, steps."""
    plan = bound.plan
    yield ""
    yield f"{plan.title}, version {plan.version}, sealed by {', '.join(sealed.signers)}"
    yield f"  plan      sha256 {sealed.sha256}"
    yield f"  patient   {facts.patient or 'no token'}" + (
        f", operator {facts.operator}" if facts.operator else ""
    )
    yield f"  device    {facts.device}"
    for index, electrode in enumerate(plan.electrodes):
        on = [channel.name for channel in facts.channels if index in channel.electrodes]
        where = f", channel {' and '.join(on)}" if on else ""
        yield f"  {electrode.place.value:<9} {_electrode(plan, bound, electrode)}{where}"
    for item in plan.variables:
        if item.kind is not VariableKind.RECORD:
            yield f"  {item.name} = {value_text(item, bound.values[item.name])}"
    yield f"  planned   {charge(facts.planned_pc)} in {clock(facts.planned_ms)}"
    for step in facts.steps:
        yield f"    - {step}"
    for channel in facts.channels:
        yield f"  channel {channel.name} ({channel.device}): {charge(channel.planned_pc)}"
        for step in channel.steps:
            yield f"    - {step}"
    yield "  SIMULATED: no current flows through anybody" if facts.simulated else ""


def _electrode(plan: Plan, bound: BoundPlan, electrode: Electrode) -> str:
    area = area_um2(plan, bound.values, plan.electrodes.index(electrode))
    size = "" if area is None else f", {quantities.area(area)}"
    drugs = "".join(f", with {drug.title}" for drug in electrode.drugs)
    return f"{electrode.role.value} {electrode.profile} on {electrode.site}{size}{drugs}"


def after_lines(ran: Ran) -> Iterator[str]:
    """What has happened."""
    outcome, facts = ran.outcome, ran.facts
    yield ""
    word = "completed" if outcome.completed else "NOT COMPLETED"
    yield f"{'SIMULATED session ' if facts.simulated else 'session '}{word}: {outcome.reason}"
    yield f"  delivered {charge(outcome.nominal_pc)} as set, at most {charge(outcome.upper_pc)}"
    yield f"  planned   {charge(facts.planned_pc)}"
    yield f"  duration  {clock(outcome.duration_ms)}, {outcome.interruptions} interruptions"
    together = " in all channels" if outcome.channels else ""
    yield f"  peak      {current(outcome.peak_na)}{together}"
    for channel in outcome.channels:
        ended = "" if channel.completed else f", NOT COMPLETED: {channel.reason}"
        said = f"{charge(channel.nominal_pc)} as set, at most {charge(channel.upper_pc)}"
        yield f"  channel {channel.name}: {said}, peak {current(channel.peak_na)}{ended}"
    for drug, mass_ng in drug_masses(facts, outcome):
        yield f"  {drug.title}: the current can have carried {mass_ng / 1000:.1f} µg (Faraday's law)"
    for record in outcome.records:
        item = variable(facts.bound.plan, record.variable)
        meaning = f": {record.meaning}" if record.meaning else ""
        yield f"  recorded  {record.variable} = {value_text(item, record.value)}{meaning}"
    for given in ran.acknowledgements:
        role = "" if given.role is None else f" ({given.role})"
        yield f"  answered  {given.person}{role} for {given.subject}: {given.reason}"
    for alarm in outcome.alarms:
        yield f"  alarm     {SYMBOLS[alarm.priority]} {alarm.code} {alarm.text}"
    yield f"  journal   {ran.journal}"
    yield f"  head      {outcome.head}" + ("" if outcome.sealed else " (not sealed)")


def drug_masses(facts: Facts, outcome: Outcome) -> Iterator[tuple[Drug, int]]:
    """For each drug whose transport number is known, the mass, ng, that the set charge can have carried.

    Only charge counts that flowed while the drug's electrode had the pole that drives it, at the largest
    share that the electrode may have had.
    """
    found: dict[str, tuple[Drug, int]] = {}
    for plan, by_sign_pc in _driven(facts, outcome):
        for drug, mass_ng in _masses(plan, by_sign_pc):
            _, before_ng = found.get(drug.name, (drug, 0))
            found[drug.name] = (drug, before_ng + mass_ng)
    yield from found.values()


def _driven(facts: Facts, outcome: Outcome) -> Iterator[tuple[Plan, tuple[tuple[int, int], ...]]]:
    """The plan with the charge that was set in each polarity: of each channel, where there are several."""
    if not facts.channels:
        yield facts.bound.plan, outcome.by_sign_pc
    for known, came in zip(facts.channels, outcome.channels, strict=True):
        yield known.bound.plan, came.by_sign_pc


def _masses(plan: Plan, by_sign_pc: tuple[tuple[int, int], ...]) -> Iterator[tuple[Drug, int]]:
    for index, electrode in enumerate(plan.electrodes):
        for drug in electrode.drugs:
            if not drug.ion or drug.transport_ppm is None or drug.molar_mass_mg_mol is None:
                continue  # neutral or not known: there is no law that says how much
            driving_pc = sum(
                pc * electrode.split.hi_ppm // WHOLE
                for sign, pc in by_sign_pc
                if drives(drug.ion, role_at(plan, index, sign))
            )
            mass_ug = delivered_ug(driving_pc, drug.transport_ppm, drug.molar_mass_mg_mol, drug.ion)
            yield drug, int(mass_ug * 1000)


def run_data(ran: Ran) -> dict[str, Json]:
    """The session as data, in the form of `docs/reference/run.schema.json`."""
    outcome, facts = ran.outcome, ran.facts
    plan = facts.bound.plan
    return {
        "schema": SCHEMA,
        "simulated": facts.simulated,
        "plan": {
            "name": plan.name,
            "version": plan.version,
            "title": plan.title,
            "sha256": ran.sealed.sha256,
        },
        "signers": list(ran.sealed.signers),
        "patient": facts.patient,
        "operator": facts.operator,
        "device": plan.device.name,
        "seed": ran.seed,
        "speed": facts.speed,
        "values": {name: _value(plan, name, value) for name, value in facts.bound.values.items()},
        "acknowledgements": acknowledgements_data(ran.acknowledgements),
        "completed": outcome.completed,
        "reason": outcome.reason,
        "planned": {"charge_pc": facts.planned_pc, "duration_ms": facts.planned_ms},
        "delivered": {
            "measured_at_least_pc": _measured_pc(ran.journal),
            "set_pc": outcome.nominal_pc,
            "at_most_pc": outcome.upper_pc,
        },
        "duration_ms": outcome.duration_ms,
        "interruptions": outcome.interruptions,
        "peak_na": outcome.peak_na,
        "channels": [
            {
                "name": channel.name,
                "completed": channel.completed,
                "reason": channel.reason,
                "set_pc": channel.nominal_pc,
                "at_most_pc": channel.upper_pc,
                "duration_ms": channel.duration_ms,
                "interruptions": channel.interruptions,
                "peak_na": channel.peak_na,
            }
            for channel in outcome.channels
        ],
        "drugs": [
            {"name": drug.name, "title": drug.title, "mass_ng": mass}
            for drug, mass in drug_masses(facts, outcome)
        ],
        "records": [
            {"variable": item.variable, **_value(plan, item.variable, item.value), "meaning": item.meaning}
            for item in outcome.records
        ],
        "alarms": [
            {"code": alarm.code, "priority": alarm.priority.value, "text": alarm.text}
            for alarm in outcome.alarms
        ],
        "journal": {
            "path": str(ran.journal),
            "head": outcome.head,
            "sealed": outcome.sealed,
        },
    }


def _value(plan: Plan, name: str, value: Value) -> dict[str, Json]:
    return {"value": value, "text": value_text(variable(plan, name), value)}


def _measured_pc(path: Path) -> int | None:
    """The charge that readings prove, from the journal; None when it cannot be read back."""
    reading: Reading | Unread = read_journal(path)
    if isinstance(reading, Unread):
        return None
    account = account_of(reading)
    return None if isinstance(account, str) else account.charge.lower_pc
