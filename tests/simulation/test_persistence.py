"""What a server keeps, when, and what becomes of a game whose store does not answer."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from ecsnet.archive import REMEMBERED_MATCHES
from ecsnet.components import LobbyStage, Persistent, Stage
from ecsnet.config import PersistenceConfig, RoomConfig
from ecsnet.errors import StoreError, StoreUnavailable
from ecsnet.fields import EVERYONE
from ecsnet.gameevent import event
from ecsnet.rpc import RefusalCode, Rpc
from ecsnet.storage.store import SERVER_OWNER, WORLD_OWNER, Batch, Match, Save, SaveName
from ecsnet.system import System
from ecsnet.world import World
from tests.simulation.bazaar import Bazaar, Chest, Hand, Purse, buy, buy_now, game, look

T = TypeVar("T")
ANNA = "account/anna"


class Late:
    """A worker that does a job when it is told to."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.is_on_time = True

    def submit(self, job: Callable[[], T], /) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(job())
            except Exception as error:
                future.set_exception(error)

        self.waiting.append(run)
        if self.is_on_time:
            self.work()
        return future

    def work(self) -> None:
        for run in self.waiting:
            run()
        self.waiting.clear()


@pytest.fixture
def bazaar(tmp_path: Path) -> Bazaar:
    return Bazaar(tmp_path)


# What is kept.


def test_who_comes_and_goes_is_kept(bazaar: Bazaar) -> None:
    """With the reason, and whoever it is about."""
    anna = bazaar.join("anna")
    bazaar.sim.run(0.2)
    anna.close(now=bazaar.sim.now)
    bazaar.sim.run(1)

    joined, left = bazaar.events("joined", "left")
    assert (joined.players, joined.data["name"], joined.data["client_id"]) == ((ANNA,), "anna", 1)
    assert (left.players, left.data["reason"]) == ((ANNA,), "LEFT")
    assert [event.number for event in bazaar.events()] == list(range(1, 1 + len(bazaar.events())))


def test_the_games_own_events_are_kept_by_name(bazaar: Bazaar) -> None:
    """Those that are worth something later, with the player they are about."""
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")

    [bought] = bazaar.events("Bought")
    assert (bought.players, bought.data) == ((ANNA,), {"buyer": bazaar.entity(anna), "thing": "axe"})
    assert not bazaar.events("Clink")


def test_what_a_player_has_is_kept_when_it_changes(bazaar: Bazaar) -> None:
    """And is there when the player comes back, what is not for good is not."""
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")

    [save] = bazaar.saves(ANNA).values()
    assert save.player == "anna"
    assert save.components == {"Purse": {"coins": 90, "bought": ["axe"]}}
    anna.close(now=bazaar.sim.now)
    bazaar.sim.run(1)
    assert bazaar.purse(bazaar.join("Anna")) == Purse(90, ("axe",))


def test_what_is_not_changed_is_not_written(tmp_path: Path) -> None:
    """A store is not asked sixty times a second for nothing."""
    bazaar = Bazaar(tmp_path, config=PersistenceConfig(snapshot_seconds=30))
    bazaar.join("anna")
    bazaar.sim.run(0.5)
    bazaar.flaky.batches.clear()
    bazaar.sim.run(0.4)

    assert not bazaar.flaky.batches


def test_the_worlds_things_are_kept_under_their_keys(bazaar: Bazaar) -> None:
    """They are there from the first tick of the next server."""
    bazaar.sim.run(0.1)
    [(_, chest)] = bazaar.sim.server.world.get_component(Chest)
    chest.coins = 3
    bazaar.sim.run(0.1)

    assert bazaar.saves(WORLD_OWNER)["chest"].components == {"Chest": {"coins": 3}}
    bazaar.sim.restart(bazaar.archive())
    bazaar.sim.run(0.1)
    assert [chest.coins for _, chest in bazaar.sim.server.world.get_component(Chest)] == [3]


class Rebuild(System):
    """Takes the chest away, and puts another in its place, in the same tick."""

    def process(self, world: World) -> None:
        for entity, chest in world.get_component(Chest):
            if chest.coins > 10:
                chest.coins += 1
                world.delete_entity(entity)
                world.create_entity(Chest(), Persistent("chest"))


def test_what_an_entity_had_when_it_was_deleted_is_kept(tmp_path: Path) -> None:
    """Also what changed in the very tick in which it went; and another that takes its place has it."""
    bazaar = Bazaar(tmp_path, game=replace(game, systems=(*game.systems, Rebuild)))
    bazaar.sim.run(0.1)
    [(first, chest)] = bazaar.sim.server.world.get_component(Chest)
    chest.coins = 76
    bazaar.sim.step()
    [(second, other)] = bazaar.sim.server.world.get_component(Chest)

    assert second != first
    assert other.coins == 77
    bazaar.sim.server.world.delete_entity(second)
    other.coins = 9
    bazaar.sim.run(0.1)
    assert bazaar.saves(WORLD_OWNER)["chest"].components == {"Chest": {"coins": 9}}


def test_who_has_proved_nothing_has_nothing_kept(tmp_path: Path) -> None:
    """Two who call themselves Anna must not share a purse."""
    bazaar = Bazaar(tmp_path, accounts=False)
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")

    assert {save.name.owner for save in bazaar.store.saves("bazaar")} == {SERVER_OWNER, WORLD_OWNER}
    assert bazaar.purse(bazaar.join("anna")) == Purse()


def test_two_entities_of_one_name_are_told_apart_or_refused(bazaar: Bazaar, caplog: pytest.LogCaptureFixture) -> None:
    """The second would overwrite the first."""
    bazaar.join("anna")
    bazaar.sim.server.world.create_entity(Chest(5), Persistent("chest"))
    bazaar.sim.server.world.create_entity(Chest(6), Persistent("other"))
    bazaar.sim.run(0.2)

    told = "entity 1 of the room and entity 3 of the room are both kept as 'chest' of world; give one another"
    assert told in caplog.text
    saved = {key: save.components["Chest"] for key, save in bazaar.saves(WORLD_OWNER).items()}
    assert saved == {"chest": {"coins": 10}, "other": {"coins": 6}}


def test_a_player_has_no_more_saves_than_there_may_be(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A game that makes one for each arrow is told, and the others are kept."""
    config = PersistenceConfig(max_saves_of_one_owner=2)
    bazaar = Bazaar(tmp_path, config=config)
    anna = bazaar.join("anna")
    world = bazaar.sim.server.world
    owner = world.components_for_entity(bazaar.entity(anna))
    for number in range(3):
        world.create_entity(
            Purse(number), Persistent(f"bag {number}"), *[each for each in owner if type(each).__name__ == "Owner"]
        )
        bazaar.sim.run(0.1)

    assert list(bazaar.saves(ANNA)) == ["", "bag 0"]
    assert "account/anna has 2 saves, and entity" in caplog.text


def test_the_world_is_kept_whole_now_and_then(bazaar: Bazaar) -> None:
    """As documents that people can read, with who was there; and when a match begins."""
    anna = bazaar.join("anna")
    bazaar.sim.run(3)
    [match] = bazaar.store.matches()
    snapshots = list(bazaar.store.snapshots(match.id))

    assert len(snapshots) == 4
    assert [snapshot.tick for snapshot in snapshots] == sorted({snapshot.tick for snapshot in snapshots})
    last = snapshots[-1]
    entities = {entity["entity"]: entity for entity in last.entities}
    assert last.players == [
        {"client_id": 1, "name": "anna", "status": "CONNECTED", "entity": bazaar.entity(anna), "player": ANNA}
    ]
    assert entities[bazaar.entity(anna)]["owner"] == {"client_id": 1, "name": "anna"}
    components = entities[bazaar.entity(anna)]["components"]
    assert isinstance(components, dict)
    assert components["Purse"] == {"coins": 100, "bought": []}


def test_refused_calls_are_kept_and_a_flood_of_them_is_counted(bazaar: Bazaar) -> None:
    """They are the evidence of a cheat, and no way to fill the store."""
    anna = bazaar.join("anna")
    anna.receiver.network_id_of(0)
    for _ in range(20):
        anna.call(buy, 0, "axe")
    bazaar.sim.run(0.5)
    bazaar.sim.run(2)
    anna.call(buy, 0, "axe")
    bazaar.sim.run(0.5)

    refused = bazaar.events("refused-call")
    assert [event.data["more"] for event in refused] == [0, 0, 18]
    assert refused[0].players == (ANNA,)
    assert (refused[0].data["rpc"], refused[0].data["code"]) == ("buy", RefusalCode.NOT_OWNER.name)


# Answers wait for what they promise.


@pytest.mark.parametrize("call", [buy, buy_now], ids=["tick", "arrival"])
def test_an_answer_waits_until_what_it_says_is_safe(tmp_path: Path, call: Rpc[[int, str], int]) -> None:
    """Who reads "it is yours" has it, although the server is killed the next moment."""
    worker = Late()
    bazaar = Bazaar(tmp_path, worker=worker)
    anna = bazaar.join("anna")
    bazaar.sim.run(0.5)
    worker.is_on_time = False
    assert anna.entity is not None
    reply = anna.call(call, anna.entity, "axe")
    bazaar.sim.run(0.5)
    assert bazaar.purse(anna).coins == 90
    assert not reply.done
    worker.is_on_time = True
    worker.work()
    bazaar.sim.run(0.2)

    assert reply.value == 90
    assert bazaar.saves(ANNA)[""].components["Purse"] == {"coins": 90, "bought": ["axe"]}


def test_an_answer_that_changed_nothing_waits_for_nothing(tmp_path: Path) -> None:
    """A game that only asks is as fast as without a store."""
    worker = Late()
    bazaar = Bazaar(tmp_path, worker=worker)
    anna = bazaar.join("anna")
    bazaar.sim.run(0.5)
    worker.is_on_time = False
    reply = anna.call(look)
    bazaar.sim.run(0.2)

    assert reply.ok


def test_a_store_that_takes_too_long_holds_nobody_up(tmp_path: Path) -> None:
    """After a second answers go out, and no other waits until the store has caught up."""
    worker = Late()
    bazaar = Bazaar(tmp_path, worker=worker)
    anna = bazaar.join("anna")
    bazaar.sim.run(0.5)
    worker.is_on_time = False
    assert anna.entity is not None
    first = anna.call(buy, anna.entity, "axe")
    bazaar.sim.run(0.9)
    assert not first.done
    bazaar.sim.run(0.3)
    second = anna.call(buy, anna.entity, "axe")
    bazaar.sim.run(0.2)

    assert first.ok
    assert second.ok


# A store that fails.


def test_the_game_plays_on_without_its_store_and_the_gap_is_told(
    bazaar: Bazaar, caplog: pytest.LogCaptureFixture
) -> None:
    """And everything is written when it is back: the newest of what changed, each event."""
    anna = bazaar.join("anna")
    bazaar.flaky.fails = StoreUnavailable("the disk is full")
    for _ in range(5):
        bazaar.ask(anna, buy, anna.entity, "axe")
        bazaar.sim.run(0.5)
    assert bazaar.saves(ANNA)[""].components["Purse"] == {"coins": 100, "bought": []}
    assert caplog.text.count("the store fails: the disk is full; the game plays on") == 1
    assert bazaar.sim.server.archive is not None
    report = bazaar.sim.server.archive.report(bazaar.sim.now)
    assert report["failing"] == "the disk is full"
    bazaar.flaky.fails = None
    bazaar.sim.run(6)

    assert bazaar.saves(ANNA)[""].components["Purse"] == {"coins": 50, "bought": ["axe"] * 5}
    assert len(bazaar.events("Bought")) == 5
    assert "can be written again after" in caplog.text


def test_what_does_not_fit_into_memory_is_counted(tmp_path: Path) -> None:
    """A store that is away for days must not take the server with it."""
    bazaar = Bazaar(tmp_path, config=PersistenceConfig(max_waiting_events=10))
    anna = bazaar.join("anna")
    bazaar.sim.run(0.2)
    known = len(bazaar.events())
    bazaar.flaky.fails = StoreUnavailable("away")
    for _ in range(7):
        bazaar.ask(anna, buy, anna.entity, "axe")
        bazaar.ask(anna, buy_now, anna.entity, "axe")
    bazaar.flaky.fails = None
    bazaar.sim.run(6)

    *_, last, gap = bazaar.events()
    assert len(bazaar.events()) == known + 11
    assert (last.kind, last.number) == ("Bought", known + 10)
    assert (gap.kind, gap.number, gap.data["events"]) == ("gap", known + 11, 4)
    anna.close(now=bazaar.sim.now)
    bazaar.sim.run(0.5)
    assert bazaar.events()[-1].number == known + 15


def test_one_thing_no_store_would_take_does_not_keep_the_others_out(
    bazaar: Bazaar, caplog: pytest.LogCaptureFixture
) -> None:
    """It is named, and lost alone."""
    anna = bazaar.join("anna")
    write = bazaar.flaky.store.write

    def picky(batch: Batch) -> object:
        if any(event.data.get("thing") == "poison" for event in batch.events):
            raise StoreError("poison")
        return write(batch)

    bazaar.flaky.store.write = picky  # type: ignore[method-assign, assignment]  # as a database would
    bazaar.ask(anna, buy, anna.entity, "poison")
    bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.sim.run(0.5)

    assert [event.data["thing"] for event in bazaar.events("Bought")] == ["axe"]
    assert bazaar.saves(ANNA)[""].components["Purse"] == {"coins": 80, "bought": ["poison", "axe"]}
    assert "not kept: " in caplog.text


def test_somebody_elses_change_is_not_overwritten(bazaar: Bazaar, caplog: pytest.LogCaptureFixture) -> None:
    """Two servers that let in the same player at once would take turns in undoing each other's work."""
    anna = bazaar.join("anna")
    bazaar.sim.run(0.2)
    save = bazaar.saves(ANNA)[""]
    bazaar.store.write(Batch(saves=[replace(save, revision=99)]))
    bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.sim.run(0.2)

    assert bazaar.saves(ANNA)[""].revision == 99
    assert "somebody else writes" in caplog.text


# Newcomers.


def test_a_newcomer_waits_for_its_saves(tmp_path: Path) -> None:
    """It would begin with nothing otherwise, and overwrite what it had."""
    worker = Late()
    bazaar = Bazaar(tmp_path, worker=worker)
    bazaar.sim.run(0.2)
    worker.is_on_time = False
    anna = bazaar.sim.join("anna", account="anna", account_password="annas password", wait=False)
    bazaar.sim.run(1)
    assert not anna.is_ready
    assert not bazaar.sim.server.peers
    worker.is_on_time = True
    worker.work()
    bazaar.sim.run(1)

    assert anna.is_ready


def test_who_cannot_be_looked_up_is_turned_away(bazaar: Bazaar) -> None:
    """With a text; and may come in when the store is back. Who is in plays on."""
    bazaar.join("ben")
    bazaar.flaky.fails = StoreUnavailable("away")
    anna = bazaar.sim.join("anna", account="anna", account_password="annas password", wait=False)
    bazaar.sim.run(5)
    assert anna.disconnected is not None
    assert "cannot look up what it keeps of you" in anna.disconnected[1]
    assert len(bazaar.sim.server.peers) == 1
    bazaar.flaky.fails = None

    assert bazaar.join("anna").is_ready


def test_who_goes_while_it_waits_leaves_nothing_behind(tmp_path: Path) -> None:
    """Neither a place nor saves at hand."""
    worker = Late()
    bazaar = Bazaar(tmp_path, worker=worker)
    bazaar.sim.run(0.2)
    worker.is_on_time = False
    anna = bazaar.sim.join("anna", account="anna", account_password="annas password", wait=False)
    bazaar.sim.run(1)
    anna.close(now=bazaar.sim.now)
    bazaar.sim.run(1)
    worker.is_on_time = True
    worker.work()
    bazaar.sim.run(1)

    assert not bazaar.sim.server.peers
    assert bazaar.join("anna").is_ready


def test_a_game_that_keeps_nothing_for_good_makes_nobody_wait(tmp_path: Path) -> None:
    """Its players come in although the store is away."""
    bazaar = Bazaar(tmp_path, game=replace(game, persistent=()))
    bazaar.flaky.fails = StoreUnavailable("away")

    assert bazaar.join("anna").is_ready


def test_what_a_snapshot_cannot_hold_is_told_once(bazaar: Bazaar, caplog: pytest.LogCaptureFixture) -> None:
    """Whoever counts on it learns in time that it is not there."""

    class Handle:
        """What somebody who knows esper may put into a World."""

    bazaar.sim.server.world.create_entity(Handle(), Hand(holds=Handle()))  # type: ignore[arg-type]  # as a mistake is
    bazaar.sim.run(4)

    assert caplog.text.count("snapshots of bazaar leave out Handle, which is no @component") == 1
    assert caplog.text.count("snapshots of bazaar leave out Hand.holds: a Handle has no form in a store") == 1


def test_old_matches_are_deleted_and_saves_stay(tmp_path: Path) -> None:
    """If whoever runs the server says so; the one that is on stays, however large it is."""
    bazaar = Bazaar(tmp_path, config=PersistenceConfig(max_store_bytes=1, tidy_seconds=2.0))
    for number in range(3):
        match = Match(id=f"old {number}", game="bazaar", started=number, ended=number + 1.0, ending="closed")
        bazaar.store.write(Batch(matches=[match]))
    anna = bazaar.join("anna")
    bazaar.ask(anna, buy, anna.entity, "axe")
    bazaar.sim.run(5)

    assert [match.ending for match in bazaar.store.matches()] == [""]
    assert bazaar.saves(ANNA)[""].components["Purse"] == {"coins": 90, "bought": ["axe"]}


def test_two_matches_that_begin_in_the_same_second_have_two_names(bazaar: Bazaar) -> None:
    """A server that was killed and is back at once, too; those remembered are not more than that takes."""
    archive = bazaar.archive()
    archive.know_matches(["a", "a-2"])

    assert [archive.new_match_id("a"), archive.new_match_id("a"), archive.new_match_id("b")] == ["a-3", "a-4", "b"]
    for number in range(REMEMBERED_MATCHES):
        archive.new_match_id(f"c{number}")
    assert archive.new_match_id("a") == "a"


def test_a_match_ends_with_its_lobbys_and_the_next_one_begins(bazaar: Bazaar) -> None:
    """Each with its own events, a last snapshot and how it stood; who is here stays, and is in both."""
    anna = bazaar.join("anna")
    world = bazaar.sim.server.world
    stage = LobbyStage()
    world.create_entity(stage)
    for each in (Stage.COUNTDOWN, Stage.RUNNING, Stage.FINISHED, Stage.WAITING, Stage.RUNNING):
        bazaar.sim.run(0.3)
        stage.stage = each
        bazaar.sim.run(0.1)
        bazaar.ask(anna, buy, anna.entity, each.name)
    first, second = bazaar.store.matches()

    assert (first.ending, first.summary, second.ending) == ("finished", {"purses": 1}, "")
    assert first.ended is not None
    assert first.started < first.ended <= second.started
    kinds = [event.kind for event in bazaar.store.events(first.id)]
    assert [kind for kind in kinds if kind in {"stage", "match-began", "match-ended"}] == [
        *("stage", "stage", "stage", "match-began", "stage", "match-ended")
    ]
    [last] = list(bazaar.store.snapshots(first.id, newest_first=True))[:1]
    [ended] = bazaar.store.events(first.id, kinds=["match-ended"])
    assert last.tick == ended.tick
    assert [event.data["thing"] for event in bazaar.store.events(second.id, kinds=["Bought"])] == ["WAITING", "RUNNING"]
    assert [event.number for event in bazaar.store.events(second.id)][:1] == [1]


def test_a_summary_that_fails_costs_nobody_the_match(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """It is code of the game."""

    def summary(_: World) -> dict[str, object]:
        raise KeyError("score")

    bazaar = Bazaar(tmp_path, game=replace(game, summary=summary))
    stage = LobbyStage()
    bazaar.sim.server.world.create_entity(stage)
    bazaar.sim.run(0.1)
    stage.stage = Stage.FINISHED
    bazaar.sim.run(0.2)

    assert [match.ending for match in bazaar.store.matches()] == ["finished"]
    assert "the summary of bazaar failed" in caplog.text


def test_who_comes_twice_at_once_keeps_what_the_first_one_brought(tmp_path: Path) -> None:
    """The second connection is turned away; the saves in hand are the first one's."""
    worker = Late()
    bazaar = Bazaar(tmp_path, worker=worker)
    bazaar.store.write(
        Batch(saves=[Save(name=SaveName("bazaar", ANNA), revision=7, time=0.0, components={"Purse": {"coins": 50}})])
    )
    bazaar.sim.run(0.2)
    worker.is_on_time = False
    both = [bazaar.sim.join("anna", account="anna", account_password="annas password", wait=False) for _ in range(2)]
    bazaar.sim.run(1)
    worker.is_on_time = True
    worker.work()
    bazaar.sim.run(1)
    [anna] = [client for client in both if client.is_ready]
    bazaar.ask(anna, buy, anna.entity, "axe")

    assert bazaar.saves(ANNA)[""].revision == 8
    assert bazaar.saves(ANNA)[""].components["Purse"] == {"coins": 40, "bought": ["axe"]}


def test_a_thing_of_the_worlds_is_in_one_room(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Two rooms would take turns in overwriting it; when the room is gone, another may have it."""
    bazaar = Bazaar(tmp_path, rooms=RoomConfig(empty_seconds=5.0))
    bazaar.sim.run(0.1)
    rooms = bazaar.sim.server.rooms
    first, second = rooms.open(), rooms.open()
    bazaar.sim.run(0.2)
    assert f"of room {first} and entity 2 of room {second} are both kept as 'chest' of world" in caplog.text
    for code, coins in ((first, 1), (second, 2)):
        [(_, chest)] = rooms.by_code[code].world.get_component(Chest)
        chest.coins = coins
    bazaar.sim.run(0.2)
    assert bazaar.saves(WORLD_OWNER)["chest"].components == {"Chest": {"coins": 1}}
    bazaar.sim.server.close_room(first)
    third = rooms.open()
    bazaar.sim.run(0.2)

    assert [chest.coins for _, chest in rooms.by_code[third].world.get_component(Chest)] == [1]


@event
class Odd:
    """Its fields are called as if they were ours."""

    kind: str
    clients: int
    self: int


def test_a_games_event_may_call_its_fields_as_it_likes(tmp_path: Path) -> None:
    """They are its own."""
    bazaar = Bazaar(tmp_path, game=replace(game, events=(*game.events, Odd)))
    bazaar.sim.run(0.1)
    bazaar.sim.server.world.to(EVERYONE).send(Odd("strange", 3, 4))
    bazaar.sim.run(0.2)

    assert [each.data for each in bazaar.events("Odd")] == [{"kind": "strange", "clients": 3, "self": 4}]
