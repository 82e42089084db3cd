"""Who shall see what of a World at one moment: the rules of the audiences, sentence by sentence, by brute force.

It shares nothing with what it judges but the components and the codecs. On the grid the rule leaves a choice, so there
are two answers: what a client must see, as it is within a Viewer's radius, and what it may see, as it is not beyond
that by more than a margin.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from ecsnet.components import Near, Owner, Parent, Paused, Player, Rooms, Seat, Team, Transform2D, Viewer, VisibleTo
from ecsnet.fields import Audience
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.replication.schema import Schema
from ecsnet.world import World

__all__ = ["Records", "Scene", "Sight", "mapped"]

# Both may be a quarter of a cell out of theirs, and these stand apart by up to half a cell more than the radius: at
# most, across a corner, 0.5 + 2.5 * sqrt(2) cells. See ecsnet/replication/grid.py.
MARGIN_CELLS = 4.04
ROUNDING_UNITS = 0.1  # of positions

Bits: TypeAlias = dict[int, int]  # entity -> records as bits
Records: TypeAlias = dict[int, dict[int, Values]]  # entity -> record id -> quantised values, entities as the server's


@dataclass(frozen=True, slots=True)
class Sight:
    """What one client must and may see; entities of which it sees nothing are not listed."""

    must: Bits
    may: Bits


class Scene:
    """A World at one moment.

    Attributes:
        values: Of all records of all entities that travel; of paused entities as they stood before.
        explicit: Entities that go by another network id toward each client that sees them.
        roots: Of each the topmost parent, or itself.
    """

    def __init__(self, world: World, schema: Schema, cell_units: float, before: "Scene | None" = None) -> None:
        """Look at everything.

        Args:
            before: The moment of the send before this one, by which paused entities are known.
        """
        self._world = world
        self._schema = schema
        self._margin = MARGIN_CELLS * cell_units
        self._owners = {entity: owner.client_id for entity, owner in world.observe(Owner)}
        self._viewers: dict[int, list[tuple[float, float, float]]] = {}
        for entity, (viewer, owner) in world.observe(Viewer, Owner):
            self._viewers.setdefault(owner.client_id, []).append(self._reach(entity, viewer))
        self._rooms: dict[int, frozenset[str]] = {}
        self._players: dict[int, int] = {}
        for entity, player in world.observe(Player):
            self._players[player.client_id] = entity
            self._rooms[player.client_id] = self._rooms_of(entity) | self._rooms.get(player.client_id, frozenset())
        living = [entity for entity in world.entities() if self._root(entity)]
        self.values: Records = {}
        for entity in living:
            values = {record.id: record.codec.quantise(part) for record, part in schema.records_on(world, entity)}
            if world.has_component(entity, Paused) and before is not None:
                values = before.values.get(entity, {})
            if values:
                self.values[entity] = values
        self.roots = {entity: self._root(entity) for entity in self.values}
        self._bits = {entity: self._by_audience(values) for entity, values in self.values.items()}
        self.explicit = {entity for entity, root in self.roots.items() if world.has_component(root, VisibleTo)}

    def sight(self, client: int) -> Sight:
        """Return what a client must and may see."""
        roots = dict.fromkeys(self.roots.values())
        near = {root for root in roots if self._sees(client, root, margin=0.0)}
        far = near | {root for root in roots if root not in near and self._sees(client, root, margin=self._margin)}
        bits = {entity: self._gets(client, entity) for entity, root in self.roots.items() if root in far}
        may = {entity: seen for entity, seen in bits.items() if seen}
        must = {entity: seen for entity, seen in may.items() if self.roots[entity] in near}
        return Sight(must, may)

    def bundle(self, entity: int) -> set[int]:
        """Return an entity with all that hangs together with it."""
        root = self.roots.get(entity, entity)
        return {each for each, its_root in self.roots.items() if its_root == root}

    def describe(self, client: int, entity: int) -> str:
        """Say what decides whether a client sees an entity, for whoever reads a failure."""
        root, world = self.roots.get(entity, 0), self._world
        kinds = (Rooms, VisibleTo, Near, Transform2D, Owner, Team, Seat, Paused)
        rules = [part for part in [world.try_component(root, kind) for kind in kinds] if part is not None]
        rooms, team, viewers = self._rooms.get(client, ()), self._team_of_client(client), self._viewers.get(client, [])
        return (
            f"{entity}, owner {self._owner(entity)}, of root {root} with {rules}; "
            f"client {client} has rooms {sorted(rooms)}, team {team}, viewers {viewers}"
        )

    # Rules of entities.

    def _sees(self, client: int, root: int, *, margin: float) -> bool:
        """Tell whether all rules of an entity without a parent hold; its owner always sees it and its parts."""
        if self._owner(root) == client:
            return True
        world = self._world
        rooms, explicit = self._rooms_of(root), world.try_component(root, VisibleTo)
        if rooms and not rooms & self._rooms.get(client, frozenset()):
            return False
        if explicit is not None and client not in explicit.clients:
            return False
        return not world.has_component(root, Near) or self._is_near(client, root, margin)

    def _is_near(self, client: int, entity: int, margin: float) -> bool:
        place = self._world.try_component(entity, Transform2D)
        if place is None:
            return False
        slack = margin + ROUNDING_UNITS if margin else -ROUNDING_UNITS
        return any(
            math.hypot(place.x - x, place.y - y) <= radius + slack for x, y, radius in self._viewers.get(client, ())
        )

    # Rules of records.

    def _gets(self, client: int, entity: int) -> int:
        """Return the records of an entity it sees that are for a client."""
        bits = self._bits[entity]
        if self._owner(entity) == client:
            return sum(bits.values())
        team = bits[Audience.TEAM]
        if team and not self._team_of_client(client) == self._team_of(entity) != 0:
            team = 0
        return bits[Audience.EVERYONE] + team

    def _by_audience(self, values: Mapping[int, Values]) -> dict[Audience, int]:
        bits = dict.fromkeys(Audience, 0)
        for record in values:
            bits[self._schema.records[record].audience] |= 1 << record
        return bits

    def _team_of_client(self, client: int) -> int:
        return self._own_team(self._players.get(client, 0)) or 0

    def _team_of(self, entity: int) -> int:
        own = self._own_team(entity)
        return self._team_of_client(self._owner(entity)) if own is None else own

    def _own_team(self, entity: int) -> int | None:
        team, seat = self._world.try_component(entity, Team), self._world.try_component(entity, Seat)
        if team is not None:
            return team.number
        return None if seat is None else seat.team

    # The World.

    def _owner(self, entity: int) -> int:
        return self._owners.get(entity, 0)

    def _rooms_of(self, entity: int) -> frozenset[str]:
        rooms = self._world.try_component(entity, Rooms)
        return frozenset() if rooms is None else rooms.names

    def _reach(self, entity: int, viewer: Viewer) -> tuple[float, float, float]:
        place = self._world.try_component(entity, Transform2D)
        x, y = (place.x, place.y) if place is not None else (0.0, 0.0)
        return x + viewer.x, y + viewer.y, viewer.radius

    def _root(self, entity: int) -> int:
        """Return the end of the chain of parents; 0 if one of them is gone, and with it the entity."""
        for _ in range(len(self._world.entities()) + 1):
            if not self._world.entity_exists(entity):
                return 0
            parent = self._world.try_component(entity, Parent)
            if parent is None or not parent.entity:
                return entity
            entity = parent.entity
        raise AssertionError(f"{entity} is its own forefather")


def mapped(codec: RecordCodec, values: Values, names: Mapping[int, int]) -> Values:
    """Return values with other names for the entities in them; 0 where there is none."""
    return codec.map_refs(values, lambda entity: names.get(entity, 0))
