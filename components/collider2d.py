"""Collider2D: the shape an entity has for others."""

from enum import Enum

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Collider2D", "Shape"]

_STEP, _REACH = 1 / 64, 32768  # as Transform2D


class Shape(Enum):
    """The outlines there are; boxes do not turn."""

    BOX = "box"
    CIRCLE = "circle"


@component(track="push")
class Collider2D:
    """The shape an entity has, centred on its Transform2D. Written by the game; read by collision, whoever draws.

    With a Velocity2D it is a body: Collision moves it, and others push it. Without one it is an obstacle that stays
    where it is. Two colliders meet if each one's mask has a bit of the other's layer. Sizes in whole 1/64 are the same
    on server and clients to the last bit; others are rounded on the way, and predictions at their edges with them.
    """

    shape: NetVar[Shape] = Shape.BOX
    half_width: NetVar[float] = netvar(0.5, step=_STEP, low=0, high=_REACH)  # world units, centre to side; of a box
    half_height: NetVar[float] = netvar(0.5, step=_STEP, low=0, high=_REACH)  # world units, centre to side; of a box
    radius: NetVar[float] = netvar(0.5, step=_STEP, low=0, high=_REACH)  # world units; of a circle
    layer: NetVar[int] = netvar(1, low=0, high=0xFFFF)  # bit field: what it is
    mask: NetVar[int] = netvar(0xFFFF, low=0, high=0xFFFF)  # bit field: the layers it meets
    sensor: NetVar[bool] = False  # reports contacts, stops nobody and is stopped by nobody
    restitution: NetVar[float] = netvar(0.0, step=1 / 100, low=0, high=1)  # part of the speed kept in a bounce
