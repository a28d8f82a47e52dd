"""Steps to make small plans of, and what one expects of checking them."""

from __future__ import annotations

from ionto_ir.dataclass import replace
from ionto_ir.expression import Constant
from ionto_ir.plan import (
    ForTime,
    Hold,
    IntegerDomain,
    Loop,
    Plan,
    Ramp,
    Record,
    Section,
    Slope,
    Step,
    Variable,
    VariableKind,
    Wait,
)
from ionto_ir.wellformed import check
from tests.treatments import HERE, finish, plan_with

SESSION = Section.SESSION
MA = 1_000_000
SLOPE = Slope(Constant(MA), Constant(10_000))
WAIT = Constant(1_000)


def ramp(start: int, target: int, following: int, reverse: bool = False) -> Ramp:
    """A ramp in nA."""
    return Ramp(Constant(target), Constant(start), SLOPE, reverse, following, SESSION, HERE)


def hold(level: int, following: int, duration_ms: int = 1_000) -> Hold:
    """A hold in nA for a time."""
    return Hold(Constant(level), ForTime(Constant(duration_ms)), following, SESSION, HERE)


def wait(following: int) -> Wait:
    """A wait of a second."""
    return Wait(WAIT, "rest", following, SESSION, HERE)


def loop(counter: int, body: int, leave: int, **changes: object) -> Loop:
    """A loop of two rounds."""
    made = Loop(counter, Constant(2), None, None, body, leave, SESSION, HERE)
    return replace(made, **changes)  # type: ignore[arg-type]


def record(variable: str, following: int) -> Record:
    """A record in the session."""
    return Record(variable, following, SESSION, HERE)


def recorded(name: str, lo: int = 0, hi: int = 10) -> Variable:
    """A recorded number."""
    return Variable(
        name,
        VariableKind.RECORD,
        IntegerDomain(lo, hi, None, None, "plain number", ""),
        "",
        False,
        None,
        HERE,
    )


UP_AND_DOWN: tuple[Step, ...] = (ramp(0, MA, 1), hold(MA, 2), ramp(MA, 0, 3), finish())


def complaint(plan: Plan, code: str) -> str:
    """The only complaint about the plan, which has this code."""
    problems = check(plan)
    assert [problem.code for problem in problems] == [code], problems
    return problems[0].message


def broken_steps(*steps: Step, variables: tuple[Variable, ...] = ()) -> tuple[tuple[str, str], ...]:
    """Codes and messages of a plan with these steps."""
    return tuple((problem.code, problem.message) for problem in check(plan_with(steps, variables=variables)))
