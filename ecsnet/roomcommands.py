"""The command `ecsnet rooms`: which games a server runs side by side, and how to get into one."""

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import click

from ecsnet import keys
from ecsnet.advice import told_end
from ecsnet.components.roominfo import RoomInfo
from ecsnet.config import ClientConfig
from ecsnet.errors import EcsnetError
from ecsnet.game import Game
from ecsnet.gameoptions import DEFAULT_GAME, GAME_PATH, game_option
from ecsnet.joinlink import JoinLink
from ecsnet.options import FILE, account_option, password_option, room_password_option
from ecsnet.runtime import RunningClient, join
from ecsnet.systems.hall import HALL, create_room
from ecsnet.tokencommands import read_token

__all__ = ["rooms"]

PATIENCE_SECONDS = 10.0  # for an answer
WATCH_SECONDS = 1.0  # between two looks
CLEAR = "\x1b[H\x1b[J"  # to the top left, and nothing below


@click.command()
@click.argument("link_text", metavar="LINK")
@game_option
@click.option("--create", metavar="NAME", help="Open a room of this name; print how to get in. It waits half a minute.")
@click.option(
    "--places", default=0, show_default=False, type=click.IntRange(min=0), help="Of that room.  [default: the game's]"
)
@room_password_option
@click.option("--watch", is_flag=True, help="Show the list again whenever it changes, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON instead of a table.")
@password_option("Ask for the server's password.", twice=False)
@account_option
@click.option("--player-key", type=FILE, help="Key file by which servers know you again.")
@click.option("--token", default="", show_default=False, help="Connect token, for a server that asks for one.")
def rooms(
    link_text: str,
    *,
    game: Game,
    create: str | None,
    places: int,
    room_password: str,
    watch: bool,
    as_json: bool,
    password: str,
    account: str,
    account_password: str,
    player_key: Path | None,
    token: str,
) -> None:
    """List the rooms of the server at LINK, or open one: each is a game of its own.

    The server runs with `ecsnet serve GAME --rooms N`.
    """
    client = join(
        game,
        link_text,
        room=HALL,
        password=password,
        account=account,
        account_password=account_password,
        player_key=None if player_key is None else keys.load_identity(player_key),
        token=read_token(token) if token else b"",
        config=ClientConfig(retry_seconds=0.0),
    )
    with client:
        reach(client, password=password, account=account)
        link = replace(JoinLink.parse(link_text), keys=(client.current_server_key,))
        if create is not None:
            open_room(client, link, create, room_password, places)
        elif watch:
            show_changes(client, link, as_json=as_json)
        else:
            click.echo(described(listed(client), link, as_json=as_json))


def reach(client: RunningClient, *, password: str, account: str) -> None:
    """Wait until the list is there.

    Raises:
        EcsnetError: It is not to be had.
    """
    there = client.run_until(
        lambda: client.is_ready or client.disconnected is not None, within_seconds=PATIENCE_SECONDS
    )
    if client.disconnected is not None:
        raise EcsnetError(told_end(client.disconnected, client.game, password=password, account=account))
    if not there:
        raise EcsnetError(f"the server gave no answer within {PATIENCE_SECONDS:g} s")


def open_room(client: RunningClient, link: JoinLink, name: str, password: str, places: int) -> None:
    """Open a room and print how to get in.

    Raises:
        EcsnetError: The server opens none.
    """
    reply = client.call(create_room, name, password, places)
    client.run_until(lambda: reply.done, within_seconds=PATIENCE_SECONDS)
    if not reply.ok:
        raise EcsnetError(reply.refusal.text if reply.refusal else "the server gave no answer")
    click.echo(f"room {reply.value} is open")
    click.echo(f"join with: {way_in(replace(link, room=reply.value), locked=bool(password))}")


def show_changes(client: RunningClient, link: JoinLink, *, as_json: bool) -> None:
    """Print the list whenever it is another, until Ctrl-C or the connection ends.

    Raises:
        EcsnetError: The connection ended.
    """
    shown = None
    while client.disconnected is None:
        found = described(listed(client), link, as_json=as_json)
        if found != shown:
            shown = found
            click.echo((CLEAR if sys.stdout.isatty() and not as_json else "") + found)
        client.run_until(lambda: client.disconnected is not None, within_seconds=WATCH_SECONDS)
    raise EcsnetError(told_end(client.disconnected, client.game))


def listed(client: RunningClient) -> list[RoomInfo]:
    """Return what is known of every room, the fullest first."""
    found = [info for _, info in client.world.get_component(RoomInfo)]
    return sorted(found, key=lambda info: (-info.players, info.code))


def described(found: Iterable[RoomInfo], link: JoinLink, *, as_json: bool) -> str:
    """Return the list for people, or for programs."""
    rows = [(info.code, info.name, f"{info.players}/{info.capacity}", info.status, info.locked) for info in found]
    if as_json:
        names = ("code", "name", "players", "status", "locked")
        return json.dumps([dict(zip(names, row, strict=True)) for row in rows])
    if not rows:
        return f"no room is open; whoever joins opens one: {way_in(link, locked=False)}"
    lines = [f"{'CODE':<8}{'NAME':<26}{'PLAYERS':>9}  STATUS"]
    for code, name, players, status, locked in rows:
        lines.append(f"{code:<8}{name:<26}{players:>9}  {status}{'  (password)' if locked else ''}".rstrip())
    example = rows[0]
    lines.append(f"join with: {way_in(replace(link, room=example[0]), locked=example[4])}")
    return "\n".join(lines)


def way_in(link: JoinLink, *, locked: bool) -> str:
    """Return the command that leads there."""
    path = click.get_current_context().meta[GAME_PATH]
    option = "" if path == DEFAULT_GAME else f" --game {path}"
    return f'ecsnet join "{link}"{option}{" --room-password" * locked}'
