"""Frames: what is packed is parsed; what breaks a rule is refused; nothing else can happen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import RemoteProtocolError
from ecsnet.transport import packet

UNRELIABLE, SEQUENCED, UNORDERED, ORDERED = range(4)
KINDS = bytes([UNRELIABLE, SEQUENCED, UNORDERED, ORDERED])
NUMBERS = st.integers(0, (1 << 62) - 1)
MESSAGES = st.binary(max_size=1200)


def parse(data: bytes) -> packet.Frames:
    return packet.parse(data, KINDS, 256)


@given(st.lists(MESSAGES, max_size=10), st.lists(st.tuples(NUMBERS, MESSAGES), max_size=5))
def test_messages_come_out_as_they_went_in(plain: list[bytes], numbered: list[tuple[int, bytes]]) -> None:
    """Whatever their size: 63 and 64 bytes have heads of different lengths."""
    frames = [packet.pack_message(UNRELIABLE, message) for message in plain]
    frames += [packet.pack_numbered(ORDERED, number, message) for number, message in numbered]
    messages, others, fragments, ack, close, eliciting, controls = parse(b"".join(frames))

    assert messages == [(UNRELIABLE, message) for message in plain]
    assert others == [(ORDERED, number, message) for number, message in numbered]
    assert (fragments, ack, close, controls) == ([], None, None, [])
    assert eliciting == bool(frames)


@given(NUMBERS, st.integers(2, 256), st.data())
def test_fragments_come_out_as_they_went_in(number: int, count: int, data: st.DataObject) -> None:
    index, part = data.draw(st.integers(0, count - 1)), data.draw(MESSAGES)
    frames = parse(packet.pack_fragment(UNORDERED, number, index, count, part))

    assert frames[2] == [(UNORDERED, number, index, count, part)]


@given(st.integers(0, (1 << 64) - 1), NUMBERS)
def test_control_frames_come_out_as_they_went_in(path: int, credit: int) -> None:
    frames = packet.pack_path_challenge(path) + packet.pack_path_response(path) + packet.pack_credit(credit)

    assert parse(frames)[5:] == (
        True,
        [(packet.PATH_CHALLENGE, path), (packet.PATH_RESPONSE, path), (packet.CREDIT, credit)],
    )


@given(st.integers(1100, 1 << 61), st.floats(0, 8), st.integers(0, (1 << 1024) - 1))
def test_an_ack_comes_out_as_it_went_in(largest: int, delay: float, bitmap: int) -> None:
    """The delay travels in eighths of a millisecond; the bitmap as long as its highest bit needs."""
    ack = parse(packet.pack_ack(largest, delay, bitmap))[3]

    assert ack is not None
    assert (ack[0], ack[2]) == (largest, bitmap)
    assert ack[1] == pytest.approx(delay, abs=1 / 8000)


def test_a_long_ack_delay_is_told_as_the_longest_there_is() -> None:
    """A debugger stops a program for a minute: that is no reason to fail."""
    ack = parse(packet.pack_ack(5, 60.0, 0))[3]

    assert ack is not None
    assert ack[1] == pytest.approx(8.19, abs=0.01)


def test_the_bytes_are_those_of_the_document() -> None:
    """Golden: they change only together with PROTOCOL_VERSION."""
    assert packet.pack_message(1, b"hi") == bytes.fromhex("41 02 6869")
    assert packet.pack_message(0, bytes(64)) == bytes.fromhex("40 4040") + bytes(64)
    assert packet.pack_numbered(3, 300, b"hi") == bytes.fromhex("43 412c 02 6869")
    assert packet.pack_fragment(2, 7, 1, 3, b"hi") == bytes.fromhex("82 07 01 03 02 6869")
    assert packet.pack_ack(300, 0.004, 0b1_0000_0101) == bytes.fromhex("02 412c 0020 02 0501")
    assert packet.pack_close(5, "né") == bytes.fromhex("03 0005 03 6ec3a9")
    assert packet.pack_path_challenge(258) == bytes.fromhex("04 0000000000000102")
    assert packet.pack_path_response(258) == bytes.fromhex("05 0000000000000102")
    assert packet.pack_credit(327_680) == bytes.fromhex("06 80050000")


def test_padding_and_pings_carry_nothing() -> None:
    assert parse(bytes(50)) == ([], [], [], None, None, False, [])
    assert parse(b"\x00\x01\x00") == ([], [], [], None, None, True, [])


def test_only_messages_and_pings_ask_for_an_ack() -> None:
    """An ACK that had to be acknowledged would never end."""
    assert not parse(packet.pack_ack(9, 0.0, 3))[5]
    assert not parse(packet.pack_close(1, ""))[5]
    assert parse(packet.pack_ack(9, 0.0, 3) + packet.PING_FRAME)[5]


def test_a_close_text_is_cut_between_characters_and_shows_no_tricks() -> None:
    """It ends up in a terminal or a log of the other side."""
    close = parse(packet.pack_close(7, "ä" * 200))[4]
    tricky = parse(packet.pack_close(7, "bye\n\x1b[2Jroot# \udc80"))[4]

    assert close == (7, "ä" * 127)
    assert tricky == (7, "bye??[2Jroot# ?")


@pytest.mark.parametrize(
    "data",
    [
        b"\x04",  # a type nobody knows
        b"\x3f",
        b"\xc0\x00",
        b"\x44\x00",  # a channel that is not in the table
        b"\x84\x00\x00\x02\x00",
        b"\x40",  # cut off: in the size, in the message
        b"\x40\x41",
        b"\x40\x05abcd",
        b"\x40\x80\x00\x00\x01a",  # a size of four bytes
        b"\x43\xc0",  # in the number
        b"\x80\x00\x00\x11\x00",  # 17 fragments on a channel that is not reliable
        b"\x81\x00\x00\x11\x00",
        b"\x04\x00\x00\x00\x00\x00\x00\x00",
        b"\x06",
        b"\x07",
        b"\x83\x00\x00\x01\x00",  # one fragment
        b"\x83\x00\x02\x02\x00",  # the third of two
        b"\x83\x00\x00\x41\x01\x00",  # 257 fragments
        b"\x83\x00\x00\x02\x05abcd",
        b"\x83\x00\x00\x02",
        b"\x83\x00\x00\x02\x41",
        b"\x02",
        b"\x02\x05\x00",
        b"\x02\x05\x00\x00\x02\x01",
        b"\x02\x05\x00\x00\x81" + bytes(129),  # a bitmap of more than 1024 packets
        b"\x02\x05\x00\x00\x01\x20",  # packet -1
        b"\x02\x05\x00\x00\x00\x02\x05\x00\x00\x00",  # two ACKs
        b"\x03\x00\x01",
        b"\x03\x00\x01\x05abcd",
        b"\x01" * 256,  # more frames than a packet has
    ],
)
def test_what_breaks_a_rule_is_refused(data: bytes) -> None:
    """And nothing before it in the packet is taken either: the parser gives all or nothing."""
    with pytest.raises(RemoteProtocolError):
        parse(packet.pack_message(UNRELIABLE, b"fine") + data)
