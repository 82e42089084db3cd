"""Reception: who may come into a server, who not, and what they are told.

Whoever is judged has proved an address, and the password if there is one; all it says may still be a recording. So
judging uses nothing up. That happens when the connection is confirmed, and by then things may have changed.
"""

import logging
from dataclasses import dataclass, replace

from ecsnet.admission import Credentials, Welcome, clean_name, pack_schema
from ecsnet.arrival import Accept, Arrival
from ecsnet.bans import Bans
from ecsnet.errors import Refused, RemoteProtocolError, TokenError
from ecsnet.events import ConnectRequested
from ecsnet.protocol import DisconnectReason
from ecsnet.room import Room
from ecsnet.rooms import Rooms
from ecsnet.sessions import Session, Sessions, Ticket
from ecsnet.tokens import ConnectToken, TokenGate

__all__ = ["Guest", "No", "Reception", "Visitor"]

MAX_DESCRIPTION_BYTES = 880  # of the schema in a refusal: it and its text fit the REPLY datagram

TOO_LATE = "the ticket was used, or its time ran out, a moment ago"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class No:
    """Why somebody is not let in; the payload is for its program."""

    reason: DisconnectReason
    text: str
    payload: bytes = b""


@dataclass(frozen=True, slots=True, eq=False)
class Visitor:
    """Somebody whose request is in order; whether there is a place for it is the next question.

    Attributes:
        has_ticket: It has shown a good one, so it is known already.
    """

    credentials: Credentials
    arrival: Arrival
    has_ticket: bool


@dataclass(frozen=True, slots=True, eq=False)
class Guest:
    """Somebody who may come in, as far as it can be told before the connection is confirmed.

    Attributes:
        session_id: Names the session it begins or goes on with.
        serial: Of the ticket in its welcome.
        room: Where it wants to go; None: the server chooses.
        token: What it has to use up; None: nothing.
    """

    arrival: Arrival
    client_id: int
    session_id: bytes
    serial: int
    room: Room | None
    token: ConnectToken | None
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
        bans: Bans,
        tokens: TokenGate | None = None,
        accept: Accept | None = None,
        last_client_id: int = 0,
    ) -> None:
        """Open.

        Args:
            rooms: Where to.
            sessions: Whose places are taken, and by which ticket they are found again.
            server_keys: The server's public keys.
            max_clients_per_network: See `ServerConfig`.
            bans: Who may not come in.
            tokens: Everybody needs a token that passes it; None: nobody does.
            accept: Asked about everybody for whom there is a place.
            last_client_id: The highest that was ever given.
        """
        self._rooms = rooms
        self._sessions = sessions
        self._server_keys = server_keys
        self._max_clients_per_network = max_clients_per_network
        self._bans = bans
        self._tokens = tokens
        self._accept = accept
        self._last_client_id = last_client_id

    def judge(self, request: ConnectRequested) -> Visitor | No:
        """Decide whether a request is in order; nothing is used up."""
        try:
            return self._judge(Credentials.unpack(request.credentials), request)
        except (RemoteProtocolError, Refused) as error:
            return No(DisconnectReason.REFUSED, str(error))
        except TokenError as error:
            return No(DisconnectReason.BAD_TOKEN, str(error))

    def welcome(self, visitor: Visitor) -> Guest | No:
        """Decide whether there is a place; nothing is used up but numbers, of which there are plenty."""
        session = self._session_of(visitor)
        if visitor.has_ticket and session is None:
            return No(DisconnectReason.BAD_TOKEN, TOO_LATE)
        try:
            room = self._find_room(visitor.credentials, session)
        except Refused as error:
            return No(DisconnectReason.REFUSED, str(error))
        arrival = _as_known(visitor, session)
        obstacle = self._why_banned(arrival) or self._why_full(arrival.network, room, session)
        if obstacle is not None:
            return obstacle
        arrival = replace(arrival, room="" if room is None else self._rooms.code_of(room))
        ticket = self._new_ticket() if session is None else self._sessions.offer(session)
        return self._guest(ticket, arrival, room, token=visitor.arrival.token)

    def confirm(self, guest: Guest) -> Room | No:
        """Take what the guest brought and return the room it has a place in; or why it has to go after all."""
        arrival = guest.arrival
        obstacle = self._why_banned(arrival) or self._why_too_late(guest) or self._why_not_accepted(arrival)
        if obstacle is not None:
            return obstacle
        try:
            if self._tokens is not None and guest.token is not None:
                self._tokens.use(guest.token)
        except TokenError as error:
            return No(DisconnectReason.BAD_TOKEN, str(error))
        if not arrival.returns and self._sessions.known(arrival.identity) is not None:
            return No(DisconnectReason.SERVER_FULL, "you joined from another place at this very moment: try again")
        try:
            return guest.room or self._rooms.choose_or_open()
        except Refused as error:
            return No(DisconnectReason.SERVER_FULL, str(error))

    def _judge(self, credentials: Credentials, request: ConnectRequested) -> Visitor | No:
        session = self._sessions.find(credentials.ticket, request.player_key)
        room = self._find_room(credentials, session)
        obstacle = self._why_incompatible(credentials, room)
        if obstacle is not None:
            return obstacle
        token = None
        if session is None and self._tokens is not None:
            token = self._tokens.check(credentials.token, server_keys=self._server_keys, player_key=request.player_key)
        arrival = Arrival(
            name=clean_name((token.name if token is not None else "") or credentials.name),
            address=request.address,
            token=token,
            player_key=request.player_key,
            version=credentials.version,
        )
        return self._why_banned(arrival) or Visitor(credentials, arrival, has_ticket=session is not None)

    def _session_of(self, visitor: Visitor) -> Session | None:
        """Return the session somebody goes on with: by its ticket, or since it has proved to be the player."""
        if visitor.has_ticket:
            return self._sessions.find(visitor.credentials.ticket, visitor.arrival.player_key)
        return self._sessions.known(visitor.arrival.identity)

    def _find_room(self, credentials: Credentials, session: Session | None) -> Room | None:
        """Return where somebody wants to go; None: the server chooses.

        Raises:
            Refused: It may not, or there is no such room.
        """
        here = None if session is None else self._rooms.of(session.peer.client_id)
        named = credentials.room
        if here is not None and (
            named == self._rooms.code_of(here) or (not named and here.schema is self._rooms.schema)
        ):
            return here  # where it was let in before; not in the hall, where who does not name it would not see a thing
        return self._rooms.find(credentials.room, credentials.room_password)

    def _why_incompatible(self, credentials: Credentials, room: Room | None) -> No | None:
        """Return why somebody's game is not the one in the room."""
        schema = self._rooms.schema if room is None else room.schema
        if credentials.schema_hash == schema.hash:
            return None
        description = pack_schema(schema.describe(), MAX_DESCRIPTION_BYTES)
        name, here, there = schema.game.name, schema.game.version, credentials.version
        text = f"this server runs another version of {name}"
        if here != there:
            text = f"this server runs {name} {here or '(no version)'}, you have {there or '(no version)'}"
        return No(DisconnectReason.SCHEMA_MISMATCH, text, description)

    def _why_banned(self, arrival: Arrival) -> No | None:
        ban = self._bans.find(arrival)
        return None if ban is None else No(DisconnectReason.BANNED, ban.text or "you are banned from this server")

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

    def _why_too_late(self, guest: Guest) -> No | None:
        """Return what has changed to its disadvantage while a guest's connection was on its way."""
        arrival = guest.arrival
        session = self._sessions.get(guest.client_id) if arrival.returns else None
        if arrival.returns and (session is None or guest.serial not in session.offered):
            return No(DisconnectReason.BAD_TOKEN, TOO_LATE)
        if guest.room is not None and not self._rooms.is_open(guest.room):
            return No(DisconnectReason.REFUSED, "the room closed a moment ago")
        return self._why_full(arrival.network, guest.room, session)

    def _why_not_accepted(self, arrival: Arrival) -> No | None:
        """Return why the server's owner does not want somebody. Their code must not bring the server down."""
        try:
            text = None if self._accept is None else self._accept(arrival)
        except Exception:
            logger.exception("accept failed for %r", arrival)
            text = "the server cannot let you in at the moment"
        return None if text is None else No(DisconnectReason.REFUSED, text)

    def _new_ticket(self) -> Ticket:
        self._last_client_id += 1  # even if the client never confirms: no number is ever given twice
        return Ticket(self._last_client_id, self._sessions.new_id(), 1)

    def _guest(self, ticket: Ticket, arrival: Arrival, room: Room | None, token: ConnectToken | None) -> Guest:
        client_id, session_id, serial = ticket
        arrival = replace(arrival, name=arrival.name or f"player {client_id}")
        welcome = Welcome(client_id, self._rooms.main.world.shared_seed, self._sessions.seal(ticket))
        return Guest(arrival, client_id, session_id, serial, room, token, welcome)


def _as_known(visitor: Visitor, session: Session | None) -> Arrival:
    """Return all that is known of somebody: what a ticket stands for, too."""
    arrival = visitor.arrival
    if session is None:
        return arrival
    before = session.peer.arrival
    assert before is not None, "a session is somebody's"
    known = before if visitor.has_ticket else replace(arrival, name=before.name)
    return replace(known, address=arrival.address, version=arrival.version, returns=True)
