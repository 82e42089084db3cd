"""What the game says about who sees what: the values of the components interest goes by, and which changed.

Columns of values compared in C, as in detect.py: rules that stay as they are cost next to nothing.
"""

import math
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Generic, TypeVar

from ecsnet.components.parent import Parent
from ecsnet.components.player import Player
from ecsnet.components.rooms import Rooms
from ecsnet.components.seat import Seat
from ecsnet.components.team import Team
from ecsnet.components.viewer import Viewer
from ecsnet.components.visible_to import VisibleTo
from ecsnet.errors import SchemaError
from ecsnet.world import World

__all__ = ["Rule", "Rules"]

V = TypeVar("V")


class Rule(Generic[V]):
    """The values of one component.

    Attributes:
        values: By entity, as of the last look.
        changed: Entities whose value came, changed or went, and what it was before; None: nothing. Whoever acts on it
            clears it.
    """

    __slots__ = ("_cls", "_components", "_entities", "_last", "_read", "_rows", "changed", "values")

    def __init__(self, cls: type, read: Callable[[object], V]) -> None:
        """Start without any.

        Args:
            read: Takes the value from a component.
        """
        self._cls = cls
        self._read = read
        self._rows: object = None
        self._entities: list[int] = []
        self._components: list[object] = []
        self._last: list[V] = []
        self.values: dict[int, V] = {}
        self.changed: dict[int, V | None] = {}

    def __repr__(self) -> str:
        """Show what is ruled."""
        return f"Rule({self._cls.__name__}, {len(self.values)} entities)"

    def look(self, world: World) -> None:
        """Find out what changed since the last look."""
        rows: Sequence[tuple[int, object]] = world.observe(self._cls)
        is_same = rows is self._rows
        if not is_same:
            self._rows = rows
            self._entities = [entity for entity, _ in rows]
            self._components = [component for _, component in rows]
        last = list(map(self._read, self._components))
        if is_same and last == self._last:
            return
        before, self.values = self.values, dict(zip(self._entities, last, strict=True))
        for entity, value in self.values.items():
            if entity not in before or before[entity] != value:
                self.changed.setdefault(entity, before.get(entity))
        for entity, value in before.items():
            if entity not in self.values:
                self.changed.setdefault(entity, value)
        self._last = last


class Rules:
    """All that interest goes by, but for positions.

    Attributes:
        rooms: In which an entity is; empty for all.
        visible_to: The clients that alone see an entity.
        team: Of an entity or a client's player.
        seat: The team a player has in the lobby.
        parent: What an entity is part of.
        player: The client a player's entity stands for.
        viewer: Where and how far an entity's owner sees: x, y, radius.
    """

    def __init__(self) -> None:
        """Start without any."""
        self.rooms = Rule[frozenset[str]](Rooms, attrgetter("names"))
        self.visible_to = Rule[frozenset[int]](VisibleTo, attrgetter("clients"))
        self.team = Rule[int](Team, attrgetter("number"))
        self.seat = Rule[int](Seat, attrgetter("team"))
        self.parent = Rule[int](Parent, attrgetter("entity"))
        self.player = Rule[int](Player, attrgetter("client_id"))
        self.viewer = Rule[tuple[float, float, float]](Viewer, attrgetter("x", "y", "radius"))
        self._all = (self.rooms, self.visible_to, self.team, self.seat, self.parent, self.player, self.viewer)

    def look(self, world: World) -> None:
        """Find out what changed since the last look.

        Raises:
            SchemaError: Rooms or clients are no frozenset, as a set changed in place would go unnoticed; or a value is
                not of its type. The values of what is Paused are checked nowhere else.
        """
        for rule in self._all:
            rule.look(world)
        _check_frozen(self.rooms, "Rooms.names", str)
        _check_frozen(self.visible_to, "VisibleTo.clients", int)
        for numbers, field in (
            (self.team, "Team.number"), (self.seat, "Seat.team"), (self.parent, "Parent.entity"),
            (self.player, "Player.client_id"),
        ):  # fmt: skip
            _check_numbers(numbers, field)
        _check_viewers(self.viewer)

    def clear(self) -> None:
        """Forget what changed: it was acted upon."""
        for rule in self._all:
            if rule.changed:
                rule.changed = {}

    def team_of(self, entity: int) -> int | None:
        """Return the team an entity itself says it is on, 0 being one that nobody is on; None if it says nothing."""
        team = self.team.values.get(entity)
        return self.seat.values.get(entity) if team is None else team


def _check_frozen(rule: "Rule[frozenset[V]]", field: str, expected: type) -> None:
    for entity in rule.changed:
        value = rule.values.get(entity, frozenset())
        if not isinstance(value, frozenset):
            meant = f"{{{value!r}}}" if isinstance(value, str | int) else repr(value)  # of a str, one room
            raise SchemaError(f"entity {entity}: {field} is {value!r}, no frozenset; assign frozenset({meant})")
        for each in value:
            if not isinstance(each, expected):
                raise SchemaError(f"entity {entity}: {field} holds {each!r}, no {expected.__name__}; take it out")


def _check_numbers(rule: Rule[int], field: str) -> None:
    for entity in rule.changed:
        value: object = rule.values.get(entity, 0)
        if not isinstance(value, int):
            raise SchemaError(f"entity {entity}: {field}: {value!r} is no int; assign one")


def _check_viewers(rule: Rule[tuple[float, float, float]]) -> None:
    for entity in rule.changed:
        values: tuple[object, ...] = rule.values.get(entity, ())
        for name, value in zip(("x", "y", "radius"), values, strict=False):
            if not isinstance(value, int | float) or not -math.inf < value < math.inf:
                raise SchemaError(f"entity {entity}: Viewer.{name}: {value!r} is no finite number; assign one")
