"""A player's record: who is meant by a name, what that player did in which matches, and all that is kept of it."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import chain

from ecsnet.errors import EcsnetError
from ecsnet.quoting import printable
from ecsnet.storage.documents import number_in, text_in, texts_of
from ecsnet.storage.people import COMING, LEAVING, SESSION_KINDS, Person, told
from ecsnet.storage.questions import last_known, narrowed
from ecsnet.storage.store import SERVER_OWNER, WORLD_OWNER, Document, Match, Reading, Save

__all__ = ["Identity", "Stay", "export", "identify", "saves_of", "stays"]

RESUMED = "resumed"  # what a server notes that goes on with a match
STOPPED = "stopped"
SECRETS = frozenset(("session", "serial", "player_key", "password"))  # of a server's own saves


@dataclass(frozen=True, slots=True)
class Identity:
    """Who is meant.

    Attributes:
        owner: What the player proved; empty for a guest, of whom nothing but a name is known.
        names: What the player was called, ascending.
    """

    owner: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        """Return the owner with the names, or the names."""
        called = ", ".join(self.names)
        return f"{self.owner} ({called})" if self.owner and called else self.owner or called

    @property
    def all_names(self) -> frozenset[str]:
        """Owner and names: what texts may call the player."""
        return frozenset(name for name in (self.owner, *self.names) if name)

    def fits(self, person: Person) -> bool:
        """Tell whether somebody is meant; a guest is, who has one of the names."""
        return person.owner == self.owner if person.owner else person.name in self.names


def identify(store: Reading, text: str) -> Identity:
    """Find out who is meant by a name or an owner.

    Raises:
        EcsnetError: Nobody is called so, or several players are.
    """
    people = set(_people_in(store))
    meant = {person for person in people if text in {person.name, person.owner}} if text else set()
    if not meant and text and any(text in texts_of(save.components) for save in store.saves()):
        return Identity("", (text,))  # of its matches nothing is left
    if not meant:
        hint = (
            ": see `ecsnet data world`" if text == WORLD_OWNER else ": names and owners are compared letter by letter"
        )
        raise EcsnetError(f"nothing is kept of a player {text!r}{hint}")
    proved = sorted({person.owner for person in meant} - {""})
    if len(proved) > 1:
        raise EcsnetError(f"{text!r} is what several players were called: name one, {printable(' or '.join(proved))}")
    owner = proved[0] if proved else ""
    names = {person.name for person in people if person in meant or (owner and person.owner == owner)}
    return Identity(owner, tuple(sorted(names - {""})))


def _people_in(store: Reading) -> Iterator[Person]:
    for save in store.saves():
        if save.name.owner not in {WORLD_OWNER, SERVER_OWNER}:
            yield Person(save.player, save.name.owner)
    for match in store.matches():
        for one in told(store, match, kinds=SESSION_KINDS):
            yield from one.people


@dataclass(frozen=True, slots=True)
class Stay:
    """A player's time in one match, from coming to leaving; coming back begins another.

    Two guests of one name may be there at once: each connection has stays of its own.

    Attributes:
        since: In seconds since 1970.
        until: The same; None as long as the end is not known.
        seconds: How long it was; up to the last that is known of the match.
        person: How he was called, and what he had proved.
        ended: How: "left", "lost", "moved", or as the match did; "stopped" where the server was down, which another
            run of it told; empty where it is not known.
        reason: Why, or whereto, as the event says.
    """

    match: Match
    person: Person
    since: float
    until: float | None
    seconds: float
    ended: str = ""
    reason: str = ""


def stays(store: Reading, identity: Identity) -> Iterator[Stay]:
    """Return when a player was where, oldest match first."""
    for match in store.matches():
        yield from sorted(_stays_in(store, match, identity), key=lambda stay: stay.since)


def _stays_in(store: Reading, match: Match, identity: Identity) -> Iterator[Stay]:
    current: dict[int | None, Stay] = {}  # by the client's id
    for one in told(store, match, kinds=(*COMING, *LEAVING, RESUMED)):
        event = one.event
        if event.kind == RESUMED and current:
            stopped = last_known(store, match, before=event)
            yield from (_ended(stay, stopped, STOPPED) for stay in current.values())
            current.clear()
        person = next((person for person in one.people if identity.fits(person)), None)
        if person is None:
            continue
        client_id = number_in(event.data, "client_id")
        if event.kind in COMING:
            current.setdefault(client_id, Stay(match, person, since=event.time, until=None, seconds=0.0))
        elif client_id in current:
            reason = next(filter(None, (text_in(event.data, name) for name in ("text", "reason", "to"))), "")
            yield _ended(current.pop(client_id), event.time, event.kind, reason)
    last = match.ended if match.ended is not None or not current else last_known(store, match)
    for stay in current.values():
        yield replace(_ended(stay, last or stay.since, match.ending), until=match.ended)


def _ended(stay: Stay, until: float, how: str, reason: str = "") -> Stay:
    return replace(stay, until=until, seconds=max(0.0, until - stay.since), ended=how, reason=reason)


def export(store: Reading, identity: Identity) -> Iterator[Document]:
    """Return all that is kept of a player, a document each; "kept" says what it is.

    Events and matches may name other players, too: what happened between two is kept of both.
    """
    yield {"kept": "player", "owner": identity.owner, "names": list(identity.names)}
    for save in store.saves():  # also what the world or a server has of the player
        if save.name.owner == identity.owner or not identity.all_names.isdisjoint(texts_of(save.components)):
            yield {"kept": "save", **asdict(save), "components": _without_secrets(save)}
    for match in store.matches():
        head: Iterator[Document] = iter([{"kept": "match", **asdict(match)}])
        for document in chain(_events_about(store, match, identity), _snapshots_with(store, match, identity)):
            yield from head  # once, and only if there is something to follow
            yield document


def _without_secrets(save: Save) -> Document:
    """Return what a save says, without that by which a server knows a player again: who has it is that player."""
    if save.name.owner != SERVER_OWNER:
        return save.components
    return {
        name: {field: value for field, value in part.items() if field not in SECRETS}
        if isinstance(part, dict)
        else part
        for name, part in save.components.items()
    }


def saves_of(store: Reading, identity: Identity) -> Iterator[Save]:
    """Return what is kept of a player for good."""
    return store.saves(owner=identity.owner) if identity.owner else iter(())


def _events_about(store: Reading, match: Match, identity: Identity) -> Iterator[Document]:
    for one in told(store, match):
        if one.is_about(identity.all_names):
            yield {"kept": "event", **asdict(one.event)}


def _snapshots_with(store: Reading, match: Match, identity: Identity) -> Iterator[Document]:
    """Return what snapshots say of a player: that he was there, and his entities."""
    names = identity.all_names
    for snapshot in store.snapshots(match.id):
        players = [player for player in snapshot.players if not names.isdisjoint(texts_of(player))]
        entities = list(narrowed(snapshot, names=names))
        if players or entities:
            moment = {"match": match.id, "tick": snapshot.tick, "time": snapshot.time, "seconds": snapshot.seconds}
            yield {"kept": "snapshot", **moment, "players": players, "entities": entities}
