"""Asking a person, at a terminal or line by line from a pipe, for what a session needs to begin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TextIO

from ionto_ir.bind import Acknowledgement, Needed
from ionto_ir.canonical import printable
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.entry import parse_entry
from ionto_ir.expression import Value
from ionto_ir.plan import IntegerDomain, Plan, Variable, VariableKind
from ionto_ir.wording import value_text
from ionto_runtime.console.lines import Lines
from ionto_runtime.prompts import YES, question

NAME_CHARACTERS_MAX = 200

_KINDS = {
    VariableKind.PARAMETER: "prescription",
    VariableKind.ANSWER: "question",
    VariableKind.GEOMETRY: "electrodes",
}


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody to ask. At a terminal a wrong answer is asked for again; from a pipe it is the last one.

    `obliging` never asks: it takes usual values where there are some, and says so.
    """

    lines: Lines
    out: TextIO
    terminal: bool
    obliging: bool

    def say(self, text: str = "") -> None:
        """A line for the person."""
        self.out.write(text + "\n")
        self.out.flush()

    def line(self, text: str) -> str | None:
        """What the person answers to `text`; None when nobody will answer any more."""
        self.out.write(f"{text}\n> " if self.terminal else f"{text}\n")
        self.out.flush()
        return self.lines.wait()


def ask_values(
    plan: Plan, given: Mapping[str, Value], asker: Asker
) -> dict[str, Value] | tuple[Diagnostic, ...]:
    """A value for everything that is known before the session, in the plan's order, or why there is none."""
    values: dict[str, Value] = {}
    missing: list[Diagnostic] = []
    for variable in plan.variables:
        if variable.kind is VariableKind.RECORD:
            continue
        if variable.kind is VariableKind.MEMORY:
            if variable.name in given:  # binding compares it with what the journals say
                values[variable.name] = given[variable.name]
            continue
        if variable.name in given:
            values[variable.name] = given[variable.name]
            asker.say(f"{variable.name} = {value_text(variable, values[variable.name])} (given)")
            continue
        value = _usual_or_asked(variable, asker)
        if isinstance(value, Diagnostic):
            missing.append(value)
            if not asker.obliging:
                return tuple(missing)
        else:
            values[variable.name] = value
    return tuple(missing) if missing else values


def usual(variable: Variable) -> Value | None:
    """What Enter alone means: only a parameter has a usual value, an answer never has."""
    if variable.kind is VariableKind.PARAMETER and isinstance(variable.domain, IntegerDomain):
        return variable.domain.default
    return None


def _usual_or_asked(variable: Variable, asker: Asker) -> Value | Diagnostic:
    default = usual(variable)
    if not asker.obliging:
        return _asked(variable, default, asker)
    if default is None:
        return unanswered(variable, "`--yes` confirms, but it does not answer")
    asker.say(f"{variable.name} = {value_text(variable, default)} (the usual value)")
    return default


def _asked(variable: Variable, default: Value | None, asker: Asker) -> Value | Diagnostic:
    while True:
        text = asker.line(f"{_KINDS[variable.kind]}: {question(variable, default)}")
        if text is None:
            return unanswered(variable, "standard input has ended")
        if not text.strip() and default is not None:
            return default
        value = parse_entry(variable, text)
        if not isinstance(value, Diagnostic) or not asker.terminal:
            return value
        asker.say("  " + value.message + (f"; {value.help}" if value.help else ""))


def unanswered(variable: Variable, why: str) -> Diagnostic:
    """There is no value for a variable, and nobody to give it."""
    advice = f"give it on the command line: `--set {variable.name}=...`"
    return error(
        "I0963",
        f"nobody gives a value for `{variable.name}`: {why}",
        variable.span,
        "asked for here",
        help=advice,
    )


def ask_records(plan: Plan, given: Mapping[str, Value]) -> tuple[Diagnostic, ...]:
    """With nobody to ask, what will be recorded must be given: nothing is made up in a session."""
    return tuple(
        unanswered(variable, "it is recorded during the session, and nobody will be asked")
        for variable in plan.variables
        if variable.kind is VariableKind.RECORD and variable.name not in given
    )


def given_too_early(plan: Plan, given: Mapping[str, Value]) -> tuple[Diagnostic, ...]:
    """A record is what somebody saw. Who is offered an answer from before the treatment takes it by Enter."""
    return tuple(
        error(
            "I0906",
            f"`{variable.name}` is seen and recorded during the session: it cannot be given before it",
            variable.span,
            "recorded here",
            help=f"leave out `--set {variable.name}=...`: it is asked for when it is due. "
            "Only where `--yes` answers for nobody on a simulated device is it given before",
        )
        for variable in plan.variables
        if variable.name in given
    )


def ask_acknowledgements(
    needed: Sequence[Needed], asker: Asker, operator: str | None
) -> tuple[Acknowledgement, ...] | Diagnostic:
    """A name and a reason for every caution and soft limit, or why there is none."""
    given = []
    for item in needed:
        asker.say(f"! {item.text}")
        if asker.obliging:
            return _unacknowledged(item, "`--yes` confirms, but it does not answer for anybody")
        who = "  who answers for this?"
        if item.role is not None:
            who = f"  the name of the {item.role} who answers for this"
        person = _text(who, asker, operator if item.role is None else None)
        reason = None if person is None else _text("  why is it given all the same?", asker, None)
        if person is None or reason is None:
            return _unacknowledged(item, "nobody has")
        given.append(Acknowledgement(item.subject, person, reason, item.role))
    return tuple(given)


def _text(text: str, asker: Asker, default: str | None) -> str | None:
    """Some words, asked for again at a terminal until there are some."""
    while True:
        answer = asker.line(text + (f" [{default}]" if default else ""))
        if answer is None:
            return None
        words = printable(answer.strip(), NAME_CHARACTERS_MAX) or default
        if words or not asker.terminal:
            return words or None


def _unacknowledged(item: Needed, why: str) -> Diagnostic:
    text = f"somebody must answer for this by name and with a reason: {why}"
    return error("I0963", text, item.span, item.text)


def confirmed(text: str, asker: Asker) -> bool:
    """Whether a person says yes."""
    if asker.obliging:
        asker.say(f"{text} yes (by --yes)")
        return True
    answer = asker.line(f"{text} (yes or no)")
    return answer is not None and answer.strip().casefold() in YES
