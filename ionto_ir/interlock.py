"""The interlock: a second opinion on every output command, with arithmetic of its own.

It sees what goes out and what comes in, never the sequencer and never the table, and keeps its own count: how
often the output was on, the sum of what was set, and what had to be added. From these it works out both
ledgers, the charge of a stop tick by tick, slew, polarity and time, and compares. Where the table and this
disagree nobody knows who is right, so the output opens and the session ends.
"""

from __future__ import annotations

from typing import NamedTuple

from ionto_ir.dataclass import dataclass, field
from ionto_ir.machine_terms import Constants

OFF = -1
"""Stands for "the output is open" among magnitudes."""

STOPS_KEPT_MAX = 4_096
"""Charges of stops that are remembered, by setpoint."""


class Watch(NamedTuple):
    """What the interlock has counted: all magnitudes in nA, OFF for an open output; charges in pC."""

    begun: bool = False
    over: bool = False
    last_na: int = OFF
    sign: int = 1
    doubt_na: int = OFF  # the highest setpoint that the device may still hold
    ticks_on: int = 0
    sum_na: int = 0
    extra_pc: int = 0
    extra_nominal_pc: int = 0
    ticks_since_start: int = 0


Judgement = tuple[Watch, str | None]
"""What is counted now, and the complaint if there is one."""


@dataclass(frozen=True, slots=True)
class Interlock:
    """Judges what the executor is about to send; `stops` remembers sums that were worked out."""

    constants: Constants
    stops: dict[int, tuple[int, int]] = field(default_factory=dict, compare=False, repr=False)

    def worst_na(self, current_na: int) -> int:
        """The highest current the skin may receive while the output is at `current_na`."""
        if current_na < 0:
            return 0
        millionths = current_na * (1_000_000 + self.constants.accuracy_ppm)
        return (millionths + 999_999) // 1_000_000 + self.constants.offset_na

    def stop_pc(self, current_na: int) -> tuple[int, int]:
        """Worst-case and nominal charge of a stop from `current_na`: the sum over its ticks."""
        known = self.stops.get(current_na)
        if known is None:
            if len(self.stops) >= STOPS_KEPT_MAX:
                self.stops.clear()
            fall_na, tick_ms = self.constants.fall_na, self.constants.tick_ms
            levels = range(current_na - fall_na, 0, -fall_na)
            worst_na = sum(map(self.worst_na, levels))
            known = self.stops[current_na] = (tick_ms * worst_na, tick_ms * sum(levels))
        return known

    # --- what is counted --------------------------------------------------------------------------------
    def tick(
        self, watch: Watch, measured_na: int, acknowledged: bool, output_na: int | None, driving: bool
    ) -> Judgement:
        """A tick: `output_na` is what is about to be set (signed), None if the output is or will be open."""
        begun, over, last_na, sign, doubt_na, ticks_on, sum_na, extra_pc, lent_pc, ticks = watch
        rules = self.constants
        held_na = last_na if acknowledged else doubt_na
        held_worst = self.worst_na(held_na)
        if measured_na > held_worst and measured_na > rules.offset_na:
            extra_pc += rules.tick_ms * (self.worst_na(measured_na) - self.worst_na(last_na))
        elif held_na != last_na:
            extra_pc += rules.tick_ms * (held_worst - self.worst_na(last_na))
        if output_na is None:
            complaint = None
            if last_na > rules.fall_na + rules.step_na and measured_na <= held_worst:
                complaint = "the output opens above zero for no reason"
            now = Watch(
                begun, over, OFF, sign, held_na, ticks_on, sum_na, extra_pc, lent_pc, ticks + (ticks > 0)
            )
            return now, complaint
        magnitude_na = abs(output_na)
        if output_na:
            new_sign = 1 if output_na > 0 else -1
        else:
            new_sign = sign
        now = Watch(
            begun,
            over,
            magnitude_na,
            new_sign,
            magnitude_na if magnitude_na > held_na else held_na,
            ticks_on + 1,
            sum_na + magnitude_na,
            extra_pc,
            lent_pc,
            ticks + 1,
        )
        if new_sign != sign and last_na > 0:
            return now, "the polarity changes above zero"
        if driving:
            return now, self._objection_to_drive(now, last_na, acknowledged)
        return now, None if magnitude_na <= last_na else "a stop rises"

    def _objection_to_drive(self, now: Watch, before_na: int, acknowledged: bool) -> str | None:
        rules = self.constants
        set_na = now.last_na
        if not now.begun or now.over or not rules.screened:
            return "the output is set outside of a session"
        cap_na = rules.current_cap_na if now.sign > 0 else rules.current_cap_reversed_na
        if set_na > cap_na or set_na % rules.step_na:
            return "the current cannot be set"
        change_na = set_na - max(before_na, 0)
        if abs(change_na) >= rules.rise_na + rules.step_na:
            return "the current jumps"
        if change_na > 0 and not acknowledged:
            return "the current rises without confirmation"
        stop_pc, stop_nominal_pc = self.stop_pc(set_na)
        lost_pc = rules.watchdog_ms * self.worst_na(now.doubt_na)
        if self.upper_pc(now)[0] + stop_pc + lost_pc > rules.cap_pc:
            return "the dose would pass its cap"
        if self.nominal_pc(now) + stop_nominal_pc > rules.cap_nominal_pc:
            return "the nominal dose would pass its cap"
        if (now.ticks_since_start + set_na // rules.fall_na) * rules.tick_ms > rules.duration_cap_ms:
            return "the session would last too long"
        return None

    def opened(self, watch: Watch) -> Watch:
        """The output opens between two ticks: what the device holds is not known until it confirms."""
        extra_pc = watch.extra_pc + self._doubt_pc(watch)
        return watch._replace(last_na=OFF, extra_pc=extra_pc)

    def left_alone(self, watch: Watch) -> Watch:
        """The link is gone: the device may hold its highest current until its watchdog ends it."""
        watchdog_ms = self.constants.watchdog_ms
        extra_pc = watch.extra_pc + self._doubt_pc(watch) + watchdog_ms * self.worst_na(watch.doubt_na)
        lent_pc = watch.extra_nominal_pc + watchdog_ms * max(watch.last_na, 0)
        return watch._replace(last_na=OFF, doubt_na=OFF, extra_pc=extra_pc, extra_nominal_pc=lent_pc)

    def crashed(self, watch: Watch, outage_ms: int) -> Watch:
        """The host failed: the highest current there is, for as long as it may have flowed unrecorded."""
        rules = self.constants
        highest_na = max(rules.current_cap_na, rules.current_cap_reversed_na)
        unknown_ms = (rules.journal_lag_ticks + 1) * rules.tick_ms + rules.watchdog_ms
        return watch._replace(
            last_na=OFF,
            doubt_na=OFF,
            extra_pc=watch.extra_pc + unknown_ms * self.worst_na(highest_na),
            extra_nominal_pc=watch.extra_nominal_pc + unknown_ms * highest_na,
            ticks_since_start=watch.ticks_since_start + outage_ms // rules.tick_ms
            if watch.ticks_since_start
            else 0,
        )

    def confirmed_late(self, watch: Watch) -> Watch:
        """The last command was confirmed after its tick: until then the device may have held more."""
        return watch._replace(doubt_na=watch.last_na, extra_pc=watch.extra_pc + self._doubt_pc(watch))

    def _doubt_pc(self, watch: Watch) -> int:
        return self.constants.tick_ms * (self.worst_na(watch.doubt_na) - self.worst_na(watch.last_na))

    # --- what follows from it ---------------------------------------------------------------------------
    def upper_pc(self, watch: Watch) -> tuple[int, int]:
        """Bounds on the upper ledger: each tick was rounded up, by less than 1 nA each."""
        rules = self.constants
        millionths = watch.sum_na * rules.accuracy_ppm
        set_na = watch.sum_na + watch.ticks_on * rules.offset_na
        lowest_na = set_na + (millionths + 999_999) // 1_000_000
        highest_na = set_na + millionths // 1_000_000 + watch.ticks_on
        return rules.tick_ms * lowest_na + watch.extra_pc, rules.tick_ms * highest_na + watch.extra_pc

    def nominal_pc(self, watch: Watch) -> int:
        """The nominal ledger."""
        return self.constants.tick_ms * watch.sum_na + watch.extra_nominal_pc

    def disagreement(self, watch: Watch, upper_pc: int, nominal_pc: int) -> str | None:
        """What is wrong with the ledgers that the machine claims, if anything is."""
        lowest_pc, highest_pc = self.upper_pc(watch)
        if not lowest_pc <= upper_pc <= highest_pc:
            return "the upper ledgers differ"
        return None if nominal_pc == self.nominal_pc(watch) else "the nominal ledgers differ"
