"""Values of every kind, alone, in containers and optional: they arrive as `quantise` says, or are refused."""

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet import Game, NetVar, World, component, netvar
from ecsnet.errors import RemoteProtocolError, SchemaError
from ecsnet.fields import spec_of
from ecsnet.replication.codec import RecordCodec, Values
from ecsnet.replication.detect import Detector
from ecsnet.replication.schema import Schema
from tests.replication.everykind import (
    BYTE,
    CODECS,
    PARTS,
    SEVERAL,
    Marks,
    Maybe,
    Plain,
    Point,
    PointCodec,
    Rights,
    Several,
    Suit,
    codec_of,
    maybe,
    plain,
    several,
)


@given(PARTS)
def test_values_arrive_as_quantise_says(part: Plain | Maybe | Several) -> None:
    """Whatever they are; and what arrived, in the same order, can be sent on."""
    codec = CODECS[type(part)]
    packed = codec.pack(part)

    values, end = codec.unpack(b"??" + packed + b"!!", 2)

    assert (values, end) == (codec.quantise(part), 2 + len(packed))
    assert codec.pack(values) == packed
    assert [type(each) for each in values] == [type(each) for each in codec.read(part)]


@given(PARTS)
def test_quantising_twice_changes_nothing(part: Plain | Maybe | Several) -> None:
    """Otherwise a resting entity would drift."""
    codec = CODECS[type(part)]
    once = codec.quantise_component(part)

    assert codec.quantise_component(part) == once == codec.read(part)


@given(PARTS, st.data())
def test_a_byte_changed_gives_the_one_encoding_of_its_values_or_a_protocol_error(
    part: Plain | Maybe | Several, data: st.DataObject
) -> None:
    """No two encodings mean the same: what is not as we would write it is refused."""
    codec = CODECS[type(part)]
    packed = bytearray(codec.pack(part))
    packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(BYTE)

    _check_any(codec, bytes(packed))


@given(st.binary(max_size=80), st.sampled_from([plain, maybe, several]))
def test_any_bytes_give_values_or_a_protocol_error(data: bytes, codec: RecordCodec) -> None:
    """Nothing else, whatever a peer sends."""
    _check_any(codec, data)


def _check_any(codec: RecordCodec, data: bytes) -> None:
    try:
        values, end = codec.unpack(data, 0)
    except RemoteProtocolError:
        return
    assert end <= len(data)
    assert codec.pack(values) == data[:end]


# What each refuses.


def one(cls: type, name: str) -> RecordCodec:
    return RecordCodec([each for each in spec_of(cls).fields if each.name == name], cls.__name__)


@pytest.mark.parametrize(
    ("cls", "name", "data", "text"),
    [
        (Plain, "flag", "02", "code 2 is beyond 1"),
        (Plain, "rights", "04", "Plain.rights: 0x4 has bits beyond 0x83"),
        (Plain, "marks", "0002", "0x2 has bits beyond 0x8001"),
        (Plain, "point", "03010203", "Plain.point: 3 B are too long"),
        (Plain, "point", "0101", "Plain.point: codec point raises TypeError"),
        (Plain, "point", "0201", "Plain.point: 2 B are too long"),
        (Maybe, "digit", "0200", "Maybe.digit: code 2 is beyond 1"),
        (Maybe, "digit", "010a", "code 10 is beyond 9"),
        (Maybe, "digit", "01", "a record is broken"),
        (Several, "flags", "ff" + "00" * 255, "Several.flags: 255 items are more than 16"),
        (Several, "counts", "0200000001", "a record is broken"),
        (Several, "digits", "05" + "00" * 5, "5 items are more than 4"),
        (Several, "digits", "010a", "Several.digits: code 10 is beyond 9"),
        (Several, "texts", "0105", "5 B are too long"),
        (Several, "texts", "0101ff", "a record is broken"),
        (Several, "suits", "0102", "code 2 is beyond 1"),
        (Several, "names", "02" + "00000001" * 2 + "0000", "Several.names: a key comes twice"),
        (Several, "prices", "02" + "0161" * 2 + "0101", "a key comes twice"),
        (Several, "scores", "01" + "00000000" + "01", "Several.scores: a key is nobody"),
        (Several, "lookup", "01020102", "a record is broken"),
        (Several, "lookup", "0111", "17 items are more than 16"),
    ],
)
def test_bytes_that_say_what_cannot_be_are_refused(cls: type, name: str, data: str, text: str) -> None:
    """A count is believed only as far as the bytes reach, and every value is in its declared bounds."""
    with pytest.raises(RemoteProtocolError) as caught:
        one(cls, name).unpack(bytes.fromhex(data), 0)

    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("cls", "name", "value", "text"),
    [
        (
            Plain,
            "rights",
            1,
            "Plain.rights: 1 is no Rights, or has bits that no member declares; assign members joined",
        ),
        (Plain, "marks", Marks(6), "is no Marks, or has bits"),
        (Plain, "point", Point(300, 0), "Plain.point: Point(x=300, y=0) cannot travel: codec point raises ValueError"),
        (Plain, "point", None, "Plain.point: None cannot travel: codec point raises AttributeError"),
        (Maybe, "digit", 10, "Maybe.digit: 10 is outside low=0..high=9"),
        (Maybe, "free", float("nan"), "Maybe.free: nan is no float that can travel; assign a finite float"),
        (Maybe, "suit", "h", "Maybe.suit: 'h' is no member of Suit"),
        (Several, "digits", [1, 2, 300], "Several.digits[2]: 300 is outside low=0..high=9; keep it inside"),
        (Several, "digits", [0] * 5, "Several.digits: [0, 0, 0, 0, 0] is no list of at most 4 items; shorten it"),
        (Several, "digits", (1, 2), "Several.digits: (1, 2) is no list"),
        (Several, "digits", None, "Several.digits: None is no list"),
        (Several, "counts", [1], "Several.counts: [1] is no tuple of at most 16 elements"),
        (Several, "counts", (1, 2.5), "Several.counts[1]: 2.5 is no int"),
        (Several, "spot", (0.0, 9.0), "Several.spot[1]: 9.0 is outside low=-4..high=4"),
        (Several, "spot", (0.0,), "Several.spot: (0.0,) is no tuple of 2 elements"),
        (Several, "spot", [0.0, 0.0], "Several.spot: [0.0, 0.0] is no tuple of 2 elements"),
        (Several, "path", [(0.0, 0.0), (0.0, float("inf"))], "Several.path[1][1]: inf is outside"),
        (
            Several,
            "mixed",
            (1, "x" * 13, Suit.HEARTS, 0.0),
            "Several.mixed[1]: 'xxxxxxxxxxxxx' is no str of at most 12 B",
        ),
        (Several, "friends", [3, -1], "Several.friends[1]: -1 is no entity"),
        (Several, "points", [Point(0, 0), Point(-1, 0)], "Several.points[1]: Point(x=-1, y=0) cannot travel"),
        (Several, "names", {1: "x" * 13}, "Several.names[1]: 'xxxxxxxxxxxxx' is no str"),
        (
            Several,
            "names",
            {1 << 40: ""},
            "Several.names, key 1099511627776: 1099511627776 does not fit 32 signed bits",
        ),
        (Several, "prices", {"a": 10}, "Several.prices['a']: 10 is outside low=0..high=9"),
        (Several, "prices", {"x" * 25: 1}, "is no str of at most 24 B in UTF-8"),
        (Several, "prices", [], "Several.prices: [] is no dict of at most 16 keys"),
        (Several, "scores", {0: 1}, "Several.scores: {0: 1} has a key that is nobody (0)"),
        (Several, "hands", {Suit.HEARTS: (1, -1)}, "Several.hands[<Suit.HEARTS: 'h'>][1]: -1 is no entity"),
        (Several, "lookup", {10: Rights.READ}, "Several.lookup, key 10: 10 is outside"),
    ],
)
def test_a_value_that_cannot_travel_is_named_to_the_element(cls: type, name: str, value: object, text: str) -> None:
    """In packing, in quantising and, for entities, in mapping."""
    codec = one(cls, name)

    refused: list[Callable[[Values], object]] = [codec.pack, codec.quantise]
    for refuse in refused:
        with pytest.raises(SchemaError) as caught:
            refuse((value,))
        assert text in str(caught.value)


def test_clamp_counts_for_every_element() -> None:
    """As for a value alone."""

    @component
    class Held:
        some: NetVar[list[int]] = netvar([], low=0, high=9, clamp=True)

    assert codec_of(Held).quantise(([-5, 5, 50],)) == ([0, 5, 9],)


def test_a_codec_that_makes_no_bytes_is_told() -> None:
    """Mypy would; but a record must never be broken."""

    class Wrong(PointCodec):
        max_bytes = 3

        @staticmethod
        def pack(value: Point) -> bytes:
            return bytes(value.y) if value.x == 0 else bytearray(2)  # type: ignore[return-value]  # the mistake

        @staticmethod
        def unpack(data: bytes) -> Point:
            return Point(0, len(data))

    @component
    class Odd:
        point: NetVar[Point] = netvar(Point(0, 0), codec=Wrong)

    with pytest.raises(SchemaError, match=r"Odd\.point: .* cannot travel: codec point makes no bytes, but bytearray"):
        codec_of(Odd).pack(Odd(Point(1, 0)))
    with pytest.raises(SchemaError, match=r"Odd\.point: .* cannot travel: 4 B are more than max_bytes=3"):
        codec_of(Odd).pack(Odd(Point(0, 4)))


# Sizes, as PROTOCOL.md has them.


def test_the_example_of_the_standard() -> None:
    """One record of each kind that holds others, byte by byte."""
    part = Several(digits=[3, 4], spot=(-4.0, 0.0), prices={"a": 7}, perhaps=[9])

    found = {name: one(Several, name).pack((getattr(part, name),)).hex(" ") for name in ("digits", "spot", "prices")}

    assert found == {"digits": "02 03 04", "spot": "00 20", "prices": "01 01 61 07"}
    assert one(Several, "perhaps").pack((part.perhaps,)).hex(" ") == "01 01 00 00 00 09"
    assert one(Several, "perhaps").pack((None,)) == b"\0"
    assert one(Several, "spot").size == 2
    assert one(Several, "digits").size is None
    assert one(Plain, "rights").pack((Rights.BOTH | Rights.ADMIN,)) == b"\x83"
    assert one(Plain, "marks").pack((Marks.LAST,)) == struct.pack("!H", 0x8000)


# Lists and dicts belong to their component.


def test_no_two_components_share_a_list() -> None:
    """A default is copied for each, and what is applied is as well."""
    first, second = Several(), Several()
    first.digits.append(3)
    first.prices["milk"] = 2

    assert (second.digits, second.prices) == ([1, 2], {"bread": 1})
    assert several.defaults == several.read(Several())

    several.apply(first, several.defaults)
    several.apply(second, several.defaults)
    first.digits.append(3)

    assert second.digits == [1, 2]
    assert several.defaults == several.read(Several())


def test_reading_is_a_snapshot() -> None:
    """Otherwise what was read would change with the component, and no change would ever be seen."""
    part = Several(perhaps=[1])
    before = several.read(part)
    assert part.perhaps is not None

    part.digits.append(3)
    part.prices["milk"] = 2
    part.perhaps.append(2)

    assert several.read(part) != before
    assert before == several.read(Several(perhaps=[1]))
    assert several.quantise(part)[2] is not part.digits


def test_edits_in_place_are_detected() -> None:
    """A game appends to a list and thinks no more of it."""
    world = World()
    detector = Detector(Schema(Game("edits", components=[Several])), world)
    part = Several()
    world.create_entity(part)
    detector.detect(1)
    assert not detector.detect(2).changed

    part.friends.append(3)

    assert detector.detect(3).changed
    assert not detector.detect(4).changed
    part.digits.append(10)
    with pytest.raises(SchemaError, match=r"^entity 1: Several\.digits\[2\]: 10 is outside low=0\.\.high=9; keep it"):
        detector.detect(5)


# Entities.


def test_entities_in_containers_are_named_and_mapped() -> None:
    """Wherever they stand; an entry of a dict by entity goes with its entity."""
    part = Several(
        friends=[1, 0, 2], scores={3: 1, 4: 2}, hands={Suit.HEARTS: (9, 5), Suit.SPADES: (9, 0)}, perhaps=[6]
    )
    values = several.read(part)

    assert sorted(several.refs(values)) == [1, 2, 3, 4, 5, 6]
    mapped = Several()
    several.apply(mapped, several.map_refs(values, lambda entity: 0 if entity == 3 else entity + 100))
    assert (mapped.friends, mapped.scores) == ([101, 0, 102], {104: 2})
    assert mapped.hands == {Suit.HEARTS: (9, 105), Suit.SPADES: (9, 0)}
    assert mapped.perhaps == [106]
    assert values == several.read(part)
    assert several.map_refs(several.defaults, int) == several.defaults


@given(st.builds(Several, **SEVERAL))
def test_mapping_there_and_back_changes_nothing(part: Several) -> None:
    """As long as everybody has a number on either side."""
    values = several.read(part)
    there = several.map_refs(values, lambda entity: entity ^ (1 << 32))

    assert several.map_refs(there, lambda entity: entity ^ (1 << 32)) == values
    assert several.refs(there) == [entity ^ (1 << 32) for entity in several.refs(values)]


def test_what_cannot_be_mapped_is_told_like_what_cannot_be_packed() -> None:
    """A call with a wrong argument is mapped before it is packed."""
    for name, value in (("friends", 5), ("scores", None), ("hands", {Suit.HEARTS: 3})):
        with pytest.raises(SchemaError, match=rf"Several\.{name}"):
            one(Several, name).map_refs((value,), int)
        with pytest.raises(SchemaError, match=rf"Several\.{name}"):
            one(Several, name).refs((value,))
    assert one(Plain, "friend").map_refs(("x",), int) == ("x",)
