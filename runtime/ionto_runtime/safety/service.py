"""One session from its job to its end, in the safety process: judge, prepare, arm, wait, run, say.

Nothing that a console has judged is believed here: the plan is opened and bound again, the history read
again, and the files are looked at again right before the device is armed (R1, R7).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ionto_ir.bind import Refusal, bind
from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.trace import Observation, observe
from ionto_runtime.admission import confirmation_of, confirmation_problem, for_people, plan_problems
from ionto_runtime.beginning import Beginning, begin_journal
from ionto_runtime.clock import Clock, RealClock
from ionto_runtime.device_file import DeviceFile, read_device_file
from ionto_runtime.drivers.driver import Driver, Identity
from ionto_runtime.drivers.registry import open_driver
from ionto_runtime.history import SUFFIX, first_session, read_history
from ionto_runtime.journal import Durability, JournalWriter
from ionto_runtime.loop import run_session
from ionto_runtime.messages import SCHEMA, diagnostics_to_json, outcome_to_json
from ionto_runtime.outcome import outcome_of
from ionto_runtime.preparation import Surroundings, checks, met
from ionto_runtime.safety.desk import UNATTENDED_MS_MAX, Desk
from ionto_runtime.safety.job import Job
from ionto_runtime.safety.process import facts_of_process, take_precedence, tame_collector
from ionto_runtime.safety.shown import shown
from ionto_runtime.sealed import Sealed, open_plan
from ionto_runtime.session import Session
from ionto_runtime.signing import read_trust_store
from ionto_runtime.supervision import fault_at_start
from ionto_runtime.view import Facts, facts_of, undisturbed

COMPLETED, ENDED, REFUSED, BUG = 0, 1, 2, 5
"""Exit codes, as those of `ionto run`."""

ARMED_MS_MAX = 300_000
"""How long an armed device waits for a person to say begin: five minutes, then it is disarmed."""

ALARM_SEEN_MS_MAX = 5_000
"""How long a console may take to answer to the trial alarm."""

LISTEN_MS = 50
LINGER_MS = 5_000
"""How long consoles may take to come and to read the last words."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A plan that may run, bound to this day. `files` are those that were read, with their digests."""

    sealed: Sealed
    bound: BoundPlan
    planned: Observation
    allowed: DeviceFile | None
    files: tuple[tuple[Path, str], ...]


def serve(job: Job) -> int:
    """Run the job's session; the exit code. The output is off when this returns, or everybody was told."""
    clock = RealClock()
    desk = Desk(job.socket, job.token, job.session_id, clock)
    driver: Driver | None = None
    try:
        desk.tell({"type": "hello", "schema": SCHEMA, "session": job.session_id})
        admitted = admit(job, clock)
        if not isinstance(admitted, Admitted):
            return _refuse(desk, admitted)
        absent = _wait_for_console(job, desk, clock)
        if absent is not None:
            return _refuse(desk, (absent,))
        watchdog = None if admitted.allowed is None else admitted.allowed.watchdog_port
        opened = open_driver(job.driver, job.port, admitted.bound.plan.device, clock, watchdog)
        if isinstance(opened, Diagnostic):
            return _refuse(desk, (opened,))
        driver = opened
        return _with_device(job, admitted, driver, desk, clock)
    except Exception as bug:
        desk.tell({"type": "failed", "reason": f"{type(bug).__name__}: {bug}"})
        return BUG
    finally:
        if driver is not None:
            driver.close()
        _linger(desk, clock)


def _wait_for_console(job: Job, desk: Desk, clock: Clock) -> Diagnostic | None:
    """Wait for somebody to command before the device is touched: a page has to be opened first."""
    until_ms = clock.now_ms() + ARMED_MS_MAX
    while job.attended and not desk.commanded:
        if clock.now_ms() > until_ms:
            return error("I0963", "nobody came to command the session", None)
        desk.serve(LISTEN_MS)
    return None


def admit(job: Job, clock: Clock) -> Admitted | Sequence[Diagnostic]:
    """The plan, opened, bound and judged; or every reason why it may not run."""
    if any(job.records.glob(f"*-{job.session_id}{SUFFIX}")):
        return (error("I0928", f"the session `{job.session_id}` has been on record before", None),)
    allowed = None if job.device_file is None else read_device_file(job.device_file)
    if isinstance(allowed, Diagnostic):
        return (allowed,)
    sealed = open_plan(job.plan, read_trust_store(job.trust))
    if isinstance(sealed, tuple):
        return sealed
    history = None
    if job.patient is not None:
        found = read_history(job.records, job.patient, sealed.plan.name, clock.wall_ms())
        if isinstance(found, tuple):
            return found
        history = found
    bound = bind(sealed.plan, job.values, job.acknowledgements, history or first_session(clock.wall_ms()))
    if isinstance(bound, Refusal):
        return bound.diagnostics
    trace = undisturbed(bound)
    planned = observe(bound.plan, trace)
    problems = tuple(plan_problems(bound, planned, history))
    files = [(job.plan, sealed.file_sha256)]
    if allowed is not None:
        files.append((allowed.path, allowed.sha256))
    return problems or Admitted(sealed, bound, planned, allowed, tuple(files))


def _with_device(job: Job, admitted: Admitted, driver: Driver, desk: Desk, clock: Clock) -> int:
    identity = met(driver, admitted.bound.plan, admitted.allowed, clock)
    if not isinstance(identity, Identity):
        return _refuse(desk, identity)
    process = facts_of_process(take_precedence())
    facts = facts_of(
        admitted.bound,
        patient=job.patient,
        operator=job.operator,
        device=device_words(identity, job.port),
        simulated=identity.simulated,
        speed=1,
        dead_man=driver.capabilities.dead_man,
    )
    begun = begin_journal(
        Beginning(
            session_id=job.session_id,
            sealed=admitted.sealed,
            bound=admitted.bound,
            facts=facts,
            acknowledgements=job.acknowledgements,
            seed=None,
            device_identity=identity_words(identity),
            process=process,
        ),
        job.records,
        job.sealing,
        clock,
        clock.wall_ms(),
        Durability.SYNCED,
        background=True,
    )
    if isinstance(begun, Diagnostic):
        return _refuse(desk, (begun,))
    path, journal = begun
    demanded = confirmation_of(admitted.bound, admitted.sealed.sha256, job.patient)
    desk.plan = admitted.bound.plan
    desk.tell(
        {
            "type": "facts",
            "plan": {"title": admitted.bound.plan.title, "version": admitted.bound.plan.version},
            "patient": job.patient,
            "operator": job.operator,
            "device": facts.device,
            "simulated": facts.simulated,
            "for_people": for_people(admitted.bound.plan),
            "dead_man": facts.dead_man.name.lower(),
            "banner": facts.banner,
            "planned_pc": facts.planned_pc,
            "planned_ms": facts.planned_ms,
            "steps": list(facts.steps),
            "journal": str(path),
            "process": process,
            "confirm": demanded,
            **shown(facts),
        }
    )
    problem = _prepared(admitted, driver, journal, desk, clock, job)
    if problem is None:
        problem = _wait_for_begin(demanded, driver, desk, clock, job)
    if problem is not None:
        journal.seal(f"not begun: {problem.message}")
        journal.close()
        return _refuse(desk, (problem,))
    return _run(admitted, facts, driver, journal, desk, clock, job)


def _prepared(
    admitted: Admitted, driver: Driver, journal: JournalWriter, desk: Desk, clock: Clock, job: Job
) -> Diagnostic | None:
    """Every check, told one by one; the one that failed, or None when the device is armed."""
    around = Surroundings(
        clock=clock,
        folder=job.records,
        files=admitted.files,
        alarm_path=lambda: not job.attended or _alarm_seen(desk, clock),
        planned=admitted.planned,
    )
    for check in checks(driver, admitted.bound, journal, around):
        passed = check.problem is None
        desk.tell({"type": "check", "name": check.name, "detail": check.detail, "passed": passed})
        desk.serve()
        if check.problem is not None:
            return check.problem
    return None


def _alarm_seen(desk: Desk, clock: Clock) -> bool:
    """Whether the commanding console answers to a trial alarm (R9)."""
    desk.tell({"type": "trial_alarm"}, keep=False)
    until_ms = clock.now_ms() + ALARM_SEEN_MS_MAX
    while clock.now_ms() < until_ms:
        desk.serve(LISTEN_MS)
        if any(message.get("do") == "seen" for message in desk.take()):
            return True
    return False


def _wait_for_begin(
    demanded: Mapping[str, Json], driver: Driver, desk: Desk, clock: Clock, job: Job
) -> Diagnostic | None:
    """Wait until a person says begin and confirms what must be confirmed (R3, R12); why not, or None."""
    desk.tell({"type": "armed"})
    until_ms = clock.now_ms() + ARMED_MS_MAX
    while clock.now_ms() < until_ms:
        desk.serve(LISTEN_MS)
        for message in desk.take():
            match message.get("do"):
                case "begin":
                    return confirmation_problem(demanded, message.get("confirm"))
                case "stop" | "emergency_stop" | "leave":
                    return error("I0963", "somebody stopped it before it was begun", None)
        fault = fault_at_start(driver.measure())
        if fault is not None:
            return error("I0962", f"the device is not ready: {fault}", None)
        if job.attended and desk.unattended_ms() > UNATTENDED_MS_MAX:
            return error("I0963", "nobody is there to begin the session", None)
    return error("I0963", f"nobody began the session within {ARMED_MS_MAX // 60_000} min", None)


def _run(
    admitted: Admitted,
    facts: Facts,
    driver: Driver,
    journal: JournalWriter,
    desk: Desk,
    clock: Clock,
    job: Job,
) -> int:
    session = Session(admitted.bound, driver, journal, driver=driver, planned_pc=facts.planned_pc)
    fault = session.arm()
    if fault is not None:
        journal.seal(f"not begun: {fault}")
        journal.close()
        return _refuse(desk, (error("I0962", f"the device is not ready: {fault}", None),))
    desk.tell({"type": "begun"})
    tame_collector()
    run_session(
        session,
        desk,
        facts,
        clock,
        lambda passed_ms: None,
        real_time=True,
        unattended=lambda: _unattended(desk) if job.attended else None,
        acknowledged=desk.acknowledged,
    )
    outcome = outcome_of(session)
    desk.tell({"type": "bye", "outcome": outcome_to_json(outcome)})
    return COMPLETED if outcome.completed else ENDED


def _unattended(desk: Desk) -> str | None:
    silent_ms = desk.unattended_ms()
    return f"no console for {silent_ms} ms" if silent_ms > UNATTENDED_MS_MAX else None


def device_words(identity: Identity, port: str) -> str:
    """The device as people see it."""
    simulated = ", SIMULATED" if identity.simulated else ""
    return f"{identity_words(identity)} on {port}{simulated}"


def identity_words(identity: Identity) -> str:
    """Who answered: model, serial number, firmware."""
    return f"{identity.model} {identity.serial}, firmware {identity.firmware}"


def _refuse(desk: Desk, diagnostics: Sequence[Diagnostic]) -> int:
    desk.tell({"type": "refused_session", "diagnostics": diagnostics_to_json(tuple(diagnostics))})
    return REFUSED


def _linger(desk: Desk, clock: Clock) -> None:
    """Let consoles read the last words, but not for ever."""
    until_ms = clock.now_ms() + LINGER_MS
    while desk.busy() and clock.now_ms() < until_ms:
        desk.serve(LISTEN_MS)
    desk.close()
