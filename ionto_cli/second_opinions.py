"""`--cross-check`: the second solver is asked about everything that was decided, with progress shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial

from ionto_cli.terminal import say
from ionto_ir.diagnostic import Diagnostic, error
from ionto_verifier.cross_check import Agreement, CrossCheck, Said, cross_check
from ionto_verifier.machine_proof import MachineTheorem
from ionto_verifier.report import VerificationReport
from ionto_verifier.second_solver import PACKAGE, SecondSolver, is_installed


def missing() -> Diagnostic | None:
    """What to install, where the second solver is not there."""
    if is_installed():
        return None
    return error(
        "I0901",
        f"`--cross-check` asks {PACKAGE}, which is not installed",
        None,
        help=f"`pip install 'ionto[cross-check]'`, or `pip install {PACKAGE}`",
    )


def opinions_on(reports: Sequence[VerificationReport], solver: SecondSolver) -> tuple[CrossCheck, ...]:
    """What the second solver makes of each report."""
    found = []
    for report in reports:
        what = f"{report.plan.name} on {report.plan.device.name}"
        seen = cross_check(report.answers, solver.ask, partial(_progress, what))
        found.append(CrossCheck(solver.name, tuple(seen)))
    return tuple(found)


def opinions_on_theorem(theorem: MachineTheorem, solver: SecondSolver) -> dict[str, Said]:
    """What the second solver says of each query of the machine theorem, by name."""
    said = {}
    for number, query in enumerate(theorem.queries):
        _progress("the machine", number, len(theorem.queries))
        said[query.name] = solver.ask(query.script).said
    _progress("the machine", len(theorem.queries), len(theorem.queries))
    return said


def _progress(what: str, done: int, of: int) -> None:
    """A line on the terminal that is written over, and gone at the end."""
    if not sys.stderr.isatty():
        return
    sys.stderr.write("\r\x1b[K" if done == of else f"\r\x1b[Ksecond opinion on {what}: {done} of {of}")
    sys.stderr.flush()


def contradictions(report: VerificationReport, opinion: CrossCheck) -> list[Diagnostic]:
    """One diagnostic for each question over which the two opinions contradict each other."""
    statements = {
        item.question.obligation.id: item.question.obligation.description for item in report.answers
    }
    return [
        error(
            "I0007",
            f"ionto and {opinion.solver} contradict each other: {statements[name]} (question `{name}`)",
            report.plan.span,
            "in this protocol",
            help="do not treat with it, and report it: one of the two is wrong",
        )
        for name in opinion.contradicted
    ]


def tell_opinion(opinion: CrossCheck) -> None:
    """The counts in a line, silence apart from agreement."""
    count = opinion.count
    asked = len(opinion.found) - count(Agreement.NOT_ASKED) - count(Agreement.OPEN)
    line = f"  {opinion.solver} agrees on {count(Agreement.AGREED)} of {asked} questions"
    line += f", contradicts {count(Agreement.CONTRADICTED)}, does not say of {count(Agreement.UNKNOWN)}"
    if count(Agreement.OPEN):
        line += f"; {count(Agreement.OPEN)} were left undecided"
    if count(Agreement.NOT_ASKED):
        line += f"; {count(Agreement.NOT_ASKED)} were decided by trying values and cannot be asked"
    say(line)


def opinion_data(opinion: CrossCheck) -> dict[str, object]:
    """The same for machines, with the questions that were not agreed on."""
    named = {
        agreement.value.replace(" ", "_"): [name for name, found in opinion.found if found is agreement]
        for agreement in Agreement
        if agreement is not Agreement.AGREED
    }
    return {"solver": opinion.solver, "agreed": opinion.count(Agreement.AGREED), **named}
