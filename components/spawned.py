"""Spawned: an entity that its owner's client may have made ahead of the server."""

from ecsnet.fields import OWNER, EntityRef, NetVar, component, netvar

__all__ = ["Spawned"]

TICK_MAX = 0xFFFFFFFF


@component(once=True)
class Spawned:
    """Says who made an entity, and when: so its owner's client knows the one that it made itself. Written by `spawn`.

    Read by prediction, which simulates the entity ahead of the server as long as it is there.
    """

    by: NetVar[EntityRef] = netvar(0, audience=OWNER)
    tick: NetVar[int] = netvar(0, low=0, high=TICK_MAX, audience=OWNER)
    number: NetVar[int] = netvar(0, low=0, high=255, audience=OWNER)  # among those it made in that tick
