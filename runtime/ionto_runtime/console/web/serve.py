"""Runs the page beside a session: the only door to uvicorn."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import uvicorn

from ionto_runtime.clock import RealClock
from ionto_runtime.console.web.app import make_app
from ionto_runtime.console.web.gate import Gate
from ionto_runtime.console.web.link import DeskLink

ADDRESS = "127.0.0.1"
"""The page is for this computer; it is never offered to a network."""


def serve_page(path: Path, token: str, port: int, told: Callable[[str], None]) -> None:
    """Serve the page until the process is told to end. `told` is given the link; port 0 takes a free one."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((ADDRESS, port))
        listener.listen()  # who opens the link at once waits until the server is up
        gate = Gate(listener.getsockname()[1])
        clock = RealClock()
        link = DeskLink(path, token, "page", lambda: gate.attended(clock.now_ms()))
        told(f"http://{ADDRESS}:{gate.port}/?key={gate.key}")
        config = uvicorn.Config(
            make_app(link, gate, clock.now_ms),
            log_level="critical",
            access_log=False,
            timeout_graceful_shutdown=1,
        )
        uvicorn.Server(config).run(sockets=[listener])
