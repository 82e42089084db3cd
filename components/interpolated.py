"""Interpolated: an entity this client draws between two states of the server."""

from ecsnet.fields import component

__all__ = ["Interpolated"]


@component
class Interpolated:
    """Marks what this client does not predict. Written by prediction, on clients only; read by whoever draws."""
