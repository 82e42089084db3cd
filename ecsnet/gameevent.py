"""Declaring events: what happened once, told to clients with the tick in which it did.

    @event
    class GoalScored:
        team: Team
        scorer: EntityRef

    world.to(EVERYONE).send(GoalScored(Team.HOME, player))  # in a system of the server

A client finds the same instance among `client.events()`. How it travels is the business of `ecsnet.systems.rpc`.
"""

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, field
from typing import ClassVar, TypeVar, dataclass_transform, get_origin, overload

from ecsnet.errors import SchemaError
from ecsnet.fieldcheck import field_from_annotation
from ecsnet.fields import place_of
from ecsnet.netfield import EVERYONE, NetField, options_of
from ecsnet.remote import CLIENTS, Deliver, Destination, Moment, check_size, hints_of, moment_of

__all__ = ["EventSpec", "event", "event_spec_of"]

T = TypeVar("T")

_SPEC_ATTRIBUTE = "__ecsnet_event__"


@dataclass(frozen=True, slots=True, eq=False)
class EventSpec:
    """What an event declared; beside `Rpc` in the table of what travels by name.

    Attributes:
        name: The class name; unique in a game.
        parameters: Its fields, in the order of declaration.
        reliable: Arrives once and in order; else at most once.
        deliver: When a client is told.
    """

    cls: type[object]
    name: str
    parameters: tuple[NetField, ...]
    reliable: bool
    deliver: Moment
    to: ClassVar[Destination] = CLIENTS
    result_fields: ClassVar[tuple[NetField, ...]] = ()

    def __repr__(self) -> str:
        """Show the name."""
        return f"EventSpec({self.name})"

    def values_of(self, happened: object) -> tuple[object, ...]:
        """Return an event's values, in the order of `parameters`."""
        return tuple(getattr(happened, parameter.name) for parameter in self.parameters)

    def make(self, values: Sequence[object]) -> object:
        """Return the event of these values."""
        named = {parameter.name: value for parameter, value in zip(self.parameters, values, strict=True)}
        return self.cls(**named)


@overload
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def event(cls: type[T], /) -> type[T]: ...
@overload
@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def event(*, reliable: bool = True, deliver: Deliver | None = None) -> Callable[[type[T]], type[T]]: ...
def event(
    cls: type[T] | None = None, /, *, reliable: bool = True, deliver: Deliver | None = None
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class an event: a frozen, slotted dataclass that the server sends and clients are told of.

    Its fields are those of a remote call: every one travels, defaults are the sender's.

    Args:
        cls: The class, when used without parentheses.
        reliable: Arrives once and in order; False: at most once, soon or never: for what is worth nothing later.
        deliver: When clients are told; as of `rpc`.

    Raises:
        SchemaError: The declaration cannot work; the text says where, why and what to do.
    """
    if cls is None:
        return lambda declared: _declare(declared, reliable=reliable, deliver=deliver)
    return _declare(cls, reliable=reliable, deliver=deliver)


def event_spec_of(cls: type) -> EventSpec | None:
    """Return what a class declared as an event; None if it is none."""
    spec = cls.__dict__.get(_SPEC_ATTRIBUTE)
    return spec if isinstance(spec, EventSpec) else None


def _declare(cls: type[T], *, reliable: bool, deliver: Deliver | None) -> type[T]:
    if not isinstance(cls, type):
        raise SchemaError(f"@event: an event is a class, not {cls!r}")
    place = place_of(cls)
    if cls.__bases__ != (object,) or "__dataclass_fields__" in cls.__dict__:
        raise SchemaError(
            f"{place}: an event is a plain class with fields; it inherits nothing, and @event alone is enough"
        )
    fields = tuple(_read_fields(place, cls))
    check_size(place, fields, reliable=reliable)
    try:
        made = dataclass(frozen=True, slots=True)(cls)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{place}: {error}") from error
    spec = EventSpec(made, made.__name__, fields, reliable, moment_of(place, deliver, fields))
    setattr(made, _SPEC_ATTRIBUTE, spec)
    return made


def _read_fields(place: str, cls: type) -> list[NetField]:
    """Read the fields, and leave in the class the defaults that a dataclass understands."""
    fields = []
    for name, annotation in hints_of(place, cls).items():
        if annotation is ClassVar or get_origin(annotation) is ClassVar:
            continue
        declared = cls.__dict__.get(name, MISSING)
        found = _read_field(place, name, annotation, declared)
        if isinstance(found.default, list | dict):
            setattr(cls, name, field(default_factory=found.default.copy))
        elif found.default is not MISSING:
            setattr(cls, name, found.default)
        fields.append(found)
    return fields


def _read_field(place: str, name: str, annotation: object, declared: object) -> NetField:
    options = options_of(declared)
    if isinstance(declared, Field) and options is None:
        raise SchemaError(f"{place}.{name}: dataclasses.field(...) says nothing of how it travels; write netvar(...)")
    default: object = declared.default if isinstance(declared, Field) else declared
    found = field_from_annotation(place, name, annotation, default, options)
    if (found.audience, found.interpolate, found.redundancy) != (EVERYONE, False, 0):
        raise SchemaError(
            f"{place}.{name}: audience=, interpolate= and redundancy= are a component's; an event goes to "
            "those it is sent to, as it is"
        )
    return found
