"""Quantisation: what the wire rounds is rounded in the World, on both sides alike, after every tick.

So client and server go on from the same bits, and a good prediction is exact. On the server that is what inputs drive,
and what was spawned for it: all else is only rounded on its way, and predicted within `is_close`.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from ecsnet.components.owner import Owner
from ecsnet.components.spawned import Spawned
from ecsnet.replication.codec import Values
from ecsnet.replication.schema import Record, Schema
from ecsnet.system import System
from ecsnet.systems.history import Snapshot
from ecsnet.systems.interpolation import difference
from ecsnet.world import World

if TYPE_CHECKING:
    from ecsnet.systems.session import ServerSession

__all__ = ["Quantise", "is_close", "is_quantised", "quantise"]

CLOSE_STEPS = 2.0  # of a field's step: one for rounding the server's value, one for what a tick makes of the rounding
CLOSE_UNITS = 1 / 1024  # of a field without steps: what a binary32 leaves of some thousand units


class Quantise(System):
    """Server: round what inputs drive to what the wire can say, so that client and server go on from the same bits."""

    def __init__(self, session: "ServerSession") -> None:
        """Bind to the game's schema."""
        self._schema = session.schema
        self._before: Snapshot = {}

    def process(self, world: World) -> None:
        """Quantise every entity that a client owns and that has an input component or was spawned for another."""
        component = self._schema.game.input
        found: list[tuple[int, tuple[Owner, object]]] = [*world.get_components(Owner, Spawned)]
        if component is not None:
            found += world.get_components(Owner, component)
        owned = dict.fromkeys(entity for entity, (owner, _) in found if owner.client_id)
        self._before = quantise(self._schema, world, owned, self._before)


def is_quantised(schema: Schema, world: World, entity: int) -> bool:
    """Tell whether the server quantises an entity of a client's World, as far as that can be seen there."""
    component = schema.game.input
    return world.has_component(entity, Spawned) or (component is not None and world.has_component(entity, component))


def quantise(schema: Schema, world: World, entities: Iterable[int], before: Snapshot) -> Snapshot:
    """Round what these entities hold to what the wire can say, in place; return their values.

    Args:
        before: Their values of a tick ago: what did not change since is quantised already, and that is most of it.
    """
    snapshot: Snapshot = {}
    for entity in entities:
        for record, component in schema.records_on(world, entity):
            key = entity, record.id
            values = before.get(key)
            if values is None or record.codec.read(component) != values:
                values = record.codec.quantise_component(component)
            snapshot[key] = values
    return snapshot


def is_close(record: Record, mine: Values, theirs: Values) -> bool:
    """Tell whether two states are one but for rounding."""
    for declared, here, there in zip(record.fields, mine, theirs, strict=True):
        if here == there:
            continue
        if not (isinstance(here, float) and isinstance(there, int | float)):
            return False
        if abs(difference(declared, here, there)) > (CLOSE_STEPS * declared.step if declared.step else CLOSE_UNITS):
            return False
    return True
