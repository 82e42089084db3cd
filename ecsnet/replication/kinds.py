"""The server's entities as they were last encoded, kept by kind: the tuple of their records.

A kind keeps its records' values in columns, so that all entities of a kind are compared in one go, column by column.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from ecsnet.fields import Audience, FieldKind, NetField
from ecsnet.marks import unwatch, watch
from ecsnet.replication.codec import Values
from ecsnet.replication.frames import encode_full, encode_records, encode_single
from ecsnet.replication.schema import Record
from ecsnet.wire import Tick, is_newer, pack_varint

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

    def entry(self, bits: int) -> bytes:
        """Return its entry in a run of these records."""
        return b"".join([self.id_bytes, *[packed for i, packed in self.packed.items() if bits >> i & 1]])

    def steered_run(self) -> bytes:
        """Return the run its owner gets with every send: all that it is made of."""
        return encode_single(self.kind.steered_records, self.id_bytes, self.packed.values())

    def full(self, bits: int, tick: Tick) -> bytes:
        """Return its full of these records, encoded once a tick for all who see the same."""
        if self._full[:2] != (tick, bits):
            ids = [i for i in self.packed if bits >> i & 1]
            self._full = (tick, bits, encode_full(self.id_bytes, encode_records(ids), [self.packed[i] for i in ids]))
        return self._full[2]


SWEEP_SENDS = 16  # the longest that a change without a mark stays unseen: half a second at 30 sends a second

Row: TypeAlias = tuple[Tracked, int]  # an entity and some of its records, as bits


LookedAt: TypeAlias = list[Any]  # [Tracked, component, *values]: a list of its own kind for each record


class Column:
    """One record of all entities of a kind.

    A row is [entity, component, *values as of the last look]. So a look is one pass over one list in generated code,
    which reads and compares field by field and makes nothing: 0.035 µs a row of three fields. Tuples of values made
    anew for every look, and compared in C, were 0.12, and set off a garbage collection every 700 rows.

    Attributes:
        rows: Parallel to `Kind.members`.
        marks: Entities whose component was written since the last look; None if the component does not mark.
        find_changed: Of some rows, those whose component now holds other values.
    """

    __slots__ = ("find_changed", "marks", "record", "rows")

    def __init__(self, record: Record, marks: set[int] | None) -> None:
        """Start without rows."""
        self.record = record
        self.rows: list[LookedAt] = []
        self.marks = marks
        self.find_changed = _comparison(record.fields)

    def __repr__(self) -> str:
        """Show whose values these are."""
        return f"Column({self.record!r}, {len(self.rows)} rows)"

    def place(self, row: int, component: object) -> None:
        """Put another component into a row; its values are compared in the next look."""
        looked_at = self.rows[row]
        tracked, before = looked_at[:2]
        if before is component:
            return
        looked_at[1] = component
        if self.marks is not None:
            unwatch(before, tracked.id)
            watch(component, self.marks, tracked.id)
            self.marks.add(tracked.id)

    def append(self, tracked: Tracked, component: object, values: Values) -> None:
        """Add the row of an entity."""
        self.rows.append([tracked, component, *values])
        if self.marks is not None:
            watch(component, self.marks, tracked.id)

    def remove(self, tracked: Tracked) -> None:
        """Take out an entity's row; the last one takes its place."""
        last = self.rows.pop()
        gone = last
        if last[0] is not tracked:
            gone, self.rows[tracked.row] = self.rows[tracked.row], last
        if self.marks is not None:
            unwatch(gone[1], tracked.id)
            self.marks.add(last[0].id)  # by its move it could escape the sweep again and again

    def sweep(self, look: int) -> list[LookedAt]:
        """Return the rows to look at, marked or not, in a look of this number."""
        slices = SWEEP_SENDS // self.record.every
        return self.rows[look % slices :: slices]


class Kind:
    """All entities with the same records.

    Attributes:
        records: By number; included are tags and what travels once, which have no column.
        bits: The records as bits.
        public_bits: Those that everyone who sees the entity gets.
        is_steered: Whether the game's input component is among them.
        marks: Of each component that marks itself, the entities where it was written since the last look.
        steered_bits: The records an owner gets with every send; tags, the input itself and what travels once have
            nothing to say.
        steered_records: The same as a run begins with them.
    """

    __slots__ = (
        "bits", "columns", "is_steered", "marks", "members", "public_bits", "records", "steered_bits",
        "steered_records",
    )  # fmt: skip

    def __init__(self, records: tuple[Record, ...], input_component: type | None) -> None:
        """Start without entities."""
        self.records = records
        self.members: list[Tracked] = []
        self.is_steered = any(record.cls is input_component for record in records)
        # What is steered is compared in every send, marked or not: its owner gets the values of exactly that tick.
        self.marks: dict[type, set[int]] = {
            record.cls: set() for record in records if record.is_marked and not self.is_steered
        }
        self.columns = [
            Column(record, self.marks.get(record.cls)) for record in records if record.fields and not record.once
        ]
        self.bits = sum(record.bit for record in records)
        self.public_bits = sum(record.bit for record in records if record.audience is Audience.EVERYONE)
        self.steered_bits = sum(column.record.bit for column in self.columns)
        self.steered_records = encode_records([column.record.id for column in self.columns])

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
            column.append(tracked, components[column.record.cls], values[column.record.id])

    def adopt(self, tracked: Tracked, components: Mapping[type, object]) -> None:
        """Follow components that took the place of others of their type."""
        for column in self.columns:
            if column.record.cls in components:
                column.place(tracked.row, components[column.record.cls])

    def remove(self, tracked: Tracked) -> None:
        """Take an entity out; the last one takes its row, so nothing is shifted."""
        for column in self.columns:
            column.remove(tracked)
        last = self.members.pop()
        if last is not tracked:
            self.members[tracked.row] = last
            last.row = tracked.row


# Of these a value is never changed in place, and != is slow: most rows are known by identity to hold what they held.
_COMPARED_BY_IDENTITY_FIRST = (FieldKind.BOOL, FieldKind.BYTES, FieldKind.ENUM)


def _comparison(fields: Sequence[NetField]) -> Callable[[Iterable[LookedAt]], list[LookedAt]]:
    """Generate `find_changed` of a column with these fields."""
    names, differs = [], []
    for i, each in enumerate(fields):
        names.append(f"v{i}")
        quick = f"c.{each.name} is not v{i} and " if each.kind in _COMPARED_BY_IDENTITY_FIRST else ""
        differs.append(f"{quick}c.{each.name} != v{i}")
    unpacked = ", ".join(["_", "c", *names])
    # `in [row]` is no loop: CPython compiles it to an assignment.
    source = f"lambda rows: [row for row in rows for {unpacked} in [row] if {' or '.join(differs)}]"
    made: Callable[[Iterable[LookedAt]], list[LookedAt]] = eval(source, {})  # noqa: S307  # names of checked fields
    return made
