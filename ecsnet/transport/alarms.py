"""Alarms: which of many connections has to be looked at, and when. Costs follow those that are due, not all there are.

A wheel: alarms lie in slots of a 64th of a second. One that is set later stays in its slot until that is looked at; a
busy connection, whose alarm moves with every packet, is touched once a slot and not once a packet.
"""

from collections.abc import Hashable
from typing import Generic, TypeVar

__all__ = ["Alarms"]

K = TypeVar("K", bound=Hashable)

SLOTS_PER_SECOND = 64  # about a tick


class Alarms(Generic[K]):
    """A time for each key."""

    __slots__ = ("_at", "_slots")

    def __init__(self) -> None:
        """Start without any."""
        self._at: dict[K, tuple[float, int]] = {}  # when, and the slot it lies in
        self._slots: dict[int, dict[K, None]] = {}

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Alarms({len(self._at)})"

    def set(self, key: K, at: float) -> None:  # HOT: once per pass and connection that is awake
        """Set or move an alarm."""
        known = self._at.get(key)
        slot = int(at * SLOTS_PER_SECOND)
        if known is not None:
            if slot >= known[1]:
                self._at[key] = at, known[1]
                return
            del self._slots[known[1]][key]
        self._at[key] = at, slot
        self._slots.setdefault(slot, {})[key] = None

    def forget(self, key: K) -> None:
        """Let go of an alarm; nothing happens if there is none."""
        known = self._at.pop(key, None)
        if known is not None:
            del self._slots[known[1]][key]

    def take_due(self, now: float) -> list[K]:
        """Return and forget the keys whose time has come."""
        last = int(now * SLOTS_PER_SECOND)
        for slot in [slot for slot in self._slots if slot <= last]:
            self._tidy(slot)
        due = [
            key for slot, keys in self._slots.items() if slot <= last for key in keys if self._at[key][0] <= now
        ]  # all of them: what was set later may still be due
        for key in due:
            self.forget(key)
        return due

    def next_deadline(self) -> float | None:
        """Return the earliest time; None if there is none."""
        while self._slots:
            slot = min(self._slots)
            self._tidy(slot)
            if slot in self._slots:
                return min(self._at[key][0] for key in self._slots[slot])
        return None

    def _tidy(self, slot: int) -> None:
        """Move what was set later to where it belongs; drop the slot if it is empty then."""
        keys = self._slots.pop(slot)
        for key in keys:
            at, _ = self._at[key]
            place = int(at * SLOTS_PER_SECOND)
            self._at[key] = at, place
            self._slots.setdefault(place, {})[key] = None
