"""Velocity2D: how fast an entity moves."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Velocity2D"]


@component
class Velocity2D:
    """How fast an entity moves. Written by the game's steering, collision; read by movement, prediction."""

    x: NetVar[float] = netvar(0.0, step=1 / 16, low=-2048, high=2048, clamp=True)  # world units per second
    y: NetVar[float] = netvar(0.0, step=1 / 16, low=-2048, high=2048, clamp=True)  # world units per second
