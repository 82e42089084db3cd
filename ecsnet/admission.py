"""What client and server tell each other before a client is in: who asks, and what is granted or why not.

Most of it travels inside the handshake. A server that wants to know more than may be recorded and said again, above all
a password, asks: then there is a question in the place of the welcome, the client introduces itself over the
connection, and is welcomed there.

Only this file knows the layout of these payloads; "Admission" in PROTOCOL.md describes them.
"""

import unicodedata
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgpack  # type: ignore[import-untyped]  # ships no types; checked where it is unpacked

from ecsnet.errors import RemoteProtocolError

__all__ = [
    "MAX_ACCOUNT_BYTES",
    "MAX_ACCOUNT_PASSWORD_BYTES",
    "MAX_GREETING_BYTES",
    "MAX_ROOM_BYTES",
    "MAX_ROOM_PASSWORD_BYTES",
    "MAX_TICKET_BYTES",
    "QUESTION",
    "Credentials",
    "Introduction",
    "Welcome",
    "clean_name",
    "pack_schema",
    "unpack_schema",
]

MAX_ROOM_BYTES = 16
MAX_ROOM_PASSWORD_BYTES = 64
MAX_CLIENT_ID = 0xFFFFFFFF  # a u32
MAX_NAME_CHARACTERS = 24
SCHEMA_HASH_BYTES = 16
MAX_TICKET_BYTES = 128  # ours have 56; more would not fit HELLO beside a long token
MAX_ACCOUNT_BYTES = 96  # 24 characters of up to 4 bytes
MAX_ACCOUNT_PASSWORD_BYTES = 1024  # servers take 256, unless told otherwise
MAX_GREETING_BYTES = 1024
QUESTION = msgpack.packb([])  # in the place of a welcome
MAX_DESCRIPTION_BYTES = 65_536  # what a refusal may unfold to, whatever it claims


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client says of itself in HELLO. Replayable by nature, so it grants nothing by itself."""

    name: str
    schema_hash: bytes
    token: bytes = field(default=b"", repr=False)  # a connect token; see `ecsnet.tokens`
    ticket: bytes = field(default=b"", repr=False)  # of an earlier welcome; see `ecsnet.sessions`
    room: str = ""  # the code of a room; empty: the server chooses
    room_password: str = field(default="", repr=False)
    version: str = ""  # of the game, as its makers call it

    def pack(self) -> bytes:
        """Encode for HELLO."""
        packed: bytes = msgpack.packb(
            [self.name, self.schema_hash, self.token, self.ticket, self.room, self.room_password, self.version]
        )
        return packed

    @staticmethod
    def unpack(data: bytes) -> "Credentials":
        """Decode a client's bytes.

        Raises:
            RemoteProtocolError: Not what `pack` makes.
        """
        match _unpack(data):
            case [
                str() as name,
                bytes() as schema_hash,
                bytes() as token,
                bytes() as ticket,
                str() as room,
                str() as room_password,
                str() as version,
            ]:
                if len(schema_hash) == SCHEMA_HASH_BYTES:
                    return Credentials(
                        clean_name(name), schema_hash, token, ticket, room, room_password, clean_name(version)
                    )
        raise RemoteProtocolError("these are no credentials")


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a client says over the connection, when it is asked: nobody can have recorded it, or read it later.

    Attributes:
        account: The name of one; empty: none.
        greeting: The game's own bytes, for the server's `accept`.
    """

    account: str = ""
    password: str = field(default="", repr=False)
    greeting: bytes = field(default=b"", repr=False)

    def pack(self) -> bytes:
        """Encode for the first message on the channel of calls."""
        packed: bytes = msgpack.packb([self.account, self.password, self.greeting])
        return packed

    @staticmethod
    def unpack(data: bytes) -> "Introduction":
        """Decode a client's bytes.

        Raises:
            RemoteProtocolError: Not what `pack` makes.
        """
        match _unpack(data):
            case [str() as account, str() as password, bytes() as greeting]:
                if len(account.encode(errors="replace")) <= MAX_ACCOUNT_BYTES:
                    return Introduction(account, password, greeting)
        raise RemoteProtocolError("this is no introduction")


@dataclass(frozen=True, slots=True)
class Welcome:
    """What the server grants: in REPLY, or, after an introduction, in its first message on the channel of calls.

    Attributes:
        shared_seed: Of the chance that clients can foresee; see `World.rng_for`. 64 bits.
        ticket: Brings the client back into its place once the connection has broken off; empty: no place is kept.
    """

    client_id: int
    shared_seed: int = 0
    ticket: bytes = field(default=b"", repr=False)

    def pack(self) -> bytes:
        """Encode for REPLY, or for the message."""
        packed: bytes = msgpack.packb([self.client_id, self.shared_seed, self.ticket])
        return packed

    @staticmethod
    def unpack(data: bytes) -> "Welcome":
        """Decode the server's bytes.

        Raises:
            RemoteProtocolError: Not what `pack` makes.
        """
        match _unpack(data):
            case [int() as client_id, int() as seed, bytes() as ticket]:
                is_sound = 0 < client_id <= MAX_CLIENT_ID and 0 <= seed < 1 << 64
                if is_sound and len(ticket) <= MAX_TICKET_BYTES:
                    return Welcome(client_id, seed, ticket)
        raise RemoteProtocolError("this is no welcome")


def pack_schema(lines: Sequence[str], limit_bytes: int) -> bytes:
    """Encode a schema's description for a refusal: compressed, and cut at a line so that it fits."""
    kept = list(lines)
    while True:
        packed = zlib.compress("\n".join(kept).encode(), level=9)
        if len(packed) <= limit_bytes or not kept:
            return packed
        kept.pop()


def unpack_schema(data: bytes) -> list[str]:
    """Decode a schema's description; an empty list for anything else, since it only makes an error text better."""
    try:
        text = zlib.decompressobj().decompress(data, MAX_DESCRIPTION_BYTES).decode(errors="replace")
    except zlib.error:
        return []
    # It is shown to the player, perhaps in a terminal: no escapes, and no line breaks but ours.
    return ["".join([c if c.isprintable() else "?" for c in line]) for line in text.split("\n")] if text else []


def clean_name(name: str) -> str:
    """Return a display name without control characters, spaces at the ends, or more than 24 characters."""
    visible = "".join(
        c for c in unicodedata.normalize("NFC", name) if unicodedata.category(c)[0] not in "CZ" or c == " "
    )
    return " ".join(visible.split())[:MAX_NAME_CHARACTERS].rstrip()


def _unpack(data: bytes) -> object:
    try:
        unpacked: object = msgpack.unpackb(data, max_str_len=1024, max_bin_len=1024, max_array_len=1024, max_map_len=0)
    except (ValueError, msgpack.UnpackException) as error:
        raise RemoteProtocolError(f"not msgpack: {error}") from error
    return unpacked
