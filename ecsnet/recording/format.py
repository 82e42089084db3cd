r"""The bytes of a recording. Only this file knows their layout; pack and unpack are twins.

    file    = "\x89ECSREC\n" | version u16 | length u32 | CRC-32 u32 | header            all numbers big-endian
    header  = zlib of JSON: see `Header`
    block   = "BLK\x1e" | kind u8 | first tick u32 | last tick u32 | length u32 | CRC-32 u32 | body
    kind    = 1: begins with all there is | 2: goes on from the block before | 3: the end
    body    = zlib of item*; of the end, zlib of a text that says why
    item    = kind u8 | length varint | that many bytes
    item    : 1 all there is, a state message (replication/frames.py) without what follows in 2
              2 what changed in one send tick, a state message; it begins what happened in its tick
              3 a call or event that everybody was told after it, as it travels
              4 the fingerprint (replication/witness.py) of all there is after it

A block holds about a second and says in its checksummed head where it ends, so a file that is cut off is good up to
there, and behind a damaged block the next mark is found. Each is compressed for itself: one compressor for ten seconds
saved 6 % of 1.7 kB a second, and needed a state that two threads have to agree on.
"""

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TypeAlias

from ecsnet.errors import RecordingError, RemoteProtocolError
from ecsnet.wire import Tick, pack_varint, unpack_varint

__all__ = [
    "CALL",
    "CHECK",
    "END",
    "KEY",
    "MORE",
    "STATE",
    "VERSION",
    "WHOLE",
    "Block",
    "Header",
    "Item",
    "find_blocks",
    "pack_block",
    "pack_header",
    "pack_item",
    "unpack_block",
    "unpack_header",
    "unpack_items",
]

VERSION = 1
KEY, MORE, END = 1, 2, 3  # kinds of blocks
WHOLE, STATE, CALL, CHECK = 1, 2, 3, 4  # kinds of items
MAX_BODY_BYTES = 1 << 28  # unpacked: 100,000 entities of 2.5 kB; a file that says more is not ours
MAX_HEADER_BYTES = 1 << 22  # unpacked: 20 times the description of a game of 256 records

_MAGIC = b"\x89ECSREC\n"  # no text begins so, and one that was copied as text has lost the line's end
_MARK = b"BLK\x1e"
_HEAD = struct.Struct("!8sHII")
_BLOCK = struct.Struct("!4sBIIII")

Item: TypeAlias = tuple[int, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a file says of itself.

    Attributes:
        game: The `Game.name`.
        version: The `Game.version`.
        room: The code of the room; empty where there is but one.
        schema: The schema's hash, in hexadecimal.
        description: The schema's lines, to say in what another one differs.
        tick_rate_hz: Ticks a second.
        send_rate_hz: Frames a second.
        start_tick: From which the time in the recording counts.
        started: When that was, in seconds since 1970.
    """

    game: str
    version: str
    room: str
    schema: str
    description: tuple[str, ...]
    tick_rate_hz: float
    send_rate_hz: float
    start_tick: Tick
    started: float


@dataclass(frozen=True, slots=True)
class Block:
    """A block that was found whole.

    Attributes:
        start: Where it is in the file, bytes.
        end: Behind it.
    """

    kind: int
    first: Tick
    last: Tick
    start: int
    end: int


def pack_header(header: Header) -> bytes:
    """Encode how a file begins."""
    body = zlib.compress(json.dumps(asdict(header)).encode())
    return _HEAD.pack(_MAGIC, VERSION, len(body), zlib.crc32(body)) + body


def unpack_header(data: bytes) -> tuple[Header, int]:
    """Read how a file begins; return where the blocks do, too.

    Raises:
        RecordingError: It is no recording, a newer one, or damaged here; the text says which.
    """
    if data[: len(_MAGIC)] != _MAGIC[: len(data)] or not data:
        raise RecordingError("it is no recording of ecsnet")
    if len(data) < _HEAD.size:
        raise RecordingError("it is cut off before anything was recorded")
    _, version, length, check = _HEAD.unpack_from(data)
    if version > VERSION:
        raise RecordingError(f"it has format {version}, made by a newer ecsnet; this one reads up to {VERSION}")
    body = data[_HEAD.size : _HEAD.size + length]
    if len(body) < length:
        raise RecordingError("it is cut off before anything was recorded")
    try:
        if zlib.crc32(body) != check:
            raise ValueError("wrong checksum")  # noqa: TRY301  # one answer to all that can be wrong here
        said = json.loads(_decompress(body, MAX_HEADER_BYTES))
        header = Header(**{**said, "description": tuple(said["description"])})
        if not (header.tick_rate_hz > 0 and header.send_rate_hz > 0):
            raise ValueError("no rates")  # noqa: TRY301  # as above
    except (ValueError, TypeError, KeyError, zlib.error) as error:
        raise RecordingError(f"its first part is damaged ({error}): which game it shows cannot be told") from error
    return header, _HEAD.size + length


def pack_block(kind: int, first: Tick, last: Tick, body: bytes) -> bytes:
    """Encode a block; takes a millisecond for 50 kB."""
    packed = zlib.compress(body)
    head = _BLOCK.pack(_MARK, kind, first, last, len(packed), 0)[:-4]
    return head + zlib.crc32(packed, zlib.crc32(head)).to_bytes(4, "big") + packed


def find_block(data: bytes, offset: int) -> Block | None:
    """Return the block that begins at an offset, if one does and is whole."""
    if len(data) < offset + _BLOCK.size or not data.startswith(_MARK, offset):
        return None
    _, kind, first, last, length, check = _BLOCK.unpack_from(data, offset)
    end = offset + _BLOCK.size + length
    with memoryview(data) as view:
        found = zlib.crc32(view[offset + _BLOCK.size : end], zlib.crc32(view[offset : offset + _BLOCK.size - 4]))
    return None if end > len(data) or found != check else Block(kind, first, last, offset, end)


def find_blocks(data: bytes, offset: int) -> Iterator[Block]:
    """Yield all blocks that are whole; what is between two of them is damaged."""
    while offset < len(data):
        block = find_block(data, offset)
        if block is None:
            offset = data.find(_MARK, offset + 1)
            if offset < 0:
                return
        else:
            yield block
            offset = block.end


def unpack_block(data: bytes, block: Block) -> bytes:
    """Return the body of a block.

    Raises:
        RecordingError: It is none of ours, though whole.
    """
    try:
        return _decompress(data[block.start + _BLOCK.size : block.end], MAX_BODY_BYTES)
    except (zlib.error, ValueError) as error:
        raise RecordingError(f"its block at byte {block.start} makes no sense: {error}") from error


def pack_item(kind: int, data: bytes) -> bytes:
    """Encode an item."""
    return b"".join((bytes((kind,)), pack_varint(len(data)), data))


def unpack_items(body: bytes) -> Iterator[Item]:
    """Yield the items of a block.

    Raises:
        RecordingError: They are none of ours.
    """
    offset = 0
    while offset < len(body):
        kind = body[offset]
        try:
            length, start = unpack_varint(body, offset + 1)
        except RemoteProtocolError as error:
            raise RecordingError(f"it holds an item that makes no sense: {error}") from error
        offset = start + length
        if offset > len(body):
            raise RecordingError("it holds an item that is longer than its block")
        yield kind, body[start:offset]


def _decompress(packed: bytes, limit: int) -> bytes:
    """Unpack what was compressed.

    Raises:
        ValueError: It is more than may be, or not all.
        zlib.error: It is nothing of the kind.
    """
    unpacker = zlib.decompressobj()
    body = unpacker.decompress(packed, limit)
    if not unpacker.eof:
        raise ValueError(f"it is not whole, or more than {limit} B")
    return body
