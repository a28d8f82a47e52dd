"""The devices of a session: met one by one, no two of them the same, and what is told of them."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic
from ionto_runtime.accuracy import unseen
from ionto_runtime.admission import uncertified
from ionto_runtime.clock import Clock
from ionto_runtime.drivers.driver import DeadMan, Driver, Identity
from ionto_runtime.gathering import channels_header
from ionto_runtime.preparation import met
from ionto_runtime.safety.admitted import Admitted, two_channels
from ionto_runtime.safety.job import Job
from ionto_runtime.view import Facts, facts_of
from ionto_runtime.view_together import facts_together


@dataclass(frozen=True, slots=True)
class Met:
    """Who answered, one for each device."""

    all: tuple[Identity, ...]


def meet_all(admitted: Admitted, drivers: Sequence[Driver], clock: Clock) -> Met | Sequence[Diagnostic]:
    """Connect to every device, see that it is who was meant, that no two of them are the same (I0871), and
    that a plan which nobody can check again is for none that is real (I0631).
    """
    found: list[Identity] = []
    for driven, driver in zip(admitted.driven, drivers, strict=True):
        identity = met(driver, driven.bound.plan, driven.allowed, clock)
        if not isinstance(identity, Identity):
            return identity
        if admitted.sealed.rechecked is None and not identity.simulated:
            return (uncertified(admitted.sealed.plan),)
        for earlier, other in zip(admitted.driven, found, strict=False):
            if identity.serial and (identity.model, identity.serial) == (other.model, other.serial):
                both = f"serial number {identity.serial}"
                return (two_channels(str(earlier.name), str(driven.name), both),)
        found.append(identity)
    return Met(tuple(found))


def facts_with(job: Job, admitted: Admitted, identities: Met, drivers: Sequence[Driver]) -> Facts:
    """The facts of the session, with what is true of every device."""
    devices = [
        device_words(identity, driven.port)
        for identity, driven in zip(identities.all, admitted.driven, strict=True)
    ]
    simulated = any(identity.simulated for identity in identities.all)
    order = list(DeadMan)
    # The weakest of all: what is told of the devices must be true of each.
    dead_man = max((driver.capabilities.dead_man for driver in drivers), key=order.index)
    if admitted.together is None:
        return facts_of(
            admitted.shown,
            patient=job.patient,
            operator=job.operator,
            device=devices[0],
            simulated=simulated,
            speed=1,
            dead_man=dead_man,
        )
    bound, planned = admitted.together
    named = (f"{driven.name}: {device}" for driven, device in zip(admitted.driven, devices, strict=True))
    return facts_together(
        bound,
        planned,
        devices,
        patient=job.patient,
        operator=job.operator,
        device="; ".join(named),
        simulated=simulated,
        speed=1,
        dead_man=dead_man,
    )


def channels_told(admitted: Admitted, identities: Met) -> dict[str, Json] | None:
    """What the journal\'s header says of several channels."""
    if admitted.together is None:
        return None
    return channels_header(admitted.together[0], [identity_words(item) for item in identities.all])


def assumed(admitted: Admitted) -> tuple[str, ...]:
    """What nobody will see in this session, because its currents are too small for its devices."""
    found = (unseen(driven.bound.plan.device, driven.planned.peak_na) for driven in admitted.driven)
    return tuple(dict.fromkeys(said for each in found for said in each))


def device_words(identity: Identity, port: str) -> str:
    """The device as people see it."""
    simulated = ", SIMULATED" if identity.simulated else ""
    return f"{identity_words(identity)} on {port}{simulated}"


def identity_words(identity: Identity) -> str:
    """Who answered: model, serial number, firmware."""
    return f"{identity.model} {identity.serial}, firmware {identity.firmware}"
