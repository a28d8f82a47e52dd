"""The only door to cvc5: a process that answers SMT-LIB questions, one JSON line each, until it is killed.

It is a process of its own because cvc5 may run past every limit that it is given, and may take all memory.
Coverings are switched off: on sums of products they search for minutes and do not look at their clock.
"""

from __future__ import annotations

import importlib
import json
import sys
from typing import Any

OPTIONS = {"nl-cov": "false", "nl-ext": "full"}
"""Incremental linearisation in full, instead of cylindrical coverings."""

MEMORY_BYTES_MAX = 4 * 1024**3
"""Address space; a question of ours needs a hundredth of it."""


def answered(cvc5: Any, text: str, limit_ms: int) -> dict[str, str]:
    """What cvc5 says of one script: `sat`, `unsat` or `unknown`, the last also for whatever goes wrong."""
    try:
        solver = cvc5.Solver(cvc5.TermManager())
        for name, value in (*OPTIONS.items(), ("tlimit-per", str(limit_ms))):
            solver.setOption(name, value)
        parser = cvc5.InputParser(solver)
        parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, text, "question")
        symbols = parser.getSymbolManager()
        printed = ""
        while not (command := parser.nextCommand()).isNull():
            printed += command.invoke(solver, symbols)
    except RuntimeError as problem:
        return {"answer": "unknown", "reason": str(problem)[:200]}
    word = printed.strip()
    if word in ("sat", "unsat"):
        return {"answer": word, "reason": ""}
    return {"answer": "unknown", "reason": word[:200] if word != "unknown" else "it gave up"}


def _bounded() -> None:
    """Bound the memory where the system can."""
    try:
        resource: Any = importlib.import_module("resource")
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))


def main() -> None:
    """Say which cvc5 this is, then answer until nobody asks any more."""
    _bounded()
    cvc5: Any = importlib.import_module("cvc5")
    print(json.dumps({"solver": f"cvc5 {cvc5.__version__}"}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(answered(cvc5, asked["text"], asked["limit_ms"])), flush=True)


if __name__ == "__main__":
    main()
