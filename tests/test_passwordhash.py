"""What is kept of a password."""

import contextlib

import pytest
from cryptography.exceptions import UnsupportedAlgorithm
from hypothesis import given
from hypothesis import strategies as st

from ecsnet import passwordhash
from ecsnet.config import AccountConfig
from ecsnet.errors import AccountError
from ecsnet.passwordhash import PasswordHash, checked_password, hash_password

CHEAP = AccountConfig(hash_memory_kib=8, hash_passes=1)
# "password" and "somesalt" as the reference implementation of Argon2 hashes them, in its own tests.
REFERENCE = "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"


def test_it_is_argon2id_as_everybody_computes_and_writes_it() -> None:
    """So a file of accounts can be moved to other software, and from there."""
    kept = PasswordHash.parse(REFERENCE)

    assert kept.fits("password")
    assert not kept.fits("Password")
    assert str(kept) == REFERENCE


def test_a_guess_costs_what_owasp_recommends() -> None:
    """19 MiB and two passes; the cost is written into the hash."""
    kept = hash_password("correct horse", AccountConfig())

    assert str(kept).startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert kept.fits("correct horse")
    assert not kept.fits("correct horsf")


def test_equal_passwords_have_different_hashes() -> None:
    """Or one glance at the file would show who has the same."""
    assert hash_password("12345678", CHEAP).hash != hash_password("12345678", CHEAP).hash


def test_a_password_fits_however_its_accents_are_typed() -> None:
    """Keyboards differ; the letters are the same."""
    assert hash_password("caf\u00e9 caf\u00e9", CHEAP).fits("cafe\u0301 cafe\u0301")


@given(st.text(), st.binary(min_size=16, max_size=16))
def test_what_was_written_is_read_again(password: str, salt: bytes) -> None:
    """Any password at all, lone surrogates included: it comes from the network."""
    kept = hash_password(password, CHEAP, lambda count: salt[:count])

    assert PasswordHash.parse(str(kept)) == kept
    assert PasswordHash.parse(str(kept)).fits(password)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hunter2",
        REFERENCE[:-50],
        REFERENCE.replace("argon2id", "argon2i"),
        REFERENCE.replace("v=19", "v=16"),
        REFERENCE.replace("m=256", "m=7"),
        REFERENCE.replace("m=256", "m=1048577"),
        REFERENCE.replace("m=256", "m=999999999"),
        REFERENCE.replace("t=2", "t=0"),
        REFERENCE.replace("t=2", "t=65"),
        REFERENCE.replace("p=1", "p=65"),
        REFERENCE.replace("c29tZXNhbHQ", "c29t"),
        REFERENCE.replace("c29tZXNhbHQ", "c29tZXNhb"),
        REFERENCE + "\n",
    ],
)
def test_what_is_no_sound_hash_is_refused_with_the_fix(text: str) -> None:
    """A damaged file must not make the server allocate a terabyte."""
    with pytest.raises(AccountError, match="ecsnet accounts passwd"):
        PasswordHash.parse(text)


@given(st.text(alphabet="$argon2id=v19mtp,01/+A", max_size=120))
def test_any_text_is_a_hash_or_refused(text: str) -> None:
    """Nothing else is raised."""
    with contextlib.suppress(AccountError):
        assert str(PasswordHash.parse(text)) == text


def test_it_tells_when_its_cost_is_not_the_one_wanted_any_more() -> None:
    """Then it is made anew, at the next login."""
    kept = hash_password("correct horse", CHEAP)

    assert kept.costs(CHEAP)
    assert not kept.costs(AccountConfig(hash_memory_kib=16, hash_passes=1))
    assert not kept.costs(AccountConfig(hash_memory_kib=8, hash_passes=2))


def test_a_password_has_8_characters_at_least_and_256_bytes_at_most() -> None:
    """The text says how many it has; never the password itself."""
    assert checked_password("a" * 8, CHEAP) == "a" * 8
    assert checked_password("\u20ac" * 85, CHEAP) == "\u20ac" * 85
    with pytest.raises(AccountError, match="at least 8 characters, not 7"):
        checked_password("secret7", CHEAP)
    with pytest.raises(AccountError, match="at most 256 bytes, not 258") as caught:
        checked_password("\u20ac" * 86, CHEAP)

    assert "\u20ac" not in str(caught.value)


def test_a_python_without_argon2id_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Builds of `cryptography` with an older OpenSSL or LibreSSL have none."""

    def refuse(**_: object) -> None:
        raise UnsupportedAlgorithm("this backend does not support Argon2id")

    monkeypatch.setattr(passwordhash, "Argon2id", refuse)
    with pytest.raises(AccountError, match=r"wheel from PyPI, or build it with OpenSSL 3\.2"):
        hash_password("correct horse", CHEAP)
