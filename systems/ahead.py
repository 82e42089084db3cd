"""Ahead: entities that a client made or took away before the server did, until it is known what the server does.

An entity made ahead is known by who made it, when, and as how many-th in that tick: the server's has the same written
on it (`Spawned`), and is then taken for the one that is there (`adopt`). When prediction goes back to a tick before it
was made, it is set aside; simulated again it is found again, the same entity, or, if it is not made this time, deleted.
One that the server never speaks of is deleted after a while.

An entity deleted ahead is set aside as well: all its components are taken from it, so nobody finds it. They come back
when prediction goes back to before that, or when the server has not deleted it after a while.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, TypeAlias

from ecsnet.components.predicted import Predicted
from ecsnet.components.spawned import Spawned
from ecsnet.events import DespawnReason
from ecsnet.replication.codec import Values
from ecsnet.replication.receiver import Receiver
from ecsnet.wire import Tick, is_newer, tick_difference
from ecsnet.world import World

__all__ = ["Ahead"]

Key: TypeAlias = tuple[int, Tick, int]  # who made it, when, as how many-th: as in Spawned

MOST_MADE = 256  # that the server has not spoken of; of more, the oldest are deleted


class Aside(NamedTuple):
    """An entity that nobody finds.

    Attributes:
        since: The tick that deleted it; of one that is about to be made again, the tick that made it.
    """

    since: Tick
    components: Sequence[object]


class Ahead:
    """What one client made and deleted ahead of the server.

    Attributes:
        is_stale: An entity came back outside of a replay, and stands where it once was.
    """

    def __init__(self, world: World, receiver: Receiver, *, patience_ticks: int) -> None:
        """Begin with nothing.

        Args:
            patience_ticks: For how long the server may say nothing of what was made, or keep what was deleted.
        """
        self._world = world
        self._receiver = receiver
        self._patience_ticks = patience_ticks
        self._made: dict[Key, int] = {}  # by key, the entity
        self._unconfirmed: dict[int, Key] = {}  # of these, those the server has not spoken of
        self._aside: dict[int, Aside] = {}
        self._awaited: dict[int, Key] = {}  # during a replay: made in ticks that are still to be simulated again
        self._told: dict[int, None] = {}  # what the game believes to be gone
        self.is_stale = False
        receiver.adopt = self._adopt

    def __repr__(self) -> str:
        """Show how much is open."""
        return f"Ahead({len(self._unconfirmed)} unconfirmed, {len(self._aside)} aside)"

    def spawn(self, parts: Sequence[object]) -> int:
        """Return the entity made of these parts: a new one, or the one made when this tick was simulated before."""
        spawned = next(part for part in parts if isinstance(part, Spawned))
        key = spawned.by, spawned.tick, spawned.number
        entity = self._made.get(key)
        if entity is None or not self._world.entity_exists(entity):
            entity = self._world.create_entity(*parts, Predicted())
            self._made[key], self._unconfirmed[entity] = entity, key
            self._receiver.news.note_spawned(entity)
            if len(self._unconfirmed) > MOST_MADE:
                self._discard(next(iter(self._unconfirmed)))
            return entity
        self._awaited.pop(entity, None)
        self._reveal(entity)
        for part in parts:
            self._world.add_component(entity, part)
        return entity

    def hide(self, entity: int) -> None:
        """Set an entity aside that was deleted in the World's tick."""
        self._set_aside(entity, self._world.tick)

    def rewind(self, tick: Tick) -> None:
        """Go back: give back what was deleted after a tick, set aside what was made after it."""
        for entity in [entity for entity, aside in self._aside.items() if is_newer(aside.since, tick)]:
            self._reveal(entity)
        for key, entity in self._made.items():
            if is_newer(key[1], tick) and self._world.entity_exists(entity):
                self._awaited[entity] = key
                self._set_aside(entity, key[1])

    def settle(self) -> None:
        """End a replay: what was not made again was a mistake, unless the server has made it."""
        awaited, self._awaited = self._awaited, {}
        for entity in awaited:
            if entity in self._unconfirmed:
                self._discard(entity)
            else:
                self._reveal(entity)
                self._receiver.restore(entity)

    def expire(self, confirmed: Tick) -> None:
        """Give up what the server has not confirmed in time, the newest tick known of it being `confirmed`."""
        for entity, key in list(self._unconfirmed.items()):
            if tick_difference(confirmed, key[1]) > self._patience_ticks:
                self._discard(entity)
        for key, entity in list(self._made.items()):
            if entity not in self._unconfirmed and not is_newer(key[1], confirmed):
                del self._made[key]  # nobody goes back that far
        for entity, aside in list(self._aside.items()):
            if not self._world.entity_exists(entity):
                del self._aside[entity]
            elif tick_difference(confirmed, aside.since) > self._patience_ticks:
                self._reveal(entity)
                self._receiver.restore(entity)
                self.is_stale = True

    def tell(self) -> None:
        """Note for the game what came back and what is gone, after all ticks of an update."""
        news = self._receiver.news
        for entity in [entity for entity in self._told if entity not in self._aside]:
            del self._told[entity]
            if self._world.entity_exists(entity):
                news.note_revealed(entity)
        for entity, aside in self._aside.items():
            if entity not in self._told:
                self._told[entity] = None
                news.note_hidden(entity, aside.components)

    def _adopt(self, values: Values) -> int:
        """Return the entity made here that the server's `Spawned` stands for; 0 if there is none."""
        by, tick, number = values
        assert isinstance(by, int)
        assert isinstance(tick, int)
        assert isinstance(number, int)
        entity = self._made.get((by, tick, number), 0)
        if entity not in self._unconfirmed or not self._world.entity_exists(entity):
            return 0
        del self._unconfirmed[entity]
        if entity in self._aside:  # deleted here already; the server's values shall find their components
            self._reveal(entity)
            self.is_stale = True
        return entity

    def _set_aside(self, entity: int, since: Tick) -> None:
        components = self._world.components_for_entity(entity) if self._world.entity_exists(entity) else ()
        if not components:
            return  # set aside before, or never anything
        self._take(entity, components)
        self._aside[entity] = Aside(since, components)

    def _take(self, entity: int, components: Iterable[object]) -> None:
        for component in components:
            self._world.remove_component(entity, type(component))

    def _reveal(self, entity: int) -> None:
        aside = self._aside.pop(entity, None)
        if aside is not None and self._world.entity_exists(entity):
            for component in aside.components:
                self._world.add_component(entity, component)

    def _discard(self, entity: int) -> None:
        """Delete for good what was made here by mistake."""
        key = self._unconfirmed.pop(entity)
        self._made.pop(key, None)
        self._reveal(entity)
        if self._world.entity_exists(entity):
            self._receiver.news.note_despawn(entity, DespawnReason.DELETED)
            self._world.delete_entity(entity)
