"""A session as PROTOCOL.md describes it: a second client moves, is reset, gives credit and waits for it.

The client is of the second implementation, the server of the first; see `test_second_implementation.py`.
"""

import pytest

from ecsnet.protocol import DisconnectReason
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.state import State
from tests.transport import second
from tests.transport.pair import CLIENT, ORDERED, SEQUENCED, UNORDERED, UNRELIABLE
from tests.transport.secondmeeting import Meeting

ELSEWHERE: Address = ("elsewhere", 7)
PIECE = bytes(4096 - second.MESSAGE_COST_BYTES)  # so the credit lasts for a whole number of them
PIECES = second.CREDIT_BYTES // (len(PIECE) + second.MESSAGE_COST_BYTES)


def send_slowly(meeting: Meeting, sender: Connection | second.MinimalClient, count: int) -> None:
    """Send so that no other window than that of credit is ever full."""
    for at in range(count):
        sender.send(ORDERED + -(at % 2), PIECE)  # both reliable channels have the same credit
        meeting.run(2)


def heard(client: second.MinimalClient, kind: type[second.Frame]) -> list[second.Frame]:
    return [frame for frame in client.frames_heard if isinstance(frame, kind)]


# RESET.


def test_the_second_client_recognises_a_restart() -> None:
    meeting = Meeting()
    meeting.connect()
    meeting.restart()
    meeting.client.send_frames(second.Ping())
    meeting.run(2)

    assert meeting.client.is_reset


def test_a_client_that_has_moved_drops_the_reset_of_its_new_address() -> None:
    """This implementation's token is bound to the address; such a client finds out by timeout."""
    meeting = Meeting()
    meeting.connect()
    meeting.restart()
    meeting.address = ELSEWHERE
    meeting.client.send_frames(second.Ping())
    meeting.run(2)

    assert not meeting.astray
    assert not meeting.client.is_reset


# A client's address.


def test_a_second_client_that_moves_is_followed() -> None:
    meeting = Meeting()
    connection = meeting.connect()
    meeting.address = ELSEWHERE
    meeting.client.send(ORDERED, b"from elsewhere")
    meeting.run(5)
    connection.send(ORDERED, b"to elsewhere")
    meeting.run(5)

    assert len(heard(meeting.client, second.PathChallenge)) == 1
    assert connection.address == ELSEWHERE
    assert connection.take_messages() == [(ORDERED, b"from elsewhere")]
    assert meeting.client.read() == [(ORDERED, b"to elsewhere")]


def test_a_second_client_that_does_not_answer_is_not_followed() -> None:
    """It is asked no more than three times, and with no more than three times the bytes it sent."""
    meeting = Meeting()
    connection = meeting.connect()
    meeting.client.answers_challenges = False
    meeting.address = ELSEWHERE
    meeting.client.send(ORDERED, bytes(300))
    meeting.run(300)
    asked = heard(meeting.client, second.PathChallenge)

    assert len(asked) == 3
    assert len(set(asked)) == 1
    assert connection.address == CLIENT
    assert {address for _, address in meeting.astray} == {CLIENT}


def test_a_wrong_answer_is_none() -> None:
    meeting = Meeting()
    connection = meeting.connect()
    meeting.client.answers_challenges = False
    meeting.address = ELSEWHERE
    meeting.client.send_frames(second.Ping())
    meeting.run(2)
    [asked] = heard(meeting.client, second.PathChallenge)
    assert isinstance(asked, second.PathChallenge)
    meeting.client.send_frames(second.PathResponse(asked.number ^ 1))
    meeting.run(2)
    was = connection.address
    meeting.client.send_frames(second.PathResponse(asked.number))
    meeting.run(2)

    assert was == CLIENT
    assert connection.address == ELSEWHERE


# Credit.


def test_a_second_client_that_reads_gets_everything() -> None:
    """It checks each message against the credit it gave, and raises on one too many."""
    meeting = Meeting()
    connection = meeting.connect()
    got = []
    for _ in range(3 * PIECES):
        send_slowly(meeting, connection, 1)
        got += meeting.client.read()

    assert len(got) == 3 * PIECES
    assert meeting.client.granted > 3 * second.CREDIT_BYTES


def test_a_second_client_that_does_not_read_stops_the_server() -> None:
    """To the byte; and its next CREDIT brings the rest."""
    meeting = Meeting()
    connection = meeting.connect()
    send_slowly(meeting, connection, PIECES)
    for _ in range(10):
        connection.send(ORDERED, b"")
    meeting.run(5)
    before = meeting.client.read()
    meeting.run()

    assert len(before) == PIECES
    assert meeting.client.read() == 10 * [(ORDERED, b"")]


def test_a_second_sender_waits_for_credit_and_goes_on() -> None:
    meeting = Meeting()
    connection = meeting.connect()
    send_slowly(meeting, meeting.client, PIECES + 10)
    waiting = meeting.client.waiting
    got = connection.take_messages()
    meeting.run()
    got += connection.take_messages()

    assert waiting == 10
    assert len(got) == PIECES + 10
    assert meeting.client.credit > second.CREDIT_BYTES
    assert connection.state is State.CONNECTED


def test_the_server_says_credit_as_soon_as_the_longest_message_may_need_it() -> None:
    """What was read, at 64 bytes on top of each message, and 327,680."""
    meeting = Meeting()
    connection = meeting.connect()
    cost = len(PIECE) + second.MESSAGE_COST_BYTES
    step = -(-second.CREDIT_STEP_BYTES // cost)
    send_slowly(meeting, meeting.client, step - 1)
    connection.take_messages()
    meeting.run(5)
    too_early = heard(meeting.client, second.Credit)
    send_slowly(meeting, meeting.client, 1)
    connection.take_messages()
    meeting.run(5)

    assert too_early == []
    assert heard(meeting.client, second.Credit) == [second.Credit(second.CREDIT_BYTES + step * cost)]


def test_a_second_sender_that_overdraws_breaks_the_protocol() -> None:
    meeting = Meeting()
    meeting.connect()
    meeting.client.credit = 1 << 30
    send_slowly(meeting, meeting.client, PIECES)
    alive = not meeting.ended()
    send_slowly(meeting, meeting.client, 1)

    assert alive
    assert [event.reason for event in meeting.ended()] == [DisconnectReason.PROTOCOL_ERROR]


def test_an_older_credit_says_nothing() -> None:
    meeting = Meeting()
    connection = meeting.connect()
    meeting.client.send_frames(second.Credit(2 * second.CREDIT_BYTES))
    meeting.client.send_frames(second.Credit(1))
    meeting.client.granted = 2 * second.CREDIT_BYTES
    meeting.run(2)
    send_slowly(meeting, connection, PIECES + 1)

    assert len(meeting.client.messages) == PIECES + 1


# Messages in parts that are not sent again.


@pytest.mark.parametrize("channel", [UNRELIABLE, SEQUENCED])
@pytest.mark.parametrize("from_client", [True, False])
def test_long_unreliable_messages_travel_in_parts(channel: int, *, from_client: bool) -> None:
    meeting = Meeting()
    connection = meeting.connect()
    sent = [(channel, bytes([at]) * size) for at, size in enumerate((16_000, 1, 3000, 2, 9000))]
    got = []
    for each in sent:
        (meeting.client if from_client else connection).send(*each)
        meeting.run(2)
        got += connection.take_messages() if from_client else meeting.client.read()

    assert got == sent
    if not from_client:
        numbers = {
            frame.number for frame in heard(meeting.client, second.Fragment) if isinstance(frame, second.Fragment)
        }
        assert numbers == ({0, 1, 2} if channel == UNRELIABLE else {0, 2, 4})


@pytest.mark.parametrize("channel", [UNRELIABLE, SEQUENCED])
@pytest.mark.parametrize(("count", "ends"), [(2, False), (16, False), (17, True), (1, True)])
def test_an_unreliable_message_has_two_to_sixteen_parts(channel: int, count: int, *, ends: bool) -> None:
    meeting = Meeting()
    connection = meeting.connect()
    for index in range(count):
        meeting.client.send_frames(second.Fragment(channel, 0, index, count, bytes([index])))
    meeting.run(2)

    assert [event.reason for event in meeting.ended()] == [DisconnectReason.PROTOCOL_ERROR] * ends
    assert connection.take_messages() == ([] if ends else [(channel, bytes(range(count)))])


def test_parts_that_say_different_counts_break_the_protocol() -> None:
    meeting = Meeting()
    meeting.connect()
    meeting.client.send_frames(second.Fragment(UNRELIABLE, 0, 0, 3, b"x"), second.Fragment(UNRELIABLE, 0, 1, 4, b"y"))
    meeting.run(2)

    assert [event.reason for event in meeting.ended()] == [DisconnectReason.PROTOCOL_ERROR]


@pytest.mark.parametrize("channel", [UNRELIABLE, SEQUENCED, UNORDERED, ORDERED])
def test_a_part_that_is_there_already_changes_nothing(channel: int) -> None:
    meeting = Meeting()
    connection = meeting.connect()
    for index, part in ((0, b"ab"), (0, b"xy"), (1, b"cd")):
        meeting.client.send_frames(second.Fragment(channel, 0, index, 2, part))
    meeting.run(2)

    assert connection.take_messages() == [(channel, b"abcd")]


@pytest.mark.parametrize("channel", [UNORDERED, ORDERED])
def test_a_whole_message_takes_the_place_of_its_parts(channel: int) -> None:
    """A sender may cut differently when it sends again."""
    meeting = Meeting()
    connection = meeting.connect()
    meeting.client.send_frames(second.Fragment(channel, 0, 0, 2, b"ab"))
    meeting.client.send_frames(second.Message(channel, 0, b"whole"))
    meeting.client.send_frames(second.Fragment(channel, 0, 1, 3, b"late"))
    meeting.client.send_frames(second.Message(channel, 1, b"next"))
    meeting.run(2)

    assert connection.take_messages() == [(channel, b"whole"), (channel, b"next")]


def test_of_five_messages_in_parts_the_oldest_is_given_up_and_not_acknowledged() -> None:
    """Of both channels together; the sender would take it for delivered."""
    meeting = Meeting()
    connection = meeting.connect()
    client = meeting.client
    first = client.next_packet
    names = [(UNRELIABLE, 0), (SEQUENCED, 0), (UNRELIABLE, 1), (SEQUENCED, 1), (UNRELIABLE, 2)]
    for index in range(2):
        for channel, number in names:
            client.send_frames(second.Fragment(channel, number, index, 2, bytes([channel, number])))
        client.send_frames(second.Ping())
        meeting.run(5)
    late = first + len(names) + 1  # the packet with the second part of what was given up

    assert connection.take_messages() == [(channel, bytes([channel, number] * 2)) for channel, number in names[1:]]
    assert set(range(first, first + 12)) - client.acknowledged == {late}


@pytest.mark.parametrize("by_parts", [True, False])
def test_a_sequenced_message_that_was_overtaken_is_dropped(*, by_parts: bool) -> None:
    meeting = Meeting()
    connection = meeting.connect()
    meeting.client.send_frames(second.Message(SEQUENCED, 5, b"newer"))
    if by_parts:
        meeting.client.send_frames(second.Fragment(SEQUENCED, 4, 0, 2, b"ol"))
        meeting.client.send_frames(second.Fragment(SEQUENCED, 4, 1, 2, b"der"))
    else:
        meeting.client.send_frames(second.Message(SEQUENCED, 4, b"older"))
    meeting.run(5)

    assert connection.take_messages() == [(SEQUENCED, b"newer")]


# What an ACK means.


def test_an_ack_names_what_arrived_and_nothing_else() -> None:
    meeting = Meeting()
    meeting.connect()
    client = meeting.client
    before = client.next_packet
    for at in range(12):
        client.send_frames(second.Ping())
        if at in (2, 3, 7):
            client.take_datagrams()  # the last packet, and with it ...
    # ... whatever was not taken before: only what comes after the last gap arrives.
    meeting.run(10)
    [newest, *_] = reversed(heard(client, second.Ack))
    assert isinstance(newest, second.Ack)

    assert {number for number in newest.packets if number >= before} == set(range(before + 8, before + 12))


def test_what_the_second_client_does_not_acknowledge_comes_again() -> None:
    """In new packets under new numbers; exactly once to the application."""
    meeting = Meeting()
    connection = meeting.connect()
    meeting.client.acknowledges = False
    connection.send(UNORDERED, b"again")
    connection.send(UNRELIABLE, b"once")
    meeting.run(120)
    repeats = sum(isinstance(f, second.Message) and f.message == b"again" for f in meeting.client.frames_heard)
    meeting.client.acknowledge()
    meeting.run(60)
    after = sum(isinstance(f, second.Message) and f.message == b"again" for f in meeting.client.frames_heard)

    assert repeats > 2
    assert after == repeats
    assert sorted(meeting.client.read()) == [(UNRELIABLE, b"once"), (UNORDERED, b"again")]


def test_an_ack_need_not_go_below_one_that_was_heard() -> None:
    """The server's ACKs stay short as long as some packet that carried one is acknowledged."""
    meeting = Meeting()
    meeting.connect()
    for _ in range(100):
        meeting.client.send_frames(second.Ping())
        meeting.run(1)
    [newest, *_] = reversed(heard(meeting.client, second.Ack))
    assert isinstance(newest, second.Ack)

    assert newest.packets[-1] > 0
    assert len(newest.packets) <= 66


def test_an_ack_alone_asks_for_a_ping_at_most_every_64_packets() -> None:
    """Nobody acknowledges an ACK alone: so a client that only sends is asked now and then."""
    meeting = Meeting()
    meeting.connect()
    meeting.client.frames_heard.clear()
    for _ in range(200):
        meeting.client.send_frames(second.Ping())
        meeting.run(1)
    pings = heard(meeting.client, second.Ping)

    assert 1 <= len(pings) <= 10


@pytest.mark.parametrize(
    "ack", [second.Ack((1000,), 0), second.Ack((0,), 0)], ids=["a packet never sent", "below number 0"]
)
def test_an_impossible_ack_breaks_the_protocol(ack: second.Ack) -> None:
    meeting = Meeting()
    meeting.connect()
    if ack.packets[0]:
        meeting.client.send_frames(ack)
    else:
        frame = bytearray(second.encode_frame(second.Ack((9, 0), 0)))
        frame[1] = 3  # the bitmap goes nine packets back
        meeting.client.send_bytes(bytes(frame))
    meeting.run(2)

    assert [event.reason for event in meeting.ended()] == [DisconnectReason.PROTOCOL_ERROR]
