"""A line to a device, as bytes: everything has a deadline, nothing is unbounded, nothing raises.

A driver owns its transport and uses it from one thread. A line that has failed stays failed: it is closed and
opened anew, and then the device is met as a stranger.
"""

from __future__ import annotations

from typing import Protocol

from ionto_ir.dataclass import dataclass

READ_BYTES_MAX = 4096
"""What one read returns at most: a flood is taken in portions, and what is no frame is dropped."""


@dataclass(frozen=True, slots=True)
class PortIdentity:
    """What the host knows of a line before a word is exchanged; `serial_number` is the adapter's, if any."""

    path: str
    description: str
    vendor_id: int | None
    product_id: int | None
    serial_number: str | None


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How bytes go over a line: `parity` is `N`, `E` or `O`; one stop bit; `pausable` is XON/XOFF."""

    baud: int
    data_bits: int = 8
    parity: str = "N"
    pausable: bool = False


class Transport(Protocol):
    """An open line. `failure` says why it can no longer be used, None while it can."""

    @property
    def identity(self) -> PortIdentity:
        """Which line this is."""
        ...

    @property
    def failure(self) -> str | None:
        """Why the line is unusable: unplugged, taken by somebody else, a system error."""
        ...

    def write(self, data: bytes, timeout_ms: int) -> bool:
        """Whether all of `data` was taken within `timeout_ms`; if not, the peer may have seen any part."""
        ...

    def read(self, timeout_ms: int) -> bytes:
        """What has come in, at most READ_BYTES_MAX; waits up to `timeout_ms` for the first byte."""
        ...

    def drop(self) -> None:
        """Forget what waits in either direction."""
        ...

    def close(self) -> None:
        """Give the line back; harmless when repeated."""
        ...
