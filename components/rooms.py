"""Rooms: the places an entity is in, where a world has several."""

from ecsnet.fields import component

__all__ = ["Rooms"]


@component
class Rooms:
    """Only clients in one of its rooms see the entity. Written by the game; read by interest. Never leaves the server.

    On a player's entity (the one with `Player`) it also says which rooms that client is in; the entity itself is seen
    there only, like any other. Rooms may overlap: whoever shares at least one sees the entity. In none, it is seen in
    all. Assign another set, do not change the one there: `rooms.names = rooms.names | {"cellar"}`.
    """

    names: frozenset[str] = frozenset()
