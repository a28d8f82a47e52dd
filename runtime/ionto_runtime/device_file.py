"""The device file: which unit a site uses, and what it must say of itself before a plan runs on it (R4).

TOML, because people write it; nothing in it may be unknown, because a line that is skipped is a check that is
not made. `ionto doctor --save` writes one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from pathlib import Path

from ionto_ir.canonical import printable
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.source import Span
from ionto_runtime.drivers.driver import Identity

BYTES_MAX = 64 * 1024
"""A device file is ten lines."""

SUFFIX = ".device.toml"

TEXTS = ("driver", "port", "model", "serial", "watchdog_port")
KNOWN = frozenset({*TEXTS, "firmware", "calibration_due"})


@dataclass(frozen=True, slots=True)
class DeviceFile:
    """What a site says of a unit. None and an empty `firmware` mean that nothing is demanded there.

    `watchdog_port` is the line of the relay that ends its output, for a unit that has no dead-man.
    `sha256` is that of the file: it is looked at again before the device is armed (R7).
    """

    path: Path
    sha256: str
    driver: str
    port: str | None
    model: str | None
    serial: str | None
    firmware: tuple[str, ...]
    calibration_due: date | None
    watchdog_port: str | None = None


def read_device_file(path: Path) -> DeviceFile | Diagnostic:
    """The device that a file describes, or why it describes none (I0904, I0926)."""
    try:
        with path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
    except OSError as problem:
        return error(
            "I0904", f"cannot read `{path}`: {(problem.strerror or 'the system refused').lower()}", None
        )
    if len(data) > BYTES_MAX:
        return _refused(path, f"it is longer than {BYTES_MAX} bytes")
    try:
        found = tomllib.loads(data.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        return _refused(path, f"it is not TOML: {printable(str(problem), 200).lower()}")
    unknown = sorted(found.keys() - KNOWN)
    if unknown:
        return _refused(path, f"`{printable(unknown[0])}` is nothing that it may say")
    for name in TEXTS:
        if name in found and not (isinstance(found[name], str) and found[name]):
            return _refused(path, f"`{name}` is a text")
    if "driver" not in found:
        return _refused(path, "it does not say which `driver` the device has")
    firmware = found.get("firmware", [])
    if not isinstance(firmware, list) or not all(isinstance(item, str) and item for item in firmware):
        return _refused(path, "`firmware` is a list of texts")
    due = found.get("calibration_due")
    if due is not None and type(due) is not date:
        return _refused(path, "`calibration_due` is a date, as in 2027-03-31 without quotation marks")
    return DeviceFile(
        path=path,
        sha256=sha256(data).hexdigest(),
        driver=found["driver"],
        port=found.get("port"),
        model=found.get("model"),
        serial=found.get("serial"),
        firmware=tuple(firmware),
        calibration_due=due,
        watchdog_port=found.get("watchdog_port"),
    )


def device_file_text(driver: str, port: str, identity: Identity, watchdog: str | None = None) -> str:
    """A device file that allows just this unit with just this firmware."""
    lines = [f"driver = {_toml(driver)}", f"port = {_toml(port)}", f"model = {_toml(identity.model)}"]
    lines += [f"serial = {_toml(identity.serial)}", f"firmware = [{_toml(identity.firmware)}]"]
    if watchdog is not None:
        lines.append(f"watchdog_port = {_toml(watchdog)}")
    if identity.calibration_due is not None:
        lines.append(f"calibration_due = {identity.calibration_due}")
    return "\n".join(lines) + "\n"


def _toml(text: str) -> str:
    escaped = printable(text, BYTES_MAX).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def identity_problems(identity: Identity, allowed: DeviceFile | None, today: date) -> Iterator[Diagnostic]:
    """Everything in which who answered is not who was meant (I0921)."""
    if allowed is not None:
        for what, found, wanted in (
            ("model", identity.model, allowed.model),
            ("serial number", identity.serial, allowed.serial),
        ):
            if wanted is not None and found != wanted:
                yield _other(f"its {what} is `{printable(found)}`, and `{wanted}` is meant", allowed)
        if allowed.firmware and identity.firmware not in allowed.firmware:
            meant = " or ".join(f"`{item}`" for item in allowed.firmware)
            yield _other(f"its firmware is `{printable(identity.firmware)}`, and {meant} is meant", allowed)
        if allowed.calibration_due is not None and allowed.calibration_due < today:
            yield _other(f"its calibration was due on {allowed.calibration_due}", allowed)
    yield from _own_calibration(identity, allowed, today)


def _own_calibration(identity: Identity, allowed: DeviceFile | None, today: date) -> Iterator[Diagnostic]:
    if identity.calibration_due is None:
        return
    try:
        due = date.fromisoformat(identity.calibration_due)
    except ValueError:
        yield _other(f"it says that its calibration is due `{printable(identity.calibration_due)}`", allowed)
        return
    if due < today:
        yield _other(f"it says itself that its calibration was due on {due}", allowed)


def _other(text: str, allowed: DeviceFile | None) -> Diagnostic:
    span = None if allowed is None else Span(printable(str(allowed.path), 300), 1, 1, 1, 1)
    return error(
        "I0921", f"the device is not the one that was meant: {text}", span, "demanded here" if span else ""
    )


def _refused(path: Path, reason: str) -> Diagnostic:
    span = Span(printable(str(path), 300), 1, 1, 1, 1)
    advice = "`ionto doctor --port PATH --save NAME` writes one that fits"
    return error("I0926", f"the device file cannot be used: {reason}", span, "in this file", help=advice)
