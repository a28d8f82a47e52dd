"""The interlock: a second opinion on every output command, with arithmetic of its own.

It sees what goes out and what comes in, never the sequencer and never the table, and keeps its own count: how
often the output was on, the sum of what was set, and what had to be added. From these it works out both
ledgers, the charge of a stop tick by tick, slew, polarity and time, and compares. Where the table and this
disagree nobody knows who is right, so the output opens and the session ends.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from ionto_ir.constants import Constants
from ionto_ir.dataclass import dataclass
from ionto_ir.interlock_windows import OFF as OFF
from ionto_ir.interlock_windows import Record, counted, passed
from ionto_ir.waveform import PPM, Waveform, mean_share_ppm

STOPS_KEPT_MAX = 4_096
"""Charges of stops that are remembered, by setpoint and share."""

_watch = tuple.__new__
"""Makes a Watch from a tuple, at every tick, in half the time that its constructor takes."""


class Watch(NamedTuple):
    """What the interlock has counted: all magnitudes in nA, OFF for an open output; charges in pC."""

    begun: bool = False
    over: bool = False
    last_na: int = OFF
    sign: int = 1
    doubt_na: int = OFF  # the highest mean of |I| that the device may still hold
    ticks_on: int = 0
    sum_na: int = 0
    extra_pc: int = 0
    extra_nominal_pc: int = 0
    ticks_since_start: int = 0
    less_na: int = 0  # by how much the mean of |I| of what was set last is below its peak
    record: Record = Record()  # what moving windows look at, where there are any

    @property
    def mean_na(self) -> int:
        """The mean of |I| of what was set last; OFF for an open output."""
        return self.last_na - self.less_na


Ledgers = tuple[int, int, int]
"""At least and at most what the upper ledger holds, and what the nominal one holds, pC."""

Judgement = tuple[Watch, str | None]
"""What is counted now, and the complaint if there is one."""


@dataclass(frozen=True, slots=True)
class Interlock:
    """Judges what the executor is about to send."""

    constants: Constants

    def worst_na(self, current_na: int) -> int:
        """The highest current the skin may receive while the output is at `current_na`."""
        if current_na < 0:
            return 0
        return _worst_na(current_na, self.constants.accuracy_ppm, self.constants.offset_na)

    def stop_of(self, current_na: int, share_ppm: int = PPM) -> tuple[int, int, int]:
        """The worst case of the mean at a setpoint, nA, and the worst-case and nominal charge of a stop from
        it, pC.
        """
        rules = self.constants
        return _stop_of(
            current_na, share_ppm, rules.fall_na, rules.tick_ms, rules.accuracy_ppm, rules.offset_na
        )

    # --- what is counted --------------------------------------------------------------------------------
    def tick(
        self,
        watch: Watch,
        measured_na: int,
        acknowledged: bool,
        output_na: int | None,
        waveform: Waveform | None,
        driving: bool,
        upper_pc: int,
        nominal_pc: int,
    ) -> Judgement:
        """A tick: what came in, what is about to go out, and the ledgers that the machine claims.

        `output_na` is signed, None when the output is or will be open; `driving`: the plan goes on.
        """
        begun, over, last_na, sign, doubt_na, ticks_on, sum_na, extra_pc, lent_pc, ticks, less_na, record = (
            watch
        )
        mean_na = last_na - less_na
        held_na = mean_na if acknowledged else doubt_na
        too_much = False
        if measured_na > held_na or held_na != mean_na:
            too_much, more_pc = self._more_than_set(mean_na, held_na, measured_na)
            extra_pc += more_pc
        complaint, share_ppm = None, PPM
        if output_na is None:
            if last_na > self.constants.fall_na + self.constants.step_na and not too_much:
                complaint = "the output opens above zero for no reason"
            set_na, less_na, doubt_na, ticks = OFF, 0, held_na, ticks + (ticks > 0)
        else:
            set_na = abs(output_na)
            if output_na * sign < 0:
                sign = -sign
                if last_na > 0:
                    complaint = "the polarity changes above zero"
            if set_na > last_na and set_na > 0 and not (driving and acknowledged):
                complaint = "the current rises in a stop, or without confirmation"
            mean_na = set_na
            if waveform is not None:
                share_ppm = mean_share_ppm(waveform)
                mean_na = _mean(set_na, share_ppm)
            less_na = set_na - mean_na
            doubt_na, ticks_on, ticks = max(mean_na, held_na), ticks_on + 1, ticks + 1
            sum_na += mean_na
        if self.constants.windows:
            extra = (watch.extra_pc, lent_pc, extra_pc, lent_pc)
            set_mean_na = OFF if output_na is None else mean_na
            record = passed(record, self.constants.windows, set_mean_na, 1, extra)
        seen = (
            begun, over, set_na, sign, doubt_na, ticks_on, sum_na, extra_pc, lent_pc, ticks, less_na, record,
        )  # fmt: skip
        now: Watch = _watch(Watch, seen)
        ledgers = self._ledgers(now)
        if complaint is None and driving and output_na is not None:
            complaint = self._objection_to_drive(now, last_na, ledgers, share_ppm)
        return now, complaint or _difference(ledgers, upper_pc, nominal_pc)

    def _more_than_set(self, last_na: int, held_na: int, measured_na: int) -> tuple[bool, int]:
        """Whether more was measured than the accuracy allows, and what must be added for the tick."""
        held_worst, tolerated_na = self.worst_na(held_na), self.constants.offset_na
        too_much = measured_na > max(held_worst, tolerated_na)
        received_na = self.worst_na(measured_na) if too_much else held_worst
        return too_much, self.constants.tick_ms * (received_na - self.worst_na(last_na))

    def _objection_to_drive(self, now: Watch, before_na: int, ledgers: Ledgers, share_ppm: int) -> str | None:
        rules = self.constants
        set_na = now.last_na
        if not now.begun or now.over or not rules.screened:
            return "the output is set outside of a session"
        cap_na = rules.current_cap_na if now.sign > 0 else rules.current_cap_reversed_na
        if set_na > cap_na or set_na % rules.step_na:
            return "the current cannot be set"
        change_na = set_na - before_na if before_na > 0 else set_na
        if not -rules.step_na - rules.rise_na < change_na < rules.rise_na + rules.step_na:
            return "the current jumps"
        worst_na, stop_pc, stop_nominal_pc = self.stop_of(set_na, share_ppm)
        if now.doubt_na != now.mean_na:
            worst_na = self.worst_na(now.doubt_na)
        least_pc, _, set_pc = ledgers
        if least_pc + stop_pc + rules.watchdog_ms * worst_na > rules.cap_pc:
            return "the dose would pass its cap"
        if set_pc + stop_nominal_pc > rules.cap_nominal_pc:
            return "the nominal dose would pass its cap"
        if (now.ticks_since_start + set_na // rules.fall_na) * rules.tick_ms > rules.duration_cap_ms:
            return "the session would last too long"
        if rules.windows:
            return self._objection_of_windows(
                now.record, stop_pc + rules.watchdog_ms * worst_na, stop_nominal_pc
            )
        return None

    def _objection_of_windows(self, record: Record, stop_pc: int, stop_nominal_pc: int) -> str | None:
        """Whether with this tick, and a stop after it, a moving window would hold too much."""
        tick_ms = self.constants.tick_ms
        for window, held in zip(self.constants.windows, record.held, strict=True):
            charge_pc, sum_na = counted(record, window, held)
            if window.nominal:
                charge_pc += tick_ms * sum_na + stop_nominal_pc
            else:
                millionths = sum_na * self.constants.accuracy_ppm
                least_na = (
                    sum_na + held.ticks_on * self.constants.offset_na + (millionths + 999_999) // 1_000_000
                )
                charge_pc += tick_ms * least_na + stop_pc
            if charge_pc > window.cap_pc:
                return "a moving window would hold more than its cap"
        return None

    def opened(self, watch: Watch) -> Watch:
        """The output opens between two ticks: what the device holds is not known until it confirms."""
        extra_pc = watch.extra_pc + self._doubt_pc(watch)
        return watch._replace(last_na=OFF, less_na=0, extra_pc=extra_pc)

    def left_alone(self, watch: Watch) -> Watch:
        """The link is gone: the device may hold its highest current until its watchdog ends it."""
        watchdog_ms = self.constants.watchdog_ms
        extra_pc = watch.extra_pc + self._doubt_pc(watch) + watchdog_ms * self.worst_na(watch.doubt_na)
        lent_pc = watch.extra_nominal_pc + watchdog_ms * max(watch.last_na, 0)
        return watch._replace(
            last_na=OFF, less_na=0, doubt_na=OFF, extra_pc=extra_pc, extra_nominal_pc=lent_pc
        )

    def crashed(self, watch: Watch, outage_ms: int) -> Watch:
        """The host failed: the highest current there is, for as long as it may have flowed unrecorded."""
        rules = self.constants
        highest_na = max(rules.current_cap_na, rules.current_cap_reversed_na)
        unknown_ms = (rules.journal_lag_ticks + 1) * rules.tick_ms + rules.watchdog_ms
        outage_ticks = -(-outage_ms // rules.tick_ms)
        if rules.windows and outage_ticks:
            sums = (watch.extra_pc, watch.extra_nominal_pc)
            watch = watch._replace(
                record=passed(watch.record, rules.windows, OFF, outage_ticks, (*sums, *sums))
            )
        return watch._replace(
            last_na=OFF,
            less_na=0,
            doubt_na=OFF,
            extra_pc=watch.extra_pc + unknown_ms * self.worst_na(highest_na),
            extra_nominal_pc=watch.extra_nominal_pc + unknown_ms * highest_na,
            ticks_since_start=watch.ticks_since_start + outage_ms // rules.tick_ms
            if watch.ticks_since_start
            else 0,
        )

    def confirmed_late(self, watch: Watch) -> Watch:
        """The last command was confirmed after its tick: until then the device may have held more."""
        return watch._replace(doubt_na=watch.mean_na, extra_pc=watch.extra_pc + self._doubt_pc(watch))

    def _doubt_pc(self, watch: Watch) -> int:
        return self.constants.tick_ms * (self.worst_na(watch.doubt_na) - self.worst_na(watch.mean_na))

    # --- what follows from it ---------------------------------------------------------------------------
    def _ledgers(self, watch: Watch) -> Ledgers:
        tick_ms, offset_na = self.constants.tick_ms, self.constants.offset_na
        millionths = watch.sum_na * self.constants.accuracy_ppm
        set_na = watch.sum_na + watch.ticks_on * offset_na
        least_na = set_na + (millionths + 999_999) // 1_000_000
        most_na = set_na + millionths // 1_000_000 + watch.ticks_on
        extra_pc = watch.extra_pc
        set_pc = tick_ms * watch.sum_na + watch.extra_nominal_pc
        return tick_ms * least_na + extra_pc, tick_ms * most_na + extra_pc, set_pc

    def upper_pc(self, watch: Watch) -> tuple[int, int]:
        """Bounds on the upper ledger: each tick was rounded up, by less than 1 nA each."""
        return self._ledgers(watch)[:2]

    def nominal_pc(self, watch: Watch) -> int:
        """The nominal ledger."""
        return self._ledgers(watch)[2]

    def disagreement(self, watch: Watch, upper_pc: int, nominal_pc: int) -> str | None:
        """What is wrong with the ledgers that the machine claims, if anything is."""
        return _difference(self._ledgers(watch), upper_pc, nominal_pc)


def _worst_na(current_na: int, accuracy_ppm: int, offset_na: int) -> int:
    return (current_na * (1_000_000 + accuracy_ppm) + 999_999) // 1_000_000 + offset_na


# The same setpoints come again at every tick, and in other sessions on the same device.
@lru_cache(maxsize=STOPS_KEPT_MAX)
def _stop_of(
    current_na: int, share_ppm: int, fall_na: int, tick_ms: int, accuracy_ppm: int, offset_na: int
) -> tuple[int, int, int]:
    means = [_mean(level, share_ppm) for level in range(current_na, 0, -fall_na)]
    first_na = _worst_na(means[0] if means else current_na, accuracy_ppm, offset_na)
    worst_na = sum(_worst_na(level, accuracy_ppm, offset_na) for level in means[1:])
    return first_na, tick_ms * worst_na, tick_ms * sum(means[1:])


def _mean(peak_na: int, share_ppm: int) -> int:
    """The mean of |I|: as many whole nA as are surely enough."""
    whole, rest = divmod(peak_na * share_ppm, 1_000_000)
    return whole + (rest > 0)


def _difference(ledgers: Ledgers, upper_pc: int, nominal_pc: int) -> str | None:
    least_pc, most_pc, set_pc = ledgers
    if not least_pc <= upper_pc <= most_pc:
        return "the upper ledgers differ"
    return None if nominal_pc == set_pc else "the nominal ledgers differ"
