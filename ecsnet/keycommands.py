"""The commands `ecsnet keys`: make, show, rotate and retire the keys of a server or a player."""

import base64
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import click

from ecsnet import keys
from ecsnet.joinlink import JoinLink
from ecsnet.transport.identity import Identity

__all__ = ["key_commands"]

F = TypeVar("F", bound=Callable[..., object])


def key_file_options(command: F) -> F:
    """Add the options that say which file is meant; the command is given its path and whether it is a player's."""

    def with_path(*, key_file: Path | None, player: bool) -> object:
        usual = keys.default_player_key_path() if player else keys.default_identity_path()
        return command(key_file or usual, player=player)

    with_path.__doc__ = command.__doc__
    with_path.__name__ = command.__name__
    option = click.option("--player", is_flag=True, help="A player's own key instead of a server's.")
    with_key = click.option(
        "--key",
        "key_file",
        type=click.Path(dir_okay=False, path_type=Path),
        help="The key file.  [default: the one `serve` takes]",
    )
    return cast("F", with_key(option(with_path)))


@click.group("keys")
def key_commands() -> None:
    """Make, show and replace the key of a server or a player.

    To replace a server's key: rotate, restart the server, wait until your players have come by, retire, restart.
    """


@key_commands.command()
@key_file_options
def make(path: Path, *, player: bool) -> None:
    """Make a key file; one that is there is never overwritten."""
    identity = keys.make_identity(path)
    click.echo(f"made {path}, for your eyes only")
    tell(identity, player=player)


@key_commands.command()
@key_file_options
def show(path: Path, *, player: bool) -> None:
    """Show the public keys in a key file; nothing of it is secret."""
    tell(keys.load_identity(path), player=player)


@key_commands.command()
@key_file_options
def rotate(path: Path, *, player: bool) -> None:
    """Make a new key and honour the one before; players who come by learn the new one by themselves."""
    identity = keys.rotate_identity(path)
    advice = "" if player else "; restart the server to use it, and retire the former one in some weeks"
    click.echo(f"{path} has a new key{advice}")
    tell(identity, player=player)


@key_commands.command()
@key_file_options
def retire(path: Path, *, player: bool) -> None:
    """Drop the former key: who knows no other is warned from now on, and whoever stole it has nothing."""
    former = keys.retire_identity(path)
    advice = "" if player else "; restart the server"
    click.echo(f"{path} holds {former.fingerprint} no more{advice}")


def tell(identity: Identity, *, player: bool) -> None:
    """Print what others may know."""
    describe("current", identity)
    if identity.former is not None:
        describe("former ", identity.former)
    if not player:
        click.echo(f"link:    ecsnet://HOST:PORT/{JoinLink('HOST', keys=identity.public_keys).fragment}")


def describe(which: str, identity: Identity) -> None:
    """Print a public key and its fingerprint."""
    public = base64.urlsafe_b64encode(identity.public).rstrip(b"=").decode()
    click.echo(f"{which}: {identity.fingerprint}  {public}")
