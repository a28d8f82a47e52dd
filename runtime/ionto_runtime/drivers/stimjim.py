"""The driver of StimJim. Bench use only, and 13.7 V do not drive much through skin.

The board knows no leases, but it has a timer, for trains of pulses. Each pulse ends at zero and grounded,
whatever was set by hand before. So a train of one stage of 0 uA, whose period is the session's lease, is a
program that ends the output by itself: it is started anew with the setpoint, and when the computer falls
silent, its next pulse comes one period later. Starting it grounds the output for the millisecond or two that
the next three commands take: two or three times in a lease the current has a notch.

What it must never send: `D`, which overruns a buffer of the firmware; `C`, which sweeps the outputs with a
voltage; `T-1` while no train is known to have run, which follows an unset pointer; a train that was not read
back. An unknown command is not answered at all. The zero of the converter is in the banner at start-up and
nowhere else, so a session needs to have seen the board start. The firmware has no number and no setpoint to
ask for: a sentence that repeats what was set is the acknowledgement, and a reading has to agree (R38).
"""

from __future__ import annotations

import re
from pathlib import Path

from ionto_ir.device import Device
from ionto_ir.waveform import Waveform
from ionto_runtime.clock import Clock
from ionto_runtime.drivers.driver import Capabilities, Complaint, DeadMan, Identity, Problem, SessionLimits
from ionto_runtime.drivers.serial_port import open_port
from ionto_runtime.drivers.text_line import TextLine
from ionto_runtime.drivers.transport import LineSettings, Transport
from ionto_runtime.stimulator import Accepted, Measurement, Refusal, Refused, Reply

CAPABILITIES = Capabilities(
    driver="stimjim",
    title="StimJim",
    dead_man=DeadMan.BOUNDED_PROGRAM,
    bipolar=True,
    waveforms=("dc",),
    measures_voltage=True,
    reads_back_setpoint=False,
    clock=False,
    reset_is_off=True,
    for_people=False,
    source="firmware stimjimPulser, April 2025; no applied part for people",
    voltage_step_mv=3,
    seen_to_start=True,
)

SETTINGS = LineSettings(115_200)
TERMINATOR = b"\n"
ANSWER_MS = 60
BANNER_MS = 4_000
"""The board takes two seconds to start, and one of them can be over before its line is there."""

PLUG_IN_MS = 30_000
"""How long a person may take to plug the board in."""

SET_UP_MS = 500
"""How long a line may be there before the system lets us open it."""

LOOK_MS = 20
TENTHS_OF_NA_A_STEP = 1_017
NA_A_COUNT = 850
UV_A_COUNT = 2_440
CURRENT_NA_MAX = 3_330_000
AT_COMPLIANCE_MV = 9_900
"""The board drives up to 13.7 V and reads up to 10 V: above this nobody can say how near its end it is."""

IMPEDANCE_CURRENT_NA_MIN = 50_000
CURRENT, GROUNDED = 1, 3
OFFSETS = re.compile(r"current offsets: (-?\d+), (-?\d+)")
READ = re.compile(r"Read value: (-?\d+) \((-?\d+)(uA|mV)\)$")
READY = "Ready to go!"
BANNER = "Booting StimJim"
NEAR_COUNTS = 3

TRAIN = 1
"""The train that is ours. In older firmware it starts as 100 uA for 100 us each way, all others as 1 V."""

PULSE_US = 20
"""How long its one stage of 0 uA lasts; the firmware itself needs 8 us."""

DURATION_PERIODS_TENTHS = 15
"""A train lasts one and a half periods: it is played at once and after one period, and after two it is over,
which the board says. That sentence is how the program is proven to run at zero current (R10)."""

RENEWALS_A_LEASE = 3
"""The train is started anew when a third of its period is over: a tick that is late by half is bridged."""

LATE_MS = 60
"""How much later than its period the board may seem to act: the line, and the looking."""

RULE = "-" * 34
STARTED = f"Started T train with parameters of PulseTrain {TRAIN}"
COMPLETE = re.compile(r"Train complete\. Delivered (\d+) pulses\.")
SUMMARY = re.compile(
    r"Train complete|Current/Voltage by stage|Ch0 +Ch1|Stage \d|Forcing T train|Invalid PulseTrain"
)
"""What the board says when a train is over, whenever that is: no answer to anything."""


def open_driver(port: str, device: Device | None, clock: Clock) -> StimJimDriver | Problem:
    """The driver of the board on a serial line, whichever profile a plan was compiled for.

    The board must be seen to start, so its line may come into being only now.
    """
    until_ms = clock.now_ms() + PLUG_IN_MS
    while not Path(port).exists() and clock.now_ms() < until_ms:
        clock.sleep_until(clock.now_ms() + LOOK_MS)
    until_ms = clock.now_ms() + SET_UP_MS
    while isinstance(line := open_port(port, SETTINGS), Problem):
        if clock.now_ms() >= until_ms:
            return line
        clock.sleep_until(clock.now_ms() + LOOK_MS)
    return StimJimDriver(line, clock)


class StimJimDriver:
    """See `Driver`. It uses channel 0."""

    def __init__(self, line: Transport, clock: Clock) -> None:
        self._clock = clock
        self._line = TextLine(line, clock, TERMINATOR)
        self._offset: int | None = None
        self._limits: SessionLimits | None = None
        self._armed = False
        self._on = False
        self._level_na = 0
        self._wanted: tuple[int, int] | None = None
        self._taken = 0
        self._lease_end_ms: int | None = None
        self._expired = False
        self._period_ms = 0
        self._started_ms: int | None = None
        self._train_ran = False
        self._delivered: int | None = None
        self._boot_count = 1
        self._complaints: list[Complaint] = []

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES

    # --- before a session -------------------------------------------------------------------------------
    def connect(self) -> Identity | Problem:
        self._line.tell(f"M0,{GROUNDED}")
        until_ms = self._clock.now_ms() + BANNER_MS
        offset = None
        while (left_ms := until_ms - self._clock.now_ms()) > 0:
            said = self._line.hear(left_ms)
            if said is None:
                break
            found = OFFSETS.match(said)
            if found is not None:
                offset = int(found.group(1))
            if said == READY and offset is not None:
                break
        if offset is None:
            advice = "unplug the board, call again, and plug it in at once"
            return Problem("I0915", f"no start-up banner was seen, which alone says where zero is: {advice}")
        self._offset = offset
        if not self._line.settle(b"") or not self._ground():
            return Problem("I0915", "the output cannot be seen to be grounded")
        current_na = self._read_line(1, NA_A_COUNT)
        if current_na is None or abs(current_na) > 20_000:
            return Problem("I0915", "current is measured with the output grounded")
        return Identity("StimJim", "", "stimjimPulser", None, simulated=False)

    def configure(self, limits: SessionLimits) -> Problem | None:
        if limits.current_na_max > CURRENT_NA_MAX:
            return Problem("I0916", f"this board drives at most {CURRENT_NA_MAX // 1000} uA")
        # The board keeps no limits but the time of its program: the others are kept here.
        self._limits, self._taken, self._period_ms = None, 0, limits.lease_ms_max
        if not self._define_train():
            return Problem("I0916", "the board does not hold the train that ends its output")
        self._limits = limits
        return None

    def verify_limits(self) -> Problem | None:
        # The train is not defined again in a session: for some microseconds it would have no stages.
        return None if self._limits is not None else Problem("I0916", "no limits were given")

    def prove_dead_man(self) -> int | Problem:
        """Set to current at zero, then silence: the second pulse grounds it, and then the train ends."""
        if self._limits is None or not self._settled() or not self._drive(0):
            return Problem("I0916", "the board is not at zero, or has no limits")
        assert self._started_ms is not None
        began_ms = self._started_ms
        until_ms = began_ms + 2 * self._period_ms + LATE_MS
        while self._delivered is None and (left_ms := until_ms - self._clock.now_ms()) > 0:
            self._is_summary(self._line.hear(left_ms) or "")
        delivered, took_ms = self._delivered, self._clock.now_ms() - began_ms
        self._train_ran = False  # it is over, so there is nothing to stop
        if not self._line.settle(b"") or not self._ground():
            return Problem("I0915", "the output cannot be seen to be grounded")
        if delivered != 2:
            said = "nothing" if delivered is None else f"{delivered} pulses"
            return Problem("I0917", f"the program that ends the output does not run: {said} in {took_ms} ms")
        if took_ms < 2 * self._period_ms - LATE_MS:
            return Problem("I0917", f"the board's time runs too fast: {took_ms} ms for two periods")
        return (took_ms + 1) // 2

    def arm(self) -> Problem | None:
        self._armed = self._limits is not None and self._offset is not None and self._ground()
        return None if self._armed else Problem("I0916", "the board is not at zero with its output grounded")

    # --- in a session -----------------------------------------------------------------------------------
    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        refusal = self._refusal(na, lease_ms, seq, waveform)
        if refusal is not None:
            return Refused(seq, refusal)
        settled = self._line.settled
        if not self._settled() or not (settled or self._read_line(1, NA_A_COUNT) is not None):
            return None  # after a silence nothing is set before the board has answered to something else
        self._wanted = (na, seq)
        now_ms = self._clock.now_ms()
        if not (self._drive(na) if self._is_due(now_ms) else self._set_steps(na)):
            return None
        assert self._started_ms is not None
        self._lease_end_ms = min(now_ms + lease_ms, self._started_ms + self._period_ms)
        self._level_na, self._taken = na, seq
        return Accepted(seq)

    def output_off(self, seq: int) -> Reply | None:
        self._settled()
        self._lease_end_ms, self._wanted, self._expired = None, None, False
        if not self._ground():
            return None
        self._stop_train()
        self._taken = max(self._taken, seq)
        return Accepted(seq)

    def measure(self) -> Measurement | None:
        if not self._settled():
            return None
        self._end_lease()
        current_na, voltage_mv = self._read_line(1, NA_A_COUNT), self._read_line(0, UV_A_COUNT)
        if current_na is None or voltage_mv is None:
            return None
        voltage_mv //= 1000
        self._confirm_late(current_na)
        magnitude_na, limited = abs(current_na), abs(voltage_mv) >= AT_COMPLIANCE_MV
        telling = magnitude_na >= IMPEDANCE_CURRENT_NA_MIN
        return Measurement(
            current_na=current_na,
            voltage_mv=voltage_mv,
            impedance_ohm=abs(voltage_mv) * 1_000_000 // magnitude_na if telling else None,
            at_compliance=self._on and limited,
            output_on=self._on,
            lead_off=self._on and limited and 2 * magnitude_na < abs(self._level_na),
            expired=self._expired,
            setpoint_na=self._level_na,
            seq=self._taken,
            boot_count=self._boot_count,
            device_ms=self._clock.now_ms(),
        )

    def errors(self) -> tuple[Complaint, ...]:
        if self._line.failure is not None:
            self._complaints.append(Complaint("F30", self._line.failure))
        told, self._complaints = tuple(self._complaints), []
        return told

    def close(self) -> None:
        self._line.settle(TERMINATOR, BANNER.encode())
        if self._ground():
            self._stop_train()
        self._line.close()

    # --- the program that ends the output -----------------------------------------------------------------
    def _define_train(self) -> bool:
        """Hand the train over, and read it back whole."""
        period_us = self._period_ms * 1_000
        duration_us = period_us * DURATION_PERIODS_TENTHS // 10
        first = self._ask(f"S{TRAIN},{CURRENT},{GROUNDED},{period_us},{duration_us};0,0,{PULSE_US}")
        said: list[str] = []
        while first == RULE and (line := self._hear(ANSWER_MS)) is not None and line != RULE:
            said.append(line)
        held = [" ".join(line.split()) for line in said]
        wanted = (
            f"Parameters for PulseTrain[{TRAIN}]",
            f"mode[ch0]: {CURRENT} (",
            f"mode[ch1]: {GROUNDED} (",
            f"period: {period_us} usec ",
            f"duration: {duration_us} usec ",
            "stage duration ",
            f"0 {PULSE_US} usec 0uA 0uA",
        )
        return len(held) == len(wanted) and all(
            line.startswith(part) for line, part in zip(held, wanted, strict=True)
        )

    def _is_due(self, now_ms: int) -> bool:
        """Whether the train is to be started anew."""
        started_ms = self._started_ms
        return (
            not self._on or started_ms is None or now_ms >= started_ms + self._period_ms // RENEWALS_A_LEASE
        )

    def _drive(self, na: int) -> bool:
        """Start the train, which grounds; then zero, the switch, and the level: never on with one set (R12).

        All of it goes out at once, so that the notch is as short as the line allows. The time counts from
        before it was sent: the board is never later than it is believed to be.
        """
        now_ms = self._clock.now_ms()
        zero, steps = self._steps_of(0), self._steps_of(na)
        commands = (f"T{TRAIN}", f"A0,{zero}", f"M0,{CURRENT}", f"A0,{steps}")
        expected = (
            STARTED,
            f"Set channel 0 to amplitude {zero}",
            f"Set channel 0 to mode {CURRENT}",
            f"Set channel 0 to amplitude {steps}",
        )
        answer = self._ask("\n".join(commands))
        for wanted in expected:
            if not self._is(answer, wanted):
                return False
            self._train_ran = True
            answer = self._hear(ANSWER_MS) if wanted is not expected[-1] else None
        self._started_ms, self._on, self._delivered = now_ms, True, None
        return True

    def _stop_train(self) -> None:
        """With the output grounded there is nothing to end; what the board says to this is no answer."""
        if self._train_ran:
            self._train_ran = False
            self._line.tell("T-1")

    # --- inside -----------------------------------------------------------------------------------------
    def _refusal(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None) -> Refusal | None:
        if waveform is not None:
            return Refusal.WAVEFORM
        if self._limits is None or not self._armed:
            return Refusal.NOT_READY
        if seq <= self._taken:
            return Refusal.STALE
        if abs(na) > self._limits.current_na_max:
            return Refusal.OUT_OF_RANGE
        if not 1 <= lease_ms <= self._limits.lease_ms_max:
            return Refusal.LEASE
        return Refusal.POLARITY if self._level_na * na < 0 else None

    def _steps_of(self, na: int) -> int:
        """The converter's value, rounded towards zero: never more than was asked for (R14)."""
        assert self._offset is not None
        steps = abs(na) * 10 // TENTHS_OF_NA_A_STEP
        return self._offset + (steps if na >= 0 else -steps)

    def _set_steps(self, na: int) -> bool:
        steps = self._steps_of(na)
        return self._said(f"A0,{steps}", f"Set channel 0 to amplitude {steps}")

    def _set_mode(self, mode: int) -> bool:
        return self._said(f"M0,{mode}", f"Set channel 0 to mode {mode}")

    def _ground(self) -> bool:
        """Zero, then ground; the output counts as off when both were acknowledged."""
        zero = self._offset is None or self._set_steps(0)
        grounded = self._set_mode(GROUNDED)
        if zero and grounded:
            self._on, self._level_na = False, 0
        return zero and grounded

    def _said(self, command: str, expected: str) -> bool:
        return self._is(self._ask(command), expected)

    def _is(self, said: str | None, expected: str) -> bool:
        if said is not None and said.startswith(BANNER):
            self._restarted()
            return False
        if said != expected:
            self._line.settled = False
        return said == expected

    def _ask(self, command: str) -> str | None:
        """The first answer to a command; what the board says of a train that is over is none."""
        said = self._line.ask(command, ANSWER_MS)
        return said if said is None or not self._is_summary(said) else self._hear(ANSWER_MS)

    def _hear(self, timeout_ms: int) -> str | None:
        until_ms = self._clock.now_ms() + timeout_ms
        while (said := self._line.hear(until_ms - self._clock.now_ms())) is not None:
            if not self._is_summary(said):
                return said
        return None

    def _is_summary(self, said: str) -> bool:
        found = COMPLETE.match(said)
        if found is not None:
            self._delivered = int(found.group(1))
        return SUMMARY.match(said) is not None

    def _read_line(self, line: int, per_count: int) -> int | None:
        """A reading in our unit, from raw counts: the scaled number beside them is cut to whole units."""
        said = self._ask(f"E0,{line}")
        if said is not None and said.startswith(BANNER):
            self._restarted()
            return None
        found = None if said is None else READ.match(said)
        if found is None:
            self._line.settled = False
            return None
        return int(found.group(1)) * per_count

    def _confirm_late(self, current_na: int) -> None:
        """A setpoint whose sentence stayed away counts as taken when as much flows as it asks for."""
        if self._wanted is None or self._taken >= self._wanted[1]:
            return
        na, seq = self._wanted
        if abs(current_na - na) <= max(NEAR_COUNTS * NA_A_COUNT, abs(na) // 20):
            self._level_na, self._taken = na, seq

    def _restarted(self) -> None:
        """The banner in place of an answer: the board has started again, with its output grounded (R48).

        It has forgotten the train, and its zero may be another one: it has to be met anew before it is armed.
        """
        self._limits = self._offset = None
        self._boot_count += 1
        self._armed = self._on = self._train_ran = self._line.settled = False
        self._level_na = 0
        self._complaints.append(Complaint("F31", "the board has started again"))

    def _end_lease(self) -> None:
        """When the lease is over the board has grounded its output; it is told once more."""
        late = self._lease_end_ms is not None and self._clock.now_ms() > self._lease_end_ms
        if late or (self._on and self._delivered is not None):
            self._lease_end_ms, self._wanted, self._expired = None, None, True
            self._ground()

    def _settled(self) -> bool:
        """Whether the board can be asked. A banner among what is cleared away is a restart: taken for noise,
        it would leave a board that has forgotten the train which ends its output.
        """
        if self._line.settled:
            return True
        quiet = self._line.settle(TERMINATOR, BANNER.encode())
        if self._line.passed:
            self._restarted()
        return quiet and self._line.settled
