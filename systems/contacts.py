"""Contacts: who met whom in this tick, who began to, and who ceased. Asked by games; written by collision.py only.

A client simulates ticks again, so what was before a tick is looked up by its number: it is not what the last run left.
"""

from collections.abc import Iterator, Sequence

from ecsnet.components.contacts import Contact, Contacts
from ecsnet.systems.body import Body, meets
from ecsnet.systems.geometry import gap
from ecsnet.wire import Tick, advance_tick, is_newer, tick_difference
from ecsnet.world import World

__all__ = ["CONTACT_MEMORY_TICKS", "contacts_begun", "contacts_ended", "contacts_of", "publish"]

CONTACT_MEMORY_TICKS = 96  # above twice the 40 that a client simulates again at most

# Solids that are no further apart still touch. What the wire takes from two places is 1/64 on each axis; twice that.
_TOUCHING_UNITS = 1 / 32


def contacts_of(world: World, entity: int | None = None) -> Iterator[Contact]:
    """Yield the contacts Collision found in this tick, each pair once, ordered by their entities.

    For systems that a game lists after Collision: `for contact in contacts_of(world, ball): ...`

    Args:
        world: On a client it has the contacts of what that client predicts, of the last tick predicted.
        entity: Only contacts of this one, seen from it: `contact.entity` is it, the normal points towards it.

    Raises:
        RuntimeError: The game does not list Collision.
    """
    contacts = contacts_in(world)
    return seen_from(entity, contacts.found if contacts else ())


def contacts_begun(world: World, entity: int | None = None) -> Iterator[Contact]:
    """Yield those of `contacts_of` that were no contacts in the tick before: a hit, a step into a zone.

    Two solids that met stay in contact while they touch, also if neither presses; who is in a sensor, until it left.
    While `world.replaying`, what began in those ticks is yielded again, or otherwise, for it may have gone otherwise.

    Added in 0.1. See `contacts_of` for the arguments.
    """
    contacts = contacts_in(world)
    if contacts is None:
        return
    before = pairs_of(entity, before_tick(contacts, contacts.tick))
    for contact in seen_from(entity, contacts.found):
        if pair_of(contact) not in before:
            yield contact


def contacts_ended(world: World, entity: int | None = None) -> Iterator[Contact]:
    """Yield the contacts of the tick before that are none in this tick, as they were when the two last met.

    Also where one of them is gone: it may be that `world.entity_exists(contact.other)` is false.

    Added in 0.1. See `contacts_of` for the arguments.
    """
    contacts = contacts_in(world)
    if contacts is None:
        return
    now = pairs_of(entity, contacts.lasting.get(contacts.tick, ()))
    for contact in seen_from(entity, before_tick(contacts, contacts.tick)):
        if pair_of(contact) not in now:
            yield contact


def contacts_in(world: World) -> Contacts | None:
    """Return what Collision found; None if it has not run yet.

    A client's systems are not in its World: what it never finds, the server's has told already.

    Raises:
        RuntimeError: It never will: nobody listed it.
    """
    contacts = world.try_single(Contacts)
    if contacts is not None or world.foresight is not None or not world.systems:
        return contacts
    if not any(getattr(system, "finds_contacts", False) for system in world.systems):
        raise RuntimeError(
            "nothing finds contacts: list ecsnet.systems.Collision in Game(systems=...), before what asks for them"
        )
    return None


def publish(world: World, found: list[Contact], bodies: Sequence[Body]) -> None:
    """Leave the tick's contacts where the others find them.

    Args:
        world: Gets a Contacts if it has none.
        found: Who met, ordered by (entity, other).
        bodies: All that took part, where they ended.
    """
    contacts = world.ensure_single(Contacts)
    contacts.found = found
    contacts.tick = tick = world.tick
    before = before_tick(contacts, tick)
    lasting = contacts.lasting
    lasting.pop(tick, None)  # so that the ticks simulated last are the last in the dictionary
    lasting[tick] = sorted([*found, *touching_still(before, found, bodies)]) if before else found
    while len(lasting) > CONTACT_MEMORY_TICKS:
        del lasting[next(iter(lasting))]


def before_tick(contacts: Contacts, tick: Tick) -> Sequence[Contact]:
    """Return the contacts of the tick before; where time jumped, as a client's may, of the newest before that."""
    lasting = contacts.lasting
    previous = advance_tick(tick, -1)
    if previous not in lasting:
        earlier = [known for known in lasting if is_newer(tick, known)]
        if not earlier:
            return ()
        previous = max(earlier, key=lambda known: tick_difference(known, tick))
    return lasting[previous]


def touching_still(before: Sequence[Contact], found: list[Contact], bodies: Sequence[Body]) -> list[Contact]:
    """Return the contacts of before whose solids did not meet again, but are no further apart than touching."""
    met = {pair_of(contact) for contact in found}
    left = [contact for contact in before if not contact.sensor and pair_of(contact) not in met]
    if not left:
        return []
    concerned = {entity for contact in left for entity in contact[:2]}
    known = {body.entity: body for body in bodies if body.entity in concerned}
    return [contact for contact in left if touch(known.get(contact.entity), contact.other, known.get(contact.other))]


def touch(body: Body | None, entity: int, other: Body | None) -> bool:
    """Tell whether a body touches another, or with entity 0 the edge of its area."""
    if body is None or body.sensor:
        return False
    if not entity:
        return body.is_at_edge(_TOUCHING_UNITS)
    if other is None or other.sensor or not meets(body, other):
        return False
    width, height, radius = body.width + other.width, body.height + other.height, body.radius + other.radius
    return gap(body.x - other.x, body.y - other.y, width, height, radius).distance <= _TOUCHING_UNITS


def seen_from(entity: int | None, contacts: Sequence[Contact]) -> Iterator[Contact]:
    """Yield the contacts of an entity, turned so that it is their first; all of them as they are if it is None."""
    for contact in contacts:
        if entity is None or contact.entity == entity:
            yield contact
        elif contact.other == entity:
            _, _, x, y, speed, sensor = contact
            yield Contact(entity, contact.entity, -x, -y, speed, sensor)


def pairs_of(entity: int | None, contacts: Sequence[Contact]) -> set[tuple[int, int]]:
    """Return which pairs are in contact, of those with the entity."""
    return {pair_of(contact) for contact in contacts if entity is None or entity in contact[:2]}


def pair_of(contact: Contact) -> tuple[int, int]:
    """Return the two entities, the same whichever comes first: that changes when one begins to move."""
    entity, other = contact[:2]
    return (entity, other) if entity < other else (other, entity)
