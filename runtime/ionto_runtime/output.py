"""The output of a session: what the device is told, in which order it goes on record, and what it holds.

A setpoint is only sent on a fresh reading (no check, no lease): a device whose newest reading stays away may
have restarted, and to one that takes setpoints after a restart even the level that it held is a jump from
zero. It goes on with the lease that it has. To open is always sent, and what lowers the current is sent to a
device that locks. ADR 18 and 23 say why.
"""

from __future__ import annotations

from collections.abc import Callable

from ionto_ir.canonical import Json
from ionto_ir.dataclass import replace
from ionto_ir.events import Command, OutputOff, SetCurrent
from ionto_ir.waveform import Waveform, mean_share_ppm
from ionto_runtime.guard import Guard
from ionto_runtime.journal import JournalWriter, Written
from ionto_runtime.journal_channels import ChannelJournal
from ionto_runtime.journal_format import RecordType
from ionto_runtime.session_records import command_to_json
from ionto_runtime.stimulator import Accepted, Measurement, Reply, Stimulator, outcome_of
from ionto_runtime.supervision import Held, contradiction, is_zero, shows

Write = Callable[[RecordType, dict[str, Json]], Written | None]
"""Puts a record into the journal; None where it is not (or not yet) there."""


class Output:
    """Numbers the machine's commands for the device and remembers what came of them.

    `held` is what the device was told last; `withheld` says that the machine has wished for something else
    since, which was not sent; `sent` that the newest wish was. `peak_na` is the highest magnitude sent.
    `locks` says that the device takes no setpoint after a restart.
    """

    def __init__(
        self,
        stimulator: Stimulator,
        guard: Guard,
        journal: JournalWriter | ChannelJournal,
        write: Write,
        *,
        locks: bool,
    ) -> None:
        self.stimulator = stimulator
        self.held = Held(None, 0, True)
        self.withheld = False
        self.sent = True
        self.peak_na = 0
        self._guard = guard
        self._journal = journal
        self._write = write
        self._locks = locks
        self._base = 0
        self._spoken = False
        self._may: tuple[Held, ...] = (self.held,)

    def has_spoken(self) -> bool:
        """Whether anything was sent since this was asked last."""
        spoken, self._spoken = self._spoken, False
        return spoken

    def measure(self) -> Measurement | None:
        """Ask the device for its state and readings."""
        return self.stimulator.measure()

    def open_first(self) -> Measurement | None:
        """Open the output before anything else, and look. The device may have served another session: its
        numbers go on, ours begin at 1.
        """
        self.stimulator.output_off(0)
        reading = self.stimulator.measure()
        if reading is not None:
            self._base = reading.seq
            self._told(Held(None, reading.seq, True))
        return reading

    def open_now(self, sequence: int) -> bool:
        """Open the output, whatever anybody believes, and look; whether it is seen to be off. What failed may
        be the way to the device itself.
        """
        try:
            self.stimulator.output_off(self._base + sequence)
            return is_zero(self.stimulator.measure(), self._guard.zero_na)
        except Exception:
            return False

    def open_again(self) -> Measurement | None:
        """Say once more that the output opens, and look."""
        self.stimulator.output_off(self.held.sequence)
        return self.stimulator.measure()

    def confirm(self, reading: Measurement) -> bool:
        """Take a reading as the answer that stayed away, if it is one."""
        shown = shows(reading, self.held)
        if shown:
            self.held = replace(self.held, confirmed=True)
            self._may = (self.held,)
        return shown

    def explains(self, reading: Measurement) -> bool:
        """Whether a fresh reading shows something that the device was told and never left since: what was
        confirmed last, or any command after it whose answer stayed away. Anything else it does by itself.
        """
        for may in self._may:
            if contradiction(reading, may) is None:
                self._may = (may,) if may is self.held else (may, self.held)
                return True
        switched_on = reading.output_on and reading.setpoint_na == 0
        return switched_on and any(may.na is None for may in self._may)

    def _told(self, held: Held) -> None:
        """The device was told something; what it was told before may still hold until that is confirmed."""
        self._spoken = True
        self.held = held
        same = (held.na, held.waveform)
        earlier = () if held.confirmed else self._may
        self._may = (*(may for may in earlier if (may.na, may.waveform) != same), held)

    def doubt(self) -> None:
        """The device does otherwise than it confirmed."""
        self.held = replace(self.held, confirmed=False)

    def send(self, commands: tuple[Command, ...], *, fresh: bool) -> Reply | None:
        """Send the output command among the commands, if there is one; `fresh` says whether a reading of
        this very tick was seen.
        """
        self.sent = True
        for command in commands:
            if isinstance(command, SetCurrent):
                return self._set(command, fresh)
            if isinstance(command, OutputOff):
                number = self._base + command.sequence
                self.withheld = False
                reply = self.stimulator.output_off(number)
                self._told(Held(None, number, isinstance(reply, Accepted)))
                return reply
        return None

    def _set(self, command: SetCurrent, fresh: bool) -> Reply | None:
        held = self.held
        current_na = self._guard.lets_through(command.current_na, mean_share_ppm(command.waveform))
        limited = current_na != command.current_na
        self.sent = fresh or (self._locks and self._only_lowers(current_na, command.waveform))
        if not self.sent:
            if (current_na, command.waveform) != (held.na, held.waveform):
                self.withheld = True
                self.doubt()
            return None
        raises = held.na is None or abs(command.current_na) > abs(held.na)
        raises = raises or command.waveform != held.waveform
        command = replace(command, current_na=current_na)
        number = self._base + command.sequence
        intent = self._write(RecordType.INTENT, command_to_json(command)) if raises else None
        self.withheld = raises and intent is None
        if self.withheld:
            return self._keep(command, number)
        reply = self.stimulator.set_current(current_na, command.lease_ms, number, command.waveform)
        self._told(Held(current_na, number, isinstance(reply, Accepted), command.waveform, limited))
        self._guard.sent(current_na)
        self.peak_na = max(self.peak_na, abs(current_na))
        if intent is not None:
            self._write(RecordType.OUTCOME, {"intent": intent.sequence, "outcome": outcome_of(reply)})
        return reply

    def _only_lowers(self, na: int, waveform: Waveform | None) -> bool:
        """Whether this is less than all that the device may hold, in the same polarity and form."""
        return all(
            may.na is not None and may.waveform == waveform and na * may.na >= 0 and abs(na) < abs(may.na)
            for may in self._may
        )

    def _keep(self, command: SetCurrent, number: int) -> Reply | None:
        """What cannot be written down is not sent. The device keeps what it has, for another lease while the
        disk may still answer; the machine is not told that its command was carried out, so nothing rises.
        """
        held_na = self.held.na
        held = self.held = replace(self.held, sequence=number, confirmed=False)
        if held_na is None or self._journal.failure is not None:
            return None
        self._spoken = True
        return self.stimulator.set_current(held_na, command.lease_ms, number, held.waveform)
