"""NetVar and what may stand in one: the kinds of values that travel, and their options."""

from dataclasses import Field, dataclass, field
from enum import Enum, Flag, IntEnum, auto
from typing import Annotated, Protocol, TypeAlias, TypeVar, cast, get_args, get_origin

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
    "TeamMembers",
    "ValueCodec",
    "flag_mask",
    "is_netvar",
    "markers_of",
    "names_entities",
    "netvar",
    "options_of",
]

T = TypeVar("T")
V = TypeVar("V")

OPTIONS_KEY = "ecsnet.options"  # in the metadata of a dataclasses.Field
DEFAULT_MAX_ITEMS = 16
MAX_F32 = 3.4028234663852886e38  # the largest finite IEEE 754 binary32
MAX_TEAM = 255  # as in `Team`


class Marker(Enum):
    """What an annotation says beside the type."""

    NETVAR = auto()
    ENTITY = auto()


NetVar: TypeAlias = Annotated[T, Marker.NETVAR]  # `NetVar[int]` is int to a type checker: assigns and reads as int
EntityRef: TypeAlias = Annotated[int, Marker.ENTITY]  # an entity of this World, mapped on the wire; 0 is nobody


@dataclass(frozen=True, slots=True)
class TeamMembers:
    """The clients of a team, as those whom a call or an event is for: `world.to(TEAM(1))`."""

    number: int

    def __post_init__(self) -> None:
        """Refuse what is no team."""
        if type(self.number) is not int or not 1 <= self.number <= MAX_TEAM:
            raise ValueError(f"TEAM({self.number!r}): a team has a number from 1 to {MAX_TEAM}; 0 is none")


class Audience(IntEnum):
    """Who gets a field: the clients that see the entity; or of these its owner alone, or its owner and its team."""

    EVERYONE = 0
    OWNER = 1
    TEAM = 2

    def __call__(self, number: int) -> TeamMembers:
        """Return the clients of a team, for `world.to(TEAM(number))`."""
        if self is not Audience.TEAM:
            raise TypeError(
                f"{self.name} takes nothing; there are TEAM(number), OWNER_OF(entity), OBSERVERS_OF(entity)"
            )
        return TeamMembers(number)


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
    FLAG = "flag"
    CODEC = "codec"  # a class of the game's own, by its ValueCodec
    TUPLE = "tuple"  # of a fixed length, each element of a type of its own
    ARRAY = "array"  # tuple[T, ...]
    LIST = "list"
    DICT = "dict"
    OPTIONAL = "optional"  # T | None


class ValueCodec(Protocol[V]):
    """How values of one type travel that ecsnet does not know: given to `netvar(..., codec=...)`.

    Values are compared by `==` and replaced, never changed in place; so their class has to be hashable.
    """

    @property
    def name(self) -> str:
        """What both sides know it by: another name is another schema. Change it when the bytes change their meaning."""
        ...

    @property
    def max_bytes(self) -> int:
        """Longest encoding, 1 to 1000."""
        ...

    def pack(self, value: V, /) -> bytes:
        """Encode a value; equal values give equal bytes. Whatever it raises is told as a SchemaError."""
        ...

    def unpack(self, data: bytes, /) -> V:
        """Decode what `pack` made, or whatever else a peer sent. Anything it raises breaks the protocol, no more."""
        ...


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
    max_bytes: int | None = None
    max_items: int | None = None
    codec: ValueCodec[object] | None = None


@dataclass(frozen=True, slots=True)
class NetField:
    """One checked declaration of a value that travels: a NetVar of a component, or an argument of a remote call.

    Attributes:
        type: bool, int, float, str, bytes, tuple, list, dict, the Enum or Flag class, or what a custom codec packs; int
            for an EntityRef, that of the value for an optional one.
        default: `dataclasses.MISSING` for an argument without one; never for a NetVar.
        items: What is inside: of a tuple each element, of an array or list any of them, of a dict a key and a value, of
            an optional the value. Their low, high, step, angle, clamp and max_bytes are here, not in the outer field.
        max_items: Of an array, list or dict.
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
    items: tuple["NetField", ...] = ()
    max_items: int = 0
    codec: ValueCodec[object] | None = None


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
    max_bytes: int | None = None,
    max_items: int | None = None,
    codec: ValueCodec[V] | None = None,
) -> T:
    """Give a NetVar its default and options.

    `x: NetVar[float] = netvar(0.0, step=1 / 16, low=-512, high=512)`

    What bounds a value bounds each element of a tuple, list or dict (there the values) that it fits. An element with
    bounds of its own has them in its type: `dict[Annotated[int, netvar(0, low=0, high=9)], str]`.

    Args:
        default: The value of a fresh component; each gets its own copy of a list or dict.
        low: Least value, with `high`. Writing beyond raises when it is sent; receiving beyond is refused.
        high: Greatest value, included.
        step: Resolution of a float, in its own unit; needs `low` and `high`. Without it a float travels as 32 bits.
        audience: EVERYONE who sees the entity, its OWNER alone, or its owner and its TEAM (see `Team`).
        interpolate: Clients draw what lies between two received values.
        angle: The float is an angle in radians: blended the short way round.
        clamp: A value outside the range is sent as the nearest one inside instead of raising.
        redundancy: How often a change is sent again unasked, where waiting for a repair takes too long.
        max_bytes: Longest encoding of a str (in UTF-8) or bytes; 255 unless given, 24 inside of a list and the like.
        max_items: Most elements of a list, dict or tuple[T, ...]; 16 unless given. All must fit 1000 B.
        codec: How a value travels whose type ecsnet does not know.
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
        max_items=max_items,
        codec=cast("ValueCodec[object] | None", codec),  # it packs what its field holds; the check tries the default
    )
    declared: object = field(default=default, metadata={OPTIONS_KEY: options})
    return cast("T", declared)  # as dataclasses.field does: the decorator replaces it by the default


def options_of(declared: object) -> Options | None:
    """Return the options of what `netvar` returned; None for anything else."""
    options = declared.metadata.get(OPTIONS_KEY) if isinstance(declared, Field) else None
    return options if isinstance(options, Options) else None


def is_netvar(annotation: object) -> bool:
    """Tell whether a resolved annotation is NetVar[...]."""
    return Marker.NETVAR in markers_of(annotation)


def markers_of(annotation: object) -> tuple[object, ...]:
    """Return what stands in an Annotated behind the type."""
    return get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()


def names_entities(declared: NetField) -> bool:
    """Tell whether a field's values may name entities."""
    return declared.kind is FieldKind.ENTITY or any(map(names_entities, declared.items))


def flag_mask(cls: type) -> int:
    """Return all bits a Flag declares."""
    assert issubclass(cls, Flag)
    mask = 0
    for member in cls.__members__.values():
        mask |= member.value
    return mask
