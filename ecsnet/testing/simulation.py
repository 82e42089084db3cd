"""A whole multiplayer session in one process on a virtual clock: the real Server and Clients over a virtual network.

The same seed gives the same traffic, byte for byte. Nothing waits: a minute of play is a second of machine time.
"""

import random
from collections.abc import Callable, Sequence
from typing import Any

from ecsnet.accounts import Accounts
from ecsnet.archive import Archive
from ecsnet.arrival import Accept
from ecsnet.client import Client
from ecsnet.config import ClientConfig, ServerConfig
from ecsnet.game import Game
from ecsnet.inspection import inspector_keys
from ecsnet.inspector import Inspector
from ecsnet.resumed import Resumed
from ecsnet.server import Server
from ecsnet.systems.inspection import INSPECTION
from ecsnet.systems.pipeline import CLIENT, Step
from ecsnet.testing.invariants import Invariants, assert_converged
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.tokens import TokenGate, TokenOpener
from ecsnet.transport.address import Address, StreamAddress
from ecsnet.transport.identity import Identity

__all__ = ["Simulation", "SimulationTimeout"]

SERVER_ADDRESS: Address = ("server", 7777)
TRANSPORTS = ("udp", "tcp", "both")
# Not zero, so that code which takes 0.0 for "never" is found out.
START_SECONDS = 1000.0
JOIN_SECONDS = 10.0
PASSWORD = "everybody's password"  # noqa: S105  # of the accounts of clients that a simulation makes by itself


class SimulationTimeout(AssertionError):  # noqa: N818  # a failed expectation of a test, not an error of the program
    """What a test waited for did not happen within the virtual time it allowed."""


class Simulation:
    """One server, some clients and the network between them.

    Attributes:
        server: The real `Server`; arrange its world directly: `sim.server.world`.
        clients: The real `Client`s, in order of joining.
        network: The `VirtualNetwork`; cut it with `sim.network.partition(...)`.
        now: Virtual seconds.
    """

    def __init__(
        self,
        game: Game,
        *,
        clients: int = 1,
        link: Link = Link.PERFECT,
        seed: int = 0,
        server_config: ServerConfig | None = None,
        client_config: ClientConfig | None = None,
        start_tick: int = 0,
        trace: bool = False,
        check: bool = True,
        password: str = "",
        identity: Identity | None = None,
        token_key: TokenOpener | None = None,
        accounts: Accounts | None = None,
        accept: Accept | None = None,
        transport: str = "udp",
        archive: Archive | None = None,
    ) -> None:
        """Start a server and let `clients` join it.

        Args:
            link: Condition of the path between each client and the server, both ways.
            seed: Reproduces everything: keys, losses, the world's chance.
            start_tick: The server's first tick; near 2**32 to see the counters wrap.
            trace: Keep a hash of all traffic, for `traffic_hash`.
            check: Check the invariants after every step.
            password: Of the server; the clients made here know it.
            identity: The server's key; a fresh one when omitted.
            token_key: Everybody needs a token it opens; `now` counts as the Unix time.
            accounts: Everybody needs one, also the clients made here; with the worker `Inline` nothing depends on time.
            accept: Asked about everybody who may come in.
            archive: Keeps what happens; with the worker `Inline` at the moment it happens.
            transport: "udp" or "tcp"; or "both": every second client comes over TCP.
        """
        if transport not in TRANSPORTS:
            raise ValueError(f"transport={transport!r}: there is {', '.join(map(repr, TRANSPORTS))}")
        self.game = game
        self.seed = seed
        self.now = START_SECONDS
        self._random = random.Random(seed)  # noqa: S311  # simulation, not cryptography
        self._client_config = client_config
        self._transport = transport
        self.network = VirtualNetwork(seed=seed, link=link, trace=trace)
        self._identity = identity or Identity.generate(self._entropy)

        def start(archive: Archive | None, resumed: Resumed | None) -> Server:
            return Server(
                self.game, self._identity, seed=seed, config=server_config, entropy=self._entropy,
                start_tick=start_tick, password=password,
                tokens=None if token_key is None else TokenGate(token_key, unix_time=self._unix_time),
                accounts=accounts, accept=accept, archive=archive, resumed=resumed,
            )  # fmt: skip

        self._start = start
        self.server = start(archive, None)
        self.clients: list[Client] = []
        self._inspectors: list[Client] = []
        self._addresses: dict[Client, Address] = {}
        self._stalled: dict[Server | Client, float] = {}  # until when
        self._joined = 0
        self._password = password
        self._accounts = accounts
        self._step_seconds = 1.0 / game.tick_rate_hz
        self._check = check
        self._invariants = Invariants(self.server) if check else None
        self._before_step: list[Callable[[], None]] = []
        self.add_clients(clients)

    def __repr__(self) -> str:
        """Show where the simulation stands."""
        return f"Simulation({self.game.name!r}, seed={self.seed}, now={self.now:.3f}, clients={self.clients})"

    def before_each_step(self, action: Callable[[], None]) -> None:
        """Call `action` before every step from now on: bots that press keys, tests that stir the world."""
        self._before_step.append(action)

    def stop_actions(self) -> None:
        """Forget what `before_each_step` was given."""
        self._before_step.clear()

    def stall(self, side: Server | Client, *, seconds: float) -> None:
        """Let a program do nothing at all for a while, as a dragged window or a busy machine does."""
        self._stalled[side] = self.now + seconds

    def cut_off(self, client: Client) -> None:
        """Let nothing through between a client and the server, until `reconnect`."""
        self.network.partition(SERVER_ADDRESS, self._addresses[client])

    def reconnect(self, client: Client) -> None:
        """Let datagrams through again after `cut_off`."""
        self.network.heal(SERVER_ADDRESS, self._addresses[client])

    def traffic_hash(self) -> str:
        """Return a hash over every datagram sent so far; needs `trace=True`."""
        return self.network.traffic_hash()

    def add_clients(self, count: int) -> None:
        """Let `count` clients join at once and run until all are ready."""
        for number in range(self._joined + 1, self._joined + 1 + count):
            account = "" if self._accounts is None else f"player-{number}"
            self._add_client(account=account, account_password=account and PASSWORD)
        self.run_until(lambda: all(client.is_ready for client in self.clients), within_seconds=JOIN_SECONDS)

    def join(
        self,
        name: str = "",
        *,
        wait: bool = True,
        password: str | None = None,
        player_key: Identity | None = None,
        pins: tuple[bytes, ...] | None = None,
        token: bytes = b"",
        ticket: bytes = b"",
        room: str = "",
        room_password: str = "",
        pipeline: Sequence[Step] = CLIENT,
        account: str = "",
        account_password: str = "",
        greeting: bytes = b"",
    ) -> Client:
        """Let one more client join; with `wait`, run until it is ready.

        Args:
            password: None: the server's own.
            pins: None: the server's own key.
            pipeline: The steps of its tick; see `ecsnet.systems.pipeline`.
        """
        client = self._add_client(
            name, password, pins, player_key=player_key, token=token, ticket=ticket, room=room,
            room_password=room_password, account=account, account_password=account_password, greeting=greeting,
            pipeline=pipeline,
        )  # fmt: skip
        if wait:
            self.run_until(lambda: client.is_ready, within_seconds=JOIN_SECONDS)
        return client

    def inspect(
        self, host: str = "127.0.0.1", *, key: Identity | None = None, pins: tuple[bytes, ...] | None = None
    ) -> Inspector:
        """Let somebody look into the server; it is none of `clients`.

        Args:
            host: Where from.
            key: The server's private key, as its owner has it; None: the one it has.
            pins: None: the key's own.
        """
        key = key or self._identity
        client = Client(
            INSPECTION,
            self._next_way(),
            now=self.now,
            pins=key.public_keys if pins is None else pins,
            config=self._client_config,
            entropy=self._entropy,
            player_key=inspector_keys(key)[0],
        )
        self._addresses[client] = (host, 40000 + self._joined)
        self._inspectors.append(client)
        return Inspector(client)

    def kill(self, client: Client) -> None:
        """Stop a client without a word, as `kill -9` or a pulled plug does."""
        self.clients.remove(client)
        self.network.drop(self._addresses.pop(client))

    def restart(self, archive: Archive | None = None, resumed: Resumed | None = None, game: Game | None = None) -> None:
        """Let another server take the place of this one, which is gone without a word, as after `kill -9`.

        Args:
            game: What it runs; None: the same.
        """
        self.game = game or self.game
        self.network.drop(SERVER_ADDRESS)
        self.server = self._start(archive, resumed)
        self._invariants = Invariants(self.server) if self._check else None

    def step(self) -> None:
        """Advance the clock by one tick: deliver what is due, update everybody, carry off what they send."""
        for action in self._before_step:
            action()
        self.now += self._step_seconds
        self._pump(self.server, SERVER_ADDRESS)
        for client in [*self.clients, *self._inspectors]:
            self._pump(client, self._addresses[client])
        if self._invariants is not None:
            self._invariants.check(self.clients)

    def run(self, seconds: float) -> None:
        """Run for some virtual seconds."""
        for _ in range(round(seconds / self._step_seconds)):
            self.step()

    def run_until(self, condition: Callable[[], bool], *, within_seconds: float) -> None:
        """Run until the condition holds.

        Raises:
            SimulationTimeout: It did not hold within that virtual time.
        """
        deadline = self.now + within_seconds
        while not condition():
            if self.now >= deadline:
                raise SimulationTimeout(f"not reached within {within_seconds} virtual seconds: {self!r}")
            self.step()

    def assert_converged(self) -> None:
        """Assert that every client holds exactly what the server says it may see.

        Raises:
            AssertionError: With the first differences: entity, component, field, both values.
        """
        for client in self.clients:
            assert_converged(self.server, client)

    def _add_client(
        self,
        name: str = "",
        password: str | None = None,
        pins: tuple[bytes, ...] | None = None,
        **credentials: Any,
    ) -> Client:
        way = self._next_way()
        address: Address = (f"10.0.{self._joined >> 8}.{self._joined & 0xFF}", 40000)
        client = Client(
            self.game,
            way,
            now=self.now,
            name=name or f"player-{self._joined}",
            pins=(self.server.public_key,) if pins is None else pins,
            config=self._client_config,
            entropy=self._entropy,
            password=self._password if password is None else password,
            **credentials,
        )
        self.clients.append(client)
        self._addresses[client] = address
        return client

    def _next_way(self) -> Address:
        """Return where the next program finds the server."""
        self._joined += 1
        is_stream = self._transport == "tcp" or (self._transport == "both" and self._joined % 2 == 0)
        return StreamAddress(*SERVER_ADDRESS[:2], self._joined) if is_stream else SERVER_ADDRESS

    def _pump(self, side: Server | Client, address: Address) -> None:
        now = self.now
        if self._stalled.get(side, now) > now:
            return
        for data, source in self.network.receive(address, now):
            side.receive_datagram(data, source, now)
        side.update(now)
        for data, destination in side.datagrams_to_send(now):
            self.network.send(data, address, destination, now)

    def _unix_time(self) -> float:
        return self.now

    def _entropy(self, count: int) -> bytes:
        return self._random.randbytes(count)
