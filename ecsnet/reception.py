"""Reception: who may come into a server, who not, and what they are told.

Whoever is judged has proved an address, and the password if there is one; all it says may still be a recording. So
judging uses nothing up. That happens when the connection is confirmed, and by then things may have changed.
"""

from dataclasses import dataclass

from ecsnet.admission import Credentials, Welcome, clean_name, pack_schema
from ecsnet.errors import RemoteProtocolError, TokenError
from ecsnet.events import ConnectRequested
from ecsnet.game import Game
from ecsnet.protocol import DisconnectReason
from ecsnet.replication.schema import Schema
from ecsnet.sessions import Session, Sessions, Ticket
from ecsnet.tokens import ConnectToken, TokenGate
from ecsnet.transport.address import network_of
from ecsnet.wire import Tick

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
    """

    client_id: int
    name: str
    player_key: bytes
    token: ConnectToken | None
    network: str
    session_id: bytes
    serial: int
    returns: bool
    welcome: Welcome


class Reception:
    """Judges requests, and confirms the guests whose connections are."""

    def __init__(
        self,
        game: Game,
        schema: Schema,
        sessions: Sessions,
        *,
        server_keys: tuple[bytes, ...],
        max_clients_per_network: int,
        shared_seed: int = 0,
        tokens: TokenGate | None = None,
    ) -> None:
        """Open.

        Args:
            max_clients_per_network: See `ServerConfig`.
            shared_seed: Of the World, for whoever is welcome.
            sessions: Whose places are taken, and by which ticket they are found again.
            server_keys: The server's public keys.
            tokens: Everybody needs a token that passes it; None: nobody does.
        """
        self._game = game
        self._schema = schema
        self._sessions = sessions
        self._server_keys = server_keys
        self._max_clients_per_network = max_clients_per_network
        self._shared_seed = shared_seed
        self._tokens = tokens
        self._last_client_id = 0

    def judge(self, request: ConnectRequested, tick: Tick) -> Guest | No:
        """Decide about a request in a tick of the server; nothing is used up but numbers, of which there are plenty."""
        try:
            credentials = Credentials.unpack(request.credentials)
        except RemoteProtocolError as error:
            return No(DisconnectReason.REFUSED, str(error))
        if credentials.schema_hash != self._schema.hash:
            description = pack_schema(self._schema.describe(), MAX_DESCRIPTION_BYTES)
            text = f"this server runs another version of {self._game.name}"
            return No(DisconnectReason.SCHEMA_MISMATCH, text, description)
        try:
            session = self._sessions.find(credentials.ticket, request.player_key)
            if session is not None:
                return self._welcome_back(session, request.player_key, network_of(request.address), tick)
            token = self._check_token(credentials.token, request.player_key)
        except TokenError as error:
            return No(DisconnectReason.BAD_TOKEN, str(error))
        network = network_of(request.address)
        full = self._why_full(network)
        if full:
            return No(DisconnectReason.SERVER_FULL, full)
        return self._welcome_new(credentials.name, request.player_key, token, network, tick)

    def confirm(self, guest: Guest) -> No | None:
        """Take what the guest brought for its place; return why it has to go after all."""
        if guest.returns:
            session = self._sessions.get(guest.client_id)
            if session is None or guest.serial not in session.offered:
                return No(DisconnectReason.BAD_TOKEN, "the ticket was used, or its time ran out, a moment ago")
            return None
        full = self._why_full(guest.network)  # others confirmed while this one was on its way
        if full:
            return No(DisconnectReason.SERVER_FULL, full)
        try:
            if self._tokens is not None and guest.token is not None:
                self._tokens.use(guest.token)
        except TokenError as error:
            return No(DisconnectReason.BAD_TOKEN, str(error))
        return None

    def _why_full(self, network: str) -> str:
        """Return why nobody of a network gets a place any more; nothing if somebody may."""
        taken, limit = len(self._sessions), self._max_clients_per_network
        if taken >= self._game.max_clients:
            return f"all {self._game.max_clients} places are taken"
        if taken >= limit and self._sessions.count_from(network) >= limit:
            return f"{limit} players of your network are here, and this server takes no more from one"
        return ""

    def _welcome_new(self, name: str, player_key: bytes, token: ConnectToken | None, network: str, tick: Tick) -> Guest:
        self._last_client_id += 1  # even if the client never confirms: no number is ever given twice
        client_id, session_id, serial = self._last_client_id, self._sessions.new_id(), 1
        shown = clean_name((token.name if token is not None else "") or name) or f"player {client_id}"
        welcome = Welcome(
            client_id, tick, self._shared_seed, self._sessions.seal(Ticket(client_id, session_id, serial))
        )
        return Guest(client_id, shown, player_key, token, network, session_id, serial, returns=False, welcome=welcome)

    def _welcome_back(self, session: Session, player_key: bytes, network: str, tick: Tick) -> Guest:
        """Go on with a session. It needs neither a token, which it had, nor a free place, which is its own."""
        before, ticket = session.peer, self._sessions.offer(session)
        welcome = Welcome(before.client_id, tick, self._shared_seed, self._sessions.seal(ticket))
        return Guest(
            before.client_id,
            before.name,
            player_key,
            before.token,
            network,
            session.id,
            ticket.serial,
            returns=True,
            welcome=welcome,
        )

    def _check_token(self, data: bytes, player_key: bytes) -> ConnectToken | None:
        if self._tokens is None:
            return None
        return self._tokens.check(data, server_keys=self._server_keys, player_key=player_key)
