"""Two real ends of a connection over a virtual network: what the tests of the transport play with."""

import random
from collections.abc import Callable

from ecsnet.config import TransportConfig
from ecsnet.events import Connected, ConnectRequested, Disconnected
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import Address
from ecsnet.transport.channels import Channel, Delivery
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity

UNRELIABLE, SEQUENCED, UNORDERED, ORDERED = range(4)
CHANNELS = (
    Channel("unreliable", Delivery.UNRELIABLE),
    Channel("sequenced", Delivery.SEQUENCED),
    Channel("unordered", Delivery.RELIABLE_UNORDERED),
    Channel("ordered", Delivery.RELIABLE_ORDERED),
)
SERVER, CLIENT = ("server", 1), ("client", 2)
APPLICATION = b"application-----"
STEP = 1 / 60


class Pair:
    """A server's endpoint and one client; `accept` says what the server answers a request."""

    def __init__(
        self,
        *,
        link: Link = Link.PERFECT,
        seed: int = 1,
        config: TransportConfig | None = None,
        pins: tuple[bytes, ...] | None = None,
        accept: Callable[[Endpoint, ConnectRequested], None] | None = None,
    ) -> None:
        self.entropy = random.Random(seed).randbytes
        self.config = config or TransportConfig()
        identity = Identity.generate(self.entropy)
        self.identity = identity
        self.network = VirtualNetwork(seed=seed, link=link)
        self.endpoint = Endpoint(
            identity, application_id=APPLICATION, channels=CHANNELS, config=self.config, entropy=self.entropy
        )
        self.now = 100.0
        self.client_address: Address = CLIENT
        self.pins = (identity.public,) if pins is None else pins
        self.client = self._join()
        self.server: Connection | None = None
        self.events: list[object] = []
        self.recorded: list[tuple[bytes, Address]] = []  # every datagram sent, and its destination
        self._accept = accept or (lambda endpoint, request: endpoint.accept(request.request_id, b"welcome"))

    def _join(self) -> Connection:
        return Connection.connect(
            SERVER,
            pins=self.pins,
            application_id=APPLICATION,
            credentials=b"credentials",
            channels=CHANNELS,
            config=self.config,
            entropy=self.entropy,
            now=self.now,
        )

    def reconnect(self) -> None:
        """Let a new client try, from the same address."""
        self.client, self.server = self._join(), None

    def step(self) -> None:
        self.now += STEP
        self.pump()

    def pump(self) -> None:
        """Let both sides take what arrived by now, act and send."""
        for data, source in self.network.receive(SERVER, self.now):
            self.endpoint.receive_datagram(data, source, self.now)
        self.endpoint.update(self.now)
        for event in self.endpoint.events():
            self._handle(event)
        self._send(self.endpoint.datagrams_to_send(self.now), SERVER)
        for data, source in self.network.receive(self.client_address, self.now):
            self.client.receive_datagram(data, source, self.now)
        self.client.update(self.now)
        self.events += self.client.events()
        self._send(self.client.datagrams_to_send(self.now), self.client_address)

    def _handle(self, event: object) -> None:
        if isinstance(event, ConnectRequested):
            self._accept(self.endpoint, event)
            return
        self.events.append(event)
        if isinstance(event, Connected):
            self.server = event.connection

    def _send(self, datagrams: list[tuple[bytes, Address]], source: Address) -> None:
        for data, destination in datagrams:
            self.recorded.append((data, destination))
            self.network.send(data, source, destination, self.now)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.step()

    def run_until(self, condition: Callable[[], bool], within: float = 10.0) -> None:
        end = self.now + within
        while not condition():
            assert self.now < end, f"not within {within} s: {self.client}, {self.endpoint}, {self.events}"
            self.step()

    def connect(self) -> tuple[Connection, Connection]:
        self.run_until(lambda: self.server is not None and self.client.is_connected)
        assert self.server is not None
        return self.client, self.server

    def ended(self) -> list[Disconnected]:
        return [event for event in self.events if isinstance(event, Disconnected)]
