"""Reception: who may come into a server, who not, and what they are told.

Whoever is judged has proved an address, and the password if there is one; all it says may still be a recording. So
judging uses nothing up. That happens when the connection is confirmed, and by then things may have changed.
"""

from dataclasses import dataclass

from ecsnet.admission import Credentials, Welcome, clean_name, pack_schema
from ecsnet.errors import Refused, RemoteProtocolError, TokenError
from ecsnet.events import ConnectRequested
from ecsnet.protocol import DisconnectReason
from ecsnet.room import Room
from ecsnet.rooms import Rooms
from ecsnet.sessions import Session, Sessions, Ticket
from ecsnet.tokens import ConnectToken, TokenGate
from ecsnet.transport.address import network_of

__all__ = ["Guest", "No", "Reception"]

MAX_DESCRIPTION_BYTES = 880  # of the schema in a refusal: it and its text fit the REPLY datagram


@dataclass(frozen=True, slots=True)
class No:
    """Why somebody is not let in; the payload is for its program."""

    reason: DisconnectReason
    text: str
    payload: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """Somebody who may come in, as far as it can be told before the connection is confirmed.

    Attributes:
        network: Where it is, as `network_of` tells.
        session_id: Names the session it begins or goes on with.
        serial: Of the ticket in its welcome.
        returns: It goes on with a session; else it is a new player.
        room: Where it wants to go; None: the server chooses.
    """

    client_id: int
    name: str
    player_key: bytes
    token: ConnectToken | None
    network: str
    session_id: bytes
    serial: int
    returns: bool
    room: Room | None
    welcome: Welcome


class Reception:
    """Judges requests, and confirms the guests whose connections are."""

    def __init__(
        self,
        rooms: Rooms,
        sessions: Sessions,
        *,
        server_keys: tuple[bytes, ...],
        max_clients_per_network: int,
        tokens: TokenGate | None = None,
    ) -> None:
        """Open.

        Args:
            rooms: Where to.
            sessions: Whose places are taken, and by which ticket they are found again.
            server_keys: The server's public keys.
            max_clients_per_network: See `ServerConfig`.
            tokens: Everybody needs a token that passes it; None: nobody does.
        """
        self._rooms = rooms
        self._sessions = sessions
        self._server_keys = server_keys
        self._max_clients_per_network = max_clients_per_network
        self._tokens = tokens
        self._last_client_id = 0

    def judge(self, request: ConnectRequested) -> Guest | No:
        """Decide about a request; nothing is used up but numbers, of which there are plenty."""
        try:
            return self._judge(Credentials.unpack(request.credentials), request)
        except (RemoteProtocolError, Refused) as error:
            return No(DisconnectReason.REFUSED, str(error))
        except TokenError as error:
            return No(DisconnectReason.BAD_TOKEN, str(error))

    def _judge(self, credentials: Credentials, request: ConnectRequested) -> Guest | No:
        session = self._sessions.find(credentials.ticket, request.player_key)
        room = self._find_room(credentials, session)
        network = network_of(request.address)
        obstacle = self._why_incompatible(credentials.schema_hash, room) or self._why_full(network, room, session)
        if obstacle is not None:
            return obstacle
        if session is not None:
            return self._welcome_back(session, request.player_key, network, room)
        token = self._check_token(credentials.token, request.player_key)
        return self._welcome_new(credentials.name, request.player_key, token, network, room)

    def confirm(self, guest: Guest) -> Room | No:
        """Take what the guest brought and return the room it has a place in; or why it has to go after all."""
        session = self._sessions.get(guest.client_id) if guest.returns else None
        if guest.returns and (session is None or guest.serial not in session.offered):
            return No(DisconnectReason.BAD_TOKEN, "the ticket was used, or its time ran out, a moment ago")
        if guest.room is not None and not self._rooms.is_open(guest.room):
            return No(DisconnectReason.REFUSED, "the room closed a moment ago")
        full = self._why_full(guest.network, guest.room, session)  # others confirmed while this one was on its way
        if full is not None:
            return full
        try:
            if self._tokens is not None and guest.token is not None and not guest.returns:
                self._tokens.use(guest.token)
            return guest.room or self._rooms.choose_or_open()
        except TokenError as error:
            return No(DisconnectReason.BAD_TOKEN, str(error))
        except Refused as error:
            return No(DisconnectReason.SERVER_FULL, str(error))

    def _find_room(self, credentials: Credentials, session: Session | None) -> Room | None:
        """Return where somebody wants to go; None: the server chooses.

        Raises:
            Refused: It may not, or there is no such room.
        """
        here = None if session is None else self._rooms.of(session.peer.client_id)
        if here is not None and credentials.room in ("", self._rooms.code_of(here)):
            return here  # where it was let in before
        return self._rooms.find(credentials.room, credentials.room_password)

    def _why_incompatible(self, schema_hash: bytes, room: Room | None) -> No | None:
        """Return why somebody's game is not the one in the room."""
        schema = self._rooms.schema if room is None else room.schema
        if schema_hash == schema.hash:
            return None
        description = pack_schema(schema.describe(), MAX_DESCRIPTION_BYTES)
        text = f"this server runs another version of {schema.game.name}"
        return No(DisconnectReason.SCHEMA_MISMATCH, text, description)

    def _why_full(self, network: str, room: Room | None, session: Session | None) -> No | None:
        """Return why there is no place for somebody of a network."""
        taken, limit = len(self._sessions), self._max_clients_per_network
        text = ""
        if session is None and taken >= self._rooms.max_clients:
            text = f"all {self._rooms.max_clients} places are taken"
        elif session is None and taken >= limit and self._sessions.count_from(network) >= limit:
            text = f"{limit} players of your network are here, and this server takes no more from one"
        elif room is None:
            text = "" if self._rooms.has_place else "all rooms are full"
        elif room.is_full and (session is None or session.peer.client_id not in room.places):
            text = f"all {room.capacity} places are taken"
        return No(DisconnectReason.SERVER_FULL, text) if text else None

    def _welcome_new(
        self, name: str, player_key: bytes, token: ConnectToken | None, network: str, room: Room | None
    ) -> Guest:
        self._last_client_id += 1  # even if the client never confirms: no number is ever given twice
        client_id, session_id, serial = self._last_client_id, self._sessions.new_id(), 1
        shown = clean_name((token.name if token is not None else "") or name) or f"player {client_id}"
        welcome = self._welcome(Ticket(client_id, session_id, serial))
        return Guest(client_id, shown, player_key, token, network, session_id, serial, False, room, welcome)  # noqa: FBT003

    def _welcome_back(self, session: Session, player_key: bytes, network: str, room: Room | None) -> Guest:
        """Go on with a session. It needs neither a token, which it had, nor a place on the server, which it has."""
        before, ticket = session.peer, self._sessions.offer(session)
        return Guest(
            before.client_id,
            before.name,
            player_key,
            before.token,
            network,
            session.id,
            ticket.serial,
            returns=True,
            room=room,
            welcome=self._welcome(ticket),
        )

    def _welcome(self, ticket: Ticket) -> Welcome:
        return Welcome(ticket.client_id, self._rooms.main.world.shared_seed, self._sessions.seal(ticket))

    def _check_token(self, data: bytes, player_key: bytes) -> ConnectToken | None:
        if self._tokens is None:
            return None
        return self._tokens.check(data, server_keys=self._server_keys, player_key=player_key)
