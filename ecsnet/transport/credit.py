"""Credit: how much of reliable messages one side may send before the other's application has read them.

Without it a program that stops reading for a while could only drop what arrives, and would be sent it again and again.
A message costs its bytes and an overhead, on whatever channel. The reader says what may be spent in all, since the
connection began; so a CREDIT frame that arrives late or twice does no harm, and only the newest is ever repeated.
"""

from ecsnet.errors import RemoteProtocolError
from ecsnet.transport.packet import pack_credit
from ecsnet.transport.reliable import Piece

__all__ = ["CreditGiver", "CreditSender"]

CHANNEL = -1  # where the outbox keeps it among the senders of the channels


class CreditGiver:
    """The reader's side.

    Attributes:
        granted: What the peer may spend in all.
    """

    __slots__ = ("_least_bytes", "_overhead_bytes", "_read", "_received", "_window_bytes", "granted")

    def __init__(self, window_bytes: int, overhead_bytes: int, longest_bytes: int) -> None:
        """Grant one window to begin with.

        Args:
            longest_bytes: Longest message.
        """
        # What came free and was not said must never be what the longest message lacks: it would wait for ever.
        spare = window_bytes - longest_bytes - overhead_bytes
        self._least_bytes = min(window_bytes >> 2, spare + 1)
        self._window_bytes = window_bytes
        self._overhead_bytes = overhead_bytes
        self._received = 0
        self._read = 0
        self.granted = window_bytes

    def __repr__(self) -> str:
        """Show what waits to be read, and what may come."""
        return f"CreditGiver({self._received - self._read} B unread, {self.granted - self._received} B left)"

    def receive(self, message: bytes) -> None:
        """Note a message that waits to be read.

        Raises:
            RemoteProtocolError: The peer spent more than it has.
        """
        self._received += len(message) + self._overhead_bytes
        if self._received > self.granted:
            raise RemoteProtocolError(f"reliable messages of {self._received} B, over the credit of {self.granted}")

    def read(self) -> bool:
        """Note that the application has read everything; tell whether the peer should hear of it.

        It should when a quarter of the window came free, or what the longest message may need of it: sooner costs
        frames, later stops the peer.
        """
        self._read = self._received
        if self._read + self._window_bytes - self.granted < self._least_bytes:
            return False
        self.granted = self._read + self._window_bytes
        return True


class CreditSender:
    """Sends the newest CREDIT frame until it is acknowledged, as a reliable channel does with its messages."""

    __slots__ = ("_piece", "channel")

    def __init__(self) -> None:
        """Start with nothing to say."""
        self.channel = CHANNEL
        self._piece: Piece | None = None

    def __repr__(self) -> str:
        """Show what is said."""
        return f"CreditSender({self._piece})"

    def say(self, total: int) -> None:
        """Send a new total in place of the last."""
        if self._piece is not None:
            self._piece.done = True
        self._piece = Piece(self, 0, pack_credit(total))

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to send."""
        return self.peek() is None

    def peek(self) -> Piece | None:
        """Return the frame, if it is to be sent."""
        piece = self._piece
        return piece if piece is not None and piece.queued and not piece.done else None

    def pop(self) -> None:
        """Take the piece `peek` returned."""
        assert self._piece is not None
        self._piece.queued = False
        self._piece.under_way += 1

    def repeat(self, piece: Piece) -> bool:
        """Send it again, unless it arrived or is out of date; tell whether that was still to be done."""
        if piece.done or piece.queued:
            return False
        piece.queued = True
        return True

    def acknowledge(self, piece: Piece) -> None:
        """Note that it arrived."""
        piece.done = True

    def clear(self) -> None:
        """Let go of it."""
        self._piece = None
