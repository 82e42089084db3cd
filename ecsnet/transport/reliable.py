"""Reliable messages on their way out: a piece is sent in new packets until one that carried it is acknowledged.

A piece is a whole message or a fragment of one, encoded as a frame once, when the message is queued. How many messages
may be under way is limited, so that the receiver never has to hold more than it must be able to.
"""

from collections import deque
from typing import Protocol

from ecsnet.config import TransportConfig
from ecsnet.errors import LocalProtocolError, SendQueueFull
from ecsnet.transport.fragments import cut
from ecsnet.transport.packet import pack_fragment, pack_numbered

__all__ = ["Piece", "PieceSender", "ReliableSender", "Spending"]


class PieceSender(Protocol):
    """Who has pieces to send, and wants to know what became of them."""

    channel: int

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing that could be sent."""
        ...

    def peek(self) -> "Piece | None":
        """Return the next piece to send."""
        ...

    def pop(self) -> None:
        """Take the piece `peek` returned."""
        ...

    def repeat(self, piece: "Piece") -> bool:
        """Send a piece again; tell whether that was still to be done."""
        ...

    def acknowledge(self, piece: "Piece") -> None:
        """Note that a piece arrived."""
        ...


class Spending:
    """What the reliable channels of one connection have spent of the credit they share; see `credit.py`.

    Attributes:
        left: How much more messages may cost.
    """

    __slots__ = ("_total", "left")

    def __init__(self, total: int) -> None:
        """Start with what both ends take for granted."""
        self._total = total
        self.left = total

    def __repr__(self) -> str:
        """Show what is left."""
        return f"Spending({self.left} of {self._total} left)"

    def raise_to(self, total: int) -> None:
        """Take a CREDIT frame; one that was overtaken by a newer one says nothing."""
        if total > self._total:
            self.left += total - self._total
            self._total = total


class Piece:
    """A reliable message that fits a packet, or a part of one that does not.

    Attributes:
        frame: Its bytes in a packet.
        done: Whether a packet with it was acknowledged.
        queued: Whether it waits to be sent.
        under_way: Packets with it whose fate is unknown.
        duplicates: How often it may still be sent before anything is known to be lost.
    """

    __slots__ = ("done", "duplicates", "frame", "message_id", "queued", "sender", "under_way")

    def __init__(self, sender: PieceSender, message_id: int, frame: bytes) -> None:
        """Make a piece that waits to be sent."""
        self.sender = sender
        self.message_id = message_id
        self.frame = frame
        self.done = False
        self.queued = True
        self.under_way = 0
        self.duplicates = 0

    def __repr__(self) -> str:
        """Show the message and what became of the piece."""
        fate = "done" if self.done else "queued" if self.queued else f"under way {self.under_way} times"
        return f"Piece(message {self.message_id}, {len(self.frame)} B, {fate})"


class ReliableSender:
    """The messages of one reliable channel that are not acknowledged as a whole.

    Attributes:
        channel: Its index.
        queued_bytes: Payload of all of them; with `queued_overhead_bytes` for each but one, bounded by `limit_bytes`.
        settled: Pieces acknowledged so far.
    """

    __slots__ = (
        "_cost_bytes", "_limit_bytes", "_max_message_bytes", "_next_id", "_oldest", "_overhead_bytes", "_part_bytes",
        "_ready", "_remaining", "_sizes", "_span_bytes", "_spending", "_waiting", "_window_bytes", "_window_messages",
        "channel", "queued_bytes", "settled",
    )  # fmt: skip

    def __init__(
        self, channel: int, config: TransportConfig, spending: Spending, *, limit_bytes: int, part_bytes: int
    ) -> None:
        """Start with nothing to send.

        Args:
            spending: The credit all channels share.
            part_bytes: Longest message, or part of one, that fits a packet.
        """
        self.channel = channel
        self.queued_bytes = 0
        self.settled = 0
        self._spending = spending
        self._cost_bytes = config.message_overhead_bytes
        self._limit_bytes = limit_bytes
        self._overhead_bytes = config.queued_overhead_bytes
        self._part_bytes = part_bytes
        self._max_message_bytes = min(config.max_reliable_message_bytes, part_bytes * config.max_fragments)
        self._window_messages = config.reliable_window_messages
        self._window_bytes = config.reliable_window_bytes
        self._next_id = 0
        self._oldest = 0  # of the messages sent, the first that is not acknowledged as a whole
        self._span_bytes = 0  # of the messages from there on that the window let through
        self._waiting: deque[tuple[int, list[Piece]]] = deque()  # size and pieces, before the window
        self._ready: deque[Piece] = deque()  # within the window, to be sent (again)
        self._sizes: dict[int, int] = {}  # by message from `_oldest` on
        self._remaining: dict[int, int] = {}  # pieces not acknowledged, by message

    def __repr__(self) -> str:
        """Show what is queued."""
        return f"ReliableSender(channel {self.channel}, {len(self._remaining)} messages, {self.queued_bytes} B)"

    def queue(self, message: bytes) -> None:
        """Take a message.

        Raises:
            LocalProtocolError: It is longer than any message may be.
            SendQueueFull: There is no room for it until more is acknowledged.
        """
        size = len(message)
        if size > self._max_message_bytes:
            raise LocalProtocolError(
                f"a reliable message of {size} B is longer than {self._max_message_bytes}; split it"
            )
        if not self.has_room(size):
            raise SendQueueFull(
                f"{len(self._remaining)} messages of {self.queued_bytes} B wait to be acknowledged on channel "
                f"{self.channel}; {size} B more, at {self._overhead_bytes} B beside each, would pass the limit of "
                f"{self._limit_bytes} B; send again later"
            )
        message_id = self._next_id
        self._next_id += 1
        pieces = [Piece(self, message_id, frame) for frame in self._frames(message_id, message)]
        self._sizes[message_id] = size
        self._remaining[message_id] = len(pieces)
        self._waiting.append((size, pieces))
        self.queued_bytes += size

    def has_room(self, size: int) -> bool:
        """Tell whether `queue` would take a message of `size` bytes.

        What messages are kept in counts, too. A first one pays nothing for it: the longest one fits an empty queue.
        """
        return self._queued_cost + size <= self._limit_bytes

    @property
    def _queued_cost(self) -> int:
        return self.queued_bytes + len(self._remaining) * self._overhead_bytes

    @property
    def is_half_empty(self) -> bool:
        """Whether there is room for more than a trickle."""
        return 2 * self._queued_cost <= self._limit_bytes

    @property
    def has_unsettled(self) -> bool:
        """Whether messages wait to be acknowledged."""
        return bool(self._remaining)

    def _frames(self, message_id: int, message: bytes) -> list[bytes]:
        if len(message) <= self._part_bytes:
            return [pack_numbered(self.channel, message_id, message)]
        parts = cut(message, self._part_bytes)
        return [pack_fragment(self.channel, message_id, i, len(parts), part) for i, part in enumerate(parts)]

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing that could be sent. It may be True with messages that the window holds back."""
        return not self._ready and not self._waiting

    def peek(self) -> Piece | None:
        """Return the next piece to send; lost ones first, new messages as the window allows."""
        ready = self._ready
        while ready or self._open_next():
            piece = ready[0]
            if not piece.done:
                return piece
            ready.popleft().queued = False  # acknowledged by a packet that had been taken for lost, or by a duplicate
        return None

    def pop(self) -> None:
        """Take the piece `peek` returned."""
        piece = self._ready.popleft()
        piece.queued = False
        piece.under_way += 1

    def _open_next(self) -> bool:
        """Let one more message be sent, unless the receiver had to hold too much: unread, or behind a lost one."""
        if not self._waiting:
            return False
        size, pieces = self._waiting[0]
        if size + self._cost_bytes > self._spending.left:
            return False
        if pieces[0].message_id - self._oldest >= self._window_messages:
            return False
        if self._span_bytes and self._span_bytes + size > self._window_bytes:
            return False
        self._waiting.popleft()
        self._spending.left -= size + self._cost_bytes
        self._span_bytes += size
        self._ready.extend(pieces)
        return True

    def repeat(self, piece: Piece) -> bool:
        """Send a piece again, before anything new; tell whether that was still to be done."""
        if piece.done or piece.queued:
            return False
        piece.queued = True
        self._ready.appendleft(piece)
        return True

    def acknowledge(self, piece: Piece) -> None:
        """Note that a piece arrived."""
        if piece.done:
            return
        piece.done = True
        self.settled += 1
        message_id = piece.message_id
        self._remaining[message_id] -= 1
        if self._remaining[message_id]:
            return
        del self._remaining[message_id]
        self.queued_bytes -= self._sizes[message_id]
        while self._oldest in self._sizes and self._oldest not in self._remaining:
            self._span_bytes -= self._sizes.pop(self._oldest)
            self._oldest += 1

    def clear(self) -> None:
        """Let go of everything: the connection has ended."""
        self._waiting.clear()
        self._ready.clear()
        self._sizes.clear()
        self._remaining.clear()
        self.queued_bytes = 0
