"""What came too early: values for entities or records this client does not know yet.

Their full is still on its way, or was lost. They are kept until it arrives; bounded, since it may never.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from ecsnet.config import ReplicationConfig
from ecsnet.replication.codec import Values
from ecsnet.wire import Tick, is_newer, tick_difference

__all__ = ["EarlyBuffer"]

VALUE_BYTES = 64  # counted for each value beside its bytes on the wire: tuples take memory, too


@dataclass(slots=True, eq=False)
class _Waiting:
    """What waits for one entity: the newest values of each record; `since` is the newest tick among them."""

    since: Tick
    values: dict[int, tuple[Tick, Values, int]] = field(default_factory=dict)  # record id -> tick, values, bytes


class EarlyBuffer:
    """Newest values by entity and record; the entity that waited longest goes first when there is no room.

    Attributes:
        dropped: Entities whose values were given up.
    """

    __slots__ = ("_bytes", "_config", "_entities", "dropped")

    def __init__(self, config: ReplicationConfig) -> None:
        """Start empty."""
        self._config = config
        self._entities: dict[int, _Waiting] = {}
        self._bytes = 0
        self.dropped = 0

    def __repr__(self) -> str:
        """Show how full it is."""
        return f"EarlyBuffer({len(self._entities)} entities, {self._bytes} B, dropped={self.dropped})"

    def __len__(self) -> int:
        """Return for how many entities values wait."""
        return len(self._entities)

    def hold(self, network_id: int, record_id: int, tick: Tick, values: Values, size: int) -> None:
        """Keep a record's values unless newer ones wait already.

        Args:
            size: What they took on the wire, in bytes.
        """
        waiting = self._entities.get(network_id)
        if waiting is None:
            waiting = self._entities[network_id] = _Waiting(tick)
        held = waiting.values.get(record_id)
        if held is not None and not is_newer(tick, held[0]):
            return
        size += VALUE_BYTES
        waiting.values[record_id] = (tick, values, size)
        waiting.since = tick if is_newer(tick, waiting.since) else waiting.since
        self._bytes += size - (held[2] if held else 0)
        while len(self._entities) > self._config.early_entities or self._bytes > self._config.early_bytes:
            self._drop_oldest()

    def release(self, network_id: int) -> Iterator[tuple[int, Tick, Values, int]]:
        """Take out all that waits for an entity, as (record id, tick, values, bytes on the wire)."""
        waiting = self._entities.pop(network_id, None)
        if waiting is None:
            return
        for record_id, (tick, values, size) in waiting.values.items():
            self._bytes -= size
            yield record_id, tick, values, size - VALUE_BYTES

    def expire(self, now: Tick) -> None:
        """Give up what waited too long. Entities are looked at in order of arrival, so this is quick when none did."""
        while self._entities:
            oldest = self._entities[next(iter(self._entities))]
            if tick_difference(now, oldest.since) <= self._config.early_ticks:
                return
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        for _ in self.release(next(iter(self._entities))):
            pass
        self.dropped += 1
