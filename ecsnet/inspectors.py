"""Inspectors: from where a server lets itself be looked into, by who holds its key."""

from enum import Enum

__all__ = ["Inspectors"]


class Inspectors(Enum):
    """Who may look, of those who have the server's private key."""

    OFF = "off"  # nobody
    LOOPBACK = (
        "loopback"  # whoever is on the same machine: a key file that was carried off opens nothing from elsewhere
    )
    ANY = "any"
