"""Frames: a message with its header and check value, stuffed so that a zero byte only ever ends a frame.

The stuffing is Cheshire and Baker's (COBS, 1999): each zero is replaced by the distance to the next one. A
reader that has lost its place finds it again at the next zero.
"""

from __future__ import annotations

import struct
import zlib

from ionto_ir.dataclass import dataclass
from ionto_runtime.link.messages import Message, kind_of, message_of, payload_of
from ionto_runtime.link.schema import FRAME_BYTES_MAX, HEADER, PAYLOADS, SEED, VERSION, Kind

_HEADER = struct.Struct("<" + "".join(field.code for field in HEADER))
_KINDS = frozenset(PAYLOADS)
CHECK_BYTES = 4
DELIMITER = b"\0"

STUFFED_BYTES_MAX = FRAME_BYTES_MAX - 2 * len(DELIMITER)
BODY_BYTES_MAX = STUFFED_BYTES_MAX - 1


@dataclass(frozen=True, slots=True)
class Frame:
    """A message and where it belongs."""

    session: int
    sequence: int
    ack: int
    message: Message


def encode(frame: Frame) -> bytes:
    """The bytes for the line, with a delimiter on either side: what was cut off before does not spoil it."""
    header = _HEADER.pack(VERSION, kind_of(frame.message), frame.session, frame.sequence, frame.ack)
    body = header + payload_of(frame.message)
    body += zlib.crc32(body, SEED).to_bytes(CHECK_BYTES, "little")
    assert len(body) <= BODY_BYTES_MAX, "no message is longer than a frame"
    return DELIMITER + stuff(body) + DELIMITER


def decode(stuffed: bytes) -> Frame | None:
    """The frame that these bytes are (without delimiter); None when a single bit of it is in doubt."""
    if len(stuffed) > STUFFED_BYTES_MAX:
        return None
    body = unstuff(stuffed)
    if body is None or len(body) < _HEADER.size + CHECK_BYTES:
        return None
    checked, check = body[:-CHECK_BYTES], body[-CHECK_BYTES:]
    if zlib.crc32(checked, SEED) != int.from_bytes(check, "little"):
        return None
    version, kind, session, sequence, ack = _HEADER.unpack_from(checked)
    if version != VERSION or kind not in _KINDS:
        return None
    message = message_of(Kind(kind), checked[_HEADER.size :])
    return None if message is None else Frame(session, sequence, ack, message)


def stuff(data: bytes) -> bytes:
    """The same without zeros, one byte longer; `data` is shorter than 254 bytes."""
    assert len(data) < 254
    return b"".join(bytes([len(part) + 1]) + part for part in data.split(b"\0"))


def unstuff(stuffed: bytes) -> bytes | None:
    """What `stuff` was given; None when these bytes are nothing that it gives."""
    parts = []
    at = 0
    while at < len(stuffed):
        length = stuffed[at]
        part = stuffed[at + 1 : at + length]
        if length == 0 or len(part) != length - 1 or b"\0" in part:
            return None
        parts.append(part)
        at += length
    return b"\0".join(parts) if parts else None


class FrameReader:
    """Finds frames in a stream; holds one unfinished frame at most, however much comes in.

    `damaged` counts what stood between two delimiters and was no frame.
    """

    def __init__(self) -> None:
        self._held = bytearray()
        self._overlong = False
        self.damaged = 0

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that are complete now, in order."""
        frames = []
        *ended, rest = data.split(DELIMITER)
        for part in ended:
            self._hold(part)
            frame = self._end()
            if frame is not None:
                frames.append(frame)
        self._hold(rest)
        return frames

    def _hold(self, part: bytes) -> None:
        if self._overlong or len(self._held) + len(part) > STUFFED_BYTES_MAX:
            self._overlong = True
            self._held.clear()
        else:
            self._held += part

    def _end(self) -> Frame | None:
        stuffed, overlong = bytes(self._held), self._overlong
        self._held.clear()
        self._overlong = False
        if not stuffed and not overlong:
            return None  # delimiters in a row are no damage
        frame = None if overlong else decode(stuffed)
        if frame is None:
            self.damaged += 1
        return frame
