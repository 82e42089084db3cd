"""The join link: what is written is read back, and what cannot be understood is explained."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecsnet.errors import LinkError
from ecsnet.joinlink import DEFAULT_PORT, JoinLink

KEY = bytes(range(32))
ENCODED = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
NAMES = st.from_regex(r"[a-z0-9]([a-z0-9.-]{0,30}[a-z0-9])?", fullmatch=True)


@given(
    host=st.one_of(NAMES, st.ip_addresses().map(str)),
    port=st.integers(1, 65535),
    keys=st.lists(st.binary(min_size=32, max_size=32), max_size=2),
    room=st.from_regex(r"[A-Z]{0,16}", fullmatch=True),
)
def test_a_link_is_read_back(host: str, port: int, keys: list[bytes], room: str) -> None:
    """Names, IPv4 and IPv6, without key, with one and with two, with a room and without."""
    link = JoinLink(host, port, tuple(keys), room=room)

    assert JoinLink.parse(str(link)) == link


@pytest.mark.parametrize(
    ("text", "link"),
    [
        (f"ecsnet://play.example.org:4000/#{ENCODED}", JoinLink("play.example.org", 4000, (KEY,))),
        (f"  ECSNET://Play.Example.Org:4000/#{ENCODED}\n", JoinLink("play.example.org", 4000, (KEY,))),
        (f"ecsnet://[2001:db8::1]:4000/#{ENCODED}", JoinLink("2001:db8::1", 4000, (KEY,))),
        (f"10.0.0.1:4000#{ENCODED}", JoinLink("10.0.0.1", 4000, (KEY,))),
        ("play.example.org", JoinLink("play.example.org", DEFAULT_PORT)),
        ("localhost:4000", JoinLink("localhost", 4000)),
        ("localhost:4000/kabcd", JoinLink("localhost", 4000, room="KABCD")),
        (f"ecsnet://localhost/KABCD#{ENCODED}", JoinLink("localhost", DEFAULT_PORT, (KEY,), room="KABCD")),
        ("ecsnet://localhost", JoinLink("localhost", DEFAULT_PORT)),
        ("::1", JoinLink("::1", DEFAULT_PORT)),
        ("[::1]", JoinLink("::1", DEFAULT_PORT)),
        ("[fe80::1%eth0]:4000", JoinLink("fe80::1%eth0", 4000)),
    ],
)
def test_every_usual_way_to_write_a_place_is_understood(text: str, link: JoinLink) -> None:
    """With or without scheme, port, slash and key."""
    assert JoinLink.parse(text) == link


def test_a_link_is_written_like_the_documentation_says() -> None:
    """Base64url, no padding, brackets around IPv6."""
    assert str(JoinLink("::1", 7777, (KEY,))) == f"ecsnet://[::1]:7777/#{ENCODED}"
    assert str(JoinLink("::1", 7777, (KEY, KEY))) == f"ecsnet://[::1]:7777/#{ENCODED}.{ENCODED}"
    assert str(JoinLink("localhost")) == "ecsnet://localhost:7777/"
    assert str(JoinLink("::1", 7777, (KEY,), "tcp")) == f"ecsnet+tcp://[::1]:7777/#{ENCODED}"


def test_a_link_may_lead_over_tcp() -> None:
    """Where UDP does not get through, the link that the server printed just works."""
    assert JoinLink.parse(f"ECSNET+TCP://host:4000/#{ENCODED}") == JoinLink("host", 4000, (KEY,), "tcp")
    assert JoinLink.parse("ecsnet+tcp://::1") == JoinLink("::1", transport="tcp")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "neither a link nor host:port"),
        ("ecsnet://", "neither a link nor host:port"),
        ("http://play.example.org:4000/", "neither a link nor host:port"),
        ("play.example.org:4000/path/on", "neither a link nor host:port"),
        ("user@host:4000", "neither a link nor host:port"),
        ("two words", "neither a link nor host:port"),
        ("host:0", "a port is a number from 1 to 65535, not 0"),
        ("host:65536", "a port is a number from 1 to 65535, not 65536"),
        ("host:port", "neither a link nor host:port"),
        ("[nonsense]:4000", "'nonsense' is not an IPv6 address"),
        ("[10.0.0.1]:4000", "'10.0.0.1' is not an IPv6 address"),
        (f"host:4000/#{ENCODED[:-1]}", "not a whole key"),
        (f"host:4000/#{ENCODED}A", "not a whole key"),
        ("host:4000/#", "not a whole key"),
        (f"host:4000/#{ENCODED[:-1]}9", "not a whole key"),
        (f"host:4000/#{ENCODED}.", "not a whole key"),
        (f"host:4000/#.{ENCODED}", "not a whole key"),
        (f"host:4000/#{ENCODED}.{ENCODED[:-1]}", "not a whole key"),
        (f"host:4000/#{ENCODED}.{ENCODED}.{ENCODED}", "it holds 3 keys; a server has 2 at most"),
        (f"host:4000/#{ENCODED}=", "neither a link nor host:port"),
    ],
)
def test_what_cannot_be_understood_is_shown_with_the_reason_and_an_example(text: str, why: str) -> None:
    """A key cut off while pasting must not become a link without a key: that would trust anybody."""
    with pytest.raises(LinkError) as caught:
        JoinLink.parse(text)

    assert why in str(caught.value)
    assert repr(text) in str(caught.value)
    assert "play.example.org:7777" in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_a_link_or_a_link_error(text: str) -> None:
    """Nothing else, and a link that was understood is understood again."""
    for candidate in (text, f"ecsnet://{text}", f"host:{text}", f"host:1/#{text}", f"[{text}]"):
        try:
            link = JoinLink.parse(candidate)
        except LinkError:
            continue
        assert JoinLink.parse(str(link)) == link
