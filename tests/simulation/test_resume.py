"""Coming back: a player whose connection broke off finds its place as it was, and nobody else finds it."""

from dataclasses import replace

import pytest

from ecsnet.client import Client
from ecsnet.components import Owner, Player
from ecsnet.components.player import PlayerStatus
from ecsnet.config import ServerConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.events import ClientStatus, PlayerJoined, PlayerLeft, PlayerLost, PlayerReturned
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import SERVER_ADDRESS, Simulation
from ecsnet.tokens import SealedTokens, mint
from ecsnet.transport.address import Address
from ecsnet.transport.hello import HANDSHAKE_BIT
from ecsnet.transport.identity import Identity
from tests.simulation.meadow import Sheep, Walk, Weather, game, shear

GRACE = ServerConfig(resume_grace_seconds=20.0)


def losing(sim: Simulation, client: Client) -> bytes:
    """Cut a client off until both ends have noticed and its program has ended; return its ticket."""
    sim.cut_off(client)
    sim.run_until(lambda: client.client_id not in sim.server.peers, within_seconds=15)
    sim.run(2)
    assert client.status is ClientStatus.LOST
    sim.clients.remove(client)
    return client.ticket


def status_of(sim: Simulation, client_id: int) -> PlayerStatus | None:
    players = {player.client_id: player.status for _, player in sim.server.world.observe(Player)}
    return players.get(client_id)


@pytest.mark.parametrize(
    "link", [Link.PERFECT, pytest.param(Link.POOR, marks=pytest.mark.slow)], ids=["perfect", "poor"]
)
def test_a_lost_player_comes_back_to_its_place(link: Link) -> None:
    """The same number, the same entity, what it owns still its own; everybody else sees it lost, and back."""
    sim = Simulation(game, clients=2, link=link, seed=1, server_config=GRACE)
    ada, bob = sim.clients
    sim.server.world.single(Weather).stormy = False
    entity = sim.server.peers[ada.client_id].entity
    sheep = sim.server.world.create_entity(Sheep(), Owner(client_id=ada.client_id))
    sim.server.events()
    ticket = losing(sim, ada)

    assert status_of(sim, ada.client_id) is PlayerStatus.LOST
    assert list(sim.server.peers) == [bob.client_id]
    assert {p.client_id: p.status for _, p in bob.world.observe(Player)}[ada.client_id] is PlayerStatus.LOST
    back = sim.join("somebody else", ticket=ticket)
    sim.run(1)
    assert back.client_id == ada.client_id
    assert sim.server.peers[back.client_id].entity == entity
    assert (sim.server.peers[back.client_id].name, status_of(sim, back.client_id)) == (
        "player-1",
        PlayerStatus.CONNECTED,
    )
    assert sim.server.world.component_for_entity(sheep, Owner).client_id == back.client_id
    timeout = DisconnectReason.TIMEOUT
    assert sim.server.events() == [
        PlayerLost(ada.client_id, "player-1", timeout, timeout.text),
        PlayerReturned(ada.client_id, "player-1"),
    ]
    assert back.ticket not in {b"", ticket}
    if link is Link.PERFECT:
        sim.assert_converged()


def test_who_comes_back_plays_as_before() -> None:
    """Inputs, calls and replication begin afresh over the new connection, and the old keys open nothing."""
    sim = Simulation(game, clients=1, seed=2, server_config=GRACE)
    sim.server.world.single(Weather).stormy = False
    back = sim.join(ticket=losing(sim, sim.clients[0]))
    sheep = sim.server.world.create_entity(Sheep(wool=5))
    sim.run(1)
    reply = back.call(shear, back.receiver.entity_of(sheep), "hello")
    back.press(Walk(dx=1))
    sim.run(1)

    assert reply.done
    assert sim.server.world.component_for_entity(sheep, Sheep).wool == 0
    assert sim.server.world.component_for_entity(sim.server.peers[back.client_id].entity, Walk).dx == 1


@pytest.mark.parametrize("reason", [DisconnectReason.TIMEOUT, DisconnectReason.CONNECTION_LOST])
def test_a_lost_player_lets_go_of_its_keys(reason: DisconnectReason) -> None:
    """Or it would run into the enemy's hands for the whole time of grace; also when the loss is noticed at once."""
    sim = Simulation(game, clients=1, seed=3, server_config=GRACE)
    client = sim.clients[0]
    entity = sim.server.peers[client.client_id].entity
    client.press(Walk(dx=1))
    sim.run(0.5)
    assert sim.server.world.component_for_entity(entity, Walk).dx == 1
    if reason is DisconnectReason.TIMEOUT:
        losing(sim, client)
    else:
        sim.server.peers[client.client_id].connection.close(reason, now=sim.now)
        sim.run(0.1)

    assert status_of(sim, client.client_id) is PlayerStatus.LOST
    assert sim.server.world.component_for_entity(entity, Walk).dx == 0


def test_after_the_grace_the_player_is_gone_and_joins_anew() -> None:
    """Whose time ran out is not locked out; the event comes then, with the reason of the first loss."""
    sim = Simulation(game, clients=1, seed=4, server_config=GRACE)
    ticket = losing(sim, sim.clients[0])
    sim.server.events()
    sim.run(17)
    assert status_of(sim, 1) is PlayerStatus.LOST
    sim.run(3)

    assert status_of(sim, 1) is None
    [left] = sim.server.events()
    assert isinstance(left, PlayerLeft)
    assert (left.client_id, left.reason) == (1, DisconnectReason.TIMEOUT)
    assert sim.join(ticket=ticket).client_id == 2


def test_without_grace_nothing_is_kept() -> None:
    """The default: the entity goes with the connection, as ever."""
    sim = Simulation(game, clients=1, seed=5)
    client = sim.clients[0]
    losing(sim, client)

    assert client.ticket == b""
    assert status_of(sim, 1) is None


@pytest.mark.parametrize(("owner", "kept"), [(None, True), (0.0, False), (20.0, True)])
def test_the_game_says_how_long_a_place_is_kept_unless_the_owner_does(owner: float | None, kept: bool) -> None:  # noqa: FBT001
    """It knows what a player nobody steers does; the server's owner may know better."""
    patient = replace(game, resume_grace_seconds=20.0)
    sim = Simulation(patient, clients=1, seed=5, server_config=ServerConfig(resume_grace_seconds=owner))
    losing(sim, sim.clients[0])

    assert (status_of(sim, 1) is PlayerStatus.LOST) is kept


@pytest.mark.parametrize("how", ["left", "kicked"])
def test_who_left_or_was_kicked_does_not_come_back_by_a_ticket(how: str) -> None:
    """Its place is free at once; the ticket makes a new player of it, with all the checks of one."""
    sim = Simulation(game, clients=1, seed=6, server_config=GRACE)
    client = sim.clients[0]
    if how == "left":
        client.close(now=sim.now)
    else:
        sim.server.kick(1, now=sim.now)
    sim.run(1)

    assert status_of(sim, 1) is None
    assert sim.join(ticket=client.ticket).client_id == 2


def test_a_new_connection_replaces_one_that_still_looks_alive() -> None:
    """The player's network changed, and the server has not noticed yet: no second place, no waiting, no event."""
    sim = Simulation(game, clients=1, seed=7, server_config=GRACE)
    old = sim.clients[0]
    entity = sim.server.peers[1].entity
    sim.server.events()
    sim.cut_off(old)
    sim.run(1)
    back = sim.join(ticket=old.ticket)
    sim.reconnect(old)
    sim.run(15)

    assert (back.client_id, sim.server.peers[1].entity) == (1, entity)
    assert old.disconnected is not None
    assert back.disconnected is None
    assert list(sim.server.peers) == [1]
    assert sim.server.events() == []
    assert status_of(sim, 1) is PlayerStatus.CONNECTED


def test_ticket_used_twice_the_second_is_a_new_player() -> None:
    """After the first has come back by it."""
    sim = Simulation(game, clients=1, seed=8, server_config=GRACE)
    ticket = losing(sim, sim.clients[0])
    first, second = sim.join(ticket=ticket), sim.join(ticket=ticket)

    assert (first.client_id, second.client_id) == (1, 2)
    assert first.disconnected is None


def test_ticket_used_twice_at_once_one_comes_in() -> None:
    """Both are judged good before either is confirmed; the later confirmation is refused, and the place is whole."""
    sim = Simulation(game, clients=1, seed=9, server_config=GRACE)
    ticket = losing(sim, sim.clients[0])
    clients = [sim.join(ticket=ticket, wait=False) for _ in range(3)]
    sim.run(2)

    assert [client.client_id for client in clients if client.is_ready] == [1]
    assert [client.disconnected for client in clients if client.disconnected] == [
        (DisconnectReason.BAD_TOKEN, "the ticket was used, or its time ran out, a moment ago")
    ] * 2
    assert len(sim.server.peers) == 1


@pytest.mark.parametrize("edit", ["bit", "cut", "foreign"])
def test_a_forged_ticket_is_refused(edit: str) -> None:
    """Neither the place nor a new one."""
    sim = Simulation(game, clients=1, seed=10, server_config=GRACE)
    ticket = losing(sim, sim.clients[0])
    other = Simulation(game, clients=1, seed=11, server_config=GRACE)
    forged = {"bit": ticket[:-1] + bytes([ticket[-1] ^ 1]), "cut": ticket[:-1], "foreign": other.clients[0].ticket}
    client = sim.join(ticket=forged[edit], wait=False)
    sim.run(1)

    assert client.disconnected == (DisconnectReason.BAD_TOKEN, "the ticket is not one of this server's")
    with pytest.raises(LocalProtocolError, match="at most 128 bytes, not 129"):
        sim.join(ticket=bytes(129))


def test_a_lost_player_keeps_its_place_on_a_full_server() -> None:
    """Nobody else gets it meanwhile, and it needs no free one to come back."""
    sim = Simulation(replace(game, max_clients=1), clients=1, seed=12, server_config=GRACE)
    ticket = losing(sim, sim.clients[0])
    other = sim.join(wait=False)
    sim.run(1)
    assert other.disconnected == (DisconnectReason.SERVER_FULL, "all 1 places are taken")

    assert sim.join(ticket=ticket).client_id == 1


def test_coming_back_takes_no_second_token() -> None:
    """The first was used up for the session; a ticket that is too old needs one like everybody."""
    secret = SealedTokens(b"\x09" * 32)
    sim = Simulation(game, clients=0, seed=13, server_config=GRACE, token_key=secret)
    token = mint(secret, "u-1", server_keys=[sim.server.public_key], unix_time=sim.now, entropy=bytes, name="Ada")
    ticket = losing(sim, sim.join(token=token))
    back = sim.join(ticket=ticket)
    peer = sim.server.peers[back.client_id]

    assert peer.token is not None
    assert (peer.token.player_id, peer.name) == ("u-1", "Ada")
    late = sim.join(ticket=ticket, wait=False)
    sim.run(1)
    assert late.disconnected == (DisconnectReason.BAD_TOKEN, "this server needs a token")


def test_a_players_key_guards_its_ticket() -> None:
    """With the ticket alone somebody else becomes a new player, and the owner still finds its place."""
    sim = Simulation(game, clients=0, seed=14, server_config=GRACE)
    player = Identity(b"\x05" * 32)
    ticket = losing(sim, sim.join(player_key=player))
    thief = sim.join(ticket=ticket)
    owner = sim.join(ticket=ticket, player_key=player)

    assert (owner.client_id, thief.client_id) == (1, 2)


def test_cut_off_between_welcome_and_confirmation_the_next_attempt_succeeds() -> None:
    """The client has the next ticket, the server does not know it has: both that one and the one before count."""
    sim = Simulation(game, clients=1, seed=15, server_config=GRACE)
    first = losing(sim, sim.clients[0])
    half = sim.join(ticket=first, wait=False)
    send = sim.network.send

    def send_handshakes(data: bytes, source: Address, destination: Address, now: float) -> None:
        if data[0] & HANDSHAKE_BIT or destination != SERVER_ADDRESS:
            send(data, source, destination, now)

    sim.network.send = send_handshakes  # type: ignore[method-assign]  # a network that fails at the worst moment
    sim.run_until(lambda: half.ticket != b"", within_seconds=2)
    sim.kill(half)
    sim.network.send = send  # type: ignore[method-assign]  # and works again
    assert status_of(sim, 1) is PlayerStatus.LOST

    assert sim.join(ticket=half.ticket).client_id == 1


def test_a_player_the_game_has_deleted_comes_back_as_a_new_entity() -> None:
    """Of the same number: an entity less must not keep anybody out."""
    sim = Simulation(game, clients=1, seed=16, server_config=GRACE)
    entity = sim.server.peers[1].entity
    ticket = losing(sim, sim.clients[0])
    sim.server.world.delete_entity(entity)
    sim.run(1)
    back = sim.join(ticket=ticket)

    assert back.client_id == 1
    assert sim.server.peers[1].entity != entity
    assert sim.server.world.component_for_entity(sim.server.peers[1].entity, Owner).client_id == 1


def test_a_player_may_come_back_again_and_again() -> None:
    """Each time by the newest ticket; the server remembers no more for it."""
    sim = Simulation(game, clients=1, seed=17, server_config=GRACE)
    ticket = sim.clients.pop().ticket
    for _ in range(5):
        client = sim.join(ticket=ticket)
        assert client.client_id == 1
        ticket = client.ticket
        sim.kill(client)
        sim.run(0.5)
    events = sim.server.events()

    assert [type(event) for event in events] == [PlayerJoined]
    assert len(sim.server._sessions) == 1
