"""A camp to fight at: the game's systems on one World, as the server runs them, without a server."""

from ecsnet import Refused, World
from ecsnet.components import Owner, Player
from ecsnet.game import Game
from ecsnet.rpc import Call
from ecsnet.samples.knight.battle import attack_random_barbarian
from ecsnet.samples.knight.components import Barbarian, BattleResult, Cooldown, Fallen, Gold, Health, Knight, Stats
from ecsnet.samples.knight.game import game
from ecsnet.samples.knight.market import buy, heal
from ecsnet.samples.knight.refusals import Why, why
from ecsnet.samples.knight.rules import Weapon


class Camp:
    """One World with the game's systems; players are made as the server makes them."""

    def __init__(self, *, knights: int = 1, seed: int = 0, played: Game = game) -> None:
        self.world = World(tick_rate_hz=played.tick_rate_hz, seed=seed)
        for system in played.systems:
            self.world.add_system(system())
        self.knights = [
            self.world.create_entity(Player(client_id=number, name=f"knight {number}"), Owner(number))
            for number in range(1, knights + 1)
        ]
        self.run(seconds=0.1)

    @property
    def knight(self) -> int:
        return self.knights[0]

    @property
    def barbarians(self) -> list[int]:
        return [entity for entity, _ in self.world.get_component(Barbarian)]

    def run(self, *, seconds: float) -> None:
        self.run_ticks(round(seconds * self.world.tick_rate_hz))

    def run_ticks(self, ticks: int) -> None:
        for _ in range(ticks):
            self.world.process()

    def attack(self, name: str = "slash", knight: int | None = None) -> BattleResult:
        knight = self.knight if knight is None else knight
        return attack_random_barbarian(self.call(knight), knight, name)

    def rested_attack(self, name: str = "slash", knight: int | None = None) -> BattleResult:
        """Attack without having to wait for breath."""
        self.world.component_for_entity(self.knight if knight is None else knight, Cooldown).ticks = 0
        return self.attack(name, knight)

    def attack_until(self, *, won: bool, name: str = "slash") -> BattleResult:
        """Attack until it is won, or lost; knight and barbarians unhurt each time."""
        for _ in range(100):
            self.mend()
            result = self.rested_attack(name)
            if result.won == won:
                return result
        raise AssertionError(f"a hundred attacks, and none {'won' if won else 'lost'}")

    def mend(self) -> None:
        """Let everybody stand unhurt."""
        for entity, health in self.world.get_component(Health):
            health.points = health.most
            self.world.remove_component(entity, Fallen)

    def leave_one(self, barbarian: int) -> None:
        """Put all barbarians but one on the ground for good."""
        for other in self.barbarians:
            if other != barbarian:
                self.world.add_component(other, Fallen(self.world.tick + 1_000_000))

    def heal(self) -> int:
        return heal(self.call(self.knight), self.knight)

    def buy(self, weapon: Weapon) -> None:
        buy(self.call(self.knight), self.knight, weapon)

    def call(self, knight: int) -> Call:
        owner = self.world.component_for_entity(knight, Owner)
        return Call(self.world, owner.client_id, knight, self.world.tick)

    def gold(self, knight: int | None = None) -> Gold:
        return self.world.component_for_entity(self.knight if knight is None else knight, Gold)

    def health(self, entity: int | None = None) -> Health:
        return self.world.component_for_entity(self.knight if entity is None else entity, Health)

    def stats(self, knight: int | None = None) -> Stats:
        return self.world.component_for_entity(self.knight if knight is None else knight, Stats)

    def arms(self) -> Knight:
        return self.world.component_for_entity(self.knight, Knight)

    def is_down(self, entity: int) -> bool:
        return self.world.has_component(entity, Fallen)


def reason_of(refused: Refused) -> Why | None:
    """Return the game's own word for a refusal."""
    return why(str(refused))[0]
