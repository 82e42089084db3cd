"""What a client predicted for the last ticks: to compare with what the server says of them, and to go back to."""

from typing import TypeAlias

from ecsnet.replication.codec import Values
from ecsnet.wire import Tick

__all__ = ["History", "Snapshot"]

Snapshot: TypeAlias = dict[tuple[int, int], Values]  # by entity and record id


class History:
    """The snapshots of the last `capacity` ticks."""

    __slots__ = ("_by_tick", "_capacity")

    def __init__(self, capacity: int) -> None:
        """Begin with none."""
        self._capacity = capacity
        self._by_tick: dict[Tick, Snapshot] = {}

    def __repr__(self) -> str:
        """Show how far back it reaches."""
        return f"History({len(self._by_tick)} ticks)"

    def record(self, tick: Tick, snapshot: Snapshot) -> None:
        """Keep the outcome of a tick; one of a tick simulated before takes its place."""
        self._by_tick[tick] = snapshot
        while len(self._by_tick) > self._capacity:
            del self._by_tick[next(iter(self._by_tick))]

    def at(self, tick: Tick) -> Snapshot | None:
        """Return the outcome of a tick; None if it is too long ago or was not simulated."""
        return self._by_tick.get(tick)

    def values(self, tick: Tick, entity: int, record_id: int) -> Values | None:
        """Return what a record of an entity held after a tick; None if that is not known."""
        snapshot = self._by_tick.get(tick)
        return None if snapshot is None else snapshot.get((entity, record_id))
