"""Parents: what is part of an entity goes with it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ecsnet.components.parent import Parent
from ecsnet.system import System
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ServerSession

__all__ = ["DeleteOrphans"]


class DeleteOrphans(System):
    """Server: delete the parts of what was deleted, and theirs."""

    def __init__(self, session: "ServerSession") -> None:
        """Need nothing of the conversation."""

    def process(self, world: World) -> None:
        """Look at all parents, until none is missing."""
        while orphans := _orphans(world, world.observe(Parent)):
            for entity in orphans:
                world.delete_entity(entity)


def _orphans(world: World, rows: Sequence[tuple[int, Parent]]) -> list[int]:
    return [entity for entity, parent in rows if parent.entity and not world.entity_exists(parent.entity)]
