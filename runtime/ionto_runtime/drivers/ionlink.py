"""The driver of IonLink devices: the reference firmware, its twin, and whatever else speaks the protocol.

It has no thread and no timer: a lease goes out when the session sets a current, and at no other time, so the
device's dead-man hangs on the session and on nothing else (R43). It never repeats a setpoint by itself; after
silence the next reading says what the device has taken (R38).
"""

from __future__ import annotations

from collections.abc import Callable

from ionto_ir.device import Device
from ionto_ir.waveform import Waveform
from ionto_runtime.clock import Clock
from ionto_runtime.drivers.driver import (
    Capabilities,
    Complaint,
    DeadMan,
    Identity,
    Problem,
    SessionLimits,
)
from ionto_runtime.drivers.ionlink_line import (
    ATTEMPTS,
    IonLinkLine,
    bit_of,
    random_session,
    trips_in_words,
)
from ionto_runtime.drivers.serial_port import open_port
from ionto_runtime.drivers.transport import LineSettings, Transport
from ionto_runtime.link.messages import (
    FACTS_BYTES,
    AckTrip,
    Arm,
    Config,
    Facts,
    Hello,
    Lease,
    Limits,
    Off,
    Query,
    Status,
    facts_of,
    limits_hash,
)
from ionto_runtime.link.schema import (
    BOARDS,
    LEASE_TAIL_MS,
    LIMITS,
    LIMITS_PAGE,
    NO_PAGE,
    PAGE_BYTES,
    Answer,
    Fact,
    Flag,
    Reason,
    State,
    Trip,
    zero_na_of,
)
from ionto_runtime.stimulator import Accepted, Measurement, Refusal, Refused, Reply

CAPABILITIES = Capabilities(
    driver="ionlink",
    title="IonLink reference device",
    dead_man=DeadMan.DEVICE,
    bipolar=True,
    waveforms=("dc",),
    measures_voltage=True,
    reads_back_setpoint=True,
    clock=True,
    reset_is_off=True,
    for_people=True,
    source="docs/reference/ionlink.md; the conformance suite, on the firmware and on its twin",
    voltage_step_mv=max(board.voltage_mv_count for board in BOARDS),
    locks=True,
)

LINE = LineSettings(baud=115_200)
"""A frame of 64 bytes takes 6 ms."""

PROOF_VALID_MS = 300
PROOF_POLL_MS = 20
PROOF_LATE_MS = 150
"""How the dead-man is proven: a lease of zero for so long, looked at this often. On top of what the device
may take, so much is given to the line and to a busy host.
"""

OTHER = "is it switched on, and is it another kind of device? `ionto doctor --port PATH --driver NAME`"

IMPEDANCE_SHARE = 80
"""Below this part of a device's range, ten steps of its converter, they are too coarse for a quotient."""

EXPECTED = bit_of(Trip.EXPIRED) | bit_of(Trip.STOPPED) | bit_of(Trip.BROWN_OUT)
EXPECTED |= bit_of(Trip.ON_TIME) | bit_of(Trip.OVER_CHARGE)
"""Trips in which a device did what it is for: whoever starts a new session has taken note of them."""

NUMBERS_MAX = 64
"""Numbers of the session that are remembered by their number on the line."""

REFUSALS: dict[Reason, Refusal] = {
    Reason.RANGE: Refusal.OUT_OF_RANGE,
    Reason.STEP: Refusal.NOT_ON_STEP,
    Reason.VALIDITY: Refusal.LEASE,
    Reason.STALE: Refusal.STALE,
    Reason.UNSEEN: Refusal.STALE,
    Reason.POLARITY: Refusal.POLARITY,
}


def open_driver(port: str, device: Device | None, clock: Clock) -> IonLinkDriver | Problem:
    """The driver of whatever speaks IonLink on a serial line, whichever profile a plan was compiled for."""
    line = open_port(port, LINE)
    return line if isinstance(line, Problem) else IonLinkDriver(line, clock)


class IonLinkDriver:
    """See `Driver`. `expected_serial` binds it to one device; `position` goes with each lease."""

    def __init__(
        self,
        line: Transport,
        clock: Clock,
        expected_serial: str | None = None,
        draw: Callable[[], int] = random_session,
    ) -> None:
        self._line, self._clock, self._draw = line, clock, draw
        self._link = IonLinkLine(line, clock, draw)
        self._expected_serial = expected_serial
        self.position = 0
        self._facts: Facts | None = None
        self._limits: Limits | None = None
        self._armed = False
        self._numbers: dict[int, int] = {}
        self._taken = 0
        self._last: tuple[int, int, int] | None = None
        self._unconfirmed_offs = 0

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    # --- before a session -------------------------------------------------------------------------------
    def connect(self) -> Identity | Problem:
        # Whoever was there before, the device is met as a stranger.
        self._link = IonLinkLine(self._line, self._clock, self._draw)
        self._limits, self._armed, self._last = None, False, None
        self._numbers.clear()
        self._taken = 0
        self._link.drop()
        self._link.ask(Off(), ATTEMPTS)
        _, met = self._link.ask(Hello(), ATTEMPTS)
        if met is None:
            return Problem("I0912", "nothing that speaks IonLink answers on this line", OTHER)
        facts = self._read_facts()
        if facts is None:
            return Problem("I0912", "the device does not say what it is")
        if self._expected_serial not in (None, facts.serial):
            return Problem(
                "I0912", f"device `{facts.serial}` answers where `{self._expected_serial}` is expected"
            )
        self._facts = facts
        problem = self._see_off() or self._see_untripped()
        return problem if problem is not None else _identity_of(facts)

    def configure(self, limits: SessionLimits) -> Problem | None:
        assert self._facts is not None, "a device is met before it is configured"
        own = self._facts
        if own.charge_uc_max * 1_000_000 < limits.charge_pc_needed:
            return Problem("I0914", "the session needs more charge than the device ever gives")
        if own.on_time_ms_max < limits.on_time_ms_needed:
            return Problem("I0914", "the session takes longer than the device is ever on")
        wanted = Limits(
            current_na_max=limits.current_na_max,
            slew_na_s_max=limits.slew_na_s,
            compliance_mv=limits.compliance_mv,
            # Rounded down: the device counts whole uC and shall never allow more than was given. Where its
            # own bound of charge or time is the lower one, it is the one that holds.
            charge_uc_max=min(limits.charge_pc_max // 1_000_000, own.charge_uc_max),
            on_time_ms_max=min(limits.on_time_ms_max, own.on_time_ms_max),
            lease_ms_max=limits.lease_ms_max,
        )
        for field in LIMITS:
            value, most = getattr(wanted, field.name), getattr(self._facts, field.name)
            if not 1 <= value <= most:
                return Problem("I0914", f"`{field.name}` of the session is {value}, the device allows {most}")
        _, said = self._link.ask(Config(wanted), ATTEMPTS)
        if said is None or said.answer is not Answer.ACCEPTED:
            return Problem("I0914", f"the device did not take the limits: {_said(said)}")
        if _hash_in(said) != limits_hash(wanted):
            return Problem("I0914", "the device has understood other limits than it was given")
        self._limits = wanted
        return None

    def verify_limits(self) -> Problem | None:
        if self._limits is None:
            return Problem("I0914", "the device was given no limits")
        _, said = self._link.ask(Query(LIMITS_PAGE))
        if said is None:
            return Problem("I0912", "the device does not answer")
        if said.reason is not Reason.NONE or _hash_in(said) != limits_hash(self._limits):
            return Problem("I0914", "the device no longer holds the limits that it was given")
        return None

    def prove_dead_man(self) -> int | Problem:
        problem = self.arm()
        self._armed = False
        if problem is not None:
            return problem
        valid_ms = self._short_ms()
        begun = self._lease(0, valid_ms)
        if begun is None or begun.state is not State.RUNNING:
            return self._disproved(f"a lease of zero was not taken: {_said(begun)}")
        start_ms = self._clock.now_ms()
        earliest_ms = start_ms + valid_ms - PROOF_POLL_MS
        latest_ms = start_ms + valid_ms + LEASE_TAIL_MS + PROOF_LATE_MS
        while True:
            self._clock.sleep_until(self._clock.now_ms() + PROOF_POLL_MS)
            status = self._query()
            now_ms = self._clock.now_ms()
            if status is not None and status.state is State.TRIPPED:
                break
            if now_ms > latest_ms:
                return self._disproved(f"silent for {now_ms - start_ms} ms, and the output is still on")
        if not status.latches & bit_of(Trip.EXPIRED):
            return self._disproved(f"the device tripped: {trips_in_words(status.latches)}")
        if now_ms < earliest_ms or Flag.OUTPUT_ON in status.flags:
            return self._disproved(f"the output was off after {now_ms - start_ms} ms of {valid_ms} ms")
        problem = self.acknowledge()
        return problem if problem is not None else now_ms - start_ms

    def arm(self) -> Problem | None:
        self._armed = False
        if self._limits is None or self._link.status is None:
            return Problem("I0914", "a device is armed after it was given its limits")
        _, said = self._link.ask(Arm(self._link.status.boot, limits_hash(self._limits)), ATTEMPTS)
        if said is None or said.state is not State.ARMED:
            return Problem("I0914", f"the device is not armed: {_said(said)}")
        self._armed = True
        return None

    def acknowledge(self) -> Problem | None:
        """A person has taken note of why the device tripped: clear it, and arm again what was armed."""
        status = self._query()
        if status is None:
            return Problem("I0912", "the device does not answer")
        if status.state is State.TRIPPED:
            _, said = self._link.ask(AckTrip(status.latches), ATTEMPTS)
            if said is None or said.answer is not Answer.ACCEPTED:
                return Problem("I0914", f"the device does not clear its trip: {_said(said)}")
            self._link.forget_latches()
        return self.arm() if self._armed else None

    # --- in a session -----------------------------------------------------------------------------------
    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        if waveform is not None:
            return Refused(seq, Refusal.WAVEFORM)
        if self._last == (na, lease_ms, seq) and seq == self._taken:
            return Accepted(seq)
        refusal = self._refusal(na, lease_ms, seq)
        if refusal is not None:
            return Refused(seq, refusal)
        ready = self._switch_on()
        if not isinstance(ready, State):
            return None if ready is None else Refused(seq, ready)
        status = self._lease(na, lease_ms - LEASE_TAIL_MS, seq)
        if status is None:
            return None
        match status.answer:
            case Answer.ACCEPTED | Answer.IN_PROGRESS:
                self._last = (na, lease_ms, seq)
                return Accepted(seq)
            case Answer.DENIED:
                return Refused(seq, REFUSALS.get(status.reason, Refusal.NOT_READY))
            case Answer.FAULT:
                return Refused(seq, Refusal.TRIPPED)

    def output_off(self, seq: int) -> Reply | None:
        self._last = None
        number, status = self._link.ask(Off())
        self._remember(number, seq)
        if status is None and self._unconfirmed_offs > 0:
            # Once may be a lost answer. Twice is a line that does not carry frames: the shortest way then.
            status = self._link.stop()
        self._unconfirmed_offs = 0 if status is not None else self._unconfirmed_offs + 1
        if status is None or Flag.OUTPUT_ON in status.flags:
            return None
        self._taken = max(self._taken, seq)
        return Accepted(seq)

    def measure(self) -> Measurement | None:
        status = self._query()
        if status is None:
            return None
        magnitude_na = abs(status.current_na)
        telling = self._facts is not None and magnitude_na * IMPEDANCE_SHARE >= self._facts.current_na_max
        return Measurement(
            current_na=status.current_na,
            voltage_mv=status.voltage_mv,
            impedance_ohm=abs(status.voltage_mv) * 1_000_000 // magnitude_na if telling else None,
            at_compliance=Flag.AT_COMPLIANCE in status.flags,
            output_on=Flag.OUTPUT_ON in status.flags,
            lead_off=Flag.LEAD_OFF in status.flags,
            expired=bool(status.latches & bit_of(Trip.EXPIRED)),
            setpoint_na=status.setpoint_na,
            seq=self._taken,
            boot_count=status.boot,
            device_ms=status.device_ms,
        )

    def errors(self) -> tuple[Complaint, ...]:
        return self._link.complaints()

    def close(self) -> None:
        self._armed = False
        if self._link.status is not None:
            _, status = self._link.ask(Off(), ATTEMPTS)
            if status is None or Flag.OUTPUT_ON in status.flags:
                self._link.stop()
        self._link.close()

    # --- inside -----------------------------------------------------------------------------------------
    def _refusal(self, na: int, lease_ms: int, seq: int) -> Refusal | None:
        """What can be said against a setpoint before it is sent."""
        if self._link.fallen is not None or self._limits is None or self._facts is None:
            return Refusal.NOT_READY
        if seq <= self._taken:
            return Refusal.STALE
        if abs(na) > self._limits.current_na_max:
            return Refusal.OUT_OF_RANGE
        if na % self._facts.step_na != 0:
            return Refusal.NOT_ON_STEP
        if not 1 <= lease_ms - LEASE_TAIL_MS <= self._limits.lease_ms_max:
            return Refusal.LEASE
        return None

    def _switch_on(self) -> State | Refusal | None:
        """See to it that the output is on, at zero when it was off; None when nobody can say.

        After a lease that ran out the session has found the device again, and a person has resumed: that is
        the acknowledgement that the device waits for.
        """
        status = self._link.status
        if status is None or not self._armed:
            return Refusal.NOT_READY
        if status.state is State.TRIPPED and status.latches == bit_of(Trip.EXPIRED):
            if self.acknowledge() is not None:
                return Refusal.TRIPPED
            status = self._link.status or status
        if status.state is State.ARMED:
            begun = self._lease(0, self._short_ms())
            if begun is None:
                return None
            status = begun
        if status.state is State.RUNNING:
            return State.RUNNING
        return Refusal.TRIPPED if status.state in (State.ENDING, State.TRIPPED) else Refusal.NOT_READY

    def _lease(self, na: int, valid_ms: int, seq: int | None = None) -> Status | None:
        assert self._limits is not None and self._link.status is not None
        number, status = self._link.ask(
            Lease(na, self._limits.slew_na_s_max, valid_ms, self._link.status.device_ms, self.position)
        )
        if seq is not None:
            self._remember(number, seq)
        self._note_taken()
        return status

    def _short_ms(self) -> int:
        """A validity for a lease of zero, within what the session allows."""
        assert self._limits is not None
        return min(PROOF_VALID_MS, self._limits.lease_ms_max)

    def _query(self) -> Status | None:
        _, status = self._link.ask(Query(NO_PAGE))
        self._note_taken()
        return status

    def _remember(self, number: int, seq: int) -> None:
        self._numbers[number] = seq
        while len(self._numbers) > NUMBERS_MAX:
            del self._numbers[next(iter(self._numbers))]
        self._note_taken()

    def _note_taken(self) -> None:
        """The device has named the last command it took; under which number does the session know it?"""
        self._taken = max(self._taken, self._numbers.get(self._link.ack, self._taken))

    def _read_facts(self) -> Facts | None:
        data = b""
        for page in range(-(-FACTS_BYTES // PAGE_BYTES)):
            _, status = self._link.ask(Query(page), ATTEMPTS)
            if status is None:
                return None
            data += status.detail
        return facts_of(data[:FACTS_BYTES])

    def _see_off(self) -> Problem | None:
        """The first thing to know of a device: nothing flows (R8)."""
        self._clock.sleep_until(self._clock.now_ms() + PROOF_POLL_MS)
        status = self._query()
        if status is None:
            return Problem("I0912", "the device does not answer")
        if Flag.OUTPUT_ON in status.flags:
            return Problem("I0914", "the output of the device does not open")
        assert self._facts is not None, "a device has said what it is before it is believed to be off"
        if abs(status.current_na) > zero_na_of(self._facts.current_na_max):
            return Problem("I0914", f"it measures {abs(status.current_na) / 1000:g} µA with its output open")
        return None

    def _see_untripped(self) -> Problem | None:
        status = self._link.status
        if status is None or status.state is not State.TRIPPED:
            return None
        if status.latches & ~EXPECTED:
            return Problem("I0914", f"the device has tripped: {trips_in_words(status.latches & ~EXPECTED)}")
        return self.acknowledge()

    def _disproved(self, text: str) -> Problem:
        """The dead-man cannot be relied on: nothing may be armed any more."""
        self._link.ask(Off(), ATTEMPTS)
        self._limits = None
        return Problem("I0913", text)


def _identity_of(facts: Facts) -> Identity:
    due = f"{facts.calibration_due:08}"
    return Identity(
        model=facts.model,
        serial=facts.serial,
        firmware=facts.firmware,
        calibration_due=f"{due[:4]}-{due[4:6]}-{due[6:]}" if facts.calibration_due else None,
        simulated=Fact.SIMULATED in facts.facts,
    )


def _hash_in(status: Status) -> int:
    return int.from_bytes(status.detail[:4], "little")


def _said(status: Status | None) -> str:
    """What a device said, for a person."""
    if status is None:
        return "it does not answer"
    if status.answer is Answer.FAULT:
        return f"it has tripped: {trips_in_words(status.latches)}"
    return f"it says {status.reason.name.lower().replace('_', ' ')}, being {status.state.name.lower()}"
