"""Contacts: who met whom, who began to and who ceased, also where a client simulates ticks again."""

from collections.abc import Callable, Iterator
from random import Random

import pytest

from ecsnet.components import Bounds2D, Collider2D, Contact, Contacts, Predicted, Shape, Transform2D, Velocity2D
from ecsnet.system import System
from ecsnet.systems import Collision, contacts_begun, contacts_ended, contacts_of
from ecsnet.systems.contacts import CONTACT_MEMORY_TICKS
from ecsnet.world import World
from tests.systems.scene import Scene

Events = tuple[list[Contact], list[Contact], list[Contact]]

LAST_TICK = 0xFFFFFFFF


def zone(scene: Scene, x: float, half: float = 20.0) -> int:
    """Add a sensor that stays where it is."""
    return scene.world.create_entity(Transform2D(x=x), Collider2D(half_width=half, half_height=half, sensor=True))


def test_contacts_can_be_asked_from_either_side() -> None:
    """The normal points towards who asks."""
    scene = Scene()
    first = scene.body(Transform2D(), Velocity2D(x=640.0), Collider2D(half_width=5.0, half_height=5.0))
    second = scene.body(Transform2D(x=15.0), Velocity2D(), Collider2D(half_width=5.0, half_height=5.0))
    scene.run()

    assert scene.contacts() == scene.contacts(first) == [Contact(first, second, -1.0, 0.0, 640.0, sensor=False)]
    assert scene.contacts(second) == [Contact(second, first, 1.0, 0.0, 640.0, sensor=False)]
    assert scene.contacts(entity=999) == []


def test_contacts_are_of_one_tick() -> None:
    """What is over is over."""
    scene = Scene()
    scene.wall(20.0, -50.0, 25.0, 50.0)
    entity = scene.body(Transform2D(), Velocity2D(x=1280.0), Collider2D(half_width=5.0, half_height=5.0))
    scene.run()
    assert [contact.entity for contact in scene.contacts()] == [entity]
    scene.run()

    assert scene.contacts() == []
    assert len(scene.world.get_component(Contacts)) == 1


def test_without_a_tick_there_are_no_contacts() -> None:
    """A system may ask before Collision ever ran."""
    assert list(contacts_of(World())) == []


def test_without_a_tick_nothing_began_and_nothing_ended() -> None:
    """A system may ask before Collision ever ran."""
    world = World()

    assert list(contacts_begun(world)) == list(contacts_ended(world)) == []


@pytest.mark.parametrize("ask", [contacts_of, contacts_begun, contacts_ended])
def test_without_a_system_that_finds_them_asking_for_contacts_is_an_error(
    ask: Callable[[World], Iterator[Contact]],
) -> None:
    """A game that forgot to list Collision would wait for its first contact in vain."""

    class Hurt(System):
        def process(self, world: World) -> None:
            list(ask(world))

    world = World()
    world.add_system(Hurt())
    with pytest.raises(RuntimeError, match=r"list ecsnet.systems.Collision in Game\(systems=...\), before what asks"):
        world.process()
    world.add_system(Collision())
    world.process()


# Beginning and end


@pytest.mark.parametrize("tick", [0, LAST_TICK - 2, LAST_TICK - 1, LAST_TICK], ids=hex)
def test_a_zone_tells_once_who_comes_and_once_who_leaves(tick: int) -> None:
    """Not in each tick between, and also where the number of the tick begins anew."""
    scene = Scene(tick)
    trap = zone(scene, 0.0)
    entity = scene.body(Transform2D(x=-30.0), Velocity2D(x=640.0), Collider2D(half_width=5.0, half_height=5.0))
    began, stayed, ended = [], [], []
    for _ in range(9):
        scene.run()
        began += scene.begun(trap)
        stayed += scene.contacts(trap)
        ended += scene.ended(entity)

    assert [(contact.entity, contact.other, contact.sensor) for contact in began] == [(trap, entity, True)]
    assert [(contact.entity, contact.other) for contact in ended] == [(entity, trap)]
    assert len(stayed) > 3


def test_who_lies_still_at_a_wall_touches_it_until_it_goes() -> None:
    """It met the wall once and presses no more: that is no end."""
    scene = Scene()
    wall = scene.wall(50.0, -50.0, 55.0, 50.0)
    place, velocity = scene.box(0.0, 0.0, velocity_x=640.0)
    began, ended = [], []
    for tick in range(40):
        if tick == 20:
            place.x = round(place.x * 64) / 64  # as the wire has it
        if tick == 30:
            velocity.x = -640.0
        scene.run()
        began += [(tick, contact.other) for contact in scene.begun()]
        ended += [(tick, contact.other) for contact in scene.ended()]

    assert began == [(3, wall)]
    assert ended == [(30, wall)]


def test_the_edge_of_the_bounds_is_touched_like_a_wall() -> None:
    """It has the number 0."""
    scene = Scene()
    place, velocity = Transform2D(x=90.0, y=50.0), Velocity2D(x=640.0)
    entity = scene.body(place, velocity, Collider2D(), Bounds2D(0.0, 0.0, 100.0, 100.0))
    scene.run()
    assert [contact.other for contact in scene.begun(entity)] == [0]
    scene.run(ticks=3)
    assert scene.begun() == scene.ended() == []
    velocity.x = -640.0
    scene.run()

    assert [contact.other for contact in scene.ended(entity)] == [0]


def test_who_pushes_another_begins_to_once() -> None:
    """In some ticks they meet, in others they only touch."""
    scene = Scene()
    _, velocity = scene.box(0.0, 0.0)
    scene.box(31.0, 0.0)
    began = 0
    for _ in range(64):
        velocity.x = 64.0
        scene.run()
        began += len(scene.begun())

        assert not scene.ended()
    assert began == 1


@pytest.mark.parametrize("gone", ["first", "second"])
def test_a_contact_ends_with_whoever_is_deleted(gone: str) -> None:
    """The one who is left is told whom it has lost."""
    scene = Scene()
    first = scene.body(Transform2D(), Velocity2D(), Collider2D())
    second = zone(scene, 0.0)
    scene.run(ticks=2)
    deleted, left = (first, second) if gone == "first" else (second, first)
    scene.world.delete_entity(deleted)
    scene.run()

    assert scene.contacts() == []
    assert [(contact.entity, contact.other) for contact in scene.ended(left)] == [(left, deleted)]
    assert not scene.world.entity_exists(deleted)
    scene.run()
    assert scene.ended() == []


@pytest.mark.parametrize("change", ["sensor", "mask"])
def test_solids_that_no_longer_stop_each_other_touch_no_more(change: str) -> None:
    """A door that opens ends the contact of who leans on it."""
    scene = Scene()
    door = scene.wall(50.0, -50.0, 55.0, 50.0)
    entity = scene.body(Transform2D(x=45.0), Velocity2D(x=64.0), Collider2D(half_width=5.0, half_height=5.0))
    scene.run()
    assert [contact.other for contact in scene.begun(entity)] == [door]
    collider = scene.world.component_for_entity(door, Collider2D)
    collider.sensor, collider.mask = change == "sensor", 0xFFFF if change == "sensor" else 0
    scene.world.component_for_entity(entity, Velocity2D).x = -6400.0
    scene.run()

    assert [contact.other for contact in scene.ended(entity)] == [door]


# A client goes back


class Replayed:
    """A body among walls and zones whose velocity in each tick is told, and what each tick said of its contacts."""

    def __init__(self, seed: int, tick: int) -> None:
        """Build the same for the same seed."""
        random = Random(seed)
        self.scene = Scene(tick)
        self.scene.room(-60.0, -60.0, 60.0, 60.0)
        for _ in range(4):
            place = Transform2D(x=random.uniform(-60.0, 60.0), y=random.uniform(-60.0, 60.0))
            self.scene.world.create_entity(place, Collider2D(Shape.CIRCLE, radius=12.0, sensor=random.random() < 0.6))
        self.place, self.velocity = Transform2D(), Velocity2D()
        self.scene.body(self.place, self.velocity, Collider2D(half_width=4.0, half_height=4.0), Predicted())
        self.collision = Collision()
        self.places: dict[int, tuple[float, float]] = {}
        self.events: dict[int, Events] = {}

    def simulate(self, tick: int, velocity: tuple[float, float]) -> None:
        """Predict one tick."""
        world = self.scene.world
        world.tick = tick
        self.velocity.x, self.velocity.y = velocity
        with world.predicting():
            world.run(self.collision)
        self.places[world.tick] = self.place.x, self.place.y
        self.events[world.tick] = self.scene.contacts(), self.scene.begun(), self.scene.ended()

    def rewind(self, tick: int) -> None:
        """Put the body where it was at the end of a tick, or at the start."""
        self.place.x, self.place.y = self.places.get(tick & LAST_TICK, (0.0, 0.0))


@pytest.mark.parametrize("first", [100, LAST_TICK - 30], ids=hex)
@pytest.mark.parametrize("seed", range(12))
def test_ticks_simulated_again_tell_what_they_would_have_told_at_once(seed: int, first: int) -> None:
    """What began in a tick follows from the tick before, by its number, however often and wrongly both were guessed."""
    random = Random(seed)
    speeds = [(random.uniform(-900.0, 900.0), random.uniform(-900.0, 900.0)) for _ in range(12)]
    truth, client = Replayed(seed, first), Replayed(seed, first)
    for step in range(60):
        truth.simulate(first + 1 + step, speeds[step // 5])
        client.simulate(first + 1 + step, random.choice(speeds))
        if step == 59 or random.random() < 0.2:
            again = 0 if step == 59 else random.randint(0, step)
            client.rewind(first + again)
            for known in range(again, step + 1):
                client.simulate(first + 1 + known, speeds[known // 5])

    assert client.events == truth.events
    assert sum(len(begun) for _, begun, _ in truth.events.values()) >= 3
    assert sum(len(ended) for _, _, ended in truth.events.values()) >= 3


def test_the_memory_of_contacts_is_bounded_and_holds_a_rollback() -> None:
    """The number of ticks that are kept is reached, and the oldest of them can still be gone back to."""
    client = Replayed(seed=1, tick=0)
    for tick in range(1, 3 * CONTACT_MEMORY_TICKS):
        client.simulate(tick, (300.0, 100.0))
    contacts = client.scene.world.single(Contacts)
    assert len(contacts.lasting) == CONTACT_MEMORY_TICKS > 64

    oldest = min(contacts.lasting)
    told = dict(client.events)
    client.rewind(oldest)
    for tick in range(oldest + 1, 3 * CONTACT_MEMORY_TICKS):
        client.simulate(tick, (300.0, 100.0))

    assert client.events == told
    assert len(contacts.lasting) == CONTACT_MEMORY_TICKS


def test_where_time_jumps_what_touches_goes_on_touching() -> None:
    """A client's clock is set: the ticks left out were never simulated, so nothing began in them."""
    client = Replayed(seed=1, tick=0)
    for tick in (*range(1, 30), 37, 38):
        client.simulate(tick, (900.0, 0.0))

    assert [contact.other for contact in client.events[37][0]] == [contact.other for contact in client.events[29][0]]
    assert client.events[29][0]
    assert client.events[37][1:] == ([], [])
