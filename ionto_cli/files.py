"""Files that commands write: whole or not at all, and never over something that would be lost."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put `data` at `path` by writing beside it and renaming: a crash leaves the old file or the new one.

    Raises OSError as the system does (no space, no permission, no such folder).
    """
    handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(beside, 0o644 & ~_umask())
        os.replace(beside, path)
    except BaseException:
        os.unlink(beside)
        raise


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def system_words(problem: OSError) -> str:
    """What the system said, without Python's numbers: `no such file or directory`."""
    return (problem.strerror or str(problem)).lower()
