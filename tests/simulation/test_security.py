"""Passwords, players' keys and a server's new key, as players and servers meet them."""

from pathlib import Path

import pytest

from ecsnet.config import ClientConfig, HandshakeConfig, TransportConfig
from ecsnet.firstuse import FirstUse
from ecsnet.joinlink import JoinLink
from ecsnet.keys import KnownServers
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.transport.identity import Identity
from tests.simulation.meadow import game


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
