"""Declaring components: what is understood, and how every mistake is told."""

import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import MISSING
from enum import Enum
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import SchemaError
from ecsnet.fields import (
    EVERYONE,
    OWNER,
    ComponentSpec,
    EntityRef,
    FieldKind,
    NetVar,
    component,
    field_from_annotation,
    netvar,
    player_input,
    spec_of,
)

Declare = Callable[..., types.ModuleType]

HEADER = """
from dataclasses import InitVar, dataclass, field
from enum import Enum, Flag, IntEnum, IntFlag
from typing import Annotated, ClassVar, Final, NewType, TYPE_CHECKING
from ecsnet.fields import *
if TYPE_CHECKING:
    from somewhere import Sound
class Suit(Enum):
    HEARTS = "h"
    SPADES = "s"
class Team(IntEnum):
    HOME = 1
    AWAY = 2
class Rights(Flag):
    READ = 1
class Loose(IntFlag):
    READ = 2
class Gap(Flag):
    ONE = 1
    BOTH = 3
class Wide(Flag):
    LAST = 1 << 16
class Empty(Flag):
    pass
@dataclass(frozen=True)
class Point:
    x: int = 0
@dataclass
class Loop:
    x: int = 0
class Code:
    def __init__(self, name="point", max_bytes=2, unpack=lambda data: Point(data[0])):
        self.name, self.max_bytes, self.unpack = name, max_bytes, unpack
    def pack(self, value):
        return bytes((value.x,))
ClientId = NewType("ClientId", int)
"""


@pytest.fixture
def declare() -> Iterator[Declare]:
    """Run source as the module of a file game.py, as an import would."""
    names: list[str] = []

    def run(source: str, *, future: bool = False) -> types.ModuleType:
        module = types.ModuleType(f"declared_{len(names)}")
        module.__file__ = "/anywhere/game.py"
        names.append(module.__name__)
        sys.modules[module.__name__] = module
        first = "from __future__ import annotations" if future else ""
        exec(compile(first + HEADER + source, "game.py", "exec"), module.__dict__)  # noqa: S102  # our own source
        return module

    yield run
    for name in names:
        del sys.modules[name]


GOOD = """
@component
class Everything:
    flag: NetVar[bool] = False
    count: NetVar[int] = 100
    score: NetVar[int] = netvar(0, low=0, high=99, audience=OWNER)
    speed: NetVar[float] = netvar(0, step=1 / 16, low=-8, high=8, interpolate=True, clamp=True)
    name: NetVar[str] = netvar("", max_bytes=24)
    token: NetVar[bytes] = b""
    suit: NetVar[Suit] = Suit.HEARTS
    team: NetVar[Team] = Team.HOME
    target: NetVar[EntityRef] = 0
    client: NetVar[ClientId] = ClientId(0)
    LIMIT: ClassVar[int] = 3
    nobody_knows: int = 7
    aim: EntityRef = 0
    marks: list[int] = field(default_factory=list)
    sound: "Sound | None" = None

    @property
    def doubled(self) -> int:
        return 2 * self.count
"""


@pytest.mark.parametrize("future", [False, True], ids=["evaluated", "postponed"])
def test_every_encodable_type_is_understood(declare: Declare, future: bool) -> None:  # noqa: FBT001
    """Also when annotations are strings, and a local field names a type that exists for type checkers only."""
    spec: ComponentSpec = spec_of(declare(GOOD, future=future).Everything)

    assert [field.kind.name for field in spec.fields] == [
        *("BOOL", "INT", "INT", "FLOAT", "STR", "BYTES", "ENUM", "ENUM", "ENTITY", "INT")
    ]
    assert spec.local == ("nobody_knows", "aim", "marks", "sound")
    assert spec.replicated
    assert not spec.is_input
    score, speed = spec.fields[2:4]
    assert (score.low, score.high, score.audience) == (0, 99, OWNER)
    assert (speed.step, speed.interpolate, speed.clamp, speed.default) == (1 / 16, True, True, 0.0)
    assert type(speed.default) is float


def test_a_component_is_a_slotted_dataclass_of_its_own_values(declare: Declare) -> None:
    """Equality, repr and keywords come from dataclasses; a misspelt attribute raises instead of vanishing."""
    everything = declare(GOOD).Everything

    made = everything(count=5)

    assert made.count == 5
    assert made.doubled == 10
    assert made.marks is not everything().marks
    assert made != everything()
    assert "count=5" in repr(made)
    with pytest.raises(AttributeError):
        made.cuont = 6


def test_what_is_replicated(declare: Declare) -> None:
    """A NetVar, a tag or an input travels; a component without these is the server's own."""
    module = declare("""
@component
class Local:
    secret: int
@component(tag=True)
class Frozen:
    since: int = 0
@component()
class Empty: pass
@player_input
class Move:
    dx: int = netvar(0, low=-1, high=1)
    dy: NetVar[int] = netvar(0, low=-1, high=1)
    kick: bool = netvar(default=False)
    suit: Suit = Suit.SPADES
    angle: float = netvar(0.0, low=-4.0, high=4.0, step=0.01, angle=True)
""")

    replicated = {name: spec_of(getattr(module, name)).replicated for name in ("Local", "Frozen", "Empty", "Move")}

    assert replicated == {"Local": False, "Frozen": True, "Empty": False, "Move": True}
    assert spec_of(module.Move).is_input
    assert [field.name for field in spec_of(module.Move).fields] == ["dx", "dy", "kick", "suit", "angle"]
    assert module.Move() == module.Move(0, 0, False, module.Suit.SPADES, 0.0)


MISTAKES = [
    # values
    ("current: NetVar[int] = netvar(300, low=0, high=255)",
     "game.py: Bad.current: default 300 is outside low=0..high=255; give a default in the range or widen it"),
    ("a: NetVar[int]", "game.py: Bad.a: has no default"),
    ("a: NetVar[int] = 1 << 40", "does not fit 32 signed bits; give low= and high="),
    ("a: NetVar[int] = 1.5", "default 1.5 is no int"),
    ("a: NetVar[int] = True", "default True is no int"),
    ("a: NetVar[float] = 'x'", "default 'x' is no float"),
    ("a: NetVar[float] = float('nan')", "no finite 32-bit float"),
    ("a: NetVar[float] = 1e300", "no finite 32-bit float"),
    ("a: NetVar[float] = netvar(float('nan'), low=0, high=1)", "default nan is outside"),
    ("a: NetVar[bool] = 1", "default 1 is no bool"),
    ("a: NetVar[str] = 3", "default 3 is no str"),
    ("a: NetVar[str] = netvar('äöü', max_bytes=5)", "the default has 6 B, more than max_bytes=5"),
    ("a: NetVar[Suit] = 'h'", "default 'h' is no Suit"),
    ("a: NetVar[EntityRef] = 5", "default 5 is no entity yet; begin with 0"),
    ("a: NetVar[int] = field(default_factory=int)", "Bad.a: has no default"),
    # types
    ("a: NetVar[set[int]] = set()", "set[int] cannot travel; use bool, int, float"),
    ("a: NetVar[dict] = {}", "dict cannot travel; say of what: dict[str, int]"),
    ("a: NetVar[list] = []", "list cannot travel; say of what: list[int]"),
    ("a: NetVar[tuple[()]] = ()", "tuple cannot travel; say of what: tuple[int]"),
    ("a: NetVar[int | str] = 0", "int | str cannot travel; only None can be the other choice: T | None"),
    ("a: NetVar[int | str | None] = 0", "int | str | None cannot travel; only None can be the other choice"),
    ("a: NetVar[list[int | None]] = []", "int | None inside of a container cannot travel; leave out what is None"),
    ("a: NetVar[list[list[int]]] = []", "list[int] inside of a container cannot travel; inside may stand plain values"),
    ("a: NetVar[list[tuple[int, ...]]] = []", "tuple[int, ...] inside of a container cannot travel"),
    ("a: NetVar[list[tuple[tuple[int], int]]] = []", "tuple[int] inside of a container cannot travel"),
    ("a: NetVar[dict[float, int]] = {}", "float is no key; use bool, int, str"),
    ("a: NetVar[dict[tuple[int, int], int]] = {}", "inside of a container cannot travel"),
    ("a: NetVar[dict[Annotated[int, netvar(0, low=0, high=9, clamp=True)], int]] = {}", "int is no key"),
    ("a: NetVar[list[Annotated[int, netvar(0, audience=OWNER)]]] = []", "an element has no audience=, redundancy="),
    ("a: NetVar[list[Annotated[int, netvar(0, step=1)]]] = []", "step= quantises a float"),
    ("a: NetVar[complex] = 0j", "complex cannot travel"),
    ("a: NetVar[Wide] = Wide.LAST", "Wide needs 1 to 16 bits, none above 32768; use auto(), or split it into two"),
    ("a: NetVar[Empty] = 0", "Empty needs 1 to 16 bits"),
    ("a: NetVar[Gap] = Gap.BOTH", "Gap has no member for the bits 0x2 alone; give each bit one"),
    ("a: NetVar[Rights] = 1", "default 1 is no Rights"),
    ("a: NetVar[Loose] = Loose(6)", "has bits that no member declares"),
    ("a: NetVar[Enum] = 0", "Enum has 0 members"),
    ("a: NetVar = 3", "NetVar needs a type; write NetVar[int]"),
    ("a: 'NetVar[Sound]' = 0", "Bad.a: cannot resolve"),
    # options
    ("a: NetVar[int] = netvar(0, low=0)", "a range has two ends"),
    ("a: NetVar[int] = netvar(0, low=0.5, high=2)", "must be whole numbers for an int"),
    ("a: NetVar[int] = netvar(5, low=5, high=5)", "low must be less than high"),
    ("a: NetVar[int] = netvar(0, low=0, high=1 << 32)", "need more than 32 bits"),
    ("a: NetVar[int] = netvar(0, low=0, high=9, step=1)", "step= quantises a float"),
    ("a: NetVar[float] = netvar(0.0, step=0.1)", "needs a range to count steps in"),
    ("a: NetVar[float] = netvar(0.0, step=0, low=0, high=1)", "step=0 must be above 0"),
    ("a: NetVar[float] = netvar(0.0, step=1e-9, low=-9, high=9)", "need more than 32 bits"),
    ("a: NetVar[float] = netvar(0.0, low=0, high=float('inf'))", "both finite"),
    ("a: NetVar[float] = netvar(0.0, low=0, high=1e39)", "beyond what 32 bits of float hold"),
    ("a: NetVar[str] = netvar('', low=0, high=9)", "low and high bound int and float only, not str"),
    ("a: NetVar[EntityRef] = netvar(0, low=0, high=9)", "int and float only, not entity"),
    ("a: NetVar[float] = netvar(0.0, clamp=True)", "clamp=True needs a range"),
    ("a: NetVar[int] = netvar(0, interpolate=True)", "only a float can be interpolated"),
    ("a: NetVar[bool] = netvar(False, angle=True)", "angle=True is for a float"),
    ("a: NetVar[int] = netvar(0, redundancy=99)", "redundancy=99 is outside"),
    ("a: NetVar[str] = netvar('', max_bytes=5000)", "max_bytes=5000 is outside"),
    ("a: NetVar[int] = netvar(0, audience='all')", "none of EVERYONE, OWNER, TEAM"),
    ("a: NetVar[int] = netvar(0, max_items=5)", "max_items= is for list, dict and tuple[T, ...], not int"),
    ("a: NetVar[tuple[int, int]] = netvar((0, 0), max_items=5)", "max_items= is for list"),
    ("a: NetVar[list[int]] = netvar([], max_items=0)", "max_items=0 is outside 1..255"),
    ("a: NetVar[list[int]] = netvar([], max_items=256)", "max_items=256 is outside 1..255"),
    ("a: NetVar[list[int]] = netvar([], max_items=250)", "max_items=250: it may take 1001 B, more than 1000; lower"),
    ("a: NetVar[list[str]] = netvar([], max_bytes=99)", "max_items=16: it may take 1601 B"),
    ("a: NetVar[tuple[str, str]] = netvar(('', ''), max_bytes=600)", "it may take 1204 B, more than 1000; lower"),
    ("a: NetVar[list[int] | None] = netvar(None, max_items=250)", "it may take 1002 B"),
    ("a: NetVar[list[str]] = netvar([], low=0, high=9)", "low and high bound int and float only, not list"),
    ("a: NetVar[dict[int, str]] = netvar({}, low=0, high=9)", "low and high bound int and float only, not dict"),
    ("a: NetVar[tuple[float, float]] = netvar((0.0, 0.0), interpolate=True)", "only a float can be interpolated"),
    ("a: NetVar[list[int]] = netvar([], low=0)", "a range has two ends"),
    # defaults of what holds others
    ("a: NetVar[list[int]] = (1, 2)", "default (1, 2) is no list"),
    ("a: NetVar[list[int]] = None", "default None is no list"),
    ("a: NetVar[list[int]] = netvar([10], low=0, high=9)", "default 10 is outside low=0..high=9"),
    ("a: NetVar[list[int]] = netvar([1, 2], max_items=1)", "the default has 2 items, more than max_items=1"),
    ("a: NetVar[tuple[int, int]] = (1, 2, 3)", "default (1, 2, 3) has not 2 elements"),
    ("a: NetVar[dict[EntityRef, int]] = {0: 1}", "names entities, and there are none yet; begin with {}"),
    ("a: NetVar[dict[str, int]] = {1: 1}", "default 1 is no str"),
    ("a: NetVar[int | None] = 'x'", "default 'x' is no int"),
    # codecs
    ("a: NetVar[Point] = Point()", "Point cannot travel; use bool"),
    ("a: NetVar[Point] = netvar(Point(), codec=3)", "codec=3 has no pack and unpack"),
    ("a: NetVar[Point] = netvar(Point(), codec=Code(name='a b'))", "a codec's name has 1 to 64 letters"),
    ("a: NetVar[Point] = netvar(Point(), codec=Code(max_bytes=1001))", "max_bytes=1001 is outside 1..1000"),
    ("a: NetVar[Point] = netvar(Point(), codec=Code(), max_bytes=3)", "max_bytes= is the codec's own"),
    ("a: NetVar[Point] = netvar(Point(), codec=Code(), low=0, high=1)", "int and float only, not codec"),
    ("a: NetVar[Point] = netvar(Point(300), codec=Code())", "codec point cannot pack default Point(x=300): ValueError"),
    ("a: NetVar[Point] = netvar(Point(), codec=Code(unpack=lambda data: Point(7)))", "become the same bytes again"),
    ("a: NetVar[Loop] = netvar(Loop(), codec=Code())", "make its class hashable, as @dataclass(frozen=True) does"),
    ("a: NetVar[list[int]] = netvar([], codec=Code())", "codec= is for other types, not list; leave it out"),
    ("a: NetVar[list[Point]] = netvar([Loop()], codec=Code())", "make its class hashable"),
    ("a: NetVar[list[Point]] = netvar([Point()], codec=Code())", "ok"),
    ("a: NetVar[Point | None] = netvar(None, codec=Code())", "ok"),
    # what is no NetVar
    ("a: int = netvar(0)", "Bad.a: netvar(...) without NetVar; write NetVar[...]"),
    ("a: list[int] = []", "all entities would share one list; write dataclasses.field(default_factory=list)"),
    ("a: int", "ok"),
    ("a: int\n    b: NetVar[int] = 0", "Bad.a: has no default; clients make the component too"),
    ("a: int = 0\n    b: int", "game.py: Bad: non-default argument 'b' follows default argument"),
    ("a: InitVar[int] = 0", "InitVar and Final are no fields"),
    ("a: Final[int] = 0", "InitVar and Final are no fields"),
    ("speed = 3.0", "Bad.speed: has no annotation, so it is no field; write `speed: NetVar[float] = ...`"),
    # behaviour
    ("def heal(self): ...", "Bad.heal: a component is data only; make it a function, or part of a system"),
    ("def _heal(self): ...", "a component is data only"),
    ("@staticmethod\n    def heal(): ...", "a component is data only"),
    ("@classmethod\n    def heal(cls): ...", "a component is data only"),
    ("def __post_init__(self): ...", "made by its generated constructor"),
    ("def __init__(self): ...", "made by its generated constructor"),
    ("def __len__(self): return 0", "ok"),
]  # fmt: skip


@pytest.mark.parametrize("future", [False, True], ids=["evaluated", "postponed"])
@pytest.mark.parametrize(("body", "text"), MISTAKES, ids=[body for body, _ in MISTAKES])
def test_a_mistake_is_told_with_place_value_and_remedy(declare: Declare, body: str, text: str, future: bool) -> None:  # noqa: FBT001
    """An author learns of it when the module is imported, not when the first client joins."""
    source = f"@component\nclass Bad:\n    {body}\n"
    if text == "ok":
        declare(source, future=future)
        return

    with pytest.raises(SchemaError) as caught:
        declare(source, future=future)

    assert text in str(caught.value)
    assert str(caught.value).startswith("game.py: Bad")


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("class Base: pass\n@component\nclass Bad(Base): pass", "Bad: inherits from Base; components do not inherit"),
        ("@component\n@dataclass\nclass Bad:\n    a: int = 0", "Bad: is decorated twice"),
        ("@component\n@component\nclass Bad:\n    a: int = 0", "Bad: is decorated twice"),
        ("@component(tag=True)\nclass Bad:\n    a: NetVar[int] = 0", "it travels anyway; leave out tag=True"),
        ("@component(tag=True)\nclass Bad:\n    a: int", "Bad.a: has no default"),
        ("@player_input\nclass Bad:\n    a: int = 0", "Bad.a: an input needs a closed range"),
        ("@player_input\nclass Bad:\n    a: str = ''", "an input needs a closed range"),
        ("@player_input\nclass Bad:\n    a: EntityRef = 0", "an input needs a closed range"),
        ("@player_input\nclass Bad:\n    a: bool = netvar(False, audience=OWNER)", "leave out audience="),
        ("@player_input\nclass Bad:\n    a: bool", "Bad.a: has no default"),
        # how changes are found
        (
            '@component(track="pull")\nclass Bad:\n    a: NetVar[int] = 0',
            "track='pull' is no way to track; write track=\"push\"",
        ),
        ('@component(track="")\nclass Bad:\n    a: NetVar[int] = 0', "track='' is no way to track"),
        ("@component(every=3)\nclass Bad:\n    a: NetVar[int] = 0", "every=3 is none of 1, 2, 4 and 8 sends; take"),
        ("@component(every=0)\nclass Bad:\n    a: NetVar[int] = 0", "every=0 is none of 1, 2, 4 and 8"),
        ("@component(every=True)\nclass Bad:\n    a: NetVar[int] = 0", "every=True is none of 1, 2, 4 and 8"),
        (
            '@component(track="push", once=True)\nclass Bad:\n    a: NetVar[int] = 0',
            'once=True with track="push"; what travels once is never looked at again, leave out one or the other',
        ),
        ("@component(every=2, once=True)\nclass Bad:\n    a: NetVar[int] = 0", "once=True with every=2; what travels"),
        (
            '@component(track="push")\nclass Bad:\n    a: int = 0',
            'track="push", but it has no NetVar that could change',
        ),
        ("@component(every=4, tag=True)\nclass Bad: pass", "every=4, but it has no NetVar that could change"),
        ("@component(once=True)\nclass Bad: pass", "once=True, but it has no NetVar that could change"),
        (
            "@component(once=True)\nclass Bad:\n    a: NetVar[int] = netvar(0, redundancy=2)",
            "Bad.a: redundancy=2 repeats changes, and once=True sends none; leave out one or the other",
        ),
        ("@player_input(every=2)\nclass Bad:\n    a: bool = False", "every=2 on the player's input, which no client"),
        ('@player_input(track="push")\nclass Bad:\n    a: bool = False', 'track="push" on the player\'s input'),
    ],
)
def test_a_mistake_in_the_class_is_told(declare: Declare, source: str, text: str) -> None:
    """The same for what concerns the class as a whole, and for inputs."""
    with pytest.raises(SchemaError, match=r"game\.py: Bad") as caught:
        declare(source)

    assert text in str(caught.value)


def test_only_the_declared_class_has_a_spec(declare: Declare) -> None:
    """A class that merely inherits from a component is none: its instances would not be found by queries."""
    module = declare("@component\nclass Health: pass\nclass Heavy(Health): pass\nclass Plain: pass")

    assert spec_of(module.Health).name == "Health"
    for wrong in (module.Heavy, module.Plain):
        with pytest.raises(SchemaError, match="not a component; decorate the class with @component"):
            spec_of(wrong)
    with pytest.raises(SchemaError, match="give the class, not an instance"):
        spec_of(module.Health())


def test_a_large_enum_does_not_travel() -> None:
    """Its position is one byte."""
    names = {f"M{i}": i for i in range(257)}
    large = Enum("large", names)  # type: ignore[misc]  # mypy wants a literal
    largest = Enum("largest", dict(list(names.items())[:256]))  # type: ignore[misc]  # mypy wants a literal

    with pytest.raises(SchemaError, match="large has 257 members"):
        field_from_annotation("game.py: f", "a", large)
    assert field_from_annotation("game.py: f", "a", largest).kind is FieldKind.ENUM


def test_an_argument_needs_no_default_and_takes_options_in_its_annotation() -> None:
    """A remote call's parameter has no place for netvar(...) but its annotation."""
    plain = field_from_annotation("game.py: attack", "knight", EntityRef)
    text = field_from_annotation("game.py: say", "text", Annotated[str, netvar("", max_bytes=900)], "hello")

    assert (plain.kind, plain.default, plain.audience) == (FieldKind.ENTITY, MISSING, EVERYONE)
    assert (text.max_bytes, text.default) == (900, "hello")


@given(low=st.integers(-(1 << 40), 1 << 40), span=st.integers(1, 1 << 33), default=st.integers(-(1 << 41), 1 << 41))
def test_a_ranged_int_is_accepted_exactly_if_it_can_be_encoded(low: int, span: int, default: int) -> None:
    """Whatever the numbers, a declaration either has an encoding for its default or raises."""
    encodable = span < 1 << 32 and low <= default <= low + span

    try:
        component(
            type("Some", (), {"__annotations__": {"a": NetVar[int]}, "a": netvar(default, low=low, high=low + span)})
        )
    except SchemaError:
        assert not encodable
    else:
        assert encodable


def test_the_example_of_the_handbook() -> None:
    """What the design shows first must work as it stands there."""

    @player_input
    class Move:
        dx: int = netvar(0, low=-1, high=1)

    @component
    class Health:
        current: NetVar[int] = 100
        armour: NetVar[int] = netvar(0, audience=OWNER)
        last_hit_tick: int = 0

    health = Health()
    health.current -= 30

    assert (health.current, health.armour, health.last_hit_tick, Move(dx=1).dx) == (70, 0, 0, 1)
