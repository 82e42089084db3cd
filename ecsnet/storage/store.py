"""Store: what is kept of games, and the one small interface to wherever it is kept.

Whatever is written is a document: texts, numbers, lists and mappings, as JSON has them, with names that a person can
read. A server writes batches, from a thread of its own; anybody may read at the same time, from another process, too.

Words: a *match* is one game in one room, from its first player to its result. Its *events* are what happened in it,
numbered. Its *snapshots* are how its World stood. A *save* is what is kept of one `Persistent` entity for good,
whatever becomes of the match.

Times are in seconds since 1970, and kept to the millisecond or finer.

An *owner* says whose a save is: "account/anna", "token/1234", "key/ab12..." for players, by what they have proved;
"world" for what belongs to nobody; "server" for what a server has to remember across a restart.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from ecsnet.quoting import quoted

__all__ = [
    "SERVER_OWNER",
    "WORLD_OWNER",
    "Batch",
    "Document",
    "Forgotten",
    "Match",
    "Save",
    "SaveName",
    "Snapshot",
    "Store",
    "StoredEvent",
]

Document: TypeAlias = dict[str, object]  # what JSON can say: None, bool, int, finite float, str, list, Document

WORLD_OWNER = "world"
SERVER_OWNER = "server"


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One game in one room.

    Attributes:
        id: Names it, unique in a store, such as "20261130-180000-soccer"; fit for file names.
        game: The `Game.name`.
        version: The `Game.version`.
        room: The code of the room; empty where there is but one.
        started: When, in seconds since 1970.
        ended: The same; None while it is on, or was on when the server died.
        ending: How it ended: "finished", "closed" with its room, "stopped" with its server, "abandoned" by one
            that did not come to an end; empty while it is on.
        tick_rate_hz: Ticks a second.
        summary: How it stood when it ended, as the game's `summary` says.
    """

    id: str
    game: str
    version: str = ""
    room: str = ""
    started: float
    ended: float | None = None
    ending: str = ""
    tick_rate_hz: float = 60.0
    summary: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """Something that happened in a match.

    Attributes:
        match: Its id.
        number: Which of the match, from 1; events are in this order.
        tick: When, as the World counts.
        time: When, in seconds since 1970.
        kind: "joined", "left", "refused-call", ..., or the name of a game's own event, such as "GoalScored".
        players: Owners of the players it is about, as far as they have proved who they are.
        data: What is to be said of it, by name.
    """

    match: str
    number: int
    tick: int
    time: float
    kind: str
    players: tuple[str, ...] = ()
    data: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """How the World of a match stood at the end of one tick.

    Attributes:
        match: Its id.
        tick: When, as the World counts.
        time: When, in seconds since 1970.
        seconds: How long the match had been on.
        players: Who was there: `{"client_id", "name", "status", "entity", "player"}`, the last one an owner or "".
        count: How many entities there are.
        entities: One document each, ascending: `{"entity": 7, "owner": {"client_id": 3, "name": "anna"}, "components":
            {"Transform2D": {"x": 1.5, ...}, ...}}`; "owner" only where there is one. Of a snapshot that is written,
            made one by one as they are asked for, once; as many as `count`, or it is not kept. Of one that was read,
            a list.
        state: What else a server needs to go on from here.
    """

    match: str
    tick: int
    time: float
    seconds: float
    players: Sequence[Document] = ()
    count: int = 0
    entities: Iterable[Document] = ()
    state: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class SaveName:
    """What names a save; `key` is empty for the one that an owner has without naming it."""

    game: str
    owner: str
    key: str = ""

    def __str__(self) -> str:
        """Return it as a message says it."""
        return f"the save {quoted(self.key)} of {self.owner}" if self.key else f"the save of {self.owner}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """What is kept of one entity for good.

    Attributes:
        name: Which.
        revision: Rises by one with each change: of two, the higher counts.
        time: When it was changed, in seconds since 1970.
        player: How the owner was called then, or whom a save of the server's own is about; empty for the world's.
        components: By the names of components and fields: `{"Gold": {"amount": 50}}`.
    """

    name: SaveName
    revision: int
    time: float
    player: str = ""
    components: Document = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Batch:
    """What is written together. A lone SQLite file takes it whole or not at all.

    Attributes:
        removed: Saves that are not needed any more; they go last, whatever else the batch says of them.
    """

    matches: Sequence[Match] = ()
    events: Sequence[StoredEvent] = ()
    saves: Sequence[Save] = ()
    snapshots: Sequence[Snapshot] = ()
    removed: Sequence[SaveName] = ()


@dataclass(frozen=True, slots=True)
class Forgotten:
    """How much was deleted of a player, and in how much of the rest the player's names were struck out."""

    saves: int = 0
    events: int = 0
    changed: int = 0


class Writing(Protocol):
    """What a server needs."""

    def write(self, batch: Batch) -> Sequence[SaveName]:
        """Keep everything, for good when this returns, also through a power cut.

        To write the same again changes nothing: matches go by id and the newer one counts, events by match and number,
        snapshots by match and tick, saves by name and revision. So whoever does not know whether it was written
        writes it again. What has a number or a tick is never replaced: after a restart, go on after the last one.

        Returns:
            The saves that were not written, since the store has others of the same or a higher revision: somebody
            else writes them, too.

        Raises:
            StoreUnavailable: Not now; the same may be right later.
            StoreError: Never; the text says what is wrong with it.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections. May be called again."""
        ...


class Reading(Protocol):
    """What questions are answered from. All raise StoreError, or StoreUnavailable where the same may be right later."""

    def matches(self, game: str = "") -> list[Match]:
        """Return the matches, of one game or of all, oldest first."""
        ...

    def counts(self, match: str) -> tuple[int, int]:
        """Return how many events and how many snapshots of a match there are, without reading them."""
        ...

    def events(
        self, match: str, *, kinds: Sequence[str] = (), player: str = "", since: float = 0.0, until: float | None = None
    ) -> Iterator[StoredEvent]:
        """Return what happened in a match, in order.

        Args:
            kinds: Of these kinds; empty: of all.
            player: About this owner; empty: about anybody.
            since: Not before, in seconds since 1970.
            until: Not after.
        """
        ...

    def snapshots(
        self, match: str, *, since: float = 0.0, until: float | None = None, newest_first: bool = False
    ) -> Iterator[Snapshot]:
        """Return the snapshots of a match, oldest first unless asked otherwise, each read when it is asked for."""
        ...

    def saves(self, game: str = "", owner: str = "") -> Iterator[Save]:
        """Return the saves of one game or of all, of one owner or of all, by name."""
        ...


class Tidying(Protocol):
    """What keeps a store small, and lawful."""

    def remove_match(self, match: str) -> None:
        """Delete a match with its events and snapshots; nothing happens if there is none."""
        ...

    def forget(self, owner: str, names: Sequence[str] = ()) -> Forgotten:
        """Delete what is kept of a player.

        Its saves go, events that are about nobody else, and of SERVER_OWNER the saves that tell the owner, or whose
        `player` it is. In other events, in saves of the world and of others, in snapshots and in summaries of matches
        each text that is exactly the owner or one of the names becomes "(deleted)"; names of fields stay. A save keeps
        its revision, so whoever has it in use writes on.

        Args:
            names: How the player was called, beside what its saves say.
        """
        ...

    def size_bytes(self) -> int:
        """Return how much room the store takes."""
        ...


class Store(Writing, Reading, Tidying, Protocol):
    """All of it; `open_store` gives one."""
