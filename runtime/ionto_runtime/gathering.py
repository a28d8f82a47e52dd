"""From bound channels and their outputs to an ensemble, and the header of its journal."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.bind_together import BoundTogether
from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_runtime.care import NoOutput
from ionto_runtime.drivers.driver import Driver
from ionto_runtime.ensemble import Ensemble
from ionto_runtime.journal import JournalWriter
from ionto_runtime.journal_channels import CHANNELS, ChannelJournal
from ionto_runtime.journal_reader import HEADER_FORMAT_CHANNELS
from ionto_runtime.session import Session
from ionto_runtime.session_records import constants_to_json
from ionto_runtime.stimulator import Stimulator


@dataclass(frozen=True, slots=True)
class Unit:
    """What drives a channel: a stimulator, once more as `driver` when it is a real device; `planned_pc` is
    the charge of the undisturbed session, None where nobody has worked it out.
    """

    stimulator: Stimulator
    driver: Driver | None = None
    planned_pc: int | None = None


def ensemble_of(bound: BoundTogether, outputs: Sequence[Unit], journal: JournalWriter) -> Ensemble | str:
    """All channels, armed at zero in one journal that has begun; or why one of them is not ready."""
    nothing = NoOutput()
    care = Session(bound.care, nothing, journal)
    sessions = [
        Session(
            part,
            output.stimulator,
            ChannelJournal(journal, number),
            driver=output.driver,
            planned_pc=output.planned_pc,
        )
        for number, (part, output) in enumerate(zip(bound.channels, outputs, strict=True))
    ]
    names = [channel.name for channel in bound.plan.channels]
    for name, session in zip(names, sessions, strict=True):
        fault = session.arm()
        if fault is not None:
            return f"channel {name}: {fault}"
    fault = care.arm()
    assert fault is None, "nothing flows where there is no output"
    return Ensemble(names, sessions, care, nothing, journal)


def channels_header(bound: BoundTogether, devices: Sequence[str | None]) -> dict[str, Json]:
    """What a header says of the channels beside what it says of every session: how each was bound, and the
    unit that drives it.
    """
    listed: list[Json] = [
        {
            "name": channel.name,
            "device_identity": device,
            "constants": constants_to_json(part.constants),
            "polarity": part.polarity,
        }
        for channel, part, device in zip(bound.plan.channels, bound.channels, devices, strict=True)
    ]
    return {"format": HEADER_FORMAT_CHANNELS, CHANNELS: listed}
