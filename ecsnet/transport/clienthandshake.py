"""The client's side of the handshake: knock, answer the challenge, read the verdict.

Nothing before REPLY is authentic, so nothing before REPLY can end an attempt: what does not fit is remembered for the
explanation at the timeout and otherwise ignored, since the true datagram may come right behind a forged one. For the
same reason a client answers a few different CHALLENGEs in parallel; the server keeps the first HELLO that reaches it.
"""

from collections import Counter
from dataclasses import dataclass
from enum import Enum, auto

from ecsnet import protocol
from ecsnet.config import HandshakeConfig
from ecsnet.errors import LocalProtocolError, RemoteProtocolError
from ecsnet.transport import hello
from ecsnet.transport.crypto import PacketKeys, SessionKeys
from ecsnet.transport.hello import Acceptance, Challenge, Pattern, Refusal, Suite
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


@dataclass(frozen=True, slots=True)
class Accepted:
    """The server, proved to hold `server_key`, lets us in."""

    keys: SessionKeys
    connection_id: int
    payload: bytes
    server_key: bytes


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
    noise: HandshakeState
    hello: bytes


class ClientHandshake:
    """One attempt to connect.

    Without pins any key is taken: the first contact trusts whoever answers first, an attacker between the two included.
    The caller then remembers `server_key` and pins it from there on.

    Attributes:
        state: How far it got.
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
        suite: Suite = Suite.AESGCM_SHA256,
    ) -> None:
        """Start an attempt; INIT is due at once.

        Args:
            pins: Server keys to accept, 32 bytes each, several while keys are rotated; empty: any.
            application_id: 16 bytes, the same on both sides.
            credentials: For the server's application, encrypted but replayable; at most 1101 bytes.

        Raises:
            LocalProtocolError: The application id or the credentials do not fit.
        """
        self._config = config or HandshakeConfig()
        self._pins = pins
        self._application_id = application_id
        self._credentials = credentials
        self._entropy = entropy
        self._suite = suite
        self._check()
        self._attempt = entropy(hello.ATTEMPT_BYTES)
        self._candidates: list[_Candidate] = []
        self._failure = HandshakeFailure.NO_ANSWER
        self._tries = 0
        self._next_send = now
        self._deadline = now + self._config.timeout_seconds
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

    def expired(self, now: float) -> bool:
        """Tell whether the time is up without a verdict."""
        return self.state is not ClientHandshakeState.ANSWERED and now >= self._deadline

    def next_deadline(self) -> float | None:
        """Return when to call again at the latest; None once answered."""
        if self.state is ClientHandshakeState.ANSWERED:
            return None
        return min(self._next_send, self._deadline)

    def datagrams_to_send(self, now: float) -> list[bytes]:
        """Return what is due: INIT, or the HELLO of each challenge, again and again until there is an answer."""
        if self.state is ClientHandshakeState.ANSWERED or now < self._next_send or now >= self._deadline:
            return []
        self._next_send = now + self._pause()
        self._tries += 1
        if self.state is ClientHandshakeState.HELLO_SENT:
            return [candidate.hello for candidate in self._candidates]
        return [
            hello.pack_init(
                protocol.MAGIC,
                protocol.PROTOCOL_VERSION,
                self._attempt,
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
        challenge = hello.unpack_challenge(data)
        if challenge is not None:
            self._take_challenge(challenge, data, now)
            return None
        reply = hello.unpack_reply(data)
        if reply is None or reply[0] != self._attempt:
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

    def _obstacle(self, challenge: Challenge, data: bytes) -> str:
        """Return why a CHALLENGE is not answered; nothing if it is."""
        if challenge.attempt != self._attempt:
            return "not for this attempt"
        if any(candidate.challenge == data for candidate in self._candidates):
            return "duplicate"
        if not self._acceptable(challenge):
            return "unacceptable offer"
        return "too many challenges" if len(self._candidates) >= self._config.max_challenges else ""

    def _acceptable(self, challenge: Challenge) -> bool:
        """Check the offer, and note why not. Another version does not hinder: the refusal says it authentically."""
        if self._pins and challenge.server_key not in self._pins:
            self.unpinned_key = self.unpinned_key or challenge.server_key
            self._failure = HandshakeFailure.KEY_MISMATCH
            return False
        if not challenge.suites >> self._suite & 1 or not challenge.patterns >> Pattern.NK & 1:
            self._note(HandshakeFailure.UNSUPPORTED)
            return False
        if not challenge.lowest_version <= protocol.PROTOCOL_VERSION <= challenge.highest_version:
            self._note(HandshakeFailure.VERSION_MISMATCH)
        return True

    def _answer(self, challenge: Challenge, data: bytes) -> _Candidate:
        chosen = protocol.PROTOCOL_VERSION, self._suite, Pattern.NK
        length = hello.NK_MESSAGE_BYTES + len(self._credentials)
        header = hello.pack_hello(challenge, chosen, self._application_id, length)
        padding = bytes(max(0, self._config.padded_bytes - len(header) - length))
        noise = HandshakeState(
            hello.protocol_name(Pattern.NK, self._suite),
            initiator=True,
            entropy=self._entropy,
            prologue=hello.prologue(data, header + padding),
            remote_static=challenge.server_key,
        )
        message = noise.write_message(self._credentials)
        return _Candidate(data, challenge.server_key, noise, header + message + padding)

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
            return Accepted(self._keys(candidate), *verdict, server_key=candidate.server_key)
        return Refused(*verdict, server_key=candidate.server_key)

    def _keys(self, candidate: _Candidate) -> SessionKeys:
        send, receive = candidate.noise.split()
        cipher = self._suite.cipher
        return SessionKeys(PacketKeys(cipher, send), PacketKeys(cipher, receive), candidate.noise.handshake_hash)

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
        limit = hello.max_credentials_bytes(self._config.datagram_bytes)
        if len(self._credentials) > limit:
            raise LocalProtocolError(f"credentials of {len(self._credentials)} bytes do not fit into {limit}")
        hello.check_application_id(self._application_id)
