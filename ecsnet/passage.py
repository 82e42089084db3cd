"""Passage: a client's way from one connection to the next, into another room or back after the connection broke off.

One `Conversation` is the current one: what the game shows. While another one is under way the current one goes on, and
only when the other is open does it take over: a room that turns out to be full costs nobody anything.
"""

from dataclasses import replace

from ecsnet.config import ClientConfig
from ecsnet.conversation import Conversation, Door
from ecsnet.errors import LocalProtocolError
from ecsnet.events import ClientStatus, StatusChanged
from ecsnet.protocol import LOST_REASONS, DisconnectReason
from ecsnet.retry import Retry
from ecsnet.rpc import RefusalCode, Reply, refused
from ecsnet.transport.address import Address, StreamAddress
from ecsnet.transport.hello import HANDSHAKE_BIT

__all__ = ["Passage"]

# What an attempt to come back may end by, and another be worth while. A server to which all come back at once, since it
# was restarted, is full of those it asks who they are.
ATTEMPT_REASONS = LOST_REASONS | {DisconnectReason.HANDSHAKE_TIMEOUT, DisconnectReason.SERVER_FULL}
# A server that was restarted has forgotten this player, but a player it is again; what else ends is meant to.
RETRY_REASONS = LOST_REASONS | {DisconnectReason.SERVER_RESTARTED}


class Passage:
    """The conversations of one client.

    Attributes:
        current: The one that counts.
        status: How it stands.
        disconnected: (reason, text) once it is over for good; None before.
        retrying: The attempts to come back while `status` is LOST; None else.
        ticket: What the server gave the current one, to come back with.
    """

    def __init__(self, door: Door, address: Address, *, now: float, ticket: bytes, place: tuple[str, str]) -> None:
        """Begin the first one.

        Args:
            place: Code and password of a room.
        """
        self._door = door
        self._config: ClientConfig = door.config
        self.status = ClientStatus.CONNECTING
        self.disconnected: tuple[DisconnectReason, str] | None = None
        self.retrying: Retry | None = None
        self.ticket = b""
        self._now = now
        self._address = address
        self._events: list[object] = []
        self.current = Conversation(door, address, now=now, ticket=ticket, place=place)
        self._next: Conversation | None = None  # takes over once it is open
        self._entering: Reply[None] = Reply()
        self._left: list[Conversation] = []  # until their goodbyes are out

    def enter(self, room: str, password: str) -> Reply[None]:
        """Begin to move to another room; the reply tells how it went.

        Raises:
            LocalProtocolError: Not connected yet, or on its way already.
        """
        if self.status is ClientStatus.CONNECTING:
            raise LocalProtocolError(f"cannot enter a room while {self.status.name}")
        if self.status is not ClientStatus.CONNECTED:  # no mistake of who calls: it may have ended just now
            return refused(RefusalCode.DISCONNECTED, "the connection has ended")
        if self._next is not None:
            raise LocalProtocolError("on the way to another room already; wait until the reply is done")
        self._entering = Reply()
        self._next = self._converse(room, password)
        return self._entering

    def take_events(self) -> list[object]:
        """Return and forget what the last update has to tell."""
        events, self._events = self._events, []
        return events

    # The six verbs.

    def receive_datagram(self, data: bytes, address: Address, now: float) -> None:
        """Take one datagram from the network; any bytes at all."""
        for conversation in self._receivers(data, address):
            conversation.connection.receive_datagram(data, address, now)

    def update(self, now: float) -> None:
        """Let timers fire, apply what arrived, run the ticks that are due."""
        self._now = now
        current = self.current
        if current.ended is None:
            current.update(now)
            self._events += current.take_events()
            self._follow(current)
        else:
            current.connection.update(now)
        if self._next is not None:
            self._next.update(now)
            self._follow_next(self._next)
        elif self.retrying is not None and now >= self.retrying.next_at:
            self._next = self._converse(*current.place)
        for left in self._left:
            left.connection.update(now)

    def datagrams_to_send(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what must go out now."""
        datagrams = self.current.connection.datagrams_to_send(now)
        if self._next is not None:
            datagrams += self._next.connection.datagrams_to_send(now)
        if self._left:
            for left in self._left:
                datagrams += left.connection.datagrams_to_send(now)
            self._left = [left for left in self._left if not left.is_over]
        return datagrams

    def next_deadline(self) -> float | None:
        """Return when `update` should be called at the latest, monotonic seconds."""
        deadline = self.current.next_deadline()
        if self._next is None and self.retrying is None and not self._left:  # HOT: nearly always
            return deadline
        deadlines = [deadline, *(left.connection.next_deadline() for left in self._left)]
        if self._next is not None:
            deadlines.append(self._next.next_deadline())
        elif self.retrying is not None:
            deadlines.append(self.retrying.next_at)
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def close(self, reason: DisconnectReason, text: str, now: float) -> None:
        """Leave, and say why."""
        self._now = now
        self._stay(text)
        if self.current.ended is not None and self.disconnected is None:
            self._end(reason, text)
        self.current.connection.close(reason, text, now=now)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, and every goodbye is out."""
        return self.current.is_over and self._next is None and not self._left

    # From one connection to the next.

    def _converse(self, room: str, password: str) -> Conversation:
        """Begin another conversation with the same server; over TCP by another stream, since one is one connection."""
        if isinstance(self._address, StreamAddress):
            self._address = self._address._replace(stream=self._address.stream + 1)
        return Conversation(self._door, self._address, now=self._now, ticket=self.ticket, place=(room, password))

    def _receivers(self, data: bytes, address: Address) -> list[Conversation]:
        """Return whose a datagram may be: what a server sends by UDP names nobody, and who cannot open it drops it."""
        upcoming = self._next
        if isinstance(address, StreamAddress):
            others = [*self._left, *([upcoming] if upcoming is not None else [])]
            return [next((each for each in others if each.address == address), self.current)]
        if upcoming is None:
            return [self.current]
        if upcoming.connection.is_connected:
            return [self.current, upcoming]
        return [upcoming if data and data[0] & HANDSHAKE_BIT else self.current]

    def _follow(self, current: Conversation) -> None:
        """Tell what became of the connection; if it broke off, begin to come back."""
        if current.ended is None:
            if self.status is ClientStatus.CONNECTING and current.welcome is not None:
                self._settle(current)
        elif self._next is not None and self._next.is_open:
            pass  # the server ended it in favour of the other one
        else:
            self._lose_or_end(*current.ended)

    def _lose_or_end(self, reason: DisconnectReason, text: str) -> None:
        if self.status is ClientStatus.CONNECTED and reason in RETRY_REASONS and self._config.retry_seconds > 0:
            self._stay(text)
            self.retrying = Retry(self._config, self._now, (reason, text))
            self._change(ClientStatus.LOST, reason, text)
        else:
            self._end(reason, text)

    def _follow_next(self, upcoming: Conversation) -> None:
        """Let the next conversation take over once there is something to see; if there will not be, stay or try again.

        Its welcome is not enough: until it hears from this client the server may still give the place to somebody else.
        """
        if upcoming.is_open and upcoming.has_state:
            self._take_over(upcoming)
        elif upcoming.ended is not None:
            self._next = None
            if upcoming.welcome is not None:
                self.ticket = upcoming.welcome.ticket  # good whether or not the server has heard of it
            self._miss(*upcoming.ended)

    def _miss(self, reason: DisconnectReason, text: str) -> None:
        """Go on after an attempt that came to nothing."""
        if self.retrying is None:
            self._entering.refuse(RefusalCode.REFUSED, text)
            if self.current.ended is not None:
                self._lose_or_end(reason, text)
        elif reason not in ATTEMPT_REASONS:
            self._end(reason, text)
        elif not self.retrying.fail(self._now):
            self._end(*((reason, text) if reason is DisconnectReason.SERVER_FULL else self.retrying.lost))

    def _take_over(self, upcoming: Conversation) -> None:
        """Put a conversation in the place of the one before, to which nothing is said: the server has ended it."""
        self._events += self.current.farewell()
        if isinstance(self.current.address, StreamAddress):
            self._left.append(self.current)  # until the server ends the stream
        self.current, self._next = upcoming, None
        self._settle(upcoming)
        self._events += upcoming.take_events()
        self._entering.resolve(None)

    def _settle(self, conversation: Conversation) -> None:
        """Note what the server granted; from now on no other server will do."""
        assert conversation.welcome is not None
        self.ticket = conversation.welcome.ticket
        if not self._door.pins:
            keys = (conversation.connection.server_key, conversation.connection.current_server_key)
            self._door = replace(self._door, pins=tuple(dict.fromkeys(key for key in keys if key)))
        self.retrying = None
        self._change(ClientStatus.CONNECTED)

    def _end(self, reason: DisconnectReason, text: str) -> None:
        """Note that it is over."""
        self.retrying = None
        self.disconnected = (reason, text)
        self._stay(text)
        self._change(ClientStatus.DISCONNECTED, reason, text)

    def _stay(self, text: str) -> None:
        """Give up moving to another room."""
        if self._next is not None:
            self._drop(self._next, self._now)
            self._next = None
        self._entering.refuse(RefusalCode.DISCONNECTED, text)

    def _drop(self, conversation: Conversation, now: float) -> None:
        """End a conversation that is not needed any more."""
        if conversation.ended is None:
            conversation.connection.close(DisconnectReason.LEFT, now=now)
        self._left.append(conversation)

    def _change(
        self, status: ClientStatus, reason: DisconnectReason = DisconnectReason.UNKNOWN, text: str = ""
    ) -> None:
        if status is not self.status:
            self.status = status
            self._events.append(StatusChanged(status, reason, text))
