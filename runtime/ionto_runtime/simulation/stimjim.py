"""A simulated StimJim: its sentences, its raw arithmetic, and the ways in which its firmware falls over.

The rules were read in the published firmware (stimjimPulser, April 2025) and seen by running it once on a
host: lines end with LF, an unknown command is not answered at all, nothing can be asked back but readings.
`D` overruns a buffer of 100 bytes; `T-1` before any train has run follows an unset pointer; a line longer
than 1000 bytes overruns another. A board on which that happens starts again, as this one does.

A train is a list of stages that is played at once when it is started and again after each period, by a timer
that a new start sets anew. Whatever was set by hand before, a play ends at zero and grounded. It is looked at
before each play whether the train's duration is over; then its timer ends, with a summary, and nothing is
touched. While stages are played the board is deaf. A train without stages plays nothing. A board that starts
again forgets its trains, and what was on its way in either direction: its line is USB, and goes with it.

Readings have a count of noise, as converters have (general knowledge): without it a steady current looks like
a reading that stands still.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from random import Random

from ionto_runtime.simulation.line import QUIET_MS
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

TRAINS = 100
STAGES_MAX = 10
COMMAND = re.compile(r"^([A-Z])(-?\d+)?(?:,(-?\d+))?")
TRAIN = re.compile(r"^S(\d+),(\d+),(\d+),(\d+),(\d+)((?:; *-?\d+,-?\d+,\d+)*);?$")
MODES = ("Voltage output", "Current output", "No output (high-Z)", "No output (grounded)")
RULE = "-" * 34


class Output(IntEnum):
    """What a channel is connected to."""

    VOLTAGE = 0
    CURRENT = 1
    HIGH_Z = 2
    GROUNDED = 3


@dataclass(frozen=True, slots=True)
class Train:
    """The parameters of one train. A stage is two amplitudes, uA or mV by mode, and its time in us."""

    modes: tuple[int, int] = (Output.GROUNDED, Output.GROUNDED)
    period_us: int = 10_000
    duration_us: int = 500_000
    stages: tuple[tuple[int, int, int], ...] = ()


@dataclass(slots=True)
class Running:
    """A train that was started: when, when it is played next, and how often it was."""

    train: Train
    started_us: int
    next_us: int
    pulses: int = 0


class StimJim:
    """See `simulation.uart.Instrument`. One of the two channels is on a load; the other is not.

    `timer_ppm` is how fast the timer of trains runs, and 0 is one that stands.
    """

    terminators = b"\n"
    urgent = b""

    def __init__(self, load: Load, current_offset: int = 7) -> None:
        self.load = load
        self.current_offset = current_offset
        self.heard: list[str] = []
        self.boots = 0
        self.stuck_reading: int | None = None
        self.timer_ppm = 1_000_000
        self._noise = Random(load.body.resistance_ohm)
        self._timer_us = 0
        self._said = bytearray()
        self._busy_ms = 0
        self.boot()

    def boot(self) -> None:
        """The board starts: outputs grounded, offsets measured, a banner after two seconds."""
        self.boots += 1
        self.output = Output.GROUNDED
        self.steps = self.current_offset
        self.trains = [Train()] * TRAINS
        self._running: dict[str, Running | None] = {}
        self._stages: list[tuple[int, int]] = []
        self._playing = False
        self._busy_ms = BOOT_MS
        self._banner_due = True
        self._started = True
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
                self._start(letter, first)
            case "S":
                self._define(text)
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
        for _ in range(ms):
            self._pass_ms()

    def has_started(self) -> bool:
        started, self._started = self._started, False
        return started

    def due_in_ms(self) -> int:
        """A train that is over says so by itself."""
        if self.timer_ppm <= 0:
            return QUIET_MS
        plays = [running.next_us for running in self._running.values() if running is not None]
        waits = [(next_us - self._timer_us) * 1_000 // self.timer_ppm for next_us in plays]
        return max(1, min([QUIET_MS, *waits]))

    def _pass_ms(self) -> None:
        """One millisecond: what is played, what is driven, and what the timers start."""
        if self._stages:
            self.steps, left_ms = self._stages[0]
            self._stages[:1] = [(self.steps, left_ms - 1)] if left_ms > 1 else []
        driven = None
        if self.output is Output.CURRENT:
            driven = (self.steps - self.current_offset) * NA_PER_STEP_TENTHS // 10
        self.load.drive(driven, COMPLIANCE_MV, 1)
        if self._busy_ms > 0:
            self._busy_ms -= 1
            if self._busy_ms == 0:
                self._rest()
        self._timer_us += self.timer_ppm // 1_000
        for letter, running in list(self._running.items()):
            if running is not None and self._timer_us >= running.next_us:
                running.next_us += running.train.period_us
                self._play(letter, running)

    def _rest(self) -> None:
        """The board looks at its line again."""
        if self._banner_due:
            self._banner_due = False
            self._banner()
        elif self._playing:
            self._playing = False
            self._end_play()

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
            counts += self._noise.randint(-1, 1)
        counts = max(-COUNTS_MAX, min(COUNTS_MAX, counts))
        if self.stuck_reading is not None:
            counts = self.stuck_reading
        scaled = counts * NA_PER_COUNT // 1000 if line else counts * UV_PER_COUNT // 1000
        self._busy_ms = READING_MS
        self._say(f"Read value: {counts} ({scaled}{'uA' if line else 'mV'})")

    # --- trains -----------------------------------------------------------------------------------------
    def _define(self, text: str) -> None:
        found = TRAIN.match(text)
        index = int(found.group(1)) if found is not None else TRAINS
        if found is None or index >= TRAINS:
            self._say("Invalid PulseTrain index.")
            return
        parts = [part.split(",") for part in found.group(6).split(";") if part.strip()]
        if len(parts) > STAGES_MAX:
            self.boot()  # the eleventh stage is written beyond its array
            return
        modes = [min(int(found.group(at)), int(Output.GROUNDED)) for at in (2, 3)]
        stages = tuple((int(first), int(second), int(us)) for first, second, us in parts)
        train = Train((modes[0], modes[1]), int(found.group(4)), int(found.group(5)), stages)
        self.trains[index] = train
        units = ["mV" if mode == Output.VOLTAGE else "uA" for mode in train.modes]
        self._say(RULE)
        self._say(f"Parameters for PulseTrain[{index}]")
        for channel, mode in enumerate(train.modes):
            self._say(f"  mode[ch{channel}]: {mode} ({MODES[mode]})")
        hertz = 1_000_000 / max(1, train.period_us)
        self._say(f"  period:    {train.period_us} usec ({train.period_us / 1e6:.3f} sec, {hertz:.3f} Hz)")
        self._say(f"  duration:  {train.duration_us} usec ({train.duration_us / 1e6:.3f} sec)")
        self._say("")
        self._say("  stage    duration     output0   output1")
        for number, (first, second, us) in enumerate(train.stages):
            self._say(f"   {number:2}  {us:7} usec {first:8}{units[0]} {second:8}{units[1]}")
        self._say(RULE)
        self._say("")

    def _start(self, letter: str, index: int) -> None:
        if index >= TRAINS:
            self._say("Invalid PulseTrain index.")
            return
        if index < 0:
            if letter not in self._running:
                self.boot()
                return
            self._say(f"Forcing {letter} train to stop")
            self._running[letter] = None
            return
        train = self.trains[index]
        running = Running(train, self._timer_us, self._timer_us + train.period_us)
        self._running[letter] = running
        self._say("")
        self._say(f"Started {letter} train with parameters of PulseTrain {index}")
        self._play(letter, running)

    def _play(self, letter: str, running: Running) -> None:
        """The stages of a train, or its end when its duration is over."""
        train = running.train
        if self._timer_us - running.started_us >= train.duration_us:
            self._running[letter] = None
            self._summary(running)
            return
        running.pulses += 1
        if not train.stages or train.modes[0] not in (Output.VOLTAGE, Output.CURRENT):
            return
        if train.modes[0] == Output.CURRENT:
            self.output = Output.CURRENT
            steps = [first * 10_000 // NA_PER_STEP_TENTHS for first, _, _ in train.stages]
            lasting = zip(steps, (us // 1_000 for _, _, us in train.stages), strict=True)
            self._stages = [(self.current_offset + step, ms) for step, ms in lasting if ms]
        whole_ms = sum(ms for _, ms in self._stages)
        self._playing = whole_ms > 0
        self._busy_ms = max(self._busy_ms, whole_ms)
        if not self._playing:
            self._end_play()

    def _end_play(self) -> None:
        self.steps, self.output = self.current_offset, Output.GROUNDED

    def _summary(self, running: Running) -> None:
        self._say(f"Train complete. Delivered {running.pulses} pulses.")
        self._say("Current/Voltage by stage: ")
        self._say("           Ch0                Ch1 ")
        for number, _ in enumerate(running.train.stages):
            self._say(f"Stage {number}     0uA,               0uA,          ")
