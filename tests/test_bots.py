"""Bots, and what a game names by a text."""

import pytest

from ecsnet.bots import Participant, Wanderer, load_reference, make_bot, press
from ecsnet.errors import SchemaError
from ecsnet.game import Game
from ecsnet.testing.plugin import Simulate


def test_a_game_without_a_bot_gets_one_that_wanders() -> None:
    """So every game can be watched."""
    assert isinstance(make_bot(Game("g"), seed=1), Wanderer)


@pytest.mark.parametrize(
    ("reference", "text"),
    [
        ("ecsnet.nowhere:Bot", "the game's bot is 'ecsnet.nowhere:Bot', but there is no module ecsnet.nowhere; is its"),
        ("ecsnet.bots:Nobody", "but ecsnet.bots has no Nobody that could be called"),
        ("ecsnet.bots:CHANGE_SECONDS", "but ecsnet.bots has no CHANGE_SECONDS that could be called"),
    ],
)
def test_a_reference_to_nothing_is_told(reference: str, text: str) -> None:
    """What was named, and what is not there."""
    with pytest.raises(SchemaError) as caught:
        load_reference(reference, "bot")

    assert text in str(caught.value)


class Greeter:
    """A bot that notes whom it decides for."""

    def __init__(self) -> None:
        self.met: list[Participant] = []

    def decide(self, client: Participant) -> None:
        self.met.append(client)


def test_a_bot_plays_a_game_that_has_nothing_to_press(simulate: Simulate) -> None:
    """It acts by calls; only what it returns is of no use then."""
    sim, bot = simulate(Game("g")), Greeter()

    press(sim.clients[0], bot)

    assert bot.met == sim.clients


def test_a_bot_that_cannot_decide_is_told() -> None:
    """Before the first tick, and with its name; not as an AttributeError from inside."""
    with pytest.raises(
        SchemaError, match=r"the game's bot is 'tests\.test_bots:make_nobody', but a \w+ has no decide\(client\)"
    ):
        make_bot(Game("g", bot="tests.test_bots:make_nobody"), seed=1)


def make_nobody() -> object:
    """Make a bot that is none."""
    return object()
