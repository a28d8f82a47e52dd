"""What monitors see and do, slowly and obviously: the part of the reference that reads the device."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from ionto_ir.expression import Expression, Undefined, Value, evaluate, references
from ionto_ir.monitor import Monitor
from ionto_ir.plan import Plan
from ionto_ir.scenario import Happening, Occurrence

TELLING_NA = 100_000


class Seen(NamedTuple):
    """One interval: the mode in which it passed, the setpoint (None: off), charge and time at its end, and
    the share of the setpoint that its waveform's mean is.
    """

    mode: str
    set_na: int | None
    charge_pc: int
    elapsed_ms: int
    share: Fraction


class Watching:
    """The monitors of a session, and the load that its device sees."""

    def __init__(self, plan: Plan) -> None:
        self.monitors = plan.monitors
        assumed = [item.impedance for item in plan.envelopes if item.impedance is not None]
        self.usual_ohm = (assumed[0].ohm_min + assumed[0].ohm_max) // 2 if assumed else 2_000
        self.ohm: int = self.usual_ohm
        self.wrong: dict[str, int | None] = {}
        self.compliance_mv = plan.device.compliance_mv
        self.ticks = [0] * len(self.monitors)
        self.acted = [False] * len(self.monitors)
        self.latest: dict[str, int] = {}

    def change(self, event: Occurrence) -> None:
        """Something about the readings changes."""
        name = event.happening.value
        self.wrong.pop(name, None)
        if event.variable == "missing":
            self.wrong[name] = None
        elif event.happening is Happening.IMPEDANCE:
            self.ohm = self.usual_ohm if event.value is None else int(event.value)
        elif event.value is not None:
            self.wrong[name] = int(event.value)

    def read(self, set_na: int | None, share: Fraction) -> dict[str, int]:
        """What the device says, of the current its mean of |I|; what it does not say is left out."""
        wanted_mv = Fraction((set_na or 0) * self.ohm, 1_000_000).__floor__()
        voltage_mv = min(wanted_mv, self.compliance_mv)
        current_na = set_na or 0
        if wanted_mv > self.compliance_mv:
            current_na = Fraction(self.compliance_mv * 1_000_000, self.ohm).__floor__()
        right = {"current": (current_na * share).__ceil__(), "voltage": voltage_mv, "impedance": self.ohm}
        said = {name: self.wrong.get(name, value) for name, value in right.items()}
        return {f"measured.{name}": value for name, value in said.items() if value is not None}

    def forget(self) -> None:
        """Nothing is looked at: no condition goes on holding."""
        self.ticks = [0] * len(self.monitors)

    def look(self, seen: Seen, values: Mapping[str, Value], tick_ms: int) -> str | None:
        """The strictest that the monitors want, after one more tick."""
        self.latest = self.read(seen.set_na, seen.share)
        wanted = set()
        for number, monitor in enumerate(self.monitors):
            action = monitor.action.value
            pausing = action == "pause"
            if pausing and (seen.mode in ("pausing", "paused") or not seen.elapsed_ms):
                self.ticks[number] = 0
                continue
            if self.holds(number, monitor, seen, values):
                self.ticks[number] += 1
                if self.ticks[number] * tick_ms >= monitor.persistence_ms:
                    self.ticks[number] = 0
                    self.acted[number] = True
                    wanted.add(action)
        return next((action for action in ("stop", "pause") if action in wanted), None)

    def holds(self, number: int, monitor: Monitor, seen: Seen, values: Mapping[str, Value]) -> bool:
        """Whether the condition counts as holding; one that lets go starts anew."""
        waiting_for_end = self.acted[number] and monitor.until is not None
        condition = monitor.until if waiting_for_end else monitor.condition
        assert condition is not None, "there is an `until`"
        reads = any(name.startswith("measured.") for name in references(condition))
        found: bool | None = None
        if not reads or seen.mode in ("on", "pausing"):
            found = self.truth(condition, values, seen.charge_pc, seen.elapsed_ms)
            if found is None:
                found = None if (seen.set_na or 0) < TELLING_NA else not waiting_for_end
        holds = None if found is None else found is not waiting_for_end
        if holds is False and self.acted[number] and monitor.action.value != "stop":
            self.acted[number] = False
        if not holds:
            self.ticks[number] = 0
        return bool(holds)

    def truth(
        self, condition: Expression, values: Mapping[str, Value], charge_pc: int, elapsed_ms: int
    ) -> bool | None:
        """The condition on the latest readings; None if one of them is missing."""
        delivered = {"output.charge": charge_pc, "output.elapsed": elapsed_ms}
        found = evaluate(condition, {**values, **self.latest, **delivered})
        return None if isinstance(found, Undefined) else bool(found)

    def lets_go(self, charge_pc: int, elapsed_ms: int) -> bool:
        """A person resumes: whether no monitor that paused holds the session back, as far as can be told."""
        untold = []
        for number, monitor in enumerate(self.monitors):
            if monitor.action.value == "pause":
                until = monitor.until
                ends = True if until is None else self.truth(until, {}, charge_pc, elapsed_ms)
                if self.acted[number] and ends is False:
                    return False
                untold.append((number, ends is None))
        for number, unknown in untold:
            self.acted[number] = self.acted[number] and unknown
            self.ticks[number] = 0
        return True
