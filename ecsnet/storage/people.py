"""People: whom the events of a match are about, and what happened before somebody left.

A player is named in two ways: by a name, which anybody may take, and by an owner such as "account/anna", which was
proved. Many events tell only a client id; which name and owner belong to it was told when that client joined.
"""

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from ecsnet.storage.documents import number_in, text_in, texts_of
from ecsnet.storage.store import Match, Reading, StoredEvent

__all__ = ["COMING", "LEAVING", "MAX_BEFORE", "SESSION_KINDS", "Person", "Told", "before_leaving", "told"]

COMING = ("joined", "returned", "stayed")  # the last one: from the match before
DISCONNECTED = ("lost", "left")
LEAVING = (*DISCONNECTED, "moved")  # the last one: to another room
SESSION_KINDS = (*COMING, *LEAVING)  # these tell client id, name and owner
MAX_BEFORE = 10_000  # events kept while waiting for somebody to leave; of more, the last ones


@dataclass(frozen=True, slots=True)
class Person:
    """A player as an event names him; the owner is empty for whoever has proved nothing."""

    name: str = ""
    owner: str = ""

    def __str__(self) -> str:
        """Return the name, or for want of one the owner."""
        return self.name or self.owner

    def is_called(self, names: Collection[str]) -> bool:
        """Tell whether the name or the owner is one of these."""
        return any(text in names for text in (self.name, self.owner) if text)


@dataclass(frozen=True, slots=True)
class Told:
    """An event, and whom it is about."""

    event: StoredEvent
    people: tuple[Person, ...]

    def is_about(self, names: Collection[str]) -> bool:
        """Tell whether it is about, or names, whoever has one of these names or owners."""
        said = (text in names for text in texts_of(self.event.data) if text)
        return any(person.is_called(names) for person in self.people) or any(said)


def told(
    store: Reading, match: Match, *, kinds: Sequence[str] = (), since: float = 0.0, until: float | None = None
) -> Iterator[Told]:
    """Return what happened in a match, in order, with the people that it is about.

    Args:
        kinds: Of these kinds; empty: of all.
        since: Not before, in seconds since 1970.
        until: Not after.
    """
    cast = _Cast()
    sessions = store.events(match.id, kinds=SESSION_KINDS, until=until)
    session = next(sessions, None)
    for event in store.events(match.id, kinds=kinds, since=since, until=until):
        while session is not None and session.number <= event.number:
            cast.note(session)
            session = next(sessions, None)
        yield Told(event, cast.of(event))


class _Cast:
    """Who is who at one point of a match. As large as there are players in it."""

    def __init__(self) -> None:
        self._clients: dict[int, Person] = {}
        self._names: dict[str, str] = {}

    def note(self, event: StoredEvent) -> None:
        """Learn from an event of SESSION_KINDS."""
        client_id, name = number_in(event.data, "client_id"), text_in(event.data, "name")
        owner = event.players[0] if event.players else ""
        if owner and name:
            self._names[owner] = name
        if client_id is not None and name:
            self._clients[client_id] = Person(name, owner)

    def of(self, event: StoredEvent) -> tuple[Person, ...]:
        """Return whom an event is about, nobody twice."""
        people = [Person(self._names.get(owner, ""), owner) for owner in event.players]
        client_id = number_in(event.data, "client_id")
        if client_id is not None and client_id in self._clients:
            people.append(self._clients[client_id])
        return tuple(dict.fromkeys(people))


def before_leaving(events: Iterable[Told], names: Collection[str], seconds: float) -> Iterator[Told]:
    """Return what happened in the last seconds before somebody's connection ended, each time, and that it ended."""
    recent: deque[Told] = deque(maxlen=MAX_BEFORE)
    for one in events:
        recent.append(one)
        while recent[0].event.time < one.event.time - seconds:
            recent.popleft()
        if one.event.kind in DISCONNECTED and any(person.is_called(names) for person in one.people):
            yield from recent
            recent.clear()
