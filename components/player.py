"""Player: somebody who is connected."""

from enum import Enum

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Player", "PlayerStatus"]


class PlayerStatus(Enum):
    """How a player's connection stands."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOST = "lost"


@component
class Player:
    """A connected client, as an entity. Written by the server; read by everybody: it is the list of who is here."""

    client_id: NetVar[int] = netvar(0, low=0, high=0xFFFFFFFF)
    name: NetVar[str] = netvar("", max_bytes=96)  # 24 characters of up to 4 bytes
    status: NetVar[PlayerStatus] = PlayerStatus.CONNECTED
