"""Persistent: an entity that outlives the server's process."""

from ecsnet.fields import component

__all__ = ["Persistent"]


@component
class Persistent:
    """Has what the game lists as `persistent` of an entity kept for good. Written by the game; read by persistence.

    It is kept for the player who owns the entity, as far as that one has proved who it is (by an account, a token, a
    key), or else for the world; that is settled when the component appears, and so is the key. Never leaves the server.
    """

    key: str = ""  # tells entities of one owner apart, e.g. "ship"; the world's need one each, e.g. "chest/7"
