"""Worlds by their numbers: no invariant is violated, and a session that is broken on purpose violates one."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable

import pytest

from ionto_ir.events import Resume
from ionto_runtime.journal import JournalWriter, Written
from ionto_runtime.session import Session
from tests.architecture.tree import ROOT
from tests.ir.sessions import DEVICE
from tests.simulation.__main__ import campaign, chunk, judged, lines
from tests.simulation.adversary import BEGIN
from tests.simulation.faults import AFTERWARDS, ENDING, Kind, Planned
from tests.simulation.judging import judge
from tests.simulation.plans import FIRST_OF_SIZES, drawn_size
from tests.simulation.world import World

SEEDS = 150


def test_no_invariant_is_violated_in_any_world() -> None:
    tally = campaign(1, SEEDS, 1)
    assert tally.violations == []
    assert tally.sessions == SEEDS
    assert all(count > 0 for count in tally.checked.values())
    assert len(tally.checked) >= 20


def test_no_invariant_is_violated_on_devices_of_any_size() -> None:
    """4 mA to 10 uA: where every absolute current is coarse, the session still sees and ends what it must."""
    numbers = range(FIRST_OF_SIZES, FIRST_OF_SIZES + 80)
    tally = campaign(numbers[0], len(numbers), 1)
    assert tally.violations == [] and tally.sessions == len(numbers)
    sizes = Counter(drawn_size(number) for number in numbers)
    assert set(sizes) == {1, 4, 40, 400} and drawn_size(FIRST_OF_SIZES - 1) == 1
    assert {World(number).bound.plan.device.current_na_max for number in numbers} == {
        DEVICE.current_na_max // size for size in sizes
    }


@pytest.mark.requirement("R17")
@pytest.mark.parametrize("seed", [660, 1052, 1386])
def test_a_world_whose_session_once_waited_for_ever_for_zero_is_finished(seed: int) -> None:
    """The output is set to zero before the polarity turns, and what flows is the device's offset."""
    world = World(seed, ())
    judge(world)
    assert world.violations == []
    assert world.session is not None and world.session.completed


def test_the_same_number_is_the_same_world() -> None:
    first, second = judged(17), judged(17)
    assert first.disk.data == second.disk.data
    assert first.planned == second.planned
    assert first.device.received == second.device.received


def test_every_kind_of_fault_is_injected_somewhere() -> None:
    planned = {fault.kind for seed in range(400) for fault in World(seed).planned}
    assert planned == set(Kind)
    assert set(BEGIN) | ENDING | AFTERWARDS == set(Kind)


def marked(kind: Kind) -> object:
    """A kind as a parameter that names its requirement."""
    return pytest.param(kind, id=kind.name.lower(), marks=pytest.mark.requirement(kind.requirement))


@pytest.mark.parametrize("kind", [marked(kind) for kind in Kind])
def test_each_kind_alone_violates_nothing(kind: Kind) -> None:
    """At three moments: on the way up, at the top, on the way down."""
    for seed, at in enumerate((3, 9, 20), start=1):
        world = World(seed, [Planned(0 if kind is Kind.BAD_START else at, 4, kind, 654_321 + seed)])
        judge(world)
        assert world.violations == [], (kind, seed)


# --- sessions that are broken on purpose ----------------------------------------------------------------
def found_out(*kinds: Kind, lasts: int = 3, count: int = 40) -> set[str]:
    """The names of the invariants that are violated when these faults come, at some moment each."""
    found = set()
    for seed in range(count):
        faults = [
            Planned(5 + seed % 9 + 2 * number, lasts, kind, 7 * seed) for number, kind in enumerate(kinds)
        ]
        world = World(seed, faults)
        judge(world)
        found |= {text.partition(":")[0] for text in world.violations}
    return found


@pytest.mark.parametrize(
    "kinds",
    [
        (Kind.LATE, Kind.LATE, Kind.VERY_LATE),
        (Kind.PAUSE,),
        (Kind.DISK_FULL,),
        (Kind.KILLED,),
    ],
    ids=lambda kinds: kinds[-1].name.lower(),
)
def test_the_session_as_it_is_violates_nothing_in_the_worlds_below(kinds: tuple[Kind, ...]) -> None:
    assert found_out(*kinds) == set()
    assert found_out(Kind.SILENT, lasts=2_000, count=5) == set()


def test_a_ledger_that_counts_no_lateness_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "_account", lambda session, ms: setattr(session, "_passed_ms", ms))
    assert "upper" in found_out(Kind.LATE, Kind.LATE, Kind.VERY_LATE)


def test_a_session_that_waits_for_ever_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Session, "_may_rise", lambda session, tick: False)
    assert found_out(count=1) == set(), "it stops by itself"
    monkeypatch.setattr(Session, "_stand", lambda session, rises, ms: None)
    assert found_out(count=1) == {"ends"}


def test_a_session_that_resumes_by_itself_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    tick = Session.tick

    def eager(session: Session, passed_ms: int) -> None:
        tick(session, passed_ms)
        session.feed(Resume())

    monkeypatch.setattr(Session, "tick", eager)
    assert "resume" in found_out(Kind.PAUSE)


def test_a_journal_that_is_not_synced_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def forgetful(writer: JournalWriter, make_durable: Callable[[], None]) -> None:
        """Says that all is durable."""

    monkeypatch.setattr(JournalWriter, "_ask", forgetful)
    monkeypatch.setattr(JournalWriter, "_make_durable", lambda writer, kind: True)
    only_power = [World(seed, [Planned(at, 1, Kind.POWER_LOST, 1)]) for seed in range(10) for at in (8, 12)]
    for world in only_power:
        judge(world)
    assert any(text.startswith(("account", "journal")) for world in only_power for text in world.violations)


def test_a_journal_that_tries_again_after_a_failure_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Session._write

    def stubborn(session: Session, kind: object, payload: object) -> Written | None:
        session.journal.failure = None
        return write(session, kind, payload)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "_write", stubborn)
    assert "retry" in found_out(Kind.DISK_FULL)


def test_a_seal_without_a_look_at_the_output_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(session: Session) -> None:
        assert session.end is not None
        session._check(session.journal.seal(session.end.reason))
        session.journal.close()

    monkeypatch.setattr(Session, "finish", careless)
    assert found_out(Kind.SILENT, lasts=2_000, count=5) == {"seal"}


def test_a_raise_that_is_sent_without_its_intent_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    write = Session._write

    def silent(session: Session, kind: object, payload: object) -> Written | None:
        if getattr(kind, "name", "") in ("INTENT", "OUTCOME"):
            return Written(0)
        return write(session, kind, payload)  # type: ignore[arg-type]

    monkeypatch.setattr(Session, "_write", silent)
    assert found_out(Kind.KILLED) & {"replay", "account", "journal"}


# --- the command ----------------------------------------------------------------------------------------
def test_a_campaign_tells_what_it_did() -> None:
    tally = chunk(range(1, 30))
    text = "\n".join(lines(tally, 1, 2.0))
    assert "sessions    29 (seeds 1 to 29)" in text
    assert "violations  0" in text
    tally.violations += [(seed, f"ends: at tick {seed}") for seed in range(3, 12)] + [(2, "slew: too fast")]
    grouped = [line.split() for line in lines(tally, 1, 2.0)]
    assert ["ends", "9,", "first", "--seed", "3"] in grouped and [
        "slew",
        "1,",
        "first",
        "--seed",
        "2",
    ] in grouped
    assert all(kind.name.lower().replace("_", " ") in text for kind in Kind)


def test_one_number_is_repeated_from_the_command_line() -> None:
    command = [sys.executable, "-m", "tests.simulation", "--seed", "3"]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "ended:" in ran.stdout


@pytest.mark.soak
def test_many_worlds() -> None:
    assert campaign(10_000, 20_000, 1).violations == []
