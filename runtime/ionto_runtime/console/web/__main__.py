"""`python -m ionto_runtime.console.web`: serves the page of one session.

Reads `{"socket", "token", "port"}` from standard input, so that the token is in no list of processes; prints
the link. Ends with the process that has started it.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ionto_runtime.console.web.serve import serve_page

ASKED_BYTES_MAX = 8 * 1024


def main() -> int:
    """0, or 2 for a request that cannot be read."""
    try:
        asked = json.loads(sys.stdin.readline(ASKED_BYTES_MAX))
        path, token, port = Path(asked["socket"]), str(asked["token"]), int(asked["port"])
    except (ValueError, KeyError, TypeError):
        sys.stderr.write("what is to be served cannot be read\n")
        return 2
    serve_page(path, token, port, lambda link: print(link, flush=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
