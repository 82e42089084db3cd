"""The Noise engine against two others, noiseprotocol and dissononce, written by other people from the same document.

Published vectors fix the inputs; here both sides draw their own, and each reads what the other wrote.
"""

import importlib
import os
import random
from collections.abc import Callable
from types import ModuleType
from typing import Any, Protocol

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ecsnet.errors import RemoteProtocolError
from ecsnet.transport.crypto import PacketKeys
from ecsnet.transport.noise import CIPHERS, HandshakeState, rekey

pytestmark = pytest.mark.filterwarnings("ignore:One of ephemeral keypairs")  # theirs is set, so that runs repeat

PROLOGUE = b"what both have seen in the clear"
PSK = bytes(range(32))
NAMES = [
    f"Noise_{pattern}_25519_{cipher}_{hash_name}"
    for pattern in ("NK", "NKpsk0", "IK", "IKpsk0", "XX")
    for cipher in ("AESGCM", "ChaChaPoly")
    for hash_name in ("SHA256", "BLAKE2s")
]


def other(name: str) -> ModuleType:
    """Import a module of another implementation. On CI it must be there; a developer may go without."""
    if os.environ.get("CI") == "true":
        return importlib.import_module(name)
    module: ModuleType = pytest.importorskip(name, reason="the dev extra brings it")
    return module


class Side(Protocol):
    """What one side of a handshake can do."""

    def write(self, payload: bytes) -> bytes: ...

    def read(self, message: bytes) -> bytes: ...

    def finish(self) -> bytes:
        """Take the transport keys; return the hash of the handshake."""

    def seal(self, plaintext: bytes) -> bytes: ...

    def open(self, ciphertext: bytes) -> bytes: ...

    def renew(self) -> None:
        """Replace both keys by REKEY."""


class Ours:
    """This project's engine, and the packet protection that takes over from it."""

    def __init__(self, name: str, seed: int, *, initiator: bool, static: bytes, remote: bytes | None) -> None:
        self._cipher = name.split("_")[3]
        self._initiator = initiator
        self._noise = HandshakeState(
            name,
            initiator=initiator,
            entropy=random.Random(seed).randbytes,
            prologue=PROLOGUE,
            static=X25519PrivateKey.from_private_bytes(static) if uses_static(name, initiator=initiator) else None,
            remote_static=remote,
            psks=(PSK,) if "psk" in name else (),
        )
        self._keys: list[bytes] = []  # to send, to receive
        self._numbers = [0, 0]

    def write(self, payload: bytes) -> bytes:
        return self._noise.write_message(payload)

    def read(self, message: bytes) -> bytes:
        return self._noise.read_message(message)

    def finish(self) -> bytes:
        self._keys = list(self._noise.split() if self._initiator else self._noise.split()[::-1])
        self._packets = [PacketKeys(self._cipher, key) for key in self._keys]
        return self._noise.handshake_hash

    def seal(self, plaintext: bytes) -> bytes:
        self._numbers[0] += 1
        return self._packets[0].seal(self._numbers[0] - 1, b"", plaintext)

    def open(self, ciphertext: bytes) -> bytes:
        self._numbers[1] += 1
        plaintext = self._packets[1].open(self._numbers[1] - 1, b"", ciphertext)
        assert plaintext is not None, "not authentic"
        return plaintext

    def renew(self) -> None:
        self._keys = [rekey(CIPHERS[self._cipher], key) for key in self._keys]
        # Numbers go on: the packet number is the nonce, and REKEY does not reset it.
        self._packets = [PacketKeys(self._cipher, key) for key in self._keys]


class Noiseprotocol:
    """The first of the others."""

    def __init__(self, name: str, seed: int, *, initiator: bool, static: bytes, remote: bytes | None) -> None:
        connection = other("noise.connection")
        keypair = connection.Keypair
        self._noise: Any = connection.NoiseConnection.from_name(name.encode())
        if initiator:
            self._noise.set_as_initiator()
        else:
            self._noise.set_as_responder()
        self._noise.set_prologue(PROLOGUE)
        if "psk" in name:
            self._noise.set_psks(psks=[PSK])
        if uses_static(name, initiator=initiator):
            self._noise.set_keypair_from_private_bytes(keypair.STATIC, static)
        if remote is not None:
            self._noise.set_keypair_from_public_bytes(keypair.REMOTE_STATIC, remote)
        self._noise.set_keypair_from_private_bytes(keypair.EPHEMERAL, random.Random(seed).randbytes(32))
        self._noise.start_handshake()

    def write(self, payload: bytes) -> bytes:
        return bytes(self._noise.write_message(payload))

    def read(self, message: bytes) -> bytes:
        return bytes(self._noise.read_message(message))

    def finish(self) -> bytes:
        return bytes(self._noise.get_handshake_hash())

    def seal(self, plaintext: bytes) -> bytes:
        return bytes(self._noise.encrypt(plaintext))

    def open(self, ciphertext: bytes) -> bytes:
        return bytes(self._noise.decrypt(ciphertext))

    def renew(self) -> None:
        self._noise.rekey_outbound_cipher()
        self._noise.rekey_inbound_cipher()


class Dissononce:
    """The second."""

    def __init__(self, name: str, seed: int, *, initiator: bool, static: bytes, remote: bytes | None) -> None:
        _, pattern, _, cipher, hash_name = name.split("_")
        impl, dh = "dissononce.processing.impl", other("dissononce.dh.x25519.x25519").X25519DH()
        private = other("dissononce.dh.x25519.private").PrivateKey
        ciphers = {"AESGCM": ("aesgcm", "AESGCMCipher"), "ChaChaPoly": ("chachapoly", "ChaChaPolyCipher")}
        hashes = {"SHA256": ("sha256", "SHA256Hash"), "BLAKE2s": ("blake2s", "Blake2sHash")}
        state = other(f"{impl}.cipherstate").CipherState(make("dissononce.cipher", ciphers[cipher]))
        symmetric = other(f"{impl}.symmetricstate").SymmetricState(state, make("dissononce.hash", hashes[hash_name]))
        self._noise: Any = other(f"{impl}.handshakestate").HandshakeState(symmetric, dh)
        bare = pattern.removesuffix("psk0")
        steps = make("dissononce.processing.handshakepatterns.interactive", (bare, f"{bare}HandshakePattern"))
        if bare != pattern:
            steps = other("dissononce.processing.modifiers.psk").PSKPatternModifier(0).modify(steps)
        own = dh.generate_keypair(private(static)) if uses_static(name, initiator=initiator) else None
        ephemeral, generate = private(random.Random(seed).randbytes(32)), dh.generate_keypair
        dh.generate_keypair = lambda: generate(ephemeral)  # its own chance would not repeat
        self._noise.initialize(
            steps, initiator, PROLOGUE, s=own, rs=remote and dh.create_public(remote), psks=(PSK,) * (bare != pattern)
        )
        self._initiator = initiator
        self._states: list[Any] = []  # to send, to receive

    def write(self, payload: bytes) -> bytes:
        message = bytearray()
        self._keep(self._noise.write_message(payload, message))
        return bytes(message)

    def read(self, message: bytes) -> bytes:
        payload = bytearray()
        self._keep(self._noise.read_message(message, payload))
        return bytes(payload)

    def _keep(self, states: Any) -> None:
        if states:
            self._states = list(states if self._initiator else states[::-1])

    def finish(self) -> bytes:
        return bytes(self._noise.symmetricstate.get_handshake_hash())

    def seal(self, plaintext: bytes) -> bytes:
        return bytes(self._states[0].encrypt_with_ad(b"", plaintext))

    def open(self, ciphertext: bytes) -> bytes:
        return bytes(self._states[1].decrypt_with_ad(b"", ciphertext))

    def renew(self) -> None:
        for state in self._states:
            # It departs from REKEY (sections 4.2 and 11.3) in two ways: it keeps the tag, and sets the nonce to 0.
            number = state._nonce
            state.rekey()
            state.initialize_key(state._key[:32])
            state.set_nonce(number)


OTHERS: dict[str, Callable[..., Side]] = {"noiseprotocol": Noiseprotocol, "dissononce": Dissononce}


def make(package: str, names: tuple[str, str]) -> Any:
    """Return an object of a class, both named, of a package."""
    module, class_name = names
    return getattr(other(f"{package}.{module}"), class_name)()


def uses_static(name: str, *, initiator: bool) -> bool:
    """Tell whether a side has a long-term key: the pattern's letter for it is not N."""
    return name.split("_")[1][0 if initiator else 1] != "N"


def meet(
    name: str, theirs: str, *, ours_first: bool, initiator_knows: bytes | None = None, seed: int = 7
) -> tuple[Side, Side]:
    """Make both sides of a handshake; the initiator knows the responder's key where the pattern asks for it."""
    chance = random.Random(seed)
    client_key, server_key = chance.randbytes(32), chance.randbytes(32)
    public = X25519PrivateKey.from_private_bytes(server_key).public_key().public_bytes_raw()
    known = (initiator_knows or public) if name.split("_")[1][1] == "K" else None
    first: Callable[..., Side]
    second: Callable[..., Side]
    first, second = (Ours, OTHERS[theirs]) if ours_first else (OTHERS[theirs], Ours)
    return (
        first(name, seed + 1, initiator=True, static=client_key, remote=known),
        second(name, seed + 2, initiator=False, static=server_key, remote=None),
    )


def shake_hands(name: str, initiator: Side, responder: Side) -> None:
    writer, reader = initiator, responder
    for number in range(3 if "_XX" in name else 2):
        payload = b"payload %d" % number
        assert reader.read(writer.write(payload)) == payload
        writer, reader = reader, writer
    assert initiator.finish() == responder.finish()


@pytest.mark.parametrize("ours_first", [True, False], ids=["ours begins", "theirs begins"])
@pytest.mark.parametrize("theirs", OTHERS)
@pytest.mark.parametrize("name", NAMES)
def test_two_implementations_understand_each_other(name: str, theirs: str, *, ours_first: bool) -> None:
    """Every message of the handshake, the hash, and packets under the keys, both ways, before and after a renewal."""
    initiator, responder = meet(name, theirs, ours_first=ours_first)
    shake_hands(name, initiator, responder)
    for sender, receiver in ((initiator, responder), (responder, initiator)) * 3:
        for size in (0, 1, 1160):
            message = bytes(number & 0xFF for number in range(size))
            assert receiver.open(sender.seal(message)) == message

    initiator.renew()
    responder.renew()
    for sender, receiver in ((initiator, responder), (responder, initiator)):
        assert receiver.open(sender.seal(b"after the renewal")) == b"after the renewal"


@pytest.mark.parametrize("ours_first", [True, False], ids=["ours begins", "theirs begins"])
@pytest.mark.parametrize("name", [name for name in NAMES if "K" in name.split("_")[1]])
@pytest.mark.parametrize("theirs", OTHERS)
def test_a_server_with_another_key_is_found_out_by_both(name: str, theirs: str, *, ours_first: bool) -> None:
    """The same handshake that succeeds above fails with a wrong key, so its success means something."""
    wrong = X25519PrivateKey.from_private_bytes(b"w" * 32).public_key().public_bytes_raw()
    initiator, responder = meet(name, theirs, ours_first=ours_first, initiator_knows=wrong)
    message = initiator.write(b"")
    refusals = {"noiseprotocol": "InvalidTag", "dissononce": "DecryptFailedException"}

    with pytest.raises(Exception) as refusal:  # noqa: PT011  # of three libraries; its name is checked below
        responder.read(message)
    assert type(refusal.value).__name__ == (refusals[theirs] if ours_first else RemoteProtocolError.__name__)


def test_on_ci_the_other_implementation_is_never_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that quietly stops running proves nothing."""
    monkeypatch.setenv("CI", "true")

    with pytest.raises(ModuleNotFoundError):
        other("an_implementation_that_is_not_installed")
