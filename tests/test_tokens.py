"""Connect tokens among people who want more than they were given: edited, reused, old, foreign."""

import hashlib
import os
import random
from pathlib import Path

import msgpack  # type: ignore[import-untyped]  # ships no types; only packs here
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsnet import tokenfiles
from ecsnet.config import TokenConfig
from ecsnet.errors import KeyFileError, LocalProtocolError, TokenError
from ecsnet.tokens import SealedTokens, SignedTokens, TokenGate, mint, parse_token, token_text

posix_only = pytest.mark.skipif(os.name != "posix", reason="Windows has no such file modes")

SERVER, PLAYER = b"s" * 32, b"p" * 32
SEALED = SealedTokens(b"\x01" * 32)
SIGNED = SignedTokens.of_private(b"\x02" * 32)
KINDS = pytest.mark.parametrize("key", [SEALED, SIGNED], ids=["sealed", "signed"])
NOW = 1_800_000_000.0


class Calendar:
    """A Unix time under the test's hands."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def token(key: SealedTokens | SignedTokens = SEALED, seed: int = 0, seconds: float = 300.0, now: float = NOW) -> bytes:
    return mint(
        key, "u-1", server_keys=[SERVER], unix_time=now, entropy=random.Random(seed).randbytes, seconds=seconds,
        name="Ada", data=b"red",
    )  # fmt: skip


def gate(key: SealedTokens | SignedTokens = SEALED, config: TokenConfig | None = None) -> tuple[TokenGate, Calendar]:
    calendar = Calendar()
    return TokenGate(key, unix_time=calendar, config=config), calendar


def enter(door: TokenGate, data: bytes) -> None:
    door.use(door.check(data, server_keys=(SERVER,), player_key=b""))


@KINDS
def test_a_token_says_what_was_minted(key: SealedTokens | SignedTokens) -> None:
    """Through its text, too; checking it twice uses nothing up."""
    door, _ = gate(key)
    text = token_text(token(key))
    found = [door.check(parse_token(f" {text}\n"), server_keys=(b"x" * 32, SERVER), player_key=PLAYER) for _ in "12"]

    assert found[0] == found[1]
    assert (found[0].player_id, found[0].name, found[0].data, found[0].player_key) == ("u-1", "Ada", b"red", b"")
    assert (found[0].issued, found[0].expires) == (NOW, NOW + 300)


@KINDS
def test_bit_flips_and_cuts_of_every_byte_of_a_token_are_refused(key: SealedTokens | SignedTokens) -> None:
    """Nothing of it is decoration; and nothing but TokenError comes of it."""
    door, _ = gate(key)
    good = token(key)
    for place in range(len(good)):
        for bit in (0, 3, 7):
            edited = good[:place] + bytes([good[place] ^ 1 << bit]) + good[place + 1 :]
            with pytest.raises(TokenError):
                door.check(edited, server_keys=(SERVER,), player_key=b"")
        with pytest.raises(TokenError):
            door.check(good[:place], server_keys=(SERVER,), player_key=b"")
    with pytest.raises(TokenError):
        door.check(good + b"\0", server_keys=(SERVER,), player_key=b"")

    enter(door, good)


@KINDS
def test_a_token_of_another_key_or_kind_is_refused(key: SealedTokens | SignedTokens) -> None:
    """Also one that claims to be of the server's kind."""
    others: list[SealedTokens | SignedTokens]
    others = [SealedTokens(b"\x03" * 32), SignedTokens.of_private(b"\x03" * 32), SIGNED if key is SEALED else SEALED]
    door, _ = gate(key)
    for other in others:
        foreign = token(other)
        for forged in (foreign, token(key)[:1] + foreign[1:]):
            with pytest.raises(TokenError, match="not one of those this server takes"):
                door.check(forged, server_keys=(SERVER,), player_key=b"")


@given(data=st.binary(max_size=200), kind=st.sampled_from([b"", b"\x01", b"\x02"]))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_refused_without_more(data: bytes, kind: bytes) -> None:
    for key in (SEALED, SIGNED):
        with pytest.raises(TokenError):
            gate(key)[0].check(kind + data, server_keys=(SERVER,), player_key=b"")


@settings(deadline=None)
@given(content=st.binary(max_size=80))
def test_a_backend_out_of_its_mind_raises_nothing_else(content: bytes) -> None:
    """Authentic, but not what a token says."""

    class Mad:
        id = bytes(16)

        def pack(self) -> bytes:
            return content

    with pytest.raises(TokenError):
        SEALED.open(SEALED.close(Mad()))  # type: ignore[arg-type]  # it only has to pack


# Once.


def test_token_reuse_is_refused_until_it_has_expired_anyway() -> None:
    """In every second of its life; after that it is refused as expired, and forgotten."""
    door, calendar = gate()
    used = token(seconds=30)
    enter(door, used)
    for calendar.now in (NOW, NOW + 29, NOW + 39.9):
        with pytest.raises(TokenError, match="has been used"):
            enter(door, used)
    calendar.now = NOW + 40
    with pytest.raises(TokenError, match="has expired"):
        enter(door, used)

    assert repr(door) == "TokenGate(0 used)"


def test_a_clock_set_back_revives_no_used_token() -> None:
    """The latest time seen holds: what was forgotten as expired stays expired."""
    door, calendar = gate()
    used = token(seconds=30)
    enter(door, used)
    calendar.now = NOW + 60
    enter(door, token(seed=1, now=NOW + 60))
    calendar.now = NOW + 1

    with pytest.raises(TokenError, match="has expired"):
        enter(door, used)


def test_two_that_were_checked_together_are_used_once() -> None:
    """The second is stopped where it counts, at the confirmation."""
    door, _ = gate()
    checked = [door.check(token(), server_keys=(SERVER,), player_key=b"") for _ in "12"]
    door.use(checked[0])

    with pytest.raises(TokenError, match="has been used"):
        door.use(checked[1])


def test_a_token_that_expires_before_the_confirmation_does_not_count() -> None:
    door, calendar = gate()
    checked = door.check(token(seconds=30), server_keys=(SERVER,), player_key=b"")
    calendar.now = NOW + 40

    with pytest.raises(TokenError, match="has expired"):
        door.use(checked)


def test_too_many_used_tokens_fail_closed() -> None:
    """Nobody is let in by forgetting that a token was used; places come free as they expire."""
    door, calendar = gate(config=TokenConfig(max_used=3))
    for seed in range(3):
        enter(door, token(seed=seed, seconds=30 + seed))
    with pytest.raises(TokenError, match="too many"):
        enter(door, token(seed=4))
    with pytest.raises(TokenError, match="has been used"):
        enter(door, token(seed=0, seconds=30))
    calendar.now = NOW + 40

    enter(door, token(seed=4))
    with pytest.raises(TokenError, match="too many"):
        enter(door, token(seed=5))


# When and where.


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-10.5, "future"), (-10, ""), (0, ""), (309.9, ""), (310, "expired"), (1e6, "expired"), (-1e6, "future")],
)
def test_a_token_counts_to_the_second_and_ten_more(seconds: float, text: str) -> None:
    """Ten seconds either way are the clocks' difference."""
    door, calendar = gate()
    calendar.now = NOW + seconds
    if text:
        with pytest.raises(TokenError, match=text):
            enter(door, token())
    else:
        enter(door, token())


@pytest.mark.parametrize("seconds", [301, 0, -5])
def test_no_token_lives_longer_than_five_minutes(seconds: float) -> None:
    """Neither is one minted, nor is one taken that another program minted."""
    with pytest.raises(LocalProtocolError, match="300 s is the most"):
        token(seconds=seconds)
    generous = TokenConfig(lifetime_seconds=1e6)
    if seconds > 0:
        long = mint(
            SEALED, "u", server_keys=[SERVER], unix_time=NOW, entropy=random.Random(1).randbytes, seconds=seconds,
            config=generous,
        )  # fmt: skip
        with pytest.raises(TokenError, match="301 s, 300 s is the most"):
            enter(gate()[0], long)


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ({"player_id": "x" * 65}, "player id has 65, 64 is the most"),
        ({"player_id": ""}, "names nobody"),
        ({"name": "x" * 97}, "name has 97, 96 is the most"),
        ({"data": bytes(257)}, "data has 257, 256 is the most"),
        ({"server_keys": [SERVER] * 5}, "list of servers has 5, 4 is the most"),
        ({"server_keys": []}, "names no server"),
        ({"player_key": b"short"}, "wrong length"),
    ],
)
def test_what_a_token_may_not_say_is_refused_on_both_sides(what: dict[str, object], text: str) -> None:
    """The minting program hears it at once; and the gate does not rely on that."""
    arguments = {"player_id": "u", "server_keys": [SERVER], "unix_time": NOW, "entropy": os.urandom} | what
    with pytest.raises(LocalProtocolError, match=text):
        mint(SEALED, **arguments)  # type: ignore[arg-type]  # collected by name

    lax = TokenConfig(max_player_id_bytes=999, max_name_bytes=999, max_data_bytes=999, max_servers=9)
    if "most" in text:
        minted = mint(SEALED, **arguments, config=lax)  # type: ignore[arg-type]  # collected by name
        with pytest.raises(TokenError, match=text):
            enter(gate()[0], minted)


def test_a_bound_token_needs_its_key() -> None:
    """The one in the token and no other; an unbound one goes with any."""
    door, _ = gate()
    bound = mint(
        SEALED, "u", server_keys=[SERVER], unix_time=NOW, entropy=random.Random(3).randbytes, player_key=PLAYER
    )
    for other in (b"", SERVER, PLAYER[:-1] + b"q"):
        with pytest.raises(TokenError, match="another player's key"):
            door.check(bound, server_keys=(SERVER,), player_key=other)

    door.use(door.check(bound, server_keys=(SERVER,), player_key=PLAYER))


@pytest.mark.parametrize("text", ["", "?", "AQ==", "A", "AR", "@file", "a b"])
def test_a_text_that_is_no_token_is_refused(text: str) -> None:
    """Cut off while it was handed on, for example."""
    with pytest.raises(TokenError, match="no token"):
        parse_token(text)


# Files.


def test_key_files_are_read_back_and_refused_in_the_wrong_place(tmp_path: Path) -> None:
    """The game server must not hold what signs, nor can the backend mint by what only checks."""
    sealed, signing = tmp_path / "sealed", tmp_path / "signing"
    tokenfiles.make_sealed_key(sealed)
    public = tokenfiles.make_signing_key(signing)
    for minting, checking in ((sealed, sealed), (signing, public)):
        enter(gate(tokenfiles.load_token_key(checking))[0], token(tokenfiles.load_minting_key(minting)))

    with pytest.raises(KeyFileError, match=r"give the game server signing\.pub"):
        tokenfiles.load_token_key(signing)
    with pytest.raises(KeyFileError, match="only checks"):
        tokenfiles.load_minting_key(public)
    with pytest.raises(LocalProtocolError, match="public key signs nothing"):
        token(SignedTokens(SIGNED.public))


def test_key_files_are_never_overwritten(tmp_path: Path) -> None:
    """Neither the secret, nor one half of a signature by another's."""
    path = tmp_path / "key"
    tokenfiles.make_sealed_key(path)
    for make in (tokenfiles.make_sealed_key, tokenfiles.make_signing_key):
        with pytest.raises(KeyFileError, match="exists"):
            make(path)
    (tmp_path / "other.pub").write_text("mine")
    with pytest.raises(KeyFileError, match="exists"):
        tokenfiles.make_signing_key(tmp_path / "other")

    assert not (tmp_path / "other").exists()
    assert (tmp_path / "other.pub").read_text() == "mine"


@posix_only
def test_secret_key_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """Made so, and refused otherwise; a comment in the file changes nothing about that. The public half is public."""
    sealed, signing = tmp_path / "sealed", tmp_path / "signing"
    tokenfiles.make_sealed_key(sealed)
    public = tokenfiles.make_signing_key(signing)
    assert [path.stat().st_mode & 0o777 for path in (sealed, signing)] == [0o600, 0o600]
    public.chmod(0o644)
    tokenfiles.load_token_key(public)
    for path in (sealed, signing):
        path.write_text(f"# verifying\n{path.read_text()}")
        path.chmod(0o640)
        with pytest.raises(KeyFileError, match="chmod 600"):
            tokenfiles.load_minting_key(path)


@pytest.mark.parametrize(
    "content",
    ["", "sealed", "sealed zz", "sealed 00", f"opening {'00' * 32}", f"sealed {'00' * 32}\nsealed {'00' * 32}"],
)
def test_a_damaged_key_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match=f"{path} holds no key for tokens"):
        tokenfiles.load_token_key(path)
    with pytest.raises(KeyFileError, match="there is no file"):
        tokenfiles.load_token_key(tmp_path / "none")


# A second program.


def test_tokens_are_what_the_standard_says() -> None:
    """Made by hand from PROTOCOL.md, with the standard library's hashes: a backend need not be written in Python."""
    token_id, servers = bytes(range(16)), [hashlib.blake2s(SERVER, digest_size=16).digest()]
    body = msgpack.packb([int(NOW), int(NOW) + 300, servers, "u-1", "Ada", b"red", b""])
    key = hashlib.blake2s(token_id, key=b"\x01" * 32, person=b"ecsnetTS").digest()
    sealed = b"\x01" + token_id
    sealed += ChaCha20Poly1305(key).encrypt(bytes(12), body, sealed)
    signed = b"\x02" + token_id + body
    signed += Ed25519PrivateKey.from_private_bytes(b"\x02" * 32).sign(b"ecsnet connect token 1" + signed)
    minted = [token(each) for each in (SEALED, SIGNED)]

    opened = [gate(key)[0].check(data, server_keys=(SERVER,), player_key=b"") for key, data in
              ((SEALED, sealed), (SIGNED, signed))]  # fmt: skip
    assert opened[0] == opened[1]
    assert (opened[0].id, opened[0].player_id, opened[0].data) == (token_id, "u-1", b"red")
    assert [len(data) for data in minted] == [len(sealed), len(signed)]
