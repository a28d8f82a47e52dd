"""The twin of the reference device: the rules of IonLink in Python, over a simulated output stage.

Written beside the firmware (`firmware/device.c`), rule by rule in the same order, so that the two can be read
side by side; the conformance suite holds both against `docs/reference/ionlink.md`. The device trusts its host
with nothing: it has its own ceilings, its own lease, its own ramp to zero, and its own judgement of what it
measures.
"""

from __future__ import annotations

from typing import assert_never

from ionto_runtime.link import schema
from ionto_runtime.link.frames import Frame, FrameReader, encode
from ionto_runtime.link.messages import (
    AckTrip,
    Arm,
    Command,
    Config,
    Facts,
    Hello,
    Lease,
    Limits,
    Off,
    Query,
    Status,
    facts_bytes,
    kind_of,
    limits_hash,
)
from ionto_runtime.link.schema import (
    CONTROL_MS,
    LIMITS_PAGE,
    NO_PAGE,
    PAGE_BYTES,
    STOP_BYTES,
    Answer,
    Board,
    Fact,
    Flag,
    Kind,
    Reason,
    State,
    Trip,
)
from ionto_runtime.simulation.line import QUIET_MS
from ionto_runtime.simulation.plant import Drive, Plant

BAD_READINGS_MAX = 3
"""Implausible readings in a row before they are a fault: one may be a disturbance."""

BYTES_S = 11_520
"""What a line carries at 115200 baud."""

LINE_BYTES_MAX = 8_192
"""What may be on its way to the device; more is lost."""

SENT_BYTES_MAX = 127
"""What waits to be sent: an answer for which there is no room is lost, because the host does not listen."""

EXPIRY_STEPS = schema.EXPIRY_RAMP_MS // CONTROL_MS
OVER_LOOKS = schema.OVER_CURRENT_MS // CONTROL_MS
UINT16, UINT32 = 0xFFFF, 0xFFFF_FFFF

Outcome = Reason | None
"""Why not, or None when it was done."""


class IonLinkDevice:
    """See `ReferenceDevice`. `lease_never_ends` is the defect of a dead-man that takes its setting and never
    starts its clock.
    """

    def __init__(self, plant: Plant, serial: str = "SIM-0001", boot: int = 1) -> None:
        self.plant = plant
        self.serial = serial
        self.stop_line = False
        self.silent = False
        self.lease_never_ends = False
        self.clock_ppm = 0
        self.boot = boot
        self._arriving, self._leaving, self._out = bytearray(), bytearray(), bytearray()
        self._carried = 0
        self._clock_us = 0
        self._start(Trip.NONE)

    def _start(self, cause: Trip) -> None:
        """As after power-up: locked, no output, nothing known of any host."""
        self._reader = FrameReader()
        self._tail = b""
        self.device_ms = self._next_control_ms = 0
        self._since_control_ms = 0
        self.session = self._ack = 0
        self._last: Frame | None = None
        self.latches, self.trip = 0, Trip.NONE
        self._configured = False
        self._limits = _hardest(self.plant.board)
        self._charge_pc = self._on_ms = 0
        self._position = 0
        self._current_na = self._voltage_mv = 0
        self._bad = self._over = 0
        self.state = State.LOCKED
        self._close_output()
        if cause is not Trip.NONE:
            self._latch(cause)

    def _close_output(self) -> None:
        self._output_on = False
        self._target_na = self._applied_na = 0
        self._ramp_na = 0
        self._lease_end_ms = 0
        self._slew_na_s = 0

    # --- the line ---------------------------------------------------------------------------------------
    def receive(self, data: bytes) -> None:
        self._arriving += data
        del self._arriving[LINE_BYTES_MAX:]

    def transmit(self) -> bytes:
        sent = bytes(self._out)
        self._out.clear()
        return b"" if self.silent else sent

    def _carry(self) -> None:
        """What the line carries in a millisecond, either way."""
        self._carried += BYTES_S
        count, self._carried = divmod(self._carried, 1_000)
        self._out += self._leaving[:count]
        del self._leaving[:count]
        data = bytes(self._arriving[:count])
        del self._arriving[:count]
        for at in range(len(data)):
            byte = data[at : at + 1]
            self._tail = (self._tail + byte)[-len(STOP_BYTES) :]
            if self._tail == STOP_BYTES:
                self._tail = b""
                self._stop()
                self._send(0, 0, Kind.STOP, Answer.ACCEPTED, Reason.NONE)
            for frame in self._reader.feed(byte):
                self._take(frame)

    def restart(self, cause: Trip = Trip.NONE) -> None:
        self.boot = self.boot + 1 & UINT16
        self._start(cause)

    # --- time -------------------------------------------------------------------------------------------
    def advance(self, ms: int) -> None:
        for _ in range(ms):
            self._carry()
            self._since_control_ms += 1
            self._clock_us += 1_000 + self.clock_ppm // 1_000
            self.device_ms = self.device_ms + self._clock_us // 1_000 & UINT32
            self._next_control_ms -= self._clock_us // 1_000
            self._clock_us %= 1_000
            if self._next_control_ms <= 0:
                self._next_control_ms += CONTROL_MS
                passed_ms, self._since_control_ms = self._since_control_ms, 0
                self._control(passed_ms)

    def due_in_ms(self) -> int:
        # It answers, and says nothing by itself; what its output does goes on in its own time.
        return 1 if self._arriving or self._leaving or self._out else QUIET_MS

    def turn_back_clock(self, ms: int) -> None:
        """The defect of a clock that does not only run forward."""
        self.device_ms = self.device_ms - ms & UINT32

    def _control(self, passed_ms: int) -> None:
        self._read(passed_ms)
        if self.stop_line:
            self._stop()
        if not self._output_on:
            self._watch(0, self.plant.board.over_current_na)
            return
        magnitude_na = abs(self._applied_na)
        self._on_ms += CONTROL_MS
        self._charge_pc += max(magnitude_na, abs(self._current_na)) * CONTROL_MS
        allowed_na = max(self.plant.board.over_current_na, magnitude_na * schema.OVER_CURRENT_PERCENT // 100)
        self._watch(magnitude_na, allowed_na)
        if self.state is State.RUNNING:
            self._watch_ends(magnitude_na)
        if self.state in (State.RUNNING, State.ENDING):
            self._move()

    @property
    def drive(self) -> Drive:
        """What the output stage is told, in whole steps of its converters."""
        board = self.plant.board
        return Drive(
            abs(self._applied_na) // board.step_na * board.step_na,
            self._applied_na >= 0,
            self._output_on,
            self._limits.compliance_mv // board.compliance_step_mv * board.compliance_step_mv,
        )

    def _read(self, passed_ms: int) -> None:
        """Measure, and see whether what is measured can be believed."""
        board = self.plant.board
        counts = self.plant.pass_time(self.drive, passed_ms)
        self._current_na = (counts.forward - counts.backward) * board.current_na_count
        sign = -1 if self._applied_na < 0 else 1
        self._voltage_mv = counts.voltage * board.voltage_mv_count * sign
        low, high = schema.REFERENCE_COUNTS
        most = schema.GROUND_COUNTS_MAX
        believable = (
            low <= counts.reference <= high
            and counts.ground <= most
            and (counts.forward <= most or counts.backward <= most)
        )
        self._bad = 0 if believable else self._bad + 1
        if self._bad >= BAD_READINGS_MAX:
            self._open(Trip.SENSOR)

    def _watch(self, magnitude_na: int, allowed_na: int) -> None:
        """Open the output when more flows, or more voltage stands, than was set."""
        measured_na = abs(self._current_na)
        with_sign = self._applied_na == 0 or self._current_na * self._applied_na >= 0
        board = self.plant.board
        over = measured_na > magnitude_na + allowed_na if with_sign else measured_na > allowed_na
        voltage_mv_max = self._limits.compliance_mv * (100 + schema.OVER_VOLTAGE_PERCENT) // 100
        over_voltage = abs(self._voltage_mv) > voltage_mv_max + 2 * board.voltage_mv_count
        self._over = self._over + 1 if over or over_voltage else 0
        ceiling_na = board.current_na_max * (100 + schema.OVER_CURRENT_PERCENT) // 100
        if measured_na > ceiling_na + board.over_current_na or self._over >= OVER_LOOKS:
            self._open(Trip.OVER_VOLTAGE if over_voltage and not over else Trip.OVER_CURRENT)
            self._over = 0

    def _watch_ends(self, magnitude_na: int) -> None:
        """Begin the ramp to zero where lease, time or charge end."""
        ramp_ms = schema.EXPIRY_RAMP_MS + CONTROL_MS
        left_ms = _signed(self._lease_end_ms - self.device_ms)
        if left_ms <= 0 and not self.lease_never_ends:
            self._end(Trip.EXPIRED)
        elif self._on_ms + ramp_ms >= self._limits.on_time_ms_max:
            self._end(Trip.ON_TIME)
        elif self._charge_pc + magnitude_na * ramp_ms >= self._limits.charge_uc_max * 1_000_000:
            self._end(Trip.OVER_CHARGE)

    def _move(self) -> None:
        """One beat towards where the current is going."""
        if self.state is State.ENDING:
            change_na, target_na = self._ramp_na, 0
        else:
            change_na, target_na = self._slew_na_s * CONTROL_MS // 1_000, self._target_na
        distance_na = target_na - self._applied_na
        self._applied_na += max(-change_na, min(change_na, distance_na))
        if self.state is State.ENDING and self._applied_na == 0:
            self._close_output()
            self.state = State.TRIPPED

    # --- trips ------------------------------------------------------------------------------------------
    def _latch(self, cause: Trip) -> None:
        if self.trip is Trip.NONE:
            self.trip = cause
        self.latches |= 1 << cause - 1

    def _open(self, cause: Trip) -> None:
        """To zero now."""
        self._latch(cause)
        self._close_output()
        if self.state is not State.LOCKED:
            self.state = State.TRIPPED

    def _end(self, cause: Trip) -> None:
        """To zero by the device's own ramp."""
        self._latch(cause)
        self.state = State.ENDING
        self._target_na = 0
        self._ramp_na = -(-abs(self._applied_na) // EXPIRY_STEPS)

    def close(self) -> None:
        """Nothing is left behind."""

    def _stop(self) -> None:
        if self._output_on or not self.latches & 1 << Trip.STOPPED - 1:
            self._open(Trip.STOPPED)

    # --- commands ---------------------------------------------------------------------------------------
    def _take(self, frame: Frame) -> None:
        command = frame.message
        if isinstance(command, Status):
            return
        kind = kind_of(command)
        answer, reason, detail = self._answer(frame, command)
        self._send(frame.session, frame.sequence, kind, answer, reason, detail)

    def _answer(self, frame: Frame, command: Command) -> tuple[Answer, Reason, bytes]:
        if isinstance(command, Off):
            self._off()
        if not isinstance(command, Hello) and (self.session == 0 or frame.session != self.session):
            return Answer.DENIED, Reason.SESSION, b""
        if isinstance(command, Query):
            return Answer.ACCEPTED, Reason.NONE, self._page(command.page)
        if self.state in (State.ENDING, State.TRIPPED) and isinstance(command, Config | Arm | Lease):
            return Answer.FAULT, Reason.NONE, b""
        if frame.session == self.session and frame == self._last:
            detail = self._hash() if isinstance(command, Config) else b""
            return self._progress(), Reason.REPEATED, detail
        ahead = frame.sequence - self._ack & UINT16
        if not isinstance(command, Hello) and not 1 <= ahead <= schema.SEQUENCE_AHEAD_MAX:
            # An output that is to open has been opened, however old the wish.
            return (Answer.ACCEPTED if isinstance(command, Off) else Answer.DENIED), Reason.STALE, b""
        reason, field = self._do(frame, command)
        if reason is not None:
            return Answer.DENIED, reason, bytes([field])
        self._ack, self._last = frame.sequence, frame
        detail = self._hash() if isinstance(command, Config) else b""
        return self._progress(), Reason.NONE, detail

    def _do(self, frame: Frame, command: Command) -> tuple[Outcome, int]:
        """Carry it out, or say why not, for CONFIG with the number of the field."""
        match command:
            case Hello():
                return self._hello(frame.session), 0
            case Config(limits):
                return self._configure(limits)
            case Arm():
                return self._arm(command), 0
            case Lease():
                return self._lease(command), 0
            case AckTrip(latches):
                return self._acknowledge(latches), 0
            case Off() | Query():
                return None, 0
            case _:
                assert_never(command)

    def _hello(self, session: int) -> Outcome:
        if session == 0:
            return Reason.VALUE
        self._close_output()
        self.session = session
        self._configured = False
        self._limits = _hardest(self.plant.board)
        self._charge_pc = self._on_ms = 0
        self._position = 0
        self.state = State.TRIPPED if self.latches else State.MET
        return None

    def _configure(self, limits: Limits) -> tuple[Outcome, int]:
        if self._configured:
            return Reason.CONFIGURED, 0
        if self.state is not State.MET:
            return Reason.STATE, 0
        hardest = _hardest(self.plant.board)
        for number, field in enumerate(schema.LIMITS):
            wanted = getattr(limits, field.name)
            if wanted == 0:
                return Reason.VALUE, number
            if wanted > getattr(hardest, field.name):
                return Reason.RAISES, number
        self._limits, self._configured = limits, True
        self.state = State.READY
        return None, 0

    def _arm(self, arm: Arm) -> Outcome:
        if self.state not in (State.READY, State.ARMED):
            return Reason.STATE
        if arm.boot != self.boot:
            return Reason.BOOT
        if arm.limits_hash != limits_hash(self._limits):
            return Reason.HASH
        if abs(self._current_na) > self.plant.board.zero_na_max:
            return Reason.NOT_ZERO
        self.state = State.ARMED
        return None

    def _lease(self, lease: Lease) -> Outcome:
        limits = self._limits
        wanted_na = lease.setpoint_na
        turns = wanted_na * self._applied_na < 0 or wanted_na * self._target_na < 0
        flows_back = wanted_na * self._current_na < 0 and abs(self._current_na) > self.plant.board.zero_na_max
        if self.state not in (State.ARMED, State.RUNNING):
            return Reason.STATE
        if (self.device_ms - lease.seen_ms & UINT32) > schema.SEEN_AGE_MS_MAX:
            return Reason.UNSEEN
        if abs(wanted_na) > limits.current_na_max:
            return Reason.RANGE
        if wanted_na % self.plant.board.step_na != 0:
            return Reason.STEP
        if not 1 <= lease.valid_ms <= limits.lease_ms_max:
            return Reason.VALIDITY
        if not schema.SLEW_NA_S_MIN <= lease.slew_na_s <= limits.slew_na_s_max:
            return Reason.SLEW
        if self.state is State.ARMED and wanted_na != 0:
            return Reason.NOT_ZERO
        if turns or (self._applied_na == 0 and flows_back):
            return Reason.POLARITY
        self._target_na, self._slew_na_s = wanted_na, lease.slew_na_s
        self._lease_end_ms = self.device_ms + lease.valid_ms & UINT32
        self._position = lease.position
        self._output_on = True
        self.state = State.RUNNING
        return None

    def _off(self) -> None:
        self._close_output()
        if self.state in (State.RUNNING, State.ENDING):
            self.state = State.TRIPPED if self.latches else State.ARMED

    def _acknowledge(self, latches: int) -> Outcome:
        if self.state is not State.TRIPPED:
            return Reason.NOT_ZERO if self.state is State.ENDING else Reason.STATE
        if latches != self.latches:
            return Reason.UNSEEN
        if abs(self._current_na) > self.plant.board.zero_na_max:
            return Reason.NOT_ZERO
        self.latches, self.trip = 0, Trip.NONE
        self.state = State.READY if self._configured else State.MET
        return None

    def _hash(self) -> bytes:
        return limits_hash(self._limits).to_bytes(4, "little")

    # --- replies ----------------------------------------------------------------------------------------
    def _progress(self) -> Answer:
        return Answer.ACCEPTED if self._applied_na == self._target_na else Answer.IN_PROGRESS

    def _page(self, page: int) -> bytes:
        if page == NO_PAGE:
            return b""
        if page == LIMITS_PAGE:
            return self._hash()
        return self._facts()[page * PAGE_BYTES : (page + 1) * PAGE_BYTES]

    def _facts(self) -> bytes:
        limits, board = _hardest(self.plant.board), self.plant.board
        return facts_bytes(
            Facts(
                model=board.model,
                serial=self.serial,
                firmware="twin-1.0",
                calibration_due=0,
                current_na_max=limits.current_na_max,
                slew_na_s_max=limits.slew_na_s_max,
                compliance_mv=limits.compliance_mv,
                charge_uc_max=limits.charge_uc_max,
                on_time_ms_max=limits.on_time_ms_max,
                step_na=board.step_na,
                lease_ms_max=limits.lease_ms_max,
                facts=Fact.SIMULATED | Fact.BIPOLAR,
            )
        )

    def _flags(self) -> Flag:
        flags = Flag.CONFIGURED if self._configured else Flag(0)
        if not self._output_on:
            return flags
        flags |= Flag.OUTPUT_ON
        # A hundredth below: what is limited stands a little under what was set.
        if self._applied_na != 0 and abs(self._voltage_mv) >= self._limits.compliance_mv * 99 // 100:
            flags |= Flag.AT_COMPLIANCE
            if 2 * abs(self._current_na) < abs(self._applied_na):
                flags |= Flag.LEAD_OFF
        return flags

    def _send(
        self, session: int, sequence: int, to: Kind, answer: Answer, reason: Reason, detail: bytes = b""
    ) -> None:
        left_ms = _signed(self._lease_end_ms - self.device_ms) if self.state is State.RUNNING else 0
        status = Status(
            to=to,
            answer=answer,
            reason=reason,
            state=self.state,
            flags=self._flags(),
            trip=self.trip,
            latches=self.latches,
            current_na=self._current_na,
            voltage_mv=self._voltage_mv,
            setpoint_na=self._target_na,
            applied_na=self._applied_na,
            device_ms=self.device_ms,
            boot=self.boot,
            lease_ms=max(0, left_ms),
            charge_uc=min(UINT32, -(-self._charge_pc // 1_000_000)),
            position=self._position,
            detail=detail.ljust(PAGE_BYTES, b"\0"),
        )
        wire = encode(Frame(session, sequence, self._ack, status))
        if len(self._leaving) + len(wire) <= SENT_BYTES_MAX:
            self._leaving += wire


def _hardest(board: Board) -> Limits:
    """The limits that no host can raise."""
    return Limits(**{field.name: getattr(board, field.name) for field in schema.LIMITS})


def _signed(value: int) -> int:
    """A difference of two device times as a signed number."""
    value &= UINT32
    return value - (1 << 32) if value >= 1 << 31 else value
