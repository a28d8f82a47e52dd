"""A safety process that says what a test wants it to, at a real socket, and keeps what it is told."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from pathlib import Path

from ionto_ir.canonical import Json
from ionto_runtime.messages import line_of

Message = dict[str, Json]
MA, KOHM = 1_000_000, 1_000
WAIT_S = 60.0
AGAIN_S = 0.3

FACTS: Message = {
    "type": "facts",
    "plan": {"title": "Plantar fasciitis: dexamethasone phosphate", "version": "1.0.0"},
    "patient": "P-117",
    "operator": "R. Meier",
    "device": "IonLink reference SIM-0001, firmware 1 on /dev/ttyUSB0, SIMULATED",
    "simulated": True,
    "for_people": True,
    "banner": None,
    "planned_pc": 40 * 60_000_000_000,
    "planned_ms": 1_230_000,
    "steps": ["Ramp to 2 mA over 30 s", "Hold 2 mA", "Ramp to 0 mA over 30 s"],
    "journal": "records/x.journal",
    "process": {},
    "confirm": {"plan": "ab"},
    "electrodes": [
        {"place": "active", "role": "cathode", "site": "plantar heel", "area_um2": 1_010_000_000},
        {"place": "return", "role": "anode", "site": "calf", "area_um2": 4_000_000_000},
    ],
    "compliance_mv": 80_000,
    "ohm_max": 15 * KOHM,
    "dead_man": "device",
    "ended_by": "the device, when a lease ends",
    "adjustable": [{"name": "current", "text": "Set to comfort", "range": "1 mA to 4 mA", "example": "4 mA"}],
    "buttons": [],
    "tool": "ionto 0.1.0",
}


def reading(**changes: Json) -> Message:
    """What a device says of itself in a quiet session."""
    return {
        "current_na": 1_990_000,
        "voltage_mv": 6_000,
        "impedance_ohm": 3 * KOHM,
        "at_compliance": False,
        "output_on": True,
        "lead_off": False,
        "expired": False,
        "setpoint_na": 2 * MA,
        "seq": 5,
        "boot_count": 1,
        "device_ms": 61_000,
        **changes,
    }


def alarm(code: str, text: str, priority: str) -> Json:
    """An alarm as it is told."""
    return {"code": code, "text": text, "priority": priority}


def view(**changes: Json) -> Message:
    """A quiet session at 5 minutes."""
    return {
        "type": "view",
        "sequence": 1,
        "sent_ms": 0,
        "wall_ms": 0,
        "mode": "on",
        "word": "RUNNING",
        "step": "Hold 2 mA",
        "setpoint_na": 2 * MA,
        "reading": reading(),
        "nominal_pc": 10 * 60_000_000_000,
        "upper_pc": 103 * 6_000_000_000,
        "behind_pc": 0,
        "elapsed_ms": 300_000,
        "remaining_ms": 900_000,
        "about": False,
        "prompt": None,
        "waits": None,
        "alarms": [],
        "acknowledged": [],
        "refusal": None,
        "values": {},
        "head": "aa0d227b46189e0970b41c258813a002b8a2615f2ff46de1edeef156f1913ca2",
        "end": None,
        "closed": False,
        **changes,
    }


class FakeDesk:
    """One console at a time. `say` speaks to it, `heard` is what it said.

    The last view is said again, as a safety process does, until `fall_silent`: what a test looks at then does
    not grow old while a busy machine keeps the test waiting.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.heard: list[Message] = []
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen(1)
        self._connection: socket.socket | None = None
        self._here = threading.Event()
        self._speaking = threading.Lock()
        self._again: Message | None = None
        threading.Thread(target=self._serve, daemon=True).start()
        threading.Thread(target=self._repeat, daemon=True).start()

    def _serve(self) -> None:
        try:
            self._connection, _ = self._listener.accept()
        except OSError:
            return
        self._here.set()
        lines = self._connection.makefile("rb")
        with lines, contextlib.suppress(OSError):
            for line in lines:
                self.heard.append(json.loads(line))

    def say(self, *messages: Message) -> None:
        """Say something to the console, once it is there."""
        assert self._here.wait(WAIT_S), "nobody came to the desk"
        with self._speaking:
            for message in messages:
                self._again = message if message["type"] in ("view", "bye") else self._again
                self._send(message)

    def fall_silent(self) -> None:
        """Say nothing by itself until the next view."""
        with self._speaking:
            self._again = None

    def _send(self, message: Message) -> None:
        assert self._connection is not None
        self._connection.sendall(line_of(message))

    def _repeat(self) -> None:
        while self._listener.fileno() >= 0:
            time.sleep(AGAIN_S)
            with self._speaking, contextlib.suppress(OSError):
                if self._again is not None and self._again["type"] == "view":
                    self._send(self._again)

    def commands(self) -> list[str]:
        """What was asked for so far, beats left out."""
        return [
            str(item.get("do", item["type"])) for item in self.heard if item["type"] not in ("beat", "join")
        ]

    def until_asked(self, what: str) -> Message:
        """Wait until something is asked for."""
        end = time.monotonic() + WAIT_S
        while time.monotonic() < end:
            for item in self.heard:
                if what in (item.get("do"), item["type"]):
                    return item
            time.sleep(0.02)
        raise AssertionError(f"`{what}` was not asked for: {self.commands()}")

    def go(self) -> None:
        """The safety process is killed."""
        self.fall_silent()
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
            self._connection.close()
        self._listener.close()
