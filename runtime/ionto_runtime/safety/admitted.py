"""Whether a job may run at all: the plan opened and bound once more, for one channel or for several.

Nothing that a console has judged is believed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ionto_ir.bind import History, Refusal, bind
from ionto_ir.bind_together import BoundTogether, bind_together
from ionto_ir.bound import BoundPlan
from ionto_ir.dataclass import dataclass
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_ir.trace import Observation, observe
from ionto_runtime.admission import plan_problems, plan_problems_together
from ionto_runtime.clock import Clock
from ionto_runtime.device_file import DeviceFile, read_device_file
from ionto_runtime.history import SUFFIX, first_session, read_history
from ionto_runtime.planned import Planned, planned_together
from ionto_runtime.safety.job import ChannelLine, Job
from ionto_runtime.sealed import Sealed, open_plan
from ionto_runtime.signing import read_trust_store
from ionto_runtime.view import undisturbed


@dataclass(frozen=True, slots=True)
class Driven:
    """What one device drives: the plan, or one channel of it; `name` is None where there is only one."""

    name: str | None
    bound: BoundPlan
    planned: Observation
    port: str
    allowed: DeviceFile | None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A plan that may run, bound to this day. `shown` is what people see and confirm: the plan, or what they
    do around its channels. `files` are those that were read, with their digests.
    """

    sealed: Sealed
    shown: BoundPlan
    driven: tuple[Driven, ...]
    together: tuple[BoundTogether, Planned] | None
    files: tuple[tuple[Path, str], ...]


def admit(job: Job, clock: Clock) -> Admitted | Sequence[Diagnostic]:
    """The plan, opened, bound and judged; or every reason why it may not run."""
    if any(job.records.glob(f"*-{job.session_id}{SUFFIX}")):
        return (error("I0928", f"the session `{job.session_id}` has been on record before", None),)
    sealed = open_plan(job.plan, read_trust_store(job.trust))
    if isinstance(sealed, tuple):
        return sealed
    unfit = tuple(line_problems(sealed.plan, job.lines))
    if unfit:
        return unfit
    lines = job.lines or (ChannelLine("", job.port, job.device_file),)
    files = [None if line.device_file is None else read_device_file(line.device_file) for line in lines]
    unread = [item for item in files if isinstance(item, Diagnostic)]
    if unread:
        return unread
    allowed = tuple(item for item in files if not isinstance(item, Diagnostic))
    history = None
    if job.patient is not None:
        found = read_history(job.records, job.patient, sealed.plan.name, clock.wall_ms())
        if isinstance(found, tuple):
            return found
        history = found
    judge = _several if sealed.plan.channels else _one
    return judge(job, sealed, tuple(zip(lines, allowed, strict=True)), history, clock)


Lines = tuple[tuple[ChannelLine, DeviceFile | None], ...]


def line_problems(plan: Plan, lines: Sequence[ChannelLine]) -> Iterator[Diagnostic]:
    """In what the lines are not those of the channels (I0870), or one is that of two of them (I0871)."""
    names = [channel.name for channel in plan.channels]
    given = [line.channel for line in lines]
    shown = ", ".join(f"`{name}`" for name in names) or "none"
    for name in dict.fromkeys(given):
        if name not in names:
            text = f"the plan has no channel `{name}`"
            yield error("I0870", text, None, help=f"its channels are: {shown}")
        elif given.count(name) > 1:
            yield error("I0870", f"the channel `{name}` has two lines", None)
    for name in names:
        if name not in given:
            advice = f"name the line of its device: `--port {name}=PATH`"
            yield error("I0870", f"the channel `{name}` has no line", None, help=advice)
    real = [Path(line.port).resolve() if Path(line.port).exists() else line.port for line in lines]
    for number, line in enumerate(lines):
        if real[number] in real[:number]:
            other = lines[real.index(real[number])].channel
            yield two_channels(other, line.channel, f"the line `{line.port}`")


def two_channels(first: str, second: str, what: str) -> Diagnostic:
    """One device cannot drive two channels: each would undo what the other one sets (I0871)."""
    text = f"the channels `{first}` and `{second}` would be driven by one device: {what} is that of both"
    return error("I0871", text, None, help="each channel needs a device, or an output, of its own")


def _files(job: Job, sealed: Sealed, lines: Lines) -> tuple[tuple[Path, str], ...]:
    named = dict.fromkeys((allowed.path, allowed.sha256) for _, allowed in lines if allowed is not None)
    return ((job.plan, sealed.file_sha256), *named)


def _one(
    job: Job, sealed: Sealed, lines: Lines, history: History | None, clock: Clock
) -> Admitted | Sequence[Diagnostic]:
    bound = bind(sealed.plan, job.values, job.acknowledgements, history or first_session(clock.wall_ms()))
    if isinstance(bound, Refusal):
        return bound.diagnostics
    planned = observe(bound.plan, undisturbed(bound))
    problems = tuple(plan_problems(bound, planned, history))
    ((line, allowed),) = lines
    driven = Driven(None, bound, planned, line.port, allowed)
    return problems or Admitted(sealed, bound, (driven,), None, _files(job, sealed, lines))


def _several(
    job: Job, sealed: Sealed, lines: Lines, history: History | None, clock: Clock
) -> Admitted | Sequence[Diagnostic]:
    day = history or first_session(clock.wall_ms())
    bound = bind_together(sealed.plan, job.values, job.acknowledgements, day)
    if isinstance(bound, Refusal):
        return bound.diagnostics
    planned = planned_together(bound)
    problems = tuple(plan_problems_together(bound, planned, history))
    by_name = {line.channel: (line, allowed) for line, allowed in lines}
    driven = []
    for channel, part, alone in zip(sealed.plan.channels, bound.channels, planned.alone, strict=True):
        line, allowed = by_name[channel.name]
        driven.append(Driven(channel.name, part, alone, line.port, allowed))
    files = _files(job, sealed, lines)
    return problems or Admitted(sealed, bound.care, tuple(driven), (bound, planned), files)
