"""The model checker: a random server, a random network and random clients around the real Sender and Receiver.

Everything follows from one seed. After each message, and once all is quiet, it asserts what replication promises:

- a record is atomic: its values always fit each other;
- a record never goes back in time;
- what one entity changed in one tick, as far as one audience sees it, arrives together; a whole family's as well;
- a family comes into view together;
- nothing is resurrected: what is gone for good on the server and gone on a client never shows again;
- nothing that is hidden from a client, by its owner, team, room, place, list or parent, is in a message for it: no
  value, no network id, nor the end of what it never saw; so nothing of an entity travels from when it is hidden until
  it is shown again;
- who is on an entity's list knows it by a network id of its own, and by another one in each visit;
- of what is paused nothing new travels;
- a name of another entity stands for it exactly where that is visible;
- messages keep to their size, and to the budget but for what the client steers;
- when the server is quiet, every client converges, and the server remembers nothing more to send.

Who may see what is said by `sight.py`. `tests/replication/test_model.py` breaks each rule in turn and expects a
Violation.
"""

import random
from collections import defaultdict
from collections.abc import Container, Sequence
from dataclasses import dataclass

from ecsnet import World
from ecsnet.components import Near, Owner, Parent, Paused, Player, Rooms, Seat, Team, Transform2D, Viewer, VisibleTo
from ecsnet.config import ReplicationConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.replication.frames import OwnPart, State, Update
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.sender import Sender
from ecsnet.wire import is_newer
from tests.replication.pasture import MODULUS, Black, Body, Follows, Label, Press, Wool
from tests.replication.sight import Records, Scene, Sight, mapped
from tests.replication.village import CELL_UNITS, Banner, Oath, Title, schema

MAX_QUIET_TICKS = 500
VALUED = (Body, Wool, Label, Follows, Banner, Oath)
OPTIONAL = (*VALUED, Black, Press, Owner)
RULES = ("room", "team", "grid", "list", "family")
ROOMS = ("attic", "cellar", "kitchen")
WIDTH_UNITS = 160.0
FAMILY = 3  # entities: together they must fit a message
STEERED_BYTES = 200  # of an entity: what a client steers is outside of the budget
OVERDRAFT_BYTES = 250  # of an entity: it may go beyond the budget, once that is paid back

[TITLE] = schema.records_of[Title]


class Violation(AssertionError):  # noqa: N818  # the checker's finding
    """A promise was broken."""


@dataclass
class Network:
    """Conditions of a run."""

    loss: float
    duplicate: float
    spurious: float  # reported lost, and arrives later nevertheless
    delay_ticks: int  # of each copy, 0 to this many
    timeout_ticks: int = 8  # until a loss is known


class Client:
    """One client: the real Receiver, and what the checker noted of it."""

    def __init__(self, client_id: int, receiver: Receiver, world: World, player: int) -> None:
        """Start with nothing on the way."""
        self.id = client_id
        self.receiver = receiver
        self.world = world
        self.player = player
        self.arrivals: dict[int, list[bytes]] = defaultdict(list)  # by the model's step
        self.reports: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        self.newest: dict[tuple[int, type], int] = {}  # highest serial seen, by network id and component
        self.ended: set[int] = set()  # network ids it was told are gone, after they were deleted
        self.names: dict[int, int] = {}  # entity of every network id in its messages so far
        self.told: set[int] = set()  # network ids of which it was told values
        self.visits: dict[int, int] = {}  # in which visit of an entity its network id was given
        self.seen: dict[int, int] = {}  # how often an entity came into view
        self.sight = Sight({}, {})
        self.saw: dict[int, bool] = {}  # of every entity whether it sees it, or saw it when it ended
        self.whole: set[int] = set()  # entities in view of which a full was sent since they came, and is not known lost
        self.anew: set[int] = set()  # entities in view that need a full: it tells all, and so does not go with changes
        self.truths: dict[int, tuple[Records, frozenset[int]]] = {}  # by tick: all values, and who it saw
        self.debt = 0  # bytes it was sent beyond the budgets so far
        self.told_whole: set[int] = set()  # entities of which a full was sent in the last tick
        self.full_tokens: dict[int, int] = {}  # of the message with the last full of an entity


class Model:
    """One run. `run()` raises Violation with the seed in its text, or returns."""

    def __init__(self, seed: int, sender: type[Sender] = Sender, receiver: type[Receiver] = Receiver) -> None:
        """Draw the run's conditions from the seed."""
        self.chance = chance = random.Random(f"replication model {seed}")
        self.seed = seed
        self.step = 0
        self.is_quiet = False  # and so nothing but the network changes any more
        self.tick = (0xFFFFFFFF - chance.choice([5, 40, 80])) & 0xFFFFFFFF
        self.network = Network(
            loss=chance.choice([0.0, 0.1, 0.3, 0.6]),
            duplicate=chance.choice([0.0, 0.1, 0.3]),
            spurious=chance.choice([0.0, 0.1]),
            delay_ticks=chance.choice([0, 2, 6, 12]),
        )
        self.config = ReplicationConfig(chunk_bytes=chance.choice([24, 60, 1000]))
        self.budget = chance.choice([130, 250, 400, 4000, 1 << 20])
        self.limit = chance.choice([220, 1150])
        # A third of the runs have no rules, so that what has none is tried as hard as ever.
        self.rules = [rule for rule in RULES if chance.random() < 0.6] if chance.random() < 0.7 else []
        if "family" in self.rules:
            self.limit = 1150
        self.world = World()
        self.sender = sender(schema, self.world, self.config, cell_units=CELL_UNITS)
        self.receiver_type = receiver
        self.clients: dict[int, Client] = {}
        self.next_client = 1
        self.serial = 1
        self.made: list[int] = []
        self.deleted: dict[int, int] = {}  # and the tick of the first frame without it
        self.touched: dict[int, set[type]] = {}  # entity -> components written since the last encode
        self.restless: set[int] = set()  # touched in whatever way since the last encode
        self.settled: set[int] = set()  # paused since the last encode: what came after that is a question of order
        self.scene = Scene(self.world, schema, CELL_UNITS)

    def run(self, ticks: int = 60) -> None:
        """Stir, then wait for quiet.

        Raises:
            Violation: A promise was broken.
        """
        try:
            self._join()
            for _ in range(ticks):
                self._stir()
                self._send_tick()
            self._quiet()
        except (Violation, RemoteProtocolError) as violation:  # a message nobody can read is one, too
            raise Violation(f"seed {self.seed}, step {self.step}, tick {self.tick}: {violation}") from None

    # The server's side.

    def _stir(self) -> None:
        chance = self.chance
        for action, odds in (
            (self._spawn, 0.35 if len(self.alive) < 14 else 0.05),
            (self._delete, 0.10),
            (self._write, 0.9),
            (self._write, 0.5),
            (self._write_all, 0.5),
            (self._insert, 0.25),
            (self._remove, 0.2),
            (self._strip, 0.06),
            (self._give, 0.25),
            (self._join, 0.04),
            (self._leave, 0.02),
            (self._pause, 0.05),
            (self._wake, 0.05),
        ):
            if chance.random() < odds:
                action()
        for rule in self.rules:
            if chance.random() < 0.5:
                self._change_rule(rule)
        if "grid" in self.rules:
            self._roam()

    @property
    def alive(self) -> list[int]:
        """What the model made and is still there; the players not among them."""
        return [entity for entity in self.made if self.world.entity_exists(entity)]

    @property
    def open(self) -> list[int]:
        """What may be written."""
        return [entity for entity in self.alive if entity not in self.settled]

    @property
    def awake(self) -> list[int]:
        """What is not paused, nor hangs from what is."""
        paused = self.world.has_component
        return [
            entity for entity in self.alive if not paused(entity, Paused) and not paused(self._root(entity), Paused)
        ]

    def _any(self, entities: Sequence[int]) -> int:
        return self.chance.choice(entities) if entities else 0

    def _root(self, entity: int) -> int:
        while parent := self.world.try_component(entity, Parent):
            entity = parent.entity
        return entity

    def _spawn(self) -> None:
        classes = [cls for cls in OPTIONAL if self.chance.random() < 0.5] or [Body]
        entity = self.world.create_entity(*[self._fresh(cls) for cls in classes])
        self.made.append(entity)
        self.restless.add(entity)
        # Without a name of its own an entity can only be known by the network id that everybody has for it.
        if self.rules or self.chance.random() < 0.5:
            self.world.add_component(entity, Title(entity))
        for rule in self.rules:
            if self.chance.random() < 0.4:
                self._set_rule(entity, rule)

    def _delete(self) -> None:
        entity = self._any(self.alive)
        if entity:
            for each in [each for each in self.alive if each == entity or self._descends(each, entity)]:
                self.deleted[each] = (self.tick + 2) & 0xFFFFFFFF
                self.world.delete_entity(each)  # as the pipeline's DeleteOrphans does

    def _descends(self, entity: int, forefather: int) -> bool:
        while parent := self.world.try_component(entity, Parent):
            entity = parent.entity
            if entity == forefather:
                return True
        return False

    def _write(self) -> None:
        entity = self._any(self.open)
        present = [cls for cls in VALUED if self.world.has_component(entity, cls)]
        if present:
            self._change(entity, self.chance.choice(present))

    def _write_all(self) -> None:
        """Change all of an entity in one tick, with its family: it must arrive together."""
        entity = self._any(self.open)
        for each in [each for each in self.open if self._root(each) == self._root(entity)] if entity else []:
            for cls in VALUED:
                if self.world.has_component(each, cls):
                    self._change(each, cls)

    def _change(self, entity: int, cls: type) -> None:
        if self.chance.random() < 0.1:
            self.world.add_component(entity, self._fresh(cls))  # another object in its place
        else:
            self._fill(self.world.component_for_entity(entity, cls))
        self.restless.add(entity)
        self.touched.setdefault(entity, set()).add(cls)

    def _insert(self) -> None:
        entity, cls = self._any(self.open), self.chance.choice(OPTIONAL)
        if entity and not self.world.has_component(entity, cls) and (cls is not Owner or entity in self.awake):
            self.restless.add(entity)
            self.world.add_component(entity, self._fresh(cls))

    def _remove(self) -> None:
        entity, cls = self._any(self.awake), self.chance.choice(OPTIONAL)
        self.restless.add(entity)
        self.world.remove_component(entity, cls)

    def _strip(self) -> None:
        """Take all components: the entity lives, but clients must not see it until it gets some again."""
        entity = self._any(self.awake)
        if entity and not self.rules:
            self.restless.add(entity)
            for cls in (*OPTIONAL, Title):
                self.world.remove_component(entity, cls)

    def _give(self) -> None:
        entity = self._any(self.awake)
        owner = self.world.try_component(entity, Owner)
        if owner is not None:
            self.restless.add(entity)
            owner.client_id = self._some_client()

    def _some_client(self) -> int:
        return self.chance.choice([0, *self.clients, self.next_client])

    def _fresh(self, cls: type) -> object:
        made: object = cls()
        self._fill(made)
        return made

    def _fill(self, part: object) -> None:
        self.serial += 1
        match part:
            case Body():
                part.serial, part.check = self.serial, self.serial * 7 % MODULUS
            case Wool():
                part.serial, part.worth = self.serial, self.serial
            case Banner():
                part.serial, part.sign = self.serial, self.serial
            case Oath():
                part.serial = self.serial
            case Label():
                part.serial, part.text = self.serial, "é" * (self.serial % 40)
            case Follows():
                part.serial, part.leader = self.serial, self.chance.choice([0, *self.alive, *list(self.deleted)[-2:]])
            case Owner():
                part.client_id = self._some_client()

    def _pause(self) -> None:
        """Pause what was sent as it is, and what nobody looks out of."""
        calm = [each for each in self.awake if each not in self.restless and not self.world.has_component(each, Viewer)]
        calm = [each for each in calm if each in self.scene.values]
        entity = self._any(calm)
        if entity:
            self.settled.add(entity)
            self.world.add_component(entity, Paused())

    def _wake(self) -> None:
        entity = self._any([entity for entity, _ in self.world.observe(Paused) if entity not in self.settled])
        self.restless.add(entity)
        self.world.remove_component(entity, Paused)

    # Its audiences.

    def _set_rule(self, entity: int, rule: str) -> None:
        world, chance = self.world, self.chance
        match rule:
            case "room":
                world.add_component(entity, Rooms(self._some_rooms()))
            case "team":
                world.add_component(entity, chance.choice([Team, Seat])(chance.choice([0, 1, 2])))
            case "grid":
                world.add_component(entity, Transform2D(*self._somewhere()))
                world.add_component(entity, Near())
            case "list":
                world.add_component(entity, VisibleTo(self._some_clients()))
            case "family":
                self._adopt(entity)

    def _change_rule(self, rule: str) -> None:
        """Change what decides who sees an entity, or what a player sees."""
        players = [client.player for client in self.clients.values()]
        entity = self._any([*self.awake, *players])
        if not entity:
            return
        self.restless.add(entity)
        match rule:
            case "room":
                self._change_rooms(entity)
            case "team":
                self._change_team(entity)
            case "grid":
                self._look(self._any(players))
            case "list":
                self._relist(entity if entity not in players else self._any(self.awake))
            case "family" if entity not in players:
                if self.world.has_component(entity, Parent) and self.chance.random() < 0.5:
                    self.world.remove_component(entity, Parent)
                else:
                    self._adopt(entity)

    def _change_rooms(self, entity: int) -> None:
        rooms = self.world.try_component(entity, Rooms)
        if rooms is not None and self.chance.random() < 0.7:
            rooms.names = self._some_rooms()
        elif rooms is not None:
            self.world.remove_component(entity, Rooms)
        else:
            self.world.add_component(entity, Rooms(self._some_rooms()))

    def _change_team(self, entity: int) -> None:
        team, seat = self.world.try_component(entity, Team), self.world.try_component(entity, Seat)
        if team is not None:
            team.number = self.chance.choice([0, 1, 2])
        elif seat is not None:
            seat.team = self.chance.choice([0, 1, 2])

    def _relist(self, entity: int) -> None:
        listed = self.world.try_component(entity, VisibleTo)
        self.restless.add(entity)
        if listed is not None and self.chance.random() < 0.1:
            self.world.remove_component(entity, VisibleTo)
        elif listed is not None:
            listed.clients = self._some_clients()
        elif entity and self.chance.random() < 0.1:
            self.world.add_component(entity, VisibleTo(self._some_clients()))

    def _adopt(self, child: int) -> None:
        """Give an entity a parent, if the family stays small, awake and without circles."""
        world = self.world
        parent = self._any([each for each in self.awake if each != child and self._root(each) != child])
        if not parent or self._descends(parent, child):
            return
        family = [each for each in self.alive if self._root(each) in (self._root(parent), child)]
        if len({*family, child}) > FAMILY or any(world.has_component(each, Paused) for each in family):
            return
        self.restless.add(child)
        held = world.try_component(child, Parent)
        if held is None:
            world.add_component(child, Parent(parent))
        else:
            held.entity = parent

    def _look(self, player: int) -> None:
        viewer = self.world.try_component(player, Viewer)
        if viewer is None:
            return
        if self.chance.random() < 0.5:
            viewer.radius = self.chance.choice([0.0, 15.0, 40.0, 80.0])
        else:
            viewer.x, viewer.y = self._somewhere()

    def _roam(self) -> None:
        """Let what is near wander, and sometimes jump."""
        for entity, (_, place) in self.world.observe(Near, Transform2D):
            if not self.world.has_component(entity, Paused) and self.chance.random() < 0.3:
                self.restless.add(entity)
                if self.chance.random() < 0.15:
                    place.x, place.y = self._somewhere()
                else:
                    place.x += self.chance.uniform(-6, 6)

    def _somewhere(self) -> tuple[float, float]:
        return self.chance.uniform(0, WIDTH_UNITS), self.chance.uniform(0, WIDTH_UNITS)

    def _some_rooms(self) -> frozenset[str]:
        return frozenset(self.chance.sample(ROOMS, self.chance.choice([0, 1, 1, 2])))

    def _some_clients(self) -> frozenset[int]:
        return frozenset(client for client in self.clients if self.chance.random() < 0.5)

    # Who is there.

    def _join(self) -> None:
        if len(self.clients) < 4:
            world = World()
            receiver = self.receiver_type(schema, world, self.config)
            self.clients[self.next_client] = Client(self.next_client, receiver, world, self._player())
            self.sender.subscribe(self.next_client)
            self.next_client += 1

    def _player(self) -> int:
        """Return a new client's own entity; 0 in a run without rules, where a player is an entity like any other."""
        if not self.rules:
            return 0
        entity = self.world.create_entity(Player(self.next_client), Owner(self.next_client))
        self.world.add_component(entity, Title(entity))
        for rule in self.rules:
            if rule in {"room", "team"}:
                self._set_rule(entity, rule)
        if "grid" in self.rules:
            x, y = self._somewhere()
            self.world.add_component(entity, Viewer(x, y, 40.0))
        return entity

    def _leave(self) -> None:
        if len(self.clients) > 1:
            client_id = self.chance.choice(list(self.clients))
            self.sender.unsubscribe(client_id)
            gone = self.clients.pop(client_id)
            self.deleted[gone.player] = (self.tick + 2) & 0xFFFFFFFF
            self.world.delete_entity(gone.player)

    # One tick of all.

    def _send_tick(self) -> None:
        self.step += 1
        self.tick = (self.tick + 2) & 0xFFFFFFFF
        for client in self.clients.values():
            for token, acked in client.reports.pop(self.step, ()):
                self.sender.report(client.id, token, acked=acked)
                if not acked:
                    client.whole -= {entity for entity, last in client.full_tokens.items() if last == token}
        if not self.is_quiet:
            self._look_around()
        self.sender.encode(self.tick)
        for client in self.clients.values():
            self._send(client)
        self.touched.clear()
        self.restless.clear()
        self.settled.clear()
        for client in self.clients.values():
            for message in client.arrivals.pop(self.step, ()):
                self._deliver(client, message)

    def _look_around(self) -> None:
        """Note what every client must and may see now."""
        last, self.scene = self.scene, Scene(self.world, schema, CELL_UNITS, self.scene)
        values = self.scene.values
        rebuilt = {entity for entity in values if values[entity].keys() != last.values.get(entity, {}).keys()}
        for client in self.clients.values():
            before, client.sight = client.sight, self.scene.sight(client.id)
            may = client.sight.may
            client.anew -= client.whole & client.told_whole
            client.anew |= rebuilt | {entity for entity, bits in may.items() if bits != before.may.get(entity)}
            for entity in client.sight.may.keys() - before.may.keys():
                client.seen[entity] = client.seen.get(entity, 0) + 1
            client.saw.update((entity, entity in client.sight.may) for entity in self.scene.values)
            client.whole &= may.keys()
            client.anew |= may.keys() - client.whole
            # What a client steers is told beside its own part, as far as it lacks it.
            client.anew |= {
                entity for entity, (_, owner) in self.world.observe(Press, Owner) if owner.client_id == client.id
            }

    def _send(self, client: Client) -> None:
        client.told_whole.clear()
        client.truths[self.tick] = (self.scene.values, frozenset(client.sight.must))
        messages = self.sender.messages_for(client.id, OwnPart(0, 0), self.budget, self.limit)
        self._check_sizes(client, [message for message, _ in messages])
        for message, token in messages:
            self._check_message(client, client.receiver.take(message), token)
            self._transmit(client, message, token)

    def _transmit(self, client: Client, message: bytes, token: int) -> None:
        chance, network = self.chance, self.network
        lost = chance.random() < network.loss
        spurious = chance.random() < network.spurious
        copies = 0 if lost else 2 if chance.random() < network.duplicate else 1
        latest = self.step
        for _ in range(copies):
            at = self.step + chance.randint(0, network.delay_ticks)
            if spurious:
                at += network.timeout_ticks
            latest = max(latest, at)
            queue = client.arrivals[at]
            queue.insert(chance.randint(0, len(queue)), message)
        if lost or spurious:
            client.reports[self.step + network.timeout_ticks].append((token, False))
        else:
            client.reports[latest + 1 + chance.randint(0, network.delay_ticks)].append((token, True))

    def _deliver(self, client: Client, message: bytes) -> None:
        state = client.receiver.take(message)
        client.receiver.apply(state)
        for network_id in (*state.gones, *state.leaves):
            entity = client.names.get(network_id, network_id)
            if entity in self.deleted and not is_newer(self.deleted[entity], state.tick):
                client.ended.add(network_id)
        self._check_client(client)
        if state.own is not None and client.receiver.own_tick == state.tick:
            self._check_own(client, state.tick)

    # The promises of a message.

    def _check_sizes(self, client: Client, messages: list[bytes]) -> None:
        if max(map(len, messages)) > self.limit:
            raise Violation(f"a message for {client.id} has {max(map(len, messages))} B, limit {self.limit}")
        owned = sum(owner.client_id == client.id for _, owner in self.world.observe(Owner))
        spent = sum(map(len, messages)) - STEERED_BYTES * owned - 50
        client.debt = max(0, client.debt + spent - self.budget)
        if client.debt > OVERDRAFT_BYTES:
            raise Violation(f"{sum(map(len, messages))} B for {client.id}, budget {self.budget}, debt {client.debt}")

    def _check_message(self, client: Client, state: State, token: int) -> None:
        for network_id, values, _ in state.fulls:
            for record_id, held in values:
                if record_id == TITLE.id:
                    assert isinstance(held[0], int)
                    self._name(client, network_id, held[0])
        for network_id in (*state.gones, *state.leaves):
            if network_id not in client.told:
                raise Violation(f"{client.id} is told the end of {network_id}, of which it was never told")
        self._check_steers(client, state)
        for network_id, records, _ in state.checks:
            self._entity_of(client, network_id, records)
        carried: dict[int, set[int]] = defaultdict(set)
        updates: tuple[Update, ...] = (*state.fulls, *state.updates)
        for network_id, values, _ in updates:
            entity = self._entity_of(client, network_id, [record_id for record_id, _ in values])
            client.names[network_id] = entity
            client.told.add(network_id)
            carried[entity].update(record_id for record_id, _ in values)
            for record_id, held in values:
                self._check_values(client, entity, record_id, held)
        self._check_together(client, carried)
        fulls = {client.names[network_id] for network_id, _, _ in state.fulls}
        self._check_family(client, fulls)
        client.told_whole |= fulls
        client.full_tokens.update(dict.fromkeys(fulls, token))

    def _check_steers(self, client: Client, state: State) -> None:
        for network_id in state.steers or ():
            if network_id not in client.told:
                raise Violation(f"{client.id} is told that it steers {network_id}, of which it was never told")
            self._entity_of(client, network_id, [])

    def _name(self, client: Client, network_id: int, entity: int) -> None:
        if client.names.setdefault(network_id, entity) != entity:
            raise Violation(f"{client.id}: {network_id} was {client.names[network_id]}, and is {entity} now")
        if network_id == entity:
            return
        visit = client.seen.get(entity, 0)
        if client.visits.setdefault(network_id, visit) != visit:
            raise Violation(f"{client.id}: {entity} is back as {network_id}, which it was before")

    def _entity_of(self, client: Client, network_id: int, record_ids: Sequence[int]) -> int:
        """Return the entity of a network id; the client must see all these records of it."""
        entity = client.names.get(network_id, network_id)
        if entity == network_id and entity in self.scene.explicit:
            why = self._why(client, entity)
            raise Violation(f"{client.id} hears of {entity} by the network id of everybody: {record_ids}; {why}")
        hidden = [each for each in record_ids if not client.sight.may.get(entity, 0) >> each & 1]
        if hidden:
            names = " ".join(f"{schema.records[each].name}/{schema.records[each].audience.name}" for each in hidden)
            raise Violation(f"{client.id} was sent {names}: {self._why(client, entity)}")
        return entity

    def _check_values(self, client: Client, entity: int, record_id: int, values: Values) -> None:
        """Compare with what there is; of another entity only who sees it may hear."""
        truth = self.scene.values[entity][record_id]
        codec = schema.records[record_id].codec
        if codec.has_refs:
            meant = codec.refs(truth)
            for network_id in codec.refs(values):
                self._check_name(client, entity, network_id, meant)
            values = codec.map_refs(values, lambda network_id: client.names.get(network_id, network_id))
            said = codec.refs(values)
            truth = codec.map_refs(truth, lambda named: named if named in said else 0)
        if values != truth:
            raise Violation(f"{client.id}: {schema.records[record_id]} of {entity} is {values}, truly {truth}")

    def _check_name(self, client: Client, holder: int, network_id: int, meant: Sequence[int]) -> None:
        """Whom a value names the client must see; the dead are no secret from those who saw them die."""
        if network_id not in client.names and network_id not in self.scene.values:
            # A network id of its own may be named before the full that says whose it is; _name compares.
            coming = [each for each in meant if each in self.scene.explicit and each in client.sight.may]
            if coming:
                client.names[network_id] = coming[0]
        named = client.names.get(network_id, network_id)
        if not client.saw.get(named):
            raise Violation(f"{client.id}: {holder} names {named} as {network_id}; {self._why(client, named)}")
        if network_id == named and named in self.scene.explicit:
            raise Violation(f"{client.id}: {holder} names {named} by the network id of everybody")

    def _why(self, client: Client, entity: int) -> str:
        return self.scene.describe(client.id, entity)

    def _check_together(self, client: Client, carried: dict[int, set[int]]) -> None:
        """What one entity, or one family, changed for everyone in one tick is in one message.

        But for what is sent whole: a full tells all there is, also what did not change.
        """
        has_room = self._has_room_for_families()
        groups = [self.scene.bundle(entity) if has_room else {entity} for entity in carried]
        for group in groups:
            changed = {
                (entity, schema.records_of[cls][0].id)
                for entity in group - client.anew
                for cls in self.touched.get(entity, ())
                if cls is not Oath and self.world.has_component(entity, cls) and not self._is_paused(entity)
            }
            here = {(entity, record_id) for entity in group for record_id in carried.get(entity, ())}
            if here & changed and not changed <= here:
                raise Violation(f"{client.id}: of {changed}, changed together, only {here & changed} are in a message")

    def _has_room_for_families(self) -> bool:
        """Whether a family fits a message, and half of what may be sent at once: only then it is kept together."""
        return self.limit > 1000 and self.budget > 2000

    def _is_paused(self, entity: int) -> bool:
        return self.world.has_component(entity, Paused)

    def _check_family(self, client: Client, fulls: set[int]) -> None:
        """What has come into view as a family has its fulls in one message."""
        for entity in fulls - client.whole if self._has_room_for_families() else ():
            missing = {each for each in self.scene.bundle(entity) if each in client.sight.must} - client.whole - fulls
            if missing and entity in client.sight.must:
                raise Violation(f"{client.id}: {entity} comes without {missing} of its family")
        client.whole |= fulls

    # The promises of a client.

    def _check_client(self, client: Client) -> None:
        receiver = client.receiver
        for entity in client.world.entities():
            network_id = receiver.network_id_of(entity)
            if network_id in client.ended:
                raise Violation(f"client {client.id} resurrected {network_id}")
            body = client.world.try_component(entity, Body)
            if body is not None and body.check != body.serial * 7 % MODULUS:
                raise Violation(f"client {client.id} has half a Body of {network_id}: {body}")
            self._check_time(client, network_id, entity)

    def _check_time(self, client: Client, network_id: int, entity: int) -> None:
        for cls in (Body, Wool, Label, Follows):
            part = client.world.try_component(entity, cls)
            if part is None:
                continue
            assert isinstance(part, Body | Wool | Label | Follows)
            if part.serial < client.newest.get((network_id, cls), 0):
                raise Violation(f"client {client.id}: {cls.__name__} of {network_id} went back to {part}")
            client.newest[network_id, cls] = part.serial

    def _check_own(self, client: Client, tick: int) -> None:
        """What a prediction of a tick is compared with is what the server had at that tick."""
        receiver = client.receiver
        values, seen = client.truths[tick]
        # Whom it had by another network id before, it may have by that one still.
        seen -= {entity for network_id, entity in client.names.items() if network_id != entity}
        here = {client.names.get(i, i) for i in map(receiver.network_id_of, client.world.entities())}
        for network_id in sorted(receiver.steers):
            entity = client.names[network_id]
            for record_id, held in receiver.own_values(receiver.entity_of(network_id)):
                codec, truth = schema.records[record_id].codec, values.get(entity, {}).get(record_id)
                if truth is not None and codec.has_refs:
                    # Who is on the way to this client, or away from it, is none of its own part's business.
                    held = self._in_terms_of_the_server(client, codec, held, seen)  # noqa: PLW2901  # the same
                    truth = codec.map_refs(truth, lambda named: named if named in seen and named in here else 0)
                if held != truth:
                    name = schema.records[record_id]
                    raise Violation(f"{client.id} steers {entity}, its {name} was {truth} at {tick}, not {held}")

    def _in_terms_of_the_server(
        self, client: Client, codec: RecordCodec, values: Values, seen: Container[int]
    ) -> Values:
        def named(local: int) -> int:
            network_id = client.receiver.network_id_of(local)
            entity = client.names.get(network_id, network_id)
            return entity if entity in seen else 0

        return codec.map_refs(values, named)

    # Quiet.

    def _quiet(self) -> None:
        difference = ""
        for _ in range(MAX_QUIET_TICKS):
            self._send_tick()
            self.is_quiet = True
            difference = self._difference()
            if not difference:
                break
        else:
            raise Violation(f"did not converge: {difference}")
        for after in range(60):
            self._send_tick()  # until nothing is on its way any more: an old leave, and the full that came after it
            difference = self._difference() if after >= 45 and after % 5 == 0 else ""
            if difference:
                raise Violation(f"had converged, then did not: {difference}")

    def _difference(self) -> str:
        for client in self.clients.values():
            held = self._held(client)
            sight = client.sight
            for entity in sorted(sight.must.keys() | held.keys()):
                looks = [self._look_of(entity, bits.get(entity, 0), held) for bits in (sight.must, sight.may)]
                if held.get(entity, {}) not in looks:
                    return f"{entity} for client {client.id}: server {looks[0]}, client {held.get(entity)}"
        return ""

    def _look_of(self, entity: int, bits: int, held: Records) -> dict[int, tuple[object, ...]]:
        """Return how an entity shall look to a client that sees some of its records."""
        names = {each: each for each in held}
        look = {}
        for record_id, values in self.scene.values.get(entity, {}).items():
            record = schema.records[record_id]
            if bits >> record_id & 1:
                look[record_id] = mapped(record.codec, values, names)
            elif any(bits >> other.id & 1 for other in schema.records_of[record.cls]):
                look[record_id] = record.codec.defaults  # of a component that is there for its other audience
        return look

    def _held(self, client: Client) -> Records:
        """Return what a client has, in the server's terms."""
        receiver = client.receiver
        names = {}
        for entity in client.world.entities():
            network_id = receiver.network_id_of(entity)
            names[entity] = client.names.get(network_id, network_id)
        if len(set(names.values())) < len(names):
            return {0: {}}  # one is there twice, still
        return {
            names[entity]: {
                record.id: mapped(record.codec, record.codec.read(part), names)
                for record, part in schema.records_on(client.world, entity)
            }
            for entity in client.world.entities()
        }
