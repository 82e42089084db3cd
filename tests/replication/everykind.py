"""Components with values of every kind: alone, optional and in containers; and any values for them."""

from dataclasses import dataclass
from enum import Enum, Flag, IntFlag
from typing import Annotated

from hypothesis import strategies as st

from ecsnet import EntityRef, NetVar, component, netvar
from ecsnet.fields import spec_of
from ecsnet.replication.codec import RecordCodec


class Suit(Enum):
    """Some members."""

    HEARTS = "h"
    SPADES = "s"


class Rights(Flag):
    """Bits of one byte, and a name for two of them."""

    READ = 1
    WRITE = 2
    BOTH = 3
    ADMIN = 128


class Marks(IntFlag):
    """Bits of two bytes, with gaps: an int accepts any, the wire does not."""

    FIRST = 1
    LAST = 0x8000


@dataclass(frozen=True)
class Point:
    """What ecsnet does not know."""

    x: int
    y: int


class PointCodec:
    """Two bytes; what else comes raises anything."""

    name = "point"
    max_bytes = 2

    @staticmethod
    def pack(value: Point) -> bytes:
        return bytes((value.x, value.y))

    @staticmethod
    def unpack(data: bytes) -> Point:
        return Point(*data)


Digit = Annotated[int, netvar(0, low=0, high=9)]
STEP = 1 / 8


@component
class Plain:
    """One value each."""

    flag: NetVar[bool] = False
    count: NetVar[int] = 0
    digit: NetVar[int] = netvar(0, low=0, high=9)
    free: NetVar[float] = 0.0
    steps: NetVar[float] = netvar(0.0, low=-4, high=4, step=STEP)
    text: NetVar[str] = netvar("", max_bytes=12)
    blob: NetVar[bytes] = netvar(b"", max_bytes=300)
    suit: NetVar[Suit] = Suit.HEARTS
    rights: NetVar[Rights] = Rights.READ
    marks: NetVar[Marks] = Marks.LAST
    friend: NetVar[EntityRef] = 0
    point: NetVar[Point] = netvar(Point(0, 0), codec=PointCodec)


@component
class Maybe:
    """The same, or nothing."""

    flag: NetVar[bool | None] = None
    count: NetVar[int | None] = None
    digit: NetVar[int | None] = netvar(None, low=0, high=9)
    free: NetVar[float | None] = None
    steps: NetVar[float | None] = netvar(None, low=-4, high=4, step=STEP)
    text: NetVar[str | None] = netvar(None, max_bytes=12)
    blob: NetVar[bytes | None] = netvar(None, max_bytes=300)
    suit: NetVar[Suit | None] = None
    rights: NetVar[Rights | None] = None
    marks: NetVar[Marks | None] = None
    friend: NetVar[EntityRef | None] = None
    point: NetVar[Point | None] = netvar(None, codec=PointCodec)


@component
class Several:
    """Many of each, in some container."""

    flags: NetVar[list[bool]] = netvar([])
    counts: NetVar[tuple[int, ...]] = ()
    digits: NetVar[list[int]] = netvar([1, 2], low=0, high=9, max_items=4)
    spot: NetVar[tuple[float, float]] = netvar((0.0, 0.0), low=-4, high=4, step=STEP)
    path: NetVar[list[tuple[float, float]]] = netvar([], low=-4, high=4, step=STEP)
    mixed: NetVar[tuple[int, str, Suit, float]] = netvar((0, "", Suit.SPADES, 0.0), max_bytes=12)
    texts: NetVar[list[str]] = netvar([], max_bytes=12)
    blobs: NetVar[tuple[bytes, ...]] = netvar((), max_bytes=260, max_items=3)
    suits: NetVar[list[Suit]] = netvar([])
    rights: NetVar[tuple[Rights, ...]] = ()
    friends: NetVar[list[EntityRef]] = netvar([])
    points: NetVar[list[Point]] = netvar([], codec=PointCodec)
    names: NetVar[dict[int, str]] = netvar({}, max_bytes=12)
    prices: NetVar[dict[str, int]] = netvar({"bread": 1}, low=0, high=9)
    scores: NetVar[dict[EntityRef, Digit]] = netvar({})
    hands: NetVar[dict[Suit, tuple[int, EntityRef]]] = netvar({})
    perhaps: NetVar[list[EntityRef] | None] = None
    lookup: NetVar[dict[Digit, Rights] | None] = None


def codec_of(cls: type) -> RecordCodec:
    return RecordCodec(spec_of(cls).fields, cls.__name__)


plain, maybe, several = codec_of(Plain), codec_of(Maybe), codec_of(Several)

INTS = st.integers(-(1 << 31), (1 << 31) - 1)
DIGITS = st.integers(0, 9)
F32 = st.floats(width=32, allow_nan=False, allow_infinity=False)
STEPS = st.floats(-4, 4)
TEXTS = st.text(max_size=3)
SUITS = st.sampled_from(Suit)
RIGHTS = st.integers(0, 3).map(Rights) | st.integers(128, 131).map(Rights)
ENTITIES = st.integers(0, 0xFFFFFFFF)
BYTE = st.integers(0, 255)
POINTS = st.builds(Point, BYTE, BYTE)

PLAIN = {
    "flag": st.booleans(), "count": INTS, "digit": DIGITS, "free": F32, "steps": STEPS, "text": TEXTS,
    "blob": st.binary(max_size=300), "suit": SUITS, "rights": RIGHTS,
    "marks": st.sampled_from([Marks(0), Marks.FIRST, Marks.LAST, Marks.FIRST | Marks.LAST]),
    "friend": ENTITIES, "point": POINTS,
}  # fmt: skip
SEVERAL = {
    "flags": st.lists(st.booleans(), max_size=16),
    "counts": st.lists(INTS, max_size=16).map(tuple),
    "digits": st.lists(DIGITS, max_size=4),
    "spot": st.tuples(STEPS, STEPS),
    "path": st.lists(st.tuples(STEPS, STEPS), max_size=16),
    "mixed": st.tuples(INTS, TEXTS, SUITS, F32),
    "texts": st.lists(TEXTS, max_size=16),
    "blobs": st.lists(st.binary(max_size=260), max_size=3).map(tuple),
    "suits": st.lists(SUITS, max_size=16),
    "rights": st.lists(RIGHTS, max_size=16).map(tuple),
    "friends": st.lists(ENTITIES, max_size=16),
    "points": st.lists(POINTS, max_size=16),
    "names": st.dictionaries(INTS, TEXTS, max_size=16),
    "prices": st.dictionaries(TEXTS, DIGITS, max_size=16),
    "scores": st.dictionaries(st.integers(1, 0xFFFFFFFF), DIGITS, max_size=16),
    "hands": st.dictionaries(SUITS, st.tuples(INTS, ENTITIES)),
    "perhaps": st.none() | st.lists(ENTITIES, max_size=16),
    "lookup": st.none() | st.dictionaries(DIGITS, RIGHTS),
}
PARTS = (
    st.builds(Plain, **PLAIN)
    | st.builds(Maybe, **{name: st.none() | values for name, values in PLAIN.items()})
    | st.builds(Several, **SEVERAL)
)
CODECS = {Plain: plain, Maybe: maybe, Several: several}
