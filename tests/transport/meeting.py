"""A client and a server with nothing between them: the handshake step by step, under the test's hands."""

import random
from collections.abc import Collection, Mapping
from dataclasses import replace

from ecsnet.config import GuardConfig, HandshakeConfig
from ecsnet.transport.doorkeeper import Doorkeeper
from ecsnet.transport.handshake import (
    Accepted,
    ClientHandshake,
    HandshakeRequest,
    Refused,
    Reply,
    Requested,
    ServerHandshakes,
)
from ecsnet.transport.identity import Identity

APPLICATION = b"a game's 16 byte"
HERE = ("192.0.2.1", 4000)


class Meeting:
    """One server, and as many clients as a test makes; everything follows from the seed."""

    def __init__(self, seed: int = 0, config: HandshakeConfig | None = None) -> None:
        self.entropy = random.Random(seed).randbytes
        self.config = config or HandshakeConfig()
        self.identity = Identity.generate(self.entropy)
        self.server = self.make_server(self.identity)

    def make_server(
        self,
        identity: Identity,
        password_key: bytes | None = None,
        reserved: Mapping[bytes, Collection[bytes]] | None = None,
    ) -> ServerHandshakes:
        return ServerHandshakes(
            identity,
            application_id=APPLICATION,
            entropy=self.entropy,
            config=self.config,
            doorkeeper=Doorkeeper(GuardConfig(handshakes_at_once=1_000_000)),  # tests knock more often than households
            password_key=password_key,
            reserved=reserved,
        )

    def make_client(
        self,
        *,
        pins: tuple[bytes, ...] | None = None,
        application_id: bytes = APPLICATION,
        credentials: bytes = b"I am Ada",
        suite: str = "aesgcm",
        password_key: bytes | None = None,
        player_key: Identity | None = None,
        now: float = 0.0,
    ) -> ClientHandshake:
        """Make a client that pins the server's key, or what else the test says."""
        return ClientHandshake(
            pins=(self.identity.public,) if pins is None else pins,
            application_id=application_id,
            credentials=credentials,
            entropy=self.entropy,
            now=now,
            config=replace(self.config, suite=suite),
            password_key=password_key,
            player_key=player_key,
        )

    def challenge(self, client: ClientHandshake, address: tuple[str, int] = HERE, now: float = 0.0) -> bytes:
        """Let the client knock and return the server's CHALLENGE."""
        [init] = client.datagrams_to_send(now)
        [reply] = self.server.receive(init, address, now)
        assert isinstance(reply, Reply)
        return reply.data

    def hello(self, client: ClientHandshake, address: tuple[str, int] = HERE, now: float = 0.0) -> bytes:
        """Go as far as the client's HELLO."""
        assert client.receive(self.challenge(client, address, now), now) is None
        [hello] = client.datagrams_to_send(now)
        return hello

    def request(
        self, client: ClientHandshake, address: tuple[str, int] = HERE, now: float = 0.0
    ) -> tuple[bytes, HandshakeRequest]:
        """Go as far as the server's question whether to accept; return the HELLO and the request."""
        hello = self.hello(client, address, now)
        [outcome] = self.server.receive(hello, address, now)
        assert isinstance(outcome, Requested)
        return hello, outcome.request

    def accept(self, client: ClientHandshake, now: float = 0.0) -> tuple[HandshakeRequest, Accepted]:
        """Go all the way."""
        _, request = self.request(client, now=now)
        verdict = client.receive(self.server.accept(request, 7, b"welcome", now), now)
        assert isinstance(verdict, Accepted)
        return request, verdict


def touched(data: bytes, place: int, bit: int = 0x10) -> bytes:
    """Return the datagram with one bit turned over."""
    return data[:place] + bytes([data[place] ^ bit]) + data[place + 1 :]


def verdict_of(client: ClientHandshake, outcome: Reply | Requested, now: float = 0.0) -> Accepted | Refused | None:
    """Give the client the server's reply."""
    assert isinstance(outcome, Reply)
    return client.receive(outcome.data, now)
