"""What connection, endpoint, server and client tell their host: queued, taken with `events()`, never called back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from ecsnet.protocol import DisconnectReason

if TYPE_CHECKING:
    from ecsnet.transport.address import Address
    from ecsnet.transport.connection import Connection

__all__ = [
    "AddressChanged",
    "Changed",
    "ClientEvent",
    "ClientStatus",
    "ConnectRefused",
    "ConnectRequested",
    "Connected",
    "DespawnReason",
    "Despawned",
    "Desynced",
    "Disconnected",
    "PlayerEvent",
    "PlayerJoined",
    "PlayerLeft",
    "PlayerLost",
    "PlayerMoved",
    "PlayerReturned",
    "Spawned",
    "StatusChanged",
    "Synced",
    "Writable",
]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ConnectRequested:
    """Endpoint: somebody proved its address and wants in; answer with `accept` or `refuse`.

    Credentials and key may still be a recording: they are proved when the client is `Connected`.
    """

    request_id: int
    address: "Address"
    credentials: bytes = field(repr=False)  # may hold a token, which must not end up in a log
    player_key: bytes = b""  # the public key of a client that has one, 32 bytes
    application_id: bytes = b""  # what it wants: the game, or an application that is for its key alone


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
    """Server: a client's connection broke off; its place is kept for the time of grace.

    Its player entity has the status LOST meanwhile, unless the game removes it; see `Game(absence=)`.

    Attributes:
        reason: How it broke off.
    """

    client_id: int
    name: str
    reason: DisconnectReason
    text: str


@dataclass(frozen=True, slots=True)
class PlayerReturned:
    """Server: a lost client is back, and its player entity is its own again."""

    client_id: int
    name: str


@dataclass(frozen=True, slots=True)
class PlayerMoved:
    """Server: a client went to another room, where it has a new player entity; the one before is gone.

    Attributes:
        room: The code of the room it is in now.
    """

    client_id: int
    name: str
    room: str


PlayerEvent: TypeAlias = PlayerJoined | PlayerLeft | PlayerLost | PlayerReturned | PlayerMoved


# What a client tells. All of one update is told at its end, when every value is in its place, in this order: what went,
# what came, what changed, each in the order the server made the entities; then differences found; then `Synced`; then
# the game's own events, see `ecsnet.event`.


class DespawnReason(Enum):
    """Why an entity is not there any more."""

    DELETED = "deleted"  # the server deleted it
    HIDDEN = "hidden"  # it may live on where this client does not see it; should it come back, it is a new entity here


@dataclass(frozen=True, slots=True)
class Spawned:
    """Client: an entity came: it is new, or was there before this client joined, or came into view.

    Its components are there and told by this alone. One that came and went within one update is not told at all.
    """

    entity: int


@dataclass(frozen=True, slots=True)
class Despawned:
    """Client: an entity went, and is no more in the World; what it was last is kept here.

    Attributes:
        components: All it had, what this client gave it included, by type.
    """

    entity: int
    reason: DespawnReason
    components: Mapping[type, object] = field(default_factory=dict, repr=False, compare=False)

    def try_component(self, component_type: type[T]) -> T | None:
        """Return a component as it was last, e.g. the place to show an explosion at; None if it had none."""
        return cast("T | None", self.components.get(component_type))


@dataclass(frozen=True, slots=True)
class Changed:
    """Client: a component is not what it was at the end of the last update: other values, or it came, or it went.

    What this client predicts counts as the World shows it. Ask `world.try_component`: None says that it went.
    """

    entity: int
    component_type: type


@dataclass(frozen=True, slots=True)
class Desynced:
    """Client: an entity was not what the server says although nothing was lost, and has been mended: a bug somewhere.

    Attributes:
        tick: The server's tick for which the difference was found.
        differences: A line per field, e.g. "Health.current was 90, the server says 100".
    """

    tick: int
    entity: int
    differences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Synced:
    """Client: all that it could see when it joined is there. Told once."""


class ClientStatus(Enum):
    """How a client's connection stands; `Player.status` says the same of everybody to everybody."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"  # it broke off, and the client tries to come back
    DISCONNECTED = "disconnected"


@dataclass(frozen=True, slots=True)
class StatusChanged:
    """Client: its connection stands otherwise than before.

    Attributes:
        reason: Why, of LOST and DISCONNECTED.
        text: The same for people.
    """

    status: ClientStatus
    reason: DisconnectReason
    text: str


ClientEvent: TypeAlias = Spawned | Despawned | Changed | Desynced | Synced | StatusChanged
