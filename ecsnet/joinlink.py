"""The join link: where a server is and which key it has, in one line a player can paste.

    ecsnet://play.example.org:7777/#pOLuHzzSDN46Udq4Tsu0cQm6d5gdpJ3vQwy2mTG0Ux8

The part behind `#` is the server's public key, base64url without padding; or two of them with a point between, while
one takes the other's place. It pins: a link from a friend cannot lead anywhere else. `ecsnet+tcp://` leads there over
TCP. On a server with several rooms the code of one may stand behind the `/`. Without a key, and for a bare `host:port`,
the first contact decides (see `ecsnet.keys.KnownServers`).
"""

import base64
import binascii
import ipaddress
import re
from dataclasses import dataclass

from ecsnet.errors import LinkError

__all__ = ["DEFAULT_PORT", "JoinLink", "parse_key"]

DEFAULT_PORT = 7777  # what `ecsnet serve` listens on unless told otherwise

_SCHEMES = {"udp": "ecsnet://", "tcp": "ecsnet+tcp://"}
_KEY_BYTES = 32
_MAX_KEYS = 2  # a server honours its current key and the one before
_MAX_PORT = 65535
_EXAMPLE = "ecsnet://play.example.org:7777/#<key>, play.example.org:7777 or [2001:db8::1]:7777"
_LINK = re.compile(
    r"""
    (?: \[ (?P<ipv6> [^\[\]]+ ) \]          # [2001:db8::1], brackets because of its colons
      | (?P<host> [^\s\[\]:/?\#@\\]+ ) )    # a name or an IPv4 address
    (?: : (?P<port> [0-9]{1,5} ) )?
    (?: / (?P<room> [A-Za-z]{1,16} )? )?
    (?: \# (?P<keys> [A-Za-z0-9_.-]* ) )?
    """,
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class JoinLink:
    """A server's place and, if known, its public keys.

    Attributes:
        host: Name or address; IPv6 without brackets.
        keys: To pin, 32 bytes each, the current one first; none: trust on first use.
        transport: "udp" or "tcp".
        room: The code of a room; empty: the server chooses.
    """

    host: str
    port: int = DEFAULT_PORT
    keys: tuple[bytes, ...] = ()
    transport: str = "udp"
    room: str = ""

    @staticmethod
    def parse(text: str) -> "JoinLink":
        """Read a join link, or a bare host with or without port.

        Raises:
            LinkError: It cannot be understood; the text shows it, what is wrong, and a right one.
        """
        stripped = text.strip()
        transport, bare = _split_scheme(stripped)
        if _is_ipv6(bare):
            return JoinLink(bare, transport=transport)
        match = _LINK.fullmatch(bare)
        if match is None:
            raise _error(text, "it is neither a link nor host:port")
        if match["ipv6"] is not None and not _is_ipv6(match["ipv6"]):
            raise _error(text, f"{match['ipv6']!r} is not an IPv6 address")
        port = int(match["port"] or DEFAULT_PORT)
        if not 1 <= port <= _MAX_PORT:
            raise _error(text, f"a port is a number from 1 to {_MAX_PORT}, not {port}")
        host, room = match["ipv6"] or match["host"].lower(), (match["room"] or "").upper()
        return JoinLink(host, port, _parse_keys(text, match["keys"]), transport, room)

    def __str__(self) -> str:
        """Return the link, which `parse` reads back."""
        return f"{_SCHEMES[self.transport]}{self.place}/{self.room}{self.fragment}"

    @property
    def fragment(self) -> str:
        """The part with the keys, from `#` on; nothing without keys."""
        return "#" + ".".join(map(_encode, self.keys)) if self.keys else ""

    @property
    def place(self) -> str:
        """Host and port, the host in brackets if it is an IPv6 address."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _split_scheme(text: str) -> tuple[str, str]:
    for transport, scheme in _SCHEMES.items():
        if text.lower().startswith(scheme):
            return transport, text[len(scheme) :]
    return "udp", text


def parse_key(encoded: str) -> bytes | None:
    """Decode one public key; None if it is none. Only one spelling counts, so equal links are equal texts."""
    try:
        key = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == _KEY_BYTES and _encode(key) == encoded else None


def _parse_keys(text: str, encoded: str | None) -> tuple[bytes, ...]:
    """Decode the part behind `#`."""
    if encoded is None:
        return ()
    keys = [parse_key(part) for part in encoded.split(".")]
    known = tuple(key for key in keys if key is not None)
    if len(known) != len(keys):
        raise _error(text, "what stands behind # is not a whole key, as if the link had been cut off")
    if len(known) > _MAX_KEYS:
        raise _error(text, f"it holds {len(known)} keys; a server has {_MAX_KEYS} at most")
    return known


def _encode(key: bytes) -> str:
    return base64.urlsafe_b64encode(key).rstrip(b"=").decode()


def _is_ipv6(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).version == 6  # noqa: PLR2004  # the name of the protocol
    except ValueError:
        return False


def _error(text: str, reason: str) -> LinkError:
    return LinkError(f"cannot understand {text!r}: {reason}. Examples: {_EXAMPLE}")
