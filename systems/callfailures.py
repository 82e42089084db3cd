"""How often it is worth while to log that a remote call's handler failed.

Whoever found a way to make one fail can do so a hundred times a second, with a traceback each: that must not fill the
disk.
"""

from collections import Counter

from ecsnet.wire import Tick, tick_difference
from ecsnet.world import World

__all__ = ["CallFailures"]


class CallFailures:
    """When the handlers of one side failed, by the names of their calls: as many entries as there are functions."""

    def __init__(self) -> None:
        """Begin without any."""
        self._told: dict[str, Tick] = {}  # the tick of the last line, by the name of a call
        self._silent: Counter[str] = Counter()

    def is_worth_a_line(self, name: str, world: World) -> bool:
        """Count a failure; tell whether it is to be logged: one a second is, of each call."""
        last = self._told.get(name)
        if last is not None and 0 <= tick_difference(world.tick, last) < world.tick_rate_hz:
            self._silent[name] += 1
            return False
        self._told[name] = world.tick
        return True

    def take_silent(self, name: str) -> str:
        """Return what to add to a line about failures that had none."""
        silent = self._silent.pop(name, 0)
        return f"; {silent} more since the last line" if silent else ""
