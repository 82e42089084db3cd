"""The receiving end: once, in order if promised, and never more memory than the limits say."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.config import TransportConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.inbox import Inbox, ReliableReceiver

CHANNELS = tuple(Channel(delivery.name, delivery) for delivery in Delivery)
UNRELIABLE, SEQUENCED, UNORDERED, ORDERED = range(4)
SMALL = TransportConfig(
    reliable_window_messages=8,
    reliable_window_bytes=1000,
    max_reliable_message_bytes=1000,
    max_fragments=8,
    receive_buffer_bytes=4000,
)


@given(st.integers(1, 30), st.randoms(use_true_random=False), st.booleans())
def test_each_arrives_once_and_in_order_if_promised(count: int, chance: random.Random, ordered: bool) -> None:  # noqa: FBT001
    """Whatever order they come in, and however often."""
    receiver = ReliableReceiver(TransportConfig(), ordered=ordered)
    arrivals = [*range(count)] * 3
    chance.shuffle(arrivals)
    delivered = []
    for number in arrivals:
        delivered += receiver.take_message(number, b"%d" % number)

    expected = [b"%d" % number for number in range(count)]
    assert (delivered if ordered else sorted(delivered, key=int)) == expected
    assert receiver.held_bytes == 0


def test_what_waits_is_counted_with_its_overhead_and_released() -> None:
    receiver = ReliableReceiver(TransportConfig(), ordered=True)
    assert receiver.take_message(1, b"four") == []
    assert receiver.held_bytes == 4 + 128
    assert receiver.take_fragment(0, 1, 2, b"second") == []
    assert receiver.take_fragment(0, 0, 2, b"first ") == [b"first second", b"four"]

    assert receiver.held_bytes == 0


def test_a_message_beyond_the_window_breaks_the_protocol() -> None:
    """No honest sender sends it: the window is its own."""
    receiver = ReliableReceiver(SMALL, ordered=True)
    receiver.take_message(7, b"")
    with pytest.raises(RemoteProtocolError, match="beyond the window"):
        receiver.take_message(8, b"")
    with pytest.raises(RemoteProtocolError, match="beyond the window"):
        receiver.take_fragment(8, 0, 2, b"")


@pytest.mark.parametrize("size", [0, 1, 100])
def test_a_fragment_bomb_goes_off_at_the_limit(size: int) -> None:
    """Tiny parts would cost a hundred times their bytes if only these were counted."""
    receiver = ReliableReceiver(SMALL, ordered=True)

    def explode() -> None:
        for number in range(8):
            for index in range(7):
                receiver.take_fragment(number, index, 8, bytes(size))

    with pytest.raises(RemoteProtocolError, match="held for order or reassembly"):
        explode()
    assert receiver.held_bytes <= 4000 + size + 128


def test_a_message_that_grows_too_long_breaks_the_protocol() -> None:
    receiver = ReliableReceiver(SMALL, ordered=True)
    receiver.take_fragment(0, 0, 2, bytes(600))
    with pytest.raises(RemoteProtocolError, match="longer than 1000"):
        receiver.take_fragment(0, 1, 2, bytes(600))


def test_whole_after_parts_counts_once() -> None:
    """A sender may cut elsewhere the second time; nothing of the parts must stay behind."""
    receiver = ReliableReceiver(SMALL, ordered=True)
    receiver.take_fragment(0, 0, 2, b"half")
    assert receiver.take_message(0, b"whole") == [b"whole"]
    assert receiver.take_fragment(0, 1, 2, b"half") == []

    assert receiver.held_bytes == 0


def test_sequenced_messages_only_move_forward() -> None:
    inbox = Inbox(CHANNELS, TransportConfig())
    inbox.add_numbered([(SEQUENCED, 1, b"b"), (SEQUENCED, 0, b"a"), (SEQUENCED, 1, b"b"), (SEQUENCED, 5, b"f")])

    assert inbox.take() == [(SEQUENCED, b"b"), (SEQUENCED, b"f")]


def test_an_inbox_nobody_reads_is_full_at_its_limit_and_empty_when_read() -> None:
    inbox = Inbox(CHANNELS, TransportConfig(max_inbox_bytes=1000))
    for _ in range(16):
        assert not inbox.is_full
        inbox.add_messages([(UNRELIABLE, b"")], 2)
    assert inbox.is_full
    inbox.take()

    assert not inbox.is_full


def test_parts_of_unreliable_messages_are_few_and_the_oldest_goes() -> None:
    """What is given up must not be acknowledged: its sender would take it for delivered."""
    inbox = Inbox(CHANNELS, TransportConfig())
    for number in range(5):
        inbox.add_fragments([(UNRELIABLE, number, 0, 2, bytes(1000))])

    assert inbox.held_bytes == 4000
    assert inbox.gave_up([(UNRELIABLE, 0, 1, 2, b"")])
    assert not inbox.gave_up([(UNRELIABLE, 1, 1, 2, b""), (SEQUENCED, 0, 1, 2, b""), (ORDERED, 0, 1, 2, b"")])
    inbox.add_fragments([(UNRELIABLE, 1, 1, 2, b"end")])
    assert inbox.take() == [(UNRELIABLE, bytes(1000) + b"end")]


def test_a_sequenced_message_in_parts_does_not_overtake_backward() -> None:
    inbox = Inbox(CHANNELS, TransportConfig())
    inbox.add_fragments([(SEQUENCED, 3, 0, 2, b"late ")])
    inbox.add_numbered([(SEQUENCED, 4, b"newer")])
    inbox.add_fragments([(SEQUENCED, 3, 1, 2, b"news")])

    assert inbox.take() == [(SEQUENCED, b"newer")]
    assert inbox.held_bytes == 0


def test_whoever_overdraws_its_credit_breaks_the_protocol() -> None:
    inbox = Inbox(CHANNELS, TransportConfig(credit_bytes=1000, max_reliable_message_bytes=500))
    inbox.add_numbered([(ORDERED, 0, bytes(936))])
    with pytest.raises(RemoteProtocolError, match="over the credit of 1000"):
        inbox.add_numbered([(UNORDERED, 0, b"")])


@pytest.mark.parametrize(
    "settings",
    [
        {"credit_bytes": 1000},
        {"datagram_bytes": 255},
        {"datagram_bytes": 1473},
        {"receive_buffer_bytes": 100_000},
        {"held_overhead_bytes": 0},
    ],
)
def test_limits_that_contradict_each_other_are_refused(settings: dict[str, int]) -> None:
    """Else an honest peer would be closed for sending what it may."""
    with pytest.raises(ValueError, match=next(iter(settings))):
        TransportConfig(**settings)  # type: ignore[arg-type]  # both are ints


def is_urgent(message: bytes) -> bool:
    return message.startswith(b"!")


def test_what_is_wanted_is_taken_before_the_rest() -> None:
    """Up to the first of its channel that is not; of other channels nothing, and all stays in its order."""
    inbox = Inbox(CHANNELS, TransportConfig())
    inbox.add_numbered([(ORDERED, 0, b"!a"), (UNORDERED, 0, b"!x"), (ORDERED, 1, b"!b"), (ORDERED, 2, b"c")])
    inbox.add_numbered([(ORDERED, 3, b"!d")])

    assert inbox.take_leading(ORDERED, is_urgent) == [b"!a", b"!b"]
    inbox.add_numbered([(ORDERED, 4, b"!e")])
    assert inbox.take_leading(ORDERED, is_urgent) == []
    assert inbox.take() == [(UNORDERED, b"!x"), (ORDERED, b"c"), (ORDERED, b"!d"), (ORDERED, b"!e")]
    inbox.add_numbered([(ORDERED, 5, b"!f")])
    assert inbox.take_leading(ORDERED, is_urgent) == [b"!f"]
    assert inbox.take() == []


def test_what_was_looked_at_is_not_looked_at_again() -> None:
    """Else whoever lets thousands of messages wait makes each of its packets cost as much as all of them."""
    inbox = Inbox(CHANNELS, TransportConfig())
    asked = []

    def ask(message: bytes) -> bool:
        asked.append(message)
        return False

    for number in range(500):
        inbox.add_numbered([(ORDERED, number, b"wait")])
        inbox.take_leading(ORDERED, ask)

    assert asked == [b"wait"]
    assert len(inbox.take()) == 500


def test_what_is_taken_early_counts_as_unread() -> None:
    """The peer may not send more for it before the tick: between two ticks it has one credit, and no more."""
    inbox = Inbox(CHANNELS, TransportConfig())
    message = b"!" + bytes(1000)
    for number in range(327_680 // (len(message) + 64)):
        inbox.add_numbered([(ORDERED, number, message)])
        assert inbox.take_leading(ORDERED, is_urgent) == [message]

    with pytest.raises(RemoteProtocolError, match="over the credit"):
        inbox.add_numbered([(ORDERED, number + 1, message)])
