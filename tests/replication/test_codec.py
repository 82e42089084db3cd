"""Values to bytes and back."""

import math
from enum import Enum

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet import EntityRef, NetVar, component, netvar
from ecsnet.errors import RemoteProtocolError, SchemaError
from ecsnet.fields import spec_of
from ecsnet.replication.codec import RecordCodec


class Colour(Enum):
    """Some members."""

    RED = "r"
    BLUE = "b"


@component
class Numbers:
    """Every kind of number."""

    free: NetVar[int] = 0
    tiny: NetVar[int] = netvar(0, low=-5, high=5)
    three: NetVar[int] = netvar(0, low=-1, high=1 << 20)
    wide: NetVar[int] = netvar(0, low=0, high=0xFFFFFFFF)
    bounded: NetVar[int] = netvar(0, low=0, high=9, clamp=True)
    plain: NetVar[float] = 0.0
    edge: NetVar[float] = netvar(0.1, low=-0.1, high=0.1)
    steps: NetVar[float] = netvar(0.0, step=1 / 16, low=-100, high=100)
    turn: NetVar[float] = netvar(0.0, step=math.tau / 65536, low=-math.pi, high=math.pi, angle=True)
    held: NetVar[float] = netvar(0.0, step=0.1, low=-1, high=1, clamp=True)


@component
class Texts:
    """Everything else."""

    flag: NetVar[bool] = False
    name: NetVar[str] = netvar("", max_bytes=12)
    blob: NetVar[bytes] = netvar(b"", max_bytes=300)
    colour: NetVar[Colour] = Colour.RED
    friend: NetVar[EntityRef] = 0


numbers = RecordCodec(spec_of(Numbers).fields, "Numbers")
texts = RecordCodec(spec_of(Texts).fields, "Texts")

NUMBERS = st.builds(
    Numbers,
    free=st.integers(-(1 << 31), (1 << 31) - 1),
    tiny=st.integers(-5, 5),
    three=st.integers(-1, 1 << 20),
    wide=st.integers(0, 0xFFFFFFFF),
    bounded=st.integers(-100, 100),
    plain=st.floats(width=32, allow_nan=False, allow_infinity=False),
    edge=st.floats(-0.1, 0.1),
    steps=st.floats(-100, 100),
    turn=st.floats(-1000, 1000),
    held=st.floats(allow_nan=False),
)
TEXTS = st.builds(
    Texts,
    flag=st.booleans(),
    name=st.text(max_size=3),
    blob=st.binary(max_size=300),
    colour=st.sampled_from(Colour),
    friend=st.integers(0, 0xFFFFFFFF),
)


@given(NUMBERS)
def test_numbers_arrive_as_quantise_says(part: Numbers) -> None:
    """Prediction relies on it: both sides go on from the same bits."""
    packed = numbers.pack(part)

    assert numbers.unpack(packed, 0) == (numbers.quantise(part), len(packed))


@given(NUMBERS)
def test_quantising_twice_changes_nothing(part: Numbers) -> None:
    """Otherwise a resting entity would drift."""
    once = numbers.quantise_component(part)

    assert numbers.quantise_component(part) == once == numbers.read(part)


@given(TEXTS)
def test_texts_arrive_as_they_are(part: Texts) -> None:
    """Strings, bytes, members and entities have no precision to lose."""
    packed = texts.pack(part)

    assert texts.unpack(b"??" + packed + b"!!", 2) == (texts.read(part), 2 + len(packed))


@given(st.binary(max_size=60), st.sampled_from([numbers, texts]))
def test_any_bytes_give_values_or_a_protocol_error(data: bytes, codec: RecordCodec) -> None:
    """And values that arrive can be sent on: they are in their declared ranges."""
    try:
        values, offset = codec.unpack(data, 0)
    except RemoteProtocolError:
        return

    assert offset <= len(data)
    assert codec.unpack(codec.pack(values), 0)[0] == values


def test_numbers_take_the_fewest_bytes() -> None:
    """1, 2, 3 or 4 each."""
    sizes = {field.name: RecordCodec((field,), "Numbers").size for field in spec_of(Numbers).fields}

    assert sizes == {
        "free": 4, "tiny": 1, "three": 3, "wide": 4, "bounded": 1,
        "plain": 4, "edge": 4, "steps": 2, "turn": 2, "held": 1,
    }  # fmt: skip
    assert texts.size is None


def test_an_angle_comes_round_instead_of_leaving_its_range() -> None:
    """A game adds to a rotation for ever."""
    turned = RecordCodec([each for each in spec_of(Numbers).fields if each.name == "turn"], "Numbers")

    assert turned.quantise((math.pi + 0.5,))[0] == pytest.approx(-math.pi + 0.5, abs=1e-4)
    assert turned.quantise((5 * math.tau,)) == (0.0,)


def test_clamp_sends_the_nearest_value() -> None:
    """Also for infinity; what is no number has no nearest one."""
    part = Numbers(bounded=99, held=math.inf)

    assert dict(zip([each.name for each in numbers.fields], numbers.quantise(part), strict=True))["bounded"] == 9
    assert numbers.quantise(part)[-1] == pytest.approx(1.0)
    with pytest.raises(SchemaError, match=r"Numbers\.held: nan is no float"):
        numbers.pack(Numbers(held=math.nan))


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"steps": math.nan}, r"Numbers\.steps: nan is no float that can travel"),
        ({"steps": 101.0}, r"Numbers\.steps: 101\.0 is outside low=-100\.\.high=100; keep it inside"),
        ({"steps": -math.inf}, r"Numbers\.steps: -inf is outside"),
        ({"plain": math.inf}, r"Numbers\.plain: inf does not fit a finite 32-bit float"),
        ({"plain": 1e39}, r"Numbers\.plain: 1e\+39 does not fit"),
        ({"free": 1 << 31}, r"Numbers\.free: 2147483648 does not fit 32 signed bits; give it low= and high="),
        ({"tiny": 6}, r"Numbers\.tiny: 6 is outside low=-5\.\.high=5"),
        ({"tiny": 1.5}, r"Numbers\.tiny: 1\.5 is no int"),
        ({"wide": "many"}, r"Numbers\.wide: 'many' is no int"),
    ],
)
def test_a_number_that_cannot_travel_is_named_with_its_remedy(values: dict[str, object], text: str) -> None:
    """In packing as in quantising, and never as a broken stream."""
    part = Numbers(**values)  # type: ignore[arg-type]

    for refused in (numbers.pack, numbers.quantise):
        with pytest.raises(SchemaError, match=text):
            refused(part)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"name": "thirteen char"}, r"Texts\.name: 'thirteen char' is no str of at most 12 B in UTF-8"),
        ({"name": "\ud800"}, r"Texts\.name: '\\ud800' is no str"),
        ({"name": b"bytes"}, r"Texts\.name: b'bytes' is no str"),
        ({"blob": bytes(301)}, r"Texts\.blob: .* is no bytes of at most 300 B"),
        ({"blob": 5}, r"Texts\.blob: 5 is no bytes"),
        ({"colour": "r"}, r"Texts\.colour: 'r' is no member of Colour"),
        ({"friend": -1}, r"Texts\.friend: -1 is no entity"),
    ],
)
def test_other_values_that_cannot_travel_are_named_too(values: dict[str, object], text: str) -> None:
    """As for numbers."""
    with pytest.raises(SchemaError, match=text):
        texts.pack(Texts(**values))  # type: ignore[arg-type]


def test_a_code_beyond_the_range_is_refused() -> None:
    """A server, or a client's input, cannot bring in what the declaration rules out."""
    tiny = RecordCodec([each for each in spec_of(Numbers).fields if each.name == "tiny"], "Numbers")

    assert tiny.unpack(b"\x0a", 0) == ((5,), 1)
    with pytest.raises(RemoteProtocolError, match=r"Numbers\.tiny: code 11 is beyond 10"):
        tiny.unpack(b"\x0b", 0)


def test_entities_among_the_values_are_named_and_mapped() -> None:
    """Each side knows an entity by another number; nobody is nobody everywhere."""
    values = texts.read(Texts(friend=7))

    assert texts.has_refs
    assert not numbers.has_refs
    assert (texts.refs(values), texts.refs(texts.defaults)) == ([7], [])
    assert texts.map_refs(values, lambda entity: entity + 100) == texts.read(Texts(friend=107))
    assert texts.map_refs(texts.defaults, lambda entity: entity + 100) == texts.defaults
