"""RoomInfo: one of several games that a server runs side by side."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["RoomInfo"]


@component
class RoomInfo:
    """What is known of a room. Written by the server, `status` by the game; read by clients, in the room and the hall.

    In the World of a room there is one, in that of the hall one for each room. On servers without rooms there is none.
    """

    code: NetVar[str] = netvar("", max_bytes=16)  # what friends enter by
    name: NetVar[str] = netvar("", max_bytes=96)  # 24 characters of up to 4 bytes
    players: NetVar[int] = netvar(0, low=0, high=0xFFFF)  # places taken; of those who may come back, too
    capacity: NetVar[int] = netvar(0, low=0, high=0xFFFF)  # places
    locked: NetVar[bool] = False  # a password is needed
    status: NetVar[str] = netvar("", max_bytes=96)  # what the game says, e.g. "2 : 1"; else, in the hall, its summary
