"""The driver of StimJim. Bench use only: it has no dead-man, and 13.7 V do not drive much through skin.

What it must never send: `D`, which overruns a buffer of the firmware; `C`, which sweeps the outputs with a
voltage; a train that is not known to run must not be stopped, so no train is ever started. An unknown command
is not answered at all. The zero of the converter is in the banner at start-up and nowhere else, so a session
needs to have seen the board start. The firmware has no number and no setpoint to ask for: a sentence that
repeats what was set is the acknowledgement, and a reading has to agree with it (R38).
"""

from __future__ import annotations

import re

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
    dead_man=DeadMan.NONE,
    bipolar=True,
    waveforms=("dc",),
    measures_voltage=True,
    reads_back_setpoint=False,
    clock=False,
    reset_is_off=True,
    for_people=False,
    source="firmware stimjimPulser, April 2025; no applied part for people",
)

SETTINGS = LineSettings(115_200)
TERMINATOR = b"\n"
ANSWER_MS = 60
BANNER_MS = 4_000
"""The board takes two seconds to start, and one of them can be over before its line is there."""

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


def open_driver(port: str, device: Device | None, clock: Clock) -> StimJimDriver | Problem:
    """The driver of the instrument on a serial line, whichever profile a plan was compiled for."""
    line = open_port(port, SETTINGS)
    return line if isinstance(line, Problem) else StimJimDriver(line, clock)


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
        # The board keeps no limits: they are kept here, and so is the knowledge that it does not.
        self._limits, self._taken = limits, 0
        return None

    def verify_limits(self) -> Problem | None:
        return None if self._limits is not None else Problem("I0916", "no limits were given")

    def prove_dead_man(self) -> int | Problem:
        return Problem("I0917", "this board has no dead-man: its output stays on when the host is silent")

    def arm(self) -> Problem | None:
        self._armed = self._limits is not None and self._offset is not None and self._ground()
        return None if self._armed else Problem("I0916", "the board is not at zero with its output grounded")

    # --- in a session -----------------------------------------------------------------------------------
    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        refusal = self._refusal(na, lease_ms, seq, waveform)
        if refusal is not None:
            return Refused(seq, refusal)
        if not self._settled():
            return None
        if not self._on:
            # Zero first, then the switch: never on with a level set (R12).
            if not self._set_steps(0) or not self._set_mode(CURRENT):
                return None
            self._on = True
        self._wanted = (na, seq)
        self._lease_end_ms = self._clock.now_ms() + lease_ms
        if not self._set_steps(na):
            return None
        self._level_na, self._taken = na, seq
        return Accepted(seq)

    def output_off(self, seq: int) -> Reply | None:
        if not self._line.settled:
            self._line.settle(TERMINATOR)
        self._lease_end_ms, self._wanted, self._expired = None, None, False
        if not self._ground():
            return None
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
        self._line.settle(TERMINATOR)
        self._ground()
        self._line.close()

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
        said = self._line.ask(command, ANSWER_MS)
        if said is not None and said.startswith(BANNER):
            self._restarted()
            return False
        if said is not None and said != expected:
            self._line.settled = False
        return said == expected

    def _read_line(self, line: int, per_count: int) -> int | None:
        """A reading in our unit, from raw counts: the scaled number beside them is cut to whole units."""
        said = self._line.ask(f"E0,{line}", ANSWER_MS)
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
        """The banner in place of an answer: the board has started again, with its output grounded (R48)."""
        self._boot_count += 1
        self._armed = self._on = self._line.settled = False
        self._level_na = 0
        self._complaints.append(Complaint("F31", "the board has started again"))

    def _end_lease(self) -> None:
        if self._lease_end_ms is not None and self._clock.now_ms() > self._lease_end_ms:
            self._lease_end_ms, self._wanted, self._expired = None, None, True
            self._ground()

    def _settled(self) -> bool:
        return self._line.settled or self._line.settle(TERMINATOR)
