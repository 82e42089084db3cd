"""Everything that is in PROTOCOL.md happens in one session of the first implementation; the second one listens.

Two servers, one in the middle of a rotation of its keys, one with a password; clients of all patterns and both suites,
over UDP and over a stream; messages of all channels, short and long; a client that moves and a server that restarts.
"""

import random
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ecsnet.config import HandshakeConfig, TransportConfig
from ecsnet.events import Connected, ConnectRequested, Disconnected
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import Address, StreamAddress
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from tests.transport import second
from tests.transport.pair import APPLICATION, CHANNELS, STEP
from tests.transport.secondmeeting import DELIVERIES

FORMER, CURRENT, OTHER, PLAYER = (Identity(bytes([each]) * 32) for each in range(1, 5))
ROTATING = Identity(CURRENT.private_key.private_bytes_raw(), FORMER)
PSK = bytes(range(32))  # as if scrypt had made it
OPEN, LOCKED = ("open", 1), ("locked", 2)
MOVED = ("moved", 5)
SUITES = ("aesgcm", "chachapoly")


class Sent(NamedTuple):
    data: bytes
    source: Address
    destination: Address


class Recording:
    """Plays the session and keeps every datagram and record, and every secret that was drawn."""

    def __init__(self) -> None:
        self._random = random.Random(11)
        self.secrets: list[bytes] = []
        self.sent: list[Sent] = []
        self.now = 100.0
        self.network = VirtualNetwork(seed=5, link=Link(loss=0.03, latency_seconds=0.02, jitter_seconds=0.01))
        self.endpoints = {OPEN: self._open(ROTATING, None), LOCKED: self._open(OTHER, PSK)}
        self.clients: dict[Address, Connection] = {}
        self.served: list[Connection] = []
        self.events: list[object] = []
        self.got: Counter[tuple[str, int, int]] = Counter()  # by side, channel and size
        self._play()

    def ephemeral_of(self, public: bytes) -> bytes:
        """Return the secret of an ephemeral public key."""
        keys = (X25519PrivateKey.from_private_bytes(secret) for secret in self.secrets if len(secret) == 32)
        return next(key for key in keys if key.public_key().public_bytes_raw() == public).private_bytes_raw()

    def _entropy(self, count: int) -> bytes:
        self.secrets.append(self._random.randbytes(count))
        return self.secrets[-1]

    def _open(self, identity: Identity, psk: bytes | None) -> Endpoint:
        return Endpoint(
            identity, application_id=APPLICATION, channels=CHANNELS, config=TransportConfig(), entropy=self._entropy,
            password_key=psk,
        )  # fmt: skip

    def _join(
        self, here: Address, there: Address, pin: Identity, suite: int, *, shown: bool = False, knows: bool = False
    ) -> None:
        config = TransportConfig(handshake=HandshakeConfig(suite=SUITES[suite]))
        self.clients[here] = Connection.connect(
            there, pins=(pin.public,), application_id=APPLICATION, credentials=b"me", channels=CHANNELS, config=config,
            entropy=self._entropy, now=self.now, password_key=PSK if knows else None,
            player_key=PLAYER if shown else None,
        )  # fmt: skip

    def _play(self) -> None:
        for suite in range(2):
            for shown in (False, True):
                port = 10 * suite + 5 * shown
                self._join(("client", port + 1), OPEN, (FORMER, CURRENT)[suite], suite, shown=shown)
                self._join(("client", port + 2), LOCKED, OTHER, suite, shown=shown, knows=True)
            self._join(StreamAddress("stream", suite, suite), StreamAddress(*OPEN, suite), CURRENT, suite, shown=True)
        self._join(("client", 90), LOCKED, OTHER, 0)  # and is refused: it brings no password
        self._run(2.0)
        for size in (10, 5000, 16_000, 100_000):
            self._chat(size)
        self.clients[MOVED] = self.clients.pop(("client", 1))
        self._chat(10)
        next(iter(self.clients.values())).close(DisconnectReason.LEFT, "bye", now=self.now)
        self._run(1.0)
        self.endpoints[OPEN] = self._open(ROTATING, None)
        self._run(3.0)

    def _chat(self, size: int) -> None:
        """Let everybody say something of this size on every channel that carries it."""
        for connection in [*self.clients.values(), *self.served]:
            for channel in range(len(CHANNELS)):
                if connection.is_connected and (size <= 16_000 or channel >= 2):
                    connection.send(channel, bytes(size))
        self._run(3.0)

    def _run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.now += STEP
            for address, endpoint in self.endpoints.items():
                self._serve(address, endpoint)
            for here, client in self.clients.items():
                for data, source in self.network.receive(here, self.now):
                    client.receive_datagram(data, source, self.now)
                client.update(self.now)
                self.events += client.events()
                self._read(client, "client")
                for data, destination in client.datagrams_to_send(self.now):
                    self._send(data, here, destination)

    def _serve(self, address: Address, endpoint: Endpoint) -> None:
        for data, source in self.network.receive(address, self.now):
            endpoint.receive_datagram(data, source, self.now)
        endpoint.update(self.now)
        for event in endpoint.events():
            if isinstance(event, ConnectRequested):
                endpoint.accept(event.request_id, b"welcome")
            elif isinstance(event, Connected):
                self.served.append(event.connection)
        for connection in self.served:
            self._read(connection, "server")
        for data, destination in endpoint.datagrams_to_send(self.now):
            self._send(data, address, destination)

    def _read(self, connection: Connection, side: str) -> None:
        for channel, message in connection.take_messages():
            self.got[side, channel, len(message)] += 1

    def _send(self, data: bytes, source: Address, destination: Address) -> None:
        """Carry a datagram over the network; a record arrives at once. An empty one only ends the stream."""
        is_stream = isinstance(source, StreamAddress) or isinstance(destination, StreamAddress)
        if data or not is_stream:
            self.sent.append(Sent(data, source, destination))
        if not is_stream:
            self.network.send(data, source, destination, self.now)
        elif isinstance(source, StreamAddress):
            self.endpoints[OPEN].receive_datagram(data, source, self.now)
        elif isinstance(destination, StreamAddress):
            there = self.clients[destination]
            there.receive_datagram(data, there.address, self.now)


class Direction:
    """The packets of one session one way, over UDP or a stream."""

    def __init__(self, key: bytes, suite: int, connection_id: int | None, *, is_stream: bool) -> None:
        self._key, self._suite, self._is_stream = key, suite, is_stream
        self._opening = second.Opening(key, connection_id, suite)
        self._opened = 0

    def open(self, data: bytes) -> bytes:
        if not self._is_stream:
            return self._opening.open(data)[1]
        plaintext = second.unseal(self._key, self._opened, second.unsigned(len(data), 2), data, self._suite)
        self._opened += 1
        return plaintext


class Session(NamedTuple):
    haves: second.Haves
    verdict: second.Verdict
    up: Direction
    down: Direction


class Listener:
    """Decodes what was sent, given the clients' keys."""

    def __init__(self, recording: Recording) -> None:
        self.kinds: Counter[str] = Counter()
        self.challenge_sizes: set[int] = set()
        self.key_indexes: set[int] = set()
        self.refusals: list[int] = []
        self.fragments: set[tuple[bool, int]] = set()  # whether from a client, and channel
        self.sessions: list[Session] = []
        self._ephemeral_of: Callable[[bytes], bytes] = recording.ephemeral_of
        self._challenges: dict[bytes, bytes] = {}  # by attempt, issued and cookie
        self._noises: dict[bytes, tuple[second.Noise, second.Haves]] = {}  # by attempt
        self._known: set[bytes] = set()  # handshake datagrams that were said before
        self._streams: dict[StreamAddress, Session] = {}
        for data, source, destination in recording.sent:
            self._hear(data, source, destination)

    def _hear(self, data: bytes, source: Address, destination: Address) -> None:
        stream = next((each for each in (source, destination) if isinstance(each, StreamAddress)), None)
        if stream in self._streams:
            self.kinds["record"] += 1
            session = self._streams[stream]
            self._hear_frames(
                (session.up if source == stream else session.down).open(data), from_client=source == stream
            )
            return
        self.kinds[f"{data[0]:#04x}"] += 1
        if data[0] == second.RESET:
            known = data[1:] in {each.verdict.reset_token for each in self.sessions}
            assert (len(data), known) == (17, destination != MOVED)  # tokens are bound to addresses
        elif data[0] < 0x80:
            self._hear_packet(data, from_client=destination in (OPEN, LOCKED))
        elif data not in self._known:
            self._known.add(data)
            self._hear_handshake(data, stream)

    def _hear_handshake(self, data: bytes, stream: StreamAddress | None) -> None:
        if data[0] == second.INIT:
            version, attempt, application_id = second.decode_init(data, 0 if stream else 1200)
            assert second.encode_init(attempt, application_id, 0 if stream else 1200) == data
            assert version == second.VERSION
        elif data[0] == second.CHALLENGE:
            self._challenges[data[1:29]] = data
            self.challenge_sizes.add(len(data))
            second.decode_challenge(data)
        elif data[0] == second.HELLO:
            self._hear_hello(data, padded_bytes=0 if stream else 1200)
        else:
            self._hear_reply(data, stream)

    def _hear_hello(self, data: bytes, padded_bytes: int) -> None:
        challenge, suite, pattern, key_index = self._challenges[data[1:29]], *data[31:34]
        haves = second.Haves(
            pin=second.decode_challenge(challenge).former_key if key_index else b"",
            static=PLAYER.private_key.private_bytes_raw() if pattern & 2 else b"",
            psk=PSK if pattern & 1 else b"",
            suite=suite,
        )
        credentials, noise = second.decode_hello(challenge, data, self._ephemeral_of, haves, padded_bytes)
        self.key_indexes.add(key_index)
        self._noises[data[1:9]] = noise, haves
        again, _ = second.encode_hello(
            challenge, APPLICATION, credentials, self._ephemeral_of(noise.public), haves, padded_bytes
        )
        assert again == data

    def _hear_reply(self, data: bytes, stream: StreamAddress | None) -> None:
        noise, haves = self._noises[data[1:9]]
        verdict = second.decode_reply(data, data[1:9], noise)
        if verdict.connection_id is None:
            self.refusals.append(verdict.reason)
            return
        up, down = noise.split()
        self.sessions.append(
            Session(
                haves,
                verdict,
                Direction(up, haves.suite, verdict.connection_id, is_stream=stream is not None),
                Direction(down, haves.suite, None, is_stream=stream is not None),
            )
        )
        if stream is not None:
            self._streams[stream] = self.sessions[-1]

    def _hear_packet(self, data: bytes, *, from_client: bool) -> None:
        for session in self.sessions:
            try:
                plaintext = (session.up if from_client else session.down).open(data)
            except second.WireError:
                continue  # of another session
            self._hear_frames(plaintext, from_client=from_client)
            return
        raise second.WireError("a packet of no session")

    def _hear_frames(self, plaintext: bytes, *, from_client: bool) -> None:
        frames = second.decode_frames(plaintext, DELIVERIES)
        assert b"".join(map(second.encode_frame, frames)) == plaintext
        for frame in frames:
            self.kinds[type(frame).__name__] += 1
            if isinstance(frame, second.Fragment):
                self.fragments.add((from_client, frame.channel))


@pytest.fixture(scope="module")
def recording() -> Recording:
    return Recording()


@pytest.fixture(scope="module")
def listener(recording: Recording) -> Listener:
    return Listener(recording)


@pytest.mark.slow
def test_every_datagram_is_decoded_and_encoded_again(recording: Recording, listener: Listener) -> None:
    datagrams = {kind: count for kind, count in listener.kinds.items() if kind.startswith("0x") or kind == "record"}

    assert set(datagrams) == {"0x81", "0x82", "0x83", "0x84", "0x85", "0x00", "record"}
    assert sum(datagrams.values()) == len(recording.sent)


@pytest.mark.slow
def test_everything_occurs(recording: Recording, listener: Listener) -> None:
    """What did not occur was not tested."""
    frames = {kind.__name__ for kind in second.Frame.__args__} - {"Pad"}  # nobody has to send it
    ended = {event.reason for event in recording.events if isinstance(event, Disconnected)}

    assert frames <= set(listener.kinds)
    assert listener.challenge_sizes == {69, 101}
    assert listener.key_indexes == {0, 1}
    assert {(each.haves.pattern, each.haves.suite) for each in listener.sessions} == {
        (pattern, suite) for pattern in range(4) for suite in range(2)
    }
    assert listener.refusals == [DisconnectReason.WRONG_PASSWORD]
    assert listener.fragments == {(side, channel) for side in (False, True) for channel in range(4)}
    assert DisconnectReason.SERVER_RESTARTED in ended
    assert recording.got["client", 3, 100_000] == recording.got["server", 3, 100_000] == len(listener.sessions)
    assert sum(each.statistics.moves for each in recording.served) == 1
