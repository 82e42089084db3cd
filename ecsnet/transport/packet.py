"""The layout of a packet's inside: frames. Only this file knows it; pack and parse are twins.

    PAD       0x00
    PING      0x01
    ACK       0x02  largest varint | delay u16, in 1/8 ms | size u8 | bitmap of `size` bytes, little-endian:
                    bit i set: packet `largest - 1 - i` arrived
    CLOSE     0x03  reason u16 | size u8 | text, UTF-8
    PATH_CHALLENGE  0x04  u64, to be sent back
    PATH_RESPONSE   0x05  u64 of the challenge
    CREDIT    0x06  varint: what reliable messages may cost in all
    MESSAGE   0x40 + channel  [number varint, unless the channel is UNRELIABLE] | size | message
    FRAGMENT  0x80 + channel  number varint | index varint | count varint | size | part

All numbers big-endian; `size` of a message is a varint of one or two bytes. A packet is parsed whole before anything of
it applies.

Frames are tuples, not classes: a busy server takes a million of them apart in a few seconds, and a named tuple costs
seven times as much as a plain one.
"""

import struct
from typing import TypeAlias

from ecsnet.errors import RemoteProtocolError
from ecsnet.wire import pack_varint, unpack_varint

__all__ = [
    "Ack",
    "Close",
    "Control",
    "Fragment",
    "Frames",
    "Message",
    "NumberedMessage",
    "pack_ack",
    "pack_close",
    "pack_credit",
    "pack_fragment",
    "pack_message",
    "pack_numbered",
    "pack_path_challenge",
    "pack_path_response",
    "parse",
    "printable",
]

PAD, PING, ACK, CLOSE, PATH_CHALLENGE, PATH_RESPONSE, CREDIT = range(7)
MESSAGE, FRAGMENT = 0x40, 0x80
MAX_CHANNELS = 32
CHANNEL_MASK = MAX_CHANNELS - 1  # the channel within a frame's type
MAX_FRAMES = 255
MAX_BITMAP_BYTES = 128  # 1024 packets
MAX_CLOSE_TEXT_BYTES = 255
PING_FRAME = bytes((PING,))
DELAY_UNITS_PER_SECOND = 8000
# Room a message leaves in its packet. For the head of its frame: type 1, number 8, size 2, index and count 4. For an
# ACK beside it: type 1, largest 4, delay 2, size 1, and 8 B of bitmap for the packets of a round trip.
OVERHEAD_BYTES = 15 + 16

Message: TypeAlias = tuple[int, bytes]  # channel, message
NumberedMessage: TypeAlias = tuple[int, int, bytes]  # channel, number, message
Fragment: TypeAlias = tuple[int, int, int, int, bytes]  # channel, number of the message, index, count, part
Ack: TypeAlias = tuple[int, float, int]  # largest, delay in seconds, bitmap
Close: TypeAlias = tuple[int, str]  # reason, text
Control: TypeAlias = tuple[int, int]  # PATH_CHALLENGE, PATH_RESPONSE or CREDIT, and its number
# The bool tells whether the packet asks for an ACK.
Frames: TypeAlias = tuple[
    list[Message], list[NumberedMessage], list[Fragment], Ack | None, Close | None, bool, list[Control]
]

_SHORT, _LONG = struct.Struct("!BB").pack, struct.Struct("!BH").pack
_DELAY_AND_SIZE = struct.Struct("!HB").pack
_ACK_OF_TWO, _ACK_OF_FOUR = struct.Struct("!BHHB").pack, struct.Struct("!BIHB").pack
_MAX_DELAY = 0xFFFF
_CLOSE = struct.Struct("!BHB").pack
_PATH = struct.Struct("!BQ").pack
PATH_BYTES = 9  # of a PATH frame
_ONE_BYTE, _TWO_BYTES = 0x40, 0x80  # varints below these first bytes; RFC 9000, section 16
_TWO_BYTE_MARK, _FOUR_BYTE_MARK = 0x4000, 0x80000000
_RELIABLE = 2  # Delivery.RELIABLE_UNORDERED; importing it would turn the layers round


def pack_ack(largest: int, delay_seconds: float, bitmap: int) -> bytes:  # HOT: once per datagram sent
    """Encode an ACK frame; the bitmap's highest bit says how long it is."""
    size = (bitmap.bit_length() + 7) >> 3
    delay = int(delay_seconds * DELAY_UNITS_PER_SECOND)
    if delay > _MAX_DELAY:  # noqa: PLR1730  # half the time of min()
        delay = _MAX_DELAY
    if _ONE_BYTE <= largest < _TWO_BYTE_MARK:  # the usual sizes of a varint at once
        head = _ACK_OF_TWO(ACK, largest | _TWO_BYTE_MARK, delay, size)
    elif _TWO_BYTE_MARK <= largest < _FOUR_BYTE_MARK >> 1:
        head = _ACK_OF_FOUR(ACK, largest | _FOUR_BYTE_MARK, delay, size)
    else:
        head = b"\x02" + pack_varint(largest) + _DELAY_AND_SIZE(delay, size)
    return head + bitmap.to_bytes(size, "little")


def pack_close(reason: int, text: str) -> bytes:
    """Encode a CLOSE frame; a text over 255 bytes is cut between characters."""
    encoded = text.encode(errors="replace")[:MAX_CLOSE_TEXT_BYTES].decode(errors="ignore").encode()
    return _CLOSE(CLOSE, reason, len(encoded)) + encoded


def pack_path_challenge(number: int) -> bytes:
    """Encode a PATH_CHALLENGE frame; u64."""
    return _PATH(PATH_CHALLENGE, number)


def pack_path_response(number: int) -> bytes:
    """Encode the answer to a PATH_CHALLENGE."""
    return _PATH(PATH_RESPONSE, number)


def pack_credit(total: int) -> bytes:
    """Encode a CREDIT frame."""
    return bytes((CREDIT,)) + pack_varint(total)


def pack_message(channel: int, message: bytes) -> bytes:  # HOT: once per unreliable message
    """Encode a message of an unreliable channel."""
    size = len(message)
    if size < _ONE_BYTE:
        return _SHORT(MESSAGE | channel, size) + message
    return _LONG(MESSAGE | channel, size | _TWO_BYTE_MARK) + message


def pack_numbered(channel: int, number: int, message: bytes) -> bytes:
    """Encode a message of a sequenced or reliable channel."""
    return bytes((MESSAGE | channel,)) + pack_varint(number) + pack_varint(len(message)) + message


def pack_fragment(channel: int, number: int, index: int, count: int, part: bytes) -> bytes:
    """Encode a part of a message; on an UNRELIABLE channel `number` counts the messages sent in parts."""
    head = bytes((FRAGMENT | channel,)) + pack_varint(number) + pack_varint(index) + pack_varint(count)
    return head + pack_varint(len(part)) + part


def parse(  # noqa: C901, PLR0912, PLR0915  # a call per frame is slow
    data: bytes, kinds: bytes, max_fragments: int, max_unreliable_fragments: int = 16
) -> Frames:
    """Read a whole packet, or nothing of it.

    HOT: once per packet received; tests/bench/bench_connection.py.

    Args:
        kinds: By channel, its Delivery: 0 unreliable, 1 sequenced, 2 and 3 reliable.
        max_fragments: Most fragments one reliable message may have.
        max_unreliable_fragments: The same of others.

    Raises:
        RemoteProtocolError: A frame is unknown, cut off, or breaks a limit.
    """
    messages: list[Message] = []
    numbered: list[NumberedMessage] = []
    fragments: list[Fragment] = []
    ack: Ack | None = None
    close: Close | None = None
    controls: list[Control] = []
    ping = False
    offset, end, frames = 0, len(data), 0
    try:
        while offset < end:
            kind = data[offset]
            offset += 1
            if MESSAGE <= kind < FRAGMENT:
                channel = kind - MESSAGE
                number = -1
                if kinds[channel]:
                    number, offset = unpack_varint(data, offset)
                size = data[offset]
                offset += 1
                if size >= _ONE_BYTE:
                    size, offset = _long_size(size, data[offset]), offset + 1
                stop = offset + size
                if stop > end:
                    raise RemoteProtocolError(f"a message of {size} B is cut off after {end - offset}")
                if number < 0:
                    messages.append((channel, data[offset:stop]))
                else:
                    numbered.append((channel, number, data[offset:stop]))
                offset = stop
            elif kind == ACK and ack is None:
                ack, offset = _parse_ack(data, offset)
            elif kind == PAD:
                continue
            elif kind == PING:
                ping = True
            elif kind >= FRAGMENT:
                limit = max_fragments if kinds[kind - FRAGMENT] >= _RELIABLE else max_unreliable_fragments
                fragment, offset = _parse_fragment(kind, data, offset, limit)
                fragments.append(fragment)
            elif PATH_CHALLENGE <= kind <= CREDIT:
                control, offset = _parse_control(kind, data, offset)
                controls.append(control)
            elif kind == CLOSE:
                close, offset = _parse_close(data, offset)
            else:
                raise RemoteProtocolError("two ACK frames in a packet" if ack else f"unknown frame type {kind:#04x}")
            frames += 1
    except IndexError:
        raise RemoteProtocolError("the head of a frame is cut off, or names a channel there is not") from None
    if frames > MAX_FRAMES:
        raise RemoteProtocolError(f"{frames} frames in a packet, more than {MAX_FRAMES}")
    return (
        messages,
        numbered,
        fragments,
        ack,
        close,
        ping or bool(messages or numbered or fragments or controls),
        controls,
    )


def _long_size(first: int, second: int) -> int:
    if first >= _TWO_BYTES:
        raise RemoteProtocolError("the size of a message has more than two bytes")
    return (first & 0x3F) << 8 | second


def _parse_fragment(kind: int, data: bytes, offset: int, max_fragments: int) -> tuple[Fragment, int]:
    number, offset = unpack_varint(data, offset)
    index, offset = unpack_varint(data, offset)
    count, offset = unpack_varint(data, offset)
    if not 1 < count <= max_fragments or index >= count:
        raise RemoteProtocolError(f"fragment {index} of {count}, of at most {max_fragments}")
    size = data[offset]
    offset += 1
    if size >= _ONE_BYTE:
        size, offset = _long_size(size, data[offset]), offset + 1
    stop = offset + size
    if stop > len(data):
        raise RemoteProtocolError(f"a fragment of {size} B is cut off after {len(data) - offset}")
    return (kind - FRAGMENT, number, index, count, data[offset:stop]), stop


def _parse_ack(data: bytes, offset: int) -> tuple[Ack, int]:  # HOT: in most packets
    largest, offset = unpack_varint(data, offset)
    delay = data[offset] << 8 | data[offset + 1]
    size = data[offset + 2]
    offset += 3
    stop = offset + size
    if size > MAX_BITMAP_BYTES or stop > len(data):
        raise RemoteProtocolError(f"an ACK bitmap of {size} B is too long or cut off")
    bitmap = int.from_bytes(data[offset:stop], "little")
    if bitmap >> largest:
        raise RemoteProtocolError("an ACK of packets below number 0")
    return (largest, delay / DELAY_UNITS_PER_SECOND, bitmap), stop


def _parse_control(kind: int, data: bytes, offset: int) -> tuple[Control, int]:
    if kind == CREDIT:
        total, offset = unpack_varint(data, offset)
        return (kind, total), offset
    stop = offset + PATH_BYTES - 1
    if stop > len(data):
        raise RemoteProtocolError("a PATH frame is cut off")
    return (kind, int.from_bytes(data[offset:stop], "big")), stop


def _parse_close(data: bytes, offset: int) -> tuple[Close, int]:
    reason = data[offset] << 8 | data[offset + 1]
    start = offset + 3
    stop = start + data[offset + 2]
    if stop > len(data):
        raise RemoteProtocolError("a CLOSE frame's text is cut off")
    return (reason, printable(data[start:stop].decode(errors="replace"))), stop


def printable(text: str) -> str:
    """Return a text of the peer's without line breaks, terminal escapes and the like."""
    return "".join([character if character.isprintable() else "?" for character in text])
