"""Key files for connect tokens: the secret a backend shares with its servers, or the two halves of its signature.

A file says itself what it is: one line `sealed HEX`, `signing HEX` or `verifying HEX`. The first two are for the eyes
of their owner alone, like a server's key.
"""

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ecsnet.errors import KeyFileError
from ecsnet.keys import read_own, write_own
from ecsnet.tokens import KEY_BYTES, SealedTokens, SignedTokens
from ecsnet.transport.noise import Entropy

__all__ = ["load_any_key", "load_minting_key", "load_token_key", "make_sealed_key", "make_signing_key"]

_PRIVATE_NOTE = "# For connect tokens of ecsnet. Whoever reads this can let in anybody: keep it secret.\n"
_PUBLIC_NOTE = "# For connect tokens of ecsnet. Checks what the signing key has signed; no secret.\n"


def make_sealed_key(path: Path, *, entropy: Entropy = os.urandom) -> None:
    """Make the secret of backend and game server.

    Raises:
        KeyFileError: The file is there, or cannot be written.
    """
    _make(path, f"{_PRIVATE_NOTE}sealed {entropy(KEY_BYTES).hex()}\n")


def make_signing_key(path: Path, *, entropy: Entropy = os.urandom) -> Path:
    """Make the backend's key; return the file beside it with the half for game servers.

    Raises:
        KeyFileError: One of the files is there, or cannot be written.
    """
    private = entropy(KEY_BYTES)
    public_path = path.with_name(f"{path.name}.pub")
    if public_path.exists():
        raise _in_the_way(public_path)
    _make(path, f"{_PRIVATE_NOTE}signing {private.hex()}\n")
    _make(public_path, f"{_PUBLIC_NOTE}verifying {SignedTokens.of_private(private).public.hex()}\n")
    return public_path


def load_token_key(path: Path) -> SealedTokens | SignedTokens:
    """Read what a game server checks tokens with: a secret, or a public half.

    Raises:
        KeyFileError: It is neither, or cannot be trusted; the text says why.
    """
    kind, key = _load(path)
    if kind == "signing":
        raise KeyFileError(f"{path} is the backend's signing key: give the game server {path.name}.pub instead")
    return SealedTokens(key) if kind == "sealed" else SignedTokens(key)


def load_any_key(path: Path) -> SealedTokens | SignedTokens:
    """Read what tokens can be looked into with: any of the three.

    Raises:
        KeyFileError: It cannot be trusted; the text says why.
    """
    kind, key = _load(path)
    if kind == "sealed":
        return SealedTokens(key)
    return SignedTokens.of_private(key) if kind == "signing" else SignedTokens(key)


def load_minting_key(path: Path) -> SealedTokens | SignedTokens:
    """Read what a backend mints tokens with: a secret, or a signing key.

    Raises:
        KeyFileError: It is neither, or cannot be trusted; the text says why.
    """
    kind, key = _load(path)
    if kind == "verifying":
        raise KeyFileError(f"{path} only checks tokens: mint with the file it was made beside, without .pub")
    return SealedTokens(key) if kind == "sealed" else SignedTokens.of_private(key)


def _load(path: Path) -> tuple[str, bytes]:
    try:
        kind, key = _parse(path, read_own(path))
        if kind != "verifying":
            read_own(path, secret=True)
    except FileNotFoundError as error:
        raise KeyFileError(f"there is no file {path}: ecsnet token key --sealed {path} makes one") from error
    return kind, key


def _parse(path: Path, text: str) -> tuple[str, bytes]:
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    match lines:
        case [["sealed" | "signing" | "verifying" as kind, encoded]]:
            try:
                key = bytes.fromhex(encoded)
                if kind == "verifying":
                    Ed25519PublicKey.from_public_bytes(key)
            except ValueError:
                key = b""
            if len(key) == KEY_BYTES:
                return kind, key
    raise KeyFileError(f"{path} holds no key for tokens: make one with ecsnet token key, or put a good copy back")


def _make(path: Path, text: str) -> None:
    if not write_own(path, text, replace=False):
        raise _in_the_way(path)


def _in_the_way(path: Path) -> KeyFileError:
    return KeyFileError(f"{path} exists and is not overwritten: it may be the only copy")
