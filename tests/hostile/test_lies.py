"""A peer with true keys that lies: about what arrived, about what is to come, about how much. It harms itself alone."""

import contextlib
import tracemalloc
from collections.abc import Callable, Iterator

import pytest

from ecsnet.config import TransportConfig
from ecsnet.errors import SendQueueFull
from ecsnet.events import Disconnected
from ecsnet.protocol import DisconnectReason
from ecsnet.transport import packet
from ecsnet.transport.state import State
from tests.hostile.liar import BOTH_WAYS, Liar
from tests.transport.pair import ORDERED, SEQUENCED, UNORDERED, UNRELIABLE, Pair

MAX_CONNECTION_BYTES = 1_600_000  # what one connection may ever take, whatever the other side does


def memory_of(action: Callable[[], object]) -> int:
    """Return how many bytes more are held after `action` than before."""
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        action()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return after - before


# Optimistic acks.


@pytest.mark.parametrize("is_client", BOTH_WAYS)
@pytest.mark.parametrize("ahead", [0, 1, 1000, 1 << 40])
def test_an_optimistic_ack_of_a_packet_never_sent_ends_the_liar(*, is_client: bool, ahead: int) -> None:
    """Nobody can know of a packet that was never sent: to drive the sender's rate up, that is what it would take."""
    liar = Liar(Pair(), is_client=is_client)
    victim_next = liar.victim._traffic._next_number if liar.victim._traffic else 0
    liar.say(packet.pack_ack(victim_next + ahead, 0.0, 0))

    assert liar.verdict is DisconnectReason.PROTOCOL_ERROR


@pytest.mark.parametrize("is_client", BOTH_WAYS)
def test_an_optimistic_ack_of_a_packet_that_was_lost_harms_the_liar_alone(*, is_client: bool) -> None:
    """It is never sent again what is claimed to be there; nothing is confused, and the next message is a fresh one."""
    liar = Liar(Pair(), is_client=is_client)
    liar.victim.send(ORDERED, b"lost")
    liar.pair.now += 1 / 60
    lost = liar.victim.datagrams_to_send(liar.pair.now)
    traffic = liar.victim._traffic
    assert traffic is not None
    for delay in (0.0, 8.0):
        liar.say(packet.pack_ack(traffic._next_number - 1, delay, (1 << min(1024, traffic._next_number - 1)) - 1))
    liar.listen(1)
    liar.victim.send(ORDERED, b"next")
    liar.listen(0.1)

    assert lost
    assert next(frames[1] for frames in liar.heard if frames[1]) == [(ORDERED, 1, b"next")]
    assert liar.victim.state is State.CONNECTED
    assert 0.0 <= liar.victim.statistics.rtt_seconds < 1.0


# Fragment bombs.


def test_fragment_bomb_of_announced_totals_holds_nothing() -> None:
    """A thousand messages begun with one byte each, of 256 parts: charged for what came, not for what was claimed."""
    liar = Liar(Pair())

    def bomb() -> None:
        for number in range(1000):
            liar.say(packet.pack_fragment(UNORDERED, number, 255, 256, b"x"))
            liar.victim.datagrams_to_send(liar.pair.now)

    assert memory_of(bomb) < 1000 * 1000  # 256 parts of 1,129 B were announced for each
    assert liar.victim.state is State.CONNECTED


def endless_starts() -> Iterator[bytes]:
    """A part of each message of the window, again and again, none of them ever whole."""
    for index in range(255):
        for number in range(1024):
            yield packet.pack_fragment(ORDERED, number, index, 256, bytes(500))


def endless_crumbs() -> Iterator[bytes]:
    """The same with empty parts: they cost what holding them costs."""
    for index in range(255):
        for number in range(1024):
            yield packet.pack_fragment(ORDERED, number, index, 256, b"")


def early_messages() -> Iterator[bytes]:
    """Whole messages that all wait for the first one."""
    for number in range(1, 1024):
        yield packet.pack_numbered(ORDERED, number, bytes(1100))


@pytest.mark.parametrize("frames", [endless_starts, endless_crumbs, early_messages])
def test_fragment_bomb_of_endless_beginnings_goes_off_at_the_limit(frames: Callable[[], Iterator[bytes]]) -> None:
    """Memory stays within the connection's, and the bomber is told why it goes."""
    liar = Liar(Pair())
    peak = 0

    def bomb() -> None:
        nonlocal peak
        tracemalloc.reset_peak()
        for frame in frames():
            liar.say(frame)
            if liar.victim.state is not State.CONNECTED:
                break
        peak = tracemalloc.get_traced_memory()[1]

    after = memory_of(bomb)

    assert liar.verdict is DisconnectReason.PROTOCOL_ERROR
    assert peak < MAX_CONNECTION_BYTES
    assert after < 100_000  # and it is given back


@pytest.mark.parametrize(
    "frames",
    [
        [packet.pack_fragment(UNORDERED, 0, 0, 2, b"a"), packet.pack_fragment(UNORDERED, 0, 1, 3, b"b")],
        [packet.pack_fragment(UNORDERED, 0, 2, 2, b"a")],
        [packet.pack_fragment(UNORDERED, 0, 0, 1, b"a")],
        [packet.pack_fragment(UNORDERED, 0, 0, 0, b"a")],
        [packet.pack_fragment(UNORDERED, 0, 0, 257, b"a")],
        [packet.pack_fragment(UNORDERED, 0, 0, 1 << 61, b"a")],
        [packet.pack_fragment(ORDERED, 1024, 0, 2, b"a")],
    ],
)
def test_fragment_bomb_of_contradictions_is_a_protocol_error(frames: list[bytes]) -> None:
    """Other totals, parts beyond the total, totals beyond the limit, messages beyond the window."""
    liar = Liar(Pair())
    for frame in frames:
        liar.say(frame)

    assert liar.verdict is DisconnectReason.PROTOCOL_ERROR
    assert liar.victim.take_messages() == []


def test_fragment_bomb_of_the_same_part_again_counts_once() -> None:
    """A part that is there changes nothing, even if it says something else now."""
    liar = Liar(Pair())
    liar.say(packet.pack_fragment(ORDERED, 0, 0, 2, b"first"))

    def repeat() -> None:
        for number in range(500):
            liar.say(packet.pack_fragment(ORDERED, 0, 0, 2, b"other %d" % number + bytes(1000)))
            liar.victim.datagrams_to_send(liar.pair.now)

    assert memory_of(repeat) < 50_000
    liar.say(packet.pack_fragment(ORDERED, 0, 1, 2, b" and last"))
    assert liar.victim.take_messages() == [(ORDERED, b"first and last")]


# A peer that never reads.


@pytest.mark.parametrize("is_client", BOTH_WAYS)
@pytest.mark.parametrize("size", [1100, 10])
def test_a_peer_that_never_reads_stops_the_sender_at_its_limit(*, is_client: bool, size: int) -> None:
    """It acknowledges nothing: the application is told, the connection's memory has its bound, and time ends it."""
    liar = Liar(Pair(), is_client=is_client)
    refused = 0

    def talk() -> None:
        nonlocal refused
        for _ in range(30):  # half a second
            for _ in range(1000):
                try:
                    liar.victim.send(ORDERED, bytes(size))
                except SendQueueFull:
                    refused += 1
                    break
                liar.victim.send(UNRELIABLE, bytes(size), token=None if is_client else 7)
            liar.listen(1 / 60)
            liar.heard.clear()
            liar.victim.take_reports()

    assert memory_of(talk) < MAX_CONNECTION_BYTES
    assert refused
    liar.listen(10)
    assert liar.victim.state is State.CLOSED
    [event] = [each for each in liar.victim.events() if hasattr(each, "reason")]
    assert event.reason is DisconnectReason.TIMEOUT


def test_a_peer_that_slows_us_down_does_not_make_empty_messages_pile_up() -> None:
    """However little may be sent: what waits is bounded by what it takes, not by the nothing it says."""
    liar = Liar(Pair())

    def talk() -> None:
        for _ in range(8_000):
            liar.victim.send(UNRELIABLE, b"")

    assert memory_of(talk) < MAX_CONNECTION_BYTES / 2
    assert liar.victim.statistics.drops["unreliable queue full"]


def test_a_peer_that_never_reads_is_no_trouble_to_another() -> None:
    """Each connection has queues of its own."""
    pair = Pair()
    liar = Liar(pair)
    pair.reconnect()
    _, honest = pair.connect()
    with contextlib.suppress(SendQueueFull):
        for _ in range(10_000):
            liar.victim.send(ORDERED, bytes(1000))
    with pytest.raises(SendQueueFull):
        liar.victim.send(ORDERED, bytes(1000))
    honest.send(ORDERED, b"as ever")
    pair.run(0.1)

    assert liar.victim is not honest
    assert pair.client.take_messages() == [(ORDERED, b"as ever")]


def test_a_peer_that_acknowledges_and_never_reads_its_application_is_bounded_too() -> None:
    """An inbox that is not emptied takes no more; what is not taken is not acknowledged."""
    liar = Liar(Pair())

    def flood() -> None:
        for number in range(1000):
            liar.say(packet.pack_message(UNRELIABLE, bytes(1000)), packet.pack_numbered(SEQUENCED, number, bytes(100)))
            if not number % 100:
                liar.listen(1 / 60)
                liar.heard.clear()

    assert memory_of(flood) < MAX_CONNECTION_BYTES
    assert liar.victim.statistics.drops["inbox full"] > 700
    assert liar.victim.state is State.CONNECTED


# An authenticated flood, and tiny frames.


@pytest.mark.parametrize(
    "frames",
    [
        [packet.pack_message(UNRELIABLE, b"")] * 255,
        [packet.PING_FRAME] * 255,
        [b"\0" * 1177],
        [packet.pack_numbered(SEQUENCED, 0, b"")] * 255,
        [packet.pack_ack(0, 0.0, 0)],
        [packet.pack_fragment(UNORDERED, 5, 0, 2, b"")] * 200,
        [packet.pack_numbered(UNORDERED, 0, b"")] * 255,
    ],
    ids=["messages", "pings", "padding", "sequenced", "acks", "fragments", "reliable"],
)
def test_tiny_frame_spam_is_bounded(frames: list[bytes]) -> None:
    """100 packets full of the smallest frames: what they take is bounded, and few datagrams answer them."""
    liar = Liar(Pair())
    answered = 0

    def spam() -> None:
        nonlocal answered
        for number in range(100):
            liar.say(*frames)
            if not number % 20:
                liar.pair.now += 1 / 60
                answered += len(liar.victim.datagrams_to_send(liar.pair.now))
                liar.victim.update(liar.pair.now)

    assert memory_of(spam) < MAX_CONNECTION_BYTES
    assert answered <= 5  # at most one ACK for each call
    assert liar.victim.state in {State.CONNECTED, State.CLOSING}


def test_tiny_frame_spam_beyond_255_frames_is_a_protocol_error() -> None:
    """Nobody of ours sends that many."""
    liar = Liar(Pair())
    liar.say(packet.PING_FRAME * 256)

    assert liar.verdict is DisconnectReason.PROTOCOL_ERROR


@pytest.mark.slow
@pytest.mark.parametrize("is_client", BOTH_WAYS)
def test_an_authenticated_flood_takes_bounded_memory_while_the_victim_reads(*, is_client: bool) -> None:
    """Fifty times what a game sends, of every kind, for five seconds: nothing piles up.

    A server closes whoever goes on like that. A client bears it: its server is whom it chose to trust with its game.
    """
    liar = Liar(Pair(), is_client=is_client)
    number = 0

    def flood() -> None:
        nonlocal number
        for _ in range(5 * 60):
            for _ in range(50):
                liar.say(
                    packet.pack_message(UNRELIABLE, bytes(200)),
                    packet.pack_numbered(SEQUENCED, number, bytes(200)),
                    packet.pack_numbered(ORDERED, number, bytes(200)),
                )
                number += 1
            liar.victim.take_messages()
            liar.listen(1 / 60)
            liar.heard.clear()

    assert memory_of(flood) < 500_000
    ended = [event.reason for event in liar.victim.events() if isinstance(event, Disconnected)]
    assert (liar.victim.state is State.CONNECTED) is not is_client
    # A liar never repeats what was dropped, so its numbers leave the window before its patience is used up.
    assert ended in ([], [DisconnectReason.FLOODING], [DisconnectReason.PROTOCOL_ERROR])


def test_nothing_grows_with_the_length_of_a_sessions_lies() -> None:
    """Old packet numbers, far jumps ahead, sequenced numbers near their end: constant memory."""
    liar = Liar(Pair())

    def lie() -> None:
        for step in range(2000):
            liar.skip(step % 2000)
            liar.say(packet.pack_numbered(SEQUENCED, (1 << 62) - 1 - step % 3, b"x"), packet.PING_FRAME)
            liar.victim.take_messages()
            if not step % 10:
                liar.listen(1 / 60)
                liar.heard.clear()

    assert memory_of(lie) < 100_000
    assert liar.victim.state is State.CONNECTED


def test_the_default_limits_add_up_to_what_a_connection_may_take() -> None:
    """Queue, inbox and what waits for its order: each within the hard limit of a connection, together near it."""
    config = TransportConfig()

    assert config.server_send_queue_bytes + config.max_unreliable_queue_bytes < MAX_CONNECTION_BYTES
    assert config.receive_buffer_bytes + config.max_inbox_bytes < MAX_CONNECTION_BYTES
