"""The rules of Knight, on a World alone: what attacks come to, who falls, who wins."""

from collections.abc import Callable
from dataclasses import astuple

import pytest

from ecsnet import Refused
from ecsnet.components import Transform2D
from ecsnet.samples.knight.components import Barbarian, Fallen, Race
from ecsnet.samples.knight.game import endless, summary
from ecsnet.samples.knight.refusals import Why
from ecsnet.samples.knight.rules import Attack, Odds, Weapon, odds_of
from tests.samples.knight_camp import Camp, reason_of

SEEDS = range(20)
FIGHTS = 1000
TOLERANCE = 0.06  # of the share won: four standard deviations of a thousand fights


@pytest.mark.parametrize(
    ("attack", "weapon", "odds"),
    [
        (Attack.SLASH, Weapon.SWORD, Odds(50, 10, 5)),
        (Attack.THRUST, Weapon.SWORD, Odds(35, 20, 8)),
        (Attack.BASH, Weapon.SWORD, Odds(65, 5, 3)),
        (Attack.SLASH, Weapon.AXE, Odds(55, 10, 5)),
        (Attack.THRUST, Weapon.AXE, Odds(40, 20, 8)),
        (Attack.BASH, Weapon.AXE, Odds(70, 5, 3)),
        (Attack.SLASH, Weapon.LANCE, Odds(50, 15, 5)),
        (Attack.THRUST, Weapon.LANCE, Odds(35, 25, 8)),
        (Attack.BASH, Weapon.LANCE, Odds(65, 10, 3)),
    ],
)
def test_an_attack_has_the_odds_of_the_table(attack: Attack, weapon: Weapon, odds: Odds) -> None:
    """As the table has them, and as a thousand fights come out."""
    camp = Camp(seed=1)
    camp.arms().weapon = weapon
    won = 0
    for _ in range(FIGHTS):
        camp.mend()
        result = camp.rested_attack(attack.value)
        won += result.won
        barbarian = camp.world.component_for_entity(result.barbarian, Barbarian)
        bounty = 10 * barbarian.level if result.killed else 0
        expected = (odds.gold + bounty, 0) if result.won else (0, odds.health)
        assert (result.gold, result.health) == expected

    assert odds_of(attack, weapon) == odds
    assert won / FIGHTS == pytest.approx(odds.win_percent / 100, abs=TOLERANCE)


OUTCOMES = """
Ulfgar beats back your slash: 5 health lost
Grimhild beats back your thrust: 8 health lost
Your bash wounds Grimhild: 5 gold
Your slash fells Ulfgar: 40 gold
Your thrust fells Grimhild: 40 gold
Your bash wounds Snorri: 5 gold
Snorri beats back your slash: 5 health lost
Snorri beats back your thrust: 8 health lost
Snorri beats back your bash: 3 health lost
Grimhild beats back your slash: 5 health lost
Grimhild beats back your thrust: 8 health lost
Your bash wounds Snorri: 5 gold
"""


def test_a_seed_gives_these_outcomes() -> None:
    """Chance is the world's alone: whoever has the seed can play a match again, blow by blow."""
    camp, told = Camp(seed=7), []
    for name in ("slash", "thrust", "bash") * 4:
        told.append(camp.rested_attack(name).text)
        camp.run(seconds=1)

    assert told == OUTCOMES.strip().splitlines()


@pytest.mark.parametrize("seed", SEEDS)
def test_the_same_seed_gives_the_same_fights(seed: int) -> None:
    """And another seed others."""

    def fight(seed: int) -> list[str]:
        camp = Camp(seed=seed, played=endless)
        texts = []
        for _ in range(20):
            camp.mend()
            texts.append(camp.rested_attack().text)
            camp.run_ticks(1)
        return texts

    assert fight(seed) == fight(seed)
    assert fight(seed) != fight(seed + 1000)


@pytest.mark.parametrize(("index", "wins"), [(0, 3), (1, 2), (2, 1)])
def test_a_win_costs_a_barbarian_ten_health_per_level_and_a_kill_brings_as_much_gold(index: int, wins: int) -> None:
    """The strong fall sooner: who attacks them takes no more risk, but there is one of them only."""
    camp = Camp()
    barbarian = camp.barbarians[index]
    level = camp.world.component_for_entity(barbarian, Barbarian).level
    camp.leave_one(barbarian)
    results = []
    while not camp.is_down(barbarian):
        camp.health().points = 100
        result = camp.rested_attack("slash")
        results += [result] * result.won

    assert [result.gold for result in results] == [10] * (wins - 1) + [10 + 10 * level]
    assert [result.killed for result in results] == [False] * (wins - 1) + [True]
    assert (camp.stats().kills, camp.stats().wins, camp.gold().amount) == (1, wins, 10 * wins + 10 * level)
    assert camp.health(barbarian).points == 0


def test_a_fallen_barbarian_is_back_after_five_seconds_unhurt_and_elsewhere() -> None:
    """There is always somebody to fight."""
    camp = Camp()
    barbarian = camp.barbarians[2]
    camp.leave_one(barbarian)
    before = astuple(camp.world.component_for_entity(barbarian, Transform2D))
    while not camp.is_down(barbarian):
        camp.rested_attack()
    camp.run_ticks(299)
    was_down = camp.is_down(barbarian)
    camp.run_ticks(1)

    assert was_down
    assert not camp.is_down(barbarian)
    assert camp.health(barbarian).points == 30
    assert astuple(camp.world.component_for_entity(barbarian, Transform2D)) != before


def test_with_all_barbarians_down_there_is_nobody_to_attack() -> None:
    """And no breath is lost in trying."""
    camp = Camp()
    for barbarian in camp.barbarians:
        camp.world.add_component(barbarian, Fallen(camp.world.tick + 120))

    with pytest.raises(Refused, match=r"nobody is left to fight; the first is back in 2.0 s") as caught:
        camp.attack()

    assert reason_of(caught.value) is Why.NOBODY
    assert camp.stats().battles == 0


def test_one_is_out_of_breath_for_half_a_second() -> None:
    """To the tick."""
    camp = Camp()
    camp.attack()
    camp.run_ticks(29)
    with pytest.raises(Refused, match="out of breath") as caught:
        camp.attack()
    camp.run_ticks(1)
    camp.mend()
    camp.attack()

    assert reason_of(caught.value) is Why.COOLDOWN
    assert camp.stats().battles == 2


@pytest.mark.parametrize("name", ["", "kick", "SLASH", "slash ", "\x1b[2J"])
def test_what_is_no_attack_is_refused_and_costs_nothing(name: str) -> None:
    """Whatever a client sends."""
    camp = Camp()
    with pytest.raises(Refused, match="there is slash, thrust, bash") as caught:
        camp.attack(name)
    camp.attack()

    assert reason_of(caught.value) is Why.BAD_ATTACK


@pytest.mark.parametrize(("before", "after"), [(0, 0), (15, 8), (100, 50)])
def test_whoever_falls_loses_half_of_the_gold_and_stands_again_after_five_seconds(before: int, after: int) -> None:
    """Unhurt; until then nothing can be done."""
    camp = Camp()
    camp.gold().amount = before
    camp.attack_until(won=False)
    camp.health().points = 1
    while not camp.is_down(camp.knight):
        camp.gold().amount = before
        camp.health().points = 1
        result = camp.rested_attack()
    with pytest.raises(Refused, match=r"you are down for 5.0 s more") as caught:
        camp.rested_attack()
    camp.run_ticks(299)
    was_down = camp.is_down(camp.knight)
    camp.run_ticks(1)

    assert (result.health, result.killed) == (1, False)
    assert "you are down" in result.text
    assert reason_of(caught.value) is Why.DEAD
    assert was_down
    assert not camp.is_down(camp.knight)
    assert (camp.gold().amount, camp.health().points, camp.stats().falls) == (after, 100, 1)


@pytest.mark.parametrize(("health", "healed"), [(1, 21), (80, 100), (95, 100)])
def test_healing_costs_fifteen_gold_for_twenty_health(health: int, healed: int) -> None:
    """And no more than there is room for."""
    camp = Camp()
    camp.gold().amount, camp.health().points = 40, health

    assert camp.heal() == healed
    assert (camp.gold().amount, camp.health().points) == (25, healed)


def test_a_weapon_costs_fifty_gold() -> None:
    """The old one is worth nothing."""
    camp = Camp()
    camp.gold().amount = 100
    camp.buy(Weapon.AXE)
    camp.buy(Weapon.LANCE)

    assert (camp.gold().amount, camp.arms().weapon) == (0, Weapon.LANCE)


@pytest.mark.parametrize(
    ("gold", "health", "wish", "reason"),
    [
        (14, 50, Camp.heal, Why.POOR),
        (100, 100, Camp.heal, Why.NEEDLESS),
        (49, 100, lambda camp: camp.buy(Weapon.AXE), Why.POOR),
        (100, 100, lambda camp: camp.buy(Weapon.SWORD), Why.NEEDLESS),
    ],
)
def test_the_market_refuses_and_takes_nothing(
    gold: int, health: int, wish: Callable[[Camp], object], reason: Why
) -> None:
    """Whatever it refuses for."""
    camp = Camp()
    camp.gold().amount, camp.health().points = gold, health
    with pytest.raises(Refused) as caught:
        wish(camp)

    assert reason_of(caught.value) is reason
    assert (camp.gold().amount, camp.health().points, camp.arms().weapon) == (gold, health, Weapon.SWORD)


def test_the_first_with_two_hundred_gold_wins_once() -> None:
    """The others do not catch up any more; of two at once it is the richer."""
    camp = Camp(knights=3)
    race = camp.world.single(Race)
    camp.gold(camp.knights[0]).amount = 199
    camp.run_ticks(1)
    nobody = race.winner
    camp.gold(camp.knights[1]).amount = 200
    camp.gold(camp.knights[2]).amount = 210
    camp.run_ticks(1)
    first = race.winner
    camp.gold(camp.knights[0]).amount = 999
    camp.run_ticks(1)
    with pytest.raises(Refused, match="knight 3 has won") as caught:
        camp.attack()

    assert (nobody, first, race.winner) == ("", "knight 3", "knight 3")
    assert reason_of(caught.value) is Why.OVER
    assert summary(camp.world)["winner"] == "knight 3"


def test_after_ten_seconds_a_new_race_begins_for_all_alike() -> None:
    """With the gold, weapons and wounds of those who have just come; deeds stay."""
    camp = Camp(knights=2)
    winner, other = camp.knights
    camp.gold(winner).amount, camp.stats(winner).kills = 250, 9
    camp.arms().weapon, camp.health(other).points = Weapon.AXE, 0
    camp.world.add_component(other, Fallen(camp.world.tick + 100_000))
    camp.run_ticks(600)
    is_on_too_soon = camp.world.single(Race).winner == ""
    camp.run_ticks(1)

    assert not is_on_too_soon
    assert camp.world.single(Race).winner == ""
    assert [camp.gold(knight).amount for knight in camp.knights] == [0, 0]
    assert [camp.health(knight).points for knight in camp.knights] == [100, 100]
    assert not camp.is_down(other)
    assert (camp.arms().weapon, camp.stats(winner).kills) == (Weapon.SWORD, 9)


def test_the_endless_game_has_no_end() -> None:
    """Gold is only gathered."""
    camp = Camp(played=endless)
    camp.gold().amount = 5000
    camp.run(seconds=15)

    assert camp.gold().amount == 5000
    assert camp.world.try_single(Race) is None
    assert "winner" not in summary(camp.world)
    camp.attack()
