"""The second channel of a simulated device: lines of words that make something go wrong, and tell the truth.

What the device itself says may be a lie that the test asked for; `state` says what really flows.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TypeVar

from ionto_runtime.link.schema import Trip
from ionto_runtime.simulation.emulated import Emulated
from ionto_runtime.simulation.ionlink_device import IonLinkDevice
from ionto_runtime.simulation.line_faults import Disturbance, FaultyLine
from ionto_runtime.simulation.load import LoadFault
from ionto_runtime.simulation.plant import ReferenceDevice, SensorFault
from ionto_runtime.simulation.pty_server import PtyServer

T = TypeVar("T", LoadFault, SensorFault)

WORDS_MAX = 5
DONE = "done"

HELP = """\
state                                          what really flows, as JSON
plant FAULT on|off                             lead_off short stuck_output swapped stuck_reading dead_sensor
                                               clipping
plant gain_ppm|reading_offset_na N             output error, offset of the readings
device silent|stop_line on|off                 never answer; pull the stop line
device clock_ppm N                             run the device's clock fast or slow
device restart power|watchdog|brown_out        begin anew
device lease_never_ends on|off                 twin: take the timeout, never start the timer
device clock_back MS                           twin: turn the clock back
device hang                                    firmware: let the main loop stand still
line to_device|to_host mute on|off             carry nothing
line to_device|to_host drop|duplicate|truncate|flip N    the next N portions
line to_device|to_host delay N MS              the next N portions, by so long
line to_device|to_host noise_bytes_s N         random bytes beside
line reading on|off                            the device no longer takes bytes
unplug | replug                                close the line; open another
help"""

_CAUSES = {"power": Trip.NONE, "watchdog": Trip.WATCHDOG, "brown_out": Trip.BROWN_OUT}
_SWITCHES = {"on": True, "off": False}


class FaultPort:
    """Carries out one line at a time; the answer is one line, `done`, JSON, or `no: ` and why."""

    def __init__(self, device: ReferenceDevice, line: FaultyLine, server: PtyServer) -> None:
        self._device = device
        self._line = line
        self._server = server

    def do(self, text: str) -> str:
        """What became of it."""
        match text.split()[:WORDS_MAX]:
            case ["state"]:
                return json.dumps(self._state())
            case ["help"]:
                return HELP
            case ["unplug"]:
                self._server.unplug()
            case ["replug"]:
                self._server.plug_in()
                return self._server.path
            case ["plant", name, value]:
                return self._plant(name, value)
            case ["device", *words]:
                return self._to_device(words)
            case ["line", "reading", ("on" | "off") as value]:
                self._server.reading = _SWITCHES[value]
            case ["line", ("to_device" | "to_host") as direction, *words]:
                return _disturb(getattr(self._line, direction), words)
            case _:
                return "no: nothing that this port knows; try `help`"
        return DONE

    def _state(self) -> dict[str, object]:
        plant = self._device.plant
        return {
            "current_na": plant.current_na,
            "forward_pc": plant.received.forward_pc,
            "backward_pc": plant.received.backward_pc,
            "peak_na": plant.received.peak_na,
            "on_ms": plant.on_ms,
            "ohm": round(plant.body.resistance_ohm),
        }

    def _plant(self, name: str, value: str) -> str:
        plant = self._device.plant
        if name in ("gain_ppm", "reading_offset_na"):
            return _number(value, lambda number: setattr(plant, name, number))
        if value in _SWITCHES:
            for fault in LoadFault:
                if fault.name.lower() == name:
                    return _switch(plant.load.faults, fault, _SWITCHES[value])
            for sensor in SensorFault:
                if sensor.name.lower() == name:
                    return _switch(plant.faults, sensor, _SWITCHES[value])
        return f"no: `{name} {value}` is no fault of a plant"

    def _to_device(self, words: list[str]) -> str:
        device = self._device
        match words:
            case [("silent" | "stop_line") as name, ("on" | "off") as value]:
                setattr(device, name, _SWITCHES[value])
            case ["clock_ppm", value]:
                return _number(value, lambda number: setattr(device, "clock_ppm", number))
            case ["restart", cause] if cause in _CAUSES:
                device.restart(_CAUSES[cause])
            case ["lease_never_ends", ("on" | "off") as value] if isinstance(device, IonLinkDevice):
                device.lease_never_ends = _SWITCHES[value]
            case ["clock_back", value] if isinstance(device, IonLinkDevice):
                return _number(value, device.turn_back_clock)
            case ["hang"] if isinstance(device, Emulated):
                device.hang()
            case _:
                return f"no: `{' '.join(words)}` is nothing that this device can do"
        return DONE


def _switch(faults: set[T], fault: T, on: bool) -> str:
    (faults.add if on else faults.discard)(fault)
    return DONE


def _disturb(how: Disturbance, words: list[str]) -> str:
    match words:
        case ["mute", ("on" | "off") as value]:
            how.mute = _SWITCHES[value]
            return DONE
        case [("drop" | "duplicate" | "truncate" | "flip" | "noise_bytes_s") as name, value]:
            return _number(value, lambda number: setattr(how, name, number))
        case ["delay", count, delay_ms]:
            said = _number(delay_ms, lambda number: setattr(how, "delay_ms", number))
            return _number(count, lambda number: setattr(how, "delay", number)) if said == DONE else said
        case _:
            return f"no: `{' '.join(words)}` is nothing that a line can do"


def _number(text: str, take: Callable[[int], None]) -> str:
    try:
        number = int(text)
    except ValueError:
        return f"no: `{text}` is not a whole number"
    take(number)
    return DONE
