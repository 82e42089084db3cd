"""LobbyStage: whether a match is on, and since when."""

from enum import Enum

from ecsnet.fields import NetVar, component, netvar

__all__ = ["LobbyStage", "Stage"]

TICK_MAX = 0xFFFFFFFF  # world.tick wraps after it


class Stage(Enum):
    """What the players of a lobby are doing."""

    WAITING = 0  # they come, take sides, get ready
    COUNTDOWN = 1  # all are ready: it begins in a moment, unless somebody changes his mind
    RUNNING = 2  # the match is on
    FINISHED = 3  # the result; who wants a rematch gets ready again


@component
class LobbyStage:
    """How far the lobby is; there is one. Written by Lobby; read by the game and every client."""

    stage: NetVar[Stage] = Stage.WAITING
    started_tick: NetVar[int] = netvar(0, low=0, high=TICK_MAX)
    ends_tick: NetVar[int] = netvar(0, low=0, high=TICK_MAX)  # of COUNTDOWN and FINISHED; means nothing in the others
    starters: frozenset[int] = frozenset()  # players whose leaving cancels the countdown; server only, as the next
    is_break: bool = False  # the game lets those who wait have a seat; until Lobby has given them one
