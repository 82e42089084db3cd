"""Servers that are measured, each in a process and on a core of its own, where there are two."""

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection

from ecsnet import game as games
from ecsnet.config import GuardConfig, HandshakeConfig, ServerConfig, TcpConfig, TransportConfig
from ecsnet.errors import EcsnetError
from ecsnet.joinlink import JoinLink
from ecsnet.load.echo import EchoServer
from ecsnet.paths import open_path
from ecsnet.runtime import RunningServer
from ecsnet.transport.identity import Identity

__all__ = ["MAX_CLIENTS", "on_a_core", "serve_echo", "serve_game", "serving"]

HOST = "127.0.0.1"
SERVERS_CORE, CLIENTS_CORE = 0, 1
MAX_CLIENTS = 1000  # of one server: all come from this machine


def serve_echo(transport: str, control: Connection) -> None:
    """Be the process of a bare echo."""
    echo = EchoServer(transport)
    control.send(str(echo.port))
    echo.run()


def serve_game(game: str, transport: str, control: Connection) -> None:
    """Be the process of a server with room for everybody from one machine."""
    config = ServerConfig(
        transport=TransportConfig(
            handshake=HandshakeConfig(max_pending=MAX_CLIENTS, max_pending_per_network=MAX_CLIENTS),
            guard=GuardConfig(handshakes_at_once=100 * MAX_CLIENTS),
        ),
        tcp=TcpConfig(max_streams=MAX_CLIENTS, max_streams_per_network=MAX_CLIENTS),
        max_clients_per_network=MAX_CLIENTS,
    )
    identity, path = Identity.generate(os.urandom), open_path(transport, 0, HOST, config.tcp)
    server = RunningServer(games.load(game), identity, path, config=config)
    control.send(str(JoinLink(HOST, path.address[1], (identity.public,), transport)))
    server.run()


@contextlib.contextmanager
def serving(serve: Callable[..., None], *arguments: object) -> Iterator[str]:
    """Run a server in a process of its own; what it says first is where it is.

    Raises:
        EcsnetError: It came to nothing.
    """
    context = multiprocessing.get_context("spawn")
    hears, tells = context.Pipe(duplex=False)
    process = context.Process(target=be_server, args=(serve, arguments, tells), daemon=True)
    process.start()
    tells.close()
    try:
        yield hear(hears)
    finally:
        process.kill()
        process.join()


def be_server(serve: Callable[..., None], arguments: Sequence[object], tells: Connection) -> None:
    """Serve on a core that is not the clients'."""
    pin(SERVERS_CORE)
    with contextlib.suppress(KeyboardInterrupt):
        serve(*arguments, tells)


def hear(hears: Connection) -> str:
    """Return what a server says."""
    try:
        place: str = hears.recv()
    except EOFError as error:
        raise EcsnetError("a server could not be started; what it printed says why") from error
    return place


@contextlib.contextmanager
def on_a_core() -> Iterator[None]:
    """Stay on the clients' core within the block: where server and clients wander they take each other's."""
    before = pin(CLIENTS_CORE)
    try:
        yield
    finally:
        if before and sys.platform == "linux":
            os.sched_setaffinity(0, before)


def pin(number: int) -> set[int]:
    """Stay on one of the cores there are, if there are two and the system can; return where this process was."""
    if sys.platform != "linux":
        return set()
    before = os.sched_getaffinity(0)
    if len(before) > 1:
        os.sched_setaffinity(0, {sorted(before)[number]})
    return before
