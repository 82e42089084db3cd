"""What a client steers: told so that every comparison with a prediction is of one tick, and hardly a byte twice."""

import random

import pytest

from ecsnet.components import Owner
from ecsnet.replication.codec import Values
from ecsnet.replication.frames import State, decode_state
from tests.replication.pasture import Body, Label, Pair, Press, Wool, record, schema

ME, OTHER = 1, 2


def own_bytes(pair: Pair) -> int:
    """Return what the next send has to say, the head left out."""
    pair.encode()
    messages = pair.messages()
    pair.deliver(messages)
    return sum(len(message) for message, _ in messages) - 7


def test_what_stands_still_costs_nothing_and_is_compared() -> None:
    """A client that wrongly thinks it moves hears so without a byte."""
    pair = Pair()
    entity = pair.world.create_entity(Body(serial=4), Label("a long name"), Owner(client_id=ME), Press())
    for _ in range(3):
        pair.send()

    assert own_bytes(pair) == 0
    assert dict(pair.receiver.own_values(pair.here(entity)))[record(Body).id] == (4, 0)
    assert record(Label).id in dict(pair.receiver.own_values(pair.here(entity)))


def test_what_moves_is_told_once() -> None:
    """Everybody's chunk is in the same message."""
    pair = Pair()
    body = Body()
    entity = pair.world.create_entity(body, Owner(client_id=ME), Press())
    for _ in range(3):
        pair.send()
    body.serial = 5

    assert own_bytes(pair) == 2 + 1 + 1 + 6
    assert dict(pair.receiver.own_values(pair.here(entity)))[record(Body).id] == (5, 0)


def test_what_was_lost_is_told_until_it_arrived() -> None:
    """No report of the loss is needed."""
    pair = Pair()
    body = Body()
    entity = pair.world.create_entity(body, Owner(client_id=ME), Press())
    for _ in range(3):
        pair.send()
    body.serial = 5
    pair.encode()
    pair.messages()

    assert own_bytes(pair) == 2 + 1 + 1 + 6
    assert dict(pair.receiver.own_values(pair.here(entity)))[record(Body).id] == (5, 0)
    assert own_bytes(pair) == 0


def test_more_than_a_message_holds_is_told_with_every_send() -> None:
    """What may be in another message that got lost must not be taken for unchanged."""
    pair = Pair()
    entities = [
        pair.world.create_entity(Body(), Label("x" * 100), Owner(client_id=ME), Press()) for _ in range(20)
    ]  # fmt: skip
    for _ in range(6):
        pair.send()
        here = [pair.here(entity) for entity in entities if pair.here(entity)]
        assert not (here and pair.receiver.own_is_whole)

    values = [len(dict(pair.receiver.own_values(pair.here(entity)))) for entity in entities]
    assert values == [3] * 20


class Pastime:
    """Chance: what changes on the server, what gets lost, late or out of order."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.pair = Pair(tick=0xFFFFFFFF - 101)
        world = self.pair.world
        self.entities = [world.create_entity(Body(), Wool(), Owner(client_id=ME), Press()) for _ in range(2)]
        self.entities.append(world.create_entity(Body(), Owner(client_id=OTHER)))
        self.had: dict[int, dict[tuple[int, int], Values]] = {}  # by tick, the server's values
        self.under_way: list[tuple[int, bytes, int]] = []
        self.reports: list[tuple[int, int, bool]] = []
        self.compared = self.whole = 0

    def step(self, at: int) -> None:
        """Run one send tick."""
        chance, pair = self.chance, self.pair
        for entity in self.entities:
            self.change(entity)
        pair.encode()
        self.had[pair.tick] = {
            (entity, each.id): each.codec.quantise(component)
            for entity in self.entities
            for each, component in schema.records_on(pair.world, entity)
        }
        budget = 1 << 20 if chance.random() < 0.9 else 40
        for message, token in pair.messages(budget=budget, limit=200):
            if chance.random() < 0.25:
                self.reports.append((at + chance.randint(2, 6), token, False))
                continue
            arrival = at + chance.randint(0, 3)
            self.under_way.append((arrival, message, token))
        for arrival, message, token in [each for each in self.under_way if each[0] <= at]:
            self.under_way.remove((arrival, message, token))
            pair.receiver.apply(pair.receiver.take(message))
            if chance.random() < 0.9:
                self.reports.append((at + chance.randint(1, 3), token, True))
            self.check(decode_state(message, schema.records))
        for due, token, acked in [each for each in self.reports if each[0] <= at]:
            self.reports.remove((due, token, acked))
            pair.sender.report(ME, token, acked=acked)

    def change(self, entity: int) -> None:
        """Let a little happen to an entity."""
        chance, world = self.chance, self.pair.world
        if chance.random() < 0.4:
            world.component_for_entity(entity, Body).serial = chance.randrange(4)
        wool = world.try_component(entity, Wool)
        if wool is not None and chance.random() < 0.2:
            wool.worth = chance.randrange(4)
        if chance.random() < 0.02:
            world.component_for_entity(entity, Owner).client_id = chance.choice((ME, ME, OTHER))
        if chance.random() < 0.02 and wool is not None:
            world.remove_component(entity, Wool)
        elif chance.random() < 0.05 and wool is None:
            world.add_component(entity, Wool())

    def check(self, state: State) -> None:
        """Assert that what a prediction would be compared with is what the server had at that tick."""
        receiver = self.pair.receiver
        if receiver.own_tick != state.tick or state.own is None:
            return
        for entity in self.entities:
            here = self.pair.here(entity)
            if here and entity in receiver.steers:
                values = dict(receiver.own_values(here))
                had = {i: each for (whose, i), each in self.had[state.tick].items() if whose == entity}
                assert all(had[record_id] == each for record_id, each in values.items())
                self.compared += 1
                if receiver.own_is_whole:
                    assert had.keys() <= values.keys() | {record(Press).id}
                    self.whole += 1


@pytest.mark.parametrize("seed", range(8))
def test_what_is_compared_is_what_the_server_had(seed: int) -> None:
    """Whatever is lost, late, given away, gains or loses components, or does not fit."""
    pastime = Pastime(seed)
    for at in range(400):
        pastime.step(at)

    assert pastime.compared > 100
    assert pastime.whole > 50
