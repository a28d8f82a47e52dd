"""The page and its few addresses. The only door to Starlette.

| address | what it is for |
| `GET /` | the page; `?key=` is traded for a cookie |
| `GET /stream` | server-sent events: all that the safety process says |
| `POST /beat` | a tab shows that it is there |
| `POST /take` | a tab takes the command, from another tab and from another console |
| `POST /command` | a command, with a key of its own, so that one that is sent twice is done once |
| `GET /static/...` | script, style, plot |
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from html import escape
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from ionto_runtime.console.web.gate import COOKIE, Asked, Gate
from ionto_runtime.console.web.link import DeskLink
from ionto_runtime.messages import COMMAND_BYTES_MAX, STOPS, Message

STATIC = Path(__file__).parent / "static"
PING_S = 1.0
"""So often a page hears of us when nothing else is said: it knows by it that the line is there (R65)."""

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
STRANGER = "This page belongs to one session. Open the link that was printed when the session was started."


def make_app(link: DeskLink, gate: Gate, now_ms: Callable[[], int]) -> Starlette:
    """The application; `link` runs as long as it does."""
    page = _Page(link, gate, now_ms)

    @asynccontextmanager
    async def running(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(link.run())
        yield
        task.cancel()

    routes = [
        Route("/", page.show),
        Route("/stream", page.stream),
        Route("/beat", page.beat, methods=["POST"]),
        Route("/take", page.take, methods=["POST"]),
        Route("/command", page.command, methods=["POST"]),
        Mount("/static", StaticFiles(directory=STATIC)),
    ]
    app = Starlette(routes=routes, lifespan=running)
    app.add_middleware(_Headers)
    return app


class _Headers:
    """Puts the security headers on every answer."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                extra = [(name.lower().encode(), text.encode()) for name, text in HEADERS.items()]
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        await self._app(scope, receive, sending)


class _Page:
    """What the addresses do."""

    def __init__(self, link: DeskLink, gate: Gate, now_ms: Callable[[], int]) -> None:
        self._link = link
        self._gate = gate
        self._now_ms = now_ms

    async def show(self, request: Request) -> Response:
        """The page, with the numbers of this moment; or where to find the link to it."""
        given = request.query_params.get("key")
        if given is not None and request.headers.get("host") in self._gate.hosts and self._gate.is_key(given):
            # The key leaves the address bar at once: addresses are looked at, kept and sent on.
            response: Response = RedirectResponse("/", status_code=303)
            response.set_cookie(COOKIE, given, httponly=True, samesite="strict")
            return response
        if not self._gate.knows(_asked(request)):
            return HTMLResponse(f"<!doctype html><title>ionto</title><p>{STRANGER}</p>", status_code=403)
        return HTMLResponse(_filled((STATIC / "console.html").read_text(encoding="utf-8"), self._link))

    async def stream(self, request: Request) -> Response:
        """Everything that is said, as it is said, and a ping while nothing is."""
        if not self._gate.knows(_asked(request)):
            return JSONResponse({"reason": STRANGER}, status_code=403)
        waiting = self._link.open_page()
        if waiting is None:
            return JSONResponse({"reason": "too many pages"}, status_code=503)
        return StreamingResponse(self._events(waiting), media_type="text/event-stream")

    async def _events(self, waiting: asyncio.Queue[Message]) -> AsyncIterator[str]:
        number = 0
        try:
            while True:
                try:
                    message = await asyncio.wait_for(waiting.get(), PING_S)
                except TimeoutError:
                    message = {"type": "ping", "connected": self._link.connected}
                number += 1
                yield f"id: {number}\ndata: {json.dumps(message, separators=(',', ':'))}\n\n"
        finally:
            self._link.close_page(waiting)

    async def beat(self, request: Request) -> Response:
        """A tab is there, and may want to command."""
        said = await self._said(request)
        if isinstance(said, Response):
            return said
        commands = self._gate.beat(str(said.get("tab")), self._now_ms(), wants=said.get("wants") is True)
        return JSONResponse({"commands": commands, "connected": self._link.connected})

    async def take(self, request: Request) -> Response:
        """The person at a tab has said, and confirmed, that this page commands from now on (R67)."""
        said = await self._said(request)
        if isinstance(said, Response):
            return said
        if said.get("confirmed") is not True:
            return JSONResponse({"reason": "taking the command is confirmed first"}, status_code=409)
        if not self._gate.take(str(said.get("tab", "")), self._now_ms()):
            return JSONResponse({"reason": "no tab takes the command"}, status_code=400)
        if not self._link.join(takes=True):
            return JSONResponse({"reason": "the safety process is not reached"}, status_code=503)
        return JSONResponse({"commands": True})

    async def command(self, request: Request) -> Response:
        """Pass a command on to the desk, which answers on the stream. Any page may stop (R25, R68)."""
        said = await self._said(request)
        if isinstance(said, Response):
            return said
        do, tab = said.get("do"), str(said.get("tab"))
        if do in STOPS:
            taken = self._link.say({"type": str(do)})
        elif not self._gate.commands(tab, self._now_ms()):
            return JSONResponse({"reason": "another page commands this session"}, status_code=409)
        else:
            passed = {name: value for name, value in said.items() if name not in ("tab", "type")}
            taken = self._link.say({"type": "command", **passed})
        if not taken:
            return JSONResponse({"reason": "the safety process is not reached"}, status_code=503)
        return JSONResponse({"passed": True})

    async def _said(self, request: Request) -> Message | Response:
        """What a request says, when it may say anything: one small JSON object from this page."""
        objection = self._gate.objection(_asked(request))
        if objection is not None:
            return JSONResponse({"reason": objection}, status_code=403)
        body = b""
        async for part in request.stream():
            body += part
            if len(body) > COMMAND_BYTES_MAX:
                return JSONResponse({"reason": "too long"}, status_code=413)
        try:
            found = json.loads(body)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            return JSONResponse({"reason": "no object of JSON"}, status_code=400)
        return found


def _asked(request: Request) -> Asked:
    return Asked(request.cookies.get(COOKIE), request.headers.get("host"), request.headers.get("origin"))


def _filled(template: str, link: DeskLink) -> str:
    """The page with what is known now, so that its numbers are there before any script runs."""
    facts: Message = next((item for item in link.kept if item["type"] == "facts"), {})
    plan = facts.get("plan")
    view = link.view or {}
    words = {
        "title": plan.get("title") if isinstance(plan, dict) else "session",
        "patient": facts.get("patient") or "no patient token",
        "device": facts.get("device") or "",
        "word": view.get("word") or "CONNECTING",
        "charge": _charge(view.get("nominal_pc")),
        "planned": _charge(facts.get("planned_pc")),
        "measured": _current(view.get("reading")),
    }
    for name, text in words.items():
        template = template.replace(f"{{{{{name}}}}}", escape(str(text)))
    return template


def _charge(pc: object) -> str:
    return f"{pc / 60_000_000_000:.2f}" if isinstance(pc, int) else "—"


def _current(reading: object) -> str:
    na = reading.get("current_na") if isinstance(reading, dict) else None
    return f"{na / 1_000_000:.2f}" if isinstance(na, int) else "—"
