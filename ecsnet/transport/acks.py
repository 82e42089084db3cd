"""Which packets arrived: the replay window's bits are also what there is to acknowledge.

So the window is as wide as an ACK can tell, and a packet too old to be acknowledged is too old to be accepted.
"""

from ecsnet.transport.replay import ReplayWindow

__all__ = ["ACK_RANGE", "ReceivedPackets"]

ACK_RANGE = 1024  # packets an ACK can name below the largest: over 17 seconds at 60 a second


class ReceivedPackets(ReplayWindow):
    """The packets of one direction that were opened, and which of them the peer should hear about."""

    __slots__ = ("_confirmed", "_eliciting_since", "_largest_at")

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(ACK_RANGE + 1)
        self._largest_at = 0.0
        self._confirmed = -1
        self._eliciting_since: float | None = None

    def add(self, number: int, now: float, *, ack_eliciting: bool) -> None:
        """Note an authentic packet that `check` allowed."""
        if number > self.largest:
            self._largest_at = now
        self.commit(number)
        if ack_eliciting and self._eliciting_since is None:
            self._eliciting_since = now

    @property
    def ack_wanted(self) -> bool:
        """Whether the peer waits to hear what arrived."""
        return self._eliciting_since is not None

    def ack_due_at(self, delay_seconds: float) -> float | None:
        """Return when an ACK must go out even alone; None while nothing asks for one."""
        return None if self._eliciting_since is None else self._eliciting_since + delay_seconds

    def take_ack(self, now: float) -> tuple[int, float, int]:
        """Return largest, delay and bitmap for an ACK frame, and note that it is sent."""
        self._eliciting_since = None
        width = min(ACK_RANGE, self.largest - self._confirmed)
        return self.largest, now - self._largest_at, (self._seen >> 1) & ((1 << width) - 1)

    def confirm(self, largest: int) -> None:
        """Note that the peer has an ACK up to `largest`: what lies below need not be repeated any more."""
        self._confirmed = max(self._confirmed, largest)
