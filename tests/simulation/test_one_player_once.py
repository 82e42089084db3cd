"""Whoever has proved who it is plays once: from another place it goes on where it was, and lost it comes back."""

import random
from dataclasses import replace
from functools import partial

import pytest

from ecsnet.accounts import Accounts, Registration
from ecsnet.arrival import Arrival
from ecsnet.client import Client
from ecsnet.components import Owner, Player
from ecsnet.components.player import PlayerStatus
from ecsnet.config import AccountConfig, RoomConfig, ServerConfig
from ecsnet.events import ClientStatus, PlayerJoined, PlayerLost, PlayerMoved, PlayerReturned
from ecsnet.protocol import DisconnectReason
from ecsnet.systems.hall import HALL
from ecsnet.testing.simulation import Simulation
from ecsnet.tokens import SealedTokens, mint
from ecsnet.transport.address import Address
from ecsnet.transport.identity import Identity
from ecsnet.worker import Inline
from tests.simulation.meadow import Sheep, Weather, game
from tests.test_accounts import Book

CHEAP = AccountConfig(hash_memory_kib=8, hash_passes=1)
GRACE = ServerConfig(resume_grace_seconds=20.0)
ROOMS = ServerConfig(resume_grace_seconds=20.0, rooms=RoomConfig())
SECRET = SealedTokens(b"\x09" * 32)
REPLACED = (DisconnectReason.REPLACED, "you joined from another place")


class Town:
    """A simulation in which everybody proves who it is by one kind of proof."""

    def __init__(self, proof: str, seed: int, config: ServerConfig | None = None, **options: object) -> None:
        accounts = Accounts(Book(), worker=Inline(), registration=Registration.OPEN, config=CHEAP)
        self.sim = Simulation(
            game, clients=0, seed=seed, server_config=config, accounts=accounts if proof == "account" else None,
            token_key=SECRET if proof == "token" else None, **options,  # type: ignore[arg-type]  # the simulation's own
        )  # fmt: skip
        self._proof = proof
        self._random = random.Random(seed)
        if config is None or config.rooms is None:
            self.sim.server.world.create_entity(Weather(stormy=False))

    def join(self, who: str, *, wait: bool = True, room: str = "") -> Client:
        join = partial(self.sim.join, who, wait=wait, room=room)
        match self._proof:
            case "account":
                return join(account=who, account_password=f"the password of {who}")
            case "token":
                return join(token=self.token_of(who))
        return join(player_key=Identity(who.encode().ljust(32)))

    def token_of(self, who: str) -> bytes:
        return mint(
            SECRET, who, server_keys=[self.sim.server.public_key], unix_time=self.sim.now,
            entropy=self._random.randbytes,
        )  # fmt: skip

    def cut_off(self, client: Client) -> None:
        """Cut a client off until the server has noticed, and let its program end."""
        self.sim.cut_off(client)
        self.sim.run_until(lambda: client.client_id not in self.sim.server.peers, within_seconds=15)
        self.sim.clients.remove(client)


PROOFS = pytest.mark.parametrize("proof", ["account", "token", "key"])


@PROOFS
def test_from_another_place_a_player_goes_on_where_it_was(proof: str) -> None:
    """One entity, one number, all it owns; the old place reads why it ended, and does not fight for it."""
    town = Town(proof, seed=1)
    sim, first, other = town.sim, town.join("anna"), town.join("bert")
    entity = sim.server.peers[first.client_id].entity
    sheep = sim.server.world.create_entity(Sheep(), Owner(client_id=first.client_id))
    sim.server.events()
    second = town.join("anna")
    sim.run(3)

    assert second.client_id == first.client_id
    assert sim.server.peers[second.client_id].entity == entity
    assert sim.server.world.component_for_entity(sheep, Owner).client_id == second.client_id
    assert first.disconnected == REPLACED
    assert first.status is ClientStatus.DISCONNECTED
    assert sorted(sim.server.peers) == sorted([second.client_id, other.client_id])
    assert sim.server.events() == []
    sim.clients.remove(first)
    sim.assert_converged()


@PROOFS
def test_a_lost_player_comes_back_without_a_ticket(proof: str) -> None:
    """Its program crashed, or the machine did: the proof is all it needs, within the time of grace."""
    town = Town(proof, seed=2, config=GRACE)
    sim, first = town.sim, town.join("anna")
    entity, number = sim.server.peers[first.client_id].entity, first.client_id
    sim.server.events()
    town.cut_off(first)
    back = town.join("anna")

    assert back.client_id == number
    assert sim.server.peers[number].entity == entity
    assert sim.server.world.component_for_entity(entity, Player).status is PlayerStatus.CONNECTED
    [lost, returned] = sim.server.events()
    assert isinstance(lost, PlayerLost)
    assert returned == PlayerReturned(number, "anna")
    assert back.ticket != first.ticket


@PROOFS
@pytest.mark.parametrize("config", [GRACE, ServerConfig()], ids=["grace", "no grace"])
def test_whose_place_is_gone_joins_anew(proof: str, config: ServerConfig) -> None:
    """After the time of grace, or where there is none, or after leaving."""
    town = Town(proof, seed=3, config=config)
    sim, first = town.sim, town.join("anna")
    town.cut_off(first)
    sim.run(21)
    second = town.join("anna")
    assert second.client_id == first.client_id + 1
    second.close(now=sim.now)
    sim.run(0.5)
    third = town.join("anna")

    assert third.client_id == first.client_id + 2
    assert len(sim.server.world.get_component(Player)) == 1


@PROOFS
def test_of_two_at_the_very_same_moment_one_comes_in(proof: str) -> None:
    """Never two, whoever is confirmed first; the other reads that it may try again, and then it takes over."""
    town = Town(proof, seed=4)
    both = [town.join("anna", wait=False), town.join("anna", wait=False)]
    town.sim.run(2)

    assert len(town.sim.server.peers) == 1
    [out] = [client for client in both if client.disconnected is not None]
    assert out.disconnected in (
        REPLACED,  # it was asked, and so it was known who it is
        (DisconnectReason.SERVER_FULL, "you joined from another place at this very moment: try again"),
    )
    assert town.join("anna").client_id == next(iter(town.sim.server.peers))
    assert len(town.sim.server.peers) == 1


@PROOFS
def test_who_has_a_place_finds_it_on_a_full_server(proof: str) -> None:
    """It is its own; a stranger is told that there is none."""
    town = Town(proof, seed=5, config=GRACE)
    town.sim.server.room.capacity = 1
    town.sim.server.rooms._game = replace(game, max_clients=1)
    first = town.join("anna")
    stranger = town.join("bert", wait=False)
    town.sim.run(1)
    assert stranger.disconnected is not None
    assert stranger.disconnected[0] is DisconnectReason.SERVER_FULL
    assert town.join("anna").client_id == first.client_id
    town.cut_off(town.sim.clients[-1])

    assert town.join("anna").client_id == first.client_id


@PROOFS
def test_in_a_server_with_rooms_a_player_goes_on_in_its_room_or_moves(proof: str) -> None:
    """Without naming a room: where it was; with another code: there, and no longer here."""
    town = Town(proof, seed=6, config=ROOMS)
    sim, first = town.sim, town.join("anna")
    here = sim.server.rooms.of(first.client_id)
    there = sim.server.rooms.open("elsewhere")
    sim.server.events()
    second = town.join("anna")
    assert sim.server.rooms.of(second.client_id) is here
    third = town.join("anna", room=there)

    assert first.client_id == second.client_id == third.client_id
    assert second.disconnected == REPLACED
    assert sim.server.rooms.of(third.client_id) is sim.server.rooms.by_code[there]
    assert sim.server.events() == [PlayerMoved(third.client_id, "anna", there)]


def test_only_who_has_proved_who_it_is_is_known_again() -> None:
    """A name proves nothing: two may have it, and nobody is put out by it."""
    sim = Simulation(game, clients=0, seed=7, server_config=GRACE)
    first, second = sim.join("anna"), sim.join("anna")

    assert first.client_id != second.client_id
    assert len(sim.server.peers) == 2


def test_two_accounts_may_play_from_one_machine_with_one_key() -> None:
    """The account comes first."""
    town = Town("account", seed=8)
    key = Identity(b"\x05" * 32)
    first = town.sim.join(account="anna", account_password="anna's password", player_key=key)
    second = town.sim.join(account="bert", account_password="bert's password", player_key=key)

    assert first.client_id != second.client_id
    assert first.disconnected is None


def test_a_wrong_password_disturbs_nobody() -> None:
    """Or whoever knows a name could throw its owner out."""
    town = Town("account", seed=9)
    first = town.join("anna")
    thief = town.sim.join(account="ANNA", account_password="a wrong one", wait=False)
    town.sim.run(1)

    assert thief.disconnected is not None
    assert thief.disconnected[0] is DisconnectReason.BAD_ACCOUNT
    assert first.disconnected is None
    assert first.is_ready


def test_a_recorded_request_of_a_known_player_puts_nobody_out() -> None:
    """It can be said again, but its connection cannot be confirmed by anybody who has not the key."""
    town = Town("key", seed=10)
    sim = town.sim
    recorded: list[tuple[bytes, Address]] = []
    receive = sim.server.receive_datagram

    def record(data: bytes, address: Address, now: float) -> None:
        recorded.append((data, address))
        receive(data, address, now)

    sim.server.receive_datagram = record  # type: ignore[method-assign]  # to listen
    first = town.join("anna")
    for _ in range(3):
        for data, address in recorded:
            receive(data, address, sim.now)
        sim.run(0.3)

    assert first.disconnected is None
    assert list(sim.server.peers) == [first.client_id]
    assert first.is_ready


def test_the_token_of_a_player_who_comes_back_is_used_up_as_well() -> None:
    """It lets in once, whether or not it was needed for a place."""
    town = Town("token", seed=11, config=GRACE)
    first = town.join("anna")
    token = town.token_of("anna")
    assert town.sim.join(token=token).client_id == first.client_id
    again = town.sim.join(token=token, wait=False)
    town.sim.run(1)

    assert again.disconnected == (DisconnectReason.BAD_TOKEN, "the token has been used")


def test_the_owner_may_refuse_who_comes_back() -> None:
    """And the place stays its own until the time of grace is over, for when the owner thinks better of it."""
    forgiving = False
    arrivals: list[Arrival] = []

    def accept(arrival: Arrival) -> str | None:
        arrivals.append(arrival)
        return "not again today" if arrival.returns and not forgiving else None

    town = Town("account", seed=12, config=GRACE, accept=accept)
    sim, first = town.sim, town.join("anna")
    town.cut_off(first)
    refused = town.join("anna", wait=False)
    sim.run(1)
    assert refused.disconnected == (DisconnectReason.REFUSED, "not again today")
    assert not sim.server.peers
    forgiving = True
    back = town.join("anna")

    assert back.client_id == first.client_id
    assert [arrival.returns for arrival in arrivals] == [False, True, True]


def test_the_owner_sees_who_comes_back_by_a_ticket_as_it_was_known() -> None:
    """Account and greeting of before, the address and the room of now."""
    arrivals: list[Arrival] = []
    town = Town("account", seed=13, config=GRACE, accept=arrivals.append)
    first = town.sim.join(account="anna", account_password="anna's password", greeting=b"red")
    ticket = first.ticket
    town.cut_off(first)
    town.sim.join(ticket=ticket)

    [new, back] = arrivals
    assert (back.name, back.account, back.greeting, back.returns) == ("anna", "anna", b"red", True)
    assert back.address != new.address


def test_joined_once_is_told_once() -> None:
    """Hosts count players by these events."""
    town = Town("account", seed=14)
    town.join("anna")
    town.join("anna")

    assert town.sim.server.events() == [PlayerJoined(1, "anna")]


def test_the_client_that_was_replaced_does_not_come_back_by_itself() -> None:
    """Or two programs would take the place from each other for ever."""
    town = Town("key", seed=15, config=GRACE)
    first = town.join("anna")
    town.join("anna")
    town.sim.run(25)

    assert first.status is ClientStatus.DISCONNECTED
    assert first.retrying is None


@PROOFS
def test_who_is_in_the_hall_comes_from_elsewhere_into_a_room_and_not_into_the_hall(proof: str) -> None:
    """Unless it says so: whoever names no room has the game's schema, and would not understand a word there."""
    town = Town(proof, seed=20, config=ROOMS)
    sim, first = town.sim, town.join("anna", room=HALL)
    second = town.join("anna")
    assert second.client_id == first.client_id
    assert second.room is not None
    third = town.join("anna", room=HALL)

    assert third.client_id == first.client_id
    assert third.room is None
    sim.run(1)
    assert third.status is ClientStatus.CONNECTED


def test_a_ticket_of_the_hall_leads_a_program_that_names_no_room_into_one() -> None:
    """It was the hall's only because nobody had chosen yet."""
    sim = Simulation(game, clients=0, seed=21, server_config=ROOMS)
    first = sim.join("anna", room=HALL)
    sim.kill(first)
    second = sim.join("anna", ticket=first.ticket)

    assert second.client_id == first.client_id
    assert second.room is not None
