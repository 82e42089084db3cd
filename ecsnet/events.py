"""What a connection, an endpoint or a server tells its host: queued, taken with `events()`, never called back."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ecsnet.protocol import DisconnectReason

if TYPE_CHECKING:
    from ecsnet.transport.address import Address
    from ecsnet.transport.connection import Connection

__all__ = [
    "AddressChanged",
    "ConnectRefused",
    "ConnectRequested",
    "Connected",
    "Disconnected",
    "PlayerEvent",
    "PlayerJoined",
    "PlayerLeft",
    "PlayerLost",
    "PlayerReturned",
    "Writable",
]


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """Endpoint: somebody proved its address and wants in; answer with `accept` or `refuse`.

    Credentials and key may still be a recording: they are proved when the client is `Connected`.
    """

    request_id: int
    address: "Address"
    credentials: bytes = field(repr=False)  # may hold a token, which must not end up in a log
    player_key: bytes = b""  # the public key of a client that has one, 32 bytes


@dataclass(frozen=True, slots=True)
class ConnectRefused:
    """Endpoint: somebody proved its address and was turned away before the application was asked."""

    address: "Address"
    reason: DisconnectReason
    text: str


@dataclass(frozen=True, slots=True)
class Connected:
    """A connection is up. On a client `payload` is what the server granted; on a server it is empty."""

    connection: "Connection"
    payload: bytes = field(default=b"", repr=False)  # may hold a resume ticket


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A connection ended, or never came about. `payload` is what a refusal carried for the program."""

    connection: "Connection"
    reason: DisconnectReason
    text: str
    payload: bytes = b""


@dataclass(frozen=True, slots=True)
class AddressChanged:
    """Server: a client sends from another address, and has proved that it is there: `connection.address`."""

    connection: "Connection"
    before: "Address"


@dataclass(frozen=True, slots=True)
class Writable:
    """A reliable channel that refused a message (`SendQueueFull`) has room again: half of its queue is free."""

    connection: "Connection"
    channel: int


@dataclass(frozen=True, slots=True)
class PlayerJoined:
    """Server: a client is in; its player entity exists."""

    client_id: int
    name: str


@dataclass(frozen=True, slots=True)
class PlayerLeft:
    """Server: a client is gone, and its player entity with it."""

    client_id: int
    name: str
    reason: DisconnectReason
    text: str


@dataclass(frozen=True, slots=True)
class PlayerLost:
    """Server: a client's connection broke off; its player entity stays, with status LOST, for the time of grace."""

    client_id: int
    name: str


@dataclass(frozen=True, slots=True)
class PlayerReturned:
    """Server: a lost client is back, and its player entity is its own again."""

    client_id: int
    name: str


PlayerEvent: TypeAlias = PlayerJoined | PlayerLeft | PlayerLost | PlayerReturned
