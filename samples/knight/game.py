"""Knight: what the game is made of. Nothing here, or in the files it names, knows that there is a network.

`knight` is a race to 200 gold; `knight:endless` goes on for ever.
"""

from collections.abc import Mapping
from dataclasses import replace

from ecsnet import Game, World
from ecsnet.samples.knight.battle import attack_random_barbarian
from ecsnet.samples.knight.commands import manual
from ecsnet.samples.knight.components import (
    Barbarian,
    BarbarianFell,
    Fallen,
    Gold,
    Health,
    Knight,
    KnightFell,
    Race,
    RaceWon,
    Stats,
)
from ecsnet.samples.knight.market import buy, heal
from ecsnet.samples.knight.muster import Muster
from ecsnet.samples.knight.recovery import Recover
from ecsnet.samples.knight.referee import Referee
from ecsnet.systems import Said, say

__all__ = ["endless", "game", "summary"]


def summary(world: World) -> Mapping[str, object]:
    """Say how it stands; of gold, what this World knows: all of it, or one's own."""
    stats = [stats for _, stats in world.observe(Stats)]
    race = world.try_single(Race)
    return {
        "gold": sum(gold.amount for _, gold in world.observe(Gold)),
        "kills": sum(each.kills for each in stats),
        "falls": sum(each.falls for each in stats),
        **({"winner": race.winner} if race is not None and race.winner else {}),
    }


game = Game(
    "knight",
    components=[Knight, Barbarian, Health, Fallen, Gold, Stats, Race],
    systems=[
        Muster,  # what a knight has, for those who came
        Recover,  # who stands again
        Referee,  # who has won
    ],
    rpcs=[attack_random_barbarian, heal, buy, say],
    events=[KnightFell, BarbarianFell, RaceWon, Said],
    persistent=[Knight, Gold, Stats],  # who has an account has these the next time, too
    resume_grace_seconds=30.0,
    help=manual(),
    tick_rate_hz=60,
    send_rate_hz=20,
    terminal="ecsnet.samples.knight.terminal:main",
    bot="ecsnet.samples.knight.bot:KnightBot",
    summary=summary,
)

endless = replace(game, name="knight-endless", systems=(Muster, Recover))
