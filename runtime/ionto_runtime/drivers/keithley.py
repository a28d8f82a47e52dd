"""The driver of Keithley's 2400 family, over RS-232. Bench use only: the instrument has no dead-man.

It has a line that enables its output, though. With a watchdog relay on that line the output ends soon after
the computer has fallen silent; the relay is named in the device file, and proven before each session. Without
one nothing ends the output, and nothing is run. A bounded program of the instrument's own is no way out:
while a trigger sequence runs it neither takes another level nor answers, and one that is cut short by ^C to
be started anew leaves the output on if the start gets lost.

What it must never do: send `:MEAS?`, which turns the output on by itself; start a long measurement, behind
which `:OUTP OFF` would wait; leave automatic output-off on, with which `:READ?` turns the output on. Ranges
are fixed for a session, because changing one can glitch. The instrument numbers nothing, so a setpoint counts
as taken when it was read back (R38).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

from ionto_ir.dataclass import replace
from ionto_ir.device import Device
from ionto_ir.waveform import Waveform
from ionto_runtime.clock import Clock
from ionto_runtime.drivers.driver import Capabilities, Complaint, DeadMan, Identity, Problem, SessionLimits
from ionto_runtime.drivers.serial_port import open_port
from ionto_runtime.drivers.text_line import TextLine
from ionto_runtime.drivers.transport import LineSettings, Transport
from ionto_runtime.drivers.watchdog_relay import WatchdogRelay, open_relay
from ionto_runtime.stimulator import Accepted, Measurement, Refusal, Refused, Reply

CAPABILITIES = Capabilities(
    driver="keithley_2400",
    title="Keithley 2400 family",
    dead_man=DeadMan.NONE,
    bipolar=True,
    waveforms=("dc",),
    measures_voltage=True,
    reads_back_setpoint=True,
    clock=True,
    reset_is_off=True,
    for_people=False,
    source="Series 2400 user's manual, chapters 13, 14, 16 and 18; no applied part for people",
    takes_relay=True,
)
WITH_RELAY = replace(CAPABILITIES, dead_man=DeadMan.EXTERNAL_RELAY)

SETTINGS = LineSettings(57_600)
"""At the factory's 9600 baud a reading alone takes 45 ms: too slow for a tick of 100 ms."""

TERMINATOR = b"\r"
CONTROL_C = b"\x03"
ANSWER_MS = 150
RANGES_NA = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
STEPS_A_RANGE = 20_000
COMPLIANCE_MV_MIN = 20
CLOCK_WRAP_MS = 99_999_999
ERRORS_EVERY = 10
"""The error queue is read after this many readings, and after every group of settings (R52)."""

ERRORS_MAX = 12
OVERFLOW = Decimal("9e37")
IMPEDANCE_CURRENT_NA_MIN = 10_000
IN_COMPLIANCE = 1 << 3
RELAY_CLOSES_MS = 100
RELAY_LATE_MS = 60
"""How much later than it should the relay may be seen to open: the line, and the looking."""

SETTING = (":SOUR:FUNC CURR", ":SOUR:CURR:MODE FIX", ":SOUR:CLE:AUTO OFF", ":FORM:ELEM VOLT,CURR,TIME,STAT")


def open_driver(
    port: str, device: Device | None, clock: Clock, watchdog: str | None = None
) -> Keithley | Problem:
    """The driver of the instrument on a serial line, whichever profile a plan was compiled for.

    `watchdog` is the line of the relay that enables its output.
    """
    line = open_port(port, SETTINGS)
    if isinstance(line, Problem):
        return line
    relay = None if watchdog is None else open_relay(watchdog)
    if isinstance(relay, Problem):
        line.close()
        return relay
    return Keithley(line, clock, relay)


class Keithley:
    """See `Driver`."""

    def __init__(self, line: Transport, clock: Clock, relay: WatchdogRelay | None = None) -> None:
        self._clock = clock
        self._relay = relay
        self._line = TextLine(line, clock, TERMINATOR)
        self._limits: SessionLimits | None = None
        self._range_na = 0
        self._on = False
        self._level_na = 0
        self._wanted: tuple[int, int] | None = None
        self._taken = 0
        self._lease_end_ms: int | None = None
        self._expired = False
        self._armed = False
        self._boot_count = 1
        self._stamp_ms: int | None = None
        self._wrapped_ms = 0
        self._readings = 0
        self._complaints: list[Complaint] = []

    @property
    def capabilities(self) -> Capabilities:
        return CAPABILITIES if self._relay is None else WITH_RELAY

    # --- before a session -------------------------------------------------------------------------------
    def connect(self) -> Identity | Problem:
        if not self._line.settle(CONTROL_C) or not self._line.tell(":OUTP OFF"):
            return Problem("I0915", "the line does not come to rest, or takes nothing")
        state, named = self._ask(":OUTP?"), self._ask("*IDN?")
        if state is None or named is None:
            return Problem("I0915", "nothing answers: look at baud rate, cable and the terminator menu")
        parts = [part.strip() for part in named.split(",")]
        if len(parts) < 4 or "KEITHLEY" not in parts[0].upper() or "MODEL 24" not in parts[1].upper():
            return Problem("I0915", f"this is no instrument of the 2400 family: `{named}`")
        if state != "0":
            return Problem("I0915", "the output does not go off")
        self._line.tell("*CLS")
        return Identity(parts[1].title(), parts[2], parts[3], None, simulated=False)

    def configure(self, limits: SessionLimits) -> Problem | None:
        fitting = [item for item in RANGES_NA if item * 105 // 100 >= limits.current_na_max]
        if not fitting or limits.compliance_mv < COMPLIANCE_MV_MIN:
            return Problem("I0916", "the limits of the session are beyond this instrument")
        self._range_na, self._limits = fitting[0], limits
        for setting in (
            "*RST",
            *SETTING,
            f":SOUR:CURR:RANG {_amperes(self._range_na)}",
            ":SOUR:CURR 0",
            f":SENS:VOLT:PROT {_volts(limits.compliance_mv)}",
            ":SENS:VOLT:NPLC 0.1",
            ":OUTP:SMOD HIMP",
            f":OUTP:ENAB {'OFF' if self._relay is None else 'ON'}",
            ":SYST:RWL",
        ):
            if not self._line.tell(setting):
                return Problem("I0916", "the line takes nothing more")
        self._taken = 0
        problem = self.verify_limits()
        complaints = self._error_queue()
        if problem is None and complaints:
            return Problem("I0916", f"the instrument complains: {complaints[0]}")
        return problem

    def verify_limits(self) -> Problem | None:
        if self._limits is None:
            return Problem("I0916", "the instrument was given no limits")
        compliance = _scaled(self._ask(":SENS:VOLT:PROT?"), 1000)
        range_na = _scaled(self._ask(":SOUR:CURR:RANG?"), 1_000_000_000)
        function, automatic = self._ask(":SOUR:FUNC?"), self._ask(":SOUR:CLE:AUTO?")
        enabling = self._ask(":OUTP:ENAB?")
        held = (compliance, range_na, function, automatic, enabling)
        if None in held:
            return Problem("I0915", "the instrument does not answer")
        needs_line = "0" if self._relay is None else "1"
        if held != (self._limits.compliance_mv, self._range_na, "CURR", "0", needs_line):
            return Problem("I0916", "the instrument does not hold the limits that it was given")
        return None

    def prove_dead_man(self) -> int | Problem:
        """With the output off: the relay is open, closes when it is fed, and opens when it is not (R10)."""
        if self._relay is None:
            return Problem("I0917", "nothing ends the output of this instrument when the host is silent")
        if self._limits is None:
            return Problem("I0916", "the relay is proven after the instrument was given its limits")
        most_ms = self._limits.lease_ms_max + RELAY_LATE_MS
        if self._enabled_for(most_ms, until=False) is None:
            return Problem("I0917", "the output is enabled although the watchdog relay is not fed")
        if not self._relay.feed():
            return Problem("I0917", "the watchdog relay cannot be fed")
        if self._enabled_for(RELAY_CLOSES_MS, until=True) is None:
            return Problem("I0917", "the watchdog relay was fed, and the output is not enabled")
        began_ms = self._clock.now_ms()
        self._relay.feed()
        took_ms = self._enabled_for(most_ms, until=False)
        if took_ms is None:
            return Problem("I0917", f"the watchdog relay still enables the output after {most_ms} ms")
        return max(took_ms, self._clock.now_ms() - began_ms)

    def _enabled_for(self, most_ms: int, *, until: bool) -> int | None:
        """How long it takes until the line that enables the output is so; None when it does not become so."""
        began_ms = self._clock.now_ms()
        while (passed_ms := self._clock.now_ms() - began_ms) <= most_ms:
            if self._ask(":OUTP:ENAB:TRIP?") == ("1" if until else "0"):
                return passed_ms
        return None

    def arm(self) -> Problem | None:
        self._armed = False
        if self._limits is None:
            return Problem("I0916", "an instrument is armed after it was given its limits")
        self._line.tell(":SOUR:CURR 0")
        if _scaled(self._ask(":SOUR:CURR?"), 1_000_000_000) != 0 or self._ask(":OUTP?") != "0":
            return Problem("I0916", "the instrument is not at zero with its output off")
        self._armed = True
        return None

    # --- in a session -----------------------------------------------------------------------------------
    def set_current(self, na: int, lease_ms: int, seq: int, waveform: Waveform | None = None) -> Reply | None:
        refusal = self._refusal(na, lease_ms, seq, waveform)
        if refusal is not None:
            return Refused(seq, refusal)
        if not self._settled():
            return None
        self._wanted = (na, seq)
        if self._relay is not None and not self._relay.feed():
            return None
        if not self._on and not self._switch_on():
            return None
        if not self._line.tell(f":SOUR:CURR {_amperes(na)}"):
            return None
        self._lease_end_ms = self._clock.now_ms() + lease_ms
        return Accepted(seq) if self._confirm_level() else None

    def output_off(self, seq: int) -> Reply | None:
        if not self._settled():
            # What is pending is cleared; the command after it is acted on as soon as it is read.
            self._line.settle(CONTROL_C)
        self._line.tell(":OUTP OFF")
        self._line.tell(":SOUR:CURR 0")
        self._lease_end_ms, self._wanted, self._expired = None, None, False
        if self._ask(":OUTP?") != "0":
            return None
        self._on, self._level_na, self._taken = False, 0, max(self._taken, seq)
        return Accepted(seq)

    def measure(self) -> Measurement | None:
        if not self._settled():
            return None
        self._end_lease()
        state = self._ask(":OUTP?")
        level_na = _scaled(self._ask(":SOUR:CURR?"), 1_000_000_000)
        if state not in ("0", "1") or level_na is None:
            return None
        was_on, self._on, self._level_na = self._on, state == "1", level_na
        if was_on and not self._on and self._relay is not None and self._ask(":OUTP:ENAB:TRIP?") == "0":
            self._lease_end_ms, self._wanted, self._expired = None, None, True
        if self._wanted is not None and (level_na, self._on) == (self._wanted[0], True):
            self._taken = max(self._taken, self._wanted[1])
        self._look_for_errors()
        return self._reading() if self._on else self._at_rest()

    def errors(self) -> tuple[Complaint, ...]:
        if self._line.failure is not None:
            self._complain("F30", self._line.failure)
        if self._relay is not None and self._relay.failure is not None:
            self._complain("F30", f"the watchdog relay cannot be fed: {self._relay.failure}")
        told, self._complaints = tuple(self._complaints), []
        return told

    def close(self) -> None:
        self._line.settle(CONTROL_C)
        self._line.tell(":OUTP OFF")
        self._ask(":OUTP?")
        self._line.tell(":SYST:LOC")
        self._line.close()
        if self._relay is not None:
            self._relay.close()

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
        if na % max(1, self._range_na // STEPS_A_RANGE):
            return Refusal.NOT_ON_STEP
        if not 1 <= lease_ms <= self._limits.lease_ms_max:
            return Refusal.LEASE
        return Refusal.POLARITY if self._level_na * na < 0 else None

    def _switch_on(self) -> bool:
        """On at zero, and seen to be on: never with a level set (R12)."""
        self._line.tell(":SOUR:CURR 0")
        if _scaled(self._ask(":SOUR:CURR?"), 1_000_000_000) != 0:
            return False
        self._line.tell(":OUTP ON")
        self._on = self._ask(":OUTP?") == "1"
        if not self._on:
            self._look_for_errors(now=True)
        return self._on

    def _confirm_level(self) -> bool:
        assert self._wanted is not None
        level_na = _scaled(self._ask(":SOUR:CURR?"), 1_000_000_000)
        if level_na != self._wanted[0]:
            return False
        self._level_na, self._taken = level_na, self._wanted[1]
        return True

    def _end_lease(self) -> None:
        """The instrument does not know of leases; whoever is asked after one has ended ends it."""
        if self._lease_end_ms is not None and self._clock.now_ms() > self._lease_end_ms:
            self._line.tell(":OUTP OFF")
            self._lease_end_ms, self._wanted, self._expired = None, None, True

    def _reading(self) -> Measurement | None:
        values = _numbers(self._ask(":READ?"))
        if values is None or len(values) != 4 or any(abs(value) > OVERFLOW for value in values):
            self._complain("F56", "the instrument gives no number where a reading belongs")
            return None
        device_ms = self._time(int(values[2] * 1000))
        current_na, voltage_mv = int(values[1] * 1_000_000_000), int(values[0] * 1000)
        magnitude_na, limited = abs(current_na), bool(int(values[3]) & IN_COMPLIANCE)
        telling = magnitude_na >= IMPEDANCE_CURRENT_NA_MIN
        return Measurement(
            current_na=current_na,
            voltage_mv=voltage_mv,
            impedance_ohm=abs(voltage_mv) * 1_000_000 // magnitude_na if telling else None,
            at_compliance=limited,
            output_on=True,
            lead_off=limited and 2 * magnitude_na < abs(self._level_na),
            expired=self._expired,
            setpoint_na=self._level_na,
            seq=self._taken,
            boot_count=self._boot_count,
            device_ms=device_ms,
        )

    def _at_rest(self) -> Measurement | None:
        """With the output off its relay is open: nothing flows, and nothing can be measured."""
        stamp_ms = _scaled(self._ask(":SYST:TIME?"), 1000)
        if stamp_ms is None:
            return None
        device_ms = self._time(stamp_ms)
        return Measurement(
            current_na=0,
            voltage_mv=0,
            impedance_ohm=None,
            at_compliance=False,
            output_on=False,
            lead_off=False,
            expired=self._expired,
            setpoint_na=0,
            seq=self._taken,
            boot_count=self._boot_count,
            device_ms=device_ms,
        )

    def _time(self, stamp_ms: int) -> int:
        """Time that goes on where the stamp wraps; a stamp that falls otherwise means a restart (R48)."""
        if self._stamp_ms is not None and stamp_ms < self._stamp_ms:
            if self._stamp_ms - stamp_ms > CLOCK_WRAP_MS // 2:
                self._wrapped_ms += CLOCK_WRAP_MS
            else:
                self._boot_count += 1
                self._armed = False
                self._complain("F31", "the instrument's clock has started again")
        self._stamp_ms = stamp_ms
        return self._wrapped_ms + stamp_ms

    def _look_for_errors(self, *, now: bool = False) -> None:
        self._readings += 1
        if now or self._readings % ERRORS_EVERY == 0:
            for text in self._error_queue():
                self._complain("F55", text)

    def _error_queue(self) -> list[str]:
        found = []
        for _ in range(ERRORS_MAX):
            said = self._ask(":SYST:ERR?")
            if said is None or said.startswith(("0,", "+0,")):
                break
            found.append(said)
        return found

    def _complain(self, alarm: str, text: str) -> None:
        self._complaints.append(Complaint(alarm, text))

    def _ask(self, query: str) -> str | None:
        return self._line.ask(query, ANSWER_MS)

    def _settled(self) -> bool:
        """Whether a question can be asked: after a silence, the line is brought to rest first (R40)."""
        return self._line.settled or self._line.settle(CONTROL_C)


def _amperes(na: int) -> str:
    return f"{Decimal(na).scaleb(-9):.9f}"


def _volts(mv: int) -> str:
    return f"{Decimal(mv).scaleb(-3):.3f}"


def _scaled(text: str | None, per_unit: int) -> int | None:
    """A number in units of its own, as a whole number of ours; None for anything else."""
    values = _numbers(text)
    return (
        None if values is None or len(values) != 1 or abs(values[0]) > OVERFLOW else int(values[0] * per_unit)
    )


def _numbers(text: str | None) -> list[Decimal] | None:
    if text is None:
        return None
    try:
        values = [Decimal(part) for part in text.split(",")]
    except InvalidOperation:
        return None
    return values if all(value.is_finite() for value in values) else None
