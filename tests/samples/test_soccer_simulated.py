"""Soccer between a real server and real clients, on virtual networks."""

import random

import pytest

from ecsnet.client import Client
from ecsnet.components import LobbyStage, Player, Seat, Stage, Transform2D
from ecsnet.errors import SchemaError
from ecsnet.samples.soccer.bot import SoccerBot
from ecsnet.samples.soccer.components import Footballer, Match, Move
from ecsnet.samples.soccer.game import game
from ecsnet.samples.soccer.pitch import Phase, Team
from ecsnet.systems.lobby import choose_team, set_ready
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation


def let_bots_play(sim: Simulation) -> None:
    """Give every client that is there a bot."""
    bots = {client: SoccerBot() for client in sim.clients}

    def press() -> None:
        for client, bot in bots.items():
            if client in sim.clients:
                client.press(bot.decide(client))

    sim.before_each_step(press)


def match_of(sim: Simulation) -> Match:
    """Return the server's match."""
    return sim.server.world.single(Match)


def stage_of(sim: Simulation) -> Stage:
    """Return where the server's lobby stands; a call, since it changes behind a type checker's back."""
    return sim.server.world.single(LobbyStage).stage


def own_place(client: Client) -> Transform2D:
    """Return where a client believes to be."""
    assert client.entity is not None
    return client.world.component_for_entity(client.entity, Transform2D)


def own_side(client: Client) -> Team:
    """Return the side a client believes to be on."""
    assert client.entity is not None
    return Team(client.world.component_for_entity(client.entity, Seat).team)


def server_place(sim: Simulation, client: Client) -> Transform2D:
    """Return where the server has a client's player."""
    entity = next(entity for entity, _ in sim.server.world.get_component(Footballer) if is_of(sim, entity, client))
    return sim.server.world.component_for_entity(entity, Transform2D)


def is_of(sim: Simulation, entity: int, client: Client) -> bool:
    """Tell whether an entity of the server's World is a client's player."""
    return sim.server.world.component_for_entity(entity, Player).client_id == client.client_id


@pytest.mark.parametrize("seed", range(2))
def test_bots_get_ready_play_and_score_over_a_bad_network(seed: int, transport: str) -> None:
    """10 % loss and 150 ms: everybody sees the same score.

    Over a stream every loss holds up all that is behind it; the bots need up to three minutes then.
    """
    sim = Simulation(game, clients=2, link=Link.POOR, seed=seed, transport=transport)
    let_bots_play(sim)
    patience = 120 if transport == "udp" else 300
    sim.run_until(lambda: match_of(sim).home + match_of(sim).away > 0, within_seconds=patience)
    sim.run(seconds=patience / 60)
    expected = match_of(sim).home, match_of(sim).away

    assert [(client.world.single(Match).home, client.world.single(Match).away) for client in sim.clients] == [
        expected
    ] * 2


def test_a_person_and_a_bot_start_a_match(transport: str) -> None:
    """The bot is ready at once; the match waits for the person alone."""
    sim = Simulation(game, clients=2, transport=transport)
    person, other = sim.clients
    bot = SoccerBot()
    sim.before_each_step(lambda: other.press(bot.decide(other)))
    sim.run(seconds=2)
    assert stage_of(sim) is Stage.WAITING
    reply = person.call(set_ready, True)  # as on the wire
    sim.run_until(lambda: stage_of(sim) is Stage.COUNTDOWN, within_seconds=1)
    sim.run(seconds=0.2)

    assert reply.ok


def test_sides_are_chosen_in_the_lobby_only(transport: str) -> None:
    """And everybody sees it."""
    sim = Simulation(game, clients=2, transport=transport)
    first, second = sim.clients
    side = own_side(first)
    assert own_side(second) is side.opponent
    first.call(choose_team, side.opponent)
    sim.run(seconds=0.5)
    assert [seat.team for _, seat in second.world.observe(Seat)] == [side.opponent, side.opponent]
    sim.server.world.single(LobbyStage).stage = Stage.RUNNING
    sim.run(seconds=0.5)
    reply = first.call(choose_team, side)
    sim.run(seconds=0.5)

    assert reply.refusal is not None
    assert "match is on" in reply.refusal.text


@pytest.mark.parametrize("link", [Link.PERFECT, Link.POOR], ids=["perfect", "poor"])
def test_what_a_player_predicts_is_what_the_server_finds(link: Link, transport: str) -> None:
    """Whoever runs into nobody is never corrected by more than late inputs cause, and by nothing once he stands."""
    sim = Simulation(game, clients=2, link=link, seed=3, transport=transport)
    player = sim.clients[0]
    dice = random.Random(3)  # a test's dice
    for _ in range(40):
        player.press(Move(dice.randint(-1, 1), dice.randint(-1, 1), dice.random() < 0.3))
        sim.run(seconds=0.25)
    player.press(Move())
    sim.run(seconds=1 if transport == "udp" else 4)  # a stream repeats what was lost before it goes on
    place, truth = own_place(player), server_place(sim, player)

    assert (place.x, place.y) == (truth.x, truth.y)


def test_a_cheat_cannot_even_be_pressed(transport: str) -> None:
    """Five times the speed has no encoding."""
    sim = Simulation(game, clients=1, transport=transport)

    with pytest.raises(SchemaError):
        sim.clients[0].press(Move(move_x=5))


def test_the_match_goes_on_when_somebody_is_gone(transport: str) -> None:
    """A killed client's body leaves, the others see that, and after ten seconds his side has lost."""
    sim = Simulation(game, clients=2, link=Link.LAN, seed=1, transport=transport)
    let_bots_play(sim)
    sim.run_until(lambda: match_of(sim).phase is Phase.PLAY, within_seconds=10)
    side = own_side(sim.clients[0])
    sim.kill(sim.clients[1])
    sim.run_until(lambda: stage_of(sim) is Stage.FINISHED, within_seconds=60)
    sim.run(seconds=1)

    assert match_of(sim).winner is side
    assert len(sim.clients[0].world.observe(Footballer)) == 1


def test_the_seventh_watches(transport: str) -> None:
    """Six play; whoever comes later sees them all and has no body."""
    sim = Simulation(game, clients=7, link=Link.LAN, seed=1, transport=transport)
    sim.run(seconds=1)
    last = sim.clients[6]
    seats = [seat.team for _, seat in last.world.observe(Seat)]

    assert sorted(seats) == [0, 1, 1, 1, 2, 2, 2]
    assert len(last.world.observe(Footballer)) == 6


def test_the_same_seed_gives_the_same_match_bad_network_and_all(transport: str) -> None:
    """A failure can be played again."""

    def play(seed: int) -> str:
        sim = Simulation(game, clients=2, link=Link.POOR, seed=seed, transport=transport)
        let_bots_play(sim)
        sim.run(seconds=12)
        world = sim.server.world
        return repr([(entity, world.components_for_entity(entity)) for entity in world.entities()])

    assert play(5) == play(5)
    assert play(5) != play(6)
