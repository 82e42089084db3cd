"""The window: every screen can be drawn without a screen, at any size, and shows something."""

import os
from collections import Counter
from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from ecsnet import Client
from ecsnet.runtime import RunningClient
from ecsnet.samples.soccer.components import Move
from ecsnet.samples.soccer.pitch import Phase, Team
from tests.samples.soccer_ground import Ground

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
pytest.importorskip("pygame")

import pygame

from ecsnet.samples.soccer.window import Screen, ask, main


class FakeClient:
    """Stands for a client: shows a Ground's World as it is."""

    def __init__(self, ground: Ground, entity: int | None) -> None:
        """Look through the eyes of one player."""
        self.ground = ground
        self.world = ground.world
        self.entity = entity
        self.name = "Ada"
        self.is_ready = True
        self.progress = 0.5
        self.disconnected: tuple[object, str] | None = None
        self.statistics = SimpleNamespace(rtt_seconds=0.048, jitter_seconds=0.004, loss_sent=0.02, loss_received=0.0)
        self.pressed: list[Move] = []
        self.called: list[tuple[object, ...]] = []

    def view(self, *types: type) -> Iterator[tuple[int, object]]:
        """Show the components themselves."""
        yield from self.world.observe(*types)

    def press(self, move: Move) -> None:
        """Keep what was pressed."""
        self.pressed.append(move)

    def update(self) -> None:
        """Let a tick pass; after three, ask for the end."""
        self.ground.run(ticks=1)
        if len(self.pressed) == 3:
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE))

    def call(self, function: object, *args: object) -> None:
        """Keep what was called."""
        self.called.append((getattr(function, "name", ""), *args))

    def as_client(self) -> Client:
        """Pass for a Client."""
        return cast("Client", self)


@pytest.fixture(autouse=True)
def _pygame() -> Iterator[None]:
    pygame.init()
    yield
    pygame.quit()


def colors(surface: pygame.Surface) -> Counter[tuple[int, ...]]:
    """Count the colors of every fourth pixel."""
    width, height = surface.get_size()
    return Counter(tuple(surface.get_at((x, y))) for x in range(0, width, 4) for y in range(0, height, 4))


def draw(client: FakeClient, size: tuple[int, int] = (880, 490), **shown: bool) -> pygame.Surface:
    """Draw one frame."""
    surface = pygame.Surface(size)
    screen = Screen(surface)
    screen.help_shown = shown.get("help_shown", False)
    screen.net_graph.shown = shown.get("graph_shown", False)
    screen.draw(surface, client.as_client())
    return surface


def test_a_match_shows_grass_both_teams_and_the_ball() -> None:
    """Not blank, and what matters is where it belongs."""
    ground = Ground(home=2, away=2).kick_off()
    ground.put_ball(400.0, 300.0)
    surface = draw(FakeClient(ground, ground.home))
    found = colors(surface)

    assert len(found) > 200
    assert found.most_common(1)[0][1] < 0.5 * found.total()
    ball = surface.get_at((400 + 40, 300 + 62))
    assert min(ball[:3]) > 40


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("size", [(880, 490), (300, 600), (64, 48)])
def test_every_phase_can_be_drawn_at_any_size(phase: Phase, size: tuple[int, int]) -> None:
    """Also in windows nobody would play in."""
    ground = Ground(home=3, away=2).kick_off()
    ground.match.phase, ground.match.winner, ground.match.scoring_team = phase, Team.HOME, Team.AWAY
    ground.match.kicking_team, ground.match.phase_ends_tick = Team.HOME, ground.world.tick + 60
    surface = draw(FakeClient(ground, ground.home), size)

    assert len(colors(surface)) > 20


def test_the_overlays_change_the_picture() -> None:
    """Help on F1, the network graph on F3."""
    ground = Ground(home=1, away=1).kick_off()
    client = FakeClient(ground, ground.home)
    plain = colors(draw(client))

    assert colors(draw(client, help_shown=True)) != plain
    assert colors(draw(client, graph_shown=True)) != plain


@pytest.mark.parametrize("joined", [False, True])
def test_there_is_a_screen_while_connecting_and_after_the_end(joined: bool) -> None:  # noqa: FBT001  # of pytest
    """A person always sees what is going on."""
    client = FakeClient(Ground(), None)
    client.is_ready = joined
    client.disconnected = (SimpleNamespace(name="TIMEOUT"), "nothing heard for 10 s") if joined else None

    assert len(colors(draw(client))) > 20


def test_the_loop_presses_updates_draws_and_ends_on_escape() -> None:
    """With SDL's dummy driver, as on a machine without a screen."""
    client = FakeClient(Ground(home=1, away=1), None)
    main(cast("RunningClient", client))

    assert len(client.pressed) == 3
    assert client.pressed[0] == Move()


def test_r_and_t_ask_the_server() -> None:
    """Ready, and the other team."""
    ground = Ground(home=1, away=1)
    client = FakeClient(ground, ground.home)
    ask(pygame.K_r, client.as_client())
    ask(pygame.K_t, client.as_client())

    assert client.called == [("set_ready", True), ("choose_team", Team.AWAY)]
