"""Options that commands share, or that have more to them than a value; each made into what the library takes."""

import functools
import logging
import logging.handlers
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

import click

from ecsnet.accountfile import open_accounts
from ecsnet.accounts import Registration
from ecsnet.config import (
    MAX_DATAGRAM_BYTES,
    MIN_DATAGRAM_BYTES,
    GuardConfig,
    RoomConfig,
    ServerConfig,
    TcpConfig,
    TransportConfig,
)
from ecsnet.errors import EcsnetError, LocalProtocolError
from ecsnet.inspectors import Inspectors
from ecsnet.testing.network import LINKS, Link
from ecsnet.transport.doorkeeper import BlockList
from ecsnet.transport.trace import TraceWriter

__all__ = [
    "FILE",
    "account_option",
    "accounts_options",
    "key_option",
    "link_options",
    "open_access_log",
    "password_option",
    "room_password_option",
    "seconds_option",
    "seed_option",
    "server_options",
    "transport_options",
]

F = TypeVar("F", bound=Callable[..., object])

FILE = click.Path(dir_okay=False, path_type=Path)
PASSWORD_VARIABLE = "ECSNET_PASSWORD"  # noqa: S105  # the name of one

logger = logging.getLogger("ecsnet")

seconds_option = click.option("--seconds", type=click.FloatRange(min=0), help="End after this time.")
seed_option = click.option("--seed", type=int, help="Reproduces the world's chance.  [default: another each time]")
key_option = click.option("--key", "key_file", type=FILE, help="The server's key file.  [default: one for all games]")


def password_option(text: str, *, twice: bool, of: str = "") -> Callable[[F], F]:
    """Add `--password`; the command is given the password, or an empty text.

    Args:
        twice: Ask again, for who sets a password: a slip of the finger would keep everybody out.
        of: What it is the password of, if not of the server: with "room" it is `--room-password`.
    """
    name = f"{of}-password".lstrip("-")
    variable = PASSWORD_VARIABLE.replace("PASSWORD", name.upper().replace("-", "_"))

    def ask(_: click.Context, __: click.Parameter, value: bool) -> str:  # noqa: FBT001  # click calls it so
        """Ask for the password, or take it from the environment; never from the command, which others can list."""
        given = os.environ.get(variable, "")
        if given or not value:
            return given
        prompt = f"Password of the {of}" if of else "Password"
        answer: str = click.prompt(prompt, hide_input=True, confirmation_prompt=twice, err=True)
        return answer

    return click.option(f"--{name}", is_flag=True, callback=ask, help=f"{text}  [or set {variable}]")


def accounts_options(command: F) -> F:
    """Add the options of a server with accounts; the command is given its `Accounts`, or None."""

    @functools.wraps(command)
    def with_accounts(*args: object, accounts: Path | None, registration: str | None, **kwargs: object) -> object:
        if accounts is None:
            if registration is not None:
                raise click.UsageError("--registration needs --accounts FILE: there it is kept who has registered")
            return command(*args, accounts=None, **kwargs)
        kind = Registration(registration or Registration.CLOSED.value)
        return command(*args, accounts=open_accounts(accounts, registration=kind), **kwargs)

    kept = click.option("--accounts", type=FILE, help="Let in who has an account in FILE; see `ecsnet accounts`.")
    made = click.option(
        "--registration",
        type=click.Choice([kind.value for kind in Registration]),
        show_default=False,
        help="Whether whoever is first to use a name gets an account.  [default: closed]",
    )
    return cast("F", kept(made(with_accounts)))


def account_option(command: F) -> F:
    """Add the option of a player who has an account; the command is given its name and password, or empty texts."""
    variable = "ECSNET_ACCOUNT_PASSWORD"

    @functools.wraps(command)
    def with_account(*args: object, account: str, **kwargs: object) -> object:
        password = os.environ.get(variable, "") if account else ""
        if account and not password:
            password = click.prompt(f"Password of {account}", hide_input=True, err=True)
        return command(*args, account=account, account_password=password, **kwargs)

    text = f"Your account on this server; asks for its password.  [or set {variable}]"
    return cast("F", click.option("--account", default="", show_default=False, help=text)(with_account))


room_password_option = password_option("Ask for the password of the room.", twice=False, of="room")


def link_options(command: F) -> F:
    """Add the options that make the network bad; the command is given a `Link`."""

    @functools.wraps(command)
    def with_link(
        *args: object,
        link_name: str | None,
        loss: float | None,
        delay_ms: float | None,
        jitter_ms: float | None,
        **kwargs: object,
    ) -> object:
        named = Link.PERFECT if link_name is None else LINKS[link_name]
        link = replace(
            named,
            loss=named.loss if loss is None else loss,
            latency_seconds=named.latency_seconds if delay_ms is None else delay_ms / 1000,
            jitter_seconds=named.jitter_seconds if jitter_ms is None else jitter_ms / 1000,
        )
        return command(*args, link=link, **kwargs)

    for option, kind, text in (
        ("--jitter-ms", click.FloatRange(min=0), "By how much that varies, either way."),
        ("--delay-ms", click.FloatRange(min=0), "How late datagrams are, each way."),
        ("--loss", click.FloatRange(0, 1), "Share of datagrams to lose, each way: 0.1 is one in ten."),
    ):
        with_link = click.option(option, type=kind, help=f"{text}  [default: as --link has it, or 0]")(with_link)
    name = click.option("--link", "link_name", type=click.Choice(list(LINKS)), help=_describe_links())
    return cast("F", name(with_link))


def _describe_links() -> str:
    """Return what --link stands for, in the numbers of the other options."""
    described = [
        f"{name} ({1000 * link.latency_seconds:g} ± {1000 * link.jitter_seconds:g} ms, {100 * link.loss:g} % loss)"
        for name, link in LINKS.items()
    ]
    return f"Make the network as bad as {', '.join(described)}, each way."


def transport_options(side: str) -> Callable[[F], F]:
    """Add what is set for every connection; the command is given a `TransportConfig`."""

    def add(command: F) -> F:
        @functools.wraps(command)
        def with_transport(*args: object, trace: Path | None, datagram_bytes: int, **kwargs: object) -> object:
            writer = None if trace is None else _open_trace(trace, side)
            config = TransportConfig(datagram_bytes=datagram_bytes, trace=writer)
            return command(*args, transport_config=config, **kwargs)

        size = click.option(
            "--datagram-bytes",
            type=click.IntRange(MIN_DATAGRAM_BYTES, MAX_DATAGRAM_BYTES),
            default=TransportConfig().datagram_bytes,
            help="Largest UDP payload to send. Less where a tunnel swallows large ones.",
        )
        trace = click.option("--trace", type=FILE, help="Add a line of JSON to FILE for every packet, to find faults.")
        return cast("F", size(trace(with_transport)))

    return add


def server_options(command: F) -> F:
    """Add how a server treats its clients; the command is given a `ServerConfig`."""
    usual = ServerConfig()

    @transport_options("server")
    @functools.wraps(command)
    def with_config(
        *args: object,
        transport_config: TransportConfig,
        block_list: Path | None,
        max_clients_per_network: int | None,
        resume_seconds: float | None,
        rooms: int,
        places: int,
        inspect: str,
        **kwargs: object,
    ) -> object:
        guard = GuardConfig(blocked_networks=() if block_list is None else _read_block_list(block_list))
        config = ServerConfig(
            transport=replace(transport_config, guard=guard),
            tcp=TcpConfig(max_streams_per_network=max_clients_per_network or usual.tcp.max_streams_per_network),
            max_clients_per_network=max_clients_per_network or usual.max_clients_per_network,
            resume_grace_seconds=resume_seconds,
            rooms=RoomConfig(max_rooms=rooms, places=places) if rooms else None,
            inspectors=Inspectors(inspect),
        )
        return command(*args, config=config, **kwargs)

    for option in (
        click.option(
            "--inspect",
            type=click.Choice([each.value for each in Inspectors]),
            default=usual.inspectors.value,
            help="From where `ecsnet inspect` may look into this server, with its key.",
        ),
        click.option(
            "--places",
            type=click.IntRange(min=0),
            default=0,
            show_default=False,
            help="With --rooms: players in each.  [default: what the game says]",
        ),
        click.option(
            "--rooms",
            type=click.IntRange(min=0),
            default=0,
            help="Run up to so many games side by side; 0: one, in which everybody is.",
        ),
        click.option(
            "--resume-seconds",
            type=click.FloatRange(min=0),
            help="How long to keep the place of a player whose connection broke off.  [default: what the game says]",
        ),
        click.option(
            "--max-clients-per-network",
            type=click.IntRange(min=1),
            help="Refuse more from one IPv4 address or IPv6 /64.  "
            f"[default: {usual.max_clients_per_network}, over TCP {usual.tcp.max_streams_per_network}]",
        ),
        click.option("--block-list", type=FILE, help="Let nobody in from the networks in FILE: one CIDR a line."),
    ):
        with_config = option(with_config)
    return cast("F", with_config)


def open_access_log(where: str) -> None:
    """Write who comes and goes to a file, to stderr ("-") or nowhere ("off").

    Raises:
        EcsnetError: The file cannot be written.
    """
    access = logging.getLogger("ecsnet.access")
    if where == "-":
        return  # like all that is logged
    access.propagate = False
    handler: logging.Handler = logging.NullHandler()
    if where != "off":
        try:
            handler = logging.handlers.WatchedFileHandler(where, encoding="utf-8")  # logrotate may take it away
        except OSError as error:
            raise EcsnetError(f"cannot write the access log {where}: {error.strerror}") from error
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    access.addHandler(handler)


def _open_trace(path: Path, side: str) -> TraceWriter:
    """Open a trace to add to it; what is not a trace is left alone.

    Raises:
        EcsnetError: It cannot be written, or holds something else.
    """
    try:
        if path.is_file() and _first_byte(path) not in {b"", b"{"}:
            raise EcsnetError(f"{path} holds something else than a trace: name another file")
        # By lines, so that the last ones are there however the program ends, and others can follow them.
        file = path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise EcsnetError(f"cannot write the trace {path}: {error.strerror}") from error
    click.get_current_context().call_on_close(file.close)

    def write(line: str) -> None:
        try:
            file.write(line)
        except (OSError, ValueError) as error:
            if not file.closed:  # a full disk is no reason to end the game
                file.close()
                logger.warning("the trace %s ends here: %s", path, error)

    return TraceWriter(write, side=side)


def _first_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(1)


def _read_block_list(path: Path) -> tuple[str, ...]:
    """Read networks in CIDR notation, one a line; what follows # is a comment.

    Raises:
        EcsnetError: It cannot be read, or a line is not a network.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EcsnetError(f"cannot read the block list {path}: {error}") from error
    networks = []
    for number, line in enumerate(lines, 1):
        network = line.partition("#")[0].strip()
        if network:
            try:
                BlockList([network])
            except LocalProtocolError as error:
                raise EcsnetError(f"{path}, line {number}: {error}") from error
            networks.append(network)
    return tuple(networks)
