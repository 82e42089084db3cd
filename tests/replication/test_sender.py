"""What the server says, to whom, and what it makes of losses."""

import pytest

from ecsnet import NetVar, World, component, netvar
from ecsnet.components import Owner
from ecsnet.config import ReplicationConfig
from ecsnet.errors import SchemaError
from ecsnet.replication.frames import OwnPart, State, decode_state
from tests.replication.pasture import Black, Body, Follows, Label, Pair, Press, Wool, record, schema

PUBLIC, PRIVATE = schema.records_of[Wool]


def read(pair: Pair, client: int = 1, *, budget: int = 1 << 20) -> list[State]:
    """Send to one client without loss; return what the messages said."""
    messages = pair.messages(client, budget=budget)
    pair.deliver(messages, client)
    return [decode_state(message, schema.records) for message, _ in messages]


def test_what_did_not_change_is_not_sent() -> None:
    """Nor what changed by less than the wire can say."""
    pair = Pair()
    pair.world.create_entity(Body(serial=5))
    pair.send()
    pair.encode()

    (state,) = read(pair)

    assert state == State(pair.tick, OwnPart(0, -128), True, (), (), ())


def test_all_clients_share_the_bytes_of_what_changed() -> None:
    """Encode once: only the head, with the own part, differs between clients."""
    pair = Pair(clients=(1, 2))
    bodies = [Body() for _ in range(200)]
    for body in bodies:
        pair.world.create_entity(body)
    for _ in range(3):
        pair.send()
    for body in bodies:
        body.serial += 1
    pair.encode()

    first, second = pair.messages(1), pair.messages(2)

    assert len(first) == len(second) == 2
    assert first[1][0] is second[1][0]
    assert first[0][0] == second[0][0]


def test_a_world_of_many_components_is_cut_at_entities() -> None:
    """All that an entity changed is in one message, and messages fit a datagram."""
    pair = Pair()
    parts = [(Body(), Label(), Wool()) for _ in range(100)]
    for together in parts:
        pair.world.create_entity(*together)
    for _ in range(3):
        pair.send()
    for body, label, wool in parts:
        body.serial, label.text, wool.serial = 1, "changed" * (body.kept + 1), 1
    pair.encode()

    states = read(pair)

    seen = [entity for state in states for entity, _, _ in state.updates]
    assert sorted(seen) == list(range(1, 101))
    assert all(len(values) == 3 for state in states for _, values, _ in state.updates)


def test_a_lost_change_is_packed_again_from_the_present_value() -> None:
    """Nothing is sent again as bytes."""
    pair = Pair()
    body = Body()
    pair.world.create_entity(body, Label())
    pair.send()
    body.serial = 1
    pair.encode()
    lost = pair.messages()
    body.serial = 1
    pair.lose(lost)
    pair.encode()

    (state,) = read(pair)

    assert [(entity, values) for entity, values, _ in state.updates] == [(1, [(record(Body).id, (1, 0))])]


def test_a_lost_change_that_was_told_anew_is_not_repaired() -> None:
    """The frames since carry it: that keeps the cost of loss low where everything moves."""
    pair = Pair()
    body = Body()
    pair.world.create_entity(body)
    pair.send()
    body.serial = 1
    pair.encode()
    lost = pair.messages()
    body.serial = 2
    pair.encode()
    pair.deliver(pair.messages())
    pair.lose(lost)
    pair.encode()

    (state,) = read(pair)

    assert state.updates == ()


def test_an_entity_that_came_and_went_unsent_needs_no_word() -> None:
    """The client never heard of it."""
    pair = Pair()
    pair.send()
    entity = pair.world.create_entity(Body())
    pair.encode()  # nothing sent
    pair.world.delete_entity(entity)
    pair.encode()

    (state,) = read(pair)

    assert (state.gones, state.fulls) == ((), ())


def test_a_late_join_is_spread_over_ticks() -> None:
    """10,000 entities neither burst nor block, and the newcomer is told when all have arrived."""
    pair = Pair()
    for serial in range(10_000):
        pair.world.create_entity(Body(serial=serial))
    body = pair.world.component_for_entity(10_000, Body)
    ticks, budget = 0, 16_384
    while not pair.receiver.synced:
        body.serial += 1  # somebody moves all the time
        pair.encode()
        messages = pair.messages(budget=budget)
        pair.deliver(messages)
        ticks += 1
        assert sum(len(message) for message, _ in messages) <= budget

    assert 6 < ticks < 20
    assert len(pair.replica.entities()) == 10_000


def test_what_the_client_steers_comes_first() -> None:
    """A player who joins a crowded world wants to see herself."""
    pair = Pair()
    for _ in range(1000):
        pair.world.create_entity(Body())
    mine = pair.world.create_entity(Body(), Owner(client_id=1), Press())
    pair.encode()

    states = read(pair, budget=600)

    assert states[0].fulls[0][0] == mine


def test_a_budget_too_small_for_the_frame_still_serves_everything_in_turn() -> None:
    """Oldest first, so nothing starves whatever moves."""
    pair = Pair()
    bodies = [Body() for _ in range(300)]
    for body in bodies:
        pair.world.create_entity(body)
    for _ in range(4):
        pair.send()
    seen: set[int] = set()
    for tick in range(14):
        for body in bodies:
            body.serial = tick + 1
        pair.encode()
        seen.update(entity for state in read(pair, budget=500) for entity, _, _ in state.updates)

    assert len(seen) == 300


def test_what_a_client_steers_is_sent_whole_until_it_has_it() -> None:
    """Prediction compares all of it with what it predicted for that tick; test_steering.py has the rest."""
    pair = Pair()
    pair.world.create_entity(Body(serial=4), Wool(worth=9), Black(), Owner(client_id=1), Press())
    pair.send()
    pair.encode()

    (message, _) = pair.messages(own=OwnPart(77, -3))[0]

    state = decode_state(message, schema.records)
    assert state.own == OwnPart(77, -3)
    assert [(e, [r for r, _ in values]) for e, values, _ in state.updates] == [
        (1, sorted([record(Body).id, record(Owner).id, PUBLIC.id, PRIVATE.id]))
    ]


def test_a_record_for_the_owner_is_in_nobody_elses_message() -> None:
    """Least knowledge is the anti-cheat: fulls, changes and repairs alike."""
    pair = Pair(clients=(1, 2))
    wool, owner = Wool(worth=1), Owner(client_id=1)
    pair.world.create_entity(wool, owner)
    seen: dict[int, list[int]] = {1: [], 2: []}
    for worth in range(2, 8):
        wool.worth = wool.serial = worth
        owner.client_id = 1 if worth < 5 else 2
        pair.encode()
        for client in (1, 2):
            messages = pair.messages(client)
            (pair.lose if worth % 2 else pair.deliver)(messages, client)
            for message, _ in messages:
                state = decode_state(message, schema.records)
                for _, values, _ in (*state.fulls, *state.updates):
                    seen[client] += [int(str(value[0])) for record_id, value in values if record_id == PRIVATE.id]

    assert max(seen[1]) == 4
    assert min(seen[2]) == 5


def test_the_old_owner_loses_what_was_for_the_owner() -> None:
    """The component stays, its private fields return to their defaults; the new owner gets them."""
    pair = Pair(clients=(1, 2))
    owner = Owner(client_id=1)
    entity = pair.world.create_entity(Wool(serial=3, worth=9), owner)
    pair.send()
    owner.client_id = 2
    pair.send()

    worth = {client: pair.worlds[client].component_for_entity(pair.here(entity, client), Wool) for client in (1, 2)}
    assert worth == {1: Wool(serial=3, worth=0), 2: Wool(serial=3, worth=9)}


def test_a_value_that_cannot_travel_is_named_and_breaks_nothing() -> None:
    """With entity, component, field, value and remedy; mended, all goes on."""
    pair = Pair()
    bodies = [Body() for _ in range(3)]
    for body in bodies:
        pair.world.create_entity(body)
    pair.send()
    bodies[0].serial, bodies[1].serial, bodies[2].serial = 1, -1, 3
    with pytest.raises(SchemaError, match=r"entity 2: Body\.serial: -1 is outside low=0\.\.high=1048575; keep it"):
        pair.encode()
    bodies[1].serial = 2
    pair.send()

    assert [body.serial for _, body in pair.replica.get_component(Body)] == [1, 2, 3]


def test_a_fresh_entity_that_cannot_travel_is_named_and_breaks_nothing() -> None:
    """The others that came in the same tick are found by the next one."""
    pair = Pair()
    bad = Body(serial=-1)
    for body in (Body(), bad, Body()):
        pair.world.create_entity(body)
    with pytest.raises(SchemaError, match=r"entity 2: Body\.serial"):
        pair.encode()
    bad.serial = 1
    pair.send()

    assert len(pair.replica.entities()) == 3


def test_what_went_and_came_back_while_another_could_not_travel_is_steered_again() -> None:
    """One frame then tells of both; its owner's prediction lives on what comes with every send."""
    pair = Pair()
    entity = pair.world.create_entity(Body(), Press(), Owner(1))
    pair.send()
    bad = pair.world.create_entity(Body(serial=-1))
    for cls in (Body, Press, Owner):
        pair.world.remove_component(entity, cls)
    with pytest.raises(SchemaError, match=r"entity 2: Body\.serial"):
        pair.encode()
    for again in (Body(serial=4), Press(), Owner(1)):
        pair.world.add_component(entity, again)
    pair.world.delete_entity(bad)
    pair.send()
    pair.encode()
    [state] = read(pair)

    assert [network_id for network_id, _, _ in state.updates] == [entity]


def test_a_component_the_game_does_not_list_is_named() -> None:
    """It would never arrive, and nobody would know why."""

    @component
    class Forgotten:
        x: NetVar[int] = 0

    pair = Pair()
    pair.world.create_entity(Forgotten())

    with pytest.raises(SchemaError, match=r"entity 1: Forgotten has NetVars, but the game does not list it"):
        pair.encode()


def test_a_class_with_netvars_that_is_no_component_is_named() -> None:
    """Who forgot to decorate it would wait for it in vain."""

    class Bare:
        x: NetVar[int] = 0

    class Later:
        x: "NetVar[int]" = 0  # as with `from __future__ import annotations`

    for forgotten in (Bare, Later):
        pair = Pair()
        pair.world.create_entity(forgotten())

        with pytest.raises(SchemaError, match=rf"entity 1: {forgotten.__name__} has NetVars, but is .*with @component"):
            pair.encode()


def test_an_entity_beyond_a_datagram_is_named() -> None:
    """Instead of hanging, or never arriving."""
    pair = Pair()
    pair.world.create_entity(Label(text="x" * 100))
    pair.encode()
    pair.messages(limit=150)

    with pytest.raises(SchemaError, match=r"entity 1: Label take 1\d\d B together, more than one datagram holds"):
        pair.sender.raise_fault()


def test_an_entity_beyond_a_datagram_takes_nothing_from_the_others() -> None:
    """The host hears of it in every send tick; meanwhile everybody else's game goes on."""
    pair = Pair(clients=(1, 2))
    body = Body()
    pair.world.create_entity(body)
    gone = pair.world.create_entity(Body(serial=3))
    pair.send()
    label = Label(text="x" * 100)
    pair.world.create_entity(label)
    pair.world.create_entity(Body(serial=4))
    pair.world.delete_entity(gone)
    body.serial = 1
    for _ in range(2):
        pair.encode()
        for client in (1, 2):
            pair.deliver(pair.messages(client, limit=150), client)
        with pytest.raises(SchemaError, match="entity 3: Label"):
            pair.sender.raise_fault()

    assert [[body.serial for _, body in world.get_component(Body)] for world in pair.worlds.values()] == [[1, 4]] * 2

    label.text = "shorter"
    pair.send()
    pair.sender.raise_fault()

    assert [len(world.get_component(Label)) for world in pair.worlds.values()] == [1, 1]


@pytest.mark.parametrize("owner", [0, 1])
def test_an_entity_that_grew_beyond_a_datagram_is_named(owner: int) -> None:
    """What the client steers goes another way than what it only sees."""
    pair = Pair()
    label, body = Label(), Body()
    pair.world.create_entity(label, Press(), Owner(owner))
    pair.world.create_entity(body)
    pair.send()
    label.text, body.serial = "x" * 100, 1
    for _ in range(2):  # what cannot be sent with the others is tried once more, by itself
        pair.encode()
        pair.deliver(pair.messages(limit=110))

    with pytest.raises(SchemaError, match="entity 1: "):
        pair.sender.raise_fault()
    assert [body.serial for _, body in pair.replica.get_component(Body)] == [1]


def test_chunks_beyond_a_clients_datagram_go_entity_by_entity() -> None:
    """One client's path may carry less than the others'."""
    pair = Pair()
    bodies = [Body() for _ in range(200)]
    for body in bodies:
        pair.world.create_entity(body)
    for _ in range(6):
        pair.encode()
        pair.deliver(pair.messages(limit=300))
    for body in bodies:
        body.serial = 5
    for _ in range(2):
        pair.encode()
        pair.deliver(pair.messages(limit=300))

    assert all(body.serial == 5 for _, body in pair.replica.get_component(Body))


def test_messages_nobody_reports_count_as_lost_in_the_end() -> None:
    """The server's memory of a client is bounded."""
    pair = Pair(config=ReplicationConfig(max_outstanding_messages=4))
    body = Body()
    pair.world.create_entity(body)
    pair.send()
    body.serial = 1
    pair.encode()
    pair.messages()  # its report never comes
    for _ in range(4):
        pair.encode()
        pair.messages()
    pair.send()

    assert pair.replica.single(Body).serial == 1


def test_redundancy_says_a_change_again_unasked() -> None:
    """For a shot, a round trip until the repair is too long."""

    @component
    class Shot:
        at: NetVar[int] = netvar(0, redundancy=2)

    from ecsnet import Game  # noqa: PLC0415  # only here
    from ecsnet.replication.schema import Schema  # noqa: PLC0415
    from ecsnet.replication.sender import Sender  # noqa: PLC0415

    own = Schema(Game("shots", components=[Shot]))
    world = World()
    sender = Sender(own, world)
    sender.subscribe(1)
    shot = Shot()
    world.create_entity(shot)
    said = []
    for tick in range(6):
        if tick == 1:
            shot.at = 5
        sender.encode(tick)
        (message, token), *_ = sender.messages_for(1, OwnPart(0, 0), 1 << 20, 1150)
        sender.report(1, token, acked=True)
        said.append(len(decode_state(message, own.records).updates))

    assert said == [0, 1, 1, 1, 0, 0]


def test_a_sub_quantum_change_is_not_sent() -> None:
    """Nobody could see it, and a resting body trembles."""
    from ecsnet.components import Transform2D  # noqa: PLC0415  # only here

    pair = Pair()
    transform = Transform2D(x=1.0)
    pair.world.create_entity(transform)
    pair.send()
    transform.x += 1 / 1000
    pair.encode()

    assert read(pair)[0].updates == ()


def test_explain_says_why_a_client_has_an_entity_or_not() -> None:
    """The first question when something is missing."""
    pair = Pair()
    entity = pair.world.create_entity(Body())
    before = pair.sender.explain(1, entity)
    pair.encode()
    waiting = pair.sender.explain(1, entity)
    pair.deliver(pair.messages())
    body = pair.world.component_for_entity(entity, Body)
    body.serial = 3
    pair.encode()
    pair.lose(pair.messages())

    assert before == "entity 1 does not exist, has no component that travels, or came after the last send"
    assert waiting == "entity 1 is seen by everybody, and waits to be sent, 1 of 1 in the queue"
    assert pair.sender.explain(1, entity) == (
        "entity 1 is seen by everybody, and was last sent whole at tick 102; "
        "changes of Body were lost and wait to be repaired"
    )
    assert pair.sender.explain(9, entity) == "client 9 is not connected"


def test_a_client_that_left_costs_nothing() -> None:
    """Late reports for it are ignored."""
    pair = Pair()
    pair.world.create_entity(Body())
    pair.encode()
    messages = pair.messages()
    pair.sender.unsubscribe(1)
    pair.sender.report(1, messages[0][1], acked=False)

    assert repr(pair.sender) == "Sender(1 entities, 0 clients)"


def test_who_names_one_that_comes_later_is_encoded_anew() -> None:
    """Itself, or one made after it: what is told again unasked, and checked, would else name nobody."""
    pair = Pair()
    itself = pair.world.create_entity(Follows(leader=1))
    other = pair.world.create_entity(Follows(leader=3), Label())
    pair.world.create_entity(Body())
    pair.encode()
    entities = pair.sender._detector.entities

    assert (itself, other) == (1, 2)
    for entity, leader in ((itself, 1), (other, 3)):
        assert entities[entity].packed[record(Follows).id] == record(Follows).codec.pack((leader, 0))
