"""What the client makes of state messages, in whatever order they come."""

import random

import pytest

from ecsnet import World
from ecsnet.components import Owner, Predicted
from ecsnet.config import ReplicationConfig
from ecsnet.replication.frames import OwnPart, encode_state
from ecsnet.replication.receiver import Receiver
from tests.replication.pasture import Black, Body, Follows, Label, Pair, Press, Wool, record, schema


def everything(world: World, receiver: Receiver) -> dict[int, dict[str, object]]:
    """Return all a client has, by network id."""
    return {
        receiver.network_id_of(entity): {
            type(part).__name__: repr(part) for part in world.components_for_entity(entity)
        }
        for entity in world.entities()
    }


@pytest.mark.parametrize("seed", range(20))
def test_neither_order_nor_repetition_matters(seed: int) -> None:
    """The same messages in any order, twice or thrice, make the same world: so the network may be as it is."""
    chance = random.Random(seed)
    pair = Pair(tick=0xFFFFFFF0)
    messages = []
    for serial in range(30):
        _stir(pair.world, chance, serial)
        pair.encode()
        sent = pair.messages()
        messages += [message for message, _ in sent]
        for _, token in sent:
            pair.sender.report(1, token, acked=chance.random() < 0.7)
    worlds = []
    for _ in range(4):
        world = World()
        receiver = Receiver(schema, world)
        for message in messages + chance.choices(messages, k=10):
            receiver.apply(receiver.take(message))
        held = everything(world, receiver)
        worlds.append({nid: {name: part for name, part in held[nid].items() if name != "Follows"} for nid in held})
        chance.shuffle(messages)

    assert worlds[0]
    assert all(world == worlds[0] for world in worlds)


def _stir(world: World, chance: random.Random, serial: int) -> None:
    if chance.random() < 0.5 or not world.entities():
        world.create_entity(Body(serial=serial), *([Wool()] if chance.random() < 0.5 else []))
    entity = chance.choice(world.entities())
    match chance.randrange(5):
        case 0:
            world.delete_entity(entity)
        case 1:
            world.add_component(entity, Label(serial=serial))
        case 2:
            world.remove_component(entity, Wool)
        case _:
            world.component_for_entity(entity, Body).serial = serial


def test_values_are_written_in_place() -> None:
    """Who holds a component keeps holding the right one."""
    pair = Pair()
    body = Body(serial=1, kept=99)
    entity = pair.world.create_entity(body)
    pair.send()
    replica = pair.replica.component_for_entity(pair.here(entity), Body)
    replica.kept = 5
    body.serial = 2
    pair.send()

    assert pair.replica.single(Body) is replica
    assert replica == Body(serial=2, kept=5)  # what is local stays on its side


def test_apply_tells_what_it_changed() -> None:
    """For interpolation, and for whoever marks what came."""
    pair = Pair()
    body = Body(serial=1)
    entity = pair.world.create_entity(body)
    pair.send()
    here = pair.here(entity)
    came = (pair.receiver.spawned, pair.receiver.changes, pair.receiver.take_spawned(), pair.receiver.take_spawned())
    body.serial = 2
    pair.send()
    changed = (pair.receiver.spawned, pair.receiver.changes)
    pair.world.delete_entity(entity)
    pair.send()

    assert came == ([here], [(here, record(Body).id, 102, (1, 0))], [here], [])
    assert changed == ([], [(here, record(Body).id, 104, (2, 0))])
    assert list(pair.receiver.despawned) == [here]
    assert not pair.replica.entity_exists(here)


def test_components_come_and_go_with_the_servers() -> None:
    """An entity has exactly what the newest full names."""
    pair = Pair()
    entity = pair.world.create_entity(Body(), Black())
    pair.send()
    pair.world.remove_component(entity, Body)
    pair.world.add_component(entity, Label(text="hello"))
    pair.send()

    assert set(map(type, pair.replica.components_for_entity(pair.here(entity)))) == {Black, Label}
    assert pair.replica.single(Label).text == "hello"


def test_the_input_component_arrives_as_a_tag_and_only_for_its_owner() -> None:
    """Its values are the client's own business."""
    pair = Pair(clients=(1, 2))
    entity = pair.world.create_entity(Body(), Owner(client_id=1), Press(dx=1))
    pair.send()

    assert pair.worlds[1].component_for_entity(pair.here(entity, 1), Press) == Press(dx=0)
    assert not pair.worlds[2].has_component(pair.here(entity, 2), Press)


def test_what_is_predicted_is_only_confirmed() -> None:
    """The component runs ahead; the server's truth is kept beside it until restored."""
    pair = Pair()
    body = Body(serial=1)
    entity = pair.world.create_entity(body, Owner(client_id=1), Press())
    pair.send()
    here = pair.here(entity)
    pair.replica.add_component(here, Predicted())
    pair.replica.component_for_entity(here, Body).serial = 50
    body.serial = 2
    pair.world.add_component(entity, Label(text="new"))
    pair.send()
    predicted = pair.replica.component_for_entity(here, Body).serial
    confirmed = pair.receiver.confirmed[here][record(Body).id]
    pair.receiver.restore(here)

    assert (predicted, confirmed) == (50, (104, (2, 0)))
    assert pair.replica.component_for_entity(here, Label).text == "new"  # what comes anew has its values
    assert pair.replica.component_for_entity(here, Body).serial == 2


def test_the_newest_own_part_counts() -> None:
    """Messages overtake each other; an older one must not set the input back."""
    pair = Pair()
    receiver = pair.receiver
    for tick, own in ((0xFFFFFFFF, OwnPart(5, 1)), (3, OwnPart(9, 2)), (1, OwnPart(7, -1)), (5, None)):
        receiver.apply(receiver.take(encode_state(tick, own)))

    assert (receiver.own_tick, receiver.own_input_tick, receiver.own_input_margin) == (3, 12, 2)
    assert receiver.tick == 5


def test_a_name_is_mapped_to_this_worlds_entity() -> None:
    """Entities of two Worlds have different numbers."""
    pair = Pair()
    pair.replica.create_entity()  # so that the numbers differ
    leader = pair.world.create_entity(Body())
    pair.world.create_entity(Follows(leader=leader))
    pair.send()

    assert pair.replica.single(Follows).leader == pair.here(leader) != leader
    assert pair.receiver.network_id_of(pair.here(leader)) == leader


def test_a_name_is_nobody_until_its_entity_arrives() -> None:
    """And nobody again when it went; the holder is not sent again for it."""
    pair = Pair()
    leader = pair.world.create_entity()  # has nothing that travels yet
    pair.world.create_entity(Follows(leader=leader))
    pair.send()
    before = pair.replica.single(Follows).leader
    pair.world.add_component(leader, Body())
    pair.send()
    present = pair.replica.single(Follows).leader
    pair.world.delete_entity(leader)
    pair.send()

    assert (before, present) == (0, 2)
    assert pair.replica.single(Follows).leader == 0


def test_an_entity_may_name_itself() -> None:
    """Its number here is known before its values are."""
    pair = Pair()
    follows = Follows()
    follows.leader = pair.world.create_entity(follows)
    pair.send()

    assert pair.replica.single(Follows).leader == pair.here(follows.leader)


def test_values_that_come_early_wait_for_their_entity() -> None:
    """A change overtook the full it belongs to."""
    pair = Pair()
    body = Body(serial=1)
    pair.world.create_entity(body)
    pair.encode()
    full = pair.messages()
    body.serial = 2
    pair.encode()
    change = pair.messages()
    pair.deliver(change)
    waiting = pair.replica.entities()
    pair.deliver(full)

    assert waiting == []
    assert pair.replica.single(Body).serial == 2


def test_the_early_buffer_is_bounded_in_count_bytes_and_time() -> None:
    """A server, or a bad network, must not fill a client's memory."""
    config = ReplicationConfig(early_entities=5, early_bytes=400, early_ticks=20)
    pair = Pair(config=config)
    receiver = Receiver(schema, World(), config)
    bodies = [Body() for _ in range(8)]
    for body in bodies:
        pair.world.create_entity(body)
    pair.send()
    for body in bodies:
        body.serial = 1
    pair.encode()
    for message, _ in pair.messages():
        receiver.apply(receiver.take(message))  # this one never gets the fulls
    held = len(receiver._early)
    late = encode_state((pair.tick + 30) & 0xFFFFFFFF, None)
    receiver.apply(receiver.take(late))

    assert held == 5
    assert (len(receiver._early), receiver._early.dropped) == (0, 8)


def test_tombstones_are_bounded() -> None:
    """The oldest deaths are forgotten first."""
    receiver = Receiver(schema, World(), ReplicationConfig(tombstones=3))
    for entity in range(1, 10):
        receiver.apply(receiver.take(encode_state(entity, None, gones=[bytes([entity])])))

    assert list(receiver._tombstones) == [7, 8, 9]


def test_a_component_the_game_took_away_here_is_left_alone() -> None:
    """The client's game may do as it likes with its own World; updates just find nothing to write to."""
    pair = Pair()
    body = Body()
    entity = pair.world.create_entity(body)
    pair.send()
    pair.replica.remove_component(pair.here(entity), Body)
    body.serial = 5
    pair.send()

    assert not pair.replica.has_component(pair.here(entity), Body)


def test_progress_never_falls_and_ends_at_one() -> None:
    """A loading bar that goes back is no comfort; and messages overtake each other."""
    receiver = Receiver(schema, World())
    shown = [receiver.progress]
    for joining, synced in (
        (200, False),
        (100, False),
        (150, False),
        (400, False),
        (50, False),
        (0, True),
        (70, False),
    ):
        receiver.apply(receiver.take(encode_state(5, None, joining=joining, synced=synced)))
        shown.append(receiver.progress)

    assert shown == [0.0, 0.0, 0.5, 0.5, 0.5, 0.875, 1.0, 1.0]


def test_a_client_is_told_how_much_is_still_to_come() -> None:
    """Until it has all that was there, lost or not."""
    pair = Pair()
    for _ in range(40):
        pair.world.create_entity(Body())
    said = []
    for _ in range(20):
        pair.encode()
        messages = pair.messages(budget=250)
        said.append(pair.receiver.take(messages[0][0]).joining)
        if len(said) % 3 == 0:
            pair.lose(messages)
        else:
            pair.deliver(messages)

    assert said[0] == 40
    assert said[-1] is None
    assert pair.receiver.progress == 1.0
    told = [each for each in said if each is not None]
    assert told == sorted(told, reverse=True)


def test_an_entity_the_game_deleted_here_is_left_alone() -> None:
    """Also when the server gives it another component, and when it ends."""
    pair = Pair()
    entity = pair.world.create_entity(Body())
    pair.send()
    pair.replica.delete_entity(pair.here(entity))
    pair.world.add_component(entity, Label(text="late"))
    pair.send()
    pair.world.delete_entity(entity)
    pair.send()

    assert pair.replica.entities() == []
