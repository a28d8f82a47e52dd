"""The only door to pyserial: a serial line as a `Transport`, with all of that handled which pyserial leaves
open.

What was seen of pyserial 3.5, and what follows from it here:

- Its exclusive lock binds only those who ask for it, and it is asked for after the device was opened. So a
  lock file per device is taken first: a second session fails before it has touched anything.
- DTR rises on opening, which resets many boards. It is held low, and the line is told not to drop it again.
- An unplugged line raises `SerialException`, `OSError`, `termios.error` or `TypeError`, whichever call comes
  first. All of them are caught in one place, and the line stays failed.
- Without a write timeout a peer that stops reading hangs the program for ever; `readline` never returns from
  an endless line. Every call here has a deadline and a bound.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import serial
from serial.tools import list_ports as serial_ports

from ionto_runtime.drivers.driver import Problem
from ionto_runtime.drivers.transport import READ_BYTES_MAX, LineSettings, PortIdentity

if sys.platform != "win32":  # there pyserial's own exclusive opening has to do
    import fcntl
    import termios

    _TERMINAL_ERRORS: tuple[type[BaseException], ...] = (termios.error,)
else:
    _TERMINAL_ERRORS = ()

PORTS_MAX = 256
"""More lines than this are no lines of one computer; the list is cut, not endless."""

SIMULATED = "simulated"
"""What people write who have no device."""

LOCK_FOLDER = Path("/run/lock")
"""Where locks of devices belong on Linux; the folder for temporary files where this one cannot be written."""

IO_ERRORS: tuple[type[BaseException], ...] = (
    OSError,
    ValueError,
    TypeError,
    AttributeError,
    *_TERMINAL_ERRORS,
)
"""What a line that is gone raises. `SerialException` is an `OSError`; the others come out of pyserial's
inside when the file under it has been closed."""

BUSY = frozenset({errno.EAGAIN, errno.EBUSY})
IN_USE = "another program has it open"
LOOK = "`ionto devices` lists the lines of this computer: `--port PATH`"
ADVICE = {
    errno.EACCES: "add this user to the group that owns the line, often `dialout`, and log in again",
    errno.EPERM: "add this user to the group that owns the line, often `dialout`, and log in again",
    **dict.fromkeys(BUSY, "close the other program; `fuser PATH` says which one it is"),
}
"""What a person can do, by what the system said."""

T = TypeVar("T")


def list_ports() -> tuple[PortIdentity, ...]:
    """The serial lines that the system knows of, by path; empty when it cannot tell."""
    try:
        found = sorted(serial_ports.comports(), key=lambda port: str(port.device))
    except IO_ERRORS:
        return ()
    return tuple(
        PortIdentity(str(port.device), str(port.description or ""), port.vid, port.pid, port.serial_number)
        for port in found[:PORTS_MAX]
    )


def open_port(path: str, settings: LineSettings) -> SerialPort | Problem:
    """Open the line at `path` for this process alone; a problem leaves the line as it was."""
    lock = _no_line(path) or _lock(path)
    if isinstance(lock, Problem):
        return lock
    port = serial.Serial()
    try:
        port.port = path
        port.baudrate = settings.baud
        port.bytesize = settings.data_bits
        port.parity = settings.parity
        port.xonxoff = settings.pausable
        port.exclusive = True
        port.timeout = port.write_timeout = 0
        port.dtr = port.rts = False
        port.open()
        _keep_ready_line(port.fileno())
    except IO_ERRORS as error:
        with contextlib.suppress(*IO_ERRORS):
            port.close()
        os.close(lock)
        number = getattr(error, "errno", None)
        reason = IN_USE if number in BUSY else _reason(error)
        return Problem(
            "I0911", f"the line `{path}` cannot be opened: {reason}", ADVICE.get(number or 0, LOOK)
        )
    return SerialPort(port, lock, _identity(path))


class SerialPort:
    """An open serial line, owned by one thread; see `Transport`."""

    def __init__(self, port: Any, lock: int, identity: PortIdentity) -> None:
        self._port = port
        self._lock: int | None = lock
        self._identity = identity
        self._failure: str | None = None

    @property
    def identity(self) -> PortIdentity:
        return self._identity

    @property
    def failure(self) -> str | None:
        return self._failure

    def write(self, data: bytes, timeout_ms: int) -> bool:
        def write() -> bool:
            self._set("write_timeout", timeout_ms)
            try:
                return int(self._port.write(data)) == len(data)
            except serial.SerialTimeoutException:
                return False

        return self._try(write, False)

    def read(self, timeout_ms: int) -> bytes:
        def read() -> bytes:
            self._set("timeout", timeout_ms)
            first = bytes(self._port.read(1))
            waiting = min(self._port.in_waiting, READ_BYTES_MAX - 1) if first else 0
            return first + bytes(self._port.read(waiting)) if waiting else first

        return self._try(read, b"")

    def drop(self) -> None:
        def drop() -> None:
            self._port.reset_input_buffer()
            self._port.reset_output_buffer()

        self._try(drop, None)

    def close(self) -> None:
        if self._lock is None:
            return
        with contextlib.suppress(*IO_ERRORS):
            # What a peer does not take must not hold up the closing.
            self._port.reset_output_buffer()
        with contextlib.suppress(*IO_ERRORS):
            self._port.close()
        os.close(self._lock)
        self._lock = None
        self._failure = self._failure or "the line is closed"

    def _set(self, name: str, timeout_ms: int) -> None:
        # Setting a timeout makes pyserial configure the line again, so it is only done where it changes.
        seconds = timeout_ms / 1000
        if getattr(self._port, name) != seconds:
            setattr(self._port, name, seconds)

    def _try(self, action: Callable[[], T], otherwise: T) -> T:
        if self._failure is not None:
            return otherwise
        try:
            return action()
        except IO_ERRORS as error:
            self._failure = f"the line `{self._identity.path}` is gone: {_reason(error)}"
            return otherwise


def _no_line(path: str) -> Problem | None:
    """Why nothing at `path` can be a serial line, where that can be seen without touching it."""
    place = Path(path)
    if os.name == "posix" and not place.exists() and not place.is_symlink():
        what = "there is nothing of this name"
    elif place.is_dir():
        what = "it is a folder, not a line"
    elif place.is_file():
        what = "it is a file, not a line"
    else:
        return None
    known = [port.path for port in list_ports()]
    near = get_close_matches(path, [*known, SIMULATED], 1)
    advice = f"did you mean `{near[0]}`? {LOOK}" if near else LOOK
    return Problem("I0911", f"`{path}` cannot be opened: {what}", advice)


def _lock(path: str) -> int | Problem:
    """An open file that no other process can lock while this one has it; it is given back at any end."""
    key = hashlib.sha256(os.path.realpath(path).encode()).hexdigest()[:16]
    folder = LOCK_FOLDER if os.access(LOCK_FOLDER, os.W_OK) else Path(tempfile.gettempdir())
    place = folder / f"ionto-{key}.lock"
    try:
        lock = os.open(place, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        return Problem("I0911", f"the line `{path}` cannot be locked: {_reason(error)}")
    if sys.platform == "win32":
        return lock
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        advice = "one session at a time: stop the other one, with `ionto console --stop`"
        return Problem("I0911", f"the line `{path}` is in use by another session", advice)
    return lock


def _keep_ready_line(descriptor: int) -> None:
    """Leave DTR alone when the line is closed: a board must not restart because a host has gone."""
    if sys.platform == "win32":
        return
    attributes = termios.tcgetattr(descriptor)
    attributes[2] &= ~termios.HUPCL
    termios.tcsetattr(descriptor, termios.TCSANOW, attributes)


def _identity(path: str) -> PortIdentity:
    real = os.path.realpath(path)
    known = (port for port in list_ports() if os.path.realpath(port.path) == real)
    return next(known, PortIdentity(path, "", None, None, None))


def _reason(error: BaseException) -> str:
    """What a person can use of an error: the system's words for it, where there are any."""
    number = getattr(error, "errno", None)
    if number:
        return os.strerror(number).lower()
    if isinstance(error, ValueError):
        return "the line cannot be set like this"
    return "it is no serial line, the device was unplugged, or another program reads from it"
