"""The server's entities as they were last encoded, kept by kind: the tuple of their records.

A kind keeps its records' values in columns, so that all entities of a kind are compared in one go, column by column.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from ecsnet.fields import EVERYONE, TEAM, FieldKind, NetField
from ecsnet.marks import unwatch, watch
from ecsnet.replication.codec import Values
from ecsnet.replication.frames import encode_full, encode_records
from ecsnet.replication.schema import Record
from ecsnet.wire import TICK_MASK, Tick, is_newer, pack_varint

if TYPE_CHECKING:
    from ecsnet.replication.audiences import Audience, AudienceKey
    from ecsnet.replication.subscriber import Subscriber

__all__ = ["Column", "Kind", "Row", "Standing", "Tracked"]


class Standing(NamedTuple):
    """What decides who sees an entity, together with each client's view.

    Attributes:
        public: Who gets what all who see the entity may know; None where `viewers` says it.
        team: Who gets what is for its team; None without a team or such records.
        viewers: The clients that see it, if they are named.
        bounds: What it takes of these besides, as of an audience.
        keeper: The owner of the entity, or of the topmost one it is part of: sees it in any case.
        owner: The client that gets it whole, if it sees it.
        number: Of its team; 0: none.
        family: The topmost entity it is part of, or itself if it has parts; 0 where it stands alone.
    """

    public: "Audience | None" = None
    team: "Audience | None" = None
    viewers: frozenset[int] | None = None
    bounds: "AudienceKey | None" = None
    keeper: int = 0
    owner: int = 0
    number: int = 0
    family: int = 0

    def names(self, subscriber: "Subscriber") -> bool:
        """Tell whether a client is one of those named, and in one of the rooms and within reach if that matters."""
        return (
            self.viewers is not None
            and subscriber.client_id in self.viewers
            and (self.bounds is None or subscriber.view.sees(self.bounds))
        )

    def audiences(self) -> "list[Audience]":
        """Return those it is a member of."""
        return [audience for audience in (self.public, self.team) if audience is not None]


class Tracked:
    """An entity clients may hear of, as last encoded.

    Attributes:
        id_bytes: Its network id as it stands in every message.
        owner: The client that owns it; 0 is the server.
        standing: Who sees it.
        packed: The bytes of each of its records, by record id, in the order of ids.
        referring: The values of those that name other entities, as last encoded.
        naming: The entities these name; kept by interest.
        changed_at: The tick each record last changed, by record id; of what is withheld, the tick it is told.
        withheld_at: The tick of the last change, of records withheld from all but who steers the entity.
        structured_at: The tick it appeared, or last gained or lost a record.
    """

    __slots__ = (
        "_full", "changed_at", "id", "id_bytes", "kind", "naming", "owner", "packed", "referring", "row", "standing",
        "structured_at", "withheld_at",
    )  # fmt: skip

    def __init__(self, entity: int) -> None:
        """Start outside of every kind; `Kind.add` brings it in."""
        self.id = entity
        self.id_bytes = pack_varint(entity)
        self.kind: Kind
        self.row = 0
        self.owner = 0
        self.standing = Standing()
        self.packed: dict[int, bytes] = {}
        self.referring: dict[int, Values] = {}
        self.naming: dict[int, None] = {}
        self.changed_at: dict[int, Tick] = {}
        self.withheld_at: dict[int, Tick] = {}
        self.structured_at: Tick = 0
        self._full: tuple[Tick, int, bytes] = (0, 0, b"")

    def __repr__(self) -> str:
        """Show the entity and what it is made of."""
        return f"Tracked({self.id}, {[record.name for record in self.kind.records]}, owner={self.owner})"

    def is_steered_by(self, client_id: int) -> bool:
        """Tell whether a client's inputs drive it."""
        return self.kind.is_steered and self.owner == client_id

    def visible_to(self, subscriber: "Subscriber") -> int:
        """Return the records a client may see, as bits: the one place that decides it."""
        standing, client_id = self.standing, subscriber.client_id
        if standing.viewers is not None:
            is_seen = standing.names(subscriber)
        else:
            is_seen = standing.public is not None and subscriber.view in standing.public.views
        if not is_seen and standing.keeper != client_id:
            return 0
        kind = self.kind
        if standing.owner == client_id:
            return kind.bits
        if standing.number and standing.number == subscriber.view.key.team:
            return kind.public_bits | kind.team_bits
        return kind.public_bits

    def repack(self, entities: "Mapping[int, Tracked]") -> None:
        """Encode anew what names other entities, of which another one is there now; gone ones are nobody."""

        def there(entity: int) -> int:
            return entity if entity in entities else 0

        for i, values in self.referring.items():
            codec = self.kind.codecs[i]
            self.packed[i] = codec.pack_values(*codec.map_refs(values, there))

    def named(self) -> list[int]:
        """Return the entities its values name."""
        codecs = self.kind.codecs
        return [entity for i, values in self.referring.items() for entity in codecs[i].refs(values) if entity]

    def unchanged_since(self, bits: int, tick: Tick) -> int:
        """Return which of the records nobody has been told anything newer of than at `tick`."""
        if is_newer(self.structured_at, tick):
            return 0  # all who see it got, or get, a full that is newer
        for record_id, changed_at in self.changed_at.items():
            if bits >> record_id & 1 and is_newer(changed_at, tick):
                bits ^= 1 << record_id
        return bits

    def changed_since(self, tick: Tick) -> int:
        """Return which of the records hold another value than at `tick`, whoever was told.

        HOT: once per steered entity per send tick, so `is_newer` is written out; tests/bench/bench_replication.py.
        """
        bits = 0
        for i, at in self.changed_at.items():
            if 0 < (at - tick) & TICK_MASK <= _HALF:
                bits |= 1 << i
        for i, at in self.withheld_at.items():
            if 0 < (at - tick) & TICK_MASK <= _HALF:
                bits |= 1 << i
        return bits

    def full(self, bits: int, tick: Tick) -> bytes:
        """Return its full of these records, encoded once a tick for all who see the same."""
        if self._full[:2] != (tick, bits):
            ids = [i for i in self.packed if bits >> i & 1]
            self._full = (tick, bits, encode_full(self.id_bytes, encode_records(ids), [self.packed[i] for i in ids]))
        return self._full[2]


_HALF = TICK_MASK >> 1
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
        team_bits: Those that its owner and its team get.
        ref_bits: Those whose values name other entities.
        is_paused: They stay as they are: there is no column to look at.
        is_steered: Whether the game's input component is among them.
        marks: Of each component that marks itself, the entities where it was written since the last look.
        once_bits: Those that travel with a full alone.
        steered_bits: The records a client that steers the entity is told of at once; tags, the input itself and what
            travels once have nothing to say.
    """

    __slots__ = (
        "bits", "codecs", "columns", "is_paused", "is_steered", "marks", "members", "once_bits", "public_bits",
        "records", "ref_bits", "steered_bits", "team_bits",
    )  # fmt: skip

    def __init__(self, records: tuple[Record, ...], input_component: type | None, *, is_paused: bool = False) -> None:
        """Start without entities."""
        self.is_paused = is_paused
        self.records = records
        self.members: list[Tracked] = []
        self.is_steered = any(record.cls is input_component for record in records)
        # What is steered is compared in every send, marked or not: its owner gets the values of exactly that tick.
        self.marks: dict[type, set[int]] = {
            record.cls: set() for record in records if record.is_marked and not self.is_steered and not is_paused
        }
        changing = [record for record in records if record.fields and not record.once]
        self.columns = [] if is_paused else [Column(record, self.marks.get(record.cls)) for record in changing]
        self.codecs = {record.id: record.codec for record in records}
        self.bits = sum(record.bit for record in records)
        self.public_bits = sum(record.bit for record in records if record.audience is EVERYONE)
        self.team_bits = sum(record.bit for record in records if record.audience is TEAM)
        self.ref_bits = sum(record.bit for record in records if record.codec.has_refs)
        self.once_bits = sum(record.bit for record in records if record.once)
        self.steered_bits = sum(record.bit for record in changing)

    def add(
        self, tracked: Tracked, components: dict[type, object], values: dict[int, Values], packed: dict[int, bytes]
    ) -> None:
        """Append an entity as it is now.

        Args:
            values: By record id.
            packed: The same, encoded.
        """
        tracked.packed = packed
        tracked.referring = {i: values[i] for i, codec in self.codecs.items() if codec.has_refs}
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
