"""A console that says yes: for demonstrations and tests, and never to a question that it has no value for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ionto_ir.events import Confirm, Enter, Event, PromptKind
from ionto_ir.expression import Value
from ionto_runtime.view import Console, View


class Automatic:
    """Confirms what is to be confirmed and enters prepared records; a pause is for people to end."""

    def __init__(self, inner: Console, prepared: Mapping[str, Value]) -> None:
        self._inner = inner
        self._prepared = prepared

    def poll(self, view: View) -> Sequence[Event]:
        """The answer to the open prompt if there is one, else what people say."""
        prompt = view.prompt
        if prompt is not None:
            if prompt.kind in (PromptKind.CONFIRM, PromptKind.INSTRUCT):
                return (Confirm(),)
            name = prompt.variable
            if name is not None and name in self._prepared:
                return (Enter(name, self._prepared[name]),)
        return self._inner.poll(view)

    def show(self, view: View) -> None:
        """Show it."""
        self._inner.show(view)
