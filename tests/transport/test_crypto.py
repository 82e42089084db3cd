"""Packet protection: what is sealed opens once per number, what was touched does not, and keys renew themselves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import LocalProtocolError
from ecsnet.transport.crypto import EPOCH_PACKETS, PACKET_NUMBER_LIMIT, PacketKeys
from ecsnet.transport.noise import CIPHERS, rekey

BOTH_CIPHERS = pytest.mark.parametrize("cipher", ["AESGCM", "ChaChaPoly"])
KEY = bytes(range(32))
HEADER = b"\x01\x02\x03"


def ends(cipher: str = "AESGCM") -> tuple[PacketKeys, PacketKeys]:
    """Return the key of one direction as its two ends hold it."""
    return PacketKeys(cipher, KEY), PacketKeys(cipher, KEY)


@BOTH_CIPHERS
@given(number=st.integers(0, EPOCH_PACKETS - 1), header=st.binary(max_size=11), plaintext=st.binary(max_size=1200))
def test_what_is_sealed_opens(cipher: str, number: int, header: bytes, plaintext: bytes) -> None:
    """For any number, header and content; 16 bytes are added."""
    sender, receiver = ends(cipher)
    sealed = sender.seal(number, header, plaintext)

    assert len(sealed) == len(plaintext) + 16
    assert receiver.open(number, header, sealed) == plaintext


@BOTH_CIPHERS
def test_the_nonce_is_the_packet_number_in_noise_s_layout(cipher: str) -> None:
    """32 zero bits, then 64 bits: big-endian for AESGCM, little-endian for ChaChaPoly."""
    nonce = bytes(4) + (0x010203).to_bytes(8, "big" if cipher == "AESGCM" else "little")
    sender, _ = ends(cipher)

    assert sender.seal(0x010203, HEADER, b"content") == CIPHERS[cipher].aead(KEY).encrypt(nonce, b"content", HEADER)


@BOTH_CIPHERS
def test_a_touched_packet_does_not_open(cipher: str) -> None:
    """Every bit of the sealed bytes and of the header, every length, and every other number; then the true one does."""
    sender, receiver = ends(cipher)
    sealed = sender.seal(5, HEADER, b"content")
    for bit in range(8 * len(sealed)):
        touched = bytearray(sealed)
        touched[bit // 8] ^= 1 << bit % 8
        assert receiver.open(5, HEADER, bytes(touched)) is None
    assert all(receiver.open(5, HEADER, sealed[:length]) is None for length in range(len(sealed)))
    assert all(receiver.open(number, HEADER, sealed) is None for number in (0, 4, 6, EPOCH_PACKETS - 1))
    assert receiver.open(5, b"\x01\x02\x04", sealed) is None

    assert receiver.open(5, HEADER, sealed) == b"content"


@given(number=st.integers(-(1 << 70), 1 << 70), header=st.binary(max_size=11), data=st.binary(max_size=64))
def test_open_takes_any_bytes_and_any_number(number: int, header: bytes, data: bytes) -> None:
    """A stranger's packet is None, never an exception."""
    assert PacketKeys("AESGCM", KEY).open(number, header, data) is None


def test_a_number_is_never_sealed_twice() -> None:
    """Two packets under one nonce would give both away; so would going back."""
    sender, _ = ends()
    sender.seal(7, HEADER, b"")

    for number in (7, 6, 0, -1):
        with pytest.raises(LocalProtocolError, match="may not follow 7"):
            sender.seal(number, HEADER, b"")
    sender.seal(8, HEADER, b"")


@BOTH_CIPHERS
def test_the_key_is_renewed_by_the_number_alone(cipher: str) -> None:
    """The first packet of an epoch is sealed under REKEY of the key before, and takes the receiver along."""
    sender, receiver = ends(cipher)
    last, first = EPOCH_PACKETS - 1, EPOCH_PACKETS
    before, after = sender.seal(last, HEADER, b"before"), sender.seal(first, HEADER, b"after")

    assert PacketKeys(cipher, rekey(CIPHERS[cipher], KEY)).open(first, HEADER, after) is None  # it would be epoch 2
    assert receiver.open(first, HEADER, after) == b"after"
    assert receiver.open(last, HEADER, before) == b"before", "a straggler of the epoch before still opens"
    assert receiver.open(first + 1, HEADER, sender.seal(first + 1, HEADER, b"on")) == b"on"


def test_a_forged_packet_of_the_next_epoch_renews_nothing() -> None:
    """Else anybody could make the receiver forget the current key."""
    sender, receiver = ends()

    for number in range(EPOCH_PACKETS, EPOCH_PACKETS + 5):
        assert receiver.open(number, HEADER, bytes(40)) is None
    assert "epoch 0" in repr(receiver)
    assert receiver.open(0, HEADER, sender.seal(0, HEADER, b"content")) == b"content"


def test_keys_walk_through_many_epochs() -> None:
    """Each side renews on its own and they stay together; what is two epochs old is gone."""
    sender, receiver = ends()
    first = sender.seal(0, HEADER, b"first")
    for epoch in range(1, 5):
        number = epoch * EPOCH_PACKETS + 17
        assert receiver.open(number, HEADER, sender.seal(number, HEADER, b"content")) == b"content"

    assert receiver.open(0, HEADER, first) is None


@pytest.mark.parametrize("number", [2 * EPOCH_PACKETS, PACKET_NUMBER_LIMIT, 1 << 64])
def test_numbers_that_leap_or_run_out_are_refused(number: int) -> None:
    """A leap over a whole epoch is a mistake, and there are no numbers above 2**62 - 1."""
    with pytest.raises(LocalProtocolError, match="too far"):
        PacketKeys("AESGCM", KEY).seal(number, HEADER, b"")


def test_a_repr_shows_no_key() -> None:
    """Logs are read by many."""
    assert KEY.hex() not in repr(PacketKeys("AESGCM", KEY))
    assert repr(KEY) not in repr(PacketKeys("AESGCM", KEY))
