"""VisibleTo: an entity seen by certain clients."""

from ecsnet.fields import component

__all__ = ["VisibleTo"]


@component
class VisibleTo:
    """Only these clients, and its owner, see the entity. Written by the game; read by interest; stays on the server.

    For lines of sight, fog of war, a card in a hand: what the game itself decides, so `Rooms` and `Near` of the entity
    do not count. Toward each client it goes by a number of its own, another one each time it comes into view: so
    numbers tell nothing about what happens out of sight. Assign another set, do not change the one there.
    """

    clients: frozenset[int] = frozenset()
