"""What must hold in every session at every moment, whatever the network does; the simulation checks it every step."""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import TypeAlias
from weakref import WeakKeyDictionary

from ecsnet.client import Client
from ecsnet.components.predicted import Predicted
from ecsnet.conversation import Conversation
from ecsnet.replication.codec import Values
from ecsnet.replication.schema import Record
from ecsnet.room import Room
from ecsnet.server import Server
from ecsnet.wire import Tick, is_newer, tick_difference

__all__ = ["Invariants", "assert_converged", "client_view", "server_view"]

View: TypeAlias = dict[int, dict[int, Values]]  # network id -> record id -> quantised values
MAX_DIFFERENCES = 12


class Invariants:
    """Remembers the last step and compares: ticks move forward, ids are unique, nothing a client knows goes back."""

    def __init__(self, server: Server) -> None:
        """Watch one server and, with each check, the clients named there."""
        self._server = server
        self._server_tick = server.world.tick
        self._turn = 0
        self._confirmed: WeakKeyDictionary[Conversation, dict[tuple[int, int], Tick]] = WeakKeyDictionary()

    def check(self, clients: Iterable[Client]) -> None:
        """Assert the invariants of this moment."""
        tick = self._server.world.tick
        assert tick_difference(tick, self._server_tick) >= 0, (
            f"the server's tick went from {self._server_tick} to {tick}"
        )
        self._server_tick = tick
        self._check_peers()
        # One client a step in turn: what was seen is kept, so a step back is found whenever its turn comes.
        present = list(clients)
        if present:
            self._turn = (self._turn + 1) % len(present)
            self._check_client(present[self._turn])

    def _check_peers(self) -> None:
        for room in self._server.rooms:
            entities = [peer.entity for peer in room.peers.values()]
            assert len(entities) == len(set(entities)), f"two peers share a player entity: {entities}"

    def _check_client(self, client: Client) -> None:
        """Assert that no confirmed value is older than it was, and that no two entities stand for one."""
        receiver = client.receiver
        seen = self._confirmed.setdefault(client.conversation, {})
        network_ids = [receiver.network_id_of(entity) for entity in receiver.confirmed]
        assert 0 not in network_ids, f"{client}: an entity without a network id"
        assert len(network_ids) == len(set(network_ids)), f"{client}: two entities stand for one: {sorted(network_ids)}"
        for entity, records in receiver.confirmed.items():
            for record_id, (tick, _) in records.items():
                before = seen.get((entity, record_id))
                assert before is None or not is_newer(before, tick), (
                    f"{client}: record {record_id} of entity {entity} went back from tick {before} to {tick}"
                )
                seen[entity, record_id] = tick


def server_view(server: Server, client_id: int) -> View:
    """Return what a client should hold: every record it may see, in quantised values, by network id.

    Who sees what is taken from the server, as of its last send. The values are those of the World, so that a change
    nobody noticed is found out; what is paused or travels once stays as it was sent.
    """
    view: View = {}
    room = server.rooms.of(client_id) or server.room
    world, sender = room.world, room.session.sender
    known_as = partial(sender.network_id_of, client_id)
    for network_id, (tracked, bits) in sender.shown_to(client_id).items():
        now = {record.id: component for record, component in _records_on(room, tracked.id)}
        view[network_id] = {}
        for record in tracked.kind.records:
            if not bits & record.bit:
                continue
            if tracked.kind.is_paused or record.once or record.id not in now:
                values, _ = record.codec.unpack(tracked.packed[record.id], 0)
            else:
                values = record.codec.quantise(now[record.id])
            # Whoever is gone since the last send is nobody already, as it will be for the client.
            living = record.codec.map_refs(values, lambda entity: entity if world.entity_exists(entity) else 0)
            view[network_id][record.id] = record.codec.map_refs(living, known_as)
    return view


def _records_on(room: Room, entity: int) -> list[tuple[Record, object]]:
    return room.schema.records_on(room.world, entity) if room.world.entity_exists(entity) else []


def client_view(client: Client) -> View:
    """Return what a client holds of the server's world, as confirmed, by the server's entity."""
    receiver, records = client.receiver, client.schema.records
    view: View = {}
    for entity, confirmed in receiver.confirmed.items():
        view[receiver.network_id_of(entity)] = {
            record_id: records[record_id].codec.map_refs(values, receiver.network_id_of)
            for record_id, (_, values) in confirmed.items()
        }
    return view


def assert_converged(server: Server, client: Client) -> None:
    """Assert that a client holds exactly what it may see, and shows it; the text names the first differences."""
    expected, actual = server_view(server, client.client_id), client_view(client)
    lines = [*world_differences(client)]
    if expected == actual and not lines:
        return
    for entity in sorted(expected.keys() | actual.keys()):
        there, here = expected.get(entity, {}), actual.get(entity, {})
        for record in sorted(there.keys() | here.keys()):
            if there.get(record) != here.get(record):
                name = client.schema.records[record]
                lines.append(f"entity {entity}, {name}: server {there.get(record)}, client {here.get(record)}")
    raise AssertionError(f"{client} differs from {server}:\n  " + "\n  ".join(lines[:MAX_DIFFERENCES]))


def world_differences(client: Client) -> Iterator[str]:
    """Yield where a client's World does not hold what the server confirmed; predicted entities run ahead of that."""
    world, records = client.world, client.schema.records
    for entity, confirmed in client.receiver.confirmed.items():
        if world.has_component(entity, Predicted):
            continue
        for record_id, (_, values) in confirmed.items():
            component = world.try_component(entity, records[record_id].cls)
            held = None if component is None else records[record_id].codec.quantise(component)
            if held != values:
                yield f"entity {entity} of the client's world, {records[record_id]}: confirmed {values}, holds {held}"
