"""The version of ionto that is installed."""

from __future__ import annotations


def version() -> str:
    """The version, as the installed metadata says."""
    # Imported here because it costs more than the rest of the start-up together.
    from importlib.metadata import version as installed

    return installed("ionto")
