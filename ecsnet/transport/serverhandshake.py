"""The server's side of the handshake: stateless until the cookie is proved, bounded afterwards.

The order of checks is the defence: size, type, cookie (three hashes at most), is it known, is there room, and only then
a key exchange. Whoever fails is dropped without an answer and counted; nothing is stored or told of a stranger.
"""

from collections import Counter, deque
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from hashlib import blake2s
from typing import TypeAlias

from ecsnet import protocol
from ecsnet.config import GuardConfig, HandshakeConfig
from ecsnet.errors import LocalProtocolError, RemoteProtocolError
from ecsnet.events import ConnectRefused
from ecsnet.protocol import DisconnectReason
from ecsnet.transport import hello
from ecsnet.transport.address import Address, StreamAddress, network_of
from ecsnet.transport.cookie import CookieJar
from ecsnet.transport.crypto import PacketKeys, SessionKeys
from ecsnet.transport.doorkeeper import Doorkeeper
from ecsnet.transport.hello import Acceptance, Challenge, DatagramType, Hello, Pattern, Refusal, Suite
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy, HandshakeState

__all__ = ["HandshakeDrop", "HandshakeRequest", "Reply", "Requested", "ServerHandshakes"]

_SUITES = (Suite.AESGCM_SHA256, Suite.CHACHAPOLY_SHA256)
_OPEN = (Pattern.NK, Pattern.IK)  # of a server without a password
MAX_WRONG_PASSWORDS = 64  # attempts remembered, since each says HELLO ten times, and the owner reads of it once
_COOKIE_GRAIN_SECONDS = 0.001  # cookies count whole milliseconds; nobody may slip in between two roundings


class HandshakeDrop(Enum):
    """Why a datagram got no answer."""

    TOO_SMALL = auto()
    MALFORMED = auto()
    BAD_COOKIE = auto()
    UNSUPPORTED = auto()
    DUPLICATE = auto()  # of an attempt that waits for the application, or is over
    OTHER_HELLO = auto()
    TOO_MANY_PENDING = auto()
    TOO_MANY_FROM_NETWORK = auto()
    TOO_OFTEN = auto()
    NOT_AUTHENTIC = auto()


@dataclass(slots=True, eq=False)
class HandshakeRequest:
    """A client whose address and first message are proved, waiting for a yes or a no.

    Attributes:
        id: Names the request, rising, never reused.
        address: Where it comes from.
        attempt: 8 bytes the client chose for this attempt.
        credentials: What the client says of itself; whoever recorded it can say it again.
        player_key: The public key the client says is its own, empty without; proved when it confirms.
        application_id: What the client wants: the game, or one of the reserved ones.
        keys: For its packets, once accepted.
    """

    id: int
    address: Address
    attempt: bytes = field(repr=False)
    credentials: bytes = field(repr=False)  # may hold a token that must not end up in a log
    player_key: bytes = b""
    application_id: bytes = b""
    keys: SessionKeys | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A datagram for the address the last one came from; an empty one ends the stream, which has come to nothing."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Requested:
    """Somebody proved its address and wants in: `accept` or `refuse`."""

    request: HandshakeRequest


_Key: TypeAlias = tuple[Address, bytes]  # address and attempt


@dataclass(slots=True)
class _Pending:
    """What is kept of a HELLO until it is confirmed or its time is over."""

    request: HandshakeRequest
    network: str
    digest: bytes  # of the HELLO, so that only the identical one gets the REPLY again
    noise: HandshakeState
    cipher: str
    expires: float
    reply: bytes = b""


class ServerHandshakes:
    """Every handshake of one server.

    Attributes:
        dropped: Datagrams that got no answer, by reason.
    """

    def __init__(
        self,
        identity: Identity,
        *,
        application_id: bytes,
        entropy: Entropy,
        config: HandshakeConfig | None = None,
        doorkeeper: Doorkeeper | None = None,
        password_key: bytes | None = None,
        reserved: Mapping[bytes, Collection[bytes]] | None = None,
    ) -> None:
        """Open the door.

        Args:
            application_id: 16 bytes; a client with another one is refused.
            reserved: Further application ids, each with the player keys it is for. These need no password, and to
                everybody else it is as if there were none.
            doorkeeper: Counts how often a network comes.
            password_key: See `password.py`; a client that does not know it is refused.
        """
        self._identity = identity
        self._password_key = hello.check_password_key(password_key)
        self._patterns = _OPEN if password_key is None else tuple(Pattern)
        self._application_id = hello.check_application_id(application_id)
        self._reserved = reserved or {}
        self._entropy = entropy
        self._config = config or HandshakeConfig()
        self._doorkeeper = doorkeeper or Doorkeeper(GuardConfig())
        self._jar = CookieJar(entropy=entropy, config=self._config)
        self._pending: dict[_Key, _Pending] = {}
        self._by_network: Counter[str] = Counter()
        self._settled: dict[_Key, float] = {}  # until when the cookie could still be valid; in order of that
        self._refusals: list[ConnectRefused] = []
        self._wrong_passwords: deque[_Key] = deque(maxlen=MAX_WRONG_PASSWORDS)
        self._last_id = 0
        self._now = float("-inf")
        self.dropped: Counter[HandshakeDrop] = Counter()

    def __repr__(self) -> str:
        """Show how many wait."""
        return f"ServerHandshakes({self._identity.fingerprint}, {len(self._pending)} pending)"

    @property
    def pending(self) -> int:
        """How many handshakes are held: proved, neither confirmed nor expired."""
        return len(self._pending)

    def receive(self, data: bytes, address: Address, now: float) -> list[Reply | Requested]:
        """Take one datagram whose first byte has HANDSHAKE_BIT set; any bytes at all."""
        now = self._advance(now)
        if len(data) < self._config.datagram_bytes and not isinstance(address, StreamAddress):
            return self._drop(HandshakeDrop.TOO_SMALL)
        if data[0] == DatagramType.INIT:
            return self._receive_init(data, address, now)
        if data[0] == DatagramType.HELLO:
            return self._receive_hello(data, address, now)
        return self._drop(HandshakeDrop.MALFORMED)

    def accept(
        self, request: HandshakeRequest, connection_id: int, payload: bytes, now: float, reset_token: bytes = bytes(16)
    ) -> bytes:
        """Let a client in; its first packet under `request.keys` confirms: then call `confirm`.

        Returns:
            The REPLY to send to `request.address`; the identical HELLO gets it again by itself.

        Raises:
            LocalProtocolError: The request is answered or expired, or the payload does not fit.
        """
        pending = self._unanswered(request, payload, now)
        reply = self._seal(pending, hello.pack_acceptance(Acceptance(connection_id, reset_token, payload)))
        receive, send = pending.noise.split()
        request.keys = SessionKeys(
            send=PacketKeys(pending.cipher, send),
            receive=PacketKeys(pending.cipher, receive),
            handshake_hash=pending.noise.handshake_hash,
        )
        return reply

    def refuse(self, request: HandshakeRequest, code: int, text: str, payload: bytes, now: float) -> bytes:
        """Turn a client away and say why.

        Args:
            code: 0 to 65535, a DisconnectReason.
            text: For people; cut at 255 bytes of UTF-8.
            payload: For the other program, e.g. what schema is spoken here; at most `max_payload_bytes`.

        Returns:
            The REPLY to send to `request.address`.

        Raises:
            LocalProtocolError: The request is answered or expired, or the payload does not fit.
        """
        pending = self._unanswered(request, payload, now)
        return self._seal(pending, hello.pack_refusal(Refusal(code, text, payload)))

    def confirm(self, request: HandshakeRequest) -> None:
        """Free the place of a client whose first packet arrived; a copy of its HELLO starts nothing any more."""
        self._settle((request.address, request.attempt))

    def take_refusals(self) -> list[ConnectRefused]:
        """Return and forget whom this half turned away by itself, for the application's log."""
        refusals, self._refusals = self._refusals, []
        return refusals

    def update(self, now: float) -> None:
        """Forget who never confirmed, and attempts whose cookie has run out."""
        now = self._advance(now)
        while self._pending and now >= (oldest := next(iter(self._pending.values()))).expires:
            self._settle((oldest.request.address, oldest.request.attempt))
        while self._settled and now >= next(iter(self._settled.values())):
            del self._settled[next(iter(self._settled))]

    def next_deadline(self) -> float | None:
        """Return when `update` has something to forget; None when nothing is held."""
        return next((pending.expires for pending in self._pending.values()), None)

    # INIT and HELLO.

    def _receive_init(self, data: bytes, address: Address, now: float) -> list[Reply | Requested]:
        """Answer whoever speaks our protocol, of whatever version or game: the refusal comes later, authenticated."""
        init = hello.unpack_init(data)
        if init is None or init.magic != protocol.MAGIC:
            return self._drop(HandshakeDrop.MALFORMED)
        issued, cookie = self._jar.bake(address, init.attempt, now)
        return [Reply(self._challenge(init.attempt, issued, cookie))]

    def _receive_hello(self, data: bytes, address: Address, now: float) -> list[Reply | Requested]:
        said = hello.unpack_hello(data)
        if said is None:
            return self._drop(HandshakeDrop.MALFORMED)
        if not self._jar.knows(said.cookie, address, said.attempt, said.issued, now):
            return self._drop(HandshakeDrop.BAD_COOKIE)
        key = address, said.attempt
        if key in self._settled:
            return self._drop(HandshakeDrop.DUPLICATE)
        if key in self._pending:
            return self._repeat(self._pending[key], data)
        if isinstance(address, StreamAddress) and self._is_asking(address):
            return self._drop(HandshakeDrop.OTHER_HELLO)
        return self._open(said, data, key)

    def _repeat(self, pending: _Pending, data: bytes) -> list[Reply | Requested]:
        """Answer the identical HELLO identically, and no other."""
        if _digest(data) != pending.digest:
            return self._drop(HandshakeDrop.OTHER_HELLO)
        if not pending.reply:
            return self._drop(HandshakeDrop.DUPLICATE)
        return [Reply(pending.reply)]

    def _open(self, said: Hello, data: bytes, key: _Key) -> list[Reply | Requested]:
        """Do the key exchange if there is room; from here on something is remembered."""
        network = network_of(key[0])
        is_stream = isinstance(key[0], StreamAddress)  # its path limits how many of them a network has
        self._make_room(network)
        if len(self._pending) >= self._config.max_pending:
            return self._drop(HandshakeDrop.TOO_MANY_PENDING)
        if self._by_network[network] >= self._config.max_pending_per_network and not is_stream:
            return self._drop(HandshakeDrop.TOO_MANY_FROM_NETWORK)
        static = self._static(said.key_index)
        if said.suite not in _SUITES or said.pattern not in self._patterns or static is None:
            return self._drop(HandshakeDrop.UNSUPPORTED)
        if not self._doorkeeper.admits(network, self._now):
            return self._drop(HandshakeDrop.TOO_OFTEN)
        suite, pattern = Suite(said.suite), Pattern(said.pattern)
        noise = self._respond(said, suite, pattern, static)
        try:
            credentials = noise.read_message(said.message)
        except RemoteProtocolError:
            if pattern.has_password and key not in self._wrong_passwords:
                self._wrong_passwords.append(key)
                self._note_refusal(key[0], DisconnectReason.WRONG_PASSWORD, "the password is wrong")
            self._drop(HandshakeDrop.NOT_AUTHENTIC)
            return [Reply(b"")] if is_stream else []
        self._last_id += 1
        request = HandshakeRequest(
            self._last_id, *key, credentials, noise.remote_static or b"", said.application_id
        )  # fmt: skip
        expires = self._now + self._config.timeout_seconds
        pending = _Pending(request, network, _digest(data), noise, suite.cipher, expires)
        self._pending[key] = pending
        self._by_network[network] += 1
        return self._judge(said, pattern, pending)

    def _is_asking(self, stream: Address) -> bool:
        """Tell whether a stream waits to be let in already: it leads to one connection, and to one place in the queue.

        Who was refused may ask again: that is how a client finds out that its password is wrong.
        """
        return any(
            address == stream and not (pending.reply and pending.request.keys is None)
            for (address, _), pending in self._pending.items()
        )

    def _judge(self, said: Hello, pattern: Pattern, pending: _Pending) -> list[Reply | Requested]:
        """Refuse at once another version, another game and a missing password; leave the rest to the application."""
        if said.version != protocol.PROTOCOL_VERSION:
            text = f"the server speaks protocol version {protocol.PROTOCOL_VERSION}, the client {said.version}"
            refusal = Refusal(DisconnectReason.VERSION_MISMATCH, text, b"")
        elif said.application_id != self._application_id:
            if pending.request.player_key in self._reserved.get(said.application_id, ()):
                return [Requested(pending.request)]
            refusal = Refusal(DisconnectReason.WRONG_GAME, "the server runs another game", b"")
        elif self._password_key is not None and not pattern.has_password:
            refusal = Refusal(DisconnectReason.WRONG_PASSWORD, "this server needs a password", b"")
        else:
            return [Requested(pending.request)]
        self._note_refusal(pending.request.address, DisconnectReason(refusal.code), refusal.text)
        return [Reply(self._seal(pending, hello.pack_refusal(refusal)))]

    def _static(self, key_index: int) -> Identity | None:
        """Return which of our keys a HELLO is for; None if there is none with that index."""
        return {0: self._identity, 1: self._identity.former}.get(key_index)

    def _respond(self, said: Hello, suite: Suite, pattern: Pattern, static: Identity) -> HandshakeState:
        """Start our side of the Noise handshake, with our own idea of the CHALLENGE in the prologue."""
        challenge = self._challenge(said.attempt, said.issued, said.cookie)
        return HandshakeState(
            hello.protocol_name(pattern, suite),
            initiator=False,
            entropy=self._entropy,
            prologue=hello.prologue(challenge, said.clear),
            static=static.private_key,
            psks=(self._password_key,) if pattern.has_password and self._password_key is not None else (),
        )

    def _challenge(self, attempt: bytes, issued: int, cookie: bytes) -> bytes:
        version, former = protocol.PROTOCOL_VERSION, self._identity.former
        offer = hello.bitmap(_SUITES), hello.bitmap(self._patterns)
        former_key = b"" if former is None else former.public
        return hello.pack_challenge(
            Challenge(attempt, issued, cookie, self._identity.public, version, version, *offer, former_key)
        )

    # Bookkeeping.

    def _unanswered(self, request: HandshakeRequest, payload: bytes, now: float) -> _Pending:
        self._advance(now)
        pending = self._pending.get((request.address, request.attempt))
        if pending is None or pending.request is not request:
            raise LocalProtocolError(f"cannot answer a request that has expired: {request}")
        if pending.reply:
            raise LocalProtocolError(f"cannot answer a request twice: {request}")
        limit = hello.max_payload_bytes(self._config.datagram_bytes)
        if len(payload) > limit:
            raise LocalProtocolError(f"a payload of {len(payload)} bytes does not fit into {limit}")
        return pending

    def _seal(self, pending: _Pending, verdict: bytes) -> bytes:
        pending.reply = hello.pack_reply(pending.request.attempt, pending.noise.write_message(verdict))
        return pending.reply

    def _make_room(self, network: str) -> None:
        """Let go of the oldest that was refused where there is no room: all it could still get is its REPLY again."""
        full = len(self._pending) >= self._config.max_pending
        if not full and self._by_network[network] < self._config.max_pending_per_network:
            return
        for key, pending in self._pending.items():
            if pending.reply and pending.request.keys is None and (full or pending.network == network):
                self._settle(key)
                return

    def _settle(self, key: _Key) -> None:
        """Forget a handshake but for the fact that it took place."""
        pending = self._pending.pop(key, None)
        if pending is None:
            return
        self._by_network[pending.network] -= 1
        if not self._by_network[pending.network]:
            del self._by_network[pending.network]
        self._settled[key] = self._now + self._config.cookie_lifetime_seconds + _COOKIE_GRAIN_SECONDS
        if len(self._settled) > self._config.max_settled:
            del self._settled[next(iter(self._settled))]

    def _advance(self, now: float) -> float:
        """Return `now`, or the latest time known if the clock ran backward."""
        self._now = max(self._now, now)
        return self._now

    def _note_refusal(self, address: Address, reason: DisconnectReason, text: str) -> None:
        """Note a refusal; after the doorkeeper has counted the handshake, so that few are noted of any network."""
        self._refusals.append(ConnectRefused(address, reason, text))

    def _drop(self, reason: HandshakeDrop) -> list[Reply | Requested]:
        self.dropped[reason] += 1
        return []


def _digest(data: bytes) -> bytes:
    return blake2s(data).digest()
