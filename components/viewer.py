"""Viewer: where a client looks."""

from ecsnet.fields import OWNER, NetVar, component, netvar

__all__ = ["Viewer"]


@component
class Viewer:
    """Lets the entity's owner see `Near` entities around it. Written by the game; read by interest.

    It counts on an entity with an `Owner`, such as a player's. The centre is the entity's Transform2D, moved by (x, y);
    without one it is (x, y). A client sees at least what is within the radius, and nothing more than about four cells
    beyond it (`Game(cell_units=)`). Several of one client add up.
    """

    x: NetVar[float] = netvar(0.0, step=1 / 4, low=-32768, high=32768, audience=OWNER)  # world units
    y: NetVar[float] = netvar(0.0, step=1 / 4, low=-32768, high=32768, audience=OWNER)  # world units
    radius: NetVar[float] = netvar(0.0, step=1 / 4, low=0, high=65536, audience=OWNER)  # world units
