"""Chat: who hears what, and what nobody can be made to hear."""

import pytest

from ecsnet import Client, Game, System, World
from ecsnet.components import Player, Seat, Team
from ecsnet.errors import SchemaError
from ecsnet.rpc import RefusalCode
from ecsnet.systems import Said, say
from ecsnet.systems.chat import MAX_TEXT_BYTES, clean_text
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation


class Teams(System):
    """Odd clients are in team 1, even ones in team 2; the seventh is in none."""

    def process(self, world: World) -> None:
        for entity, player in world.added(Player):
            if player.client_id < 7:
                world.add_component(entity, Seat(team=2 - player.client_id % 2))


game = Game("club", systems=[Teams], rpcs=[say], events=[Said])


def heard(client: Client) -> list[tuple[str, str, bool]]:
    """Return what a client heard since it was last asked: who, what, and whether it was for the team."""
    return [(event.name, event.text, event.to_team) for event in client.events() if isinstance(event, Said)]


@pytest.mark.parametrize("seed", range(3))
def test_everybody_hears_it_once_and_in_order(seed: int, transport: str) -> None:
    """Whatever the network loses; the speaker as well, so he knows that it has arrived."""
    sim = Simulation(game, clients=3, link=Link.POOR, seed=seed, transport=transport)
    sim.clients[0].call(say, "hello")
    sim.run(seconds=1.5)
    sim.clients[0].call(say, "is anybody there?")
    sim.run(seconds=6)

    assert [heard(client) for client in sim.clients] == [
        [("player-1", "hello", False), ("player-1", "is anybody there?", False)]
    ] * 3


def test_what_is_for_the_team_stays_in_it() -> None:
    """It is not even sent to the others."""
    sim = Simulation(game, clients=4)
    sim.clients[0].call(say, "go left", True)  # as on the wire
    sim.run(seconds=0.5)

    said = [("player-1", "go left", True)]
    assert [heard(client) for client in sim.clients] == [said, [], said, []]


def test_a_team_component_counts_before_the_seat() -> None:
    """As it does for fields of the team."""
    sim = Simulation(game, clients=3)
    world = sim.server.world
    for client in sim.clients[1:]:
        world.add_component(sim.server.peers[client.client_id].entity, Team(9))
    sim.run(seconds=0.2)
    sim.clients[1].call(say, "psst", True)  # as on the wire
    sim.run(seconds=0.5)

    assert [len(heard(client)) for client in sim.clients] == [0, 1, 1]


def test_who_is_in_no_team_cannot_talk_to_it() -> None:
    """He is told so, and may talk to all."""
    sim = Simulation(game, clients=7)
    reply = sim.clients[6].call(say, "psst", True)  # as on the wire
    sim.run(seconds=0.5)

    assert reply.refusal is not None
    assert reply.refusal.text == "you are in no team"


def test_the_speaker_is_known_by_his_entity_and_by_name() -> None:
    """The entity is each client's own number for it; the name lasts longer."""
    sim = Simulation(game, clients=2)
    speaker, listener = sim.clients
    speaker.call(say, "hello")
    sim.run(seconds=0.5)
    [said] = [event for event in listener.events() if isinstance(event, Said)]

    assert listener.world.component_for_entity(said.player, Player).client_id == speaker.client_id


def test_a_flood_is_refused() -> None:
    """More than two lines a second reach nobody."""
    sim = Simulation(game, clients=2)
    replies = []
    for number in range(40):
        replies.append(sim.clients[0].call(say, f"buy gold {number}"))
        sim.run(seconds=0.1)
    sim.run(seconds=0.5)

    assert len(heard(sim.clients[1])) == sum(reply.ok for reply in replies)
    assert 8 <= sum(reply.ok for reply in replies) <= 10
    assert {reply.refusal.code for reply in replies if reply.refusal} == {RefusalCode.RATE}


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "\x07\x1b", "\u202e"])
def test_nothing_is_not_said(text: str) -> None:
    """An empty line with a name before it is only noise."""
    sim = Simulation(game, clients=1)
    reply = sim.clients[0].call(say, text)
    sim.run(seconds=0.5)

    assert reply.refusal is not None
    assert heard(sim.clients[0]) == []


def test_the_longest_text_is_said_and_a_longer_one_is_the_callers_mistake() -> None:
    """An input line stops before."""
    sim = Simulation(game, clients=1)
    longest = "ä" * (MAX_TEXT_BYTES // 2)
    sim.clients[0].call(say, longest)
    sim.run(seconds=0.5)
    assert heard(sim.clients[0]) == [("player-1", longest, False)]

    with pytest.raises(SchemaError, match="text"):
        sim.clients[0].call(say, longest + "!")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("  well   played ", "well played"),
        ("one\ntwo\r\nthree", "one two three"),
        ("\x1b[31mred\x07", "[31mred"),
        ("abc\u202ecba", "abccba"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("Größe, 速い, 🎉", "Größe, 速い, 🎉"),
        ("non\u00a0breaking\u2003spaces", "non breaking spaces"),
        ("\ud800", ""),
    ],
)
def test_a_text_is_one_line_of_what_can_be_seen(typed: str, said: str) -> None:
    """Terminals obey escapes, and a line break could pretend to be somebody else's line."""
    assert clean_text(typed) == said
