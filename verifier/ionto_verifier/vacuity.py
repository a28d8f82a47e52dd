"""What is written and changes nothing: guards that hold nobody off, conditions that others imply, values that
nobody may choose, monitors that come too late.

None of it makes a protocol unsafe, so each is a warning. But whoever wrote the line believed that it
protects somebody. A line is reported only where the prover shows that nothing would change without it; what
it cannot show it does not mention. Lines of the library and of a protocol that is extended are left alone:
there they may matter to others.
"""

from __future__ import annotations

from collections.abc import Iterator

from ionto_ir.diagnostic import Diagnostic
from ionto_verifier.inquiry import Inquiry
from ionto_verifier.properties import Property
from ionto_verifier.report import Finding
from ionto_verifier.term import TermTooLargeError
from ionto_verifier.vacuity_guards import idle_guards
from ionto_verifier.vacuity_limits import idle_limits
from ionto_verifier.vacuity_steps import idle_course, idle_monitors, idle_steps
from ionto_verifier.vacuity_values import idle_values
from ionto_verifier.verdict import Proved, Vacuous


def idle_lines(inquiry: Inquiry, findings: tuple[Finding, ...]) -> tuple[Diagnostic, ...]:
    """A warning for each line that changes nothing. Where nobody can be treated, that is said and no more."""
    treatable = any(
        item.claim.property is Property.TREATABLE and isinstance(item.verdict, Proved) for item in findings
    )
    if not treatable:
        return ()
    vacuous = frozenset(item.claim.id for item in findings if isinstance(item.verdict, Vacuous))
    try:
        return tuple(_found(inquiry, vacuous))
    except TermTooLargeError:
        return ()


def _found(inquiry: Inquiry, vacuous: frozenset[str]) -> Iterator[Diagnostic]:
    plan = inquiry.plan
    yield from idle_limits(plan)
    yield from idle_guards(plan)
    yield from idle_values(inquiry)
    yield from idle_steps(inquiry, vacuous)
    yield from idle_monitors(inquiry, vacuous)
    yield from idle_course(inquiry, vacuous)
