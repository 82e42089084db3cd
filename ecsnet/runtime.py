"""Where the pure machines meet sockets and a clock: one pass of receive, update and send; the only place that waits.

`RunningServer` and `RunningClient` are a `Server` and a `Client` whose `update()` needs nothing from the caller. A
game's loop calls it once a frame and is never blocked; `RunningServer.run` is the loop of a server alone.
"""

import logging
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import Self

from ecsnet import keys, udp
from ecsnet.accounts import Accounts
from ecsnet.archive import Archive
from ecsnet.archiving import open_archive
from ecsnet.arrival import Accept
from ecsnet.client import Client
from ecsnet.clock import Clock, MonotonicClock
from ecsnet.collector import calm_collector
from ecsnet.config import ClientConfig, PersistenceConfig, ServerConfig
from ecsnet.events import PlayerEvent
from ecsnet.firstuse import FirstUse
from ecsnet.game import Game
from ecsnet.joinlink import DEFAULT_PORT, JoinLink
from ecsnet.keys import KnownServers
from ecsnet.paths import TRANSPORTS, Path, PathGroup, TcpPath, UdpPath, check_transport, open_path
from ecsnet.protocol import DisconnectReason
from ecsnet.resumed import Resumed
from ecsnet.server import ANSWER_LOOK_SECONDS, Server
from ecsnet.stopsignals import stop_signals
from ecsnet.storage.store import Document
from ecsnet.systems.pipeline import CLIENT, Step
from ecsnet.tcp import TcpStreams
from ecsnet.ticktimes import TickTimes
from ecsnet.tokens import TokenGate
from ecsnet.transport.address import Address
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import Entropy
from ecsnet.transport.state import State
from ecsnet.udp import DRAIN_LIMIT, UdpSocket

__all__ = ["Route", "RunningClient", "RunningServer", "find_route", "join", "serve", "wait_for"]

logger = logging.getLogger(__name__)

LONGEST_WAIT_SECONDS = 0.1  # how late Ctrl-C may be noticed where a signal does not end a wait (Windows)
LONGEST_SILENCE_SECONDS = 0.020  # how long a server's answer may wait for its tick: half as long as an ACK may
# How long arrivals may gather where there are more than 500 wakings a second: each costs 20 us, more than a datagram. A
# plain Linux holds 270 small datagrams for a socket, so that two milliseconds lose none below 100,000 a second.
READ_PAUSE_SECONDS = 0.002
# A server's pass takes all that its peers sent, but not all that strangers did: after 20 ms without the processor 1000
# junk datagrams may wait, and to read them first would make the tick 6 ms later still.
STRANGERS_A_PASS = 32  # 0.2 ms; players who are among the others are heard as if they had sent a millisecond later
MAX_READ = 4096  # datagrams in one pass: 32 clients x 64 Hz x 2 s of a stall
FAREWELL_SECONDS = 1.0  # CLOSE goes out three times, a round trip apart; who hears none of them finds out by timeout


class RunningServer(Server):
    """A `Server` with a path to its clients and a clock.

    Attributes:
        path: What its datagrams travel by.
        clock: Where its `now` comes from.
        tick_times: How long its passes take, without waiting for what arrives.
    """

    def __init__(
        self,
        game: Game,
        identity: Identity,
        path: Path,
        *,
        clock: Clock | None = None,
        seed: int = 0,
        config: ServerConfig | None = None,
        entropy: Entropy = os.urandom,
        password: str = "",
        tokens: TokenGate | None = None,
        accounts: Accounts | None = None,
        accept: Accept | None = None,
        archive: Archive | None = None,
        resumed: Resumed | None = None,
    ) -> None:
        """Take over a path; see `Server` for the rest."""
        super().__init__(
            game, identity, seed=seed, config=config, entropy=entropy, password=password, tokens=tokens,
            accounts=accounts, accept=accept, archive=archive, resumed=resumed,
        )  # fmt: skip
        self.path = path
        self.clock = clock or MonotonicClock()
        self.tick_times = TickTimes()

    def report(self) -> Document:
        """Return how the server as a whole stands, and how long its ticks take."""
        late = {"late": sum(room.schedule.late for room in self.rooms), "skipped": self.skipped_ticks}
        return super().report() | {"ticks": self.tick_times.report(self.clock.now()) | late}

    def update(self, now: float | None = None) -> None:
        """Do one pass: take what arrived, run the ticks that are due, send.

        Strangers that came in a crowd are left for the next time: a tick is due, and they can wait until it is over.
        """
        delivered, ticks, begin = self.delivered, self.ticks_run, self.clock.now()
        _pass(
            self,
            super().update,
            self.path,
            begin if now is None else now,
            has_enough=lambda taken: taken - (self.delivered - delivered) >= STRANGERS_A_PASS,
        )
        if self.ticks_run != ticks:
            end = self.clock.now()
            self.tick_times.note(end - begin, end)

    def run(self, *, seconds: float | None = None, report: Callable[[PlayerEvent], None] | None = None) -> None:
        """Serve until Ctrl-C, SIGTERM or the time is up; then tell every client why, and close the path.

        Meanwhile the process's garbage collector is kept out of the ticks; see `collector.py`. A host with a loop of
        its own, around `update`, can use `ecsnet.collector.calm_collector` there, or does as it likes.

        Args:
            report: Called for everybody who comes and goes.
        """
        end = None if seconds is None else self.clock.now() + seconds
        with stop_signals() as stopped:
            try:
                self.update()  # its tick makes the level, before what is there is taken out of the collector's search
                with calm_collector():
                    while not stopped() and (end is None or self.clock.now() < end):
                        self.update()
                        for event in self.events():
                            if report is not None:
                                report(event)
                        self._read_until_due(end)
            except BaseException:
                self._write_all()  # what was accepted is safe, whatever fails
                raise
            self.shut_down()

    def _read_until_due(self, end: float | None) -> None:
        """Take what arrives until there is something to do.

        A whole pass looks at every connection, and with a hundred clients something arrives before it is over: a pass
        for each arrival takes the whole core. Strangers are answered at once, so that a flood of them falls between the
        ticks and not into them; and calls that are to be answered on arrival, with a look at their connection alone.
        """
        until = _due(self, end, self.clock.now() + LONGEST_SILENCE_SECONDS)
        is_more = False
        while (now := self.clock.now()) < until:
            if not is_more:
                self._wait_for_some(now, min(until, now + ANSWER_LOOK_SECONDS) if self.holds_answers else until)
                now = self.clock.now()
            is_more = _take(self, self.path, now) >= DRAIN_LIMIT
            for data, address in self.answers(now):
                self.path.send(data, address, now)

    def _wait_for_some(self, asleep: float, until: float) -> None:
        """Wait until something arrives, and where much does and nothing is urgent, until some of it has gathered."""
        self.path.wait(until - asleep)
        if self.answers_on_arrival:
            return
        now = self.clock.now()
        if now - asleep < READ_PAUSE_SECONDS and now < until:
            self.clock.sleep(min(READ_PAUSE_SECONDS, until - now))

    def shut_down(self, text: str = "") -> None:
        """Close every connection with SERVER_CLOSING, give the words time to arrive, and close the path and the store.

        A second Ctrl-C cuts the words short, a third the writing.
        """
        end = self.clock.now() + FAREWELL_SECONDS
        leaving = self.connections
        try:
            self.close(DisconnectReason.SERVER_CLOSING, text, now=self.clock.now())
            self.update()
            while any(connection.state is not State.CLOSED for connection in leaving) and self.clock.now() < end:
                wait_for(self, end)
                self.update()
            self.path.close()
        finally:
            self._write_all()

    def _write_all(self) -> None:
        """Have the store take all that was accepted, as long as there is hope."""
        archive = self.archive
        if archive is None or archive.is_closed:
            return
        end = self.clock.now() + archive.config.flush_seconds
        self.flush(self.clock.now())
        if archive.is_failing:
            logger.warning("the store fails: waiting %g s for it to take the rest", archive.config.flush_seconds)
        while not archive.is_idle and self.clock.now() < end:
            if not archive.wait(LONGEST_WAIT_SECONDS):
                self.clock.sleep(LONGEST_SILENCE_SECONDS)
            archive.update(self.clock.now())
        archive.close(self.clock.now())
        archive.wait(max(0.0, end - self.clock.now()))


class RunningClient(Client):
    """A `Client` with a path to its server and a clock; what `join` returns.

    Use it in a `with` block, or `leave()` in the end: then the server knows at once, and not after a timeout.

    Attributes:
        path: What its datagrams travel by.
        clock: Where its `now` comes from.
    """

    def __init__(
        self,
        game: Game,
        address: Address,
        path: Path,
        *,
        name: str = "",
        pins: Sequence[bytes] = (),
        clock: Clock | None = None,
        config: ClientConfig | None = None,
        entropy: Entropy = os.urandom,
        trust: FirstUse | None = None,
        password: str = "",
        player_key: Identity | None = None,
        token: bytes = b"",
        ticket: bytes = b"",
        room: str = "",
        room_password: str = "",
        pipeline: Sequence[Step] = CLIENT,
        account: str = "",
        account_password: str = "",
        greeting: bytes = b"",
    ) -> None:
        """Take over a path; see `Client` for the rest.

        Args:
            trust: Asked instead of `pins`, for a server joined without a key.
        """
        pins = trust.pins if trust is not None else pins
        self.path = path
        self.clock = clock or MonotonicClock()
        super().__init__(
            game, address, now=self.clock.now(), name=name, pins=pins, config=config, entropy=entropy,
            password=password, player_key=player_key, token=token, ticket=ticket, room=room,
            room_password=room_password, account=account, account_password=account_password, greeting=greeting,
            pipeline=pipeline,
        )  # fmt: skip
        self._trust = trust
        self._left = False

    def __enter__(self) -> Self:
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self.leave()

    def update(self, now: float | None = None) -> None:
        """Do one pass: take what arrived, run the ticks that are due, send. Call it once a frame; it never waits."""
        _pass(self, self.advance, self.path, self.clock.now() if now is None else now)

    # What `update` consists of, for programs with so many clients that each part counts.

    def receive(self, now: float) -> None:
        """Take what has arrived."""
        _take(self, self.path, now)

    def advance(self, now: float) -> None:
        """Apply it, and run the ticks that are due."""
        super().update(now)
        if self._trust is not None:
            self._trust.settle(self)

    def send(self, now: float) -> None:
        """Send what is to go out now, such as a call that was just made."""
        _send(self, self.path, now)

    def run_until(self, condition: Callable[[], bool], *, within_seconds: float) -> bool:
        """Update as often as needed until the condition holds; return False when the time is up before.

        For programs without frames: bots, tools, tests. A game's loop calls `update` itself.
        """
        end = self.clock.now() + within_seconds
        while not condition():
            if self.clock.now() >= end:
                return False
            self.update()
            wait_for(self, end)
        return True

    def leave(self, text: str = "") -> None:
        """Say goodbye, wait shortly until the server has heard it, and close the path. May be called again."""
        if self._left:
            return
        self._left = True
        now = self.clock.now()
        end = now + FAREWELL_SECONDS
        self.close(DisconnectReason.LEFT, text, now=now)
        while not self.is_over and self.clock.now() < end:
            _pass(self, super().update, self.path, self.clock.now())
            wait_for(self, end)
        self.path.close()


def serve(
    game: Game,
    *,
    host: str | None = None,
    port: int = DEFAULT_PORT,
    key_file: FilePath | None = None,
    seed: int = 0,
    config: ServerConfig | None = None,
    password: str = "",
    tokens: TokenGate | None = None,
    accounts: Accounts | None = None,
    accept: Accept | None = None,
    seconds: float | None = None,
    report: Callable[[PlayerEvent], None] | None = None,
    transport: str = "udp",
    store: str | FilePath | None = None,
    resuming: bool = False,
    resume_match: str = "",
    persistence: PersistenceConfig | None = None,
) -> None:
    """Serve a game until Ctrl-C or SIGTERM.

    Args:
        host: One address of this machine; None: all, IPv4 and IPv6.
        key_file: Where the server's key is kept, made when missing; None: the user's own, one for all games.
        password: Players have to know it; empty: everybody may come in.
        tokens: Players need a token that passes it, e.g. `TokenGate(key, unix_time=clock.unix_time)`.
        accounts: Players need one of these, e.g. `open_accounts(path)` of `ecsnet.accountfile`.
        accept: Asked about everybody who may come in: returns None, or why not, which the player reads.
        seconds: End after this time.
        report: Called for everybody who comes and goes.
        transport: "udp"; "tcp" where UDP does not get through; "both" on the same port number.
        store: Where to keep what happens: a file, or "mongodb://..."; None: nowhere.
        resuming: Go on with what the last run of this server left there.
        resume_match: Go on with this match instead: its id, or how that begins.
        persistence: How to keep it.

    Raises:
        StoreError: The store cannot be used.
        PortInUseError: Another program has the port.
        KeyFileError: The key file cannot be trusted.
    """
    identity = keys.load_or_create_identity(key_file or keys.default_identity_path())
    path = open_path(transport, port, host, None if config is None else config.tcp)
    opened = (
        None
        if store is None
        else open_archive(store, game, identity, config=persistence, resuming=resuming, match=resume_match)
    )
    server = RunningServer(
        game, identity, path, seed=seed, config=config, password=password, tokens=tokens, accounts=accounts,
        accept=accept, archive=None if opened is None else opened.archive,
        resumed=None if opened is None else opened.resumed,
    )  # fmt: skip
    server.run(seconds=seconds, report=report)


def join(
    game: Game,
    link: str | JoinLink,
    *,
    name: str = "",
    known_servers: FilePath | None = None,
    config: ClientConfig | None = None,
    password: str = "",
    player_key: Identity | None = None,
    token: bytes = b"",
    ticket: bytes = b"",
    room: str = "",
    room_password: str = "",
    account: str = "",
    account_password: str = "",
    greeting: bytes = b"",
    via: Callable[[Path], Path] | None = None,
    transport: str | None = None,
) -> RunningClient:
    """Start joining a server; `update()` carries it on, `is_ready` tells when the world is there.

    Args:
        link: A join link, which pins the server's key; or `"host"`, `"host:port"`, which trusts on first use.
        known_servers: Where the keys of servers joined without a link are noted; None: the user's own list.
        password: Of a server that has one.
        player_key: Key pair by which the server knows this player again; see `ecsnet.keys.load_identity`.
        token: For a server that asks for one; see `ecsnet.tokens.parse_token`.
        ticket: The `ticket` of an earlier client whose program ended, to go on in its place.
        room: On a server with rooms, the code of one, or `HALL`, where they are listed; empty: what the link says, or a
            room with a free place. See `Client.enter`.
        room_password: Of that room, if it has one.
        account: The player's name on a server with accounts.
        account_password: Of that account.
        greeting: The game's own bytes for the server's `accept`.
        via: Wraps the path to the server, e.g. in a bad network for testing.
        transport: "udp" or "tcp"; None: what the link says, UDP if it says nothing.

    Raises:
        ValueError: There is no such transport.
        LinkError: The link cannot be understood, or there is no such host.
        KeyFileError: The list of known servers cannot be understood.
    """
    route = find_route(link, known_servers=known_servers, transport=transport)
    path = route.path if via is None else via(route.path)
    try:
        return RunningClient(
            game,
            route.address,
            path,
            name=name,
            pins=route.pins,
            config=config,
            trust=route.trust,
            password=password,
            player_key=player_key,
            token=token,
            ticket=ticket,
            room=room or route.room,
            room_password=room_password,
            account=account,
            account_password=account_password,
            greeting=greeting,
        )
    except BaseException:  # e.g. a token that is too long
        path.close()
        raise


@dataclass(frozen=True, slots=True)
class Route:
    """How a client gets to a server, and by what it knows that it is the right one; as `RunningClient` takes it."""

    address: Address
    path: Path
    pins: tuple[bytes, ...]
    trust: FirstUse | None
    room: str


def find_route(
    link: str | JoinLink,
    *,
    known_servers: FilePath | None = None,
    transport: str | None = None,
    group: PathGroup | None = None,
) -> Route:
    """Open the way that a link names; for `join`, and for programs with many clients.

    Args:
        group: What it is waited for together with.

    Raises:
        ValueError: There is no such transport.
        LinkError: The link cannot be understood, or there is no such host.
        KeyFileError: The list of known servers cannot be understood.
    """
    target = JoinLink.parse(link) if isinstance(link, str) else link
    trust = None
    if not target.keys:
        trust = FirstUse(KnownServers(known_servers or keys.default_known_servers_path()), target)
    transport = check_transport(target.transport if transport is None else transport, TRANSPORTS[:2])
    place = udp.resolve(target.host, target.port)
    selector = None if group is None else group.selector
    if transport == "tcp":
        streams = TcpStreams.toward(place)
        return Route(streams.target, TcpPath(streams, selector), target.keys, trust, target.room)
    return Route(place, UdpPath(UdpSocket.toward(place), selector), target.keys, trust, target.room)


def wait_for(side: RunningServer | RunningClient, end: float | None = None) -> None:
    """Wait until something arrives, the next deadline or `end` is reached, or it is time to look for a signal."""
    now = side.clock.now()
    side.path.wait(max(0.0, _due(side, end, now + LONGEST_WAIT_SECONDS) - now))


def _due(side: Server | Client, *ends: float | None) -> float:
    """Return when there is something to do, at the latest at one of the ends; not all of them are None."""
    return min(time for time in (side.next_deadline(), *ends) if time is not None)


def _pass(
    side: Server | Client,
    update: Callable[[float], None],
    path: Path,
    now: float,
    *,
    has_enough: Callable[[int], bool] = lambda _: False,
) -> None:
    """Do what every loop does: receive, update, send, all at one moment.

    Args:
        has_enough: Told how many datagrams were taken; whether to leave the others for the next time.
    """
    taken = batch = _take(side, path, now)
    while batch >= DRAIN_LIMIT and taken < MAX_READ and not has_enough(taken):
        batch = _take(side, path, now)
        taken += batch
    update(now)
    _send(side, path, now)


def _send(side: Server | Client, path: Path, now: float) -> None:
    """Send what must go out now."""
    for data, address in side.datagrams_to_send(now):
        path.send(data, address, now)


def _take(side: Server | Client, path: Path, now: float) -> int:
    """Take the oldest of what arrived; return how many, `DRAIN_LIMIT` or more where there may be more."""
    received = path.receive(now)
    for data, address in received:
        side.receive_datagram(data, address, now)
    return len(received)
