"""`ionto run` of several channels on simulated outputs: one session, one journal, and each channel in it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from ionto_cli.lines import Line, line_of, ports_of
from ionto_ir.wellformed import check
from ionto_runtime.accounting import account_of
from ionto_runtime.history import read_history
from ionto_runtime.journal_reader import Reading, Sealed, read_journal
from ionto_runtime.replay_channels import rebound_parts, replay_parts
from ionto_runtime.safety.admitted import line_problems
from ionto_runtime.safety.job import ChannelLine
from tests.runtime.channel_plans import two_sites
from tests.runtime.sealed_plans import MA, Workplace, placed
from tests.runtime.test_run import SCHEMA

BY_ITSELF = ("run", "heel.plan.json", "--accelerate", "100000", "--set", "skin=none", "--yes")


@pytest.fixture
def place(tmp_path: Path) -> Workplace:
    return placed(tmp_path, two_sites())


def the_journal(place: Workplace) -> Reading:
    """The one journal."""
    (path,) = place.records.glob("two_sites-*.journal")
    reading = read_journal(path)
    assert isinstance(reading, Reading)
    return reading


def test_the_plan_of_these_tests_is_well_formed() -> None:
    assert check(two_sites()) == ()


def test_a_session_of_two_channels_runs_is_summed_up_and_replays(place: Workplace) -> None:
    done = place.run(*BY_ITSELF, "--patient", "P1")
    assert done.returncode == 0, done.stdout + done.stderr
    for part in (
        "cathode patch on forearm, 25 cm², with Dexamethasone phosphate, channel upper",
        "anode patch on arm, 25 cm², channel upper and lower",
        "channel lower (SIMULATED on skin 2)",
        "step: Channels at work: upper, lower",
        "SIMULATED session completed: finished",
        "peak      2.00 mA in all channels",
        "channel upper: 0.08 mA·min as set",
        "recorded  skin = none",
    ):
        assert part in done.stdout, part
    reading = the_journal(place)
    assert isinstance(reading.end, Sealed) and reading.end.head in done.stdout
    parts = rebound_parts(two_sites(), reading)
    assert not isinstance(parts, str) and replay_parts(parts, reading).agrees
    account = account_of(reading)
    assert not isinstance(account, str) and account.records == (("skin", 0),)


def test_the_data_of_a_session_name_each_channel(place: Workplace) -> None:
    done = place.run(*BY_ITSELF, "--json", "--patient", "P1")
    data = json.loads(done.stdout)
    Draft202012Validator(SCHEMA).validate(data)
    assert [item["name"] for item in data["channels"]] == ["upper", "lower"]
    assert data["delivered"]["set_pc"] == sum(item["set_pc"] for item in data["channels"])
    assert data["delivered"]["at_most_pc"] == sum(item["at_most_pc"] for item in data["channels"])
    assert data["peak_na"] == 2 * MA
    assert data["delivered"]["measured_at_least_pc"] <= data["delivered"]["set_pc"]


def test_a_later_session_counts_all_channels_of_one_session(place: Workplace) -> None:
    assert place.run(*BY_ITSELF, "--patient", "P1").returncode == 0
    data = account_of(the_journal(place))
    assert not isinstance(data, str)
    history = read_history(place.records, "P1", "two_sites", 2**42)
    assert not isinstance(history, tuple) and len(history.sessions) == 1
    assert history.sessions[0].upper_pc == data.charge.upper_pc > 0


@pytest.mark.parametrize(
    ("ports", "code", "told"),
    [
        (("upper=simulated:1",), "I0870", "the channel `lower` has no line"),
        (("upper=simulated:1", "lower=simulated:2", "knee=simulated:3"), "I0870", "no channel `knee`"),
        (("upper=simulated:1", "lower=simulated:2", "upper=simulated:3"), "I0870", "has two lines"),
        (("upper=simulated:1", "lower=simulated:1"), "I0871", "would be driven by one device"),
    ],
)
def test_lines_that_do_not_fit_the_channels_are_refused(ports: tuple[str, ...], code: str, told: str) -> None:
    lines = [ChannelLine(*port.split("="), None) for port in ports]  # type: ignore[arg-type]
    found = list(line_problems(two_sites(), lines))
    assert [item.code for item in found] == [code] and told in found[0].message


def test_the_command_refuses_what_leaves_a_channel_without_a_line(place: Workplace) -> None:
    done = place.run("run", "heel.plan.json", "--port", "upper=simulated:1", "--set", "skin=none", "--yes")
    assert done.returncode != 0 and "`--port lower=PATH`" in done.stderr
    assert not list(place.folder.glob("records/*.journal"))


@pytest.mark.parametrize("ports", [["simulated"], ["upper=simulated", "lower=simulated"]])
def test_each_channel_that_is_simulated_has_a_skin_of_its_own(ports: list[str]) -> None:
    said = argparse.Namespace(
        plan="heel.plan.json", port=ports, device_file=[], driver=None, trust=None, web=None
    )
    said.console, said.accelerate, said.yes = False, 1, True
    line = line_of(said, two_sites())
    assert isinstance(line, Line)
    assert ports_of(line) == "simulated:1 (upper), simulated:2 (lower)"
