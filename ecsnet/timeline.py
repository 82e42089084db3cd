"""Timeline: where a World stands in time, and what follows from that alone: chance, and what was told before.

A predicted tick may be simulated many times: whatever depends on how often would differ between server and client.
"""

from collections.abc import Callable, Hashable, Sequence
from hashlib import blake2b
from random import Random
from typing import NamedTuple

from ecsnet.wire import TICK_MASK, Tick, is_newer, tick_difference

__all__ = ["ONCE_KEYS", "ONCE_TICKS", "Timeline"]

ONCE_TICKS = 128  # how long it is remembered what was told: longer than any client goes back
ONCE_KEYS = 1024  # of how many different things; the least recent are forgotten first
# A correction often moves what happened by a tick or two: that is the same event, and it was heard already. It may
# move beyond the replay: what was told and is not there any more waits so long for where it will be.
ONCE_SPREAD_TICKS = 6
NEVER = -1  # before all serials
_SEED_MASK = (1 << 64) - 1


class Timeline:
    """Ticks, chance, and what is to happen once.

    Attributes:
        tick_rate_hz: Ticks per second of game time.
        dt: Seconds a tick stands for.
        seed: Decides, with the tick, what `rng` yields. The server's own.
        shared_seed: The same for `rng_for`: it follows from `seed`, not the other way, and every client is told it.
        name_of: By what server and clients both know an entity: on the server itself, on a client its network id.
        replaying: True while ticks that were predicted wrongly are simulated again: play no sound twice, see `once`.
    """

    def __init__(self, tick_rate_hz: float, seed: int, tick: Tick) -> None:
        """Stand before the first tick."""
        if not tick_rate_hz > 0:
            raise ValueError(f"tick_rate_hz={tick_rate_hz} must be above 0")
        self.tick_rate_hz = tick_rate_hz
        self.dt = 1.0 / tick_rate_hz
        self.seed = seed
        self.shared_seed = _derived(seed & _SEED_MASK)
        self.replaying = False
        self._tick = tick & TICK_MASK
        self._random = Random()  # noqa: S311  # simulation, not cryptography
        self._random_is_due = True
        self._random_is_secret = False  # while a client predicts
        self.name_of: Callable[[int], int] = _itself
        self._told: dict[Hashable, list[Telling]] = {}
        self._serial = 0  # of the tick being simulated, of all there were
        self._simulated: dict[Tick, int] = {}  # by tick, when it was simulated last
        self._counts: dict[Hashable, int] = {}

    @property
    def tick(self) -> Tick:
        """Number of the tick being processed, or processed last; 32 bits, wraps. Prediction sets it back and forth."""
        return self._tick

    @tick.setter
    def tick(self, tick: Tick) -> None:
        if tick & TICK_MASK != self._tick:
            self._note_simulated()
        self._tick = tick & TICK_MASK
        self._random_is_due = True
        self._counts.clear()

    def _note_simulated(self) -> None:
        """Remember that the tick is over: what was told in it before, and not this time, did not happen."""
        self._simulated.pop(self._tick, None)  # to the end: the least recent is the first
        self._simulated[self._tick] = self._serial
        self._serial += 1
        if len(self._simulated) > ONCE_TICKS:
            del self._simulated[next(iter(self._simulated))]

    @property
    def rng(self) -> Random:
        """The server's chance: what it yields follows from seed and tick alone. No client knows the seed.

        Raises:
            RuntimeError: Asked by a predicted system on a client, which cannot foresee it: that is `rng_for`.
        """
        if self._random_is_secret:
            raise RuntimeError(
                "world.rng in a predicted system: its seed is the server's secret, so every prediction would be wrong; "
                "use world.rng_for(entity), which is the same on both sides"
            )
        if self._random_is_due:
            # Seed and tick side by side, in a number of always the same length: Random drops the sign, and of numbers
            # of different length some are alike to it: Random(2) yields what Random((1 << 32) | 2) does.
            self._random.seed((1 << 96) | ((self.seed & _SEED_MASK) << 32) | self._tick)
            self._random_is_due = False
        return self._random

    def rng_for(self, entity: int, purpose: str = "") -> Random:
        """Return an entity's own chance in this tick, the same on the server and on the client that predicts it.

        It begins anew with every call: keep it in a variable, or name what it is for. Who knows the protocol can
        foresee it as well as the client's software does: what must stay secret uses `rng`, in a system that is not
        predicted.

        Args:
            entity: One that clients know, and that is not `VisibleTo` some of them only.
            purpose: Different purposes get different chances.
        """
        seed = f"{self.shared_seed} {self._tick} {self.name_of(entity)} {purpose}"
        return Random(seed)  # noqa: S311  # simulation, not cryptography

    def count(self, key: Hashable) -> int:
        """Return how often this was asked for `key` before in this tick, counted anew when the tick is replayed."""
        counted = self._counts.get(key, 0)
        self._counts[key] = counted + 1
        return counted

    def once(self, key: Hashable) -> bool:
        """Tell whether this is the first time that `key` happens in this tick: for sounds and other effects.

        What a correction moves by a few ticks was told already: so it repeats no sound, and still plays the one that
        was missed. What is moved further is told again; what turns out not to have happened cannot be taken back. What
        happens on a server happens once anyway.

        Args:
            key: Names what happened, such as `("kick", entity)`.
        """
        told = self._told.pop(key, None) or []
        self._told[key] = told  # to the end: the least recent key is the first
        if len(self._told) > ONCE_KEYS:
            del self._told[next(iter(self._told))]
        found = self._same(told)
        if found is not None:
            told[found] = Telling(self._tick, self._serial)
            return False
        told[:] = [telling for telling in told if abs(tick_difference(telling.tick, self._tick)) < ONCE_TICKS]
        told.append(Telling(self._tick, self._serial))
        return True

    def doubt(self, since: Tick | None, until: Tick) -> None:
        """Take back that what was told after `since`, up to `until`, happened there: the server went another way."""
        for told in self._told.values():
            for at, (tick, _) in enumerate(told):
                if not is_newer(tick, until) and (since is None or is_newer(tick, since)):
                    told[at] = Telling(tick, NEVER)

    def _same(self, told: Sequence["Telling"]) -> int | None:
        """Return which telling was of what happens in this tick; None if it is new."""
        near = []
        for at, telling in enumerate(told):
            distance = abs(tick_difference(telling.tick, self._tick))
            if distance == 0:
                return at
            if distance <= ONCE_SPREAD_TICKS and self._is_open(telling):
                near.append((distance, at))
        return min(near)[1] if near else None

    def _is_open(self, telling: "Telling") -> bool:
        """Tell whether what was told may have moved: its tick went by without it, or is to be simulated again."""
        if self.replaying and is_newer(telling.tick, self._tick):
            return True
        return telling.serial < self._simulated.get(telling.tick, NEVER + 1)


class Telling(NamedTuple):
    """That something happened.

    Attributes:
        tick: Where it stands now.
        serial: When that tick was simulated.
    """

    tick: Tick
    serial: int


def _derived(seed: int) -> int:
    """Return 64 bits from which the seed cannot be found, unless it is one of few."""
    return int.from_bytes(blake2b(seed.to_bytes(8, "big"), digest_size=8, person=b"ecsnet shared").digest(), "big")


def _itself(entity: int) -> int:
    return entity
