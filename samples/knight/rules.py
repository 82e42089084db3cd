"""The numbers of the game, and what an attack may come to."""

from dataclasses import dataclass
from enum import Enum

__all__ = ["Attack", "Odds", "Weapon", "odds_of"]

KNIGHT_HEALTH = 100
COOLDOWN_SECONDS = 0.5
RECOVERY_SECONDS = 5.0  # from a fall until one stands again
GOLD_TO_WIN = 200
PAUSE_SECONDS = 10.0  # between two races, to look at the result

HEAL_GOLD, HEAL_HEALTH = 15, 20
WEAPON_GOLD = 50

BARBARIAN_HEALTH = 30
BARBARIANS = {"Snorri": 1, "Grimhild": 2, "Ulfgar": 3}  # their levels
LEVEL_WOUND = 10  # health that a lost fight costs a barbarian, per level: the strong take risks
LEVEL_BOUNTY = 10  # gold for felling one, per level
CAMP_RADIUS = 60.0  # world units around the village


class Attack(Enum):
    """How a knight attacks."""

    SLASH = "slash"
    THRUST = "thrust"
    BASH = "bash"


class Weapon(Enum):
    """What a knight attacks with."""

    SWORD = "sword"
    AXE = "axe"
    LANCE = "lance"


@dataclass(frozen=True, slots=True)
class Odds:
    """What an attack may come to.

    Attributes:
        win_percent: How many of a hundred are won.
        gold: What a won one brings.
        health: What a lost one costs.
    """

    win_percent: int
    gold: int
    health: int


_ODDS = {Attack.SLASH: Odds(50, 10, 5), Attack.THRUST: Odds(35, 20, 8), Attack.BASH: Odds(65, 5, 3)}
_AXE_PERCENT = 5
_LANCE_GOLD = 5


def odds_of(attack: Attack, weapon: Weapon) -> Odds:
    """Return the odds of an attack with a weapon: an axe wins more often, with a lance a win brings more."""
    odds = _ODDS[attack]
    percent = odds.win_percent + _AXE_PERCENT * (weapon is Weapon.AXE)
    return Odds(percent, odds.gold + _LANCE_GOLD * (weapon is Weapon.LANCE), odds.health)
