"""Inspection: the door and the room of those who look into a running server. They are no players and take no places.

They come to the server's own address, as players do, but for an application of their own, which exists for nobody but
who holds the server's private key: everybody else hears what whoever plays another game does.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from ecsnet import accesslog
from ecsnet.admission import Credentials, Welcome
from ecsnet.config import ServerConfig
from ecsnet.errors import RemoteProtocolError
from ecsnet.events import AddressChanged, Connected, ConnectRequested, Disconnected
from ecsnet.inspectors import Inspectors
from ecsnet.peer import CALLS, CASUAL_CALLS, CHECKS, Peer
from ecsnet.protocol import DisconnectReason
from ecsnet.reception import No
from ecsnet.replication.schema import Schema
from ecsnet.room import Room
from ecsnet.rooms import Rooms
from ecsnet.sessions import Sessions
from ecsnet.survey import Survey
from ecsnet.systems.inspection import INSPECTION, Desk, Lines, Wish
from ecsnet.systems.pipeline import SERVER
from ecsnet.transport.address import Address, is_loopback
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity

__all__ = ["Inspection", "inspector_keys", "reserved_for"]

_PURPOSE = b"ecsnet inspection"  # of the key; see Identity.derive
READS = frozenset((CALLS, CASUAL_CALLS, CHECKS))
UNREAD_BYTES = 131_072  # what may wait to be read by an inspector while more is made: an answer of 5,000 entities

logger = logging.getLogger(__name__)


def inspector_keys(identity: Identity) -> tuple[Identity, ...]:
    """Return the keys by which who holds a server's private key shows it, the current one first.

    A key of their own, which follows from the server's: one key at both ends is nothing that Noise was proved for.
    """
    return tuple([Identity(secret) for secret in identity.derive(_PURPOSE)])


def reserved_for(identity: Identity, config: ServerConfig) -> Mapping[bytes, Collection[bytes]]:
    """Return what the endpoint has to let in, beside players: an application id and whose keys it is for."""
    if config.inspectors is Inspectors.OFF:
        return {}
    return {INSPECTION.application_id: frozenset(key.public for key in inspector_keys(identity))}


@dataclass(frozen=True, slots=True, eq=False)
class Granted:
    """The tag of an inspector's connection."""

    client_id: int  # counted apart from those of players


class Inspection:
    """All inspectors of a server, from their request to their leaving."""

    def __init__(
        self,
        endpoint: Endpoint,
        reserved: Mapping[bytes, Collection[bytes]],
        config: ServerConfig,
        rooms: Rooms,
        sessions: Sessions,
        report: Callable[[], Mapping[str, object]],
    ) -> None:
        """Wait for somebody; until then it costs nothing.

        Args:
            reserved: As the endpoint has it.
            report: How the server as a whole stands.
        """
        self._endpoint = endpoint
        self._reserved = reserved
        self._config = config
        self._survey = Survey(rooms, sessions, report)
        self._schema = Schema(INSPECTION)
        self._peers: dict[Connection, Peer] = {}
        self._room: Room | None = None  # while somebody is there
        self._last_id = 0

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Inspection({len(self._peers)} inspectors)"

    # What the desk needs.

    def show(self, wish: Wish) -> Lines:
        """Say what there is to see."""
        return self._survey.lines(wish)

    def has_read(self, inspector: int) -> bool:
        """Tell whether an inspector keeps up with what it gets."""
        assert self._room is not None
        statistics = self._room.peers[inspector].connection.statistics
        return statistics.reliable_queue_bytes < UNREAD_BYTES

    # Who comes and goes.

    def handle(self, event: object, now: float) -> bool:
        """Take what happened at the endpoint; tell whether it was about an inspector."""
        match event:
            case ConnectRequested() if event.player_key in self._reserved.get(event.application_id, ()):
                self._answer(event)
            case Connected(connection) if isinstance(connection.tag, Granted):
                self._admit(connection, connection.tag, now)
            case AddressChanged(connection) if isinstance(connection.tag, Granted):
                if (obstacle := self._why_not_from(connection.address)) is not None:
                    connection.close(obstacle.reason, obstacle.text, now=now)
            case Disconnected(connection) if isinstance(connection.tag, Granted):
                self._dismiss(connection)
            case _:
                return False
        return True

    def update(self, now: float) -> None:
        """Run the ticks that are due, and close who sends nonsense. A mistake in here must cost the game nothing."""
        if self._room is None:
            return
        try:
            self._room.update(now)
        except Exception:
            logger.exception("what inspectors asked for could not be shown")
            for peer in self._peers.values():
                peer.fail("the server failed to show it; its log tells why", DisconnectReason.REFUSED)
        for peer in self._peers.values():
            if peer.fault:
                logger.warning("inspector %d: %s: %s", peer.client_id, peer.fault_reason.text, peer.fault)
                peer.connection.close(peer.fault_reason, peer.fault, now=now)
                peer.fault = ""

    def next_deadline(self) -> float | None:
        """Return when a tick is due; None while nobody looks."""
        return None if self._room is None else self._room.schedule.next_deadline()

    def _answer(self, request: ConnectRequested) -> None:
        obstacle = self._why_not(request)
        if obstacle is not None:
            self._endpoint.refuse(request.request_id, obstacle.reason, obstacle.text)
            accesslog.refused(request.address, obstacle.reason, obstacle.text)
            return
        self._last_id += 1
        self._endpoint.accept(request.request_id, Welcome(self._last_id).pack(), tag=Granted(self._last_id))

    def _why_not(self, request: ConnectRequested) -> No | None:
        """Return why somebody who has the key may not look."""
        try:
            credentials = Credentials.unpack(request.credentials)
        except RemoteProtocolError as error:
            return No(DisconnectReason.REFUSED, str(error))
        if credentials.schema_hash != self._schema.hash:
            return No(DisconnectReason.SCHEMA_MISMATCH, "this server has another version of ecsnet than you")
        return self._why_not_from(request.address) or self._why_full()

    def _why_not_from(self, address: Address) -> No | None:
        if self._config.inspectors is Inspectors.ANY or is_loopback(address):
            return None
        text = "this server is looked into from its own machine, unless it is told: ecsnet serve --inspect any"
        return No(DisconnectReason.REFUSED, text)

    def _why_full(self) -> No | None:
        limit = self._config.max_inspectors
        if len(self._peers) < limit:
            return None
        return No(
            DisconnectReason.SERVER_FULL, f"{limit} look into this server already, and it shows itself to no more"
        )

    def _admit(self, connection: Connection, granted: Granted, now: float) -> None:
        obstacle = self._why_full()  # since it was granted others came
        if obstacle is not None:
            connection.close(obstacle.reason, obstacle.text, now=now)
            return
        accesslog.inspected(connection.address)
        if self._room is None:
            self._room = Room(INSPECTION, self._schema, self._config, pipeline=SERVER, seed=0)
            self._room.world.create_entity(Desk(self))
        peer = self._peers[connection] = Peer(connection, granted.client_id, READS)
        self._room.begin_conversation(peer)

    def _dismiss(self, connection: Connection) -> None:
        peer = self._peers.pop(connection, None)
        if peer is None or self._room is None:  # it was never admitted
            return
        self._room.end_conversation(peer)
        self._room.world.single(Desk).showings.pop(peer.client_id, None)
        if not self._peers:
            self._room = None
