"""What a console is shown of several channels: each of them, and what flows in the person altogether."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.bind_together import BoundTogether
from ionto_ir.state import Mode
from ionto_ir.turns import stands
from ionto_runtime.drivers.driver import DeadMan
from ionto_runtime.ensemble import Ensemble
from ionto_runtime.planned import Planned
from ionto_runtime.session import Session
from ionto_runtime.stimulator import Measurement
from ionto_runtime.supervision import PAUSE_MS_MAX
from ionto_runtime.view import ChannelFacts, ChannelView, Facts, View, button_of, setpoint_na
from ionto_runtime.words import state_word, step_words, waiting_words

URGENT = (Mode.STOPPING, Mode.LOST, Mode.PAUSING, Mode.PAUSED, Mode.ON, Mode.READY)
"""Which mode is told of all channels when they differ: the first of these."""

WAITS = "WAITS"
"""The word for a channel that has come to the end of a part before others have."""


def facts_together(
    bound: BoundTogether,
    planned: Planned,
    devices: Sequence[str],
    *,
    patient: str | None,
    operator: str | None,
    device: str,
    simulated: bool,
    speed: int,
    dead_man: DeadMan = DeadMan.DEVICE,
) -> Facts:
    """The facts of a session; `devices` are the units that drive the channels, in order."""
    ranges = [item.impedance for item in bound.plan.envelopes if item.impedance is not None]
    channels = tuple(
        ChannelFacts(
            name=channel.name,
            bound=part,
            electrodes=channel.electrodes,
            device=unit,
            planned_pc=alone.nominal_pc,
            steps=tuple(step_words(part, index, part.values) for index in range(len(part.plan.steps))),
        )
        for channel, part, unit, alone in zip(
            bound.plan.channels, bound.channels, devices, planned.alone, strict=True
        )
    )
    care = bound.care
    return Facts(
        bound=care,
        patient=patient,
        operator=operator,
        device=device,
        simulated=simulated,
        speed=speed,
        planned_pc=planned.together.nominal_pc,
        planned_ms=planned.duration_ms,
        ohm_max=max((item.ohm_max for item in ranges), default=None),
        steps=tuple(step_words(care, index, care.values) for index in range(len(care.plan.steps))),
        dead_man=dead_man,
        channels=channels,
    )


def view_of_all(ensemble: Ensemble, facts: Facts) -> View:
    """The session as it is now."""
    care = ensemble.care
    channels = tuple(
        _channel(session, known) for session, known in zip(ensemble.sessions, facts.channels, strict=True)
    )
    told = _told(ensemble)
    values = ensemble.sessions[0].state.values
    adjusted = any(values[name] != value for name, value in care.bound.values.items() if name in values)
    interrupted = any(session.state.machine.interruptions for session in ensemble.sessions)
    doses = any(session.state.place.doses is not None for session in ensemble.sessions)
    end = ensemble.end
    return View(
        facts=facts,
        mode=told.state.mode,
        word=state_word(told.state, end is not None and end.completed),
        step=_step(ensemble, facts),
        setpoint_na=sum(abs(channel.setpoint_na) for channel in channels),
        reading=_summed([channel.reading for channel in channels]),
        nominal_pc=sum(channel.nominal_pc for channel in channels),
        upper_pc=sum(channel.upper_pc for channel in channels),
        elapsed_ms=max(session.state.clock_ms for session in (care, *ensemble.sessions)),
        remaining_ms=max(0, facts.planned_ms - ensemble.going_ms),
        about=adjusted or interrupted or doses,
        prompt=ensemble.prompt,
        alarms=ensemble.alarms,
        refusal=ensemble.refusal,
        values=values,
        head=ensemble.journal.head,
        end=end,
        closed=ensemble.closed,
        behind_pc=sum(session.guard.contact.shortfall_pc for session in ensemble.sessions),
        acknowledged=ensemble.acknowledged,
        button=next(
            (found for item in ensemble.sessions if (found := button_of(item.state, item.bound))), None
        ),
        channels=channels,
        lower_pc=sum(session.guard.least.lower_pc for session in ensemble.sessions),
        waits=None if ensemble.prompt is None else waiting_words(told.bound, told.state, PAUSE_MS_MAX),
    )


def _channel(session: Session, known: ChannelFacts) -> ChannelView:
    state = session.state
    adjusted = any(state.values[name] != value for name, value in session.bound.values.items())
    step = state.place.step
    return ChannelView(
        name=known.name,
        mode=state.mode,
        word=WAITS if stands(session.bound, state) else state_word(state, _completed(session)),
        step=step_words(session.bound, step, state.values) if adjusted else known.steps[step],
        setpoint_na=setpoint_na(session),
        reading=session.reading,
        nominal_pc=session.nominal_pc,
        upper_pc=session.upper_pc,
    )


def _completed(session: Session) -> bool:
    return session.end is not None and session.end.completed


def _told(ensemble: Ensemble) -> Session:
    """Whose state is told as that of all: the channel's that concerns people most, else what they do."""
    if ensemble.ended:
        everybody = (*ensemble.sessions, ensemble.care)
        return next((session for session in everybody if session.end == ensemble.end), ensemble.care)
    going = [session for session in ensemble.sessions if session.state.mode in URGENT]
    busy = [session for session in going if session.state.mode is not Mode.READY]
    if not busy and not ensemble.gathered:
        return ensemble.care
    return min(busy or going or [ensemble.care], key=lambda session: URGENT.index(_mode(session)))


def _mode(session: Session) -> Mode:
    return session.state.mode if session.state.mode in URGENT else Mode.READY


def _step(ensemble: Ensemble, facts: Facts) -> str:
    """What people do, or who is still at work."""
    if not ensemble.gathered:
        return facts.steps[ensemble.care.state.place.step]
    at_work = [
        name
        for name, session in zip(ensemble.names, ensemble.sessions, strict=True)
        if not session.ended and not stands(session.bound, session.state)
    ]
    return f"Channels at work: {', '.join(at_work) or 'none'}"


def _summed(readings: Sequence[Measurement | None]) -> Measurement | None:
    """All channels in one reading: magnitudes added up, the highest voltage; None when one is missing."""
    found = [reading for reading in readings if reading is not None]
    if len(found) < len(readings):
        return None
    return Measurement(
        current_na=sum(abs(reading.current_na) for reading in found),
        voltage_mv=max(abs(reading.voltage_mv) for reading in found),
        impedance_ohm=None,
        at_compliance=any(reading.at_compliance for reading in found),
        output_on=any(reading.output_on for reading in found),
        lead_off=any(reading.lead_off for reading in found),
        expired=any(reading.expired for reading in found),
        setpoint_na=sum(abs(reading.setpoint_na) for reading in found),
        seq=found[0].seq,
        boot_count=found[0].boot_count,
        device_ms=found[0].device_ms,
    )
