"""The window: every screen can be drawn without a screen, at any size, and shows something."""

import os
from collections import Counter
from collections.abc import Iterator
from copy import copy
from types import SimpleNamespace
from typing import TypeVar, cast

import pytest

from ecsnet.clock import VirtualClock
from ecsnet.components import LobbyStage, Player, PlayerStatus, RoomInfo, Stage, Transform2D
from ecsnet.config import ClientConfig
from ecsnet.events import ClientStatus
from ecsnet.hosting import Host
from ecsnet.playfigures import PlayFigures
from ecsnet.protocol import DisconnectReason
from ecsnet.retry import Retry
from ecsnet.rpc import RefusalCode, Reply
from ecsnet.runtime import RunningClient
from ecsnet.samples.soccer.components import Ball, Move, Tally
from ecsnet.samples.soccer.game import game
from ecsnet.samples.soccer.happenings import GoalScored
from ecsnet.samples.soccer.pitch import PLAYER_HALF, Phase, Team
from ecsnet.systems import Said
from ecsnet.systems.chat import MAX_TEXT_BYTES
from ecsnet.testing.network import Link, VirtualNetwork
from ecsnet.transport.statistics import Statistics
from ecsnet.virtualpath import MemoryPath, simulate_link, simulated_link
from tests.samples.soccer_ground import Ground

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
pytest.importorskip("pygame")

import pygame

from ecsnet.samples.soccer.colors import OWN
from ecsnet.samples.soccer.controls import Controls
from ecsnet.samples.soccer.window import Screen, handle, main

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
        self.status = ClientStatus.CONNECTED
        self.retrying: Retry | None = None
        self.room: RoomInfo | None = None
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
        self.replies: list[Reply[object]] = []
        self.heard: list[object] = []

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
        """Let a tick pass; from the third on, ask for the end."""
        self.ground.run(ticks=1)
        if len(self.pressed) >= 3:
            pygame.event.post(pygame.event.Event(pygame.KEYDOWN, key=pygame.K_ESCAPE))

    def call(self, function: object, *args: object) -> Reply[object]:
        """Keep what was called, and leave the answer to the test."""
        self.called.append((getattr(function, "name", ""), *args))
        self.replies.append(Reply())
        return self.replies[-1]

    def events(self) -> list[object]:
        """Tell what the test wants heard, once."""
        heard, self.heard = self.heard, []
        return heard

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


def test_a_lost_connection_is_told_over_the_last_picture() -> None:
    """What the client does about it, and for how long; the pitch is still to be seen."""
    ground = Ground(home=1, away=1).kick_off()
    client = FakeClient(ground, ground.home)
    plain = draw(client)
    lost = (DisconnectReason.TIMEOUT, "nothing heard for 10 s")
    client.status, client.retrying = ClientStatus.LOST, Retry(ClientConfig(), client.clock.now(), lost)
    first = draw(client)
    client.clock.advance(5.0)
    later = draw(client)

    assert tuple(first.get_at((440, 262))) != tuple(plain.get_at((440, 262)))
    assert tuple(first.get_at((100, 100))) == tuple(plain.get_at((100, 100)))
    assert colors(later) != colors(first)


def test_the_lobby_shows_the_code_of_its_room() -> None:
    """So that one can tell it to friends."""
    client = FakeClient(Ground(home=1), None)
    plain = colors(draw(client))
    client.room = RoomInfo(code="BCDFG")

    assert colors(draw(client)) != plain


def test_the_loop_presses_updates_draws_and_ends_on_escape() -> None:
    """With SDL's dummy driver, as on a machine without a screen."""
    client = FakeClient(Ground(home=1, away=1), None)
    main(client.as_client())

    assert len(client.pressed) == 3
    assert client.pressed[0] == Move()


def key(number: int) -> pygame.event.Event:
    """Return the event of a key that goes down."""
    return pygame.event.Event(pygame.KEYDOWN, key=number)


def button(number: int) -> pygame.event.Event:
    """Return the event of a gamepad's button that goes down."""
    return pygame.event.Event(pygame.JOYBUTTONDOWN, button=number)


def feed(client: FakeClient, screen: Screen, *events: pygame.event.Event) -> bool:
    """Let the window hear of events; return whether it stays open."""
    return all(handle(event, client.as_client(), screen, Controls()) for event in events)


@pytest.mark.parametrize(
    "events", [(key(pygame.K_r), key(pygame.K_t), key(pygame.K_v)), (button(7), button(3), button(6))]
)
def test_keys_and_buttons_ask_the_server(events: tuple[pygame.event.Event, ...]) -> None:
    """Ready, the other side, only watch: by keyboard and by gamepad."""
    ground = Ground(home=1, away=1)
    client = FakeClient(ground, ground.home)
    feed(client, Screen(pygame.Surface((880, 490))), *events)

    assert client.called == [("set_ready", True), ("choose_team", Team.AWAY), ("watch", True)]


def test_whoever_watches_asks_for_a_seat_by_either_key() -> None:
    """T means "I want to play", and V takes back that one only watches."""
    ground = Ground(home=1, away=1)
    seat = ground.seat(ground.home)
    seat.team, seat.watching = 0, True
    client = FakeClient(ground, ground.home)
    feed(client, Screen(pygame.Surface((880, 490))), key(pygame.K_t), key(pygame.K_v))

    assert client.called == [("watch", False), ("watch", False)]


def test_r_asks_for_a_rematch_after_a_match_and_for_nothing_during_one() -> None:
    """Nobody gets ready by accident, in the middle of play."""
    ground = Ground(home=1, away=1).kick_off()
    client, screen = FakeClient(ground, ground.home), Screen(pygame.Surface((880, 490)))
    feed(client, screen, key(pygame.K_r))
    assert client.called == []
    ground.match.home = 5
    ground.run_until(Stage.FINISHED)
    feed(client, screen, key(pygame.K_r))

    assert client.called == [("set_ready", True)]


def test_a_refusal_is_told_and_a_success_is_not() -> None:
    """What was asked for is seen when it happens; only why it does not is news."""
    ground = Ground(home=1, away=1)
    client, screen = FakeClient(ground, ground.home), Screen(pygame.Surface((880, 490)))
    feed(client, screen, key(pygame.K_t), key(pygame.K_r))
    screen.listen(client.as_client())
    assert not screen.news.lines
    client.replies[0].refuse(RefusalCode.REFUSED, "that team is full")
    client.replies[1].resolve(None)
    screen.listen(client.as_client())
    screen.listen(client.as_client())

    assert [line.text for line in screen.news.lines] == ["that team is full"]


@pytest.mark.parametrize("state", ["connecting", "lost", "disconnected"])
def test_without_a_connection_keys_ask_for_nothing(state: str) -> None:
    """There is nobody who could answer; help and the way out work."""
    ground = Ground(home=1, away=1)
    client, screen = FakeClient(ground, ground.home), Screen(pygame.Surface((880, 490)))
    client.is_ready = state != "connecting"
    client.status = ClientStatus(state)
    feed(client, screen, key(pygame.K_r), key(pygame.K_RETURN), button(7), key(pygame.K_F1))

    assert client.called == []
    assert not screen.typing.is_open
    assert screen.help_shown
    assert not feed(client, screen, key(pygame.K_ESCAPE))


def write(text: str) -> pygame.event.Event:
    """Return the event of typed text."""
    return pygame.event.Event(pygame.TEXTINPUT, text=text)


def test_enter_types_and_sends() -> None:
    """Letters write meanwhile instead of asking for things; Tab makes it for one's own side."""
    ground = Ground(home=1, away=1)
    client, screen = FakeClient(ground, ground.home), Screen(pygame.Surface((880, 490)))
    feed(client, screen, key(pygame.K_RETURN), key(pygame.K_r), write("r"), write("un"), key(pygame.K_TAB))
    feed(client, screen, key(pygame.K_BACKSPACE), write("n!"), key(pygame.K_RETURN))
    feed(client, screen, write("lost"), key(pygame.K_r))

    assert client.called == [("say", "run!", True), ("set_ready", True)]
    assert not screen.typing.is_open


@pytest.mark.parametrize("events", [(write("never mind"), key(pygame.K_ESCAPE)), (write("   "), key(pygame.K_RETURN))])
def test_escape_gives_the_line_up_and_leaves_the_window_open(events: tuple[pygame.event.Event, ...]) -> None:
    """As does Enter on an empty one."""
    ground = Ground(home=1, away=1)
    client, screen = FakeClient(ground, ground.home), Screen(pygame.Surface((880, 490)))

    assert feed(client, screen, key(pygame.K_RETURN), *events)
    assert client.called == []
    assert not screen.typing.is_open
    assert not feed(client, screen, key(pygame.K_ESCAPE))


def test_a_line_holds_what_the_server_takes() -> None:
    """And nothing that is no text."""
    typing = Screen(pygame.Surface((880, 490))).typing
    typing.open()
    typing.write("ä" * 500 + "\x07")
    full = typing.text
    typing.press(pygame.K_BACKSPACE)
    typing.write("bc")

    assert len(full.encode()) == MAX_TEXT_BYTES
    assert typing.text == full[:-1] + "bc"


def test_the_player_stands_still_while_he_types() -> None:
    """Else every w and space would be a move."""
    ground = Ground(home=1, away=1).kick_off()
    client = FakeClient(ground, ground.home)
    pygame.display.set_mode((100, 100))
    for event in (key(pygame.K_RETURN), write("w d")):
        pygame.event.post(event)
    main(client.as_client())

    assert client.pressed[0] == Move()


def test_the_chat_fades_and_comes_back_for_who_types() -> None:
    """What was said is read, and then in nobody's way."""
    ground = Ground(home=1, away=1).kick_off()
    client, surface = FakeClient(ground, ground.home), pygame.Surface((880, 490))
    screen = Screen(surface)

    def frame() -> Counter[tuple[int, ...]]:
        screen.listen(client.as_client())
        screen.draw(surface, client.as_client())
        return colors(surface)

    plain = frame()
    client.heard = [Said(ground.home, "Ada", "hello everybody, shall we play?")]
    fresh = frame()
    client.clock.advance(9.0)
    fading = frame()
    client.clock.advance(2.0)
    gone = frame()
    screen.typing.open()
    screen.typing.write("yes")

    assert len({tuple(sorted(each.items())) for each in (plain, fresh, fading)}) == 3
    assert gone == plain
    assert frame()[(250, 250, 250, 255)] > fresh[(250, 250, 250, 255)]


def test_a_goal_lights_up_the_goal_and_is_cheered_for_two_seconds() -> None:
    """From when the picture shows it: the event says so, not the score."""
    ground = Ground(home=1, away=1).kick_off()
    client, surface = FakeClient(ground, ground.home), pygame.Surface((880, 490))
    screen = Screen(surface)
    pictures = []
    client.heard = [GoalScored(Team.HOME, ground.home, own_goal=False, tick=1)]
    for seconds in (0.0, 1.0, 1.5):
        client.clock.advance(seconds)
        screen.listen(client.as_client())
        screen.draw(surface, client.as_client())
        pictures.append((tuple(surface.get_at((820, 300)))[:3], tuple(surface.get_at((60, 200)))[:3]))
    (lit, banner), (dark, still), (after, nothing) = pictures

    assert lit[0] > dark[0] == after[0]
    assert banner == still != nothing


def test_the_result_names_the_scorers() -> None:
    """A winner's screen with no goals on it would look otherwise."""
    ground = Ground(home=1, away=1).kick_off()
    lobby = ground.world.single(LobbyStage)
    lobby.stage, lobby.ends_tick = Stage.FINISHED, ground.world.tick + 60
    ground.match.winner = Team.HOME
    client = FakeClient(ground, ground.home)
    before = colors(draw(client))
    ground.world.component_for_entity(ground.home, Tally).goals = 3

    assert colors(draw(client)) != before


def test_a_lost_player_is_grey_on_the_pitch_and_marked_in_the_lobby() -> None:
    """Everybody sees that nobody steers him."""
    ground = Ground(home=1, away=1)
    client = FakeClient(ground, ground.home)
    lobby = colors(draw(client))
    ground.world.component_for_entity(ground.away, Player).status = PlayerStatus.LOST
    assert colors(draw(client)) != lobby
    ground.get_ready()
    ground.world.component_for_entity(ground.away, Player).status = PlayerStatus.CONNECTED
    ground.kick_off()
    ground.put(ground.away, 400.0, 200.0)
    alive = draw(client)
    ground.world.component_for_entity(ground.away, Player).status = PlayerStatus.LOST
    lost = draw(client)
    shoulder = (440 - 11, 262 + 11)
    red, _, blue = tuple(alive.get_at(shoulder))[:3]
    assert blue > 2 * red
    red, _, blue = tuple(lost.get_at(shoulder))[:3]

    assert abs(red - blue) < 20


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
