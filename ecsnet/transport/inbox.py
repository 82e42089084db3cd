"""What arrived over one connection, until the application takes it: order, duplicates, reassembly, and their limits."""

from collections.abc import Callable, Sequence

from ecsnet.config import TransportConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.credit import CreditGiver
from ecsnet.transport.fragments import Assembly, UnreliableAssembler
from ecsnet.transport.packet import Fragment, Message, NumberedMessage
from ecsnet.transport.statistics import Statistics

__all__ = ["Inbox", "ReliableReceiver"]


class Inbox:
    """The receiving end of all channels of one connection.

    Attributes:
        messages: (channel, message), oldest first.
        credit: What the peer may send of reliable messages. Unreliable ones have a limit of their own.
    """

    __slots__ = (
        "_assembler", "_bytes", "_is_held_up", "_limit_bytes", "_looked_at", "_newest", "_overhead_bytes", "_receivers",
        "credit", "messages",
    )  # fmt: skip

    def __init__(self, channels: Sequence[Channel], config: TransportConfig) -> None:
        """Start empty."""
        self._limit_bytes = config.max_inbox_bytes
        self._overhead_bytes = config.message_overhead_bytes
        self._newest = {i: -1 for i, channel in enumerate(channels) if channel.delivery is Delivery.SEQUENCED}
        self._receivers = {
            i: ReliableReceiver(config, ordered=channel.delivery is Delivery.RELIABLE_ORDERED)
            for i, channel in enumerate(channels)
            if channel.delivery.is_reliable
        }
        self._assembler = UnreliableAssembler(config.max_unreliable_assemblies)
        self._bytes = 0
        self._looked_at = 0  # how many messages `take_leading` left where they are
        self._is_held_up = False  # by one of them
        self.credit = CreditGiver(config.credit_bytes, config.message_overhead_bytes, config.max_reliable_message_bytes)
        self.messages: list[Message] = []

    def __repr__(self) -> str:
        """Show what waits for the application, and what for its order."""
        return f"Inbox({len(self.messages)} messages, {self._bytes} B, {self._receivers})"

    @property
    def is_full(self) -> bool:
        """Whether the application has let too many unreliable messages pile up."""
        return self._bytes > self._limit_bytes

    @property
    def held_bytes(self) -> int:
        """What waits for an earlier message or for other parts."""
        return self._assembler.held_bytes + sum(receiver.held_bytes for receiver in self._receivers.values())

    def measure(self, statistics: Statistics) -> None:
        """Tell what waits."""
        statistics.unread_messages = len(self.messages)
        statistics.held_bytes = self.held_bytes

    def gave_up(self, fragments: Sequence[Fragment]) -> bool:
        """Tell whether one belongs to an unreliable message that was given up: its packet must not be acknowledged."""
        gave_up = self._assembler.gave_up
        return any(channel not in self._receivers and gave_up(channel, number) for channel, number, *_ in fragments)

    def take(self) -> list[Message]:
        """Return and forget what arrived."""
        messages, self.messages = self.messages, []
        self._bytes = self._looked_at = 0
        self._is_held_up = False
        return messages

    def take_leading(self, channel: int, wanted: Callable[[bytes], bool]) -> list[bytes]:
        """Return and forget messages of one channel from its oldest on, until one is not wanted; then `take` is next.

        They count as unread until then: whoever takes some of them early must not let the peer send more. What was
        looked at once is not looked at again, or a peer could make each of its packets cost as much as all before.
        """
        fresh, self.messages[self._looked_at :] = self.messages[self._looked_at :], []
        taken: list[bytes] = []
        for each in fresh:
            if each[0] != channel or self._is_held_up:
                self.messages.append(each)
            elif wanted(each[1]):
                taken.append(each[1])
            else:
                self._is_held_up = True
                self.messages.append(each)
        self._looked_at = len(self.messages)
        return taken

    def add_messages(self, messages: list[Message], size: int) -> None:  # HOT: once per packet received
        """Take the unreliable messages of a packet of `size` bytes."""
        self.messages += messages
        self._bytes += size + self._overhead_bytes * len(messages)

    def add_numbered(self, numbered: Sequence[NumberedMessage]) -> int:
        """Take messages of other channels; return how many could be delivered.

        Raises:
            RemoteProtocolError: One lies beyond the window or over a limit.
        """
        before = len(self.messages)
        receivers = self._receivers
        for channel, number, message in numbered:
            if channel in receivers:
                self._deliver(channel, receivers[channel].take_message(number, message))
            else:
                self._deliver_unreliable(channel, number, message)
        return len(self.messages) - before

    def add_fragments(self, fragments: Sequence[Fragment]) -> int:
        """Take fragments; return how many messages could be delivered.

        Raises:
            RemoteProtocolError: One contradicts another, lies beyond the window or over a limit.
        """
        before = len(self.messages)
        for channel, number, index, count, part in fragments:
            if channel in self._receivers:
                self._deliver(channel, self._receivers[channel].take_fragment(number, index, count, part))
            elif (message := self._assembler.add(channel, number, index, count, part)) is not None:
                self._deliver_unreliable(channel, number, message)
        return len(self.messages) - before

    def _deliver(self, channel: int, messages: Sequence[bytes]) -> None:
        for message in messages:
            self.credit.receive(message)
            self.messages.append((channel, message))

    def _deliver_unreliable(self, channel: int, number: int, message: bytes) -> None:
        """Deliver a message of a sequenced channel unless it is out of date, or one of an unreliable channel."""
        if channel in self._newest:
            if number <= self._newest[channel]:
                return
            self._newest[channel] = number
        self.messages.append((channel, message))
        self._bytes += len(message) + self._overhead_bytes

    def clear(self) -> None:
        """Let go of what waits for its order; what is deliverable stays for the application."""
        self._assembler.clear()
        for receiver in self._receivers.values():
            receiver.clear()


class ReliableReceiver:
    """Makes each message of a reliable channel arrive once, and in order if that is promised.

    Attributes:
        held_bytes: What waits here for an earlier message or for its other parts, with overhead.
    """

    __slots__ = (
        "_assemblies", "_early", "_limit_bytes", "_max_message_bytes", "_next", "_ordered", "_overhead_bytes",
        "_window_messages", "held_bytes",
    )  # fmt: skip

    def __init__(self, config: TransportConfig, *, ordered: bool) -> None:
        """Wait for message 0."""
        self._ordered = ordered
        self._window_messages = config.reliable_window_messages
        self._max_message_bytes = config.max_reliable_message_bytes
        self._limit_bytes = config.receive_buffer_bytes
        self._overhead_bytes = config.held_overhead_bytes
        self._next = 0  # every message before has arrived
        self._early: dict[int, bytes] = {}  # arrived out of order; empty in an unordered channel: delivered already
        self._assemblies: dict[int, Assembly] = {}
        self.held_bytes = 0

    def __repr__(self) -> str:
        """Show what it waits for and what it holds."""
        return f"ReliableReceiver(next {self._next}, {self.held_bytes} B held)"

    def take_message(self, number: int, message: bytes) -> list[bytes]:
        """Take a whole message; return what can be delivered now.

        Raises:
            RemoteProtocolError: It lies beyond the window or over a limit.
        """
        if number == self._next and not self.held_bytes:  # nothing is missing and nothing waits: the usual case
            self._next += 1
            return [message]
        if self._is_known(number):
            return []
        # A sender that cuts messages elsewhere may send as a whole what it cut before; its parts are void then.
        assembly = self._assemblies.pop(number, None)
        if assembly is not None:
            self.held_bytes -= assembly.held_bytes
        return self._take_early(number, message)

    def take_fragment(self, number: int, index: int, count: int, part: bytes) -> list[bytes]:
        """Take a part of a message; return what can be delivered now.

        Raises:
            RemoteProtocolError: It contradicts another part, lies beyond the window or over a limit.
        """
        if self._is_known(number):
            return []
        assembly = self._assemblies.get(number)
        if assembly is None:
            assembly = self._assemblies[number] = Assembly(count, self._overhead_bytes)
        before = assembly.held_bytes
        message = assembly.add(index, count, part)
        self._hold(assembly.held_bytes - before)
        if message is None:
            return []
        if len(message) > self._max_message_bytes:
            raise RemoteProtocolError(f"a message of {len(message)} B is longer than {self._max_message_bytes}")
        return self.take_message(number, message)

    def _is_known(self, number: int) -> bool:
        if number - self._next >= self._window_messages:
            raise RemoteProtocolError(f"reliable message {number} is beyond the window of {self._window_messages}")
        return number < self._next or number in self._early

    def _take_early(self, number: int, message: bytes) -> list[bytes]:
        """Keep a message for its turn, or its number if it is delivered out of turn; deliver what is in turn."""
        deliverable = [] if self._ordered else [message]
        kept = message if self._ordered else b""
        self._early[number] = kept
        self._hold(len(kept) + self._overhead_bytes)
        while self._next in self._early:
            kept = self._early.pop(self._next)
            self.held_bytes -= len(kept) + self._overhead_bytes
            self._next += 1
            if self._ordered:
                deliverable.append(kept)
        return deliverable

    def _hold(self, size: int) -> None:
        self.held_bytes += size
        if self.held_bytes > self._limit_bytes:
            raise RemoteProtocolError(
                f"{self.held_bytes} B held for order or reassembly; the limit is {self._limit_bytes}"
            )

    def clear(self) -> None:
        """Let go of what is held."""
        self._early.clear()
        self._assemblies.clear()
        self.held_bytes = 0
