"""The commands `ecsnet token`: make the keys for connect tokens, mint tokens and look into them."""

import os
import sys
from pathlib import Path

import click

from ecsnet import keys, tokenfiles
from ecsnet.clock import unix_time
from ecsnet.errors import LinkError
from ecsnet.joinlink import JoinLink, parse_key
from ecsnet.tokens import mint, parse_token, token_text

__all__ = ["read_token", "token_commands"]

FILE = click.Path(dir_okay=False, path_type=Path)


@click.group("token")
def token_commands() -> None:
    """Let a backend that knows the players decide who joins a server, by tokens that count once and for minutes."""


@token_commands.command("key")
@click.argument("file", type=FILE)
@click.option("--sealed", "kind", flag_value="sealed", help="One secret, for the backend and the game server.")
@click.option(
    "--signed", "kind", flag_value="signed", help="FILE to sign, for the backend; FILE.pub, for game servers."
)
def make_key(file: Path, *, kind: str | None) -> None:
    """Make the key that tokens are minted and checked with."""
    if kind is None:
        raise click.UsageError("say --sealed or --signed")
    if kind == "sealed":
        tokenfiles.make_sealed_key(file)
        click.echo(f"made {file}: the backend mints with it, the game server takes it as --token-key")
    else:
        public = tokenfiles.make_signing_key(file)
        click.echo(f"made {file}: the backend mints with it, the game server takes {public} as --token-key")


@token_commands.command("mint")
@click.option("--key", "key_file", type=FILE, required=True, help="The secret, or the signing key.")
@click.option("--link", "links", multiple=True, help="Join link of a server it is good for. May be repeated.")
@click.option("--server-key", "server_keys", multiple=True, help="Public key of one, as `ecsnet keys show` prints it.")
@click.option("--player", required=True, help="Who the player is to the backend.")
@click.option("--name", default="", help="How others see the player.  [default: as the player says]")
@click.option("--seconds", default=300.0, type=click.FloatRange(min=1), help="How long it is good for.")
@click.option("--bind", default="", help="The player's public key: nobody else can use it then.")
def mint_token(
    *,
    key_file: Path,
    links: tuple[str, ...],
    server_keys: tuple[str, ...],
    player: str,
    name: str,
    seconds: float,
    bind: str,
) -> None:
    """Mint a token and print it."""
    public = [key for link in links for key in JoinLink.parse(link).keys]
    public += [public_key(text) for text in server_keys]
    if not public:
        raise click.UsageError("name the server by --server-key, or by a --link that has its key behind #")
    token = mint(
        tokenfiles.load_minting_key(key_file),
        player,
        server_keys=public,
        unix_time=unix_time(),
        entropy=os.urandom,
        seconds=seconds,
        name=name,
        player_key=public_key(bind) if bind else b"",
    )
    click.echo(token_text(token))


@token_commands.command("show")
@click.argument("token")
@click.option("--key", "key_file", type=FILE, required=True, help="Any key of the kind it was minted with.")
def show_token(token: str, *, key_file: Path) -> None:
    """Show what TOKEN says: the token itself, @FILE that holds it, or - for standard input."""
    found = tokenfiles.load_any_key(key_file).open(read_token(token))
    left = found.expires - unix_time()
    click.echo(f"player:  {found.player_id}")
    click.echo(f"name:    {found.name or '(as the player says)'}")
    click.echo(f"expires: {'in' if left > 0 else 'since'} {abs(left):.0f} s")
    click.echo(f"bound:   {token_text(found.player_key) if found.player_key else '(to nobody)'}")
    click.echo(f"data:    {found.data.hex() or '(none)'}")


def read_token(text: str) -> bytes:
    """Return the token of an argument: itself, `@FILE`, or `-` for standard input.

    Raises:
        TokenError: It is none.
        KeyFileError: The file cannot be read.
    """
    if text == "-":
        text = sys.stdin.readline()
    elif text.startswith("@"):
        try:
            text = keys.read_own(Path(text[1:]))
        except FileNotFoundError as error:
            raise click.BadParameter(f"there is no file {text[1:]}") from error
    return parse_token(text)


def public_key(text: str) -> bytes:
    """Return the public key a text stands for."""
    key = parse_key(text)
    if key is None:
        raise LinkError(f"{text!r} is no public key: 43 letters, as `ecsnet keys show` prints them")
    return key
