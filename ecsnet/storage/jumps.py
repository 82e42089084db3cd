"""Jumps: values that changed faster between two snapshots than the game allows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ecsnet.errors import EcsnetError
from ecsnet.quoting import counted, printable
from ecsnet.storage.documents import mapping_in, number_at, number_in
from ecsnet.storage.people import Person
from ecsnet.storage.questions import Standing
from ecsnet.storage.store import Document, Snapshot
from ecsnet.wire import tick_difference

__all__ = ["Jump", "jumps"]

MOVED = "Transform2D."  # what a teleport sets
TELEPORTS = "Teleports.count"
MAX_NAMED = 40  # fields that an error names


@dataclass(frozen=True, slots=True)
class Jump:
    """A value that changed too fast.

    Attributes:
        person: Whose entity it is.
        tick: Of the second snapshot, as its time.
        lasted: Seconds of the match between the two.
        per_second: How fast it changed.
        teleported: The game itself put the entity elsewhere meanwhile.
    """

    entity: int
    person: Person
    field: str
    tick: int
    time: float
    lasted: float
    before: float
    after: float
    per_second: float
    teleported: bool


def jumps(
    snapshots: Iterable[Snapshot], fields: Sequence[str], per_second: float, *, tick_rate_hz: float
) -> Iterator[Jump]:
    """Compare each snapshot with the one before; both must have an entity for it to have jumped.

    Args:
        snapshots: Of one match, oldest first.
        fields: Such as "Transform2D.x"; "Inventory.items.sword" for what is further inside.
        per_second: How fast a value may change.
        tick_rate_hz: Of the match: by its own time, since its server may have been down in between.

    Raises:
        EcsnetError: There are no two snapshots, or no time between them; or no entity ever had a number there: the text
            names the numbers that are there.
    """
    if tick_rate_hz <= 0:
        raise EcsnetError(f"{tick_rate_hz:g} ticks a second are no time to compare by")
    search = _Search(fields)
    for before, after in pairwise(map(search.look, snapshots)):
        yield from _compared(before, after, per_second, tick_rate_hz)
    search.conclude()


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a snapshot says of one entity."""

    values: dict[str, float]
    teleports: float | None
    person: Person


@dataclass(frozen=True, slots=True)
class _World:
    """What a snapshot says of all."""

    snapshot: Snapshot
    entities: dict[int, _Seen]


class _Search:
    """Looks for fields, and knows which were nowhere."""

    def __init__(self, fields: Sequence[str]) -> None:
        self._fields = fields
        self._missing = dict.fromkeys(fields)
        self._others: dict[str, None] = {}
        self._looks = 0

    def look(self, snapshot: Snapshot) -> _World:
        """Take from a snapshot what is looked for."""
        self._looks += 1
        standing = Standing(snapshot.players)
        seen = {number_in(entity, "entity") or 0: self._seen(entity, standing) for entity in snapshot.entities}
        return _World(snapshot, seen)

    def conclude(self) -> None:
        """Refuse to say nothing where there was nothing to find: it would look like a clean match."""
        if self._looks < 2:  # noqa: PLR2004  # it takes two
            kept = counted(self._looks, "snapshot is", "snapshots are")
            raise EcsnetError(f"{kept} kept of it: nothing to compare")
        if self._missing:
            missing = next(iter(self._missing))
            near = f"{missing.partition('.')[0]}."  # first those of the component that was named
            others = sorted(self._others, key=lambda field: (not field.startswith(near), field))
            listed = ", ".join(others[:MAX_NAMED]) + ", ..." * (len(others) > MAX_NAMED)
            raise EcsnetError(f"no entity has a number at {missing!r}; there are numbers at {printable(listed)}")

    def _seen(self, entity: Document, standing: Standing) -> _Seen:
        components = mapping_in(entity, "components")
        values = {field: value for field in self._fields if (value := number_at(components, field)) is not None}
        if self._missing:
            self._others |= dict.fromkeys(_numbers_of(components))
            for field in values:
                self._missing.pop(field, None)
        return _Seen(values, number_at(components, TELEPORTS), standing.of(entity))


def _compared(before: _World, after: _World, per_second: float, tick_rate_hz: float) -> Iterator[Jump]:
    """Compare what both have."""
    lasted = tick_difference(after.snapshot.tick, before.snapshot.tick) / tick_rate_hz
    for entity, new in after.entities.items():
        old = before.entities.get(entity)
        for field, was, value in _pairs(old, new):
            if abs(value - was) > per_second * lasted:
                yield Jump(
                    entity=entity,
                    person=new.person,
                    field=field,
                    tick=after.snapshot.tick,
                    time=after.snapshot.time,
                    lasted=lasted,
                    before=was,
                    after=value,
                    per_second=abs(value - was) / lasted,
                    teleported=field.startswith(MOVED) and old is not None and new.teleports != old.teleports,
                )


def _pairs(old: _Seen | None, new: _Seen) -> Iterator[tuple[str, float, float]]:
    """Return field, old value and new value of what both have."""
    if old is not None:
        for field, value in new.values.items():
            if field in old.values:
                yield field, old.values[field], value


def _numbers_of(components: Mapping[str, object]) -> Iterator[str]:
    """Return the fields that hold numbers."""
    for component, fields in components.items():
        for field in fields if isinstance(fields, Mapping) else ():
            if number_at(fields, field) is not None:
                yield f"{component}.{field}"
