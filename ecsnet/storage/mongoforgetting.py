"""How a player is deleted from the documents of a store in MongoDB, one by one, so that a server writes in between."""

from collections.abc import Collection, Iterator
from typing import Any

from ecsnet.storage.batches import strike_out
from ecsnet.storage.documents import texts_of
from ecsnet.storage.mongodatabase import Documents, MongoDatabase
from ecsnet.storage.mongodocuments import Stored, plain
from ecsnet.storage.store import SERVER_OWNER, Forgotten

__all__ = ["forget"]

CHANGING = ("revision", "ended")  # what tells that a server has written a save, or a match, meanwhile


def forget(database: MongoDatabase, owner: str, names: Collection[str]) -> Forgotten:
    """Delete what is about nobody else, strike out the names elsewhere, then delete the saves.

    The saves go last: they tell the names again if this is cut short.
    """
    found = sorted(database.list_collection_names())
    events = [name for name in found if name.startswith("server-events.")]
    states = [name for name in found if name.startswith("game-state.")]
    of_nobody_else = {"$and": [{"players": owner}, {"players": {"$not": {"$elemMatch": {"$ne": owner}}}}]}
    deleted = sum(database[name].delete_many(of_nobody_else).deleted_count for name in events)
    saves = _forget_what_servers_know(database["saves"], owner, names)
    places: list[tuple[str, list[str]]] = [("matches", ["summary"]), ("saves", ["components"])]
    places += [(name, ["players", "data"]) for name in events]
    places += [(name, ["players", "state", "entities"]) for name in states]
    changed = {(name, key) for name, fields in places for key in _strike_out(database[name], fields, names, owner)}
    saves += database["saves"].delete_many({"_id.owner": owner}).deleted_count
    return Forgotten(saves=saves, events=deleted, changed=len(changed))


def _forget_what_servers_know(saves: Documents, owner: str, names: Collection[str]) -> int:
    """Delete what servers keep for themselves of a player; return how much it was."""
    named = [
        stored["_id"]
        for stored in saves.find({"_id.owner": SERVER_OWNER})
        if stored.get("player") in names or (owner and owner in texts_of(plain(stored["components"])))
    ]
    return saves.delete_many({"_id": {"$in": named}}).deleted_count


def _strike_out(documents: Documents, fields: list[str], names: Collection[str], owner: str) -> Iterator[Any]:
    """Strike the names out in these fields of all documents; return what tells apart those that had them."""
    for stored in documents.find({"_id.owner": {"$nin": [owner, SERVER_OWNER]}}):
        if _strike_out_of(documents, stored, fields, names):
            key = stored["_id"]
            is_part = documents.name.startswith("game-state.")
            yield key["tick"] if is_part else tuple(key.values()) if isinstance(key, dict) else key


def _strike_out_of(documents: Documents, stored: Stored | None, fields: list[str], names: Collection[str]) -> bool:
    """Strike the names out in one document, as it is now; return whether it had them."""
    while stored is not None:
        written = {field: plain(stored[field]) for field in fields if field in stored}
        struck = {field: strike_out(value, names) for field, value in written.items()}
        if struck == written:
            return False
        same = {field: stored[field] for field in ("_id", *CHANGING) if field in stored}
        if documents.replace_one(same, stored | struck).matched_count:
            return True
        stored = documents.find_one({"_id": stored["_id"]})  # a server was faster: what it wrote stays
    return False
