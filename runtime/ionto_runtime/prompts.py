"""What people are asked and what their words and keys mean: text in, events out, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from ionto_ir.diagnostic import Diagnostic
from ionto_ir.entry import expected, parse_entry
from ionto_ir.events import (
    Adjust,
    Confirm,
    EmergencyStop,
    Enter,
    Event,
    Pause,
    Prompt,
    PromptKind,
    Resume,
    Stop,
)
from ionto_ir.expression import Value
from ionto_ir.plan import IntegerDomain, Plan, Variable, VariableKind, variable
from ionto_ir.wording import value_text

COMMANDS: dict[str, Event] = {
    "p": Pause(),
    "pause": Pause(),
    "r": Resume(),
    "resume": Resume(),
    "s": Stop(),
    "stop": Stop(),
    "e": EmergencyStop(),
    "emergency": EmergencyStop(),
}
"""Words, and keys with the same meaning."""

YES = frozenset({"y", "yes", "confirm", "confirmed"})


def question(asked: Variable, usual: Value | None = None) -> str:
    """What a person is asked for a variable: its text, its code, what can be entered, and in brackets what
    Enter alone gives.
    """
    text = asked.text or asked.name
    code = "" if asked.code is None else f" ({asked.code.system} {asked.code.value})"
    default = "" if usual is None else f" [{value_text(asked, usual)}]"
    return f"{text}{code}: {expected(asked.domain)}{default}"


def prompt_text(plan: Plan, prompt: Prompt) -> str:
    """An open prompt as one line: what to do, and how to answer."""
    match prompt.kind:
        case PromptKind.CONFIRM:
            return f"Confirm: {prompt.text}"
        case PromptKind.INSTRUCT | PromptKind.RESUME:
            return prompt.text
        case PromptKind.RECORD:
            assert prompt.variable is not None, "a record names its variable"
            return f"Record: {question(variable(plan, prompt.variable))}"
        case _:
            assert_never(prompt.kind)


def how_to_answer(prompt: Prompt) -> str:
    """The keys or words that answer a prompt."""
    match prompt.kind:
        case PromptKind.CONFIRM:
            return "y confirms"
        case PromptKind.INSTRUCT:
            return "y when done"
        case PromptKind.RECORD:
            return "type it, then Enter"
        case PromptKind.RESUME:
            return "r resumes, s stops"
        case _:
            assert_never(prompt.kind)


def answer(plan: Plan, prompt: Prompt, text: str) -> Event | Diagnostic | None:
    """What a line means while `prompt` is open; None when it means nothing.

    A record is what somebody sees: an empty line is none, and no value is offered.
    """
    word = text.strip().casefold()
    match prompt.kind:
        case PromptKind.CONFIRM | PromptKind.INSTRUCT:
            return Confirm() if word in YES else COMMANDS.get(word)
        case PromptKind.RESUME:
            return COMMANDS.get(word)
        case PromptKind.RECORD:
            name = prompt.variable
            assert name is not None, "a record names its variable"
            value = parse_entry(variable(plan, name), text)
            if not isinstance(value, Diagnostic):
                return Enter(name, value)
            return COMMANDS.get(word, value)
        case _:
            assert_never(prompt.kind)


def adjustable(plan: Plan) -> tuple[Variable, ...]:
    """The parameters that may be moved during the session."""
    return tuple(item for item in plan.variables if item.adjustable and item.kind is VariableKind.PARAMETER)


def moved(plan: Plan, asked: Variable, values: Mapping[str, Value], direction: int) -> Adjust | str:
    """One step up (1) or down (-1), or why there is none."""
    domain = asked.domain
    assert isinstance(domain, IntegerDomain), "what is adjustable is a quantity"
    step = domain.step
    if step is None:
        step = (
            plan.device.step_na if domain.dimension == "current" else max(1, (domain.hi - domain.lo) // 100)
        )
    value = int(values[asked.name]) + direction * step
    if domain.lo <= value <= domain.hi:
        return Adjust(asked.name, value)
    end = "highest" if direction > 0 else "lowest"
    return f"{asked.name} is at its {end}: {value_text(asked, values[asked.name])}"
