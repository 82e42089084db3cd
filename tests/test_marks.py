"""Components that mark themselves when written: marks, and that nobody else notices."""

import copy
import dataclasses
import gc
import inspect
import pickle
import weakref

import pytest

from ecsnet import NetVar, World, component, netvar
from ecsnet.marks import unwatch, watch


@component(track="push")
class Door:
    """Written rarely."""

    open: NetVar[bool] = False
    colour: NetVar[int] = netvar(7, low=0, high=255)
    creaks: list[int] = dataclasses.field(default_factory=list)


@component
class Gate:
    """The same, compared."""

    open: NetVar[bool] = False
    colour: NetVar[int] = netvar(7, low=0, high=255)
    creaks: list[int] = dataclasses.field(default_factory=list)


def watched(entity: int = 5) -> tuple[Door, set[int]]:
    """Return a door and where it leaves its marks."""
    door, marks = Door(), set[int]()
    watch(door, marks, entity)
    return door, marks


def test_a_write_leaves_a_mark() -> None:
    """Reading and making leave none."""
    door, marks = watched()

    assert not door.open
    assert door == Door()
    assert marks == set()
    door.open = True
    door.colour += 1
    assert marks == {5}


def test_nobody_watches_a_new_component() -> None:
    """On a client there is no detector: writing must cost nothing that stays."""
    door = Door(open=True)
    door.colour = 8

    assert door == Door(open=True, colour=8)


def test_the_last_to_watch_gets_the_marks() -> None:
    """A component belongs to one entity of one World."""
    door, before = watched(5)
    after = set[int]()
    watch(door, after, 6)
    unwatch(door, 5)  # 5 lets go later than 6 took it
    door.open = True

    assert (before, after) == (set(), {6})
    unwatch(door, 6)
    after.clear()
    door.open = False
    assert after == set()


def test_it_looks_like_any_other_dataclass() -> None:
    """Hidden slots are no fields."""
    door, gate = Door(True, 9), Gate(True, 9)

    assert repr(door) == repr(gate).replace("Gate", "Door")
    assert [each.name for each in dataclasses.fields(door)] == ["open", "colour", "creaks"]
    assert dataclasses.asdict(door) == dataclasses.asdict(gate)
    assert Door.__match_args__ == Gate.__match_args__
    assert Door.__annotations__ == Gate.__annotations__
    assert inspect.signature(Door) == inspect.signature(Gate)
    assert dataclasses.replace(door, colour=1) == Door(True, 1)
    assert door != Door(True, 8)
    assert door.__eq__(gate) is NotImplemented
    assert not hasattr(door, "__dict__")
    with pytest.raises(AttributeError, match="colou"):
        door.colou = 1  # type: ignore[attr-defined]
    with pytest.raises(TypeError):
        hash(door)


def test_a_copy_marks_nothing() -> None:
    """It belongs to no entity; nor does what is pickled take the World's marks along."""
    door, marks = watched()
    door.creaks.append(1)
    copies = [
        copy.copy(door),
        copy.deepcopy(door),
        pickle.loads(pickle.dumps(door)),  # noqa: S301  # our own bytes
        dataclasses.replace(door),
    ]
    for each in copies:
        assert each == door
        each.colour = 200
        assert each.colour == 200

    assert marks == set()
    assert copies[0].creaks is door.creaks
    assert copies[1].creaks is not door.creaks


def test_marks_keep_nothing_alive() -> None:
    """Neither the component its World's detector, beyond a set of ints, nor that the component."""

    class Holder(set[int]):
        """A set that can be watched by a weak reference."""

    marks = Holder()
    door = Door()
    watch(door, marks, 5)
    door.open = True
    gone = weakref.ref(marks)
    del marks
    assert gone() is not None
    del door
    gc.collect()

    assert gone() is None


def test_a_world_sees_that_it_changed() -> None:
    """`changed` compares the declared fields."""
    world = World()
    entity = world.create_entity(Door())
    world.changed(Door)
    world.component_for_entity(entity, Door).open = True

    assert world.changed(Door) == [(entity, Door(open=True))]
