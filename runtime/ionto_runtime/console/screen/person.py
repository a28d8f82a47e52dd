"""The person at the screen: keys in, acts out, and what is asked meanwhile. Nothing here draws or sends.

Stopping and pausing are single keys that ask nothing. Everything else is asked back, one question at a time,
and a question that nobody answers is dropped.
"""

from __future__ import annotations

import secrets

from ionto_ir.canonical import Json
from ionto_ir.dataclass import dataclass, replace
from ionto_runtime.console.screen.sheet import value_now
from ionto_runtime.console.screen.story import Story, items_of
from ionto_runtime.messages import Message

SURE_MS = 20_000
"""How long a question of our own waits: a `y` that comes later was meant for something else."""

SETTLE_MS = 500
"""A question of the session is not answered by a key that was on its way before it could be read."""

UNANSWERED_MS_MAX = 3_000
TYPED_CHARACTERS_MAX = 200
WATCHES = "this console watches: c takes the command"
STOP_KEYS = ("s", "S", "space")


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop, or open the output at once."""

    emergency: bool


@dataclass(frozen=True, slots=True)
class Command:
    """Something for the desk, under a key of its own."""

    key: str
    do: str
    more: Message


@dataclass(frozen=True, slots=True)
class Local:
    """Something for the screen itself: `take` the command, `leave`, `sound`, `span`."""

    what: str


Act = Stop | Command | Local


@dataclass(frozen=True, slots=True)
class Wish:
    """What is done once every question was answered with yes."""

    questions: tuple[str, ...]
    do: str
    more: Message


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as it stands on the screen. `typed` is None where nothing is typed."""

    text: str
    how: str
    typed: str | None = None
    ours: bool = False


LOCAL = frozenset({"take", "leave"})


class Person:
    """What a person is about to do: a wish with open questions, a value half typed."""

    def __init__(self) -> None:
        self.note = ""
        self._wish: Wish | None = None
        self._answered = 0
        self._wished_ms = 0
        self._typed = ""
        self._adjusting = False
        self._chosen = 0
        self._interrupted = False
        self._pending: tuple[str, int] | None = None

    # --- keys -------------------------------------------------------------------------------------------
    def press(self, key: str, character: str | None, story: Story, now_ms: int) -> Act | None:
        """What a key means now. Escape and Ctrl-C stop whatever is going on; the second Ctrl-C at once."""
        if key == "escape":
            return self._stop(emergency=False)
        if key == "ctrl+c":
            emergency, self._interrupted = self._interrupted, True
            return self._stop(emergency=emergency)
        self._tidy(story, now_ms)
        if self._wish is None and self._types(story):
            if key == "space" and not self._typed:
                return self._stop(emergency=False)  # no value begins with a space
            return self._type(key, character, story, now_ms)
        if key in STOP_KEYS:
            return self._stop(emergency=False)
        if key in ("e", "E"):
            return self._stop(emergency=True)
        self.note = ""
        if self._wish is not None:
            return self._answer(key)
        return self._plain(key.lower(), story, now_ms)

    def paste(self, text: str, story: Story) -> None:
        """Text that came at once."""
        if self._wish is None and self._types(story):
            self._typed = (self._typed + "".join(filter(str.isprintable, text)))[:TYPED_CHARACTERS_MAX]

    def _stop(self, *, emergency: bool) -> Stop:
        self._wish, self._adjusting, self._typed, self.note = None, False, "", ""
        return Stop(emergency)

    def _plain(self, key: str, story: Story, now_ms: int) -> Act | None:
        """A key while nothing is asked back."""
        match key:
            case "q":
                return self._leave(story, now_ms)
            case "m":
                return Local("sound")
            case "t":
                return Local("span")
            case "c" if not story.commands and not story.over:
                return self._wonder(
                    ("Take the command of this session from whoever has it?",), "take", now_ms
                )
            case "p" | "r" | "b" | "v" | "plus" | "minus" | "d" | "a" | "y" if story.over:
                self.note = "the session is over"
            case "p" | "r" | "b" | "v" | "plus" | "minus" | "d" | "a" | "y" if not story.commands:
                self.note = WATCHES
            case "p" if story.mode in ("on", "ready"):
                return Command(_new_key(), "pause", {})
            case "r" if story.mode == "paused":
                return self._wonder(("Resume, from zero?",), "resume", now_ms)
            case "b" if story.armed and not story.begun:
                return self._begin(story, now_ms)
            case "v" | "plus" | "minus":
                self._adjusting = bool(story.adjustable()) and story.begun
                self.note = "" if self._adjusting else "nothing can be changed now"
            case "d":
                return self._dose(story, now_ms)
            case "a":
                return self._acknowledge(story, now_ms)
            case "y":
                return self._yes(story, now_ms)
            case _:
                pass
        return None

    # --- wishes -----------------------------------------------------------------------------------------
    def _wonder(self, questions: tuple[str, ...], do: str, now_ms: int, **more: Json) -> Act | None:
        """Ask back before something is done."""
        self._wish, self._answered, self._wished_ms = Wish(questions, do, more), 0, now_ms
        return None

    def _answer(self, key: str) -> Act | None:
        assert self._wish is not None
        if key not in ("y", "Y"):
            self._wish, self.note = None, "nothing was done"
            return None
        self._answered += 1
        if self._answered < len(self._wish.questions):
            return None
        wish, self._wish = self._wish, None
        if wish.do in LOCAL:
            return Local(wish.do)
        return Command(_new_key(), wish.do, wish.more)

    def _begin(self, story: Story, now_ms: int) -> Act | None:
        """Plan, patient and every electrode, one by one: nobody reads a list as well as single lines."""
        facts = story.facts or {}
        plan, confirm = facts.get("plan"), facts.get("confirm")
        title = f"{plan.get('title')} {plan.get('version')}" if isinstance(plan, dict) else "?"
        questions = [f"Plan {title} and patient {facts.get('patient') or '(none)'} are as shown?"]
        for item in items_of(confirm if isinstance(confirm, dict) else None, "electrodes"):
            area = item["area_um2"]
            size = f", {area / 100_000_000:.1f} cm²" if isinstance(area, int) else ""
            place = f"The {item['place']} electrode on {item['site']}{size}"
            questions.append(f"{place}, is the {str(item['role']).upper()}?")
        return self._wonder((*questions, "Start?"), "begin", now_ms, confirm=confirm)

    def _leave(self, story: Story, now_ms: int) -> Act | None:
        if story.over or (story.facts is None and story.view is None):
            return Local("leave")
        text = "Leave this console? The session goes on."
        if story.commands:
            text = "Leave? Without a commanding console the session stops after five seconds."
        return self._wonder((text,), "leave", now_ms)

    def _dose(self, story: Story, now_ms: int) -> Act | None:
        button = None if story.view is None else story.view.get("button")
        if isinstance(button, str):
            return self._wonder((f"Press `{button}`?",), "press", now_ms, button=button)
        self.note = "there is no dose to ask for now"
        return None

    def _acknowledge(self, story: Story, now_ms: int) -> Act | None:
        alarm = next(iter(story.unseen()), None)
        if alarm is None:
            self.note = "no alarm is open"
            return None
        text = f"Acknowledge {alarm['code']}: {alarm['text']}?"
        return self._wonder((text,), "acknowledge", now_ms, code=alarm["code"])

    # --- what the session asks --------------------------------------------------------------------------
    def _yes(self, story: Story, now_ms: int) -> Act | None:
        prompt = story.prompt()
        if prompt is None or prompt["kind"] not in ("confirm", "instruct"):
            self.note = "nothing is asked"
        elif self._may_answer(story, now_ms):
            return self._answered_with("confirm", now_ms, {})
        return None

    def _answered_with(self, do: str, now_ms: int, more: Message) -> Command:
        command = Command(_new_key(), do, more)
        self._pending = (command.key, now_ms)
        return command

    def _may_answer(self, story: Story, now_ms: int) -> bool:
        """Whether a question was there long enough to be read, and was not answered a moment ago."""
        return self._pending is None and now_ms - story.prompt_ms >= SETTLE_MS

    def _tidy(self, story: Story, now_ms: int) -> None:
        """Drop what was not answered, and what the session has gone past."""
        if self._wish is not None and (now_ms - self._wished_ms > SURE_MS or story.over):
            self._wish = None
        if story.over or not story.commands:
            self._adjusting = False
        if self._pending is not None:
            key, since_ms = self._pending
            heard_ms = story.heard_ms or 0
            answered = key in story.answered and heard_ms > story.replied_ms
            if answered or now_ms - since_ms > UNANSWERED_MS_MAX:
                self._pending = None

    # --- values -----------------------------------------------------------------------------------------
    def _types(self, story: Story) -> bool:
        """Whether letters are a value that is typed."""
        return story.commands and not story.over and (self._adjusting or _record(story) is not None)

    def _type(self, key: str, character: str | None, story: Story, now_ms: int) -> Act | None:
        if key == "enter":
            typed, self._typed = self._typed.strip(), ""
            return (
                self._moved(typed, story, now_ms) if self._adjusting else self._entered(typed, story, now_ms)
            )
        if key == "tab":
            self._chosen += 1
        elif key == "backspace":
            self._typed = self._typed[:-1]
        elif key == "ctrl+u":
            self._typed = ""
        elif character is not None and character.isprintable():
            self._typed = (self._typed + character)[:TYPED_CHARACTERS_MAX]
        return None

    def _moved(self, typed: str, story: Story, now_ms: int) -> Act | None:
        self._adjusting = False
        if not typed:
            self.note = "nothing was changed"
            return None
        item = self._parameter(story)
        text = f"Set {item['name']} to {typed}? It is {value_now(story, item)}."
        return self._wonder((text,), "adjust", now_ms, variable=item["name"], text=typed)

    def _entered(self, typed: str, story: Story, now_ms: int) -> Act | None:
        prompt = story.prompt()
        assert prompt is not None, "a record is asked for"
        if not typed or not self._may_answer(story, now_ms):
            return None
        return self._answered_with("enter", now_ms, {"variable": prompt["variable"], "text": typed})

    def _parameter(self, story: Story) -> Message:
        parameters = story.adjustable()
        return parameters[self._chosen % len(parameters)]

    # --- what stands on the screen ----------------------------------------------------------------------
    def asked(self, story: Story, now_ms: int) -> Asked | None:
        """The question that is open: our own first, then the session's."""
        self._tidy(story, now_ms)
        if self._wish is not None:
            count = len(self._wish.questions)
            place = f"{self._answered + 1} of {count}: " if count > 1 else ""
            return Asked(place + self._wish.questions[self._answered], "y yes   n no", ours=True)
        if self._adjusting:
            item = self._parameter(story)
            more = "Tab: the next one   " if len(story.adjustable()) > 1 else ""
            text = f"{item['text']}: {item['name']} = {value_now(story, item)}, from {item.get('range', '?')}"
            return Asked(
                text, f"type it with its unit, then Enter   {more}Enter alone: leave it", self._typed
            )
        prompt = story.prompt()
        if prompt is None:
            return None
        found = _session_asks(prompt, story, self._typed)
        waits = None if story.view is None else story.view.get("waits")
        return replace(found, how=f"{found.how}   {waits}") if isinstance(waits, str) else found

    def keys(self, story: Story, *, reached: bool) -> tuple[tuple[str, str], ...]:
        """The keys that mean something now, beside those that stop: the key, and its meaning."""
        if self._wish is not None or self._types(story):
            return ()
        known: list[tuple[str, str]] = []
        if not reached:
            pass  # whoever is asked for something does not answer
        elif story.commands and not story.over:
            known += [("b", "begin")] if story.armed and not story.begun else []
            known += [("p", "pause")] if story.mode in ("on", "ready") else []
            known += [("r", "resume")] if story.mode == "paused" else []
            known += [("v", "change a value")] if story.begun and story.adjustable() else []
            button = None if story.view is None else story.view.get("button")
            known += [("d", button)] if isinstance(button, str) else []
            known += [("a", "acknowledge")] if story.unseen() else []
        elif not story.over:
            known.append(("c", "take command"))
        return (*known, ("m", "sound"), ("t", "chart"), ("q", "leave"))


def _record(story: Story) -> Message | None:
    prompt = story.prompt()
    return prompt if prompt is not None and prompt["kind"] == "record" else None


def _session_asks(prompt: Message, story: Story, typed: str) -> Asked:
    text, how = str(prompt["text"]), "whoever commands answers"
    match prompt["kind"]:
        case "record":
            records = items_of(story.facts, "records")
            item = next((item for item in records if item["name"] == prompt["variable"]), None)
            if item is not None:
                text = f"{item['text']}: {item['expected']}"
            text = f"Record: {text}"
            if story.commands:
                return Asked(text, "type it, then Enter", typed)
        case "confirm":
            text, answer = f"Confirm: {text}", "y confirms"
            how = answer if story.commands else how
        case "instruct":
            how = "y when done" if story.commands else how
        case _:
            how = "r resumes   Esc stops" if story.commands else how
    return Asked(text, how)


def _new_key() -> str:
    return secrets.token_hex(8)
