"""Flows from one server to clients behind one narrow place: what the tests and the bench of congestion play with."""

import random
from typing import Any

from ecsnet.config import TransportConfig
from ecsnet.events import Connected, ConnectRequested
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import Address
from ecsnet.transport.connection import Connection
from ecsnet.transport.endpoint import Endpoint
from ecsnet.transport.identity import Identity
from tests.transport.pair import APPLICATION, CHANNELS, ORDERED, SERVER, UNRELIABLE

STEP = 1 / 60
MESSAGE = bytes(1000)
OVERHEAD_BYTES = 22  # header, tag and the frame's type and length


class WatchedNetwork(VirtualNetwork):
    """Notes how long what the server sends waits at the bottleneck, and how much of it finds the queue full."""

    def __init__(self, *, seed: int, link: Link) -> None:
        super().__init__(seed=seed, link=link)
        self.waits: list[tuple[float, float]] = []  # when, how long
        self.overflows: list[float] = []  # when
        self._source: Address | None = None

    def send(self, data: bytes, source: Address, destination: Address, now: float) -> None:
        before = self.counters["queue full"]
        self._source = source
        super().send(data, source, destination, now)
        if self.counters["queue full"] > before:
            self.overflows.append(now)

    def _queueing(self, path: Any, size: int, now: float, *, endless: bool = False) -> float | None:
        wait = super()._queueing(path, size, now, endless=endless)
        if wait is not None and self._source == SERVER:
            self.waits.append((now, wait))
        return wait


class Bottleneck:
    """A server that sends to clients through one queue, all of them polled 60 times a second.

    Attributes:
        flows: The server's ends, in the order the clients joined.
        arrived: Per client, (when, bytes) of what was delivered to it.
        want: Per client, how much the server sends it in a step: None for as much as it takes, else bytes.
    """

    def __init__(self, link: Link, *, seed: int, config: TransportConfig | None = None) -> None:
        self.now = 100.0
        self.link = link
        self.config = config or TransportConfig()
        self.network = WatchedNetwork(seed=seed, link=link)
        self.entropy = random.Random(seed).randbytes
        self.identity = Identity.generate(self.entropy)
        self.endpoint = Endpoint(
            self.identity, application_id=APPLICATION, channels=CHANNELS, config=self.config, entropy=self.entropy
        )
        self.clients: list[Connection] = []
        self.flows: list[Connection] = []
        self.arrived: list[list[tuple[float, int]]] = []
        self.reliable: list[bool] = []
        self._paused_until = {True: 0.0, False: 0.0}  # server, clients

    def join(self, *, reliable: bool = False) -> int:
        """Let another client join; return its index. It is sent as much as the budget allows."""
        index = len(self.clients)
        self.clients.append(
            Connection.connect(
                SERVER, pins=(self.identity.public,), application_id=APPLICATION, credentials=b"", channels=CHANNELS,
                config=self.config, entropy=self.entropy, now=self.now,
            )
        )  # fmt: skip
        self.arrived.append([])
        self.reliable.append(reliable)
        self.network.share_queue(*((SERVER, self.address(i)) for i in range(index + 1)))
        while len(self.flows) <= index:
            self.step()
        return index

    @staticmethod
    def address(index: int) -> Address:
        return ("client", 10 + index)

    def step(self) -> None:
        self.now += STEP
        self._serve()
        for index, client in enumerate(self.clients):
            for data, source in self.network.receive(self.address(index), self.now):
                client.receive_datagram(data, source, self.now)
            client.update(self.now)
            self.arrived[index] += [(self.now, len(message)) for _, message in client.take_messages()]
            for data, destination in client.datagrams_to_send(self.now):
                self.network.send(data, self.address(index), destination, self.now)

    def _serve(self) -> None:
        now = self.now
        if now < self._paused_until[True]:
            return
        for data, source in self.network.receive(SERVER, now):
            self.endpoint.receive_datagram(data, source, now)
        self.endpoint.update(now)
        for event in self.endpoint.events():
            if isinstance(event, ConnectRequested):
                self.endpoint.accept(event.request_id)
            elif isinstance(event, Connected):
                self.flows.append(event.connection)
        for index, flow in enumerate(self.flows):
            if flow.is_connected:
                self.fill(index, flow)
        for data, destination in self.endpoint.datagrams_to_send(now):
            self.network.send(data, SERVER, destination, now)

    def fill(self, index: int, flow: Connection) -> None:
        """Queue what the budget allows, or keep 100 kB of reliable messages queued."""
        if self.reliable[index]:
            while sum(sender.queued_bytes for sender in flow._outbox._senders.values()) < 300_000:
                flow.send(ORDERED, MESSAGE)
            return
        for _ in range(-(-flow.budget_bytes(self.now) // len(MESSAGE))):
            flow.send(UNRELIABLE, MESSAGE)

    def stall_server(self, seconds: float) -> None:
        """Let the server do nothing for a while."""
        self._paused_until[True] = self.now + seconds

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / STEP)):
            self.step()

    # What came of it.

    def rate(self, index: int, seconds: float) -> float:
        """Return the bytes of messages a second that reached a client lately."""
        return sum(size for at, size in self.arrived[index] if at > self.now - seconds) / seconds

    def share(self, seconds: float) -> float:
        """Return how much of the bottleneck the messages of all flows used lately, 0 to about 0.95."""
        assert self.link.bandwidth_bytes_per_second is not None
        return sum(self.rate(i, seconds) for i in range(len(self.flows))) / self.link.bandwidth_bytes_per_second

    def use(self, seconds: float) -> float:
        """Return the same with what the headers of a datagram per message take."""
        return self.share(seconds) * (1 + OVERHEAD_BYTES / len(MESSAGE))

    def wait(self, seconds: float, quantile: float = 0.95) -> float:
        """Return how long datagrams waited at the bottleneck lately, seconds."""
        waits = sorted(wait for at, wait in self.network.waits if at > self.now - seconds)
        return waits[int(len(waits) * quantile)]

    def overflow(self, seconds: float) -> float:
        """Return the share of datagrams that found the queue full lately."""
        lost = sum(at > self.now - seconds for at in self.network.overflows)
        return lost / (lost + sum(at > self.now - seconds for at, _ in self.network.waits))

    def fairness(self, seconds: float) -> float:
        """Return Jain's index of the flows' rates lately: 1 for equal ones, 1 / flows if one has it all."""
        rates = [self.rate(i, seconds) for i in range(len(self.flows))]
        return sum(rates) ** 2 / (len(rates) * sum(rate * rate for rate in rates))
