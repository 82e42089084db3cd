"""Integers on the wire: published samples of QUIC, and properties."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import RemoteProtocolError
from ecsnet.wire import (
    advance_tick,
    decode_packet_number,
    is_newer,
    pack_varint,
    tick_difference,
    unpack_varint,
    varint_size,
)

SAMPLES = "quic-varint-packet-number.json"
LIMIT = 1 << 62
TICKS = st.integers(0, (1 << 32) - 1)

Published = Callable[[str], Any]


def test_published_varints_are_read_as_published(published: Published) -> None:
    """The shortest form is also what we write; longer forms are read all the same."""
    for encoded, value in published(SAMPLES)["varint"]:
        data = bytes.fromhex(encoded)
        assert unpack_varint(data, 0) == (value, len(data))
        assert pack_varint(value) == data or len(pack_varint(value)) < len(data)


@pytest.mark.parametrize(
    ("encoded", "value"),
    [
        ("c2197c5eff14e88c", 151_288_809_941_952_652),
        ("9d7f3e7d", 494_878_333),
        ("7bbd", 15_293),
        ("25", 37),
        ("4025", 37),
    ],
)
def test_the_varints_of_rfc_9000_a_1_are_read(encoded: str, value: int) -> None:
    """The document's own examples, also without the published samples at hand."""
    assert unpack_varint(bytes.fromhex(encoded), 0) == (value, len(encoded) // 2)
    assert encoded == "4025" or pack_varint(value).hex() == encoded


def test_the_packet_numbers_of_rfc_9000_a_2_and_a_3_are_restored() -> None:
    """A.3: after 0xa82f30ea, 0x9b32 is 0xa82f9b32. A.2: beside 0xabe8b3 two bytes do for one, not for the other."""
    assert decode_packet_number(0xA82F30EA, 0x9B32) == 0xA82F9B32
    assert decode_packet_number(0xABE8B3, 0xAC5C02 & 0xFFFF) == 0xAC5C02
    assert decode_packet_number(0xABE8B3, 0xACE8FE & 0xFFFF) != 0xACE8FE


def test_published_varint_limits_take_their_sizes(published: Published) -> None:
    """The largest value of each size, and the one above it."""
    for value, size in published(SAMPLES)["varint_sizes"]:
        assert len(pack_varint(value)) == varint_size(value) == size
        if value + 1 < LIMIT:
            assert len(pack_varint(value + 1)) == 2 * size


@given(value=st.integers(0, LIMIT - 1), before=st.binary(max_size=3), after=st.binary(max_size=3))
def test_a_varint_is_read_back_wherever_it_stands(value: int, before: bytes, after: bytes) -> None:
    """With the offset behind it."""
    packed = pack_varint(value)

    assert len(packed) == varint_size(value)
    assert unpack_varint(before + packed + after, len(before)) == (value, len(before) + len(packed))


@given(data=st.binary(max_size=9), offset=st.integers(0, 10))
def test_any_bytes_are_a_varint_or_a_remote_error(data: bytes, offset: int) -> None:
    """Nothing else, and never a number of cut bytes."""
    try:
        value, end = unpack_varint(data, offset)
    except RemoteProtocolError:
        return

    assert 0 <= value < LIMIT
    assert end <= len(data)
    assert end - offset == 1 << (data[offset] >> 6)


@pytest.mark.parametrize("size", [2, 4, 8])
def test_a_cut_varint_is_a_remote_error(size: int) -> None:
    """At every length."""
    packed = pack_varint((1 << (8 * size - 2)) - 1)

    for length in range(size):
        with pytest.raises(RemoteProtocolError):
            unpack_varint(packed[:length], 0)


@pytest.mark.parametrize("value", [-1, LIMIT, 1 << 64])
def test_a_value_that_fits_no_varint_is_refused(value: int) -> None:
    """It is the caller's mistake."""
    with pytest.raises(ValueError, match="a varint holds"):
        pack_varint(value)


def test_published_packet_numbers_are_restored(published: Published) -> None:
    """The sample of RFC 9000, A.3."""
    for sample in published(SAMPLES)["decode_pn"]:
        largest, truncated, number = (int(sample[name], 16) for name in ("largest_pn", "truncated", "pn"))
        assert decode_packet_number(largest, truncated, sample["bits"]) == number


def test_published_8_bit_packet_numbers_are_restored(published: Published) -> None:
    """Every truncated value against four expectations."""
    for case in published(SAMPLES)["decode_exhaustive_8bit"]:
        for first, end, add in case["ranges"]:
            for truncated in range(first, end):
                assert decode_packet_number(case["expected"] - 1, truncated, 8) == truncated + add


def test_two_bytes_suffice_exactly_where_published(published: Published) -> None:
    """Where the samples ask for 2 bytes the 16 bits we send are enough, where they ask for 3 they are not."""
    for sample in published(SAMPLES)["encode_pn_bytes"]:
        number, largest = int(sample["full_pn"], 16), int(sample["largest_acked"], 16)
        restored = decode_packet_number(largest, number & 0xFFFF, 16)
        assert (restored == number) is (sample["bytes"] <= 2)


@given(largest=st.integers(-1, LIMIT - (1 << 20)), ahead=st.integers(-(1 << 15) + 1, 1 << 15))
def test_a_packet_number_within_reach_is_restored(largest: int, ahead: int) -> None:
    """Half the 16-bit range either way of the one expected next."""
    number = largest + 1 + ahead
    if number >= 0:
        assert decode_packet_number(largest, number & 0xFFFF) == number


@given(largest=st.integers(-1, LIMIT - 2), truncated=st.integers(0, 0xFFFF))
def test_a_restored_packet_number_is_a_packet_number(largest: int, truncated: int) -> None:
    """Whatever a stranger sends: in range, and ending in the bits that travelled."""
    number = decode_packet_number(largest, truncated)

    assert 0 <= number < LIMIT
    assert number & 0xFFFF == truncated


@given(tick=TICKS, ahead=st.integers(-(1 << 31) + 1, (1 << 31) - 1))
def test_ticks_compare_across_the_wrap(tick: int, ahead: int) -> None:
    """`is_newer` and `tick_difference` agree, and `advance_tick` is their inverse."""
    later = advance_tick(tick, ahead)

    assert tick_difference(later, tick) == ahead
    assert is_newer(later, tick) is (ahead > 0)
    assert is_newer(tick, later) is (ahead < 0)


def test_a_tick_is_not_newer_than_itself() -> None:
    """Nor does the largest one come after the first of the next round."""
    assert not is_newer(5, 5)
    assert is_newer(0, 0xFFFFFFFF)
    assert advance_tick(0xFFFFFFFF) == 0
