"""Which packets arrived: the replay window's bits are also what there is to acknowledge.

So the window is as wide as an ACK can tell, and a packet too old to be acknowledged is too old to be accepted.
"""

from ecsnet.transport.replay import ReplayWindow

__all__ = ["ACK_RANGE", "ReceivedPackets"]

LOSS_WINDOW = 120  # packets: two seconds at 60 a second
LATE = 8  # of the newest packets, those missing may only be late

ACK_RANGE = 1024  # packets an ACK can name below the largest: over 17 seconds at 60 a second
MANY_PACKETS = 4  # so many wait for no company: who sends that much sends evenly only if it hears soon what has arrived


class ReceivedPackets(ReplayWindow):
    """The packets of one direction that were opened, and which of them the peer should hear about.

    Attributes:
        eliciting_since: When the first packet arrived that asks for an ACK not yet sent; None if there is none.
    """

    __slots__ = ("_confirmed", "_largest_at", "_told", "eliciting_since")

    def __init__(self) -> None:
        """Start empty."""
        super().__init__(ACK_RANGE + 1)
        self._largest_at = 0.0
        self._confirmed = -1
        self._told = -1  # largest packet number in an ACK
        self.eliciting_since: float | None = None

    def add(self, number: int, now: float, *, ack_eliciting: bool) -> None:  # HOT: once per packet received
        """Note an authentic packet that `check` allowed."""
        if number > self.largest:
            self._largest_at = now
        self.commit(number)
        if ack_eliciting and self.eliciting_since is None:
            self.eliciting_since = now

    def hurry(self) -> None:
        """Let the ACK go out with the next packet, or alone: there is nothing it had better wait for."""
        if self.eliciting_since is not None:
            self.eliciting_since -= 1.0  # as if it had waited: longer than any delay

    def ack_due_at(self, delay_seconds: float) -> float | None:
        """Return when an ACK must go out even alone; None while nothing asks for one."""
        since = self.eliciting_since
        return since if since is None or self.largest - self._told >= MANY_PACKETS else since + delay_seconds

    def take_ack(self, now: float) -> tuple[int, float, int]:
        """Return largest, delay and bitmap for an ACK frame, and note that it is sent."""
        self.eliciting_since = None
        self._told = self.largest
        width = min(ACK_RANGE, self.largest - self._confirmed)
        return self.largest, now - self._largest_at, (self._seen >> 1) & ((1 << width) - 1)

    def loss(self) -> float:
        """Return the share of the latest packets that did not arrive, those left out that may only be late."""
        count = min(LOSS_WINDOW, self.largest + 1 - LATE)
        if count <= 0:
            return 0.0
        return 1 - (self._seen >> LATE & ((1 << count) - 1)).bit_count() / count

    @property
    def unconfirmed(self) -> int:
        """How many packets an ACK goes back over, because we do not know that the peer has an earlier one."""
        return self.largest - self._confirmed

    def confirm(self, largest: int) -> None:
        """Note that the peer has an ACK up to `largest`: what lies below need not be repeated any more.

        A packet that arrives below it even later is not acknowledged at all. By then the peer has counted it as lost:
        the confirmation is a round trip younger than the ACK that showed the gap.
        """
        if largest > self._confirmed:  # noqa: PLR1730  # HOT: half the time of max()
            self._confirmed = largest
