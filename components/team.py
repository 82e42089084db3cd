"""Team: which side an entity is on."""

from ecsnet.fields import NetVar, component, netvar

__all__ = ["Team"]


@component
class Team:
    """The side an entity is on. Written by the game; read by interest, everybody.

    On a player's entity it is that client's team; without it, the `Seat`'s. Fields declared with `audience=TEAM` go to
    the owner and to clients of the entity's team who see it: its own Team or Seat, else that of its owner's player.
    """

    number: NetVar[int] = netvar(0, low=0, high=255)  # 0: none
