"""The replay window: every packet number is accepted once, however often and in whatever order its packet arrives.

Check before decrypting (it is cheap, and a forger gains nothing by it), commit after: only an authentic packet moves
the window.
"""

from ecsnet.transport.crypto import PACKET_NUMBER_LIMIT

__all__ = ["ReplayWindow"]


class ReplayWindow:
    """Which of the latest packet numbers have arrived: one bit each, so a window of 1024 takes 160 bytes.

    Attributes:
        largest: Largest number committed; -1 before the first. What truncated numbers are decoded against.
    """

    __slots__ = ("_mask", "_seen", "_size", "largest")

    def __init__(self, size: int) -> None:
        """Remember the largest number and `size - 1` below it; what is older counts as seen."""
        self._size = size
        self._mask = (1 << size) - 1
        self._seen = 0  # bit n: `largest - n` has arrived
        self.largest = -1

    def __repr__(self) -> str:
        """Show the window's place."""
        return f"ReplayWindow(largest={self.largest}, {self._seen.bit_count()} of {self._size} seen)"

    def check(self, number: int) -> bool:  # HOT: once per packet received
        """Tell whether a packet with this number may still be accepted."""
        behind = self.largest - number
        if behind < 0:
            return number < PACKET_NUMBER_LIMIT
        return behind < self._size and not self._seen >> behind & 1

    def commit(self, number: int) -> None:  # HOT: once per packet received
        """Note that the packet with this number, which `check` allowed, is authentic."""
        ahead = number - self.largest
        if ahead <= 0:
            assert -ahead < self._size, f"{number} was never allowed by {self!r}"
            self._seen |= 1 << -ahead
            return
        # A far jump starts afresh: shifting by an attacker's 2**60 would ask for that many bits.
        self._seen = (self._seen << ahead | 1) & self._mask if ahead < self._size else 1
        self.largest = number
