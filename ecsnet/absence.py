"""Absence: what becomes of a player's entity while its connection is lost and its place is kept."""

from enum import Enum

__all__ = ["Absence"]


class Absence(Enum):
    """What a game does about players who are lost, for as long as they may come back; see `Game(absence=)`."""

    NEUTRAL = "neutral"  # it lets go of its keys
    KEEP = "keep"  # its keys stay as they were when it was last heard of
    BOT = "bot"  # the game's bot plays on for it, on the server
    REMOVE = "remove"  # it is gone at once; who comes back gets a new one
