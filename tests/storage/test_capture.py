"""A capture is a World of one moment, whatever becomes of it; and a World can be made of it again."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from ecsnet.components.owner import Owner
from ecsnet.components.player import Player
from ecsnet.components.transform2d import Transform2D
from ecsnet.fields import NetVar, component, netvar
from ecsnet.storage.capture import capture, component_names
from ecsnet.storage.forms import form_of
from ecsnet.storage.values import NotKeptError
from ecsnet.system import System
from ecsnet.world import World


class Upper:
    """A codec of a game's own."""

    name, max_bytes = "upper", 20

    def pack(self, value: "Word") -> bytes:
        return value.text.upper().encode()

    def unpack(self, data: bytes) -> "Word":
        if data == b"BAD":
            raise ValueError("bad word")
        return Word(data.decode().lower())


@dataclass(frozen=True)
class Word:
    text: str


@component
class Bag:
    """Holds what is changed in place, what is private, and what travels its own way."""

    items: NetVar[list[int]] = netvar([])
    word: NetVar[Word] = netvar(Word("a"), codec=Upper())
    notes: dict[str, object] = field(default_factory=dict)
    secret: "Undeclared" = 7  # type: ignore[name-defined]  # noqa: F821  # a name for type checkers only


@component
class Mark:
    """Has no fields."""


class Plain:
    """No dataclass: what somebody who knows esper may put into a World."""


def world_of(*entities: tuple[Any, ...]) -> World:
    """Return a World with these entities."""
    world = World()
    for components in entities:
        world.create_entity(*components)
    return world


def test_a_capture_says_what_there_is_by_name() -> None:
    """As people read it, and with whoever owns it."""
    world = world_of((Player(client_id=3, name="anna"), Owner(3)), (Transform2D(1.5, 2.0), Owner(3), Mark()))

    first, second = capture(world).entities()

    assert first["owner"] == {"client_id": 3, "name": "anna"}
    assert second == {
        "entity": 2,
        "owner": {"client_id": 3, "name": "anna"},
        "components": {
            "Owner": {"client_id": 3},
            "Transform2D": {"x": 1.5, "y": 2.0, "rotation": 0.0},
            "Mark": {},
        },
    }


def test_a_capture_stays_as_it_was() -> None:
    """Its documents are made later, in another thread, while the game goes on."""
    bag = Bag(items=[1, 2], notes={"a": [1]})
    world = world_of((bag, Transform2D(1.0, 1.0)))

    taken = capture(world)
    bag.items.append(3)
    bag.notes["a"] = 5
    world.component_for_entity(1, Transform2D).x = 9.0
    world.delete_entity(1)
    [document] = taken.entities()

    assert document["components"] == {
        "Bag": {
            "items": [1, 2],
            "word": {"$bytes": b"A".hex()},
            "notes": {"a": [1]},
            "secret": 7,
        },
        "Transform2D": {"x": 1.0, "y": 1.0, "rotation": 0.0},
    }


def test_components_come_back_from_their_documents() -> None:
    """Local fields, too: the server has no other copy of them."""
    bag = Bag(items=[1], word=Word("ok"), notes={"k": 1, "$x": 2}, secret=(1, {2}))
    form = form_of(Bag)

    assert form.make(form.document(form.copy(bag))) == bag


def test_a_value_without_a_form_is_left_out_and_noted() -> None:
    """One odd field must not cost the whole snapshot, and nobody may lose it without a word."""

    @component
    class Odd:
        handle: object = None
        count: int = 0

    form = form_of(Odd)

    assert form.document(form.copy(Odd(handle=object(), count=2))) == {"count": 2}
    assert form.losses == {"handle": "a object has no form in a store"}


def test_what_is_no_dataclass_is_named() -> None:
    """Its state is not known to us."""
    taken = capture(world_of((Plain(), Mark())))

    assert taken.foreign == [Plain]
    assert [document["components"] for document in taken.entities()] == [{"Mark": {}}]


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ({"weight": 1}, "Bag has no field weight"),
        ({"items": "x"}, "Bag.items: 'x' is no list"),
        ({"word": {"$bytes": b"BAD".hex()}}, "Bag.word: the codec upper cannot read it"),
    ],
)
def test_a_document_of_another_time_says_what_does_not_fit(document: dict[str, object], why: str) -> None:
    """So that whoever changed the game knows what to migrate."""
    with pytest.raises(NotKeptError, match=why):
        form_of(Bag).make(document)


def test_a_field_that_was_added_since_begins_with_its_default() -> None:
    """The most common change of all needs no migration."""
    assert form_of(Bag).make({"items": [4]}) == Bag(items=[4])


def test_two_classes_of_one_name_are_told_apart() -> None:
    """A game and a library of its may both have a Health."""
    other = type("Mark", (), {"__module__": "elsewhere"})

    assert component_names([Mark, other, Bag]) == {
        Mark: f"{__name__}:Mark",
        other: "elsewhere:Mark",
        Bag: "Bag",
    }


def test_a_restored_world_goes_on_where_it_was() -> None:
    """Entities keep their numbers, no number is given twice, and no system takes what was there for new."""
    seen = []

    class Look(System):
        def process(self, world: World) -> None:
            seen.append(world.added(Mark))

    world = World(tick=41)
    world.add_system(Look())
    world.restore({3: [Mark()], 7: [Mark(), Owner(2)]}, next_entity=12)
    world.process()
    created = world.create_entity(Mark())
    world.process()

    assert world.entities() == [3, 7, 12]
    assert created == 12
    assert world.next_entity == 13
    assert [[entity for entity, _ in added] for added in seen] == [[], [12]]
    assert world.get_component(Owner) == [(7, Owner(2))]
    assert world.take_structure_changes() == [3, 7, 12]


def test_a_capture_may_be_of_a_few_entities() -> None:
    """They look as in one of all; what they lack stays lacking, and an owner is called as ever."""
    several = [(Transform2D(x=float(number)),) for number in range(10)]
    world = world_of((Player(client_id=3, name="anna"),), (Transform2D(x=1.0), Owner(client_id=3)), (Mark(),), *several)
    every = list(capture(world).entities())

    assert len(every) == 13
    for few in ([], [2], [1, 3, 4]):  # of a type that more than four times as many have, and of one that few have
        assert list(capture(world, few).entities()) == [document for document in every if document["entity"] in few]


def test_what_is_made_anew_each_tick_is_left_out() -> None:
    """Nobody goes on from it, and people who read a snapshot look for something else."""

    @component(kept=False)
    class Sketch:
        lines: int = 0

    taken = capture(world_of((Sketch(3), Mark())))

    assert [document["components"] for document in taken.entities()] == [{"Mark": {}}]
    assert not taken.foreign
