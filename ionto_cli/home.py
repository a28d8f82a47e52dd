"""Where ionto keeps what belongs to the person who uses it: keys and trust."""

from __future__ import annotations

import os
from pathlib import Path


def home() -> Path:
    """$IONTO_HOME, else `ionto` in the folder that the system keeps for settings."""
    chosen = os.environ.get("IONTO_HOME")
    if chosen:
        return Path(chosen)
    settings = os.environ.get("XDG_CONFIG_HOME")
    return (Path(settings) if settings else Path.home() / ".config") / "ionto"


def keys_folder() -> Path:
    """Key pairs of this person."""
    return home() / "keys"


def trusted_folder() -> Path:
    """Public keys whose plans this machine runs."""
    return home() / "trusted"


def running_folder() -> Path:
    """Where the sessions that run now are found by other consoles; they are readable by this person alone."""
    return home() / "running"


def sealing_folder() -> Path:
    """Keys of the sessions to come; the key of a session that has sealed its journal is nowhere any more."""
    return home() / "sealing"
