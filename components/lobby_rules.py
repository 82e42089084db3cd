"""LobbyRules: how the lobby of a game works."""

from enum import Enum

from ecsnet.fields import NetVar, component, netvar

__all__ = ["LateJoin", "LobbyRules"]


class LateJoin(Enum):
    """When somebody gets a seat who comes while a match is on."""

    NOW = 0
    BREAK = 1  # when the game calls `seat_waiting`: at a kickoff, between two rounds
    NEXT_MATCH = 2


@component
class LobbyRules:
    """The rules of a lobby; there is one, or the usual ones hold. Written by the game; read by Lobby and every client.

    A game creates it, in its first tick, and may change it later; nobody loses a seat by that.
    """

    teams: NetVar[int] = netvar(2, low=1, high=254)  # 1: everybody for himself, or all together
    seats_per_team: NetVar[int] = netvar(16, low=1, high=255)
    min_players: NetVar[int] = netvar(2, low=1, high=255)  # to start with, of those who are connected
    min_per_team: NetVar[int] = netvar(1, low=0, high=255)
    balanced: NetVar[bool] = True  # as the countdown begins, the newest of a larger team change over
    switching: NetVar[bool] = True  # players choose their team, while no match is on
    spectators: NetVar[bool] = True  # who likes to may only watch; else spectators are those for whom no seat is free
    late: NetVar[LateJoin] = LateJoin.NOW
    countdown_seconds: NetVar[float] = netvar(3.0, low=0, high=6553, step=0.1)
    finished_seconds: NetVar[float] = netvar(5.0, low=0, high=6553, step=0.1)  # how long the result is shown
