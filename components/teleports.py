"""Teleports: how often an entity was put elsewhere instead of moving there."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Teleports"]


@component(track="push")
class Teleports:
    """Counts the jumps of an entity's Transform2D, so that no client draws a way between. Written by `teleport`.

    Read by interpolation and prediction. It is there from the first `teleport` on.
    """

    count: NetVar[int] = netvar(0, low=0, high=255)  # begins anew after 255
