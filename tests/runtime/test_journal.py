"""A journal proves what it says: nothing in it can be changed, moved, removed or added unnoticed (R59, R61,
R70).
"""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ionto_runtime.journal_format import (
    CHAIN_START,
    MAGIC,
    PAYLOAD_BYTES_MAX,
    Damage,
    RecordType,
    decode_record,
    encode_record,
)
from ionto_runtime.journal_reader import Corrupt, Reading, Sealed, TornTail, Unsealed, header_fault, scan
from tests.runtime.journals import HEADER, MemoryFile, session_bytes, session_parts, short_session

SEALED = session_bytes()
OPEN = session_bytes(sealed=False)
WHOLE = scan(SEALED)


def is_prefix(reading: Reading) -> bool:
    """Whether what is proved is the beginning of what was written, and nothing else."""
    return reading.records == WHOLE.records[: len(reading.records)]


def test_what_was_written_reads_back_in_order_with_its_times() -> None:
    file = MemoryFile()
    writer = short_session(file)
    reading = scan(file.data)
    assert reading.end == Sealed(writer.head)
    assert reading.proved_bytes == len(file.data)
    assert [record.kind.name for record in reading.records] == [
        *("HEADER", "ANSWER", "STATE", "INTENT", "OUTCOME"),
        *("SAMPLE", "SAMPLE", "SAMPLE", "STATE", "ALARM", "SEAL"),
    ]
    assert [record.sequence for record in reading.records] == list(range(11))
    assert reading.records[5].payload == {"current_na": 100_000, "note": "µA"}
    assert reading.records[7].monotonic_ns - reading.records[5].monotonic_ns == 200_000_000
    assert reading.records[7].wall_ms - reading.records[5].wall_ms == 200


def test_header_and_seal_say_what_ran_and_whether_it_was_simulated() -> None:
    assert WHOLE.header == HEADER
    assert WHOLE.records[-1].payload == {
        "count": 10,
        "head": WHOLE.records[-2].link.hex(),
        "plan_sha256": HEADER["plan_sha256"],
        "device": HEADER["device"],
        "software": HEADER["software"],
        "simulated": True,
        "reason": "completed",
    }


@pytest.mark.parametrize("missing", sorted(HEADER))
def test_a_header_without_what_it_must_say_is_no_header(missing: str) -> None:
    payload = {name: value for name, value in HEADER.items() if name != missing}
    assert header_fault(payload) is not None
    data, _ = encode_record(RecordType.HEADER, 0, 0, 0, payload, CHAIN_START)
    end = scan(MAGIC + data).end
    assert isinstance(end, Corrupt)
    assert missing in end.reason or missing == "format"


def test_every_record_is_aligned_so_that_no_length_is_torn() -> None:
    assert all(len(part) % 8 == 0 for part in session_parts())


def test_a_cut_at_any_byte_leaves_the_records_before_it_and_is_never_taken_for_sealed() -> None:
    ends = [sum(map(len, session_parts()[:count])) for count in range(1, 13)]
    for length in range(len(SEALED)):
        reading = scan(SEALED[:length])
        assert is_prefix(reading)
        assert len(reading.records) == sum(end <= length for end in ends[1:])
        if length in ends:
            assert reading.end == Unsealed()
        else:
            assert isinstance(reading.end, TornTail), length
            assert reading.end.offset + reading.end.size == length


@pytest.mark.parametrize("data", [SEALED, OPEN], ids=["sealed", "open"])
def test_a_change_of_any_byte_is_noticed_and_nothing_from_there_on_is_accepted(data: bytes) -> None:
    starts = [record.offset for record in scan(data).records]
    for position, flip in itertools.product(range(len(data)), (0x01, 0x80, 0xFF)):
        damaged = bytearray(data)
        damaged[position] ^= flip
        reading = scan(bytes(damaged))
        assert isinstance(reading.end, TornTail | Corrupt)
        assert is_prefix(reading)
        assert len(reading.records) == max(0, sum(start <= position for start in starts) - 1)
        assert reading.end.offset == reading.proved_bytes <= position


def test_damage_before_sound_records_is_corruption_with_its_place() -> None:
    damaged = bytearray(SEALED)
    third = WHOLE.records[3].offset
    damaged[third + 50] ^= 1
    end = scan(bytes(damaged)).end
    assert end == Corrupt(
        third, 3, f"the bytes are no record, and records follow at byte {WHOLE.records[4].offset}"
    )


def test_every_exchange_of_two_records_is_corruption() -> None:
    magic, *records = session_parts()
    for first, second in itertools.combinations(range(len(records)), 2):
        swapped = list(records)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        reading = scan(magic + b"".join(swapped))
        assert isinstance(reading.end, Corrupt)
        assert reading.end.sequence == first
        assert is_prefix(reading)


def test_every_repeated_record_is_corruption() -> None:
    magic, *records = session_parts()
    for source, place in itertools.product(range(len(records)), range(1, len(records) + 1)):
        repeated = [*records[:place], records[source], *records[place:]]
        reading = scan(magic + b"".join(repeated))
        if source == place:
            # The same record before itself: the first of the two stands right.
            assert len(reading.records) == place + 1
        assert isinstance(reading.end, Corrupt)
        assert is_prefix(reading)


def test_every_removed_record_is_noticed() -> None:
    magic, *records = session_parts()
    for removed in range(len(records)):
        reading = scan(magic + b"".join(records[:removed] + records[removed + 1 :]))
        assert not isinstance(reading.end, Sealed)
        assert is_prefix(reading)
        assert isinstance(reading.end, Corrupt) or removed == len(records) - 1


def test_a_record_of_another_session_is_corruption() -> None:
    magic, *records = session_parts(sealed=False)
    foreign, _ = encode_record(RecordType.SAMPLE, len(records), 0, 0, {"current_na": 0}, CHAIN_START)
    end = scan(magic + b"".join(records) + foreign).end
    assert isinstance(end, Corrupt)
    assert end.reason == Damage.MISPLACED.value


def test_a_sealed_journal_without_its_tail_is_not_sealed() -> None:
    for count in range(1, len(session_parts())):
        assert scan(b"".join(session_parts()[:count])).end == Unsealed()


@pytest.mark.parametrize("tail", [b"\0", b"\0" * 4096, b"x", SEALED, OPEN[len(MAGIC) :]])
def test_nothing_may_follow_the_seal(tail: bytes) -> None:
    end = scan(SEALED + tail).end
    assert isinstance(end, Corrupt)
    assert end.offset == len(SEALED)


def test_a_seal_put_on_by_somebody_else_must_still_fit_the_journal() -> None:
    reading = scan(OPEN)
    honest = dict(WHOLE.records[-1].payload)
    lies: list[dict[str, object]] = [
        {"count": 9},
        {"head": "00" * 32},
        {"simulated": False},
        {"plan_sha256": "cd" * 32},
        {"device": "another"},
    ]
    for lie in lies:
        payload = {**honest, **lie}
        seal, _ = encode_record(RecordType.SEAL, 10, 0, 0, payload, reading.link)  # type: ignore[arg-type]
        end = scan(OPEN + seal).end
        assert isinstance(end, Corrupt), lie
        assert end.sequence == 10


@pytest.mark.parametrize("size", [512, 4096])
@pytest.mark.parametrize("filling", [b"\0", b"\xff", b"\xa5"])
def test_a_garbled_last_sector_leaves_the_records_before_it(size: int, filling: bytes) -> None:
    kept = max(0, len(OPEN) - size)
    reading = scan(OPEN[:kept] + filling * (len(OPEN) - kept))
    assert is_prefix(reading)
    assert isinstance(reading.end, TornTail | Corrupt)
    assert reading.proved_bytes <= kept


@given(st.binary(max_size=300))
def test_reading_arbitrary_bytes_never_fails_and_proves_nothing(data: bytes) -> None:
    assert scan(data).records == ()
    assert scan(MAGIC + data).records == ()


def test_an_empty_file_is_a_torn_journal_and_another_file_is_none() -> None:
    assert scan(b"").end == TornTail(0, 0)
    assert scan(MAGIC[:7]).end == TornTail(0, 7)
    assert scan(MAGIC).end == Unsealed()
    assert scan(b"%PDF-1.7").end == Corrupt(0, 0, "the file is not a journal of this format")
    assert scan(MAGIC.replace(b"1", b"2")).end == Corrupt(0, 0, "the file is not a journal of this format")


def test_a_record_of_an_unknown_kind_is_not_half_understood() -> None:
    data, _ = encode_record(RecordType.SAMPLE, 0, 0, 0, {}, CHAIN_START)
    known = decode_record(data, 0, 0, CHAIN_START)
    assert not isinstance(known, Damage)

    class Later:
        value = 11

    unknown, _ = encode_record(Later, 0, 0, 0, {}, CHAIN_START)  # type: ignore[arg-type]
    assert decode_record(unknown, 0, 0, CHAIN_START) is Damage.UNKNOWN


@pytest.mark.parametrize("kind", [kind for kind in RecordType if kind is not RecordType.HEADER])
def test_only_a_header_comes_first(kind: RecordType) -> None:
    data, _ = encode_record(kind, 0, 0, 0, dict(HEADER), CHAIN_START)
    assert scan(MAGIC + data).end == Corrupt(16, 0, "the header is the first record and no other")


def test_a_second_header_is_corruption() -> None:
    reading = scan(OPEN)
    data, _ = encode_record(RecordType.HEADER, 10, 0, 0, dict(HEADER), reading.link)
    end = scan(OPEN + data).end
    assert isinstance(end, Corrupt)


@pytest.mark.parametrize("intent", [0, 3, 4, 99, -1, True, "3", None])
def test_an_outcome_without_an_open_intent_is_corruption(intent: object) -> None:
    # Record 3 is an intent that has its outcome already.
    reading = scan(OPEN)
    payload = {"intent": intent}
    data, _ = encode_record(RecordType.OUTCOME, 10, 0, 0, payload, reading.link)  # type: ignore[arg-type]
    end = scan(OPEN + data).end
    assert end == Corrupt(len(OPEN), 10, "an outcome has no intent before it")


def test_a_payload_is_bounded() -> None:
    encode_record(RecordType.ANSWER, 0, 0, 0, {"text": "x" * (PAYLOAD_BYTES_MAX - 11)}, CHAIN_START)
    with pytest.raises(AssertionError, match="bounded"):
        encode_record(RecordType.ANSWER, 0, 0, 0, {"text": "x" * (PAYLOAD_BYTES_MAX - 10)}, CHAIN_START)
