"""Families: entities and the parts they have, by the component Parent. Who sees the topmost one sees them all."""

from collections.abc import Iterable, Mapping

from ecsnet.errors import SchemaError
from ecsnet.replication.rules import Rule
from ecsnet.world import World

__all__ = ["Families"]

MAX_GENERATIONS = 16  # of parents: the wheel of a car on a ferry is the third


class Families:
    """Who is part of whom.

    Attributes:
        parts: Of each entity that has any, those whose Parent it is.
    """

    def __init__(self, world: World, parents: Rule[int]) -> None:
        """Know of none before the first `follow`."""
        self._world = world
        self._parents = parents
        self.parts: dict[int, dict[int, None]] = {}

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Families({len(self.parts)} with parts)"

    def check(self) -> None:
        """Refuse lines of parents that are too long, or have no end; to be called before `follow`.

        Raises:
            SchemaError: The text names the entity whose parent makes it so.
        """
        values, changed = self._parents.values, self._parents.changed
        new_parts: dict[int, list[int]] = {}
        for entity in changed:
            new_parts.setdefault(values.get(entity, 0), []).append(entity)
        for entity in changed:
            above, generations = entity, self._generations_below(entity, new_parts)
            while above and generations <= MAX_GENERATIONS:
                above, generations = values.get(above, 0), generations + 1
            if above:
                raise SchemaError(
                    f"entity {entity}: Parent.entity leads on for more than {MAX_GENERATIONS} generations, or in a "
                    "circle; give it another parent, or 0"
                )

    def follow(self) -> None:
        """Note who has another parent than before."""
        for entity, before in self._parents.changed.items():
            if before and before in self.parts:
                self.parts[before].pop(entity, None)
                if not self.parts[before]:
                    del self.parts[before]
            parent = self._parents.values.get(entity)
            if parent:
                self.parts.setdefault(parent, {})[entity] = None

    def root_of(self, entity: int) -> int:
        """Return the topmost parent there is, whether it travels or not: its rules are those of all its parts."""
        root, values = entity, self._parents.values
        for _ in range(MAX_GENERATIONS):
            parent = values.get(root, 0)
            if not parent or not self._world.entity_exists(parent):
                return root
            root = parent
        return root

    def around(self, entities: Iterable[int]) -> Iterable[int]:
        """Return entities and all that are above or below them, or were before the last `follow`; each once."""
        found = dict.fromkeys(entities)
        if self.parts or self._parents.changed:
            found.update({parent: None for parent in self._parents.changed.values() if parent})
            found.update({self.root_of(entity): None for entity in [*found]})
            waiting = list(found)
            while waiting:
                parts = [part for part in self.parts.get(waiting.pop(), ()) if part not in found]
                found.update(dict.fromkeys(parts))
                waiting += parts
        return found

    def _generations_below(self, entity: int, new_parts: Mapping[int, list[int]]) -> int:
        """Return how many generations of parts an entity has, or enough to be too many.

        Args:
            new_parts: By parent, of those that have another parent than before.
        """
        values, parts, line, found = self._parents.values, self.parts, [entity], 0
        while found <= MAX_GENERATIONS:
            old = [part for each in line for part in parts.get(each, ()) if values.get(part) == each]
            line = list(dict.fromkeys([*old, *[part for each in line for part in new_parts.get(each, ())]]))
            if not line:
                break
            found += 1
        return found
