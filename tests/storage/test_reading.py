"""What people have changed in a store by hand is told with its place; nothing but a StoreError comes of it."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pymongo
import pytest

from ecsnet.errors import StoreError
from ecsnet.storage.mongostore import MongoStore
from ecsnet.storage.sqlitestore import SQLiteStore
from ecsnet.storage.store import Batch, Match, Save, SaveName, Snapshot, Store, StoredEvent

MATCH = "20261130-180000-chess"
BATCH = Batch(
    matches=[Match(id=MATCH, game="chess", started=1.0)],
    events=[StoredEvent(match=MATCH, number=1, tick=1, time=1.0, kind="joined", players=("key/ab",), data={"a": 1})],
    saves=[Save(name=SaveName("chess", "world"), revision=1, time=1.0, components={"Board": {"move": 1}})],
)
SNAPSHOT = Snapshot(match=MATCH, tick=1, time=1.0, seconds=0.0, count=1, entities=[{"entity": 1}])
ASK: dict[str, Callable[[Store], object]] = {
    "matches": lambda store: store.matches(),
    "events": lambda store: list(store.events(MATCH)),
    "snapshots": lambda store: list(store.snapshots(MATCH)),
    "parts": lambda store: list(store.snapshots(MATCH)),
    "saves": lambda store: list(store.saves()),
}


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("matches", "summary = '{'"),
        ("matches", "summary = '[]'"),
        ("matches", "started = 'yesterday'"),
        ("events", "data = '3'"),
        ("events", "data = ''"),
        ("events", "players = '[1]'"),
        ("events", "players = '5'"),
        ("snapshots", "state = 'null'"),
        ("snapshots", "count = 'many'"),
        ("parts", "entities = '[[1]]'"),
        ("parts", "entities = '[{'"),
        ("saves", "components = '[}'"),
        ("saves", "revision = x'00'"),
    ],
)
def test_a_row_that_was_edited_is_named(tmp_path: Path, table: str, change: str) -> None:
    """The store's shell is for that; a server that goes on with it, and a question, say what is wrong."""
    path = tmp_path / "game.db"
    with closing(SQLiteStore(path)) as store:
        store.write(BATCH)
        store.write(Batch(snapshots=[SNAPSHOT]))
    with closing(sqlite3.connect(path)) as shell, shell:
        assert shell.execute(f"UPDATE {table} SET {change}").rowcount == 1  # noqa: S608  # what a person would type
    with closing(SQLiteStore(path)) as store, pytest.raises(StoreError, match=rf"{path}"):
        ASK[table](store)


@pytest.mark.process
def test_a_document_that_was_edited_is_named(mongo_url: str) -> None:
    """As people do in Compass."""
    edits: list[tuple[str, str, object]] = [
        ("matches", "matches", {"$unset": {"started": 1}}),
        ("matches", "matches", {"$set": {"summary": "won"}}),
        ("events", f"server-events.{MATCH}", {"$unset": {"kind": 1}}),
        ("events", f"server-events.{MATCH}", {"$set": {"players": [1]}}),
        ("snapshots", f"game-state.{MATCH}", {"$unset": {"count": 1}}),
        ("snapshots", f"game-state.{MATCH}", {"$set": {"entities": 7}}),
        ("snapshots", f"game-state.{MATCH}", {"$unset": {"parts": 1, "players": 1}}),
        ("saves", "saves", {"$set": {"components": None}}),
    ]
    with closing(MongoStore(mongo_url)) as store, pymongo.MongoClient[dict[str, object]](mongo_url) as compass:
        database = compass.get_default_database()
        for question, collection, change in edits:
            store.write(BATCH)
            store.write(Batch(snapshots=[SNAPSHOT]))
            ASK[question](store)
            assert database[collection].update_one({}, change).modified_count == 1  # type: ignore[arg-type]
            with pytest.raises(StoreError, match="ecsnet has not written it so"):
                ASK[question](store)
            database[collection].drop()  # and write it anew
