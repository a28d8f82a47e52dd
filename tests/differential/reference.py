"""The meaning of a plan, slowly and obviously: what flows in every tick, written down from the text alone.

It follows the plan as one generator that says what each tick is to be, reckons in fractions where it likes,
and shares no code with the sequencer, the table or the interlock. What it knows of the meaning:

- a ramp moves along its ideal line; the tick emits the level at its end, floored to the device's step;
- a ramp whose target is adjusted follows it down at once and up not before the hold; it keeps its rate;
- `hold for T` counts the ticks at its level, and those of a glide after an adjustment, but not a climb after
  a resume; `hold until Q` counts what the step emits, `until total Q` what the session emits and the descent
  that is to come; the current rises as far as the charge that is still owed allows;
- a pause, a stop and a trip fall by the stop slew in every tick and open the output at zero;
- monitors look once a tick at what was read in the interval that ended, and act as a person would just before
  the tick;
- who is waited for with a bound and does not come in time is not waited for any longer;
- a repetition in a time begins no round, but the first, once that time is over;
- under a waveform what adds up is the mean of |I|: a share of the peak, which is what moves and what is set;
- a dose on demand begins with the tick after a press at the basal current, if lockout, rules, count and time
  allow it; the block is over with its time, or, without a basal current, its count; a dose is finished first;
- a tick is emitted only if afterwards a stop, or the device's watchdog, still stays under every cap.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from fractions import Fraction

from ionto_ir.expression import Expression, Undefined, Value, evaluate
from ionto_ir.limits import LimitKind
from ionto_ir.plan import (
    Branch,
    Confirm,
    Demand,
    Finish,
    ForTime,
    Hold,
    Instruct,
    IntegerDomain,
    Loop,
    Plan,
    Ramp,
    Reverse,
    Slope,
    UntilCharge,
    UntilTotal,
    Wait,
    successors,
)
from ionto_ir.scenario import Happening, Occurrence
from ionto_ir.waveform import Waveform
from tests.differential.asking import Asking
from tests.differential.reckoning import Drive, Meaning, Off, Reckoning, Sample, share_of, whole_ticks
from tests.differential.watching import Seen, Watching

UNENDING_TICKS = 200_000


class Session:
    """One session from beginning to end."""

    def __init__(self, plan: Plan, values: Mapping[str, Value], events: Sequence[Occurrence]) -> None:
        self.plan = plan
        self.reckoning = Reckoning(plan)
        self.tick_ms = plan.device.tick_ms
        self.values = dict(values)
        self.events = sorted(events, key=lambda item: item.at_ms)
        self.samples: list[Sample] = []
        self.mode = "resting"
        self.reason = ""
        self.step = plan.entry
        self.level_na = 0
        self.set_na = 0
        self.was_on = False
        self.before_na: int | None = None
        self.sign = 1
        self.polarity = 1
        self.nominal_pc = 0
        self.upper_pc = 0
        self.ticks = 0
        self.started = False
        self.interruptions = 0
        self.pause_ticks = 0
        self.resumed = False
        self.answering = False
        self.moving: Expression | None = None  # the level that the running step goes to
        self.moved: list[int] = []  # what it was adjusted to since the last tick
        self.counts = [0] * plan.counters
        self.round_began_ms = [0] * plan.counters
        self.loop_began_ms = [0] * plan.counters
        self.away = False
        self.watch = Watching(plan)
        self.waveform: Waveform | None = None
        self.asking = Asking()
        self.by_tick: list[tuple[int, int]] = []  # both ledgers at the beginning of each tick

    def mean(self, set_na: int) -> int:
        """What adds up of a setpoint under the present waveform."""
        return self.reckoning.mean(set_na, self.waveform)

    # --- values -----------------------------------------------------------------------------------------
    def number(self, expression: Expression) -> int:
        """The value of an operand now."""
        found = evaluate(expression, self.values)
        assert not isinstance(found, Undefined), found
        return int(found)

    def rate(self, slope: Slope) -> Fraction:
        """nA per ms."""
        delta_na, over_ms = self.number(slope.delta_na), self.number(slope.over_ms)
        return Fraction(delta_na, over_ms) if delta_na and over_ms else self.reckoning.resume_rate

    # --- the plan ---------------------------------------------------------------------------------------
    def follow(self) -> Iterator[Drive | Off]:
        """What the plan wants of each tick, one after the other."""
        while True:
            step = self.plan.steps[self.step]
            if isinstance(step, Ramp | Hold | Wait):
                self.answering = False
            match step:
                case Ramp():
                    yield from self.ramp(step)
                case Hold():
                    yield from self.hold(step)
                case Wait():
                    for _ in range(whole_ticks(self.number(step.duration_ms), self.tick_ms)):
                        yield Off()
                case Confirm() | Instruct():
                    self.step = yield from self.ask(step)
                    continue
                case Reverse():
                    self.polarity = -self.polarity
                case Loop():
                    yield from self.loop(step)
                    continue
                case Branch():
                    chosen = evaluate(step.condition, self.values)
                    self.step = step.then if chosen else step.otherwise
                    continue
                case Demand():
                    self.answering = False
                    yield from self.asking.stand_by(self, step)
                    continue
                case Finish():
                    return
                case _:
                    raise AssertionError(f"the reference does not know {step}")
            (self.step,) = successors(step)

    def ask(self, step: Confirm | Instruct) -> Generator[Off, None, int]:
        """Wait for a person, asked in a tick and answered before the next one, unless away; the step to go
        to.
        """
        left = None if step.within_ms is None else whole_ticks(step.within_ms, self.tick_ms)
        waited = 0
        if not self.answering:
            yield Off()
            waited = 1
        while self.away:
            if left is not None and waited >= left:
                self.answering = False
                assert step.late is not None, "it is bounded"
                return step.late
            waited += 1
            yield Off()
        self.answering = True
        return step.next

    def loop(self, step: Loop) -> Iterator[Off]:
        """Arriving at a loop: begin the next round when it is due, or leave."""
        done = self.counts[step.counter]
        ends = step.until is not None and done > 0 and evaluate(step.until, self.values) is True
        now_ms = self.ticks * self.tick_ms
        if done == 0:
            self.loop_began_ms[step.counter] = now_ms
        elif step.within_ms is not None:
            due_ms = now_ms
            if step.period_ms is not None:
                due_ms = max(now_ms, self.round_began_ms[step.counter] + self.number(step.period_ms))
            ends = ends or due_ms >= self.loop_began_ms[step.counter] + self.number(step.within_ms)
        if ends or done >= self.number(step.count):
            self.counts[step.counter] = 0
            self.step = step.exit
            return
        if step.period_ms is not None and done > 0:
            while self.ticks * self.tick_ms < self.round_began_ms[step.counter] + self.number(step.period_ms):
                self.answering = False
                yield Off()
        self.counts[step.counter] = done + 1
        self.round_began_ms[step.counter] = self.ticks * self.tick_ms
        self.step = step.body

    def ramp(self, step: Ramp) -> Iterator[Drive]:
        """Along the line, at its own rate wherever it starts from."""
        self.sign = -self.polarity if step.reversed else self.polarity
        self.waveform, self.resumed = step.waveform, False
        target_na, rate = self.number(step.target_na), self.rate(step.slope)
        start_na, ticks = self.level_na, 0
        self.moving, self.moved = step.target_na, []
        while True:
            for moved_na in self.moved:
                # Lower holds at once, higher waits for the hold that follows.
                if moved_na < target_na:
                    if target_na >= start_na and self.level_na > moved_na:
                        start_na, ticks = self.level_na, 0
                    target_na = moved_na
            if self.resumed:
                start_na, ticks = 0, 0
            self.resumed, self.moved = False, []
            if self.level_na == target_na:
                return
            ticks += 1
            yield Drive(self.reckoning.line(start_na, target_na, rate, ticks))

    def hold(self, step: Hold) -> Iterator[Drive]:
        """At the level, or on the way to it, until the step has what it wants."""
        self.waveform, self.resumed = step.waveform, False
        began_pc = self.nominal_pc
        target_na = self.number(step.level_na)
        start_na, ticks, climbing, counted_ticks = self.level_na, 0, False, 0
        self.moving, self.moved = step.level_na, []
        while True:
            for moved_na in self.moved:
                if moved_na != target_na:
                    # Somebody adjusts: from now on the way there counts, also after a pause.
                    target_na, start_na, ticks, climbing = moved_na, self.level_na, 0, False
            if self.resumed:
                start_na, ticks, climbing = 0, 0, True
            self.resumed, self.moved = False, []
            if self.level_na == target_na:
                climbing = False
            wanted_na = self.reckoning.line(start_na, target_na, self.reckoning.resume_rate, ticks + 1)
            if isinstance(step.until, ForTime):
                if counted_ticks >= whole_ticks(self.number(step.until.duration_ms), self.tick_ms):
                    return
                counted_ticks += not climbing
                ticks += 1
                yield Drive(wanted_na)
                continue
            given_na = self.affordable(step.until, began_pc, wanted_na)
            if given_na is None:
                return
            if given_na == wanted_na:
                ticks += 1
            elif given_na != self.level_na:
                start_na, ticks = given_na, 0
            yield Drive(given_na)

    def affordable(self, until: UntilCharge | UntilTotal, began_pc: int, wanted_na: int) -> int | None:
        """The level of the next tick of a hold for a charge: as wanted, else as near to it as fits, else
        none.

        A tick fits if the charge that counts, with this tick and the descent that is to follow, is not too
        much; on the way down, after an adjustment, also if it fits without the descent. A tick at nothing
        brings nothing nearer, so it is not an alternative.
        """
        if self.fits(until, began_pc, wanted_na) and (
            wanted_na != self.level_na or self.reckoning.floored(wanted_na)
        ):
            return wanted_na
        if wanted_na < self.level_na:
            alone_pc = self.counted(until, began_pc)
            alone_pc += self.mean(self.reckoning.floored(wanted_na)) * self.tick_ms
            return wanted_na if alone_pc <= self.number(until.charge_pc) else None
        step_na = self.reckoning.device.step_na
        for set_na in range(self.reckoning.floored(wanted_na), self.level_na, -step_na):
            if self.fits(until, began_pc, set_na):
                return set_na
        if self.reckoning.floored(self.level_na) and self.fits(until, began_pc, self.level_na):
            return self.level_na
        return None

    def fits(self, until: UntilCharge | UntilTotal, began_pc: int, level_na: int) -> bool:
        """Whether a tick at this level is not too much for the hold."""
        total_pc = self.counted(until, began_pc) + self.mean(self.reckoning.floored(level_na)) * self.tick_ms
        if isinstance(until, UntilTotal) and until.descent is not None:
            following = self.plan.steps[successors(self.plan.steps[self.step])[0]]
            assert isinstance(following, Ramp), "a descent is a ramp"
            rate = self.rate(until.descent)
            total_pc += self.reckoning.descent(level_na, rate, following.waveform)
        return total_pc <= self.number(until.charge_pc)

    def counted(self, until: UntilCharge | UntilTotal, began_pc: int) -> int:
        """The charge that counts for the hold."""
        return self.nominal_pc - (began_pc if isinstance(until, UntilCharge) else 0)

    # --- ticks ------------------------------------------------------------------------------------------
    def run(self) -> Meaning:
        """Until the session has ended."""
        wishes = self.follow()
        while self.mode != "ended" and self.ticks < UNENDING_TICKS:
            while self.events and self.time_ms() >= self.events[0].at_ms:
                self.happen(self.events.pop(0))
            if self.mode == "ended":
                break
            self.by_tick.append((self.nominal_pc, self.upper_pc))
            self.ticks += 1
            self.tick(wishes)
        return Meaning(tuple(self.samples), self.reason)

    def time_ms(self) -> int:
        """The session's time: since something flowed, or since it could be asked for; before that, never."""
        if self.started:
            return len(self.samples) * self.tick_ms
        asking = self.asking
        return -1 if asking.head is None else max(0, self.ticks * self.tick_ms - asking.opened_ms)

    def tick(self, wishes: Iterator[Drive | Off]) -> None:
        """One tick of time."""
        self.before_na = self.mean(self.set_na) if self.was_on else None
        if self.monitored():
            return
        if self.mode == "stopping":
            self.fall("ended")
        elif self.mode == "pausing":
            self.pause_ticks += 1
            self.fall("paused")
        elif self.mode == "paused":
            self.pause_ticks += 1
            if self.pause_ticks * self.tick_ms > self.plan.interruptions.each_ms_max:
                self.end("pause too long")
            self.emit(None)
        else:
            wish = next(wishes, None)
            if wish is None:
                self.end("finished")
                self.emit(None)
            elif isinstance(wish, Off):
                self.level_na = 0
                self.mode = "resting"
                self.emit(None)
            elif self.safe(wish.level_na):
                self.mode = "on"
                self.level_na = wish.level_na
                self.emit(wish.level_na)
            else:
                self.reason = "trip"
                self.mode = "stopping"
                self.fall("ended")

    def monitored(self) -> bool:
        """Let the monitors look and act; whether that ended the session at rest."""
        modes = {"resting": "rest", "on": "on", "pausing": "on", "paused": "rest"}
        if self.mode not in modes or not self.reckoning.may_flow_from(self.step):
            self.watch.forget()
            return False
        elapsed_ms = len(self.samples) * self.tick_ms
        share = share_of(self.waveform)
        seen = Seen(self.mode, self.set_na if self.was_on else None, self.nominal_pc, elapsed_ms, share)
        action = self.watch.look(seen, self.values, self.tick_ms)
        if action == "stop":
            if self.mode in ("on", "pausing"):
                self.mode, self.reason = "stopping", "stopped"
            else:
                self.open()
                self.end("stopped")
                self.emit(None)
                return True
        elif action == "pause":
            self.pause()
            if self.mode == "ended":
                self.emit(None)
                return True
        return False

    def fall(self, then: str) -> None:
        """One tick of coming down; at zero the output opens."""
        if self.level_na > self.reckoning.fall_na:
            self.level_na -= self.reckoning.fall_na
            self.emit(self.level_na)
            return
        self.mode = then
        self.emit(None)

    def emit(self, level_na: int | None) -> None:
        """The output of this tick and what it adds; nothing is noted before anything flowed."""
        if level_na is None:
            self.level_na, self.set_na, self.was_on = 0, 0, False
        else:
            self.started = True
            self.set_na, self.was_on = self.reckoning.floored(level_na), True
            charged_na = self.mean(self.set_na)
            self.nominal_pc += charged_na * self.tick_ms
            self.upper_pc += self.reckoning.worst(charged_na) * self.tick_ms
        if self.started:
            shown = self.sign * self.set_na if self.was_on else 0
            self.samples.append(Sample(self.was_on, shown, self.nominal_pc, self.upper_pc))

    def safe(self, level_na: int) -> bool:
        """Whether after this tick a stop, or a watchdog's time, stays under every dose cap and window."""
        charged_na = self.mean(self.reckoning.floored(level_na))
        for limit in self.plan.limits:
            if limit.kind is not LimitKind.DOSE or limit.soft:
                continue
            if limit.nominal:
                kept = self.reckoning.nominal_reserve(level_na, self.waveform)
                after_pc = self.nominal_pc + charged_na * self.tick_ms
            else:
                kept = self.reckoning.reserve(level_na, charged_na, self.before_na, self.waveform)
                after_pc = self.upper_pc + self.reckoning.worst(charged_na) * self.tick_ms
            if after_pc - self.reckoning.forgotten(limit, self.ticks, self.by_tick) + kept > limit.bound:
                return False
        return True

    # --- events -----------------------------------------------------------------------------------------
    def end(self, reason: str) -> None:
        """The session is over."""
        self.mode = "ended"
        self.reason = self.reason or reason

    def happen(self, event: Occurrence) -> None:
        """Something happens between two ticks."""
        match event.happening:
            case Happening.PAUSE:
                self.pause()
            case Happening.RESUME:
                if self.mode == "paused" and self.watch.lets_go(
                    self.nominal_pc, len(self.samples) * self.tick_ms
                ):
                    self.mode, self.resumed = "resting", True
            case Happening.STOP:
                if self.mode in ("on", "pausing"):
                    self.mode, self.reason = "stopping", "stopped"
                elif self.mode in ("resting", "paused"):
                    self.end("stopped")
            case Happening.EMERGENCY_STOP:
                self.open()
                self.end("emergency stop")
            case Happening.LEAD_OFF:
                self.lead_off()
            case Happening.ADJUST:
                self.adjust(event)
            case Happening.AWAY | Happening.BACK:
                self.away = event.happening is Happening.AWAY
            case Happening.IMPEDANCE | Happening.VOLTAGE | Happening.CURRENT:
                self.watch.change(event)
            case Happening.PRESS:
                self.asking.press(self, event.variable)
            case _:
                raise AssertionError(f"the reference does not know {event.happening}")

    def interrupt(self) -> bool:
        """Count an interruption, if one more is allowed."""
        allowed = self.plan.interruptions.resume and self.interruptions < self.plan.interruptions.count_max
        if allowed:
            self.interruptions += 1
            self.pause_ticks = 0
        return allowed

    def pause(self) -> None:
        """Ramp down and wait; where no interruption is left, stop."""
        if self.mode == "on":
            if self.interrupt():
                self.mode = "pausing"
            else:
                self.mode, self.reason = "stopping", "no resume"
        elif self.mode == "resting" and self.reckoning.may_flow_from(self.step):
            if self.interrupt():
                self.mode = "paused"
            else:
                self.end("no resume")

    def open(self) -> None:
        """The output opens at once; whether the device had followed the last command is not known."""
        now_na = self.reckoning.worst(self.mean(self.set_na)) if self.was_on else 0
        before_na = 0 if self.before_na is None else self.reckoning.worst(self.before_na)
        self.upper_pc += max(0, before_na - now_na) * self.tick_ms
        self.level_na, self.set_na, self.was_on = 0, 0, False

    def lead_off(self) -> None:
        """An electrode comes off."""
        if self.mode == "on" or (self.mode == "resting" and self.reckoning.may_flow_from(self.step)):
            self.open()
            if self.interrupt():
                self.mode = "paused"
            else:
                self.end("lead off")
        elif self.mode == "pausing":
            self.open()
            self.mode = "paused"
        elif self.mode == "stopping":
            self.open()
            self.end("lead off")

    def adjust(self, event: Occurrence) -> None:
        """A parameter moves, if it may and to where it may."""
        if self.mode in ("stopping", "ended"):
            return
        for item in self.plan.variables:
            if item.name == event.variable and item.adjustable and isinstance(item.domain, IntegerDomain):
                assert event.value is not None, "an adjustment has a value"
                lo, hi, step = item.domain.lo, item.domain.hi, item.domain.step
                if lo <= event.value <= hi and (step is None or (event.value - lo) % step == 0):
                    self.values[item.name] = event.value
                    if self.moving is not None:
                        self.moved.append(self.number(self.moving))


def meaning_of(plan: Plan, values: Mapping[str, Value], events: Sequence[Occurrence] = ()) -> Meaning:
    """What flows, tick by tick."""
    return Session(plan, values, events).run()
