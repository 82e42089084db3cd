"""VisibleTo: an entity seen by certain clients."""

from ecsnet.fields import component

__all__ = ["VisibleTo"]


@component
class VisibleTo:
    """Only these clients, and its owner, see the entity. Written by the game; read by interest; stays on the server.

    For lines of sight, fog of war, a card in a hand: what the game itself decides. Where the entity has `Rooms` or
    `Near` as well, these clients have to meet them, too. Toward each client it goes by a network id of its own,
    another one each time it comes into view: so network ids tell nothing about what happens out of sight. Assign
    another set, do not change the one there: `visible_to.clients = visible_to.clients | {player.client_id}`.
    """

    clients: frozenset[int] = frozenset()  # as in `Player.client_id`; empty: the owner alone
