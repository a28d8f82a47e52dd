"""A simulated StimJim: its sentences, its raw arithmetic, and the ways in which its firmware falls over.

The rules were read in the published firmware (stimjimPulser, April 2025) and seen by running it once on a
host: lines end with LF, an unknown command is not answered at all, nothing can be asked back but readings.
`D` overruns a buffer of 100 bytes; `T-1` before any train has run follows an unset pointer; a line longer
than 1000 bytes overruns another. A board on which that happens starts again, as this one does.
"""

from __future__ import annotations

import re
from enum import IntEnum

from ionto_runtime.simulation.load import Load

NA_PER_STEP_TENTHS = 1_017
"""A step of the converter is 0.1017 uA; a reading's 0.85 uA; of the voltage's 2.44 mV."""

NA_PER_COUNT = 850
UV_PER_COUNT = 2_440
COMPLIANCE_MV = 13_700
BOOT_MS = 2_000
LINE_BYTES_MAX = 1_000
STEPS_MAX = 32_767
COUNTS_MAX = 4_095
READING_MS = 1
"""A reading is answered within a millisecond (seen: 0.5 ms)."""

COMMAND = re.compile(r"^([A-Z])(-?\d+)?(?:,(-?\d+))?")


class Output(IntEnum):
    """What a channel is connected to."""

    VOLTAGE = 0
    CURRENT = 1
    HIGH_Z = 2
    GROUNDED = 3


class StimJim:
    """See `simulation.uart.Instrument`. One of the two channels is on a load; the other is not."""

    terminators = b"\n"
    urgent = b""

    def __init__(self, load: Load, current_offset: int = 7) -> None:
        self.load = load
        self.current_offset = current_offset
        self.heard: list[str] = []
        self.boots = 0
        self.stuck_reading: int | None = None
        self.stage_ms = 0
        self._said = bytearray()
        self._busy_ms = 0
        self.boot()

    def boot(self) -> None:
        """The board starts: outputs grounded, offsets measured, a banner after two seconds."""
        self.boots += 1
        self.output = Output.GROUNDED
        self.steps = self.current_offset
        self._train_ran = False
        self._busy_ms = BOOT_MS
        self._banner_due = True
        self._said.clear()

    # --- Instrument -------------------------------------------------------------------------------------
    @property
    def busy(self) -> bool:
        return self._busy_ms > 0

    def line(self, text: str) -> None:
        self.heard.append(text)
        if len(text) >= LINE_BYTES_MAX:
            self.boot()
            return
        found = COMMAND.match(text)
        if found is None:
            return
        letter = found.group(1)
        first, second = (int(found.group(index) or 0) for index in (2, 3))
        match letter:
            case "M":
                self._set_output(first, second)
            case "A":
                self._set_steps(first, second)
            case "E":
                self._read(first, second)
            case "T" | "U":
                self._train(first)
            case "D":
                self.boot()
            case "C":
                # The sweep drives the outputs with a voltage; a load that is connected feels it.
                self.load.drive(STEPS_MAX, COMPLIANCE_MV, 20)
            case _:
                pass

    def interrupt(self, byte: int) -> None:
        """Nothing is urgent to this firmware."""

    def overrun(self) -> None:
        self.boot()

    def answers(self) -> bytes:
        said = bytes(self._said)
        self._said.clear()
        return said

    def advance(self, ms: int) -> None:
        driven = None
        if self.output is Output.CURRENT:
            driven = (self.steps - self.current_offset) * NA_PER_STEP_TENTHS // 10
        self.load.drive(driven, COMPLIANCE_MV, ms)
        if self._busy_ms > 0:
            self._busy_ms = max(0, self._busy_ms - ms)
            if self._busy_ms == 0 and self._banner_due:
                self._banner_due = False
                self._banner()

    # --- commands ---------------------------------------------------------------------------------------
    def _banner(self) -> None:
        self._say("Booting StimJim on Teensy 3.5!")
        self._say("Initializing inputs...")
        self._say("ADC offsets (+-2.5V): 0.500000, 0.250000")
        self._say("ADC offsets (+-10V): 0.000000, 0.000000")
        self._say(f"current offsets: {self.current_offset}, 12")
        self._say("voltage offsets: 3, 4")
        self._say("")
        self._say("Ready to go!")
        self._say("")

    def _say(self, text: str) -> None:
        self._said += text.encode("ascii") + b"\r\n"

    def _set_output(self, channel: int, mode: int) -> None:
        if channel == 0 and mode in list(Output):
            self.output = Output(mode)
        self._say(f"Set channel {channel} to mode {mode}")

    def _set_steps(self, channel: int, steps: int) -> None:
        if not -STEPS_MAX - 1 <= steps <= STEPS_MAX:
            self._say(f"Amplitude {steps} is out of range.")
            return
        if channel == 0:
            self.steps = steps
        self._say(f"Set channel {channel} to amplitude {steps}")

    def _read(self, channel: int, line: int) -> None:
        counts = 0
        if channel == 0:
            counts = (
                self.load.current_na // NA_PER_COUNT if line else self.load.voltage_mv * 1000 // UV_PER_COUNT
            )
        counts = max(-COUNTS_MAX, min(COUNTS_MAX, counts))
        if self.stuck_reading is not None:
            counts = self.stuck_reading
        scaled = counts * NA_PER_COUNT // 1000 if line else counts * UV_PER_COUNT // 1000
        self._busy_ms = READING_MS
        self._say(f"Read value: {counts} ({scaled}{'uA' if line else 'mV'})")

    def _train(self, index: int) -> None:
        if index < 0 and not self._train_ran:
            self.boot()
            return
        self._train_ran = True
        self._busy_ms = self.stage_ms
        self._say(f"Started T train with parameters of PulseTrain {index}")
