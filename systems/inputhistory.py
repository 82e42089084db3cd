"""What this client pressed in recent ticks: to send again until it arrived, and to re-simulate with."""

from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.wire import TICK_MASK, Tick, is_newer, tick_difference

__all__ = ["InputHistory"]


class InputHistory:
    """The current press and the inputs of the last `capacity` ticks; packed once each, as each is sent many times."""

    __slots__ = ("_by_tick", "_capacity", "_codec", "_newest", "_pressed", "_tapped")

    def __init__(self, codec: RecordCodec, *, capacity: int) -> None:
        """Begin with nothing pressed."""
        self._codec = codec
        self._capacity = capacity
        self._pressed = codec.defaults
        self._tapped: Values | None = None  # what came since the last tick; None: nothing did, all is as it was
        self._by_tick: dict[Tick, tuple[Values, bytes]] = {}
        self._newest: Tick | None = None

    def press(self, values: Values) -> bool:
        """Set what is pressed from now on; tell whether that is something else than before.

        A tap shorter than a tick still counts: booleans stay set until sampled. What was sampled before does not: a key
        let go is up in the next tick.
        """
        self._tapped = tuple(
            new or old if isinstance(new, bool) else new
            for old, new in zip(self._tapped or values, values, strict=True)
        )
        is_new = values != self._pressed
        self._pressed = values
        return is_new

    def record(self, tick: Tick) -> None:
        """Stamp what is pressed with `tick`. Going back in time forgets what lay ahead."""
        if self._newest is not None and not is_newer(tick, self._newest):
            self._by_tick = {t: pressed for t, pressed in self._by_tick.items() if is_newer(tick, t)}
        sampled = self._pressed if self._tapped is None else self._tapped
        self._by_tick[tick] = (sampled, self._codec.pack(sampled))
        self._tapped = None
        self._newest = tick
        while len(self._by_tick) > self._capacity:
            del self._by_tick[next(iter(self._by_tick))]

    def at(self, tick: Tick) -> Values | None:
        """Return the input of a tick, or None if it is too old or never was."""
        found = self._by_tick.get(tick)
        return None if found is None else found[0]

    def since(self, tick: Tick | None, limit: int) -> list[bytes]:
        """Return the packed inputs after `tick` up to the newest, oldest first, no gap, at most the `limit` newest.

        The newest is always among them: the server learns only from it where this client's clock stands.
        """
        newest = self._newest
        if newest is None:
            return []
        count = limit if tick is None else max(1, min(limit, tick_difference(newest, tick)))
        inputs: list[bytes] = []
        for behind in range(count):
            found = self._by_tick.get((newest - behind) & TICK_MASK)
            if found is None:
                break
            inputs.append(found[1])
        inputs.reverse()
        return inputs
