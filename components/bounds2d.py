"""Bounds2D: the area an entity may not leave."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Bounds2D"]


@component
class Bounds2D:
    """The area an entity's collider stays within. Written by the game; read by collision, movement, prediction."""

    min_x: NetVar[float] = netvar(-32768.0, step=1 / 64, low=-32768, high=32768)  # world units
    min_y: NetVar[float] = netvar(-32768.0, step=1 / 64, low=-32768, high=32768)  # world units
    max_x: NetVar[float] = netvar(32768.0, step=1 / 64, low=-32768, high=32768)  # world units
    max_y: NetVar[float] = netvar(32768.0, step=1 / 64, low=-32768, high=32768)  # world units
