"""Options of a server that keeps what happens in a store."""

import functools
from collections.abc import Callable
from typing import TypeAlias, TypeVar, cast

import click

from ecsnet.archiving import Opened, default_store, open_archive
from ecsnet.config import PersistenceConfig
from ecsnet.game import Game
from ecsnet.transport.identity import Identity

__all__ = ["NO_STORE", "STORE_VARIABLE", "OpenStore", "store_options"]

F = TypeVar("F", bound=Callable[..., object])

OpenStore: TypeAlias = Callable[[Game, Identity], Opened | None]

NO_STORE = "off"
STORE_VARIABLE = "ECSNET_STORE"
MEGABYTE = 1_000_000


def store_options(command: F) -> F:
    """Add what is kept, and where; the command is given `open_archive`, which opens it for a game and a server."""
    usual = PersistenceConfig()

    @functools.wraps(command)
    def with_store(
        *args: object,
        store: str,
        resuming: bool,
        resume_match: str,
        snapshot_seconds: float,
        keep_days: float | None,
        keep_megabytes: float | None,
        **kwargs: object,
    ) -> object:
        if (resuming or resume_match) and store == NO_STORE:
            raise click.UsageError("--resume needs a store: there it is kept what to go on with")
        config = PersistenceConfig(
            snapshot_seconds=snapshot_seconds,
            keep_days=keep_days,
            max_store_bytes=None if keep_megabytes is None else round(keep_megabytes * MEGABYTE),
        )

        def opened(game: Game, identity: Identity) -> Opened | None:
            if store == NO_STORE:
                return None
            return open_archive(
                store or default_store(game), game, identity, config=config, resuming=resuming, match=resume_match
            )  # fmt: skip

        return command(*args, open_archive=opened, **kwargs)

    for option in (
        click.option(
            "--keep-megabytes",
            type=click.FloatRange(min=1),
            help="Delete the oldest matches while the store is larger.  [default: never]",
        ),
        click.option(
            "--keep-days",
            type=click.FloatRange(min=0),
            help="Delete matches that ended longer ago; what players have stays.  [default: never]",
        ),
        click.option(
            "--snapshot-seconds",
            type=click.FloatRange(min=0.1),
            default=usual.snapshot_seconds,
            help="How often to keep the world as it stands.",
        ),
        click.option(
            "--resume-match",
            metavar="MATCH",
            default="",
            show_default=False,
            help="Go on with this one of `ecsnet data matches`, or what its name begins with.",
        ),
        click.option("--resume", "resuming", is_flag=True, help="Go on where the last run ended, however it did."),
        click.option(
            "--store",
            default="",
            envvar=STORE_VARIABLE,
            show_default=False,
            metavar="FILE|mongodb://...|off",
            help=f"Where to keep what happens.  [default: GAME.ecsnet.db here; or set {STORE_VARIABLE}]",
        ),
    ):
        with_store = option(with_store)
    return cast("F", with_store)
