"""Parent: the entity another one is part of."""

from ecsnet.fields import EntityRef, NetVar, component

__all__ = ["Parent"]


@component
class Parent:
    """Makes an entity part of another. Written by the game; read by interest, replication, whoever draws.

    Whoever sees the topmost parent sees its parts; rules of their own do not count. They spawn together, what changes
    of them in one tick travels together, and where a parent is deleted, or never was, its parts are deleted as well.
    A part has a place of its own: moving the parent does not move it.
    """

    entity: NetVar[EntityRef] = 0  # 0: none
