"""Exports say what the journal says, within the quantum that they state, and what they are (R62, R70)."""

from __future__ import annotations

import csv
import importlib
import json
import re
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from typing import Any

import pytest

from ionto_cli.export_csv import csv_text
from ionto_cli.export_edf import channels_of, edf_bytes
from ionto_cli.export_facts import Export, evenly, export_of
from ionto_cli.export_fhir import SAMPLED, bundle
from ionto_ir.bind import Refusal, bind
from ionto_ir.dataclass import replace
from ionto_ir.expression import Value
from ionto_runtime.journal_reader import Reading, Sealed, Unsealed, scan
from ionto_runtime.sealing import NO_CHAIN
from ionto_runtime.series import Series, series_of
from tests.runtime.bedside import Bedside
from tests.runtime.recorded import data_of, random_session
from tests.runtime.sealed_plans import MA, heel_plan

pytestmark = pytest.mark.requirement("R62")

SEEDS = range(4)


def exported(bedside: Bedside, **changes: Any) -> Export:
    """The export of a session."""
    found = export_of(bedside.reading, bedside.bound.plan, NO_CHAIN, treatment=False)
    assert isinstance(found, Export)
    return replace(found, **changes)


@pytest.fixture(scope="module", params=SEEDS)
def bedside(request: pytest.FixtureRequest) -> Bedside:
    """A session in which things happened."""
    return random_session(request.param, polarity=1 if request.param % 2 else -1)


@pytest.fixture(scope="module")
def heel() -> Bedside:
    """A treatment with a drug, in which something was recorded."""
    values: dict[str, Value] = {"current": 2 * MA, "pacemaker": False, "sore": False}
    bound = bind(heel_plan(4_000), values)
    assert not isinstance(bound, Refusal)
    return Bedside(bound, answers={"skin": 1}).begin().until_closed()


def sampled(bedside: Bedside) -> Series:
    found = series_of(bedside.reading)
    assert isinstance(found, Series)
    return found


def test_rows_hold_every_sample_of_the_journal(bedside: Bedside) -> None:
    samples = [record.payload for record in bedside.reading.records if record.kind.name == "SAMPLE"]
    rows = sampled(bedside).rows
    assert len(rows) == len(samples)
    for row, sample in zip(rows, samples, strict=True):
        for name in ("measured_na", "voltage_mv", "impedance_ohm", "nominal_pc", "upper_pc", "mode", "step"):
            assert getattr(row, name) == sample[name]
        assert (row.at_ms, row.passed_ms) == (sample["clock_ms"], sample["passed_ms"])


# --- CSV ------------------------------------------------------------------------------------------------
def read_csv(text: str) -> tuple[dict[str, str], list[dict[str, str]]]:
    """Header block and rows, as a reader of the format finds them."""
    lines = text.splitlines()
    block = dict(line[2:].split(": ", 1) for line in lines if line.startswith("# ") and ": " in line)
    return block, list(csv.DictReader(line for line in lines if not line.startswith("#")))


def test_csv_gives_the_samples_back(bedside: Bedside) -> None:
    export = exported(bedside)
    block, rows = read_csv(csv_text(export))
    ticks = [row for row in rows if row["phase"]]
    assert len(ticks) == len(export.series.rows)
    quantum = Fraction(block["quantum_charge_mA_min"])
    for read, row in zip(ticks, export.series.rows, strict=True):
        assert Decimal(read["t_s"]) * 1000 == row.at_ms
        assert datetime.fromisoformat(read["time"]).timestamp() == row.wall_ms / 1000
        assert (None if read["set_mA"] == "off" else Decimal(read["set_mA"]) * MA) == row.set_na
        assert (Decimal(read["meas_mA"]) * MA if read["meas_mA"] else None) == row.measured_na
        assert (Decimal(read["volts"]) * 1000 if read["volts"] else None) == row.voltage_mv
        assert (int(read["ohms"]) if read["ohms"] else None) == row.impedance_ohm
        assert (read["phase"], int(read["step"]), int(read["passed_ms"])) == (
            row.mode,
            row.step,
            row.passed_ms,
        )
        for name, charge_pc in (("charge_mA_min", row.nominal_pc), ("at_most_mA_min", row.upper_pc)):
            assert abs(Fraction(read[name]) - Fraction(charge_pc, 60_000_000_000)) <= quantum / 2
    told = "; ".join(row["flags"] for row in rows)
    assert all(found.text in told for found in export.series.happenings)


def test_csv_says_what_it_comes_from(bedside: Bedside) -> None:
    export = exported(bedside)
    block, rows = read_csv(csv_text(export))
    header = bedside.reading.header
    assert header is not None
    assert block["plan_sha256"] == header["plan_sha256"]
    assert (block["device"], block["software"]) == (header["device"], header["software"])
    assert block["journal_head"] == bedside.reading.link.hex()
    assert all(row["flags"].startswith("SIMULATED") for row in rows)
    assert block["SIMULATED"].startswith("yes")


def test_csv_keeps_a_line_for_a_line(heel: Bedside) -> None:
    export = exported(heel)
    header = {**export.header, "operator": "Dr\n# treatment: yes\r\n1,2"}
    text = csv_text(replace(export, header=header))
    assert text.count("# treatment:") == 2 and "\n# treatment: yes" not in text


# --- EDF+ -----------------------------------------------------------------------------------------------
def test_edf_gives_the_samples_back_within_the_quantum_that_it_states(bedside: Bedside) -> None:
    edfio = importlib.import_module("edfio")
    export = exported(bedside)
    edf = edfio.read_edf(BytesIO(edf_bytes(export)))
    texts = [annotation.text for annotation in edf.annotations]
    for channel in channels_of(export):
        signal = edf.get_signal(channel.label)
        assert signal.sampling_frequency == 1000 / export.series.tick_ms
        (said,) = [text for text in texts if text.startswith(f"quantum of {channel.label}:")]
        quantum = float(said.split()[3 + channel.label.count(" ")])
        assert quantum == pytest.approx(channel.quantum, rel=1e-3)
        for read, value in zip(signal.data, channel.values, strict=False):
            assert abs(read - (value or 0) / channel.per_unit) <= 0.501 * quantum
        assert len(signal.data) >= len(channel.values)


def test_edf_carries_what_happened_and_where_it_comes_from(bedside: Bedside) -> None:
    edfio = importlib.import_module("edfio")
    export = exported(bedside)
    edf = edfio.read_edf(BytesIO(edf_bytes(export)))
    texts = [annotation.text for annotation in edf.annotations]
    for name in ("plan_sha256", "device", "software", "journal_head"):
        assert any(text.startswith(f"{name}: ") for text in texts), name
    assert any(text.startswith("SIMULATED: yes") for text in texts)
    assert edf.recording.equipment_code == "ionto_SIMULATED"
    assert edf.patient.code == "P1"
    for found in export.series.happenings:
        first_ms = export.series.rows[0].at_ms
        onset = max(0, found.at_ms - first_ms) / 1000
        assert any(
            annotation.text == found.text and annotation.onset == pytest.approx(onset)
            for annotation in edf.annotations
        )
    late = sum(row.passed_ms != export.series.tick_ms for row in export.series.rows)
    assert sum(text.startswith("late: ") for text in texts) == late


def test_edf_is_written_for_a_session_that_never_ticked() -> None:
    silent = Bedside(random_session(1).bound)
    found = export_of(silent.reading, None, NO_CHAIN, treatment=False)
    assert isinstance(found, Export)
    assert edf_bytes(found)
    assert csv_text(found) and bundle(found)


# --- FHIR -----------------------------------------------------------------------------------------------
SAMPLE = re.compile(r"E|U|L|-?(0|[1-9][0-9]*)(\.[0-9]+)?")
PROCEDURE_STATUS = {
    *(
        "preparation",
        "in-progress",
        "not-done",
        "on-hold",
        "stopped",
        "completed",
        "entered-in-error",
        "unknown",
    ),
}
OBSERVATION_STATUS = {
    *(
        "registered",
        "preliminary",
        "final",
        "amended",
        "corrected",
        "cancelled",
        "entered-in-error",
        "unknown",
    ),
}


def resources(export: Export, kind: str | None = None) -> list[dict[str, Any]]:
    """The resources of a bundle, through JSON as a reader sees it."""
    read = json.loads(json.dumps(bundle(export)))
    found = [entry["resource"] for entry in read["entry"]]
    return [resource for resource in found if kind in (None, resource["resourceType"])]


def test_fhir_gives_the_samples_back_exactly(bedside: Bedside) -> None:
    export = exported(bedside)
    observations = {item["code"]["text"]: item for item in resources(export, "Observation")}
    grid = evenly(export.series)
    for _, text, unit, factor, value_of in SAMPLED:
        data = observations[text]["valueSampledData"]
        assert data["period"] == export.series.tick_ms
        assert (data["origin"]["value"], data["origin"]["code"], data["factor"]) == (0, unit, factor)
        tokens = data["data"].split(" ")
        assert all(SAMPLE.fullmatch(token) for token in tokens)
        expected = [None if index is None else value_of(export.series.rows[index]) for index in grid]
        assert [None if token == "E" else int(token) for token in tokens] == expected


def test_fhir_holds_what_the_standard_asks_of_its_resources(heel: Bedside) -> None:
    """Rules of the published definitions of R4: what must be there, which codes a status may have."""
    export = exported(heel)
    read = json.loads(json.dumps(bundle(export)))
    assert read["type"] == "collection"
    urls = [entry["fullUrl"] for entry in read["entry"]]
    assert len(set(urls)) == len(urls)
    for entry in read["entry"]:
        assert entry["fullUrl"] == f"urn:uuid:{entry['resource']['id']}"
        references = re.findall(r'"reference": "(urn:uuid:[^"]+)"', json.dumps(entry))
        assert set(references) <= set(urls)
    (procedure,) = resources(export, "Procedure")
    assert procedure["status"] in PROCEDURE_STATUS and procedure["subject"] and procedure["code"]["text"]
    (medication,) = resources(export, "MedicationAdministration")
    assert medication["status"] in PROCEDURE_STATUS and medication["medicationCodeableConcept"]["text"]
    assert medication["effectivePeriod"]["start"] <= medication["effectivePeriod"]["end"]
    assert medication["dosage"]["dose"]["code"] == "ug"
    for observation in resources(export, "Observation"):
        assert observation["status"] in OBSERVATION_STATUS and observation["code"]["text"]
        assert len([name for name in observation if name.startswith("value")]) == 1
    (device,) = resources(export, "Device")
    assert {item["value"] for item in device["version"]} >= {"0.1.0"}


def test_fhir_passes_an_independent_model_of_the_standard(heel: Bedside) -> None:
    model = importlib.import_module("fhir.resources.R4B.bundle")
    read = model.Bundle.model_validate(bundle(exported(heel)))
    assert len(read.entry) == 10


def test_fhir_names_plan_device_and_software(heel: Bedside) -> None:
    export = exported(heel)
    (procedure,) = resources(export, "Procedure")
    header = heel.reading.header
    assert header is not None
    assert procedure["instantiatesUri"] == [f"urn:ionto:plan:sha256:{header['plan_sha256']}"]
    assert any(item["value"] == heel.reading.link.hex() for item in procedure["identifier"])
    assert any(note["text"] == f"software: {header['software']}" for note in procedure["note"])


def test_a_device_is_named_by_what_it_answered(heel: Bedside) -> None:
    export = exported(heel)
    known = replace(export, header={**export.header, "device_identity": "IonLink 1 0042, firmware 3"})
    (device,) = resources(known, "Device")
    assert device["identifier"] == [{"system": "urn:ionto:device", "value": "IonLink 1 0042, firmware 3"}]
    assert "# device_identity: IonLink 1 0042, firmware 3\n" in csv_text(known)
    assert "identifier" not in resources(export, "Device")[0]


def test_the_drug_in_the_bundle_is_what_the_set_charge_carries(heel: Bedside) -> None:
    from ionto_runtime.simulation.delivery import delivered_ug

    export = exported(heel)
    (medication,) = resources(export, "MedicationAdministration")
    mass = delivered_ug(heel.session.nominal_pc, 12_000, 472_400, -2)
    assert medication["dosage"]["dose"]["value"] == pytest.approx(float(mass), abs=1e-3)


# --- R70 ------------------------------------------------------------------------------------------------
def _reading(bedside: Bedside, *, simulated: bool, sealed: bool = True) -> Reading:
    """The same session as if it had been simulated or not; what is sealed is what is read, not its key."""
    reading = bedside.reading
    first = reading.records[0]
    header = {**first.payload, "simulated": simulated, "epoch": None}
    end = reading.end if sealed else Unsealed()
    return replace(reading, records=(replace(first, payload=header), *reading.records[1:]), end=end)


@pytest.mark.requirement("R70")
def test_a_simulated_session_is_no_treatment_whatever_is_asked(heel: Bedside) -> None:
    assert export_of(heel.reading, None, NO_CHAIN, treatment=True) == "it was simulated, and is no treatment"


@pytest.mark.requirement("R70")
def test_a_simulated_session_is_marked_in_every_part_of_a_bundle(heel: Bedside) -> None:
    for resource in resources(exported(heel)):
        (label,) = resource["meta"]["security"]
        assert label["code"] == "HTEST", resource["resourceType"]
        assert "P1" not in json.dumps(resource.get("subject", ""))
        assert resource.get("status", "unknown") in ("not-done", "unknown")


@pytest.mark.requirement("R70")
def test_a_session_that_does_not_say_that_it_was_real_is_no_treatment(heel: Bedside) -> None:
    reading = heel.reading
    first = reading.records[0]
    for lie in (None, "no", 0):
        header = {**first.payload, "simulated": lie}
        told = replace(reading, records=(replace(first, payload=header), *reading.records[1:]))
        assert isinstance(export_of(told, None, NO_CHAIN, treatment=True), str)


def test_only_a_session_that_was_closed_by_its_own_key_is_a_treatment(
    heel: Bedside, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = _reading(heel, simulated=False)
    assert export_of(real, None, NO_CHAIN, treatment=True) == "no key belongs to its session"
    monkeypatch.setattr("ionto_cli.export_facts.seal_fault", lambda *_: None)
    treatment = export_of(real, None, NO_CHAIN, treatment=True)
    assert isinstance(treatment, Export) and isinstance(real.end, Sealed)
    (procedure,) = resources(treatment, "Procedure")
    assert procedure["status"] == "completed"
    assert procedure["subject"] == {"identifier": {"system": "urn:ionto:patient", "value": "P1"}}
    assert "security" not in procedure["meta"]
    assert {item["status"] for item in resources(treatment, "Observation")} == {"final"}
    assert "SIMULATED" not in csv_text(treatment)
    unclosed = _reading(heel, simulated=False, sealed=False)
    assert export_of(unclosed, None, NO_CHAIN, treatment=True) == (
        "it was never closed, so nobody knows all of it"
    )
    as_it_is = export_of(unclosed, None, NO_CHAIN, treatment=False)
    assert isinstance(as_it_is, Export)
    assert resources(as_it_is, "Procedure")[0]["status"] == "unknown"


def test_a_damaged_journal_is_not_exported(heel: Bedside) -> None:
    data = bytearray(data_of(heel))
    data[len(data) // 2] ^= 1
    said = export_of(scan(bytes(data)), None, NO_CHAIN, treatment=False)
    assert isinstance(said, str) and "is damaged" in said
