"""The check of each declaration of a value that travels.

Every mistake is a SchemaError when the game module is imported, and its text says place, value and remedy, like
`game.py: Health.current: default 300 is outside low=0..high=255; give a default in the range or widen it`.
"""

import math
import re
from dataclasses import MISSING, replace
from enum import Enum, Flag
from types import NoneType, UnionType
from typing import Annotated, NewType, TypeVar, Union, get_args, get_origin

from ecsnet.errors import SchemaError
from ecsnet.fielddefaults import checked_default
from ecsnet.netfield import (
    DEFAULT_MAX_ITEMS,
    EVERYONE,
    MAX_F32,
    Audience,
    FieldKind,
    Marker,
    NetField,
    Options,
    flag_mask,
    markers_of,
    options_of,
)

__all__ = ["field_from_annotation", "most_bytes"]

MAX_CODES = 1 << 32  # a ranged number travels as an unsigned of 1, 2 or 4 bytes
MAX_MEMBERS = 256  # an enum travels as the member's position, one byte
# Python keeps every combination of a Flag it has ever made, 400 B each, and a peer can send them all: 26 MB at most.
MAX_FLAG_BITS = 16
MAX_FIELD_BYTES = 1000  # all records of an entity share one datagram of about 1200 B
MAX_ITEMS = 255  # their number is one byte
MAX_REDUNDANCY = 8
TEXT_BYTES = 255  # longest str or bytes unless max_bytes= says otherwise
ITEM_TEXT_BYTES = 24  # the same inside: 16 pairs of str and str, the worst that needs no option, are 800 B
CODEC_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")  # it stands in a line of the schema's description

_CONTAINERS: dict[object, FieldKind] = {tuple: FieldKind.TUPLE, list: FieldKind.LIST, dict: FieldKind.DICT}
_COUNTED = (FieldKind.ARRAY, FieldKind.LIST, FieldKind.DICT)
_KEYS = (
    FieldKind.BOOL,
    FieldKind.INT,
    FieldKind.STR,
    FieldKind.BYTES,
    FieldKind.ENUM,
    FieldKind.FLAG,
    FieldKind.ENTITY,
)
_KINDS: dict[object, FieldKind] = {
    bool: FieldKind.BOOL,
    int: FieldKind.INT,
    float: FieldKind.FLOAT,
    str: FieldKind.STR,
    bytes: FieldKind.BYTES,
}


def field_from_annotation(
    owner: str, name: str, annotation: object, default: object = MISSING, options: Options | None = None
) -> NetField:
    """Check one declaration of a value that travels.

    Args:
        owner: Begins every error text: the file and the class or function, `"game.py: Health"`.
        name: Of the field or argument.
        annotation: Resolved, with extras. A `netvar(...)` inside `Annotated` gives an argument its options.
        default: The plain value; `dataclasses.MISSING` if there is none.
        options: What the field's `netvar(...)` said.

    Raises:
        SchemaError: The declaration cannot travel or contradicts itself.
    """
    where = f"{owner}.{name}"
    options = options or _annotated_options(annotation) or Options()
    declared = _shape(where, name, annotation, options, depth=0)
    _check_options(where, declared, options)
    _check_size(where, declared, options)
    if default is not MISSING:
        default = checked_default(where, declared, default)
    return replace(
        declared,
        default=default,
        audience=options.audience,
        interpolate=options.interpolate,
        redundancy=options.redundancy,
    )


def _annotated_options(annotation: object) -> Options | None:
    return next((found for found in map(options_of, markers_of(annotation)) if found), None)


# Types.


def _shape(where: str, name: str, annotation: object, options: Options, *, depth: int) -> NetField:
    """Return the field of a type, all but its default and what only a whole field has.

    Args:
        depth: 0 for the field itself, more inside of containers.
    """
    base = _base_of(annotation)
    if get_origin(base) in (Union, UnionType):
        return _optional(where, name, base, options, depth=depth)
    if base in _CONTAINERS or get_origin(base) in _CONTAINERS:
        return _container(where, name, base, options, depth=depth)
    if depth and _is_known(annotation, base):
        options = replace(options, codec=None)  # it is for another element
    found = _scalar(where, name, annotation, base, options)
    text_bytes = ITEM_TEXT_BYTES if depth else TEXT_BYTES
    return found if found.codec else replace(found, max_bytes=options.max_bytes or text_bytes)


def _base_of(annotation: object) -> object:
    base = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    while isinstance(base, NewType):
        base = base.__supertype__
    return base


def _scalar(where: str, name: str, annotation: object, base: object, options: Options) -> NetField:
    if options.codec is not None:
        _check_codec(where, options)
        cls = base if isinstance(base, type) else object
        return NetField(name, FieldKind.CODEC, cls, MISSING, codec=options.codec, max_bytes=options.codec.max_bytes)
    kind, cls = _kind_of(where, annotation, base)
    if kind is not FieldKind.INT and kind is not FieldKind.FLOAT:
        return NetField(name, kind, cls, MISSING)
    low, high, step = options.low, options.high, options.step if kind is FieldKind.FLOAT else None
    _check_range(where, kind, low, high, step)
    angle = options.angle and kind is FieldKind.FLOAT
    return NetField(name, kind, cls, MISSING, low=low, high=high, step=step, angle=angle, clamp=options.clamp)


def _is_known(annotation: object, base: object) -> bool:
    """Tell whether a plain type travels without a codec."""
    is_enum = isinstance(base, type) and issubclass(base, Enum)
    return is_enum or base in _KINDS or Marker.ENTITY in markers_of(annotation)


def _kind_of(where: str, annotation: object, base: object) -> tuple[FieldKind, type]:
    if Marker.ENTITY in markers_of(annotation):
        return FieldKind.ENTITY, int
    if isinstance(base, type) and base in _KINDS:
        return _KINDS[base], base
    if isinstance(base, type) and issubclass(base, Flag):
        _check_flag(where, base)
        return FieldKind.FLAG, base
    if isinstance(base, type) and issubclass(base, Enum):
        if not 1 <= len(base) <= MAX_MEMBERS:
            raise SchemaError(f"{where}: {base.__name__} has {len(base)} members; an enum that travels has 1 to 256")
        return FieldKind.ENUM, base
    if isinstance(base, TypeVar):
        raise SchemaError(f"{where}: NetVar needs a type; write NetVar[int] or another type that can travel")
    shown = base.__name__ if isinstance(base, type) and not get_args(base) else str(base)
    raise SchemaError(
        f"{where}: {shown} cannot travel; use bool, int, float, str, bytes, an Enum, Flag or EntityRef, a tuple, "
        "list or dict of these, give a codec=, split it into several fields, or keep it local"
    )


def _check_flag(where: str, cls: type[Flag]) -> None:
    mask = flag_mask(cls)
    if not 0 < mask < 1 << MAX_FLAG_BITS:
        raise SchemaError(
            f"{where}: {cls.__name__} needs 1 to {MAX_FLAG_BITS} bits, none above {1 << MAX_FLAG_BITS - 1}; "
            "use auto(), or split it into two"
        )
    alone = sum({member.value for member in cls if member.value.bit_count() == 1})
    if alone != mask:
        raise SchemaError(
            f"{where}: {cls.__name__} has no member for the bits {mask - alone:#x} alone; give each bit one"
        )


def _optional(where: str, name: str, base: object, options: Options, *, depth: int) -> NetField:
    kinds = [each for each in get_args(base) if each is not NoneType]
    if len(kinds) != 1 or NoneType not in get_args(base):
        raise SchemaError(f"{where}: {base} cannot travel; only None can be the other choice: T | None")
    if depth:
        raise SchemaError(f"{where}: {base} inside of a container cannot travel; leave out what is None")
    inner = _shape(where, name, kinds[0], _annotated_options(kinds[0]) or options, depth=depth)
    return NetField(name, FieldKind.OPTIONAL, inner.type, MISSING, items=(inner,))


def _container(where: str, name: str, base: object, options: Options, *, depth: int) -> NetField:
    kind, inside = _CONTAINERS[get_origin(base) or base], list(get_args(base))
    if kind is FieldKind.TUPLE and inside[1:] == [...]:
        kind, inside = FieldKind.ARRAY, inside[:1]
    if not inside:
        shown = kind.value
        raise SchemaError(f"{where}: {shown} cannot travel; say of what: {shown}[{'str, ' * (shown == 'dict')}int]")
    if depth and (depth > 1 or kind is not FieldKind.TUPLE):
        raise SchemaError(
            f"{where}: {base} inside of a container cannot travel; inside may stand plain values, or tuples of a fixed "
            "length that hold plain values"
        )
    items = [_item(where, name, each, options, depth=depth + 1) for each in inside]
    if kind is FieldKind.DICT:
        items[0] = _key(where, name, inside[0])
    cls = tuple if kind is FieldKind.ARRAY else next(each for each in (tuple, list, dict) if _CONTAINERS[each] is kind)
    max_items = options.max_items or DEFAULT_MAX_ITEMS
    return NetField(name, kind, cls, MISSING, items=tuple(items), max_items=max_items if kind in _COUNTED else 0)


def _item(where: str, name: str, annotation: object, options: Options, *, depth: int) -> NetField:
    own = _annotated_options(annotation)
    if own is not None and (own.audience is not EVERYONE or own.redundancy or own.interpolate or own.max_items):
        raise SchemaError(f"{where}: an element has no audience=, redundancy=, interpolate= or max_items= of its own")
    found = _shape(where, name, annotation, own or options, depth=depth)
    if own is not None:
        _check_options(where, found, own)
    return found


def _key(where: str, name: str, annotation: object) -> NetField:
    """Return the field of a dict's keys, which the field's own options do not concern."""
    found = _item(where, name, annotation, Options(), depth=2)
    if found.kind not in _KEYS or found.clamp:  # two keys that round to one would be one too many
        raise SchemaError(
            f"{where}: {found.kind.value} is no key; use bool, int, str, bytes, Enum, Flag or EntityRef, without clamp="
        )
    return found


# Options.


def _check_options(where: str, declared: NetField, options: Options) -> None:
    kinds = {each.kind for each in _plain_fields(declared)}
    shown = declared.kind.value
    numeric = bool(kinds & {FieldKind.INT, FieldKind.FLOAT})
    ranged = options.low is not None or options.high is not None
    for given, allowed, text in (
        (ranged, numeric, f"low and high bound int and float only, not {shown}; leave them out"),
        (options.step is not None, FieldKind.FLOAT in kinds, "step= quantises a float; leave it out"),
        (options.clamp, ranged, "clamp=True needs a range to clamp to; give low= and high="),
        (
            options.interpolate,
            declared.kind is FieldKind.FLOAT,
            "only a float can be interpolated; leave interpolate= out",
        ),
        (options.angle, FieldKind.FLOAT in kinds, "angle=True is for a float, in radians; leave it out"),
        (
            options.max_items is not None,
            _is_counted(declared),
            f"max_items= is for list, dict and tuple[T, ...], not {shown}",
        ),
        (options.codec is not None, FieldKind.CODEC in kinds, f"codec= is for other types, not {shown}; leave it out"),
        (options.codec is not None, options.max_bytes is None, "max_bytes= is the codec's own; leave it out"),
    ):
        if given and not allowed:
            raise SchemaError(f"{where}: {text}")
    _check_limit(where, "redundancy", options.redundancy, 0, MAX_REDUNDANCY)
    if options.max_items is not None:
        _check_limit(where, "max_items", options.max_items, 1, MAX_ITEMS)
    if options.max_bytes is not None and not 1 <= options.max_bytes <= MAX_FIELD_BYTES:
        raise SchemaError(
            f"{where}: max_bytes={options.max_bytes} is outside 1..{MAX_FIELD_BYTES}: it must fit a datagram"
        )
    if not isinstance(options.audience, Audience):
        raise SchemaError(f"{where}: audience={options.audience!r} is none of EVERYONE, OWNER, TEAM")


def _check_limit(where: str, name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise SchemaError(f"{where}: {name}={value} is outside {low}..{high}")


def _plain_fields(declared: NetField) -> list[NetField]:
    """Return what options bound: the field, or what is in it; of a dict the values."""
    if not declared.items:
        return [declared]
    bound = declared.items[1:] if declared.kind is FieldKind.DICT else declared.items
    return [plain for each in bound for plain in _plain_fields(each)]


def _is_counted(declared: NetField) -> bool:
    return declared.kind in _COUNTED or (declared.kind is FieldKind.OPTIONAL and _is_counted(declared.items[0]))


def _check_range(where: str, kind: FieldKind, low: float | None, high: float | None, step: float | None) -> None:
    if low is None and high is None:
        if step is not None:
            raise SchemaError(f"{where}: step={step} needs a range to count steps in; give low= and high=")
        return
    if low is None or high is None:
        raise SchemaError(f"{where}: a range has two ends; give both low= and high=")
    if kind is FieldKind.INT and not all(type(end) is int for end in (low, high)):
        raise SchemaError(f"{where}: low={low!r}..high={high!r} must be whole numbers for an int")
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise SchemaError(f"{where}: low={low}..high={high} is no range; low must be less than high, both finite")
    if step is not None and not (math.isfinite(step) and 0 < step <= high - low):
        raise SchemaError(f"{where}: step={step} must be above 0 and at most high - low = {high - low}")
    if kind is FieldKind.INT or step is not None:
        _check_codes(where, round((high - low) / (step or 1)) + 1)
    elif max(-low, high) > MAX_F32:
        raise SchemaError(f"{where}: low={low}..high={high} is beyond what 32 bits of float hold")


def _check_codes(where: str, codes: int) -> None:
    if codes > MAX_CODES:
        raise SchemaError(
            f"{where}: {codes} different values need more than 32 bits; narrow the range or widen the step"
        )


def _check_codec(where: str, options: Options) -> None:
    codec: object = options.codec
    if not all(callable(getattr(codec, name, None)) for name in ("pack", "unpack")):
        raise SchemaError(f"{where}: codec={codec!r} has no pack and unpack; see ecsnet.netfield.ValueCodec")
    name, max_bytes = getattr(codec, "name", None), getattr(codec, "max_bytes", None)
    if not (isinstance(name, str) and CODEC_NAME.fullmatch(name)):
        raise SchemaError(f"{where}: a codec's name has 1 to 64 letters, digits, and any of _.-, not {name!r}")
    if not (isinstance(max_bytes, int) and 1 <= max_bytes <= MAX_FIELD_BYTES):
        raise SchemaError(f"{where}: codec {name}: max_bytes={max_bytes!r} is outside 1..{MAX_FIELD_BYTES}")


# Sizes: a container in full must fit a datagram, or a game would fail on the day its lists are long.


def _check_size(where: str, declared: NetField, options: Options) -> None:
    most = most_bytes(declared)
    if declared.items and most > MAX_FIELD_BYTES:
        remedy = "max_items=, max_bytes= or both" if _is_counted(declared) else "max_bytes="
        given = options.max_items or DEFAULT_MAX_ITEMS
        counted = f"max_items={given}: " if _is_counted(declared) else ""
        raise SchemaError(f"{where}: {counted}it may take {most} B, more than {MAX_FIELD_BYTES}; lower {remedy}")


def most_bytes(declared: NetField) -> int:
    """Return the size of the longest encoding."""
    if declared.kind in (FieldKind.STR, FieldKind.BYTES, FieldKind.CODEC):
        return declared.max_bytes + (1 if declared.max_bytes <= TEXT_BYTES else 2)
    inside = sum(most_bytes(each) for each in declared.items)
    if declared.items:
        return inside if declared.kind is FieldKind.TUPLE else 1 + inside * (declared.max_items or 1)
    if declared.kind is FieldKind.FLAG:
        return _code_bytes(flag_mask(declared.type))
    if declared.low is not None and declared.high is not None and (declared.step or declared.kind is FieldKind.INT):
        return _code_bytes(round((declared.high - declared.low) / (declared.step or 1)))
    return 1 if declared.kind in (FieldKind.BOOL, FieldKind.ENUM) else 4


def _code_bytes(top: int) -> int:
    return (top.bit_length() + 7) // 8
