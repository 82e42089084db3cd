"""What one connection has to send, and which of it goes into the next packet.

Unreliable messages are sent once, reliable ones until they are acknowledged (`reliable.py`). Frames are encoded when a
message is queued, so filling a packet is taking from queues.
"""

from collections import deque
from collections.abc import Sequence

from ecsnet.config import TransportConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.packet import MAX_FRAMES, pack_message, pack_numbered
from ecsnet.transport.reliable import Piece, ReliableSender
from ecsnet.transport.statistics import Statistics

__all__ = ["Outbox"]

MANY_LOSSES = 15  # times `duplicate_from_loss`: from there on two duplicates


class Outbox:
    """The queues of all channels of one connection.

    Attributes:
        reports: (token, arrived) of messages whose fate is known, for the application to take.
    """

    __slots__ = (
        "_active", "_allowance_bytes", "_config", "_duplicates", "_max_message_bytes", "_numbers", "_queue",
        "_queue_bytes", "_senders", "_share_bytes", "_statistics", "reports",
    )  # fmt: skip

    def __init__(
        self,
        channels: Sequence[Channel],
        config: TransportConfig,
        statistics: Statistics,
        *,
        reliable_limit_bytes: int,
        max_message_bytes: int,
    ) -> None:
        """Start with nothing to send.

        Args:
            reliable_limit_bytes: What each reliable channel may hold.
            max_message_bytes: Longest message, or part of one, that fits a packet.
        """
        self._config = config
        self._statistics = statistics
        self._max_message_bytes = max_message_bytes
        self._queue: deque[tuple[bytes, int | None]] = deque()  # frames of unreliable messages, and their tokens
        self._queue_bytes = 0
        self._numbers = {i: 0 for i, channel in enumerate(channels) if channel.delivery is Delivery.SEQUENCED}
        self._senders = {
            i: ReliableSender(i, config, limit_bytes=reliable_limit_bytes, part_bytes=max_message_bytes)
            for i, channel in enumerate(channels)
            if channel.delivery.is_reliable
        }
        self._active: dict[int, ReliableSender] = {}  # those with anything to send
        self._duplicates: list[Piece] = []  # to be sent once more with whatever goes out next time
        self._share_bytes = int(config.send_budget_bytes * config.reliable_share)
        self._allowance_bytes = self._share_bytes
        self.reports: list[tuple[int, bool]] = []

    def __repr__(self) -> str:
        """Show what waits."""
        return f"Outbox({len(self._queue)} unreliable, {self._queue_bytes} B, {list(self._senders.values())})"

    def add(self, channel: int, message: bytes, token: int | None) -> None:  # HOT: once per message sent
        """Queue a message; see `Connection.send`."""
        if channel in self._senders:
            if token is not None:
                raise LocalProtocolError("a reliable message always arrives; ask for reports of unreliable ones")
            sender = self._senders[channel]
            sender.queue(message)
            self._active[channel] = sender
            return
        if len(message) > self._max_message_bytes:
            limit = f"the {self._max_message_bytes} of a datagram"
            raise LocalProtocolError(f"a message of {len(message)} B is over {limit}; use a reliable channel")
        if channel in self._numbers:
            frame = pack_numbered(channel, self._numbers[channel], message)
            self._numbers[channel] += 1
        else:
            frame = pack_message(channel, message)
        self._queue.append((frame, token))
        self._queue_bytes += len(frame)
        if self._queue_bytes > self._config.max_unreliable_queue_bytes:
            self.drop_oldest(self._config.max_unreliable_queue_bytes)

    def drop_oldest(self, limit_bytes: int) -> None:
        """Let no more unreliable bytes wait: the newest messages are worth most."""
        while self._queue_bytes > limit_bytes:
            frame, token = self._queue.popleft()
            self._queue_bytes -= len(frame)
            self._statistics.drops["unreliable queue full"] += 1
            if token is not None:
                self.reports.append((token, False))

    @property
    def is_waiting(self) -> bool:
        """Whether anything could be sent now."""
        if self._queue:
            return True
        return bool(self._active) and any(sender.peek() is not None for sender in self._active.values())

    @property
    def waiting_bytes(self) -> int:
        """Unreliable bytes that wait to be packed."""
        return self._queue_bytes

    def begin(self, budget_bytes: int | None = None) -> None:
        """Start a call's packets: reliable pieces go first up to their share, then unreliable ones, then the rest.

        Args:
            budget_bytes: What the call may send; None: the most one ever may.
        """
        share = self._share_bytes
        if budget_bytes is not None:
            share = int(budget_bytes * self._config.reliable_share)
        # A call may be worth less than a packet: what its reliable pieces took beyond their share is owed.
        self._allowance_bytes = min(0, self._allowance_bytes) + share
        if self._duplicates:
            self._send_duplicates()

    def fill(self, frames: list[bytes], room: int) -> tuple[list[Piece], list[int]]:
        """Add to a packet what fits into `room`; return the pieces and the tokens that went into it.

        HOT: once per packet sent; tests/bench/bench_connection.py.
        """
        pieces: list[Piece] = []
        if self._active and self._allowance_bytes > 0:
            left = self._fill_reliable(frames, pieces, room)
            self._allowance_bytes -= room - left
            room = left
        queue = self._queue
        if not queue:
            tokens: list[int] = []
        else:
            room, tokens = self._fill_unreliable(queue, frames, room)
        if self._active and not queue:
            self._fill_reliable(frames, pieces, room)
        return pieces, tokens

    def _fill_unreliable(
        self, queue: deque[tuple[bytes, int | None]], frames: list[bytes], room: int
    ) -> tuple[int, list[int]]:
        """Add unreliable messages, oldest first; return the room that is left, and the tokens."""
        tokens: list[int] = []
        start, places = room, MAX_FRAMES - len(frames)
        while queue and places:
            frame, token = queue[0]
            size = len(frame)
            if size > room:
                break
            queue.popleft()
            frames.append(frame)
            room -= size
            places -= 1
            if token is not None:
                tokens.append(token)
        self._queue_bytes -= start - room
        return room, tokens

    def _fill_reliable(self, frames: list[bytes], pieces: list[Piece], room: int) -> int:
        """Add the pieces of each channel while they fit; return the room that is left."""
        plan_duplicates = self._statistics.loss_sent >= self._config.duplicate_from_loss
        for channel, sender in list(self._active.items()):
            while len(frames) < MAX_FRAMES and (piece := sender.peek()) is not None and len(piece.frame) <= room:
                sender.pop()
                frames.append(piece.frame)
                pieces.append(piece)
                room -= len(piece.frame)
                if plan_duplicates:
                    self._plan_duplicate(piece)
            if sender.is_idle:
                del self._active[channel]
        return room

    def _plan_duplicate(self, piece: Piece) -> None:
        """Let a small piece be sent twice or thrice, without waiting for the news that the first is lost."""
        if piece.under_way == 1 and len(piece.frame) <= self._config.duplicate_bytes:
            many = self._statistics.loss_sent >= MANY_LOSSES * self._config.duplicate_from_loss
            piece.duplicates = 2 if many else 1
            self._duplicates.append(piece)

    def _send_duplicates(self) -> None:
        """Queue the duplicates planned; one that is not the last is planned again."""
        planned, self._duplicates = self._duplicates, []
        for piece in reversed(planned):  # each goes to the front, so the order stays
            piece.duplicates -= 1
            if self._queue_again(piece):
                self._statistics.duplicates += 1
                if piece.duplicates:
                    self._duplicates.append(piece)

    def acknowledge(self, pieces: Sequence[Piece], tokens: Sequence[int]) -> None:
        """Note that a packet with these arrived."""
        for piece in pieces:
            piece.under_way -= 1
            piece.sender.acknowledge(piece)
        self.reports += [(token, True) for token in tokens]

    def lose(self, pieces: Sequence[Piece], tokens: Sequence[int]) -> None:
        """Note that a packet with these is lost; a piece that is not under way any more is sent again."""
        for piece in reversed(pieces):  # each goes to the front, so the order stays
            piece.under_way -= 1
            if not piece.under_way:
                self.repeat(piece)
        self.reports += [(token, False) for token in tokens]

    def repeat(self, piece: Piece) -> None:
        """Send a piece again, if it did not arrive meanwhile."""
        if self._queue_again(piece):
            self._statistics.retransmits += 1

    def _queue_again(self, piece: Piece) -> bool:
        sender = piece.sender
        if not sender.repeat(piece):
            return False
        self._active[sender.channel] = sender
        return True

    def clear(self) -> None:
        """Let go of everything; what was not sent is reported as lost."""
        self.reports += [(token, False) for _, token in self._queue if token is not None]
        self._queue.clear()
        self._queue_bytes = 0
        self._duplicates.clear()
        self._active.clear()
        for sender in self._senders.values():
            sender.clear()
