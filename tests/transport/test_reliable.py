"""The sending end of a reliable channel: what is sent when, and how much of it."""

import pytest

from ecsnet.config import TransportConfig
from ecsnet.errors import LocalProtocolError, SendQueueFull
from ecsnet.transport.reliable import Piece, ReliableSender, Spending

PART = 100


def make(*, limit_bytes: int = 10_000, **settings: int) -> ReliableSender:
    config = TransportConfig(**settings)  # type: ignore[arg-type]  # ints, as the fields are
    return ReliableSender(3, config, Spending(config.credit_bytes), limit_bytes=limit_bytes, part_bytes=PART)


def take(sender: ReliableSender, most: int = 10_000) -> list[Piece]:
    """Send what may be sent."""
    pieces: list[Piece] = []
    while len(pieces) < most and (piece := sender.peek()) is not None:
        sender.pop()
        pieces.append(piece)
    return pieces


def test_a_short_message_is_one_piece_a_long_one_several() -> None:
    sender = make()
    sender.queue(bytes(PART))
    sender.queue(bytes(PART + 1))

    assert [piece.message_id for piece in take(sender)] == [0, 1, 1]
    assert sender.is_idle


def test_a_lost_piece_goes_first() -> None:
    """Everything behind it waits for it over there."""
    sender = make()
    for _ in range(3):
        sender.queue(b"x")
    first = take(sender, 1)[0]
    assert sender.repeat(first)

    assert [piece.message_id for piece in take(sender)] == [0, 1, 2]


def test_a_piece_is_not_queued_twice_nor_after_it_arrived() -> None:
    sender = make()
    sender.queue(b"x")
    piece = take(sender)[0]
    assert sender.repeat(piece)
    assert not sender.repeat(piece)
    sender.acknowledge(piece)

    assert sender.peek() is None
    assert not sender.repeat(piece)
    assert sender.queued_bytes == 0


def test_the_window_counts_messages_from_the_oldest_unacknowledged_one() -> None:
    """So the receiver holds a bounded number behind a gap."""
    sender = make(reliable_window_messages=4)
    for _ in range(10):
        sender.queue(b"")
    pieces = take(sender)
    assert len(pieces) == 4
    for piece in pieces[1:]:
        sender.acknowledge(piece)
    assert take(sender) == []
    sender.acknowledge(pieces[0])

    assert [piece.message_id for piece in take(sender)] == [4, 5, 6, 7]


def test_the_window_counts_bytes_but_lets_one_message_always_through() -> None:
    sender = make(reliable_window_bytes=150)
    sender.queue(bytes(90))
    sender.queue(bytes(90))
    first = take(sender)
    assert [piece.message_id for piece in first] == [0]
    sender.acknowledge(first[0])
    assert [piece.message_id for piece in take(sender)] == [1]

    long = make(reliable_window_bytes=150)
    long.queue(bytes(500))
    assert len(take(long)) == 5


def test_a_full_queue_refuses_and_recovers() -> None:
    sender = make(limit_bytes=250)
    sender.queue(bytes(200))
    with pytest.raises(SendQueueFull, match="channel 3"):
        sender.queue(bytes(51))
    for piece in take(sender):
        sender.acknowledge(piece)

    sender.queue(bytes(250))


def test_empty_messages_are_bounded_too() -> None:
    """They weigh nothing on the wire, but each takes memory here."""
    sender = make(limit_bytes=400, queued_overhead_bytes=100)
    for _ in range(5):
        sender.queue(b"")
    with pytest.raises(SendQueueFull, match="5 messages"):
        sender.queue(b"")


def test_no_message_is_longer_than_its_fragments_can_be_counted() -> None:
    """With small datagrams the fragments are the narrower limit."""
    make(max_fragments=4).queue(bytes(4 * PART))
    with pytest.raises(LocalProtocolError, match="longer than 400"):
        make(max_fragments=4).queue(bytes(4 * PART + 1))
