"""Persistent: an entity that outlives the server's process."""

from ecsnet.fields import component

__all__ = ["Persistent"]


@component
class Persistent:
    """Marks an entity to be kept in the store. Written by the game; read by persistence. Never leaves the server."""

    key: str = ""  # names it in the store, e.g. an account; empty: by its entity
