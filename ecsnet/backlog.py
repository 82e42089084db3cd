"""Backlog: what waits to be written to a store. Of one thing only the newest counts, so that an outage stays cheap."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TypeVar

from ecsnet.storage.store import Batch, Match, Save, SaveName, Snapshot, StoredEvent

__all__ = ["Backlog", "named", "single_batches"]

GAP = "gap"  # the kind of event that stands for those that were not kept

K = TypeVar("K")
V = TypeVar("V")


@dataclass(slots=True, eq=False)
class Backlog:
    """What waits.

    Attributes:
        max_events: More are counted only; see `_count`. Of matches and of removed saves, as many.
        max_snapshots: Each holds a whole World.
        replaced: How many snapshots were, by newer ones, before they were written.
        uncounted: How many events were not kept.
        crowded_out: How many matches and removals were not.
    """

    max_events: int
    max_snapshots: int
    matches: dict[str, Match] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    saves: dict[SaveName, Save] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    removed: dict[SaveName, None] = field(default_factory=dict)
    gaps: dict[str, StoredEvent] = field(default_factory=dict)
    replaced: int = 0
    uncounted: int = 0
    crowded_out: int = 0

    def __bool__(self) -> bool:
        """Tell whether anything waits."""
        return bool(self.matches or self.events or self.saves or self.snapshots or self.removed or self.gaps)

    def __len__(self) -> int:
        """Count what waits."""
        return sum(map(len, (self.matches, self.events, self.saves, self.snapshots, self.removed, self.gaps)))

    def add(self, batch: Batch) -> None:
        """Put something behind what waits already."""
        for match in batch.matches:
            self.crowded_out += _put(self.matches, match.id, match, self.max_events)
        for event in batch.events:
            if len(self.events) < self.max_events and not _gap_events(event):
                self.events.append(event)
            else:
                self._count(event)
        for snapshot in batch.snapshots:
            self.replaced += snapshot.match in self.snapshots
            self.replaced += _put(self.snapshots, snapshot.match, snapshot, self.max_snapshots)
        for name in batch.removed:
            self.saves.pop(name, None)
            self.crowded_out += _put(self.removed, name, None, self.max_events)
        for save in batch.saves:
            self.removed.pop(save.name, None)
            self.saves[save.name] = save

    def take(self) -> Batch:
        """Return and forget all of it."""
        batch = Batch(
            list(self.matches.values()),
            [*self.events, *self.gaps.values()],
            list(self.saves.values()),
            list(self.snapshots.values()),
            list(self.removed),
        )
        for waiting in (self.matches, self.events, self.saves, self.snapshots, self.removed, self.gaps):
            waiting.clear()
        return batch

    def put_back(self, batch: Batch) -> None:
        """Put what could not be written before what has come since."""
        newer = self.take()
        self.add(batch)
        self.add(newer)

    def _count(self, event: StoredEvent) -> None:
        """Note in the place of the first event that is not kept how many there were.

        Args:
            event: One that is not, or what stands for some, and was put back.
        """
        before, more = self.gaps.get(event.match), _gap_events(event)
        self.uncounted += not more
        count = (0 if before is None else _gap_events(before)) + (more or 1)
        until = event.data["until"] if more else event.time
        data = {"events": count, "until": until}
        self.gaps[event.match] = replace(before or event, kind=GAP, players=(), data=data)


def _gap_events(event: StoredEvent) -> int:
    """Return for how many events one stands that were not kept; 0: it is one of a game's."""
    count = event.data.get("events")
    return count if event.kind == GAP and isinstance(count, int) and "until" in event.data else 0


def _put(waiting: dict[K, V], key: K, value: V, most: int) -> bool:
    """Put something last, and tell whether the first had to go for it."""
    waiting.pop(key, None)
    waiting[key] = value
    if len(waiting) <= most:
        return False
    del waiting[next(iter(waiting))]
    return True


def single_batches(batch: Batch) -> Iterator[Batch]:
    """Yield each part of a batch alone, in an order in which one may depend on those before it."""
    for match in batch.matches:
        yield Batch(matches=[match])
    for event in batch.events:
        yield Batch(events=[event])
    for save in batch.saves:
        yield Batch(saves=[save])
    for snapshot in batch.snapshots:
        yield Batch(snapshots=[snapshot])
    for name in batch.removed:
        yield Batch(removed=[name])


def named(single: Batch) -> str:
    """Return what a batch of one is about; not what is in it, which is not for a log: names, passwords of rooms."""
    told = [f"match {match.id}" for match in single.matches]
    told += [f"event {event.number} of {event.match}, {event.kind}" for event in single.events]
    told += [f"{save.name}, revision {save.revision}" for save in single.saves]
    told += [f"the snapshot of {snapshot.match} at tick {snapshot.tick}" for snapshot in single.snapshots]
    told += [f"that {name} is gone" for name in single.removed]
    return " and ".join(told)
