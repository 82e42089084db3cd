"""Remote calls over the real wire: answered, refused, checked, and never able to stop the server."""

import logging
from typing import TypeVar

import pytest

from ecsnet import CLIENT, CLIENTS, SERVER, Call, EntityRef, Game, NetVar, component, rpc
from ecsnet.client import Client
from ecsnet.components import Owner, VisibleTo
from ecsnet.errors import LocalProtocolError, SchemaError
from ecsnet.peer import CALLS
from ecsnet.protocol import DisconnectReason
from ecsnet.rpc import Refusal, RefusalCode, Reply
from ecsnet.systems import rpc as calls
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from tests.simulation.meadow import Sheep, Weather, game, rename, shear

T = TypeVar("T")


def pasture(transport: str, link: Link = Link.POOR) -> tuple[Simulation, int, int]:
    """Return a calm simulation, a sheep of the first client in the server's world, and the same in the client's."""
    sim = Simulation(game, clients=2, link=link, seed=1, transport=transport)
    sim.server.world.single(Weather).stormy = False
    for entity, _ in sim.server.world.get_component(Sheep):
        sim.server.world.delete_entity(entity)
    first = sim.clients[0]
    sheep = sim.server.world.create_entity(Sheep(name="dolly", wool=7), Owner(first.client_id))
    sim.run_until(lambda: bool(first.receiver.entity_of(sheep)), within_seconds=10)
    return sim, sheep, first.receiver.entity_of(sheep)


def wait(sim: Simulation, reply: Reply[T]) -> None:
    sim.run_until(lambda: reply.done, within_seconds=15)


def test_a_call_is_answered_with_its_value_whatever_the_network_does(transport: str) -> None:
    """The entity is named in the client's world and meant in the server's; once called is once run."""
    sim, sheep, local = pasture(transport)
    replies = [sim.clients[0].call(shear, local, "please")]
    wait(sim, replies[0])

    assert replies[0].ok
    assert replies[0].value == 7
    assert sim.server.world.component_for_entity(sheep, Sheep).wool == 0


def test_a_refusal_carries_its_text(transport: str) -> None:
    """What the game says is what the player reads."""
    sim, _, _ = pasture(transport)
    reply = sim.clients[0].call(shear, 0, "nobody")
    wait(sim, reply)

    assert reply.refusal is not None
    assert (reply.refusal.code, reply.refusal.text) == (RefusalCode.REFUSED, "no such sheep")


def test_a_long_refusal_is_cut_between_characters(transport: str) -> None:
    """512 bytes of UTF-8 travel, and no half of a letter."""
    sim, _, local = pasture(transport)
    reply = sim.clients[0].call(shear, local, "long")
    wait(sim, reply)

    assert reply.refusal is not None
    assert reply.refusal.text == "w" + 255 * "ö"


def test_a_bug_in_a_handler_is_logged_refused_and_stops_nothing(
    caplog: pytest.LogCaptureFixture, transport: str
) -> None:
    """One broken handler must not take the game from everybody."""
    sim, _, local = pasture(transport)
    with caplog.at_level(logging.ERROR):
        reply = sim.clients[0].call(shear, local, "bug")
        wait(sim, reply)

    assert reply.refusal is not None
    assert reply.refusal.code is RefusalCode.FAILED
    assert "a bug in the game" in caplog.text
    sim.run(1)
    assert len(sim.server.peers) == 2


def test_only_the_owner_commands(transport: str) -> None:
    """Whose entity it is, the server knows; what the caller claims does not count."""
    sim, sheep, _ = pasture(transport)
    thief = sim.clients[1]
    sim.run_until(lambda: bool(thief.receiver.entity_of(sheep)), within_seconds=10)
    reply = thief.call(rename, thief.receiver.entity_of(sheep), "mine")
    wait(sim, reply)

    assert reply.refusal is not None
    assert reply.refusal.code is RefusalCode.NOT_OWNER
    assert sim.server.world.component_for_entity(sheep, Sheep).name == "dolly"


def test_more_calls_than_allowed_are_refused(transport: str) -> None:
    """rate_hz=4: a burst of a second's worth, then four a second."""
    sim, _, local = pasture(transport, Link.LAN)
    replies = [sim.clients[0].call(shear, local, "again") for _ in range(20)]
    for reply in replies:
        wait(sim, reply)
    refused = [reply.refusal.code for reply in replies if reply.refusal]
    sim.run(2)
    later = sim.clients[0].call(shear, local, "later")
    wait(sim, later)

    assert refused == [RefusalCode.RATE] * 16
    assert later.ok


def test_the_callers_mistakes_raise_at_once(transport: str) -> None:
    """Too long a text never leaves the program."""
    sim, _, local = pasture(transport)
    with pytest.raises(SchemaError, match="note"):
        sim.clients[0].call(shear, local, "x" * 300)


def test_a_call_before_one_is_in_is_refused(transport: str) -> None:
    """A key may be pressed while one still joins, sooner or later by the network: that must not end a window's loop."""
    sim, _, local = pasture(transport)
    joining = sim.join(wait=False)
    reply = joining.call(shear, local, "too early")
    sim.run_until(lambda: joining.is_ready, within_seconds=10)

    assert reply.refusal == Refusal(RefusalCode.DISCONNECTED, "the server has not let us in yet")


def test_a_call_after_the_end_is_refused(transport: str) -> None:
    """A connection may end at any moment: whoever calls then made no mistake, and must not be thrown out of a loop."""
    sim, _, local = pasture(transport)
    sim.clients[0].close(now=sim.now)
    reply = sim.clients[0].call(shear, local, "too late")

    assert reply.refusal == Refusal(RefusalCode.DISCONNECTED, "the connection has ended")


def test_more_calls_than_may_wait_are_the_callers_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that asks and asks, of a server that never answers, is stopped before its memory is full."""
    monkeypatch.setattr(calls, "MAX_PENDING_REPLIES", 100)
    sim, _, local = pasture("udp", Link.LAN)
    client = sim.clients[0]
    sim.cut_off(client)
    for _ in range(100):
        client.call(rename, local, "x")

    with pytest.raises(LocalProtocolError, match="100 calls wait for their answers already"):
        client.call(rename, local, "x")


def test_calls_that_wait_are_refused_when_the_connection_ends(transport: str) -> None:
    """Nobody polls for ever."""
    sim, _, local = pasture(transport)
    reply = sim.clients[0].call(shear, local, "please")
    sim.server.kick(sim.clients[0].client_id, "enough", now=sim.now)
    sim.cut_off(sim.clients[0])
    wait(sim, reply)

    assert reply.refusal is not None
    assert reply.refusal.code is RefusalCode.DISCONNECTED


@pytest.mark.parametrize(
    "nonsense", [b"", b"\x00", b"\x00\x01\x63\x00\x00\x00\x00", b"\x07\x01", b"\x01\x05", b"\x00\x01\x01"]
)
def test_nonsense_on_the_channel_of_calls_closes_that_connection_only(nonsense: bytes, transport: str) -> None:
    """A cheater's bytes end its own game, with a reason, and nobody else's."""
    sim, _, _ = pasture(transport, Link.LAN)
    cheat, honest = sim.clients
    cheat.conversation.connection.send(CALLS, nonsense)
    sim.run_until(lambda: cheat.disconnected is not None, within_seconds=5)

    assert cheat.disconnected is not None
    assert cheat.disconnected[0] is DisconnectReason.PROTOCOL_ERROR
    assert still_plays(sim, honest)


def still_plays(sim: Simulation, client: Client) -> bool:
    tick = client.receiver.tick
    sim.run(0.5)
    return client.disconnected is None and client.receiver.tick != tick


@component
class Card:
    face: NetVar[str] = ""


@rpc(to=SERVER)
def play(call: Call, card: EntityRef) -> EntityRef:
    """Say which card is meant, by naming it."""
    played.append(card)
    return card


@rpc(to=CLIENTS)
def show(call: Call, card: EntityRef) -> None:
    """Note what a client is shown."""
    shown.append(card)


played: list[int] = []
shown: list[int] = []
table = Game("table", components=[Card], rpcs=[play, show], tick_rate_hz=20, send_rate_hz=20)


def test_a_card_that_one_client_sees_is_the_same_card_in_calls() -> None:
    """It goes by a number of its own toward that client, and by none toward others."""
    played.clear()
    shown.clear()
    sim = Simulation(table, clients=2)
    world, (ada, bob) = sim.server.world, sim.clients
    cards = [world.create_entity(Card(face), VisibleTo(frozenset({ada.client_id}))) for face in ("ace", "ten")]
    sim.run(seconds=0.5)
    (mine, _), *_ = [(entity, card) for entity, card in ada.view(Card) if card.face == "ten"]

    reply = ada.call(play, mine)
    guess = bob.call(play, mine)
    wait(sim, reply)
    wait(sim, guess)
    for client in sim.clients:
        world.to(CLIENT(client.client_id)).call(show, cards[1])
        sim.run(seconds=0.5)

    assert played == [cards[1], 0]
    assert reply.value == mine
    assert shown == [mine, 0]
