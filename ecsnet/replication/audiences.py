"""Who gets what: audiences, and the views that clients have on them.

An audience is named by what it takes to belong to it: one of some rooms, a cell of the grid in reach, a team. What
everyone who sees an entity may know belongs to exactly one audience, so nobody is told anything twice, however much
rooms overlap. Clients with the same rooms, team and cells share one view, and with it the bytes they are sent.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from ecsnet.replication.grid import Cell, Spot, cells_in_reach

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
        members: The entities whose records it is for.
        views: Those of its clients.
        chunks: What the frame of `told_at` has for it.
    """

    __slots__ = ("chunks", "key", "members", "told_at", "views")

    def __init__(self, key: AudienceKey) -> None:
        """Start without entities and clients."""
        self.key = key
        self.members: dict[Tracked, None] = {}
        self.views: dict[View, None] = {}
        self.chunks: list[Chunk] = []
        self.told_at: Tick | None = None

    def __repr__(self) -> str:
        """Show who belongs to it."""
        return f"Audience({self.key}, {len(self.members)} entities, {len(self.views)} views)"


class View:
    """Clients that belong to the same audiences.

    Attributes:
        cells: Of the grid, in reach; None: all there are.
        audiences: That have anything to tell at all.
        subscribers: By client.
    """

    __slots__ = ("audiences", "cells", "key", "subscribers")

    def __init__(self, key: ViewKey) -> None:
        """Start without clients."""
        self.key = key
        self.cells = cells_in_reach(key.spots)
        self.audiences: dict[Audience, None] = {}
        self.subscribers: dict[int, Subscriber] = {}

    def __repr__(self) -> str:
        """Show what is seen from here, and by how many."""
        return f"View({self.key}, {len(self.audiences)} audiences, clients={list(self.subscribers)})"

    def sees(self, key: AudienceKey) -> bool:
        """Tell whether clients of this view belong to an audience."""
        return (
            (key.rooms is None or not key.rooms.isdisjoint(self.key.rooms))
            and (key.cell is None or self.cells is None or key.cell in self.cells)
            and (not key.team or key.team == self.key.team)
        )

    def chunks(self, tick: "Tick") -> list["Chunk"]:
        """Return what the frame of `tick` has for these clients.

        HOT: once per view per send tick, a step for every audience; tests/bench/bench_state.py.
        """
        return [chunk for audience in self.audiences if audience.told_at == tick for chunk in audience.chunks]


class Audiences:
    """All audiences that have entities and all views that have clients, kept matched."""

    def __init__(self) -> None:
        """Start empty."""
        self._audiences: dict[AudienceKey, Audience] = {}
        self._views: dict[ViewKey, View] = {}
        self._everywhere: dict[Audience, None] = {}  # those without a cell
        self._by_cell: dict[Cell, dict[Audience, None]] = {}
        self._views_by_cell: dict[Cell, dict[View, None]] = {}
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
        if view.cells is None:
            del self._views_of_all[view]
        for cell in view.cells or ():
            _take(self._views_by_cell, cell, view)

    def _open(self, audience: Audience) -> None:
        cell = audience.key.cell
        candidates: Iterable[View] = self._views.values()
        if cell is None:
            self._everywhere[audience] = None
        else:
            self._by_cell.setdefault(cell, {})[audience] = None
            candidates = (*self._views_by_cell.get(cell, ()), *self._views_of_all)
        for view in candidates:
            if view.sees(audience.key):
                view.audiences[audience] = audience.views[view] = None

    def _raise(self, view: View) -> None:
        cells = self._by_cell.keys() if view.cells is None else view.cells & self._by_cell.keys()
        in_reach = [audience for cell in sorted(cells) for audience in self._by_cell[cell]]
        for audience in (*self._everywhere, *in_reach):
            if view.sees(audience.key):
                view.audiences[audience] = audience.views[view] = None
        if view.cells is None:
            self._views_of_all[view] = None
        for cell in view.cells or ():
            self._views_by_cell.setdefault(cell, {})[view] = None


def _take(table: dict[Cell, dict[T, None]], cell: Cell, item: T) -> None:
    table[cell].pop(item)
    if not table[cell]:
        del table[cell]
