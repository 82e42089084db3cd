"""Paths through a `VirtualNetwork`: players in one process need no socket, and a socket can be given a bad link.

Both kinds have a `link` that may change while they are in use; `simulate_link` does that for any client.
"""

import time
from collections.abc import Callable

from ecsnet.clock import Clock
from ecsnet.paths import Path
from ecsnet.runtime import RunningClient
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import Address, DatagramAddress

__all__ = ["ImpairedPath", "MemoryPath", "simulate_link", "simulated_link"]

_INBOUND: DatagramAddress = ("inbound", 0)
_OUTBOUND: DatagramAddress = ("outbound", 0)


def simulate_link(client: RunningClient, link: Link, *, seed: int = 0) -> None:
    """Make the way between a client and its server as good or bad as a link, in both directions, from now on.

    At any moment, over a socket and in memory; other clients keep theirs. `Link.PERFECT` takes it back. What is on its
    way still arrives, as it would have.

    Args:
        seed: Reproduces what is lost, where the client has a socket.
    """
    if isinstance(client.path, ImpairedPath | MemoryPath):
        client.path.link = link
    elif link != Link.PERFECT:
        client.path = ImpairedPath(client.path, link, seed=seed, clock=client.clock)


def simulated_link(client: RunningClient) -> Link:
    """Return what `simulate_link`, or who made the client's path, set last; `Link.PERFECT` if nobody did."""
    return client.path.link if isinstance(client.path, ImpairedPath | MemoryPath) else Link.PERFECT


class MemoryPath:
    """A path inside this process.

    Args:
        sleep: How to wait: real time, a socket's wait, or moving a virtual clock.
    """

    def __init__(
        self, network: VirtualNetwork, here: DatagramAddress, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        """Live at an address of a network."""
        self._network = network
        self._here = here
        self._sleep = sleep

    @property
    def link(self) -> Link:
        """The condition of what comes and goes here."""
        return self._network.link_at(self._here)

    @link.setter
    def link(self, link: Link) -> None:
        self._network.set_links(link, at=self._here)

    def receive(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what has arrived, oldest first."""
        return self._network.receive(self._here, now)

    def send(self, data: bytes, address: Address, now: float) -> None:
        """Send one datagram."""
        self._network.send(data, self._here, address, now)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._sleep(seconds)

    def close(self) -> None:
        """Forget what is on its way here."""
        self._network.drop(self._here)


class ImpairedPath:
    """A path made worse: what goes through it, either way, is lost, delayed and varied as a `Link` says.

    Attributes:
        network: Its `counters` tell what became of the datagrams.
    """

    def __init__(self, inner: Path, link: Link, *, seed: int, clock: Clock) -> None:
        """Wrap a path."""
        # The far end's address travels as the source in both directions: it is what either side asks for.
        self.network = VirtualNetwork(seed=seed, link=link)
        self._inner = inner
        self._clock = clock

    @property
    def link(self) -> Link:
        """The condition of both directions."""
        return self.network.link_at(_INBOUND)

    @link.setter
    def link(self, link: Link) -> None:
        self.network.set_links(link)

    def receive(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what has arrived, late as it is; and let go what was held back long enough."""
        for data, source in self._inner.receive(now):
            self.network.send(data, source, _INBOUND, now)
        self._release(now)
        return self.network.receive(_INBOUND, now)

    def send(self, data: bytes, address: Address, now: float) -> None:
        """Take one datagram and hold it back for a while."""
        self.network.send(data, address, _OUTBOUND, now)
        self._release(now)

    def wait(self, seconds: float) -> None:
        """Return after this time, or earlier when something arrives or is to be let go."""
        due = self.network.next_arrival()
        self._inner.wait(seconds if due is None else max(0.0, min(seconds, due - self._clock.now())))

    def close(self) -> None:
        """Close the path within; what is held back is lost."""
        self._inner.close()

    def _release(self, now: float) -> None:
        for data, address in self.network.receive(_OUTBOUND, now):
            self._inner.send(data, address, now)
