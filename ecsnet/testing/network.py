"""A network that exists in memory, on a virtual or a real clock: it loses, delays, repeats, reorders and breaks.

Everything it decides follows from its seed and the order of the datagrams sent.

It carries streams as well: what goes to a `StreamAddress` is a record; none is lost and none overtakes another. What
would have been lost comes late instead, as TCP repeats it, and holds up all that follows. An empty one ends a stream.
"""

import hashlib
import heapq
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

from ecsnet.transport.address import Address, DatagramAddress, StreamAddress

__all__ = ["LINKS", "Link", "VirtualNetwork"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """The condition of a path, each way.

    Attributes:
        loss: Share of datagrams lost, 0 to 1.
        duplicate: Share of datagrams that arrive twice.
        reorder: Share of datagrams that are held back by a further 1 to 3 times the jitter, at least 10 ms.
        latency_seconds: Time a datagram takes.
        jitter_seconds: The latency varies by up to this, either way, evenly.
        burst: Once one is lost, the chance that the next is lost as well instead of `loss`; 0: losses are independent.
        bandwidth_bytes_per_second: Beyond it datagrams queue; None: no limit.
        queue_bytes: What the bottleneck holds before it drops.
    """

    loss: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0
    latency_seconds: float = 0.0
    jitter_seconds: float = 0.0
    burst: float = 0.0
    bandwidth_bytes_per_second: float | None = None
    queue_bytes: int = 65_536

    PERFECT: ClassVar["Link"]
    LAN: ClassVar["Link"]
    WIFI: ClassVar["Link"]
    MOBILE: ClassVar["Link"]
    AWFUL: ClassVar["Link"]
    POOR: ClassVar["Link"]

    def __post_init__(self) -> None:
        """Refuse what is no probability or no time."""
        for name in ("loss", "duplicate", "reorder", "burst"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"Link({name}={getattr(self, name)}): a share lies between 0 and 1")
        if self.latency_seconds < 0 or self.jitter_seconds < 0:
            raise ValueError("Link: latency_seconds and jitter_seconds are not negative")


Link.PERFECT = Link()
Link.LAN = Link(latency_seconds=0.001, jitter_seconds=0.0005)
Link.WIFI = Link(loss=0.01, latency_seconds=0.020, jitter_seconds=0.010)
Link.MOBILE = Link(loss=0.02, latency_seconds=0.080, jitter_seconds=0.030)
Link.AWFUL = Link(loss=0.08, burst=0.3, latency_seconds=0.150, jitter_seconds=0.050)
Link.POOR = Link(loss=0.10, duplicate=0.02, reorder=0.02, latency_seconds=0.150, jitter_seconds=0.040)

# What players are asked to choose from, from good to bad.
LINKS: Mapping[str, Link] = MappingProxyType(
    {"lan": Link.LAN, "wifi": Link.WIFI, "mobile": Link.MOBILE, "awful": Link.AWFUL}
)


# What TCP adds to a round trip before it repeats a segment: RFC 6298 says 1 s, every system takes about 200 ms. What
# follows tells it of a second loss as early (RFC 8985), so the pause is not doubled.
RETRANSMIT_SECONDS = 0.2
MAX_RETRANSMITS = 64  # of a link that loses everything: longer than anybody's patience, but not without end


@dataclass(slots=True)
class _Queue:
    """What waits at a bottleneck."""

    busy_until: float = 0.0


@dataclass(slots=True)
class _Path:
    """One direction between two addresses."""

    link: Link
    lost_last: bool = False
    queue: _Queue = field(default_factory=_Queue)
    last_arrival: float = 0.0  # of a stream: nothing arrives before what was sent earlier
    ended: bool = False  # of a stream: nothing more is taken
    is_closed_here: bool = False  # and its beginning was who ended it, and listens no more


class VirtualNetwork:
    """Carries datagrams between addresses.

    Attributes:
        counters: Datagrams "sent", "lost", "duplicated", "reordered", "cut" and "queue full"; of streams, a record is
            "lost" for every time it is repeated, and "held" when a partition delays it.
    """

    def __init__(self, *, seed: int = 0, link: Link = Link.PERFECT, trace: bool = False) -> None:
        """Make a network in which every path is a `link`.

        Args:
            trace: Keep a running hash of all traffic, for `traffic_hash`.
        """
        self._random = random.Random(seed)  # noqa: S311  # simulation, not cryptography
        self._link = link
        self._links_at: dict[DatagramAddress, Link] = {}
        self._paths: dict[tuple[Address, Address], _Path] = {}
        self._cuts: set[frozenset[Address]] = set()
        self._held: list[tuple[bytes, Address, Address]] = []  # records that wait for the end of a partition
        self._arrivals: dict[Address, list[tuple[float, int, bytes, Address]]] = {}
        self._serial = 0
        self._now = 0.0
        self._hash = hashlib.sha256() if trace else None
        self.counters: Counter[str] = Counter()

    def set_link(self, source: Address, destination: Address, link: Link) -> None:
        """Give one direction another condition from now on, for its streams as well."""
        self._path(source, destination).link = link
        for (start, end), path in self._paths.items():
            if (start[:2], end[:2]) == (source[:2], destination[:2]):
                path.link = link

    def set_links(self, link: Link, *, at: DatagramAddress | None = None) -> None:
        """Give every direction another condition from now on, or every one to and from an address.

        What is on its way arrives as it would have.
        """
        if at is None:
            self._link, self._links_at = link, {}
        else:
            self._links_at[at] = link
        for (source, destination), path in self._paths.items():
            if at is None or at in (source[:2], destination[:2]):
                path.link = link

    def link_at(self, address: DatagramAddress) -> Link:
        """Return the condition of what goes to and from an address, as far as it was not set for one direction."""
        return self._links_at.get(address, self._link)

    def share_queue(self, *paths: tuple[Address, Address]) -> None:
        """Let directions, (source, destination) each, meet at one bottleneck; give them links of the same bandwidth."""
        queue = _Queue()
        for source, destination in paths:
            self._path(source, destination).queue = queue

    def partition(self, a: Address, b: Address) -> None:
        """Let nothing through between two addresses until `heal`; streams stand still and go on afterwards."""
        self._cuts.add(frozenset((a, b)))

    def heal(self, a: Address, b: Address) -> None:
        """End a partition."""
        pair = frozenset((a, b))
        self._cuts.discard(pair)
        held, self._held = self._held, []
        for data, source, destination in held:
            if frozenset((source[:2], destination[:2])) == pair:
                self._carry(data, source, destination, self._now + RETRANSMIT_SECONDS)
            else:
                self._held.append((data, source, destination))

    def drop(self, address: Address) -> None:
        """Forget what is on its way to an address whose program is gone; its streams end, as the system sees to."""
        self._arrivals.pop(address, None)
        for source, destination in list(self._paths):
            if isinstance(source, StreamAddress) and isinstance(destination, StreamAddress):
                if source[:2] == address:
                    self._send_record(b"", source, destination, self._now)
                elif destination[:2] == address:
                    self._send_record(b"", destination, source, self._now)

    def send(self, data: bytes, source: Address, destination: Address, now: float) -> None:
        """Take one datagram, or one record of a stream."""
        self._now = now
        self.counters["sent"] += 1
        if self._hash is not None:
            self._hash.update(f"{now:.9f} {source} {destination} ".encode() + data)
        if isinstance(destination, StreamAddress) or isinstance(source, StreamAddress):
            self._send_record(data, source, destination, now)
            return
        if self._cuts and frozenset((source, destination)) in self._cuts:
            self.counters["cut"] += 1
            return
        path = self._path(source, destination)
        link = path.link
        if self._is_lost(path):
            return
        delay = self._queueing(path, len(data), now)
        if delay is None:
            self.counters["queue full"] += 1
            return
        copies = 1
        if link.duplicate and self._random.random() < link.duplicate:
            self.counters["duplicated"] += 1
            copies = 2
        for _ in range(copies):
            self._deliver(data, source, destination, now + delay + self._transit(link))

    def receive(self, destination: Address, now: float) -> list[tuple[bytes, Address]]:
        """Return what has arrived at an address by `now`, in order of arrival: (datagram, source)."""
        arrivals = self._arrivals.get(destination)
        received: list[tuple[bytes, Address]] = []
        while arrivals and arrivals[0][0] <= now:
            _, _, data, source = heapq.heappop(arrivals)
            if isinstance(source, StreamAddress) and self._is_deaf(source, destination):
                continue
            received.append((data, source))
        return received

    def next_arrival(self) -> float | None:
        """Return when the next datagram arrives anywhere; None if nothing is on its way."""
        return min((arrivals[0][0] for arrivals in self._arrivals.values() if arrivals), default=None)

    def traffic_hash(self) -> str:
        """Return a hash over time, source, destination and bytes of every datagram sent; needs `trace=True`."""
        if self._hash is None:
            raise ValueError("this network keeps no trace; make it with trace=True")
        return self._hash.hexdigest()

    def _path(self, source: Address, destination: Address) -> _Path:
        path = self._paths.get((source, destination))
        if path is None:
            known = self._paths.get((source[:2], destination[:2]))  # a stream runs over the link of its two hosts
            link = self._first_link(source, destination) if known is None else known.link
            path = self._paths[source, destination] = _Path(link)
        return path

    def _first_link(self, source: Address, destination: Address) -> Link:
        """Return the condition of a direction that was not used before; where both ends have one, the source's."""
        ends = (source[:2], destination[:2])
        return next((self._links_at[end] for end in ends if end in self._links_at), self._link)

    def _is_lost(self, path: _Path) -> bool:
        link = path.link
        if link.loss or path.lost_last:
            path.lost_last = self._random.random() < (link.burst if path.lost_last and link.burst else link.loss)
            self.counters["lost"] += path.lost_last
        return path.lost_last

    # Streams.

    def _send_record(self, data: bytes, source: Address, destination: Address, now: float) -> None:
        """Take one record; both ends of a stream know it by the same number."""
        if isinstance(destination, StreamAddress) and not isinstance(source, StreamAddress):
            source = StreamAddress(*source, destination.stream)
        path = self._path(source, destination)
        if path.ended:
            self.counters["after the end"] += 1
            return
        if not data:
            path.ended = path.is_closed_here = self._path(destination, source).ended = True
        if self._cuts and frozenset((source[:2], destination[:2])) in self._cuts:
            self.counters["held"] += 1
            self._held.append((data, source, destination))
            return
        self._carry(data, source, destination, now)

    def _carry(self, data: bytes, source: Address, destination: Address, now: float) -> None:
        """Let a record arrive, after everything that was sent before it."""
        path = self._path(source, destination)
        delay = self._queueing(path, len(data), now, endless=True) or 0.0
        pause = RETRANSMIT_SECONDS + 2 * path.link.latency_seconds
        for _ in range(MAX_RETRANSMITS):
            if not self._is_lost(path):
                break
            delay += pause
            path.lost_last = False  # a burst is long over by then
        path.last_arrival = max(path.last_arrival, now + delay + self._transit(path.link))
        self._deliver(data, source, destination[:2], path.last_arrival)

    def _is_deaf(self, source: StreamAddress, destination: Address) -> bool:
        """Tell whether a record came too late: its receiver has ended the stream itself."""
        back = self._paths.get((StreamAddress(*destination[:2], source.stream), source))
        return back is not None and back.is_closed_here

    def _queueing(self, path: _Path, size: int, now: float, *, endless: bool = False) -> float | None:
        """Return how long a datagram waits at the bottleneck; None if its queue is full and not `endless`."""
        rate = path.link.bandwidth_bytes_per_second
        if rate is None:
            return 0.0
        queue = path.queue
        start = max(now, queue.busy_until)
        if (start - now) * rate > path.link.queue_bytes and not endless:
            return None
        queue.busy_until = start + size / rate
        return queue.busy_until - now

    def _transit(self, link: Link) -> float:
        delay = link.latency_seconds
        if link.jitter_seconds:
            delay = max(0.0, delay + self._random.uniform(-link.jitter_seconds, link.jitter_seconds))
        if link.reorder and self._random.random() < link.reorder:
            self.counters["reordered"] += 1
            delay += self._random.uniform(1.0, 3.0) * max(link.jitter_seconds, 0.010)
        return delay

    def _deliver(self, data: bytes, source: Address, destination: Address, at: float) -> None:
        self._serial += 1
        heapq.heappush(self._arrivals.setdefault(destination, []), (at, self._serial, data, source))
