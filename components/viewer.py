"""Viewer: where a client looks."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Viewer"]


@component
class Viewer:
    """The centre and reach of a client's interest. Written by the game; read by interest."""

    x: NetVar[float] = netvar(0.0, step=1, low=-32768, high=32768)  # world units
    y: NetVar[float] = netvar(0.0, step=1, low=-32768, high=32768)  # world units
    radius: NetVar[float] = netvar(0.0, step=1, low=0, high=65536)  # world units
