"""Market: what a knight gets for gold."""

from ecsnet import SERVER, Call, EntityRef, World, rpc
from ecsnet.samples.knight.components import Gold, Health
from ecsnet.samples.knight.recovery import standing_knight
from ecsnet.samples.knight.refusals import Why, refused
from ecsnet.samples.knight.rules import HEAL_GOLD, HEAL_HEALTH, WEAPON_GOLD, Weapon

__all__ = ["buy", "heal"]


@rpc(to=SERVER, owner_only=True, rate_hz=10)
def heal(call: Call, knight: EntityRef) -> int:
    """Have one's wounds seen to; return the health there is then."""
    standing_knight(call.world, knight)
    health = call.world.component_for_entity(knight, Health)
    if health.points == health.most:
        raise refused(Why.NEEDLESS, "you are unhurt")
    _pay(call.world, knight, HEAL_GOLD)
    health.points = min(health.most, health.points + HEAL_HEALTH)
    return health.points


@rpc(to=SERVER, owner_only=True, rate_hz=10)
def buy(call: Call, knight: EntityRef, weapon: Weapon) -> None:
    """Buy a weapon; the old one is worth nothing."""
    armed = standing_knight(call.world, knight)
    if armed.weapon is weapon:
        raise refused(Why.NEEDLESS, f"you have a {weapon.value} already")
    _pay(call.world, knight, WEAPON_GOLD)
    armed.weapon = weapon


def _pay(world: World, knight: int, price: int) -> None:
    gold = world.component_for_entity(knight, Gold)
    if gold.amount < price:
        raise refused(Why.POOR, f"that costs {price} gold, and you have {gold.amount}")
    gold.amount -= price
