"""Passwords, players' keys, the second suite and two server keys: who comes in by which, and who does not."""

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ecsnet.config import SUITES, HandshakeConfig, TransportConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.events import ConnectRefused
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.network import Link
from ecsnet.transport import hello, serverhandshake
from ecsnet.transport.handshake import (
    Accepted,
    ClientHandshake,
    HandshakeDrop,
    HandshakeFailure,
    Refused,
    Reply,
    Requested,
)
from ecsnet.transport.hello import Pattern
from ecsnet.transport.identity import Identity
from ecsnet.transport.password import password_key
from tests.transport.meeting import APPLICATION, HERE, Meeting, touched
from tests.transport.pair import ORDERED, Pair

Published = Callable[[str], Any]
PASSWORD = b"p" * 32  # what scrypt would give
OTHER_PASSWORD = b"q" * 32
PLAYER = Identity(b"\x05" * 32)
HAVES = pytest.mark.parametrize("has_key", [False, True], ids=["anybody", "player"])
PASSWORDS = pytest.mark.parametrize("password", [None, PASSWORD], ids=["open", "password"])


def meeting_with(password: bytes | None, identity: Identity | None = None) -> Meeting:
    meeting = Meeting()
    meeting.identity = identity or meeting.identity
    meeting.server = meeting.make_server(meeting.identity, password)
    return meeting


def converse(
    meeting: Meeting, client: ClientHandshake, seconds: float = 6.0
) -> tuple[float, Accepted | Refused | None]:
    """Run until there is a verdict; return when, and which."""
    for now in (step / 100 for step in range(round(100 * seconds))):
        for data in client.datagrams_to_send(now):
            for outcome in meeting.server.receive(data, HERE, now):
                if isinstance(outcome, Requested):
                    reply = meeting.server.accept(outcome.request, 7, b"welcome", now)
                else:
                    reply = outcome.data
                verdict = client.receive(reply, now)
                if verdict is not None:
                    return now, verdict
    return seconds, None


# All four patterns.


@HAVES
@PASSWORDS
@pytest.mark.parametrize("suite", SUITES)
def test_every_pattern_connects_under_every_suite(suite: str, password: bytes | None, *, has_key: bool) -> None:
    """The server learns the player's key, and both ends have the same keys."""
    meeting = meeting_with(password)
    client = meeting.make_client(suite=suite, password_key=password, player_key=PLAYER if has_key else None)
    request, accepted = meeting.accept(client)

    assert request.player_key == (PLAYER.public if has_key else b"")
    assert request.credentials == b"I am Ada"
    assert request.keys is not None
    assert request.keys.receive.open(0, b"", accepted.keys.send.seal(0, b"", b"up")) == b"up"
    assert accepted.keys.receive.open(0, b"", request.keys.send.seal(0, b"", b"down")) == b"down"


@pytest.mark.parametrize(("player_key", "most"), [(None, 1100), (PLAYER, 1052)])
def test_the_longest_credentials_fit_beside_a_players_key(player_key: Identity | None, most: int) -> None:
    """HELLO is as large as ever; the key takes 48 bytes of it."""
    meeting = meeting_with(PASSWORD)
    client = meeting.make_client(credentials=bytes(most), password_key=PASSWORD, player_key=player_key)

    assert len(meeting.request(client)[0]) == 1200
    with pytest.raises(LocalProtocolError, match=f"do not fit into {most}"):
        meeting.make_client(credentials=bytes(most + 1), password_key=PASSWORD, player_key=player_key)


@pytest.mark.parametrize("suite", SUITES)
def test_messages_travel_under_either_suite(suite: str) -> None:
    """Not only the handshake: packets both ways, over a bad link."""
    config = TransportConfig(handshake=HandshakeConfig(suite=suite))
    pair = Pair(config=config, link=Link.POOR, seed=3)
    client, server = pair.connect()
    sent = [bytes([number]) * 40 for number in range(50)]
    for message in sent:
        client.send(ORDERED, message)
        server.send(ORDERED, message)
    up: list[bytes] = []
    down: list[bytes] = []
    for _ in range(600):
        pair.step()
        up += [message for _, message in server.take_messages()]
        down += [message for _, message in client.take_messages()]

    assert (up, down) == (sent, sent)


def test_an_unknown_suite_is_the_caller_s_mistake() -> None:
    with pytest.raises(ValueError, match="suite='aes': there is 'aesgcm' and 'chachapoly'"):
        HandshakeConfig(suite="aes")


# Passwords.


@HAVES
def test_a_missing_password_is_refused_authentically(*, has_key: bool) -> None:
    """By the server's own word, at once; the application is not asked."""
    meeting = meeting_with(PASSWORD)
    now, verdict = converse(meeting, meeting.make_client(player_key=PLAYER if has_key else None))

    assert verdict == Refused(
        DisconnectReason.WRONG_PASSWORD, "this server needs a password", b"", meeting.identity.public
    )
    assert now < 0.1


@HAVES
def test_a_wrong_password_is_told_after_two_seconds(*, has_key: bool) -> None:
    """The server cannot read what was said under it, and is silent; so the client asks without."""
    meeting = meeting_with(PASSWORD)
    client = meeting.make_client(password_key=OTHER_PASSWORD, player_key=PLAYER if has_key else None)
    now, verdict = converse(meeting, client)

    assert verdict == Refused(DisconnectReason.WRONG_PASSWORD, "the password is wrong", b"", meeting.identity.public)
    assert 2.0 <= now < 2.2
    assert meeting.server.dropped[HandshakeDrop.NOT_AUTHENTIC] in {5, 6}, "0, 250, 500, 1000, 1500 and about 2000 ms"
    assert client.next_deadline() is None
    assert client.datagrams_to_send(3.0) == []


def test_the_question_whether_a_password_is_wrong_gives_nothing_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is readable without the password: no credentials, no player's key, and only for the server we talk to."""
    meeting = meeting_with(PASSWORD)
    seen: list[tuple[int, int]] = []
    read = hello.unpack_hello

    def spy(data: bytes) -> hello.Hello | None:
        said = read(data)
        if said is not None:
            seen.append((said.pattern, len(said.message)))
        return said

    monkeypatch.setattr(hello, "unpack_hello", spy)
    client = meeting.make_client(pins=(), password_key=OTHER_PASSWORD, player_key=PLAYER)
    converse(meeting, client)

    assert set(seen) == {(Pattern.IKPSK0, 96 + len(b"I am Ada")), (Pattern.NK, 48)}


def test_a_silent_server_with_a_password_is_no_wrong_password() -> None:
    """Nothing is claimed that nobody said: without any answer the failure stays "no answer"."""
    meeting = meeting_with(PASSWORD)
    client = meeting.make_client(password_key=PASSWORD)
    client.receive(meeting.challenge(client), 0.0)
    sent = [data[0] for step in range(500) for data in client.datagrams_to_send(step / 100)]

    assert client.expired(5.0)
    assert client.failure is HandshakeFailure.NO_ANSWER
    assert sent.count(hello.DatagramType.INIT) > 3, "the doubt asks, too"


def test_a_slow_answer_to_a_good_password_still_counts() -> None:
    """The question beside it must not end an attempt that is about to succeed."""
    meeting = meeting_with(PASSWORD)
    client = meeting.make_client(password_key=PASSWORD)
    _, request = meeting.request(client)
    reply = meeting.server.accept(request, 7, b"", 0.0)
    doubt = [data for data in client.datagrams_to_send(2.5) if data[0] == hello.DatagramType.INIT]

    assert len(doubt) == 1
    assert isinstance(client.receive(reply, 2.6), Accepted)


@pytest.mark.parametrize("seed", range(10))
def test_a_good_password_gets_in_over_a_bad_link(seed: int) -> None:
    """One in ten lost each way: nobody is told that a good password is wrong."""
    chance, meeting = random.Random(seed), meeting_with(PASSWORD)
    client, verdict = meeting.make_client(password_key=PASSWORD), None
    for now in (step / 100 for step in range(500)):
        for data in client.datagrams_to_send(now):
            outcomes = [] if chance.random() < 0.1 else meeting.server.receive(data, HERE, now)
            for outcome in outcomes:
                fresh = isinstance(outcome, Requested)
                reply = meeting.server.accept(outcome.request, 7, b"", now) if fresh else outcome.data  # type: ignore[union-attr]  # told by `fresh`
                verdict = verdict or (None if chance.random() < 0.1 else client.receive(reply, now))

    assert isinstance(verdict, Accepted)


def test_downgrade_a_client_with_a_password_takes_no_server_without_one() -> None:
    """An impostor at a first contact would offer just that; only who knows the password may be the server."""
    meeting = meeting_with(None)
    client = meeting.make_client(pins=(), password_key=PASSWORD)
    _, verdict = converse(meeting, client)

    assert verdict is None
    assert client.expired(6.0)
    assert client.failure is HandshakeFailure.NO_PASSWORD


def test_downgrade_a_server_with_a_password_behind_a_forged_offer_stays_closed() -> None:
    """Taking the password out of CHALLENGE stops the client that has one; putting it in fails at the prologue."""
    for server, client_has, patterns in ((PASSWORD, PASSWORD, 0b0101), (None, PASSWORD, 0b1111)):
        meeting = meeting_with(server)
        client = meeting.make_client(password_key=client_has)
        challenge = hello.unpack_challenge(meeting.challenge(client))
        assert challenge is not None
        client.receive(hello.pack_challenge(challenge._replace(patterns=patterns)), 0.0)
        for said in client.datagrams_to_send(0.0):
            assert not meeting.server.receive(said, HERE, 0.0)


@pytest.mark.parametrize("place", [31, 32, 33], ids=["suite", "pattern", "key index"])
@PASSWORDS
@HAVES
def test_downgrade_by_editing_what_hello_chose_fails(place: int, password: bytes | None, *, has_key: bool) -> None:
    """Each other value of suite, pattern and key index, at a server that honours two keys."""
    meeting = meeting_with(password, Identity(b"\x01" * 32, Identity(b"\x02" * 32)))
    said = meeting.hello(meeting.make_client(password_key=password, player_key=PLAYER if has_key else None))
    for value in set(range(256)) - {said[place]}:
        assert meeting.server.receive(said[:place] + bytes([value]) + said[place + 1 :], HERE, 0.0) == []
    assert meeting.server.pending == 0

    [outcome] = meeting.server.receive(said, HERE, 0.0)
    assert isinstance(outcome, Requested)


def test_a_password_server_never_asks_the_application_about_strangers() -> None:
    """Neither for a hello without password, nor for one with another."""
    for key in (None, OTHER_PASSWORD):
        meeting = meeting_with(PASSWORD)
        said = meeting.hello(meeting.make_client(password_key=key))

        assert not [o for o in meeting.server.receive(said, HERE, 0.0) if isinstance(o, Requested)]


@pytest.mark.slow
def test_each_wrong_password_is_noted_once_and_few_are_remembered() -> None:
    """Though each attempt asks again and again: the owner's log is for people. Seventy leave 64 behind."""
    meeting = meeting_with(PASSWORD)
    for _ in range(70):
        said = meeting.hello(meeting.make_client(password_key=OTHER_PASSWORD))
        for _ in range(3):
            assert meeting.server.receive(said, HERE, 0.0) == []
    noted = meeting.server.take_refusals()

    assert noted == 70 * [ConnectRefused(HERE, DisconnectReason.WRONG_PASSWORD, "the password is wrong")]
    assert meeting.server.take_refusals() == []
    assert len(meeting.server._wrong_passwords) == 64


def test_a_password_becomes_a_key() -> None:
    """The same on both ends however it was typed; another for another password or game."""
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    key = password_key(composed, APPLICATION)

    assert len(key) == 32
    assert password_key(decomposed, APPLICATION) == key
    salt = b"ecsnet password" + APPLICATION
    assert key == hashlib.scrypt(composed.encode(), salt=salt, n=32768, r=8, p=1, maxmem=1 << 26, dklen=32)
    assert password_key("cafe", APPLICATION) != key
    assert password_key(composed, bytes(16)) != key


def test_no_password_is_not_an_empty_one() -> None:
    """A server started with a blank in a script's variable must not believe itself protected."""
    with pytest.raises(LocalProtocolError, match="empty"):
        password_key("", APPLICATION)
    with pytest.raises(LocalProtocolError, match="32 bytes, not 3"):
        Meeting().make_client(password_key=b"abc")
    with pytest.raises(LocalProtocolError, match="32 bytes, not 3"):
        meeting_with(b"abc")


# Players' keys.


def test_low_order_keys_as_a_players_key_are_dropped_silently(published: Published) -> None:
    """A client that shows one could pretend that its secret is known to it, since every secret with it is zero."""
    for public in map(bytes.fromhex, published("x25519-low-order.json")["public_keys"]):
        refuse_low_order(public)


@pytest.mark.parametrize("public", [bytes(32), b"\x01" + bytes(31)], ids=["zero", "one"])
def test_the_two_plainest_low_order_keys_are_dropped(public: bytes) -> None:
    """The same without the published list."""
    refuse_low_order(public)


def refuse_low_order(public: bytes) -> None:
    class Forger:
        """A private key that claims another public key; what it computes does not matter, it fails before."""

        def public_key(self) -> "Forger":
            return self

        def public_bytes_raw(self) -> bytes:
            return public

        def exchange(self, _: object) -> bytes:
            return bytes(32)

    player = Identity(b"\x05" * 32)
    player.private_key = Forger()  # type: ignore[assignment]  # the point
    meeting = meeting_with(None)
    said = meeting.hello(meeting.make_client(player_key=player))

    assert meeting.server.receive(said, HERE, 0.0) == []
    assert meeting.server.dropped == {HandshakeDrop.NOT_AUTHENTIC: 1}
    assert meeting.server.pending == 0


def test_somebody_elses_public_key_is_no_players_key() -> None:
    """Who claims Ada's public key without the private half says nothing the server can read."""
    thief = Identity(b"\x06" * 32)

    class Thief:
        def public_key(self) -> object:
            return PLAYER.private_key.public_key()

        def exchange(self, other: Any) -> bytes:
            return thief.private_key.exchange(other)

    pretender = Identity(b"\x06" * 32)
    pretender.private_key = Thief()  # type: ignore[assignment]  # the point
    meeting = meeting_with(None)
    said = meeting.hello(meeting.make_client(player_key=pretender))

    assert meeting.server.receive(said, HERE, 0.0) == []
    assert meeting.server.dropped == {HandshakeDrop.NOT_AUTHENTIC: 1}


# Two server keys.


def rotating() -> tuple[Identity, Identity]:
    former = Identity(b"\x02" * 32)
    return Identity(b"\x01" * 32, former), former


@pytest.mark.parametrize("pinned", ["current", "former", "both", "any"])
def test_while_a_key_is_replaced_either_pin_will_do(pinned: str) -> None:
    """Silently; the current one is taken where it may be, and whoever came by the former one learns the current."""
    current, former = rotating()
    pins = {
        "current": (current.public,),
        "former": (former.public,),
        "both": (former.public, current.public),
        "any": (),
    }
    meeting = meeting_with(None, current)
    _, accepted = meeting.accept(meeting.make_client(pins=pins[pinned]))

    assert accepted.server_key == (former if pinned == "former" else current).public
    assert accepted.current_key == current.public


def test_a_challenge_with_two_keys_amplifies_nothing() -> None:
    """101 bytes for 1200."""
    meeting = meeting_with(None, rotating()[0])
    challenge = meeting.challenge(meeting.make_client(pins=()))

    assert len(challenge) == 101 < 1200 / 10


def test_a_retired_key_is_a_wrong_key() -> None:
    """Who did not come by in time has to be told the new one."""
    current, former = rotating()
    meeting = meeting_with(None, Identity(current.private_bytes()))
    client = meeting.make_client(pins=(former.public,))
    converse(meeting, client)

    assert client.failure is HandshakeFailure.KEY_MISMATCH
    assert client.unpinned_key == current.public


def test_nobody_slips_a_new_key_under_a_pinned_one() -> None:
    """A CHALLENGE with the true key as the former and the attacker's as the current one teaches nobody anything."""
    attacker = Identity(b"\x07" * 32)
    meeting = Meeting()
    client = meeting.make_client()
    challenge = hello.unpack_challenge(meeting.challenge(client))
    assert challenge is not None
    forged = challenge._replace(server_key=attacker.public, former_key=meeting.identity.public)
    client.receive(hello.pack_challenge(forged), 0.0)
    [said] = client.datagrams_to_send(0.0)
    plain = said[:33] + b"\0" + said[34:]

    assert said[33] == 1
    assert meeting.server.receive(said, HERE, 0.0) == []
    assert meeting.server.receive(plain, HERE, 0.0) == []


def test_an_edited_byte_of_a_challenge_with_two_keys_brings_nobody_in() -> None:
    """All 101 of them, also for a client that uses the former key; and cut to 69 the current key is all there is."""
    current, former = rotating()
    for place in range(101):
        meeting = meeting_with(None, current)
        client = meeting.make_client(pins=(former.public,))
        challenge = meeting.challenge(client)
        client.receive(touched(challenge, place, 1), 0.0)
        for said in client.datagrams_to_send(0.0):
            outcomes = meeting.server.receive(said, HERE, 0.0)
            assert all(isinstance(outcome, Reply) for outcome in outcomes), place
    meeting = meeting_with(None, current)
    client = meeting.make_client(pins=())
    client.receive(meeting.challenge(client)[:69], 0.0)
    [said] = client.datagrams_to_send(0.0)
    assert meeting.server.receive(said, HERE, 0.0) == []


def test_a_key_index_without_a_key_costs_no_key_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a server with one key and of one with two."""
    monkeypatch.setattr(serverhandshake, "HandshakeState", None)
    for identity, first in ((Identity(b"\x01" * 32), 1), (rotating()[0], 2)):
        meeting = meeting_with(None, identity)
        said = meeting.hello(meeting.make_client())
        for index in range(first, 256):
            assert meeting.server.receive(said[:33] + bytes([index]) + said[34:], HERE, 0.0) == []
        assert meeting.server.dropped == {HandshakeDrop.UNSUPPORTED: 256 - first}


def test_the_doubt_has_a_limit() -> None:
    """HandshakeConfig.password_doubt_seconds is what is waited, also through the connection's deadlines."""
    meeting = meeting_with(PASSWORD)
    meeting.config = replace(meeting.config, password_doubt_seconds=0.6)
    meeting.server = meeting.make_server(meeting.identity, PASSWORD)
    client = meeting.make_client(password_key=OTHER_PASSWORD)
    meeting.hello(client)
    deadlines = []
    now = 0.0
    while (deadline := client.next_deadline()) is not None and now < 0.6:
        now = deadline
        deadlines.append(now)
        client.datagrams_to_send(now)

    assert 0.6 in deadlines
