"""ConnectionQuality: how well a player is connected."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["ConnectionQuality"]


@component
class ConnectionQuality:
    """How well a player is connected, roughly. Written by ReportQuality; read by whoever lists the players.

    On an entity of its own, a part of the player: `world.create_entity(ConnectionQuality(), Parent(player))`. Everybody
    who sees the player is told, about once a second and when it has changed enough to matter. Were it on the player
    itself, that player's client would simulate again each time: predicted systems may read all of what it steers.
    """

    rtt_ms: NetVar[int] = netvar(0, low=0, high=65535)  # round trip, as the server measures it; 0: not known yet
    loss_percent: NetVar[int] = netvar(0, low=0, high=100)  # of what is sent, in the worse direction
