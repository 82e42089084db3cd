"""The pytest plugin: the `simulate` fixture, and the seed and replay command under a failing simulation."""

from collections.abc import Generator
from typing import Protocol

import pytest

from ecsnet.accounts import Accounts
from ecsnet.arrival import Accept
from ecsnet.config import ClientConfig, ServerConfig
from ecsnet.game import Game
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation

__all__ = ["Simulate"]

_SIMULATIONS = pytest.StashKey[list[Simulation]]()


class Simulate(Protocol):
    """The type of the `simulate` fixture."""

    def __call__(
        self,
        game: Game,
        *,
        clients: int = 1,
        link: Link = Link.PERFECT,
        seed: int | None = None,
        transport: str = "udp",
        server_config: ServerConfig | None = None,
        client_config: ClientConfig | None = None,
        accounts: Accounts | None = None,
        accept: Accept | None = None,
    ) -> Simulation:
        """Make a Simulation, which says what these are; `--ecsnet-seed` goes before `seed`, which defaults to 0."""
        ...


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--ecsnet-seed`: it overrides the seed of every simulation, to replay a failure."""
    group = parser.getgroup("ecsnet")
    group.addoption("--ecsnet-seed", type=int, default=None, help="run every simulation with this seed")


@pytest.fixture
def simulate(request: pytest.FixtureRequest) -> Simulate:
    """Make simulations of a game: server, clients and a bad network on a virtual clock."""
    made: list[Simulation] = []
    request.node.stash[_SIMULATIONS] = made
    override: int | None = request.config.getoption("--ecsnet-seed")

    def make(
        game: Game,
        *,
        clients: int = 1,
        link: Link = Link.PERFECT,
        seed: int | None = None,
        transport: str = "udp",
        server_config: ServerConfig | None = None,
        client_config: ClientConfig | None = None,
        accounts: Accounts | None = None,
        accept: Accept | None = None,
    ) -> Simulation:
        simulation = Simulation(
            game,
            clients=0,
            link=link,
            seed=override if override is not None else (seed or 0),
            transport=transport,
            server_config=server_config,
            client_config=client_config,
            accounts=accounts,
            accept=accept,
        )
        made.append(simulation)  # before anybody joins, so that a failing join shows its seed, too
        simulation.add_clients(clients)
        return simulation

    return make


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.CallInfo[None], None]:
    """Print under a failed test which seeds it ran with and the command that replays it."""
    outcome = yield
    report = outcome.get_result()  # type: ignore[attr-defined]  # pluggy's Result, which its hookwrapper typing hides
    simulations = item.stash.get(_SIMULATIONS, [])
    if report.failed and simulations:
        lines = [f"{simulation!r}" for simulation in simulations]
        seed = simulations[-1].seed
        lines.append(f"replay: python -m pytest {item.nodeid!r} --ecsnet-seed={seed}")
        report.sections.append(("ecsnet simulation", "\n".join(lines)))
