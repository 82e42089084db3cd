"""Channels: the delivery rules, and the queues of one connection that keep them.

Unreliable messages are sent once. Reliable ones are cut into pieces that fit a packet; a piece is sent in new packets
until one that carried it is acknowledged. Frames are encoded when a message is queued, so that packing a datagram is
taking and joining.
"""

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

from ecsnet.errors import LocalProtocolError, RemoteProtocolError, SendQueueFull
from ecsnet.transport import packet

__all__ = ["Channel", "Delivery", "Piece", "ReceiveChannel", "ReliableSender"]


class Delivery(IntEnum):
    """What a channel promises of its messages."""

    UNRELIABLE = 0  # each at most once, in any order
    SEQUENCED = 1  # each at most once, never an older one after a newer one
    RELIABLE_UNORDERED = 2  # each exactly once, in any order
    RELIABLE_ORDERED = 3  # each exactly once, in the order of sending

    @property
    def is_reliable(self) -> bool:
        """Whether lost messages are sent again."""
        return self >= Delivery.RELIABLE_UNORDERED


@dataclass(frozen=True, slots=True)
class Channel:
    """One row of a connection's table of channels; both ends have the same table."""

    name: str
    delivery: Delivery


@dataclass(slots=True, eq=False)
class Piece:
    """A part of a reliable message, encoded as a frame; done when a packet that carried it is acknowledged."""

    sender: "ReliableSender"
    message_id: int
    frame: bytes
    done: bool = False
    queued: bool = True


@dataclass(slots=True)
class _Message:
    size: int
    pieces: list[Piece]
    remaining: int


@dataclass(slots=True, eq=False)
class ReliableSender:
    """The messages of one reliable channel that are not acknowledged as a whole.

    Attributes:
        queued_bytes: Payload of all of them; bounded by `limit_bytes`.
    """

    channel: int
    limit_bytes: int
    window_messages: int
    window_bytes: int
    piece_bytes: int
    max_message_bytes: int
    queued_bytes: int = 0
    _next_id: int = 0
    _oldest: int = 0
    _span_bytes: int = 0
    _waiting: deque[int] = field(default_factory=deque)
    _ready: deque[Piece] = field(default_factory=deque)
    _messages: dict[int, _Message] = field(default_factory=dict)

    def queue(self, message: bytes) -> None:
        """Take a message.

        Raises:
            SendQueueFull: There is no room for it until more is acknowledged.
        """
        size = len(message)
        if size > self.max_message_bytes:
            raise LocalProtocolError(
                f"a reliable message of {size} B is longer than {self.max_message_bytes}; split it"
            )
        if self.queued_bytes + size > self.limit_bytes:
            raise SendQueueFull(
                f"{self.queued_bytes} B wait to be acknowledged on channel {self.channel}, "
                f"{size} more would pass the limit of {self.limit_bytes}; send again later"
            )
        message_id = self._next_id
        self._next_id += 1
        frames = packet.pack_reliable(self.channel, message_id, message, self.piece_bytes)
        pieces = [Piece(self, message_id, frame) for frame in frames]
        self._messages[message_id] = _Message(size, pieces, len(pieces))
        self._waiting.append(message_id)
        self.queued_bytes += size

    def peek(self) -> Piece | None:
        """Return the next piece to send; lost ones first, new messages as the window allows."""
        while True:
            while self._ready:
                piece = self._ready[0]
                if not piece.done:
                    return piece
                self._ready.popleft()
            if not self._open_next():
                return None

    def pop(self) -> None:
        """Take the piece `peek` returned."""
        self._ready.popleft().queued = False

    def _open_next(self) -> bool:
        """Let one more message be sent, unless the receiver would have to hold too much behind a lost one."""
        if not self._waiting:
            return False
        message_id = self._waiting[0]
        message = self._messages[message_id]
        if message_id - self._oldest >= self.window_messages:
            return False
        if self._span_bytes and self._span_bytes + message.size > self.window_bytes:
            return False
        self._waiting.popleft()
        self._span_bytes += message.size
        self._ready.extend(message.pieces)
        return True

    def lost(self, piece: Piece) -> None:
        """Send a piece again, before anything new."""
        if not piece.done and not piece.queued:
            piece.queued = True
            self._ready.appendleft(piece)

    def acked(self, piece: Piece) -> None:
        """Note that a piece arrived."""
        if piece.done:
            return
        piece.done = True
        message = self._messages[piece.message_id]
        message.remaining -= 1
        if message.remaining:
            return
        self.queued_bytes -= message.size
        message.pieces.clear()
        while self._oldest < self._next_id and not self._messages[self._oldest].remaining:
            self._span_bytes -= self._messages.pop(self._oldest).size
            self._oldest += 1


@dataclass(slots=True)
class _Assembly:
    """A reliable message of which some pieces have arrived; memory is for received bytes only."""

    count: int
    pieces: dict[int, bytes] = field(default_factory=dict)


@dataclass(slots=True)
class ReceiveChannel:
    """The receiving end of one channel: order, duplicates, reassembly.

    Attributes:
        held_bytes: What waits here for an earlier message or for its other pieces.
    """

    delivery: Delivery
    window_messages: int
    max_message_bytes: int
    limit_bytes: int
    held_bytes: int = 0
    _next_id: int = 0
    _newest: int = -1
    _early: dict[int, bytes | None] = field(default_factory=dict)
    _assemblies: dict[int, _Assembly] = field(default_factory=dict)

    def take_sequenced(self, number: int) -> bool:
        """Tell whether a sequenced message is newer than all before."""
        if number <= self._newest:
            return False
        self._newest = number
        return True

    def take_reliable(self, message_id: int, message: bytes) -> list[bytes]:
        """Take a whole message; return what can be delivered now.

        Raises:
            RemoteProtocolError: It lies beyond the window or over the limit.
        """
        if message_id < self._next_id or message_id in self._early:
            return []
        if message_id - self._next_id >= self.window_messages:
            raise RemoteProtocolError(f"reliable message {message_id} is beyond the window of {self.window_messages}")
        if self.delivery is Delivery.RELIABLE_UNORDERED:
            self._early[message_id] = None
            self._advance()
            return [message]
        self._hold(len(message))
        self._early[message_id] = message
        return self._advance()

    def _advance(self) -> list[bytes]:
        deliverable = []
        while self._next_id in self._early:
            message = self._early.pop(self._next_id)
            self._next_id += 1
            if message is not None:
                self.held_bytes -= len(message)
                deliverable.append(message)
        return deliverable

    def take_fragment(self, message_id: int, index: int, count: int, data: bytes) -> list[bytes]:
        """Take a piece; return what can be delivered now.

        Raises:
            RemoteProtocolError: It contradicts another piece, or passes a limit.
        """
        if message_id < self._next_id or message_id in self._early:
            return []
        if message_id - self._next_id >= self.window_messages:
            raise RemoteProtocolError(f"a fragment of message {message_id} is beyond the window")
        assembly = self._assemblies.setdefault(message_id, _Assembly(count))
        if assembly.count != count:
            raise RemoteProtocolError(f"message {message_id} has {assembly.count} fragments and {count}")
        if index in assembly.pieces:
            return []
        self._hold(len(data))
        assembly.pieces[index] = data
        if len(assembly.pieces) < count:
            return []
        del self._assemblies[message_id]
        message = b"".join([assembly.pieces[i] for i in range(count)])
        self.held_bytes -= len(message)
        if len(message) > self.max_message_bytes:
            raise RemoteProtocolError(f"a message of {len(message)} B is longer than {self.max_message_bytes}")
        return self.take_reliable(message_id, message)

    def _hold(self, size: int) -> None:
        self.held_bytes += size
        if self.held_bytes > self.limit_bytes:
            raise RemoteProtocolError(f"{self.held_bytes} B held for reordering, more than {self.limit_bytes}")
