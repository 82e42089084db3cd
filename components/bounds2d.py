"""Bounds2D: the area an entity may not leave."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Bounds2D"]

_STEP, _REACH = 1 / 64, 32768  # as Transform2D


@component(track="push")
class Bounds2D:
    """The area an entity stays within, its collider included. Written by the game; read by movement, collision.

    An area smaller than the collider holds it in the middle.
    """

    min_x: NetVar[float] = netvar(-32768.0, step=_STEP, low=-_REACH, high=_REACH)  # world units
    min_y: NetVar[float] = netvar(-32768.0, step=_STEP, low=-_REACH, high=_REACH)  # world units
    max_x: NetVar[float] = netvar(32768.0, step=_STEP, low=-_REACH, high=_REACH)  # world units
    max_y: NetVar[float] = netvar(32768.0, step=_STEP, low=-_REACH, high=_REACH)  # world units
    restitution: NetVar[float] = netvar(0.0, step=1 / 100, low=0, high=1)  # part of the speed the edge throws back
