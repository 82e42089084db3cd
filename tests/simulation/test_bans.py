"""Players whom a server's owner does not want back."""

import logging

import pytest

from ecsnet.accounts import Accounts, make_account
from ecsnet.arrival import Arrival
from ecsnet.bans import Ban, Bans
from ecsnet.client import Client
from ecsnet.components import Player
from ecsnet.config import AccountConfig, ServerConfig
from ecsnet.events import PlayerLeft
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.simulation import Simulation
from ecsnet.tokens import SealedTokens, mint
from ecsnet.transport.identity import Identity
from ecsnet.transport.state import State
from ecsnet.worker import Inline
from tests.simulation.meadow import game
from tests.test_accounts import Book

CHEAP = AccountConfig(hash_memory_kib=8, hash_passes=1)
PASSWORD = "everybody's password"  # noqa: S105  # it protects nothing
SECRET = SealedTokens(b"\x09" * 32)
PLAYER = Identity(b"\x05" * 32)
OUT = (DisconnectReason.BANNED, "cheating: write to the owner")


def accounts() -> Accounts:
    book = Book(*[make_account(name, PASSWORD, CHEAP) for name in ("anna", "bert")])
    return Accounts(book, worker=Inline(), config=CHEAP)


def is_turned_away(sim: Simulation, client: Client) -> bool:
    sim.run(1)
    return client.disconnected == OUT


def test_a_banned_account_comes_back_from_nowhere() -> None:
    """It reads why, now and at every attempt; others of the same house are not concerned."""
    sim = Simulation(game, clients=0, seed=1, accounts=accounts())
    anna = sim.join(account="anna", account_password=PASSWORD)
    ban = sim.server.ban(anna.client_id, OUT[1], network=False, now=sim.now)
    again = sim.join(account="ANNA", account_password=PASSWORD, wait=False)
    assert is_turned_away(sim, anna)
    assert is_turned_away(sim, again)

    assert ban == Ban(text=OUT[1], account="anna")
    assert list(sim.server.bans) == [ban]
    sim.join(account="bert", account_password=PASSWORD)
    sim.server.bans.remove(ban)
    sim.join(account="anna", account_password=PASSWORD)


def test_a_wrong_password_does_not_tell_who_is_banned() -> None:
    """Whoever has no account learns nothing of those who have."""
    sim = Simulation(game, clients=0, seed=2, accounts=accounts())
    sim.server.bans.add(Ban(text=OUT[1], account="anna"))
    client = sim.join(account="anna", account_password="a wrong one", wait=False)
    sim.run(1)

    assert client.disconnected is not None
    assert client.disconnected[0] is DisconnectReason.BAD_ACCOUNT


def test_a_banned_key_is_known_whatever_it_calls_itself() -> None:
    """And without it the player is a stranger: so the network is banned as well, unless the owner says not to."""
    sim = Simulation(game, clients=0, seed=3)
    anna = sim.join("anna", player_key=PLAYER)
    ban = sim.server.ban(anna.client_id, OUT[1], network=False, now=sim.now)
    assert is_turned_away(sim, sim.join("bert", player_key=PLAYER, wait=False))

    assert ban == Ban(text=OUT[1], player_key=PLAYER.public)
    sim.join("anna")


def test_a_banned_player_of_a_backend_needs_no_new_token() -> None:
    """A token is used once; the player id in it stays."""
    sim = Simulation(game, clients=0, seed=4, token_key=SECRET)

    def token(number: int) -> bytes:
        keys = [sim.server.public_key]
        return mint(SECRET, "u-1", server_keys=keys, unix_time=sim.now, entropy=lambda n: bytes([number]) * n)

    anna = sim.join(token=token(1))
    ban = sim.server.ban(anna.client_id, OUT[1], network=False, now=sim.now)

    assert ban == Ban(text=OUT[1], player_id="u-1")
    assert is_turned_away(sim, sim.join(token=token(2), wait=False))


def test_who_has_only_a_name_is_banned_by_its_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing else is there to know it by; without that the call is a mistake, which raises."""
    sim = Simulation(game, clients=0, seed=5)
    anna = sim.join("anna")
    with pytest.raises(ValueError, match="give an account, a player_id, a player_key or a network"):
        sim.server.ban(anna.client_id, network=False, now=sim.now)
    ban = sim.server.ban(anna.client_id, OUT[1], now=sim.now)
    assert is_turned_away(sim, anna)
    assert ban == Ban(text=OUT[1], network="10.0.0.1")
    sim.join("bert")
    monkeypatch.setattr("ecsnet.arrival.network_of", lambda address: "10.0.0.1")

    assert is_turned_away(sim, sim.join("carl", wait=False))


def test_a_lost_player_that_is_banned_loses_its_place() -> None:
    """It is gone at once, and its ticket is good for nothing."""
    sim = Simulation(game, clients=0, seed=6, server_config=ServerConfig(resume_grace_seconds=20.0))
    anna = sim.join("anna", player_key=PLAYER)
    sim.cut_off(anna)
    sim.run_until(lambda: not sim.server.peers, within_seconds=15)
    sim.server.events()
    sim.server.ban(anna.client_id, OUT[1], now=sim.now)

    assert not sim.server.world.get_component(Player)
    assert sim.server.events() == [PlayerLeft(anna.client_id, "anna", *OUT)]
    assert is_turned_away(sim, sim.join(player_key=PLAYER, ticket=anna.ticket, wait=False))
    sim.clients.remove(anna)


def test_only_who_is_here_can_be_banned_by_number() -> None:
    """For all others there is `bans.add`."""
    sim = Simulation(game, clients=1, seed=7)
    with pytest.raises(KeyError):
        sim.server.ban(99, now=sim.now)
    with pytest.raises(ValueError, match="names nobody"):
        sim.server.bans.add(Ban(text="nobody"))


def test_an_empty_text_is_said_in_words() -> None:
    """A player always reads why."""
    sim = Simulation(game, clients=0, seed=8)
    sim.server.bans.add(Ban(network="10.0.0.1"))
    client = sim.join(wait=False)
    sim.run(1)

    assert client.disconnected == (DisconnectReason.BANNED, "you are banned from this server")


def test_a_ban_is_in_the_access_log_with_what_it_goes_by(caplog: pytest.LogCaptureFixture) -> None:
    """So that the owner can judge whom else it may hit."""
    with caplog.at_level(logging.INFO, "ecsnet.access"):
        sim = Simulation(game, clients=0, seed=9)
        anna = sim.join("anna", player_key=PLAYER)
        sim.server.ban(anna.client_id, OUT[1], now=sim.now)

    [line] = [record.getMessage() for record in caplog.records if record.getMessage().startswith("banned")]
    assert 'name="anna"' in line
    assert f'by=network,player_key text="{OUT[1]}"' in line


def test_of_several_bans_each_holds_by_itself() -> None:
    """Removing one leaves the others; the same one twice is one."""
    bans = Bans()
    first, second = Ban(account="Anna", network="192.0.2.7"), Ban(account="anna", text="again")
    arrival = Arrival(name="Anna", account="ANNA", address=("198.51.100.9", 1))
    for ban in (first, second, first):
        bans.add(ban)

    assert len(bans) == 2
    assert bans.find(arrival) is first
    bans.remove(first)
    assert bans.find(arrival) is second
    bans.remove(second)
    bans.remove(second)
    assert bans.find(arrival) is None


def test_a_ban_holds_for_whoever_is_at_the_door_already() -> None:
    """The server has granted its request and not heard of it since: it can take its time with that."""
    sim = Simulation(game, clients=0, seed=20)
    client = sim.join("anna", wait=False, player_key=PLAYER)
    sim.run_until(lambda: client.state is State.CONNECTED, within_seconds=1)
    assert not sim.server.peers
    sim.server.bans.add(Ban(text=OUT[1], player_key=PLAYER.public))

    assert is_turned_away(sim, client)
    assert not sim.server.peers


def test_a_ticket_does_not_hide_the_account_that_is_banned() -> None:
    """Whoever comes back by one is not asked for its account again, but has it all the same."""
    sim = Simulation(
        game, clients=0, seed=21, accounts=accounts(), server_config=ServerConfig(resume_grace_seconds=20.0)
    )
    anna = sim.join(account="anna", account_password=PASSWORD)
    sim.kill(anna)
    sim.server.bans.add(Ban(text=OUT[1], account="anna"))

    assert is_turned_away(sim, sim.join(ticket=anna.ticket, wait=False))
