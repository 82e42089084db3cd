"""What moves on the pitch: players and ball, with their shadows, as `client.view` shows them."""

import math
from collections import deque

import pygame

from ecsnet import Client
from ecsnet.components import Player, PlayerStatus, Seat, Transform2D
from ecsnet.samples.soccer.canvas import Canvas, Color
from ecsnet.samples.soccer.colors import BAD, DARK, LOST, OWN, TEAM_COLORS, WHITE
from ecsnet.samples.soccer.components import Ball, Footballer
from ecsnet.samples.soccer.pitch import BALL_RADIUS, PLAYER_HALF
from ecsnet.samples.soccer.players import DIRECTIONS, cooldown_ticks

__all__ = ["Scene"]

TRAIL_LENGTH = 10  # frames
TRAIL_STEP = 2.5  # units a frame, from which on a ball leaves a trail
JUMP = 60.0  # units a frame; no ball rolls so fast, it was put back
NAME_WIDTH = 96.0  # units
SWING_TICKS = 9  # how long a kick is to be seen


class Scene:
    """Draws the players and the ball; remembers the ball's last places for its trail."""

    def __init__(self) -> None:
        """Begin without a trail."""
        self._trail: deque[tuple[float, float]] = deque(maxlen=TRAIL_LENGTH)

    def draw(self, canvas: Canvas, client: Client) -> None:
        """Draw everything, the nearer (lower) player over the farther one."""
        self._draw_ball(canvas, client)
        fresh = cooldown_ticks(client.world.tick_rate_hz)
        found = sorted(client.view(Transform2D, Player, Footballer, Seat), key=lambda item: item[1][0].y)
        for entity, (place, player, footballer, seat) in found:
            own, lost = entity == client.entity, player.status is PlayerStatus.LOST
            draw_player(canvas, place, footballer, LOST if lost else TEAM_COLORS[seat.team], own=own)
            draw_swing(canvas, place, footballer, fresh)
            name = canvas.fitted(player.name, NAME_WIDTH, 13)
            canvas.shaded_text(name, place.x, place.y - PLAYER_HALF - 14, 13, OWN if own else WHITE)
            if lost:
                canvas.panel(place.x, place.y + 1, 30, 14, DARK, alpha=220, radius=4)
                canvas.text("lost", place.x, place.y + 2, 14, BAD)

    def _draw_ball(self, canvas: Canvas, client: Client) -> None:
        for _, (place, _) in client.view(Transform2D, Ball):
            last = self._trail[-1] if self._trail else (place.x, place.y)
            step = math.dist(last, (place.x, place.y))
            if step > JUMP:
                self._trail.clear()
            self._trail.append((place.x, place.y))
            if step > TRAIL_STEP:
                for age, (x, y) in enumerate(self._trail):
                    canvas.disc(x, y, BALL_RADIUS - 1, WHITE, alpha=9 * age)
            draw_ball(canvas, place)


def draw_ball(canvas: Canvas, place: Transform2D) -> None:
    """Draw the ball, lit from the top left, its patches turning as it rolls."""
    turn = round((place.x + place.y) / 4) % 8
    light = (236, 238, 240)

    def paint(surface: pygame.Surface, scale: float) -> None:
        center = pygame.Vector2(surface.get_rect().center)
        pygame.draw.circle(surface, (120, 126, 130), center, BALL_RADIUS * scale)
        pygame.draw.circle(surface, light, center - pygame.Vector2(0.5, 0.6) * scale, (BALL_RADIUS - 0.8) * scale)
        for patch in range(3):
            angle = turn * math.pi / 12 + patch * math.tau / 3
            spot = center + pygame.Vector2(math.cos(angle), math.sin(angle)) * 2.4 * scale
            pygame.draw.circle(surface, (54, 58, 64), spot, 1.15 * scale)

    canvas.shadow(place.x + 2.5, place.y + 3.5, 14, 10)
    side = 2 * BALL_RADIUS + 2
    canvas.sprite((place.x, place.y), ("ball", turn), (side, side), (120, 126, 130), paint)


def draw_player(canvas: Canvas, place: Transform2D, footballer: Footballer, color: Color, *, own: bool) -> None:
    """Draw a player from above: shoulders, head, and a mark where he faces."""
    if own:
        canvas.ring(place.x, place.y, PLAYER_HALF + 9, 2.2, OWN, alpha=200)
    canvas.shadow(place.x + 3, place.y + 5, 42, 38)
    facing = footballer.facing
    canvas.sprite(
        (place.x, place.y),
        ("player", color, facing),
        (56, 56),
        color,
        lambda surface, scale: paint_player(surface, scale, facing, color),
    )


def paint_player(surface: pygame.Surface, scale: float, facing: int, color: Color) -> None:
    """Paint one player, facing one of eight ways."""
    center = pygame.Vector2(surface.get_rect().center)
    forward = pygame.Vector2(DIRECTIONS[facing])
    side = pygame.Vector2(-forward.y, forward.x)
    edge = PLAYER_HALF + 1 + 2.5 * (facing % 2)  # a square's corner is farther from its middle
    tip = (forward * (edge + 7), forward * edge + side * 6, forward * edge - side * 6)
    pygame.draw.polygon(surface, WHITE, [center + point * scale for point in tip])
    square = pygame.Rect(0, 0, round(2 * PLAYER_HALF * scale), round(2 * PLAYER_HALF * scale))
    square.center = round(center.x), round(center.y)
    corner = round(9 * scale)
    pygame.draw.rect(surface, shade(color, 0.62), square, border_radius=corner)
    pygame.draw.rect(surface, color, square.inflate(-3.4 * scale, -3.4 * scale), border_radius=corner)
    light = square.inflate(-8 * scale, -20 * scale).move(0, -round(6.5 * scale))
    pygame.draw.rect(surface, shade(color, 1.22), light, border_radius=corner)
    head = center + forward * 2.5 * scale
    pygame.draw.circle(surface, (92, 62, 44), head, 7.2 * scale)
    pygame.draw.circle(surface, (236, 196, 160), head + forward * 1.9 * scale, 5.4 * scale)


def draw_swing(canvas: Canvas, place: Transform2D, footballer: Footballer, fresh: int) -> None:
    """Show a kick as a ring that opens in front of the foot."""
    age = fresh - footballer.cooldown_ticks
    if footballer.cooldown_ticks and 0 <= age < SWING_TICKS:
        x, y = DIRECTIONS[footballer.facing]
        reach = PLAYER_HALF + 6
        radius = 4.0 + age * 1.4
        canvas.ring(place.x + x * reach, place.y + y * reach, radius, 1.8, WHITE, alpha=220 - 24 * age)


def shade(color: Color, factor: float) -> Color:
    """Return a darker (below 1) or lighter (above 1) color."""
    red, green, blue = (min(255, round(part * factor)) for part in color)
    return red, green, blue
