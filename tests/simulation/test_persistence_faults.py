"""What must not be lost on a bad day: restarts, shutdowns and races at any moment, and games with mistakes."""

from dataclasses import replace
from pathlib import Path

import pytest

from ecsnet.components import Player
from ecsnet.components.lobby_rules import LobbyRules
from ecsnet.config import PersistenceConfig, RoomConfig
from ecsnet.errors import StoreError, StoreUnavailable
from ecsnet.fields import component
from ecsnet.storage.store import WORLD_OWNER, Batch, Match, Save, SaveName, Snapshot
from ecsnet.system import System
from ecsnet.systems.lobby import LOBBY_CALLS, Lobby, set_ready
from ecsnet.systems.stages import finish
from ecsnet.world import World
from tests.simulation.bazaar import Bazaar, Chest, Hand, buy, game
from tests.simulation.test_persistence import ANNA, Late
from tests.simulation.test_resumed import come_back


@pytest.fixture
def bazaar(tmp_path: Path) -> Bazaar:
    return Bazaar(tmp_path)


class Rules(System):
    """A lobby for one, over in no time."""

    def process(self, world: World) -> None:
        if not world.get_component(LobbyRules):
            world.create_entity(
                LobbyRules(teams=1, min_per_team=1, min_players=1, countdown_seconds=0.1, finished_seconds=1.0)
            )


contest = replace(game, systems=(Rules, Lobby, *game.systems), rpcs=(*game.rpcs, *LOBBY_CALLS))


# Shutting down.


def test_a_shutdown_keeps_the_match_as_it_was_before_everybody_was_sent_away(tmp_path: Path) -> None:
    """Ticks go on while farewells are on their way: what a world without players becomes then is not the match."""
    bazaar = Bazaar(tmp_path, game=contest)
    anna = bazaar.join("anna")
    before = bazaar.entity(anna)
    bazaar.sim.server.world.component_for_entity(before, Hand).holds = "sword"
    bazaar.ask(anna, set_ready, True)
    bazaar.sim.run(1)
    stages = [event.data["stage"] for event in bazaar.events("stage")]
    assert stages[-1] == "RUNNING"
    bazaar.sim.server.close(now=bazaar.sim.now)
    bazaar.sim.run(3)

    assert [event.data["stage"] for event in bazaar.events("stage")] == stages
    assert bazaar.events("left")[-1].data["reason"] == "SERVER_CLOSING"
    bazaar.kill_and_resume()
    back = bazaar.join("anna")
    assert bazaar.entity(back) == before
    assert bazaar.sim.server.world.component_for_entity(before, Hand).holds == "sword"


def test_who_did_not_come_back_is_forgotten_for_good(bazaar: Bazaar) -> None:
    """Not given a place again at each restart: it would be kept for ever what it is called."""
    anna = bazaar.join("anna")
    bazaar.sim.run(1.1)
    bazaar.sim.kill(anna)
    bazaar.kill_and_resume()
    bazaar.sim.run(65)

    assert not [save for save in bazaar.store.saves("bazaar", "server") if "session" in save.components]


def test_what_is_deleted_in_the_last_moment_is_kept_as_it_was(tmp_path: Path) -> None:
    """A room whose game fails in the middle of a tick must not take along what players own."""

    class Clumsy(System):
        def process(self, world: World) -> None:
            for entity, chest in world.get_component(Chest):
                if chest.coins == 7:
                    world.delete_entity(entity)
                    raise RuntimeError("clumsy")

    bazaar = Bazaar(tmp_path, game=replace(game, systems=(*game.systems, Clumsy)), rooms=RoomConfig())
    code = bazaar.sim.server.rooms.open("First")
    bazaar.sim.run(0.5)
    [(_, chest)] = bazaar.sim.server.rooms.by_code[code].world.get_component(Chest)
    chest.coins = 8
    bazaar.sim.run(0.5)
    chest.coins = 7
    bazaar.sim.run(0.5)

    assert not bazaar.sim.server.rooms.by_code
    assert bazaar.saves("world")["chest"].components == {"Chest": {"coins": 8}}


# Restarts.


def test_a_match_that_has_just_begun_is_gone_on_with(tmp_path: Path) -> None:
    """A world that was played in for hours must not be lost since a new match began ten seconds ago."""
    bazaar = Bazaar(tmp_path, game=contest, config=PersistenceConfig(snapshot_seconds=60.0))
    anna = bazaar.join("anna")
    before = bazaar.entity(anna)
    bazaar.ask(anna, set_ready, True)
    bazaar.sim.run(1)
    finish(bazaar.sim.server.world)
    bazaar.sim.run(1.5)
    assert [match.ending for match in bazaar.store.matches()] == ["finished", ""]
    bazaar.kill_and_resume(contest)
    come_back(bazaar, anna)

    assert bazaar.entity(anna) == before
    assert [match.ending for match in bazaar.store.matches()] == ["finished", ""]


def test_a_server_killed_right_after_its_start_goes_on(tmp_path: Path) -> None:
    """Long before a snapshot is due."""
    bazaar = Bazaar(tmp_path, config=PersistenceConfig(snapshot_seconds=60.0), rooms=RoomConfig())
    code = bazaar.sim.server.rooms.open("First")
    anna = bazaar.join("anna", room=code)
    bazaar.kill_and_resume()
    come_back(bazaar, anna)

    assert list(bazaar.sim.server.rooms.by_code) == [code]
    assert anna.client_id == 1


def test_a_finished_match_stays_finished_when_its_room_closes(tmp_path: Path) -> None:
    """The result is what people ask for later; that the room closed is another thing."""
    bazaar = Bazaar(tmp_path, game=contest, rooms=RoomConfig())
    code = bazaar.sim.server.rooms.open("First")
    anna = bazaar.join("anna", room=code)
    bazaar.ask(anna, set_ready, True)
    bazaar.sim.run(1)
    finish(bazaar.sim.server.rooms.by_code[code].world)
    bazaar.sim.run(0.1)
    bazaar.sim.server.close_room(code)
    bazaar.sim.run(0.1)
    bazaar.kill_and_resume(contest)

    assert [match.ending for match in bazaar.store.matches()] == ["finished"]
    assert len(bazaar.events("match-ended")) == 1
    assert not bazaar.sim.server.rooms.by_code


def test_what_an_earlier_run_gave_up_does_not_come_back(tmp_path: Path) -> None:
    """A room whose last match was finished when its server ended, and which the next run did not go on with."""
    bazaar = Bazaar(tmp_path, game=contest, rooms=RoomConfig())
    code = bazaar.sim.server.rooms.open("First")
    anna = bazaar.join("anna", room=code)
    bazaar.ask(anna, set_ready, True)
    bazaar.sim.run(1)
    finish(bazaar.sim.server.rooms.by_code[code].world)
    bazaar.sim.run(0.5)
    bazaar.start_anew()
    bazaar.sim.run(0.5)
    bazaar.kill_and_resume(contest)

    assert not bazaar.sim.server.rooms.by_code


def test_who_could_not_be_known_again_leaves_its_place_to_others(tmp_path: Path) -> None:
    """Without tickets and accounts a player who comes back is a new one: a full game would refuse it."""
    played = replace(game, resume_grace_seconds=0.0, max_clients=1)
    bazaar = Bazaar(tmp_path, game=played, accounts=False)
    anna = bazaar.join("anna")
    bazaar.sim.run(1.1)
    bazaar.sim.kill(anna)
    bazaar.kill_and_resume()

    assert bazaar.join("anna again").is_ready
    assert len(bazaar.sim.server.world.get_component(Player)) == 1


def test_what_clients_and_server_share_is_the_same_after_a_restart(tmp_path: Path) -> None:
    """A map made of `rng_for` would be another one for whoever comes then."""
    bazaar = Bazaar(tmp_path, rooms=RoomConfig())
    code = bazaar.sim.server.rooms.open("First")
    for room in bazaar.sim.server.rooms:
        room.world.shared_seed = 99  # as that of a server with another seed than the next one
    bazaar.sim.run(1.5)
    bazaar.kill_and_resume()

    assert [room.world.shared_seed for room in bazaar.sim.server.rooms] == [99, 99]
    assert list(bazaar.sim.server.rooms.by_code) == [code]


def test_an_empty_room_stays_open_for_its_time_after_a_restart(tmp_path: Path) -> None:
    """Whoever was told its code a moment before has to find it."""
    bazaar = Bazaar(tmp_path, rooms=RoomConfig(empty_seconds=10.0))
    code = bazaar.sim.server.rooms.open("First", stays=False)
    bazaar.sim.run(1.5)
    bazaar.kill_and_resume()
    bazaar.sim.run(9)
    assert list(bazaar.sim.server.rooms.by_code) == [code]
    bazaar.sim.run(2)

    assert not bazaar.sim.server.rooms.by_code


# Who comes.


def test_a_player_who_tries_twice_at_once_loses_nothing(tmp_path: Path) -> None:
    """The second connection is refused; what it waited for is in use by the first."""
    worker = Late()
    bazaar = Bazaar(tmp_path, worker=worker)
    first = bazaar.join("anna")
    bazaar.ask(first, buy, first.entity, "axe")
    first.close(now=bazaar.sim.now)
    bazaar.sim.run(1)
    worker.is_on_time = False
    twice = [bazaar.sim.join("anna", account="anna", account_password="annas password", wait=False) for _ in range(2)]
    bazaar.sim.run(0.5)
    worker.is_on_time = True
    worker.work()
    bazaar.sim.run(1)
    [anna] = [client for client in twice if client.is_ready]
    bazaar.ask(anna, buy, anna.entity, "bow")
    bazaar.sim.run(0.2)

    assert bazaar.saves(ANNA)[""].components["Purse"] == {"coins": 80, "bought": ["axe", "bow"]}


def test_who_comes_back_at_once_has_what_was_written_meanwhile(tmp_path: Path) -> None:
    """Its saves are read before the newest of them is written, and that is written before it is looked at them."""
    worker = Late()
    bazaar = Bazaar(tmp_path, worker=worker)
    anna = bazaar.join("anna")
    bazaar.sim.run(0.5)
    archive = bazaar.sim.server.archive
    assert archive is not None
    name = SaveName("bazaar", "account/zoe")
    now = bazaar.sim.now
    worker.is_on_time = False
    archive.put(purse_of(name, 1), now)
    archive.update(now)  # under way
    archive.put(purse_of(name, 2), now)  # behind it
    archive.request("bazaar", "account/zoe", now)
    worker.waiting.pop(0)()
    worker.waiting.pop(0)()  # the first is written, the reader has seen it
    archive.update(now)
    worker.work()
    archive.update(now)  # and so is the second
    loaded = archive.take_loaded("bazaar", "account/zoe", now)

    assert loaded is not None
    assert [save.revision for save in loaded.saves] == [2]
    assert anna.is_ready


def purse_of(name: SaveName, revision: int) -> Batch:
    return Batch(saves=[Save(name=name, revision=revision, time=0.0, components={"Purse": {"coins": revision}})])


# A store that is away for long.


def test_the_gap_is_told_whole_however_often_it_was_tried(tmp_path: Path) -> None:
    """Each attempt takes everything and puts it back."""
    bazaar = Bazaar(tmp_path, config=PersistenceConfig(max_waiting_events=10))
    anna = bazaar.join("anna")
    bazaar.sim.run(0.2)
    bazaar.flaky.fails = StoreUnavailable("away")
    for _ in range(15):
        bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.sim.run(30)
    for _ in range(5):
        bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.flaky.fails = None
    bazaar.sim.run(6)
    archive = bazaar.sim.server.archive
    assert archive is not None

    assert bazaar.events()[-1].data["events"] == 10
    assert archive.report(bazaar.sim.now)["lost"] == 10


def test_an_outage_of_days_takes_no_more_memory_than_one_of_minutes(tmp_path: Path) -> None:
    """Of what changes each tick, of matches that end and of players who come and go."""
    bazaar = Bazaar(tmp_path, config=PersistenceConfig(max_waiting_events=10, max_waiting_snapshots=3))
    anna = bazaar.join("anna")
    bazaar.flaky.fails = StoreUnavailable("away")
    archive = bazaar.sim.server.archive
    assert archive is not None
    for number in range(50):
        bazaar.purse(anna).coins -= 1
        now = bazaar.sim.now
        snapshot = Snapshot(match=f"old {number}", tick=1, time=0.0, seconds=0.0)
        match = Match(id=f"old {number}", game="bazaar", started=0.0)
        gone = SaveName("bazaar", "server", f"gone {number}")
        archive.put(Batch(matches=[match], snapshots=[snapshot], removed=[gone]), now)
        bazaar.sim.run(0.1)
    report = archive.report(bazaar.sim.now)

    waiting = report["waiting"]
    assert isinstance(waiting, int)
    assert waiting < 50
    assert sum(len(part) for part in vars(archive).values() if isinstance(part, dict)) < 5
    assert not archive.holds(archive.number, bazaar.sim.now)


def test_a_store_that_hangs_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It fails without a word: whoever runs the server has to learn of it before the disk of a night is missing."""
    worker = Late()
    bazaar = Bazaar(tmp_path, worker=worker)
    anna = bazaar.join("anna")
    bazaar.sim.run(0.5)
    worker.is_on_time = False
    bazaar.purse(anna).coins -= 1
    bazaar.sim.run(10)
    archive = bazaar.sim.server.archive
    assert archive is not None

    assert caplog.text.count("has not answered for 1.") == 1
    assert "has not answered" in str(archive.report(bazaar.sim.now)["failing"])
    worker.is_on_time = True
    worker.work()
    bazaar.sim.run(0.2)
    assert archive.report(bazaar.sim.now)["failing"] == ""


# Games with mistakes.


def test_a_migration_that_fails_overwrites_nothing(bazaar: Bazaar, caplog: pytest.LogCaptureFixture) -> None:
    """The player begins with nothing, and what it had waits for a game without that mistake."""
    parts_seen: list[object] = []

    def broken(parts: dict[str, dict[str, object]]) -> None:
        parts_seen.append(parts)
        if len(parts_seen) > at_the_start:
            raise ZeroDivisionError

    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")
    at_the_start = len([*bazaar.saves(ANNA), *bazaar.saves(WORLD_OWNER)])
    bazaar.game = replace(game, migrate=broken)
    bazaar.start_anew()
    bazaar.sim.clients.clear()
    again = bazaar.join("anna")
    bazaar.ask(again, buy, again.entity, "bow")
    bazaar.sim.run(0.5)

    assert bazaar.saves(ANNA)[""].components["Purse"] == {"coins": 90, "bought": ["axe"]}
    assert "migrate failed" in caplog.text


@pytest.mark.parametrize(
    "part", [{"coins": 5_000_000}, {"coins": "many"}, {"bought": [1]}, "nothing", {"coins": [[]]}], ids=repr
)
def test_a_save_that_does_not_fit_closes_no_game(
    bazaar: Bazaar, part: object, caplog: pytest.LogCaptureFixture
) -> None:
    """Somebody edited it, or the limits of a field have changed: it is said, and kept beside the new one."""
    save = Save(name=SaveName("bazaar", ANNA), revision=1, time=0.0, components={"Purse": part})
    bazaar.store.write(Batch(saves=[save]))
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.sim.run(0.2)

    kept = bazaar.saves(ANNA)[""].components
    assert kept["Purse"] == {"coins": 90, "bought": ["axe"]}
    assert kept["Purse (not understood)"] == part
    assert "Purse" in caplog.text


class Nasty:
    """What cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("nasty")

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("nasty")

    __hash__ = None  # type: ignore[assignment]


@component
class Sack:
    """Holds whatever the game puts in."""

    content: str = ""


def test_a_value_that_cannot_be_shown_costs_itself_alone(bazaar: Bazaar) -> None:
    """Neither the snapshot nor the game."""
    anna = bazaar.join("anna")
    bazaar.sim.server.world.add_component(bazaar.entity(anna), Sack(Nasty()))  # type: ignore[arg-type]  # a mistake
    bazaar.sim.run(3)
    [match] = bazaar.store.matches()
    snapshot = next(bazaar.store.snapshots(match.id, newest_first=True))

    entities = {document["entity"]: document for document in snapshot.entities}
    components = entities[bazaar.entity(anna)]["components"]
    assert isinstance(components, dict)
    assert components["Sack"] == {}
    assert "Purse" in components


def test_a_result_no_store_takes_does_not_lose_the_match(tmp_path: Path) -> None:
    """Numbers that are none, or too long for a database, are kept as texts."""
    odd = replace(game, summary=lambda _: {"ratio": float("inf"), "big": 1 << 80, "half": "\ud800"})
    bazaar = Bazaar(tmp_path, game=odd, rooms=RoomConfig())
    code = bazaar.sim.server.rooms.open("First")
    bazaar.sim.run(0.2)
    bazaar.sim.server.close_room(code)
    bazaar.sim.run(0.2)

    [match] = bazaar.store.matches()
    assert (match.ending, match.summary["ratio"], match.summary["big"]) == ("closed", "inf", str(1 << 80))


def test_a_password_is_not_told_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Where a snapshot cannot be kept it is said which, not what is in it."""
    bazaar = Bazaar(tmp_path, rooms=RoomConfig())
    bazaar.sim.server.rooms.open("First", password="very secret")
    bazaar.flaky.fails = StoreError("never")
    bazaar.sim.run(3)

    assert "not kept: " in caplog.text
    assert "very secret" not in caplog.text


@pytest.mark.parametrize("name", ["session", "seed", "entities"])
def test_a_store_that_was_edited_is_told_by_its_place(bazaar: Bazaar, name: str) -> None:
    """Not by a KeyError."""
    bazaar.join("anna")
    bazaar.sim.run(1.5)
    [match] = bazaar.store.matches()
    snapshot = next(bazaar.store.snapshots(match.id, newest_first=True))
    if name == "session":
        [save] = [each for each in bazaar.store.saves("bazaar", "server") if "session" in each.components]
        bazaar.store.write(Batch(saves=[replace(save, revision=9, components={"session": {"client_id": 1}})]))
    elif name == "seed":
        edited = {**snapshot.state, "seed": "not hex"}
        bazaar.store.write(Batch(snapshots=[replace(snapshot, tick=snapshot.tick + 1, state=edited)]))
    else:
        bazaar.store.write(
            Batch(snapshots=[replace(snapshot, tick=snapshot.tick + 1, count=1, entities=[{"entity": 1}])])
        )

    with pytest.raises(StoreError, match="the store was edited"):
        bazaar.kill_and_resume()


def test_a_migration_that_fails_is_told_before_anything_is_changed(bazaar: Bazaar) -> None:
    """With the match it failed for."""

    def broken(parts: dict[str, dict[str, object]]) -> None:
        raise ZeroDivisionError("by nothing")

    bazaar.join("anna")
    bazaar.sim.run(1.5)

    with pytest.raises(StoreError, match=r"Game\(migrate=\) failed for .*by nothing"):
        bazaar.kill_and_resume(replace(game, migrate=broken))


@pytest.mark.parametrize(
    ("name", "value"), [("snapshot_seconds", 0.0), ("retry_pauses_seconds", ()), ("max_waiting_events", 0)]
)
def test_limits_that_could_not_work_are_refused(name: str, value: object) -> None:
    """At once, and not when the store fails for the first time."""
    with pytest.raises(ValueError, match=name):
        PersistenceConfig(**{name: value})  # type: ignore[arg-type]  # as a mistake is
