"""What entities are called toward one client: their own numbers, or one that tells nothing where clients are named.

An entity's number counts all that ever came to life, so a client could read from it what happens where it does not
look. One that only certain clients see (`VisibleTo`) therefore gets a number of its own toward each of them, and
another each time it comes into view.
"""

from ecsnet.replication.kinds import Tracked
from ecsnet.wire import pack_varint

__all__ = ["FIRST_ALIAS", "Names"]

FIRST_ALIAS = 0xE000_0000  # beyond any entity: at 1,000 a second the World counts that far in 43 days
ALIASES = 1 << 29  # used in turn; by then the first is long forgotten


class Names:
    """The network ids of the entities one client may know."""

    __slots__ = ("_aliases", "_entities", "_next")

    def __init__(self) -> None:
        """Call all by their own numbers."""
        self._aliases: dict[int, int] = {}  # by entity
        self._entities: dict[int, int] = {}  # by alias
        self._next = 0

    def of(self, entity: int) -> int:
        """Return the network id of an entity."""
        return self._aliases.get(entity, entity) if self._aliases else entity

    def entity_of(self, network_id: int) -> int:
        """Return the entity of a network id; 0 for one of this client's own that means nobody any more."""
        return network_id if network_id < FIRST_ALIAS else self._entities.get(network_id, 0)

    def bytes_of(self, tracked: Tracked) -> bytes:
        """Return the network id as it stands in messages."""
        alias = self._aliases.get(tracked.id) if self._aliases else None
        return tracked.id_bytes if alias is None else pack_varint(alias)

    def give(self, tracked: Tracked) -> None:
        """Call an entity that came into view by a number of its own, if its viewers are named."""
        if tracked.standing.viewers is not None and tracked.id not in self._aliases:
            alias = self._aliases[tracked.id] = FIRST_ALIAS + self._next
            self._entities[alias] = tracked.id
            self._next = (self._next + 1) % ALIASES

    def take(self, entity: int) -> int:
        """Forget the network id of an entity that went; return it."""
        network_id = self._aliases.pop(entity, entity)
        self._entities.pop(network_id, None)
        return network_id
