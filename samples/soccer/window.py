"""The window: a plain pygame loop around a client. It reads keys and draws; all else the client does."""

import pygame

from ecsnet import RunningClient
from ecsnet.events import ClientStatus
from ecsnet.samples.soccer.canvas import Canvas
from ecsnet.samples.soccer.chatbox import Typing, draw_lines, draw_typing
from ecsnet.samples.soccer.components import Move
from ecsnet.samples.soccer.controls import Controls
from ecsnet.samples.soccer.draw import Scene
from ecsnet.samples.soccer.ghosts import draw_ghosts
from ecsnet.samples.soccer.hud import draw_help, draw_hud, draw_notice, draw_retrying, draw_status
from ecsnet.samples.soccer.links import link_name, switch_link
from ecsnet.samples.soccer.netgraph import TOP, NetGraph
from ecsnet.samples.soccer.news import News
from ecsnet.samples.soccer.pitch import BOTTOM, Team
from ecsnet.samples.soccer.roster import own_seat
from ecsnet.samples.soccer.stadium import VIEW_HEIGHT, VIEW_LEFT, VIEW_TOP, VIEW_WIDTH, draw_stadium
from ecsnet.samples.soccer.wishes import Wishes
from ecsnet.testing.network import Link
from ecsnet.virtualpath import simulated_link

__all__ = ["Screen", "handle", "main"]

WINDOW_SIZE = (1232, 686)  # 1.4 pixels per unit
FRAMES_PER_SECOND = 60

WISH_KEYS = {
    pygame.K_r: Wishes.toggle_ready,
    pygame.K_t: Wishes.change_side,
    pygame.K_v: Wishes.toggle_watching,
}
WISH_BUTTONS = {7: Wishes.toggle_ready, 3: Wishes.change_side, 6: Wishes.toggle_watching}  # Start, Y, Back
CHAT_KEYS = {pygame.K_RETURN, pygame.K_KP_ENTER}


def main(client: RunningClient) -> None:
    """Show the match until the window is closed."""
    for module in (pygame.display, pygame.font, pygame.joystick):  # not pygame.init(): nothing here makes a sound
        module.init()
    try:
        pygame.display.set_caption(f"ecsnet soccer - {client.name}" if client.name else "ecsnet soccer")
        display = pygame.display.set_mode(WINDOW_SIZE, pygame.RESIZABLE)
        screen, controls, frames = Screen(display), Controls(), pygame.time.Clock()
        while all(handle(event, client, screen, controls) for event in pygame.event.get()):
            if client.disconnected is None:
                client.press(Move() if screen.typing.is_open else controls.read())
                client.update()
            screen.listen(client)
            screen.draw(pygame.display.get_surface() or display, client)
            pygame.display.flip()
            frames.tick(FRAMES_PER_SECOND)
    finally:
        pygame.quit()


def handle(event: pygame.event.Event, client: RunningClient, screen: "Screen", controls: Controls) -> bool:
    """React to one event; return False to quit."""
    controls.handle(event)
    is_playing = client.is_ready and client.status is ClientStatus.CONNECTED
    if event.type == pygame.KEYDOWN and screen.typing.is_open:
        line = screen.typing.press(event.key)
        if line and is_playing:
            screen.wishes.speak(client, line, to_team=screen.typing.to_team)
    elif event.type == pygame.TEXTINPUT and screen.typing.is_open:
        screen.typing.write(event.text)
    elif event.type == pygame.KEYDOWN and event.key in SWITCHES:
        SWITCHES[event.key](screen, client)
    elif event.type == pygame.KEYDOWN and is_playing and event.key in CHAT_KEYS:
        screen.typing.open()
    elif event.type == pygame.KEYDOWN and is_playing and event.key in WISH_KEYS:
        WISH_KEYS[event.key](screen.wishes, client)
    elif event.type == pygame.JOYBUTTONDOWN and is_playing and event.button in WISH_BUTTONS:
        WISH_BUTTONS[event.button](screen.wishes, client)
    else:
        return event.type != pygame.QUIT and not (event.type == pygame.KEYDOWN and event.key == pygame.K_ESCAPE)
    return True


class Screen:
    """Draws one frame of what a client sees onto a surface of any size.

    Attributes:
        help_shown: Whether the list of keys covers the pitch.
        ghosts_shown: Whether the server's positions are shown beside those drawn.
        net_graph: The network graph; has its own switch.
        news: What the client has heard.
        wishes: What its player asks for.
        typing: The line he types.
    """

    def __init__(self, surface: pygame.Surface) -> None:
        """Draw for this surface; `draw` follows when the window changes."""
        self.help_shown = False
        self.ghosts_shown = False
        self.net_graph = NetGraph()
        self.news = News()
        self.wishes = Wishes()
        self.typing = Typing()
        self._scene = Scene()
        self._fit(surface)

    def listen(self, client: RunningClient) -> None:
        """Take what the client was told; once a frame."""
        now = client.clock.now()
        self.news.hear(client, client.events(), now)
        self.wishes.tell_refusals(self.news, now)

    def draw(self, surface: pygame.Surface, client: RunningClient) -> None:
        """Draw everything: ground, players, ball, and what stands over them."""
        if surface is not self._canvas.surface or surface.get_size() != self._stadium.get_size():
            self._fit(surface)
        surface.blit(self._stadium, (0, 0))
        canvas = self._canvas
        if client.disconnected is not None:
            reason, text = client.disconnected
            draw_notice(canvas, "Disconnected", [reason.name.replace("_", " ").capitalize(), text, "Esc  quit"])
        elif not client.is_ready:
            dots = "." * (pygame.time.get_ticks() // 400 % 4)
            draw_notice(canvas, "Connecting" + dots, [f"{client.progress:.0%}", "Esc  quit"])
        else:
            self._draw_match(canvas, client)
        if client.retrying is not None:
            draw_retrying(canvas, client.retrying, client.clock.now())
        draw_status(canvas, self._switched_on(client))
        self.net_graph.draw(canvas, client)
        if self.help_shown:
            draw_help(canvas)

    def _draw_match(self, canvas: Canvas, client: RunningClient) -> None:
        now = client.clock.now()
        self._scene.draw(canvas, client)
        if self.ghosts_shown:
            draw_ghosts(canvas, client)
        draw_hud(canvas, client, self.news.goal, now)
        bottom = (TOP if self.net_graph.shown else BOTTOM) - 4
        draw_lines(canvas, list(self.news.lines), now, bottom, is_open=self.typing.is_open)
        if self.typing.is_open:
            seat = own_seat(client)
            draw_typing(canvas, self.typing, Team.SPECTATOR if seat is None else Team(seat.team))

    def _switched_on(self, client: RunningClient) -> list[str]:
        """Return what makes this match another than usual."""
        if self.typing.is_open:  # its keys stand there
            return []
        link = simulated_link(client)
        switches = (
            (link != Link.PERFECT, f"F4  {link_name(link)}"),
            (self.ghosts_shown, "F5  ghosts"),
            (client.predictor.always_roll_back, "F6  always rolling back"),
        )
        return [text for is_on, text in switches if is_on]

    def _fit(self, surface: pygame.Surface) -> None:
        self._canvas = Canvas(surface, VIEW_LEFT, VIEW_TOP, VIEW_WIDTH, VIEW_HEIGHT)
        self._stadium = draw_stadium(surface.get_size())


def switch_help(screen: Screen, _client: RunningClient) -> None:
    """Show the keys, or hide them."""
    screen.help_shown = not screen.help_shown


def switch_net_graph(screen: Screen, _client: RunningClient) -> None:
    """Show the network graph, or hide it."""
    screen.net_graph.shown = not screen.net_graph.shown


def switch_simulated_link(_screen: Screen, client: RunningClient) -> None:
    """Play over the next simulated network."""
    switch_link(client)


def switch_ghosts(screen: Screen, _client: RunningClient) -> None:
    """Show where the server last had everybody, or do not."""
    screen.ghosts_shown = not screen.ghosts_shown


def switch_rollback(_screen: Screen, client: RunningClient) -> None:
    """Simulate again at every state, or only where it is needed."""
    client.predictor.always_roll_back = not client.predictor.always_roll_back


SWITCHES = {
    pygame.K_F1: switch_help,
    pygame.K_F3: switch_net_graph,
    pygame.K_F4: switch_simulated_link,
    pygame.K_F5: switch_ghosts,
    pygame.K_F6: switch_rollback,
}
