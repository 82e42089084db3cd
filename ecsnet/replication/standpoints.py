"""Where each client looks from: the rooms and team of its player, and the spots of its Viewers."""

from collections.abc import Iterable, Mapping

from ecsnet.components.transform2d import Transform2D
from ecsnet.replication.audiences import ViewKey
from ecsnet.replication.grid import Move, Places, Spot, bounded, spot_at
from ecsnet.replication.kinds import Tracked
from ecsnet.replication.rules import Rules
from ecsnet.world import World

__all__ = ["Standpoints"]

NO_ROOMS: frozenset[str] = frozenset()


class Standpoints:
    """Follows players and Viewers; tells whose view may be another."""

    def __init__(self, world: World, entities: Mapping[int, Tracked], rules: Rules, cell_units: float) -> None:
        """Know of no client yet.

        Args:
            entities: All that travel, by entity; kept by the detector.
        """
        self._world = world
        self._entities = entities
        self._rules = rules
        self._cell_units = cell_units
        self._players: dict[int, int] = {}  # client -> its player's entity
        self._places = Places(cell_units)  # of entities with a Viewer: their centres
        self._looks_for: dict[int, int] = {}  # entity with a Viewer -> client
        self._spots: dict[int, dict[int, Spot]] = {}  # the other way round, and where

    def __repr__(self) -> str:
        """Show how much is followed."""
        return f"Standpoints({len(self._players)} players, {len(self._looks_for)} viewers)"

    def follow(self, moved: Iterable[Move], given: Iterable[int]) -> dict[int, None]:
        """Return the clients whose view may be another now.

        Args:
            moved: Entities whose position changed.
            given: Entities that came, or changed owner.
        """
        affected = self._follow_players()
        viewer = self._rules.viewer
        for entity in dict.fromkeys((*self._left_by(moved), *viewer.changed, *given)):
            if entity in viewer.values or entity in self._looks_for:
                affected.update(self._look(entity))
        affected.pop(0, None)
        return affected

    def view_key(self, client_id: int) -> ViewKey:
        """Return what a client has to offer to audiences."""
        rooms = self._rules.rooms.values.get(self._players.get(client_id, 0), NO_ROOMS)
        spots = self._spots.get(client_id, {})
        return ViewKey(rooms, self.team_of(client_id), tuple(sorted(set(spots.values()))))

    def team_of(self, client_id: int) -> int:
        """Return a client's team; 0: none."""
        player = self._players.get(client_id)
        return 0 if player is None else self._rules.team_of(player) or 0

    def centre_of(self, client_id: int) -> tuple[float, float] | None:
        """Return where a client looks from; None if it has no Viewer."""
        for entity in self._spots.get(client_id, ()):
            return self._centre(entity)
        return None

    def _follow_players(self) -> dict[int, None]:
        rules = self._rules
        affected: dict[int, None] = {}
        for entity, before in rules.player.changed.items():
            now = rules.player.values.get(entity, 0)
            if before and self._players.get(before) == entity:
                self._stand_in(before)
            if now:
                self._players[now] = entity
            affected.update({before or 0: None, now: None})
        for entity in (*rules.rooms.changed, *rules.team.changed, *rules.seat.changed):
            affected[rules.player.values.get(entity, 0)] = None
        return affected

    def _stand_in(self, client_id: int) -> None:
        """Let another player's entity of a client speak for it, if there is one: the newest."""
        del self._players[client_id]
        others = [entity for entity, client in self._rules.player.values.items() if client == client_id]
        if others:
            self._players[client_id] = max(others)

    def _look(self, entity: int) -> dict[int, None]:
        """Note where an entity's Viewer is and for whom; return the clients concerned."""
        before = self._looks_for.pop(entity, 0)
        if before:
            spots = self._spots[before]
            del spots[entity]
            if not spots:
                del self._spots[before]
        viewer, tracked = self._rules.viewer.values.get(entity), self._entities.get(entity)
        now = tracked.owner if tracked is not None and viewer is not None else 0
        if viewer is None or not now:
            self._places.forget(entity)
            return {before: None}
        self._looks_for[entity] = now
        cell = self._places.put(entity, *self._centre(entity))
        self._spots.setdefault(now, {})[entity] = spot_at(cell, viewer[2] / self._cell_units)
        return {before: None, now: None}

    def _left_by(self, moved: Iterable[Move]) -> list[int]:
        """Return the entities whose Viewer's centre left its place.

        HOT: once per moving entity per send tick; tests/bench/bench_state.py.
        """
        viewers = self._rules.viewer.values
        if not viewers:
            return []
        centres = [
            (entity, x + dx, y + dy) for entity, x, y in moved if entity in viewers for dx, dy, _ in [viewers[entity]]
        ]
        return self._places.left_by(centres)

    def _centre(self, entity: int) -> tuple[float, float]:
        x, y, _ = self._rules.viewer.values[entity]
        transform = self._world.try_component(entity, Transform2D)
        return (x, y) if transform is None else (x + bounded(transform.x), y + bounded(transform.y))
