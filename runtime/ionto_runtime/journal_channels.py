"""One journal for all channels of a session: each record says whose it is, and each part reads alone.

One file has one order, one seal and one end, so nobody can lose, forge or forget one channel of a session.
Records without a channel are those of what people do around the channels. Taken apart, a part is an ordinary
journal: it is replayed, counted and drawn as that of a session with one output.
"""

from __future__ import annotations

from collections.abc import Mapping

from ionto_ir.canonical import Json, JsonLike
from ionto_ir.dataclass import dataclass, replace
from ionto_runtime.journal import JournalFailure, JournalWriter, Late, Written
from ionto_runtime.journal_format import Record, RecordType
from ionto_runtime.journal_reader import Reading

CHANNEL = "channel"
CHANNELS = "channels"


class ChannelJournal:
    """The journal of a session as one of its channels writes it; only the session itself seals it."""

    def __init__(self, journal: JournalWriter, number: int) -> None:
        self._journal = journal
        self._number = number

    @property
    def failure(self) -> JournalFailure | None:
        """What the system refused to any channel; then nobody writes any more."""
        return self._journal.failure

    @property
    def head(self) -> str:
        """The last link of the whole journal."""
        return self._journal.head

    @property
    def sealed(self) -> bool:
        """Whether the whole journal is closed."""
        return self._journal.sealed

    def append(self, kind: RecordType, payload: Mapping[str, JsonLike]) -> Written | Late | JournalFailure:
        """Write a record of this channel."""
        return self._journal.append(kind, {**payload, CHANNEL: self._number})

    def seal(self, reason: str) -> Written | JournalFailure:
        """Close the whole journal."""
        return self._journal.seal(reason)

    def close(self) -> None:
        """Let go of the file."""
        self._journal.close()


@dataclass(frozen=True, slots=True)
class Part:
    """What a journal says of one channel, as a journal of its own; `name` is None for what has no channel:
    all of an ordinary journal, or what people did around the channels.
    """

    name: str | None
    reading: Reading


def channel_names(reading: Reading) -> tuple[str, ...]:
    """The channels that a header names, in order; none in an ordinary journal."""
    listed = (reading.header or {}).get(CHANNELS)
    items = listed if isinstance(listed, list) else []
    return tuple(str(item.get("name")) for item in items if isinstance(item, dict))


def parts_of(reading: Reading) -> tuple[Part, ...]:
    """What people did, and then each channel; an ordinary journal is the only part of itself."""
    header = reading.header
    listed = None if header is None else header.get(CHANNELS)
    if header is None or not isinstance(listed, list):
        return (Part(None, reading),)
    parts = [Part(None, _part(reading, None, {}))]
    for number, item in enumerate(listed):
        assert isinstance(item, dict), "a header that was read names its channels"
        parts.append(Part(str(item.get("name")), _part(reading, number, item)))
    return tuple(parts)


def _part(reading: Reading, number: int | None, said: Mapping[str, Json]) -> Reading:
    """The records of a channel between the header, as it is for that channel, and the seal."""
    header = reading.records[0]
    own = {name: value for name, value in {**header.payload, **said}.items() if name != CHANNELS}
    kept = (record for record in reading.records[1:] if _is(record, number))
    return replace(reading, records=(replace(header, payload=own | {CHANNEL: number}), *kept))


def _is(record: Record, number: int | None) -> bool:
    return record.kind is RecordType.SEAL or record.payload.get(CHANNEL) == number
