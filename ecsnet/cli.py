"""The command line: serve, join, play. Arguments only; what they start is in `runtime` and `hosting`."""

import json
import logging
import os
import random
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path as FilePath

import click

from ecsnet import keys, tokenfiles, udp
from ecsnet.accountcommands import account_commands
from ecsnet.accounts import Accounts
from ecsnet.advice import told_end
from ecsnet.autoplay import autoplay
from ecsnet.botcommands import bots
from ecsnet.bots import make_bot
from ecsnet.clock import MonotonicClock, VirtualClock, unix_time
from ecsnet.config import ClientConfig, ServerConfig, TransportConfig
from ecsnet.datacommands import data_commands
from ecsnet.errors import EcsnetError, PortInUseError
from ecsnet.frontend import Frontend, MissingDisplayError, find_frontend
from ecsnet.game import Game
from ecsnet.gameoptions import DEFAULT_GAME, GAME_PATH, GameCommand, game_argument, game_option
from ecsnet.hosting import Host
from ecsnet.inspectioncommands import inspect
from ecsnet.joinlink import DEFAULT_PORT, JoinLink
from ecsnet.keycommands import key_commands
from ecsnet.options import (
    FILE,
    account_option,
    accounts_options,
    key_option,
    link_options,
    open_access_log,
    password_option,
    room_password_option,
    seconds_option,
    seed_option,
    server_options,
    transport_options,
)
from ecsnet.paths import TRANSPORTS, Path, open_path
from ecsnet.protocol import DisconnectReason
from ecsnet.replaycommands import record_option, recorded, replay
from ecsnet.reports import LiveLine, describe, figures_of
from ecsnet.roomcommands import rooms
from ecsnet.runtime import RunningClient, RunningServer, join
from ecsnet.storeoptions import OpenStore, store_options
from ecsnet.testing.network import Link
from ecsnet.tokencommands import read_token, token_commands
from ecsnet.tokens import TokenGate
from ecsnet.transport.address import DatagramAddress
from ecsnet.transport.identity import Identity
from ecsnet.udp import UdpSocket
from ecsnet.virtualpath import ImpairedPath

__all__ = ["main"]

CLEAN_ENDS = {DisconnectReason.LEFT, DisconnectReason.SERVER_CLOSING}  # of any other, the exit code tells

logger = logging.getLogger("ecsnet")


class Commands(click.Group):
    """Commands whose expected errors are one line, without a traceback."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; what ecsnet raises on purpose is for people to read."""
        try:
            return super().invoke(ctx)
        except EcsnetError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "show_default": True})
@click.version_option(package_name="ecsnet")
def commands() -> None:
    """Serve, join and play multiplayer games made with ecsnet.

    GAME is a sample (soccer, knight, hello) or a module with an attribute `game`, such as mygame.game.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stderr)


@commands.command(cls=GameCommand)
@game_argument
@click.option("--port", default=DEFAULT_PORT, type=click.IntRange(0, 65535), help="Port; 0: any free one.")
@click.option("--host", help="One address of this machine.  [default: all, IPv4 and IPv6]")
@click.option("--transport", type=click.Choice(TRANSPORTS), default="udp", help="What clients may come by.")
@key_option
@password_option("Ask for a password, and let in who knows it.", twice=True)
@click.option("--token-key", type=FILE, help="Let in who brings a token for this key; see `ecsnet token`.")
@accounts_options
@click.option("--max-clients", type=click.IntRange(min=1), help="Refuse more.  [default: what the game says]")
@server_options
@store_options
@click.option(
    "--access-log", default="-", metavar="FILE|-|off", help="Where to note who comes and goes; -: standard error."
)
@record_option
@seed_option
@seconds_option
@link_options
def serve(
    game: Game,
    *,
    transport: str,
    port: int,
    host: str | None,
    key_file: FilePath | None,
    password: str,
    token_key: FilePath | None,
    accounts: Accounts | None,
    max_clients: int | None,
    config: ServerConfig,
    open_archive: OpenStore,
    access_log: str,
    record_folder: FilePath | None,
    seed: int | None,
    seconds: float | None,
    link: Link,
) -> None:
    """Serve GAME until Ctrl-C; print the links that others join by."""
    if max_clients is not None:
        game = replace(game, max_clients=max_clients)
    seed = chosen(seed)
    open_access_log(access_log)
    identity = keys.load_or_create_identity(key_file or keys.default_identity_path())
    path = open_path(transport, port, host, config.tcp)
    opened = open_archive(game, identity)  # after the port: where another server is running, its matches are on
    tokens = None if token_key is None else TokenGate(tokenfiles.load_token_key(token_key), unix_time=unix_time)
    server = RunningServer(
        game,
        identity,
        impaired(path, link, seed),
        seed=seed,
        config=config,
        password=password,
        tokens=tokens,
        accounts=accounts,
        archive=None if opened is None else opened.archive,
        resumed=None if opened is None else opened.resumed,
    )
    kinds = TRANSPORTS[:2] if transport == "both" else (transport,)
    name = " and ".join(kind.upper() for kind in kinds)
    click.echo(f"{game.name} on {name} port {path.address[1]}, server key {identity.fingerprint}")
    needs = " --password" * bool(password) + " --token TOKEN" * (tokens is not None)
    needs += " --account NAME" * (accounts is not None)
    if opened is not None:
        click.echo(f"keeps what happens in {opened.where}: see ecsnet data --help")
    announce(path.address, identity, kinds, needs, err=False)
    with recorded(server, record_folder):
        server.run(seconds=seconds)
    logger.info("%s closed after %d ticks", game.name, server.world.tick)


@commands.command("join")
@click.argument("link_text", metavar="LINK")
@game_option
@click.option("--name", default="", show_default=False, help="How others see you.")
@password_option("Ask for the server's password.", twice=False)
@account_option
@click.option("--player-key", type=FILE, help="Key file by which servers know you again; see `ecsnet keys make`.")
@click.option(
    "--token",
    default="",
    show_default=False,
    help="Connect token for a server that asks for one: itself, @FILE, or - to read it.",
)
@click.option("--room", default="", show_default=False, help="Code of a room.  [default: what LINK says, or any]")
@room_password_option
@click.option("--headless", is_flag=True, help="Let a bot play, and end with a line of JSON.")
@click.option("--seconds", type=click.FloatRange(min=0), help="With --headless: leave after this time.")
@click.option(
    "--transport", type=click.Choice(TRANSPORTS[:2]), help="How to get there.  [default: as LINK says, or udp]"
)
@transport_options("client")
@link_options
def join_command(
    link_text: str,
    *,
    game: Game,
    name: str,
    password: str,
    account: str,
    account_password: str,
    player_key: FilePath | None,
    token: str,
    room: str,
    room_password: str,
    headless: bool,
    seconds: float | None,
    transport: str | None,
    transport_config: TransportConfig,
    link: Link,
) -> None:
    """Join the server at LINK: a join link, or host:port to trust it at the first contact."""
    show = choose_frontend(game, headless=headless, seconds=seconds)
    seed = chosen(None)
    client = join(
        game,
        link_text,
        name=name,
        password=password,
        account=account,
        account_password=account_password,
        player_key=None if player_key is None else keys.load_identity(player_key),
        token=read_token(token) if token else b"",
        room=room,
        room_password=room_password,
        via=lambda path: impaired(path, link, seed),
        transport=transport,
        config=ClientConfig(transport=transport_config),
    )
    run(client, show, seconds, seed, lambda: figures_of(client) if client.client_id else {})
    finish(client, password=password, account=account, seconds=seconds)


@commands.command(cls=GameCommand)
@game_argument
@click.option("--bots", default=3, type=click.IntRange(min=0), help="Players without a person, besides you.")
@click.option("--name", default="", show_default=False, help="How others see you.")
@click.option("--headless", is_flag=True, help="Let a bot play for you, and end with a line of JSON.")
@click.option(
    "--fast", is_flag=True, help="With --headless: as fast as the machine goes; a seed reproduces every byte."
)
@seconds_option
@seed_option
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    help=f"UDP port where friends join.  [default: {DEFAULT_PORT} or a free one; with --headless: none]",
)
@key_option
@password_option("Ask for a password that friends have to know.", twice=True)
@record_option
@link_options
def play(
    game: Game,
    *,
    bots: int,
    name: str,
    headless: bool,
    fast: bool,
    seconds: float | None,
    seed: int | None,
    port: int | None,
    key_file: FilePath | None,
    password: str,
    record_folder: FilePath | None,
    link: Link,
) -> None:
    """Host GAME and play it, with bots, in one process; friends may join.

    `ecsnet play GAME --help` tells the rules and keys of a game, too.
    """
    if fast and (port is not None or not headless or seconds is None):
        raise click.UsageError("--fast needs --headless and --seconds, and takes no --port: it runs on a virtual clock")
    show = choose_frontend(game, headless=headless, seconds=seconds)
    seed = chosen(seed)
    open_access_log("off")  # the line of the score is there
    identity = socket = None
    if port is not None or show is not None:
        identity = keys.load_or_create_identity(key_file or keys.default_identity_path())
        socket = open_for_friends(port)
        announce(socket.address, identity, needs=" --password" * bool(password), err=True)
    host = Host(
        game,
        bots=bots,
        name=name,
        link=link,
        seed=seed,
        identity=identity,
        socket=socket,
        password=password if socket is not None else "",
        clock=VirtualClock() if fast else None,
        entropy=random.Random(seed).randbytes if fast else os.urandom,  # noqa: S311  # nobody else is there to listen
    )
    with recorded(host.server, record_folder):
        run(host.player, show, seconds, seed, host.report)
    finish(host.player)


def chosen(seed: int | None) -> int:
    """Return the seed that was asked for, or any: of so many that no client finds it by trying."""
    return random.SystemRandom().getrandbits(64) if seed is None else seed


def impaired(path: Path, link: Link, seed: int) -> Path:
    """Make a path as bad as it was asked for."""
    return path if link == Link.PERFECT else ImpairedPath(path, link, seed=seed, clock=MonotonicClock())


def choose_frontend(game: Game, *, headless: bool, seconds: float | None) -> Frontend | None:
    """Return what lets a person play; None: a bot plays, as was asked for, or as there is no display: that is said."""
    if headless:
        return None
    if seconds is not None:
        raise click.UsageError("--seconds needs --headless: a person plays for as long as it is fun")
    try:
        return find_frontend(game)
    except MissingDisplayError as error:
        click.echo(f"{error}: a bot plays without a window; Ctrl-C ends it", err=True)
        return None


def open_for_friends(port: int | None) -> UdpSocket:
    """Listen on the port that was asked for; if none was, on the usual one or else on any."""
    if port is not None:
        return UdpSocket.listen(port)
    try:
        return UdpSocket.listen(DEFAULT_PORT)
    except PortInUseError:
        return UdpSocket.listen(0)


def announce(
    address: DatagramAddress, identity: Identity, transports: Sequence[str] = ("udp",), needs: str = "", *, err: bool
) -> None:
    """Print the commands that others join with: those for other machines first."""
    host, port = address
    hosts = [*udp.local_addresses(), "127.0.0.1"] if host in {"::", "0.0.0.0"} else [host]  # noqa: S104  # a comparison
    path = click.get_current_context().meta[GAME_PATH]
    option = "" if path == DEFAULT_GAME else f" --game {path}"
    for transport in transports:
        for place in dict.fromkeys(hosts):
            link = JoinLink(place, port, (identity.public,), transport)
            click.echo(f'join with: ecsnet join "{link}"{option}{needs}', err=err)
    sys.stdout.flush()


def run(
    client: RunningClient,
    show: Frontend | None,
    seconds: float | None,
    seed: int,
    figures: Callable[[], Mapping[str, object]],
) -> None:
    """Let a person play, or a bot and print the figures; Ctrl-C and SIGTERM leave properly either way."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if show is not None:
            show(client)
        else:
            line = LiveLine(sys.stderr)

            def tell(client: RunningClient) -> None:
                line.show(describe(client), client.clock.now())

            autoplay(client, make_bot(client.game, seed), seconds=seconds, tell=tell)
            line.end()
            found = figures()
            if found:  # of who was not let in there are none
                click.echo(json.dumps(found))
    except KeyboardInterrupt:
        pass
    finally:
        client.leave()
        signal.signal(signal.SIGTERM, before)


def finish(client: RunningClient, *, password: str = "", account: str = "", seconds: float | None = None) -> None:
    """Say why the connection ended; make the command fail if it should not have, or never came about in its time."""
    reason, text = client.disconnected or (DisconnectReason.LEFT, "")
    if reason not in CLEAN_ENDS:
        raise click.ClickException(told_end((reason, text), client.game, password=password, account=account))
    if seconds is not None and not client.client_id:
        raise click.ClickException(f"the server gave no answer within {seconds:g} s")
    if reason is not DisconnectReason.LEFT:
        click.echo(text or reason.text, err=True)


commands.add_command(account_commands)
commands.add_command(bots)
commands.add_command(data_commands)
commands.add_command(inspect)
commands.add_command(key_commands)
commands.add_command(replay)
commands.add_command(rooms)
commands.add_command(token_commands)


def main() -> None:
    """Run the command line."""
    commands()
