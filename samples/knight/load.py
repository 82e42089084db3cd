"""What is measured of Knight: how long an attack takes until its answer is there."""

from dataclasses import replace

from ecsnet import SERVER, Client, rpc
from ecsnet.load.answers import Question
from ecsnet.samples.knight.battle import attack_random_barbarian
from ecsnet.samples.knight.game import endless
from ecsnet.samples.knight.rules import Attack

__all__ = ["QUESTIONS", "attack", "attack_at_tick", "game", "ticking"]

game = replace(endless, max_clients=1000)

# The same attack as most calls are: it waits for the tick, and so does its answer.
at_tick = rpc(to=SERVER, owner_only=True)(attack_random_barbarian.handler)
ticking = replace(game, rpcs=(at_tick, *(each for each in game.rpcs if each is not attack_random_barbarian)))


def attack(client: Client) -> None:
    """Attack, in the name of the client's own knight."""
    if client.entity is not None:
        client.call(attack_random_barbarian, client.entity, Attack.SLASH.value)


def attack_at_tick(client: Client) -> None:
    """Attack, where the game answers in its ticks."""
    if client.entity is not None:
        client.call(at_tick, client.entity, Attack.SLASH.value)


QUESTIONS = (
    Question("on arrival", f"{__name__}:game", f"{__name__}:attack"),
    Question("at the tick", f"{__name__}:ticking", f"{__name__}:attack_at_tick"),
)
