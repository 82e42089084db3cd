"""Servers with accounts, and servers whose owner decides: what players hear, and what they get before they are in."""

import logging
from dataclasses import replace
from functools import partial

import pytest

from ecsnet.accounts import Account, Accounts, Registration, make_account
from ecsnet.admission import Introduction
from ecsnet.arrival import Arrival
from ecsnet.client import Client
from ecsnet.components import Player
from ecsnet.config import AccountConfig, ServerConfig
from ecsnet.errors import LocalProtocolError
from ecsnet.events import PlayerJoined
from ecsnet.game import Game
from ecsnet.peer import CALLS, CASUAL_CALLS, INPUT
from ecsnet.protocol import DisconnectReason
from ecsnet.rpc import Refusal, RefusalCode
from ecsnet.testing.network import Link
from ecsnet.testing.simulation import Simulation
from ecsnet.tokens import SealedTokens, mint
from ecsnet.transport.connection import Connection
from ecsnet.transport.identity import Identity
from ecsnet.worker import Inline
from tests.simulation.meadow import Sheep, Weather, game, shear
from tests.test_accounts import Book, SlowWorker

CHEAP = AccountConfig(hash_memory_kib=8, hash_passes=1)
PASSWORD = "anna's password"  # noqa: S105  # it protects nothing
PLAYER = Identity(b"\x05" * 32)
NOT_YET = Refusal(RefusalCode.DISCONNECTED, "the server has not let us in yet")
WANTED = (DisconnectReason.BAD_ACCOUNT, "this server wants an account: give a name and a password")


def accounts_of(*names: str, registration: Registration = Registration.CLOSED) -> Accounts:
    book = Book(*[make_account(name, PASSWORD, CHEAP) for name in names])
    return Accounts(book, worker=Inline(), registration=registration, config=CHEAP)


def login(sim: Simulation, account: str = "Anna", password: str = PASSWORD, *, name: str = "") -> Client:
    return sim.join(name, account=account, account_password=password, wait=False)


@pytest.mark.parametrize("link", [Link.PERFECT, Link.POOR], ids=["perfect", "poor"])
def test_a_player_with_an_account_plays_under_its_name(link: Link, transport: str) -> None:
    """However it was typed and whatever the client calls itself; the server knows the account of each peer."""
    sim = Simulation(game, clients=0, link=link, seed=1, accounts=accounts_of("Anna"), transport=transport)
    sim.server.world.create_entity(Weather(stormy=False))
    client = login(sim, "ANNA", name="The Queen")
    sim.run_until(lambda: client.is_ready, within_seconds=10)
    peer = sim.server.peers[client.client_id]
    sheep = sim.server.world.create_entity(Sheep(wool=3))
    sim.run(2)
    reply = client.call(shear, client.receiver.entity_of(sheep), "hello")
    sim.run_until(lambda: reply.done, within_seconds=3)

    assert (peer.name, peer.account, peer.client_id) == ("Anna", "Anna", 1)
    assert [player.name for _, player in client.world.observe(Player)] == ["Anna"]
    assert sim.server.events() == [PlayerJoined(1, "Anna")]
    assert reply.ok
    if link is Link.PERFECT:
        sim.assert_converged()


@pytest.mark.parametrize(
    ("account", "password", "reason", "text"),
    [
        ("Anna", "a wrong one", DisconnectReason.BAD_ACCOUNT, "there is no account Anna with that password here"),
        ("Bert", PASSWORD, DisconnectReason.BAD_ACCOUNT, "there is no account Bert with that password here"),
        ("", "", *WANTED),
        ("A\u200bnna", PASSWORD, DisconnectReason.BAD_ACCOUNT, "cannot be the name of an account"),
    ],
)
def test_who_has_no_account_reads_why(account: str, password: str, reason: DisconnectReason, text: str) -> None:
    """Both sides say the same, at once; nobody has joined, and no number was used up."""
    sim = Simulation(game, clients=0, seed=2, accounts=accounts_of("Anna"))
    client = login(sim, account, password)
    sim.run(0.5)

    assert client.disconnected is not None
    assert client.disconnected[0] is reason
    assert text in client.disconnected[1]
    assert sim.server.events() == []
    assert not sim.server.world.get_component(Player)
    right = login(sim)
    sim.run_until(lambda: right.is_ready, within_seconds=2)
    assert right.client_id == 1


def test_open_registration_makes_the_account_of_whoever_is_first() -> None:
    """And keeps it: the next one with another password is told so."""
    accounts = accounts_of(registration=Registration.OPEN)
    sim = Simulation(game, clients=2, seed=3, accounts=accounts)
    wrong = login(sim, "player-1", "a wrong one")
    sim.run(0.5)

    assert [peer.account for peer in sim.server.peers.values()] == ["player-1", "player-2"]
    assert wrong.disconnected == (
        DisconnectReason.BAD_ACCOUNT,
        "wrong password for player-1; or somebody else has taken that name, then choose another",
    )


def test_nothing_of_the_world_is_told_and_no_place_taken_before_the_password_is_right() -> None:
    """While it is being hashed the client has a connection, and nothing else; the tick goes on."""
    worker = SlowWorker()
    accounts = Accounts(Book(make_account("Anna", PASSWORD, CHEAP)), worker=worker, config=CHEAP)
    sim = Simulation(replace_max_clients(1), clients=0, seed=4, accounts=accounts)
    client, tick = login(sim), sim.server.world.tick
    early = client.call(shear, 0, "hello")
    sim.run(7.0)  # longer than anybody may take to say who it is; this one has said it

    assert client.state.name == "CONNECTED"
    assert client.client_id == 0
    assert client.call(shear, 0, "hello").refusal == early.refusal == NOT_YET
    assert client.receiver.tick is None
    assert client.statistics.messages_received == 0
    assert sim.server.world.tick - tick > 6.9 / sim.server.world.dt
    assert len(sim.server._sessions) == 0
    worker.work()
    sim.run_until(lambda: client.is_ready, within_seconds=1)


def replace_max_clients(most: int) -> Game:
    return replace(game, max_clients=most)


def is_ready(client: Client) -> bool:
    return client.is_ready


class Silent(Client):
    """Has a connection and says nothing over it but what a test wants."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]  # whatever a client is made with
        self.conversation._handle = lambda event, now: None  # type: ignore[method-assign]  # not even what it should


def silent(sim: Simulation, monkeypatch: pytest.MonkeyPatch) -> Client:
    with monkeypatch.context() as patched:
        patched.setattr("ecsnet.testing.simulation.Client", Silent)
        client = sim.join(wait=False)
    sim.run_until(lambda: client.conversation.connection.is_connected, within_seconds=2)
    return client


def ended(sim: Simulation, client: Client) -> bool:
    return client.conversation.connection.state.name in {"CLOSING", "CLOSED"}


def test_who_does_not_say_who_it_is_within_5_seconds_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """It would hold one of few places in the lounge; exactly then, since `next_deadline` tells of it."""
    sim = Simulation(game, clients=0, seed=5, accounts=accounts_of())
    client = silent(sim, monkeypatch)
    sim.run(4.8)
    assert not ended(sim, client)
    deadline = sim.server._entrance._lounge.next_deadline()
    assert deadline is not None
    assert deadline - sim.now < 0.3
    sim.run(0.5)

    assert ended(sim, client)
    assert sim.server._entrance._lounge.next_deadline() is None


@pytest.mark.parametrize(
    "messages",
    [
        [(CALLS, b"\xff")],
        [(CALLS, Introduction("a" * 97).pack())],
        [(CALLS, Introduction("Anna", PASSWORD).pack()), (CALLS, b"\x00")],
        [(CASUAL_CALLS, b"\x00")],
        [(INPUT, bytes(8))],
    ],
    ids=["nonsense", "too long", "more", "a call", "an input"],
)
def test_who_says_anything_else_before_it_is_welcomed_breaks_the_protocol(
    monkeypatch: pytest.MonkeyPatch, messages: list[tuple[int, bytes]]
) -> None:
    """Nothing of a stranger is kept for later: it would be memory without a player."""
    sim = Simulation(game, clients=0, seed=6, accounts=accounts_of("Anna"))
    client = silent(sim, monkeypatch)
    for channel, message in messages:
        client.conversation.connection.send(channel, message)
    [connection] = sim.server._endpoint.connections.values()
    sim.run(0.2)

    assert ended(sim, client)
    assert connection.is_at_fault, "it counts as a strike"
    assert sim.server.peers == {}
    assert sim.server._entrance._lounge._waiting == {}


def test_while_a_password_is_looked_at_nothing_more_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory of strangers is an introduction each, however long the worker takes."""
    accounts = Accounts(Book(), worker=SlowWorker(), config=CHEAP)
    sim = Simulation(game, clients=0, seed=7, accounts=accounts)
    client = silent(sim, monkeypatch)
    client.conversation.connection.send(CALLS, Introduction("Anna", PASSWORD).pack())
    sim.run(0.2)
    assert not ended(sim, client)
    client.conversation.connection.send(CALLS, b"more")
    sim.run(0.2)

    assert ended(sim, client)


def test_few_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next one hears that the server is busy; when one has gone there is room again."""
    config = ServerConfig(max_introductions=2)
    sim = Simulation(game, clients=0, seed=8, accounts=accounts_of("Anna"), server_config=config)
    first, _ = silent(sim, monkeypatch), silent(sim, monkeypatch)
    third = login(sim)
    sim.run(0.5)

    assert third.disconnected == (DisconnectReason.SERVER_FULL, "the server is busy, try again")
    first.close(now=sim.now)
    sim.run(0.2)
    again = login(sim)
    sim.run_until(lambda: again.is_ready, within_seconds=1)


def test_few_of_one_network_are_asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or one household could fill the lounge."""
    monkeypatch.setattr("ecsnet.arrival.network_of", lambda address: "one network")
    config = ServerConfig(max_introductions_per_network=1)
    sim = Simulation(game, clients=0, seed=9, accounts=accounts_of("Anna"), server_config=config)
    silent(sim, monkeypatch)
    second = login(sim)
    sim.run(0.5)

    assert second.disconnected == (DisconnectReason.SERVER_FULL, "the server is busy, try again")


def test_a_password_is_said_to_no_server_that_does_not_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    """A server without accounts learns the name and nothing else."""
    sent: list[bytes] = []
    send = Connection.send

    def recorded(connection: Connection, channel: int, message: bytes, token: int | None = None) -> None:
        sent.append(message)
        send(connection, channel, message, token)

    monkeypatch.setattr(Connection, "send", recorded)
    sim = Simulation(game, clients=0, seed=10)
    client = sim.join("Ada", account="Anna", account_password=PASSWORD)
    sim.run(1)

    assert sim.server.peers[client.client_id].name == "Ada"
    assert sim.server.peers[client.client_id].account == ""
    assert sent
    assert not any(PASSWORD.encode() in message for message in sent)


def test_state_that_overtakes_the_welcome_waits_for_it() -> None:
    """The welcome is resent if it is lost, the state is not: what came is neither lost nor applied for nobody."""
    overtaken = 0
    for seed in range(20):
        link = Link(latency_seconds=0.05, jitter_seconds=0.04, loss=0.3)
        sim = Simulation(game, clients=0, link=link, seed=seed, accounts=accounts_of("Anna"))
        client = login(sim)
        while client.conversation.welcome is None:
            sim.step()
            waiting = client.conversation.session.peer.waiting
            overtaken += waiting > 0
            assert client.receiver.tick is None or client.conversation.welcome is not None
            deadline = client.next_deadline()
            assert deadline is not None
            assert deadline > sim.now - client.world.dt, "whoever waits for it must not turn in circles meanwhile"
        sim.run_until(partial(is_ready, client), within_seconds=10)

    assert overtaken > 5


def test_a_server_that_never_welcomes_fills_no_memory() -> None:
    """256 messages may overtake the welcome; then its server is no server."""
    sim = Simulation(game, clients=0, seed=11, accounts=Accounts(Book(), worker=SlowWorker(), config=CHEAP))
    client = login(sim)
    sim.run(0.5)
    [connection] = sim.server._endpoint.connections.values()
    while connection.is_connected:
        connection.send(0, bytes(50))
        sim.step()

    assert client.disconnected is not None
    assert client.disconnected[0] is DisconnectReason.PROTOCOL_ERROR
    assert client.conversation.session.peer.waiting < 300


def test_what_is_too_long_to_be_said_raises_at_once() -> None:
    """Before anything is sent; the text names the part."""
    sim = Simulation(game, clients=0, seed=12)
    for part, text in (
        ({"account": "a" * 97}, "name of an account has at most 96 bytes, not 97"),
        ({"account_password": "a" * 1025}, "password of an account has at most 1024 bytes, not 1025"),
        ({"greeting": bytes(1025)}, "greeting has at most 1024 bytes, not 1025"),
    ):
        with pytest.raises(LocalProtocolError, match=text):
            sim.join(wait=False, **part)


def test_a_book_that_fails_lets_nobody_in_and_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    """The players who are in play on."""

    class Burning(Book):
        burns = False

        def find(self, key: str) -> Account | None:
            if self.burns:
                raise OSError("on fire")
            return super().find(key)

    book = Burning(make_account("Anna", PASSWORD, CHEAP))
    sim = Simulation(game, clients=0, seed=13, accounts=Accounts(book, worker=Inline(), config=CHEAP))
    anna = login(sim)
    sim.run_until(lambda: anna.is_ready, within_seconds=2)
    book.burns = True
    with caplog.at_level(logging.CRITICAL, "ecsnet.accounts"):
        late = login(sim)
        sim.run(1)

    assert late.disconnected == (DisconnectReason.REFUSED, "the server cannot look at its accounts at the moment")
    assert anna.disconnected is None


def test_accounts_are_in_the_access_log_and_passwords_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    """For the owner who looks for somebody; quoted, since players choose them."""
    with caplog.at_level(logging.DEBUG):
        sim = Simulation(game, clients=0, seed=14, accounts=accounts_of("Anna"))
        client = login(sim)
        sim.run_until(lambda: client.is_ready, within_seconds=2)
        login(sim, "Anna", "a wrong one")
        sim.run(0.5)

    assert 'account="Anna"' in caplog.text
    assert "reason=BAD_ACCOUNT" in caplog.text
    assert PASSWORD not in caplog.text
    assert "a wrong one" not in caplog.text
    assert PASSWORD not in repr(client.conversation._introduction)


def test_a_player_who_leaves_while_its_password_is_looked_at_is_forgotten() -> None:
    """The answer finds nobody, and nobody is let in by it."""
    worker = SlowWorker()
    accounts = Accounts(Book(make_account("Anna", PASSWORD, CHEAP)), worker=worker, config=CHEAP)
    sim = Simulation(game, clients=0, seed=15, accounts=accounts)
    client = login(sim)
    sim.run(0.5)
    client.close(now=sim.now)
    sim.run(0.5)
    worker.work()
    sim.run(0.5)

    assert sim.server.peers == {}
    assert sim.server.events() == []


def test_a_worker_may_be_slower_than_the_pass() -> None:
    """Its answer is looked for in every pass, so nobody waits longer than a tick for it."""
    worker, book = SlowWorker(), Book(make_account("Anna", PASSWORD, CHEAP))
    sim = Simulation(game, clients=0, seed=16, accounts=Accounts(book, worker=worker, config=CHEAP))
    client = login(sim)
    sim.run(1)
    worker.work()
    sim.step()
    assert sim.server.events() == [PlayerJoined(1, "Anna")]
    sim.run_until(lambda: client.is_ready, within_seconds=1)


# The owner's own judgement.


def test_accept_is_told_everything_that_is_known() -> None:
    """Once for each who comes in."""
    arrivals: list[Arrival] = []
    key = SealedTokens(b"\x09" * 32)
    sim = Simulation(
        replace(game, version="1.2"), clients=0, seed=20, accounts=accounts_of("Anna"), token_key=key,
        accept=arrivals.append,
    )  # fmt: skip
    token = mint(key, "u-1", server_keys=[sim.server.public_key], unix_time=sim.now, entropy=bytes, name="Ada")
    sim.join(
        "whoever", account="Anna", account_password=PASSWORD, player_key=PLAYER, token=token, greeting=b"\x00team red"
    )

    [arrival] = arrivals
    assert (arrival.name, arrival.account, arrival.version) == ("Anna", "Anna", "1.2")
    assert (arrival.player_key, arrival.greeting) == (PLAYER.public, b"\x00team red")
    assert arrival.token is not None
    assert arrival.token.player_id == "u-1"
    assert (arrival.address, arrival.network) == (("10.0.0.1", 40000), "10.0.0.1")
    assert (arrival.returns, arrival.room) == (False, "")


def test_the_owners_answer_is_what_the_player_reads() -> None:
    """In the owner's words; nothing of a token or a place is used up by it."""
    members = {"Anna"}
    key = SealedTokens(b"\x09" * 32)
    sim = Simulation(
        replace_max_clients(1), clients=0, seed=21, token_key=key,
        accept=lambda arrival: None if arrival.name in members else f"members only, {arrival.name}",
    )  # fmt: skip
    token = mint(key, "u-1", server_keys=[sim.server.public_key], unix_time=sim.now, entropy=bytes)
    refused = sim.join("Bert", token=token, wait=False)
    sim.run(0.5)

    assert refused.disconnected == (DisconnectReason.REFUSED, "members only, Bert")
    members.add("Bert")
    assert sim.join("Bert", token=token).client_id == 2


def test_an_accept_that_fails_refuses_with_neutral_words(caplog: pytest.LogCaptureFixture) -> None:
    """Its bug is for the log of whoever runs the server; everybody else plays on."""
    sim = Simulation(game, clients=0, seed=22, accept=lambda arrival: "yes" if arrival.greeting[0] else None)
    anna = sim.join("Anna", greeting=b"\x00")
    with caplog.at_level(logging.CRITICAL, "ecsnet.reception"):
        bert = sim.join("Bert", wait=False)
        sim.run(0.5)

    assert bert.disconnected == (DisconnectReason.REFUSED, "the server cannot let you in at the moment")
    assert anna.disconnected is None
    assert anna.is_ready


@pytest.mark.parametrize(
    ("here", "there", "text"),
    [
        ("1.3", "1.2", "this server runs meadow 1.3, you have 1.2: "),
        ("1.3", "", "this server runs meadow 1.3, you have (no version): "),
        ("1.2", "1.2", "this server runs another version of meadow: "),
        ("", "", "this server runs another version of meadow: "),
    ],
)
def test_a_player_of_another_version_reads_which(here: str, there: str, text: str) -> None:
    """And where the two differ, as far as that can be said."""
    sim = Simulation(replace(game, version=here), clients=0, seed=23)
    sim.game = Game("meadow", version=there, input=game.input, components=[Sheep], systems=game.systems)
    client = sim.join(wait=False)
    sim.run(0.5)

    assert client.disconnected is not None
    assert client.disconnected[0] is DisconnectReason.SCHEMA_MISMATCH
    assert client.disconnected[1].startswith(text)
    assert len(client.disconnected[1]) > len(text)


def test_versions_of_one_schema_play_together_unless_the_owner_says_no() -> None:
    """A number is the makers' business; what fits is found out without it."""
    sim = Simulation(
        replace(game, version="1.3"), clients=0, seed=24,
        accept=lambda arrival: None if arrival.version > "1.1" else f"please update: you have {arrival.version}",
    )  # fmt: skip
    sim.game = replace(game, version="1.2")
    sim.join()
    sim.game = replace(game, version="1.1")
    old = sim.join(wait=False)
    sim.run(0.5)

    assert old.disconnected == (DisconnectReason.REFUSED, "please update: you have 1.1")


@pytest.mark.parametrize("version", ["1 2", "v" * 25, "1.2\n", 12, None])
def test_a_version_that_does_not_fit_is_a_mistake_of_the_game(version: object) -> None:
    """It has to fit the handshake beside everything else."""
    with pytest.raises(TypeError, match="up to 24 letters"):
        Game("meadow", version=version)  # type: ignore[arg-type]  # that is the point


def test_everything_at_its_longest_fits_the_handshake() -> None:
    """Name, token, ticket, room and its password, version, and a player's key."""
    sim = Simulation(replace(game, version="v" * 24), clients=0, seed=25)
    client = sim.join(
        "\U0001f40f" * 24, token=bytes(640), ticket=bytes(128), room="R" * 16, room_password="p" * 64,
        player_key=PLAYER, wait=False,
    )  # fmt: skip
    sim.run(0.5)

    assert client.disconnected is not None
    assert client.disconnected[0] is DisconnectReason.REFUSED  # for its room, which does not exist
