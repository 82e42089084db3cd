"""The engine's components: how they are declared, documented and sized on the wire."""

import importlib
import math
from pathlib import Path

import pytest

import ecsnet.components
from ecsnet.components import (
    Bounds2D,
    Collider2D,
    Contacts,
    Interpolated,
    LobbyRules,
    LobbyStage,
    MaxSpeed,
    Near,
    Owner,
    Parent,
    Paused,
    Persistent,
    Player,
    PlayerStatus,
    Predicted,
    Rooms,
    Seat,
    Shape,
    Team,
    Transform2D,
    Velocity2D,
    Viewer,
    VisibleTo,
)
from ecsnet.fields import EVERYONE, OWNER, spec_of
from ecsnet.replication.codec import RecordCodec

REPLICATED = (
    Bounds2D,
    Collider2D,
    LobbyRules,
    MaxSpeed,
    Owner,
    Parent,
    Player,
    Seat,
    Team,
    Transform2D,
    Velocity2D,
    Viewer,
)
LOCAL = (Contacts, Interpolated, Near, Paused, Persistent, Predicted, Rooms, VisibleTo)
FILES = sorted(
    path.stem for path in Path(str(ecsnet.components.__file__)).parent.glob("*.py") if path.stem != "__init__"
)


def codec_of(cls: type) -> RecordCodec:
    """Return what packs a component's networked fields."""
    return RecordCodec(spec_of(cls).fields, cls.__name__)


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_named_after_the_component_in_it(name: str) -> None:
    """So that who looks for Transform2D opens transform2d.py."""
    module = importlib.import_module(f"ecsnet.components.{name}")
    plain = {each.lower() for each in module.__all__}

    assert name.replace("_", "") in plain
    assert set(module.__all__) <= set(ecsnet.components.__all__)


@pytest.mark.parametrize("cls", [*REPLICATED, *LOCAL, LobbyStage])
def test_a_component_says_who_writes_and_who_reads_it(cls: type) -> None:
    """Data has no methods to look through for that."""
    text = str(cls.__doc__)

    assert "ritten by " in text
    assert "read by " in text


@pytest.mark.parametrize("cls", REPLICATED)
def test_what_describes_the_game_travels(cls: type) -> None:
    """Every field of it."""
    spec = spec_of(cls)

    assert spec.replicated
    assert not spec.local
    assert all(field.audience is (OWNER if cls is Viewer else EVERYONE) for field in spec.fields)


@pytest.mark.parametrize("cls", LOCAL)
def test_what_one_side_notes_for_itself_stays_there(cls: type) -> None:
    """A marker of the client's would contradict the server's."""
    assert not spec_of(cls).replicated


@pytest.mark.parametrize(("cls", "size"), [(Transform2D, 8), (Velocity2D, 4), (Owner, 4), (Seat, 3)])
def test_what_changes_often_is_small(cls: type, size: int) -> None:
    """One step too many in a range is a byte more in each record."""
    assert codec_of(cls).size == size


@pytest.mark.parametrize("cls", REPLICATED)
def test_defaults_travel_exactly(cls: type) -> None:
    """A client begins with what the server began with; above all, nought is nought."""
    codec = codec_of(cls)
    values = codec.read(cls())

    assert codec.quantise(values) == values


@pytest.mark.parametrize(
    "component",
    [
        Collider2D(Shape.CIRCLE, radius=5.0, layer=0x8000, mask=0, sensor=True, restitution=1.0),
        Bounds2D(-32768.0, 10.0, 790.0, 32768.0, restitution=0.5),
        Owner(0xFFFFFFFF),
        Player(7, "Ä" * 48, PlayerStatus.LOST),
        Seat(255, ready=True),
    ],
)
def test_the_ends_of_the_ranges_travel_exactly(component: object) -> None:
    """Sizes in 1/64 are the same to the last bit on both sides, or predictions at edges would differ."""
    codec = codec_of(type(component))

    assert codec.unpack(codec.pack(component), 0)[0] == codec.read(component)


def test_what_leaves_the_world_is_seen_at_its_edge() -> None:
    """A stray shot must not stop the server."""
    assert codec_of(Transform2D).quantise(Transform2D(x=1e9, y=-1e9)) == (32768.0, -32768.0, 0.0)
    assert codec_of(Velocity2D).quantise(Velocity2D(x=10_000.0, y=-10_000.0)) == (2047.9375, -2047.9375)


@pytest.mark.parametrize("turns", [-2, 0, 1, 100])
def test_any_number_of_turns_is_the_same_angle(turns: int) -> None:
    """A game adds to the rotation and never has to bring it back into a range."""
    rotation = codec_of(Transform2D).quantise(Transform2D(rotation=1.0 + turns * math.tau))[2]

    assert rotation == pytest.approx(1.0, abs=math.tau / 65536)


def test_position_is_interpolated_and_rotation_goes_the_short_way() -> None:
    """What is drawn between two states must not whirl from 359 to 1 degree."""
    fields = {field.name: field for field in spec_of(Transform2D).fields}

    assert all(field.interpolate for field in fields.values())
    assert [name for name, field in fields.items() if field.angle] == ["rotation"]
