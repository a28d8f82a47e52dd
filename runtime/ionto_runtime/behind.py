"""The safety process as the system knows it: whether it lives, and a signal that needs no desk (R25).

The process is held by a descriptor and not by its number: a number may come to belong to another program.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import struct

_CREDENTIALS = struct.Struct("3i")


class SafetyProcess:
    """The process that listens behind a connection."""

    def __init__(self, number: int, descriptor: int) -> None:
        self.number = number
        self._descriptor = descriptor

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""
        # A descriptor of a process can be read once the process has ended.
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return not poll.poll(0)

    def stop(self) -> bool:
        """Send SIGTERM: the first is a stop, one during that stop opens the output. Whether it was sent."""
        try:
            signal.pidfd_send_signal(self._descriptor, signal.SIGTERM)
        except OSError:
            return False
        return True

    def close(self) -> None:
        """Let go of it."""
        os.close(self._descriptor)


def process_behind(connection: socket.socket) -> SafetyProcess | None:
    """Who listens at the other end; None where the system does not say."""
    if not hasattr(socket, "SO_PEERCRED") or not hasattr(os, "pidfd_open"):
        return None
    try:
        said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        number, _, _ = _CREDENTIALS.unpack(said)
        return SafetyProcess(number, os.pidfd_open(number))
    except (OSError, struct.error):
        return None
