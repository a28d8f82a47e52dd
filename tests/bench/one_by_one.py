"""What ionto would be if it did the usual thing: one push, one check and one pop per obligation, through z3's
Python module.

The obligations are those of our own pipeline, over the reals (which is easier for the solver than the grid),
built with the module's operators from the same polynomials. As a program (`python -m tests.bench.one_by_one
FILE`) it verifies a file from nothing, as `ionto verify` does. It is spared what ionto does besides: margins,
certificates, cores, counterexamples on the grid, the report.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import Any, assert_never

from ionto_dsl.driver import compile_text
from ionto_ir.plan import Plan
from ionto_verifier.claims import all_claims
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.obligation import And, Atom, Formula, Obligation, Or

TIMEOUT_MS = 10_000
"""For one obligation, so that a hard one cannot hold the bench."""


def obligations_of(plan: Plan) -> list[Obligation]:
    """All that ionto has to decide about a plan, as it is handed to the stages."""
    return [
        question.obligation
        for item in all_claims(Inquiry(plan))
        for question in item.questions
        if question.decided is None
    ]


def one_by_one(obligations: Sequence[Obligation]) -> list[str]:
    """What z3 says of the negation of each: `unsat` where it holds."""
    import z3  # what it costs to load is part of what is measured

    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    said = []
    for obligation in obligations:
        solver.push()
        symbols = {item.name: z3.Real(item.name) for item in obligation.variables}
        for item in obligation.variables:
            solver.add(symbols[item.name] >= item.lo, symbols[item.name] <= item.hi)
        for guard in obligation.guards:
            solver.add(_formula(z3, guard.formula, symbols))
        solver.add(z3.Not(_formula(z3, obligation.conclusion, symbols)))
        said.append(str(solver.check()))
        solver.pop()
    return said


def _formula(z3: Any, formula: Formula, symbols: Mapping[str, Any]) -> Any:
    match formula:
        case Atom(term, strict):
            value = sum(
                number
                * prod(symbols[name] ** power if power > 1 else symbols[name] for name, power in monomial)
                for monomial, number in term.terms
            )
            return value < 0 if strict else value <= 0
        case And(parts):
            return z3.And([_formula(z3, part, symbols) for part in parts])
        case Or(parts):
            return z3.Or([_formula(z3, part, symbols) for part in parts])
    assert_never(formula)


def main() -> int:
    """Verify one file this way and count the answers."""
    plan = compile_text(Path(sys.argv[1]).read_text(encoding="utf-8")).plans[0].plan
    print(dict(Counter(one_by_one(obligations_of(plan)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
