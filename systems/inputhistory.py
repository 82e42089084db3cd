"""What this client pressed in recent ticks: to send again until it arrived, and to re-simulate with."""

from ecsnet.replication.codec import Values
from ecsnet.wire import Tick, advance_tick, is_newer

__all__ = ["InputHistory"]


class InputHistory:
    """The current press and the inputs of the last `capacity` ticks."""

    __slots__ = ("_by_tick", "_capacity", "_newest", "_pressed", "_tapped")

    def __init__(self, neutral: Values, *, capacity: int) -> None:
        """Begin with nothing pressed."""
        self._pressed = neutral
        self._tapped = neutral
        self._capacity = capacity
        self._by_tick: dict[Tick, Values] = {}
        self._newest: Tick | None = None

    def press(self, values: Values) -> None:
        """Set what is pressed from now on. A tap shorter than a tick still counts: booleans stay set until sampled."""
        self._tapped = tuple(
            new or old if isinstance(new, bool) else new for old, new in zip(self._tapped, values, strict=True)
        )
        self._pressed = values

    def record(self, tick: Tick) -> None:
        """Stamp what is pressed with `tick`. Going back in time forgets what lay ahead."""
        if self._newest is not None and not is_newer(tick, self._newest):
            self._by_tick = {t: values for t, values in self._by_tick.items() if is_newer(tick, t)}
        self._by_tick[tick] = self._tapped
        self._tapped = self._pressed
        self._newest = tick
        while len(self._by_tick) > self._capacity:
            del self._by_tick[next(iter(self._by_tick))]

    def at(self, tick: Tick) -> Values | None:
        """Return the input of a tick, or None if it is too old or never was."""
        return self._by_tick.get(tick)

    def since(self, tick: Tick | None, limit: int) -> list[Values]:
        """Return the inputs after `tick` up to the newest, oldest first, without a gap, at most the `limit` newest."""
        inputs: list[Values] = []
        current = self._newest
        while current is not None and len(inputs) < limit:
            values = self._by_tick.get(current)
            if values is None or (tick is not None and not is_newer(current, tick)):
                break
            inputs.append(values)
            current = advance_tick(current, -1)
        inputs.reverse()
        return inputs
