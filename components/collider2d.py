"""Collider2D: the shape an entity has for others."""

from enum import Enum

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Collider2D", "Shape"]


class Shape(Enum):
    """The outlines there are; boxes do not turn."""

    BOX = "box"
    CIRCLE = "circle"


@component
class Collider2D:
    """The shape an entity has, centred on its Transform2D. Written by the game; read by collision, rendering.

    With a Velocity2D it is a body that moves and is pushed; without, an obstacle that stays where it is.
    """

    shape: NetVar[Shape] = Shape.BOX
    half_width: NetVar[float] = netvar(0.5, step=1 / 64, low=0, high=1024)  # world units; of a box
    half_height: NetVar[float] = netvar(0.5, step=1 / 64, low=0, high=1024)  # world units; of a box
    radius: NetVar[float] = netvar(0.5, step=1 / 64, low=0, high=1024)  # world units; of a circle
    layer: NetVar[int] = netvar(1, low=0, high=0xFFFF)  # bit field: what it is
    mask: NetVar[int] = netvar(0xFFFF, low=0, high=0xFFFF)  # bit field: the layers it meets
    sensor: NetVar[bool] = False  # reports contacts, stops nobody
