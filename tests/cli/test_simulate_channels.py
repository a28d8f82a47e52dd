"""`ionto simulate` of several channels: what happens at one output, the picture, and a population."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ionto_cli.population import Course, Session, outputs_of, population_together, treated, treated_together
from ionto_ir.dataclass import replace
from tests.cli.test_commands import Ionto, ionto
from tests.ir.test_tests_of_channels import BESIDE, TEXT

__all__ = ["ionto"]  # a fixture: used by its name alone


@pytest.fixture
def two(tmp_path: Path) -> str:
    """A protocol with the channels `upper` and `lower`, which are 30 and 60 s long."""
    (tmp_path / "two.ionto").write_text(TEXT.format(session=BESIDE, test="expect finished"), encoding="utf-8")
    return "two.ionto"


def test_what_happens_at_one_output_is_told_of_it_and_comes_to_the_other(ionto: Ionto, two: str) -> None:
    dry = ("--at", "10 s channel lower impedance 90 kOhm", "--at", "20 s channel lower impedance normal")
    code, out, _ = ionto("simulate", two, "--json", *dry, "--at", "30 s resume")
    told = json.loads(out)
    assert code == 0 and told["completed"]
    assert [item["interruptions"] for item in told["channels"]] == [1, 1]
    assert [bool(item["alarms"]) for item in told["channels"]] == [False, True]


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("5 s impedance 90 kOhm", "I0464"),
        ("5 s channel knee lead_off", "I0906"),
        ("5 s channel upper pause", "I0906"),
        ("5 s channel upper", "I0901"),
    ],
)
def test_what_cannot_happen_at_one_output_is_refused(ionto: Ionto, two: str, at: str, code: str) -> None:
    exit_code, _, err = ionto("simulate", two, "--at", at)
    assert exit_code != 0 and code in err


def test_a_picture_has_a_line_for_each_channel_and_one_for_the_sum(
    ionto: Ionto, two: str, tmp_path: Path
) -> None:
    code, out, _ = ionto("simulate", two, "--plot", "two.svg")
    drawn = (tmp_path / "two.svg").read_text(encoding="utf-8")
    assert code == 0 and out.rstrip().endswith("drew two.svg")
    assert all(name in drawn for name in ("upper, measured", "lower, measured", "all together, set"))
    code, _, err = ionto("simulate", two, "--plot", "two.doc")
    assert code != 0 and "I0904" in err


def test_a_population_is_told_for_each_channel_and_for_all(ionto: Ionto, two: str, tmp_path: Path) -> None:
    code, out, _ = ionto("simulate", two, "--population", "200", "--json", "--plot", "people.svg")
    told = json.loads(out)
    assert code == 0 and sum(told["completion"].values()) == 200
    median = {name: spread["quantiles"][2] for name, spread in told["spreads"].items()}
    assert median["upper: charge"] == pytest.approx(1, rel=0.03)
    assert median["charge of all channels"] == pytest.approx(2, rel=0.03)
    assert (tmp_path / "people.svg").read_text(encoding="utf-8").count("charge") >= 3


def course(level_ma: float, area_cm2: float = 10.0) -> Course:
    """A minute at a level."""
    return Course(500, (level_ma,) * 120, 1.0, 0.5, (area_cm2, 50.0), 80.0, 0.02, 0.01)


def test_people_whom_nothing_disturbs_are_those_of_each_channel_alone() -> None:
    session = Session((course(1.0), course(2.0, 20.0)))
    found = outputs_of(3, 0, 50, session)
    people = [replace(person, bears_ma_cm2=np.full(50, np.inf)) for person in found]
    assert np.array_equal(people[0].factor, people[1].factor) and not np.array_equal(
        people[0].gain, people[1].gain
    )
    together = treated_together(session, people)
    for alone, person, outcome in zip(session.courses, people, together, strict=True):
        expected = treated(alone, person)
        assert np.array_equal(expected.peak_v, outcome.peak_v)
        assert np.array_equal(expected.charge_ma_min, outcome.charge_ma_min)


def test_whoever_feels_one_channel_or_the_sum_in_a_return_stops_all() -> None:
    session = Session((course(0.5), course(0.6)))
    persons = [
        replace(person, bears_ma_cm2=np.array([0.055, 0.2, 0.2]), bears_s=np.full(3, 10.0))
        for person in outputs_of(1, 0, 3, session)
    ]
    for shared, stopped in (((), [True, False, False]), (((4.0, (0, 1)),), [True, True, True])):
        upper, lower = treated_together(replace(session, shared=shared), persons)
        assert upper.stopped.tolist() == lower.stopped.tolist() == stopped
        assert (upper.lasted_s < 20).tolist() == stopped


def test_a_population_of_channels_does_not_depend_on_its_chunks() -> None:
    session = Session((course(1.0), course(2.0)))
    whole, part = population_together(session, 9, 1_050), population_together(session, 9, 1_000)
    assert all(
        np.array_equal(more.peak_v[:1_000], less.peak_v) for more, less in zip(whole, part, strict=True)
    )
