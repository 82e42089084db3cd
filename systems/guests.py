"""Guests: entities that a client predicts for a while though it does not steer them, such as the ball at its feet."""

from ecsnet.wire import Tick, advance_tick, is_newer
from ecsnet.world import World

__all__ = ["MOST_FOR_GUESTS", "MOST_GUESTS", "Guests"]

MOST_GUESTS = 32  # of one client at once: each costs as much as the player itself, in every tick simulated again
# So many may be there for a guest to bring another. A runner stands between those two whom he pushes; but in a crowd,
# where everybody touches somebody, everybody would come.
MOST_FOR_GUESTS = 8


class Guests:
    """Who is predicted along, and until when."""

    def __init__(self) -> None:
        """Begin with none."""
        self._until: dict[int, Tick] = {}
        self._asked: dict[int, None] = {}

    def __repr__(self) -> str:
        """Show who is there."""
        return f"Guests({sorted(self._until)})"

    def __contains__(self, entity: object) -> bool:
        """Tell whether an entity is predicted along."""
        return entity in self._until

    def invite(self, world: World, entity: int, by: int, seconds: float) -> None:
        """Have an entity predicted for some time from the World's tick on; of too many the last are left out."""
        until = advance_tick(world.tick, round(seconds * world.tick_rate_hz))
        before = self._until.get(entity)
        if before is None:
            most = MOST_FOR_GUESTS if by in self._until else MOST_GUESTS
            if len(self._until) >= most or not world.entity_exists(entity):
                return
            self._asked[entity] = None
        if before is None or is_newer(until, before):
            self._until[entity] = until

    def take_new(self) -> list[int]:
        """Return and forget who was invited since the last call."""
        asked, self._asked = list(self._asked), {}
        return asked

    def take_leaving(self, tick: Tick) -> list[int]:
        """Return and forget whose time is over at `tick`."""
        leaving = [entity for entity, until in self._until.items() if is_newer(tick, until)]
        for entity in leaving:
            del self._until[entity]
        return leaving
