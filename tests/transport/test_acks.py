"""What is to be acknowledged, and how far back an ACK goes."""

from ecsnet.transport.acks import ACK_RANGE, ReceivedPackets


def received(*numbers: int) -> ReceivedPackets:
    packets = ReceivedPackets()
    for number in numbers:
        assert packets.check(number)
        packets.add(number, float(number), ack_eliciting=True)
    return packets


def test_an_ack_names_what_arrived_and_nothing_else() -> None:
    largest, _, bitmap = received(0, 1, 4, 2, 7).take_ack(7.0)

    assert largest == 7
    assert {7 - 1 - i for i in range(8) if bitmap >> i & 1} == {0, 1, 2, 4}


def test_an_ack_tells_how_long_the_newest_waited() -> None:
    """So that waiting for company does not look like a slow network."""
    packets = received(3, 5)
    packets.add(4, 6.0, ack_eliciting=True)

    assert packets.take_ack(7.5)[1] == 2.5


def test_only_what_asks_for_it_makes_an_ack_due() -> None:
    """The first that asks sets the time, and an ACK sent settles all."""
    packets = ReceivedPackets()
    packets.add(0, 1.0, ack_eliciting=False)
    assert packets.ack_due_at(0.5) is None
    packets.add(1, 2.0, ack_eliciting=True)
    packets.add(2, 3.0, ack_eliciting=True)
    assert packets.ack_due_at(0.5) == 2.5
    packets.take_ack(3.0)

    assert packets.ack_due_at(0.5) is None


def test_an_ack_goes_back_to_what_the_peer_is_known_to_have_heard() -> None:
    """So a lost ACK costs nothing, and an ACK stays small."""
    packets = received(*range(100))
    assert packets.take_ack(100.0)[2].bit_length() == 99
    packets.confirm(90)
    packets.confirm(40)

    assert packets.take_ack(100.0)[2].bit_length() == 9
    assert packets.unconfirmed == 9


def test_an_ack_never_goes_back_further_than_its_frame_can() -> None:
    packets = received(*range(0, 5000, 2))

    assert packets.take_ack(0.0)[2].bit_length() <= ACK_RANGE


def test_what_is_too_old_to_be_acknowledged_is_too_old_to_be_accepted() -> None:
    """Else the sender would send it again although it arrived."""
    packets = received(2000)

    assert packets.check(2000 - ACK_RANGE)
    assert not packets.check(2000 - ACK_RANGE - 1)
    packets.add(2000 - ACK_RANGE, 1.0, ack_eliciting=True)
    assert packets.take_ack(1.0)[2] == 1 << (ACK_RANGE - 1)
