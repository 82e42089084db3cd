"""Transform2D: where an entity is and which way it is turned."""

import math

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Transform2D"]

# 1/64 of a unit over 2**22 steps: finer than a pixel over a world of 65,536 units.
_STEP, _REACH = 1 / 64, 32768


@component
class Transform2D:
    """Where an entity is. Written by movement, collision, the game; read by interest, rendering, everybody."""

    x: NetVar[float] = netvar(0.0, step=_STEP, low=-_REACH, high=_REACH, interpolate=True)  # world units, to the right
    y: NetVar[float] = netvar(0.0, step=_STEP, low=-_REACH, high=_REACH, interpolate=True)  # world units, down
    rotation: NetVar[float] = netvar(
        0.0, step=math.tau / 65536, low=-math.pi, high=math.pi, interpolate=True, angle=True
    )  # radians, clockwise as y points down
