"""Resume: what a server goes on with after it was ended, made of what the store has; or the old made an end of.

Nothing is left out in silence. What does not fit the game any more goes through its `migrate`; what then still does not
is told, all of it at once, and nothing is changed.
"""

import logging
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from ecsnet.arrival import Arrival
from ecsnet.errors import SchemaError, StoreError
from ecsnet.game import Game
from ecsnet.replication.schema import Schema
from ecsnet.resumed import Resumed, ResumedRoom, ResumedSession
from ecsnet.savebook import ROOM, SESSION, own_name
from ecsnet.storage.forms import form_of
from ecsnet.storage.store import SERVER_OWNER, Batch, Document, Match, Save, Snapshot, Store
from ecsnet.storage.values import NotKeptError
from ecsnet.tokens import ConnectToken

__all__ = ["begin"]

MAX_TOLD = 8  # problems in one text

logger = logging.getLogger(__name__)


def begin(store: Store, game: Game, server: str, *, resuming: bool = False, match: str = "") -> Resumed:
    """Look whether all that is kept fits a game, and what its server goes on with; make an end of everything else.

    Args:
        server: As `server_name` says.
        resuming: Whether to go on with the last of every room.
        match: Go on with this one instead: its id, or how that begins.

    Returns:
        Rooms and players; empty where there is nothing to go on with.

    Raises:
        StoreError: What was kept does not fit the game, or there is no such match. Nothing was changed.
    """
    _check_saves(store, game)
    known = _chosen(store, game, match) if match else _last_known(store, game, server) if resuming else []
    resumed = _resumed(store, game, server, known)
    store.write(_abandon(store, game, server, but=resumed))
    for room in resumed.rooms.values():
        logger.info("goes on with %s at tick %d, with %d entities", room.match.id, room.tick, len(room.entities))
    if resuming and not resumed.rooms:
        logger.warning("%s has no snapshot of %s to go on with: it begins anew", store, game.name)
    return resumed


def _resumed(store: Store, game: Game, server: str, known: Sequence[tuple[Match, Snapshot]]) -> Resumed:
    rooms, client_ids, sessions = {}, [], []
    for match, snapshot in known:
        with _as_written(f"the snapshot of {match.id} at tick {snapshot.tick}"):
            rooms[match.room] = _room(store, game, match, snapshot)
            client_ids.append(_last_client_id(store, match, snapshot))
    for save in _own(store, game, server, SESSION) if rooms else ():
        with _as_written(str(save.name)):
            sessions.append(_session(save))
    last_client_id = max([*client_ids, *(session.client_id for session in sessions)], default=0)
    owners = [session.arrival.owner for session in sessions]
    saves = {owner: list(store.saves(game.name, owner)) for owner in owners if owner}
    return Resumed(rooms=rooms, sessions=sessions, saves=saves, last_client_id=last_client_id)


def _abandon(store: Store, game: Game, server: str, *, but: Resumed) -> Batch:
    """Return what makes an end of the matches that a server had begun and does not go on with."""
    kept = {room.match.id for room in but.rooms.values()}
    ended = []
    rooms = {_key(save): save.name for save in _own(store, game, server, ROOM) if _key(save) not in kept}
    for match in store.matches(game.name):
        if match.id in kept or not _is_of(match, server):
            continue
        if match.ended is None:
            times = [event.time for event in store.events(match.id)]
            ended.append(replace(match, ended=max(times, default=match.started), ending="abandoned"))
        if match.id in rooms:
            logger.warning("%s is over; --resume-match %s would go on with it", match.id, match.id)
    gone = list(rooms.values())
    gone += [] if but.rooms else [save.name for save in _own(store, game, server, SESSION)]
    return Batch(matches=ended, removed=gone)


def _chosen(store: Store, game: Game, wanted: str) -> list[tuple[Match, Snapshot]]:
    """Return a match that somebody has named, and its last snapshot."""
    found = [match for match in store.matches(game.name) if match.id.startswith(wanted)]
    if len(found) != 1:
        raise StoreError(f"{len(found)} matches of {game.name} begin with {wanted!r}: see ecsnet data matches")
    snapshot = next(iter(store.snapshots(found[0].id, newest_first=True)), None)
    if snapshot is None:
        raise StoreError(f"there is no snapshot of {found[0].id} to go on with")
    return [(found[0], snapshot)]


def _check_saves(store: Store, game: Game) -> None:
    """See that everybody will get back what was kept: no player should begin with nothing, and overwrite it."""
    schema, forms = Schema(game), {cls.__name__: form_of(cls) for cls in game.persistent}
    problems: Counter[str] = Counter()
    for save in store.saves(game.name) if forms else ():
        if save.name.owner == SERVER_OWNER:
            continue
        what = f"the save {save.name.owner} {save.name.key}".strip()
        with _as_written(what):
            for name, part in _migrated(game, what, save.components).items():
                _make(schema, forms[name].cls if name in forms else None, name, part, problems)
    if problems:
        raise StoreError(_complaint(f"the saves of {game.name} do not fit it", problems, "saves"))


def _is_of(match: Match, server: str) -> bool:
    return f"-{server}" in match.id


def _own(store: Store, game: Game, server: str, kind: str) -> list[Save]:
    prefix = own_name(game.name, server, kind).key
    return [save for save in store.saves(game.name, SERVER_OWNER) if save.name.key.startswith(prefix)]


def _key(save: Save) -> str:
    return save.name.key.rpartition("/")[2]


def _last_known(store: Store, game: Game, server: str) -> list[tuple[Match, Snapshot]]:
    """Return the last snapshot of every room that was open; it may be of the match before the one that was on."""
    newest = {}
    ids = {_key(save) for save in _own(store, game, server, ROOM)}
    for match in store.matches(game.name):
        snapshot = next(iter(store.snapshots(match.id, newest_first=True)), None) if match.id in ids else None
        if snapshot is not None:
            newest[match.room] = match, snapshot
    return list(newest.values())


def _last_client_id(store: Store, match: Match, snapshot: Snapshot) -> int:
    """Return the highest of the players that are known: also of those who left, and own something still."""
    found = [player.get("client_id") for player in snapshot.players]
    found += [_document(document["owner"]).get("client_id") for document in snapshot.entities if "owner" in document]
    found += [event.data.get("client_id") for event in store.events(match.id, kinds=("joined",))]
    return max((each for each in found if isinstance(each, int)), default=0)


# Rooms.


def _room(store: Store, game: Game, match: Match, snapshot: Snapshot) -> ResumedRoom:
    if match.tick_rate_hz != game.tick_rate_hz:
        logger.warning(
            "%s ran at %g ticks a second and goes on at %g: what is counted in ticks takes another time",
            match.id, match.tick_rate_hz, game.tick_rate_hz,
        )  # fmt: skip
    state, room = snapshot.state, _document(snapshot.state.get("room"))
    entities = _entities(game, match, snapshot)
    return ResumedRoom(
        match=match,
        last_event=max((event.number for event in store.events(match.id)), default=0),
        tick=snapshot.tick,
        seed=int(str(state["seed"]), 16),
        shared_seed=int(str(state["shared_seed"]), 16),
        entities=entities,
        next_entity=_whole(state["next_entity"]),
        name=str(room.get("name", "")),
        password=str(room.get("password", "")),
        capacity=_whole(room.get("capacity", game.max_clients)),
        stays=bool(room.get("stays", True)),
    )


def _entities(game: Game, match: Match, snapshot: Snapshot) -> Mapping[int, list[object]]:
    kinds = _document(snapshot.state.get("kinds"))
    schema = Schema(game)
    classes = {name: _find_class(schema, name, _document(kind)) for name, kind in kinds.items()}
    problems: Counter[str] = Counter()
    entities = {}
    for document in snapshot.entities:
        parts = _migrated(game, f"entity {document['entity']} of {match.id}", _document(document["components"]))
        for name in parts.keys() - classes.keys():
            classes[name] = _find_class(schema, name, {})
        made = [_make(schema, classes[name], name, part, problems) for name, part in parts.items()]
        if made:  # one that had only what no snapshot holds is made anew by whoever made it
            entities[_whole(document["entity"])] = [component for component in made if component is not None]
    if problems:
        was = f"{game.name} {match.version}".strip()
        what = f"cannot go on with {match.id}, which was {was}, and without --resume begins anew"
        raise StoreError(_complaint(what, problems, "entities"))
    return entities


def _migrated(game: Game, what: str, components: Document) -> dict[str, Document]:
    parts = {name: dict(_document(part)) for name, part in components.items()}
    try:
        if game.migrate is not None:
            game.migrate(parts)
    except Exception as error:  # it is code of the game
        raise StoreError(f"Game(migrate=) failed for {what}: {error!r}; nothing was changed") from error
    return parts


def _make(schema: Schema, cls: type | None, name: str, part: Document, problems: Counter[str]) -> object | None:
    """Make a component; count why it cannot be."""
    if cls is None:
        problems[f"there is no component {name} (any more)"] += 1
        return None
    try:
        made = form_of(cls).make(part)
        schema.check(made)
    except (NotKeptError, SchemaError) as error:
        problems[str(error)] += 1
        return None
    return made


def _find_class(schema: Schema, name: str, kind: Document) -> type | None:
    """Return the component class that a document means: of the same module, or else of the same name in the game."""
    module, short = str(kind.get("module", "")), name.rpartition(":")[2]
    known = [*schema.records_of, *schema.game.components, *schema.game.persistent]
    named = [cls for cls in known if cls.__name__ == short]
    here = [cls for cls in named if cls.__module__ == module]
    found = getattr(sys.modules.get(module), short, None)  # what does not travel is listed nowhere
    if here:
        return here[0]
    return found if isinstance(found, type) and form_of(found).is_known else next(iter(named), None)


def _complaint(what: str, problems: Counter[str], of: str) -> str:
    told = [f"{why} ({count} {of})" for why, count in problems.most_common(MAX_TOLD)]
    rest = f"; and {len(problems) - len(told)} more" if len(problems) > len(told) else ""
    return f"{what}: {'; '.join(told)}{rest}. Say in Game(migrate=) what became of it; nothing was changed"


# Sessions.


def _session(save: Save) -> ResumedSession:
    told = _document(save.components["session"])
    player_id = str(told["player_id"])
    token = ConnectToken(b"", 0, 0, (), player_id) if player_id else None
    arrival = Arrival(
        name=str(told["name"]),
        address=("", 0),
        account=str(told["account"]),
        token=token,
        player_key=bytes.fromhex(str(told["player_key"])),
        version=str(told["version"]),
        room=str(told["room"]),
    )
    return ResumedSession(
        client_id=_whole(told["client_id"]),
        session_id=bytes.fromhex(str(told["session"])),
        serial=_whole(told["serial"]),
        arrival=arrival,
        room=str(told["room"]),
    )


# What stands in documents.


@contextmanager
def _as_written(what: str) -> Iterator[None]:
    """Make an error that names the place of what is not as a server writes it."""
    try:
        yield
    except (KeyError, ValueError, TypeError) as error:
        raise StoreError(
            f"cannot use {what}: {error!r}; the store was edited, or is of another program: put a good copy there"
        ) from error


def _document(value: object) -> Document:
    if not isinstance(value, dict):
        raise TypeError(f"{value!r:.80} is no document")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r:.80} is no whole number")
    return value
