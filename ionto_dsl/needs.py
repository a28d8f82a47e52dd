"""The order in which declared values can be typed: the order of lines carries no meaning."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from ionto_dsl import surface

Declaring = surface.ProtocolItem | surface.ScreeningItem
"""Items of the declarations that have values of their own."""

REMEMBERED = ("course.", "previous.")
"""How names begin that speak of the course or of earlier sessions."""


def references_in(expression: surface.Expression) -> Iterator[surface.Reference]:
    """Every name that an expression uses."""
    pending: list[surface.Expression] = [expression]
    while pending:
        part = pending.pop()
        match part:
            case surface.Reference():
                yield part
            case surface.Unary(_, operand):
                pending.append(operand)
            case surface.Binary(_, left, right):
                pending += [left, right]
            case surface.Call(_, arguments):
                pending += arguments
            case _:
                pass


def in_order_of_need(items: Sequence[Declaring]) -> list[surface.Variable | surface.Let]:
    """The variables and `let` values, each after those that its range or its value mentions.

    Values that need each other in a circle keep their order; the first use of one that is not declared yet is
    then reported as unknown.
    """
    declared = [item for item in items if isinstance(item, surface.Variable | surface.Let)]
    by_name = {item.name.text: item for item in reversed(declared)}
    ordered: list[surface.Variable | surface.Let] = []
    opened: set[int] = set()
    for item in declared:
        # A stack of our own: a chain of values may be longer than the interpreter's.
        stack = [item] if id(item) not in opened else []
        while stack:
            opened.add(id(stack[-1]))
            waiting = [by_name[name] for name in _needed(stack[-1]) if name in by_name]
            waiting = [other for other in waiting if id(other) not in opened]
            if waiting:
                stack.append(waiting[0])
            else:
                ordered.append(stack.pop())
    return ordered


def known_later(items: Sequence[Declaring], recorded: Collection[str]) -> list[surface.Let]:
    """The `let` values, each after those that it is made of, that speak of what is recorded or remembered:
    they can be typed only once the steps and the course have said what that is.
    """
    later: dict[str, surface.Let] = {}
    for item in in_order_of_need(items):
        if isinstance(item, surface.Let) and any(
            name in later or name in recorded or name.startswith(REMEMBERED) for name in _needed(item)
        ):
            later[item.name.text] = item
    return list(later.values())


def _needed(item: surface.Variable | surface.Let) -> list[str]:
    parts: list[surface.Expression | None] = []
    if isinstance(item, surface.Let):
        parts.append(item.value)
    else:
        parts += [item.default, item.step]
        if isinstance(item.kind, surface.Range):
            parts += [item.kind.low, item.kind.high]
    return [reference.dotted for part in parts if part is not None for reference in references_in(part)]
