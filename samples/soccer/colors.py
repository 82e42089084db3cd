"""The colors that more than one part of the window uses."""

from ecsnet.samples.soccer.canvas import Color
from ecsnet.samples.soccer.pitch import Team

__all__ = ["BAD", "DARK", "FAINT", "GOOD", "GREY", "LOST", "OWN", "POOR", "TEAM_COLORS", "TEAM_TEXT", "WHITE"]

WHITE: Color = (250, 250, 250)
DARK: Color = (18, 24, 30)  # behind text
GREY: Color = (165, 174, 182)
FAINT: Color = (104, 114, 124)
OWN: Color = (255, 226, 92)
GOOD: Color = (120, 214, 120)
POOR: Color = (240, 190, 80)
BAD: Color = (250, 110, 92)
LOST: Color = (128, 132, 136)  # of a player whose connection is gone

TEAM_COLORS: dict[int, Color] = {Team.SPECTATOR: (150, 155, 160), Team.HOME: (214, 66, 60), Team.AWAY: (58, 112, 214)}
TEAM_TEXT: dict[int, Color] = {Team.SPECTATOR: GREY, Team.HOME: (246, 128, 120), Team.AWAY: (132, 176, 255)}  # on DARK
