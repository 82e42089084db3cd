"""Paths through a `VirtualNetwork`: players in one process need no socket, and a socket can be given a bad link."""

import time
from collections.abc import Callable

from ecsnet.clock import Clock
from ecsnet.paths import Path
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import Address

__all__ = ["ImpairedPath", "MemoryPath"]

_INBOUND: Address = ("inbound", 0)
_OUTBOUND: Address = ("outbound", 0)


class MemoryPath:
    """A path inside this process.

    Args:
        sleep: How to wait: real time, a socket's wait, or moving a virtual clock.
    """

    def __init__(self, network: VirtualNetwork, here: Address, sleep: Callable[[float], object] = time.sleep) -> None:
        """Live at an address of a network."""
        self._network = network
        self._here = here
        self._sleep = sleep

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
