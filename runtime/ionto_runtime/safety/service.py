"""One session from its job to its end, in the safety process: judge, prepare, arm, wait, run, say.

Nothing that a console has judged is believed here: the plan is opened and bound again, the history read
again, and the files are looked at again right before the device is armed (R1, R7).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack

from ionto_ir.canonical import Json
from ionto_ir.device import Device
from ionto_ir.diagnostic import Diagnostic, error
from ionto_runtime.accuracy import zero_na
from ionto_runtime.admission import confirmation_of, confirmation_problem, for_people
from ionto_runtime.beginning import Beginning, begin_journal
from ionto_runtime.clock import Clock, RealClock
from ionto_runtime.drivers.driver import Driver
from ionto_runtime.drivers.registry import open_driver
from ionto_runtime.ensemble import Ensemble
from ionto_runtime.gathering import Unit, ensemble_of
from ionto_runtime.journal import Durability, JournalWriter
from ionto_runtime.loop import run_session
from ionto_runtime.messages import SCHEMA, STOPS, diagnostics_to_json, outcome_to_json
from ionto_runtime.outcome import outcome_of
from ionto_runtime.preparation import Check, Surroundings, arming, inspections
from ionto_runtime.safety.admitted import Admitted, admit
from ionto_runtime.safety.desk import UNATTENDED_MS_MAX, Desk
from ionto_runtime.safety.devices import (
    Met,
    assumed,
    channels_told,
    facts_with,
    identity_words,
    meet_all,
)
from ionto_runtime.safety.job import Job
from ionto_runtime.safety.process import facts_of_process, take_precedence, tame_collector
from ionto_runtime.safety.shown import shown
from ionto_runtime.session import Session
from ionto_runtime.supervision import fault_at_start
from ionto_runtime.view import Facts

COMPLETED, ENDED, REFUSED, BUG = 0, 1, 2, 5
"""Exit codes, as those of `ionto run`."""

ARMED_MS_MAX = 300_000
"""How long an armed device waits for a person to say begin: five minutes, then it is disarmed."""

ALARM_SEEN_MS_MAX = 5_000
"""How long a console may take to answer to the trial alarm."""

STOPPED_BEFORE = "somebody stopped it before it was begun"
LISTEN_MS = 50
LINGER_MS = 5_000
"""How long consoles may take to come and to read the last words."""


def serve(job: Job) -> int:
    """Run the job's session; the exit code. The output is off when this returns, or everybody was told."""
    clock = RealClock()
    desk = Desk(job.socket, job.token, job.session_id, clock)
    try:
        desk.tell({"type": "hello", "schema": SCHEMA, "session": job.session_id})
        admitted = admit(job, clock)
        if not isinstance(admitted, Admitted):
            return _refuse(desk, admitted)
        absent = _wait_for_console(job, desk, clock)
        if absent is not None:
            return _refuse(desk, (absent,))
        return _serve(job, admitted, desk, clock)
    except Exception as bug:
        desk.tell({"type": "failed", "reason": f"{type(bug).__name__}: {bug}"})
        return BUG
    finally:
        _linger(desk, clock)


def _serve(job: Job, admitted: Admitted, desk: Desk, clock: Clock) -> int:
    """Open every line, and close every line again, also when one of them cannot be closed."""
    drivers: list[Driver] = []
    with ExitStack() as lines:
        for driven in admitted.driven:
            watchdog = None if driven.allowed is None else driven.allowed.watchdog_port
            opened = open_driver(job.driver, driven.port, admitted.shown.plan.device, clock, watchdog)
            if isinstance(opened, Diagnostic):
                return _refuse(desk, (opened,))
            drivers.append(opened)
            lines.callback(opened.close)
        return _with_devices(job, admitted, drivers, desk, clock)


def _wait_for_console(job: Job, desk: Desk, clock: Clock) -> Diagnostic | None:
    """Wait for somebody to command before the device is touched: a page has to be opened first."""
    until_ms = clock.now_ms() + ARMED_MS_MAX
    while job.attended and not desk.commanded:
        if clock.now_ms() > until_ms:
            return error("I0963", "nobody came to command the session", None)
        desk.serve(LISTEN_MS)
        if any(message.get("do") in STOPS for message in desk.take()):
            return error("I0963", STOPPED_BEFORE, None)
    return None


def _with_devices(job: Job, admitted: Admitted, drivers: Sequence[Driver], desk: Desk, clock: Clock) -> int:
    identities = meet_all(admitted, drivers, clock)
    if not isinstance(identities, Met):
        return _refuse(desk, identities)
    process = facts_of_process(take_precedence())
    facts = facts_with(job, admitted, identities, drivers)
    begun = begin_journal(
        Beginning(
            session_id=job.session_id,
            sealed=admitted.sealed,
            bound=admitted.shown,
            facts=facts,
            acknowledgements=job.acknowledgements,
            seed=None,
            device_identity="; ".join(identity_words(identity) for identity in identities.all),
            process=process,
            channels=channels_told(admitted, identities),
            assumed=assumed(admitted),
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
    plan = admitted.sealed.plan
    demanded = confirmation_of(admitted.shown, admitted.sealed.sha256, job.patient, plan.channels)
    desk.plan = plan
    desk.tell(
        {
            "type": "facts",
            "plan": {"title": plan.title, "version": plan.version},
            "patient": job.patient,
            "operator": job.operator,
            "device": facts.device,
            "simulated": facts.simulated,
            "for_people": for_people(plan),
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
    problem = _prepared(admitted, drivers, journal, desk, clock, job)
    if problem is None:
        problem = _wait_for_begin(demanded, drivers, plan.device, desk, clock, job)
    if problem is not None:
        journal.seal(f"not begun: {problem.message}")
        journal.close()
        return _refuse(desk, (problem,))
    return _run(admitted, facts, drivers, journal, desk, clock, job)


def _prepared(
    admitted: Admitted, drivers: Sequence[Driver], journal: JournalWriter, desk: Desk, clock: Clock, job: Job
) -> Diagnostic | None:
    """Every check, told one by one; the one that failed, or None when all devices are armed. None is armed
    before all were looked at: what waits for another one must not have to keep its lease.
    """
    for driven, driver in zip(admitted.driven, drivers, strict=True):
        around = Surroundings(
            clock=clock,
            folder=job.records,
            files=admitted.files,
            alarm_path=lambda: not job.attended or _alarm_seen(desk, clock),
            planned=driven.planned,
            channels=len(drivers),
        )
        problem = _told(inspections(driver, driven.bound, journal, around), driven.name, desk)
        if problem is not None:
            return problem
    for driven, driver in zip(admitted.driven, drivers, strict=True):
        problem = _told(arming(driver, driven.bound.plan.device), driven.name, desk)
        if problem is not None:
            return problem
    return None


def _told(found: Iterable[Check], channel: str | None, desk: Desk) -> Diagnostic | None:
    """Tell each check as it is made; the problem of the one that failed."""
    for check in found:
        name = check.name if channel is None else f"{channel}: {check.name}"
        desk.tell({"type": "check", "name": name, "detail": check.detail, "passed": check.problem is None})
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
    demanded: Mapping[str, Json],
    drivers: Sequence[Driver],
    device: Device,
    desk: Desk,
    clock: Clock,
    job: Job,
) -> Diagnostic | None:
    """Wait until a person says begin and confirms what must be confirmed (R3, R12); why not, or None."""
    desk.tell({"type": "armed"})
    highest_na = zero_na(device)
    until_ms = clock.now_ms() + ARMED_MS_MAX
    while clock.now_ms() < until_ms:
        desk.serve(LISTEN_MS)
        for message in desk.take():
            match message.get("do"):
                case "begin":
                    return confirmation_problem(demanded, message.get("confirm"))
                case "stop" | "emergency_stop" | "leave":
                    return error("I0963", STOPPED_BEFORE, None)
        faults = [fault_at_start(driver.measure(), highest_na) for driver in drivers]
        fault = next((found for found in faults if found is not None), None)
        if fault is not None:
            return error("I0962", f"the device is not ready: {fault}", None)
        if job.attended and desk.unattended_ms() > UNATTENDED_MS_MAX:
            return error("I0963", "nobody is there to begin the session", None)
    return error("I0963", f"nobody began the session within {ARMED_MS_MAX // 60_000} min", None)


def _run(
    admitted: Admitted,
    facts: Facts,
    drivers: Sequence[Driver],
    journal: JournalWriter,
    desk: Desk,
    clock: Clock,
    job: Job,
) -> int:
    session = _armed(admitted, facts, drivers, journal)
    if isinstance(session, str):
        journal.seal(f"not begun: {session}")
        journal.close()
        return _refuse(desk, (error("I0962", f"the device is not ready: {session}", None),))
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
        commanding=desk.changes,
    )
    outcome = outcome_of(session)
    desk.tell({"type": "bye", "outcome": outcome_to_json(outcome)})
    return COMPLETED if outcome.completed else ENDED


def _armed(
    admitted: Admitted, facts: Facts, drivers: Sequence[Driver], journal: JournalWriter
) -> Session | Ensemble | str:
    """The session, its outputs seen open; or why one of them is not ready."""
    if admitted.together is not None:
        outputs = [
            Unit(driver, driver, driven.planned.nominal_pc)
            for driven, driver in zip(admitted.driven, drivers, strict=True)
        ]
        return ensemble_of(admitted.together[0], outputs, journal)
    (driver,) = drivers
    session = Session(admitted.shown, driver, journal, driver=driver, planned_pc=facts.planned_pc)
    return session.arm() or session


def _unattended(desk: Desk) -> str | None:
    silent_ms = desk.unattended_ms()
    return f"no console for {silent_ms} ms" if silent_ms > UNATTENDED_MS_MAX else None


def _refuse(desk: Desk, diagnostics: Sequence[Diagnostic]) -> int:
    desk.tell({"type": "refused_session", "diagnostics": diagnostics_to_json(tuple(diagnostics))})
    return REFUSED


def _linger(desk: Desk, clock: Clock) -> None:
    """Let consoles read the last words, but not for ever."""
    until_ms = clock.now_ms() + LINGER_MS
    while desk.busy() and clock.now_ms() < until_ms:
        desk.serve(LISTEN_MS)
    desk.close()
