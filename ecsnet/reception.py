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
from ecsnet.tokens import ConnectToken, TokenGate
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
    """Somebody who may come in, as far as it can be told before the connection is confirmed."""

    client_id: int
    name: str
    player_key: bytes
    token: ConnectToken | None
    welcome: Welcome


class Reception:
    """Judges requests, and confirms the guests whose connections are."""

    def __init__(
        self, game: Game, schema: Schema, *, server_keys: tuple[bytes, ...], tokens: TokenGate | None = None
    ) -> None:
        """Open.

        Args:
            server_keys: The server's public keys.
            tokens: Everybody needs a token that passes it; None: nobody does.
        """
        self._game = game
        self._schema = schema
        self._server_keys = server_keys
        self._tokens = tokens
        self._last_client_id = 0

    def judge(self, request: ConnectRequested, *, players: int, tick: Tick) -> Guest | No:
        """Decide about a request; nothing is used up by it but a number, and of those there are plenty.

        Args:
            players: How many have a place by now.
            tick: The server's.
        """
        try:
            credentials = Credentials.unpack(request.credentials)
        except RemoteProtocolError as error:
            return No(DisconnectReason.REFUSED, str(error))
        if credentials.schema_hash != self._schema.hash:
            description = pack_schema(self._schema.describe(), MAX_DESCRIPTION_BYTES)
            text = f"this server runs another version of {self._game.name}"
            return No(DisconnectReason.SCHEMA_MISMATCH, text, description)
        try:
            token = self._check_token(credentials.token, request.player_key)
        except TokenError as error:
            return No(DisconnectReason.BAD_TOKEN, str(error))
        if players >= self._game.max_clients:
            return No(DisconnectReason.SERVER_FULL, f"all {self._game.max_clients} places are taken")
        self._last_client_id += 1  # even if the client never confirms: no number is ever given twice
        name = (token.name if token is not None else "") or credentials.name or f"player {self._last_client_id}"
        return Guest(
            self._last_client_id, clean_name(name), request.player_key, token, Welcome(self._last_client_id, tick)
        )

    def confirm(self, guest: Guest, *, players: int) -> No | None:
        """Take what the guest brought for its place; return why it has to go after all."""
        if players >= self._game.max_clients:  # others confirmed while this one was on its way
            return No(DisconnectReason.SERVER_FULL, "the last place was taken a moment ago")
        try:
            if self._tokens is not None and guest.token is not None:
                self._tokens.use(guest.token)
        except TokenError as error:
            return No(DisconnectReason.BAD_TOKEN, str(error))
        return None

    def _check_token(self, data: bytes, player_key: bytes) -> ConnectToken | None:
        if self._tokens is None:
            return None
        return self._tokens.check(data, server_keys=self._server_keys, player_key=player_key)
