"""Velocity2D: how fast an entity moves."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Velocity2D"]

# 65,535 steps: with the end at 2048 there would be 65,537, one too many for 2 bytes.
_STEP = 1 / 16
_MOST = 2048 - _STEP


@component
class Velocity2D:
    """How fast an entity moves. Written by the game's steering, collision; read by movement, prediction.

    What is faster is told to clients as the fastest there is, and what an input drives is never faster than that.
    """

    x: NetVar[float] = netvar(0.0, step=_STEP, low=-_MOST, high=_MOST, clamp=True)  # world units per second
    y: NetVar[float] = netvar(0.0, step=_STEP, low=-_MOST, high=_MOST, clamp=True)  # world units per second
