"""What goes into the next packet, and in what order."""

from ecsnet.config import TransportConfig
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.outbox import Outbox
from ecsnet.transport.packet import MAX_FRAMES
from ecsnet.transport.reliable import Piece
from ecsnet.transport.statistics import Statistics

CHANNELS = tuple(Channel(delivery.name, delivery) for delivery in Delivery)
UNRELIABLE, SEQUENCED, UNORDERED, ORDERED = range(4)
ROOM = 1000


def make(**settings: float) -> Outbox:
    config = TransportConfig(**settings)  # type: ignore[arg-type]  # ints and floats, as the fields are
    return Outbox(CHANNELS, config, Statistics(), reliable_limit_bytes=100_000, max_message_bytes=ROOM - 31)


def fill(outbox: Outbox) -> tuple[list[bytes], list[Piece], list[int]]:
    frames: list[bytes] = []
    pieces, tokens = outbox.fill(frames, ROOM)
    assert sum(map(len, frames)) <= ROOM
    return frames, list(pieces), list(tokens)


def channels(frames: list[bytes]) -> list[int]:
    return [frame[0] & 0x3F for frame in frames]


def test_many_messages_share_a_packet() -> None:
    outbox = make()
    for token in range(20):
        outbox.add(UNRELIABLE, bytes(20), token)
    outbox.begin()

    assert fill(outbox)[2] == list(range(20))
    assert not outbox.is_waiting


def test_a_packet_has_no_more_frames_than_a_receiver_takes() -> None:
    outbox = make(queued_overhead_bytes=0)
    for _ in range(300):
        outbox.add(UNRELIABLE, b"", None)
        outbox.add(ORDERED, b"", None)
    outbox.begin()

    assert len(fill(outbox)[0]) == MAX_FRAMES


def test_state_does_not_wait_behind_a_download_nor_a_call_behind_state() -> None:
    """Reliable pieces go first, but only up to a quarter of the budget; then unreliable ones; then the rest."""
    outbox = make(send_budget_bytes=8000)
    outbox.add(ORDERED, bytes(20_000), None)
    for _ in range(3):
        outbox.add(UNRELIABLE, bytes(900), None)
    outbox.begin()
    order = [channels(fill(outbox)[0]) for _ in range(7)]

    assert order == [[ORDERED], [ORDERED], [ORDERED], [UNRELIABLE], [UNRELIABLE], [UNRELIABLE], [ORDERED]]


def test_a_call_leaves_before_a_flood_of_state() -> None:
    outbox = make()
    for _ in range(50):
        outbox.add(UNRELIABLE, bytes(900), None)
    outbox.add(ORDERED, b"call", None)
    outbox.begin()

    assert channels(fill(outbox)[0]) == [ORDERED, UNRELIABLE]


def test_of_too_many_unreliable_messages_the_newest_stay_and_the_others_are_reported() -> None:
    """An old position is worth nothing when a newer one waits; but replication must hear that it never left."""
    outbox = make(max_unreliable_queue_bytes=1000, message_overhead_bytes=40)
    for token in range(10):
        outbox.add(UNRELIABLE, bytes(157), token)

    assert outbox.reports == [(token, False) for token in range(5)]
    outbox.begin()
    assert fill(outbox)[2] == [5, 6, 7, 8, 9]


def test_a_small_reliable_message_is_sent_twice_while_packets_get_lost() -> None:
    """In the next call, since what is lost together is sent together. At 15 % thrice."""
    for losses, copies in ((0, 1), (3, 2), (30, 3)):
        outbox = make()
        for _ in range(losses):
            outbox._statistics.note_lost()
        outbox.add(ORDERED, b"call", None)
        outbox.add(ORDERED, bytes(300), None)
        sent = []
        for _ in range(5):
            outbox.begin()
            sent.append(len(fill(outbox)[1]))

        assert sent == [2, *[1] * (copies - 1), *[0] * (5 - copies)]


def test_a_duplicate_is_spared_when_the_first_arrived_and_a_repair_while_one_is_under_way() -> None:
    outbox = make(duplicate_from_loss=0.0)
    outbox.add(ORDERED, b"call", None)
    outbox.begin()
    _, first, _ = fill(outbox)
    outbox.begin()
    _, second, _ = fill(outbox)
    assert first == second
    outbox.lose(first, ())
    assert not outbox.is_waiting
    outbox.lose(second, ())
    assert outbox.is_waiting
    outbox.begin()
    fill(outbox)
    outbox.acknowledge(first, ())
    outbox.begin()

    assert not outbox.is_waiting


def test_what_is_left_at_the_end_is_reported_as_lost() -> None:
    outbox = make()
    outbox.add(UNRELIABLE, b"x", 7)
    outbox.add(SEQUENCED, b"x", None)
    outbox.add(ORDERED, b"x", None)
    outbox.clear()

    assert outbox.reports == [(7, False)]
    assert not outbox.is_waiting
