"""Ghosts: where the server last had everybody, beside where they are drawn. F5 shows them.

One's own player is drawn ahead of its ghost, as it is predicted; the others behind theirs, as they are interpolated.
"""

from ecsnet import Client
from ecsnet.components import Transform2D
from ecsnet.samples.soccer.canvas import Canvas, Color
from ecsnet.samples.soccer.colors import OWN, WHITE
from ecsnet.samples.soccer.components import Ball, Footballer
from ecsnet.samples.soccer.pitch import BALL_RADIUS, PLAYER_HALF

__all__ = ["draw_ghosts"]

LINE_WIDTH = 1.3  # units


def draw_ghosts(canvas: Canvas, client: Client) -> None:
    """Draw a thin outline for every player and the ball, and a line from there to where they are drawn."""
    for entity, (drawn, _) in client.view(Transform2D, Footballer):
        color = OWN if entity == client.entity else WHITE
        told = _told(canvas, client, entity, drawn, color)
        if told is not None:
            canvas.frame(told.x, told.y, 2 * PLAYER_HALF, 2 * PLAYER_HALF, LINE_WIDTH, color, radius=9)
    for entity, (drawn, _) in client.view(Transform2D, Ball):
        told = _told(canvas, client, entity, drawn, WHITE)
        if told is not None:
            canvas.ring(told.x, told.y, BALL_RADIUS + 1, LINE_WIDTH, WHITE)


def _told(canvas: Canvas, client: Client, entity: int, drawn: Transform2D, color: Color) -> Transform2D | None:
    told = client.confirmed(entity, Transform2D)
    if told is not None:
        canvas.thread((told.x, told.y), (drawn.x, drawn.y), color)
    return told
