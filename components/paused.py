"""Paused: an entity that clients keep as it is."""

from ecsnet.fields import component

__all__ = ["Paused"]


@component
class Paused:
    """Stops an entity's replication without despawning it. Written by the game; read by replication.

    Clients keep it as it was when it was paused, and late joiners get it like that, until Paused is taken away.
    Deleting it deletes it everywhere, as always. Never leaves the server.
    """
