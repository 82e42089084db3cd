"""Passwords, players' keys and a server's new key, as players and servers meet them."""

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ecsnet.components import Player
from ecsnet.config import ClientConfig, HandshakeConfig, TransportConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.firstuse import FirstUse
from ecsnet.joinlink import JoinLink
from ecsnet.keys import KnownServers
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.tokens import SealedTokens, SignedTokens, mint
from ecsnet.transport.address import Address
from ecsnet.transport.hello import DatagramType
from ecsnet.transport.identity import Identity
from tests.simulation.meadow import game

SECRET = SealedTokens(b"\x09" * 32)
SIGNING = SignedTokens.of_private(b"\x0a" * 32)
PLAYER = Identity(b"\x05" * 32)


def token_for(
    sim: Simulation, player_id: str = "u-1", *, key: SealedTokens | SignedTokens = SECRET, **what: Any
) -> bytes:
    """Mint a token for the simulation's server, now."""
    arguments: dict[str, Any] = {"server_keys": [sim.server.public_key], "unix_time": sim.now} | what
    return mint(key, player_id, entropy=random.Random(repr((player_id, sim.now))).randbytes, **arguments)


@pytest.mark.slow
def test_a_password_lets_in_who_knows_it_and_tells_the_others() -> None:
    """Right, wrong and missing; each within its time, over a link that loses one in ten."""
    sim = Simulation(game, clients=1, password="mellon", link=Link.POOR, seed=1)
    wrong = sim.join("wrong", password="melon", wait=False)
    missing = sim.join("missing", password="", wait=False)
    sim.run(5)

    assert sim.clients[0].is_ready
    assert wrong.disconnected == (DisconnectReason.WRONG_PASSWORD, "the password is wrong")
    assert missing.disconnected == (DisconnectReason.WRONG_PASSWORD, "this server needs a password")
    assert len(sim.server.peers) == 1


@pytest.mark.slow
def test_passwords_over_a_stream_are_told_at_once() -> None:
    """Within round trips: a server that cannot read what was said ends the stream."""
    sim = Simulation(game, clients=1, password="mellon", link=Link.WIFI, seed=1, transport="tcp")
    missing = sim.join("missing", password="", wait=False)
    wrong = sim.join("wrong", password="melon", wait=False)
    with_key = sim.join("with key", password="melon", player_key=PLAYER, wait=False)
    sim.run(1)

    assert sim.clients[0].is_ready
    assert missing.disconnected == (DisconnectReason.WRONG_PASSWORD, "this server needs a password")
    for client in (wrong, with_key):
        assert client.disconnected == (DisconnectReason.WRONG_PASSWORD, "the password is wrong")
    assert len(sim.server.peers) == 1
    sim.run(10)
    assert sim.server._endpoint._streams.keys() == {sim.server.connections[0].address}
    assert not sim.server._endpoint._visitors


@pytest.mark.slow
@pytest.mark.parametrize("latency_seconds", [0.6, 1.1])
def test_a_good_password_over_a_slow_stream_is_not_doubted(latency_seconds: float) -> None:
    """Its answer takes seconds. A question asked beside it would be taken for a packet, and end the connection."""
    link = Link(latency_seconds=latency_seconds)
    sim = Simulation(game, clients=1, password="mellon", link=link, seed=1, transport="tcp")

    assert sim.clients[0].is_ready


@pytest.mark.slow
def test_a_password_for_an_open_server_is_explained() -> None:
    """The client does not quietly do without: whoever has no password may be somebody else."""
    sim = Simulation(game, clients=0, seed=2)
    client = sim.join(password="mellon", wait=False)
    sim.run(6)

    assert client.disconnected is not None
    reason, text = client.disconnected
    assert reason is DisconnectReason.WRONG_PASSWORD
    assert "join without one" in text


def test_a_server_knows_a_player_again_by_its_key() -> None:
    """After leaving and coming back, whatever the name; who shows no key has none."""
    sim = Simulation(game, clients=1, seed=3)
    player = Identity(b"\x05" * 32)
    for name in ("Ada", "not Ada"):
        client = sim.join(name, player_key=player)
        assert sim.server.peers[client.client_id].player_key == player.public
        client.close(now=sim.now)
        sim.run(1)

    assert sim.server.peers[1].player_key == b""


def test_a_game_is_played_under_the_second_suite() -> None:
    """One field of the configuration; the server speaks both."""
    config = ClientConfig(transport=TransportConfig(handshake=HandshakeConfig(suite="chachapoly")))
    sim = Simulation(game, clients=2, link=Link.WIFI, seed=4, client_config=config)
    sim.run(1)
    sim.assert_converged()


def test_a_new_key_is_learned_silently_by_whoever_comes_in_time(tmp_path: Path) -> None:
    """Trust on first use, the server's key replaced, the former retired: the player is never asked."""
    former = Identity(b"\x02" * 32)
    current = Identity(b"\x01" * 32)
    known = KnownServers(tmp_path / "known_servers.json")
    link = JoinLink("play.example.org")
    for identity in (former, Identity(current.private_bytes(), former), current):
        sim = Simulation(game, clients=0, seed=5, identity=identity)
        trust = FirstUse(known, link)
        client = sim.join(pins=trust.pins)
        trust.settle(client)

        assert known.pins(link.host, link.port) == (identity.public,)
        assert client.server_key == (former.public if identity.former else identity.public)
        assert client.current_server_key == identity.public


def test_a_list_that_broke_meanwhile_is_said_and_not_raised_into_the_game(tmp_path: Path) -> None:
    """`settle` runs in the game's loop."""
    place = tmp_path / "known_servers.json"
    known = KnownServers(place)
    link = JoinLink("play.example.org")
    known.remember(link.host, link.port, b"\x07" * 32)
    trust = FirstUse(known, link)
    sim = Simulation(game, clients=0, seed=5)
    client = sim.join(pins=trust.pins, wait=False)
    sim.run_until(lambda: client.disconnected is not None, within_seconds=10)
    place.write_text("{")
    trust.settle(client)

    assert client.disconnected is not None
    assert client.disconnected[0] is DisconnectReason.SERVER_KEY_MISMATCH
    assert "is not a list of known servers" in client.disconnected[1]


# Connect tokens.


@pytest.mark.parametrize(("minting", "checking"), [(SECRET, SECRET), (SIGNING, SignedTokens(SIGNING.public))])
def test_a_token_lets_in_and_says_who_it_is(
    minting: SealedTokens | SignedTokens, checking: SealedTokens | SignedTokens
) -> None:
    """The backend's word counts, not the client's; the game reads the rest at the peer."""
    sim = Simulation(game, clients=0, seed=6, token_key=checking)
    client = sim.join("a liar", token=token_for(sim, "u-7", key=minting, name="Ada", data=b"red team"))
    peer = sim.server.peers[client.client_id]

    assert peer.name == "Ada"
    assert peer.token is not None
    assert (peer.token.player_id, peer.token.data) == ("u-7", b"red team")
    assert [player.name for _, player in client.world.observe(Player)] == ["Ada"]


def test_every_other_token_is_refused_with_the_reason() -> None:
    """Missing, of another backend, for another server, expired, from the future, of another player's key, used."""
    sim = Simulation(game, clients=0, seed=7, token_key=SECRET)
    used = token_for(sim, "u-1")
    sim.join(token=used)
    other_key = Identity(b"\x0c" * 32)
    reasons = {
        "this server needs a token": b"",
        "the token is not one of those this server takes": token_for(sim, key=SIGNING),
        "the token is for another server": token_for(sim, "u-2", server_keys=[other_key.public]),
        "the token has expired": token_for(sim, "u-3", unix_time=sim.now - 311),
        "the token is from the future: is a clock wrong?": token_for(sim, "u-4", unix_time=sim.now + 12),
        "the token is bound to another player's key": token_for(sim, "u-5", player_key=PLAYER.public),
        "the token has been used": used,
    }
    clients = {text: sim.join(token=token, wait=False, player_key=other_key) for text, token in reasons.items()}
    sim.run(1)

    for text, client in clients.items():
        assert client.disconnected == (DisconnectReason.BAD_TOKEN, text)
    assert len(sim.server.peers) == 1


def test_a_bound_token_is_its_players_alone() -> None:
    """Stolen, it is worth nothing; and the thief's attempt does not use it up."""
    sim = Simulation(game, clients=0, seed=8, token_key=SECRET)
    token = token_for(sim, player_key=PLAYER.public)
    thief = sim.join(token=token, wait=False)
    sim.run(1)
    owner = sim.join(token=token, player_key=PLAYER)

    assert thief.disconnected is not None
    assert sim.server.peers[owner.client_id].player_key == PLAYER.public


def test_token_reuse_two_at_once_only_one_comes_in() -> None:
    """Both are judged before either is confirmed; the second to confirm has to go, and is told."""
    sim = Simulation(game, clients=0, seed=9, token_key=SECRET)
    token = token_for(sim)
    clients = [sim.join(token=token, wait=False) for _ in range(3)]
    sim.run(2)

    assert sum(client.is_ready for client in clients) == 1
    refused = [client.disconnected for client in clients if client.disconnected]
    assert refused == [(DisconnectReason.BAD_TOKEN, "the token has been used")] * 2
    assert len(sim.server.peers) == 1


def test_a_replayed_hello_burns_no_token() -> None:
    """An eavesdropper sends the player's HELLO again and again, before and after; only the player is let in, once."""
    sim = Simulation(game, clients=0, seed=10, token_key=SECRET)
    client = sim.join(token=token_for(sim), wait=False)
    address = sim._addresses[client]
    sim.cut_off(client)
    hellos: list[bytes] = []
    send = sim.network.send

    def record(data: bytes, source: Address, destination: Address, now: float) -> None:
        if data[0] == DatagramType.HELLO:
            hellos.append(data)
        send(data, source, destination, now)

    sim.network.send = record  # type: ignore[method-assign]  # a wire-tap
    sim.reconnect(client)
    sim.run_until(lambda: bool(hellos), within_seconds=2)
    for _ in range(5):
        sim.server.receive_datagram(hellos[0], address, sim.now)
        sim.server.update(sim.now)
    assert sim.server._entrance._reception._tokens is not None
    assert repr(sim.server._entrance._reception._tokens) == "TokenGate(0 used)"
    sim.run_until(lambda: client.is_ready, within_seconds=2)
    for _ in range(5):
        sim.server.receive_datagram(hellos[0], address, sim.now)
        sim.server.receive_datagram(hellos[0], ("elsewhere", 1), sim.now)
        sim.run(0.1)

    assert repr(sim.server._entrance._reception._tokens) == "TokenGate(1 used)"
    assert list(sim.server.peers) == [client.client_id]


def test_a_token_for_the_former_key_counts_while_it_is_honoured() -> None:
    """The backend may learn of a new server key as late as the players."""
    former = Identity(b"\x02" * 32)
    sim = Simulation(game, clients=0, seed=11, token_key=SECRET, identity=Identity(b"\x01" * 32, former))

    assert sim.join(token=token_for(sim, server_keys=[former.public])).is_ready


def test_a_full_server_uses_up_no_token() -> None:
    """Who is turned away for want of a place may try again with the same token."""
    sim = Simulation(replace(game, max_clients=1), clients=0, seed=12, token_key=SECRET)
    first = sim.join(token=token_for(sim, "u-1"))
    token = token_for(sim, "u-2")
    second = sim.join(token=token, wait=False)
    sim.run(1)
    assert second.disconnected == (DisconnectReason.SERVER_FULL, "all 1 places are taken")
    first.close(now=sim.now)
    sim.run(1)

    assert sim.join(token=token).is_ready


def test_what_is_too_long_for_a_token_is_the_callers_mistake() -> None:
    """A clear word instead of a HELLO that does not fit; and the longest there is does."""
    sim = Simulation(game, clients=0, seed=13, token_key=SignedTokens(SIGNING.public))
    with pytest.raises(LocalProtocolError, match="at most 640 bytes, not 641"):
        sim.join(token=bytes(641))
    longest = token_for(
        sim, "p" * 64, key=SIGNING, name="\U0001f411" * 24, data=bytes(256), player_key=PLAYER.public,
        server_keys=[sim.server.public_key] * 4,
    )  # fmt: skip

    assert len(longest) == 622 - 4, "the two times take two bytes less in 1970"
    assert sim.join("\U0001f40f" * 24, token=longest, player_key=PLAYER).is_ready
