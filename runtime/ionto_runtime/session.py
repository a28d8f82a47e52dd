"""A session: executor, stimulator and journal tied together, one tick at a time.

The order of a tick: newest reading, what it says of link and device, the machine's step, the journal, the
device. A command that raises the current is sent when its intent is durable; one that lowers it or opens the
output is sent at once and written down afterwards. Nothing here knows of clocks, threads or screens: whoever
runs the session says how much time has passed.
"""

from __future__ import annotations

from typing import assert_never

from ionto_ir.bound import BoundPlan
from ionto_ir.canonical import Json
from ionto_ir.dataclass import replace
from ionto_ir.events import (
    Ack,
    Adjust,
    Alarm,
    Begin,
    Command,
    Confirm,
    DeviceFault,
    EmergencyStop,
    End,
    Enter,
    Event,
    FaultKind,
    LinkBack,
    LinkLost,
    Pause,
    Press,
    Prompt,
    PromptKind,
    Record,
    Resume,
    SetCurrent,
    Stop,
    Tick,
)
from ionto_ir.events import Refused as NothingChanged
from ionto_ir.executor import start, step
from ionto_ir.state import Mode, Phase
from ionto_ir.waveform import mean_share_ppm
from ionto_runtime.alarms import ALARMS, FAILURES
from ionto_runtime.drivers.driver import DeadMan, Driver
from ionto_runtime.freshness import Freshness
from ionto_runtime.guard import Guard
from ionto_runtime.journal import JournalFailure, JournalWriter, Late, Written
from ionto_runtime.journal_channels import ChannelJournal
from ionto_runtime.journal_format import RecordType
from ionto_runtime.output import Output
from ionto_runtime.patience import Patience
from ionto_runtime.session_records import (
    command_to_json,
    commands_to_json,
    event_to_json,
    position_to_json,
    record_type_of,
    recordable,
)
from ionto_runtime.stimulator import Measurement, Refused, Stimulator
from ionto_runtime.supervision import (
    ENERGISED,
    MISSES_MAX,
    PAUSE_MS_MAX,
    UNSEEN_ALARM_MS,
    UNSEEN_MS_MAX,
    ZERO_FOR_MS,
    contradiction,
    fault_at_start,
    is_zero,
    shows,
)
from ionto_runtime.watching import Act, Finding, Sight

PERSONS = (Confirm, Enter, Adjust, Press, Pause, Resume, Stop, EmergencyStop)
"""What people do; when it changes nothing, they are told why."""


class Session:
    """One session of a bound plan on one stimulator. `journal` has begun; `arm`, then `begin`, then ticks.

    After the end ticks go on until the output was seen to be off (`closed`); then `finish` seals the journal.
    `going_ms` is the time that the plan took so far, without interruptions and without waiting for people.
    `by_sign_pc` is the charge that was set in the declared polarity (1) and against it (-1). `driver` is the
    stimulator once more when it is a real device, so that it is asked for what only drivers know;
    `planned_pc` is the charge of the undisturbed session; `locks` is said of a device without a driver.
    """

    def __init__(
        self,
        bound: BoundPlan,
        stimulator: Stimulator,
        journal: JournalWriter | ChannelJournal,
        *,
        driver: Driver | None = None,
        planned_pc: int | None = None,
        locks: bool = False,
    ) -> None:
        self.bound = bound
        self.guard = Guard(bound, planned_pc, driver)
        self.state = start(bound)
        self.reading: Measurement | None = None
        self.prompt: Prompt | None = None
        self.end: End | None = None
        self.alarms: list[Alarm] = []
        self.acknowledged: list[str] = []
        self.records: list[Record] = []
        self.refusal: NothingChanged | None = None
        self.journal = journal
        self.by_sign_pc = {1: 0, -1: 0}
        self.drift_pc = 0
        self.behind_ms = 0
        self.going_ms = 0
        self.closed = False
        self.seen_off = False
        locks = locks if driver is None else driver.capabilities.locks
        self.output = Output(stimulator, self.guard, journal, self._write, locks=locks)
        self._dead_man = DeadMan.DEVICE if driver is None else driver.capabilities.dead_man
        self._freshness = Freshness(bound.constants.tick_ms, driver)
        self._patience = Patience()
        self._fresh = False
        self._before_na: int | None = None
        self._boot_count = 0
        self._passed_ms = 0
        self._silent_ms = self._misses = 0
        self._lost = self._held_back = False
        self._zero_ms = self._closing_ms = 0
        self._unwritten_late_ms = 0
        self._stop_cause: str | None = None

    # --- what a session is asked ------------------------------------------------------------------------
    @property
    def upper_pc(self) -> int:
        """The most charge that the skin may have received, pC, late ticks included."""
        return self.state.machine.upper_pc + max(0, self.drift_pc)

    @property
    def nominal_pc(self) -> int:
        """The charge that was set, pC."""
        return self.state.machine.nominal_pc

    @property
    def peak_na(self) -> int:
        """The highest magnitude that was sent, nA."""
        return self.output.peak_na

    @property
    def ended(self) -> bool:
        """Whether the machine has come to its end."""
        return self.state.ended

    @property
    def completed(self) -> bool:
        """Whether the plan was finished as written, the output seen off, and nothing of ours failed."""
        finished = self.end is not None and self.end.completed
        return finished and self.seen_off and not any(alarm.code in FAILURES for alarm in self.alarms)

    def arm(self) -> str | None:
        """Open the output and see that it is open, before anything else; why not, or None."""
        reading = self.output.open_first()
        if reading is not None:
            self._boot_count, self.reading = reading.boot_count, reading
        return fault_at_start(reading, self.guard.zero_na)

    def begin(self) -> None:
        """A person has started the treatment."""
        self.feed(Begin())

    def hear(self, event: Event) -> None:
        """A person says something. What the journal cannot say was said by no person, and changes nothing."""
        if recordable(event):
            self.feed(event)
        else:
            self.refusal = NothingChanged(type(event).__name__.lower(), "no such thing can be said")

    def feed(self, event: Event, cause: str | None = None) -> None:
        """Let something happen; `cause` goes on record beside it."""
        before = self.state
        self.state, commands = step(self.bound, before, event)
        reply = self.output.send(commands, fresh=self._fresh)
        self._write_event(event, commands, cause)
        if (before.place.step, before.mode) != (self.state.place.step, self.state.mode):
            self._write(RecordType.STATE, position_to_json(self.state))
        self.by_sign_pc[self.state.machine.sign] += self.state.machine.nominal_pc - before.machine.nominal_pc
        self._take(event, commands)
        if isinstance(reply, Refused) and not self.state.ended:
            self.feed(DeviceFault(FaultKind.INTERNAL), f"the device refused: {reply.reason.value}")
        if self._stop_cause is not None:
            cause, self._stop_cause = self._stop_cause, None
            self.stop(cause)

    def stop(self, cause: str) -> None:
        """Ramp down and end, because of something that is neither the plan nor a person."""
        if not self.state.ended and self.state.mode is not Mode.STOPPING:
            self.feed(Stop(), cause)

    def raise_alarm(self, code: str, detail: str | None = None) -> None:
        """Raise one of the runtime's own alarms, once; `detail` goes on record."""
        alarm = ALARMS[code]
        if alarm in self.alarms:
            return
        self.alarms.append(alarm)
        self._write(RecordType.ALARM, {**command_to_json(alarm), "detail": detail})

    def acknowledge(self, code: str) -> None:
        """A person has seen an alarm that was raised; its cause may go on."""
        if code not in self.acknowledged and any(alarm.code == code for alarm in self.alarms):
            self.acknowledged.append(code)
            self._write(RecordType.ALARM, {"acknowledged": code})

    def commanded(self, console: str, taken_from: str | None) -> None:
        """A console has come to command, or has taken the command from another one."""
        self._write(RecordType.ANSWER, {"commander": console, "taken_from": taken_from})

    def tick(self, passed_ms: int, *, held: bool = False) -> None:
        """The interval that began with the last tick is over; it has really lasted `passed_ms`. A machine
        that is `held` is not told: nothing begins, and the device is looked after.
        """
        was_ended = self.end is not None
        self._account(passed_ms)
        if self.journal.failure is not None and not self.state.ended:
            self._bear(passed_ms)
        waits = held or self.state.place.phase is Phase.PROMPT
        if self.state.mode in (Mode.READY, Mode.ON) and not waits:
            self.going_ms += self.bound.constants.tick_ms
        reading = self._measure(passed_ms)
        found = self._look(reading, passed_ms)
        if self._supervise(reading) or self._heed(found):
            reading = self.reading = self.output.measure()
        if held and self.state.mode is Mode.READY:
            return
        kept = self.output.held
        sure = self._fresh and kept.confirmed and not kept.limited
        tick = Tick(acknowledged=sure and not self._held_back)
        if self._fresh and reading is not None and self.guard.readings.believes(reading):
            ohm = reading.impedance_ohm
            tick = Tick(abs(reading.current_na), abs(reading.voltage_mv), ohm, tick.acknowledged)
        if self.state.machine.pause_ms >= PAUSE_MS_MAX and self.state.mode is Mode.PAUSED:
            self.stop("paused for five minutes")
        rises = self._may_rise(tick)
        self._stand(rises, passed_ms)
        self.feed(tick if rises else replace(tick, acknowledged=False))
        if was_ended:
            self._close(reading, passed_ms)

    def trip(self, cause: str, passed_ms: int = 0) -> None:
        """A part of ours failed: open the output by the shortest way, whatever state we are in. `passed_ms`
        have gone by since the last tick; what is left of a tick was paid for with it.
        """
        off = self.output.open_now(self.state.sequence + 1)
        self.raise_alarm("F24", cause)
        self._account(max(passed_ms, self.bound.constants.tick_ms))
        try:
            if not self.state.ended:
                self.feed(EmergencyStop(), cause)
        except Exception:
            # The machine itself may be what failed; the output was told to open before it was asked.
            self.end = None
        if self.end is None or self.end.completed:
            self.end = End("ionto itself went wrong", False)
        if not off:
            self.raise_alarm("F20")
        self.closed = True

    def finish(self) -> None:
        """Seal the journal. One whose output was not seen off stays open, so that it counts at its worst."""
        assert self.end is not None, "a session that runs is not finished"
        if self.seen_off and self.journal.failure is None:
            self._check(self.journal.seal(self.end.reason))
        self.journal.close()

    # --- the device -------------------------------------------------------------------------------------
    def _measure(self, passed_ms: int) -> Measurement | None:
        reading = self.reading = self.output.measure()
        self._fresh = self._freshness.look(
            reading, self.output.held, passed_ms, spoken=self.output.has_spoken()
        )
        if self._fresh:
            self._misses = self._silent_ms = 0
        else:
            self._misses += 1
            self._silent_ms += passed_ms
        return reading

    def _supervise(self, reading: Measurement | None) -> bool:
        """Turn what the reading says into events; whether a command went out, so that it is out of date."""
        held = before = self.output.held
        gap_ms = self.bound.plan.device.host_gap_ms
        if not self._lost and (self._misses >= MISSES_MAX or self._silent_ms > gap_ms):
            self._lose("no answer from the device" if reading is None else "only old answers from the device")
            return False
        if reading is None:
            return False
        if reading.boot_count != self._boot_count:
            self._boot_count = reading.boot_count
            self._fault(FaultKind.INTERNAL, "the device has restarted")
        elif reading.expired and self.state.mode in ENERGISED:
            self._lose("the lease ran out, and the device has opened its output")
        elif not held.confirmed:
            if self._fresh and not self.state.ended and not self.output.explains(reading):
                self._fault(FaultKind.INTERNAL, "the device does what nobody has told it")
            else:
                self._confirm_late(reading)
        elif (said := contradiction(reading, held)) is not None:
            self.output.doubt()
            self._fault(FaultKind.INTERNAL, said)
        elif reading.lead_off and self.state.mode in ENERGISED:
            self._fault(FaultKind.LEAD_OFF, "all of the voltage drives less than half of the current")
        elif self._lost and self._fresh:
            self._find_again(reading)
        return self.output.held is not before

    def _may_rise(self, tick: Tick) -> bool:
        """Whether all that the machine would send would be let through; it is asked before it is fed.

        The machine that is told in time rises later; one that is told too late has counted what never flowed.
        """
        held = self.output.held
        if not tick.acknowledged or self.guard.lets_all_through(held.na):
            return tick.acknowledged
        _, commands = step(self.bound, self.state, tick)
        wished = next((found for found in commands if isinstance(found, SetCurrent)), None)
        if wished is None:
            return True
        return self.guard.may_begin(wished.current_na, held.mean_na, mean_share_ppm(wished.waveform))

    def _stand(self, rises: bool, passed_ms: int) -> None:
        """A machine that is not let rise stands still, and waits for something that may never come."""
        found = self._patience.look(self.state, rises, passed_ms)
        if found is not None:
            self._heed((found,))

    def _look(self, reading: Measurement | None, passed_ms: int) -> tuple[Finding, ...]:
        """What the watches find. A device measures the mean of a waveform; so that is what they are told."""
        held = self.output.held
        before_na, self._before_na = self._before_na, held.mean_na
        share_ppm = mean_share_ppm(held.waveform)
        return self.guard.look(Sight(reading, held.mean_na, before_na, passed_ms, share_ppm))

    def _heed(self, found: tuple[Finding, ...]) -> bool:
        """Act on what the watches found; whether a command went out, so that the reading is out of date."""
        before = self.output.held
        self._held_back = False
        for finding in found:
            if finding.alarm is not None:
                self.raise_alarm(finding.alarm, finding.cause)
            if self.output.held is before:
                self._act(finding)
        return self.output.held is not before

    def _act(self, finding: Finding) -> None:
        match finding.act:
            case Act.NOTE:
                pass
            case Act.HOLD:
                self._held_back = True
            case Act.PAUSE:
                if self.state.mode is Mode.ON:
                    self.feed(Pause(), finding.cause)
            case Act.STOP:
                self.stop(finding.cause)
            case Act.LEAD_OFF:
                self._fault(FaultKind.LEAD_OFF, finding.cause)
            case Act.OPEN:
                self._fault(FaultKind.INTERNAL, finding.cause)
            case _:
                assert_never(finding.act)

    def _lose(self, cause: str) -> None:
        self._lost = True
        if self._dead_man is DeadMan.NONE:
            self.raise_alarm("F48", cause)
        if not self.state.ended:
            self.feed(LinkLost(), cause)

    def _find_again(self, reading: Measurement) -> None:
        """The device answers, and its output is confirmed to be what it was told last."""
        if reading.output_on:
            return
        self._lost = False
        if self.state.mode is Mode.LOST:
            self.feed(LinkBack())

    def _fault(self, kind: FaultKind, cause: str) -> None:
        if not self.state.ended:
            self.feed(DeviceFault(kind), cause)

    def _confirm_late(self, reading: Measurement) -> None:
        """The device answers, but not yet to the last command: look, or say again that the output opens."""
        output = self.output
        if output.withheld:
            return
        if output.held.na is None and not shows(reading, output.held):
            again = self.reading = output.open_again()
            if again is None:
                return
            reading = again
        if output.confirm(reading):
            self.feed(Ack(self.state.sequence))

    # --- time and voltage -------------------------------------------------------------------------------
    def _account(self, passed_ms: int) -> None:
        """Count what flowed for longer (or shorter) than the tick that was paid for."""
        self._passed_ms = passed_ms
        machine = self.state.machine
        if machine.exposure_na > 0:
            late_ms = passed_ms - self.bound.constants.tick_ms
            self.behind_ms += late_ms
            # A short interval gives back what was paid for it, which may be less than what might have flowed.
            self.drift_pc += late_ms * (machine.exposure_na if late_ms > 0 else machine.paid_na)

    def _bear(self, passed_ms: int) -> None:
        """While nothing can be written down a recovery counts one descent, and no more lateness than this."""
        self._unwritten_late_ms += max(0, passed_ms - self.bound.constants.tick_ms)
        if self._unwritten_late_ms > self.bound.constants.watchdog_ms:
            self.feed(EmergencyStop(), "late while the journal cannot be written")

    def _close(self, reading: Measurement | None, passed_ms: int) -> None:
        """After the end: see the output off for a second, or raise the alarm (R22)."""
        self._closing_ms += passed_ms
        self._zero_ms = self._zero_ms + passed_ms if is_zero(reading, self.guard.zero_na) else 0
        if self._zero_ms >= ZERO_FOR_MS:
            self.seen_off = self.closed = True
        elif self._closing_ms >= UNSEEN_ALARM_MS:
            self.raise_alarm("F20")
            self.closed = self._closing_ms >= UNSEEN_MS_MAX

    # --- what is written and kept -----------------------------------------------------------------------
    def _write_event(self, event: Event, commands: tuple[Command, ...], cause: str | None) -> None:
        payload: dict[str, Json] = {
            **event_to_json(event),
            "commands": commands_to_json(commands),
            **position_to_json(self.state),
        }
        if isinstance(event, Tick):
            payload |= {"passed_ms": self._passed_ms, "drift_pc": self.drift_pc}
            if not self.output.sent:
                payload["sent"] = False
        if cause is not None:
            payload["cause"] = cause
        self._write(record_type_of(event), payload)

    def _write(self, kind: RecordType, payload: dict[str, Json]) -> Written | None:
        """Append a record; after the first failure nothing is tried again, and the session stops (R60)."""
        if self.journal.failure is not None:
            return None
        return self._check(self.journal.append(kind, payload))

    def _check(self, result: Written | Late | JournalFailure) -> Written | None:
        if isinstance(result, Written):
            return result
        if isinstance(result, Late):
            return None
        self.alarms.append(ALARMS["F21"])
        self._stop_cause = f"the journal cannot be written: {result.operation}: {result.reason}"
        return None

    def _take(self, event: Event, commands: tuple[Command, ...]) -> None:
        """Keep what concerns people."""
        refused = next((found for found in commands if isinstance(found, NothingChanged)), None)
        if isinstance(event, PERSONS):
            self.refusal = refused
        if isinstance(event, Confirm | Enter | Resume) and refused is None:
            self.prompt = None
        if self.state.mode in (Mode.LOST, Mode.ENDED):
            self.prompt = None
        asks = self.state.place.phase is Phase.PROMPT or self.state.mode is not Mode.READY
        if self.prompt is not None and self.prompt.kind is not PromptKind.RESUME and not asks:
            self.prompt = None  # nobody answered in time, and the plan goes on
        for command in commands:
            match command:
                case Prompt():
                    self.prompt = command
                case Alarm():
                    self.alarms.append(command)
                    self._write(RecordType.ALARM, command_to_json(command))
                case Record():
                    self.records.append(command)
                case End():
                    self.end = command
                case _:
                    pass
