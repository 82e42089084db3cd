"""Ahead: entities that a client made or took away before the server did, until it is known what the server does.

An entity made ahead is known by who made it, when, and as how many-th in that tick: the server's has the same written
on it (`Spawned`), and is then taken for the one that is there (`adopt`). When prediction goes back to a tick before it
was made, it is set aside; simulated again it is found again, the same entity, or, if it is not made this time, deleted.
One that the server never speaks of is deleted after a while.

Most often a wrong prediction of what was made is wrong about the tick: a key came late to the server. So what is made
a few ticks from where it was made before, and not there again, is taken for the same entity: whoever looks at it sees
one bullet that is mended, not one that vanishes and another that appears. The same holds for what the server made.

An entity deleted ahead is set aside as well: all its components are taken from it, so nobody finds it. They come back
when prediction goes back to before that, when the server has something to say of it some ticks later, or when it has
not deleted it after a while.
"""

from collections.abc import Container, Iterable, Sequence
from typing import NamedTuple, TypeAlias

from ecsnet.components.owner import Owner
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
# How far apart what client and server made may be and still be one: as for `World.once`, a correction moves what
# happened by a tick or two. Further off it is rather the next bullet than the same.
SAME_TICKS = 6


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
        client_id: Whose client this is: what it makes for others nobody would ever confirm to it.
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
        self._doubted: dict[int, None] = {}  # during a replay: made where the server went another way
        self._lent: dict[int, Tick] = {}  # deleted here; back for as long as the server's state is applied
        self._passing: list[int] = []  # made for others, in this tick
        self._discarded: list[int] = []
        self._told: dict[int, None] = {}  # what the game believes to be gone
        self.client_id = 0
        self.is_stale = False
        receiver.adopt, receiver.reveal, receiver.take_hidden = self._adopt, self._lend, self._take_hidden

    def __repr__(self) -> str:
        """Show how much is open."""
        return f"Ahead({len(self._unconfirmed)} unconfirmed, {len(self._aside)} aside)"

    def spawn(self, parts: Sequence[object]) -> int:
        """Return the entity made of these parts: a new one, or the one made when this tick was simulated before."""
        spawned = next(part for part in parts if isinstance(part, Spawned))
        if not any(isinstance(part, Owner) and part.client_id == self.client_id for part in parts):
            self._passing.append(self._world.create_entity(*parts, Predicted()))
            return self._passing[-1]
        key = spawned.by, spawned.tick, spawned.number
        entity = self._found(key)
        if not entity:
            return self._make(key, parts)
        self._awaited.pop(entity, None)
        self._reveal(entity)
        for part in parts:
            self._world.add_component(entity, part)
        return entity

    def _found(self, key: Key) -> int:
        """Return the entity that was made here before, in this tick or one nearby of which it is known to be wrong."""
        entity = self._made.get(key, 0)
        if self._world.entity_exists(entity):
            return entity
        passed = [each for each, (_, tick, _) in self._awaited.items() if is_newer(key[1], tick)]
        entity = self._nearest(key, [*self._doubted, *passed])
        if entity:
            self._rename(entity, key)
            self._doubted.pop(entity, None)
        return entity

    def _make(self, key: Key, parts: Sequence[object]) -> int:
        entity = self._world.create_entity(*parts, Predicted())
        self._made[key], self._unconfirmed[entity] = entity, key
        self._receiver.news.note_spawned(entity)
        if len(self._unconfirmed) > MOST_MADE:
            self._discard(next(iter(self._unconfirmed)))
        return entity

    def _nearest(self, key: Key, entities: Iterable[int]) -> int:
        """Return which of these entities was made nearest to a key that was not made here; 0 if none was.

        Args:
            key: With 0 for who made it: whoever it was, the client does not see it any more.
        """
        by, tick, _ = key
        found = [
            (abs(tick_difference(made, tick)), at, entity)
            for at, entity in enumerate(entities)
            for maker, made, _ in (self._unconfirmed.get(entity, (-1, tick, 0)),)
            if maker == by or (by == 0 and maker >= 0)
        ]
        distance, _, entity = min(found, default=(SAME_TICKS + 1, 0, 0))
        return entity if distance <= SAME_TICKS else 0

    def _rename(self, entity: int, key: Key) -> None:
        """Take an entity for what was made at another key than it was."""
        before = self._unconfirmed[entity]
        if self._made.get(before) == entity:
            del self._made[before]
        self._made[key], self._unconfirmed[entity] = entity, key

    def end_tick(self) -> None:
        """Delete what was made for others: it is there only for the systems of that tick."""
        for entity in self._passing:
            self._aside.pop(entity, None)
            self._world.delete_entity(entity)
        self._passing.clear()

    def hide(self, entity: int) -> None:
        """Set an entity aside that was deleted in the World's tick."""
        self._set_aside(entity, self._world.tick)

    def rewind(self, tick: Tick, *, wrong: Container[int] = (), since: Tick | None = None) -> None:
        """Go back: give back what was deleted after a tick, set aside what was made after it.

        Args:
            wrong: Whom the server has otherwise at `tick` than they were predicted.
            since: When they were as predicted: what they made between the two, the server has probably not made.
        """
        self._doubted = {
            entity: None
            for entity, (by, made, _) in self._unconfirmed.items()
            if by in wrong and not is_newer(made, tick) and (since is None or is_newer(made, since))
        }
        for entity in [entity for entity, aside in self._aside.items() if is_newer(aside.since, tick)]:
            self._reveal(entity)
        for key, entity in self._made.items():
            if is_newer(key[1], tick) and self._world.entity_exists(entity):
                self._awaited[entity] = key
                self._set_aside(entity, key[1])

    def settle(self) -> None:
        """End a replay: what was not made again was a mistake, unless the server has made it."""
        awaited, self._awaited = {**self._doubted, **self._awaited}, {}
        self._doubted = {}
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
            elif tick_difference(confirmed, aside.since) > self._patience_ticks or self._lives_on(entity, aside.since):
                self._reveal(entity)
                self._receiver.restore(entity)
                self.is_stale = True

    def _lives_on(self, entity: int, since: Tick) -> bool:
        """Tell whether the server has spoken of an entity as it was some ticks after it was deleted here."""
        told = self._receiver.confirmed.get(entity, {})
        return any(tick_difference(at, since) > SAME_TICKS for at, _ in told.values())

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

    def take_discarded(self) -> list[int]:
        """Return and forget what was deleted for good since the last call."""
        discarded, self._discarded = self._discarded, []
        return discarded

    def take_back(self) -> None:
        """Set aside again what was lent to the server's state."""
        lent, self._lent = self._lent, {}
        for entity, since in lent.items():
            self._set_aside(entity, since)

    def _lend(self, entity: int, tick: Tick) -> None:
        """Give back what was deleted here while the state of a tick is applied, so that it finds the components."""
        aside = self._aside.get(entity)
        if aside is None:
            return
        self._reveal(entity)
        if is_newer(aside.since, tick):
            self._lent[entity] = aside.since
        else:
            self.is_stale = True  # the server had it still when it was deleted here

    def _take_hidden(self, entity: int) -> Sequence[object]:
        """Return what was taken from an entity that ends now; it is not aside any more, and its end is told as any."""
        aside = self._aside.pop(entity, None)
        return () if aside is None else aside.components

    def _adopt(self, values: Values, tick: Tick) -> int:
        """Return the entity made here that the server's `Spawned` stands for, as of a tick; 0 if there is none."""
        by, made, number = values
        assert isinstance(by, int)
        assert isinstance(made, int)
        assert isinstance(number, int)
        key = by, made, number
        entity = self._made.get(key, 0)
        if entity not in self._unconfirmed or not self._world.entity_exists(entity):
            entity = self._nearest(key, self._unconfirmed) if key not in self._made else 0
            if not entity:
                return 0
            self._rename(entity, key)
        del self._unconfirmed[entity]
        self._lend(entity, tick)
        spawned = self._world.try_component(entity, Spawned)
        if spawned is not None:
            spawned.by, spawned.tick, spawned.number = by or spawned.by, made, number
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
            if not self._world.has_component(entity, Predicted):
                self._receiver.restore(entity)  # what the server said of it meanwhile

    def _discard(self, entity: int) -> None:
        """Delete for good what was made here by mistake."""
        key = self._unconfirmed.pop(entity)
        if self._made.get(key) == entity:
            del self._made[key]
        self._discarded.append(entity)
        self._reveal(entity)
        if self._world.entity_exists(entity):
            self._receiver.news.note_despawn(entity, DespawnReason.DELETED)
            self._world.delete_entity(entity)
