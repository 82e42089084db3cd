"""The client's side of the handshake: knock, answer the challenge, read the verdict.

Nothing before REPLY is authentic, so nothing before REPLY can end an attempt: what does not fit is remembered for the
explanation at the timeout and otherwise ignored, since the true datagram may come right behind a forged one. For the
same reason a client answers a few different CHALLENGEs in parallel; the server keeps the first HELLO that reaches it.

A server cannot read what was said under another password than its own, so it is silent. A client that gets no answer to
its password therefore asks beside it, in an attempt of its own, without password, key or credentials: a server with a
password refuses that, authentically, and then it is known what is wrong. Over a stream the
server ends it, and that is enough.
"""

from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum, auto

from ecsnet import protocol
from ecsnet.config import HandshakeConfig
from ecsnet.errors import LocalProtocolError, RemoteProtocolError
from ecsnet.protocol import DisconnectReason
from ecsnet.transport import hello
from ecsnet.transport.crypto import PacketKeys, SessionKeys
from ecsnet.transport.hello import Acceptance, Challenge, Pattern, Refusal, Suite
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy, HandshakeState

__all__ = ["Accepted", "ClientHandshake", "ClientHandshakeState", "HandshakeFailure", "Refused"]


class ClientHandshakeState(Enum):
    """How far an attempt got."""

    CHALLENGING = auto()  # INIT is under way
    HELLO_SENT = auto()  # a CHALLENGE was answered
    ANSWERED = auto()  # the server said yes or no


class HandshakeFailure(Enum):
    """Why an attempt ran out of time: the best guess from what was seen, none of it authentic."""

    NO_ANSWER = auto()
    KEY_MISMATCH = auto()  # somebody answered with a key that is not pinned
    VERSION_MISMATCH = auto()  # the server offered only other protocol versions
    UNSUPPORTED = auto()  # the server did not offer our suite or pattern
    WRONG_PASSWORD = auto()  # the server ended the stream when it heard ours
    NO_PASSWORD = auto()  # the server has no password, and we do not come in without

    @property
    def reason(self) -> DisconnectReason:
        """What a connection that failed so ends with."""
        return _REASONS[self]

    @property
    def text(self) -> str:
        """A sentence for people."""
        return _TEXTS.get(self) or self.reason.text


_REASONS = {
    HandshakeFailure.NO_ANSWER: DisconnectReason.HANDSHAKE_TIMEOUT,
    HandshakeFailure.KEY_MISMATCH: DisconnectReason.SERVER_KEY_MISMATCH,
    HandshakeFailure.VERSION_MISMATCH: DisconnectReason.VERSION_MISMATCH,
    HandshakeFailure.UNSUPPORTED: DisconnectReason.VERSION_MISMATCH,
    HandshakeFailure.WRONG_PASSWORD: DisconnectReason.WRONG_PASSWORD,
    HandshakeFailure.NO_PASSWORD: DisconnectReason.WRONG_PASSWORD,
}
_TEXTS = {  # where the reason's own does not say it
    HandshakeFailure.WRONG_PASSWORD: "the password is wrong",
    HandshakeFailure.NO_PASSWORD: "whoever answered has no password: join without one if that is right",
}


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server, proved to hold `server_key`, lets us in.

    Attributes:
        current_key: The key that server goes by now. It is another one if ours is being replaced, and as authentic as
            all of CHALLENGE is by now: pin it from here on.
    """

    keys: SessionKeys
    connection_id: int
    reset_token: bytes
    payload: bytes
    server_key: bytes
    current_key: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    """The server, proved to hold `server_key`, says no, and why."""

    code: int
    text: str
    payload: bytes
    server_key: bytes


@dataclass(slots=True)
class _Candidate:
    """One CHALLENGE we answered: our HELLO to it and the Noise state that waits for its REPLY."""

    challenge: bytes
    server_key: bytes
    current_key: bytes
    noise: HandshakeState
    hello: bytes


class ClientHandshake:
    """One attempt to connect.

    Without pins any key is taken: the first contact trusts whoever answers first, an attacker between the two included.
    The caller then remembers `server_key` and pins it from there on.

    Attributes:
        state: How far it got.
        attempt: 8 bytes that name it.
        unpinned_key: The first key that was offered but is not pinned; None if there was none. Not authentic.
        ignored: Datagrams dropped, by reason.
    """

    def __init__(
        self,
        *,
        pins: tuple[bytes, ...],
        application_id: bytes,
        credentials: bytes,
        entropy: Entropy,
        now: float,
        config: HandshakeConfig | None = None,
        password_key: bytes | None = None,
        player_key: Identity | None = None,
    ) -> None:
        """Start an attempt; INIT is due at once.

        Args:
            pins: Server keys to accept, 32 bytes each, several while keys are rotated; empty: any.
            application_id: 16 bytes, the same on both sides.
            credentials: For the server's application, encrypted but replayable; at most 1100 bytes, 1052 with a
                player's key.
            password_key: See `password.py`. With it, only a server that knows the same password will do.
            player_key: Shown to the server, encrypted, and proved by the first packet.

        Raises:
            LocalProtocolError: The application id, the password key or the credentials do not fit.
        """
        self._config = config or HandshakeConfig()
        self._pins = pins
        self._application_id = application_id
        self._credentials = credentials
        self._entropy = entropy
        self._suite = Suite.of(self._config.suite)
        self._password_key = password_key
        self._player_key = player_key
        self._pattern = Pattern.of(password=password_key is not None, player_key=player_key is not None)
        self._check()
        self.attempt = entropy(hello.ATTEMPT_BYTES)
        self._candidates: list[_Candidate] = []
        self._failure = HandshakeFailure.NO_ANSWER
        self._tries = 0
        self._next_send = now
        self._deadline = now + self._config.timeout_seconds
        self._doubt: ClientHandshake | None = None  # asks whether the password may be wrong
        self._doubt_at: float | None = None
        self.state = ClientHandshakeState.CHALLENGING
        self.unpinned_key: bytes | None = None
        self.ignored: Counter[str] = Counter()

    def __repr__(self) -> str:
        """Show the state and the challenges answered."""
        return f"ClientHandshake({self.state.name}, {len(self._candidates)} challenges, {self._tries} tries)"

    @property
    def failure(self) -> HandshakeFailure:
        """Why it failed, once `expired`."""
        return self._failure

    @property
    def failure_at_stream_end(self) -> HandshakeFailure:
        """Why it failed if the server ended the stream: where it heard a password, that is how it says it is wrong."""
        heard = self.state is ClientHandshakeState.HELLO_SENT and self._pattern.has_password
        guess = HandshakeFailure.WRONG_PASSWORD if heard else HandshakeFailure.NO_ANSWER
        return guess if self._failure is HandshakeFailure.NO_ANSWER else self._failure

    def expired(self, now: float) -> bool:
        """Tell whether the time is up without a verdict."""
        return self.state is not ClientHandshakeState.ANSWERED and now >= self._deadline

    def next_deadline(self) -> float | None:
        """Return when to call again at the latest; None once answered."""
        if self.state is ClientHandshakeState.ANSWERED:
            return None
        deadlines = [self._next_send, self._deadline]
        if self._doubt is not None:
            deadlines.append(self._doubt.next_deadline() or self._deadline)
        elif self._doubt_at is not None:
            deadlines.append(self._doubt_at)
        return min(deadlines)

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Return what is due: INIT, or the HELLO of each challenge, again and again until there is an answer."""
        if self.state is ClientHandshakeState.ANSWERED or now >= self._deadline:
            return []
        datagrams = self._own_datagrams(now) if now >= self._next_send else []
        if self._doubt is None and self._doubt_at is not None and now >= self._doubt_at:
            self._doubt = self._ask_without_password(now)
        return datagrams + self._doubt.datagrams_to_send(now) if self._doubt is not None else datagrams

    def _own_datagrams(self, now: float) -> list[bytes]:
        self._next_send = now + self._pause()
        self._tries += 1
        if self.state is ClientHandshakeState.HELLO_SENT:
            return [candidate.hello for candidate in self._candidates]
        return [
            hello.pack_init(
                protocol.MAGIC,
                protocol.PROTOCOL_VERSION,
                self.attempt,
                self._application_id,
                self._config.padded_bytes,
            )
        ]

    def receive(self, data: bytes, now: float) -> Accepted | Refused | None:
        """Take one datagram from the server's address; any bytes at all.

        Returns:
            The verdict, once and only if authentic; None for everything else.
        """
        if self.state is ClientHandshakeState.ANSWERED or now >= self._deadline:
            self.ignored["late"] += 1
            return None
        if self._doubt is not None and data[1 : 1 + hello.ATTEMPT_BYTES] == self._doubt.attempt:
            return self._resolve_doubt(self._doubt.receive(data, now))
        challenge = hello.unpack_challenge(data)
        if challenge is not None:
            self._take_challenge(challenge, data, now)
            return None
        reply = hello.unpack_reply(data)
        if reply is None or reply[0] != self.attempt:
            self.ignored["not for this attempt"] += 1
            return None
        return self._take_reply(reply[1])

    def _take_challenge(self, challenge: Challenge, data: bytes, now: float) -> None:
        """Answer a CHALLENGE unless it is known, foreign, or unacceptable."""
        obstacle = self._obstacle(challenge, data)
        if obstacle:
            self.ignored[obstacle] += 1
            return
        try:
            self._candidates.append(self._answer(challenge, data))
        except RemoteProtocolError:
            self.ignored["low-order key"] += 1
            return
        self.state = ClientHandshakeState.HELLO_SENT
        self._tries = 0
        self._next_send = now
        if self._password_key is not None and self._doubt_at is None:
            self._doubt_at = now + self._config.password_doubt_seconds

    def _obstacle(self, challenge: Challenge, data: bytes) -> str:
        """Return why a CHALLENGE is not answered; nothing if it is."""
        if challenge.attempt != self.attempt:
            return "not for this attempt"
        if any(candidate.challenge == data for candidate in self._candidates):
            return "duplicate"
        if not self._acceptable(challenge):
            return "unacceptable offer"
        return "too many challenges" if len(self._candidates) >= self._config.max_challenges else ""

    def _acceptable(self, challenge: Challenge) -> bool:
        """Check the offer, and note why not. Another version does not hinder: the refusal says it authentically."""
        if self._key_index(challenge) is None:
            self.unpinned_key = self.unpinned_key or challenge.server_key
            self._failure = HandshakeFailure.KEY_MISMATCH
            return False
        if not challenge.suites >> self._suite & 1 or not challenge.patterns >> self._pattern & 1:
            lacks_password = self._pattern.has_password and not challenge.patterns >> Pattern.NKPSK0 & 1
            self._note(HandshakeFailure.NO_PASSWORD if lacks_password else HandshakeFailure.UNSUPPORTED)
            return False
        if not challenge.lowest_version <= protocol.PROTOCOL_VERSION <= challenge.highest_version:
            self._note(HandshakeFailure.VERSION_MISMATCH)
        return True

    def _key_index(self, challenge: Challenge) -> int | None:
        """Return which of the server's keys to use: the first we may, which is the current one if possible."""
        for index, key in enumerate(challenge.keys):
            if not self._pins or key in self._pins:
                return index
        return None

    def _answer(self, challenge: Challenge, data: bytes) -> _Candidate:
        key_index = self._key_index(challenge)
        assert key_index is not None, "an offer without an acceptable key is not answered"
        server_key = challenge.keys[key_index]
        chosen = protocol.PROTOCOL_VERSION, self._suite, self._pattern, key_index
        length = self._pattern.message_bytes + len(self._credentials)
        header = hello.pack_hello(challenge, chosen, self._application_id, length)
        padding = bytes(max(0, self._config.padded_bytes - len(header) - length))
        noise = HandshakeState(
            hello.protocol_name(self._pattern, self._suite),
            initiator=True,
            entropy=self._entropy,
            prologue=hello.prologue(data, header + padding),
            static=None if self._player_key is None else self._player_key.private_key,
            remote_static=server_key,
            psks=() if self._password_key is None else (self._password_key,),
        )
        message = noise.write_message(self._credentials)
        return _Candidate(data, server_key, challenge.server_key, noise, header + message + padding)

    def _take_reply(self, message: bytes) -> Accepted | Refused | None:
        for candidate in self._candidates:
            try:
                verdict = hello.unpack_verdict(candidate.noise.read_message(message))
            except RemoteProtocolError:
                continue
            return self._conclude(candidate, verdict)
        self.ignored["not authentic"] += 1
        return None

    def _conclude(self, candidate: _Candidate, verdict: Acceptance | Refusal | None) -> Accepted | Refused | None:
        """Turn what the server said, now known to be authentic, into the outcome."""
        if verdict is None:
            self._candidates.remove(candidate)  # its Noise state has moved on
            self.ignored["unreadable verdict"] += 1
            return None
        self.state = ClientHandshakeState.ANSWERED
        if isinstance(verdict, Acceptance):
            return Accepted(
                self._keys(candidate),
                *verdict,
                server_key=candidate.server_key,
                current_key=candidate.current_key,
            )
        return Refused(*verdict, server_key=candidate.server_key)

    def _keys(self, candidate: _Candidate) -> SessionKeys:
        send, receive = candidate.noise.split()
        cipher = self._suite.cipher
        return SessionKeys(PacketKeys(cipher, send), PacketKeys(cipher, receive), candidate.noise.handshake_hash)

    def _ask_without_password(self, now: float) -> "ClientHandshake":
        """Start the attempt that tells a wrong password from a server that is not there. It says nothing of us."""
        return ClientHandshake(
            pins=tuple(candidate.server_key for candidate in self._candidates),
            application_id=self._application_id,
            credentials=b"",
            entropy=self._entropy,
            now=now,
            config=self._config,
        )

    def _resolve_doubt(self, verdict: Accepted | Refused | None) -> Refused | None:
        """Take the refusal as ours; a server that needs no password after all has nothing to tell us."""
        if not isinstance(verdict, Refused):
            return None
        self.state = ClientHandshakeState.ANSWERED
        if verdict.code == DisconnectReason.WRONG_PASSWORD:
            return replace(verdict, text="the password is wrong", payload=b"")
        return verdict

    def _pause(self) -> float:
        """Return how long to wait for an answer this time."""
        pauses, jitter = self._config.retransmit_pauses_seconds, self._config.retransmit_jitter
        fraction = int.from_bytes(self._entropy(2), "big") / 0xFFFF
        return pauses[min(self._tries, len(pauses) - 1)] * (1 + jitter * (2 * fraction - 1))

    def _note(self, failure: HandshakeFailure) -> None:
        """Remember a reason, but none outweighs a wrong key."""
        if self._failure is not HandshakeFailure.KEY_MISMATCH:
            self._failure = failure

    def _check(self) -> None:
        limit = hello.max_credentials_bytes(self._config.datagram_bytes, self._pattern)
        if len(self._credentials) > limit:
            raise LocalProtocolError(f"credentials of {len(self._credentials)} bytes do not fit into {limit}")
        hello.check_application_id(self._application_id)
        hello.check_password_key(self._password_key)
