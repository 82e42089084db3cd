"""The data of the game, and what happens in it once."""

from dataclasses import dataclass

from ecsnet import OWNER, EntityRef, NetVar, component, event, netvar
from ecsnet.samples.knight.rules import BARBARIAN_HEALTH, Attack, Weapon

__all__ = [
    "Barbarian",
    "BarbarianFell",
    "BattleResult",
    "Cooldown",
    "Fallen",
    "Gold",
    "Health",
    "Knight",
    "KnightFell",
    "Race",
    "RaceWon",
    "Stats",
]

MOST = 0xFFFFFFFF  # of what is counted


@component(track="push")
class Knight:
    """A player as a fighter. Written by Muster, buy and Referee; read by battle and everybody."""

    weapon: NetVar[Weapon] = Weapon.SWORD


@component(track="push")
class Barbarian:
    """Whom knights attack. Written by Muster."""

    name: NetVar[str] = netvar("", max_bytes=32)
    level: NetVar[int] = netvar(1, low=1, high=3)


@component(track="push")
class Health:
    """What wounds take; 0 is a fall. Written by battle, market, recovery; read by everybody."""

    points: NetVar[int] = netvar(BARBARIAN_HEALTH, low=0, high=100)
    most: NetVar[int] = netvar(BARBARIAN_HEALTH, low=1, high=100)  # when unhurt


@component(track="push")
class Fallen:
    """Whoever has it lies on the ground. Written by battle and recovery; read by everybody."""

    until_tick: NetVar[int] = netvar(0, low=0, high=MOST)


@component(track="push")
class Gold:
    """A knight's purse, which nobody else sees. Written by battle, market and Referee; read by its owner."""

    amount: NetVar[int] = netvar(0, low=0, high=MOST, audience=OWNER)


@component(track="push")
class Stats:
    """What a knight has done, of which others learn the deeds alone. Written by battle; read by everybody."""

    kills: NetVar[int] = netvar(0, low=0, high=MOST)
    falls: NetVar[int] = netvar(0, low=0, high=MOST)
    battles: NetVar[int] = netvar(0, low=0, high=MOST, audience=OWNER)
    wins: NetVar[int] = netvar(0, low=0, high=MOST, audience=OWNER)


@component
class Cooldown:
    """How long a knight is still out of breath. Written by battle and recovery. Never leaves the server."""

    ticks: int = 0


@component(track="push")
class Race:
    """The race for gold; there is one, or none where the game is endless. Written by Referee; read by everybody."""

    goal: NetVar[int] = netvar(0, low=0, high=MOST)
    winner: NetVar[str] = netvar("", max_bytes=96)  # empty: it is on
    next_tick: NetVar[int] = netvar(0, low=0, high=MOST)  # when the next begins, once there is a winner


@dataclass(frozen=True, slots=True)
class BattleResult:
    """What an attack came to: the answer, which its knight's owner alone gets.

    Attributes:
        gold: Won, with what a kill brings.
        health: Lost.
        text: The same for people.
    """

    barbarian: EntityRef
    attack: Attack
    won: bool
    gold: int
    health: int
    killed: bool
    text: str


@event
class KnightFell:
    """A knight went down. He may have left by the time it is told, so his name comes along."""

    knight: EntityRef
    name: str
    barbarian: str


@event
class BarbarianFell:
    """A knight felled a barbarian."""

    knight: EntityRef
    name: str
    barbarian: str


@event
class RaceWon:
    """Somebody has the gold. The next race begins after a pause."""

    name: str
    gold: int
