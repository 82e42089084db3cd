"""Battle: a knight attacks whichever barbarian chance puts in the way, and the server decides what comes of it."""

from typing import Annotated

from ecsnet import EVERYONE, SERVER, Call, EntityRef, World, netvar, rpc
from ecsnet.components import Player
from ecsnet.samples.knight.components import (
    Barbarian,
    BarbarianFell,
    BattleResult,
    Cooldown,
    Fallen,
    Gold,
    Health,
    KnightFell,
    Stats,
)
from ecsnet.samples.knight.recovery import fall, seconds_down, standing_knight
from ecsnet.samples.knight.refusals import Why, refused
from ecsnet.samples.knight.rules import COOLDOWN_SECONDS, LEVEL_BOUNTY, LEVEL_WOUND, Attack, Odds, odds_of

__all__ = ["attack_random_barbarian"]

AttackName = Annotated[str, netvar("", max_bytes=32)]  # a text, so that what is no attack gets an answer


@rpc(to=SERVER, owner_only=True, answer="arrival")
def attack_random_barbarian(call: Call, knight: EntityRef, attack_type: AttackName) -> BattleResult:
    """Attack one of the barbarians who stand; which one, and what comes of it, is chance."""
    world = call.world
    weapon = standing_knight(world, knight).weapon
    attack = _attack_named(attack_type)
    _check_breath(world, knight)
    barbarian = _random_barbarian(world)
    world.component_for_entity(knight, Cooldown).ticks = round(COOLDOWN_SECONDS * world.tick_rate_hz)
    world.component_for_entity(knight, Stats).battles += 1
    odds = odds_of(attack, weapon)
    if world.rng.randrange(100) < odds.win_percent:
        return _win(world, knight, barbarian, attack, odds)
    return _lose(world, knight, barbarian, attack, odds)


def _attack_named(name: str) -> Attack:
    try:
        return Attack(name)
    except ValueError:
        known = ", ".join(attack.value for attack in Attack)
        raise refused(Why.BAD_ATTACK, f"{name!r} is no attack; there is {known}") from None


def _check_breath(world: World, knight: int) -> None:
    ticks = world.component_for_entity(knight, Cooldown).ticks
    if ticks:
        raise refused(Why.COOLDOWN, f"you are out of breath for {ticks * world.dt:.1f} s")


def _random_barbarian(world: World) -> int:
    barbarians = [entity for entity, _ in world.get_component(Barbarian)]
    standing = [entity for entity in barbarians if not world.has_component(entity, Fallen)]
    if not standing:
        seconds = min(seconds_down(world, entity) for entity in barbarians)
        raise refused(Why.NOBODY, f"nobody is left to fight; the first is back in {seconds:.1f} s")
    return world.rng.choice(standing)


def _win(world: World, knight: int, entity: int, attack: Attack, odds: Odds) -> BattleResult:
    barbarian, health = world.component_for_entity(entity, Barbarian), world.component_for_entity(entity, Health)
    stats = world.component_for_entity(knight, Stats)
    stats.wins += 1
    health.points = max(0, health.points - LEVEL_WOUND * barbarian.level)
    killed, gold = health.points == 0, odds.gold
    if killed:
        gold += LEVEL_BOUNTY * barbarian.level
        stats.kills += 1
        fall(world, entity)
        world.to(EVERYONE).send(BarbarianFell(knight, name_of(world, knight), barbarian.name))
    world.component_for_entity(knight, Gold).amount += gold
    text = f"Your {attack.value} {'fells' if killed else 'wounds'} {barbarian.name}: {gold} gold"
    return BattleResult(entity, attack, won=True, gold=gold, health=0, killed=killed, text=text)


def _lose(world: World, knight: int, entity: int, attack: Attack, odds: Odds) -> BattleResult:
    name = world.component_for_entity(entity, Barbarian).name
    health = world.component_for_entity(knight, Health)
    lost = min(odds.health, health.points)
    health.points -= lost
    text = f"{name} beats back your {attack.value}: {lost} health lost"
    if health.points == 0:
        gold = world.component_for_entity(knight, Gold)
        gold.amount -= gold.amount // 2
        world.component_for_entity(knight, Stats).falls += 1
        fall(world, knight)
        world.to(EVERYONE).send(KnightFell(knight, name_of(world, knight), name))
        text += ", and half of your gold; you are down"
    return BattleResult(entity, attack, won=False, gold=0, health=lost, killed=False, text=text)


def name_of(world: World, knight: int) -> str:
    """Return how a knight's player is called."""
    return world.component_for_entity(knight, Player).name
