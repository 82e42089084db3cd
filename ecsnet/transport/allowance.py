"""Allowance: how much may be used up in how much time. One bucket that fills at a constant rate."""

from itertools import islice

__all__ = ["Allowance", "Allowances", "InboundLimit"]


class Allowance:
    """A token bucket, full to begin with.

    Attributes:
        left: What may be taken at once, as of the last look at the clock.
    """

    __slots__ = ("_at", "_burst", "_per_second", "left")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        """Allow `burst` at once, and `per_second` in the long run."""
        self._per_second = per_second
        self._burst = burst
        self.left = burst
        self._at = now

    def __repr__(self) -> str:
        """Show what is left, as of its last look at the clock."""
        return f"Allowance({self.left:g} of {self._burst:g} left)"

    def take(self, cost: float, now: float) -> bool:  # HOT: once per packet a server receives
        """Use up `cost` if there is as much; tell whether there was."""
        left = self.left - cost
        if left < 0:  # the clock's share is added only when it is needed
            left = min(self._burst, self.left + (now - self._at) * self._per_second) - cost
            self._at = now
            if left < 0:
                self.left = left + cost
                return False
        self.left = left
        return True

    def refill(self, now: float) -> None:
        """Add the clock's share now; before each `take`, no more than the burst is ever taken at once."""
        self.left = min(self._burst, self.left + (now - self._at) * self._per_second)
        self._at = now

    def owe(self, cost: float, now: float) -> float:
        """Use up `cost` in any case; return how long it takes until nothing is owed any more."""
        self.refill(now)
        self.left -= cost
        return max(0.0, -self.left / self._per_second)

    def is_full(self, now: float) -> bool:
        """Tell whether nothing of it is used up any more, so that it need not be remembered."""
        return self.left + (now - self._at) * self._per_second >= self._burst


class Allowances:
    """An allowance for each of many, who need not be remembered while they use nothing up."""

    def __init__(self, per_second: float, burst: float, *, most: int) -> None:
        """Allow each `burst` at once, and `per_second` in the long run; remember `most` at the most."""
        self._per_second = per_second
        self._burst = burst
        self._most = most
        self._allowances: dict[str, Allowance] = {}

    def __repr__(self) -> str:
        """Show how many are remembered."""
        return f"Allowances({len(self)})"

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._allowances)

    def take(self, name: str, now: float) -> bool:
        """Use up one; tell whether there was one."""
        allowance = self._allowances.get(name)
        if allowance is None:
            self._make_room(now)
            allowance = self._allowances[name] = Allowance(self._per_second, self._burst, now)
        return allowance.take(1, now)

    def give_back(self, name: str) -> None:
        """Undo a `take`: it was none of what is to be limited."""
        allowance = self._allowances.get(name)
        if allowance is not None:
            allowance.left = min(self._burst, allowance.left + 1)

    def _make_room(self, now: float) -> None:
        """Forget who used nothing lately, and those known longest if that makes too little room.

        A sixteenth of the places, so that who comes under thousands of names cannot make us look through them each
        time.
        """
        if len(self._allowances) < self._most:
            return
        self._allowances = {name: each for name, each in self._allowances.items() if not each.is_full(now)}
        most = self._most * 15 // 16
        for name in list(islice(self._allowances, max(0, len(self._allowances) - most))):
            del self._allowances[name]


class InboundLimit:
    """What one peer may send: so much is taken, as much again is dropped, and who goes on then does it on purpose."""

    __slots__ = ("_allowed", "_overhead", "_patience")

    def __init__(self, per_second: float, burst: float, overhead: float, now: float) -> None:
        """Allow `burst` bytes at once, `per_second` in the long run; a packet counts `overhead` beside its bytes."""
        self._allowed = Allowance(per_second, burst, now)
        self._patience = Allowance(per_second, burst, now)
        self._overhead = overhead

    def __repr__(self) -> str:
        """Show both buckets."""
        return f"InboundLimit({self._allowed}, {self._patience})"

    def allows(self, size: int, now: float) -> bool:  # HOT: once per packet a server receives
        """Count a packet; tell whether to take it."""
        allowed, cost = self._allowed, size + self._overhead
        if allowed.left >= cost:
            allowed.left -= cost
            return True
        return allowed.take(cost, now)

    def owes(self, size: int, now: float) -> float:
        """Count a packet that was not allowed and is taken all the same; return how long its sender had better wait."""
        return self._allowed.owe(size + self._overhead, now)

    def forgives(self, size: int, now: float) -> bool:
        """Count a packet that was not allowed; tell whether dropping or delaying it is enough."""
        return self._patience.take(size + self._overhead, now)
