"""Whatever keeps a player out: the player reads why, the owner finds it in the log, and nobody else notices."""

import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from ecsnet.accounts import Accounts, Registration, make_account
from ecsnet.client import Client
from ecsnet.config import AccountConfig, RoomConfig, ServerConfig
from ecsnet.protocol import DisconnectReason
from ecsnet.testing.simulation import Simulation
from ecsnet.transport.identity import Identity
from ecsnet.worker import Inline
from tests.simulation.meadow import game
from tests.test_accounts import Book

CHEAP = AccountConfig(hash_memory_kib=8, hash_passes=1)
PASSWORD = "anna's password"  # noqa: S105  # it protects nothing
ADA = Identity(b"\x05" * 32)


def wrong_password() -> tuple[Simulation, Client, Client]:
    sim = Simulation(game, clients=1, seed=1, password="mellon")
    return sim, sim.clients[0], sim.join("late", password="melon", wait=False)


def full_server() -> tuple[Simulation, Client, Client]:
    sim = Simulation(replace(game, max_clients=1), clients=1, seed=2)
    return sim, sim.clients[0], sim.join("late", wait=False)


def full_room() -> tuple[Simulation, Client, Client]:
    sim = Simulation(game, clients=0, seed=3, server_config=ServerConfig(rooms=RoomConfig(places=1)))
    first = sim.join()
    assert first.room is not None
    return sim, first, sim.join("late", room=first.room.code, wait=False)


def no_such_room() -> tuple[Simulation, Client, Client]:
    sim = Simulation(game, clients=1, seed=4, server_config=ServerConfig(rooms=RoomConfig()))
    return sim, sim.clients[0], sim.join("late", room="NOPE", wait=False)


def old_version() -> tuple[Simulation, Client, Client]:
    sim = Simulation(replace(game, version="1.3"), clients=1, seed=5)
    sim.game = replace(game, version="1.2", tick_rate_hz=2 * game.tick_rate_hz)
    return sim, sim.clients[0], sim.join("late", wait=False)


def wrong_account_password() -> tuple[Simulation, Client, Client]:
    book = Book(make_account("Anna", PASSWORD, CHEAP), make_account("Ben", PASSWORD, CHEAP))
    accounts = Accounts(book, worker=Inline(), registration=Registration.CLOSED, config=CHEAP)
    sim = Simulation(game, clients=0, seed=6, accounts=accounts)
    first = sim.join(account="Ben", account_password=PASSWORD)
    return sim, first, sim.join("late", account="Anna", account_password="something else", wait=False)


def banned() -> tuple[Simulation, Client, Client]:
    sim = Simulation(game, clients=1, seed=7)
    cheat = sim.join("cheat", player_key=ADA)
    sim.server.ban(cheat.client_id, "you know why", now=sim.now)
    sim.run(1)
    return sim, sim.clients[0], sim.join("late", player_key=ADA, wait=False)


def refused_by_the_game() -> tuple[Simulation, Client, Client]:
    sim = Simulation(game, clients=0, seed=8, accept=lambda who: "members only" if who.name == "late" else None)
    return sim, sim.join(), sim.join("late", wait=False)


@pytest.mark.parametrize(
    ("situation", "reason", "text"),
    [
        (wrong_password, DisconnectReason.WRONG_PASSWORD, "the password is wrong"),
        (full_server, DisconnectReason.SERVER_FULL, "all 1 places are taken"),
        (full_room, DisconnectReason.SERVER_FULL, "all 1 places are taken"),
        (no_such_room, DisconnectReason.REFUSED, "there is no room NOPE here"),
        (old_version, DisconnectReason.SCHEMA_MISMATCH, "this server runs meadow 1.3, you have 1.2"),
        (wrong_account_password, DisconnectReason.BAD_ACCOUNT, "there is no account Anna with that password here"),
        (banned, DisconnectReason.BANNED, "you know why"),
        (refused_by_the_game, DisconnectReason.REFUSED, "members only"),
    ],
)
def test_who_stays_outside_and_who_watches_the_door_read_the_same(
    situation: Callable[[], tuple[Simulation, Client, Client]],
    reason: DisconnectReason,
    text: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One sentence for the player, one line with the same reason and text for the owner."""
    caplog.set_level(logging.INFO, "ecsnet.access")
    sim, inside, outside = situation()
    sim.run(8)

    assert outside.disconnected is not None
    assert outside.disconnected[0] is reason
    assert text in outside.disconnected[1]
    noted = [record.getMessage() for record in caplog.records if record.getMessage().startswith("refused")]
    assert len(noted) == (2 if situation is wrong_password else 1)  # whether one is needed at all is asked as well
    assert all(f"reason={reason.name}" in line for line in noted)
    assert text in noted[0]
    assert inside.disconnected is None
    assert list(sim.server.peers) == [inside.client_id]


def test_two_clients_that_claim_one_player(caplog: pytest.LogCaptureFixture) -> None:
    """The second takes the first one's place; the first reads it, the owner sees that it is the same player."""
    caplog.set_level(logging.INFO, "ecsnet.access")
    sim = Simulation(game, clients=1, seed=9)
    first = sim.join("ada", player_key=ADA)
    number, entity = first.client_id, sim.server.peers[first.client_id].entity
    second = sim.join("ada again", player_key=ADA)
    sim.run(1)

    assert first.disconnected == (DisconnectReason.REPLACED, "you joined from another place")
    assert (second.client_id, sim.server.peers[number].entity) == (number, entity)
    assert len(sim.server.peers) == 2
    noted = [record.getMessage() for record in caplog.records if f"client={number} " in record.getMessage()]
    assert [line.split()[0] for line in noted] == ["joined", "returned"]
    assert all(ADA.fingerprint in line for line in noted)
