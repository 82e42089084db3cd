"""The server's entities as they were last encoded, kept by kind: the tuple of their records.

A kind keeps its records' values in columns, so that all entities of a kind are compared in C, column by column.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from ecsnet.fields import Audience
from ecsnet.replication.codec import Values
from ecsnet.replication.frames import encode_full, encode_records
from ecsnet.replication.schema import Record
from ecsnet.wire import TICK_MASK, Tick, is_newer, pack_varint

__all__ = ["Column", "Kind", "Row", "Tracked"]


class Tracked:
    """An entity clients may hear of, as last encoded.

    Attributes:
        id_bytes: Its network id as it stands in every message.
        owner: The client that owns it; 0 is the server.
        packed: The bytes of each of its records, by record id, in the order of ids.
        changed_at: The tick each record last changed, by record id.
        structured_at: The tick it appeared, or last gained or lost a record.
    """

    __slots__ = ("_full", "changed_at", "id", "id_bytes", "kind", "owner", "packed", "row", "structured_at")

    def __init__(self, entity: int) -> None:
        """Start outside of every kind; `Kind.add` brings it in."""
        self.id = entity
        self.id_bytes = pack_varint(entity)
        self.kind: Kind
        self.row = 0
        self.owner = 0
        self.packed: dict[int, bytes] = {}
        self.changed_at: dict[int, Tick] = {}
        self.structured_at: Tick = 0
        self._full: tuple[Tick, int, bytes] = (0, 0, b"")

    def __repr__(self) -> str:
        """Show the entity and what it is made of."""
        return f"Tracked({self.id}, {[record.name for record in self.kind.records]}, owner={self.owner})"

    def visible_to(self, client_id: int) -> int:
        """Return the records a client may see, as bits."""
        return self.kind.bits if self.owner == client_id else self.kind.public_bits

    def is_steered_by(self, client_id: int) -> bool:
        """Tell whether this client's inputs drive it, so that it gets the entity's records with every send."""
        return self.kind.is_steered and self.owner == client_id

    def unchanged_since(self, bits: int, tick: Tick) -> int:
        """Return which of the records nobody has been told anything newer of than at `tick`."""
        if is_newer(self.structured_at, tick):
            return 0  # all who see it got, or get, a full that is newer
        for record_id, changed_at in self.changed_at.items():
            if bits >> record_id & 1 and is_newer(changed_at, tick):
                bits ^= 1 << record_id
        return bits

    def changed_since(self, tick: Tick) -> int:
        """Return which of the records changed after `tick`.

        HOT: once per steered entity per send tick, so `is_newer` is written out; tests/bench/bench_replication.py.
        """
        return sum([1 << i for i, at in self.changed_at.items() if 0 < (at - tick) & TICK_MASK <= _HALF])

    def entry(self, bits: int) -> bytes:
        """Return its entry in a run of these records."""
        return b"".join([self.id_bytes, *[packed for i, packed in self.packed.items() if bits >> i & 1]])

    def full(self, bits: int, tick: Tick) -> bytes:
        """Return its full of these records, encoded once a tick for all who see the same."""
        if self._full[:2] != (tick, bits):
            ids = [i for i in self.packed if bits >> i & 1]
            self._full = (tick, bits, encode_full(self.id_bytes, encode_records(ids), [self.packed[i] for i in ids]))
        return self._full[2]


_HALF = TICK_MASK >> 1

Row: TypeAlias = tuple[Tracked, int]  # an entity and some of its records, as bits


@dataclass(slots=True, eq=False)
class Column:
    """One record of all entities of a kind; lists parallel to `Kind.members`.

    Attributes:
        source: The World's list of this component that `components` was made from.
        values: As of the last detection.
    """

    record: Record
    source: object = None
    components: list[object] = field(default_factory=list)
    values: list[Values] = field(default_factory=list)


class Kind:
    """All entities with the same records.

    Attributes:
        records: By number; tags included, which have no column.
        bits: The records as bits.
        public_bits: Those that everyone who sees the entity gets.
        is_steered: Whether the game's input component is among them.
        steered_bits: The records a client that steers the entity is told of; tags and the input have nothing to say.
    """

    __slots__ = ("bits", "columns", "is_steered", "members", "public_bits", "records", "steered_bits")

    def __init__(self, records: tuple[Record, ...], input_component: type | None) -> None:
        """Start without entities."""
        self.records = records
        self.members: list[Tracked] = []
        self.columns = [Column(record) for record in records if record.fields]
        self.bits = sum(record.bit for record in records)
        self.public_bits = sum(record.bit for record in records if record.audience is Audience.EVERYONE)
        self.is_steered = any(record.cls is input_component for record in records)
        self.steered_bits = sum(column.record.bit for column in self.columns)

    def add(
        self, tracked: Tracked, components: dict[type, object], values: dict[int, Values], packed: dict[int, bytes]
    ) -> None:
        """Append an entity as it is now.

        Args:
            values: By record id.
            packed: The same, encoded.
        """
        tracked.packed = packed
        tracked.kind, tracked.row = self, len(self.members)
        self.members.append(tracked)
        for column in self.columns:
            column.components.append(components[column.record.cls])
            column.values.append(values[column.record.id])

    def remove(self, tracked: Tracked) -> None:
        """Take an entity out; the last one takes its row, so nothing is shifted."""
        last = self.members.pop()
        for column in self.columns:
            component, values = column.components.pop(), column.values.pop()
            if last is not tracked:
                column.components[tracked.row], column.values[tracked.row] = component, values
        if last is not tracked:
            self.members[tracked.row] = last
            last.row = tracked.row
