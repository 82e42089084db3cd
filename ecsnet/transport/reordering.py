"""How long a missing packet may only be late: RFC 9002's three packets and 9/8 round trips, until a path shows more.

Wi-Fi and mobile links let packets overtake each other by more than that. A packet taken for lost that arrives after all
shows by how much; then more patience is had, which RFC 9002, section 6.1 allows. False losses would be sent again and,
worse, look like congestion. The patience is lost again where it is not needed.
"""

__all__ = ["Reordering"]

PACKETS = 3  # RFC 9002, section 6.1.1
ROUND_TRIPS = 1.125  # RFC 9002, section 6.1.2
MAX_PACKETS = 64  # a second at 60 packets a second
MAX_ROUND_TRIPS = 2.0
STEP_ROUND_TRIPS = 0.125
CALM_PACKETS = 500  # acknowledged without a false loss, until patience is reduced: eight seconds at 60 a second
REMEMBERED_PACKETS = 256  # how far back packets taken for lost are known: four seconds at 60 a second


class Reordering:
    """What one path has shown.

    Attributes:
        packets: How many later packets must have arrived for a packet to be lost.
        round_trips: Or how long it must be overdue.
    """

    __slots__ = ("_acked", "_lost", "_newest", "packets", "round_trips")

    def __init__(self) -> None:
        """Begin as RFC 9002 recommends."""
        self.packets = PACKETS
        self.round_trips = ROUND_TRIPS
        self._newest = 0
        self._lost = 0  # bit i: packet `_newest - i` was taken for lost
        self._acked = 0

    def __repr__(self) -> str:
        """Show how patient it is."""
        return f"Reordering({self.packets} packets, {self.round_trips:g} round trips)"

    def note_lost(self, number: int) -> None:
        """Remember a packet taken for lost."""
        ahead = number - self._newest
        if ahead > 0:
            # Whoever skips many numbers has forgotten what was before: shifting by them would ask for as many bits.
            self._lost = self._lost << ahead & (1 << REMEMBERED_PACKETS) - 1 if ahead < REMEMBERED_PACKETS else 0
            self._newest = number
        if number > self._newest - REMEMBERED_PACKETS:
            self._lost |= 1 << self._newest - number

    def note_acked(self, largest: int, arrived: int, count: int) -> None:  # HOT: once per packet received
        """Learn from an ACK.

        Args:
            largest: The largest packet it names.
            arrived: Bit i: packet `largest - i` has arrived.
            count: How many it acknowledges for the first time.
        """
        if self._lost:
            self._learn(largest, arrived)
        self._acked += count
        if self._acked >= CALM_PACKETS:
            self._acked = 0
            self.packets = max(PACKETS, self.packets - (self.packets + 3) // 4)
            self.round_trips = max(ROUND_TRIPS, self.round_trips - STEP_ROUND_TRIPS)

    def _learn(self, largest: int, arrived: int) -> None:
        behind = largest - self._newest
        if behind < 0:
            late = self._lost >> -behind & arrived
            self._lost &= ~(late << -behind)
        else:
            late = self._lost & arrived >> behind
            self._lost &= ~late
            late <<= behind
        if late:
            # By how much it was overtaken, but at most twice as much as was thought: an ACK may come late, too.
            overtaken = min(late.bit_length(), 2 * self.packets, MAX_PACKETS)
            self.packets = max(self.packets, overtaken)
            self.round_trips = min(self.round_trips + STEP_ROUND_TRIPS, MAX_ROUND_TRIPS)
            self._acked = 0
