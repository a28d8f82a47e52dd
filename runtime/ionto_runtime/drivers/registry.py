"""Which drivers there are, by the name that a device profile gives; each is loaded only when it is wanted.

A driver is a module with `CAPABILITIES`, its row in the capability table, and `open_driver`, an `Opener`; one
whose output a watchdog relay can hold also takes the line of that relay.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ionto_ir.device import Device
from ionto_ir.diagnostic import Diagnostic, error
from ionto_runtime.clock import Clock
from ionto_runtime.drivers.driver import Capabilities, Driver, Problem

Opener = Callable[[str, Device | None, Clock], Driver | Problem]
"""The line, the profile that the plan was compiled for (None: a check without a plan), and the time."""

MODULES = {
    "ionlink": "ionto_runtime.drivers.ionlink",
    "keithley_2400": "ionto_runtime.drivers.keithley",
    "stimjim": "ionto_runtime.drivers.stimjim",
    "simulated": "ionto_runtime.simulation.driver",
}


def driver_names() -> tuple[str, ...]:
    """The drivers that this installation has."""
    return tuple(name for name, module in MODULES.items() if find_spec(module) is not None)


def capabilities_of(name: str) -> Capabilities | Diagnostic:
    """The facts about a driver's devices, or that there is no such driver (I0929)."""
    module = _module(name)
    if isinstance(module, Diagnostic):
        return module
    capabilities = module.CAPABILITIES
    assert isinstance(capabilities, Capabilities), "a driver states what its devices can do"
    return capabilities


def open_driver(
    name: str, port: str, device: Device | None, clock: Clock, watchdog: str | None = None
) -> Driver | Diagnostic:
    """The driver of a device on a line, not yet connected; or why there is none (I0929, I0860, its own).

    `watchdog` is the line of a relay that holds the device's output.
    """
    module = _module(name)
    if isinstance(module, Diagnostic):
        return module
    opener: Opener = module.open_driver
    if watchdog is None:
        driver = opener(port, device, clock)
    elif module.CAPABILITIES.takes_relay:
        driver = module.open_driver(port, device, clock, watchdog)
    else:
        text = f"the driver `{name}` takes no watchdog relay"
        return error("I0860", text, None, help="leave out `watchdog_port` or `--watchdog`")
    return driver.told() if isinstance(driver, Problem) else driver


def _module(name: str) -> Any:
    names = driver_names()
    if name not in names:
        near = get_close_matches(name, names, 1)
        meant = f"did you mean `{near[0]}`? " if near else ""
        text = f"there is no driver `{name}`"
        return error("I0929", text, None, help=f"{meant}there are: {', '.join(names)}")
    return import_module(MODULES[name])


def to_plug_in(name: str, port: str) -> str | None:
    """What a person has to do right before a device is opened, or None."""
    row = capabilities_of(name)
    if isinstance(row, Diagnostic) or not row.seen_to_start:
        return None
    if Path(port).exists():
        return f"the {row.title} must be seen to start: if it has been on for long, unplug it and call again"
    return f"plug the {row.title} in now: it must be seen to start"
