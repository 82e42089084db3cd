"""The window: a plain pygame loop around a client. It reads keys and draws; all else the client does."""

import pygame

from ecsnet import Client, RunningClient
from ecsnet.components import Stage
from ecsnet.samples.soccer.canvas import Canvas
from ecsnet.samples.soccer.controls import Controls
from ecsnet.samples.soccer.draw import Scene
from ecsnet.samples.soccer.ghosts import draw_ghosts
from ecsnet.samples.soccer.hud import draw_help, draw_hud, draw_notice, draw_status, own_seat
from ecsnet.samples.soccer.links import link_name, switch_link
from ecsnet.samples.soccer.netgraph import NetGraph
from ecsnet.samples.soccer.pitch import Team
from ecsnet.samples.soccer.stadium import VIEW_HEIGHT, VIEW_LEFT, VIEW_TOP, VIEW_WIDTH, draw_stadium
from ecsnet.systems import stage_now
from ecsnet.systems.lobby import choose_team, set_ready
from ecsnet.testing.network import Link
from ecsnet.virtualpath import simulated_link

__all__ = ["Screen", "main"]

WINDOW_SIZE = (1232, 686)  # 1.4 pixels per unit
FRAMES_PER_SECOND = 60


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
                client.press(controls.read())
                client.update()
            screen.draw(pygame.display.get_surface() or display, client)
            pygame.display.flip()
            frames.tick(FRAMES_PER_SECOND)
    finally:
        pygame.quit()


def handle(event: pygame.event.Event, client: RunningClient, screen: "Screen", controls: Controls) -> bool:
    """React to one event; return False to quit."""
    controls.handle(event)
    if event.type == pygame.KEYDOWN:
        press_key(event.key, client, screen)
        return bool(event.key != pygame.K_ESCAPE)
    return bool(event.type != pygame.QUIT)


def press_key(key: int, client: RunningClient, screen: "Screen") -> None:
    """Do what a key stands for that does not play."""
    if key == pygame.K_F1:
        screen.help_shown = not screen.help_shown
    elif key == pygame.K_F3:
        screen.net_graph.shown = not screen.net_graph.shown
    elif key == pygame.K_F4:
        switch_link(client)
    elif key == pygame.K_F5:
        screen.ghosts_shown = not screen.ghosts_shown
    elif key == pygame.K_F6:
        client.predictor.always_roll_back = not client.predictor.always_roll_back
    elif key in {pygame.K_r, pygame.K_t}:
        ask(key, client)


def ask(key: int, client: Client) -> None:
    """Ask the server for what R and T stand for. Nobody waits for the answer: the Seat shows it."""
    seat = own_seat(client)
    if client.disconnected or seat is None or seat.team == Team.SPECTATOR:
        return
    if stage_now(client.world) is Stage.RUNNING:
        return
    if key == pygame.K_r:
        client.call(set_ready, not seat.ready)
    else:
        client.call(choose_team, Team(seat.team).opponent)


class Screen:
    """Draws one frame of what a client sees onto a surface of any size.

    Attributes:
        help_shown: Whether the list of keys covers the pitch.
        ghosts_shown: Whether the server's positions are shown beside those drawn.
        net_graph: The network graph; has its own switch.
    """

    def __init__(self, surface: pygame.Surface) -> None:
        """Draw for this surface; `draw` follows when the window changes."""
        self.help_shown = False
        self.ghosts_shown = False
        self.net_graph = NetGraph()
        self._scene = Scene()
        self._fit(surface)

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
            self._scene.draw(canvas, client)
            if self.ghosts_shown:
                draw_ghosts(canvas, client)
            draw_hud(canvas, client)
        draw_status(canvas, self._switched_on(client))
        self.net_graph.draw(canvas, client)
        if self.help_shown:
            draw_help(canvas)

    def _switched_on(self, client: RunningClient) -> list[str]:
        """Return what makes this match another than usual."""
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
