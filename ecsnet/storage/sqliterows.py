"""What stands in the rows of a store's SQLite file: columns for what is asked for, JSON text for documents."""

import json
from typing import Any, TypeAlias

from ecsnet.errors import StoreError
from ecsnet.storage.store import Match, Save, SaveName, Snapshot, StoredEvent

__all__ = [
    "Row",
    "event_of",
    "event_row",
    "match_of",
    "match_row",
    "save_of",
    "save_row",
    "snapshot_of",
    "snapshot_row",
    "text",
]

Row: TypeAlias = tuple[Any, ...]  # as sqlite3 has them; the columns' types are those of the layout


def text(document: object) -> str:
    """Return JSON that can be read, in its shortest form.

    Raises:
        StoreError: It is not what JSON can say.
    """
    try:
        written = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        written.encode()  # half of a surrogate pair is a str, and no text
    except (TypeError, ValueError, RecursionError) as error:
        raise StoreError(f"cannot keep {document!r:.200}: {error}") from error
    return written


def match_row(match: Match) -> Row:
    """Return the row of a match."""
    span = (match.started, match.ended, match.ending, match.tick_rate_hz)
    return (match.id, match.game, match.version, match.room, *span, text(match.summary))


def match_of(row: Row) -> Match:
    """Return the match of a row."""
    identity, game, version, room, started, ended, ending, tick_rate_hz, summary = row
    return Match(
        id=identity,
        game=game,
        version=version,
        room=room,
        started=started,
        ended=ended,
        ending=ending,
        tick_rate_hz=tick_rate_hz,
        summary=json.loads(summary),
    )


def event_row(event: StoredEvent) -> Row:
    """Return the row of an event."""
    when = (event.match, event.number, event.tick, event.time)
    return (*when, event.kind, text(event.players), text(event.data))


def event_of(row: Row) -> StoredEvent:
    """Return the event of a row."""
    match, number, tick, time, kind, players, data = row
    return StoredEvent(
        match=match,
        number=number,
        tick=tick,
        time=time,
        kind=kind,
        players=tuple(json.loads(players)),
        data=json.loads(data),
    )


def snapshot_row(snapshot: Snapshot) -> Row:
    """Return the row of a snapshot, without its entities."""
    when = (snapshot.match, snapshot.tick, snapshot.time, snapshot.seconds)
    return (*when, text(list(snapshot.players)), snapshot.count, text(snapshot.state))


def snapshot_of(row: Row, parts: list[tuple[str]]) -> Snapshot:
    """Return the snapshot of a row and of the texts of its entities."""
    match, tick, time, seconds, players, count, state = row
    return Snapshot(
        match=match,
        tick=tick,
        time=time,
        seconds=seconds,
        players=json.loads(players),
        count=count,
        entities=[entity for (part,) in parts for entity in json.loads(part)],
        state=json.loads(state),
    )


def save_row(save: Save) -> Row:
    """Return the row of a save."""
    name = (save.name.game, save.name.owner, save.name.key)
    return (*name, save.revision, save.time, save.player, text(save.components))


def save_of(row: Row) -> Save:
    """Return the save of a row."""
    game, owner, key, revision, time, player, components = row
    return Save(
        name=SaveName(game, owner, key), revision=revision, time=time, player=player, components=json.loads(components)
    )
