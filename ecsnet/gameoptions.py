"""Which game a command is about: an argument or an option, made into a `Game`; and help that tells of the game."""

import sys
from pathlib import Path

import click

from ecsnet import game as games
from ecsnet.errors import SchemaError
from ecsnet.frontend import missing_extra
from ecsnet.game import Game

__all__ = ["DEFAULT_GAME", "GAME_PATH", "GameCommand", "game_argument", "game_option"]

DEFAULT_GAME = "soccer"
GAME_PATH = "ecsnet.game"  # where a command's context keeps what the user called the game


class GameCommand(click.Command):
    """A command about a GAME, whose help tells of that, too, if it is given."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Note what the game is called: --help ends a command before its arguments are looked at."""
        given, _, _ = self.make_parser(ctx).parse_args(list(args))
        ctx.meta[GAME_PATH] = given.get("game")
        return super().parse_args(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Add what the game says of itself, line by line as its author wrote it."""
        path = ctx.meta[GAME_PATH]
        game = load_game(ctx, self.params[0], path) if isinstance(path, str) else None  # click has a mark for "missing"
        if game is not None and game.help:
            with formatter.section(game.name.capitalize()):
                formatter.write("".join(f"  {line}".rstrip() + "\n" for line in game.help.strip().splitlines()))


def load_game(ctx: click.Context, param: click.Parameter, value: str) -> Game:
    """Import the game; what is no game is a mistake in the command."""
    ctx.meta[GAME_PATH] = value
    here = str(Path.cwd())
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)
    try:
        return games.load(value)
    except SchemaError as error:
        raise click.BadParameter(str(error), ctx, param) from error
    except ModuleNotFoundError as error:
        told = missing_extra(error)
        if told is not None:
            raise told from error
        raise


game_argument = click.argument("game", callback=load_game)
game_option = click.option("--game", default=DEFAULT_GAME, callback=load_game, help="The game the server runs.")
