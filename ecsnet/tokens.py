"""Connect tokens: somebody who knows the players lets one of them into one server, once and for minutes.

A backend (accounts, matchmaking) *mints* a token and hands it to the player's client over a channel of its own. The
game server, which knows no accounts, *checks* it. There are two kinds: *sealed* under a secret that backend and game
server share, so nobody else can read it; or *signed* by the backend, so that a game server which is broken into can
mint nothing.

A token is a bearer's: whoever has it first is the player, unless it is bound to the player's own key. It is used up
when a connection is confirmed, not when it is shown, since what is shown can be a recording.

Only this file knows the layout; "Connect tokens" in PROTOCOL.md describes it.
"""

import base64
import binascii
import hashlib
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import msgpack  # type: ignore[import-untyped]  # ships no types; checked where it is unpacked
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from ecsnet.config import TokenConfig
from ecsnet.errors import LocalProtocolError, TokenError

__all__ = [
    "ConnectToken",
    "SealedTokens",
    "SignedTokens",
    "TokenGate",
    "TokenOpener",
    "mint",
    "parse_token",
    "token_text",
]

ID_BYTES = 16
KEY_BYTES = 32
SERVER_HASH_BYTES = 16
SIGNATURE_BYTES = 64
_SEALED, _SIGNED = 1, 2
_HEADER_BYTES = 1 + ID_BYTES  # kind, id
_NONCE = bytes(12)  # each token has a key of its own, so no nonce is ever used twice
_PURPOSE = b"ecsnetTS"  # keeps these keys apart from whatever else the secret may be used for
_CONTEXT = b"ecsnet connect token 1"  # keeps these signatures apart from others of the same key

UnixTime: TypeAlias = Callable[[], float]


@dataclass(frozen=True, slots=True)
class ConnectToken:
    """What a token says.

    Attributes:
        id: 16 random bytes by which it is used once.
        issued: Unix seconds.
        expires: Unix seconds.
        servers: Hashes of the server keys it is good for; see `server_hash`.
        player_id: Who the player is to the backend.
        name: How others see the player; empty: as the client says.
        data: The backend's own, for the game.
        player_key: The public key the client must show; empty: any, or none.
    """

    id: bytes
    issued: int
    expires: int
    servers: tuple[bytes, ...]
    player_id: str
    name: str = ""
    data: bytes = b""
    player_key: bytes = b""

    def pack(self) -> bytes:
        """Encode all but the id."""
        packed: bytes = msgpack.packb(
            [self.issued, self.expires, list(self.servers), self.player_id, self.name, self.data, self.player_key]
        )
        return packed

    @staticmethod
    def unpack(token_id: bytes, data: bytes) -> "ConnectToken":
        """Decode what `pack` made; it is authentic by now, but another program's.

        Raises:
            TokenError: It is not what `pack` makes.
        """
        try:
            content: object = msgpack.unpackb(data, max_array_len=64, max_map_len=0)
        except (ValueError, msgpack.UnpackException) as error:
            raise TokenError("the token cannot be read") from error
        match content:
            case [int() as issued, int() as expires, [*servers], str() as player, str() as name, bytes() as data,
                  bytes() as player_key]:  # fmt: skip
                hashes = tuple(each for each in servers if isinstance(each, bytes))
                token = ConnectToken(token_id, issued, expires, hashes, player, name, data, player_key)
                if len(hashes) == len(servers):
                    return token
        raise TokenError("the token cannot be read")


class TokenOpener(Protocol):
    """What a game server checks tokens with."""

    def open(self, data: bytes) -> ConnectToken:
        """Return what an authentic token says; raise TokenError for any other."""
        ...


class SealedTokens:
    """Tokens under a secret that backend and game server share."""

    def __init__(self, secret: bytes) -> None:
        """Take the 32 secret bytes."""
        if len(secret) != KEY_BYTES:
            raise LocalProtocolError(f"a secret for tokens has {KEY_BYTES} bytes, not {len(secret)}")
        self._secret = secret

    def close(self, token: ConnectToken) -> bytes:
        """Seal a token."""
        header = bytes((_SEALED,)) + token.id
        return header + self._cipher(token.id).encrypt(_NONCE, token.pack(), header)

    def open(self, data: bytes) -> ConnectToken:
        """Return what a token says.

        Raises:
            TokenError: It was not sealed under this secret, or was edited.
        """
        header, sealed = _split(data, _SEALED)
        try:
            content = self._cipher(header[1:]).decrypt(_NONCE, sealed, header)
        except InvalidTag as error:
            raise _foreign() from error
        return ConnectToken.unpack(header[1:], content)

    def _cipher(self, token_id: bytes) -> ChaCha20Poly1305:
        return ChaCha20Poly1305(hashlib.blake2s(token_id, key=self._secret, person=_PURPOSE).digest())


class SignedTokens:
    """Tokens a backend signs and a game server can only read."""

    def __init__(self, public: bytes, private: bytes | None = None) -> None:
        """Take the 32 bytes of an Ed25519 public key and, to mint, of the private one; see `of_private`."""
        for key in (public, *([] if private is None else [private])):
            if len(key) != KEY_BYTES:
                raise LocalProtocolError(f"a key for signed tokens has {KEY_BYTES} bytes, not {len(key)}")
        self.public = public
        self._verifier = Ed25519PublicKey.from_public_bytes(public)
        self._signer = None if private is None else Ed25519PrivateKey.from_private_bytes(private)

    @staticmethod
    def of_private(private: bytes) -> "SignedTokens":
        """Take a private key, which has its public one in it."""
        if len(private) != KEY_BYTES:
            raise LocalProtocolError(f"a key for signed tokens has {KEY_BYTES} bytes, not {len(private)}")
        return SignedTokens(Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw(), private)

    def close(self, token: ConnectToken) -> bytes:
        """Sign a token.

        Raises:
            LocalProtocolError: There is only the public key.
        """
        if self._signer is None:
            raise LocalProtocolError("a public key signs nothing: mint with the private one")
        content = bytes((_SIGNED,)) + token.id + token.pack()
        return content + self._signer.sign(_CONTEXT + content)

    def open(self, data: bytes) -> ConnectToken:
        """Return what a token says.

        Raises:
            TokenError: It was not signed by this key, or was edited.
        """
        header, rest = _split(data, _SIGNED)
        content, signature = rest[:-SIGNATURE_BYTES], rest[-SIGNATURE_BYTES:]
        try:
            self._verifier.verify(signature, _CONTEXT + header + content)
        except InvalidSignature as error:
            raise _foreign() from error
        return ConnectToken.unpack(header[1:], content)


def mint(
    key: SealedTokens | SignedTokens,
    player_id: str,
    *,
    server_keys: Sequence[bytes],
    unix_time: float,
    entropy: Callable[[int], bytes],
    seconds: float = 300.0,
    name: str = "",
    data: bytes = b"",
    player_key: bytes = b"",
    config: TokenConfig | None = None,
) -> bytes:
    """Make a token.

    Args:
        server_keys: Public keys of the servers it is good for.
        unix_time: Now.
        seconds: How long it is good for.
        player_key: Only a client that proves to have this key may use it; empty: whoever has it.

    Raises:
        LocalProtocolError: Something is longer than allowed; the text says what.
    """
    config = config or TokenConfig()
    token = ConnectToken(
        entropy(ID_BYTES), int(unix_time), int(unix_time + seconds), tuple(map(server_hash, server_keys)), player_id,
        name, data, player_key,
    )  # fmt: skip
    fault = _fault(token, config)
    if fault:
        raise LocalProtocolError(f"cannot mint this token: {fault}")
    return key.close(token)


class TokenGate:
    """Lets in who has a token, each token once."""

    def __init__(self, key: TokenOpener, *, unix_time: UnixTime, config: TokenConfig | None = None) -> None:
        """Check by a key.

        Args:
            unix_time: Tells the time in Unix seconds; where it runs backward, the latest time seen holds.
        """
        self._key = key
        self._unix_time = unix_time
        self._config = config or TokenConfig()
        self._used: set[bytes] = set()
        self._forget: list[tuple[float, bytes]] = []  # a heap: when to forget which
        self._latest = float("-inf")

    def __repr__(self) -> str:
        """Show how many are remembered."""
        return f"TokenGate({len(self._used)} used)"

    def check(self, data: bytes, *, server_keys: Sequence[bytes], player_key: bytes) -> ConnectToken:
        """Return what a token says if it may be used now; it is not used up by that.

        Args:
            server_keys: The server's own public keys.
            player_key: The one the client shows; empty if it has none.

        Raises:
            TokenError: It may not; the text says why.
        """
        if not data:
            raise TokenError("this server needs a token")
        token = self._key.open(data)
        fault = _fault(token, self._config)
        if fault:
            raise TokenError(f"the token is not as it should be: {fault}")
        if not set(token.servers) & set(map(server_hash, server_keys)):
            raise TokenError("the token is for another server")
        if token.player_key and token.player_key != player_key:
            raise TokenError("the token is bound to another player's key")
        self._check_time(token)
        return token

    def use(self, token: ConnectToken) -> None:
        """Use up a token that was checked before.

        Raises:
            TokenError: It has expired or been used meanwhile, or too many are remembered.
        """
        now = self._check_time(token)
        if len(self._used) >= self._config.max_used:
            raise TokenError("too many tokens were used in the last minutes; try again soon")
        until = token.expires + self._config.clock_skew_seconds
        assert until > now, "an expired token is not used"
        self._used.add(token.id)
        heapq.heappush(self._forget, (until, token.id))

    def _check_time(self, token: ConnectToken) -> float:
        now = self._latest = max(self._latest, self._unix_time())
        while self._forget and self._forget[0][0] <= now:
            self._used.discard(heapq.heappop(self._forget)[1])
        skew = self._config.clock_skew_seconds
        if now >= token.expires + skew:
            raise TokenError("the token has expired")
        if now < token.issued - skew:
            raise TokenError("the token is from the future: is a clock wrong?")
        if token.id in self._used:
            raise TokenError("the token has been used")
        return now


def server_hash(public_key: bytes) -> bytes:
    """Return the 16 bytes by which a token names a server's key."""
    return hashlib.blake2s(public_key, digest_size=SERVER_HASH_BYTES).digest()


def token_text(data: bytes) -> str:
    """Return a token as people and programs hand it on: base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def parse_token(text: str) -> bytes:
    """Read what `token_text` wrote.

    Raises:
        TokenError: It is not that.
    """
    stripped = text.strip()
    try:
        data = base64.urlsafe_b64decode(stripped + "=" * (-len(stripped) % 4))
    except (binascii.Error, ValueError):
        data = b""
    if not data or token_text(data) != stripped:
        raise TokenError("this is no token; was it cut off?")
    return data


def _split(data: bytes, kind: int) -> tuple[bytes, bytes]:
    if len(data) < _HEADER_BYTES or data[0] != kind:
        raise _foreign()
    return data[:_HEADER_BYTES], data[_HEADER_BYTES:]


def _foreign() -> TokenError:
    return TokenError("the token is not one of those this server takes")


def _fault(token: ConnectToken, config: TokenConfig) -> str:
    """Say what of a token is not allowed, the same for who mints and who checks; nothing if all is well."""
    sizes = (
        ("player id", len(token.player_id.encode(errors="replace")), config.max_player_id_bytes),
        ("name", len(token.name.encode(errors="replace")), config.max_name_bytes),
        ("data", len(token.data), config.max_data_bytes),
        ("list of servers", len(token.servers), config.max_servers),
    )
    for what, size, limit in sizes:
        if size > limit:
            return f"its {what} has {size}, {limit} is the most"
    if not token.player_id or not token.servers:
        return "it names nobody" if not token.player_id else "it names no server"
    if any(len(each) != SERVER_HASH_BYTES for each in token.servers) or len(token.player_key) not in {0, KEY_BYTES}:
        return "a key in it has the wrong length"
    if not 0 < token.expires - token.issued <= config.lifetime_seconds:
        return f"it is good for {token.expires - token.issued} s, {config.lifetime_seconds:g} s is the most"
    return ""
