"""A session of several channels on record: replayed in step, and exported channel by channel."""

from __future__ import annotations

import csv
import json
from io import BytesIO

import edfio
import pytest

from ionto_cli.export_csv import csv_text
from ionto_cli.export_edf import edf_bytes
from ionto_cli.export_facts import Export, export_of
from ionto_cli.export_fhir import bundle
from ionto_cli.recorded import channel_lines, charts_of
from ionto_ir.dataclass import replace
from ionto_ir.events import Pause, Resume
from ionto_runtime.journal_reader import Reading
from ionto_runtime.replay_channels import rebound_parts, replay_parts
from ionto_runtime.sealing import Chain
from tests.runtime.ensembles import PLAN, Bed


@pytest.fixture(scope="module")
def reading() -> Reading:
    """Two channels, paused and resumed once."""
    made = Bed().pass_ticks(60)
    made.ensemble.feed(Pause())
    made.pass_ticks(40)
    made.ensemble.feed(Resume())
    return made.to_the_end().reading


@pytest.fixture(scope="module")
def export(reading: Reading) -> Export:
    found = export_of(reading, PLAN, Chain(()), treatment=False)
    assert isinstance(found, Export)
    return found


def test_a_channel_that_was_not_paused_with_the_others_is_told_by_the_replay(reading: Reading) -> None:
    pauses = [record for record in reading.records if record.payload.get("event") == "pause"]
    assert [record.payload["channel"] for record in pauses] == [0, 1]
    parts = rebound_parts(PLAN, reading)
    assert not isinstance(parts, str) and replay_parts(parts, reading).agrees
    assert "cause" not in pauses[1].payload, "a person paused both"
    forged = replace(reading, records=tuple(item for item in reading.records if item is not pauses[1]))
    parts = rebound_parts(PLAN, forged)
    assert not isinstance(parts, str)
    difference = replay_parts(parts, forged).difference
    assert difference is not None and difference.sequence > pauses[0].sequence


def test_lockstep_is_looked_at_apart_from_each_machine(reading: Reading) -> None:
    """Both channels cut off after the first one's pause but for a tick of the second: each part replays."""
    (pause, other) = [record for record in reading.records if record.payload.get("event") == "pause"]
    before = [record for record in reading.records if record.sequence <= pause.sequence]
    ticks = [item for item in reading.records if item.payload.get("channel") == 1 and item is not other]
    last = max(item.sequence for item in ticks if item.sequence < pause.sequence and _is_tick(item.payload))
    moved = [item for item in before if item.sequence != last]
    late = next(item for item in before if item.sequence == last)
    forged = replace(reading, records=(*moved, late))
    parts = rebound_parts(PLAN, forged)
    assert not isinstance(parts, str)
    replayed = replay_parts(parts, forged)
    assert all(report.agrees for _, report in replayed.parts)
    assert replayed.out_of_step is not None and replayed.out_of_step.what == "lockstep"


def _is_tick(payload: dict[str, object]) -> bool:
    return payload.get("event") == "tick"


def test_the_csv_has_each_tick_of_each_channel_in_the_order_of_time(export: Export) -> None:
    lines = [line for line in csv_text(export).splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    assert {row["channel"] for row in rows} == {"", "left", "right"}
    times = [float(row["t_s"]) for row in rows]
    assert times == sorted(times)
    ticks = [row for row in rows if row["phase"]]
    assert len(ticks) == export.ticks == sum(len(track.series.rows) for track in export.tracks)
    for track in export.tracks:
        own = [row for row in ticks if row["channel"] == track.name]
        assert own[-1]["charge_mA_min"] == f"{track.account.nominal_pc / 6e10:.9f}"


def test_the_edf_has_signals_of_each_channel_and_their_sum(export: Export) -> None:
    edf = edfio.read_edf(BytesIO(edf_bytes(export)))
    assert "1 set left" in edf.labels and "2 meas right" in edf.labels
    total = edf.get_signal("sum set").data
    parts = [edf.get_signal(label).data for label in ("1 set left", "2 set right")]
    assert total == pytest.approx(abs(parts[0]) + abs(parts[1]), abs=1)
    told = [item.text for item in edf.annotations]
    assert "signals that begin with 2: channel right" in told
    assert any(text.startswith("right: pause") for text in told)


def test_the_fhir_bundle_has_observations_of_each_channel_under_ids_of_their_own(export: Export) -> None:
    resources = [entry["resource"] for entry in json.loads(json.dumps(bundle(export)))["entry"]]
    ids = [resource["id"] for resource in resources]
    assert len(set(ids)) == len(ids)
    texts = [item["code"]["text"] for item in resources if item["resourceType"] == "Observation"]
    assert {"Charge set in the whole session", "Charge set, channel left"} <= set(texts)
    assert sum(text.endswith("channel right") for text in texts) == 7
    sampled = [item["valueSampledData"] for item in resources if "valueSampledData" in item]
    assert len({len(item["data"].split()) for item in sampled}) == 1, "one grid for all"


def test_the_terminal_shows_each_channel(reading: Reading) -> None:
    assert [line.partition(":")[0] for line in channel_lines(reading)] == ["left", "right"]
    charts = list(charts_of(reading))
    assert "channel left" in charts and "channel right" in charts
    set_lines = [line for line in charts if line.startswith("set")]
    assert charts.index("all channels together") > charts.index("channel right") and len(set_lines) == 3
    assert [line.rsplit(maxsplit=2)[1] for line in set_lines] == ["1", "1", "2"], "mA: each, and the sum"
