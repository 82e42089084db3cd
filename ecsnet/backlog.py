"""Backlog: what waits to be written to a store. Of one thing only the newest counts, so that an outage stays cheap."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from ecsnet.storage.store import Batch, Match, Save, SaveName, Snapshot, StoredEvent

__all__ = ["Backlog", "single_batches"]


@dataclass(slots=True, eq=False)
class Backlog:
    """What waits.

    Attributes:
        max_events: More are counted only; see `_count`.
        replaced: How many snapshots were, by newer ones of their match, before they were written.
        uncounted: How many events were not kept.
    """

    max_events: int
    matches: dict[str, Match] = field(default_factory=dict)
    events: list[StoredEvent] = field(default_factory=list)
    saves: dict[SaveName, Save] = field(default_factory=dict)
    snapshots: dict[str, Snapshot] = field(default_factory=dict)
    removed: dict[SaveName, None] = field(default_factory=dict)
    gaps: dict[str, StoredEvent] = field(default_factory=dict)
    replaced: int = 0
    uncounted: int = 0

    def __bool__(self) -> bool:
        """Tell whether anything waits."""
        return bool(self.matches or self.events or self.saves or self.snapshots or self.removed or self.gaps)

    def __len__(self) -> int:
        """Count what waits."""
        return sum(map(len, (self.matches, self.events, self.saves, self.snapshots, self.removed, self.gaps)))

    def add(self, batch: Batch) -> None:
        """Put something behind what waits already."""
        for match in batch.matches:
            self.matches[match.id] = match
        for event in batch.events:
            if len(self.events) < self.max_events:
                self.events.append(event)
            else:
                self._count(event)
        for snapshot in batch.snapshots:
            self.replaced += snapshot.match in self.snapshots
            self.snapshots[snapshot.match] = snapshot
        for name in batch.removed:
            self.saves.pop(name, None)
            self.removed[name] = None
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
        """Note in the place of the first event that is not kept how many there were."""
        self.uncounted += 1
        gap = self.gaps.get(event.match)
        if gap is None:
            self.gaps[event.match] = replace(event, kind="gap", players=(), data={"events": 1, "until": event.time})
            return
        count = gap.data["events"]
        assert isinstance(count, int)
        self.gaps[event.match] = replace(gap, data={"events": count + 1, "until": event.time})


def single_batches(batch: Batch) -> Iterator[Batch]:
    """Yield each part of a batch alone, in an order in which one may depend on those before it."""
    for match in batch.matches:
        yield Batch(matches=[match])
    for event in batch.events:
        yield Batch(events=[event])
    for name in batch.removed:
        yield Batch(removed=[name])
    for save in batch.saves:
        yield Batch(saves=[save])
    for snapshot in batch.snapshots:
        yield Batch(snapshots=[snapshot])
