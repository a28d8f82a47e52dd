"""The real safety process on a real line: a simulated device in another process, and what flowed there."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ionto_ir.dataclass import replace
from ionto_ir.features import features_of
from ionto_ir.limits import Envelope, LimitKind
from ionto_ir.plan import IntegerDomain, Plan
from ionto_runtime.accounting import account_of
from ionto_runtime.device_file import device_file_text
from ionto_runtime.drivers.driver import Identity
from ionto_runtime.journal_reader import Reading, Sealed, Unsealed, read_journal
from ionto_runtime.safety.job import Job
from tests.conformance.processes import DeviceProcess, InstrumentProcess
from tests.ir.sessions import SPAN
from tests.runtime.safety_process import LASTING, QUICK, Spoken, job_at, spoken_to
from tests.runtime.sealed_plans import MA, placed

pytestmark = pytest.mark.realtime


def on_the_reference_device(plan: Plan) -> Plan:
    """The plan, compiled for the reference device."""
    device = replace(
        plan.device,
        name="ionlink_dc_4ma",
        driver="ionlink",
        current_na_max=4 * MA,
        step_na=10_000,
        accuracy_ppm=20_000,
        accuracy_offset_na=20_000,
        compliance_mv=80_000,
        slew_na_s=10 * MA,
        watchdog_ms=500,
    )
    return replace(plan, device=device)


@pytest.fixture
def device(tmp_path: Path) -> Iterator[DeviceProcess]:
    with DeviceProcess("twin", tmp_path / "line") as served:
        yield served


def job_on(folder: Path, *, lasting: bool = True, **changes: object) -> Job:
    """A job on the device behind `line`."""
    job = job_at(folder, port=str(folder / "line"), driver="ionlink", **changes)
    for name in (folder / "home" / "trusted").iterdir():
        name.unlink()
    (folder / "home" / "trusted").rmdir()
    placed(folder, on_the_reference_device(LASTING if lasting else QUICK))
    return job


def received_pc(device: DeviceProcess) -> int:
    """What has really flowed."""
    state = json.loads(device.do("state"))
    return int(state["forward_pc"]) + int(state["backward_pc"])


def journal_of(spoken: Spoken) -> Reading:
    """The journal of its session."""
    (path,) = spoken.job.records.glob(f"*-{spoken.job.session_id}.journal")
    reading = read_journal(path)
    assert isinstance(reading, Reading)
    return reading


def bounded(reading: Reading, device: DeviceProcess) -> bool:
    """Whether the journal's two bounds hold what has really flowed."""
    account = account_of(reading)
    assert not isinstance(account, str), account
    return account.charge.lower_pc <= received_pc(device) <= account.charge.upper_pc


@pytest.mark.parametrize("kind", ["twin", "firmware"])
def test_a_treatment_is_given_on_a_real_line(tmp_path: Path, kind: str) -> None:
    with DeviceProcess(kind, tmp_path / "line") as device:
        with spoken_to(job_on(tmp_path, lasting=False)) as spoken:
            outcome = spoken.begin().until_type("bye")["outcome"]
            assert spoken.ended() == (0 if isinstance(outcome, dict) and outcome["completed"] else 1)
        reading = journal_of(spoken)
        assert isinstance(reading.end, Sealed) and bounded(reading, device)
        assert device.current_na == 0 and received_pc(device) > 0
    assert reading.header is not None and "SIM-0001" in str(reading.header["device_identity"])


@pytest.mark.requirement("R28")
@pytest.mark.requirement("R42")
def test_when_the_safety_process_is_killed_the_device_ends_its_output_by_itself(
    tmp_path: Path, device: DeviceProcess
) -> None:
    job = job_on(tmp_path)
    with spoken_to(job) as spoken:
        spoken.begin().until_word("RUNNING")
        spoken.signal(signal.SIGKILL)
        spoken.process.wait()
        device.wait_for_current(0, 0)
        flowed_pc = received_pc(device)
    reading = journal_of(spoken)
    assert isinstance(reading.end, Unsealed) and bounded(reading, device)
    with spoken_to(replace(job, session_id="later000", socket=tmp_path / "desk2")) as later:
        later.remote.join(job.token, "test", commands=True)
        later.until_type("armed")
        later.remote.command("leave")
        later.until_type("refused_session")
    assert received_pc(device) == flowed_pc, "nothing more, until a person begins"


HANGING = """
import threading, time, ionto_runtime.guard as g
o = g.Guard.look
def look(self, sight):
    if (sight.set_na or 0) >= 900_000:
        threading.Thread(target=lambda: time.sleep(30), daemon=True).start()
        time.sleep(30)
    return o(self, sight)
g.Guard.look = look
"""


@pytest.mark.requirement("R43")
@pytest.mark.parametrize("how", ["deadlocked", "stopped"])
def test_when_the_loop_hangs_nothing_else_feeds_the_dead_man(
    tmp_path: Path, device: DeviceProcess, how: str
) -> None:
    with spoken_to(job_on(tmp_path), HANGING if how == "deadlocked" else "") as spoken:
        spoken.begin().until(lambda message: int(str(message.get("setpoint_na", 0))) >= 600_000)
        if how == "stopped":
            spoken.signal(signal.SIGSTOP)
        device.wait_for_current(0, 0)
        flowed_pc = received_pc(device)
        spoken.process.kill()
    assert received_pc(device) == flowed_pc


@pytest.mark.requirement("R46")
def test_a_second_runtime_on_the_line_is_refused_and_changes_nothing(
    tmp_path: Path, device: DeviceProcess
) -> None:
    job = job_on(tmp_path)
    with spoken_to(job) as spoken:
        spoken.begin().until_word("RUNNING")
        other = replace(job, session_id="second00", socket=tmp_path / "desk2", patient="P2")
        with spoken_to(other) as second:
            refused = second.refusal()
            assert "I0911" in refused
        spoken.until(lambda message: message["type"] == "view")
        assert spoken.views[-1]["word"] == "RUNNING" and device.current_na > 900_000
        spoken.remote.stop()
        spoken.until_type("bye")
    assert bounded(journal_of(spoken), device)


@pytest.mark.requirement("R41")
@pytest.mark.requirement("R47")
def test_a_line_that_is_unplugged_and_plugged_in_again_never_resumes(
    tmp_path: Path, device: DeviceProcess
) -> None:
    with spoken_to(job_on(tmp_path)) as spoken:
        spoken.begin().until_word("RUNNING")
        device.do("unplug")
        device.wait_for_current(0, 0)
        flowed_pc = received_pc(device)
        device.do("replug")
        outcome = spoken.until_type("bye")["outcome"]
        assert spoken.ended() == 1
    assert isinstance(outcome, dict) and not outcome["completed"]
    assert received_pc(device) == flowed_pc
    assert bounded(journal_of(spoken), device)


@pytest.mark.requirement("R4")
def test_another_unit_than_the_file_says_is_refused_before_anything_is_begun(
    tmp_path: Path, device: DeviceProcess
) -> None:
    path = tmp_path / "room.device.toml"
    meant = Identity("ionlink-4ma", "IL-0007", "twin-1.0", None, True)
    path.write_text(device_file_text("ionlink", str(tmp_path / "line"), meant), encoding="utf-8")
    with spoken_to(job_on(tmp_path, device_file=path)) as spoken:
        refused = spoken.refusal()
        assert spoken.ended() == 2
    assert "I0921" in refused and "SIM-0001" in refused
    assert received_pc(device) == 0


@pytest.mark.requirement("R10")
def test_a_device_that_takes_the_timeout_and_never_starts_its_timer_is_not_armed(
    tmp_path: Path, device: DeviceProcess
) -> None:
    device.do("device lease_never_ends on")
    with spoken_to(job_on(tmp_path)) as spoken:
        refused = spoken.refusal()
    assert "I0913" in refused and received_pc(device) == 0


# --- bench instruments ------------------------------------------------------------------------------------
BENCH_ONLY = Envelope("bench", "Phantoms", None, SPAN, device_classes=("bench",))


def for_the_bench(plan: Plan, driver: str) -> Plan:
    """The plan for a bench instrument, and for nobody: no more than it can set, and only that is limited."""
    device = replace(
        on_the_reference_device(plan).device,
        name=driver,
        driver=driver,
        current_na_max=3 * MA,
        compliance_mv=13_000,
        device_class="bench",
    )
    current, *others = plan.variables
    assert isinstance(current.domain, IntegerDomain)
    current = replace(current, domain=replace(current.domain, hi=3 * MA))
    kept = tuple(item for item in plan.limits if item.kind is LimitKind.CURRENT)
    return replace(plan, device=device, envelopes=(BENCH_ONLY,), variables=(current, *others), limits=kept)


def bench_job(
    folder: Path,
    name: str,
    *,
    people: bool = False,
    relay: bool = True,
    lasting: bool = True,
    certified: bool = True,
) -> Job:
    """A job for a bench instrument, whose watchdog relay, where it takes one, the device file names."""
    job = job_at(folder, port=str(folder / "line"), driver=name)
    plan = for_the_bench(LASTING if lasting else QUICK, name)
    plan = replace(plan, envelopes=()) if people else plan
    (folder / "sealed").mkdir()
    place = placed(folder / "sealed", replace(plan, requires=features_of(plan)), certified=certified)
    job = replace(job, plan=place.folder / "heel.plan.json", trust=place.folder / "home" / "trusted")
    if name != "keithley_2400" or not relay:
        return job
    path = folder / "bench.device.toml"
    text = f'driver = "{name}"\nport = "{folder / "line"}"\nwatchdog_port = "{folder / "relay"}"\n'
    path.write_text(text, encoding="utf-8")
    return replace(job, device_file=path)


def instrument(folder: Path, name: str) -> InstrumentProcess:
    """The instrument, plugged in now. StimJim says where its zero is only while it starts, so it is plugged
    in when the safety process waits for its console, which is before it opens the line.
    """
    return InstrumentProcess(name, folder / "line", folder / "relay" if name == "keithley_2400" else None)


@pytest.mark.requirement("R45")
@pytest.mark.parametrize("name", ["keithley_2400", "stimjim"])
def test_an_instrument_without_a_dead_man_of_its_own_treats_nobody(tmp_path: Path, name: str) -> None:
    with spoken_to(bench_job(tmp_path, name, people=True)) as spoken, instrument(tmp_path, name) as device:
        assert "I0922" in spoken.refusal()
        assert device.wait_until_nothing_flows() == 0


@pytest.mark.requirement("R45")
def test_an_instrument_that_nothing_would_end_runs_nothing_at_all(tmp_path: Path) -> None:
    name = "keithley_2400"
    with spoken_to(bench_job(tmp_path, name, relay=False)) as spoken, instrument(tmp_path, name) as device:
        refused = spoken.refusal()
        assert "I0922" in refused and "watchdog relay" in refused
        assert device.wait_until_nothing_flows() == 0


def test_a_plan_without_certificates_runs_on_no_real_device(tmp_path: Path) -> None:
    job = bench_job(tmp_path, "keithley_2400", certified=False)
    with spoken_to(job) as spoken, instrument(tmp_path, "keithley_2400") as device:
        assert "I0631" in spoken.refusal()
        assert device.wait_until_nothing_flows() == 0


@pytest.mark.parametrize("name", ["keithley_2400", "stimjim"])
def test_a_plan_for_the_bench_is_carried_out_on_a_bench_instrument(tmp_path: Path, name: str) -> None:
    job = bench_job(tmp_path, name, lasting=False)
    with spoken_to(job) as spoken, instrument(tmp_path, name) as device:
        outcome = spoken.begin().until_type("bye")["outcome"]
        assert isinstance(outcome, dict)
        # On a busy machine the instrument, a program like any other, may be too late; nothing else may be.
        assert outcome["completed"] or {"F22", "F26", "F03"} & set(spoken.codes()), outcome
        flowed_pc = device.wait_until_nothing_flows()
        account = account_of(journal_of(spoken))
        assert not isinstance(account, str), account
        assert account.charge.lower_pc <= flowed_pc <= account.charge.upper_pc


@pytest.mark.requirement("R42")
@pytest.mark.requirement("R45")
@pytest.mark.parametrize("name", ["keithley_2400", "stimjim"])
def test_on_a_bench_instrument_the_output_ends_by_itself_when_the_computer_dies(
    tmp_path: Path, name: str
) -> None:
    with spoken_to(bench_job(tmp_path, name)) as spoken, instrument(tmp_path, name) as device:
        spoken.begin().until_word("RUNNING")
        facts = next(message for message in spoken.heard if message["type"] == "facts")
        assert "NOT FOR PEOPLE" in str(facts["banner"]) and facts["for_people"] is False
        assert device.state()["current_na"] > 900_000
        spoken.signal(signal.SIGKILL)
        spoken.process.wait()
        flowed_pc = device.wait_until_nothing_flows()
        account = account_of(journal_of(spoken))
        assert not isinstance(account, str), account
        assert account.charge.lower_pc <= flowed_pc <= account.charge.upper_pc
        assert device.wait_until_nothing_flows() == flowed_pc
