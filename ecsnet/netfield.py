"""NetVar and what may stand in one: the kinds of values that travel, their options, and the check of each declaration.

Every mistake is a SchemaError when the game module is imported, and its text says place, value and remedy, like
`game.py: Health.current: default 300 is outside low=0..high=255; give a default in the range or widen it`.
"""

import math
from dataclasses import MISSING, Field, dataclass, field
from enum import Enum, Flag, IntEnum, auto
from typing import Annotated, NewType, TypeAlias, TypeVar, cast, get_args, get_origin

from ecsnet.errors import SchemaError

__all__ = [
    "EVERYONE",
    "OWNER",
    "TEAM",
    "Audience",
    "EntityRef",
    "FieldKind",
    "NetField",
    "NetVar",
    "Options",
    "field_from_annotation",
    "is_netvar",
    "netvar",
    "options_of",
]

T = TypeVar("T")

OPTIONS_KEY = "ecsnet.options"  # in the metadata of a dataclasses.Field
MAX_CODES = 1 << 32  # a ranged number travels as an unsigned of 1, 2 or 4 bytes
MAX_F32 = 3.4028234663852886e38  # the largest finite IEEE 754 binary32
MAX_MEMBERS = 256  # an enum travels as the member's position, one byte
MAX_FIELD_BYTES = 1000  # all records of an entity share one datagram of about 1200 B
MAX_REDUNDANCY = 8


class _Marker(Enum):
    """What an annotation says beside the type."""

    NETVAR = auto()
    ENTITY = auto()


NetVar: TypeAlias = Annotated[T, _Marker.NETVAR]  # `NetVar[int]` is int to a type checker: assigns and reads as int
EntityRef: TypeAlias = Annotated[int, _Marker.ENTITY]  # an entity of this World, mapped on the wire; 0 is nobody


class Audience(IntEnum):
    """Who gets a field: the clients that see the entity; or of these its owner alone, or its owner and its team."""

    EVERYONE = 0
    OWNER = 1
    TEAM = 2


EVERYONE = Audience.EVERYONE
OWNER = Audience.OWNER
TEAM = Audience.TEAM


class FieldKind(Enum):
    """The kinds of values that travel."""

    BOOL = "bool"
    INT = "int"
    FLOAT = "float"
    STR = "str"
    BYTES = "bytes"
    ENUM = "enum"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What `netvar(...)` was told beside the default; see there."""

    low: float | None = None
    high: float | None = None
    step: float | None = None
    audience: Audience = EVERYONE
    interpolate: bool = False
    angle: bool = False
    clamp: bool = False
    redundancy: int = 0
    max_bytes: int = 255


@dataclass(frozen=True, slots=True)
class NetField:
    """One checked declaration of a value that travels: a NetVar of a component, or an argument of a remote call.

    Attributes:
        type: bool, int, float, str, bytes or the Enum class; int for an EntityRef.
        default: `dataclasses.MISSING` for an argument without one; never for a NetVar.
    """

    name: str
    kind: FieldKind
    type: type
    default: object
    low: float | int | None = None
    high: float | int | None = None
    step: float | None = None
    audience: Audience = EVERYONE
    interpolate: bool = False
    angle: bool = False
    clamp: bool = False
    redundancy: int = 0
    max_bytes: int = 255


def netvar(  # every option is a keyword, and few are given at once
    default: T,
    *,
    low: float | None = None,
    high: float | None = None,
    step: float | None = None,
    audience: Audience = EVERYONE,
    interpolate: bool = False,
    angle: bool = False,
    clamp: bool = False,
    redundancy: int = 0,
    max_bytes: int = 255,
) -> T:
    """Give a NetVar its default and options.

    `x: NetVar[float] = netvar(0.0, step=1 / 16, low=-512, high=512)`

    Args:
        default: The value of a fresh component.
        low: Least value, with `high`. Writing beyond raises when it is sent; receiving beyond is refused.
        high: Greatest value, included.
        step: Resolution of a float, in its own unit; needs `low` and `high`. Without it a float travels as 32 bits.
        audience: EVERYONE who sees the entity, its OWNER alone, or its owner and its TEAM (see `Team`).
        interpolate: Clients draw what lies between two received values.
        angle: The float is an angle in radians: blended the short way round.
        clamp: A value outside the range is sent as the nearest one inside instead of raising.
        redundancy: How often a change is sent again unasked, where waiting for a repair takes too long.
        max_bytes: Longest encoding of a str (in UTF-8) or bytes.
    """
    options = Options(
        low=low,
        high=high,
        step=step,
        audience=audience,
        interpolate=interpolate,
        angle=angle,
        clamp=clamp,
        redundancy=redundancy,
        max_bytes=max_bytes,
    )
    declared: object = field(default=default, metadata={OPTIONS_KEY: options})
    return cast("T", declared)  # as dataclasses.field does: the decorator replaces it by the default


def options_of(declared: object) -> Options | None:
    """Return the options of what `netvar` returned; None for anything else."""
    options = declared.metadata.get(OPTIONS_KEY) if isinstance(declared, Field) else None
    return options if isinstance(options, Options) else None


def is_netvar(annotation: object) -> bool:
    """Tell whether a resolved annotation is NetVar[...]."""
    return _Marker.NETVAR in _markers(annotation)


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
    annotated = next((found for found in map(options_of, _markers(annotation)) if found), None)
    options = options or annotated or Options()
    kind, base = _kind_of(where, annotation)
    _check_options(where, kind, options)
    if kind is FieldKind.INT or kind is FieldKind.FLOAT:
        _check_range(where, kind, options)
    if default is not MISSING:
        default = _checked_default(where, kind, base, default, options)
    return NetField(name, kind, base, default, **{key: getattr(options, key) for key in Options.__slots__})


_KINDS: dict[object, FieldKind] = {
    bool: FieldKind.BOOL,
    int: FieldKind.INT,
    float: FieldKind.FLOAT,
    str: FieldKind.STR,
    bytes: FieldKind.BYTES,
}


def _markers(annotation: object) -> tuple[object, ...]:
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def _kind_of(where: str, annotation: object) -> tuple[FieldKind, type]:
    base = get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation
    while isinstance(base, NewType):
        base = base.__supertype__
    if _Marker.ENTITY in _markers(annotation):
        return FieldKind.ENTITY, int
    if isinstance(base, type) and base in _KINDS:
        return _KINDS[base], base
    if isinstance(base, type) and issubclass(base, Enum) and not issubclass(base, Flag):
        if not 1 <= len(base) <= MAX_MEMBERS:
            raise SchemaError(f"{where}: {base.__name__} has {len(base)} members; an enum that travels has 1 to 256")
        return FieldKind.ENUM, base
    if isinstance(base, TypeVar):
        raise SchemaError(f"{where}: NetVar needs a type; write NetVar[int] or another type that can travel")
    shown = base.__name__ if isinstance(base, type) and not get_args(base) else str(base)
    raise SchemaError(
        f"{where}: {shown} cannot travel; use bool, int, float, str, bytes, an Enum or EntityRef, "
        "split it into several fields, or keep it local"
    )


def _check_options(where: str, kind: FieldKind, options: Options) -> None:
    numeric = kind in (FieldKind.INT, FieldKind.FLOAT)
    ranged = options.low is not None or options.high is not None
    for given, allowed, text in (
        (ranged, numeric, f"low and high bound int and float only, not {kind.value}; leave them out"),
        (options.step is not None, kind is FieldKind.FLOAT, "step= quantises a float; leave it out"),
        (options.clamp, ranged, "clamp=True needs a range to clamp to; give low= and high="),
        (options.interpolate, kind is FieldKind.FLOAT, "only a float can be interpolated; leave interpolate= out"),
        (options.angle, kind is FieldKind.FLOAT, "angle=True is for a float, in radians; leave it out"),
    ):
        if given and not allowed:
            raise SchemaError(f"{where}: {text}")
    if not 0 <= options.redundancy <= MAX_REDUNDANCY:
        raise SchemaError(f"{where}: redundancy={options.redundancy} is outside 0..{MAX_REDUNDANCY}")
    if not 1 <= options.max_bytes <= MAX_FIELD_BYTES:
        raise SchemaError(
            f"{where}: max_bytes={options.max_bytes} is outside 1..{MAX_FIELD_BYTES}: it must fit a datagram"
        )
    if not isinstance(options.audience, Audience):
        raise SchemaError(f"{where}: audience={options.audience!r} is none of EVERYONE, OWNER, TEAM")


def _check_range(where: str, kind: FieldKind, options: Options) -> None:
    low, high, step = options.low, options.high, options.step
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


def _checked_default(where: str, kind: FieldKind, base: type, default: object, options: Options) -> object:
    """Return the default in the field's own type."""
    if kind is FieldKind.INT or kind is FieldKind.FLOAT:
        return _checked_number(where, kind, default, options)
    if kind is FieldKind.ENTITY:
        if type(default) is not int or default != 0:
            raise SchemaError(f"{where}: default {default!r} is no entity yet; begin with 0, which is nobody")
        return 0
    if not isinstance(default, base):
        raise SchemaError(f"{where}: default {default!r} is no {base.__name__}; give one, or change the annotation")
    if isinstance(default, str | bytes) and kind is not FieldKind.ENUM:
        size = len(default.encode()) if isinstance(default, str) else len(default)
        if size > options.max_bytes:
            raise SchemaError(f"{where}: the default has {size} B, more than max_bytes={options.max_bytes}; raise it")
    return default


def _checked_number(where: str, kind: FieldKind, default: object, options: Options) -> int | float:
    numbers = int if kind is FieldKind.INT else int | float
    if isinstance(default, bool) or not isinstance(default, numbers):
        raise SchemaError(f"{where}: default {default!r} is no {kind.value}; give one, or change the annotation")
    low, high = options.low, options.high
    if low is None or high is None:
        if kind is FieldKind.INT and not -(1 << 31) <= default < 1 << 31:
            raise SchemaError(f"{where}: default {default} does not fit 32 signed bits; give low= and high=")
        if not abs(default) <= MAX_F32:
            raise SchemaError(f"{where}: default {default} is no finite 32-bit float; give another")
    elif not low <= default <= high:
        raise SchemaError(
            f"{where}: default {default} is outside low={low}..high={high}; give a default in the range or widen it"
        )
    return int(default) if kind is FieldKind.INT else float(default)
