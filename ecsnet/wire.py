"""Integers on the wire: QUIC varints, packet numbers that travel truncated, counters that wrap.

Only this file knows how a number becomes bytes. Source: RFC 9000, sections 16 and A.1 to A.3.
"""

from typing import TypeAlias

from ecsnet.errors import RemoteProtocolError

__all__ = [
    "TICK_MASK",
    "Tick",
    "advance_tick",
    "decode_packet_number",
    "is_newer",
    "pack_varint",
    "tick_difference",
    "unpack_varint",
    "varint_size",
]

Tick: TypeAlias = int  # number of a fixed simulation step, 0 <= tick < 2**32, wraps

TICK_MASK = 0xFFFFFFFF
_HALF = 0x80000000
_ONE_BYTE, _TWO_BYTES, _FOUR_BYTES = 0x40, 0x4000, 0x40000000  # the first values that need more
VARINT_MAX = (1 << 62) - 1


def is_newer(tick: Tick, than: Tick) -> bool:
    """Tell whether `tick` comes after `than`, also across the wrap; ticks 2**31 apart or more cannot be told."""
    return tick != than and ((tick - than) & TICK_MASK) < _HALF


def tick_difference(tick: Tick, base: Tick) -> int:
    """Return how many ticks `tick` is ahead of `base` (negative: behind), across the wrap."""
    difference = (tick - base) & TICK_MASK
    return difference - (TICK_MASK + 1) if difference >= _HALF else difference


def advance_tick(tick: Tick, by: int = 1) -> Tick:
    """Return the tick `by` steps later (or earlier, when negative), wrapped to 32 bits."""
    return (tick + by) & TICK_MASK


def pack_varint(value: int) -> bytes:
    """Encode 0 <= value < 2**62 in 1, 2, 4 or 8 bytes.

    Raises:
        ValueError: The value does not fit; it is the caller's mistake.
    """
    if 0 <= value < _ONE_BYTE:
        return value.to_bytes(1, "big")
    if 0 <= value < _TWO_BYTES:
        return (value | 0x4000).to_bytes(2, "big")
    if 0 <= value < _FOUR_BYTES:
        return (value | 0x80000000).to_bytes(4, "big")
    if 0 <= value <= VARINT_MAX:
        return (value | 0xC000000000000000).to_bytes(8, "big")
    raise ValueError(f"a varint holds 0 to 2**62 - 1, not {value}")


def varint_size(value: int) -> int:
    """Return how many bytes `pack_varint(value)` takes: 1, 2, 4 or 8."""
    return 1 if value < _ONE_BYTE else 2 if value < _TWO_BYTES else 4 if value < _FOUR_BYTES else 8


def unpack_varint(data: bytes, offset: int) -> tuple[int, int]:
    """Decode the varint at `offset`; return it and the offset behind it.

    Raises:
        RemoteProtocolError: The data ends inside the number.
    """
    if offset >= len(data):
        raise RemoteProtocolError("the data ends where a varint should start")
    first = data[offset]
    size = 1 << (first >> 6)
    if size == 1:
        return first, offset + 1
    end = offset + size
    if end > len(data):
        raise RemoteProtocolError(f"a varint of {size} bytes is cut off after {len(data) - offset}")
    return int.from_bytes(data[offset:end], "big") & ((1 << (8 * size - 2)) - 1), end


def decode_packet_number(largest: int, truncated: int, bits: int = 16) -> int:
    """Restore the packet number of which only the low `bits` travelled.

    Args:
        largest: Largest packet number accepted so far in this direction; -1 before the first.

    Returns:
        The candidate closest to largest + 1. Source: RFC 9000, A.3.
    """
    expected = largest + 1
    window = 1 << bits
    half = window >> 1
    candidate = (expected & ~(window - 1)) | truncated
    if candidate <= expected - half and candidate < (1 << 62) - window:
        return candidate + window
    if candidate > expected + half and candidate >= window:
        return candidate - window
    return candidate
