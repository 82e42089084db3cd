"""The window: every screen can be drawn without a screen, at any size, and shows something."""

import os
from collections import Counter
from collections.abc import Iterator
from copy import copy
from types import SimpleNamespace
from typing import TypeVar, cast

import pytest

from ecsnet.clock import VirtualClock
from ecsnet.components import LobbyStage, Stage, Transform2D
from ecsnet.hosting import Host
from ecsnet.playfigures import PlayFigures
from ecsnet.runtime import RunningClient
from ecsnet.samples.soccer.components import Ball, Move
from ecsnet.samples.soccer.game import game
from ecsnet.samples.soccer.pitch import PLAYER_HALF, Phase, Team
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.statistics import Statistics
from ecsnet.virtualpath import MemoryPath, simulate_link, simulated_link
from tests.samples.soccer_ground import Ground

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
pytest.importorskip("pygame")

import pygame

from ecsnet.samples.soccer.controls import Controls
from ecsnet.samples.soccer.draw import OWN
from ecsnet.samples.soccer.window import Screen, ask, handle, main

T = TypeVar("T")
GHOST_WAY = 60.0  # units, from where something is drawn to where the server had it


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
        self.clock = VirtualClock()
        self.path = MemoryPath(VirtualNetwork(), ("ada", 1))
        self.statistics = Statistics(rtt_seconds=0.048, jitter_seconds=0.004, loss_sent=0.02)
        self.figures = PlayFigures(
            corrections=3,
            replayed_ticks=24,
            ahead_ticks=8,
            margin_ticks=1,
            speed=1.01,
            interpolation_delay_seconds=0.07,
        )
        self.predictor = SimpleNamespace(always_roll_back=False)
        self.pressed: list[Move] = []
        self.called: list[tuple[object, ...]] = []

    def view(self, *types: type) -> Iterator[tuple[int, object]]:
        """Show the components themselves."""
        yield from self.world.observe(*types)

    def confirmed(self, entity: int, component_type: type[T]) -> T | None:
        """Let the server have everything further down, but the ball, of which it told nothing yet."""
        if self.world.has_component(entity, Ball):
            return None
        told = copy(self.world.component_for_entity(entity, component_type))
        assert isinstance(told, Transform2D)
        told.y += GHOST_WAY
        return told

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

    def as_client(self) -> RunningClient:
        """Pass for a client."""
        return cast("RunningClient", self)


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
    screen.ghosts_shown = shown.get("ghosts_shown", False)
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


@pytest.mark.parametrize("moment", [*Phase, Stage.WAITING, Stage.COUNTDOWN, Stage.FINISHED])
@pytest.mark.parametrize("size", [(880, 490), (300, 600), (64, 48)])
def test_every_moment_can_be_drawn_at_any_size(moment: Phase | Stage, size: tuple[int, int]) -> None:
    """Also in windows nobody would play in."""
    ground = Ground(home=3, away=2).kick_off()
    ground.match.winner, ground.match.scoring_team = Team.HOME, Team.AWAY
    if isinstance(moment, Phase):
        ground.match.phase = moment
    else:
        lobby = ground.world.single(LobbyStage)
        lobby.stage, lobby.ends_tick = moment, ground.world.tick + 60
    ground.match.kicking_team, ground.match.phase_ends_tick = Team.HOME, ground.world.tick + 60
    surface = draw(FakeClient(ground, ground.home), size)

    assert len(colors(surface)) > 20


def test_the_overlays_change_the_picture() -> None:
    """Help on F1, the network graph on F3, ghosts on F5; and below the pitch stands what F4 and F6 switched on."""
    ground = Ground(home=1, away=1).kick_off()
    client = FakeClient(ground, ground.home)
    plain = colors(draw(client))

    assert colors(draw(client, help_shown=True)) != plain
    assert colors(draw(client, graph_shown=True)) != plain
    assert colors(draw(client, ghosts_shown=True)) != plain
    simulate_link(client.as_client(), Link.MOBILE)
    mobile = colors(draw(client))
    assert mobile != plain
    client.predictor.always_roll_back = True
    assert colors(draw(client)) not in (plain, mobile)


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
    main(client.as_client())

    assert len(client.pressed) == 3
    assert client.pressed[0] == Move()


def test_r_and_t_ask_the_server() -> None:
    """Ready, and the other team."""
    ground = Ground(home=1, away=1)
    client = FakeClient(ground, ground.home)
    ask(pygame.K_r, client.as_client())
    ask(pygame.K_t, client.as_client())

    assert client.called == [("set_ready", True), ("choose_team", Team.AWAY)]


def test_a_ghost_is_where_the_server_said() -> None:
    """Drawn in the color of one's own ring, and joined to the player by a thread; none of what nothing was told."""
    ground = Ground(home=1, away=1).kick_off()
    client = FakeClient(ground, ground.home)
    place = ground.world.component_for_entity(ground.home, Transform2D)

    plain, ghosts = draw(client), draw(client, ghosts_shown=True)  # one pixel a unit, 40 and 62 units from the corner

    x, y = round(place.x) + 40, round(place.y + GHOST_WAY) + 62
    edge = [(x + round(PLAYER_HALF) - 1, y + along) for along in range(-4, 5)]
    assert all(tuple(ghosts.get_at(pixel))[:3] == OWN for pixel in edge)
    assert not any(tuple(plain.get_at(pixel))[:3] == OWN for pixel in edge)
    assert tuple(ghosts.get_at((x, y - round(GHOST_WAY / 2) - 2)))[:3] == OWN


@pytest.fixture
def host() -> Host:
    """Start a match on a virtual clock, and let the player in."""
    host = Host(game, bots=1, clock=VirtualClock())
    assert host.player.run_until(lambda: host.player.is_ready, within_seconds=5)
    return host


def press_key(host: Host, screen: Screen, key: int) -> bool:
    """Let the window hear of a key."""
    return handle(pygame.event.Event(pygame.KEYDOWN, key=key), host.player, screen, Controls())


def test_keys_switch_on_and_off_what_the_screen_shows(host: Host) -> None:
    """F1, F3 and F5, each its own."""
    screen = Screen(pygame.Surface((880, 490)))
    for key in (pygame.K_F1, pygame.K_F3, pygame.K_F5):
        assert press_key(host, screen, key)
    assert (screen.help_shown, screen.net_graph.shown, screen.ghosts_shown) == (True, True, True)

    press_key(host, screen, pygame.K_F3)

    assert (screen.help_shown, screen.net_graph.shown, screen.ghosts_shown) == (True, False, True)
    assert not press_key(host, screen, pygame.K_ESCAPE)


def test_f4_goes_through_the_links_while_the_match_goes_on(host: Host) -> None:
    """Each for half a second, and every one of them can be drawn with all overlays; the bot's link stays as it is."""
    surface = pygame.Surface((880, 490))
    screen = Screen(surface)
    screen.net_graph.shown = screen.ghosts_shown = True
    links = []
    for _ in range(5):
        press_key(host, screen, pygame.K_F4)
        links.append(simulated_link(host.player))
        host.player.run_until(lambda: False, within_seconds=0.5)
        screen.draw(surface, host.player)

    assert links == [Link.LAN, Link.WIFI, Link.MOBILE, Link.AWFUL, Link.PERFECT]
    assert simulated_link(host.bots[0][0]) == Link.PERFECT
    assert host.player.disconnected is None


def test_after_a_link_of_ones_own_f4_begins_with_none(host: Host) -> None:
    """As `--loss 0.1` makes one: it has no name, and no place among the others."""
    simulate_link(host.player, Link(loss=0.1))
    screen = Screen(pygame.Surface((880, 490)))

    press_key(host, screen, pygame.K_F4)

    assert simulated_link(host.player) == Link.PERFECT


def test_f6_lets_the_client_always_roll_back(host: Host) -> None:
    """And again, as usual."""
    screen, switched = Screen(pygame.Surface((880, 490))), []
    for _ in range(2):
        press_key(host, screen, pygame.K_F6)
        switched.append(host.player.predictor.always_roll_back)

    assert switched == [True, False]
