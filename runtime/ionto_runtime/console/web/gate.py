"""Who may do what at the page: the key of this run, the page's own origin, and one tab that commands.

That a request comes from this computer proves nothing: any page in any browser can send one. So a request
shows the run's key, which only the link that was printed carries, and its origin, which browsers do not let a
page forge (R67). Any page with the key may stop; everything else is for the tab that commands.
"""

from __future__ import annotations

import hmac
import secrets

from ionto_ir.dataclass import dataclass

TAB_MS_MAX = 2_500
"""A commanding tab shows every second that it is alive; after this it counts as gone (R66)."""

TAB_LETTERS_MAX = 64
COOKIE = "ionto"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of itself: the key in its cookie, and its headers."""

    key: str | None
    host: str | None
    origin: str | None


class Gate:
    """The key of this run, the names by which the page may be called, and which tab commands."""

    def __init__(self, port: int, key: str | None = None) -> None:
        self.key = secrets.token_urlsafe(24) if key is None else key
        self.port = port
        self.tab: str | None = None
        self._beat_ms = 0

    @property
    def hosts(self) -> frozenset[str]:
        """Names of this page: a name that an attacker makes point here is none of them."""
        return frozenset({f"127.0.0.1:{self.port}", f"localhost:{self.port}"})

    def knows(self, asked: Asked) -> bool:
        """Whether a request may see anything at all."""
        return asked.host in self.hosts and asked.key is not None and self.is_key(asked.key)

    def is_key(self, given: str) -> bool:
        """Whether this is the key; takes as long for any wrong one."""
        return hmac.compare_digest(given.encode(), self.key.encode())

    def objection(self, asked: Asked) -> str | None:
        """Why a request may not change anything, or None."""
        if not self.knows(asked):
            return "the link to this page is not that of this session"
        if asked.origin is None or asked.origin.removeprefix("http://") not in self.hosts:
            return "the request does not come from this page"
        return None

    def beat(self, tab: str, now_ms: int, *, wants: bool) -> bool:
        """A tab shows that it is there; whether it commands. The first one does, until it is gone."""
        if len(tab) > TAB_LETTERS_MAX:
            return False
        if wants and (self.tab is None or not self.attended(now_ms)):
            self.tab = tab
        if tab == self.tab:
            self._beat_ms = now_ms
        return tab == self.tab

    def take(self, tab: str, now_ms: int) -> bool:
        """The person at a tab takes the command, whoever has it; whether that can be."""
        if not 0 < len(tab) <= TAB_LETTERS_MAX:
            return False
        self.tab, self._beat_ms = tab, now_ms
        return True

    def commands(self, tab: str, now_ms: int) -> bool:
        """Whether this tab commands, and is there."""
        return tab == self.tab and self.attended(now_ms)

    def attended(self, now_ms: int) -> bool:
        """Whether a tab commands that was heard of lately."""
        return self.tab is not None and now_ms - self._beat_ms <= TAB_MS_MAX
