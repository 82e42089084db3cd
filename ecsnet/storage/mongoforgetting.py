"""How a player is deleted from the documents of a store in MongoDB, one by one, so that a server writes in between."""

from collections.abc import Collection, Iterator

from ecsnet.storage.batches import strike_out
from ecsnet.storage.mongodatabase import MongoDatabase
from ecsnet.storage.mongodocuments import plain
from ecsnet.storage.store import Forgotten

__all__ = ["forget"]


def forget(database: MongoDatabase, owner: str, names: Collection[str]) -> Forgotten:
    """Delete events that are about nobody else, strike out the names elsewhere, then delete the saves.

    The saves go last: they tell the names again if this is cut short.
    """
    found = sorted(database.list_collection_names())
    events = [name for name in found if name.startswith("server-events.")]
    states = [name for name in found if name.startswith("game-state.")]
    of_nobody_else = {"$and": [{"players": owner}, {"players": {"$not": {"$elemMatch": {"$ne": owner}}}}]}
    deleted = sum(database[name].delete_many(of_nobody_else).deleted_count for name in events)
    places = [("matches", ["summary"])]
    places += [(name, ["players", "data"]) for name in events]
    places += [(name, ["players", "state", "entities"]) for name in states]
    changed = {(name, key) for name, fields in places for key in _strike_out(database, name, fields, names)}
    saves = database["saves"].delete_many({"_id.owner": owner}).deleted_count
    return Forgotten(saves=saves, events=deleted, changed=len(changed))


def _strike_out(
    database: MongoDatabase, collection: str, fields: list[str], names: Collection[str]
) -> Iterator[object]:
    """Strike the names out in these fields of all documents; return what tells apart those that had them."""
    for stored in database[collection].find():
        written = {field: plain(stored[field]) for field in fields if field in stored}
        struck = {field: strike_out(value, names) for field, value in written.items()}
        if struck != written:
            database[collection].replace_one({"_id": stored["_id"]}, stored | struck)
            key = stored["_id"]
            yield key["tick"] if collection.startswith("game-state.") else key  # however many parts: one snapshot
