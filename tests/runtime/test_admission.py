"""Admission: ceilings, devices, confirmations and records keep sessions out, whatever a certificate says."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from ionto_ir.bind import NO_HISTORY, History, PastSession
from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import replace
from ionto_ir.device import Place
from ionto_ir.diagnostic import Diagnostic
from ionto_ir.expression import Constant
from ionto_ir.limits import Envelope, Role
from ionto_ir.trace import observe
from ionto_runtime.admission import (
    capability_problems,
    confirmation_of,
    confirmation_problem,
    for_people,
    plan_problems,
)
from ionto_runtime.ceilings import DAY_MS, MINUTE_MS
from ionto_runtime.device_file import DeviceFile, device_file_text, identity_problems, read_device_file
from ionto_runtime.drivers.driver import DeadMan, Identity
from ionto_runtime.sealed import open_plan
from ionto_runtime.session import Session
from ionto_runtime.signing import read_trust_store
from ionto_runtime.simulation.driver import CAPABILITIES
from ionto_runtime.view import undisturbed
from tests.ir.sessions import MA, SECOND, SPAN, bound_of, finish, plan_of, ramp, timed_plan
from tests.runtime.bedside import Bedside
from tests.runtime.sealed_plans import DRUG, placed
from tests.treatments import electrode

PADS = (electrode(Place.ACTIVE, Role.CATHODE), electrode(Place.RETURN, Role.ANODE))
TODAY = date(2026, 11, 28)
HISTORY = History(10 * DAY_MS, 10, ())


def wired(current_na: int, *, drug: bool, hold_ms: int = 10 * SECOND, device_ma: int = 40) -> BoundPlan:
    """A plan of a current, with or without a drug, on a device that could do far more."""
    active = replace(PADS[0], drugs=(DRUG,) if drug else ())
    plan = timed_plan(hold_ms=hold_ms, ramp_ms=60 * SECOND, level=current_na)
    device = replace(plan.device, current_na_max=device_ma * MA, slew_na_s=10 * MA)
    return bound_of(replace(plan, device=device, electrodes=(active, PADS[1])))


def codes_of(bound: BoundPlan, history: History | None = HISTORY) -> list[str]:
    """What stands against a session."""
    planned = observe(bound.plan, undisturbed(bound))
    return [problem.code for problem in plan_problems(bound, planned, history)]


# --- R1: the very bytes -----------------------------------------------------------------------------------
@pytest.mark.requirement("R1")
def test_a_sealed_plan_with_any_byte_changed_does_not_open(tmp_path: Path) -> None:
    place = placed(tmp_path)
    store = read_trust_store(place.folder / "home" / "trusted")
    path = place.folder / "heel.plan.json"
    whole = path.read_bytes()
    assert not isinstance(open_plan(path, store), tuple)
    for index in range(0, len(whole), 13):
        path.write_bytes(whole[:index] + bytes([whole[index] ^ 1]) + whole[index + 1 :])
        assert isinstance(open_plan(path, store), tuple), index


@pytest.mark.requirement("R1")
def test_two_valid_certificates_do_not_go_with_each_others_plan(tmp_path: Path) -> None:
    import json

    from tests.runtime.sealed_plans import heel_plan

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = placed(tmp_path / "a"), placed(tmp_path / "b", heel_plan(5_000))
    one = json.loads((first.folder / "heel.plan.json").read_bytes())
    other = json.loads((second.folder / "heel.plan.json").read_bytes())
    mixed = {**one, "envelope": other["envelope"]}
    path = second.folder / "heel.plan.json"
    path.write_text(json.dumps(mixed, sort_keys=True, separators=(",", ":")) + "\n", encoding="utf-8")
    found = open_plan(path, read_trust_store(second.folder / "home" / "trusted"))
    assert isinstance(found, tuple) and "I0807" in {problem.code for problem in found}


# --- R2, R33: the ceilings --------------------------------------------------------------------------------
@pytest.mark.requirement("R2")
@pytest.mark.parametrize(
    ("current_na", "drug", "refused"),
    [
        (4 * MA, True, False),
        (4_100_000, True, True),
        (30 * MA, False, False),
        (31 * MA, False, True),
    ],
)
def test_the_ceiling_of_current_is_the_runtimes_own(current_na: int, drug: bool, refused: bool) -> None:
    assert codes_of(wired(current_na, drug=drug)) == (["I0920"] if refused else [])


@pytest.mark.requirement("R2")
def test_charge_time_and_voltage_have_ceilings_too() -> None:
    assert codes_of(wired(4 * MA, drug=True, hold_ms=70 * MINUTE_MS)) == ["I0920"]
    assert codes_of(wired(10_000, drug=True, hold_ms=27 * 60 * MINUTE_MS + 30 * MINUTE_MS)) == ["I0920"]
    high = wired(2 * MA, drug=True)
    strong = replace(high.plan, device=replace(high.plan.device, compliance_mv=200_000))
    assert codes_of(bound_of(strong)) == ["I0920"]


@pytest.mark.requirement("R2")
@pytest.mark.requirement("R14")
def test_a_setpoint_above_the_ceiling_is_never_sent_whatever_the_machine_wishes() -> None:
    """Admission is gone around: the device still never gets more than the ceiling."""
    bound = wired(4_100_000, drug=True)
    bedside = Bedside(bound)
    sent: list[int] = []
    take = bedside.device.set_current

    def noting(na: int, lease_ms: int, seq: int, waveform: object = None) -> object:
        sent.append(na)
        return take(na, lease_ms, seq)

    bedside.device.set_current = noting  # type: ignore[method-assign, assignment]
    bedside.session = Session(bound, bedside.device, bedside.journal)
    bedside.begin().until_closed()
    assert max(sent) <= 4 * MA
    assert "F49" in bedside.codes() and not bedside.session.completed


@pytest.mark.requirement("R33")
def test_no_density_above_two_milliamperes_per_square_centimetre_is_admitted() -> None:
    bound = wired(4 * MA, drug=True)
    small = replace(bound.plan.electrodes[0], area_um2=Constant(150_000_000))
    assert codes_of(bound_of(replace(bound.plan, electrodes=(small, PADS[1])))) == ["I0920"]


# --- R3: what the operator confirms -----------------------------------------------------------------------
@pytest.mark.requirement("R3")
def test_only_what_the_plan_says_can_be_confirmed() -> None:
    bound = wired(2 * MA, drug=True)
    demanded = confirmation_of(bound, "aa", "P1")
    assert confirmation_problem(demanded, confirmation_of(bound, "aa", "P1")) is None
    swapped = replace(
        bound.plan,
        electrodes=tuple(
            replace(item, role=Role.ANODE if item.role is Role.CATHODE else Role.CATHODE)
            for item in bound.plan.electrodes
        ),
    )
    smaller = replace(
        bound.plan, electrodes=(replace(bound.plan.electrodes[0], area_um2=Constant(1)), PADS[1])
    )
    elsewhere = replace(bound.plan, electrodes=(replace(bound.plan.electrodes[0], site="knee"), PADS[1]))
    wrong = [
        confirmation_of(bound_of(swapped), "aa", "P1"),
        confirmation_of(bound_of(smaller), "aa", "P1"),
        confirmation_of(bound_of(elsewhere), "aa", "P1"),
        confirmation_of(bound, "aa", "P2"),
        confirmation_of(bound, "bb", "P1"),
        {**demanded, "more": 1},
        None,
    ]
    for given in wrong:
        problem = confirmation_problem(demanded, given)
        assert problem is not None and problem.code == "I0923"


# --- R4, R5, R45: which device ----------------------------------------------------------------------------
MEANT = DeviceFile(Path("a"), "", "simulated", None, "Bench", "B1", ("1.0", "1.1"), date(2027, 1, 1))


@pytest.mark.requirement("R4")
@pytest.mark.parametrize(
    "answers",
    [
        Identity("Other", "B1", "1.0", None, True),
        Identity("Bench", "B2", "1.0", None, True),
        Identity("Bench", "B1", "2.0", None, True),
        Identity("Bench", "B1", "1.0", "2026-11-27", True),
        Identity("Bench", "B1", "1.0", "soon", True),
    ],
)
def test_another_unit_another_firmware_or_no_calibration_is_refused(answers: Identity) -> None:
    assert [problem.code for problem in identity_problems(answers, MEANT, TODAY)] == ["I0921"]


@pytest.mark.requirement("R4")
def test_the_unit_that_is_meant_is_let_in_until_its_calibration_is_due() -> None:
    answers = Identity("Bench", "B1", "1.1", "2026-11-28", True)
    assert list(identity_problems(answers, MEANT, TODAY)) == []
    assert [item.code for item in identity_problems(answers, MEANT, date(2027, 1, 2))] == ["I0921", "I0921"]


def turning() -> BoundPlan:
    """A plan that turns the polarity."""
    steps = (ramp(MA, 2 * SECOND, 0, MA, 1), ramp(0, 2 * SECOND, MA, MA, 2), finish())
    back = ramp(MA, 2 * SECOND, 0, MA, 1, True)
    return bound_of(plan_of((back, *steps[1:])))


WEAKER = {
    "polarity": replace(CAPABILITIES, bipolar=False),
    "waveform": replace(CAPABILITIES, waveforms=("pulsed",)),
    "another driver": replace(CAPABILITIES, driver="other"),
    "reset": replace(CAPABILITIES, reset_is_off=False),
    "no voltage": replace(CAPABILITIES, measures_voltage=False),
    "not for people": replace(CAPABILITIES, for_people=False),
}


@pytest.mark.requirement("R5")
@pytest.mark.requirement("R36")
@pytest.mark.parametrize("has", WEAKER.values(), ids=WEAKER)
def test_a_device_that_lacks_what_the_plan_needs_is_refused(has: object) -> None:
    assert list(capability_problems(turning().plan, CAPABILITIES)) == []
    problems = list(capability_problems(turning().plan, has))  # type: ignore[arg-type]
    assert {problem.code for problem in problems} <= {"I0922", "I0961"} and problems


@pytest.mark.requirement("R45")
@pytest.mark.parametrize("dead_man", [DeadMan.NONE, DeadMan.BOUNDED_PROGRAM, DeadMan.EXTERNAL_RELAY])
def test_without_a_dead_man_in_the_device_nobody_is_treated(dead_man: DeadMan) -> None:
    plan = turning().plan
    assert for_people(plan), "all plans are that do not say otherwise"
    problems = list(capability_problems(plan, replace(CAPABILITIES, dead_man=dead_man)))
    assert "I0922" in {problem.code for problem in problems}


@pytest.mark.requirement("R45")
def test_where_nothing_ends_the_output_nothing_runs_not_even_for_the_bench() -> None:
    bench = Envelope("bench", "Phantoms", None, SPAN, device_classes=("bench",))
    plan = replace(turning().plan, envelopes=(bench,))
    assert not for_people(plan)
    for dead_man in DeadMan:
        problems = list(capability_problems(plan, replace(CAPABILITIES, dead_man=dead_man)))
        assert bool(problems) is (dead_man is DeadMan.NONE)
    with_relay = replace(CAPABILITIES, dead_man=DeadMan.NONE, takes_relay=True)
    [problem] = capability_problems(plan, with_relay)
    assert problem.code == "I0922" and "watchdog relay" in str(problem.help)


# --- R6: once ---------------------------------------------------------------------------------------------
def past(start_ms: int, upper_pc: int = 0) -> PastSession:
    """An earlier session of ten minutes."""
    return PastSession(start_ms, start_ms + 10 * MINUTE_MS, start_ms // DAY_MS, upper_pc, upper_pc, "heel")


@pytest.mark.requirement("R6")
def test_without_a_token_or_with_a_calendar_that_was_set_back_nothing_begins() -> None:
    bound = wired(2 * MA, drug=True)
    assert codes_of(bound, None) == ["I0928"]
    assert codes_of(bound, replace(HISTORY, sessions=(past(11 * DAY_MS),))) == ["I0928"]
    assert codes_of(bound, NO_HISTORY) == []


@pytest.mark.requirement("R6")
def test_the_charge_of_a_day_has_a_ceiling() -> None:
    bound = wired(4 * MA, drug=True, hold_ms=20 * MINUTE_MS)
    much = 200 * MA * MINUTE_MS
    assert codes_of(bound, replace(HISTORY, sessions=(past(10 * DAY_MS - 60 * MINUTE_MS, much),))) == [
        "I0920"
    ]
    assert codes_of(bound, replace(HISTORY, sessions=(past(8 * DAY_MS, much),))) == []


# --- the device file --------------------------------------------------------------------------------------
def test_a_device_file_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    identity = Identity('Bench "1"', "B\\1", "1.0", "2027-01-01", False)
    path = tmp_path / "bench.device.toml"
    path.write_text(device_file_text("ionlink", "/dev/ttyX", identity), encoding="utf-8")
    found = read_device_file(path)
    assert isinstance(found, DeviceFile)
    assert (found.driver, found.port, found.model, found.serial) == (
        "ionlink",
        "/dev/ttyX",
        'Bench "1"',
        "B\\1",
    )
    assert found.firmware == ("1.0",) and found.calibration_due == date(2027, 1, 1)
    assert list(identity_problems(identity, found, TODAY)) == []


@pytest.mark.parametrize(
    "text",
    [
        "driver = ",
        'drvier = "ionlink"',
        'port = "a"',
        'driver = ""',
        'driver = "ionlink"\nfirmware = "1"',
        'driver = "ionlink"\ncalibration_due = "2027-01-01"',
        "x" * 70_000,
    ],
)
def test_a_device_file_with_anything_wrong_in_it_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "bench.device.toml"
    path.write_text(text, encoding="utf-8")
    found = read_device_file(path)
    assert isinstance(found, Diagnostic) and found.code == "I0926"
    missing = read_device_file(tmp_path / "nowhere")
    assert isinstance(missing, Diagnostic) and missing.code == "I0904"
