"""The layout of a packet's inside: frames. Only this file knows it; pack and parse are twins.

    PAD       0x00
    PING      0x01
    ACK       0x02  largest varint | delay u16, in 1/8 ms | size u8 | bitmap of `size` bytes, little-endian:
                    bit i set: packet `largest - 1 - i` arrived
    CLOSE     0x03  reason u16 | size u8 | text, UTF-8
    MESSAGE   0x40 + channel  [number varint, unless the channel is UNRELIABLE] | size varint | message
    FRAGMENT  0x80 + channel  number varint | index varint | count varint | size varint | part; reliable channels only

All numbers big-endian. A packet is parsed whole before anything of it applies.
"""

import struct
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from ecsnet.errors import RemoteProtocolError
from ecsnet.wire import pack_varint, unpack_varint

__all__ = [
    "Ack",
    "Close",
    "Frames",
    "Message",
    "pack_ack",
    "pack_close",
    "pack_reliable",
    "pack_sequenced",
    "pack_unreliable",
    "parse",
]

PAD, PING, ACK, CLOSE = 0x00, 0x01, 0x02, 0x03
MESSAGE, FRAGMENT = 0x40, 0x80
MAX_CHANNELS = 32
MAX_FRAMES = 255
MAX_BITMAP_BYTES = 128  # 1024 packets
MAX_CLOSE_TEXT_BYTES = 255
PING_FRAME = bytes((PING,))
DELAY_UNITS_PER_SECOND = 8000

_ACK_REST = struct.Struct("!HB")
_CLOSE = struct.Struct("!BHB")


class Ack(NamedTuple):
    """Which packets the other side has: `largest`, and `largest - 1 - i` for every bit i of `bitmap`."""

    largest: int
    delay_seconds: float
    bitmap: int


class Close(NamedTuple):
    """The other side ends the connection."""

    reason: int
    text: str


class Message(NamedTuple):
    """A message, or with parts > 1 one part of it. `number` is -1 on unreliable channels."""

    channel: int
    number: int
    part: int
    parts: int
    data: bytes


class Frames(NamedTuple):
    """What a packet holds, apart from padding."""

    messages: Sequence[Message]
    ack: Ack | None
    close: Close | None
    ack_eliciting: bool


ChannelKinds: TypeAlias = Sequence[int]  # by channel: 0 unreliable, 1 sequenced, 2 and 3 reliable


def pack_ack(largest: int, delay_seconds: float, bitmap: int) -> bytes:
    """Encode an ACK frame; the bitmap's highest bit says how long it is."""
    size = (bitmap.bit_length() + 7) >> 3
    delay = min(0xFFFF, int(delay_seconds * DELAY_UNITS_PER_SECOND))
    return b"\x02" + pack_varint(largest) + _ACK_REST.pack(delay, size) + bitmap.to_bytes(size, "little")


def pack_close(reason: int, text: str) -> bytes:
    """Encode a CLOSE frame; a text over 255 bytes is cut between characters."""
    encoded = text.encode()[:MAX_CLOSE_TEXT_BYTES].decode(errors="ignore").encode()
    return _CLOSE.pack(CLOSE, reason, len(encoded)) + encoded


def pack_unreliable(channel: int, message: bytes) -> bytes:
    """Encode a message of an unreliable channel."""
    return bytes((MESSAGE | channel,)) + pack_varint(len(message)) + message


def pack_sequenced(channel: int, number: int, message: bytes) -> bytes:
    """Encode a message of a sequenced channel."""
    return bytes((MESSAGE | channel,)) + pack_varint(number) + pack_varint(len(message)) + message


def pack_reliable(channel: int, message_id: int, message: bytes, piece_bytes: int) -> list[bytes]:
    """Encode a message of a reliable channel as one frame, or as fragments of at most `piece_bytes` each."""
    number = pack_varint(message_id)
    if len(message) <= piece_bytes:
        return [bytes((MESSAGE | channel,)) + number + pack_varint(len(message)) + message]
    parts = [message[i : i + piece_bytes] for i in range(0, len(message), piece_bytes)]
    head = bytes((FRAGMENT | channel,)) + number
    count = pack_varint(len(parts))
    return [head + pack_varint(i) + count + pack_varint(len(part)) + part for i, part in enumerate(parts)]


def parse(data: bytes, kinds: ChannelKinds, max_fragments: int) -> Frames:
    """Read a whole packet, or nothing of it.

    HOT: once per packet received; tests/bench/bench_connection.py.

    Args:
        kinds: The connection's channels' delivery rules.
        max_fragments: Most fragments one message may have.

    Raises:
        RemoteProtocolError: A frame is unknown, cut off, or breaks a limit.
    """
    messages: list[Message] = []
    ack: Ack | None = None
    close: Close | None = None
    eliciting = False
    offset, end, count = 0, len(data), 0
    while offset < end:
        kind = data[offset]
        offset += 1
        if kind == PAD:
            continue
        count += 1
        if count > MAX_FRAMES:
            raise RemoteProtocolError(f"more than {MAX_FRAMES} frames in a packet")
        if kind >= MESSAGE:
            message, offset = _parse_message(kind, data, offset, kinds, max_fragments)
            messages.append(message)
            eliciting = True
        elif kind == ACK:
            if ack is not None:
                raise RemoteProtocolError("two ACK frames in a packet")
            ack, offset = _parse_ack(data, offset)
        elif kind == PING:
            eliciting = True
        elif kind == CLOSE:
            close, offset = _parse_close(data, offset)
        else:
            raise RemoteProtocolError(f"unknown frame type {kind:#04x}")
    return Frames(messages, ack, close, eliciting)


def _parse_message(kind: int, data: bytes, offset: int, kinds: ChannelKinds, max_fragments: int) -> tuple[Message, int]:
    channel = kind & 0x3F
    if channel >= len(kinds) or kind >= FRAGMENT + MESSAGE:
        raise RemoteProtocolError(f"unknown frame type {kind:#04x}")
    number, index, count = -1, 0, 1
    delivery = kinds[channel]
    if delivery:
        number, offset = unpack_varint(data, offset)
    if kind & FRAGMENT:
        if delivery < 2:  # noqa: PLR2004  # Delivery.RELIABLE_UNORDERED
            raise RemoteProtocolError("a fragment on a channel that is not reliable")
        index, offset = unpack_varint(data, offset)
        count, offset = unpack_varint(data, offset)
        if not 1 < count <= max_fragments or index >= count:
            raise RemoteProtocolError(f"fragment {index} of {count}, of at most {max_fragments}")
    size, offset = unpack_varint(data, offset)
    stop = offset + size
    if stop > len(data):
        raise RemoteProtocolError(f"a message of {size} B is cut off after {len(data) - offset}")
    return Message(channel, number, index, count, data[offset:stop]), stop


def _parse_ack(data: bytes, offset: int) -> tuple[Ack, int]:
    largest, offset = unpack_varint(data, offset)
    if offset + _ACK_REST.size > len(data):
        raise RemoteProtocolError("an ACK frame is cut off")
    delay, size = _ACK_REST.unpack_from(data, offset)
    offset += _ACK_REST.size
    stop = offset + size
    if size > MAX_BITMAP_BYTES or stop > len(data):
        raise RemoteProtocolError(f"an ACK bitmap of {size} B is too long or cut off")
    bitmap = int.from_bytes(data[offset:stop], "little")
    if bitmap >> largest:
        raise RemoteProtocolError("an ACK of packets below number 0")
    return Ack(largest, delay / DELAY_UNITS_PER_SECOND, bitmap), stop


def _parse_close(data: bytes, offset: int) -> tuple[Close, int]:
    if offset + _CLOSE.size - 1 > len(data):
        raise RemoteProtocolError("a CLOSE frame is cut off")
    reason = int.from_bytes(data[offset : offset + 2], "big")
    size = data[offset + 2]
    start = offset + 3
    stop = start + size
    if stop > len(data):
        raise RemoteProtocolError("a CLOSE frame's text is cut off")
    text = data[start:stop].decode(errors="replace")
    return Close(reason, "".join(c if c.isprintable() else "?" for c in text)), stop
