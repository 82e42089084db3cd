"""A client that moves is followed; one that does not cannot be taken away."""

import pytest

from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.transport.path import Roaming
from ecsnet.transport.state import State
from tests.transport.pair import CLIENT, ORDERED, SERVER, UNRELIABLE, Pair

ELSEWHERE = ("client's new address", 7)
THIEF = ("thief", 666)


def move(pair: Pair) -> None:
    """Let the client's datagrams come from elsewhere from now on, and none reach it where it was."""
    pair.client_address = ELSEWHERE
    pair.network.drop(CLIENT)


@pytest.mark.parametrize("link", [Link.PERFECT, Link.WIFI, Link(loss=0.2, latency_seconds=0.05)], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_a_client_whose_address_changes_stays_connected(link: Link, seed: int) -> None:
    pair = Pair(link=link, seed=seed)
    client, server = pair.connect()
    pair.run(0.5)
    move(pair)
    client.send(ORDERED, b"from elsewhere")
    pair.run_until(lambda: server.address == ELSEWHERE, within=4)
    server.send(ORDERED, b"to elsewhere")
    pair.run(2)

    assert server.take_messages() == [(ORDERED, b"from elsewhere")]
    assert client.take_messages() == [(ORDERED, b"to elsewhere")]
    assert server.statistics.moves == 1
    assert [c.address for c in pair.endpoint.connections.values()] == [ELSEWHERE]


def test_the_move_takes_one_round_trip() -> None:
    pair = Pair(link=Link(latency_seconds=0.05))
    client, server = pair.connect()
    move(pair)
    client.send(UNRELIABLE, b"from elsewhere")
    pair.step()
    start = pair.now
    pair.run_until(lambda: server.address == ELSEWHERE)

    assert pair.now - start <= 0.15 + 4 / 60


def test_a_copy_from_a_thiefs_address_moves_nothing() -> None:
    """It is authentic and the newest, since the true one was held up; but the thief cannot answer the challenge."""
    pair = Pair()
    client, server = pair.connect()
    pair.run(1)
    client.send(UNRELIABLE, b"worth stealing")
    [(stolen, _)] = client.datagrams_to_send(pair.now)
    pair.endpoint.receive_datagram(stolen, THIEF, pair.now)
    to_thief = 0
    for _ in range(600):
        pair.step()
        to_thief += sum(len(data) for data, _ in pair.network.receive(THIEF, pair.now))

    assert server.address == CLIENT
    assert 0 < to_thief <= 3 * len(stolen)
    assert server.state is client.state is State.CONNECTED
    client.send(UNRELIABLE, b"still here")
    pair.run(0.1)
    assert server.take_messages()[-1] == (UNRELIABLE, b"still here")


def test_the_answer_counts_only_from_the_new_address() -> None:
    """The thief may hand the challenge on to the true client: its answer comes from where the client is."""
    pair = Pair()
    client, server = pair.connect()
    pair.run(1)
    client.send(UNRELIABLE, b"worth stealing")
    [(stolen, _)] = client.datagrams_to_send(pair.now)
    pair.endpoint.receive_datagram(stolen, THIEF, pair.now)
    for _ in range(300):
        pair.step()
        for data, _ in pair.network.receive(THIEF, pair.now):
            client.receive_datagram(data, SERVER, pair.now)

    assert server.address == CLIENT
    assert server.statistics.moves == 0


def test_an_old_packet_from_elsewhere_moves_nothing() -> None:
    """After a move stragglers may still come from the old address."""
    pair = Pair()
    client, server = pair.connect()
    client.send(UNRELIABLE, b"overtaken")
    [(old, _)] = client.datagrams_to_send(pair.now)
    pair.now += 0.01
    client.send(UNRELIABLE, b"newer")
    pair.run(0.1)
    pair.endpoint.receive_datagram(old, ELSEWHERE, pair.now)
    pair.run(1)

    assert server.take_messages() == [(UNRELIABLE, b"newer"), (UNRELIABLE, b"overtaken")]
    assert not pair.network.receive(ELSEWHERE, pair.now)


def test_a_client_takes_nothing_from_another_address_than_its_servers() -> None:
    pair = Pair()
    client, server = pair.connect()
    server.send(UNRELIABLE, b"hello")
    [(data, _)] = pair.endpoint.datagrams_to_send(pair.now)
    client.receive_datagram(data, THIEF, pair.now)

    assert client.take_messages() == []
    assert client.statistics.drops["wrong address"] == 1


def test_who_never_answers_is_asked_three_times_and_no_more_than_it_sent_is_answered() -> None:
    roaming = Roaming()
    roaming.note(ELSEWHERE, 24, 0.0, is_newest=True)
    asked = [roaming.question(28, now, 1.0) for now in (0.0, 0.5, 1.0, 2.0, 3.0, 4.0)]

    assert [question is not None for question in asked] == [
        True,
        False,
        True,
        False,
        False,
        False,
    ]  # 3 x 24 B is 2 x 28 B
    assert roaming.next_at is None
    roaming.answer = 1
    assert not roaming.has_answered(ELSEWHERE)


def test_an_answer_to_an_older_challenge_is_none() -> None:
    roaming = Roaming()
    roaming.note(THIEF, 100, 0.0, is_newest=True)
    roaming.note(ELSEWHERE, 100, 0.0, is_newest=True)

    assert roaming.question(28, 0.0, 1.0) == (2, ELSEWHERE)
    roaming.answer = 1
    assert not roaming.has_answered(THIEF)
    assert not roaming.has_answered(ELSEWHERE)
    roaming.answer = 2
    assert not roaming.has_answered(THIEF)
    assert roaming.has_answered(ELSEWHERE)


def test_a_new_host_is_a_new_path_and_a_new_port_is_not() -> None:
    """A NAT that forgets changes nothing of the way; another network may be a tenth as wide."""
    pair = Pair(link=Link(latency_seconds=0.02))
    client, server = pair.connect()
    for _ in range(300):
        while server.is_writable(ORDERED, 20_000):
            server.send(ORDERED, bytes(20_000))
        pair.step()
        client.take_messages()
    wide = server.statistics.budget_bytes
    for address, is_wide in ((("client", 99), True), (("client's new network", 5), False)):
        pair.client_address = address
        client.send(UNRELIABLE, b"from elsewhere")
        pair.run_until(lambda: server.address == pair.client_address)
        assert (server.statistics.budget_bytes > wide / 2) is is_wide

    assert server.statistics.moves == 2


def test_nobody_moves_into_a_network_that_is_blocked() -> None:
    pair = Pair()
    client, server = pair.connect()
    pair.endpoint.doorkeeper.block_list.add("192.0.2.0/24")
    pair.client_address = ("192.0.2.7", 5)
    client.send(UNRELIABLE, b"from elsewhere")
    pair.run(1)

    assert [event.reason for event in pair.ended()] == [DisconnectReason.BANNED] * 2
    assert server.state is client.state is State.CLOSED
