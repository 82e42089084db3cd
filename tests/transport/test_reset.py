"""A server that lost its memory says so, and is believed; nobody else is."""

import pytest

from ecsnet.config import GuardConfig, TransportConfig
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.reset import RESET_BYTES, Resets, is_reset
from ecsnet.transport.state import State
from tests.transport.pair import APPLICATION, CHANNELS, CLIENT, SERVER, UNRELIABLE, Pair

HERE = ("192.0.2.7", 4000)


def restart(pair: Pair, *, config: TransportConfig | None = None) -> None:
    """Kill the server and start another one with the same key."""
    pair.endpoint = Endpoint(
        pair.identity, application_id=APPLICATION, channels=CHANNELS, config=config or pair.config, entropy=pair.entropy
    )
    pair.server = None


def test_a_restart_is_noticed_within_two_round_trips() -> None:
    """Not after ten seconds of silence: the first packet that reaches the new server is answered."""
    pair = Pair(link=Link(latency_seconds=0.05))
    client, _ = pair.connect()
    pair.run(1)
    restart(pair)
    client.send(UNRELIABLE, b"anybody there?")
    pair.run(0.2)

    assert [event.reason for event in pair.ended()] == [DisconnectReason.SERVER_RESTARTED]
    assert client.state is State.CLOSED


def test_an_idle_client_notices_with_its_next_keep_alive() -> None:
    pair = Pair()
    client, _ = pair.connect()
    pair.run(5)
    restart(pair)
    pair.run(1.5)

    assert client.state is State.CLOSED


def test_nobody_else_can_reset_a_connection() -> None:
    """Every bit of the token counts, and a token of another address or connection is none."""
    pair = Pair()
    client, _ = pair.connect()
    resets = Resets(pair.identity.derive(b"ecsnet reset")[0], 1000, 0.0)
    true = resets.answer(client.connection_id, CLIENT, 0.0)
    assert true is not None
    forged = [
        true[:place] + bytes([true[place] ^ 1 << bit]) + true[place + 1 :] for place in range(17) for bit in range(8)
    ]
    forged += [true[:-1], true + b"\0", b"\x85" + bytes(16)]
    for connection_id, address in ((client.connection_id ^ 1, CLIENT), (client.connection_id, SERVER)):
        other = resets.answer(connection_id, address, 0.0)
        assert other is not None
        forged.append(other)
    for data in forged:
        client.receive_datagram(data, SERVER, pair.now)
    client.receive_datagram(true, ("elsewhere", 1), pair.now)

    assert client.is_connected
    client.receive_datagram(true, SERVER, pair.now)
    assert client.state is State.CLOSED


def test_a_reset_answers_only_what_is_larger_and_not_too_often() -> None:
    """Two ends can never reset each other for ever, and nobody is flooded in a stranger's name."""
    config = TransportConfig(guard=GuardConfig(resets_per_second=10))
    pair = Pair(config=config)
    for size in range(40):
        pair.endpoint.receive_datagram(bytes(size), HERE, pair.now)
        answers = pair.endpoint.datagrams_to_send(pair.now)
        assert all(len(data) < size for data, _ in answers)
    for _ in range(100):
        pair.endpoint.receive_datagram(bytes(100), HERE, pair.now)
    assert pair.endpoint.datagrams_to_send(pair.now) == []
    pair.endpoint.receive_datagram(bytes(100), HERE, pair.now + 1)

    [(answer, address)] = pair.endpoint.datagrams_to_send(pair.now + 1)
    assert (len(answer), address) == (RESET_BYTES, HERE)


@pytest.mark.parametrize("state", [State.CLOSING, State.CLOSED])
def test_a_reset_after_the_end_changes_nothing(state: State) -> None:
    pair = Pair()
    client, _ = pair.connect()
    client.close(DisconnectReason.LEFT, now=pair.now)
    if state is State.CLOSED:
        pair.run(3)
    token = Resets(pair.identity.derive(b"ecsnet reset")[0], 1000, 0.0).token(client.connection_id, CLIENT)
    client.receive_datagram(b"\x85" + token, SERVER, pair.now)

    assert client.state is state
    assert [event.reason for event in pair.ended() if event.connection is client] in ([], [DisconnectReason.LEFT])


def test_the_token_is_compared_whole() -> None:
    assert is_reset(b"\x85" + bytes(16), bytes(16))
    assert not is_reset(b"\x84" + bytes(16), bytes(16))
    assert not is_reset(b"\x85" + bytes(15), bytes(16))
