"""What one end remembers of the other: its connection, and what arrived from it, by channel."""

from dataclasses import dataclass, field

from ecsnet.arrival import Arrival
from ecsnet.protocol import DisconnectReason
from ecsnet.tokens import ConnectToken
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.connection import Connection

__all__ = ["CALLS", "CASUAL_CALLS", "CHANNELS", "CHECKS", "INPUT", "STATE", "Peer"]

STATE, INPUT, CALLS, CASUAL_CALLS, CHECKS = range(5)

# One table for both ends. Its order is part of the wire: see "Channels" in PROTOCOL.md.
CHANNELS: tuple[Channel, ...] = (
    Channel("state", Delivery.UNRELIABLE),  # server to client; replication repairs what is lost from current values
    Channel("input", Delivery.UNRELIABLE),  # client to server; every message repeats what is not acknowledged
    Channel("calls", Delivery.RELIABLE_ORDERED),  # remote calls and their results
    Channel("casual-calls", Delivery.UNRELIABLE),  # remote calls declared reliable=False
    Channel("checks", Delivery.UNRELIABLE),  # complaints of clients that differ, and what the server answers
)


@dataclass(slots=True, eq=False)
class Peer:
    """One end's memory of the other.

    Attributes:
        client_id: On the server the client's number; on the client its own. Never reused while a server runs.
        reads: The channels this end takes messages from; one on another is a fault, or it would lie there for ever.
        arrival: On the server, all that is known of the client.
        entity: The client's player entity in the World of this end; 0 while there is none.
        reports: (token, acked) of state messages, in the order the transport learned of them.
        fault: Set by a system that read nonsense from this peer; the host closes the connection after the tick.
        fault_reason: What it says then.
    """

    connection: Connection
    client_id: int
    reads: frozenset[int]
    arrival: Arrival | None = None
    entity: int = 0
    reports: list[tuple[int, bool]] = field(default_factory=list)
    fault: str = ""
    fault_reason: DisconnectReason = DisconnectReason.PROTOCOL_ERROR
    _inbox: tuple[list[bytes], ...] = field(default_factory=lambda: tuple([] for _ in CHANNELS))

    @property
    def name(self) -> str:
        """How others see the player."""
        return "" if self.arrival is None else self.arrival.name

    @property
    def account(self) -> str:
        """The account the player has logged into; empty on servers without."""
        return "" if self.arrival is None else self.arrival.account

    @property
    def owner(self) -> str:
        """Whose its player's saves are, as stores call it; empty of one who has proved nothing."""
        return "" if self.arrival is None else self.arrival.owner

    @property
    def player_key(self) -> bytes:
        """The public key the client has proved to be its own; empty if it has none."""
        return b"" if self.arrival is None else self.arrival.player_key

    @property
    def token(self) -> ConnectToken | None:
        """What the client's connect token said, if servers of this game ask for one."""
        return None if self.arrival is None else self.arrival.token

    def collect(self) -> None:
        """Move what the connection holds into the inbox, to be taken in the tick that follows."""
        for channel, message in self.connection.take_messages():
            if channel in self.reads:
                self.put(channel, message)
            else:
                self.fault = f"a message on channel {CHANNELS[channel].name}, which is not for this side"
        self.reports.extend(self.connection.take_reports())

    def put(self, channel: int, message: bytes) -> None:
        """Let a message be the newest that arrived on a channel."""
        self._inbox[channel].append(message)

    def take_first(self, channel: int) -> bytes | None:
        """Return and forget the oldest message that arrived on a channel; None if there is none."""
        messages = self._inbox[channel]
        return messages.pop(0) if messages else None

    @property
    def waiting(self) -> int:
        """How many messages arrived and were not taken."""
        return sum(map(len, self._inbox))

    def fail(self, text: str, reason: DisconnectReason) -> None:
        """Have the connection closed after the tick."""
        self.fault, self.fault_reason = text, reason

    def take(self, channel: int) -> list[bytes]:
        """Return and forget the messages that arrived on a channel, oldest first."""
        messages = self._inbox[channel]
        if not messages:
            return []
        taken = messages[:]
        messages.clear()
        return taken

    def take_reports(self) -> list[tuple[int, bool]]:
        """Return and forget the delivery reports of state messages."""
        reports, self.reports = self.reports, []
        return reports
