"""Predicted: an entity this client simulates ahead of the server."""

from ecsnet.fields import component

__all__ = ["Predicted"]


@component
class Predicted:
    """Marks what this client owns and steers. Written by replication on clients; read by the queries of prediction."""
