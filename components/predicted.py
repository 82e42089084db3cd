"""Predicted: an entity this client simulates ahead of the server."""

from ecsnet.fields import component

__all__ = ["Predicted"]


@component
class Predicted:
    """Marks what this client steers, spawned or predicts along. Written by prediction, read by it and whoever draws.

    On clients only: the queries of predicted systems see what has it.
    """
