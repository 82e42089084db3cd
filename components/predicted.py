"""Predicted: an entity this client simulates ahead of the server."""

from ecsnet.fields import component

__all__ = ["Predicted"]


@component
class Predicted:
    """Marks what this client steers, has spawned or predicts along. Written and read by prediction, on clients only."""
