"""A server that is killed and started again goes on: nothing that was accepted is lost, and nobody is taken for new."""

from dataclasses import replace
from pathlib import Path

import pytest

from ecsnet.client import Client
from ecsnet.components import Owner, Player
from ecsnet.components.player import PlayerStatus
from ecsnet.config import PersistenceConfig, RoomConfig, ServerConfig
from ecsnet.errors import LocalProtocolError, StoreError
from ecsnet.events import ClientStatus
from ecsnet.fields import NetVar, component, netvar
from ecsnet.resume import begin
from ecsnet.server import Server
from ecsnet.storage.store import Batch
from tests.simulation.bazaar import Bazaar, Chest, Hand, Open, Purse, buy, game


@pytest.fixture
def bazaar(tmp_path: Path) -> Bazaar:
    return Bazaar(tmp_path)


def come_back(bazaar: Bazaar, *clients: Client) -> None:
    """Run until clients are in again after their server was killed."""
    sim = bazaar.sim
    sim.run_until(lambda: all(client.status is ClientStatus.LOST for client in clients), within_seconds=15)
    sim.run_until(
        lambda: all(client.status is ClientStatus.CONNECTED and client.is_ready for client in clients),
        within_seconds=10,
    )


def test_players_go_on_where_they_were(bazaar: Bazaar) -> None:
    """With their entity and its number, their id, and what they held: the client comes back by itself."""
    anna, ben = bazaar.join("anna"), bazaar.join("ben")
    before = bazaar.entity(anna), bazaar.entity(ben)
    bazaar.sim.server.world.component_for_entity(before[0], Hand).holds = "sword"
    bazaar.sim.run(2)
    tick = bazaar.sim.server.world.tick
    bazaar.kill_and_resume()
    world = bazaar.sim.server.world
    statuses = {player.name: player.status for _, player in world.get_component(Player)}
    assert statuses == {"anna": PlayerStatus.LOST, "ben": PlayerStatus.LOST}
    assert 0 <= tick - world.tick <= 20
    come_back(bazaar, anna, ben)

    assert (bazaar.entity(anna), bazaar.entity(ben)) == before
    assert (anna.client_id, ben.client_id) == (1, 2)
    assert world.component_for_entity(before[0], Hand).holds == "sword"
    assert world.component_for_entity(before[0], Owner).client_id == 1
    assert len(world.get_component(Chest)) == 1
    bazaar.sim.assert_converged()
    assert bazaar.join("cleo").client_id == 3


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    """Also what was bought after the last snapshot, and by somebody who came after it."""
    bazaar = Bazaar(tmp_path, config=PersistenceConfig(snapshot_seconds=2.0))
    anna = bazaar.join("anna")
    bazaar.sim.run(2.2)
    ben = bazaar.join("ben")
    bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.ask(ben, buy, ben.entity, "bow")
    bazaar.kill_and_resume()
    come_back(bazaar, anna, ben)

    assert bazaar.purse(anna) == Purse(90, ("axe",))
    assert bazaar.purse(ben) == Purse(90, ("bow",))
    assert (anna.client_id, ben.client_id) == (1, 2)


def test_a_server_may_be_killed_again_and_again(bazaar: Bazaar) -> None:
    """Tickets, numbers of events and revisions go on, too."""
    anna = bazaar.join("anna")
    for number in range(3):
        bazaar.ask(anna, buy, anna.entity, f"axe {number}")
        bazaar.sim.run(1.5)
        bazaar.kill_and_resume()
        come_back(bazaar, anna)
    [match] = bazaar.store.matches()

    assert bazaar.purse(anna).bought == ("axe 0", "axe 1", "axe 2")
    assert [event.data["thing"] for event in bazaar.events("Bought")] == ["axe 0", "axe 1", "axe 2"]
    assert len(bazaar.events("resumed")) == 3
    assert match.ended is None


def test_who_left_before_is_not_there_again(bazaar: Bazaar) -> None:
    """Although the last snapshot still has it."""
    anna, ben = bazaar.join("anna"), bazaar.join("ben")
    bazaar.sim.run(1.1)
    ben.close(now=bazaar.sim.now)
    bazaar.sim.run(0.3)
    bazaar.kill_and_resume()
    come_back(bazaar, anna)

    assert [player.name for _, player in bazaar.sim.server.world.get_component(Player)] == ["anna"]


def test_who_does_not_come_back_is_gone_after_a_while(bazaar: Bazaar) -> None:
    """A minute, as for anybody it takes a while to notice and to try."""
    anna = bazaar.join("anna")
    bazaar.sim.run(1.1)
    bazaar.sim.kill(anna)
    bazaar.kill_and_resume()
    bazaar.sim.run(55)
    assert len(bazaar.sim.server.world.get_component(Player)) == 1
    bazaar.sim.run(10)

    assert not bazaar.sim.server.world.get_component(Player)
    assert bazaar.events("left")[-1].data["text"] == "the server was restarted"


def test_who_has_no_account_comes_back_by_its_ticket(tmp_path: Path) -> None:
    """There is nothing else to know it by; what it has is in the snapshot."""
    bazaar = Bazaar(tmp_path, accounts=False)
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.sim.run(1.1)
    bazaar.kill_and_resume()
    come_back(bazaar, anna)

    assert anna.client_id == 1
    assert bazaar.purse(anna) == Purse(90, ("axe",))


def test_a_server_that_was_shut_down_goes_on_as_well(bazaar: Bazaar) -> None:
    """Its players know it was on purpose, and do not try; but those who have an account are at home when they do."""
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")
    before = bazaar.entity(anna)
    bazaar.sim.server.close(now=bazaar.sim.now)
    bazaar.sim.run(0.5)
    bazaar.kill_and_resume()
    back = bazaar.join("anna")

    assert bazaar.entity(back) == before
    assert bazaar.purse(back) == Purse(90, ("axe",))


def test_without_resuming_the_old_match_is_over_and_saves_are_there(bazaar: Bazaar) -> None:
    """A new game begins, with what players own."""
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.sim.run(1.1)
    old = bazaar.sim.server
    bazaar.start_anew()
    assert bazaar.sim.server is not old
    come_back(bazaar, anna)
    first, second = bazaar.store.matches()

    assert (first.ending, second.ending) == ("abandoned", "")
    assert bazaar.purse(anna) == Purse(90, ("axe",))
    assert list(bazaar.saves("server")) == [f"{second.id[-6:]}/room/{second.id}", f"{second.id[-6:]}/session/1"]


def test_rooms_are_open_again_with_their_codes(tmp_path: Path) -> None:
    """And who was in one is in it again; a password is still one."""
    bazaar = Bazaar(tmp_path, rooms=RoomConfig())
    rooms = bazaar.sim.server.rooms
    first, second = rooms.open("First"), rooms.open("Second", password="secret", capacity=3)
    anna, ben = bazaar.join("anna", room=first), bazaar.join("ben", room=first)
    bazaar.sim.run(2)
    bazaar.kill_and_resume()
    come_back(bazaar, anna, ben)
    rooms = bazaar.sim.server.rooms

    assert sorted(rooms.by_code) == sorted([first, second])
    assert sorted(rooms.by_code[first].peers) == [1, 2]
    info = rooms.by_code[second].info
    assert info is not None
    assert (info.name, info.capacity, info.locked, rooms.by_code[second].password) == ("Second", 3, True, "secret")
    assert {match.room: match.ending for match in bazaar.store.matches()} == {first: "", second: ""}


def test_a_server_goes_on_only_as_what_it_was(tmp_path: Path) -> None:
    """With rooms or without: else players and worlds would have no place."""
    bazaar = Bazaar(tmp_path)
    bazaar.join("anna")
    bazaar.sim.run(1.5)
    resumed = begin(bazaar.store, game, bazaar.server, resuming=True)

    with pytest.raises(LocalProtocolError, match="a server without rooms, and this one is with"):
        Server(game, bazaar.identity, config=ServerConfig(rooms=RoomConfig()), resumed=resumed)


def test_a_room_that_closed_is_over(tmp_path: Path) -> None:
    """It does not come back."""
    bazaar = Bazaar(tmp_path, rooms=RoomConfig(empty_seconds=1.0))
    bazaar.sim.run(0.1)
    code = bazaar.sim.server.rooms.open("First", stays=False)
    anna = bazaar.join("anna", room=code)
    bazaar.sim.run(1.5)
    anna.close(now=bazaar.sim.now)
    bazaar.sim.run(5)
    bazaar.kill_and_resume()

    assert [match.ending for match in bazaar.store.matches()] == ["closed"]
    assert not bazaar.sim.server.rooms.by_code


# Games change.


@component
class Wallet:
    """What Purse is called in the next version."""

    coins: NetVar[int] = netvar(0, low=0, high=1000)


def renamed(parts: dict[str, dict[str, object]]) -> None:
    if "Purse" in parts:
        parts["Wallet"] = {"coins": parts.pop("Purse")["coins"]}


newer = replace(game, components=(Wallet, Chest, Hand), persistent=(Wallet, Chest), systems=(Open,), rpcs=())


def test_a_component_that_is_gone_is_told_and_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With what to do about it: never a silent loss."""
    bazaar = Bazaar(tmp_path, accounts=False)
    bazaar.join("anna")
    bazaar.sim.run(1.5)
    monkeypatch.delattr("tests.simulation.bazaar.Purse")
    before = bazaar.store.matches()

    with pytest.raises(StoreError, match=r"there is no component Purse \(any more\) \(1 entities\)\. Say in Game\(mi"):
        bazaar.kill_and_resume(newer)
    assert bazaar.store.matches() == before


def test_a_field_that_is_gone_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same for a field."""
    bazaar = Bazaar(tmp_path, accounts=False)
    bazaar.join("anna")
    bazaar.sim.run(1.5)
    smaller: type[object] = component(
        type("Purse", (), {"__annotations__": {}, "__module__": Purse.__module__, "__doc__": "Less."})
    )
    monkeypatch.setattr("tests.simulation.bazaar.Purse", smaller)

    with pytest.raises(StoreError, match="Purse has no field coins"):
        bazaar.kill_and_resume(newer)


def test_a_game_says_what_became_of_what_was_kept(bazaar: Bazaar, monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots and saves are brought up to date by the same function."""
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.sim.run(1.5)
    monkeypatch.delattr("tests.simulation.bazaar.Purse")
    bazaar.kill_and_resume(replace(newer, migrate=renamed))
    [(_, wallet)] = bazaar.sim.server.world.get_component(Wallet)
    assert wallet.coins == 90
    wallet.coins = 33
    bazaar.sim.run(0.2)

    assert bazaar.saves("account/anna")[""].components == {"Wallet": {"coins": 33}}


def test_a_save_that_does_not_fit_is_told_at_the_start(bazaar: Bazaar) -> None:
    """Not when its player comes, who would begin with nothing and overwrite it; also where nothing is resumed."""
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")
    before = bazaar.saves("account/anna")
    bazaar.game = replace(game, persistent=(Chest,), rpcs=())

    with pytest.raises(
        StoreError, match=r"the saves of bazaar do not fit it: there is no component Purse .* \(1 saves\)"
    ):
        bazaar.start_anew()
    assert bazaar.saves("account/anna") == before


def test_a_value_that_no_client_could_be_told_does_not_fit(bazaar: Bazaar) -> None:
    """It would end the first tick in which its player is there."""
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")
    save = bazaar.saves("account/anna")[""]
    odd = replace(save, revision=99, components={"Purse": {"coins": 10_000_000, "bought": []}})
    bazaar.store.write(Batch(saves=[odd]))

    with pytest.raises(StoreError, match=r"Purse.coins: 10000000 is outside"):
        bazaar.start_anew()


def test_an_older_match_can_be_gone_on_with(bazaar: Bazaar, caplog: pytest.LogCaptureFixture) -> None:
    """Who forgot to resume has lost nothing."""
    anna = bazaar.join("anna")
    bazaar.sim.server.world.component_for_entity(bazaar.entity(anna), Hand).holds = "sword"
    bazaar.sim.run(1.5)
    [match] = bazaar.store.matches()
    bazaar.start_anew()
    assert f"{match.id} is over; --resume-match {match.id} would go on with it" in caplog.text
    bazaar.sim.run(2)
    bazaar.start_anew(match.id)
    bazaar.sim.run(0.2)

    assert [(each.id == match.id, each.ending) for each in bazaar.store.matches()] == [
        (True, ""),
        (False, "abandoned"),
    ]
    assert len(bazaar.sim.server.world.get_component(Chest)) == 1
    with pytest.raises(StoreError, match="0 matches of bazaar begin with 'nonsense'"):
        bazaar.start_anew("nonsense")
