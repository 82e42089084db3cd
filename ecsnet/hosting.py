"""Host mode: a server, a player's own client and bots in one process, each with a World of its own and no special case.

They exchange sealed datagrams in memory, over a link as good or bad as wanted; friends join over UDP at the same time.
"""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from ecsnet.bots import Bot, make_bot, press
from ecsnet.clock import Clock, MonotonicClock, VirtualClock
from ecsnet.distribution import Distribution
from ecsnet.game import Game
from ecsnet.paths import Path, UdpPath
from ecsnet.runtime import RunningClient, RunningServer
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.address import Address, DatagramAddress
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy
from ecsnet.udp import UdpSocket
from ecsnet.virtualpath import ImpairedPath, MemoryPath
from ecsnet.wire import tick_difference

__all__ = ["Host", "HostPlayer"]

ClientT = TypeVar("ClientT", bound=RunningClient)

SERVER: DatagramAddress = ("server.memory", 1)


@dataclass(slots=True)
class Traffic:
    """What went one way."""

    datagrams: int = 0
    size_bytes: int = 0

    def note(self, data: bytes) -> None:
        """Count one datagram."""
        self.datagrams += 1
        self.size_bytes += len(data)


class HostPath:
    """The server's path: memory for those in this process, a socket for everybody else. Counts both ways."""

    def __init__(self, memory: MemoryPath, local: Sequence[Address], public: Path | None) -> None:
        """Join two paths.

        Args:
            local: Who is reached in memory; nobody can send from there by UDP, where hosts are numeric.
            public: For all others; None: nobody else.
        """
        self.to_server = Traffic()
        self.to_clients = Traffic()
        self._memory = memory
        self._local = frozenset(local)
        self._public = public

    def receive(self, now: float) -> list[tuple[bytes, Address]]:
        """Return what has arrived by either way."""
        received = self._memory.receive(now)
        if self._public is not None:
            received += self._public.receive(now)
        for data, _ in received:
            self.to_server.note(data)
        return received

    def send(self, data: bytes, address: Address, now: float) -> None:
        """Send by the way that leads to the address."""
        self.to_clients.note(data)
        if address in self._local:
            self._memory.send(data, address, now)
        elif self._public is not None:
            self._public.send(data, address, now)

    def wait(self, seconds: float) -> None:
        """Return after this time, or earlier when something arrives from outside."""
        self._memory.wait(seconds)

    def close(self) -> None:
        """Close both."""
        self._memory.close()
        if self._public is not None:
            self._public.close()


class Host:
    """Everybody in this process, and the network between them.

    Attributes:
        server: The one truth.
        player: The client of the person, or of the bot in its place. Its `update()` moves everybody.
        bots: The other clients, each with what decides for it.
        network: Carries the datagrams in memory, and counts them.
        path: The server's end of it.
    """

    def __init__(
        self,
        game: Game,
        *,
        bots: int = 0,
        name: str = "",
        link: Link = Link.PERFECT,
        seed: int = 0,
        identity: Identity | None = None,
        socket: UdpSocket | None = None,
        password: str = "",
        clock: Clock | None = None,
        entropy: Entropy = os.urandom,
    ) -> None:
        """Start a server and let the player and the bots join it.

        Args:
            link: The condition of the way between the server and everybody else, both ways.
            seed: Reproduces the world's chance, the link's and the bots'.
            identity: The server's key; a fresh one when omitted.
            socket: Where friends join.
            password: What they have to know.
            clock: A `VirtualClock` moves on by a tick instead of waiting: the match runs as fast as the machine can,
                and nobody should join it from outside.
        """
        self.seed = seed
        self.clock = clock or MonotonicClock()
        self.network = VirtualNetwork(seed=seed, link=link)
        self._networks = [self.network]
        self._public = None if socket is None else self._open(socket, link)
        self._tick_seconds = Distribution()
        self._began = self.clock.now()
        local: list[DatagramAddress] = [(f"player-{number}.memory", 1) for number in range(bots + 1)]
        self.path = HostPath(self._memory(SERVER, game), local, self._public)
        identity = identity or Identity.generate(entropy)
        self.server = RunningServer(
            game, identity, self.path, clock=self.clock, seed=seed, entropy=entropy, password=password
        )

        def client(number: int, kind: type[ClientT], name: str) -> ClientT:
            path, pins = self._memory(local[number], game), (identity.public,)
            return kind(game, SERVER, path, name=name, pins=pins, clock=self.clock, entropy=entropy, password=password)

        self.player = client(0, HostPlayer, name)
        self.player.host = self
        self.bots: list[tuple[RunningClient, Bot]] = [
            (client(number, RunningClient, f"bot {number}"), make_bot(game, seed + number))
            for number in range(1, bots + 1)
        ]

    def step(self, now: float) -> None:
        """Do one pass for everybody but the player."""
        before, begin = self.server.world.tick, time.perf_counter()
        self.server.update(now)
        ticks = tick_difference(self.server.world.tick, before)
        if ticks:
            self._tick_seconds.note((time.perf_counter() - begin) / ticks)
        for client, bot in self.bots:
            press(client, bot)
            client.update(now)

    def next_deadline(self) -> float | None:
        """Return when there is something to do for anybody but the player."""
        deadlines = [self.server.next_deadline(), *(network.next_arrival() for network in self._networks)]
        deadlines += [client.next_deadline() for client, _ in self.bots]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def report(self) -> dict[str, object]:
        """Return the figures of the match so far, fit for JSON."""
        game, to_server, to_clients = self.server.game, self.path.to_server, self.path.to_clients
        return {
            "game": game.name,
            "seed": self.seed,
            "seconds": round(self.clock.now() - self._began, 3),
            "ticks": self.server.world.tick,
            "clients": len(self.server.peers),
            "score": dict(game.summary(self.server.world)) if game.summary is not None else {},
            "datagrams_to_server": to_server.datagrams,
            "datagrams_to_clients": to_clients.datagrams,
            "bytes_to_server": to_server.size_bytes,
            "bytes_to_clients": to_clients.size_bytes,
            "datagrams_lost": sum(network.counters["lost"] for network in self._networks),
            "tick_p50_ms": round(1000 * self._tick_seconds.percentile(0.50), 4),
            "tick_p99_ms": round(1000 * self._tick_seconds.percentile(0.99), 4),
        }

    def _open(self, socket: UdpSocket, link: Link) -> Path:
        """Return the way to everybody outside of this process; as bad as the one within."""
        path = UdpPath(socket)
        if link == Link.PERFECT:
            return path
        impaired = ImpairedPath(path, link, seed=self.seed + 1, clock=self.clock)
        self._networks.append(impaired.network)
        return impaired

    def _memory(self, here: DatagramAddress, game: Game) -> MemoryPath:
        clock, public = self.clock, self._public
        if isinstance(clock, VirtualClock):
            return MemoryPath(self.network, here, lambda _: clock.advance(1.0 / game.tick_rate_hz))
        return MemoryPath(self.network, here, time.sleep if public is None else public.wait)


class HostPlayer(RunningClient):
    """The client of whoever sits at this machine: updating it updates the server and the bots, too.

    Attributes:
        host: Everybody else.
    """

    host: Host

    def update(self, now: float | None = None) -> None:
        """Do one pass for everybody."""
        now = self.clock.now() if now is None else now
        super().update(now)
        self.host.step(now)

    def next_deadline(self) -> float | None:
        """Return when there is something to do for anybody."""
        deadlines = [super().next_deadline(), self.host.next_deadline()]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def leave(self, text: str = "") -> None:
        """End the match for everybody; friends who joined from outside hear why."""
        self.host.server.shut_down(text)
