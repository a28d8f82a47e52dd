"""Which software this is, as the digest of what it consists of: a version number can lie, a digest cannot."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

import ionto_ir
import ionto_runtime


@cache
def software_sha256() -> str:
    """The SHA-256 over names and contents of every source file that takes part in running a session."""
    total = sha256()
    for package in (ionto_ir, ionto_runtime):
        (folder,) = package.__path__
        root = Path(folder)
        for path in sorted(root.rglob("*.py")):
            content = path.read_bytes()
            name = f"{package.__name__}/{path.relative_to(root).as_posix()}\n{len(content)}\n"
            total.update(name.encode() + content)
    return total.hexdigest()
