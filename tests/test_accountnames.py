"""Which names an account can have, and which are one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.accountnames import account_name, name_key
from ecsnet.errors import AccountError


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("Anna", "ANNA"),
        ("anna", "\uff21\uff2e\uff2e\uff21"),  # full width
        ("fiona", "\ufb01ona"),  # a ligature
        ("Stra\u00dfe", "STRASSE"),
        ("jos\u00e9", "jose\u0301"),  # one code, or two
        ("paypal", "\u0440\u0430\u0443\u0440\u0430l"),  # Cyrillic
        ("BOB", "\u0412\u041e\u0412"),  # alike in capitals only
        ("ZOE", "\u0396\u039f\u0395"),  # Greek
        ("\u00eb", "\u0451"),  # with two dots, Latin and Cyrillic
        ("inci", "\u0130nci"),  # a dotted capital
        ("inci", "\u0131nci"),  # no dot
        ("agent007", "Agentoo7"),
        ("al1", "all"),
        ("anna", "an\ufe0fna"),  # a variation selector does not show
        ("a b", " a  b "),
    ],
)
def test_names_that_people_cannot_tell_apart_are_one(name: str, other: str) -> None:
    """Or somebody could pass for a friend."""
    assert name_key(name) == name_key(other)


@pytest.mark.parametrize(
    ("name", "other"), [("anna", "hanna"), ("neil", "nell"), ("jose", "jos\u00e9"), ("a b", "ab"), ("aa", "a")]
)
def test_names_that_people_can_tell_apart_are_two(name: str, other: str) -> None:
    """What is folded too far locks somebody out of a name of their own."""
    assert name_key(name) != name_key(other)


@pytest.mark.parametrize("text", ["", "  ", "a" * 25, "an\u200bna", "an\nna", "an\x1b[1mna", "\u2800", "\ud800"])
def test_a_name_that_does_not_show_whole_is_refused_with_the_rule(text: str) -> None:
    """A display name is only cut; here two long names would become one account."""
    with pytest.raises(AccountError, match="1 to 24 characters"):
        account_name(text)


def test_a_name_is_kept_as_its_owner_writes_it() -> None:
    """But for spaces at the ends, which nobody sees."""
    assert account_name("  Anna  B. ") == "Anna B."
    assert account_name("a" * 24) == "a" * 24


@given(st.text())
def test_any_text_is_a_name_or_refused(text: str) -> None:
    """It comes from the network."""
    try:
        name = account_name(text)
    except AccountError:
        return

    assert name_key(name)
    assert account_name(name) == name
