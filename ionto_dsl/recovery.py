"""Goes on after a syntax error at the next line or brace, so that all mistakes of a file are reported."""

from __future__ import annotations

from collections.abc import Sequence

from ionto_dsl.automaton import Automaton, Stack, Stuck
from ionto_dsl.lexer import END, WORD, Token
from ionto_dsl.mistakes import Spot, explain, misspelt_keyword
from ionto_dsl.pieces import Context
from ionto_dsl.suggest import nearest
from ionto_dsl.words import HOMES, OUTERMOST
from ionto_ir.diagnostic import Diagnostic, Label, error

ERRORS_MAX = 20
"""Syntax errors reported of one file: past that, the first have to be mended before others mean anything."""


def recover(automaton: Automaton, tokens: Sequence[Token], stuck: Stuck, context: Context) -> None:
    """Add a diagnostic for this and every further syntax error to the context. The tree is not kept."""
    found: list[Diagnostic] = []
    work = list(tokens)
    while len(found) < ERRORS_MAX:
        index, stack = stuck.index, stuck.stack
        spot = Spot(context.file, work, index, automaton.acceptable(stack.states))
        unclosed = _unclosed(automaton, spot, stack)
        meant = None if unclosed else misspelt_keyword(spot)
        found.append(_missing_brace(spot, unclosed) if unclosed else explain(spot))
        if meant is not None:
            work[index] = Token(WORD, meant, work[index].line, work[index].column)
            resume: int | None = index
        else:
            resume = _next_line(automaton, work, index, stack, 1 if unclosed else _floor(stack))
        if resume is None:
            break
        outcome = automaton.walk(work, stack, context, resume)
        if not isinstance(outcome, Stuck):
            break
        stuck = outcome
    # What was dropped may have been the `prove` that a later `after "..."` belongs to.
    context.problems[:] = [*found, *(problem for problem in context.problems if problem.code != "I0114")]


def _floor(stack: Stack) -> int:
    """How many states must be kept so that the innermost open block stays open."""
    for position in range(len(stack.values) - 1, -1, -1):
        value = stack.values[position]
        if isinstance(value, Token) and value.kind == "{":
            return position + 2
    return 1


def _open_block(stack: Stack) -> Token | None:
    floor = _floor(stack)
    brace = stack.values[floor - 2] if floor > 1 else None
    return brace if isinstance(brace, Token) else None


def _unclosed(automaton: Automaton, spot: Spot, stack: Stack) -> Token | None:
    """The brace that somebody forgot to close, judged by the indent of the word that cannot stand here."""
    here, brace = spot.here, _open_block(stack)
    if brace is None or not _begins_line(spot.tokens, spot.index) or here.text not in HOMES:
        return None
    indent = next(token.column for token in spot.tokens if token.line == brace.line)
    if here.column > indent or _kept(automaton, stack, here.text, _floor(stack)) is not None:
        return None
    return brace if _kept(automaton, stack, here.text, 1) is not None else None


def _missing_brace(spot: Spot, brace: Token) -> Diagnostic:
    return error(
        "I0102",
        "a `}` is missing",
        spot.span,
        f"`{spot.here.text}` cannot stand inside this block",
        labels=(Label(brace.span(spot.file), "opened here and not closed"),),
        help=f"put `}}` before `{spot.here.text}`",
    )


def _begins_line(tokens: Sequence[Token], index: int) -> bool:
    return index == 0 or tokens[index - 1].line < tokens[index].line


def _start(tokens: Sequence[Token], index: int) -> str | None:
    """The word by which an item could begin with this token, wherever we are: as written, or as meant."""
    token = tokens[index]
    if token.kind not in (WORD, "NAME", token.text):
        return None
    if token.text in ("before", "after"):
        return token.text if tokens[index + 1].kind == "{" else None
    if token.text in HOMES:
        return token.text
    return nearest(token.text, HOMES) if token.kind == WORD and _begins_line(tokens, index) else None


def _next_line(
    automaton: Automaton, tokens: Sequence[Token], index: int, stack: Stack, floor: int
) -> int | None:
    """Cut the stack back to where the next item or closing brace can stand; the index of that token."""
    depth = 0
    for position in range(index, len(tokens)):
        token = tokens[position]
        outermost = token.text in OUTERMOST and token.column == 1
        if token.kind == "{":
            depth += 1
        elif token.kind == "}" and depth:
            depth -= 1
        elif depth == 0 or outermost:
            kind = token.kind if token.kind in ("}", END) else _start(tokens, position)
            kept = None if kind is None else _kept(automaton, stack, kind, 1 if outermost else floor)
            if kept is not None:
                del stack.states[kept:]
                del stack.values[kept - 1 :]
                return position
    return None


def _kept(automaton: Automaton, stack: Stack, kind: str, floor: int) -> int | None:
    """The largest number of states, not below `floor`, after which a token of this kind could come."""
    for count in range(len(stack.states), floor - 1, -1):
        if automaton.accepts(stack.states[:count], kind):
            return count
    return None
