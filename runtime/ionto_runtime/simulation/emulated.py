"""The reference firmware, emulated: a process that runs it step by step, and the plant at its pins.

Time stands still between two calls of `advance`, so a test decides what happens in which millisecond of the
firmware's own clock, however busy the machine is.
"""

from __future__ import annotations

import struct
import subprocess
from pathlib import Path

from ionto_runtime.link.schema import CONTROL_MS, Trip
from ionto_runtime.simulation.plant import Counts, Drive, Plant

SUPPLY_MV = 5_000
COUNT_FULL = 1_023
STEP_MS_MAX = CONTROL_MS
"""The skin is looked at no less often than the firmware looks at it."""

CONVERTER_STEP_NA, CONVERTER_STEP_MV = 1_000, 20
ANSWER = struct.Struct("<HHBBH")
SERIAL_AT, SERIAL_BYTES = 4, 16
"""Where the firmware keeps its serial number, behind its two boot counts."""

MCUSR = {Trip.NONE: 1, Trip.BROWN_OUT: 4, Trip.WATCHDOG: 8}
"""What the register that names the cause of a reset holds: power-on, brown-out, watchdog."""

TIMSK0_AT = 0x6E
"""The register by which the firmware is told of the time; cleared, its main loop stands still."""


class EmulatorError(Exception):
    """The emulator has ended; what it said last."""


class Emulated:
    """See `ReferenceDevice`."""

    def __init__(self, bridge: Path, firmware: Path, plant: Plant, serial: str = "SIM-0001") -> None:
        self.plant = plant
        self.stop_line = False
        self.clock_ppm = 0
        self.silent = False
        self._process = subprocess.Popen(
            [bridge, firmware], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self._in = bytearray()
        self._out = bytearray()
        self._clock_debt_us = 0
        self.drive = Drive(0, True, False, 0)
        self._counts = Counts(0, 0, 0, 0, 0)
        for at, byte in enumerate(serial.encode("ascii").ljust(SERIAL_BYTES, b"\0")):
            self._request(b"E" + struct.pack("<HB", SERIAL_AT + at, byte))
        self.restart()

    def receive(self, data: bytes) -> None:
        self._in += data

    def transmit(self) -> bytes:
        sent = bytes(self._out)
        self._out.clear()
        return b"" if self.silent else sent

    def advance(self, ms: int) -> None:
        while ms > 0:
            step_ms = min(ms, STEP_MS_MAX)
            self._step(step_ms)
            ms -= step_ms

    def due_in_ms(self) -> int:
        # A processor is never at rest, and to catch up with it takes time.
        return 1

    def restart(self, cause: Trip = Trip.NONE) -> None:
        self._request(b"R" + bytes([MCUSR[cause]]))

    def hang(self) -> None:
        """Let the main loop stand still, as a fault of the program would."""
        self.poke(TIMSK0_AT, 0)

    def poke(self, address: int, value: int) -> None:
        """A register or a byte of memory that goes wrong."""
        self._request(b"W" + struct.pack("<HB", address, value))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _step(self, ms: int) -> None:
        self._counts = counts = self.plant.pass_time(self.drive, ms)
        self._clock_debt_us += ms * (1_000_000 + self.clock_ppm)
        us, self._clock_debt_us = divmod(self._clock_debt_us, 1_000)
        portion = bytes(self._in[:1_000])
        del self._in[:1_000]
        pins = (_mv(counts.forward), _mv(counts.backward), _mv(counts.voltage))
        self._request(b"S" + struct.pack("<IB3HH", us, self.stop_line, *pins, len(portion)) + portion)
        current, compliance, lines, _, sent = ANSWER.unpack(self._answer(ANSWER.size))
        self._out += self._answer(sent)
        self.drive = Drive(
            current * CONVERTER_STEP_NA, bool(lines & 2), bool(lines & 1), compliance * CONVERTER_STEP_MV
        )

    def _request(self, data: bytes) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(data)
            self._process.stdin.flush()
        except BrokenPipeError:
            raise EmulatorError(self._last_words()) from None

    def _answer(self, count: int) -> bytes:
        assert self._process.stdout is not None
        data = self._process.stdout.read(count)
        if len(data) < count:
            raise EmulatorError(self._last_words())
        return data

    def _last_words(self) -> str:
        return self._process.communicate()[1].decode("utf-8", "replace")[-500:]


def _mv(count: int) -> int:
    """The voltage at a pin that the converter reads as `count`."""
    return -(-count * SUPPLY_MV // COUNT_FULL)
