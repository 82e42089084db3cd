"""Hours of a server in short: whoever came and went, nothing of them is left when all are gone."""

import gc
import random
from collections.abc import Iterator

import pytest

from ecsnet import EntityRef, Game, NetVar, World, component, netvar, player_input
from ecsnet.components import Near, Owner, Parent, Paused, Player, Rooms, Team, Transform2D, Viewer, VisibleTo
from ecsnet.config import ReplicationConfig
from ecsnet.fields import TEAM
from ecsnet.replication.audiences import Audience, View
from ecsnet.replication.frames import NO_INPUT, OwnPart
from ecsnet.replication.kinds import Kind, Tracked
from ecsnet.replication.receiver import OWN_TICKS, Receiver
from ecsnet.replication.schema import Schema
from ecsnet.replication.sender import Sender
from ecsnet.replication.subscriber import Subscriber
from ecsnet.systems.parents import _orphans

TICKS = 300
QUIET_TICKS = 170  # longer than a client keeps what came too early
CLIENTS = 5
MOST_ENTITIES = 50


@player_input
class Push:
    dx: int = netvar(0, low=-1, high=1)


@component
class Stock:
    value: NetVar[int] = netvar(0, low=0, high=1000)
    plan: NetVar[int] = netvar(0, low=0, high=1000, audience=TEAM)
    friend: NetVar[EntityRef] = 0


@component(track="push", every=4)
class Slow:
    value: NetVar[int] = netvar(0, low=0, high=1000, redundancy=2)


@component(once=True)
class Label:
    value: NetVar[int] = netvar(0, low=0, high=1000)


schema = Schema(Game("soak", input=Push, components=[Stock, Slow, Label]))


class Soak:
    """A server whose world and clients change in every way, over links that lose a lot."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(f"soak {seed}")
        self.world = World()
        config = ReplicationConfig(max_outstanding_messages=64, check_seconds=5.0)
        self.sender = Sender(schema, self.world, config, cell_units=50.0)
        self.tick = 100
        self.entities: list[int] = []
        self.receivers: dict[int, Receiver] = {}
        self.waiting: dict[int, list[tuple[bytes, int]]] = {}

    def live(self) -> None:
        for _ in range(TICKS):
            for _ in range(self.chance.randrange(4)):
                self._spawn()
            for _ in range(self.chance.randrange(8)):
                self._stir(self.chance.choice(self.entities) if self.entities else 0)
            while len(self.entities) > MOST_ENTITIES or self.chance.random() < 0.3:
                self._delete(self.chance.choice([*self.entities, 0]))
            if self.chance.random() < 0.1:
                self._join_or_leave(self.chance.randrange(1, CLIENTS + 1))
            self._send(loss=0.4)

    def end(self) -> None:
        """Delete everything, let the clients hear of it, and let them go."""
        for entity in self.world.entities():
            self.world.delete_entity(entity)
        for _ in range(QUIET_TICKS):
            self._send(loss=0.0)

    def _some(self, count: int) -> frozenset[int]:
        return frozenset(self.chance.sample(range(1, CLIENTS + 1), count))

    def _rule(self) -> object:
        chance = self.chance
        others = [each for each in self.entities if not self.world.has_component(each, Parent)] or [0]
        rooms = ["attic", "cellar", f"room {self.tick}"]
        return chance.choice([
            Transform2D(chance.uniform(0, 500), chance.uniform(0, 500)), Near(), Paused(), Push(), Slow(), Label(),
            Rooms(frozenset(chance.sample(rooms, chance.randrange(3)))), VisibleTo(self._some(chance.randrange(4))),
            Owner(chance.randrange(CLIENTS + 2)), Viewer(radius=chance.choice([0.0, 30.0, 500.0, 5000.0])),
            Parent(chance.choice(others)), Team(chance.randrange(3)), Player(client_id=chance.randrange(CLIENTS + 1)),
        ])  # fmt: skip

    def _spawn(self) -> None:
        rules = {type(rule): rule for rule in [self._rule() for _ in range(self.chance.randrange(6))]}
        friend = self.chance.choice([0, *self.entities])
        self.entities.append(self.world.create_entity(Stock(friend=friend), *rules.values()))

    def _stir(self, entity: int) -> None:
        world, chance = self.world, self.chance
        if not world.entity_exists(entity):
            return
        rule = self._rule()
        if world.has_component(entity, type(rule)) and chance.random() < 0.5:
            world.remove_component(entity, type(rule))
        elif not isinstance(rule, Parent):  # a parent is older, so there are no circles
            world.add_component(entity, rule)
        stock = world.try_component(entity, Stock)
        if stock is None:
            world.add_component(entity, Stock())
        elif chance.random() < 0.1:
            world.remove_component(entity, Stock)
        else:
            stock.value, stock.friend = chance.randrange(1000), chance.choice(self.entities)

    def _delete(self, entity: int) -> None:
        self.world.delete_entity(entity)
        while orphans := _orphans(self.world, self.world.observe(Parent)):
            for each in orphans:
                self.world.delete_entity(each)
        self.entities = [each for each in self.entities if self.world.entity_exists(each)]

    def _join_or_leave(self, client: int) -> None:
        if client in self.receivers:
            self.sender.unsubscribe(client)
            del self.receivers[client], self.waiting[client]
        else:
            self.sender.subscribe(client)
            self.receivers[client], self.waiting[client] = Receiver(schema, World()), []

    def _send(self, *, loss: float) -> None:
        self.tick += 2
        self.sender.encode(self.tick)
        budget = self.chance.choice([200, 3000]) if loss else 1 << 20
        for client, receiver in self.receivers.items():
            waiting = self.waiting[client]
            waiting += self.sender.messages_for(client, OwnPart(0, NO_INPUT), budget, 1150)
            self.chance.shuffle(waiting)
            while len(waiting) > (10 if loss else 0):
                message, token = waiting.pop()
                arrives = self.chance.random() >= loss
                if arrives:
                    receiver.apply(receiver.take(message))
                    receiver.news.take()
                    receiver.take_spawned()
                self.sender.report(client, token, acked=arrives)


def tables(thing: object, name: str, seen: set[int]) -> Iterator[str]:
    """Yield every table of replication that holds something, by the way to it."""
    if isinstance(thing, dict | list | set):
        if thing:
            yield f"{name}: {len(thing)}"
        return
    if not type(thing).__module__.startswith("ecsnet.replication") or isinstance(thing, Schema) or id(thing) in seen:
        return
    seen.add(id(thing))
    slots = [slot for cls in type(thing).__mro__ for slot in getattr(cls, "__slots__", ())]
    for each in (*slots, *getattr(thing, "__dict__", {})):
        if hasattr(thing, each):
            yield from tables(getattr(thing, each), f"{name}.{each}", seen)


# What is there for a number of ticks or ends, whatever happened; each has a limit of its own.
LIMITED = ("_tombstones", "_own_ticks")
# What follows from the game's declarations, and not from what happened.
DECLARED = ("_redundant:", "_checked:", "_records_of:", "_values_of:", "_order:")


@pytest.mark.parametrize("seed", [0, 40, *[pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 12)]])
def test_nothing_is_left_of_what_is_gone(seed: int) -> None:
    """A server runs for weeks: an entry that stays is a leak, however rare what leads to it."""
    soak = Soak(seed)
    soak.live()
    soak.end()
    subscribers = soak.sender._subscribers
    of_clients = {
        client: [
            line
            for thing, name in ((subscribers[client], "subscriber"), (receiver, "receiver"))
            for line in tables(thing, name, {id(subscribers[client].view)})
            if not line.partition(": ")[0].endswith((*LIMITED, *[each[:-1] for each in DECLARED]))
        ]
        for client, receiver in soak.receivers.items()
    }

    assert of_clients == {client: [] for client in soak.receivers}
    assert all(len(receiver._own_ticks) <= OWN_TICKS for receiver in soak.receivers.values())
    assert [receiver._world.entities() for receiver in soak.receivers.values()] == [[]] * len(soak.receivers)

    for client in list(soak.receivers):
        soak._join_or_leave(client)
    soak._send(loss=0.0)

    assert [line for line in tables(soak.sender, "sender", set()) if not any(each in line for each in DECLARED)] == []

    gc.collect()
    kept = [each for each in gc.get_objects() if isinstance(each, Tracked | Kind | Audience | View | Subscriber)]
    assert [each for each in kept if each not in _before] == []


_before: list[object] = []


@pytest.fixture(autouse=True)
def _note_what_others_left() -> Iterator[None]:
    """Leave out of the count what other tests of the same process still hold."""
    gc.collect()
    _before[:] = [each for each in gc.get_objects() if isinstance(each, Tracked | Kind | Audience | View | Subscriber)]
    yield
    _before.clear()
