"""Questions that a store is asked: which match is meant, what was in it, and how its World stood."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from ecsnet.errors import EcsnetError
from ecsnet.quoting import printable
from ecsnet.storage.documents import mapping_in, number_in, text_in
from ecsnet.storage.people import COMING, Person, told
from ecsnet.storage.store import Document, Match, Reading, Snapshot, StoredEvent
from ecsnet.tables import clock_text
from ecsnet.wire import tick_difference

__all__ = [
    "LAST",
    "MatchFigures",
    "Standing",
    "figures_of",
    "find_match",
    "last_known",
    "narrowed",
    "snapshot_at",
    "snapshot_of_tick",
]

LAST = "last"
LOST = "LOST"  # as `PlayerStatus` is written
MAX_NAMED = 5  # matches that an error names


def find_match(store: Reading, text: str) -> Match:
    """Return the match of an id or of its unique beginning, or the one that began last.

    Raises:
        EcsnetError: There is none, or there are several.
    """
    matches = store.matches()
    if not matches:
        raise EcsnetError("no match has been kept there yet")
    if text == LAST:
        return max(matches, key=lambda match: (match.started, match.id))
    found = [match for match in matches if match.id == text] or [
        match for match in matches if match.id.startswith(text)
    ]
    if len(found) == 1:
        return found[0]
    told_of = found or matches
    listed = ", ".join(printable(match.id) for match in told_of[-MAX_NAMED:])
    problem = f"{len(found)} matches begin with {text!r}" if found else f"no match begins with {text!r}"
    raise EcsnetError(f"{problem}: {'... ' * (len(told_of) > MAX_NAMED)}{listed}, or {LAST}")


@dataclass(frozen=True, slots=True)
class MatchFigures:
    """How much is kept of a match.

    Attributes:
        players: How many were there: those who proved who they are once each, others by their names.
        seconds: How long it took; of one without an end, until the last that is known of it.
    """

    match: Match
    players: int
    events: int
    snapshots: int
    seconds: float


def figures_of(store: Reading, match: Match) -> MatchFigures:
    """Tell how much is kept of a match."""
    came = told(store, match, kinds=COMING)
    people = {person.owner or person.name for one in came for person in one.people}
    events, snapshots = store.counts(match.id)
    ended = last_known(store, match) if match.ended is None else match.ended
    return MatchFigures(match, len(people), events, snapshots, ended - match.started)


def last_known(store: Reading, match: Match, *, before: StoredEvent | None = None) -> float:
    """Return the time of the last that is kept of a match, or the last before an event, in seconds since 1970."""
    until = None if before is None else before.time
    found = store.snapshots(match.id, until=until, newest_first=True)
    since = next((snapshot.time for snapshot in found if until is None or snapshot.time < until), match.started)
    events = store.events(match.id, since=since, until=until)
    return max((event.time for event in events if before is None or event.number < before.number), default=since)


def snapshot_at(store: Reading, match: Match, until: float | None = None) -> Snapshot:
    """Return the newest snapshot of a match, or the newest until then, in seconds since 1970.

    Raises:
        EcsnetError: There is none.
    """
    found = next(store.snapshots(match.id, until=until, newest_first=True), None)
    return found if found is not None else _refuse(store, match)


def snapshot_of_tick(store: Reading, match: Match, tick: int) -> Snapshot:
    """Return the newest snapshot of a match whose tick is not after another.

    Raises:
        EcsnetError: There is none.
    """
    for snapshot in store.snapshots(match.id, newest_first=True):
        if tick_difference(snapshot.tick, tick) <= 0:
            return snapshot
    return _refuse(store, match)


def _refuse(store: Reading, match: Match) -> Snapshot:
    """Say why there is no such snapshot."""
    first = next(store.snapshots(match.id), None)
    if first is None:
        raise EcsnetError(f"no snapshot of {match.id} is kept: how its World stood is not known")
    when = clock_text(first.time - match.started)
    raise EcsnetError(f"the first snapshot of {match.id} is of {when}, tick {first.tick}: ask for that or later")


class Standing:
    """Whose the entities of a snapshot are, by its list of players."""

    def __init__(self, players: Sequence[Document]) -> None:
        """Learn who was there."""
        self._clients: dict[int, Person] = {}
        self._entities: dict[int, Person] = {}
        self._lost: set[int] = set()  # client ids
        self._lost_entities: set[int] = set()
        for player in players:
            person = Person(text_in(player, "name"), text_in(player, "player"))
            self._clients[number_in(player, "client_id") or 0] = person
            self._entities[number_in(player, "entity") or 0] = person
            if text_in(player, "status") == LOST:
                self._lost.add(number_in(player, "client_id") or 0)
                self._lost_entities.add(number_in(player, "entity") or 0)
        for of_nobody in (self._clients, self._entities):
            of_nobody.pop(0, None)  # neither a client nor an entity is 0

    def of(self, entity: Document) -> Person:
        """Return whose an entity is; a person without name and owner: nobody's."""
        owner = mapping_in(entity, "owner")
        client_id, number = number_in(owner, "client_id") or 0, number_in(entity, "entity") or 0
        person = self._clients.get(client_id) or self._entities.get(number) or Person()
        return Person(text_in(owner, "name") or person.name, person.owner)

    def is_lost(self, entity: Document) -> bool:
        """Tell whether an entity is of a player whose connection had broken off: it stands where it was."""
        client_id = number_in(mapping_in(entity, "owner"), "client_id")
        return client_id in self._lost or number_in(entity, "entity") in self._lost_entities


def narrowed(
    snapshot: Snapshot, *, entity: int | None = None, having: str = "", names: Collection[str] = ()
) -> Iterator[Document]:
    """Return the entities of a snapshot that are asked for.

    Args:
        entity: That one alone.
        having: Those with this component.
        names: Those of players who are called so, by name or owner.
    """
    standing = Standing(snapshot.players)
    for document in snapshot.entities:
        if entity is not None and number_in(document, "entity") != entity:
            continue
        if having and having not in mapping_in(document, "components"):
            continue
        if names and not standing.of(document).is_called(names):
            continue
        yield document
