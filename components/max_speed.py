"""MaxSpeed: how fast an entity may ever move."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["MaxSpeed"]


@component(track="push")
class MaxSpeed:
    """The most an entity's velocity may be. Written by the game; read by movement."""

    units_per_second: NetVar[float] = netvar(300.0, step=1 / 16, low=0, high=4096)  # world units per second
