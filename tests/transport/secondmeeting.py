"""A real server's endpoint and a client of the second implementation."""

import random

from ecsnet.config import TransportConfig
from ecsnet.events import Connected, ConnectRequested, Disconnected
from ecsnet.protocol import DisconnectReason
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from ecsnet.transport.password import password_key
from tests.transport import second
from tests.transport.pair import APPLICATION, CHANNELS, CLIENT, STEP

DELIVERIES = tuple(second.Delivery[channel.delivery.name] for channel in CHANNELS)


class Meeting:
    """The two, and a clock. The wire loses what it is told to, and what is sent to where the client is not.

    Attributes:
        address: Where the client is.
        astray: What was sent to where it is not, with the address.
    """

    def __init__(
        self,
        *,
        refuse: bool = False,
        identity: Identity | None = None,
        haves: second.Haves | None = None,
        password: str = "",
    ) -> None:
        self.entropy = random.Random(5).randbytes
        self.identity = identity or Identity.generate(self.entropy)
        self._password_key = password_key(password, APPLICATION) if password else None
        self.restart()
        self.address: Address = CLIENT
        self.astray: list[tuple[bytes, Address]] = []
        self.client = second.MinimalClient(DELIVERIES, APPLICATION, b"credentials", self.entropy, haves)
        self.now = 100.0
        self.events: list[object] = []
        self.packets_to_lose: set[int] = set()  # of the server's packets, by order of sending
        self.packets_lost = 0
        self._refuse = refuse
        self._packets = 0

    def restart(self) -> None:
        """Begin with a server that remembers nothing."""
        self.endpoint = Endpoint(
            self.identity, application_id=APPLICATION, channels=CHANNELS, config=TransportConfig(),
            entropy=self.entropy, password_key=self._password_key,
        )  # fmt: skip

    def step(self) -> None:
        self.now += STEP
        for data in self.client.take_datagrams():
            self.endpoint.receive_datagram(data, self.address, self.now)
        self.endpoint.update(self.now)
        for event in self.endpoint.events():
            self.events.append(event)
            if isinstance(event, ConnectRequested):
                self._answer(event)
        for data, destination in self.endpoint.datagrams_to_send(self.now):
            self._packets += data[0] < 0x80
            if destination != self.address:
                self.astray.append((data, destination))
            elif data[0] < 0x80 and self._packets in self.packets_to_lose:
                self.packets_lost += 1
            else:
                self.client.receive(data)

    def _answer(self, request: ConnectRequested) -> None:
        if self._refuse:
            self.endpoint.refuse(request.request_id, DisconnectReason.SERVER_FULL, "full", b"later")
        else:
            self.endpoint.accept(request.request_id, b"welcome")

    def run(self, steps: int = 60) -> None:
        for _ in range(steps):
            self.step()

    def connect(self) -> Connection:
        self.run(5)
        [connection] = [event.connection for event in self.events if isinstance(event, Connected)]
        return connection

    def ended(self) -> list[Disconnected]:
        return [event for event in self.events if isinstance(event, Disconnected)]
