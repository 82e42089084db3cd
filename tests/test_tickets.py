"""Resume tickets among people who want another player's place: edited, reused, stolen, foreign, old."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecsnet.admission import Credentials, Welcome
from ecsnet.arrival import Arrival
from ecsnet.config import ServerConfig
from ecsnet.errors import TokenError
from ecsnet.events import Connected, ConnectRequested
from ecsnet.peer import Peer
from ecsnet.protocol import LOST_REASONS, DisconnectReason
from ecsnet.sessions import Session, Sessions, Ticket

KEY, FORMER, OTHER = (bytes([number]) * 32 for number in (1, 2, 3))
ADA = b"a" * 32


def make(*keys: bytes, seed: int = 0, grace: float = 20.0) -> Sessions:
    return Sessions(
        keys or (KEY,), config=ServerConfig(resume_grace_seconds=grace), entropy=random.Random(seed).randbytes
    )


def player(client_id: int = 1, player_key: bytes = b"") -> Peer:
    arrival = Arrival(name="Ada", address=("192.0.2.1", 1), player_key=player_key)
    return Peer(None, client_id, frozenset(), arrival)  # type: ignore[arg-type]  # no packet is sent here


def begun(sessions: Sessions, player_key: bytes = b"") -> tuple[Session, bytes]:
    """Return a session and the first ticket of it."""
    session_id = sessions.new_id()
    sessions.begin(session_id, player(1, player_key), 1)
    session = sessions.get(1)
    assert session is not None
    return session, sessions.seal(Ticket(1, session_id, 1))


def test_a_ticket_finds_its_session() -> None:
    sessions = make()
    session, ticket = begun(sessions)

    assert len(ticket) == 56
    assert sessions.find(ticket, b"") is session
    assert sessions.find(b"", b"") is None


def test_bit_flips_and_cuts_of_every_byte_of_a_ticket_are_refused() -> None:
    """Forged, not old: its holder is told, and does not become a new player by it."""
    sessions = make()
    _, ticket = begun(sessions)
    for place in range(len(ticket)):
        for bit in range(8):
            with pytest.raises(TokenError, match="not one of this server's"):
                sessions.find(ticket[:place] + bytes([ticket[place] ^ 1 << bit]) + ticket[place + 1 :], b"")
        with pytest.raises(TokenError):
            sessions.find(ticket[:place] or b"\0", b"")
    with pytest.raises(TokenError):
        sessions.find(ticket + b"\0", b"")


@settings(deadline=None)
@given(data=st.binary(min_size=1, max_size=100))
def test_any_bytes_are_refused_without_more(data: bytes) -> None:
    sessions = make()
    begun(sessions)
    with pytest.raises(TokenError):
        sessions.find(data, b"")


def test_a_ticket_of_another_server_is_refused() -> None:
    """The seal follows from the private key; while that is replaced, the former one still opens."""
    _, ticket = begun(make(OTHER))
    with pytest.raises(TokenError):
        make(KEY, FORMER).find(ticket, b"")
    _, old = begun(make(FORMER))

    assert make(KEY, FORMER).find(old, b"") is None, "sealed here, but the session is gone"


def test_an_old_ticket_fits_no_other_player_after_a_restart() -> None:
    """Client ids begin anew, so the session's random name decides."""
    _, ticket = begun(make(seed=1))
    restarted = make(seed=2)
    begun(restarted)

    assert restarted.find(ticket, b"") is None


def test_ticket_reuse_finds_nothing() -> None:
    """Once the next one is confirmed; until then the first counts, since the next may never have arrived."""
    sessions = make()
    session, first = begun(sessions)
    second = sessions.offer(session)
    assert sessions.find(first, b"") is session
    assert sessions.find(sessions.seal(second), b"") is session, "welcomed, and cut off before it could confirm"
    sessions.resume(session, player(), second.serial)

    assert sessions.find(first, b"") is None
    assert sessions.find(sessions.seal(second), b"") is session


def test_of_two_that_show_one_ticket_only_one_has_a_ticket_afterwards() -> None:
    """A thief who was faster is thrown out of the race by the owner's confirmation, and the other way round."""
    sessions = make()
    session, _ = begun(sessions)
    owners, thiefs = sessions.offer(session), sessions.offer(session)
    sessions.resume(session, player(), owners.serial)

    assert sessions.find(sessions.seal(thiefs), b"") is None
    assert session.offered == []


def test_a_stolen_ticket_is_worth_nothing_without_the_players_key() -> None:
    """If the player has one; who has none can be robbed, but only by somebody who reads the client's memory."""
    sessions = make()
    session, ticket = begun(sessions, ADA)

    assert sessions.find(ticket, ADA) is session
    assert sessions.find(ticket, b"") is None
    assert sessions.find(ticket, b"b" * 32) is None


def test_tickets_on_offer_have_a_limit() -> None:
    """Whoever begins to come back a thousand times leaves no trace of a thousand."""
    sessions = make()
    session, first = begun(sessions)
    tickets = [sessions.seal(sessions.offer(session)) for _ in range(1000)]

    assert len(session.offered) == 8
    assert [sessions.find(ticket, b"") is session for ticket in (first, tickets[0], tickets[-9], tickets[-8])] == [
        True, False, False, True,
    ]  # fmt: skip


@pytest.mark.parametrize("reason", list(DisconnectReason))
def test_only_a_broken_connection_keeps_its_place(reason: DisconnectReason) -> None:
    """Who left, was kicked or broke the protocol is gone; to the second, the time of grace is what was configured."""
    sessions = make()
    _, ticket = begun(sessions)
    kept = sessions.lose(player(), reason, "why", 100.0)

    assert kept == (reason in LOST_REASONS) == (len(sessions) == 1)
    assert (sessions.find(ticket, b"") is not None) == kept
    assert list(sessions.take_expired(119.9)) == []
    assert [session.ending for session in sessions.take_expired(120.0)] == [(reason, "why")] * kept
    assert sessions.find(ticket, b"") is None
    assert len(sessions) == 0


def test_without_grace_there_are_no_tickets_and_no_randomness_is_used() -> None:
    """And whatever is shown as one is ignored: its holder joins as ever."""
    sessions = Sessions((KEY,), config=ServerConfig(), entropy=lambda _: pytest.fail("randomness"))
    sessions.begin(sessions.new_id(), player(), 1)

    assert sessions.seal(Ticket(1, b"", 1)) == b""
    assert sessions.find(b"anything", b"") is None
    assert not sessions.lose(player(), DisconnectReason.TIMEOUT, "", 0.0)


def test_a_repr_shows_neither_tokens_nor_tickets() -> None:
    """They must not end up in a log, where whoever reads it could use them."""
    secret = b"secret 12345"
    shown = [
        Credentials("Ada", bytes(16), secret, secret),
        Welcome(1, 3, secret),
        ConnectRequested(1, ("192.0.2.1", 1), secret),
        Connected(None, secret),  # type: ignore[arg-type]  # only shown
        make(),
    ]

    assert "secret" not in repr(shown)
    assert KEY.hex() not in repr(shown)
