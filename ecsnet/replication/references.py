"""Entities named inside values: their network ids become this World's entities, also when they arrive later.

A field that names an entity this client does not have, or has no longer, is 0. As soon as the entity arrives the field
is set, without the holder being sent again.
"""

from collections.abc import Callable
from typing import TypeAlias

from ecsnet.replication.codec import RecordCodec, Values

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

    def map(self, holder: Holder, values: Values, codec: RecordCodec) -> Values:
        """Remember a record's values as received; return them with entities of this World."""
        self.forget(holder, codec)
        self._named[holder] = values
        for target in codec.refs(values):
            self._holders.setdefault(target, {})[holder] = None
        return self.mapped(holder, codec)

    def named(self, holder: Holder) -> Values:
        """Return a record's values as received, with network ids."""
        return self._named[holder]

    def as_named(self, holder: Holder, codec: RecordCodec, values: Values, name_of: Callable[[int], int]) -> Values:
        """Return a record's values with network ids in place of entities: those received, where these stand for them.

        Args:
            values: With entities of this World.
            name_of: Returns the network id of an entity.
        """
        named = self._named[holder]
        return named if self.mapped(holder, codec) == values else codec.map_refs(values, name_of)

    def mapped(self, holder: Holder, codec: RecordCodec) -> Values:
        """Return a record's values with the entities of now."""
        return codec.map_refs(self._named[holder], self._entity_of)

    def forget(self, holder: Holder, codec: RecordCodec) -> None:
        """Drop a record that is replaced or gone."""
        values = self._named.pop(holder, None)
        for target in () if values is None else codec.refs(values):
            holders = self._holders.get(target, {})
            holders.pop(holder, None)
            if not holders:
                self._holders.pop(target, None)

    def holders_of(self, network_id: int) -> list[Holder]:
        """Return the records that name an entity, which has just come or gone."""
        return list(self._holders.get(network_id, ()))
