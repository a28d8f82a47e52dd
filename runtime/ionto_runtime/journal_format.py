"""One record of a journal as bytes: what each byte is for, written and read.

A journal is MAGIC and then records, back to back. A record is a fixed head, a payload in canonical JSON,
zeros up to a multiple of 8, and a link. All of it is a multiple of 8 bytes long, so that no sector boundary
cuts a length. The checksum tells quickly that bytes are not a record. The link, SHA-256 over the link
before and all bytes of this record, makes the file one chain: no record can be changed, moved, left out or
put in without breaking it.

| bytes | meaning |
| 4 | length of the whole record |
| 1 | type |
| 3 | how many of the records before this one were not yet known to be durable |
| 8 | sequence: 0 for the first record, then one more each |
| 8 | forward clock, ns |
| 8 | calendar, ms since 1970 UTC, signed |
| 4 | length of the payload |
| 4 | CRC-32 of all bytes up to the link, with zero here |
| ... | payload, zeros |
| 32 | link |

Numbers are little-endian. The count of records that still waited for the disk is what tells a hole that a
loss of power can leave from one that it cannot: a record that was durable does not vanish by itself.
"""

from __future__ import annotations

import json
import re
import struct
import zlib
from collections.abc import Mapping
from enum import Enum
from hashlib import sha256

from ionto_ir.canonical import DEPTH_MAX, Json, JsonLike, canonical, read_json
from ionto_ir.dataclass import dataclass

MAGIC = b"IONTO-JOURNAL-1\n"
CHAIN_START = sha256(MAGIC).digest()

PAYLOAD_BYTES_MAX = 1024 * 1024
"""The header carries all values of a session, which are a few kilobytes; every other payload is far
smaller.
"""

ALIGNMENT = 8
_HEAD = struct.Struct("<IB3sQQqII")
_CHECKSUM_AT = _HEAD.size - 4
_LINK_BYTES = 32
UNSYNCED_MAX = 2**24 - 1
RECORD_BYTES_MIN = _HEAD.size + _LINK_BYTES
RECORD_BYTES_MAX = RECORD_BYTES_MIN + PAYLOAD_BYTES_MAX


class RecordType(Enum):
    """What a record says. The numbers are part of the format for ever."""

    HEADER = 1  # which session, plan, device and software this is; always the first
    STATE = 2  # the machine's state, from which a session can be taken up again
    INTENT = 3  # a command about to be sent
    OUTCOME = 4  # what became of the command of an earlier INTENT
    SAMPLE = 5  # what was measured in a tick
    EVENT = 6  # anything else that happened to the machine
    ANSWER = 7  # what a person answered or confirmed
    RECORDED = 8  # a value that a person measured and entered
    ALARM = 9  # an alarm, raised or acknowledged
    SEAL = 10  # nothing follows


@dataclass(frozen=True, slots=True)
class Record:
    """A record as it was read: `offset` is where it begins, `link` what the next record builds on.

    When it was written, all records before it were durable but the last `unsynced` of them.
    """

    kind: RecordType
    sequence: int
    monotonic_ns: int
    wall_ms: int
    payload: dict[str, Json]
    offset: int
    link: bytes
    unsynced: int = 0


class Damage(Enum):
    """Why bytes are not the next record."""

    INCOMPLETE = "a record is not there to its end"
    UNREADABLE = "the bytes are no record"
    MISPLACED = "a record stands where it was not written"
    UNKNOWN = "a record was written that this program does not understand"


def encode_record(
    kind: RecordType,
    sequence: int,
    monotonic_ns: int,
    wall_ms: int,
    payload: Mapping[str, JsonLike],
    link_before: bytes,
    unsynced: int = 0,
) -> tuple[bytes, bytes]:
    """The bytes of a record and its link. The payload is at most PAYLOAD_BYTES_MAX long when written."""
    text = canonical(payload)
    assert len(text) <= PAYLOAD_BYTES_MAX, "a payload is bounded"
    content = text + bytes(-len(text) % ALIGNMENT)
    length = RECORD_BYTES_MIN + len(content)
    waiting = min(unsynced, UNSYNCED_MAX).to_bytes(3, "little")
    head = _HEAD.pack(length, kind.value, waiting, sequence, monotonic_ns, wall_ms, len(text), 0)
    checksum = zlib.crc32(head + content)
    body = head[:_CHECKSUM_AT] + struct.pack("<I", checksum) + content
    link = sha256(link_before + body).digest()
    return body + link, link


def decode_record(data: bytes, offset: int, sequence: int, link_before: bytes) -> tuple[Record, int] | Damage:
    """The record number `sequence` at `offset`, and the offset after it; or why there is none."""
    length = sound_length(data, offset)
    if isinstance(length, Damage):
        return length
    end = offset + length
    body, link = data[offset : end - _LINK_BYTES], data[end - _LINK_BYTES : end]
    _, number, waiting, found, monotonic_ns, wall_ms, text_bytes, _ = _HEAD.unpack_from(body)
    expected = sha256(link_before + body).digest()
    if found != sequence:
        return Damage.MISPLACED
    if link != expected:
        # A loss of power may take the block with the link and leave the rest; zeros are nobody's link.
        lost = all(byte in (0, right) for byte, right in zip(link, expected, strict=True))
        return Damage.INCOMPLETE if lost else Damage.MISPLACED
    text = body[_HEAD.size : _HEAD.size + text_bytes]
    payload = read_payload(text)
    if number not in _KINDS or payload is None:
        return Damage.UNKNOWN
    unsynced = int.from_bytes(waiting, "little")
    record = Record(_KINDS[number], sequence, monotonic_ns, wall_ms, payload, offset, link, unsynced)
    return record, end


def read_payload(text: bytes) -> dict[str, Json] | None:
    """The object that `text` writes in canonical form; None when it is anything else.

    A session has ten thousand records and more. Nearly all are plain text with small numbers, for which the
    standard reader and writer settle the matter four times as fast.
    """
    if text.isascii() and not _NOT_PLAIN.search(text) and text.count(b"[") + text.count(b"{") < DEPTH_MAX:
        try:
            value = json.loads(text, parse_float=_refuse, parse_constant=_refuse)
        except ValueError:
            return None
        plain = json.dumps(value, separators=(",", ":"), sort_keys=True).encode("ascii") == text
        return value if plain and isinstance(value, dict) else None
    read = read_json(text)
    whole = isinstance(read, dict) and canonical(read) == text
    return read if whole and isinstance(read, dict) else None


def _refuse(digits: str) -> Json:
    raise ValueError(digits)


_NOT_PLAIN = re.compile(rb"\\|\x7f|[0-9]{16}")


def sound_length(data: bytes, offset: int) -> int | Damage:
    """The length of the record at `offset` when its bytes agree with their checksum, wherever it may
    belong.
    """
    left = len(data) - offset
    if left < RECORD_BYTES_MIN:
        return Damage.INCOMPLETE
    head: tuple[int, int, bytes, int, int, int, int, int] = _HEAD.unpack_from(data, offset)
    length, _, _, _, _, _, text_bytes, checksum = head
    padded = text_bytes + -text_bytes % ALIGNMENT
    if length != RECORD_BYTES_MIN + padded or text_bytes > PAYLOAD_BYTES_MAX:
        return Damage.UNREADABLE
    if length > left:
        return Damage.INCOMPLETE
    content = data[offset + _HEAD.size : offset + length - _LINK_BYTES]
    cleared = data[offset : offset + _CHECKSUM_AT] + bytes(4)
    padding_is_zero = not any(content[text_bytes:])
    if zlib.crc32(content, zlib.crc32(cleared)) != checksum or not padding_is_zero:
        return Damage.UNREADABLE
    return length


def durable_before(data: bytes, offset: int) -> int:
    """How many records were known to be durable when the sound record at `offset` was written."""
    head: tuple[int, int, bytes, int, int, int, int, int] = _HEAD.unpack_from(data, offset)
    return head[3] - int.from_bytes(head[2], "little")


def wall_ms_at(data: bytes, offset: int) -> int:
    """The calendar time of the sound record at `offset`."""
    head: tuple[int, int, bytes, int, int, int, int, int] = _HEAD.unpack_from(data, offset)
    return head[5]


_KINDS = {kind.value: kind for kind in RecordType}
