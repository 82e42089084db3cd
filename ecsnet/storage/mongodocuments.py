"""What stands in the documents of a store in MongoDB: times as dates, everything else as it is called.

Dates are exact to a millisecond, so times are, too.
"""

from typing import Any

from bson import encode
from bson.datetime_ms import DatetimeMS
from bson.dbref import DBRef
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

from ecsnet.storage.store import Document, Match, Save, SaveName, Snapshot, StoredEvent

__all__ = [
    "date",
    "event_document",
    "event_of",
    "match_document",
    "match_of",
    "plain",
    "save_document",
    "save_id",
    "save_of",
    "snapshot_document",
    "snapshot_of",
    "unhurried",
]

Stored = dict[str, Any]  # whatever the driver decodes


def date(seconds: float) -> DatetimeMS:
    """Return seconds since 1970 as a date."""
    return DatetimeMS(round(seconds * 1000))


def seconds_of(stored: DatetimeMS) -> float:
    """Return a date as seconds since 1970."""
    return int(stored) / 1000


def unhurried(document: Document) -> RawBSONDocument:
    """Return a document that is encoded already, by a call of its own."""
    return RawBSONDocument(encode(document))


def plain(value: object) -> Any:
    """Return what was written where the driver has types of its own: for large ints, and for keys named "$ref"."""
    if isinstance(value, DBRef):
        value = value.as_doc()
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return int(value) if isinstance(value, Int64) else value


def match_document(match: Match) -> Stored:
    """Return the document of a match."""
    return {
        "_id": match.id,
        "game": match.game,
        "version": match.version,
        "room": match.room,
        "started": date(match.started),
        "ended": None if match.ended is None else date(match.ended),
        "ending": match.ending,
        "tick_rate_hz": match.tick_rate_hz,
        "summary": match.summary,
    }


def match_of(stored: Stored) -> Match:
    """Return the match of a document."""
    return Match(
        id=stored["_id"],
        game=stored["game"],
        version=stored["version"],
        room=stored["room"],
        started=seconds_of(stored["started"]),
        ended=None if stored["ended"] is None else seconds_of(stored["ended"]),
        ending=stored["ending"],
        tick_rate_hz=stored["tick_rate_hz"],
        summary=plain(stored["summary"]),
    )


def event_document(event: StoredEvent) -> Stored:
    """Return the document of an event; its number is what names it, and the match is its collection's."""
    return {
        "_id": event.number,
        "tick": event.tick,
        "time": date(event.time),
        "kind": event.kind,
        "players": list(event.players),
        "data": event.data,
    }


def event_of(match: str, stored: Stored) -> StoredEvent:
    """Return the event of a document."""
    return StoredEvent(
        match=match,
        number=plain(stored["_id"]),
        tick=plain(stored["tick"]),
        time=seconds_of(stored["time"]),
        kind=stored["kind"],
        players=tuple(stored["players"]),
        data=plain(stored["data"]),
    )


def snapshot_document(snapshot: Snapshot, entities: list[RawBSONDocument], parts: int) -> Stored:
    """Return the head of a snapshot: all but the entities of further parts. It alone has a field "tick"."""
    return {
        "match": snapshot.match,
        "tick": snapshot.tick,
        "time": date(snapshot.time),
        "seconds": snapshot.seconds,
        "players": list(snapshot.players),
        "count": snapshot.count,
        "state": snapshot.state,
        "parts": parts,
        "entities": entities,
    }


def snapshot_of(head: Stored, further: list[Stored]) -> Snapshot:
    """Return the snapshot of its head and its further parts."""
    return Snapshot(
        match=head["match"],
        tick=plain(head["tick"]),
        time=seconds_of(head["time"]),
        seconds=head["seconds"],
        players=plain(head["players"]),
        count=head["count"],
        entities=[entity for part in (head, *further) for entity in plain(part["entities"])],
        state=plain(head["state"]),
    )


def save_id(name: SaveName) -> Stored:
    """Return what names a save; ids are compared field by field, so they sort as names do."""
    return {"game": name.game, "owner": name.owner, "key": name.key}


def save_document(save: Save) -> Stored:
    """Return the document of a save."""
    return {
        "_id": save_id(save.name),
        "revision": save.revision,
        "time": date(save.time),
        "player": save.player,
        "components": save.components,
    }


def save_of(stored: Stored) -> Save:
    """Return the save of a document."""
    return Save(
        name=SaveName(**stored["_id"]),
        revision=plain(stored["revision"]),
        time=seconds_of(stored["time"]),
        player=stored["player"],
        components=plain(stored["components"]),
    )
