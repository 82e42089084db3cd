"""The Noise engine: against published vectors, both ways, and against whoever edits a byte."""

import random
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from ecsnet.errors import LocalProtocolError, RemoteProtocolError
from ecsnet.transport.noise import CIPHERS, HandshakeState, rekey

PATTERNS = (
    "NN", "NK", "KK", "XK", "IK", "XX", "NNpsk0", "NNpsk2", "NKpsk0", "NKpsk2", "XKpsk3", "XXpsk3",
    "KKpsk0", "KKpsk2", "IKpsk1", "IKpsk2",
)  # fmt: skip
SUITES = ("AESGCM_SHA256", "ChaChaPoly_SHA256", "ChaChaPoly_BLAKE2s")
DEFAULT = "Noise_NK_25519_AESGCM_SHA256"

Published = Callable[[str], Any]


def private(hexadecimal: str | None) -> X25519PrivateKey | None:
    return X25519PrivateKey.from_private_bytes(bytes.fromhex(hexadecimal)) if hexadecimal else None


def side(vector: dict[str, Any], name: str) -> HandshakeState:
    """Make one side of a published handshake: its "random" ephemeral key is the published one."""
    ephemeral, remote = bytes.fromhex(vector[f"{name}_ephemeral"]), vector.get(f"{name}_remote_static")
    return HandshakeState(
        vector["protocol_name"],
        initiator=name == "init",
        entropy=lambda _: ephemeral,
        prologue=bytes.fromhex(vector[f"{name}_prologue"]),
        static=private(vector.get(f"{name}_static")),
        remote_static=bytes.fromhex(remote) if remote else None,
        psks=tuple(bytes.fromhex(psk) for psk in vector.get(f"{name}_psks", ())),
    )


def pair(protocol: str = DEFAULT, seed: int = 0, *, prologue: bytes = b"") -> tuple[HandshakeState, HandshakeState]:
    """Make both sides of an NK handshake."""
    entropy = random.Random(seed).randbytes
    static = X25519PrivateKey.from_private_bytes(entropy(32))
    public = static.public_key().public_bytes_raw()
    initiator = HandshakeState(protocol, initiator=True, entropy=entropy, prologue=prologue, remote_static=public)
    responder = HandshakeState(protocol, initiator=False, entropy=entropy, prologue=prologue, static=static)
    return initiator, responder


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("pattern", PATTERNS)
def test_every_published_message_is_written_and_read_exactly(published: Published, pattern: str, suite: str) -> None:
    """Each message as its writer and as its reader, then the hash, then transport messages under the keys."""
    [vector] = [
        vector
        for vector in published("noise-cacophony.json")["vectors"]
        if vector["protocol_name"] == f"Noise_{pattern}_25519_{suite}"
    ]
    writer, reader = initiator, responder = side(vector, "init"), side(vector, "resp")
    messages = [(bytes.fromhex(m["payload"]), bytes.fromhex(m["ciphertext"])) for m in vector["messages"]]
    while not initiator.finished:
        payload, ciphertext = messages.pop(0)
        assert writer.write_message(payload) == ciphertext
        assert reader.read_message(ciphertext) == payload
        writer, reader = reader, writer

    assert initiator.handshake_hash == responder.handshake_hash == bytes.fromhex(vector["handshake_hash"])
    assert initiator.split() == responder.split()
    cipher = CIPHERS[suite.partition("_")[0]]
    keys = dict(zip((initiator, responder), initiator.split(), strict=True))
    other = {initiator: responder, responder: initiator}
    sender = writer
    for number, (payload, ciphertext) in enumerate(messages):
        nonce = cipher.pack_nonce(number // 2)
        assert cipher.aead(keys[sender]).encrypt(nonce, payload, b"") == ciphertext
        sender = other[sender]


def test_no_published_vector_is_left_out(published: Published) -> None:
    """A pattern added to the file must be added to the list above."""
    names = {vector["protocol_name"] for vector in published("noise-cacophony.json")["vectors"]}

    assert names == {f"Noise_{pattern}_25519_{suite}" for pattern in PATTERNS for suite in SUITES}


@pytest.mark.parametrize(
    ("cipher", "expected"),
    [
        ("AESGCM", "0201675c87335949b909793da5bb4d92fcf6d44b92a6e0792b6ae48b1881259d"),
        ("ChaChaPoly", "50835543a205b22c9323f2022bc4f67d838f90e61d5ccf33c4513e01f85b5042"),
    ],
)
def test_rekey_gives_the_reference_key(cipher: str, expected: str) -> None:
    """No published vector covers REKEY; these values come from another implementation."""
    assert rekey(CIPHERS[cipher], bytes(range(32))).hex() == expected


@pytest.mark.parametrize("suite", SUITES)
def test_both_sides_end_with_the_same_keys(suite: str) -> None:
    """Also without the published vectors at hand."""
    initiator, responder = pair(f"Noise_NK_25519_{suite}")
    assert responder.read_message(initiator.write_message(b"question")) == b"question"
    assert initiator.read_message(responder.write_message(b"answer")) == b"answer"

    assert initiator.split() == responder.split()
    assert initiator.handshake_hash == responder.handshake_hash


def test_an_edited_byte_anywhere_is_noticed_and_changes_nothing() -> None:
    """After any number of forgeries the true message is still read: none of them moves the state."""
    initiator, responder = pair()
    first = initiator.write_message(b"question")
    for place in range(len(first)):
        with pytest.raises(RemoteProtocolError):
            responder.read_message(first[:place] + bytes([first[place] ^ 0x40]) + first[place + 1 :])
    assert responder.read_message(first) == b"question"
    second = responder.write_message(b"answer")
    for place in range(len(second)):
        with pytest.raises(RemoteProtocolError):
            initiator.read_message(second[:place] + bytes([second[place] ^ 1]) + second[place + 1 :])

    assert initiator.read_message(second) == b"answer"


def test_a_cut_message_is_noticed() -> None:
    """At every length, the empty one included."""
    initiator, responder = pair()
    first = initiator.write_message(b"question")

    for length in range(len(first)):
        with pytest.raises(RemoteProtocolError):
            responder.read_message(first[:length])


def test_sides_with_different_prologues_do_not_meet() -> None:
    """What travelled in the clear is bound by the prologue."""
    initiator, _ = pair(prologue=b"this")
    _, responder = pair(prologue=b"that")

    with pytest.raises(RemoteProtocolError):
        responder.read_message(initiator.write_message(b""))


def test_low_order_keys_are_refused(published: Published) -> None:
    """With them the shared secret is zero, whoever holds which key: as ephemeral and as static key."""
    for public in map(bytes.fromhex, published("x25519-low-order.json")["public_keys"]):
        _, responder = pair()
        with pytest.raises(RemoteProtocolError):
            responder.read_message(public + bytes(48))
        initiator = HandshakeState(DEFAULT, initiator=True, entropy=lambda n: b"7" * n, remote_static=public)
        with pytest.raises(RemoteProtocolError):
            initiator.write_message(b"")


def test_it_is_one_side_s_turn() -> None:
    """Out of turn is the caller's mistake, and says where the handshake is."""
    initiator, responder = pair()
    with pytest.raises(LocalProtocolError, match="initiator, message 0 of 2"):
        initiator.read_message(b"")
    with pytest.raises(LocalProtocolError, match="no keys yet"):
        responder.split()
    for writer, reader in ((initiator, responder), (responder, initiator)):
        reader.read_message(writer.write_message(b""))

    with pytest.raises(LocalProtocolError, match="message 2 of 2"):
        initiator.write_message(b"")


@pytest.mark.parametrize(
    "protocol",
    ["", "Noise_ZZ_25519_AESGCM_SHA256", "Noise_NK_448_AESGCM_SHA256", "Noise_NK_25519_RC4_SHA256", DEFAULT + "x"],
)
def test_an_unknown_protocol_is_refused(protocol: str) -> None:
    """Never something else instead."""
    with pytest.raises(LocalProtocolError, match="unknown Noise protocol"):
        HandshakeState(protocol, initiator=True, entropy=bytes)


def test_a_missing_key_is_named() -> None:
    """The pattern says which keys must be there from the start."""
    with pytest.raises(LocalProtocolError, match="the other side's static key"):
        HandshakeState(DEFAULT, initiator=True, entropy=bytes)
    with pytest.raises(LocalProtocolError, match="pre-shared"):
        HandshakeState("Noise_NNpsk0_25519_AESGCM_SHA256", initiator=True, entropy=bytes)


def test_the_same_entropy_gives_the_same_bytes() -> None:
    """So a simulation is reproduced by its seed."""
    first, again, other = (pair(seed=seed)[0].write_message(b"x") for seed in (7, 7, 8))

    assert first == again != other
