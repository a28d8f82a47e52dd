"""A run as its journal tells it: facts, events and curves for a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ionto_cli import quantities
from ionto_cli.exits import Exit
from ionto_cli.files import system_words
from ionto_cli.page import RunSection
from ionto_cli.picture import Curve, Picture, draw
from ionto_cli.strip import strip_chart
from ionto_cli.terminal import complain, say
from ionto_ir.canonical import Json
from ionto_ir.dataclass import replace
from ionto_ir.diagnostic import Diagnostic, error
from ionto_ir.plan import Plan
from ionto_runtime.accounting import account_of
from ionto_runtime.journal_channels import channel_names, parts_of
from ionto_runtime.journal_format import Record, RecordType
from ionto_runtime.journal_reader import Reading, Sealed, Unread, read_journal
from ionto_runtime.replay_channels import rebound_parts, replay_parts
from ionto_runtime.series import Row, Series, channel_series, command_words, series_of
from ionto_runtime.session_records import was_sent

NA_PER_MA = 1e6
PC_PER_MA_MIN = 6e10
MS_PER_S = 1e3


def recorded_run(path: Path, plan: Plan) -> RunSection | Diagnostic:
    """What a journal says of a session of this plan; it is replayed, and the page says what came of that."""
    reading = read_journal(path)
    if isinstance(reading, Unread):
        return error("I0904", f"cannot read `{path}`: {reading.reason}", None)
    parts = rebound_parts(plan, reading)
    if isinstance(parts, str):
        advice = "name the journal of a run of this protocol, compiled from these very files"
        return error("I0910", f"`{path}` does not belong to `{plan.name}`: {parts}", None, help=advice)
    header = reading.header or {}
    simulated = header.get("simulated") is True
    picture = Picture(
        title="What was set and what was measured",
        subtitle=f"{header.get('device')}",
        curves=_curves_of_channels(reading) if plan.channels else _curves(reading),
        simulated=simulated,
    )
    difference = replay_parts(parts, reading).difference
    replayed = "the same commands, tick by tick" if difference is None else f"differs: {difference.what}"
    facts = [*_facts(reading, header), ("replayed through the machine", replayed)]
    return RunSection(facts, list(_events(reading)), picture, simulated)


def draw_recorded(path: Path, plan: Plan, output: str) -> Exit | None:
    """Draw what the journal of a session says that was just simulated; None when that went well."""
    section = recorded_run(path, plan)
    assert not isinstance(section, Diagnostic) and section.picture is not None, "the journal was just written"
    try:
        draw(section.picture, [output])
    except (OSError, ValueError) as problem:
        words = system_words(problem) if isinstance(problem, OSError) else "the name must end in .svg or .png"
        return complain(error("I0904", f"cannot draw `{output}`: {words}", None))
    say(f"drew {output}")
    return None


def _facts(reading: Reading, header: dict[str, Json]) -> list[tuple[str, str]]:
    sealed = isinstance(reading.end, Sealed)
    ended = str(reading.records[-1].payload.get("reason")) if sealed else "the journal is not sealed"
    facts = [
        ("session", str(header.get("session"))),
        ("patient token", str(header.get("patient") or "none")),
        ("device", str(header.get("device"))),
        ("software", str(header.get("software"))),
        ("ended", ended),
    ]
    account = account_of(reading)
    if not isinstance(account, str):
        low, high = account.charge.lower_pc, account.charge.upper_pc
        facts.append(("delivered", f"at least {quantities.charge(low)}, at most {quantities.charge(high)}"))
    facts += [("channel", line) for line in channel_lines(reading)]
    facts.append(("journal", f"{len(reading.records)} records, head {reading.link.hex()}"))
    return facts


def channel_lines(reading: Reading) -> Iterator[str]:
    """What each of several channels delivered; nothing of an ordinary journal."""
    for part in parts_of(reading)[1:]:
        account = account_of(part.reading)
        if isinstance(account, str):
            yield f"{part.name}: {account}"
            continue
        low, high = quantities.charge(account.charge.lower_pc), quantities.charge(account.charge.upper_pc)
        yield f"{part.name}: {quantities.charge(account.nominal_pc)} set; at least {low}, at most {high}"


def charts_of(reading: Reading) -> Iterator[str]:
    """The session as strip charts of characters, one for each channel; nothing where it cannot be read."""
    names = channel_names(reading)
    if not names:
        series = series_of(reading)
        yield from () if isinstance(series, str) else strip_chart(series)
        return
    listed = channel_series(reading)
    for name, alone in () if isinstance(listed, str) else zip(names, listed[1:], strict=True):
        yield f"channel {name}"
        yield from strip_chart(alone)
    if not isinstance(listed, str):
        yield "all channels together"
        yield from strip_chart(_together(listed[1:]))


def _together(channels: Sequence[Series]) -> Series:
    """The channels as one: magnitudes added up, the highest voltage; one that was told of no tick was at
    rest.
    """
    by_time: dict[int, list[Row]] = {}
    for series in channels:
        for row in series.rows:
            by_time.setdefault(row.at_ms, []).append(row)
    rows = (_sum_of(by_time[at_ms]) for at_ms in sorted(by_time))
    return Series(channels[0].tick_ms, tuple(rows), ())


def _sum_of(rows: Sequence[Row]) -> Row:
    measured = [row.measured_na for row in rows if row.measured_na is not None]
    voltages = [row.voltage_mv for row in rows if row.voltage_mv is not None]
    return replace(
        rows[0],
        set_na=sum(abs(row.set_na or 0) for row in rows),
        measured_na=sum(measured) if len(measured) == len(rows) else None,
        voltage_mv=max(voltages, default=None),
    )


def _curves_of_channels(reading: Reading) -> list[Curve]:
    """What was measured in each channel, and the sum of what was set."""
    listed = channel_series(reading)
    if isinstance(listed, str):
        return []
    channels = listed[1:]
    start_ms = min((row.at_ms for series in channels for row in series.rows if row.nominal_pc), default=0)
    times = sorted({row.at_ms for series in channels for row in series.rows if row.at_ms >= start_ms})
    seconds = [(at_ms - start_ms) / MS_PER_S for at_ms in times]
    curves, set_ma, set_total = [], [0.0] * len(times), [0.0] * len(times)
    for name, series in zip(channel_names(reading), channels, strict=True):
        rows = {row.at_ms: row for row in series.rows}
        measured_ma, delivered, before_s, nominal_pc = [], [0.0], 0.0, 0
        for place, at_ms in enumerate(times):
            row = rows.get(at_ms)
            measured_ma.append(0.0 if row is None else (row.measured_na or 0) / NA_PER_MA)
            delivered.append(delivered[-1] + measured_ma[-1] * (seconds[place] - before_s) / 60)
            before_s = seconds[place]
            nominal_pc = nominal_pc if row is None else row.nominal_pc
            set_ma[place] += 0.0 if row is None else abs(row.set_na or 0) / NA_PER_MA
            set_total[place] += nominal_pc / PC_PER_MA_MIN
        curves.append(Curve(f"{name}, measured", seconds, measured_ma, delivered[1:]))
    return [*curves, Curve("all together, set", seconds, set_ma, set_total, total=True)]


def _curves(reading: Reading) -> list[Curve]:
    times, set_ma, measured_ma, set_total, measured_total = [0.0], [0.0], [0.0], [0.0], [0.0]
    start_ms: int | None = None
    for record in reading.records:
        if record.kind is not RecordType.SAMPLE:
            continue
        clock, nominal = record.payload.get("clock_ms"), record.payload.get("nominal_pc")
        if not isinstance(clock, int) or not isinstance(nominal, int):
            continue
        if start_ms is None and nominal == 0:
            continue
        start_ms = clock if start_ms is None else start_ms
        measured = record.payload.get("measured_na")
        current_ma = (measured if isinstance(measured, int) else 0) / NA_PER_MA
        passed_min = (clock - start_ms) / MS_PER_S / 60 - times[-1] / 60
        times.append((clock - start_ms) / MS_PER_S)
        set_ma.append(_set_na(record) / NA_PER_MA if was_sent(record.payload) else set_ma[-1])
        measured_ma.append(current_ma)
        set_total.append(nominal / PC_PER_MA_MIN)
        measured_total.append(measured_total[-1] + current_ma * passed_min)
    return [
        Curve("measured", times, measured_ma, measured_total),
        Curve("set", times, set_ma, set_total),
    ]


def _set_na(record: Record) -> int:
    """The magnitude that the commands of a tick set; both curves are magnitudes."""
    commands = record.payload.get("commands")
    assert isinstance(commands, list)
    for command in commands:
        if isinstance(command, dict) and command.get("command") == "set_current":
            current = command["current_na"]
            assert isinstance(current, int)
            return abs(current)
    return 0


def _events(reading: Reading) -> Iterator[tuple[str, str]]:
    """Everything but ticks, in words."""
    for record in reading.records:
        if record.kind in (RecordType.EVENT, RecordType.ANSWER, RecordType.RECORDED, RecordType.ALARM):
            clock = record.payload.get("clock_ms")
            shown = quantities.clock(clock) if isinstance(clock, int) else ""
            yield shown, _event_words(record)


def _event_words(record: Record) -> str:
    payload = record.payload
    if "commander" in payload:
        return command_words(payload)
    words = [str(payload.get("event") or payload.get("code") or record.kind.name.lower()).replace("_", " ")]
    words += [
        str(payload[name]) for name in ("variable", "value", "kind", "text", "cause") if payload.get(name)
    ]
    return ": ".join([words[0], ", ".join(words[1:])]) if len(words) > 1 else words[0]
