"""How a player is deleted from the SQLite file of a store, page by page, so that a server can write in between."""

import json
import sqlite3
from collections.abc import Collection, Iterator
from pathlib import Path

from ecsnet.storage.batches import strike_out
from ecsnet.storage.sqlitefile import transaction
from ecsnet.storage.sqliterows import Row, text
from ecsnet.storage.store import SERVER_OWNER, Forgotten

__all__ = ["forget"]

PAGE_ROWS = 200  # changed in one transaction: at 60 kB a row it takes some 50 ms, and a server's writing waits for it
_FORGET_EVENTS = (
    "DELETE FROM events WHERE ?1 IN (SELECT value FROM json_each(players))"
    " AND NOT EXISTS (SELECT 1 FROM json_each(players) WHERE value <> ?1)"
)
_FORGET_SAVES = "DELETE FROM saves WHERE owner = ?"
_FORGET_SERVERS = (
    "DELETE FROM saves WHERE owner = ?1 AND (player IN (SELECT value FROM json_each(?2)) OR ?3 <> ''"
    " AND EXISTS (SELECT 1 FROM json_tree(components) WHERE type = 'text' AND atom = ?3))"
)
_OF_OTHERS = " AND owner NOT IN (:owner, :server)"
_TEXTS = (  # where names of players can be: the table, the column, and what is counted of it
    ("matches", "summary", "id"),
    ("events", "players", "match, number"),
    ("events", "data", "match, number"),
    ("snapshots", "players", "match, 'snapshot', tick"),
    ("snapshots", "state", "match, 'snapshot', tick"),
    ("parts", "entities", "match, 'snapshot', tick"),
    ("saves", "components", "game, owner, key"),
)


def forget(database: sqlite3.Connection, path: Path, owner: str, names: Collection[str]) -> Forgotten:
    """Delete what is about nobody else, strike out the names elsewhere, then delete the saves.

    The saves go last: they tell the names again if this is cut short.
    """
    with transaction(database, path):
        events = database.execute(_FORGET_EVENTS, (owner,)).rowcount
        saves = database.execute(_FORGET_SERVERS, (SERVER_OWNER, text(sorted(names)), owner)).rowcount
    changed = {key for place in _TEXTS for key in _strike_out(database, path, place, names, owner)}
    with transaction(database, path):
        saves += database.execute(_FORGET_SAVES, (owner,)).rowcount
    return Forgotten(saves=saves, events=events, changed=len(changed))


def _strike_out(
    database: sqlite3.Connection, path: Path, place: tuple[str, str, str], names: Collection[str], owner: str
) -> Iterator[Row]:
    """Strike the names out in one column; return what tells apart the rows that had them."""
    table, column, key = place
    # Only rows that have a name between quotes are read: all others are passed over without Python.
    candidates = (
        f"SELECT rowid, {column}, {key} FROM {table} WHERE rowid > :last"  # noqa: S608  # names of ours
        f" AND EXISTS (SELECT 1 FROM json_each(:quoted) WHERE instr({column}, value))"
        f"{_OF_OTHERS * (table == 'saves')} ORDER BY rowid LIMIT {PAGE_ROWS}"
    )
    change = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"  # noqa: S608  # names of ours
    quoted, last = text([text(name) for name in sorted(names)]), -1
    while True:
        with transaction(database, path):
            asked = {"last": last, "quoted": quoted, "owner": owner, "server": SERVER_OWNER}
            page = database.execute(candidates, asked).fetchall()
            for rowid, written, *counted in page:
                struck = text(strike_out(json.loads(written), names))
                if struck != written:
                    database.execute(change, (struck, rowid))
                    yield tuple(counted)
        if not page:
            return
        last = page[-1][0]
