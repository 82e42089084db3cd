"""Remote calls about entities that not everybody sees: meant on one side is meant on the other, and nothing leaks."""

import pytest

from ecsnet.components import Near, Owner, Rooms, VisibleTo
from ecsnet.errors import Refused
from ecsnet.fields import EntityRef, NetVar, component, netvar
from ecsnet.game import Game
from ecsnet.replication.names import FIRST_ALIAS
from ecsnet.rpc import SERVER, Call, RefusalCode, Reply, rpc
from ecsnet.testing.simulation import Simulation


@component
class Card:
    number: NetVar[int] = netvar(0, low=0, high=100)


@rpc(to=SERVER)
def look_at(call: Call, card: EntityRef) -> int:
    """Tell a card's number."""
    found = call.world.try_component(card, Card)
    if found is None:
        raise Refused("no such card")
    return found.number


@rpc(to=SERVER)
def find(call: Call, number: int) -> EntityRef:
    """Name the card of a number, or make it where there is none."""
    for entity, card in call.world.get_component(Card):
        if card.number == number:
            return entity
    return call.world.create_entity(Card(number=number), *MADE.get(number, ()))


@rpc(to=SERVER, owner_only=True)
def turn(call: Call, card: EntityRef) -> None:
    """Turn one's own card."""


MADE: dict[int, tuple[object, ...]] = {71: (Near(),), 72: (Rooms(frozenset({"attic"})),), 73: (VisibleTo(),)}
game = Game("cards", components=[Card], rpcs=[look_at, find, turn])


def table() -> tuple[Simulation, int, int]:
    """Return a session, a card that client 1 alone sees, and one that nobody sees."""
    sim = Simulation(game, clients=2, seed=1)
    world = sim.server.world
    first, second = sim.clients
    shown = world.create_entity(Card(number=5), VisibleTo(frozenset({first.client_id})))
    hidden = world.create_entity(Card(number=6), VisibleTo())
    world.create_entity(Card(number=7), Owner(second.client_id))
    sim.run(0.5)
    return sim, shown, hidden


def wait(sim: Simulation, reply: Reply[int]) -> Reply[int]:
    sim.run_until(lambda: reply.done, within_seconds=5)
    return reply


def test_a_card_seen_under_a_number_of_its_own_is_meant_in_a_call() -> None:
    """Toward the client it goes by another number than in the server's world."""
    sim, _, _ = table()
    client = sim.clients[0]
    card = next(entity for entity, card in client.world.get_component(Card) if card.number == 5)

    assert client.receiver.network_id_of(card) >= FIRST_ALIAS
    assert wait(sim, client.call(look_at, card)).value == 5


def test_a_result_names_an_entity_as_its_client_knows_it() -> None:
    """And not by the number it has in the server's world, which tells what happens out of sight."""
    sim, _, _ = table()
    first, second = sim.clients
    card = next(entity for entity, card in first.world.get_component(Card) if card.number == 5)

    assert wait(sim, first.call(find, 5)).value == card
    assert wait(sim, second.call(find, 5)).value == 0


@pytest.mark.parametrize("number", [5, 6])
def test_the_number_of_a_hidden_entity_is_in_no_result(number: int) -> None:
    """A client that is no program of ours reads what is in the datagram."""
    sim, shown, hidden = table()
    [peer] = [peer for peer in sim.server.peers.values() if peer.client_id == sim.clients[1].client_id]
    named = sim.server.room.session.sender.network_id_of(peer.client_id, shown if number == 5 else hidden)

    assert named == 0


def test_the_number_of_a_hidden_entity_means_nobody_in_a_call() -> None:
    """Whoever guesses one finds out nothing with it."""
    sim, shown, hidden = table()
    client = sim.clients[1]
    for entity in (shown, hidden, FIRST_ALIAS, FIRST_ALIAS + 1, 0xFFFFFFFF, 10**6):
        client.receiver._network_ids[1_000_000] = entity  # a hostile client names what it likes
        reply = wait(sim, client.call(look_at, 1_000_000))

        assert reply.refusal is not None
        assert reply.refusal.text == "no such card"


def test_a_refusal_does_not_tell_the_servers_number() -> None:
    """The client called by another."""
    sim, shown, _ = table()
    client = sim.clients[0]
    card = next(entity for entity, card in client.world.get_component(Card) if card.number == 5)
    reply = client.call(turn, card)
    sim.run_until(lambda: reply.done, within_seconds=5)

    assert reply.refusal is not None
    assert reply.refusal.code is RefusalCode.NOT_OWNER
    assert str(shown) not in reply.refusal.text


@pytest.mark.parametrize(("number", "is_told"), [(70, True), (71, False), (72, False), (73, False)])
def test_what_a_call_makes_is_named_in_its_result_if_everybody_will_see_it(number: int, *, is_told: bool) -> None:
    """Who sees what has rules is found out with the next send; until then its number is nobody's."""
    sim, _, _ = table()
    reply = wait(sim, sim.clients[1].call(find, number))

    assert (reply.value != 0) == is_told
