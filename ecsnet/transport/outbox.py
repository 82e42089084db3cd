"""What one connection has to send, and which of it goes into the next packet.

Unreliable messages are sent once, reliable ones until they are acknowledged (`reliable.py`). Frames are encoded when a
message is queued, so filling a packet is taking from queues.
"""

from collections import deque
from collections.abc import Sequence

from ecsnet.config import TransportConfig
from ecsnet.errors import LocalProtocolError, SendQueueFull
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.credit import CreditSender
from ecsnet.transport.fragments import cut
from ecsnet.transport.packet import CHANNEL_MASK, MAX_FRAMES, pack_fragment, pack_message, pack_numbered
from ecsnet.transport.reliable import Piece, PieceSender, ReliableSender, Spending
from ecsnet.transport.statistics import Statistics

__all__ = ["Outbox"]

MANY_LOSSES = 15  # times `duplicate_from_loss`: from there on two duplicates


class Outbox:
    """The queues of all channels of one connection.

    Attributes:
        queue: Frames of unreliable messages, oldest first, with their tokens.
        waiting_bytes: Of these frames.
        reports: (token, arrived) of messages whose fate is known, for the application to take.
        urgent: Frames that go out once, with the next packet.
        refused: Reliable channels that had no room for a message, since they last had.
    """

    __slots__ = (
        "_active", "_allowance_bytes", "_config", "_conflates", "_credit", "_duplicates", "_max_message_bytes",
        "_max_queue_bytes", "_numbers", "_overhead_bytes", "_parted", "_senders", "_sequenced", "_share_bytes",
        "_spending", "_statistics", "queue", "refused", "reports", "urgent", "waiting_bytes",
    )  # fmt: skip

    def __init__(
        self,
        channels: Sequence[Channel],
        config: TransportConfig,
        statistics: Statistics,
        *,
        reliable_limit_bytes: int,
        max_message_bytes: int,
        conflates: bool = False,
    ) -> None:
        """Start with nothing to send.

        Args:
            reliable_limit_bytes: What each reliable channel may hold.
            max_message_bytes: Longest message, or part of one, that fits a packet.
            conflates: Let only the newest message of each sequenced channel wait.
        """
        self._conflates = conflates
        self._config = config
        self._statistics = statistics
        self._max_message_bytes = max_message_bytes
        self.queue: deque[tuple[bytes, int | None]] = deque()
        self.waiting_bytes = 0
        self._max_queue_bytes = config.max_unreliable_queue_bytes
        self._overhead_bytes = config.message_overhead_bytes
        self._sequenced = [channel.delivery is Delivery.SEQUENCED for channel in channels]
        self._numbers = [0] * len(channels)  # of sequenced messages, and of unreliable ones in parts
        # Messages in parts that have a token: the token, how many parts are to be settled, and whether it was reported.
        # Their parts carry a token of ours in its place, below zero.
        self._parted: dict[int, tuple[int, int, bool]] = {}
        self._spending = Spending(config.credit_bytes)
        self._credit = CreditSender()
        self._senders = {
            i: ReliableSender(i, config, self._spending, limit_bytes=reliable_limit_bytes, part_bytes=max_message_bytes)
            for i, channel in enumerate(channels)
            if channel.delivery.is_reliable
        }
        self._active: dict[int, PieceSender] = {}  # those with anything to send
        self._duplicates: list[Piece] = []  # to be sent once more with whatever goes out next time
        self._share_bytes = int(config.send_budget_bytes * config.reliable_share)
        self._allowance_bytes = self._share_bytes
        self.reports: list[tuple[int, bool]] = []
        self.urgent: list[bytes] = []
        self.refused: set[int] = set()

    def __repr__(self) -> str:
        """Show what waits."""
        return f"Outbox({len(self.queue)} unreliable, {self.waiting_bytes} B, {list(self._senders.values())})"

    def add(self, channel: int, message: bytes, token: int | None) -> None:  # HOT: once per message sent
        """Queue a message; see `Connection.send`."""
        if channel in self._senders:
            if token is not None:
                raise LocalProtocolError("a reliable message always arrives; ask for reports of unreliable ones")
            self._add_reliable(self._senders[channel], message)
            return
        if token is not None and token < 0:
            raise LocalProtocolError(f"a token is not negative, as {token} is")
        is_sequenced = self._sequenced[channel]
        if is_sequenced and self._conflates:
            self._supersede(channel)
        if len(message) > self._max_message_bytes:
            self._add_parts(channel, message, token)
        elif is_sequenced:
            self._queue_frame(pack_numbered(channel, self._next_number(channel), message), token)
        else:
            self._queue_frame(pack_message(channel, message), token)

    def _add_reliable(self, sender: ReliableSender, message: bytes) -> None:
        try:
            sender.queue(message)
        except SendQueueFull:
            self.refused.add(sender.channel)
            raise
        self._active[sender.channel] = sender

    def _add_parts(self, channel: int, message: bytes, token: int | None) -> None:
        """Queue an unreliable message that does not fit a packet: it arrives if all its parts do."""
        limit = self._config.max_unreliable_fragments
        parts = cut(message, self._max_message_bytes)
        if len(parts) > limit:
            raise LocalProtocolError(
                f"a message of {len(message)} B is over the {limit * self._max_message_bytes} B that {limit} datagrams "
                "carry; use a reliable channel"
            )
        number = self._next_number(channel)
        part_token = None
        if token is not None:
            part_token = -1 - number * len(self._numbers) - channel
            self._parted[part_token] = token, len(parts), False
        for index, part in enumerate(parts):
            self._queue_frame(pack_fragment(channel, number, index, len(parts), part), part_token)

    def _next_number(self, channel: int) -> int:
        number = self._numbers[channel]
        self._numbers[channel] = number + 1
        return number

    def _queue_frame(self, frame: bytes, token: int | None) -> None:
        queue = self.queue
        queue.append((frame, token))
        self.waiting_bytes = waiting = self.waiting_bytes + len(frame)
        if waiting + len(queue) * self._overhead_bytes > self._max_queue_bytes:
            self.drop_oldest(self._max_queue_bytes)

    @property
    def _held_bytes(self) -> int:
        return self.waiting_bytes + len(self.queue) * self._overhead_bytes

    def drop_oldest(self, limit_bytes: int) -> None:
        """Let no more unreliable bytes wait: the newest messages are worth most."""
        while self._held_bytes > limit_bytes:
            frame, token = self.queue.popleft()
            self.waiting_bytes -= len(frame)
            self._statistics.drops["unreliable queue full"] += 1
            if token is not None:
                self._report((token,), arrived=False)

    def _supersede(self, channel: int) -> None:
        """Give up what waits on a sequenced channel: over a stream nothing newer could overtake it."""
        if not self.queue:
            return
        kept: deque[tuple[bytes, int | None]] = deque()
        for frame, token in self.queue:
            if frame[0] & CHANNEL_MASK != channel:
                kept.append((frame, token))
                continue
            self.waiting_bytes -= len(frame)
            self._statistics.drops["superseded"] += 1
            if token is not None:
                self._report((token,), arrived=False)
        self.queue = kept

    @property
    def is_waiting(self) -> bool:
        """Whether anything could be sent now."""
        if self.queue or self.urgent:
            return True
        return bool(self._active) and any(sender.peek() is not None for sender in self._active.values())

    @property
    def is_held_up(self) -> bool:
        """Whether reliable messages wait, though it may be that none of them can be sent now."""
        return bool(self._active)

    def begin(self, room_bytes: int | None = None, datagram_bytes: int = 0) -> None:
        """Start a call's packets: reliable pieces go first up to their share, then unreliable ones, then the rest.

        Args:
            room_bytes: What the call may send; None: the most one ever may.
            datagram_bytes: Where there is room for a byte, a whole datagram goes out: its share counts, not the byte's.
        """
        if not self._active and not self._duplicates:
            return
        share = self._share_bytes
        if room_bytes is not None:
            budget = min(max(room_bytes, datagram_bytes), self._config.send_budget_bytes) if room_bytes > 0 else 0
            share = int(budget * self._config.reliable_share)
        # A call may be worth less than a packet: what its reliable pieces took beyond their share is owed.
        self._allowance_bytes = min(0, self._allowance_bytes) + share
        if self._duplicates:
            self._send_duplicates()

    def fill(self, frames: list[bytes], room: int) -> tuple[Sequence[Piece], Sequence[int]]:
        """Add to a packet what fits into `room`; return the pieces and the tokens that went into it.

        HOT: once per packet sent; tests/bench/bench_connection.py.
        """
        queue = self.queue
        if not self.urgent and not self._active:  # the usual case on a server
            return (), self._fill_unreliable(queue, frames, room)[1] if queue else ()
        pieces: list[Piece] = []
        if self.urgent:
            frames += self.urgent
            room -= sum(map(len, self.urgent))
            self.urgent.clear()
        if self._active and self._allowance_bytes > 0:
            left = self._fill_reliable(frames, pieces, room)
            self._allowance_bytes -= room - left
            room = left
        tokens: Sequence[int] = ()
        if queue:
            room, tokens = self._fill_unreliable(queue, frames, room)
        if self._active and not queue:
            self._fill_reliable(frames, pieces, room)
        return pieces, tokens

    def _fill_unreliable(
        self, queue: deque[tuple[bytes, int | None]], frames: list[bytes], room: int
    ) -> tuple[int, Sequence[int]]:
        """Add unreliable messages, oldest first; return the room that is left, and the tokens.

        HOT: once per packet sent. The tokens are kept until the packet is acknowledged: the garbage collector does not
        look again and again at a tuple of numbers, as it does at a list.
        """
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
        self.waiting_bytes -= start - room
        return room, tuple(tokens)

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
        if tokens:
            self._report(tokens, arrived=True)

    def lose(self, pieces: Sequence[Piece], tokens: Sequence[int]) -> None:
        """Note that a packet with these is lost; a piece that is not under way any more is sent again."""
        for piece in reversed(pieces):  # each goes to the front, so the order stays
            piece.under_way -= 1
            if not piece.under_way:
                self.repeat(piece)
        if tokens:
            self._report(tokens, arrived=False)

    def _report(self, tokens: Sequence[int], *, arrived: bool) -> None:
        """Tell the application; of a message in parts once, when all of it arrived or one part is lost."""
        if not self._parted:
            self.reports += [(token, arrived) for token in tokens]
            return
        for token in tokens:
            if token >= 0:
                self.reports.append((token, arrived))
                continue
            whole, remaining, told = self._parted.pop(token)
            if remaining > 1:
                self._parted[token] = whole, remaining - 1, told or not arrived
            if not told and (remaining == 1 or not arrived):
                self.reports.append((whole, arrived))

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

    # Credit and back-pressure.

    def say_credit(self, total: int) -> None:
        """Tell the peer what reliable messages it may send in all."""
        self._credit.say(total)
        self._active[self._credit.channel] = self._credit

    def take_credit(self, total: int) -> None:
        """Take the peer's word for what may be sent in all."""
        self._spending.raise_to(total)

    def has_room(self, channel: int, size: int) -> bool:
        """Tell whether a message of `size` bytes would be taken."""
        sender = self._senders.get(channel)
        return sender is None or sender.has_room(size)

    def take_writable(self) -> list[int]:
        """Return and forget the channels that refused a message and are half empty again."""
        if not self.refused:
            return []
        writable = sorted(channel for channel in self.refused if self._senders[channel].is_half_empty)
        self.refused.difference_update(writable)
        return writable

    def measure(self, statistics: Statistics) -> None:
        """Tell what waits."""
        statistics.reliable_queue_bytes = sum(sender.queued_bytes for sender in self._senders.values())
        statistics.unreliable_queue_bytes = self.waiting_bytes

    @property
    def progress(self) -> tuple[bool, int]:
        """Whether reliable messages wait to be acknowledged, and how many pieces of them were."""
        senders = self._senders.values()
        return any(sender.has_unsettled for sender in senders), sum(sender.settled for sender in senders)

    def clear(self) -> None:
        """Let go of everything; what was not sent is reported as lost."""
        self._report([token for _, token in self.queue if token is not None], arrived=False)
        self.queue.clear()
        self.waiting_bytes = 0
        self._duplicates.clear()
        self._active.clear()
        self._credit.clear()
        self.urgent.clear()
        self.refused.clear()  # there is nothing any more that could be written
        for sender in self._senders.values():
            sender.clear()
