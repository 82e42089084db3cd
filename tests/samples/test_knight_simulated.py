"""Knight between a real server and real clients, on virtual networks: every blow counts once, and only one's own."""

from collections import Counter

import pytest

from ecsnet.client import Client
from ecsnet.clock import VirtualClock
from ecsnet.components import Player
from ecsnet.hosting import Host
from ecsnet.rpc import RefusalCode, Reply
from ecsnet.samples.knight.battle import attack_random_barbarian
from ecsnet.samples.knight.bot import KnightBot
from ecsnet.samples.knight.components import (
    Barbarian,
    BarbarianFell,
    BattleResult,
    Fallen,
    Gold,
    Health,
    Knight,
    KnightFell,
    Race,
    RaceWon,
    Stats,
)
from ecsnet.samples.knight.game import endless, game
from ecsnet.samples.knight.market import buy, heal
from ecsnet.samples.knight.refusals import Why, why
from ecsnet.samples.knight.rules import Weapon
from ecsnet.testing.network import Link
from ecsnet.testing.plugin import Simulate
from ecsnet.testing.simulation import Simulation

SEEDS = range(20)
TWICE = Link(loss=0.2, duplicate=0.5, reorder=0.2, latency_seconds=0.05, jitter_seconds=0.03)


def own(client: Client) -> int:
    """Return a client's own knight, as it calls it."""
    assert client.entity is not None
    return client.entity


def attack(client: Client, name: str = "slash") -> Reply[BattleResult]:
    return client.call(attack_random_barbarian, own(client), name)


def knight_of(sim: Simulation, client: Client) -> int:
    """Return a client's knight, as the server calls it."""
    return next(
        entity for entity, player in sim.server.world.get_component(Player) if player.client_id == client.client_id
    )


def stats_of(sim: Simulation, client: Client) -> Stats:
    return sim.server.world.component_for_entity(knight_of(sim, client), Stats)


def gold_of(sim: Simulation, client: Client) -> Gold:
    return sim.server.world.component_for_entity(knight_of(sim, client), Gold)


def health_of(sim: Simulation, client: Client) -> Health:
    return sim.server.world.component_for_entity(knight_of(sim, client), Health)


def let_all_stand(sim: Simulation) -> None:
    """Mend knights and barbarians, so that there is always somebody to fight and to be fought."""
    for entity, health in sim.server.world.get_component(Health):
        health.points = health.most
        sim.server.world.remove_component(entity, Fallen)


def run_until_answered(sim: Simulation, *replies: Reply[BattleResult]) -> None:
    sim.run_until(lambda: all(reply.done for reply in replies), within_seconds=20)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("link", [Link.POOR, TWICE], ids=["poor", "twice"])
def test_an_attack_counts_once_however_often_it_arrives(simulate: Simulate, link: Link, seed: int) -> None:
    """Lost calls are repeated and some arrive twice: the server fights as often as the player said."""
    sim = simulate(endless, clients=2, link=link, seed=seed)
    fighter, watcher = sim.clients
    replies = []
    for _ in range(4):
        replies.append(attack(fighter))
        run_until_answered(sim, *replies)
        sim.run(seconds=0.6)
    sim.run(seconds=7)  # who fell stands again, and everybody has heard of it
    results = [reply.value for reply in replies]

    assert stats_of(sim, fighter).battles == 4
    assert stats_of(sim, fighter).wins == sum(result.won for result in results)
    assert gold_of(sim, fighter).amount == sum(result.gold for result in results)
    assert health_of(sim, fighter).points == 100 - sum(result.health for result in results)
    assert all(fighter.world.has_component(result.barbarian, Barbarian) for result in results)
    assert stats_of(sim, watcher).battles == 0
    sim.assert_converged()


@pytest.mark.parametrize("seed", SEEDS)
def test_nobody_commands_anothers_knight(simulate: Simulate, seed: int) -> None:
    """What a client may do, it may do with its own knight alone; the refusal is no reason to close the connection."""
    sim = simulate(endless, clients=2, link=Link.POOR, seed=seed)
    thief, victim = sim.clients
    gold_of(sim, victim).amount, health_of(sim, victim).points = 100, 50
    sim.run_until(lambda: len(thief.world.observe(Player)) == 2, within_seconds=5)
    target = next(entity for entity, _ in thief.world.observe(Player) if entity != thief.entity)
    replies: list[Reply[BattleResult] | Reply[int] | Reply[None]] = [
        thief.call(attack_random_barbarian, target, "slash"),
        thief.call(heal, target),
        thief.call(buy, target, Weapon.AXE),
        thief.call(attack_random_barbarian, next(entity for entity, _ in thief.world.observe(Barbarian)), "slash"),
        thief.call(attack_random_barbarian, 0, "slash"),
    ]
    sim.run_until(lambda: all(reply.done for reply in replies), within_seconds=20)
    sim.run(seconds=1)

    assert [reply.refusal.code for reply in replies if reply.refusal] == [RefusalCode.NOT_OWNER] * 5
    assert (gold_of(sim, victim).amount, health_of(sim, victim).points) == (100, 50)
    assert (stats_of(sim, victim).battles, stats_of(sim, thief).battles) == (0, 0)
    assert thief.disconnected is None


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_a_hundred_calls_a_second_are_no_faster_than_two(simulate: Simulate, seed: int, transport: str) -> None:
    """Whoever types by program is out of breath as everybody is; each call too many is answered, and costs nothing."""
    sim = simulate(endless, clients=1, link=Link.POOR, seed=seed, transport=transport)
    fighter = sim.clients[0]
    replies: list[Reply[BattleResult]] = []
    for step in range(300):
        replies += [attack(fighter) for _ in range(2 if step % 3 else 1)]
        let_all_stand(sim)
        sim.step()
    sim.run_until(lambda: all(reply.done for reply in replies), within_seconds=60)
    reasons = Counter(why(reply.refusal.text)[0] for reply in replies if reply.refusal)

    assert len(replies) == 500
    assert stats_of(sim, fighter).battles == 500 - reasons.total()
    assert 1 <= stats_of(sim, fighter).battles <= sim.server.world.tick // 30
    assert reasons.keys() == {Why.COOLDOWN}


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_everybody_sees_and_hears_that_a_knight_fell_and_that_he_stands_again(simulate: Simulate, seed: int) -> None:
    """The event comes once to each, and only to who was there; what is, a late joiner sees too."""
    sim = simulate(endless, clients=2, link=Link.POOR, seed=seed)
    fighter, watcher = sim.clients
    falls: dict[Client, list[KnightFell]] = {client: [] for client in sim.clients}

    def listen() -> None:
        for client in sim.clients:
            falls.setdefault(client, [])
            falls[client] += [event for event in client.events() if isinstance(event, KnightFell)]

    sim.before_each_step(listen)
    while not falls[watcher]:
        health_of(sim, fighter).points = 1
        run_until_answered(sim, attack(fighter))
        sim.run(seconds=0.6)
    late = sim.join(wait=True)
    seen = [client.world.observe(Fallen, Player) for client in sim.clients]
    sim.run(seconds=6)

    assert [[player.name for _, (_, player) in rows] for rows in seen] == [["player-1"]] * 3
    assert [[(event.name, event.knight) for event in falls[client]] for client in (fighter, watcher)] == [
        [("player-1", own(fighter))],
        [("player-1", next(entity for entity, _ in watcher.world.observe(Knight) if entity != watcher.entity))],
    ]
    assert falls[late] == []
    assert [len(client.world.observe(Fallen, Knight)) for client in sim.clients] == [0, 0, 0]
    assert health_of(sim, fighter).points == 100
    sim.assert_converged()


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_bots_race_to_two_hundred_gold_and_one_of_them_wins(simulate: Simulate, seed: int) -> None:
    """Everybody hears who, once, and sees the same; then the next race begins."""
    sim = simulate(game, clients=3, link=Link.POOR, seed=seed)
    bots = {client: KnightBot() for client in sim.clients}
    heard: dict[Client, list[object]] = {client: [] for client in sim.clients}

    def play() -> None:
        for client, bot in bots.items():
            bot.decide(client)
            heard[client] += [event for event in client.events() if isinstance(event, RaceWon | BarbarianFell)]

    sim.before_each_step(play)
    for _, gold in sim.server.world.get_component(Gold):
        gold.amount = 150  # the way to there takes a minute
    race = sim.server.world.single(Race)
    sim.run_until(lambda: bool(race.winner), within_seconds=120)
    winner = race.winner
    sim.run(seconds=2)
    won = [[event for event in events if isinstance(event, RaceWon)] for events in heard.values()]
    kills = [sum(isinstance(event, BarbarianFell) for event in events) for events in heard.values()]

    assert [[event.name for event in events] for events in won] == [[winner]] * 3
    assert won[0][0].gold >= 200
    assert [client.world.single(Race).winner for client in sim.clients] == [winner] * 3
    assert kills == [sum(stats_of(sim, client).kills for client in sim.clients)] * 3
    sim.run(seconds=10)
    assert race.winner == ""


@pytest.mark.slow
def test_the_player_who_hosts_plays_as_everybody_else() -> None:
    """Server, player and bots in one process: a minute of it has blows and falls, and the host's own attack counts."""
    host = Host(endless, bots=3, clock=VirtualClock(), seed=3)
    player = host.player
    assert player.run_until(lambda: player.is_ready, within_seconds=5)
    reply = attack(player)
    assert player.run_until(lambda: reply.done, within_seconds=1)
    player.run_until(lambda: False, within_seconds=30)
    score = host.report()["score"]

    assert reply.ok
    assert isinstance(score, dict)
    assert score["kills"] > 3
    assert score["gold"] > 50
    assert len(player.world.observe(Gold)) == 1
