"""Rows: what the answers of `ecsnet data` have in each line; a table for people has the BRIEF ones of its columns."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta

from ecsnet.storage.documents import mapping_in, number_in, text_in
from ecsnet.storage.jumps import Jump
from ecsnet.storage.people import Person, Told
from ecsnet.storage.playerrecord import Identity, Stay
from ecsnet.storage.questions import MatchFigures, Standing
from ecsnet.storage.store import Document, Match, Save, Snapshot
from ecsnet.tables import Row

__all__ = [
    "ENTITIES",
    "EVENTS",
    "JUMPS",
    "MATCHES",
    "REMOVED",
    "SAVES",
    "SNAPSHOTS",
    "STAYS",
    "Columns",
    "entity_rows",
    "event_row",
    "figures_row",
    "jump_row",
    "match_row",
    "player_row",
    "record_row",
    "save_row",
    "snapshot_row",
    "stay_row",
]


@dataclass(frozen=True, slots=True)
class Columns:
    """What is printed of rows: all for programs, and what fits a screen for people."""

    all: tuple[str, ...]
    brief: tuple[str, ...]


REMOVED = Columns(
    ("id", "game", "version", "room", "started", "ended", "ending"), ("id", "game", "room", "started", "ended")
)
MATCHES = Columns(
    (*REMOVED.all, "seconds", "players", "events", "snapshots", "summary"),
    ("id", "room", "lasted", "end", "players", "events", "snapshots", "summary"),
)
EVENTS = Columns(
    ("match", "number", "time", "seconds", "tick", "kind", "players", "owners", "data"),
    ("at", "kind", "players", "what"),
)
SNAPSHOTS = Columns(
    ("match", "tick", "time", "seconds", "entities", "players", "owners"),
    ("at", "tick", "time", "entities", "players"),
)
ENTITIES = Columns(
    ("match", "tick", "entity", "player", "owner", "component", "fields"),
    ("entity", "player", "component", "fields"),
)
STAYS = Columns(
    ("match", "name", "owner", "since", "until", "seconds", "ended", "reason"),
    ("match", "name", "since", "played", "ended", "reason"),
)
SAVES = Columns(
    ("game", "owner", "key", "revision", "time", "player", "components"),
    ("game", "key", "time", "revision", "components"),
)
JUMPS = Columns(
    (
        "match",
        "tick",
        "time",
        "seconds",
        "entity",
        "player",
        "owner",
        "field",
        "lasted",
        "before",
        "after",
        "per_second",
        "teleported",
    ),
    ("at", "entity", "player", "field", "before", "after", "lasted", "per_second", "note"),
)


def match_row(match: Match) -> Row:
    """Return what a match is."""
    return {**asdict(match), "started": _date(match.started), "ended": _date(match.ended)}


def figures_row(figures: MatchFigures) -> Row:
    """Return what a match is, with how much is kept of it."""
    return {
        **match_row(figures.match),
        "seconds": figures.seconds,
        "lasted": timedelta(seconds=figures.seconds),
        "end": figures.match.ending or "-",
        "players": figures.players,
        "events": figures.events,
        "snapshots": figures.snapshots,
    }


def event_row(match: Match, told: Told) -> Row:
    """Return what happened, and to whom."""
    event = told.event
    return {
        **_moment(match, event.tick, event.time),
        "number": event.number,
        "kind": event.kind,
        "players": [str(person) for person in told.people],
        "owners": event.players,
        "data": event.data,
        "what": {name: value for name, value in event.data.items() if not _is_said(name, value, told.people)},
    }


def _is_said(name: str, value: object, people: Sequence[Person]) -> bool:
    """Tell whether a part of an event says nothing, or what the other columns say."""
    return value in ("", None) or (name == "name" and any(person.name == value for person in people))


def snapshot_row(match: Match, snapshot: Snapshot) -> Row:
    """Return what a snapshot is of."""
    return {
        **_moment(match, snapshot.tick, snapshot.time),
        "entities": snapshot.count,
        "players": [text_in(player, "name") for player in snapshot.players],
        "owners": [text_in(player, "player") for player in snapshot.players],
    }


def entity_rows(snapshot: Snapshot, entities: Iterable[Document], component: str) -> Iterator[Row]:
    """Return a row for each component of each entity, or for one of them."""
    standing = Standing(snapshot.players)
    for document in entities:
        person = standing.of(document)
        components = mapping_in(document, "components")
        for one in [component] if component else components or [""]:
            yield {
                "match": snapshot.match,
                "tick": snapshot.tick,
                "entity": number_in(document, "entity"),
                "player": person.name,
                "owner": person.owner,
                "component": one,
                "fields": components.get(one),
            }


def stay_row(stay: Stay) -> Row:
    """Return when a player was in a match."""
    return {
        "match": stay.match.id,
        "name": stay.person.name,
        "owner": stay.person.owner,
        "since": _date(stay.since),
        "until": _date(stay.until),
        "seconds": stay.seconds,
        "played": timedelta(seconds=stay.seconds),
        "ended": stay.ended,
        "reason": stay.reason,
    }


def save_row(save: Save) -> Row:
    """Return what is kept for good."""
    return {
        **asdict(save.name),
        "revision": save.revision,
        "time": _date(save.time),
        "player": save.player,
        "components": save.components,
    }


def record_row(identity: Identity, figures: Row, stays: Iterable[Row], saves: Iterable[Row]) -> Row:
    """Return all of a player's record in one."""
    return {
        "owner": identity.owner,
        "names": identity.names,
        **figures,
        "stays": [{name: stay[name] for name in STAYS.all} for stay in stays],
        "saves": [{name: save[name] for name in SAVES.all} for save in saves],
    }


def player_row(stays: Sequence[Stay]) -> Row:
    """Return what a player's times in matches come to."""
    if not stays:
        return {"matches": 0}
    last = max(stay.since + stay.seconds for stay in stays)
    return {
        "matches": len({stay.match.id for stay in stays}),
        "played": timedelta(seconds=sum(stay.seconds for stay in stays)),
        "last_seen": _date(last),
        "lost": sum(stay.ended == "lost" for stay in stays),
    }


def jump_row(match: Match, jump: Jump) -> Row:
    """Return what changed too fast."""
    return {
        **asdict(jump),
        **_moment(match, jump.tick, jump.time),
        "player": jump.person.name,
        "owner": jump.person.owner,
        "lasted": round(jump.lasted, 3),
        "note": "teleported" * jump.teleported,
    }


def _moment(match: Match, tick: int, time: float) -> dict[str, object]:
    """Return when something was; the match's time is the calendar's since it began."""
    seconds = time - match.started
    return {
        "match": match.id,
        "tick": tick,
        "time": _date(time),
        "seconds": round(seconds, 3),
        "at": timedelta(seconds=seconds),
    }


def _date(seconds: float | None) -> datetime | None:
    """Return a date; of what is none, nothing."""
    try:
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
