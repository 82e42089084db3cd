"""The pytest plugin, as a game author meets it."""

import pytest

from ecsnet.config import ClientConfig, ServerConfig
from ecsnet.samples.hello.game import game
from ecsnet.testing.plugin import Simulate

pytest_plugins = ["pytester"]

TEST_OF_A_GAME = """
from ecsnet.samples.hello.game import Move, game
from ecsnet.testing.network import Link

def test_it(simulate):
    sim = simulate(game, clients=2, link=Link.WIFI, seed=41)
    sim.clients[0].press(Move(dx=1))
    sim.run(seconds=1)
    assert sim.seed == {expected}
"""


def test_a_passing_simulation_says_nothing(pytester: pytest.Pytester) -> None:
    """The fixture is there without an import, and quiet."""
    pytester.makepyfile(TEST_OF_A_GAME.format(expected=41))
    result = pytester.runpytest_subprocess()

    result.assert_outcomes(passed=1)
    assert "replay" not in result.stdout.str()


def test_a_failing_simulation_prints_its_seed_and_how_to_replay_it(pytester: pytest.Pytester) -> None:
    """A failure that cannot be replayed cannot be understood."""
    pytester.makepyfile(TEST_OF_A_GAME.format(expected=0))
    result = pytester.runpytest_subprocess()

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*seed=41*", "replay: python -m pytest *::test_it* --ecsnet-seed=41"])


def test_the_seed_can_be_chosen_from_outside(pytester: pytest.Pytester) -> None:
    """What the replay command says is what happens."""
    pytester.makepyfile(TEST_OF_A_GAME.format(expected=7))

    pytester.runpytest_subprocess("--ecsnet-seed=7").assert_outcomes(passed=1)


def test_both_ends_can_be_configured(simulate: Simulate) -> None:
    """A game that bears more silence than usual is tested as it will be served."""
    server_config, client_config = ServerConfig(input_hold_seconds=0.4), ClientConfig(input_delay_ticks=3)
    sim = simulate(game, server_config=server_config, client_config=client_config)

    assert sim.server.config.input_hold_seconds == server_config.input_hold_seconds
    assert [client.config for client in sim.clients] == [client_config]
