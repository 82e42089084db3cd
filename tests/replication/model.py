"""The model checker: a random server, a random network and random clients around the real Sender and Receiver.

Everything follows from one seed. After each message, and once all is quiet, it asserts what replication promises:

- a record is atomic: its values always fit each other;
- a record never goes back in time;
- what one entity changed in one tick, as far as one audience sees it, arrives together;
- nothing is resurrected: what is gone for good on the server and gone on a client never shows again;
- a record for the owner is in no other client's messages;
- messages keep to their size, and to the budget but for what the client steers;
- when the server is quiet, every client converges, and the server remembers nothing more to send.

`tests/replication/test_model.py` breaks each rule in turn and expects a Violation.
"""

import random
from collections import defaultdict
from dataclasses import dataclass

from ecsnet import World
from ecsnet.components import Owner
from ecsnet.config import ReplicationConfig
from ecsnet.fields import Audience
from ecsnet.replication.frames import OwnPart, State, Update
from ecsnet.replication.receiver import Receiver
from ecsnet.replication.sender import Sender
from ecsnet.wire import is_newer
from tests.replication.pasture import MODULUS, Black, Body, Follows, Label, Press, Wool, schema

MAX_QUIET_TICKS = 500
VALUED = (Body, Wool, Label, Follows)
OPTIONAL = (*VALUED, Black, Press, Owner)


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

    def __init__(self, client_id: int, receiver: Receiver, world: World) -> None:
        """Start with nothing on the way."""
        self.id = client_id
        self.receiver = receiver
        self.world = world
        self.arrivals: dict[int, list[bytes]] = defaultdict(list)  # by the model's step
        self.reports: dict[int, list[tuple[int, bool]]] = defaultdict(list)
        self.newest: dict[tuple[int, type], int] = {}  # highest serial seen, by network id and component
        self.ended: set[int] = set()  # network ids it was told are gone, after they were deleted


class Model:
    """One run. `run()` raises Violation with the seed in its text, or returns."""

    def __init__(self, seed: int, sender: type[Sender] = Sender, receiver: type[Receiver] = Receiver) -> None:
        """Draw the run's conditions from the seed."""
        self.chance = chance = random.Random(f"replication model {seed}")
        self.seed = seed
        self.step = 0
        self.tick = (0xFFFFFFFF - chance.choice([5, 40, 80])) & 0xFFFFFFFF
        self.network = Network(
            loss=chance.choice([0.0, 0.1, 0.3, 0.6]),
            duplicate=chance.choice([0.0, 0.1, 0.3]),
            spurious=chance.choice([0.0, 0.1]),
            delay_ticks=chance.choice([0, 2, 6, 12]),
        )
        self.config = ReplicationConfig(chunk_bytes=chance.choice([24, 60, 1000]))
        self.budget = chance.choice([250, 400, 1 << 20])
        self.limit = chance.choice([220, 1150])
        self.world = World()
        self.sender = sender(schema, self.world, self.config)
        self.receiver_type = receiver
        self.clients: dict[int, Client] = {}
        self.next_client = 1
        self.serial = 1
        self.alive: list[int] = []
        self.deleted: dict[int, int] = {}  # and the tick of the first frame without it
        self.touched: dict[int, set[type]] = {}  # entity -> components written since the last encode
        self.owner_at_encode: dict[int, int] = {}

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
        except Violation as violation:
            raise Violation(f"seed {self.seed}, step {self.step}, tick {self.tick}: {violation}") from None

    # The server's side.

    def _stir(self) -> None:
        chance = self.chance
        for action, odds in (
            (self._spawn, 0.35 if len(self.alive) < 14 else 0.05),
            (self._delete, 0.10),
            (self._write, 0.9),
            (self._write, 0.5),
            (self._write_two, 0.5),
            (self._insert, 0.25),
            (self._remove, 0.2),
            (self._strip, 0.06),
            (self._give, 0.25),
            (self._join, 0.04),
            (self._leave, 0.02),
        ):
            if chance.random() < odds:
                action()

    def _spawn(self) -> None:
        classes = [cls for cls in OPTIONAL if self.chance.random() < 0.5] or [Body]
        entity = self.world.create_entity(*[self._fresh(cls) for cls in classes])
        self.alive.append(entity)

    def _delete(self) -> None:
        if self.alive:
            entity = self.alive.pop(self.chance.randrange(len(self.alive)))
            self.world.delete_entity(entity)
            self.deleted[entity] = (self.tick + 2) & 0xFFFFFFFF

    def _write(self) -> None:
        if self.alive:
            entity = self.chance.choice(self.alive)
            present = [cls for cls in VALUED if self.world.has_component(entity, cls)]
            if present:
                self._change(entity, self.chance.choice(present))

    def _write_two(self) -> None:
        """Change all of an entity in one tick: it must arrive together."""
        if self.alive:
            entity = self.chance.choice(self.alive)
            for cls in VALUED:
                if self.world.has_component(entity, cls):
                    self._change(entity, cls)

    def _change(self, entity: int, cls: type) -> None:
        if self.chance.random() < 0.1:
            self.world.add_component(entity, self._fresh(cls))  # another object in its place
        else:
            self._fill(self.world.component_for_entity(entity, cls))
        self.touched.setdefault(entity, set()).add(cls)

    def _insert(self) -> None:
        if self.alive:
            entity, cls = self.chance.choice(self.alive), self.chance.choice(OPTIONAL)
            if not self.world.has_component(entity, cls):
                self.world.add_component(entity, self._fresh(cls))

    def _remove(self) -> None:
        if self.alive:
            self.world.remove_component(self.chance.choice(self.alive), self.chance.choice(OPTIONAL))

    def _strip(self) -> None:
        """Take all components: the entity lives, but clients must not see it until it gets some again."""
        if self.alive:
            entity = self.chance.choice(self.alive)
            for cls in OPTIONAL:
                self.world.remove_component(entity, cls)

    def _give(self) -> None:
        if self.alive:
            owner = self.world.try_component(self.chance.choice(self.alive), Owner)
            if owner is not None:
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
            case Label():
                part.serial, part.text = self.serial, "é" * (self.serial % 40)
            case Follows():
                part.serial, part.leader = self.serial, self.chance.choice([0, *self.alive, *list(self.deleted)[-2:]])
            case Owner():
                part.client_id = self._some_client()

    def _join(self) -> None:
        if len(self.clients) < 4:
            world = World()
            self.clients[self.next_client] = Client(
                self.next_client, self.receiver_type(schema, world, self.config), world
            )
            self.sender.subscribe(self.next_client)
            self.next_client += 1

    def _leave(self) -> None:
        if len(self.clients) > 1:
            client_id = self.chance.choice(list(self.clients))
            self.sender.unsubscribe(client_id)
            del self.clients[client_id]

    # One tick of all.

    def _send_tick(self) -> None:
        self.step += 1
        self.tick = (self.tick + 2) & 0xFFFFFFFF
        for client in self.clients.values():
            for token, acked in client.reports.pop(self.step, ()):
                self.sender.report(client.id, token, acked=acked)
        self.sender.encode(self.tick)
        self.owner_at_encode = {entity: owner.client_id for entity, owner in self.world.get_component(Owner)}
        for client in self.clients.values():
            self._send(client)
        self.touched.clear()
        for client in self.clients.values():
            for message in client.arrivals.pop(self.step, ()):
                self._deliver(client, message)

    def _send(self, client: Client) -> None:
        messages = self.sender.messages_for(client.id, OwnPart(0, 0), self.budget, self.limit)
        self._check_sizes(client, [message for message, _ in messages])
        for message, token in messages:
            self._check_message(client, client.receiver.take(message))
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
        for entity in state.gones:
            if entity in self.deleted and not is_newer(self.deleted[entity], state.tick):
                client.ended.add(entity)
        self._check_client(client)

    # The promises.

    def _check_sizes(self, client: Client, messages: list[bytes]) -> None:
        if max(map(len, messages)) > self.limit:
            raise Violation(f"a message for {client.id} has {max(map(len, messages))} B, limit {self.limit}")
        steered = 150 * sum(owner == client.id for owner in self.owner_at_encode.values()) + 50
        if sum(map(len, messages)) > self.budget + steered:
            raise Violation(f"{sum(map(len, messages))} B for {client.id}, budget {self.budget}")

    def _check_message(self, client: Client, state: State) -> None:
        carried: dict[int, set[int]] = defaultdict(set)
        updates: tuple[Update, ...] = (*state.fulls, *state.updates)
        for entity, values, _ in updates:
            carried[entity].update(record_id for record_id, _ in values)
        for entity, record_ids in carried.items():
            for record_id in record_ids:
                owner = self.owner_at_encode.get(entity, 0)
                if schema.records[record_id].audience is Audience.OWNER and owner != client.id:
                    raise Violation(f"{schema.records[record_id]} of {entity} was sent to client {client.id}")
            self._check_together(entity, record_ids)

    def _check_together(self, entity: int, record_ids: set[int]) -> None:
        changed = {
            schema.records_of[cls][0].id
            for cls in self.touched.get(entity, ())
            if self.world.has_component(entity, cls)
        }
        if record_ids & changed and not changed <= record_ids:
            raise Violation(f"of {entity} only {record_ids & changed} of {changed} are in one message")

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
        for cls in VALUED:
            part = client.world.try_component(entity, cls)
            if part is None:
                continue
            assert isinstance(part, Body | Wool | Label | Follows)
            if part.serial < client.newest.get((network_id, cls), 0):
                raise Violation(f"client {client.id}: {cls.__name__} of {network_id} went back to {part}")
            client.newest[network_id, cls] = part.serial

    # Quiet.

    def _quiet(self) -> None:
        difference = ""
        for _ in range(MAX_QUIET_TICKS):
            self._send_tick()
            difference = self._difference()
            if not difference:
                break
        else:
            raise Violation(f"did not converge: {difference}")
        for _ in range(60):
            self._send_tick()
            difference = self._difference()
            if difference:
                raise Violation(f"had converged, then did not: {difference}")

    def _difference(self) -> str:
        for client in self.clients.values():
            wanted, held = self._visible(client), self._held(client)
            for entity in sorted(wanted.keys() | held.keys()):
                if wanted.get(entity) != held.get(entity):
                    return f"{entity} for client {client.id}: server {wanted.get(entity)}, client {held.get(entity)}"
        return ""

    def _visible(self, client: Client) -> dict[int, dict[str, tuple[object, ...]]]:
        """Return what a client shall see, as {entity: {component: values}}."""
        seen: dict[int, dict[str, tuple[object, ...]]] = {}
        for entity in self.world.entities():
            owner = self.world.try_component(entity, Owner)
            own = owner is not None and owner.client_id == client.id
            parts = {}
            for record, part in schema.records_on(self.world, entity):
                if record.audience is Audience.EVERYONE or own:
                    parts[repr(record)] = record.codec.quantise(part)
                elif len(schema.records_of[record.cls]) > 1:
                    parts[repr(record)] = record.codec.defaults
                if record.cls is Follows:
                    leader, *rest = parts[repr(record)]
                    assert isinstance(leader, int)
                    parts[repr(record)] = (leader if client.receiver.entity_of(leader) else 0, *rest)
            if parts:
                seen[entity] = parts
        return seen

    def _held(self, client: Client) -> dict[int, dict[str, tuple[object, ...]]]:
        """Return what a client has, in the server's terms."""
        held = {}
        for entity in client.world.entities():
            parts = {}
            for record, part in schema.records_on(client.world, entity):
                values = record.codec.read(part)
                if record.cls is Follows:
                    leader, *rest = values
                    assert isinstance(leader, int)
                    values = (client.receiver.network_id_of(leader), *rest)
                parts[repr(record)] = values
            held[client.receiver.network_id_of(entity)] = parts
        return held
