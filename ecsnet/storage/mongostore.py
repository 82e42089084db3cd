"""MongoStore: a store in a MongoDB database, which people look at with MongoDB's own tools.

Collections: "matches", "saves", for each match "server-events.ID" and "game-state.ID" (an ID begins with the time when
it started, so they are listed in this order), and "ecsnet" with the version of this layout.

MongoDB keeps one document whole, not a batch. So what comes first is right without what follows: a match before what
is of it, and of a snapshot the part that makes it valid at last. Only the last write of a batch waits for the disk, and
for other servers: these get all writes in their order, so what is before one that is safe is safe.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import groupby, islice

from pymongo import ASCENDING, DESCENDING, IndexModel, ReturnDocument, WriteConcern
from pymongo.errors import BulkWriteError

from ecsnet.storage.batches import entity_parts, newest
from ecsnet.storage.mongodatabase import (
    DUPLICATE_KEY,
    LAYOUT,
    Documents,
    check_layout,
    connect,
    named_errors,
    safe,
    shown,
)
from ecsnet.storage.mongodocuments import (
    Stored,
    date,
    event_document,
    event_of,
    match_document,
    match_of,
    plain,
    save_document,
    save_id,
    save_of,
    snapshot_document,
    snapshot_of,
    unhurried,
)
from ecsnet.storage.mongoforgetting import forget
from ecsnet.storage.reading import read_as
from ecsnet.storage.store import Batch, Forgotten, Match, Save, SaveName, Snapshot, StoredEvent

__all__ = ["MongoStore"]

PAGE_DOCUMENTS = 500  # read together: some 200 kB
EVENTS_TOGETHER = 200  # encoded by one call, during which the game's thread waits: a millisecond
MAX_INTEGER = 2**63 - 1  # of BSON
_INDEXES_OF_EVENTS = [IndexModel([(field, ASCENDING), ("_id", ASCENDING)]) for field in ("kind", "players")]
_INDEXES_OF_STATES = [IndexModel([("tick", ASCENDING)])]


class MongoStore:
    """A `Store` in one database. One thread at a time may use it; other processes may, at any time, by their own."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Find the database of a URL, by default "ecsnet"; it becomes a store if it is empty, unless told otherwise.

        Raises:
            StoreError: It is no store, or is of a newer version, or the URL is none.
            StoreUnavailable: It does not answer.
        """
        self._client, database = connect(url)
        self._where = shown(url)
        try:
            with named_errors(self._where):
                self._layout = safe(database, self._where)[LAYOUT]
                self._database = database.with_options(write_concern=WriteConcern(1, j=False))
                self._matches, self._saves = self._database["matches"], self._database["saves"]
                check_layout(self._layout, self._where, create=create)
                if create:
                    self._saves.create_index("_id.owner")
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        """Show the database, and not who logs in."""
        return f"MongoStore({self._where!r})"

    def __str__(self) -> str:
        """Return the database, as a message names it."""
        return self._where

    def write(self, batch: Batch) -> Sequence[SaveName]:
        """Keep everything, document by document: see `Store`."""
        with named_errors(self._where):
            for match in batch.matches:
                self._write_match(match)
            for identity, events in groupby(batch.events, key=lambda event: event.match):
                self._write_events(identity, events)
            refused = [save.name for save in newest(batch.saves) if not self._write_save(save)]
            for snapshot in batch.snapshots:
                self._write_snapshot(snapshot)
            if batch.removed:
                self._saves.delete_many({"_id": {"$in": [save_id(name) for name in batch.removed]}})
            self._wait_until_safe()
        return refused

    def close(self) -> None:
        """Let go of all connections. May be called again."""
        self._client.close()

    def matches(self, game: str = "") -> list[Match]:
        """Return the matches, oldest first: see `Store`."""
        with named_errors(self._where):
            found = self._matches.find({"game": game} if game else {}).sort(
                [("started", ASCENDING), ("_id", ASCENDING)]
            )
            return read_as(match_of, found, self._where)

    def counts(self, match: str) -> tuple[int, int]:
        """Return how many events and snapshots there are: see `Store`."""
        with named_errors(self._where):
            snapshots = self._states(match).count_documents({"tick": {"$gte": 0}})
            return self._events(match).estimated_document_count(), snapshots

    def events(
        self, match: str, *, kinds: Sequence[str] = (), player: str = "", since: float = 0.0, until: float | None = None
    ) -> Iterator[StoredEvent]:
        """Return what happened in a match, in order: see `Store`."""
        asked: Stored = {"time": _span(since, until)}
        if kinds:
            asked["kind"] = {"$in": list(kinds)}
        if player:
            asked["players"] = player
        for page in self._pages(f"server-events.{match}", asked):
            yield from read_as(partial(event_of, match), page, self._where)

    def snapshots(
        self, match: str, *, since: float = 0.0, until: float | None = None, newest_first: bool = False
    ) -> Iterator[Snapshot]:
        """Return the snapshots of a match, each read when it is asked for: see `Store`."""
        beyond, order, after = ("$lt", DESCENDING, MAX_INTEGER) if newest_first else ("$gt", ASCENDING, -1)
        asked = {"time": _span(since, until)}
        while head := self._first_state(match, asked | {"tick": {beyond: after}}, order):
            further = self._further_parts(match, head)
            if len(further) == head.get("parts", 1) - 1:
                yield from read_as(partial(snapshot_of, further=further), [head], self._where)
            after = head["tick"]

    def saves(self, game: str = "", owner: str = "") -> Iterator[Save]:
        """Return the saves, by name: see `Store`."""
        asked = {field: value for field, value in (("_id.game", game), ("_id.owner", owner)) if value}
        for page in self._pages("saves", asked):
            yield from read_as(save_of, page, self._where)

    def remove_match(self, match: str) -> None:
        """Delete a match with its events and snapshots: see `Store`. Last goes what says that it is there."""
        with named_errors(self._where):
            self._states(match).drop()
            self._events(match).drop()
            self._matches.delete_one({"_id": match})
            self._wait_until_safe()

    def forget(self, owner: str, names: Sequence[str] = ()) -> Forgotten:
        """Delete what is kept of a player: see `Store`."""
        struck = {owner, *names, *(save.player for save in self.saves(owner=owner))} - {""}
        with named_errors(self._where):
            forgotten = forget(self._database, owner, struck)
            self._wait_until_safe()
        return forgotten

    def size_bytes(self) -> int:
        """Return how much room documents and indexes take; what MongoDB compresses takes less on the disk."""
        with named_errors(self._where):
            sizes = self._database.command("dbStats")
        return int(sizes["dataSize"] + sizes["indexSize"])

    def _events(self, match: str) -> Documents:
        return self._database[f"server-events.{match}"]

    def _states(self, match: str) -> Documents:
        return self._database[f"game-state.{match}"]

    def _wait_until_safe(self) -> None:
        """Write something, and wait for this write and so for all before it."""
        self._layout.update_one({"_id": "layout"}, {"$currentDate": {"written": True}})

    def _write_match(self, match: Match) -> None:
        self._matches.replace_one({"_id": match.id}, match_document(match), upsert=True)
        self._events(match.id).create_indexes(_INDEXES_OF_EVENTS)
        self._states(match.id).create_indexes(_INDEXES_OF_STATES)

    def _write_events(self, match: str, events: Iterator[StoredEvent]) -> None:
        """Write the events of a match that are not there yet."""
        while documents := [event_document(event) for event in islice(events, EVENTS_TOGETHER)]:
            try:
                self._events(match).insert_many(documents, ordered=False)
            except BulkWriteError as error:
                codes = {failed["code"] for failed in error.details["writeErrors"]}
                if codes != {DUPLICATE_KEY} or error.details["writeConcernErrors"]:
                    raise

    def _write_save(self, save: Save) -> bool:
        """Write a save, unless there is another of the same or a higher revision; return whether it is there.

        In one step, also where there was none: two who write at once agree about whose it is.
        """
        is_newer = {"$lt": [{"$ifNull": ["$revision", -1]}, save.revision]}
        document = save_document(save)
        kept = self._saves.find_one_and_update(
            {"_id": save_id(save.name)},
            [{"$replaceWith": {"$cond": [is_newer, {"$literal": document}, "$$ROOT"]}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
        return bool(plain(kept) == document)

    def _write_snapshot(self, snapshot: Snapshot) -> None:
        """Write a snapshot that is not there yet; its head, with the first part, last: it says that all are there."""
        states = self._states(snapshot.match)
        head = {"_id": {"tick": snapshot.tick, "part": 1}}
        if states.find_one(head, {"_id": True}) is not None:
            return
        parts = entity_parts(snapshot, unhurried)
        first, last = next(parts), 1
        for last, part in enumerate(parts, start=2):
            further = {"_id": {"tick": snapshot.tick, "part": last}}
            states.replace_one(further, {"entities": part}, upsert=True)  # one may be there of a try that was cut short
        states.replace_one(head, snapshot_document(snapshot, first, last), upsert=True)

    def _first_state(self, match: str, asked: Stored, order: int) -> Stored | None:
        with named_errors(self._where):
            return self._states(match).find_one(asked, sort=[("tick", order)])

    def _further_parts(self, match: str, head: Stored) -> list[Stored]:
        wanted = [{"tick": head["tick"], "part": part} for part in range(2, head.get("parts", 1) + 1)]
        with named_errors(self._where):
            return list(self._states(match).find({"_id": {"$in": wanted}}).sort("_id")) if wanted else []

    def _pages(self, collection: str, asked: Stored) -> Iterator[list[Stored]]:
        """Return documents by their ids, page by page: a cursor that is left open for long is closed by the server."""
        page = self._page(collection, asked)
        while page:
            yield page
            page = self._page(collection, {"$and": [asked, {"_id": {"$gt": page[-1]["_id"]}}]})

    def _page(self, collection: str, asked: Stored) -> list[Stored]:
        with named_errors(self._where):
            return list(self._database[collection].find(asked).sort("_id").limit(PAGE_DOCUMENTS))


def _span(since: float, until: float | None) -> Stored:
    return {"$gte": date(since)} | ({} if until is None else {"$lte": date(until)})
