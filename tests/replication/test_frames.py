"""The layout of a state message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import RemoteProtocolError
from ecsnet.replication.frames import (
    HEADER_BYTES,
    NO_INPUT,
    OwnPart,
    State,
    decode_state,
    encode_checks,
    encode_full,
    encode_records,
    encode_run,
    encode_single,
    encode_state,
    encode_steers,
    run_header_bytes,
)
from ecsnet.wire import pack_varint
from tests.replication.pasture import Black, Body, Label, record, schema

BODY, BLACK, LABEL = record(Body), record(Black), record(Label)

GOLDEN = bytes.fromhex(
    "fffffffe0f"  # tick, flags: own, gones, fulls, synced
    "0703"  # inputs known 7 ticks ahead, margin 3
    "0205" "4123"  # 2 gones: 5, 0x123
    "01" "4009" "020001" "000102000304"  # 1 full: entity 9, written in 2 bytes; Black and Body (258, 772)
    "0106" "02" "0a" "01000001" "61" "0b" "00000002"  # a run of Label: 10 ("a", 1), 11 ("", 2)
)  # fmt: skip


def golden_state() -> bytes:
    """Return a message that has everything."""
    full = encode_full(
        b"\x40\x09", encode_records([BLACK.id, BODY.id]), [BLACK.codec.pack(()), BODY.codec.pack((0x102, 0x304))]
    )
    entries = [b"\x0a" + LABEL.codec.pack(("a", 1)), b"\x0b" + LABEL.codec.pack(("", 2))]
    return encode_state(
        0xFFFFFFFE,
        OwnPart(7, 3),
        synced=True,
        gones=[pack_varint(5), pack_varint(0x123)],
        fulls=[full],
        runs=[encode_run(encode_records([LABEL.id]), entries)],
    )


def test_the_layout_is_this_byte_for_byte() -> None:
    """Golden: it changes only together with PROTOCOL_VERSION."""
    assert (BLACK.id, BODY.id, LABEL.id) == (0, 1, 6)
    assert golden_state().hex() == GOLDEN.hex()


def test_a_message_is_read_as_it_was_written() -> None:
    """Every part, in its type."""
    state = decode_state(golden_state(), schema.records)

    assert state == State(
        tick=0xFFFFFFFE,
        own=OwnPart(7, 3),
        synced=True,
        gones=(5, 0x123),
        fulls=((9, [(BLACK.id, ()), (BODY.id, (0x102, 0x304))], 11),),
        updates=((10, [(LABEL.id, ("a", 1))], 6), (11, [(LABEL.id, ("", 2))], 5)),
    )


def test_a_message_may_be_nothing_but_a_tick() -> None:
    """As where nothing moves and the client has no input."""
    assert decode_state(encode_state(3, None), schema.records) == State(3, None, False, (), (), ())
    assert decode_state(encode_state(3, OwnPart(1, NO_INPUT)), schema.records).own == OwnPart(1, NO_INPUT)


def test_what_a_client_steers_is_named_beside_its_own_part() -> None:
    """Also when it is nothing any more; without a word it is what it was."""
    for ids, bytes_ in (((), "00"), ((9, 300), "0209412c")):
        message = encode_state(3, OwnPart(4, 5), steers=encode_steers([pack_varint(each) for each in ids]))

        assert message.hex() == "0000000341" + "0405" + bytes_
        assert decode_state(message, schema.records) == State(3, OwnPart(4, 5), False, steers=ids)
    assert decode_state(encode_state(3, OwnPart(4, 5)), schema.records).steers is None


def test_what_a_client_sees_no_more_and_lacks_still_is_said_apart() -> None:
    """That an entity left the view is not that it died; and how far a late join is, is for people."""
    check = (b"\7", encode_records([BODY.id, LABEL.id]), 0xFFFFFFFF)
    runs = [encode_checks([check]), encode_single(encode_records([BLACK.id]), b"\5", [])]
    state = decode_state(encode_state(3, None, joining=300, gones=[b"\1"], leaves=[b"\2"], runs=runs), schema.records)

    assert state == State(
        3, None, False, gones=(1,), leaves=(2,), joining=300,
        updates=((5, [(BLACK.id, ())], 1),), checks=((7, (BODY.id, LABEL.id), 0xFFFFFFFF),),
    )  # fmt: skip


def test_a_single_run_is_a_run_of_one() -> None:
    """Two ways to the same bytes: one of them is quicker."""
    records = encode_records([BODY.id])

    assert encode_single(records, b"\x07", [b"abcdef"]) == encode_run(records, [b"\x07abcdef"])
    assert len(encode_run(records, [b"\x07abcdef"])) == run_header_bytes(records, 1) + 7


def test_the_space_set_aside_for_headers_is_enough() -> None:
    """Up to 16,383 gones and fulls a message."""
    assert len(encode_state(1, OwnPart(1, 1), gones=[b"\x01"] * 100, fulls=[b"?"])) <= HEADER_BYTES + 101


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "0 B has no header"),
        (b"\0\0\0\1", "4 B has no header"),
        (b"\0\0\0\1\x80", "flags 0x80 are not of this version"),
        (b"\0\0\0\1\x40", "has no own part"),
        (b"\0\0\0\1\x41\0\0", "varint"),
        (b"\0\0\0\1\1\0", "own part is cut off"),
        (b"\0\0\0\1\2", "varint"),
        (b"\0\0\0\1\2\1\0", "0 is no network id"),
        (b"\0\0\0\1\2\1" + pack_varint(1 << 33), "is no network id"),
        (b"\0\0\0\1\2\xff\xff\xff\xff\xff\xff\xff\xff", "varint"),
        (b"\0\0\0\1\0\0", "varint"),
        (b"\0\0\0\1\0\0\1\1\0", "records is empty"),
        (b"\0\0\0\1\0\0\1\1\1\1\0\0\0", "a check is cut off"),
        (b"\0\0\0\1\x20", "varint"),
        (b"\0\0\0\1\0\2\1", "cut off"),
        (b"\0\0\0\1\0\1\xfe\1", "unknown or out of order"),
        (b"\0\0\0\1\0\2\2\1\1", "unknown or out of order"),
        (b"\0\0\0\1\0\2\1\1\1", "unknown or out of order"),
        (b"\0\0\0\1\0\1\1\1\7\0\0\0", "a record is broken"),
    ],
)
def test_a_broken_message_is_refused(data: bytes, text: str) -> None:
    """Whole, with a reason."""
    with pytest.raises(RemoteProtocolError, match=text):
        decode_state(data, schema.records)


@given(st.binary(max_size=200))
def test_any_bytes_give_a_state_or_a_protocol_error(data: bytes) -> None:
    """Nothing else, and no more work than bytes."""
    try:
        state = decode_state(data, schema.records)
    except RemoteProtocolError:
        return

    assert len(state.gones) + len(state.fulls) + len(state.updates) <= len(data)


@given(st.integers(0, 40), st.integers(0, 255))
def test_any_changed_byte_gives_a_state_or_a_protocol_error(at: int, value: int) -> None:
    """Closer to the truth than chance bytes come."""
    data = bytearray(golden_state())
    data[at % len(data)] = value
    try:
        decode_state(bytes(data), schema.records)
    except RemoteProtocolError:
        return
