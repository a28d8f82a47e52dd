"""A session on a device: starts the safety process, is its commanding console, and sums up what it says.

Nothing here is needed for safety. When this program dies, the safety process notices, stops and seals; when
the safety process dies, the device's dead-man ends the output, and the journal says the rest.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ionto_cli.asking import Asker, confirmed
from ionto_cli.bedside import Bound, Settings, console_for, facts_of_bound, say_course, sum_up
from ionto_cli.exits import Exit
from ionto_cli.home import running_folder, sealing_folder, trusted_folder
from ionto_cli.kept_plans import keep_plan
from ionto_cli.lines import Line, ports_of
from ionto_cli.live_screen import BesideScreen, screen_beside
from ionto_cli.run_summary import Ran, before_lines
from ionto_cli.terminal import complain
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic, Label, Severity, error
from ionto_ir.source import Span
from ionto_runtime.admission import confirmation_of
from ionto_runtime.clock import RealClock
from ionto_runtime.drivers.driver import DeadMan
from ionto_runtime.drivers.registry import to_plug_in
from ionto_runtime.loop import Signals, signals_noted
from ionto_runtime.messages import STOPS, Message, command_of, outcome_from_json, view_from_json
from ionto_runtime.prompts import YES
from ionto_runtime.remote import Remote, reach
from ionto_runtime.running import Running, announced
from ionto_runtime.safety.job import ChannelLine, Job, job_to_json
from ionto_runtime.view import Console, Facts, View

START_MS_MAX = 20_000
"""How long the safety process may take to open its desk: Python starts slowly on a busy machine."""

LISTEN_MS = 50
GONE = "look at the device: its dead-man has ended the output; the journal says what was delivered at most"


def run_on_device(bound: Bound, line: Line, settings: Settings, asker: Asker) -> Exit:
    """Run the session of a bound plan on a real device, as its commanding console."""
    with tempfile.TemporaryDirectory(prefix="ionto-") as folder, ExitStack() as stack:
        job = _job(bound, line, settings, Path(folder))
        process = stack.enter_context(_started(job))
        remote = reach(job.socket, RealClock(), START_MS_MAX)
        if remote is None:
            return complain(error("I0927", "the safety process does not open its desk", None))
        stack.callback(remote.close)
        remote.join(job.token, "ionto run", commands=not line.commanded_elsewhere)
        signals = stack.enter_context(signals_noted())
        running = _running(job, bound, ports_of(line), process.pid)
        unseen = stack.enter_context(announced(running_folder(), running))
        if line.web is not None:
            asker.say(f"  page: {stack.enter_context(page_beside(job, line.web))}")
        plug = to_plug_in(line.driver, line.port)
        if plug is not None:
            asker.say(f"  {plug}")
        asker.say(f"  safety process {process.pid}: `kill {process.pid}` stops the session too")
        other = "another terminal watches it and stops it: `ionto console`"
        asker.say(f"  {other if unseen is None else f'no other terminal can come to it: {unseen}'}")
        screen: BesideScreen | None = None
        if line.console:
            screen = stack.enter_context(screen_beside(job.session_id, asker))
            asker = screen.asker
        watches = line.commanded_elsewhere
        return _Bedside(remote, bound, settings, asker, signals, watches=watches, screen=screen).attend()


def _running(job: Job, bound: Bound, ports: str, process: int) -> Running:
    plan = bound.sealed.plan
    title = f"{plan.title} {plan.version}"
    return Running(job.session_id, job.socket, job.token, process, title, job.patient, ports)


def _job(bound: Bound, line: Line, settings: Settings, folder: Path) -> Job:
    return Job(
        session_id=secrets.token_hex(4),
        token=secrets.token_urlsafe(24),
        socket=folder / "desk",
        plan=line.plan.absolute(),
        trust=(line.trust or trusted_folder()).absolute(),
        records=settings.records.absolute(),
        sealing=sealing_folder().absolute(),
        port=line.port,
        driver=line.driver,
        device_file=None if line.device_file is None else line.device_file.absolute(),
        values=bound.plan.values,
        acknowledgements=bound.acknowledgements,
        patient=settings.patient,
        operator=settings.operator,
        attended=True,
        lines=tuple(
            ChannelLine(
                item.channel, item.port, None if item.device_file is None else item.device_file.absolute()
            )
            for item in line.channels
        ),
    )


@contextmanager
def _started(job: Job) -> Iterator[subprocess.Popen[bytes]]:
    """The safety process, in a session of its own: what the terminal sends to us does not reach it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ionto_runtime.safety"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},
    )
    assert process.stdin is not None
    try:
        process.stdin.write(json.dumps(job_to_json(job)).encode("utf-8"))
        process.stdin.close()
    except OSError:
        pass  # it has ended already, which its desk will show
    yield process


@contextmanager
def page_beside(job: Job, port: int) -> Iterator[str]:
    """Serve the page of a session in a process of its own, until the block is left; the link to it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ionto_runtime.console.web"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        asked = {"socket": str(job.socket), "token": job.token, "port": port}
        process.stdin.write(json.dumps(asked) + "\n")
        process.stdin.flush()
        yield process.stdout.readline().strip() or "it cannot be served: is `ionto[console]` installed?"
    finally:
        process.terminate()
        process.wait()
        process.stdin.close()
        process.stdout.close()


class _Bedside:
    """A console of one session: what was heard so far, and what is to be done with it.

    One that `watches` leaves it to the page to command, and stops at a signal.
    """

    def __init__(
        self,
        remote: Remote,
        bound: Bound,
        settings: Settings,
        asker: Asker,
        signals: Signals,
        *,
        watches: bool,
        screen: BesideScreen | None,
    ) -> None:
        self._remote = remote
        self._bound = bound
        self._settings = settings
        self._asker = asker
        self._signals = signals
        self._watches = watches
        self._screen = screen
        self._signalled = False
        self._commands = not watches
        self._begun = False
        self._journal = Path()
        self._facts: Facts | None = None
        self._waiting: list[Message] = []
        self._unanswered: set[str] = set()
        self._fresh = False
        self._console: Console | None = None
        self._view: View | None = None

    def attend(self) -> Exit:
        """From the first word of the safety process to its last."""
        with ExitStack() as stack:
            while True:
                heard, self._waiting = [*self._waiting, *self._remote.hear(LISTEN_MS)], []
                for message in heard:
                    done = self._take(message, stack)
                    if done is not None:
                        stack.close()
                        return self._end(done)
                if self._remote.gone:
                    stack.close()
                    return self._lost()
                if self._screen is not None:
                    self._screen.look()
                self._listen()

    def _take(self, message: Message, stack: ExitStack) -> Message | None:
        """Act on a message; the message itself when it is the last one."""
        match message["type"]:
            case "facts":
                self._take_facts(message)
            case "check":
                mark = "ok " if message["passed"] else "NO "
                self._asker.say(f"  {mark} {message['name']}: {message['detail']}")
            case "trial_alarm" | "armed" if self._watches:
                pass  # the page sees to it
            case "trial_alarm":
                self._remote.command("seen")
            case "armed":
                self._confirm_and_begin()
            case "joined":
                self._take_joined(commands=message["commands"] is True)
            case "reply":
                self._unanswered.discard(str(message["key"]))
            case "begun":
                self._begun = True
                if self._watches:
                    self._plan_is_kept()
                else:
                    self._console = console_for(self._bound, self._settings, self._asker.lines, stack)
            case "view":
                assert self._facts is not None
                self._view = _continued(self._view, view_from_json(self._facts, message))
                self._fresh = not self._unanswered
                if self._console is not None:
                    self._console.show(self._view)
            case "bye" | "refused_session" | "failed":
                return message
        return None

    def _take_joined(self, *, commands: bool) -> None:
        """Another console may have taken the command: this one then watches, and may stop."""
        if self._commands and not commands:
            self._asker.say("another console has taken the command: this one watches, and can stop")
        self._commands = commands

    def _take_facts(self, message: Message) -> None:
        self._journal = Path(str(message["journal"]))
        listed = message["channels"]
        assert isinstance(listed, list)
        self._facts = facts_of_bound(
            self._bound,
            self._settings,
            str(message["device"]),
            [str(item["device"]) for item in listed if isinstance(item, dict)],
            simulated=message["simulated"] is True,
            speed=1,
            dead_man=DeadMan[str(message["dead_man"]).upper()],
        )
        for said in before_lines(self._bound.sealed, self._facts, self._bound.plan):
            self._asker.say(said)
        say_course(self._bound, self._asker)
        if isinstance(message["banner"], str):
            self._asker.say(f"  !!! {message['banner']}")

    def _confirm_and_begin(self) -> None:
        """Plan, patient and every electrode, one by one: nobody reads a list as well as single lines.

        What is confirmed is what was shown here; whether it is what will run, the safety process says (R3).
        """
        patient = self._settings.patient
        questions = [f"Plan and patient {patient or '(none)'} are as shown?"]
        assert self._facts is not None, "facts are told before anything is armed"
        for index, electrode in enumerate(self._bound.plan.plan.electrodes):
            role = electrode.role.value.upper()
            shown = f"{electrode.place.value} electrode, {electrode.profile} on {electrode.site}"
            on = [f"{item.name} ({item.device})" for item in self._facts.channels if index in item.electrodes]
            where = f" on channel {' and '.join(on)}" if on else ""
            questions.append(f"The {shown}, is the {role}{where}?")
        if all(self._says_yes(text) for text in [*questions, "Start?"]) and self._plan_is_kept():
            sealed = self._bound.sealed
            shown_here = confirmation_of(self._bound.plan, sealed.sha256, patient, sealed.plan.channels)
            self._remote.command("begin", confirm=shown_here)
        else:
            self._asker.say("nothing was started")
            self._remote.command("leave")

    def _plan_is_kept(self) -> bool:
        """Whether the plan lies beside the journal, where a replay finds it."""
        unkept = keep_plan(self._settings.records, self._bound.sealed.plan)
        if unkept is not None:
            complain(unkept)
        return unkept is None

    def _says_yes(self, text: str) -> bool:
        """Whether a person says yes; while they think, the safety process goes on hearing of us."""
        if self._asker.obliging:
            return confirmed(text, self._asker)
        self._asker.say(f"{text} (yes or no)")
        lines = self._asker.lines
        while (said := lines.ready()) is None:
            self._waiting += self._remote.hear(LISTEN_MS)
            if lines.ended or self._remote.gone or self._waiting or self._signals.take():
                return False
        lines.drop()
        return said.strip().casefold() in YES

    def _listen(self) -> None:
        """Hand on what people and signals say."""
        for name in self._signals.take():
            self._remote.stop(emergency=self._signalled)
            self._asker.say(f"{name}: {'emergency stop' if self._signalled else 'the session stops'}")
            self._signalled = True
        # A console that looks at an old view would answer the same question again.
        if self._console is None or self._view is None or not self._fresh or self._view.end is not None:
            return
        for event in self._console.poll(self._view):
            command = command_of(event)
            stops = command["do"] in STOPS
            if not (stops or self._commands):
                continue
            key = self._remote.command(str(command.pop("do")), **command)
            if not stops:
                self._unanswered.add(key)
                self._fresh = False

    def _interrupted(self) -> bool:
        return bool(self._signals.take())

    def _end(self, last: Message) -> Exit:
        if self._screen is not None:
            self._screen.wait(self._interrupted)
        if last["type"] == "bye":
            assert self._facts is not None and isinstance(last["outcome"], dict)
            outcome = outcome_from_json(last["outcome"])
            ran = Ran(
                self._bound.sealed, self._facts, outcome, self._journal, None, self._bound.acknowledgements
            )
            sum_up(ran, self._bound, self._settings, self._asker)
            return Exit.PROVED if outcome.completed else Exit.REFUTED
        if last["type"] == "failed":
            text = f"the safety process itself went wrong: {last['reason']}"
            complain(error("I0927", text, None, help=GONE))
            return Exit.DISAGREEMENT
        found = last["diagnostics"]
        assert isinstance(found, list)
        complain(*(_diagnostic(item) for item in found if isinstance(item, dict)))
        return Exit.SOURCE

    def _lost(self) -> Exit:
        if self._screen is not None:
            self._screen.wait(self._interrupted)
        complain(error("I0927", "the safety process is gone", None, help=GONE))
        return Exit.REFUTED if self._begun else Exit.SOURCE


def _continued(before: View | None, now: View) -> View:
    """The view, with the very prompt and refusal of the one before where they are the same: a console asks
    what is new to it.
    """
    if before is None:
        return now
    prompt = before.prompt if before.prompt == now.prompt else now.prompt
    refusal = before.refusal if before.refusal == now.refusal else now.refusal
    return replace(now, prompt=prompt, refusal=refusal)


def _diagnostic(said: Message) -> Diagnostic:
    file, notes, advice = said["file"], said["notes"], said["help"]
    return Diagnostic(
        code=str(said["code"]),
        severity=Severity.ERROR,
        message=str(said["message"]),
        primary=Label(Span(file, 1, 1, 1, 1), "") if isinstance(file, str) else None,
        notes=tuple(str(note) for note in notes) if isinstance(notes, list) else (),
        help=advice if isinstance(advice, str) else None,
    )
