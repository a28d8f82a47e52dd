"""The job of a safety process: which plan, for whom, on which device; read from its standard input, once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ionto_ir.bind import Acknowledgement
from ionto_ir.canonical import Json, JsonProblem, read_json
from ionto_ir.dataclass import dataclass
from ionto_ir.expression import Value
from ionto_runtime.session_records import values_from_json

JOB_BYTES_MAX = 1024 * 1024
"""The values of the largest plan, and the reasons of a few people."""


@dataclass(frozen=True, slots=True)
class ChannelLine:
    """The line of the device that drives one of several channels."""

    channel: str
    port: str
    device_file: Path | None


@dataclass(frozen=True, slots=True)
class Job:
    """What a person has asked for. The safety process opens, binds and judges everything again itself.

    `attended`: a console commands and must be heard of. `token` is what consoles show. `port` and
    `device_file` are those of a plan with one channel; a plan with several has a line for each in `lines`.
    """

    session_id: str
    token: str
    socket: Path
    plan: Path
    trust: Path
    records: Path
    sealing: Path
    port: str
    driver: str
    device_file: Path | None
    values: Mapping[str, Value]
    acknowledgements: tuple[Acknowledgement, ...]
    patient: str | None
    operator: str | None
    attended: bool
    lines: tuple[ChannelLine, ...] = ()


def job_to_json(job: Job) -> dict[str, Json]:
    """A job as it is handed over."""
    return {
        **{name: str(getattr(job, name)) for name in _PATHS},
        **{name: getattr(job, name) for name in _TEXTS},
        "device_file": None if job.device_file is None else str(job.device_file),
        "values": dict(job.values),
        "acknowledgements": [
            [item.subject, item.person, item.reason, item.role] for item in job.acknowledgements
        ],
        "patient": job.patient,
        "operator": job.operator,
        "attended": job.attended,
        "lines": [
            [line.channel, line.port, None if line.device_file is None else str(line.device_file)]
            for line in job.lines
        ],
    }


_PATHS = ("socket", "plan", "trust", "records", "sealing")
_TEXTS = ("session_id", "token", "port", "driver")


def job_from_json(data: bytes) -> Job | str:
    """The job that is handed over, or what is wrong with it."""
    if len(data) > JOB_BYTES_MAX:
        return "the job is too long"
    found = read_json(data.strip())
    if isinstance(found, JsonProblem) or not isinstance(found, dict):
        return "the job cannot be read"
    paths = {name: _text(found, name) for name in _PATHS}
    texts = {name: _text(found, name) for name in _TEXTS}
    missing = [name for name, value in {**paths, **texts}.items() if value is None]
    values = values_from_json(found.get("values"))
    acknowledgements = _acknowledgements(found.get("acknowledgements"))
    lines = _lines(found.get("lines", []))
    if missing or values is None or acknowledgements is None or lines is None:
        return f"the job does not say its {', '.join(missing) or 'values'}"
    device_file = _text(found, "device_file")
    return Job(
        **{name: Path(value) for name, value in paths.items() if value is not None},  # type: ignore[arg-type]
        **{name: value for name, value in texts.items() if value is not None},  # type: ignore[arg-type]
        device_file=None if device_file is None else Path(device_file),
        values=values,
        acknowledgements=acknowledgements,
        patient=_text(found, "patient"),
        operator=_text(found, "operator"),
        attended=found.get("attended") is not False,
        lines=lines,
    )


def _text(found: Mapping[str, Json], name: str) -> str | None:
    value = found.get(name)
    return value if isinstance(value, str) and value else None


def _lines(found: Json) -> tuple[ChannelLine, ...] | None:
    lines = []
    for item in found if isinstance(found, list) else [None]:
        match item:
            case [str() as channel, str() as port, str() | None as file]:
                lines.append(ChannelLine(channel, port, None if file is None else Path(file)))
            case _:
                return None
    return tuple(lines)


def _acknowledgements(found: Json) -> tuple[Acknowledgement, ...] | None:
    if not isinstance(found, list):
        return None
    given = []
    for item in found:
        match item:
            case [str() as subject, str() as person, str() as reason, str() | None as role]:
                given.append(Acknowledgement(subject, person, reason, role))
            case _:
                return None
    return tuple(given)
