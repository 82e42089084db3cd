"""Declaring components: `@component`, `@player_input`, and what of them travels.

A component is data: a slotted dataclass whose NetVar fields are replicated and whose other fields stay on their side.
Declaring is checking: whatever cannot work is a SchemaError when the game module is imported.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, InitVar, dataclass, field
from inspect import get_annotations
from pathlib import Path
from typing import ClassVar, Final, NoReturn, TypeVar, dataclass_transform, get_origin, get_type_hints, overload

from ecsnet.errors import SchemaError
from ecsnet.fieldcheck import field_from_annotation
from ecsnet.marks import make_marking
from ecsnet.netfield import (
    EVERYONE,
    OWNER,
    TEAM,
    Audience,
    EntityRef,
    FieldKind,
    NetField,
    NetVar,
    Options,
    ValueCodec,
    is_netvar,
    netvar,
    options_of,
)

__all__ = [
    "EVERYONE",
    "OWNER",
    "RATE_TIERS",
    "SPEC_ATTRIBUTE",
    "TEAM",
    "Audience",
    "ComponentSpec",
    "EntityRef",
    "FieldKind",
    "NetField",
    "NetVar",
    "Tracking",
    "ValueCodec",
    "component",
    "declares_netvar",
    "field_from_annotation",
    "netvar",
    "place_of",
    "player_input",
    "spec_of",
]

T = TypeVar("T")

SPEC_ATTRIBUTE = "__ecsnet_spec__"
# The receiver makes components with the generated constructor, without arguments: nothing may stand in its way.
RATE_TIERS = (1, 2, 4, 8)  # powers of two: each tier's sends can lie between those of the others
_FORBIDDEN_DUNDERS = ("__init__", "__new__", "__post_init__", "__setattr__", "__getattr__", "__getattribute__")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tracking:
    """How the server finds the changes of a component; the client need not know. See `component`."""

    track: str | None = None
    every: int = 1
    once: bool = False


@dataclass(frozen=True, slots=True)
class ComponentSpec:
    """What a component declared.

    Attributes:
        name: The class name; unique in a game.
        fields: The NetVars, in the order of declaration.
        local: Names of the other fields.
        is_shared: Whether clients learn what is in a player's input.
        replicated: Whether clients learn of it at all: it has a NetVar, is a tag, or is the player's input.
        tracking: How the server finds its changes.
        kept: Whether snapshots hold it.
    """

    cls: type[object]
    name: str
    fields: tuple[NetField, ...]
    local: tuple[str, ...]
    is_input: bool
    is_shared: bool
    replicated: bool
    tracking: Tracking
    kept: bool


# `netvar` is left out of `field_specifiers` on purpose. A specifier's default must be a keyword to count, so
# `netvar(0, low=0, high=9)` would be read as "no default". As a plain expression of type T it is a default.
@overload
@dataclass_transform(field_specifiers=(field,))
def component(cls: type[T], /) -> type[T]: ...
@overload
def component(
    *, tag: bool = False, track: str | None = None, every: int = 1, once: bool = False, kept: bool = True
) -> Callable[[type[T]], type[T]]: ...
def component(
    cls: type[T] | None = None,
    /,
    *,
    tag: bool = False,
    track: str | None = None,
    every: int = 1,
    once: bool = False,
    kept: bool = True,
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class a component: a slotted dataclass whose NetVar fields are replicated.

    How changes are found is the server's business: `track`, `every` and `once` may differ on a client.

    Args:
        cls: The class, when used without parentheses.
        tag: Replicate its presence although no field travels.
        track: "push" for what is written rarely, less than once in five sends: assigning a field marks the component,
            and only marked ones are compared with what was sent. What leaves no mark, a list edited in place, is
            found within 16 looks. The component belongs to one entity; of an instance given to two, only one is marked.
        every: Look for changes only in every 2nd, 4th or 8th send, and send the value it has then. They may arrive
            apart from other changes of the entity. The client that steers the entity still gets the value of each
            send. Interpolated fields look jerky with it.
        once: What the component holds at the first send travels with the entity, also to whoever sees it later.
            Later changes do not travel, until the component is taken away and given anew.
        kept: Snapshots of the World hold it. False: for what a system makes anew each tick.

    Raises:
        SchemaError: The declaration cannot work; the text says where, why and what to do.
    """
    tracking = Tracking(track=track, every=every, once=once)
    if cls is None:
        return lambda declared: _declare(declared, tag=tag, is_input=False, tracking=tracking, kept=kept)
    return _declare(cls, tag=tag, is_input=False, tracking=tracking, kept=kept)


@overload
@dataclass_transform(field_specifiers=(field,))
def player_input(cls: type[T], /) -> type[T]: ...
@overload
@dataclass_transform(field_specifiers=(field,))
def player_input(*, shared: bool) -> Callable[[type[T]], type[T]]: ...
@overload
def player_input(*, track: str | None = None, every: int = 1, once: bool = False) -> NoReturn: ...
def player_input(
    cls: type[T] | None = None,
    /,
    *,
    shared: bool = False,
    track: str | None = None,
    every: int = 1,
    once: bool = False,
) -> type[T] | Callable[[type[T]], type[T]]:
    """Make a class the component a client fills each tick: what is pressed, all of it in closed ranges.

    Its values travel from the client to the server only; that an entity has one, its owner is told. So it takes none
    of the options of `component`; they are here to be refused with the place of the mistake.

    Args:
        cls: The class, when used without parentheses.
        shared: Tell all who see an entity what is pressed for it. Then a client that predicts another's player along
            (`ecsnet.systems.predict`, or as Collision does with whom it pushes) knows where that one wants to go.

    Raises:
        SchemaError: A field is no bool, Enum or number with low and high, or the declaration is wrong otherwise.
    """
    tracking = Tracking(track=track, every=every, once=once)
    if cls is None:
        return lambda declared: _declare(declared, tag=False, is_input=True, tracking=tracking, is_shared=shared)
    return _declare(cls, tag=False, is_input=True, tracking=tracking, is_shared=shared)


def spec_of(cls: type) -> ComponentSpec:
    """Return what a component declared.

    Raises:
        SchemaError: The class is no component.
    """
    spec = cls.__dict__.get(SPEC_ATTRIBUTE) if isinstance(cls, type) else None
    if isinstance(spec, ComponentSpec):
        return spec
    if isinstance(cls, type):
        raise SchemaError(f"{place_of(cls)}: not a component; decorate the class with @component")
    raise SchemaError(f"{cls!r} is not a component; give the class, not an instance")


def declares_netvar(cls: type) -> bool:
    """Tell whether a class annotates a field as a NetVar, decorated or not; of an annotation in quotes, by its text."""
    annotations = get_annotations(cls).values()
    return any(is_netvar(raw) or (isinstance(raw, str) and raw.startswith("NetVar[")) for raw in annotations)


def place_of(declared: type | Callable[..., object]) -> str:
    """Return where something is declared, as error texts begin: `game.py: Health`."""
    file = getattr(sys.modules.get(declared.__module__), "__file__", None)
    return f"{Path(file).name if file else declared.__module__}: {declared.__name__}"


def _declare(
    cls: type[T], *, tag: bool, is_input: bool, tracking: Tracking, is_shared: bool = False, kept: bool = True
) -> type[T]:
    place = place_of(cls)
    annotations = _annotations(place, cls)
    _check_shape(place, cls, annotations)
    fields, local = _read_fields(place, cls, annotations, is_input=is_input)
    if tag and fields:
        raise SchemaError(f"{place}: it has NetVars, so it travels anyway; leave out tag=True")
    _check_tracking(place, tracking, fields, is_input=is_input)
    replicated = bool(fields) or tag or is_input
    if replicated:
        _check_local_defaults(place, cls, local)
    try:
        made = make_marking(cls) if tracking.track == "push" else dataclass(slots=True)(cls)
    except (TypeError, ValueError) as error:
        raise SchemaError(f"{place}: {error}") from error
    spec = ComponentSpec(
        made,
        made.__name__,
        tuple(fields),
        tuple(local),
        is_input=is_input,
        is_shared=is_shared,
        replicated=replicated,
        tracking=tracking,
        kept=kept,
    )
    setattr(made, SPEC_ATTRIBUTE, spec)
    return made


def _annotations(place: str, cls: type) -> dict[str, object]:
    """Return the resolved annotations of the fields; constants (ClassVar) are none.

    Each is resolved on its own: a local field may name a type that exists for type checkers only.
    """
    resolved = {}
    for name, raw in get_annotations(cls).items():
        alone = type(cls.__name__, (), {"__annotations__": {name: raw}, "__module__": cls.__module__})
        try:
            annotation = get_type_hints(alone, include_extras=True)[name]
        except (NameError, AttributeError, SyntaxError) as error:
            if "NetVar" in str(raw) or options_of(cls.__dict__.get(name)):
                raise SchemaError(
                    f"{place}.{name}: cannot resolve {raw!r}: {error}; what travels needs top-level types"
                ) from error
            annotation = raw
        if annotation is not ClassVar and get_origin(annotation) is not ClassVar:
            resolved[name] = annotation
    return resolved


def _check_shape(place: str, cls: type, annotations: Mapping[str, object]) -> None:
    """Refuse whatever is more than data."""
    if cls.__bases__ != (object,):
        bases = ", ".join(base.__name__ for base in cls.__bases__)
        raise SchemaError(f"{place}: inherits from {bases}; components do not inherit, give the entity both components")
    if "__dataclass_fields__" in cls.__dict__:
        raise SchemaError(f"{place}: is decorated twice; @component alone makes it a dataclass")
    constants = get_annotations(cls).keys() - annotations.keys()
    for name, value in cls.__dict__.items():
        if name in _FORBIDDEN_DUNDERS:
            raise SchemaError(f"{place}.{name}: a component is made by its generated constructor; give fields defaults")
        dunder = name.startswith("__") and name.endswith("__")
        if dunder or name in annotations or name in constants or isinstance(value, property | type):
            continue
        if callable(value) or isinstance(value, classmethod | staticmethod):
            raise SchemaError(f"{place}.{name}: a component is data only; make it a function, or part of a system")
        raise SchemaError(
            f"{place}.{name}: has no annotation, so it is no field; write "
            f"`{name}: NetVar[{type(value).__name__}] = ...`, or ClassVar for a constant"
        )


def _check_tracking(place: str, given: Tracking, fields: list[NetField], *, is_input: bool) -> None:
    if given.track not in (None, "push"):
        raise SchemaError(f'{place}: track={given.track!r} is no way to track; write track="push", or leave it out')
    if given.every not in RATE_TIERS or isinstance(given.every, bool):
        raise SchemaError(f"{place}: every={given.every!r} is none of 1, 2, 4 and 8 sends; take the next of them")
    options = ['track="push"'] if given.track else []
    options += [f"every={given.every}"] if given.every > 1 else []
    if given.once and options:
        raise SchemaError(
            f"{place}: once=True with {' and '.join(options)}; what travels once is never looked at again, "
            "leave out one or the other"
        )
    options += ["once=True"] if given.once else []
    if options and is_input:
        raise SchemaError(f"{place}: {' and '.join(options)} on the player's input, which no client is sent; leave out")
    if options and not fields:
        raise SchemaError(f"{place}: {' and '.join(options)}, but it has no NetVar that could change; leave out")
    if given.once:
        for each in fields:
            if each.redundancy:
                raise SchemaError(
                    f"{place}.{each.name}: redundancy={each.redundancy} repeats changes, and once=True sends none; "
                    "leave out one or the other"
                )


def _read_fields(
    place: str, cls: type, annotations: Mapping[str, object], *, is_input: bool
) -> tuple[list[NetField], list[str]]:
    fields: list[NetField] = []
    local: list[str] = []
    for name, annotation in annotations.items():
        declared = cls.__dict__.get(name, MISSING)
        if is_netvar(annotation) or is_input:
            found = _read_netvar(place, name, annotation, declared)
            if is_input:
                _check_closed(f"{place}.{name}", found)
            fields.append(found)
            setattr(cls, name, _own_default(found.default))
        else:
            _check_local(f"{place}.{name}", annotation, declared)
            local.append(name)
    return fields, local


def _read_netvar(place: str, name: str, annotation: object, declared: object) -> NetField:
    default: object = declared.default if isinstance(declared, Field) else declared
    if isinstance(declared, Field) and declared.default_factory in (list, dict):
        default = declared.default_factory()
    if default is MISSING:
        raise SchemaError(f"{place}.{name}: has no default; give one, it is what a client begins with")
    return field_from_annotation(place, name, annotation, default, options_of(declared) or Options())


def _own_default(default: object) -> object:
    """Return what makes each component begin with a list or dict of its own."""
    return field(default_factory=default.copy) if isinstance(default, list | dict) else default


def _check_closed(where: str, found: NetField) -> None:
    """An input's every value must be one the game allows: a client cannot send what has no encoding."""
    if not _is_closed(found):
        raise SchemaError(
            f"{where}: an input needs a closed range; use bool, an Enum, a Flag, netvar(..., low=..., high=...), or a "
            "tuple of a fixed length of these"
        )
    if found.audience is not EVERYONE:
        raise SchemaError(f"{where}: an input goes to the server alone; leave out audience=")


def _is_closed(found: NetField) -> bool:
    if found.kind is FieldKind.TUPLE:
        return all(_is_closed(each) for each in found.items)
    return found.kind in (FieldKind.BOOL, FieldKind.ENUM, FieldKind.FLAG) or found.low is not None


def _check_local(where: str, annotation: object, declared: object) -> None:
    if options_of(declared):
        raise SchemaError(f"{where}: netvar(...) without NetVar; write NetVar[...] to send it, or a plain default")
    if isinstance(annotation, InitVar) or get_origin(annotation) is Final:
        raise SchemaError(f"{where}: InitVar and Final are no fields; use a plain field, or ClassVar for a constant")
    default = declared.default if isinstance(declared, Field) else declared
    if isinstance(default, list | dict | set | bytearray):
        kind = type(default).__name__
        raise SchemaError(
            f"{where}: all entities would share one {kind}; write dataclasses.field(default_factory={kind})"
        )


def _check_local_defaults(place: str, cls: type, local: list[str]) -> None:
    for name in local:
        declared = cls.__dict__.get(name, MISSING)
        if declared is MISSING or (
            isinstance(declared, Field) and declared.default is MISSING and declared.default_factory is MISSING
        ):
            raise SchemaError(
                f"{place}.{name}: has no default; clients make the component too, and never get this value"
            )
