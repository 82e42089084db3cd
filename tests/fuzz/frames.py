"""Frames of every type, right, nearly right and wrong, by chance: what a peer with true keys could put into a packet.

`FRAMES` is the table everything here works from: a new frame type needs its line, and is fuzzed.
"""

import random
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ecsnet.transport import packet
from ecsnet.wire import pack_varint

Chance: TypeAlias = random.Random
Build: TypeAlias = Callable[[Chance], bytes]

# Where limits lie: of varints, windows, bitmaps, fragments, frames.
NUMBERS = (0, 1, 2, 3, 5, 63, 64, 127, 128, 255, 256, 257, 1023, 1024, 1025, 16383, 16384, (1 << 30) - 1, 1 << 30,
           (1 << 32) - 1, (1 << 62) - 1)  # fmt: skip
SIZES = (0, 0, 1, 2, 7, 30, 63, 64, 200, 1100)


def number(chance: Chance, below: int = 12, wild: float = 0.03) -> int:
    """A small number, as they mostly are, or one at a limit: most packets must be right, to get anywhere."""
    return chance.randrange(below) if chance.random() >= wild else chance.choice(NUMBERS)


def content(chance: Chance) -> bytes:
    return chance.randbytes(chance.choice(SIZES))


def channel(chance: Chance, channels: Sequence[int] = (0, 1, 2, 3)) -> int:
    """One there is, and rarely another."""
    return chance.choice(channels) if chance.random() < 0.995 else chance.randrange(64)


def ack(chance: Chance) -> bytes:
    largest = number(chance, 2)
    bitmap = chance.getrandbits(chance.choice((1, 8, 64, 1024)))
    if chance.random() < 0.97:
        bitmap &= (1 << min(largest, 1024)) - 1
    return packet.pack_ack(largest, chance.choice((0.0, 0.01, 8.0)), bitmap)


def raw_ack(chance: Chance) -> bytes:
    """The size of the bitmap need not be true."""
    return b"\x02" + pack_varint(number(chance)) + chance.randbytes(3) + chance.randbytes(chance.randrange(130))


def close(chance: Chance) -> bytes:
    return packet.pack_close(chance.randrange(0x10000), chance.choice(("", "bye", "\x1b[2J\n", "ü" * 200)))


def raw_close(chance: Chance) -> bytes:
    return b"\x03" + chance.randbytes(3) + content(chance)


def message(chance: Chance) -> bytes:
    return packet.pack_message(channel(chance, (0,)), content(chance))


def numbered(chance: Chance) -> bytes:
    return packet.pack_numbered(channel(chance, (1, 2, 3)), number(chance, 40), content(chance))


def fragment(chance: Chance) -> bytes:
    which = number(chance, 40)
    count = 2 + which % 5 if chance.random() < 0.98 else number(chance)
    index = chance.randrange(max(1, min(count, 300))) if chance.random() < 0.98 else number(chance)
    return packet.pack_fragment(channel(chance), which, index, count, content(chance))


def raw_head(chance: Chance) -> bytes:
    """Any type byte, with numbers behind it that may lie about what follows."""
    numbers = b"".join(pack_varint(number(chance, wild=0.5)) for _ in range(chance.randrange(5)))
    return bytes((chance.randrange(256),)) + numbers + content(chance)


FRAMES: dict[str, Build] = {
    "pad": lambda chance: bytes(chance.choice((1, 2, 100))),
    "ping": lambda chance: packet.PING_FRAME * (1 if chance.random() < 0.98 else chance.choice((254, 255, 256))),
    "ack": ack,
    "raw ack": raw_ack,
    "close": close,
    "raw close": raw_close,
    "message": message,
    "numbered": numbered,
    "fragment": fragment,
    "path challenge": lambda chance: packet.pack_path_challenge(chance.getrandbits(64)),
    "path response": lambda chance: packet.pack_path_response(chance.choice((0, 1, 2, chance.getrandbits(64)))),
    "credit": lambda chance: packet.pack_credit(number(chance, 400_000)),
    "raw": raw_head,
}
# How often: a packet whose first frame breaks a rule hides all others, and a CLOSE ends the session.
WEIGHTS = {"message": 8, "numbered": 12, "fragment": 12, "ack": 1, "ping": 2, "close": 0.05, "raw close": 0.05,
           "raw ack": 0.1, "raw": 0.2}  # fmt: skip


def plaintext(chance: Chance, room: int = 1150) -> bytes:
    """A packet's inside: frames while they fit."""
    names = chance.choices(list(FRAMES), [WEIGHTS.get(name, 1) for name in FRAMES], k=chance.choice((1, 1, 2, 3, 8)))
    data = b""
    for name in names:
        frame = FRAMES[name](chance)
        if len(data) + len(frame) <= room:
            data += frame
    return damage(chance, data) if chance.random() < 0.05 else data


def damage(chance: Chance, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Change some bytes, lengths or numbers."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        place = chance.randrange(len(changed) + 1)
        match chance.randrange(7):
            case 0 if changed:
                changed[min(place, len(changed) - 1)] ^= 1 << chance.randrange(8)
            case 1 if changed:
                changed[min(place, len(changed) - 1)] = chance.choice((0, 1, 0x3F, 0x40, 0x7F, 0x80, 0xC0, 0xFF))
            case 2:
                del changed[place : place + chance.choice((1, 2, 8, 2000))]
            case 3:
                changed[place:place] = chance.randbytes(chance.choice((1, 2, 8)))
            case 4:
                changed[place : place + chance.choice((1, 2, 4, 8))] = pack_varint(number(chance, wild=0.5))
            case 5:
                changed[place:place] = changed[: chance.choice((1, 8, 64))]
            case _:
                other = chance.choice(others) if others else chance.randbytes(20)
                changed[place:] = other[chance.randrange(len(other) + 1) :]
    return bytes(changed)
