"""The state of a path that a compilation looks for: the digest of what is there, or that nothing is."""

from __future__ import annotations

ABSENT = "absent"
UNREADABLE = "unreadable"
"""Something is there that is no source: nothing is ever concluded from it."""

BYTES_MAX = 8_000_000
"""What the compiler does not read is not looked at either."""


def state_of(content: bytes | str | None) -> str:
    """The state of what `ionto_dsl.driver.Folder.read` gives."""
    if content is None:
        return ABSENT
    if isinstance(content, str):
        return UNREADABLE
    from hashlib import sha256

    return sha256(content).hexdigest()


def state_at(place: str) -> str:
    """The state of a path now. Never raises: what cannot be read is unreadable."""
    try:
        with open(place, "rb") as file:
            content = file.read(BYTES_MAX + 1)
    except (FileNotFoundError, NotADirectoryError):
        return ABSENT
    except (OSError, ValueError):
        return UNREADABLE
    return UNREADABLE if len(content) > BYTES_MAX else state_of(content)
