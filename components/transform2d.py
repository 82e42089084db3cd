"""Transform2D: where an entity is and which way it is turned."""

import math

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Transform2D"]

# 2**22 steps of 1/64 unit: finer than a pixel over a world 65,536 units wide, in 3 bytes.
_STEP, _REACH = 1 / 64, 32768


@component
class Transform2D:
    """Where an entity is. Written by movement, collision, the game; read by interest, whoever draws, everybody.

    Clients see what left the world at its edge: a stray shot must not stop the server.
    """

    x: NetVar[float] = netvar(  # world units, to the right
        0.0, step=_STEP, low=-_REACH, high=_REACH, clamp=True, interpolate=True
    )
    y: NetVar[float] = netvar(  # world units, down
        0.0, step=_STEP, low=-_REACH, high=_REACH, clamp=True, interpolate=True
    )
    rotation: NetVar[float] = netvar(  # radians, clockwise as y points down; any turn travels as one in -pi..pi
        0.0, step=math.tau / 65536, low=-math.pi, high=math.pi, interpolate=True, angle=True
    )
