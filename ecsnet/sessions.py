"""Sessions: a player's place on a server, from joining until leaving, over any number of connections.

With every welcome a client is given a *resume ticket*. Whoever shows it within the grace time after a connection broke
off gets the same client id and the same entity; keys are never restored, they are those of the new handshake. A ticket
counts once: the next welcome brings the next one. It is sealed under a key that follows from the server's private key,
so the server has nothing to remember but the sessions themselves.

Only this file knows the layout of a ticket, and only the server that made it ever reads it.
"""

import hashlib
import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ecsnet.arrival import Identity
from ecsnet.components.player import PlayerStatus
from ecsnet.config import ServerConfig
from ecsnet.errors import TokenError
from ecsnet.peer import Peer
from ecsnet.protocol import LOST_REASONS, DisconnectReason
from ecsnet.resumed import ResumedSession

__all__ = ["TICKETS", "Session", "Sessions", "Standing", "Ticket"]

SESSION_ID_BYTES = 16
_NONCE_BYTES = 16
_CONTENT = struct.Struct(">I16sI")  # client id, session id, serial
_ZERO_NONCE = bytes(12)  # each ticket has a key of its own, made from its 16 random bytes
RESTARTED = "the server was restarted"
RESTART_GRACE_SECONDS = 60.0  # a player's timeout of 10 s, and 30 s in which its client tries
TICKETS = b"ecsnet resume tickets"  # what the secrets are for; see Identity.derive


class Ticket(NamedTuple):
    """What a ticket says."""

    client_id: int
    session_id: bytes  # random: after a restart client ids begin anew, and an old ticket must not fit another player
    serial: int  # rises with every ticket of a session


@dataclass(slots=True, eq=False)
class Session:
    """One player's place.

    Attributes:
        peer: The newest connection's; while the player is lost, the last one's.
        serial: Of the ticket its connection was confirmed with.
        offered: Serials of the tickets made since. They count as well, until one of them is confirmed: the client may
            have got its ticket, and then the network went away before it could say so.
        last_serial: Of the newest ticket made.
        keep_until: Until when the place of a lost player is kept, monotonic seconds; None while it is connected.
        ending: Why the last connection ended, for when the player does not come back.
        network: Where its player was when its connection began, as `network_of` tells.
        identity: By which its player is known again, also without a ticket; None: by a ticket alone.
        since: When it began, monotonic seconds.
    """

    id: bytes
    peer: Peer
    serial: int
    last_serial: int
    offered: list[int] = field(default_factory=list)
    keep_until: float | None = None
    ending: tuple[DisconnectReason, str] = (DisconnectReason.UNKNOWN, "")
    network: str = ""
    identity: Identity | None = None
    since: float = 0.0

    @property
    def standing(self) -> "Standing":
        """How its player stands with the server."""
        if self.keep_until is None:
            return Standing(PlayerStatus.CONNECTED)
        return Standing(PlayerStatus.LOST, *self.ending, self.keep_until)


@dataclass(frozen=True, slots=True)
class Standing:
    """How a player stands with a server.

    Attributes:
        status: CONNECTED or LOST.
        reason: How the last connection ended, of a lost one.
        text: The same for people.
        keep_until: Until when its place is kept, monotonic seconds.
    """

    status: PlayerStatus
    reason: DisconnectReason | None = None
    text: str = ""
    keep_until: float | None = None


class Sessions:
    """The sessions of one server, and the seal of its tickets. Its length is how many places are taken."""

    def __init__(self, secrets: tuple[bytes, ...], *, config: ServerConfig, entropy: Callable[[int], bytes]) -> None:
        """Begin without any; with neither a time of grace nor several rooms to move between there are no tickets.

        Args:
            secrets: Made from the server's keys for `TICKETS`; the first one seals, all of them open.
        """
        self._secrets = secrets
        self._grace_seconds = config.resume_grace_seconds or 0.0
        self._makes_tickets = self._grace_seconds > 0 or config.rooms is not None
        self._max_offered = config.max_offered_tickets
        self._entropy = entropy
        self._sessions: dict[int, Session] = {}  # by client id
        self._known: dict[Identity, Session] = {}

    def __len__(self) -> int:
        """Return how many places are taken, by who is connected and by who may come back."""
        return len(self._sessions)

    def __iter__(self) -> Iterator[Session]:
        """Iterate over those there are at this moment."""
        return iter(list(self._sessions.values()))

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Sessions({len(self)})"

    def new_id(self) -> bytes:
        """Name a session to be; nothing without tickets, and then no randomness is used up."""
        return self._entropy(SESSION_ID_BYTES) if self._makes_tickets else b""

    def count_from(self, network: str) -> int:
        """Return how many places the players of one network have taken."""
        return sum(session.network == network for session in self._sessions.values())

    def get(self, client_id: int) -> Session | None:
        """Return a client's session, if there is one."""
        return self._sessions.get(client_id)

    def standing(self, client_id: int) -> Standing:
        """Return how a player stands.

        Raises:
            KeyError: There is no such player.
        """
        return self._sessions[client_id].standing

    def known(self, identity: Identity | None) -> Session | None:
        """Return the session of a player who has proved who it is."""
        return None if identity is None else self._known.get(identity)

    def find(self, data: bytes, player_key: bytes) -> Session | None:
        """Return the session a ticket is for; None if its holder has to join as a new player.

        An honest player's ticket may be too old. So only what this server never sealed is refused.

        Raises:
            TokenError: The ticket was forged or edited, or is another server's.
        """
        if not data or not self._makes_tickets:
            return None
        ticket = self._open(data)
        session = self._sessions.get(ticket.client_id)
        if session is None or session.id != ticket.session_id:
            return None
        if ticket.serial not in (session.serial, *session.offered):
            return None  # it was used
        if session.peer.player_key and session.peer.player_key != player_key:
            return None  # a stolen ticket: the player it is stolen from has a key
        return session

    def offer(self, session: Session) -> Ticket:
        """Make the next ticket of a session for somebody who showed a good one; nothing is used up yet."""
        session.last_serial += 1
        session.offered = [*session.offered, session.last_serial][-self._max_offered :]
        return Ticket(session.peer.client_id, session.id, session.last_serial)

    def resume(self, session: Session, peer: Peer, serial: int, network: str = "") -> None:
        """Go on over another connection; of all tickets before, only the one it was welcomed with counts."""
        assert serial in session.offered, f"ticket {serial} was not offered"
        session.peer, session.serial, session.offered, session.keep_until = peer, serial, [], None
        session.network = network

    def seal(self, ticket: Ticket) -> bytes:
        """Make a ticket's 56 bytes; nothing where there is nothing to go on with."""
        if not self._makes_tickets:
            return b""
        nonce = self._entropy(_NONCE_BYTES)
        return nonce + _cipher(self._secrets[0], nonce).encrypt(_ZERO_NONCE, _CONTENT.pack(*ticket), b"")

    def begin(self, session_id: bytes, peer: Peer, serial: int, network: str = "", now: float = 0.0) -> Session:
        """Give a new player a place."""
        assert peer.client_id not in self._sessions, f"{peer.client_id} has a place"
        identity = None if peer.arrival is None else peer.arrival.identity
        session = Session(session_id, peer, serial, serial, network=network, identity=identity, since=now)
        self._sessions[peer.client_id] = session
        if identity is not None:
            assert identity not in self._known, f"{identity} has a place"
            self._known[identity] = session
        return session

    def can_restore(self, resumed: ResumedSession) -> bool:
        """Tell whether a player who comes back could be told from a new one, by what it proves or by its ticket."""
        return resumed.arrival.identity is not None or (self._makes_tickets and bool(resumed.session_id))

    def restore(self, resumed: ResumedSession, peer: Peer) -> None:
        """Keep the place of a player who had one when the server ended; `begin_grace` says until when.

        It may hold a ticket that was made after the last one that is known: all those count that may have been offered.
        """
        last = resumed.serial + self._max_offered
        session = Session(
            resumed.session_id, peer, resumed.serial, last, offered=list(range(resumed.serial + 1, last + 1)),
            keep_until=math.inf, ending=(DisconnectReason.SERVER_CLOSING, RESTARTED), identity=resumed.arrival.identity,
        )  # fmt: skip
        self._sessions[peer.client_id] = session
        if session.identity is not None:
            self._known[session.identity] = session

    def begin_grace(self, now: float) -> None:
        """Let the time run in which restored players may come back: no less than it takes to notice and to retry."""
        for session in self._sessions.values():
            if session.keep_until == math.inf:
                session.since = now
                session.keep_until = now + max(self._grace_seconds, RESTART_GRACE_SECONDS)

    def lose(self, peer: Peer, reason: DisconnectReason, text: str, now: float) -> bool:
        """Note that a connection ended; return whether the place is kept."""
        session = self._sessions[peer.client_id]
        session.ending = reason, text
        if self._grace_seconds <= 0 or reason not in LOST_REASONS:
            self.remove(peer.client_id)
            return False
        session.keep_until = now + self._grace_seconds
        return True

    def remove(self, client_id: int) -> Session:
        """Let go of a session, whatever became of its player, and return it."""
        session = self._sessions.pop(client_id)
        if session.identity is not None:
            del self._known[session.identity]
        return session

    def take_expired(self, now: float) -> Iterator[Session]:
        """Remove the sessions whose player has not come back in time, and yield them."""
        for session in list(self._sessions.values()):
            if session.keep_until is not None and now >= session.keep_until:
                yield self.remove(session.peer.client_id)

    def _open(self, data: bytes) -> Ticket:
        nonce, sealed = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
        for secret in self._secrets:
            try:
                content = _cipher(secret, nonce).decrypt(_ZERO_NONCE, sealed, b"")
            except InvalidTag:
                continue
            return Ticket._make(_CONTENT.unpack(content))
        raise TokenError("the ticket is not one of this server's")


def _cipher(secret: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(hashlib.blake2s(nonce, key=secret).digest())
