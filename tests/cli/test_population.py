"""A population is many people of the scalar skin model, computed together."""

from __future__ import annotations

import json
import math
from pathlib import Path
from random import Random

import numpy as np
import pytest

from ionto_cli.population import (
    CHUNK,
    DEFAULT_SKIN,
    Course,
    Outcome,
    Person,
    on_cluster,
    people,
    population,
    treated,
)
from ionto_ir.dataclass import replace
from ionto_runtime.simulation.skin import PERSON_SPREAD, Body, Circuit, SkinSite
from tests.cli.test_commands import Ionto, ionto

__all__ = ["ionto"]  # a fixture: used by its name alone

TREATMENT = "treatments.plantar_fasciitis_dexamethasone"


def course(step_ms: int = 100, compliance_v: float = 80.0, sign: float = 1.0, peak: float = 2.0) -> Course:
    """Up in 20 s, two minutes, down in 20 s, then half a minute of nothing and a little the other way."""
    times = [step * step_ms / 1000 for step in range(int(220_000 / step_ms))]

    def level(at_s: float) -> float:
        if at_s < 160:
            return peak * min(1.0, at_s / 20, (160 - at_s) / 20)
        return 0.0 if at_s < 190 else -peak / 2 * min(1.0, (at_s - 190) / 20)

    targets = tuple(sign * level(at_s + step_ms / 2000) for at_s in times)
    return Course(step_ms, targets, 1.0, 0.5, (12.0, 24.0), compliance_v, 0.02, 0.01)


def scalar(drawn: Course, person: Person, index: int) -> tuple[float, float, float, float]:
    """Highest voltage, last resistance and charge of one person, by the model of one."""
    parameters = replace(DEFAULT_SKIN, dry_out_per_min=float(person.dry_out_per_min[index]))
    sites = tuple(
        SkinSite(round(area * 100_000_000), float(person.factor[index]), parameters)
        for area in drawn.areas_cm2
    )
    body = Body(sites, float(person.series_ohm[index]))
    peak_v = forward = backward = 0.0
    ohm = math.inf
    for target in drawn.target_ma:
        before = body.resistance_ohm
        gain, offset = float(person.gain[index]), float(person.offset_ma[index])
        wanted = math.copysign(max(0.0, abs(target) * (1 + gain) + offset), target) if target else 0.0
        flow = body.drive(wanted, drawn.compliance_v, Circuit.CLOSED, drawn.step_ms)
        ohm = before if flow.current_ma else ohm
        peak_v = max(peak_v, abs(flow.voltage_v))
        flowed = abs(flow.current_ma) * drawn.step_ms / 60_000
        forward, backward = (forward + flowed, backward) if target >= 0 else (forward, backward + flowed)
    return peak_v, ohm, forward, backward


def insensitive(person: Person) -> Person:
    """The same people, who bear everything."""
    return replace(person, bears_ma_cm2=np.full(len(person.factor), np.inf))


@pytest.mark.parametrize(("compliance_v", "sign"), [(80.0, 1.0), (80.0, -1.0), (3.0, 1.0), (1.5, -1.0)])
def test_each_person_is_a_person_of_the_scalar_model(compliance_v: float, sign: float) -> None:
    drawn = course(compliance_v=compliance_v, sign=sign)
    person = insensitive(people(3, 0, 12, drawn))
    found = treated(drawn, person)
    for index in range(12):
        expected = scalar(drawn, person, index)
        got = (found.peak_v, found.ohm, found.forward_ma_min, found.backward_ma_min)
        assert [float(values[index]) for values in got] == pytest.approx(expected, rel=1e-9, abs=1e-9)
    assert bool(np.any(found.limited_s > 0)) == (compliance_v < 80)


def test_the_steps_of_a_population_are_fine_enough() -> None:
    fine, coarse = course(100), course(500)
    person = insensitive(people(5, 0, 200, fine))
    found, rough = treated(fine, person), treated(coarse, person)
    assert np.max(np.abs(rough.peak_v / found.peak_v - 1)) < 0.02
    assert np.max(np.abs(rough.ohm / found.ohm - 1)) < 0.02
    assert np.max(np.abs(rough.charge_ma_min / found.charge_ma_min - 1)) < 0.002


def test_people_differ_as_much_as_people_do() -> None:
    person = people(1, 0, 5_000, course())
    ratio = float(np.max(person.factor) / np.min(person.factor))
    assert 3.0 < ratio <= PERSON_SPREAD * (1 + 1e-9)
    assert 0.08 < float(np.mean(np.isfinite(person.bears_ma_cm2))) < 0.12
    assert float(np.max(person.dry_out_per_min)) <= 0.05


def test_a_sensitive_person_presses_stop_and_comes_down_at_the_stop_slew() -> None:
    drawn = course(500)
    calm = insensitive(people(2, 0, 4, drawn))
    person = replace(calm, bears_ma_cm2=np.array([0.05, np.inf, 0.05, 1e9]), bears_s=np.full(4, 10.0))
    found = treated(drawn, person)
    assert found.stopped.tolist() == [True, False, True, False]
    assert np.all(found.charge_ma_min[[0, 2]] < 0.5 * found.charge_ma_min[[1, 3]])
    # 0.05 mA/cm2 of 12 cm2 is passed after 6 s; 10 s later they stop, and 1.6 mA take 3.2 s at 0.5 mA/s.
    assert float(found.lasted_s[0]) == pytest.approx(6 + 10 + 3.2, abs=1.6)


def test_the_same_seed_gives_the_same_people_in_any_number_of_chunks() -> None:
    drawn = course(500)
    whole = population(drawn, 9, CHUNK + 50)
    first = population(drawn, 9, CHUNK)
    assert np.array_equal(whole.peak_v[:CHUNK], first.peak_v)
    assert not np.array_equal(population(drawn, 10, 50).peak_v, first.peak_v[:50])
    assert len(whole.peak_v) == CHUNK + 50


def test_a_cluster_gives_what_this_machine_gives() -> None:
    distributed = pytest.importorskip("distributed")
    drawn = course(500)
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp"
    ) as cluster:
        there = population(drawn, 4, 1_200, on_cluster(cluster.scheduler_address))
    here = population(drawn, 4, 1_200)
    for name in Outcome.__slots__:
        assert np.array_equal(getattr(there, name), getattr(here, name)), name


# --- the command ----------------------------------------------------------------------------------------
def test_the_command_tells_and_draws_the_spread(ionto: Ionto, tmp_path: Path) -> None:
    code, out, _ = ionto("simulate", TREATMENT, "--population", "300", "--plot", "people.svg")
    assert code == 0
    assert "SIMULATED population of 300" in out and "patients a second" in out
    drawn = (tmp_path / "people.svg").read_text(encoding="utf-8")
    assert "SIMULATED" in drawn and "</svg>" in drawn


def test_as_data_the_parts_add_up(ionto: Ionto) -> None:
    code, out, _ = ionto("simulate", TREATMENT, "--population", "200", "--json", "--seed", "3")
    told = json.loads(out)
    assert code == 0
    assert sum(told["completion"].values()) == told["population"] == 200
    assert told["simulated"] is True
    for spread in told["spreads"].values():
        assert spread["quantiles"] == sorted(spread["quantiles"])


@pytest.mark.parametrize(
    "words",
    [("--population", "0"), ("--cluster", "tcp://nowhere:1"), ("--population", "5", "--at", "1 min pause")],
)
def test_a_population_that_means_nothing_is_refused(ionto: Ionto, words: tuple[str, ...]) -> None:
    code, _, err = ionto("simulate", TREATMENT, *words)
    assert code == 4 and "I0901" in err


def test_without_the_library_there_is_no_cluster(ionto: Ionto, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    code, _, err = ionto("simulate", TREATMENT, "--population", "5", "--cluster", "tcp://127.0.0.1:1")
    assert code == 2 and "I0955" in err


def test_a_cluster_that_does_not_answer_is_said(ionto: Ionto, monkeypatch: pytest.MonkeyPatch) -> None:
    distributed = pytest.importorskip("distributed")

    def unanswered(address: str, **_: object) -> None:
        raise OSError(f"timed out during handshake while connecting to {address}")

    monkeypatch.setattr(distributed, "Client", unanswered)
    code, _, err = ionto("simulate", TREATMENT, "--population", "5", "--cluster", "tcp://127.0.0.1:1")
    assert code == 2 and "I0956" in err


def test_charge_goes_where_the_polarity_says() -> None:
    for seed in range(3):
        sign = Random(seed).choice((1.0, -1.0))
        found = treated(course(500, sign=sign), insensitive(people(seed, 0, 5, course(500))))
        more, less = (
            (found.forward_ma_min, found.backward_ma_min)
            if sign > 0
            else (found.backward_ma_min, found.forward_ma_min)
        )
        assert np.all(more > 4 * less) and np.all(less > 0)
