"""The layout of an input message."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.config import MAX_INPUTS
from ecsnet.errors import RemoteProtocolError
from ecsnet.fields import netvar, player_input, spec_of
from ecsnet.replication.codec import RecordCodec
from ecsnet.systems.input import newest_messages, pack_inputs, round_lag, unpack_inputs


@player_input
class Press:
    number: int = netvar(0, low=0, high=9)
    fire: bool = False


CODEC = RecordCodec(spec_of(Press).fields, "Press")
VALUES = [(7, True), (7, True), (7, True), (8, False)]
PACKED = [CODEC.pack(each) for each in VALUES]
GOLDEN = "00012a030701010800"  # tick; lag 10.5; three times (7, True); once (8, False)


def test_the_layout_is_this_byte_for_byte() -> None:
    """Golden: what is held down for long costs as much as a tap."""
    assert pack_inputs(0x10001, 10.5, PACKED).hex() == GOLDEN
    assert unpack_inputs(CODEC, bytes.fromhex(GOLDEN), 0x10003) == (
        10.5,
        list(zip(range(0xFFFE, 0x10002), VALUES, strict=True)),
    )


@given(
    st.integers(0, 2**32 - 1),
    st.integers(-(2**15), 2**15 - 1),
    st.floats(0, 63.75),
    st.lists(st.integers(0, 9), min_size=1, max_size=255),
)
def test_what_is_packed_is_unpacked(near: int, ahead: int, lag: float, pressed: list[int]) -> None:
    """Also across the wraps of 16 and of 32 bits."""
    newest = (near + ahead) % 2**32
    message = pack_inputs(newest, round_lag(lag), [CODEC.pack((each, False)) for each in pressed])

    assert unpack_inputs(CODEC, message, near) == (
        round_lag(lag),
        [((newest - len(pressed) + 1 + i) % 2**32, (each, False)) for i, each in enumerate(pressed)],
    )


def test_a_lag_is_rounded_to_what_a_byte_can_say() -> None:
    """Quarters of a tick; what is drawn ahead of its input has no lag, and beyond 63 ticks it is all the same."""
    assert [round_lag(lag) for lag in (-3.0, 0.1, 0.2, 10.4, 63.75, 1e9)] == [0.0, 0.0, 0.25, 10.5, 63.75, 63.75]


@pytest.mark.parametrize(
    "data", ["", "00", "0001", "00012a", "00012a03", "00012a0307", "00012a000701", "00012a03070101", "00012a030a01"]
)
def test_a_broken_message_is_refused(data: str) -> None:
    """Too short, a run of none, half a run, a value out of its range."""
    with pytest.raises(RemoteProtocolError):
        unpack_inputs(CODEC, bytes.fromhex(data), 0)


def test_a_few_bytes_cannot_make_much_work() -> None:
    """A run says up to 255 inputs in three bytes; a message has no more than that in all."""
    runs = [CODEC.pack((i % 2, False)) for i in range(MAX_INPUTS)]

    assert len(unpack_inputs(CODEC, pack_inputs(9, 0.0, runs), 9)[1]) == MAX_INPUTS
    with pytest.raises(RemoteProtocolError, match="at most 255"):
        unpack_inputs(CODEC, pack_inputs(9, 0.0, [*runs, runs[0]]), 9)


def test_of_many_messages_the_newest_are_read() -> None:
    """They repeat the others. What is nonsense, or announces nothing, counts as work, too."""
    messages = [pack_inputs(tick, 0.0, PACKED) for tick in range(100)]  # 4 inputs each
    empty = [b"", b"\0\0\0"] * 50

    assert newest_messages(CODEC, messages, 400) == messages
    assert newest_messages(CODEC, messages, 15) == messages[-3:]
    assert newest_messages(CODEC, messages, 3) == []
    assert newest_messages(CODEC, empty, 7) == empty[-7:]
