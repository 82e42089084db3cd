"""Contacts: who met whom in this tick, and who was in contact in those before."""

from dataclasses import field
from typing import NamedTuple

from ecsnet.fields import component

__all__ = ["Contact", "Contacts"]


class Contact(NamedTuple):
    """Two entities that met in a tick, seen from the first of them."""

    entity: int  # always one that moves
    other: int  # 0: nobody, the edge of the entity's Bounds2D
    normal_x: float  # unit vector out of `other`: the way `entity` is kept or thrown back
    normal_y: float
    speed: float  # world units per second at which they closed in along the normal, 0 or more
    sensor: bool  # one of them is a sensor: neither was stopped


@component(kept=False)
class Contacts:
    """The contacts of the tick, one to a pair. Written by collision; read by the game through `contacts_of`.

    Each World has one, made by collision on an entity of its own. It never travels: a client has the contacts of what
    it predicts.
    """

    found: list[Contact] = field(default_factory=list)  # ordered by (entity, other)
    tick: int = 0  # whose contacts `found` are
    lasting: dict[int, list[Contact]] = field(default_factory=dict)  # by tick: who met in it, or touched still
