"""Entities named inside values: their network ids become this World's entities, also when they arrive later.

A field that names an entity this client does not have, or has no longer, is 0. As soon as the entity arrives the field
is set, without the holder being sent again.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from ecsnet.replication.codec import Values

__all__ = ["Holder", "References"]

Holder: TypeAlias = tuple[int, int]  # (network id of the entity, record id) whose values name another entity


class References:
    """Who names whom, by network id. As large as the values that name entities, and no larger."""

    __slots__ = ("_entity_of", "_holders", "_named")

    def __init__(self, entity_of: Callable[[int], int]) -> None:
        """Start empty.

        Args:
            entity_of: Returns the entity of a network id, 0 if there is none.
        """
        self._entity_of = entity_of
        self._named: dict[Holder, Values] = {}  # the values as received, with network ids
        self._holders: dict[int, dict[Holder, None]] = {}  # who names a network id

    def map(self, holder: Holder, values: Values, positions: Sequence[int]) -> Values:
        """Remember a record's values as received; return them with entities of this World.

        Args:
            positions: Which of the values are network ids.
        """
        self.forget(holder, positions)
        self._named[holder] = values
        for target in _targets(values, positions):
            self._holders.setdefault(target, {})[holder] = None
        return self.mapped(holder, positions)

    def named(self, holder: Holder) -> Values:
        """Return a record's values as received, with network ids."""
        return self._named[holder]

    def as_named(self, holder: Holder, values: Values, positions: Sequence[int]) -> Values:
        """Return a record's values with the network ids it was received with in place of entities."""
        named = self._named[holder]
        return tuple([named[at] if at in positions else value for at, value in enumerate(values)])

    def mapped(self, holder: Holder, positions: Sequence[int]) -> Values:
        """Return a record's values with the entities of now."""
        mapped = list(self._named[holder])
        for position in positions:
            target = mapped[position]
            assert isinstance(target, int)
            mapped[position] = self._entity_of(target)
        return tuple(mapped)

    def forget(self, holder: Holder, positions: Sequence[int]) -> None:
        """Drop a record that is replaced or gone."""
        for target in _targets(self._named.pop(holder, None), positions):
            holders = self._holders.get(target, {})
            holders.pop(holder, None)
            if not holders:
                self._holders.pop(target, None)

    def holders_of(self, network_id: int) -> list[Holder]:
        """Return the records that name an entity, which has just come or gone."""
        return list(self._holders.get(network_id, ()))


def _targets(values: Values | None, positions: Sequence[int]) -> Iterable[int]:
    if values is None:
        return []
    return [target for target in (values[position] for position in positions) if isinstance(target, int) and target]
