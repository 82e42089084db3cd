"""The handshake among people who mean harm: forged, edited, replayed, flooded, foreign. Nothing may come of it."""

import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsnet import protocol
from ecsnet.transport import hello, serverhandshake
from ecsnet.transport.handshake import (
    Accepted,
    HandshakeDrop,
    HandshakeFailure,
    HandshakeRequest,
    Reply,
    Requested,
    ServerHandshakes,
)
from ecsnet.transport.identity import Identity
from ecsnet.transport.noise import HandshakeState
from tests.transport.meeting import APPLICATION, HERE, Meeting, touched, verdict_of

Published = Callable[[str], Any]
ELSEWHERE = ("203.0.113.7", 9)


def forged_challenge(challenge: bytes, **changes: Any) -> bytes:
    """Return a CHALLENGE with some fields as an attacker would like them."""
    unpacked = hello.unpack_challenge(challenge)
    assert unpacked is not None
    return hello.pack_challenge(unpacked._replace(**changes))


# Before the cookie.


def test_nothing_is_amplified() -> None:
    """10,000 INITs of every size: the answers together have less than a tenth of their bytes, small ones get none."""
    meeting = Meeting()
    init = hello.pack_init(protocol.MAGIC, 1, b"attempt.", APPLICATION, 1472)
    sent = answered = 0
    for number in range(10_000):
        data = init[: number % 1473]
        replies = meeting.server.receive(data, HERE, 0.0)
        assert len(replies) == (len(data) >= 1200)
        sent += len(data)
        answered += sum(len(reply.data) for reply in replies if isinstance(reply, Reply))

    assert 0 < answered < sent / 10
    assert all(
        len(reply.data) < len(init[:size]) / 10
        for size in range(1200, 1473)
        for reply in meeting.server.receive(init[:size], HERE, 0.0)
        if isinstance(reply, Reply)
    )


def test_a_flood_from_forged_addresses_leaves_no_trace(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """No memory, no key exchange, no log line; and a real client comes in behind it."""
    meeting, exchanges = Meeting(), []
    monkeypatch.setattr(serverhandshake, "HandshakeState", lambda *args, **_: exchanges.append(args))
    chance = random.Random(1)
    init = hello.pack_init(protocol.MAGIC, 1, b"attempt.", APPLICATION, 1200)
    said = b"\x83" + chance.randbytes(1199)
    meeting.server.receive(init, HERE, 0.0)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for number in range(2000):
        address = (f"10.{number % 7}.{number % 251}.{number % 241}", number)
        meeting.server.receive(init, address, 0.0)
        meeting.server.receive(said[:1] + number.to_bytes(8, "big") + said[9:], address, 0.0)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert after - before < 4096
    assert meeting.server.pending == 0
    assert exchanges == []
    assert caplog.records == []
    monkeypatch.undo()
    meeting.accept(meeting.make_client())


@pytest.mark.parametrize("part", [range(1, 9), range(9, 13), range(13, 29)], ids=["attempt", "issued", "cookie"])
def test_an_edited_cookie_costs_no_key_exchange(monkeypatch: pytest.MonkeyPatch, part: range) -> None:
    """Each bit of the attempt, the time and the cookie itself."""
    meeting = Meeting()
    said = meeting.hello(meeting.make_client())
    monkeypatch.setattr(serverhandshake, "HandshakeState", None)
    for place in part:
        for bit in range(8):
            assert meeting.server.receive(touched(said, place, 1 << bit), HERE, 0.0) == []

    assert meeting.server.dropped == {HandshakeDrop.BAD_COOKIE: 8 * len(part)}


@pytest.mark.parametrize("address", [("192.0.2.2", 4000), ("192.0.2.1", 4001), ELSEWHERE])
def test_a_stolen_cookie_is_worth_nothing_elsewhere(monkeypatch: pytest.MonkeyPatch, address: tuple[str, int]) -> None:
    """It proves one address and port."""
    meeting = Meeting()
    said = meeting.hello(meeting.make_client())
    monkeypatch.setattr(serverhandshake, "HandshakeState", None)

    assert meeting.server.receive(said, address, 0.0) == []


def test_a_stale_hello_is_dropped() -> None:
    """Recorded and sent again 10 seconds later."""
    meeting = Meeting()
    said = meeting.hello(meeting.make_client())

    assert meeting.server.receive(said, HERE, 10.1) == []
    assert meeting.server.dropped == {HandshakeDrop.BAD_COOKIE: 1}


# Edited and cut.


def test_an_edited_byte_of_hello_brings_nobody_in() -> None:
    """Every byte, the padding included; afterwards the true one is heard."""
    meeting = Meeting()
    said = meeting.hello(meeting.make_client())
    for place in range(len(said)):
        assert meeting.server.receive(touched(said, place), HERE, 0.0) == [], place
    assert all(meeting.server.receive(said[:length], HERE, 0.0) == [] for length in range(len(said)))
    assert meeting.server.receive(said + b"\0", HERE, 0.0) == []
    assert meeting.server.pending == 0

    assert len(meeting.server.receive(said, HERE, 0.0)) == 1


def test_an_edited_byte_of_challenge_brings_nobody_in() -> None:
    """No version, suite, pattern, key or cookie can be exchanged underway; the true one counts afterwards."""
    for place in range(69):
        meeting = Meeting()
        client = meeting.make_client(pins=())
        challenge = meeting.challenge(client)
        assert client.receive(touched(challenge, place, 1), 0.0) is None
        for said in client.datagrams_to_send(0.0):
            assert not any(isinstance(o, Requested) for o in meeting.server.receive(said, HERE, 0.0)), place
        client.receive(challenge, 0.1)
        [*_, said] = client.datagrams_to_send(0.3)
        outcomes = meeting.server.receive(said, HERE, 0.3)
        assert any(isinstance(outcome, Requested) for outcome in outcomes), place


def test_an_edited_or_cut_reply_ends_nothing() -> None:
    """A forged no would keep a player out; a forged yes would be worse."""
    meeting = Meeting()
    client = meeting.make_client()
    _, request = meeting.request(client)
    reply = meeting.server.accept(request, 7, b"welcome", 0.0)
    for place in range(len(reply)):
        for bit in (1, 0x80):
            # X25519 ignores the highest bit of a public key, but the handshake hash does not.
            assert client.receive(touched(reply, place, bit), 0.0) is None, place
    assert all(client.receive(reply[:length], 0.0) is None for length in range(len(reply)))

    assert isinstance(client.receive(reply, 0.0), Accepted)


def test_a_reply_from_an_earlier_attempt_is_foreign() -> None:
    """Recorded from the same client, even under the same attempt's number."""
    meeting = Meeting()
    earlier, client = meeting.make_client(), meeting.make_client()
    _, request = meeting.request(earlier)
    recorded = meeting.server.accept(request, 7, b"", 0.0)
    said = meeting.hello(client)

    assert client.receive(recorded, 0.0) is None
    assert client.receive(recorded[:1] + said[1:9] + recorded[9:], 0.0) is None


def test_low_order_keys_are_dropped_silently(published: Published) -> None:
    """As ephemeral key of a HELLO with a true cookie and as server key in a CHALLENGE: nothing sent, kept or raised."""
    for public in map(bytes.fromhex, published("x25519-low-order.json")["public_keys"]):
        meeting = Meeting()
        client = meeting.make_client()
        said = meeting.hello(client)
        assert meeting.server.receive(said[:52] + public + said[84:], HERE, 0.0) == []
        assert meeting.server.dropped == {HandshakeDrop.NOT_AUTHENTIC: 1}
        assert meeting.server.pending == 0

        trusting = meeting.make_client(pins=())
        forged = forged_challenge(meeting.challenge(trusting), server_key=public)
        assert trusting.receive(forged, 0.0) is None
        assert trusting.ignored == {"low-order key": 1}
        assert trusting.datagrams_to_send(0.1) == []


# The server's key.


def test_a_forged_challenge_with_another_key_does_not_end_the_attempt() -> None:
    """Anybody can send one; the true one comes right behind it."""
    meeting = Meeting()
    client = meeting.make_client()
    challenge = meeting.challenge(client)
    other = Identity.generate(meeting.entropy)
    for _ in range(10):
        assert client.receive(forged_challenge(challenge, server_key=other.public), 0.0) is None
    assert client.datagrams_to_send(0.1) == []
    client.receive(challenge, 0.1)
    [said] = client.datagrams_to_send(0.1)

    [outcome] = meeting.server.receive(said, HERE, 0.1)
    assert isinstance(outcome, Requested)


def test_a_changed_server_key_is_the_reason_at_the_timeout() -> None:
    """The server was set up anew, or is another: nobody gets our HELLO, and we know which key was shown."""
    meeting = Meeting()
    client = meeting.make_client()
    changed = Identity.generate(meeting.entropy)
    meeting.server = meeting.make_server(changed)
    client.receive(meeting.challenge(client), 0.1)

    assert {data[0] for step in range(50) for data in client.datagrams_to_send(step / 10)} == {0x81}
    assert client.expired(5.0)
    assert client.failure is HandshakeFailure.KEY_MISMATCH
    assert client.unpinned_key == changed.public


def test_another_reason_does_not_hide_a_wrong_key() -> None:
    """Neither before nor after."""
    meeting = Meeting()
    client = meeting.make_client()
    challenge = meeting.challenge(client)
    for changes in ({"suites": 0}, {"server_key": b"k" * 32}, {"suites": 0}):
        client.receive(forged_challenge(challenge, **changes), 0.0)

    assert client.failure is HandshakeFailure.KEY_MISMATCH


def test_any_of_several_pins_will_do() -> None:
    """While a server's key is replaced, clients accept the old one and the new one."""
    meeting = Meeting()
    client = meeting.make_client(pins=(b"old" + bytes(29), meeting.identity.public))

    meeting.accept(client)


def test_without_pins_the_first_contact_decides_and_is_reported() -> None:
    """Trust on first use: the caller learns which key it was, to pin it from now on."""
    meeting = Meeting()
    _, accepted = meeting.accept(meeting.make_client(pins=()))

    assert accepted.server_key == meeting.identity.public


def test_somebody_with_the_public_key_alone_cannot_play_the_server() -> None:
    """He sends true-looking challenges, but no REPLY of his authenticates."""
    meeting = Meeting()
    client = meeting.make_client()
    said = meeting.hello(client)
    impostor = Identity.generate(meeting.entropy)
    noise = HandshakeState(
        "Noise_NK_25519_AESGCM_SHA256",
        initiator=False,
        entropy=meeting.entropy,
        static=impostor.private_key,
        prologue=b"anything",
    )
    noise._turn = 1
    noise.remote_ephemeral = said[52:84]
    reply = hello.pack_reply(said[1:9], noise.write_message(hello.pack_acceptance(hello.Acceptance(1, bytes(16), b""))))

    assert client.receive(reply, 0.0) is None


def test_forged_challenges_cannot_push_out_the_true_one() -> None:
    """With the server's public key but a made-up cookie; up to four are answered side by side, and no more."""
    meeting = Meeting()
    client = meeting.make_client()
    challenge = meeting.challenge(client)
    for number in range(3):
        client.receive(forged_challenge(challenge, cookie=bytes([number] * 16)), 0.0)
    client.receive(challenge, 0.0)
    client.receive(forged_challenge(challenge, cookie=b"one too many...."), 0.0)
    sent = client.datagrams_to_send(0.0)
    assert len(sent) == 4
    outcomes = [outcome for said in sent for outcome in meeting.server.receive(said, HERE, 0.0)]

    [outcome] = outcomes
    assert isinstance(outcome, Requested)
    assert isinstance(client.receive(meeting.server.accept(outcome.request, 7, b"", 0.0), 0.0), Accepted)


@pytest.mark.parametrize(
    ("changes", "failure"),
    [
        ({"suites": 0b10}, HandshakeFailure.UNSUPPORTED),
        ({"patterns": 0b10}, HandshakeFailure.UNSUPPORTED),
        ({"lowest_version": 2, "highest_version": 3}, HandshakeFailure.VERSION_MISMATCH),
    ],
)
def test_an_offer_without_us_is_the_reason_at_the_timeout(changes: dict[str, int], failure: HandshakeFailure) -> None:
    """It is no reason to give up before: it may be forged."""
    meeting = Meeting()
    client = meeting.make_client()
    challenge = meeting.challenge(client)
    client.receive(forged_challenge(challenge, **changes), 0.0)
    assert not client.expired(4.9)

    assert client.expired(5.0)
    assert client.failure is failure


@pytest.mark.parametrize(("place", "value"), [(31, 2), (31, 255), (32, 1), (32, 3), (32, 255), (33, 1), (33, 255)])
def test_a_suite_or_pattern_not_offered_is_dropped(place: int, value: int) -> None:
    """Without a key exchange: reserved numbers and unknown ones alike."""
    meeting = Meeting()
    said = meeting.hello(meeting.make_client())

    assert meeting.server.receive(said[:place] + bytes([value]) + said[place + 1 :], HERE, 0.0) == []
    assert meeting.server.dropped == {HandshakeDrop.UNSUPPORTED: 1}


def test_the_other_suite_is_not_taken_for_ours() -> None:
    """The suite is part of what both sides hash."""
    meeting = Meeting()
    said = meeting.hello(meeting.make_client(suite="chachapoly"))

    assert meeting.server.receive(said[:31] + b"\0" + said[32:], HERE, 0.0) == []
    assert meeting.server.dropped == {HandshakeDrop.NOT_AUTHENTIC: 1}


# Any bytes.


@pytest.mark.parametrize(
    "verdict", [b"", b"\x00", b"\x01", b"\x01\0\0\0", b"\x02\0\0", b"\x02\0\x05\x04abc", b"\x03" * 40]
)
def test_an_authentic_verdict_that_is_no_verdict_is_ignored(verdict: bytes) -> None:
    """A server out of its mind; also when it repeats itself."""
    meeting = Meeting()
    client = meeting.make_client()
    _, request = meeting.request(client)
    pending = meeting.server._pending[request.address, request.attempt]
    reply = meeting.server._seal(pending, verdict)

    assert client.receive(reply, 0.0) is None
    assert client.receive(reply, 0.0) is None
    assert client.expired(5.0)


@given(data=st.binary(max_size=80))
def test_unpacking_any_bytes_gives_a_value_or_none(data: bytes) -> None:
    """Every reader on its own, with every type byte."""
    for first in (*data[:1], 0x81, 0x82, 0x83, 0x84, 1, 2):
        forged = bytes([first]) + data[1:]
        hello.unpack_init(forged)
        hello.unpack_challenge(forged)
        hello.unpack_hello(forged)
        hello.unpack_reply(forged)
        hello.unpack_verdict(forged)


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("flip"), st.integers(0, 1300), st.integers(0, 7)),
        st.tuples(st.just("cut"), st.integers(0, 1300), st.just(0)),
        st.tuples(st.just("append"), st.integers(0, 300), st.just(0)),
        st.tuples(st.just("number"), st.integers(0, 60), st.integers(0, 255)),
    ),
    max_size=4,
)


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 3), steps=st.lists(st.tuples(st.integers(0, 5), EDITS), max_size=6), junk=st.binary(max_size=60)
)
def test_a_storm_of_edited_datagrams_raises_nothing(
    seed: int, steps: list[tuple[int, list[tuple[str, int, int]]]], junk: bytes
) -> None:
    """Any bytes and any edit of any true datagram, at either end, in any order; and then a client still comes in."""
    meeting = Meeting(seed)
    client = meeting.make_client()
    said, request = meeting.request(client)
    reply = meeting.server.accept(request, 7, b"welcome", 0.0)
    stranger = meeting.make_client(now=0.0)
    challenge = meeting.challenge(stranger)
    recorded = [said, reply, challenge, b"\x81" + said[1:], b"\x83" + junk.ljust(1200, b"\0"), junk]
    for choice, edits in steps:
        data = edited(recorded[choice], edits)
        for address in (HERE, ELSEWHERE):
            for outcome in meeting.server.receive(data, address, 0.0):
                assert isinstance(outcome, Reply), "nobody else comes in"
        for side in (client, stranger):
            verdict = side.receive(data, 0.0)
            assert verdict is None or data == reply

    meeting.server.confirm(request)
    meeting.accept(meeting.make_client())


def edited(data: bytes, edits: list[tuple[str, int, int]]) -> bytes:
    for kind, place, value in edits:
        if kind == "cut":
            data = data[:place]
        elif kind == "append":
            data += bytes(place)
        elif place < len(data):
            data = (
                touched(data, place, 1 << value)
                if kind == "flip"
                else data[:place] + bytes([value]) + data[place + 1 :]
            )
    return data


def test_a_repr_shows_neither_credentials_nor_keys() -> None:
    """A token among the credentials must not end up in a log."""
    meeting = Meeting()
    client = meeting.make_client(credentials=b"token 12345")
    _, request = meeting.request(client)
    meeting.server.accept(request, 7, b"", 0.0)

    shown: list[HandshakeRequest | ServerHandshakes | Identity] = [request, meeting.server, meeting.identity]
    assert "token" not in f"{shown} {client}"
    assert meeting.identity.private_bytes().hex() not in f"{shown}"
    assert verdict_of(client, Reply(b"")) is None
