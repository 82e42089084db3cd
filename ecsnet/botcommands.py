"""The command `ecsnet bots`: join many clients from this machine, and say what came of it."""

import json
import random
import sys

import click

from ecsnet.clock import MonotonicClock
from ecsnet.config import ClientConfig
from ecsnet.game import Game
from ecsnet.gameoptions import GAME_PATH, game_option
from ecsnet.load.figures import CrowdFigures
from ecsnet.load.plan import CrowdPlan
from ecsnet.load.run import run_crowd
from ecsnet.options import link_options, password_option
from ecsnet.paths import TRANSPORTS
from ecsnet.reports import LiveLine
from ecsnet.testing.network import Link

__all__ = ["bots"]

MAX_PROCESSES = 64
MAX_CLIENTS_PER_PROCESS = 900  # each has a socket, and a process usually may have 1024 descriptors
BAR_CHARACTERS = 30


@click.command()
@click.argument("count", type=click.IntRange(min=1))
@click.argument("link_text", metavar="LINK")
@game_option
@click.option("--seconds", type=click.FloatRange(min=0), help="Leave so long after all have joined.  [default: stay]")
@click.option("--rate", default=ClientConfig().input_rate_hz, type=click.FloatRange(1, 1000), help="Inputs a second.")
@click.option("--full", is_flag=True, help="With a World and the game's own bot each: some twenty fit a core.")
@click.option("--processes", default=1, type=click.IntRange(1, MAX_PROCESSES), help="Divide them among so many.")
@click.option("--json", "as_json", is_flag=True, help="End with a line of JSON instead of a table.")
@click.option(
    "--transport", type=click.Choice(TRANSPORTS[:2]), help="How to get there.  [default: as LINK says, or udp]"
)
@click.option("--room", default="", show_default=False, help="Code of a room.  [default: what LINK says, or any]")
@password_option("Ask for the server's password.", twice=False)
@link_options
def bots(
    count: int,
    link_text: str,
    *,
    game: Game,
    seconds: float | None,
    rate: float,
    full: bool,
    processes: int,
    as_json: bool,
    room: str,
    transport: str | None,
    password: str,
    link: Link,
) -> None:
    """Let COUNT bots join the server at LINK, and tell how they fare: how many players does it carry?

    They press keys at random and show nothing; to the server they are clients like any other, and they count by its
    limits: see --max-clients and --max-clients-per-network of `ecsnet serve`. Exits with 0 if all joined and stayed.
    """
    if count > processes * MAX_CLIENTS_PER_PROCESS:
        raise click.UsageError(f"{MAX_CLIENTS_PER_PROCESS} bots fit a process: add --processes")
    plan = CrowdPlan(
        link=link_text,
        game=click.get_current_context().meta[GAME_PATH],
        count=count,
        input_rate_hz=min(rate, game.tick_rate_hz),
        full=full,
        room=room,
        transport=transport,
        condition=link,
        password=password,
        seed=random.SystemRandom().getrandbits(32),
    )
    line, clock = LiveLine(sys.stderr), MonotonicClock()
    figures = run_crowd(
        plan, seconds=seconds, processes=processes, tell=lambda figures: line.show(progress(figures), clock.now())
    )
    line.end()
    click.echo(json.dumps(figures.as_json()) if as_json else "\n".join(figures.lines()))
    if not figures.is_whole:
        raise click.exceptions.Exit(1)


def progress(figures: CrowdFigures) -> str:
    """Return how it stands: a bar as long as not all are in, then how they fare."""
    if figures.settled == figures.wanted:
        return str(figures.now)
    done = BAR_CHARACTERS * figures.settled // figures.wanted
    turned_away = f", {figures.refused.total()} refused" if figures.refused else ""
    return f"joining [{'#' * done:-<{BAR_CHARACTERS}}] {figures.joined.count}/{figures.wanted}{turned_away}"
