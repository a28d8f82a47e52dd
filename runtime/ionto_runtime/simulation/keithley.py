"""A simulated Keithley 2400: the part of its command set that a current source needs, and its traps.

Each rule is traceable to the 2400 Series user's manual: commands in long and short form, chained by
semicolons (chapter 18), executed on CR; ^C and ^X clear what is pending (14-14); while it measures, further
commands wait (16-3); an error queue (appendix B); `:MEAS?` turns the output on by itself, and with automatic
output-off so do `:READ?` and `:INIT` (18-72); a reading needs the output on, else error +803. What the manual
leaves open is said beside the rule.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from ionto_runtime.simulation.line import QUIET_MS
from ionto_runtime.simulation.load import Load

RANGES_NA = (1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000, 1_000_000_000)
"""Current ranges of the 2400, each to 105 %; general knowledge, not read in the manual."""

COMPLIANCE_MV_MAX = 210_000
LINE_MS = 20
"""A period of the mains at 50 Hz, in which integration times are given."""

OVERHEAD_MS = 3
ERRORS_MAX = 10
QUEUE_BYTES = 255
CLOCK_WRAP_MS = 100_000_000 - 1
"""The time stamp wraps at 99999.999 s."""

MISSING = "+9.910000E+37"
IN_COMPLIANCE = 1 << 3
CONTROL_C, CONTROL_X = 3, 24

WORDS = re.compile(r"^\s*(:?[A-Za-z*:0-9]+\??)\s*(.*)$")


class Keithley2400:
    """See `simulation.uart.Instrument`. `pin_low`: the line that enables the output is held low."""

    terminators = b"\r"
    urgent = bytes((CONTROL_C, CONTROL_X))

    def __init__(self, load: Load, serial: str = "1234567", terminator: bytes = b"\r") -> None:
        self.load = load
        self.serial = serial
        self.terminator = terminator
        self.pin_low = False
        self.heard: list[str] = []
        self.stuck_reading: str | None = None
        self.clock_ppm = 0
        self.saved: dict[str, str] = {}
        self._errors: deque[tuple[int, str]] = deque()
        self._said = bytearray()
        self._clock_us = 0
        self._power_up()

    # --- the instrument as a thing ------------------------------------------------------------------------
    def _power_up(self) -> None:
        """The state after power-up and `*RST`: output off, nothing set. Power-up also forgets all else."""
        self.output_on = False
        self.level_na = 0
        self.range_na = RANGES_NA[2]
        self.compliance_mv = 21_000
        self.function = "VOLT"
        self.mode_off = "NORM"
        self.nplc = Decimal(1)
        self.elements = "VOLT,CURR,RES,TIME,STAT"
        self.auto_off = False
        self.enable_needed = False
        self.remote_sense = False
        self._busy_ms = 0
        self._reading_due = False

    def power_cycle(self) -> None:
        """Somebody switches it off and on, or the mains fail for a moment."""
        self._power_up()
        self._errors.clear()
        self._said.clear()
        self._clock_us = 0

    def press_output(self) -> None:
        """Somebody presses OUTPUT on the front panel."""
        self.output_on = not self.output_on

    def turn_knob(self, level_na: int) -> None:
        """Somebody sets another level at the front panel."""
        self.level_na = level_na

    # --- Instrument ---------------------------------------------------------------------------------------
    @property
    def busy(self) -> bool:
        return self._busy_ms > 0

    def line(self, text: str) -> None:
        for part in text.replace("\n", "").split(";"):
            if part.strip():
                self._command(part)

    def interrupt(self, byte: int) -> None:
        self._said.clear()
        self._busy_ms = 0
        self._reading_due = False

    def overrun(self) -> None:
        self._fail(-363, "Input buffer overrun")

    def answers(self) -> bytes:
        said = bytes(self._said)
        self._said.clear()
        return said

    def advance(self, ms: int) -> None:
        self._clock_us += ms * (1_000_000 + self.clock_ppm) // 1000
        if self.enable_needed and not self.pin_low:
            self.output_on = False
        driven = self.level_na if self.output_on and self.function == "CURR" else None
        self.load.drive(driven, self.compliance_mv, ms)
        if self._busy_ms > 0:
            self._busy_ms = max(0, self._busy_ms - ms)
            if self._busy_ms == 0 and self._reading_due:
                self._reading_due = False
                self._say(self._reading())
                if self.auto_off:
                    self.output_on = False

    def has_started(self) -> bool:
        return False  # its line is a cable: what is on the way in it arrives

    def due_in_ms(self) -> int:
        return QUIET_MS

    # --- commands -----------------------------------------------------------------------------------------
    def _command(self, text: str) -> None:
        found = WORDS.match(text)
        if found is None:
            self._fail(-113, "Undefined header")
            return
        header, argument = found.group(1), found.group(2).strip()
        self.heard.append(f"{header} {argument}".strip())
        for pattern, action in COMMANDS:
            if _means(header.lstrip(":"), pattern):
                action(self, argument)
                return
        self._fail(-113, "Undefined header")

    def _say(self, text: str) -> None:
        self._said += text.encode("ascii") + self.terminator

    def _fail(self, code: int, text: str) -> None:
        if len(self._errors) >= ERRORS_MAX:
            self._errors[-1] = (-350, "Queue overflow")
        else:
            self._errors.append((code, text))

    def _next_error(self) -> str:
        code, text = self._errors.popleft() if self._errors else (0, "No error")
        return f'{code:+d},"{text}"' if code else '0,"No error"'

    def _amperes(self, argument: str) -> int | None:
        try:
            level_na = Decimal(argument) * 1_000_000_000
        except InvalidOperation:
            self._fail(-102, "Syntax error")
            return None
        return int(level_na.to_integral_value())

    def _set_level(self, argument: str) -> None:
        level_na = self._amperes(argument)
        if level_na is None:
            return
        if abs(level_na) > self.range_na * 105 // 100:
            self._fail(-222, "Parameter data out of range")
            return
        step_na = max(1, self.range_na // 20_000)
        self.level_na = level_na // step_na * step_na

    def _set_range(self, argument: str) -> None:
        wanted = self._amperes(argument)
        fitting = [item for item in RANGES_NA if wanted is not None and item * 105 // 100 >= abs(wanted)]
        if not fitting:
            self._fail(-222, "Parameter data out of range")
            return
        self.range_na = fitting[0]

    def _set_compliance(self, argument: str) -> None:
        try:
            wanted_mv = int(Decimal(argument) * 1000)
        except InvalidOperation:
            self._fail(-102, "Syntax error")
            return
        if not 20 <= wanted_mv <= COMPLIANCE_MV_MAX:
            self._fail(-222, "Parameter data out of range")
            return
        self.compliance_mv = wanted_mv

    def _switch(self, argument: str) -> None:
        on = argument.upper() in ("ON", "1")
        if on and self.enable_needed and not self.pin_low:
            self._fail(802, "Output blocked by output enable")
            return
        self.output_on = on

    def _measure(self) -> None:
        self.output_on = True
        self._begin_reading()

    def _read(self) -> None:
        if self.auto_off:
            self.output_on = True
        if not self.output_on:
            self._fail(803, "Not permitted with OUTPUT off")
            return
        self._begin_reading()

    def _begin_reading(self) -> None:
        functions = 2
        self._busy_ms = max(1, int(self.nplc * LINE_MS) * functions + OVERHEAD_MS)
        self._reading_due = True

    def _reading(self) -> str:
        if self.stuck_reading is not None:
            return self.stuck_reading
        limited = self.load.flow.limited
        values = {
            "VOLT": f"{self.load.voltage_mv / 1000:+.6E}",
            "CURR": f"{self.load.current_na / 1_000_000_000:+.6E}",
            "RES": MISSING,
            "TIME": f"{self.clock_ms / 1000:+.6E}",
            "STAT": f"{float(IN_COMPLIANCE if limited else 0):+.6E}",
        }
        return ",".join(values[name] for name in self.elements.split(",") if name in values)

    @property
    def clock_ms(self) -> int:
        """The time stamp, which wraps."""
        return self._clock_us // 1000 % CLOCK_WRAP_MS

    def reset(self) -> None:
        """`*RST`: the clock goes on, errors stay."""
        self._power_up()


Action = Callable[[Keithley2400, str], None]


def _means(header: str, pattern: str) -> bool:
    """Whether a header is this command: each word in its short form, its long form, without its `1`."""
    words = header.rstrip("?").split(":")
    wanted = pattern.rstrip("?").split(":")
    if header.endswith("?") != pattern.endswith("?") or len(words) != len(wanted):
        return False
    return all(_word_means(word, want) for word, want in zip(words, wanted, strict=True))


def _word_means(word: str, want: str) -> bool:
    short = "".join(letter for letter in want if not letter.islower())
    return word.upper().rstrip("1") in (short.upper(), want.upper())


def _number(value: int, per_unit: int) -> str:
    return f"{value / per_unit:+.6E}"


def _keep(name: str) -> Action:
    def keep(device: Keithley2400, argument: str) -> None:
        device.saved[name] = argument

    return keep


def _flag(name: str) -> Action:
    def put(device: Keithley2400, argument: str) -> None:
        setattr(device, name, argument.upper() in ("ON", "1"))

    return put


def _text(name: str) -> Action:
    def put(device: Keithley2400, argument: str) -> None:
        setattr(device, name, argument.strip('"').upper())

    return put


def _nplc(device: Keithley2400, argument: str) -> None:
    device.nplc = Decimal(argument)


COMMANDS: tuple[tuple[str, Action], ...] = (
    (
        "*IDN?",
        lambda d, _: d._say(f"KEITHLEY INSTRUMENTS INC.,MODEL 2400,{d.serial},C30 Mar 17 2006/A02 /K/J"),
    ),
    ("*RST", lambda d, _: d.reset()),
    ("*CLS", lambda d, _: d._errors.clear()),
    ("*OPC?", lambda d, _: d._say("1")),
    ("SYSTem:ERRor?", lambda d, _: d._say(d._next_error())),
    ("SYSTem:RSENse", _flag("remote_sense")),
    ("SYSTem:TIME?", lambda d, _: d._say(f"{d.clock_ms / 1000:.3f}")),
    ("SYSTem:BEEPer:STATe", _keep("beeper")),
    ("SYSTem:RWLock", lambda d, _: None),
    ("SYSTem:LOCal", lambda d, _: None),
    ("ROUTe:TERMinals", _keep("terminals")),
    ("SOURce:FUNCtion", _text("function")),
    ("SOURce:FUNCtion?", lambda d, _: d._say(d.function)),
    ("SOURce:CURRent:MODE", _keep("mode")),
    ("SOURce:CURRent:RANGe", lambda d, a: d._set_range(a)),
    ("SOURce:CURRent:RANGe?", lambda d, _: d._say(_number(d.range_na, 1_000_000_000))),
    ("SOURce:CURRent", lambda d, a: d._set_level(a)),
    ("SOURce:CURRent?", lambda d, _: d._say(_number(d.level_na, 1_000_000_000))),
    ("SOURce:CURRent:LEVel", lambda d, a: d._set_level(a)),
    ("SOURce:CLEar:AUTO", _flag("auto_off")),
    ("SOURce:CLEar:AUTO?", lambda d, _: d._say("1" if d.auto_off else "0")),
    ("SENSe:FUNCtion", _keep("functions")),
    ("SENSe:VOLTage:PROTection", lambda d, a: d._set_compliance(a)),
    ("SENSe:VOLTage:PROTection?", lambda d, _: d._say(_number(d.compliance_mv, 1000))),
    ("SENSe:VOLTage:PROTection:TRIPped?", lambda d, _: d._say("1" if d.load.flow.limited else "0")),
    ("SENSe:VOLTage:NPLCycles", _nplc),
    ("FORMat:ELEMents", _text("elements")),
    ("OUTPut", lambda d, a: d._switch(a)),
    ("OUTPut?", lambda d, _: d._say("1" if d.output_on else "0")),
    ("OUTPut:SMODe", _text("mode_off")),
    ("OUTPut:SMODe?", lambda d, _: d._say(d.mode_off)),
    ("OUTPut:ENABle", _flag("enable_needed")),
    ("OUTPut:ENABle?", lambda d, _: d._say("1" if d.enable_needed else "0")),
    ("OUTPut:ENABle:TRIPped?", lambda d, _: d._say("1" if d.pin_low or not d.enable_needed else "0")),
    ("READ?", lambda d, _: d._read()),
    ("MEASure?", lambda d, _: d._measure()),
    ("MEASure:CURRent?", lambda d, _: d._measure()),
    ("MEASure:VOLTage?", lambda d, _: d._measure()),
    ("INITiate", lambda d, _: d._read()),
    ("ABORt", lambda d, _: d.interrupt(CONTROL_C)),
)
"""What this simulator understands; everything else is an undefined header, as on the instrument."""
