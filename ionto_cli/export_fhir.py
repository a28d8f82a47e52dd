"""A session as a FHIR R4 bundle: Device, Procedure, MedicationAdministration, Observations of sampled data.

Plain JSON after the published resource definitions (HL7 FHIR 4.0.1). Samples are whole numbers with a factor,
so that nothing is rounded; `E` stands where there was no reading. A simulated session carries the security
label that the standard has for test data (HTEST), names no patient, and has no status that a treatment has.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from uuid import UUID, uuid5

from ionto_cli.export_facts import SIMULATED_WORDS, Export, Track, evenly, iso, span_of
from ionto_ir.canonical import Json
from ionto_ir.device import WHOLE, Drug
from ionto_ir.trace import role_at
from ionto_runtime.accounting import Account
from ionto_runtime.series import Row
from ionto_runtime.simulation.delivery import delivered_ug, drives

UCUM = "http://unitsofmeasure.org"
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
_SPACE = UUID("6d1c1d5e-3a5b-5b7e-9d53-0f6f1f5c8a10")

Resource = dict[str, Json]


def fhir_text(export: Export) -> str:
    """The whole bundle, indented, keys in a stable order."""
    return json.dumps(bundle(export), ensure_ascii=False, indent=1) + "\n"


def bundle(export: Export) -> Resource:
    """The bundle as data."""
    device, procedure = _device(export), _procedure(export)
    resources = [device, procedure, *_medications(export), *_observations(export), *_charges(export)]
    entries: list[Json] = [{"fullUrl": _url(resource), "resource": resource} for resource in resources]
    return {
        "resourceType": "Bundle",
        "id": _id(export, "bundle"),
        "meta": _meta(export),
        "type": "collection",
        "timestamp": iso(export.ended_ms),
        "entry": entries,
    }


# --- what every resource has ----------------------------------------------------------------------------
def _resource(export: Export, kind: str, name: str, **content: Json) -> Resource:
    found: Resource = {"resourceType": kind, "id": _id(export, name), "meta": _meta(export)}
    return found | {key: value for key, value in content.items() if value not in (None, [], {})}


def _id(export: Export, name: str) -> str:
    return str(uuid5(_SPACE, f"{export.head}/{name}"))


def _url(resource: Resource) -> str:
    return f"urn:uuid:{resource['id']}"


def _meta(export: Export) -> Json:
    if not export.simulated:
        return {"source": "urn:ionto:export"}
    label: Json = {"system": ACT_REASON, "code": "HTEST", "display": "test health data"}
    return {"source": "urn:ionto:export", "security": [label], "tag": [{"display": "SIMULATED"}]}


def _subject(export: Export) -> Json:
    if export.simulated:
        return {"display": SIMULATED_WORDS}
    token = export.text("patient")
    if token is None:
        return {"display": "no token"}
    return {"identifier": {"system": "urn:ionto:patient", "value": token}}


def _device_reference(export: Export) -> Json:
    return {"reference": f"urn:uuid:{_id(export, 'device')}", "display": export.text("device")}


def _procedure_reference(export: Export) -> Json:
    return {"reference": f"urn:uuid:{_id(export, 'procedure')}"}


def _period(export: Export) -> Json:
    return {"start": iso(export.begun_ms), "end": iso(export.ended_ms)}


def _quantity(value: int | float, unit: str) -> Json:
    found: dict[str, Json] = {"value": value, "unit": unit, "system": UCUM, "code": unit}  # type: ignore[dict-item]
    return found


# --- the resources --------------------------------------------------------------------------------------
def _device(export: Export) -> Resource:
    identity = export.text("device_identity")
    return _resource(
        export,
        "Device",
        "device",
        identifier=[{"system": "urn:ionto:device", "value": identity}] if identity else None,
        status="unknown" if export.simulated else "active",
        deviceName=[{"name": export.text("device") or "unknown", "type": "model-name"}],
        version=[
            {"type": {"text": "ionto"}, "value": export.text("software") or "unknown"},
            {"type": {"text": "ionto sha256"}, "value": export.text("software_sha256") or "unknown"},
        ],
        note=[{"text": SIMULATED_WORDS}] if export.simulated else None,
    )


def _status(export: Export) -> str:
    """A simulated session was not done; one that nobody calls a treatment has no known status."""
    if export.simulated:
        return "not-done"
    if not export.treatment:
        return "unknown"
    return "completed" if export.completed else "stopped"


def _procedure(export: Export) -> Resource:
    plan = export.plan
    sites: list[Json] = [] if plan is None else [{"text": item.site} for item in plan.electrodes]
    codes: list[Json] = []
    if plan is not None:
        codes = [{"system": f"urn:ionto:{code.system}", "code": code.value} for code in plan.codes]
    title = export.text("plan_title") or export.text("plan_name") or "iontophoresis"
    notes = [SIMULATED_WORDS] if export.simulated else []
    notes += [f"{name}: {value}" for name, value in export.provenance()]
    notes += [f"{iso(found.wall_ms)} {found.text}" for found in export.series.happenings]
    for track in export.tracks if export.several else ():
        notes += [f"{iso(found.wall_ms)} {track.name}: {found.text}" for found in track.series.happenings]
    return _resource(
        export,
        "Procedure",
        "procedure",
        identifier=[
            {"system": "urn:ionto:session", "value": export.text("session") or "unknown"},
            {"system": "urn:ionto:journal:sha256", "value": export.head},
        ],
        instantiatesUri=[f"urn:ionto:plan:sha256:{export.text('plan_sha256')}"],
        status=_status(export),
        statusReason={"text": SIMULATED_WORDS} if export.simulated else None,
        code={"text": f"Iontophoresis: {title}"},
        reasonCode=[{"coding": codes}] if codes else None,
        subject=_subject(export),
        performedPeriod=_period(export),
        bodySite=sites,
        outcome={"text": export.reason},
        note=[{"text": text} for text in notes],
        usedReference=[_device_reference(export)],
    )


def _medications(export: Export) -> list[Resource]:
    """One for each drug; its mass is what the set charge can carry by Faraday's law, where that is known."""
    found = []
    for track in export.tracks:
        for index, electrode in enumerate(() if track.plan is None else track.plan.electrodes):
            for drug in electrode.drugs:
                found.append(_medication(export, track, index, drug))
    return found


def _medication(export: Export, track: Track, electrode: int, drug: Drug) -> Resource:
    plan = track.plan
    assert plan is not None, "drugs are known from the plan"
    mass_ug = None
    if drug.ion and drug.transport_ppm is not None and drug.molar_mass_mg_mol is not None:
        ion = drug.ion
        driving = (sign for sign in (1, -1) if drives(ion, role_at(plan, electrode, sign)))
        share_ppm = plan.electrodes[electrode].split.hi_ppm
        charge_pc = sum(_set_pc(track.series.rows, sign) for sign in driving) * share_ppm // WHOLE
        mass_ug = delivered_ug(charge_pc, drug.transport_ppm, drug.molar_mass_mg_mol, drug.ion)
    dosage: dict[str, Json] | None = None
    if mass_ug is not None:
        dosage = {
            "text": "what the set charge can have carried by Faraday's law; an estimate",
            "site": {"text": plan.electrodes[electrode].site},
            "method": {"text": "iontophoresis"},
            "dose": _quantity(round(float(mass_ug), 3), "ug"),
        }
    return _resource(
        export,
        "MedicationAdministration",
        f"medication/{_place(track)}{electrode}/{drug.name}",
        partOf=[_procedure_reference(export)],
        status=_status(export),
        statusReason=[{"text": SIMULATED_WORDS}] if export.simulated else None,
        medicationCodeableConcept={"text": drug.title},
        subject=_subject(export),
        effectivePeriod=_period(export),
        device=[_device_reference(export)],
        dosage=dosage,
    )


def _set_pc(rows: tuple[Row, ...], sign: int) -> int:
    """The charge that was set with this sign of polarity, from the machine's own ledger."""
    total = before = 0
    for row in rows:
        if row.set_na is not None and row.set_na * sign > 0:
            total += row.nominal_pc - before
        before = row.nominal_pc
    return total


# --- observations ---------------------------------------------------------------------------------------
SAMPLED: tuple[tuple[str, str, str, float, Callable[[Row], int | None]], ...] = (
    ("set", "Current set, signed by polarity", "mA", 1e-6, lambda row: row.set_na or 0),
    ("measured", "Current measured, magnitude", "mA", 1e-6, lambda row: row.measured_na),
    ("voltage", "Voltage at the electrodes, magnitude", "V", 1e-3, lambda row: row.voltage_mv),
    ("impedance", "Resistance between the electrodes", "Ohm", 1, lambda row: row.impedance_ohm),
    ("nominal", "Charge set", "mC", 1e-9, lambda row: row.nominal_pc),
    ("upper", "Charge that the skin may have received at most", "mC", 1e-9, lambda row: row.upper_pc),
)


def _place(track: Track) -> str:
    """What tells the resources of one channel from those of another."""
    return "" if track.name is None else f"{track.name}/"


def _observations(export: Export) -> list[Resource]:
    span = span_of(export.tracks)
    return [found for track in export.tracks for found in _sampled(export, track, span)]


def _sampled(export: Export, track: Track, span: tuple[int, int] | None) -> Iterator[Resource]:
    rows = track.series.rows
    grid = [] if span is None else evenly(track.series, span)
    where = "" if track.name is None else f", channel {track.name}"
    for name, text, unit, factor, value_of in SAMPLED:
        values = [None if index is None else value_of(rows[index]) for index in grid]
        sampled: dict[str, Json] = {
            "origin": _quantity(0, unit),
            "period": export.series.tick_ms,
            "factor": factor,  # type: ignore[dict-item]
            "dimensions": 1,
            "data": " ".join("E" if value is None else str(value) for value in values),
        }
        yield _observation(export, f"{_place(track)}{name}", text + where, valueSampledData=sampled)


def _charges(export: Export) -> Iterator[Resource]:
    yield _charge(export, "charge", "Charge set in the whole session", export.account)
    for track in export.tracks if export.several else ():
        yield _charge(export, f"{_place(track)}charge", f"Charge set, channel {track.name}", track.account)


def _charge(export: Export, name: str, text: str, account: Account) -> Resource:
    bounds = (
        ("at least, by what was measured", account.charge.lower_pc),
        ("at most, with the device's accuracy", account.charge.upper_pc),
    )
    return _observation(
        export,
        name,
        text,
        valueQuantity=_quantity(account.nominal_pc / 10**9, "mC"),
        component=[
            {"code": {"text": said}, "valueQuantity": _quantity(charge_pc / 10**9, "mC")}
            for said, charge_pc in bounds
        ],
    )


def _observation(export: Export, name: str, text: str, **value: Json) -> Resource:
    status = "final" if export.treatment else "unknown"
    return _resource(
        export,
        "Observation",
        f"observation/{name}",
        partOf=[_procedure_reference(export)],
        status=status,
        code={"text": text},
        subject=_subject(export),
        effectivePeriod=_period(export),
        device=_device_reference(export),
        note=[{"text": SIMULATED_WORDS}] if export.simulated else None,
        **value,
    )
