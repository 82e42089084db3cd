"""KnightBot: a client without a person. It knows what a player knows, and asks the server for the same."""

from typing import TypeAlias

from ecsnet import Participant, Reply
from ecsnet.samples.knight.battle import attack_random_barbarian
from ecsnet.samples.knight.components import BattleResult, Fallen, Gold, Health, Knight, Race
from ecsnet.samples.knight.market import buy, heal
from ecsnet.samples.knight.rules import HEAL_GOLD, WEAPON_GOLD, Attack, Weapon
from ecsnet.wire import tick_difference

__all__ = ["KnightBot"]

Answer: TypeAlias = Reply[BattleResult] | Reply[int] | Reply[None]

PAUSE_SECONDS = (1.0, 3.0)  # between two deeds: about as fast as a person types
BOLD_HEALTH, CAREFUL_HEALTH = 60, 25  # above: the attack that brings most; below: the one that costs least


class KnightBot:
    """Plays for one client: call `decide` before each update."""

    def __init__(self) -> None:
        """Have asked for nothing yet."""
        self._reply: Answer | None = None
        self._asked_tick: int | None = None

    def decide(self, client: Participant) -> None:
        """Ask for the next deed once the last is answered and a pause is over. There is nothing to press."""
        entity = client.entity
        if entity is None or not client.is_ready or client.disconnected is not None:
            return
        if (self._reply is not None and not self._reply.done) or not self._has_paused(client, entity):
            return
        race = client.world.try_single(Race)
        if client.world.has_component(entity, Fallen) or (race is not None and race.winner):
            return
        self._asked_tick = client.world.tick
        self._reply = ask(client, entity)

    def _has_paused(self, client: Participant, entity: int) -> bool:
        """Tell whether it has waited long enough; how long changes, by no chance but the tick it asked in."""
        if self._asked_tick is None:
            self._asked_tick = client.world.tick
        least, most = PAUSE_SECONDS
        share = (entity * 7919 + self._asked_tick * 104729) % 97 / 97
        waited = tick_difference(client.world.tick, self._asked_tick) * client.world.dt
        return waited >= least + (most - least) * share


def ask(client: Participant, entity: int) -> Answer:
    """Do what a sensible knight would do now; it depends on what the client sees only."""
    world = client.world
    health = world.component_for_entity(entity, Health).points
    gold = world.component_for_entity(entity, Gold).amount
    if health < CAREFUL_HEALTH and gold >= HEAL_GOLD:
        return client.call(heal, entity)
    is_race = world.try_single(Race) is not None
    if not is_race and gold >= WEAPON_GOLD + HEAL_GOLD and _weapon(client, entity) is Weapon.SWORD:
        return client.call(buy, entity, Weapon.AXE)  # in a race it comes too late to pay for itself
    return client.call(attack_random_barbarian, entity, choose_attack(health).value)


def choose_attack(health: int) -> Attack:
    """Return the attack that suits a knight of this health."""
    if health > BOLD_HEALTH:
        return Attack.THRUST
    return Attack.SLASH if health > CAREFUL_HEALTH else Attack.BASH


def _weapon(client: Participant, entity: int) -> Weapon:
    return client.world.component_for_entity(entity, Knight).weapon
