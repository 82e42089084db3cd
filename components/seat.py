"""Seat: a player's place in the lobby."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Seat"]


@component
class Seat:
    """Which team a player is on and whether it is ready. Written by the lobby; read by the game and every client."""

    team: NetVar[int] = netvar(0, low=0, high=255)  # 0: none, a spectator
    ready: NetVar[bool] = False
    watching: NetVar[bool] = False  # a spectator by choice, who is given no seat
