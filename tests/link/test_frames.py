"""Frames: whatever a line does to one, it is either what was sent or nothing."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_runtime.link import frames
from ionto_runtime.link.frames import (
    STUFFED_BYTES_MAX,
    Frame,
    FrameReader,
    decode,
    encode,
    stuff,
    unstuff,
)
from ionto_runtime.link.messages import Message
from ionto_runtime.link.schema import FRAME_BYTES_MAX, STOP_BYTES
from tests.link.frames import MESSAGES, WIRES, damage, flips, received

SAMPLE = 30_000
"""Damaged frames in every run; `make soak` tries a million."""


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
@given(session=st.integers(0, 2**32 - 1), sequence=st.integers(0, 65_535), ack=st.integers(0, 65_535))
def test_a_frame_is_read_as_it_was_written(message: Message, session: int, sequence: int, ack: int) -> None:
    frame = Frame(session, sequence, ack, message)
    wire = encode(frame)
    assert len(wire) <= FRAME_BYTES_MAX
    assert wire[0] == wire[-1] == 0 and 0 not in wire[1:-1]
    assert received(wire) == [frame]


@given(st.binary(max_size=253))
def test_stuffed_bytes_have_no_zero_and_come_back(data: bytes) -> None:
    stuffed = stuff(data)
    assert b"\0" not in stuffed
    assert len(stuffed) == len(data) + 1
    assert unstuff(stuffed) == data


@given(st.binary(max_size=80))
def test_every_sequence_of_bytes_can_be_asked_whether_it_is_a_frame(data: bytes) -> None:
    assert decode(data) is None
    plain = unstuff(data)
    assert plain is None or stuff(plain) == data


@pytest.mark.requirement("R37")
@pytest.mark.parametrize("name", WIRES)
def test_no_frame_with_one_or_two_bits_turned_over_is_taken(name: str) -> None:
    wire = WIRES[name]
    for count in (1, 2) if len(wire) < 40 else (1,):
        assert [bad for bad in flips(wire, count) if received(bad)] == []


@pytest.mark.soak
@pytest.mark.requirement("R37")
@pytest.mark.parametrize("name", [name for name, wire in WIRES.items() if len(wire) >= 40])
def test_no_long_frame_with_two_bits_turned_over_is_taken(name: str) -> None:
    assert [bad for bad in flips(WIRES[name], 2) if received(bad)] == []


@pytest.mark.requirement("R37")
def test_no_frame_of_a_random_sample_of_damage_is_taken() -> None:
    _assert_damage_is_never_taken(seed=1, count=SAMPLE)


@pytest.mark.soak
@pytest.mark.requirement("R37")
def test_no_frame_of_a_million_kinds_of_damage_is_taken() -> None:
    _assert_damage_is_never_taken(seed=2, count=1_000_000)


def _assert_damage_is_never_taken(seed: int, count: int) -> None:
    random = Random(seed)
    wires = list(WIRES.values())
    good = {wire: received(wire)[0] for wire in wires}
    for _ in range(count):
        wire, other = random.choice(wires), random.choice(wires)
        bad = damage(wire, other, random)
        allowed = [good[whole] for whole in wires if whole in b"\0" + bad + b"\0"]
        assert all(frame in allowed for frame in received(bad)), bad.hex()


@pytest.mark.requirement("R37")
def test_a_peer_with_another_table_is_not_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frames, "SEED", frames.SEED ^ 1)
    foreign = [encode(Frame(1, 2, 3, message)) for message in MESSAGES]
    monkeypatch.undo()
    assert [wire for wire in foreign if received(wire)] == []


@pytest.mark.requirement("R49")
def test_a_reader_holds_one_unfinished_frame_at_most() -> None:
    reader = FrameReader()
    for _ in range(1_000):
        assert reader.feed(b"\x01" * 10_000) == []
        assert len(reader._held) <= STUFFED_BYTES_MAX
    assert reader.feed(WIRES["Query"]) == received(WIRES["Query"])
    assert reader.damaged == 1


def test_a_reader_takes_frames_in_any_portions() -> None:
    stream = b"".join(WIRES.values())
    for portion in (1, 7, 61, len(stream)):
        reader = FrameReader()
        seen = [
            frame for at in range(0, len(stream), portion) for frame in reader.feed(stream[at : at + portion])
        ]
        assert [frame.message for frame in seen] == list(MESSAGES)


def test_no_frame_contains_the_bytes_that_stop() -> None:
    # The byte after a delimiter is a distance within a frame; here it is longer than any frame, and what
    # stands between the two delimiters is shorter than any frame.
    first, *inside, last = STOP_BYTES
    assert first == last == 0 and 0 not in inside
    assert inside[0] > FRAME_BYTES_MAX
    assert len(inside) < min(map(len, WIRES.values())) - 2
    assert received(STOP_BYTES) == []
