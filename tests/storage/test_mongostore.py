"""A store in a real MongoDB server: what people find there, and what happens when it fails at any moment."""

import logging
import traceback
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from typing import Any

import pytest

from ecsnet.errors import StoreError, StoreUnavailable
from ecsnet.storage import mongodatabase
from ecsnet.storage.mongodatabase import connect, shown
from ecsnet.storage.mongostore import MongoStore
from ecsnet.storage.store import Batch, Document, Match, Save, SaveName, Snapshot, StoredEvent
from tests.storage.mongod import Mongod, client_of

MATCH = Match(id="20261130-180000-knight", game="knight", started=1796061600.25)
ANNA = "account/anna"
SECRET = "s3cr3t"  # noqa: S105  # of nobody
NOWHERE = "mongodb://127.0.0.1:1/games?serverSelectionTimeoutMS=20"


def entities(how_many: int) -> list[Document]:
    return [{"entity": n, "components": {"Gold": {"amount": n}}} for n in range(how_many)]


def batch(number: int = 1, how_many: int = 450) -> Batch:
    """Return a bit of everything, with entities that can be asked for once."""
    when = {"match": MATCH.id, "tick": number, "time": MATCH.started}
    return Batch(
        matches=[MATCH],
        events=[StoredEvent(**when, number=number, kind="joined", players=(ANNA,), data={"client_id": 3})],  # type: ignore[arg-type]
        saves=[Save(name=SaveName("knight", ANNA), revision=number, time=MATCH.started, player="Anna")],
        snapshots=[Snapshot(**when, seconds=0.5, count=how_many, entities=iter(entities(how_many)))],  # type: ignore[arg-type]
        removed=[SaveName("knight", "world", f"chest {number}")],
    )


def kept(store: MongoStore) -> list[object]:
    """Return what a store tells of the batches, shortly."""
    revisions = [(save.name.owner, save.revision) for save in store.saves()]
    numbers = [event.number for event in store.events(MATCH.id)]
    counts = [len([*snapshot.entities]) for snapshot in store.snapshots(MATCH.id)]
    return [len(store.matches()), numbers, revisions, counts]


@pytest.fixture
def store(mongo_url: str) -> Iterator[MongoStore]:
    with closing(MongoStore(mongo_url)) as store:
        yield store


@pytest.fixture
def own_url(mongod: Mongod) -> Iterator[str]:
    """A database of a server that the test may stop."""
    mongod.start()
    yield f"{mongod.uri}outage"
    mongod.start()
    with client_of(mongod.uri) as client:
        client.drop_database("outage")


@pytest.mark.slow
@pytest.mark.parametrize(
    "url",
    [
        f"mongodb://anna:{SECRET}@127.0.0.1:1/games?serverSelectionTimeoutMS=20",
        f"mongodb://127.0.0.1:1/games?serverSelectionTimeoutMS=20&tlsCertificateKeyFilePassword={SECRET}",
        f"mongodb://anna:@{SECRET}@127.0.0.1/games",
        f"mongodb://anna:{SECRET}@:1/games?serverSelectionTimeoutMS=20",
        f"mongodb://anna:{SECRET}/@127.0.0.1/games",
        f"mongodb://anna:{SECRET}",
        f"mongodb://anna:{SECRET}@127.0.0.1/ga mes",
        f"mongodb://anna:{SECRET}@127.0.0.1:99999999/games",
        f"mongodb://anna:{SECRET}@127.0.0.1/games?w",
    ],
)
def test_a_password_is_in_no_error_and_no_log(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """Logs are read by others than those who may use the database, and go into bug reports."""
    caplog.set_level(logging.DEBUG)

    with pytest.raises(StoreError) as caught:
        MongoStore(url)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in caplog.text


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        (f"mongodb://anna:{SECRET}@host:1,other/games?w=1&tls=true", "mongodb://host:1,other/games"),
        (f"mongodb+srv://anna:{SECRET}@host/?authSource=a@b", "mongodb+srv://b"),
        ("mongodb://host", "mongodb://host"),
    ],
)
def test_of_a_url_only_the_place_is_shown(url: str, seen: str) -> None:
    """Rather too little than too much."""
    assert shown(url) == seen


def test_a_database_out_of_reach_is_named_shortly() -> None:
    """The driver tells all that it knows of each host, on one line."""
    text = r"cannot use the store mongodb://127.0.0.1:1/games now: .*refused"
    with pytest.raises(StoreUnavailable, match=text) as caught:
        MongoStore(NOWHERE)
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("url", ["mongodb://", "mongodb://host:port/games"])
def test_a_url_that_is_none_is_refused_with_an_example(url: str) -> None:
    """At once, not when it is first asked."""
    text = r"cannot understand mongodb://\.\.\.: a store's URL is like mongodb://user"
    with pytest.raises(StoreError, match=text) as caught:
        MongoStore(url)
    assert not isinstance(caught.value, StoreUnavailable)


def test_the_database_is_called_ecsnet_unless_the_url_says_otherwise() -> None:
    """So that a server's address is enough."""
    for url, name in (("mongodb://host", "ecsnet"), ("mongodb://host/", "ecsnet"), ("mongodb://host/games", "games")):
        client, database = connect(url)
        with client:
            assert database.name == name


def test_what_a_url_says_of_patience_counts() -> None:
    """A database on another continent needs more of it."""
    for url, seconds in (("mongodb://host", 2.0), ("mongodb://host/?SERVERSELECTIONTIMEOUTMS=9000", 9.0)):
        client, _ = connect(url)
        with client:
            assert client.options.server_selection_timeout == seconds


@pytest.mark.process
def test_a_login_that_is_refused_is_no_outage(mongo_url: str) -> None:
    """To try again would lock the account."""
    with pytest.raises(StoreError, match="Authentication failed") as caught:
        MongoStore(mongo_url.replace("://", f"://anna:{SECRET}@"))
    assert not isinstance(caught.value, StoreUnavailable)
    assert SECRET not in str(caught.value)


@pytest.mark.process
def test_people_find_names_and_dates(store: MongoStore, mongo_url: str) -> None:
    """With MongoDB's own tools, in collections that are listed by match and time."""
    store.write(batch(how_many=201))
    with client_of(mongo_url) as client:
        database = client.get_default_database()
        assert sorted(database.list_collection_names()) == [
            "ecsnet",
            "game-state.20261130-180000-knight",
            "matches",
            "saves",
            "server-events.20261130-180000-knight",
        ]
        event = database["server-events.20261130-180000-knight"].find_one()
        head, further = database["game-state.20261130-180000-knight"].find().sort("_id")
        [save] = database["saves"].find()

    assert event is not None
    assert event.pop("time").isoformat() == "2026-11-30T18:00:00.250000"
    assert event == {"_id": 1, "tick": 1, "kind": "joined", "players": [ANNA], "data": {"client_id": 3}}
    assert (head["_id"], head["parts"], head["seconds"]) == ({"tick": 1, "part": 1}, 2, 0.5)
    assert head["entities"][7] == {"entity": 7, "components": {"Gold": {"amount": 7}}}
    assert further == {"_id": {"tick": 1, "part": 2}, "entities": entities(201)[200:]}
    assert save["_id"] == {"game": "knight", "owner": ANNA, "key": ""}


@pytest.mark.process
def test_what_is_asked_for_has_an_index(store: MongoStore, mongo_url: str) -> None:
    """A match has a hundred thousand events, a game as many accounts."""
    store.write(batch())
    with client_of(mongo_url) as client:
        database = client.get_default_database()
        names = {name: set(database[name].index_information()) for name in database.list_collection_names()}

    assert names["server-events.20261130-180000-knight"] == {"_id_", "kind_1__id_1", "players_1__id_1"}
    assert names["game-state.20261130-180000-knight"] == {"_id_", "tick_1"}
    assert names["saves"] == {"_id_", "_id.owner_1"}


@pytest.mark.process
def test_an_empty_database_is_not_made_a_store_by_asking(mongo_url: str) -> None:
    """A slip in its name would be answered with nothing."""
    with pytest.raises(StoreError, match=r"there is no store in mongodb://.*: ecsnet serve --store URL makes it"):
        MongoStore(mongo_url, create=False)
    with client_of(mongo_url) as client:
        assert client.get_default_database().list_collection_names() == []
    MongoStore(mongo_url).close()
    MongoStore(mongo_url, create=False).close()


@pytest.mark.process
def test_a_database_of_something_else_is_left_alone(mongo_url: str) -> None:
    """Its collection "matches" may be another's."""
    with client_of(mongo_url) as client:
        client.get_default_database()["matches"].insert_one({"winner": "anna"})
        with pytest.raises(StoreError, match=r"has other collections \('matches'\): name a database of its own"):
            MongoStore(mongo_url)
        assert client.get_default_database().list_collection_names() == ["matches"]


@pytest.mark.process
def test_a_newer_database_is_refused_with_the_fix(store: MongoStore, mongo_url: str) -> None:
    """Whoever went back to an older ecsnet must not lose what the newer one has kept."""
    with client_of(mongo_url) as client:
        client.get_default_database()["ecsnet"].update_one({}, {"$set": {"version": 3}})
    with pytest.raises(StoreError, match=r"is of version 3, and this ecsnet knows 1: update ecsnet"):
        MongoStore(mongo_url)


@pytest.mark.process
def test_an_older_server_is_refused_with_the_fix(mongo_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would refuse a game's document one day, in the middle of a match."""
    monkeypatch.setattr(mongodatabase, "MIN_WIRE_VERSION", 10_000)
    with pytest.raises(StoreError, match=r"is older than MongoDB 5, .* update it"):
        MongoStore(mongo_url)


@pytest.mark.process
def test_a_snapshot_whose_parts_are_not_all_there_is_not_there(store: MongoStore, mongo_url: str) -> None:
    """Somebody deletes by hand; half a World must not be resumed."""
    store.write(batch(1))
    store.write(batch(2))
    with client_of(mongo_url) as client:
        states = client.get_default_database()[f"game-state.{MATCH.id}"]
        assert states.delete_one({"_id": {"tick": 2, "part": 3}}).deleted_count == 1

    assert [snapshot.tick for snapshot in store.snapshots(MATCH.id, newest_first=True)] == [1]


@pytest.mark.process
def test_what_no_document_takes_is_refused_for_good(store: MongoStore) -> None:
    """MongoDB takes 16 MB in one, and no match whose name is none; to try again would not help."""
    too_large = StoredEvent(match=MATCH.id, number=1, tick=1, time=0.0, kind="said", data={"text": "x" * 17_000_000})
    for refused in (Batch(events=[too_large]), Batch(matches=[Match(id="a$b\0", game="knight", started=0.0)])):
        with pytest.raises(StoreError, match=r"this in the store|refuses this for good") as caught:
            store.write(refused)
        assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.process
def test_times_are_kept_to_the_millisecond(store: MongoStore) -> None:
    """As dates are; a save that is written again is the same all the same, and a time is within its own span."""
    fine = 1796061600.1234567
    save = Save(name=SaveName("knight", ANNA), revision=1, time=fine)
    event = StoredEvent(match=MATCH.id, number=1, tick=1, time=fine, kind="joined")
    for _ in range(2):
        assert list(store.write(Batch(saves=[save], events=[event]))) == []

    assert [one.time for one in store.saves()] == [1796061600.123]
    assert [one.time for one in store.events(MATCH.id, since=fine, until=fine)] == [1796061600.123]


@pytest.mark.process
@pytest.mark.slow
def test_a_batch_cut_short_anywhere_leaves_nothing_that_is_wrong(mongod: Mongod, own_url: str) -> None:
    """After each of its writes: no event or snapshot without its match, no half of a snapshot; then it is completed."""
    for after in count():
        with closing(MongoStore(own_url)) as store:
            chest = Save(name=SaveName("knight", "world", "chest 1"), revision=1, time=0.0)
            store.write(Batch(saves=[chest]))
            writes = ["insert", "update", "delete", "findAndModify", "createIndexes"]
            with mongod.failing(writes, after=after, errorCode=112):
                try:
                    store.write(batch())
                    is_whole = True
                except StoreUnavailable:
                    is_whole = False
            [matches, events, saves, counts] = kept(store)
            assert matches == 1 or (events, counts) == ([], []), f"cut short after {after}"
            assert counts in ([], [450]), f"cut short after {after}"
            assert len(saves) >= 1, f"cut short after {after}"  # type: ignore[arg-type]
            assert list(store.write(batch())) == []
            assert kept(store) == [1, [1], [(ANNA, 1)], [450]], f"cut short after {after}"
        with client_of(mongod.uri) as client:
            client.drop_database("outage")
        if is_whole:
            break
    assert after == 10, "a match, indexes of two collections, events, a save, three parts, what is removed; the last"


@pytest.mark.process
@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "how"),
    [
        ("insert", {"errorCode": 91}),
        ("update", {"errorCode": 11600}),
        ("insert", {"errorCode": 14031}),
        ("update", {"closeConnection": True}),
        ("insert", {"writeConcernError": {"code": 64, "errmsg": "waiting for replication timed out"}}),
        ("update", {"writeConcernError": {"code": 91, "errmsg": "shutting down"}}),
    ],
    ids=str,
)
def test_what_passes_is_unavailable(mongod: Mongod, own_url: str, command: str, how: dict[str, Any]) -> None:
    """Shut down, no room, cut off, done but not yet on enough machines: the same goes in later, and is there once."""
    with closing(MongoStore(own_url)) as store:
        with mongod.failing([command], **how), pytest.raises(StoreUnavailable):
            store.write(batch())
        assert list(store.write(batch())) == []

        assert kept(store) == [1, [1], [(ANNA, 1)], [450]]


@pytest.mark.process
@pytest.mark.parametrize("code", [13, 20, 8000], ids=["unauthorized", "illegal operation", "service error"])
def test_what_does_not_pass_is_an_error(mongod: Mongod, own_url: str, code: int) -> None:
    """Rights are given by people, who read what the error says."""
    with closing(MongoStore(own_url)) as store, mongod.failing(["insert"], errorCode=code):
        with pytest.raises(StoreError, match="Failing command via 'failCommand'") as caught:
            store.write(batch())
        assert not isinstance(caught.value, StoreUnavailable)


@pytest.mark.process
@pytest.mark.slow
def test_a_server_that_is_killed_and_started_again_has_all_it_acknowledged(mongod: Mongod, own_url: str) -> None:
    """Written again, the same batch is there once; the connection is the old one."""
    with closing(MongoStore(f"{own_url}?serverSelectionTimeoutMS=700")) as store:
        store.write(batch(1))
        mongod.stop()
        waiting = batch(2)
        with pytest.raises(StoreUnavailable, match=r"connection closed|refused"):
            store.write(waiting)
        with pytest.raises(StoreUnavailable, match="refused"):
            store.matches()
        mongod.start()
        with closing(MongoStore(own_url)) as other:
            assert kept(other) == [1, [1], [(ANNA, 1)], [450]]
        for _ in range(2):
            assert list(store.write(waiting)) == []
        assert kept(store) == [1, [1, 2], [(ANNA, 2)], [450, 450]]


@pytest.mark.process
@pytest.mark.slow
def test_a_server_that_stands_still_is_unavailable_until_it_goes_on(mongod: Mongod, own_url: str) -> None:
    """A machine that vanished does not refuse: nothing comes back, for as long as we wait."""
    with closing(MongoStore(f"{own_url}?socketTimeoutMS=200&serverSelectionTimeoutMS=200")) as store:
        store.write(batch(1))
        mongod.freeze()
        try:
            with pytest.raises(StoreUnavailable, match="timed out"):
                store.write(batch(2))
        finally:
            mongod.thaw()
    with closing(MongoStore(own_url)) as again:
        assert list(again.write(batch(2))) == []
        assert kept(again) == [1, [1, 2], [(ANNA, 2)], [450, 450]]
