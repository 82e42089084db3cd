"""Near: an entity seen from nearby only."""

from ecsnet.fields import component

__all__ = ["Near"]


@component
class Near:
    """Only clients one of whose `Viewer`s reaches its Transform2D see it. Written by the game; read by interest.

    Its owner sees it in any case, and a client without a Viewer sees none of these. What is further away costs neither
    bytes nor time, and no client learns of it. Never leaves the server.
    """
