"""Teleports: how often an entity was put elsewhere instead of moving there."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Teleports"]


@component(track="push")
class Teleports:
    """Counts the jumps of an entity's Transform2D, so that no client draws a way between. Written by `teleport`.

    Read by interpolation and prediction. It is there from the first `teleport` on; give it to what is put elsewhere on
    bad networks from the start, as a component that is new can come later than the place.
    """

    # Begins anew after 255. What moves on is told with every send: a jump must be beside each of them until its loss
    # would have been noticed, or the place comes without it and a way is drawn.
    count: NetVar[int] = netvar(0, low=0, high=255, redundancy=8)
