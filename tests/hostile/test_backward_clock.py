"""A host's clock that leaps back, at any verb: nothing is lost, revived or killed by it."""

import pytest

from ecsnet.protocol import DisconnectReason
from ecsnet.testing.simulation import Simulation
from ecsnet.transport.connection import Connection
from tests.hostile.test_decoders import fly, game
from tests.transport.pair import CLIENT, ORDERED, SERVER, Pair


@pytest.mark.parametrize("backward", [0.001, 5.0, 1e6])
def test_a_backward_clock_at_every_verb_of_server_and_client_changes_nothing(backward: float) -> None:
    """A host's clock leaps back between any two verbs: nobody is lost, nothing raises, the game goes on after it."""
    sim = Simulation(game, clients=2)
    client = sim.clients[0]
    for verb in range(6):
        for side in (sim.server, client):
            past = sim.now - backward
            match verb:
                case 0:
                    side.receive_datagram(b"\x00" * 40, ("server", 7777), past)
                case 1:
                    side.update(past)
                case 2:
                    assert all(len(data) <= 1200 for data, _ in side.datagrams_to_send(past))
                case 3:
                    side.next_deadline()
                case 4:
                    assert client.call(fly, 1.0, "still here").done is False
                case 5:
                    sim.join(wait=False)
            sim.step()
    sim.run(2)

    assert all(each.disconnected is None for each in sim.clients)
    assert all(each.is_ready for each in sim.clients)


@pytest.mark.parametrize("backward", [0.001, 5.0, 1e6])
def test_a_backward_clock_at_every_verb_of_a_connection_changes_nothing(backward: float) -> None:
    """In the handshake, in the middle of traffic and closing, at both ends: all arrives, once and in order."""
    pair = Pair()
    states, arrived = set(), []
    for step in range(60):
        past = pair.now - backward
        for end, here in ((pair.client, CLIENT), (pair.server or pair.endpoint, SERVER)):
            if isinstance(end, Connection):
                arrived += [message for _, message in end.take_messages()]
                if end.is_connected and step < 40:
                    end.send(ORDERED, b"%d" % step)
            end.receive_datagram(bytes(30), CLIENT if here == SERVER else SERVER, past)
            end.update(past)
            for data, destination in end.datagrams_to_send(past):
                pair.network.send(data, here, destination, pair.now)
            end.next_deadline()
        states.add(pair.client.state.name)
        if step == 50:
            pair.client.close(DisconnectReason.LEFT, now=past)
        pair.step()
    rtt = pair.client.statistics.rtt_seconds
    pair.run(2)

    assert {"CHALLENGING", "CONNECTED"} <= states
    assert len(arrived) > 70
    assert len([message for message in arrived if message == b"39"]) == 2
    assert [event.reason for event in pair.ended()] == [DisconnectReason.LEFT] * 2
    assert 0 <= rtt < 0.1


@pytest.mark.parametrize("backward", [1.0, 1e6])
def test_a_backward_clock_does_not_revive_a_dead_connection_nor_kill_a_live_one(backward: float) -> None:
    """Timeouts count from the latest time known."""
    pair = Pair()
    client, _ = pair.connect()
    for end in (client, pair.endpoint):
        end.update(pair.now - backward)
    pair.network.partition(CLIENT, SERVER)
    pair.run(9.5)
    assert client.is_connected
    client.update(pair.now - backward)
    pair.run(0.6)
    assert not client.is_connected
    client.update(pair.now - backward)

    assert not client.is_connected
