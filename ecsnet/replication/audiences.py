"""Who gets what: audiences, and the views that clients have on them.

An audience is named by what it takes to belong to it: one of some rooms, a cell of the grid in reach, a team. What
everyone who sees an entity may know belongs to exactly one audience, so nobody is told anything twice, however much
rooms overlap. Clients with the same rooms, team and cells share one view, and with it the bytes they are sent.
"""

from collections.abc import Iterable
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ecsnet.replication.grid import Cell, Spot, offsets

if TYPE_CHECKING:
    from ecsnet.replication.chunks import Chunk
    from ecsnet.replication.kinds import Tracked
    from ecsnet.replication.subscriber import Subscriber
    from ecsnet.wire import Tick

__all__ = ["EVERYONE_KEY", "Audience", "AudienceKey", "Audiences", "View", "ViewKey"]


T = TypeVar("T")


class AudienceKey(NamedTuple):
    """What it takes to belong; None and 0 ask for nothing."""

    rooms: frozenset[str] | None = None
    cell: Cell | None = None
    team: int = 0


class ViewKey(NamedTuple):
    """What a client has to offer."""

    rooms: frozenset[str] = frozenset()
    team: int = 0
    spots: tuple[Spot, ...] = ()


EVERYONE_KEY = AudienceKey()


class Audience:
    """What some clients are told, encoded once.

    Attributes:
        is_for_all: Whoever has its cell in reach belongs to it.
        members: The entities whose records it is for.
        views: Those of its clients.
        chunk: What the frame of `told_at` has for it, in one, however long.
    """

    __slots__ = ("chunk", "is_for_all", "key", "members", "told_at", "views")

    def __init__(self, key: AudienceKey) -> None:
        """Start without entities and clients."""
        self.key = key
        self.is_for_all = key.rooms is None and not key.team
        self.members: dict[Tracked, None] = {}
        self.views: dict[View, None] = {}
        self.chunk: Chunk
        self.told_at: Tick | None = None

    def __repr__(self) -> str:
        """Show who belongs to it."""
        return f"Audience({self.key}, {len(self.members)} entities, {len(self.views)} views)"


class View:
    """Clients that belong to the same audiences.

    Attributes:
        sees_all: Every cell of the grid is in reach.
        audiences: That have anything to tell at all.
        subscribers: By client.
    """

    __slots__ = ("audiences", "key", "sees_all", "subscribers")

    def __init__(self, key: ViewKey) -> None:
        """Start without clients."""
        self.key = key
        self.sees_all = any(offsets(spot.reach) is None for spot in key.spots)
        self.audiences: dict[Audience, None] = {}
        self.subscribers: dict[int, Subscriber] = {}

    def __repr__(self) -> str:
        """Show what is seen from here, and by how many."""
        return f"View({self.key}, {len(self.audiences)} audiences, clients={list(self.subscribers)})"

    def sees(self, key: AudienceKey) -> bool:
        """Tell whether clients of this view belong to an audience."""
        return self.meets(key) and (key.cell is None or self._reaches(key.cell))

    def meets(self, key: AudienceKey) -> bool:
        """Tell whether clients of this view belong to an audience if its cell is in reach."""
        return (key.rooms is None or not key.rooms.isdisjoint(self.key.rooms)) and (
            not key.team or key.team == self.key.team
        )

    def _reaches(self, cell: Cell) -> bool:
        return self.sees_all or any(cell - spot.cell in (offsets(spot.reach) or ()) for spot in self.key.spots)

    def chunks(self, tick: "Tick") -> list["Chunk"]:
        """Return what the frame of `tick` has for these clients.

        HOT: once per view per send tick, a step for every audience; tests/bench/bench_state.py.
        """
        return [audience.chunk for audience in self.audiences if audience.told_at == tick]


class Audiences:
    """All audiences that have entities and all views that have clients, kept matched."""

    def __init__(self) -> None:
        """Start empty."""
        self._audiences: dict[AudienceKey, Audience] = {}
        self._views: dict[ViewKey, View] = {}
        self._everywhere: dict[Audience, None] = {}  # those without a cell
        self._by_cell: dict[Cell, dict[Audience, None]] = {}
        self._looking: dict[int, dict[Cell, dict[View, None]]] = {}  # views by reach and cell of each of their spots
        self._views_of_all: dict[View, None] = {}  # those that see every cell

    def __repr__(self) -> str:
        """Show how many there are."""
        return f"Audiences({len(self._audiences)}, {len(self._views)} views)"

    def open(self, key: AudienceKey) -> Audience:
        """Return an audience; whoever asks makes an entity a member of it, or it stays without end."""
        audience = self._audiences.get(key)
        if audience is None:
            audience = self._audiences[key] = Audience(key)
            self._open(audience)
        return audience

    def leave(self, tracked: "Tracked", audience: Audience) -> None:
        """Make an entity's records unknown to an audience, which goes with the last one."""
        del audience.members[tracked]
        if audience.members:
            return
        del self._audiences[audience.key]
        for view in audience.views:
            del view.audiences[audience]
        if audience.key.cell is None:
            del self._everywhere[audience]
        else:
            _take(self._by_cell, audience.key.cell, audience)

    def join(self, subscriber: "Subscriber", key: ViewKey) -> View:
        """Give a client a view; return it."""
        view = self._views.get(key)
        if view is None:
            view = self._views[key] = View(key)
            self._raise(view)
        view.subscribers[subscriber.client_id] = subscriber
        return view

    def part(self, subscriber: "Subscriber", view: View) -> None:
        """Take a view from a client; it goes with the last one."""
        del view.subscribers[subscriber.client_id]
        if view.subscribers:
            return
        del self._views[view.key]
        for audience in view.audiences:
            del audience.views[view]
        if view.sees_all:
            del self._views_of_all[view]
            return
        for cell, reach in view.key.spots:
            _take(self._looking[reach], cell, view)
            if not self._looking[reach]:
                del self._looking[reach]

    def _open(self, audience: Audience) -> None:
        cell = audience.key.cell
        if cell is None:
            self._everywhere[audience] = None
            _match(self._views.values(), [audience])
        else:
            self._by_cell.setdefault(cell, {})[audience] = None
            _match([*self._views_of_all, *self._views_near(cell)], [audience])

    def _raise(self, view: View) -> None:
        _match([view], self._everywhere)
        if view.sees_all:
            self._views_of_all[view] = None
            _match([view], [audience for found in self._by_cell.values() for audience in found])
            return
        _match([view], self._in_reach(view))
        for cell, reach in view.key.spots:
            self._looking.setdefault(reach, {}).setdefault(cell, {})[view] = None

    # A view is noted at its spots alone and an audience at its cell, as a view comes and goes with every step across a
    # border. Noted in each of its 69 cells it took 30 µs more.

    def _in_reach(self, view: View) -> list[Audience]:
        """Return the audiences in the cells a view reaches; one may be there twice."""
        at = self._by_cell.get
        cells = [map(cell.__add__, offsets(reach) or ()) for cell, reach in view.key.spots]
        return [audience for found in map(at, chain(*cells)) if found for audience in found]

    def _views_near(self, cell: Cell) -> list[View]:
        """Return the views that reach a cell; one may be there twice."""
        return [
            view
            for reach, views_at in self._looking.items()
            for found in map(views_at.get, map(cell.__sub__, offsets(reach) or ()))
            if found
            for view in found
        ]


def _match(views: Iterable[View], audiences: Iterable[Audience]) -> None:
    """Make views belong to audiences whose cells they reach, if they meet what these ask for besides."""
    for view in views:
        for audience in audiences:
            if audience.is_for_all or view.meets(audience.key):
                view.audiences[audience] = audience.views[view] = None


def _take(table: dict[Cell, dict[T, None]], cell: Cell, item: T) -> None:
    table[cell].pop(item)
    if not table[cell]:
        del table[cell]
