"""Declaring events: what is read from a class, and what is refused."""

from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field
from enum import Enum
from typing import Annotated, ClassVar, cast

import pytest

from ecsnet.errors import SchemaError
from ecsnet.fields import OWNER, EntityRef, FieldKind, netvar
from ecsnet.gameevent import EventSpec, event, event_spec_of
from ecsnet.remote import CLIENTS, Moment


class Side(Enum):
    HOME = 1
    AWAY = 2


@event
class GoalScored:
    side: Side
    scorer: EntityRef
    minute: int = netvar(0, low=0, high=120)
    passes: list[int] = netvar([])
    own_goal: bool = False
    limit: ClassVar[int] = 9


@event(reliable=False, deliver="rendered")
class Bang:
    loudness: Annotated[float, netvar(0.0, low=0.0, high=1.0, step=1 / 255)]


def spec(cls: type) -> EventSpec:
    found = event_spec_of(cls)
    assert found is not None
    return found


def test_a_declaration_is_read_from_the_class() -> None:
    """Names, types, defaults and options are those of components and calls."""
    declared = spec(GoalScored)

    assert (declared.name, declared.cls, declared.to, declared.reliable) == ("GoalScored", GoalScored, CLIENTS, True)
    assert [(each.name, each.kind) for each in declared.parameters] == [
        ("side", FieldKind.ENUM),
        ("scorer", FieldKind.ENTITY),
        ("minute", FieldKind.INT),
        ("passes", FieldKind.LIST),
        ("own_goal", FieldKind.BOOL),
    ]
    assert (spec(Bang).reliable, spec(Bang).parameters[0].step) == (False, 1 / 255)


def test_an_event_is_a_frozen_slotted_dataclass() -> None:
    """It is compared, shown and matched like any; a list in it is its own."""
    goal = GoalScored(Side.HOME, 3, own_goal=True)

    assert goal == GoalScored(side=Side.HOME, scorer=3, minute=0, passes=[], own_goal=True)
    assert goal.passes is not GoalScored(Side.HOME, 3).passes
    assert "own_goal=True" in repr(goal)
    assert not hasattr(goal, "__dict__")
    with pytest.raises(FrozenInstanceError):
        goal.minute = 4  # type: ignore[misc]


def test_values_go_and_come_in_the_order_of_declaration() -> None:
    """As packed; what arrives is equal to what was sent."""
    goal = GoalScored(Side.AWAY, 3, 90, [1, 2])

    assert spec(GoalScored).values_of(goal) == (Side.AWAY, 3, 90, [1, 2], False)
    assert spec(GoalScored).make(spec(GoalScored).values_of(goal)) == goal


def test_what_names_entities_waits_for_them_unless_said() -> None:
    """And everything else is told at once."""

    @event
    class Plain:
        text: str

    @event(deliver="received")
    class Hasty:
        who: EntityRef

    assert [spec(each).deliver for each in (GoalScored, Plain, Hasty, Bang)] == [
        Moment.APPLIED,
        Moment.RECEIVED,
        Moment.RECEIVED,
        Moment.RENDERED,
    ]


def test_an_event_without_fields_says_enough_by_its_name() -> None:
    """Half time."""

    @event
    class HalfTime:
        pass

    assert spec(HalfTime).parameters == ()
    assert event_spec_of(Side) is None


class Sets:
    a: set[int]


class Wrong:
    a: int = cast("int", "x")


class Secret:
    a: int = netvar(0, audience=OWNER)


class Plainly:
    a: int = field(default=0)


class Child(Sets):
    pass


@dataclass
class Twice:
    a: int


class Backward:
    a: int = 0
    b: int


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (Sets, "test_gameevent.py: Sets.a: set[int] cannot travel"),
        (Wrong, "test_gameevent.py: Wrong.a: default 'x' is no int"),
        (Secret, "test_gameevent.py: Secret.a: audience=, interpolate= and redundancy= are a component's"),
        (Plainly, "test_gameevent.py: Plainly.a: dataclasses.field(...) says nothing of how it travels"),
        (Child, "test_gameevent.py: Child: an event is a plain class with fields; it inherits nothing"),
        (Twice, "test_gameevent.py: Twice: an event is a plain class with fields"),
        (Backward, "test_gameevent.py: Backward: non-default argument 'b' follows default argument"),
        (print, "@event: an event is a class, not <built-in function print>"),
    ],
)
def test_a_class_that_cannot_be_an_event_is_told(declared: type, text: str) -> None:
    """Where, why, and what to do."""
    with pytest.raises(SchemaError) as caught:
        event(declared)

    assert text in str(caught.value)


def test_there_are_three_moments() -> None:
    """And the error names them."""
    declare = cast("Callable[..., Callable[[type], type]]", event)
    with pytest.raises(SchemaError, match='Sets: deliver=\'soon\' is none of "received", "applied", "rendered"'):
        declare(deliver="soon")(type("Sets", (), {"__module__": __name__}))


def test_too_many_fields_are_refused() -> None:
    """A named limit, as of a call."""
    many = type("Many", (), {"__annotations__": {f"f{i}": int for i in range(33)}, "__module__": __name__})
    with pytest.raises(SchemaError, match="Many: has 33 fields, more than 32"):
        event(many)


def test_an_unreliable_event_fits_the_datagram_of_its_state() -> None:
    """In parts it would be lost with any of them; what is longer can be reliable."""

    class Speech:
        speaker: EntityRef
        text: str = netvar("", max_bytes=1000)

    with pytest.raises(SchemaError, match=r"Speech\.text: with it, it may take 1006 B"):
        event(reliable=False)(Speech)
    event(Speech)
