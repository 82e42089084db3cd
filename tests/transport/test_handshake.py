"""The handshake between a client and a server that mean well: loss, duplicates, refusals, bounds."""

import random
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest

from ecsnet import protocol
from ecsnet.config import SUITES, HandshakeConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.protocol import DisconnectReason
from ecsnet.transport import hello
from ecsnet.transport.handshake import (
    HANDSHAKE_BIT,
    Accepted,
    ClientHandshake,
    ClientHandshakeState,
    HandshakeDrop,
    HandshakeFailure,
    Refused,
    Reply,
    Requested,
)
from ecsnet.transport.identity import Identity
from tests.transport.meeting import HERE, Meeting, verdict_of

BOTH_SUITES = pytest.mark.parametrize("suite", SUITES)


@BOTH_SUITES
def test_a_client_comes_in(suite: str) -> None:
    """Both sides end with the same keys, and everything said arrived."""
    meeting = Meeting()
    client = meeting.make_client(suite=suite)
    request, accepted = meeting.accept(client)

    assert (request.address, request.credentials) == (HERE, b"I am Ada")
    assert (accepted.connection_id, accepted.payload) == (7, b"welcome")
    assert accepted.server_key == meeting.identity.public
    assert client.state is ClientHandshakeState.ANSWERED
    keys = request.keys
    assert keys is not None
    assert keys.handshake_hash == accepted.keys.handshake_hash
    assert keys.receive.open(0, b"up", accepted.keys.send.seal(0, b"up", b"question")) == b"question"
    assert accepted.keys.receive.open(0, b"down", keys.send.seal(0, b"down", b"answer")) == b"answer"
    assert keys.send.open(1, b"up", accepted.keys.send.seal(1, b"up", b"question")) is None, (
        "each direction has its own"
    )


def test_every_datagram_is_told_by_its_first_byte_and_has_its_size() -> None:
    """INIT and HELLO are large so that no answer is larger; the bit keeps them apart from packets."""
    meeting = Meeting()
    client = meeting.make_client()
    [init] = client.datagrams_to_send(0.0)
    [challenge] = meeting.server.receive(init, HERE, 0.0)
    assert isinstance(challenge, Reply)
    client.receive(challenge.data, 0.0)
    [said] = client.datagrams_to_send(0.0)
    [outcome] = meeting.server.receive(said, HERE, 0.0)
    assert isinstance(outcome, Requested)
    reply = meeting.server.accept(outcome.request, 7, b"", 0.0)
    datagrams = [init, challenge.data, said, reply]

    assert [data[0] for data in datagrams] == [0x81, 0x82, 0x83, 0x84]
    assert all(data[0] & HANDSHAKE_BIT for data in datagrams)
    assert [len(data) for data in datagrams] == [1200, 69, 1200, 78]


def test_the_longest_credentials_and_payloads_fit() -> None:
    """Neither HELLO nor REPLY grows beyond 1200 bytes."""
    meeting = Meeting()
    longest = bytes(hello.max_payload_bytes(1200))
    client = meeting.make_client(credentials=bytes(hello.max_credentials_bytes(1200)))
    said, request = meeting.request(client)
    assert len(said) == 1200
    reply = meeting.server.refuse(request, 65535, "x" * 255, longest, 0.0)

    assert len(reply) == 1200
    assert client.receive(reply, 0.0) == Refused(65535, "x" * 255, longest, meeting.identity.public)


@pytest.mark.parametrize("lost", range(4))
def test_any_single_loss_is_survived(lost: int) -> None:
    """INIT, CHALLENGE, HELLO or REPLY: what is missing is sent again."""
    assert within(1.0, run(Meeting(lost), lambda number: number == lost))


@pytest.mark.parametrize("seed", range(10))
def test_a_quarter_lost_is_survived(seed: int) -> None:
    """Each datagram of either direction on its own."""
    chance = random.Random(seed)

    assert within(5.0, run(Meeting(seed), lambda _: chance.random() < 0.25))


def run(meeting: Meeting, loses: Callable[[int], bool]) -> Iterator[tuple[float, Accepted | Refused | None]]:
    """Run a handshake in steps of 10 ms over a network that loses what `loses(number)` says; yield (now, verdict)."""
    client, number = meeting.make_client(), 0
    for now in (step / 100 for step in range(600)):
        verdict = None
        for data in client.datagrams_to_send(now):
            number += 1
            for outcome in [] if loses(number - 1) else meeting.server.receive(data, HERE, now):
                reply = answer(meeting, outcome, now)
                number += 1
                verdict = verdict or (None if loses(number - 1) else client.receive(reply, now))
        yield now, verdict


def answer(meeting: Meeting, outcome: Reply | Requested, now: float) -> bytes:
    if isinstance(outcome, Reply):
        return outcome.data
    return meeting.server.accept(outcome.request, 7, b"welcome", now)


def within(seconds: float, steps: Iterator[tuple[float, Accepted | Refused | None]]) -> bool:
    return any(isinstance(verdict, Accepted) for now, verdict in steps if now <= seconds)


def test_the_same_seed_gives_the_same_bytes() -> None:
    """Nothing but `entropy` is random, so a simulation is reproduced whole."""
    first, again, other = (meeting.hello(meeting.make_client()) for meeting in (Meeting(1), Meeting(1), Meeting(2)))

    assert first == again != other


def send_times(client: ClientHandshake) -> list[float]:
    return [step / 1000 for step in range(6000) if client.datagrams_to_send(step / 1000)]


def test_a_step_is_repeated_at_0_250_500_1000_ms_and_on_until_5_seconds() -> None:
    """Every pause is changed by at most 10 %, and not always the same."""
    times = [send_times(Meeting(seed).make_client()) for seed in range(20)]
    pauses = [[later - earlier for earlier, later in pairwise(sent)] for sent in times]

    for sent, between in zip(times, pauses, strict=True):
        assert sent[0] == 0.0
        assert 4.4 < sent[-1] < 5.0
        assert all(
            0.9 * nominal <= pause <= 1.1 * nominal + 0.001
            for pause, nominal in zip(between, [0.25, 0.25, *[0.5] * 20], strict=False)
        )
    assert len({tuple(sent) for sent in times}) == len(times)


def test_hello_starts_its_own_schedule() -> None:
    """It goes out at once, however often INIT was repeated before."""
    meeting = Meeting()
    client = meeting.make_client()
    challenge = meeting.challenge(client)
    client.datagrams_to_send(0.3)
    client.receive(challenge, 0.4)

    assert client.next_deadline() == 0.4
    assert [data[0] for data in client.datagrams_to_send(0.4)] == [hello.DatagramType.HELLO]
    assert client.datagrams_to_send(0.5) == []
    assert [data[0] for data in client.datagrams_to_send(0.7)] == [hello.DatagramType.HELLO]


def test_a_client_gives_up_after_5_seconds() -> None:
    """And says that nobody answered; what comes later is late."""
    meeting = Meeting()
    client = meeting.make_client(now=100.0)
    challenge = meeting.challenge(client, now=100.0)
    assert not client.expired(104.9)

    assert client.expired(105.0)
    assert client.failure is HandshakeFailure.NO_ANSWER
    assert client.receive(challenge, 105.0) is None
    assert client.datagrams_to_send(105.0) == []
    assert client.state is ClientHandshakeState.CHALLENGING


def test_nothing_is_due_once_answered() -> None:
    """Neither datagrams nor deadlines, and it does not expire."""
    meeting = Meeting()
    client = meeting.make_client()
    meeting.accept(client)

    assert client.next_deadline() is None
    assert client.datagrams_to_send(1.0) == []
    assert not client.expired(100.0)


def test_the_identical_hello_gets_the_identical_reply() -> None:
    """Repeated because the REPLY was lost; the server must not do the exchange again, or the keys would differ."""
    meeting = Meeting()
    said, request = meeting.request(meeting.make_client())
    assert meeting.server.receive(said, HERE, 0.1) == [], "not answered yet: no second question either"
    reply = meeting.server.accept(request, 7, b"", 0.2)

    assert meeting.server.receive(said, HERE, 0.3) == [Reply(reply)]
    assert meeting.server.receive(said, HERE, 4.9) == [Reply(reply)]


def test_another_hello_of_the_same_attempt_is_ignored() -> None:
    """A client that answered two challenges: the first HELLO to arrive counts."""
    meeting = Meeting()
    client = meeting.make_client()
    [init] = client.datagrams_to_send(0.0)
    for now in (0.0, 0.25):
        [challenge] = meeting.server.receive(init, HERE, now)
        assert isinstance(challenge, Reply)
        client.receive(challenge.data, now)
    first, second = client.datagrams_to_send(0.3)
    [outcome] = meeting.server.receive(second, HERE, 0.3)
    assert isinstance(outcome, Requested)

    assert meeting.server.receive(first, HERE, 0.3) == []
    assert meeting.server.dropped[HandshakeDrop.OTHER_HELLO] == 1
    accepted = client.receive(meeting.server.accept(outcome.request, 7, b"", 0.4), 0.4)
    assert isinstance(accepted, Accepted), "the client knows which of its HELLOs was answered"
    assert outcome.request.keys is not None
    assert accepted.keys.handshake_hash == outcome.request.keys.handshake_hash


def test_duplicates_of_everything_change_nothing() -> None:
    """One question to the application, one verdict to the client."""
    meeting = Meeting()
    client = meeting.make_client()
    challenge = meeting.challenge(client)
    assert [client.receive(challenge, 0.0) for _ in range(3)] == [None] * 3
    [said] = client.datagrams_to_send(0.0)
    outcomes = [outcome for _ in range(3) for outcome in meeting.server.receive(said, HERE, 0.0)]
    [requested] = outcomes
    assert isinstance(requested, Requested)
    reply = meeting.server.accept(requested.request, 7, b"", 0.0)

    assert [type(client.receive(reply, 0.0)).__name__ for _ in range(3)] == ["Accepted", "NoneType", "NoneType"]


@pytest.mark.parametrize("start", [0.0, 0.569])
def test_a_confirmed_handshake_cannot_be_replayed(start: float) -> None:
    """For ten seconds its HELLO is known as dealt with, after that its cookie is stale: never a second question."""
    meeting = Meeting()
    said, request = meeting.request(meeting.make_client(now=start), now=start)
    meeting.server.accept(request, 7, b"", start)
    meeting.server.confirm(request)
    assert meeting.server.pending == 0

    for now in (start + step / 10 for step in range(200)):
        meeting.server.update(now)
        assert meeting.server.receive(said, HERE, now) == []
    assert meeting.server.dropped[HandshakeDrop.DUPLICATE] > 0
    assert meeting.server.dropped[HandshakeDrop.BAD_COOKIE] > 0


def test_confirming_twice_or_late_does_nothing() -> None:
    """The first packet may come when the pending entry is already gone."""
    meeting = Meeting()
    _, request = meeting.request(meeting.make_client())
    meeting.server.update(6.0)
    meeting.server.confirm(request)
    meeting.server.confirm(request)

    assert meeting.server.pending == 0


# Refusals.


def test_a_refusal_says_why() -> None:
    """With a code for the program, a text for people and a payload for both."""
    meeting = Meeting()
    client = meeting.make_client()
    _, request = meeting.request(client)
    reply = meeting.server.refuse(request, DisconnectReason.SERVER_FULL, "all 8 places are taken", b"details", 0.0)

    assert client.receive(reply, 0.0) == Refused(
        DisconnectReason.SERVER_FULL, "all 8 places are taken", b"details", meeting.identity.public
    )
    assert request.keys is None
    assert not client.expired(100.0)


@pytest.mark.parametrize(
    ("text", "arrives"), [("ä" * 200, "ä" * 127), ("x" * 300, "x" * 255), ("\ud800", "?"), ("", "")]
)
def test_a_long_text_is_cut_at_a_character(text: str, arrives: str) -> None:
    """255 bytes of UTF-8; whatever text the application has, a refusal can be sent."""
    meeting = Meeting()
    client = meeting.make_client()
    _, request = meeting.request(client)
    refused = client.receive(meeting.server.refuse(request, 5, text, b"", 0.0), 0.0)

    assert isinstance(refused, Refused)
    assert refused.text == arrives


def test_another_game_is_refused_without_asking() -> None:
    """Authentic and at once, rather than by silence."""
    meeting = Meeting()
    client = meeting.make_client(application_id=b"another game's..")
    [outcome] = meeting.server.receive(meeting.hello(client), HERE, 0.0)
    refused = verdict_of(client, outcome)

    assert isinstance(refused, Refused)
    assert (refused.code, refused.text) == (DisconnectReason.WRONG_GAME, "the server runs another game")


@pytest.mark.parametrize("player_key", [None, Identity(bytes(32)), Identity(bytes([1] * 32))])
@pytest.mark.parametrize("application_id", [b"a reserved one..", b"another game's.."])
def test_a_reserved_application_exists_for_certain_keys_alone(
    player_key: Identity | None, application_id: bytes
) -> None:
    """Others hear the same, in as many bytes, as whoever plays another game; the password is not theirs, either."""
    meeting = Meeting()
    reserved = {b"a reserved one..": {Identity(bytes([1] * 32)).public}}
    meeting.server = meeting.make_server(meeting.identity, password_key=bytes(32), reserved=reserved)
    client = meeting.make_client(application_id=application_id, player_key=player_key)
    [outcome] = meeting.server.receive(meeting.hello(client), HERE, 0.0)

    if application_id in reserved and player_key is not None and player_key.public in reserved[application_id]:
        assert isinstance(outcome, Requested)
        assert outcome.request.application_id == application_id
    else:
        assert isinstance(outcome, Reply)
        assert len(outcome.data) == 9 + 48 + 4 + len("the server runs another game")
        refused = verdict_of(client, outcome)
        assert isinstance(refused, Refused)
        assert (refused.code, refused.text) == (DisconnectReason.WRONG_GAME, "the server runs another game")


def test_another_version_is_refused_without_asking(monkeypatch: pytest.MonkeyPatch) -> None:
    """The client goes on although CHALLENGE does not offer its version, to learn it from somebody it can believe."""
    meeting = Meeting()
    with monkeypatch.context() as patch:
        patch.setattr(protocol, "PROTOCOL_VERSION", 2)
        client = meeting.make_client()
        [init] = client.datagrams_to_send(0.0)
    [challenge] = meeting.server.receive(init, HERE, 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(protocol, "PROTOCOL_VERSION", 2)
        assert verdict_of(client, challenge) is None
        [said] = client.datagrams_to_send(0.0)
    [outcome] = meeting.server.receive(said, HERE, 0.0)
    refused = verdict_of(client, outcome)

    assert client.failure is HandshakeFailure.VERSION_MISMATCH
    assert isinstance(refused, Refused)
    assert refused.code == DisconnectReason.VERSION_MISMATCH
    assert refused.text == "the server speaks protocol version 1, the client 2"


def test_a_refused_client_gets_its_refusal_again() -> None:
    """The first may be lost."""
    meeting = Meeting()
    said, request = meeting.request(meeting.make_client())
    reply = meeting.server.refuse(request, 4, "full", b"", 0.0)

    assert meeting.server.receive(said, HERE, 0.5) == [Reply(reply)]


# Bounds.


def test_64_handshakes_are_pending_at_most() -> None:
    """More are dropped until places are free again: by confirmation or after 5 seconds."""
    meeting = Meeting()
    requests = [meeting.request(meeting.make_client(), (f"192.0.2.{i}", 4000))[1] for i in range(64)]
    client = meeting.make_client()
    said = meeting.hello(client, ("198.51.100.1", 1))
    assert meeting.server.receive(said, ("198.51.100.1", 1), 0.0) == []
    assert meeting.server.dropped[HandshakeDrop.TOO_MANY_PENDING] == 1

    meeting.server.confirm(requests[10])
    assert len(meeting.server.receive(said, ("198.51.100.1", 1), 0.0)) == 1
    assert meeting.server.pending == 64
    assert meeting.server.next_deadline() == 5.0
    meeting.server.update(5.0)
    assert meeting.server.pending == 0
    assert meeting.server.next_deadline() is None


@pytest.mark.parametrize(
    ("others", "same", "different"),
    [
        (["192.0.2.1"] * 4, "192.0.2.1", "192.0.2.2"),
        ([f"2001:db8::{i}" for i in range(1, 5)], "2001:db8:0:0:ffff::9", "2001:db8:0:1::1"),
        ([f"fe80::{i}%eth{i}" for i in range(1, 5)], "fe80::9%eth0", "fe81::1"),
        (["::ffff:192.0.2.1"] * 4, "192.0.2.1", "::ffff:192.0.2.2"),
        (["a simulated host"] * 4, "a simulated host", "another"),
    ],
)
def test_4_handshakes_of_one_network_are_pending_at_most(others: list[str], same: str, different: str) -> None:
    """An IPv4 address or an IPv6 /64: one household must not fill the waiting room."""
    meeting = Meeting()
    requests = [meeting.request(meeting.make_client(), (host, port))[1] for port, host in enumerate(others, 4000)]
    said = meeting.hello(meeting.make_client(), (same, 5000))
    assert meeting.server.receive(said, (same, 5000), 0.0) == []
    assert meeting.server.dropped[HandshakeDrop.TOO_MANY_FROM_NETWORK] == 1
    meeting.request(meeting.make_client(), (different, 5000))

    meeting.server.confirm(requests[0])
    assert len(meeting.server.receive(said, (same, 5000), 0.0)) == 1


def test_attempts_dealt_with_are_remembered_within_a_bound() -> None:
    """The oldest are forgotten first; then a replay is asked about again, and grants nothing without its keys."""
    meeting = Meeting(config=HandshakeConfig(max_settled=2))
    said, first = meeting.request(meeting.make_client())
    later = [meeting.request(meeting.make_client(), ("192.0.2.9", port))[1] for port in (1, 2)]
    meeting.server.confirm(first)
    assert meeting.server.receive(said, HERE, 0.0) == []

    for request in later:
        meeting.server.confirm(request)
    [outcome] = meeting.server.receive(said, HERE, 0.0)
    assert isinstance(outcome, Requested)


def test_what_does_not_fit_is_the_caller_s_mistake() -> None:
    """And says how much does."""
    meeting = Meeting()
    with pytest.raises(LocalProtocolError, match="1101 bytes do not fit into 1100"):
        meeting.make_client(credentials=bytes(1101))
    with pytest.raises(LocalProtocolError, match="16 bytes, not 3"):
        meeting.make_client(application_id=b"abc")
    _, request = meeting.request(meeting.make_client())
    with pytest.raises(LocalProtocolError, match="885 bytes does not fit into 884"):
        meeting.server.accept(request, 7, bytes(885), 0.0)

    meeting.server.accept(request, 7, bytes(884), 0.0)


def test_a_request_is_answered_once_and_in_time() -> None:
    """Afterwards there is nobody to answer."""
    meeting = Meeting()
    _, request = meeting.request(meeting.make_client())
    meeting.server.accept(request, 7, b"", 0.0)
    with pytest.raises(LocalProtocolError, match="twice"):
        meeting.server.refuse(request, 4, "", b"", 0.0)
    _, late = meeting.request(meeting.make_client())
    meeting.server.update(5.0)

    with pytest.raises(LocalProtocolError, match="expired"):
        meeting.server.accept(late, 8, b"", 5.0)


def test_a_clock_that_runs_backward_is_held() -> None:
    """The latest time known holds: the cookie baked a second "later" is good, and nothing is kept the longer for it."""
    meeting = Meeting()
    client = meeting.make_client(now=1000.0)
    said = meeting.hello(client, now=1000.0)

    assert len(meeting.server.receive(said, HERE, 999.0)) == 1
    assert meeting.server.next_deadline() == 1005.0
